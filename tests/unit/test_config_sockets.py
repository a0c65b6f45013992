from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk.config import ClientConfig, Network
from wssdk.config_sockets import tcp_keepalive, unix_path
from wssdk.config_values import BadValue


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (False, None),
        (60, 60.0),
        ("1m", 60.0),
        (["60s", "500ms", 5], (60.0, 0.5, 5)),
        ((60, None, None), (60.0, None, None)),
        ([60, False, 5], (60.0, None, 5)),
        (["60", "10", "5"], (60.0, 10.0, 5)),
        ({"idle": "1m"}, (60.0, None, None)),
        ({"count": 127, "interval": 32767, "idle": 32767}, (32767.0, 32767.0, 127)),
    ],
)
def test_keepalive(value: Any, kept: object) -> None:
    assert tcp_keepalive(value) == kept


@pytest.mark.parametrize("value", [None, 60, [60, 10, 5], [60, None, None]])
def test_keepalive_takes_its_own_result(value: Any) -> None:
    kept = tcp_keepalive(value)
    assert tcp_keepalive(kept) == kept


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (True, "switch it off"),
        ("soon", None),
        (0, "above 0"),
        (32768, "at most 32767 seconds"),
        ([60, 32768, 5], "at most 32767 seconds"),
        ([60, 10], None),
        ([60, 10, 5, 1], None),
        ([None, 10, 5], "idle is what switches probes on"),
        ({"interval": 10}, "idle is what switches probes on"),
        ({"idle": 60, "intervall": 10}, "did you mean 'interval'?"),
        ({"idle": 60, "x": 10}, "they are idle, interval and count"),
        ([60, 10, 0], "count is a number of probes from 1 to 127"),
        ([60, 10, 128], "count is a number of probes from 1 to 127"),
        ([60, 10, 2.5], "count is a number of probes from 1 to 127"),
        ([60, 10, True], "count is a number of probes from 1 to 127"),
        ([60, 10, "many"], "count is a number of probes from 1 to 127"),
        ([60, "10 x", 5], "unknown unit"),
    ],
)
def test_keepalive_that_cannot_be(value: Any, hint: str | None) -> None:
    with pytest.raises(BadValue, match="expected a duration, \\[idle, interval, count\\]") as caught:
        tcp_keepalive(value)
    told = caught.value.hint
    assert hint is None or (isinstance(told, str) and hint in told)


@pytest.mark.parametrize(
    "text",
    [
        'tcp_keepalive = ["60s", "10s", 5]',
        'tcp_keepalive = { idle = "60s", interval = "10s", count = 5 }',
        "tcp_keepalive.idle = 60\ntcp_keepalive.interval = 10\ntcp_keepalive.count = 5",
        "[network.tcp_keepalive]\nidle = 60\ninterval = 10\ncount = 5",
    ],
)
def test_keepalive_in_a_file(write: Write, text: str) -> None:
    network = text if text.startswith("[") else f"[network]\n{text}"
    config = ClientConfig.from_toml(write(f'uri = "ws://h/"\n{network}'))
    assert config.network.tcp_keepalive == (60.0, 10.0, 5)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("60s", 60.0), ("60s, 10s, 5", (60.0, 10.0, 5)), ("60s,none,none", (60.0, None, None)), ("none", None)],
)
def test_keepalive_in_the_environment(text: str, kept: object) -> None:
    environ = {"WSSDK_URI": "ws://h/", "WSSDK_NETWORK__TCP_KEEPALIVE": text}
    assert ClientConfig.from_env(environ=environ).network.tcp_keepalive == kept


def test_bad_keepalive_in_a_file_is_told_with_its_place(write: Write) -> None:
    file = write('uri = "ws://h/"\n[network]\ntcp_keepalive = { idle = "60s", cuont = 5 }')
    report = report_of(lambda: ClientConfig.from_toml(file))
    assert "service.toml:3:17: network.tcp_keepalive: expected a duration, [idle, interval, count]" in report
    assert "hint: did you mean 'count'?" in report


def test_config_with_a_triple_can_be_hashed() -> None:
    assert hash(Network(tcp_keepalive=[60, 10, 5])) == hash(Network(tcp_keepalive=(60, 10, 5)))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        ("/run/feed.sock", "/run/feed.sock"),
        ("./@feed", "./@feed"),
        ("@feed", "\0feed"),
        ("\0feed", "\0feed"),
        ("\0feed\0\1", "\0feed\0\1"),
    ],
)
def test_unix_path(value: str | None, kept: str | None) -> None:
    assert unix_path(value) == kept


@pytest.mark.parametrize("value", ["", "@", "\0", "a\0b", "@a\nb", 5, ["@a"]])
def test_unix_path_that_cannot_be(value: Any) -> None:
    with pytest.raises(BadValue):
        unix_path(value)


@pytest.mark.parametrize("text", ["@feed", "\\u0000feed"])
def test_abstract_unix_socket_of_a_file_is_not_beside_it(write: Write, text: str) -> None:
    file = write(f'network.unix_path = "{text}"', "below/service.toml")
    assert ClientConfig.from_toml(file).network.unix_path == "\0feed"


def test_unix_socket_of_a_file_is_beside_it(write: Write) -> None:
    file = write('network.unix_path = "./@feed"', "below/service.toml")
    assert ClientConfig.from_toml(file).network.unix_path == str(Path("below/@feed"))


def test_abstract_unix_socket_of_the_environment() -> None:
    environ = {"WSSDK_NETWORK__UNIX_PATH": "@feed"}
    assert ClientConfig.from_env(environ=environ).network.unix_path == "\0feed"


def test_nameless_abstract_unix_socket_is_told() -> None:
    (problem,) = problems_of(lambda: Network(unix_path="@"))
    assert problem.hint == "the name is missing"
