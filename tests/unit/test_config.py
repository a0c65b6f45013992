from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.support.config_errors import problems_of
from wssdk.config import (
    Auth,
    ClientConfig,
    Compression,
    Keepalive,
    Limits,
    Logging,
    Network,
    Proxy,
    Reconnect,
    Secret,
    Timeouts,
    Tls,
)
from wssdk.version import VERSION

SECTIONS: list[type[Any]] = [
    Auth,
    Compression,
    Keepalive,
    Limits,
    Logging,
    Network,
    Proxy,
    Reconnect,
    Timeouts,
    Tls,
]

RICH = ClientConfig(
    uri="wss://user:hush@example.com/feed?token=hush&a=b",
    origin="https://example.com",
    subprotocols=["chat"],
    headers={"X-Key": "hush"},
    auth=Auth(token="hush"),
    timeouts=Timeouts(open="10s", close=None),
    limits=Limits(max_size=("4 MiB", None), max_queue=[64, 8], write_limit="1 MiB"),
    compression=Compression(level=6),
    tls=Tls(cert_file="a.pem", key_file="b.pem", key_password="hush"),
    proxy=Proxy(url="http://user:hush@proxy:3128", username="user", password="hush"),
    reconnect=False,
)


def test_repr_masks_every_one_of_several_uris() -> None:
    config = ClientConfig(uris=["wss://user:hush@a/", "wss://b/?token=hush"])
    assert "('wss://********@a/', 'wss://b/?token=********')" in repr(config)


def test_other_uri_takes_the_place_of_several() -> None:
    config = ClientConfig(uris=["ws://a", "ws://b"]).with_uri("ws://c")
    assert (config.uri, config.uris) == ("ws://c", ())


def test_wrong_uri_in_the_place_of_several_is_told_alone() -> None:
    config = ClientConfig(uris=["ws://a", "ws://b"])
    assert [problem.path for problem in problems_of(lambda: config.with_uri("http://c"))] == ["uri"]


# The table of options.


def test_defaults_of_the_top_level() -> None:
    config = ClientConfig()
    assert (config.uri, config.origin, config.subprotocols, dict(config.headers)) == (None, None, (), {})


def test_default_user_agent() -> None:
    python = f"Python/{sys.version_info.major}.{sys.version_info.minor}"
    assert ClientConfig().user_agent == f"{python} wssdk/{VERSION}"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (Auth(), {"token": None, "scheme": "Bearer", "header": "Authorization"}),
        (Timeouts(), {"open": 10.0, "close": 10.0, "tls_handshake": 60.0, "tls_shutdown": 30.0}),
        (Keepalive(), {"interval": 20.0, "timeout": 20.0, "idle_timeout": None}),
        (
            Limits(),
            {
                "max_size": 2**20,
                "max_queue": 32,
                "read_limit": 2**16,
                "write_limit": 2**16,
                "on_full": "pause",
                "max_queue_bytes": None,
            },
        ),
        (
            Compression(),
            {
                "enabled": True,
                "level": -1,
                "mem_level": 5,
                "client_max_window_bits": True,
                "server_max_window_bits": None,
                "client_no_context_takeover": False,
                "server_no_context_takeover": False,
                "backend": "auto",
                "min_size": 0,
            },
        ),
        (
            Tls(),
            {
                "ca_file": None,
                "ca_dir": None,
                "cert_file": None,
                "key_file": None,
                "key_password": None,
                "verify": True,
                "check_hostname": True,
                "min_version": "1.2",
                "server_hostname": None,
                "ciphers": None,
                "pinned_sha256": (),
            },
        ),
        (
            Proxy(),
            {
                "enabled": True,
                "url": "auto",
                "username": None,
                "password": None,
                "ca_file": None,
                "server_hostname": None,
                "tls_handshake": 60.0,
                "tls_shutdown": 30.0,
            },
        ),
        (
            Network(),
            {
                "host": None,
                "port": None,
                "family": "any",
                "happy_eyeballs_delay": 0.25,
                "interleave": None,
                "address_timeout": None,
                "local_host": None,
                "local_port": None,
                "unix_path": None,
                "tcp_nodelay": True,
                "tcp_cork": True,
                "tcp_keepalive": None,
                "transport": "auto",
                "wakeup": "direct",
                "max_redirects": 10,
                "allow_cross_origin": False,
                "keep_headers": (),
            },
        ),
        (
            Reconnect(),
            {
                "enabled": True,
                "initial": 5.0,
                "min": 3.0,
                "max": 60.0,
                "factor": 1.618,
                "min_uptime": 5.0,
                "max_attempts": None,
                "retry_status": (408, 425, 429, 500, 502, 503, 504),
                "retry_after": True,
            },
        ),
        (Logging(), {"logger": "wssdk.client", "level": None, "redact": True}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_defaults_of_a_section(section: attrs.AttrsInstance, expected: dict[str, object]) -> None:
    assert attrs.asdict(section, recurse=False) == expected


@pytest.mark.parametrize("section", SECTIONS)
def test_default_is_what_its_grammar_returns(section: type[Any]) -> None:
    for field in attrs.fields(section):
        assert field.converter(field.default) == field.default
        assert type(field.converter(field.default)) is type(field.default)


def test_default_sections_are_those_of_the_classes() -> None:
    config = ClientConfig()
    assert all(getattr(config, section.__name__.lower()) == section() for section in SECTIONS)


def test_code_takes_what_files_take() -> None:
    config = ClientConfig(timeouts=Timeouts(open="10s"), limits=Limits(max_size="1 MiB"))
    assert (config.timeouts.open, config.limits.max_size) == (10.0, 2**20)


@pytest.mark.parametrize(
    ("config", "section"),
    [
        (ClientConfig(compression=False), Compression(enabled=False)),
        (ClientConfig(compression=None), Compression(enabled=False)),
        (ClientConfig(compression=True), Compression()),
        (ClientConfig(reconnect=False), Reconnect(enabled=False)),
        (ClientConfig(reconnect=None), Reconnect(enabled=False)),
        (ClientConfig(proxy=False), Proxy(enabled=False)),
        (ClientConfig(proxy=None), Proxy(enabled=False)),
        (ClientConfig(proxy=True), Proxy()),
        (ClientConfig(proxy="http://proxy:3128"), Proxy(url="http://proxy:3128")),
    ],
)
def test_short_form(config: ClientConfig, section: object) -> None:
    assert section in (config.compression, config.reconnect, config.proxy)


# What consumers read.


@pytest.mark.parametrize(
    ("max_size", "message", "fragment"),
    [
        (None, None, None),
        (10, 10, None),
        ((10, 5), 10, 5),
        ((10, None), 10, None),
        ((None, 5), None, 5),
    ],
)
def test_limits_of_message_and_fragment(max_size: Any, message: int | None, fragment: int | None) -> None:
    limits = Limits(max_size=max_size)
    assert (limits.max_message_size, limits.max_fragment_size) == (message, fragment)


@pytest.mark.parametrize(
    ("max_queue", "high", "low"), [(None, None, None), (32, 32, 8), (1, 1, 0), ((10, 9), 10, 9)]
)
def test_waters_of_the_queue(max_queue: Any, high: int | None, low: int | None) -> None:
    limits = Limits(max_queue=max_queue)
    assert (limits.queue_high, limits.queue_low) == (high, low)


@pytest.mark.parametrize(("write_limit", "high", "low"), [(2**16, 2**16, 2**14), (0, 0, 0), ((10, 9), 10, 9)])
def test_waters_of_writing(write_limit: Any, high: int, low: int) -> None:
    limits = Limits(write_limit=write_limit)
    assert (limits.write_high, limits.write_low) == (high, low)


@pytest.mark.parametrize(
    ("config", "items"),
    [
        (ClientConfig(), ()),
        (ClientConfig(headers=[("A", "1"), ("a", "2")]), (("A", "1"), ("a", "2"))),
        (ClientConfig(auth=Auth(token="t")), (("Authorization", "Bearer t"),)),
        (ClientConfig(auth=Auth(token="t", scheme="Token")), (("Authorization", "Token t"),)),
        (ClientConfig(auth=Auth(token="t", scheme="", header="X-Api-Key")), (("X-Api-Key", "t"),)),
        (
            ClientConfig(headers={"A": "1"}, auth=Auth(token="t")),
            (("A", "1"), ("Authorization", "Bearer t")),
        ),
    ],
)
def test_header_items(config: ClientConfig, items: object) -> None:
    assert config.header_items == items


# A value.


def test_equal_configs_are_equal() -> None:
    assert attrs.evolve(RICH) == RICH


def test_different_configs_are_not_equal() -> None:
    assert attrs.evolve(RICH, origin=None) != RICH


def test_equal_configs_have_equal_hashes() -> None:
    assert hash(attrs.evolve(RICH)) == hash(RICH)


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(RICH)) == RICH


def test_nothing_can_be_set() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RICH.uri = None  # type: ignore[misc]


def test_evolve_takes_what_the_constructor_takes() -> None:
    assert attrs.evolve(RICH.timeouts, open="500ms").open == 0.5


def test_evolve_checks_values_again() -> None:
    assert problems_of(lambda: attrs.evolve(RICH.timeouts, open=0))[0].path == "timeouts.open"


def test_evolve_checks_rules_again() -> None:
    assert problems_of(lambda: attrs.evolve(RICH, uri="ws://h"))[0].path == "tls.cert_file"


@pytest.mark.parametrize("show", [str, repr, lambda config: str(attrs.asdict(config)["auth"])])
def test_secrets_are_not_shown(show: Callable[[ClientConfig], str]) -> None:
    assert "hush" not in show(RICH)


def test_secret_comes_when_asked() -> None:
    assert RICH.auth.token == Secret("hush")


def test_rest_of_the_uri_is_shown() -> None:
    assert "wss://********@example.com/feed?token=********&a=b" in repr(RICH)


@pytest.mark.parametrize("section", [*SECTIONS, ClientConfig])
def test_options_are_named(section: type[Any]) -> None:
    with pytest.raises(TypeError):
        section(1)


# Import time.


@pytest.mark.parametrize("module", ["cattrs", "tomli", "difflib"])
def test_import_leaves_out(module: str) -> None:
    code = f"import sys, wssdk.config; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
