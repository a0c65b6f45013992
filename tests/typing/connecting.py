"""What type checkers make of connect() and unix_connect(). Nothing here runs.

An ignore that is not needed fails the check: each stands for a mistake that type checkers must find.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import assert_type

import wssdk
import wssdk.asyncio.client
from wssdk import (
    ClientConnection,
    ConnectAttempt,
    Headers,
    Origin,
    RetryableError,
    Subprotocol,
    connect,
    unix_connect,
)
from wssdk.extensions.permessage_deflate import ClientPerMessageDeflateFactory

assert_type(wssdk.__version__, str)
assert_type(wssdk.COMPILED, bool)


async def three_ways() -> None:
    assert_type(await connect("ws://h/"), ClientConnection)
    async with connect("ws://h/") as ws:
        assert_type(ws, ClientConnection)
    async for ws in connect("ws://h/"):
        assert_type(ws, ClientConnection)
    async with unix_connect("/run/x.sock") as ws:
        assert_type(ws, ClientConnection)
    async with wssdk.asyncio.client.connect("ws://h/") as ws:
        assert_type(ws, ClientConnection)


async def forgotten() -> None:
    connect("ws://h/")  # type: ignore[unused-awaitable]


class Mine(ClientConnection):
    """A subclass for create_connection."""


def hook(error: Exception) -> Exception | None:
    return RetryableError(error) if isinstance(error, OSError) else None


async def fresh_headers() -> Headers:
    return Headers({"X-Key": "a"})


def headers_of_attempt(attempt: ConnectAttempt) -> dict[str, str]:
    return {"X-Key": str(attempt.number)}


def wrong_headers() -> int:
    return 5


def delays() -> Iterator[float]:
    yield 1.0


def generator_of_delays() -> Callable[[], Iterator[float]]:
    return delays


async def every_keyword(context: ssl.SSLContext, sock: socket.socket) -> None:
    await connect(
        "wss://h/",
        origin=Origin("https://example.com"),
        extensions=[ClientPerMessageDeflateFactory()],
        subprotocols=[Subprotocol("chat")],
        compression="deflate",
        additional_headers=Headers({"X-Key": "a"}),
        user_agent_header=None,
        proxy=None,
        process_exception=hook,
        open_timeout=10,
        ping_interval=20.0,
        ping_timeout="20s",
        idle_timeout="1m",
        close_timeout=None,
        reconnect_delays=delays,
        max_size=2**20,
        max_queue=2**5,
        max_queue_bytes="1 MiB",
        on_full="drop_oldest",
        read_limit=2**16,
        write_limit=2**16,
        logger=logging.getLogger("mine"),
        create_connection=Mine,
        extra_headers=None,
        ssl=context,
        server_hostname="h",
        ssl_handshake_timeout=60,
        ssl_shutdown_timeout=30,
        sock=sock,
        family=socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=0,
        all_errors=False,
        local_addr=("127.0.0.1", 0),
        happy_eyeballs_delay=0.25,
        interleave=1,
        host=None,
        port=None,
        unix=False,
        path=None,
        proxy_ssl=None,
        proxy_server_hostname=None,
        proxy_ssl_handshake_timeout=None,
        proxy_ssl_shutdown_timeout=None,
    )


async def other_forms() -> None:
    await connect("ws://h/", subprotocols=["chat"], origin="https://example.com")
    await connect("ws://h/", additional_headers={"X-Key": "a"})
    await connect("ws://h/", additional_headers=[("X-Key", "a")])
    await connect("ws://h/", additional_headers=os.environ)
    await connect("ws://h/", additional_headers=fresh_headers)
    await connect("ws://h/", additional_headers=headers_of_attempt)
    async with unix_connect("/s", additional_headers=fresh_headers):
        pass
    await connect("ws://h/", max_size=None, max_queue=None)
    await connect("ws://h/", max_size=(2**20, 2**16), max_queue=(16, 4), write_limit=(2**16, 2**10))
    await connect("wss://h/", ssl=True)
    await unix_connect(Path("/run/x.sock"), "ws://service/feed", compression=None)
    await unix_connect(sock=socket.socket())


async def mistakes() -> None:
    await connect("ws://h/", ping_intervall=1)  # type: ignore[call-arg]
    await connect("ws://h/", on_full="drop")  # type: ignore[arg-type]
    await connect("ws://h/", open_timeout=[1])  # type: ignore[arg-type]
    await connect("ws://h/", ssl="context")  # type: ignore[arg-type]
    await connect("ws://h/", additional_headers=5)  # type: ignore[arg-type]
    await connect("ws://h/", additional_headers=wrong_headers)  # type: ignore[arg-type]
    await connect(["ws://h/", "ws://i/"])  # type: ignore[arg-type]
    await connect("ws://h/", create_connection=str)  # type: ignore[arg-type]
    await connect(5)  # type: ignore[arg-type]
    await connect("ws://h/", "https://example.com")  # type: ignore[call-arg]
    await unix_connect("/run/x.sock", pth="/run/y.sock")  # type: ignore[call-arg]
    await unix_connect("/run/x.sock", unix=True)  # type: ignore[call-arg]


async def messages(ws: ClientConnection) -> None:
    assert_type(await ws.recv(), str | bytes)
    assert_type(await ws.recv(decode=True), str)
    assert_type(await ws.recv(decode=False), bytes)
    async for message in ws:
        assert_type(message, str | bytes)
    assert_type(await (await ws.ping()), float)
    ws.recv()  # type: ignore[unused-coroutine]
    ws.send("hello")  # type: ignore[unused-coroutine]
