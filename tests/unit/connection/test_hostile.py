"""Streaming undone under a full inbox, slow uplinks, floods, cycles, calls that come too late."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame
from wssdk.errors import ConcurrencyError, ConnectionClosedError
from wssdk.typing import Data


@pytest.mark.parametrize("max_queue", [1, 4, 32, (8, 2)])
async def test_fragments_that_filled_the_inbox_go_back_when_streaming_is_cancelled(
    max_queue: int | tuple[int, int],
) -> None:
    ws, peer = establish(max_queue=max_queue)
    task = await started(anext(ws.recv_streaming()))
    parts = [frame(CONT, b"b", fin=False)] * 40
    peer.feed(frame(BINARY, b"a", fin=False), *parts, frame(CONT, b"c"), frame(TEXT, b"next"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):
        assert [await ws.recv(), await ws.recv()] == [b"a" + b"b" * 40 + b"c", "next"]


async def test_ping_behind_a_large_message_has_time_until_that_is_through() -> None:
    ws, peer = establish(high=1000, low=100, ping_interval=1, ping_timeout=1)
    peer.stop_peer()
    task = asyncio.create_task(ws.send(bytes(20_000)))
    for _ in range(30):  # half a second each: far longer than interval and timeout together
        await asyncio.sleep(0.5)
        peer.read_some(600)
    assert ws.close_code is None
    peer.resume_peer()
    await task
    ws.abort()


async def test_peer_that_takes_nothing_is_found_dead() -> None:
    ws, peer = establish(high=1000, low=100, ping_interval=1, ping_timeout=1)
    peer.stop_peer()
    start = jumping_loop().time()
    with pytest.raises(ConnectionClosedError, match="keepalive ping timeout"):
        await ws.send(bytes(20_000))
    assert jumping_loop().time() - start < 10


async def test_flood_of_pings_is_answered_with_the_newest() -> None:
    ws, peer = establish()
    peer.feed(*(frame(PING, b"%d" % number) for number in range(1000)))
    answers = [got.payload for got in peer.frames() if got.opcode == PONG]
    assert (len(answers) < 50, answers[0], answers[-1]) == (True, b"0", b"999")
    ws.abort()


async def test_flood_does_not_outlast_the_deadline_of_closing() -> None:
    ws, peer = establish(close_timeout=1)
    task = await started(ws.close())
    jumping_loop().jump(2)  # the loop had no turn for its timers
    peer.feed(frame(TEXT, b"x"))
    assert peer.aborted
    await task


async def test_pings_that_nobody_waits_for_make_room() -> None:
    ws, _ = establish()
    for _ in range(1000):
        (await ws.ping()).cancel()  # type: ignore[attr-defined]
    assert not asyncio.ensure_future(await ws.ping()).done()
    ws.abort()


async def test_pings_that_somebody_waits_for_are_bounded() -> None:
    ws, _ = establish()
    waiting = [await ws.ping() for _ in range(1000)]
    with pytest.raises(ConcurrencyError, match="1000 pings"):
        waiting.append(await ws.ping())
    ws.abort()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_pong_waits_for_room() -> None:
    ws, peer = establish(high=1000, low=100)
    peer.stop_peer()
    tasks = [asyncio.create_task(ws.pong(bytes(125))) for _ in range(1000)]
    await ticks(20)
    assert ws.transport.get_write_buffer_size() < 2000
    peer.resume_peer()
    await asyncio.gather(*tasks)


async def test_generator_that_is_left_closes_in_order() -> None:
    ws, peer = establish(close_timeout=5)

    async def messages() -> AsyncIterator[Data]:
        async with ws:
            async for message in ws:
                yield message

    peer.feed(frame(TEXT, b"a"))
    async with contextlib.aclosing(messages()) as iterator:  # type: ignore[type-var]
        assert await anext(iterator) == "a"
        loop = asyncio.get_running_loop()
        loop.call_later(1, peer.feed, close_frame(1000))
        loop.call_later(1, peer.feed_eof)
    assert (ws.close_code, peer.close_codes()) == (1000, [1000])


async def test_close_after_abort_has_sent_nothing() -> None:
    ws, peer = establish()
    async with ws:
        ws.abort()
    with pytest.raises(ConnectionClosedError, match="no close frame received or sent") as caught:
        await ws.recv()
    assert (caught.value.sent, [got for got in peer.frames() if got.opcode == CLOSE]) == (None, [])


async def test_closed_connection_is_freed_without_the_collector() -> None:
    ws, peer = establish(ping_interval=20)
    peer.feed(frame(TEXT, b"a"), close_frame(1000))
    peer.feed_eof()
    assert await ws.recv() == "a"
    await ws.wait_closed()
    await ticks(3)
    peer.set_protocol(asyncio.BufferedProtocol())
    gone = weakref.ref(ws)
    gc.disable()
    try:
        del ws
        await ticks(1)
        assert gone() is None
    finally:
        gc.enable()
