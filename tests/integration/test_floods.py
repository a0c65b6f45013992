"""A real server floods a slow consumer: memory is bounded, and every message is received or counted."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest

import wssdk
from tests.support.connections import take_all
from tests.support.peers.fleet import Peer
from tests.support.until import until
from wssdk.testing import EchoServer
from wssdk.typing import Data

MESSAGES = 2_000
SIZE = 10_000
BOUND = 4 * SIZE * 32
"""Bytes: room for a full inbox of the default size and for buffers, and a twelfth of the flood."""

dropping = pytest.mark.parametrize("on_full", ["drop_oldest", "latest"])


def numbered(number: int) -> str:
    return f"{number:<{SIZE}}"


async def flood(ws: wssdk.ClientConnection) -> None:
    """Send numbered messages, then wait for the client to close."""
    for number in range(MESSAGES):
        await ws.send(numbered(number))
    await ws.wait_closed()


async def take_slowly(ws: wssdk.ClientConnection) -> list[int]:
    """Take messages with a pause after each; return their numbers once the last has come."""
    taken = [-1]
    while taken[-1] != MESSAGES - 1:
        taken.append(int(await ws.recv(decode=True)))
        await asyncio.sleep(0.002)
    return taken[1:]


@dropping
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_slow_consumer_gets_the_newest_and_every_other_is_counted(
    on_full: Any, compression: str | None
) -> None:
    async with (
        EchoServer(flood) as server,
        wssdk.connect(server.uri, on_full=on_full, compression=compression) as ws,
    ):
        taken = await take_slowly(ws)
        assert taken == sorted(set(taken))
        assert len(taken) + ws.dropped.messages == MESSAGES
        assert ws.dropped.bytes == ws.dropped.messages * SIZE
        assert ws.dropped.messages > 0


async def test_slow_consumer_gets_every_message_where_reading_pauses() -> None:
    async with (
        EchoServer(flood) as server,
        wssdk.connect(server.uri, max_queue_bytes="64 KiB") as ws,
    ):
        taken = await take_slowly(ws)
        assert (taken, ws.dropped) == (list(range(MESSAGES)), wssdk.DropCount())


async def test_consumer_that_never_comes_is_told_of_the_close() -> None:
    async with EchoServer(flood) as server:
        ws = await wssdk.connect(server.uri, on_full="close", close_timeout=1)
        await ws.wait_closed()
        taken: list[Data] = []
        with pytest.raises(wssdk.ConnectionClosedError) as told:
            await take_all(ws, taken)
        assert taken == [numbered(number) for number in range(32)]
        assert isinstance(told.value.__cause__, wssdk.InboxFull)
        assert told.value.sent is not None
        assert told.value.sent.code == 1008


@dropping
@pytest.mark.parametrize("keywords", [{"max_queue": 32}, {"max_queue": None, "max_queue_bytes": 32 * SIZE}])
async def test_memory_of_a_flood_that_nobody_takes_is_bounded(on_full: Any, keywords: dict[str, Any]) -> None:
    async with (
        EchoServer(flood) as server,
        wssdk.connect(server.uri, on_full=on_full, compression=None, **keywords) as ws,
    ):
        tracemalloc.start()
        try:
            await until(lambda: ws.dropped.messages > MESSAGES - 50, 30)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < BOUND


@dropping
async def test_program_that_only_sends_goes_on_beside_a_flood_of_answers(on_full: Any, peer: Peer) -> None:
    """Its own pings are answered, and the closing handshake is one, though nobody ever receives."""
    async with wssdk.connect(peer.at("/echo"), on_full=on_full, max_queue=4) as ws:
        for number in range(MESSAGES):
            await ws.send(f"{number:<100}")
        await until(lambda: ws.dropped.messages >= MESSAGES - 4)
        await asyncio.wait_for(await ws.ping(), 5)
    assert ws.close_code == 1000
