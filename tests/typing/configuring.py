"""What type checkers make of ClientConfig and its sections. Nothing here runs."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import attrs

from wssdk import (
    Auth,
    ClientConfig,
    Compression,
    ConfigError,
    ConfigProblem,
    ConnectionFactory,
    Keepalive,
    Limits,
    Network,
    Reconnect,
    Secret,
    Timeouts,
    Tls,
    load_factories,
    watch_config,
)
from wssdk.config_explanation import ExplainedOption


def in_code() -> None:
    ClientConfig(
        uri="wss://example.com/feed",
        subprotocols=["chat"],
        headers={"X-Key": "a"},
        auth=Auth(token="t"),
        timeouts=Timeouts(open="10s", close=None),
        keepalive=Keepalive(interval=20),
        limits=Limits(max_size="1 MiB", max_queue=(32, 8)),
        compression=Compression(level=9),
        tls=Tls(ca_file="ca.pem"),
        network=Network(family="ipv4"),
        reconnect=Reconnect(max="1m"),
    )
    ClientConfig(uris=["wss://a/", "wss://b/"], uri_order="shuffled")
    ClientConfig(compression=False, proxy="http://proxy:3128", reconnect=True)


def values(config: ClientConfig) -> None:
    assert_type(config.uri, str | None)
    assert_type(config.uris, tuple[str, ...])
    assert_type(config.timeouts.open, float | None)
    assert_type(config.keepalive.interval, float | None)
    assert_type(config.limits.max_message_size, int | None)
    assert_type(config.limits.write_high, int)
    assert_type(config.compression.enabled, bool)
    assert_type(config.auth.token, Secret | None)
    assert_type(config.header_items, tuple[tuple[str, str], ...])


def loaded() -> None:
    assert_type(ClientConfig.load("a.toml", Path("b.toml"), connection="trades"), ClientConfig)
    assert_type(ClientConfig.from_toml("a.toml", table=("tool", "app")), ClientConfig)
    assert_type(ClientConfig.from_env(), ClientConfig)
    assert_type(ClientConfig.load_all("a.toml"), dict[str, ClientConfig])
    assert_type(ClientConfig.from_connect("ws://h/", ping_interval=5), ClientConfig)


def evolved(config: ClientConfig) -> None:
    assert_type(attrs.evolve(config, uri="ws://h/"), ClientConfig)
    assert_type(attrs.evolve(config, compression=False, timeouts=Timeouts(open="5s")), ClientConfig)
    assert_type(attrs.evolve(config.timeouts, open="500ms", close=None), Timeouts)
    assert_type(attrs.evolve(config.limits, max_size=["1 MiB", None]), Limits)
    assert_type(config.evolve({"timeouts.open": "5s"}), ClientConfig)
    assert_type(config.evolve({"headers.X-Key": None}, uri="ws://h/", compression=False), ClientConfig)


def told(config: ClientConfig) -> None:
    explanation = config.explain()
    assert_type(explanation["timeouts.open"].origin.where, str)
    assert_type(explanation.changed, tuple[ExplainedOption, ...])
    assert_type(config.to_toml(), str)
    assert_type(ClientConfig.default_toml(), str)
    assert_type(ClientConfig.json_schema()["title"], Any)


async def watched() -> None:
    async for config in watch_config("a.toml", connection="trades", interval="500ms"):
        assert_type(config, ClientConfig)


def several(context: ssl.SSLContext) -> None:
    factories = load_factories("a.toml", Path("b.toml"), ssl_context=context, unknown_env="warn")
    assert_type(factories, Mapping[str, ConnectionFactory])


def mistakes(config: ClientConfig) -> None:
    ClientConfig("ws://h/")  # type: ignore[call-arg]
    ClientConfig(timeout=5)  # type: ignore[call-arg]
    Timeouts(open=[1])  # type: ignore[arg-type]
    ClientConfig(uri_order="random")  # type: ignore[arg-type]
    Network(family="ipv5")  # type: ignore[arg-type]
    config.uri = "ws://h/"  # type: ignore[misc]
    attrs.evolve(config.timeouts, opne=5)  # type: ignore[call-arg]
    attrs.evolve(config.timeouts, open=[1])  # type: ignore[arg-type]
    ClientConfig.load("a.toml", unknown_env="warning")  # type: ignore[arg-type]
    load_factories("a.toml", ssl_context=5)  # type: ignore[arg-type]
    watch_config("a.toml", interval=None)  # type: ignore[arg-type]
    ClientConfig.from_connect("ws://h/", ping_intervall=5)  # type: ignore[call-arg]


def problems(error: ConfigError) -> None:
    assert_type(error.problems, tuple[ConfigProblem, ...])
    assert_type(error.problems[0].hint, str | None)
