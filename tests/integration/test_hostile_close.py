"""Closing is over by its deadline, whatever the peer does (RFC 6455, 7.1)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import pytest

import wssdk
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, RawLink, close_frame, frame, raw_peer

CLOSE_TIMEOUT = 0.3
# For machines that are busy: tests/unit/connection/test_deadline.py holds the deadline itself, in fake time.
GRACE = 1.5
TICK = 0.05


async def silent(link: RawLink) -> None:
    """Read, and say nothing."""
    await link.accept()
    await asyncio.sleep(3600)


async def reading_nothing(link: RawLink) -> None:
    """Let the client's bytes pile up."""
    await link.accept()
    link.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)


async def flooding(link: RawLink) -> None:
    """Send messages as fast as the client takes them."""
    await link.accept()
    while True:
        await link.send(frame(BINARY, bytes(1000)) * 50)
        await asyncio.sleep(0)


async def flooding_with_pings(link: RawLink) -> None:
    """Send pings as fast as the client takes them."""
    await link.accept()
    while True:
        await link.send(frame(PING, b"?") * 1000)
        await asyncio.sleep(0)


async def ticking(link: RawLink) -> None:
    """Send a message now and then, for ever."""
    await link.accept()
    while True:
        await link.send(frame(BINARY, b"tick"))
        await asyncio.sleep(TICK)


async def dripping_a_message(link: RawLink) -> None:
    """Send a message that never ends, byte by byte."""
    await link.accept()
    await link.send(frame(BINARY, fin=False))
    while True:
        await link.send(frame(CONT, b"x", fin=False))
        await asyncio.sleep(TICK)


async def dripping_a_close_frame(link: RawLink) -> None:
    """Begin to answer the close frame, and never come to its end."""
    await link.accept()
    await link.read_close()
    await link.send(close_frame(1000, bytes(100))[:2])
    while True:
        await asyncio.sleep(TICK)
        await link.send(b"x")


async def keeping_tcp_open(link: RawLink) -> None:
    """Answer the close frame, and keep the connection."""
    await link.accept()
    await link.answer_close()
    await asyncio.sleep(3600)


async def talking_on(link: RawLink) -> None:
    """Answer the close frame, and go on sending."""
    await link.accept()
    await link.answer_close()
    while True:
        await link.send(frame(BINARY, b"and another thing"))
        await asyncio.sleep(TICK)


PEERS = [
    silent,
    reading_nothing,
    flooding,
    flooding_with_pings,
    ticking,
    dripping_a_message,
    dripping_a_close_frame,
    keeping_tcp_open,
    talking_on,
]

every_peer = pytest.mark.parametrize("script", PEERS, ids=lambda script: script.__name__)


async def nothing(ws: wssdk.ClientConnection) -> None:
    """Close at once."""


async def fill_the_inbox(ws: wssdk.ClientConnection) -> None:
    """Leave the peer the time to send more than is taken."""
    await asyncio.sleep(2 * TICK)


async def fill_the_pipe(ws: wssdk.ClientConnection) -> None:
    """Send until the peer takes no more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2 * TICK):
            while True:
                await ws.send(bytes(1 << 16))


PREPARATIONS = [nothing, fill_the_inbox, fill_the_pipe]

every_preparation = pytest.mark.parametrize("prepare", PREPARATIONS, ids=lambda prepare: prepare.__name__)


async def seconds(ending: Awaitable[object]) -> float:
    start = time.monotonic()
    await ending
    return time.monotonic() - start


@every_peer
@every_preparation
async def test_close_is_over_by_its_deadline(
    script: Callable[[RawLink], Awaitable[None]],
    prepare: Callable[[wssdk.ClientConnection], Awaitable[None]],
) -> None:
    async with raw_peer(script) as peer:
        ws = await wssdk.connect(peer.uri, close_timeout=CLOSE_TIMEOUT, max_queue=1)
        await prepare(ws)
        assert await seconds(ws.close()) < CLOSE_TIMEOUT + GRACE


@every_peer
async def test_nothing_is_left_open(script: Callable[[RawLink], Awaitable[None]]) -> None:
    async with raw_peer(script) as peer:
        async with wssdk.connect(peer.uri, close_timeout=CLOSE_TIMEOUT, max_queue=1) as ws:
            pass
        assert ws.transport.is_closing()
        assert ws.closed


async def test_leaving_the_block_is_over_by_the_deadline() -> None:
    async with raw_peer(flooding) as peer:
        async with wssdk.connect(peer.uri, close_timeout=CLOSE_TIMEOUT, max_queue=1):
            start = time.monotonic()
        assert time.monotonic() - start < CLOSE_TIMEOUT + GRACE


async def test_deadline_is_one_for_all_who_close() -> None:
    async with raw_peer(ticking) as peer:
        ws = await wssdk.connect(peer.uri, close_timeout=CLOSE_TIMEOUT)
        closing = asyncio.gather(*(ws.close() for _ in range(3)))
        assert await seconds(closing) < CLOSE_TIMEOUT + GRACE


async def test_close_during_a_blocked_send_is_over_by_its_deadline() -> None:
    async with raw_peer(reading_nothing) as peer:
        ws = await wssdk.connect(peer.uri, close_timeout=CLOSE_TIMEOUT)
        blocked = asyncio.create_task(fill_for_ever(ws))
        await asyncio.sleep(TICK)
        assert await seconds(ws.close()) < CLOSE_TIMEOUT + GRACE
        with pytest.raises(wssdk.ConnectionClosed):
            await blocked


async def fill_for_ever(ws: wssdk.ClientConnection) -> None:
    while True:
        await ws.send(bytes(1 << 16))


async def test_peer_that_dies_after_its_close_frame_is_no_error() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(close_frame(1000))
        await link.read_close()
        link.writer.transport.abort()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        with pytest.raises(wssdk.ConnectionClosedOK):
            await ws.recv()


async def test_answer_without_end_of_stream_is_closed_in_order() -> None:
    async with raw_peer(keeping_tcp_open) as peer, wssdk.connect(peer.uri, close_timeout=0.1) as ws:
        await ws.close()
        with pytest.raises(wssdk.ConnectionClosedOK) as caught:
            await ws.recv()
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_no_answer_is_closed_on_an_error() -> None:
    async with raw_peer(silent) as peer, wssdk.connect(peer.uri, close_timeout=0.1) as ws:
        await ws.close()
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_close_frame_behind_a_full_inbox_is_reached() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(frame(BINARY, b"x") * 1000)
        await link.answer_close()

    async with raw_peer(script) as peer:
        ws = await wssdk.connect(peer.uri, close_timeout=5, max_queue=1)
        assert await seconds(ws.close()) < 1


async def test_frame_after_the_close_frame_is_ignored() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(close_frame(1000) + frame(BINARY, b"late") + frame(CLOSE, b"?"))
        await link.read_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert [message async for message in ws] == []
