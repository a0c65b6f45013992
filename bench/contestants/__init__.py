"""Who is measured."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Final

import attrs

from bench.contestants.contestant import Contestant

__all__ = ["ENTRIES", "Entry", "available", "load", "why_not"]


@attrs.frozen(kw_only=True)
class Entry:
    """A contestant's place in the table."""

    name: str
    title: str
    role: str
    """``wssdk``, ``peer`` or ``floor``."""
    home: str
    """Module and class."""
    package: str | None = None
    """What must be installed."""
    environment: dict[str, str] = attrs.field(factory=dict)
    compiled: bool | None = None
    """What ``wssdk.COMPILED`` must be."""


_PURE: Final = {"WSSDK_PURE": "1"}
_WSSDK: Final = "bench.contestants.field:Wssdk"
_MANY: Final = "bench.contestants.field:WssdkMany"

ENTRIES: Final = {
    entry.name: entry
    for entry in (
        Entry(name="wssdk", title="wssdk, compiled", role="wssdk", home=_WSSDK, compiled=True),
        Entry(
            name="wssdk-many",
            title="wssdk, compiled, recv_many/send_many",
            role="wssdk",
            home=_MANY,
            compiled=True,
        ),
        Entry(
            name="wssdk-batches",
            title="wssdk, compiled, batches",
            role="wssdk",
            home="bench.contestants.field:WssdkBatches",
            compiled=True,
        ),
        Entry(
            name="wssdk-factory",
            title="wssdk, compiled, one ConnectionFactory",
            role="wssdk",
            home="bench.contestants.field:WssdkFactory",
            compiled=True,
        ),
        Entry(
            name="wssdk-reconnecting",
            title="wssdk, compiled, ReconnectingConnection",
            role="wssdk",
            home="bench.contestants.field:WssdkReconnecting",
            compiled=True,
        ),
        Entry(
            name="wssdk-zlib",
            title="wssdk, compiled, zlib",
            role="wssdk",
            home="bench.contestants.field:WssdkZlib",
            compiled=True,
        ),
        Entry(
            name="wssdk-pure",
            title="wssdk, pure",
            role="wssdk",
            home=_WSSDK,
            compiled=False,
            environment=_PURE,
        ),
        Entry(
            name="wssdk-pure-many",
            title="wssdk, pure, recv_many/send_many",
            role="wssdk",
            home=_MANY,
            compiled=False,
            environment=_PURE,
        ),
        Entry(
            name="websockets",
            title="websockets",
            role="peer",
            home="bench.contestants.field:Websockets",
            package="websockets",
        ),
        Entry(
            name="websockets-pure",
            title="websockets, without its C extension",
            role="peer",
            home="bench.contestants.field:WebsocketsPure",
            package="websockets",
        ),
        Entry(
            name="picows-websockets",
            title="picows.websockets",
            role="peer",
            home="bench.contestants.field:PicowsWebsockets",
            package="picows",
        ),
        Entry(
            name="picows",
            title="picows, callbacks",
            role="peer",
            home="bench.contestants.picows_callbacks:PicowsCallbacks",
            package="picows",
        ),
        Entry(
            name="picows-unchecked",
            title="picows, callbacks, all taken for text",
            role="peer",
            home="bench.contestants.picows_callbacks:PicowsUnchecked",
            package="picows",
        ),
        Entry(
            name="aiohttp",
            title="aiohttp",
            role="peer",
            home="bench.contestants.aiohttp_client:Aiohttp",
            package="aiohttp",
        ),
        Entry(
            name="raw",
            title="floor: bytes counted in Python",
            role="floor",
            home="bench.contestants.raw:Raw",
        ),
        Entry(
            name="c",
            title="floor: blocking C client",
            role="floor",
            home="bench.contestants.c_client:CClient",
        ),
    )
}


def why_not(name: str) -> str | None:
    """Return why a contestant is not here; None: it is."""
    entry = ENTRIES[name]
    if entry.package is not None and importlib.util.find_spec(entry.package) is None:
        return f"{entry.package} is not installed"
    if entry.compiled and not _has_extensions():
        return "no compiled modules"
    return None


def _has_extensions() -> bool:
    import wssdk

    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    return any(path.name.endswith(suffixes) for path in (Path(wssdk.__file__).parent / "wire").iterdir())


def available() -> list[str]:
    """Return the names of those that are here, and of peers that are not: their rows say so.

    wssdk has a compiled and a pure form only where compiled modules are.
    """
    return [name for name, entry in ENTRIES.items() if entry.role != "wssdk" or why_not(name) is None]


def load(name: str) -> Contestant:
    """Return the contestant ``name``; its package is imported."""
    module, _, attribute = ENTRIES[name].home.partition(":")
    made: Contestant = getattr(importlib.import_module(module), attribute)()
    return made
