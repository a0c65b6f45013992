from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.config_errors import problems_of, report_of
from wssdk.config import (
    Auth,
    ClientConfig,
    Keepalive,
    Limits,
    Network,
    Proxy,
    Reconnect,
    Timeouts,
    Tls,
)


def test_report_of_code() -> None:
    assert report_of(lambda: Timeouts(open=0, close="5 sec", tls_handshake="none")) == (
        'code: timeouts.open: expected a duration such as 10, 2.5, "10s" or "500ms",'
        " or None to switch it off, got 0\n"
        "  hint: it must be above 0; to switch it off, write None\n"
        "\n"
        'code: timeouts.close: expected a duration such as 10, 2.5, "10s" or "500ms",'
        " or None to switch it off, got '5 sec'\n"
        "  hint: unknown unit 'sec', did you mean 's'?\n"
        "\n"
        'code: timeouts.tls_handshake: expected a duration such as 10, 2.5, "10s" or "500ms", got \'none\'\n'
        "  hint: it cannot be switched off"
    )


def test_all_problems_of_the_top_level_are_told() -> None:
    def call() -> None:
        ClientConfig(
            uri="http://h",
            subprotocols="chat",
            headers={"Host": "h"},
            timeouts=5,  # type: ignore[arg-type]
            compression="deflate",  # type: ignore[arg-type]
            proxy="no proxy",
        )

    assert [problem.path for problem in problems_of(call)] == [
        "uri",
        "subprotocols",
        "headers.Host",
        "timeouts",
        "compression",
        "proxy.url",
    ]


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (0, "0"),
        (5.5, "5.5"),
        ("x", "'x'"),
        (True, "True"),
        ([], "a list"),
        ({}, "a dict"),
        (object(), "an object"),
        (10**100, "an int"),
        ("x" * 300, "'" + "x" * 200 + "...'"),
        ("a\nb", "'a\\nb'"),
        ("https://user:hush@h", "'https://********@h'"),
    ],
    ids=repr,
)
def test_value_is_told_as_code_writes_it(value: Any, got: str) -> None:
    (problem,) = problems_of(lambda: Network(port=value))
    assert problem.message == f"network.port: expected a port from 1 to 65535, or None, got {got}"


def test_secret_is_not_told() -> None:
    (problem,) = problems_of(lambda: Auth(token="hush\n"))
    assert problem.message == (
        "auth.token: expected a secret text of one line, without control characters, got a str"
    )


def test_wrong_section() -> None:
    (problem,) = problems_of(lambda: ClientConfig(tls=Timeouts()))  # type: ignore[arg-type]
    assert problem.message == "tls: expected a Tls, got a Timeouts"


@pytest.mark.parametrize(
    ("make", "path", "text"),
    [
        (lambda: Tls(key_file="k"), "tls.key_file", "a key needs its certificate"),
        (lambda: Tls(cert_file="c", key_password="p"), "tls.key_password", "there is no key to open"),
        (lambda: Proxy(password="p"), "proxy.password", "a password needs its username"),
        (lambda: Network(local_port=5), "network.local_port", "a local port needs its local address"),
        (
            lambda: Network(unix_path="/s", host="h"),
            "network.host",
            "a Unix socket (network.unix_path) has no hosts and no ports",
        ),
        (
            lambda: Network(unix_path="/s", port=5),
            "network.port",
            "a Unix socket (network.unix_path) has no hosts and no ports",
        ),
        (lambda: Reconnect(min=70), "reconnect.min", "70 s is above reconnect.max"),
        (lambda: Reconnect(max=2), "reconnect.max", "2 s is below reconnect.min"),
        (lambda: Reconnect(min=5, max=4), "reconnect.max", "4 s is below reconnect.min"),
        (
            lambda: ClientConfig(uri="ws://h", tls=Tls(verify=False)),
            "tls.verify",
            "a ws:// URI is opened without TLS",
        ),
        (
            lambda: ClientConfig(uris=["ws://h", "ws://i"], tls=Tls(verify=False)),
            "tls.verify",
            "a ws:// URI is opened without TLS",
        ),
        (lambda: ClientConfig(uri="ws://h", uris=["ws://i"]), "uris", "uri is set, too"),
        (
            lambda: ClientConfig(headers={"authorization": "x"}, auth=Auth(token="t")),
            "auth.token",
            "the header Authorization is set twice",
        ),
        (
            lambda: ClientConfig(headers={"X-Key": "x"}, auth=Auth(token="t", header="x-key")),
            "auth.token",
            "the header x-key is set twice",
        ),
        (lambda: Limits(max_queue=(1, 2)), "limits.max_queue", "low water, 2, is above high water, 1"),
    ],
)
def test_rule_between_options(make: Callable[[], object], path: str, text: str) -> None:
    (problem,) = problems_of(make)
    assert (problem.where, problem.path, problem.message) == ("code", path, f"{path}: {text}")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Keepalive(interval=None, timeout=5),
        lambda: Tls(cert_file="c"),
        lambda: Tls(cert_file="c", key_file="k", key_password="p"),
        lambda: Tls(verify=False),
        lambda: Network(unix_path="/s", tcp_nodelay=False),
        lambda: Network(local_host="::1", local_port=5),
        lambda: Reconnect(min=60, max=60),
        lambda: ClientConfig(uri="WSS://h", tls=Tls(ca_file="c")),
        lambda: ClientConfig(uris=["WSS://h", "wss://i"], tls=Tls(ca_file="c")),
        lambda: ClientConfig(tls=Tls(ca_file="c")),
        lambda: ClientConfig(headers={"Authorization": "x"}),
        lambda: ClientConfig(headers={"Authorization": "x"}, auth=Auth(header="X-Key", token="t")),
        lambda: ClientConfig(uri="ws://h", network=Network(unix_path="/s")),
    ],
)
def test_rule_that_is_kept(make: Callable[[], object]) -> None:
    assert make()


def test_header_line_in_the_place_of_its_name_is_not_told() -> None:
    (problem,) = problems_of(lambda: Network(keep_headers=["Cookie: s3cret"]))
    assert problem.path == "network.keep_headers"
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            'key_file = "k"\nkey_password = "p"',
            [("tls.key_file", "set tls.cert_file")],
        ),
        (
            'cert_file = 5\nkey_file = "k"\nkey_password = "p"',
            [("tls.cert_file", None)],
        ),
        (
            'key_password = "p"',
            [("tls.key_password", "set tls.key_file")],
        ),
    ],
)
def test_what_lacks_because_of_a_fault_is_none(
    tmp_path: Path, lines: str, told: list[tuple[str, str | None]]
) -> None:
    file = tmp_path / "service.toml"
    file.write_text(f'uri = "wss://h"\n[tls]\n{lines}', encoding="utf-8")
    problems = problems_of(lambda: ClientConfig.from_toml(file))
    assert [(problem.path, problem.hint) for problem in problems] == told


def test_a_port_of_a_unix_socket_gets_one_hint() -> None:
    (problem,) = problems_of(lambda: Network(unix_path="/s", local_port=5))
    assert problem.hint == "keep network.unix_path or network.local_port"
