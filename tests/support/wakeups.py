"""What the tests of the wake-up share: messages, reads outside of any task, a receiver that waits."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.connections import ticks
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import TEXT, frame
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed

__all__ = ["X", "Y", "Z", "both_ways", "read", "waiting"]

both_ways = pytest.mark.parametrize("wakeup", ["direct", "scheduled"])
X, Y, Z = frame(TEXT, b"x"), frame(TEXT, b"y"), frame(TEXT, b"z")


async def read(peer: PlayedTransport, *frames: bytes) -> None:
    """Have the bytes received as a transport does it: in a callback of the loop, outside of any task."""
    asyncio.get_running_loop().call_soon(peer.feed, *frames)
    await ticks(1)


async def waiting(ws: ClientConnection) -> BaseException | None:
    """Receive one message; return the error that came instead."""
    try:
        await ws.recv()
    except ConnectionClosed as error:
        return error
    return None
