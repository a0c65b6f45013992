"""Keepalive fails dead peers, and only those: not a slow consumer's, not those that are heard."""

from __future__ import annotations

import asyncio
import time

import pytest

import wssdk
from tests.support.raw_peer import BINARY, CLOSE, PING, PONG, RawLink, close_frame, frame, raw_peer

INTERVAL = 0.1
TIMEOUT = 0.1
MESSAGES = 30
# Seconds that the slow consumer takes for one message.
SLOW = 0.03


async def answer_pings(link: RawLink) -> None:
    """Answer pings and the close frame; drop the rest."""
    while (got := await link.read_frame()).opcode != CLOSE:
        if got.opcode == PING:
            await link.send(frame(PONG, got.payload))
    await link.send(close_frame(1000))


async def test_slow_consumer_gets_every_message() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        # Larger than what the sockets hold: the pongs come behind what is not yet read.
        answering = asyncio.create_task(answer_pings(link))
        for _ in range(MESSAGES):
            await link.send(frame(BINARY, bytes(1 << 20)))
        await answering

    async with (
        raw_peer(script) as peer,
        wssdk.connect(
            peer.uri, ping_interval=INTERVAL, ping_timeout=TIMEOUT, max_queue=1, close_timeout=1
        ) as ws,
    ):
        for _ in range(MESSAGES):
            await ws.recv()
            await asyncio.sleep(SLOW)
        assert ws.state is wssdk.State.OPEN


async def test_slow_consumer_of_small_messages_gets_every_one() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        answering = asyncio.create_task(answer_pings(link))
        await link.send(frame(BINARY, b"x") * MESSAGES)
        await answering

    async with (
        raw_peer(script) as peer,
        wssdk.connect(
            peer.uri, ping_interval=INTERVAL, ping_timeout=TIMEOUT, max_queue=1, close_timeout=1
        ) as ws,
    ):
        for _ in range(MESSAGES):
            await ws.recv()
            await asyncio.sleep(SLOW)
        assert ws.state is wssdk.State.OPEN


async def test_received_bytes_are_a_sign_of_life() -> None:
    """A peer that never answers pings, but talks, is alive."""

    async def script(link: RawLink) -> None:
        await link.accept()
        for _ in range(MESSAGES):
            await link.send(frame(BINARY, b"x"))
            await asyncio.sleep(SLOW)
        await link.send(close_frame(1000))
        await link.read_close()

    async with (
        raw_peer(script) as peer,
        wssdk.connect(peer.uri, ping_interval=INTERVAL, ping_timeout=TIMEOUT) as ws,
    ):
        assert len([message async for message in ws]) == MESSAGES


async def test_stalled_event_loop_is_not_the_peers_death() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        await answer_pings(link)

    async with (
        raw_peer(script) as peer,
        wssdk.connect(peer.uri, ping_interval=INTERVAL, ping_timeout=TIMEOUT) as ws,
    ):
        for _ in range(3):
            await asyncio.sleep(INTERVAL)
            time.sleep(2 * TIMEOUT)  # noqa: ASYNC251  # this is the stall
        await asyncio.sleep(INTERVAL)
        assert ws.state is wssdk.State.OPEN


async def dead(link: RawLink) -> None:
    await link.accept()
    await link.until_gone()


async def test_dead_peer_fails_the_connection_with_1011() -> None:
    async with (
        raw_peer(dead) as peer,
        wssdk.connect(peer.uri, ping_interval=INTERVAL, ping_timeout=TIMEOUT, close_timeout=0.1) as ws,
    ):
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.sent is not None
    assert caught.value.sent.code == 1011


async def test_dead_peer_is_noticed_in_time() -> None:
    async with (
        raw_peer(dead) as peer,
        wssdk.connect(peer.uri, ping_interval=INTERVAL, ping_timeout=TIMEOUT, close_timeout=0.1) as ws,
    ):
        start = time.monotonic()
        with pytest.raises(wssdk.ConnectionClosedError):
            await ws.recv()
        assert time.monotonic() - start < INTERVAL + TIMEOUT + 0.1 + 0.3


async def test_keepalive_off_sends_no_pings() -> None:
    async with (
        raw_peer(dead) as peer,
        wssdk.connect(peer.uri, ping_interval=None, ping_timeout=0.01, close_timeout=0.1) as ws,
    ):
        await asyncio.sleep(0.1)
        assert ws.state is wssdk.State.OPEN
