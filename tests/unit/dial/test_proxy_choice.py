"""Which proxy is chosen, by which rule, and who is bypassed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wssdk.config import Proxy
from wssdk.dial.proxy_choice import ProxyAddress, choose_proxy, is_bypassed, parse_proxy
from wssdk.errors import InvalidProxy
from wssdk.ports import Route

LOGGER = logging.getLogger("tests.proxy")


def chosen(
    environ: dict[str, str] | None = None,
    *,
    secure: bool = True,
    host: str = "example.com",
    port: int = 443,
    section: Proxy | None = None,
    **route: Any,
) -> ProxyAddress | None:
    place = Route(secure, host, port, **route)
    return choose_proxy(section or Proxy(), place, LOGGER, {} if environ is None else environ)


def shown(environ: dict[str, str], **more: Any) -> str | None:
    proxy = chosen(environ, **more)
    return None if proxy is None else str(proxy)


# URLs.


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://proxy", ProxyAddress("http", "proxy", 80)),
        ("https://proxy", ProxyAddress("https", "proxy", 443)),
        ("socks4://proxy", ProxyAddress("socks4", "proxy", 1080)),
        ("socks4a://proxy", ProxyAddress("socks4a", "proxy", 1080)),
        ("socks5://proxy", ProxyAddress("socks5", "proxy", 1080)),
        ("socks5h://proxy", ProxyAddress("socks5h", "proxy", 1080)),
        ("HTTP://Proxy:3128/", ProxyAddress("http", "proxy", 3128)),
        ("http://[::1]:3128", ProxyAddress("http", "::1", 3128)),
        ("http://me:pa%3Ass@proxy", ProxyAddress("http", "proxy", 80, "me", "pa:ss")),
        ("http://me@proxy", ProxyAddress("http", "proxy", 80, "me", None)),
        ("http://m\xfcnchen.example", ProxyAddress("http", "xn--mnchen-3ya.example", 80)),
    ],
)
def test_url(url: str, expected: ProxyAddress) -> None:
    assert parse_proxy(url) == expected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://proxy", "its scheme must be one of"),
        ("proxy:3128", "its scheme must be one of"),
        ("http://", "it has no host"),
        ("http://proxy/path", "has no meaning there"),
        ("http://proxy?query", "has no meaning there"),
        ("http://proxy:port", "it is not a URL"),
        ("http://proxy:99999", "it is not a URL"),
        ("http://[::1", "it is not a URL"),
    ],
)
def test_what_is_no_url_of_a_proxy_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidProxy, match=told):
        parse_proxy(url)


def test_errors_do_not_tell_the_password() -> None:
    with pytest.raises(InvalidProxy) as caught:
        parse_proxy("http://me:pa55word@proxy:port")
    assert "pa55word" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"


def test_a_proxy_does_not_show_who_we_are() -> None:
    proxy = parse_proxy("http://me:pa55word@proxy")
    assert "pa55word" not in f"{proxy} {proxy!r}"


# The configuration.


def test_section_that_is_off_has_none() -> None:
    assert chosen({"https_proxy": "http://p"}, section=Proxy(enabled=False)) is None


def test_url_of_the_configuration_wins() -> None:
    assert chosen({"https_proxy": "http://p"}, section=Proxy(url="http://mine")) == ProxyAddress(
        "http", "mine", 80
    )


def test_url_of_the_configuration_is_for_this_machine_too() -> None:
    assert chosen(host="localhost", section=Proxy(url="http://mine")) is not None


def test_credentials_of_the_configuration_win() -> None:
    section = Proxy(url="http://a:b@mine", username="me", password="secret")
    assert chosen(section=section) == ProxyAddress("http", "mine", 80, "me", "secret")


def test_password_may_be_that_of_the_url() -> None:
    section = Proxy(url="http://a:b@mine", username="me")
    assert chosen(section=section) == ProxyAddress("http", "mine", 80, "me", "b")


@pytest.mark.parametrize("route", [{"unix_path": "/run/x"}, {"options": {"sock": object()}}])
def test_unix_and_given_sockets_have_none(route: dict[str, Any]) -> None:
    assert chosen(section=Proxy(url="http://mine"), **route) is None


# The environment.


@pytest.mark.parametrize(
    ("environ", "secure", "expected"),
    [
        ({}, True, None),
        ({"https_proxy": "http://p"}, True, "http://p:80"),
        ({"HTTPS_PROXY": "http://p"}, True, "http://p:80"),
        ({"https_proxy": "http://low", "HTTPS_PROXY": "http://up"}, True, "http://low:80"),
        ({"https_proxy": "http://p"}, False, "http://p:80"),
        ({"http_proxy": "http://p"}, True, None),
        ({"http_proxy": "http://p"}, False, "http://p:80"),
        ({"http_proxy": "http://a", "https_proxy": "http://b"}, False, "http://b:80"),
        ({"socks_proxy": "socks5://s", "https_proxy": "http://b"}, True, "socks5://s:1080"),
        ({"wss_proxy": "http://w", "socks_proxy": "socks5://s"}, True, "http://w:80"),
        ({"wss_proxy": "http://w"}, False, None),
        ({"ws_proxy": "http://w", "socks_proxy": "socks5://s"}, False, "http://w:80"),
        ({"all_proxy": "socks5h://a"}, True, "socks5h://a:1080"),
        ({"all_proxy": "socks5h://a", "https_proxy": "http://b"}, True, "http://b:80"),
        ({"https_proxy": ""}, True, None),
        ({"https_proxy": "p:3128"}, True, "http://p:3128"),
        ({"socks_proxy": "http://s:1"}, True, "socks5h://s:1"),
        ({"socks_proxy": "s:1"}, True, "socks5h://s:1"),
        ({"all_proxy": "socks://s:1/"}, True, "socks5h://s:1"),
        ({"all_proxy": "SOCKS://s:1/"}, True, "socks5h://s:1"),
        ({"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, False, None),
        ({"http_proxy": "http://p", "REQUEST_METHOD": "GET"}, False, "http://p:80"),
    ],
)
def test_environment(environ: dict[str, str], secure: bool, expected: str | None) -> None:
    assert shown(environ, secure=secure) == expected


@pytest.mark.parametrize(
    "host", ["localhost", "app.localhost", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]
)
def test_this_machine_is_reached_without_the_environments_proxy(host: str) -> None:
    assert shown({"https_proxy": "http://p"}, host=host) is None


def test_no_proxy_bypasses() -> None:
    assert shown({"https_proxy": "http://p", "no_proxy": "example.com"}) is None


def test_no_proxy_of_another_host_does_not() -> None:
    assert shown({"https_proxy": "http://p", "no_proxy": "example.org"}) == "http://p:80"


def test_wrong_proxy_of_the_environment_is_told() -> None:
    with pytest.raises(InvalidProxy, match=r"scheme .*; https_proxy has it$"):
        chosen({"https_proxy": "ftp://p"})


def test_rule_that_chose_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "tests.proxy"):
        chosen({"https_proxy": "http://me:pa55word@p"})
    assert caplog.messages == ["proxy for example.com port 443: http://p:80, by https_proxy"]


# no_proxy.


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "expected"),
    [
        ("", "example.com", 443, False),
        ("*", "example.com", 443, True),
        ("example.com", "example.com", 443, True),
        ("EXAMPLE.com", "example.COM", 443, True),
        ("example.com", "example.com.", 443, True),
        ("example.com", "www.example.com", 443, True),
        (".example.com", "www.example.com", 443, True),
        (".example.com", "example.com", 443, True),
        ("*.example.com", "www.example.com", 443, True),
        ("example.com", "badexample.com", 443, False),
        ("example.com", "example.com.evil", 443, False),
        ("a.com, example.com", "example.com", 443, True),
        ("a.com example.com", "example.com", 443, True),
        ("example.com:443", "example.com", 443, True),
        ("example.com:8443", "example.com", 443, False),
        ("10.0.0.1", "10.0.0.1", 80, True),
        ("10.0.0.1:80", "10.0.0.1", 80, True),
        ("10.0.0.1:81", "10.0.0.1", 80, False),
        ("10.0.0.0/8", "10.9.8.7", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.0.0.5/8", "10.9.8.7", 80, True),
        ("10.0.0.0/99", "10.0.0.1", 80, False),
        ("10.0.0.0/8", "10.example.com", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:81", "::1", 80, False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", 80, True),
        ("fe80::/10", "fe80::1%eth0", 80, True),
        (".", "example.com", 80, False),
        (",,", "example.com", 80, False),
    ],
)
def test_no_proxy(no_proxy: str, host: str, port: int, expected: bool) -> None:
    assert is_bypassed(no_proxy, host, port) is expected


NAMES = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,3}", fullmatch=True)


@given(entries=st.lists(NAMES, max_size=5), host=NAMES)
def test_a_name_stands_for_itself_and_what_is_below_it(entries: list[str], host: str) -> None:
    labels = host.split(".")
    expected = any(entry.split(".") == labels[-len(entry.split(".")) :] for entry in entries)
    assert is_bypassed(",".join(entries), host, 80) is expected


@given(text=st.text(max_size=60), host=st.text(max_size=20), port=st.integers(1, 65535))
def test_any_text_is_taken(text: str, host: str, port: int) -> None:
    assert is_bypassed(text, host, port) in (True, False)
