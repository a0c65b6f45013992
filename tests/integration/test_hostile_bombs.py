"""Messages that are larger than announced: small on the wire, huge inflated, or one byte too many."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import zlib
from collections.abc import Sequence

import pytest

import wssdk
from tests.support.raw_peer import BINARY, CONT, DEFLATE, RawLink, close_frame, deflated, frame, raw_peer

LIMIT = 1 << 20
RSV1 = 0b100
# 16 MiB in bytes: what a bomb of 1 GiB may cost at most.
GROWTH = 16 << 20


@functools.cache
def bomb() -> bytes:
    """Return 1 GiB of zeros, compressed to just under 1 MiB."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = deflater.compress(bytes(64 << 20)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    # What follows an empty block on a byte boundary is independent: the piece can be repeated.
    whole = (piece * 16).removesuffix(b"\x00\x00\xff\xff")
    assert len(whole) < LIMIT
    return whole


def frames_of(payload: bytes, count: int, rsv: int = 0) -> bytes:
    """Return a message in ``count`` frames."""
    size = -(-len(payload) // count)
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(pieces) - 1
    return b"".join(
        frame(CONT if index else BINARY, piece, fin=index == last, rsv=0 if index else rsv)
        for index, piece in enumerate(pieces)
    )


async def send_and_close(link: RawLink, data: bytes, lines: Sequence[str]) -> None:
    await link.accept(*lines)
    link.writer.write(data)
    await link.answer_close()


@pytest.mark.parametrize("count", [1, 64], ids=["whole", "fragments"])
async def test_bomb_fails_the_connection_with_1009(count: int) -> None:
    data = frames_of(bomb(), count, RSV1)
    async with (
        raw_peer(lambda link: send_and_close(link, data, [DEFLATE])) as peer,
        wssdk.connect(peer.uri) as ws,
    ):
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.sent is not None
    assert caught.value.sent.code == 1009


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of its memory from /proc")
@pytest.mark.parametrize("count", [1, 64], ids=["whole", "fragments"])
async def test_bomb_takes_little_memory(count: int) -> None:
    data = frames_of(bomb(), count, RSV1)
    warm_up = frame(BINARY, deflated(bytes(LIMIT // 2)), rsv=RSV1)

    async def script(link: RawLink) -> None:
        await link.accept(DEFLATE)
        await link.send(warm_up)
        await link.read_frame()
        link.writer.write(data)
        await link.answer_close()

    async with raw_peer(script) as peer:
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.bomb_victim", peer.uri, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await victim.communicate()
    result = json.loads(output)
    assert result["code"] == 1009
    assert result["growth"] < GROWTH


@pytest.mark.parametrize("size", [1, 1000, 65536])
@pytest.mark.parametrize("count", [1, 3], ids=["whole", "fragments"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
async def test_message_of_the_limit_passes(size: int, count: int, compressed: bool) -> None:
    payload = deflated(bytes(size)) if compressed else bytes(size)
    data = frames_of(payload, count, RSV1 if compressed else 0)
    lines = [DEFLATE] if compressed else []
    async with (
        raw_peer(lambda link: send_and_close(link, data, lines)) as peer,
        wssdk.connect(peer.uri, max_size=size) as ws,
    ):
        assert await ws.recv() == bytes(size)


@pytest.mark.parametrize("size", [1, 1000, 65536])
@pytest.mark.parametrize("count", [1, 3], ids=["whole", "fragments"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
async def test_message_of_one_byte_more_fails(size: int, count: int, compressed: bool) -> None:
    payload = deflated(bytes(size + 1)) if compressed else bytes(size + 1)
    data = frames_of(payload, count, RSV1 if compressed else 0)
    lines = [DEFLATE] if compressed else []
    async with (
        raw_peer(lambda link: send_and_close(link, data, lines)) as peer,
        wssdk.connect(peer.uri, max_size=size) as ws,
    ):
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.sent is not None
    assert caught.value.sent.code == 1009


async def test_fragment_of_its_limit_passes() -> None:
    data = frames_of(bytes(3000), 3)
    async with (
        raw_peer(lambda link: send_and_close(link, data, [])) as peer,
        wssdk.connect(peer.uri, max_size=(None, 1000)) as ws,
    ):
        assert await ws.recv() == bytes(3000)


async def test_fragment_over_its_limit_fails() -> None:
    data = frames_of(bytes(3000), 2)
    async with (
        raw_peer(lambda link: send_and_close(link, data, [])) as peer,
        wssdk.connect(peer.uri, max_size=(None, 1000)) as ws,
    ):
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.sent is not None
    assert caught.value.sent.code == 1009


async def test_announced_size_fails_before_the_payload_comes() -> None:
    header = b"\x82\x7f" + (1 << 62).to_bytes(8, "big")
    async with raw_peer(lambda link: send_and_close(link, header, [])) as peer, wssdk.connect(peer.uri) as ws:
        with pytest.raises(wssdk.ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.sent is not None
    assert caught.value.sent.code == 1009


async def test_message_before_the_bomb_is_received() -> None:
    data = frame(BINARY, b"fine") + frames_of(bomb(), 1, RSV1)
    async with (
        raw_peer(lambda link: send_and_close(link, data, [DEFLATE])) as peer,
        wssdk.connect(peer.uri) as ws,
    ):
        assert await ws.recv() == b"fine"


async def test_no_limit_is_no_limit() -> None:
    size = 20 << 20
    data = frame(BINARY, deflated(bytes(size)), rsv=RSV1) + close_frame(1000)

    async def script(link: RawLink) -> None:
        await link.accept(DEFLATE)
        await link.send(data)
        await link.read_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri, max_size=None) as ws:
        assert len(await ws.recv()) == size
