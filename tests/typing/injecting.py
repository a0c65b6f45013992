"""What type checkers make of ConnectionFactory and its collaborators. Nothing here runs."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, assert_type

from wssdk import (
    ClientConfig,
    ClientConnection,
    ClientExtensionFactory,
    ClientPerMessageDeflateFactory,
    Clock,
    ConnectAttempt,
    ConnectionFactory,
    Dialer,
    Extension,
    Headers,
    HeadersLike,
    HeadersProvider,
    Pipe,
    ProcessException,
    Resolver,
    Route,
    URIProvider,
    process_exception,
)
from wssdk.dial.dialer import StreamDialer
from wssdk.reconnect import LoopClock, Reconnection
from wssdk.wire.deflate import PerMessageDeflate


async def three_ways(factory: ConnectionFactory) -> None:
    assert_type(await factory.open(), ClientConnection)
    assert_type(await factory.open("ws://h/"), ClientConnection)
    assert_type(await factory.connect("ws://h/"), ClientConnection)
    async with factory.connect() as ws:
        assert_type(ws, ClientConnection)
    async for ws in factory.connect():
        assert_type(ws, ClientConnection)
    assert_type(aiter(factory.connect()), Reconnection)


async def forgotten(factory: ConnectionFactory) -> None:
    factory.connect()  # type: ignore[unused-awaitable]
    factory.open()  # type: ignore[unused-coroutine]


class Mine(ConnectionFactory):
    """A subclass keeps its type."""


def evolved(factory: Mine) -> None:
    assert_type(factory.evolve(uri="ws://h/"), Mine)


class FakePipe:
    """A pipe that fits the port."""

    transport: asyncio.Transport

    async def read(self) -> bytes:
        return b""

    def unread(self, data: bytes) -> None: ...

    def write(self, data: bytes) -> None: ...

    def attach(self, protocol: asyncio.BufferedProtocol) -> None: ...

    def abort(self) -> None: ...


class FakeDialer:
    """A dialer that fits the port, by giving what is a Pipe."""

    async def dial(self, route: Route) -> FakePipe:
        return FakePipe()


class WrongDialer:
    """A dialer that does not fit."""

    def dial(self, route: Route) -> FakePipe:
        return FakePipe()


def tokens() -> HeadersLike:
    return {"Authorization": "Bearer t"}


async def fresh_tokens() -> Headers:
    return Headers({"Authorization": "Bearer t"})


async def told_tokens(attempt: ConnectAttempt) -> Headers:
    assert_type(attempt.number, int)
    assert_type(attempt.last_error, Exception | None)
    assert_type(attempt.refresh, bool)
    return Headers({"Authorization": "Bearer t"})


async def told_uri(attempt: ConnectAttempt) -> str:
    return "ws://h/"


def plain_uri() -> str:
    return "ws://h/"


def providers() -> tuple[URIProvider, URIProvider, HeadersProvider, HeadersProvider]:
    return told_uri, plain_uri, told_tokens, {"X-Key": "a"}


async def resolve(host: str, port: int) -> list[str]:
    return ["192.0.2.1"]


async def resolve_ports(host: str, port: int) -> list[tuple[str, int]]:
    return [("192.0.2.1", 8080)]


def resolve_at_once(host: str, port: int) -> list[str]:
    return ["192.0.2.1"]


def resolvers() -> tuple[Resolver, Resolver]:
    return resolve, resolve_ports


def create(*args: Any, **kwargs: Any) -> ClientConnection:
    return ClientConnection(*args, **kwargs)


def collaborators(config: ClientConfig, context: ssl.SSLContext) -> None:
    ConnectionFactory(
        config,
        ssl_context=context,
        extensions=[ClientPerMessageDeflateFactory()],
        process_exception=process_exception,
        headers=tokens,
        dialer=FakeDialer(),
        connection_class=create,
        clock=LoopClock(),
        options={"flags": 0},
    )
    ConnectionFactory(config, headers=fresh_tokens, dialer=StreamDialer(config))
    ConnectionFactory(config, headers={"X-Key": "a"})
    ConnectionFactory(config, headers=told_tokens, uri=told_uri)
    ConnectionFactory(config, uri=plain_uri)
    ConnectionFactory(config, resolver=resolve)
    ConnectionFactory(config, headers=[("X-Key", "a")])


def mistakes(config: ClientConfig) -> None:
    ConnectionFactory()  # type: ignore[call-arg]
    ConnectionFactory("ws://h/")  # type: ignore[arg-type]
    ConnectionFactory(config, dialer=WrongDialer())  # type: ignore[arg-type]
    ConnectionFactory(config, headers=5)  # type: ignore[arg-type]
    ConnectionFactory(config, uri="ws://h/")  # type: ignore[arg-type]
    ConnectionFactory(config, uri=tokens)  # type: ignore[arg-type]
    ConnectionFactory(config, resolver=resolve_at_once)  # type: ignore[arg-type]
    ConnectionFactory(config, connection_class=str)  # type: ignore[arg-type]


def ports() -> tuple[Pipe, Dialer, Clock, ProcessException, ClientExtensionFactory, Extension]:
    return (
        FakePipe(),
        FakeDialer(),
        LoopClock(),
        process_exception,
        ClientPerMessageDeflateFactory(),
        PerMessageDeflate(False, False, 15, 15),
    )
