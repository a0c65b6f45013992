"""Cancelling: prompt, whatever the peer does, and no message is lost by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

import wssdk
from tests.support.raw_peer import CONT, TEXT, RawLink, close_frame, frame, raw_peer
from wssdk.typing import Data

# The promise is 100 ms; the rest is for a machine that is busy with other things.
PROMPT = 0.5
# Loop ticks around the one in which the bytes are read.
TICKS = range(10)


async def silent(link: RawLink) -> None:
    await link.accept()
    await asyncio.sleep(3600)


async def mute(link: RawLink) -> None:
    """Take the connection, and not even answer the request."""
    await link.read_request()
    await link.until_gone()


async def test_timeout_around_a_block_ends_it_at_once() -> None:
    async with raw_peer(silent) as peer:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), wssdk.connect(peer.uri, close_timeout=10) as ws:
                await ws.recv()
        assert time.monotonic() - start < 0.1 + PROMPT


async def test_cancelling_a_block_leaves_nothing_open() -> None:
    async with raw_peer(silent) as peer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), wssdk.connect(peer.uri, close_timeout=10) as ws:
                await asyncio.sleep(3600)
        assert ws.closed


async def test_cancelling_an_opening_ends_it_at_once() -> None:
    async with raw_peer(mute) as peer:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), wssdk.connect(peer.uri):
                pass
        assert time.monotonic() - start < 0.05 + PROMPT


async def test_cancelling_an_opening_leaves_nothing_open() -> None:
    async with raw_peer(mute) as peer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wssdk.connect(peer.uri)
        async with asyncio.timeout(1):
            await peer.finished()


async def test_cancelling_close_ends_it_at_once() -> None:
    async with raw_peer(silent) as peer:
        ws = await wssdk.connect(peer.uri, close_timeout=10)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ws.close()
        assert time.monotonic() - start < 0.05 + PROMPT
        ws.abort()


async def test_abort_ends_the_connection_at_once() -> None:
    async with raw_peer(silent) as peer:
        ws = await wssdk.connect(peer.uri, close_timeout=10)
        start = time.monotonic()
        ws.abort()
        await ws.wait_closed()
        assert time.monotonic() - start < PROMPT


async def by_recv(ws: wssdk.ClientConnection) -> Data:
    return await ws.recv()


async def by_anext(ws: wssdk.ClientConnection) -> Data:
    return await anext(ws)


async def by_recv_timeout(ws: wssdk.ClientConnection) -> Data:
    return await ws.recv(timeout=60)


Take: TypeAlias = Callable[[wssdk.ClientConnection], Coroutine[Any, Any, Data]]

every_way = pytest.mark.parametrize("take", [by_recv, by_anext, by_recv_timeout])


async def take_cancelled(
    take: Take, ws: wssdk.ClientConnection, act: Callable[[], object], tick: int
) -> list[Data]:
    """Begin to receive, act, and cancel after some ticks; return what came all the same."""
    task = asyncio.create_task(take(ws))
    await asyncio.sleep(0)
    act()
    for _ in range(tick):
        await asyncio.sleep(0)
    task.cancel()
    try:
        return [await task]
    except asyncio.CancelledError:
        return []


async def rest_of(ws: wssdk.ClientConnection) -> list[Data]:
    return [message async for message in ws]


class Server:
    """A peer that sends when it is told to."""

    def __init__(self) -> None:
        self.link: asyncio.Future[RawLink] = asyncio.get_running_loop().create_future()

    async def script(self, link: RawLink) -> None:
        await link.accept()
        self.link.set_result(link)
        await link.answer_close()


async def received(take: Take, chunks: list[bytes], tick: int, *, cancels: int) -> list[Data]:
    """Send chunks, cancel a receive around each of the first ones; return all that was received."""
    server = Server()
    async with raw_peer(server.script) as peer, wssdk.connect(peer.uri) as ws:
        link = await server.link
        got: list[Data] = []
        for chunk in chunks[:cancels]:
            got += await take_cancelled(take, ws, lambda chunk=chunk: link.writer.write(chunk), tick)  # type: ignore[misc]
        for chunk in chunks[cancels:]:
            link.writer.write(chunk)
        return got + await rest_of(ws)


@every_way
@pytest.mark.parametrize("tick", TICKS)
async def test_message_in_the_tick_of_the_cancellation_is_kept(take: Take, tick: int) -> None:
    chunks = [frame(TEXT, b"%d" % number) for number in range(5)] + [close_frame(1000)]
    assert await received(take, chunks, tick, cancels=5) == ["0", "1", "2", "3", "4"]


@every_way
@pytest.mark.parametrize("tick", TICKS)
async def test_fragment_in_the_tick_of_the_cancellation_is_kept(take: Take, tick: int) -> None:
    chunks = [
        frame(TEXT, b"a", fin=False),
        frame(CONT, b"b", fin=False),
        frame(CONT, b"c"),
        close_frame(1000),
    ]
    assert await received(take, chunks, tick, cancels=3) == ["abc"]


@every_way
@pytest.mark.parametrize("tick", TICKS)
async def test_message_in_the_tick_of_a_disconnect_is_kept(take: Take, tick: int) -> None:
    chunks = [frame(TEXT, b"first") + frame(TEXT, b"last") + close_frame(1000)]
    assert await received(take, chunks, tick, cancels=1) == ["first", "last"]


@every_way
@pytest.mark.parametrize("tick", TICKS)
async def test_message_before_a_lost_connection_is_kept(take: Take, tick: int) -> None:
    server = Server()
    async with raw_peer(server.script) as peer, wssdk.connect(peer.uri) as ws:
        link = await server.link

        def send_and_go() -> None:
            link.writer.write(frame(TEXT, b"last"))
            link.writer.write_eof()

        got = await take_cancelled(take, ws, send_and_go, tick)
        if not got:
            got.append(await ws.recv())
        with pytest.raises(wssdk.ConnectionClosedError):
            await ws.recv()
    assert got == ["last"]


async def test_iteration_goes_on_after_a_time_out() -> None:
    server = Server()
    async with raw_peer(server.script) as peer, wssdk.connect(peer.uri) as ws:
        link = await server.link
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(ws)
        link.writer.write(frame(TEXT, b"after") + close_frame(1000))
        assert await rest_of(ws) == ["after"]


async def test_receiving_goes_on_after_its_own_time_out() -> None:
    server = Server()
    async with raw_peer(server.script) as peer, wssdk.connect(peer.uri) as ws:
        link = await server.link
        with pytest.raises(TimeoutError):
            await ws.recv(timeout=0.01)
        link.writer.write(frame(TEXT, b"after"))
        assert await ws.recv(timeout=5) == "after"


async def test_streaming_cancelled_before_its_first_fragment_loses_nothing() -> None:
    server = Server()
    async with raw_peer(server.script) as peer, wssdk.connect(peer.uri) as ws:
        link = await server.link
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(ws.recv_streaming())
        link.writer.write(frame(TEXT, b"a", fin=False) + frame(CONT, b"b"))
        assert await ws.recv() == "ab"


async def send_for_ever(ws: wssdk.ClientConnection) -> None:
    while True:
        await ws.send(bytes(1 << 16))


async def test_cancelled_send_sends_whole_messages_only() -> None:
    sizes: list[int] = []

    async def script(link: RawLink) -> None:
        await link.accept()
        link.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.1)
        link.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while (got := await link.read_frame()).opcode != 0x8:
            sizes.append(len(got.payload))
        await link.send(close_frame(1000))

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await send_for_ever(ws)
        await ws.close()
    assert set(sizes) == {1 << 16}
