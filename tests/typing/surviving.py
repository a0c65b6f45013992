"""What type checkers make of reconnecting connections and their events. Nothing here runs.

An ignore that is not needed fails the check: each stands for a mistake that type checkers must find.
"""

from __future__ import annotations

from typing import assert_never, assert_type

from wssdk import (
    ClientConnection,
    ConnectionClosed,
    ConnectionFactory,
    Dropped,
    EventStream,
    GaveUp,
    NotSent,
    Opened,
    ReconnectingConnection,
    ReconnectingState,
    Retrying,
    reconnecting,
)


async def subscribe(ws: ClientConnection) -> None:
    await ws.send("subscribe")


async def ways_in(factory: ConnectionFactory) -> None:
    _ = assert_type(factory.reconnecting(), ReconnectingConnection)
    _ = assert_type(await factory.reconnecting("ws://h/", on_open=subscribe), ReconnectingConnection)
    async with factory.reconnecting(outbox=10, outbox_bytes="1 MiB", when_down="raise") as conn:
        _ = assert_type(conn, ReconnectingConnection)
    async with reconnecting("ws://h/", on_open=subscribe, ping_interval=30, resend="unacknowledged") as conn:
        _ = assert_type(conn, ReconnectingConnection)


async def messages(conn: ReconnectingConnection) -> None:
    async for message in conn:
        assert_type(message, str | bytes)
    assert_type(await conn.recv(), str | bytes)
    assert_type(await conn.recv(decode=True), str)
    assert_type(await conn.recv(decode=False, timeout=1), bytes)
    assert_type(await conn.recv_many(10), list[str | bytes])
    await conn.send("a")
    await conn.send(b"a", text=True)
    await conn.send(["a", "b"])
    assert_type(await conn.close(1001, "going"), list[str | bytes])
    assert_type(conn.undelivered, list[str | bytes])


async def happenings(conn: ReconnectingConnection) -> None:
    assert_type(conn.events(), EventStream)
    async for event in conn.events():
        match event:
            case Opened():
                assert_type(event.attempt, int)
            case Dropped():
                assert_type(event.error, ConnectionClosed)
                assert_type(event.unacknowledged, tuple[str | bytes, ...])
            case Retrying():
                assert_type(event.delay, float)
            case GaveUp():
                assert_type(event.error, Exception)
            case _:
                assert_never(event)


async def forgotten(factory: ConnectionFactory) -> None:
    factory.reconnecting()  # type: ignore[unused-awaitable]


def known(conn: ReconnectingConnection) -> None:
    assert_type(conn.state, ReconnectingState)
    assert_type(conn.connection, ClientConnection | None)
    assert_type(conn.attempt, int)
    assert_type(conn.uptime, float)


def caught(error: NotSent) -> ConnectionClosed:
    return error


def plain(ws: ClientConnection) -> int:
    return 1


async def mistakes(factory: ConnectionFactory, conn: ReconnectingConnection) -> None:
    _ = factory.reconnecting(on_open=plain)  # type: ignore[arg-type]
    _ = factory.reconnecting(when_down="drop")  # type: ignore[arg-type]
    _ = factory.reconnecting(resend=True)  # type: ignore[arg-type]
    _ = reconnecting("ws://h/", outbocks=1)  # type: ignore[call-arg]
    conn.send("a")  # type: ignore[unused-coroutine]
    await conn.send(5)  # type: ignore[arg-type]
