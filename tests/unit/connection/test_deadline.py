"""Closing takes no longer than it may, whatever the peer does; cancelling and abort() take no time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, started
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import BINARY, CONT, PING, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from wssdk.protocol.core import Role
from wssdk.protocol.state import State

CLOSE_TIMEOUT = 5.0
TICK = 0.5


async def silent(peer: PlayedTransport) -> None:
    """Say nothing."""


async def not_reading(peer: PlayedTransport) -> None:
    """Take nothing."""
    peer.stop_peer()


async def ticking(peer: PlayedTransport) -> None:
    """Send a message now and then."""
    while True:
        peer.feed(frame(BINARY, b"tick"))
        await asyncio.sleep(TICK)


async def flooding(peer: PlayedTransport) -> None:
    """Send more than anybody reads."""
    while True:
        peer.feed(frame(BINARY, bytes(1000)) * 50)
        await asyncio.sleep(0.01)


async def pinging(peer: PlayedTransport) -> None:
    """Send pings."""
    while True:
        peer.feed(frame(PING, b"?") * 10)
        await asyncio.sleep(TICK)


async def dripping(peer: PlayedTransport) -> None:
    """Send a message that never ends."""
    peer.feed(frame(BINARY, fin=False))
    while True:
        peer.feed(frame(CONT, b"x", fin=False))
        await asyncio.sleep(TICK)


async def answering(peer: PlayedTransport) -> None:
    """Answer the close frame, and keep the stream."""
    while not peer.close_codes():  # noqa: ASYNC110  # the test plays the peer
        await asyncio.sleep(TICK)
    peer.feed(close_frame(1000))


async def breaking_the_rules(peer: PlayedTransport) -> None:
    """Send what no peer may send."""
    peer.feed(frame(TEXT, b"fine"), frame(CONT, b"wrong"))


PEERS = [silent, not_reading, ticking, flooding, pinging, dripping, answering, breaking_the_rules]

every_peer = pytest.mark.parametrize("play", PEERS, ids=lambda play: play.__name__)
Play = Callable[[PlayedTransport], Coroutine[Any, Any, None]]


async def seconds(ending: Awaitable[object]) -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await ending
    return loop.time() - start


class Against:
    """A connection to a peer that plays its part until the block ends."""

    def __init__(self, play: Play, **keywords: Any) -> None:
        self.ws, self.peer = establish(**{"close_timeout": CLOSE_TIMEOUT, "max_queue": 1, **keywords})
        self._play = play

    async def __aenter__(self) -> ClientConnection:
        self._task = await started(self._play(self.peer))
        return self.ws

    async def __aexit__(self, *exc_info: object) -> None:
        self._task.cancel()


@every_peer
async def test_close_takes_no_longer_than_its_deadline(play: Play) -> None:
    async with Against(play) as ws:
        assert await seconds(ws.close()) <= CLOSE_TIMEOUT + 0.001


@every_peer
async def test_close_that_the_messages_in_wait_hold_up_takes_no_longer(play: Play) -> None:
    async with Against(play) as ws:
        await asyncio.sleep(3)
        assert await seconds(ws.close()) <= CLOSE_TIMEOUT + 0.001


@every_peer
async def test_close_behind_what_was_not_read_takes_no_longer(play: Play) -> None:
    async with Against(play, high=100, low=10) as ws:
        sending = await started(asyncio.wait_for(ws.send(bytes(1000)), 1))
        await asyncio.wait([sending])
        sending.exception()
        assert await seconds(ws.close()) <= CLOSE_TIMEOUT + 0.001


@every_peer
async def test_deadline_is_one_for_all_who_close(play: Play) -> None:
    async with Against(play) as ws:
        first = await started(seconds(ws.close()))
        await asyncio.sleep(CLOSE_TIMEOUT - 1)
        assert await seconds(ws.close()) <= 1.001
        assert await first <= CLOSE_TIMEOUT + 0.001


@every_peer
async def test_block_ends_by_the_deadline(play: Play) -> None:
    async with Against(play) as ws:
        async with ws:
            start = jumping_loop().time()
        assert jumping_loop().time() - start <= CLOSE_TIMEOUT + 0.001


@every_peer
async def test_no_timer_is_left(play: Play) -> None:
    async with Against(silent) as ws:
        await ws.close()
        assert jumping_loop().timers() == []


async def test_receiver_that_takes_all_there_is_does_not_put_off_the_deadline() -> None:
    async with Against(flooding) as ws:
        receiving = await started(drained(ws))
        assert await seconds(ws.close()) <= CLOSE_TIMEOUT + 0.001
        await receiving


async def drained(ws: ClientConnection) -> None:
    try:
        while True:
            await ws.recv()
    except ConnectionClosed:
        pass


async def test_without_a_deadline_close_waits_for_the_peer() -> None:
    ws, peer = establish(close_timeout=None)
    closing = await started(ws.close())
    await asyncio.sleep(3600)
    before = closing.done()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    assert (before, ws.close_code) == (False, 1000)


# How it ended.


async def test_without_a_close_frame_the_end_is_an_error() -> None:
    ws, _ = establish(close_timeout=CLOSE_TIMEOUT)
    await ws.close()
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert (str(caught.value), type(caught.value.__cause__)) == (
        "sent 1000 (OK); no close frame received",
        TimeoutError,
    )


async def test_without_the_end_of_the_stream_the_end_is_in_order() -> None:
    async with Against(answering) as ws:
        await ws.close()
        with pytest.raises(ConnectionClosedOK) as caught:
            await ws.recv()
    assert (str(caught.value), type(caught.value.__cause__)) == (
        "sent 1000 (OK); then received 1000 (OK)",
        TimeoutError,
    )


async def test_peer_that_closes_and_keeps_the_stream_is_dropped() -> None:
    ws, peer = establish(close_timeout=CLOSE_TIMEOUT)
    peer.feed(close_frame(1000))
    assert await seconds(ws.wait_closed()) == pytest.approx(CLOSE_TIMEOUT)
    with pytest.raises(ConnectionClosedOK):
        await ws.recv()


async def test_iteration_ends_quietly_without_the_end_of_the_stream() -> None:
    ws, peer = establish(close_timeout=CLOSE_TIMEOUT)
    peer.feed(close_frame(1000))
    assert [message async for message in ws] == []


async def test_peer_that_ends_the_stream_and_reads_nothing_is_dropped() -> None:
    ws, peer = establish(close_timeout=CLOSE_TIMEOUT)
    peer.stop_peer()
    await ws.send("x")
    peer.feed_eof()
    assert await seconds(ws.wait_closed()) == pytest.approx(CLOSE_TIMEOUT)


async def test_server_that_cannot_flush_its_close_frame_drops_the_pipe() -> None:
    ws, peer = establish(role=Role.SERVER, close_timeout=CLOSE_TIMEOUT)
    peer.stop_peer()
    peer.feed(frame(TEXT, b"not masked"))
    assert await seconds(ws.wait_closed()) == pytest.approx(CLOSE_TIMEOUT)
    assert peer.aborted


# Cancelling.


async def test_cancelled_close_drops_the_connection_at_once() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    closing.cancel()
    assert await seconds(asyncio.wait([closing])) == 0
    assert (closing.cancelled(), peer.aborted) == (True, True)


async def test_timed_out_close_drops_the_connection_at_once() -> None:
    ws, peer = establish()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await ws.close()
    await ws.wait_closed()
    assert peer.aborted


async def test_close_cancelled_in_the_moment_it_is_done_is_cancelled() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    peer.lose()
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    assert (closing.cancelled(), ws.closed, peer.aborted) == (True, True, False)


@every_peer
async def test_cancelled_block_is_over_within_100_ms(play: Play) -> None:
    async with Against(play) as ws:
        task = await started(used(ws))
        task.cancel()
        assert await seconds(asyncio.wait([task])) <= 0.1
        assert (task.cancelled(), ws.closed) == (True, True)


@every_peer
async def test_timeout_around_a_block_is_kept(play: Play) -> None:
    async with Against(play, max_queue=None) as ws:

        async def timed() -> None:
            async with asyncio.timeout(2), ws:
                await asyncio.sleep(3600)

        assert await seconds(asyncio.wait([await started(timed())])) <= 2.1


async def used(ws: ClientConnection) -> None:
    async with ws:
        await asyncio.get_running_loop().create_future()


async def test_cancelled_block_says_goodbye_to_a_prompt_peer() -> None:
    ws, peer = establish()
    task = await started(used(ws))
    task.cancel()
    await settle()
    peer.feed(close_frame(1011))
    peer.feed_eof()
    assert await seconds(asyncio.wait([task])) == 0
    assert (peer.close_codes(), ws.close_code, peer.aborted) == ([1011], 1011, False)


async def test_block_cancelled_while_it_closes_is_over_at_once() -> None:
    ws, peer = establish()

    async def block() -> None:
        async with ws:
            pass

    task = await started(block())
    task.cancel()
    assert await seconds(asyncio.wait([task])) == 0
    assert peer.aborted


async def test_cancelled_block_without_a_deadline_is_over_within_100_ms() -> None:
    ws, _ = establish(close_timeout=None)
    task = await started(used(ws))
    task.cancel()
    assert await seconds(asyncio.wait([task])) <= 0.1


async def test_cancelling_a_block_while_the_peer_closes_is_over_within_100_ms() -> None:
    ws, peer = establish()
    task = await started(used(ws))
    peer.feed(close_frame(1000))
    await settle()
    task.cancel()
    assert await seconds(asyncio.wait([task])) <= 0.1


async def test_cancelling_a_block_does_not_put_off_a_deadline_that_is_near() -> None:
    ws, _ = establish(close_timeout=CLOSE_TIMEOUT)
    task = await started(used(ws))
    closing = await started(ws.close())
    await asyncio.sleep(CLOSE_TIMEOUT - 0.01)
    task.cancel()
    assert await seconds(asyncio.wait([task, closing])) == pytest.approx(0.01)


async def test_cancelling_a_block_around_a_closed_connection_takes_no_time() -> None:
    ws, peer = establish()
    task = await started(used(ws))
    peer.lose()
    await ws.wait_closed()
    task.cancel()
    assert await seconds(asyncio.wait([task])) == 0
    assert jumping_loop().timers() == []


# abort().


async def test_abort_drops_the_connection_at_once() -> None:
    ws, peer = establish()
    ws.abort()
    assert await seconds(ws.wait_closed()) == 0
    assert (peer.frames(), peer.aborted, ws.close_code) == ([], True, 1006)


async def test_abort_ends_whoever_waits() -> None:
    ws, _ = establish()
    tasks = [await started(ws.recv()), await started(ws.close()), await started(ws.wait_closed())]
    ws.abort()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [ConnectionClosedError, type(None), type(None)]


async def test_abort_again_is_harmless() -> None:
    ws, _ = establish()
    ws.abort()
    ws.abort()
    await ws.wait_closed()
    ws.abort()
    assert ws.state is State.CLOSED


async def test_messages_before_abort_stay_readable() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"))
    ws.abort()
    await ws.wait_closed()
    assert await ws.recv() == "x"


async def test_close_after_abort_returns_when_the_pipe_is_gone() -> None:
    ws, peer = establish()
    ws.abort()
    assert await seconds(ws.close()) == 0
    assert peer.frames() == []


async def test_abort_after_the_end_of_the_stream_does_not_wait_for_the_flush() -> None:
    ws, peer = establish()
    peer.stop_peer()
    await ws.send("x")
    peer.feed_eof()
    ws.abort()
    assert await seconds(ws.wait_closed()) == 0
