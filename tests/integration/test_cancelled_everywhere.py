"""Cancelling at every turn of the event loop: nothing is left open, and the peer sees whole messages.

That no task and no socket is left is checked after every test: see ``tests/conftest.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable

import pytest

import wssdk
from tests.support.dialer import FakeClock
from tests.support.raw_peer import CLOSE, CONT, RawFrame, RawLink, close_frame, raw_peer
from tests.support.tls import authority
from tests.support.until import until

# More turns than an opening takes: about ten.
OPENING_TURNS = range(1, 25)
TLS_TURNS = range(1, 31)
TURNS = range(1, 13)
LARGE = bytes(1 << 20)


async def cancelled_after(turns: int, awaitable: Awaitable[object]) -> object:
    """Cancel after some turns of the event loop; return the result where it was there before."""

    async def run() -> object:
        return await awaitable

    task = asyncio.create_task(run())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return None


async def polite(link: RawLink) -> None:
    await link.accept()
    await link.answer_close()


async def test_opening_cancelled_at_any_turn_leaves_nothing_open() -> None:
    async with raw_peer(polite) as peer:
        for turns in OPENING_TURNS:
            ws = await cancelled_after(turns, wssdk.connect(peer.uri))
            if isinstance(ws, wssdk.ClientConnection):
                await ws.close()
        await until(lambda: not peer.scripts)


async def test_opening_over_tls_cancelled_at_any_turn_leaves_nothing_open() -> None:
    trusting = authority().client_context()
    async with raw_peer(polite, authority().server_context()) as peer:
        for turns in TLS_TURNS:
            ws = await cancelled_after(turns, wssdk.connect(peer.uri, ssl=trusting))
            if isinstance(ws, wssdk.ClientConnection):
                await ws.close()
        await until(lambda: not peer.scripts)


async def test_block_cancelled_at_any_turn_leaves_nothing_open() -> None:
    async def use(uri: str) -> None:
        async with wssdk.connect(uri) as ws:
            await ws.recv()

    async with raw_peer(polite) as peer:
        for turns in OPENING_TURNS:
            await cancelled_after(turns, use(peer.uri))
        await until(lambda: not peer.scripts)


async def test_opening_with_all_that_it_may_take_cancelled_at_any_turn_leaves_nothing_open() -> None:
    async def headers(attempt: wssdk.ConnectAttempt) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"X-Token": "fresh" if attempt.refresh else "stale"}

    async def unavailable(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")

    async def particular(link: RawLink) -> None:
        await link.read_request()
        if b"stale" in link.request:
            await link.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return
        await link.agree()
        await link.answer_close()

    async with raw_peer(unavailable) as down, raw_peer(particular) as up:
        config = wssdk.ClientConfig(uris=[down.uri, up.uri])
        opened = 0
        for turns in range(1, 61):
            factory = wssdk.ConnectionFactory(config, headers=headers)
            ws = await cancelled_after(turns, factory.connect())
            if isinstance(ws, wssdk.ClientConnection):
                opened += 1
                await ws.close()
        await until(lambda: not down.scripts and not up.scripts)
    assert opened  # else there were not turns enough to come to the end


async def test_iteration_cancelled_at_any_turn_leaves_nothing_open() -> None:
    async def drop(link: RawLink) -> None:
        await link.accept()

    async def refuse(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")

    scripts = itertools.cycle((drop, refuse, polite))

    async with raw_peer(lambda link: next(scripts)(link)) as peer:
        factory = wssdk.ConnectionFactory(wssdk.ClientConfig(uri=peer.uri), clock=FakeClock())

        async def use() -> None:
            async for ws in factory.connect():
                await ws.wait_closed()

        for turns in range(1, 61):
            await cancelled_after(turns, use())
        await until(lambda: not peer.scripts)


async def test_surviving_cancelled_at_any_turn_leaves_nothing_open() -> None:
    async def drop(link: RawLink) -> None:
        await link.accept()
        await link.read_frame()

    async def refuse(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")

    async def subscribe(ws: wssdk.ClientConnection) -> None:
        await ws.send("subscribe")

    scripts = itertools.cycle((drop, refuse, polite))

    async with raw_peer(lambda link: next(scripts)(link)) as peer:
        factory = wssdk.ConnectionFactory(wssdk.ClientConfig(uri=peer.uri), clock=FakeClock())
        states: list[str] = []

        async def use() -> None:
            try:
                async with conn:
                    await conn.recv()
            finally:
                states.append(conn.state.name)

        for turns in range(1, 81):
            conn = factory.reconnecting(on_open=subscribe, acknowledge=True)
            await cancelled_after(turns, use())
        await until(lambda: not peer.scripts)
    assert set(states) == {"CLOSED"}


async def frames_seen(link: RawLink, seen: list[RawFrame]) -> None:
    """Note every frame up to the close frame, and answer that."""
    await link.accept()
    while (got := await link.read_frame()).opcode != CLOSE:
        seen.append(got)
    seen.append(got)
    await link.send(close_frame(got.close_code))


@pytest.mark.parametrize("turns", TURNS)
async def test_cancelled_send_is_whole_or_nothing(turns: int) -> None:
    seen: list[RawFrame] = []
    async with raw_peer(lambda link: frames_seen(link, seen)) as peer:
        async with wssdk.connect(peer.uri) as ws:
            await cancelled_after(turns, ws.send(LARGE))
            await ws.send(b"next")
        await until(lambda: not peer.scripts)
    *cancelled, following, close = seen
    assert [got.payload for got in cancelled] in ([], [LARGE])
    assert (following.payload, close.close_code) == (b"next", 1000)


async def endless_pieces() -> AsyncIterator[bytes]:
    while True:
        yield b"piece"
        await asyncio.sleep(0)


@pytest.mark.parametrize("turns", TURNS)
async def test_cancelled_fragmented_send_is_nothing_or_fails_the_connection(turns: int) -> None:
    seen: list[RawFrame] = []
    async with raw_peer(lambda link: frames_seen(link, seen)) as peer:
        async with wssdk.connect(peer.uri) as ws:
            await cancelled_after(turns, ws.send(endless_pieces()))
        await until(lambda: not peer.scripts)
    *fragments, close = seen
    assert not any(got.fin for got in fragments)
    assert close.close_code == (1011 if fragments else 1000)


@pytest.mark.parametrize("turns", TURNS)
async def test_message_after_a_send_that_was_cancelled_in_the_queue_is_whole(turns: int) -> None:
    seen: list[RawFrame] = []
    gate = asyncio.Event()

    async def two_pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await gate.wait()
        yield b"two"

    async with raw_peer(lambda link: frames_seen(link, seen)) as peer:
        async with wssdk.connect(peer.uri) as ws:
            first = asyncio.create_task(ws.send(two_pieces()))
            await cancelled_after(turns, ws.send(b"queued"))
            gate.set()
            await first
        await until(lambda: not peer.scripts)
    assert [(got.opcode == CONT, got.payload) for got in seen[:-1] if got.payload != b"queued"] == [
        (False, b"one"),
        (True, b"two"),
        (True, b""),
    ]


@pytest.mark.parametrize("turns", TURNS)
async def test_cancelled_close_can_be_repeated(turns: int) -> None:
    async with raw_peer(polite) as peer:
        ws = await wssdk.connect(peer.uri)
        await cancelled_after(turns, ws.close(4000))
        await ws.close(4001)
        assert ws.closed


@pytest.mark.parametrize("turns", TURNS)
async def test_cancelled_ping_leaves_the_connection_usable(turns: int) -> None:
    seen: list[RawFrame] = []

    async def ping(ws: wssdk.ClientConnection) -> None:
        await (await ws.ping())

    async with raw_peer(lambda link: frames_seen(link, seen)) as peer:
        async with wssdk.connect(peer.uri) as ws:
            await cancelled_after(turns, ping(ws))
            await ws.send(b"next")
        await until(lambda: not peer.scripts)
    assert seen[-2].payload == b"next"
