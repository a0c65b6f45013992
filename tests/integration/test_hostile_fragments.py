"""Many fragments, many messages: the first have a bound, the second have none."""

from __future__ import annotations

import asyncio

import pytest

import wssdk
from tests.support.raw_peer import BINARY, CONT, PING, PONG, RawLink, close_frame, frame, raw_peer

BATCH = 10_000


@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
async def test_endless_fragments_fail_the_connection_with_1009(payload: bytes) -> None:
    async def flood(link: RawLink) -> None:
        await link.accept()
        await link.send(frame(BINARY, payload, fin=False))
        while True:
            await link.send(frame(CONT, payload, fin=False) * BATCH)

    async with raw_peer(flood) as peer, wssdk.connect(peer.uri, close_timeout=0.5) as ws:
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.sent is not None
    assert caught.value.sent.code == 1009


async def test_endless_fragments_stop_at_a_bound() -> None:
    taken: list[int] = []

    async def flood(link: RawLink) -> None:
        await link.send(frame(BINARY, fin=False))
        while True:
            await link.send(frame(CONT, fin=False) * BATCH)
            await asyncio.sleep(0)

    async def script(link: RawLink) -> None:
        await link.accept()
        flooding = asyncio.create_task(flood(link))
        try:
            await link.read_close()
            taken.append(link.sent)
        finally:
            flooding.cancel()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        await ws.wait_closed()
    # 2 bytes a fragment; what the sockets hold comes on top.
    assert taken[0] < 10 << 20


async def test_four_mebibytes_in_fragments_of_64_bytes_are_one_message() -> None:
    pieces = 65536

    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(frame(BINARY, bytes(64), fin=False))
        await link.send(frame(CONT, bytes(64), fin=False) * (pieces - 2))
        await link.send(frame(CONT, bytes(64)))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri, max_size=64 * pieces) as ws:
        assert await ws.recv() == bytes(64 * pieces)


async def test_hundred_thousand_messages_are_received() -> None:
    count = 100_000

    async def script(link: RawLink) -> None:
        await link.accept()
        for _ in range(count // BATCH):
            await link.send(frame(BINARY, b"x") * BATCH)
        await link.send(close_frame(1000))
        await link.read_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert sum([len(message) async for message in ws]) == count


async def test_fragments_streamed_have_no_bound() -> None:
    count = 300_000

    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(frame(BINARY, fin=False))
        for _ in range(count // BATCH):
            await link.send(frame(CONT, b"x", fin=False) * BATCH)
        await link.send(frame(CONT))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert sum([len(piece) async for piece in ws.recv_streaming()]) == count


async def test_flood_of_pings_does_not_hide_a_message() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(frame(PING, b"?") * 50_000 + frame(BINARY, b"here"))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert await ws.recv() == b"here"


async def test_pongs_for_a_peer_that_reads_nothing_are_bounded() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        link.writer.transport.pause_reading()  # type: ignore[attr-defined]
        while link.sent < 50 << 20:
            await link.send(frame(PING, bytes(125)) * 1000)
        await link.send(frame(BINARY, b"here"))
        await link.until_gone()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri, close_timeout=0.1, ping_interval=None) as ws:
        assert await ws.recv() == b"here"
        assert ws.transport.get_write_buffer_size() < 1 << 20


async def test_flood_of_pongs_does_not_hide_a_message() -> None:
    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(frame(PONG, b"!") * 50_000 + frame(BINARY, b"here"))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert await ws.recv() == b"here"
