"""What it takes to see an option at work: how it is set, and what is looked at."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from ssl import SSLContext
from typing import Any, Final, Literal, TypeAlias

import attrs

import wssdk
from tests.support.raw_peer import RawLink, raw_peer
from wssdk import ClientConfig, ClientConnection, ConnectionFactory
from wssdk.config_keywords import keyword_of

__all__ = ["SPELLINGS", "Observer", "Setup", "Spelling", "accept", "opened"]

Spelling: TypeAlias = Literal["default", "toml", "environment", "keyword"]
SPELLINGS: Final[tuple[Spelling, ...]] = ("default", "toml", "environment", "keyword")

Opened: TypeAlias = Any
"""What ``connect()`` returns, that of a factory and the other."""

SAME: Final = object()
"""The option's own value."""

Values: TypeAlias = Mapping[str, Any] | Callable[["Setup"], Mapping[str, Any]]


@attrs.frozen
class Observer:
    """How one option is seen at work."""

    effect: Callable[[Setup], Awaitable[object]]
    """Connects, and returns what is seen: on the wire, at the socket, of the TLS context, by the factory."""
    value: Any
    """What the option is set to, or a function of the setup."""
    expected: object = True
    """What is then seen; by default something else is."""
    base: Values = attrs.field(factory=dict)
    """Other options that it takes, by dotted names; where ``connect()`` has keywords for them, as those."""
    keywords: Values = attrs.field(factory=dict)
    """Further keywords of ``connect()``, for what of the base has none of its own name."""
    keyword: Any = SAME
    """The keyword's value, where it is another than the option's."""
    software: str | None = None
    """What must be installed."""


@attrs.frozen
class Setup:
    """One option in one spelling."""

    path: str
    observer: Observer
    spelling: Spelling
    folder: Path
    notes: dict[str, Any] = attrs.field(factory=dict)
    """For an effect to tell its observer's functions what they need: ports, paths."""

    @property
    def is_set(self) -> bool:
        return self.spelling != "default"

    @property
    def patience(self) -> float:
        """Seconds to wait for what comes where the option is set, and else does not."""
        return 20.0 if self.is_set else 0.3

    @property
    def value(self) -> Any:
        value = self.observer.value
        return value(self) if callable(value) else value

    @property
    def base(self) -> dict[str, Any]:
        base = self.observer.base
        return dict(base(self) if callable(base) else base)

    def config(self, uri: str | None) -> ClientConfig:
        """Return the configuration, as file or environment spell it."""
        given = {} if uri is None or self.path in ("uri", "uris") else {"uri": uri}
        overrides = {**given, **self.base}
        if self.spelling == "default":
            nowhere = {} if overrides.keys() & {"uri", "uris"} else {"uri": None}
            return ClientConfig.load(environ={}, overrides={**nowhere, **overrides})
        if self.spelling == "environment":
            name = f"WSSDK_{self.path.upper().replace('.', '__').replace('-', '_')}"
            return ClientConfig.load(environ={name: as_text(self.value)}, overrides=overrides)
        assert self.spelling == "toml"
        file = self.folder / "service.toml"
        file.write_text(f"{self.path} = {as_toml(self.value)}\n", encoding="utf-8")
        return ClientConfig.load(file, environ={}, overrides=overrides)

    def connect(self, uri: str | None, **collaborators: Any) -> Opened:
        """Return a connection to be; ``collaborators`` are for the factory."""
        if self.spelling != "keyword":
            return ConnectionFactory(self.config(uri), **collaborators).connect()
        keyword = keyword_of(self.path)
        assert keyword is not None
        given = self.observer.keywords
        keywords = {
            name: value for path, value in self.base.items() if (name := keyword_of(path)) is not None
        } | dict(given(self) if callable(given) else given)
        other = self.observer.keyword
        keywords[keyword] = self.value if other is SAME else other(self) if callable(other) else other
        if self.path == "uri":
            return wssdk.connect(**keywords)
        if "path" in keywords:
            return wssdk.unix_connect(**keywords)
        assert uri is not None
        return wssdk.connect(uri, **keywords)


def as_toml(value: Any) -> str:
    """Return a value as TOML has it; None is off."""
    if value is None or isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return f"'{value}'" if isinstance(value, str | os.PathLike) else str(value)


def as_text(value: Any) -> str:
    """Return a value as the environment has it; None is off."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


async def accept(link: RawLink) -> None:
    """Script: agree, and wait for the closing handshake."""
    await link.accept()
    await link.answer_close()


@contextlib.asynccontextmanager
async def opened(
    setup: Setup,
    script: Callable[[RawLink], Awaitable[object]] = accept,
    ssl: SSLContext | None = None,
    **collaborators: Any,
) -> AsyncIterator[tuple[ClientConnection, RawLink]]:
    """Open a connection to a server that follows ``script``; it is aborted at the end of the block."""
    async with raw_peer(script, ssl) as peer:
        ws = await setup.connect(peer.uri, **collaborators)
        try:
            yield ws, peer.links[-1]
        finally:
            ws.transport.abort()
            await ws.wait_closed()
