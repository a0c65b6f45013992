from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.support.config_errors import problems_of, report_of
from wssdk.config import ClientConfig
from wssdk.config_keywords import KEYWORDS
from wssdk.errors import ConfigError, InvalidURI

URI = "wss://example.com"


def connect(uri: str | None = URI, /, **keywords: Any) -> ClientConfig:
    return ClientConfig.from_connect(uri, **keywords)


def option(config: ClientConfig, path: str) -> object:
    value: object = config
    for name in path.split("."):
        value = getattr(value, name)
    return value


def test_uri_alone() -> None:
    assert connect() == ClientConfig(uri=URI)


def test_uri_may_come_later() -> None:
    assert connect(None, path="/s").uri is None


@pytest.mark.parametrize(
    ("keyword", "value", "path", "expected"),
    [
        ("origin", "https://a.b", "origin", "https://a.b"),
        ("origin", None, "origin", None),
        ("subprotocols", ["chat"], "subprotocols", ("chat",)),
        ("subprotocols", None, "subprotocols", ()),
        ("additional_headers", {"A": "1"}, "headers", {"A": "1"}),
        ("additional_headers", None, "headers", {}),
        ("additional_headers", [("A", "${env:HOME}")], "headers", {"A": "${env:HOME}"}),
        ("user_agent_header", "me", "user_agent", "me"),
        ("user_agent_header", None, "user_agent", None),
        ("compression", "deflate", "compression.enabled", True),
        ("compression", None, "compression.enabled", False),
        ("open_timeout", 5, "timeouts.open", 5.0),
        ("open_timeout", None, "timeouts.open", None),
        ("close_timeout", "500ms", "timeouts.close", 0.5),
        ("ping_interval", 5, "keepalive.interval", 5.0),
        ("ping_interval", None, "keepalive.interval", None),
        ("ping_timeout", 5, "keepalive.timeout", 5.0),
        ("idle_timeout", "1m", "keepalive.idle_timeout", 60.0),
        ("idle_timeout", None, "keepalive.idle_timeout", None),
        ("on_full", "latest", "limits.on_full", "latest"),
        ("max_queue_bytes", "1 MiB", "limits.max_queue_bytes", 2**20),
        ("max_queue_bytes", None, "limits.max_queue_bytes", None),
        ("max_size", None, "limits.max_size", None),
        ("max_size", (10, 5), "limits.max_size", (10, 5)),
        ("max_queue", (10, 5), "limits.max_queue", (10, 5)),
        ("max_queue", None, "limits.max_queue", None),
        ("read_limit", 10, "limits.read_limit", 10),
        ("read_limit", None, "limits.read_limit", 2**16),
        ("write_limit", (10, None), "limits.write_limit", 10),
        ("write_limit", None, "limits.write_limit", 2**16),
        ("proxy", None, "proxy.enabled", False),
        ("proxy", False, "proxy.enabled", False),
        ("host", "h", "network.host", "h"),
        ("port", 5, "network.port", 5),
        ("family", socket.AF_INET, "network.family", "ipv4"),
        ("family", socket.AF_INET6, "network.family", "ipv6"),
        ("family", 0, "network.family", "any"),
        ("local_addr", ("127.0.0.1", 5), "network.local_host", "127.0.0.1"),
        ("local_addr", ("127.0.0.1", 5), "network.local_port", 5),
        ("local_addr", ("127.0.0.1", 0), "network.local_port", None),
        ("local_addr", None, "network.local_host", None),
        ("happy_eyeballs_delay", None, "network.happy_eyeballs_delay", None),
        ("interleave", 1, "network.interleave", 1),
        ("server_hostname", "h", "tls.server_hostname", "h"),
        ("ssl_handshake_timeout", 5, "timeouts.tls_handshake", 5.0),
        ("ssl_handshake_timeout", None, "timeouts.tls_handshake", 60.0),
        ("ssl_shutdown_timeout", 5, "timeouts.tls_shutdown", 5.0),
        ("ssl_shutdown_timeout", None, "timeouts.tls_shutdown", 30.0),
        ("path", "/s", "network.unix_path", "/s"),
    ],
)
def test_keyword(keyword: str, value: object, path: str, expected: object) -> None:
    assert option(connect(**{keyword: value}), path) == expected


def test_timeout_of_the_proxy_that_is_the_default() -> None:
    assert connect(proxy_ssl_handshake_timeout=None).proxy == ClientConfig().proxy


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("compression", "gzip", "compression: expected \"deflate\" or None, got 'gzip'"),
        ("family", 99, "family: expected socket.AF_INET, socket.AF_INET6 or 0, got 99"),
        ("family", [], "family: expected socket.AF_INET, socket.AF_INET6 or 0, got a list"),
        ("local_addr", "h", "local_addr: expected a pair of host and port, got 'h'"),
        ("local_addr", ("h",), "local_addr: expected a pair of host and port, got a tuple"),
        ("local_addr", (None, 5), "local_addr: a local port needs its local address"),
        ("max_queue", (1, 2), "max_queue: low water, 2, is above high water, 1"),
        (
            "open_timeout",
            0,
            'open_timeout: expected a duration such as 10, 2.5, "10s" or "500ms",'
            " or None to switch it off, got 0",
        ),
        (
            "additional_headers",
            {"Host": "h"},
            "additional_headers, Host: the opening handshake sets this header itself",
        ),
        (
            "additional_headers",
            5,
            "additional_headers: expected a mapping of header names to texts, or pairs of them, got an int",
        ),
        (
            "user_agent_header",
            "a\nb",
            "user_agent_header: expected a text without control characters, or None, got a str",
        ),
    ],
)
def test_problem_is_told_by_keyword(keyword: str, value: object, message: str) -> None:
    (problem,) = problems_of(lambda: connect(**{keyword: value}))
    assert (problem.where, problem.message) == ("code", message)


def test_problem_has_the_options_path() -> None:
    assert problems_of(lambda: connect(open_timeout=0))[0].path == "timeouts.open"


def test_all_problems_are_told() -> None:
    def call() -> ClientConfig:
        return connect(
            compression="gzip",
            open_timeout=0,
            ping_interval=0,
            max_size=0,
            subprotocols=["a b"],
            additional_headers={"Host": "h"},
        )

    told = [problem.message.partition(":")[0] for problem in problems_of(call)]
    assert sorted(told) == [
        "additional_headers, Host",
        "compression",
        "max_size",
        "open_timeout",
        "ping_interval",
        "subprotocols",
    ]


def test_problem_of_no_keyword_keeps_its_option() -> None:
    (problem,) = problems_of(lambda: connect("ws://h", server_hostname="h"))
    assert problem.message == "server_hostname: a ws:// URI is opened without TLS"


@pytest.mark.parametrize("uri", ["http://h", "ws://", "ws://h#f", ""])
def test_bad_uri_has_its_own_exception(uri: str) -> None:
    with pytest.raises(InvalidURI):
        connect(uri)


def test_config_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="compression"):
        connect(compression="gzip")


@pytest.mark.parametrize(
    ("keyword", "suggestion"),
    [("opne_timeout", ". Did you mean 'open_timeout'?"), ("zzz", ""), ("ssl", "")],
)
def test_unknown_keyword(keyword: str, suggestion: str) -> None:
    with pytest.raises(TypeError) as caught:
        connect(**{keyword: 5})
    assert str(caught.value) == f"connect() got an unexpected keyword argument {keyword!r}{suggestion}"


def test_headers_are_not_told() -> None:
    assert "hush" not in report_of(lambda: connect(additional_headers={"X": "hush\n"}))


def test_every_keyword_stands_for_an_option() -> None:
    config = attrs.asdict(ClientConfig(), recurse=False)
    for path in KEYWORDS.values():
        section, _, name = path.partition(".")
        assert not name or hasattr(config[section], name)


@pytest.mark.parametrize("call", [lambda: connect(compression="gzip"), lambda: connect(open_timeout=0)])
def test_nothing_is_chained(call: Callable[[], object]) -> None:
    with pytest.raises(ConfigError) as caught:
        call()
    assert caught.value.__context__ is None
