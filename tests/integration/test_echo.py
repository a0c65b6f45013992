"""Messages of every size and kind come back from servers of other people as they went."""

from __future__ import annotations

import random
import string

import pytest

import wssdk
from tests.support.peers.fleet import Peer

# Around each length encoding of a frame (RFC 6455, 5.2), and one that spans many reads.
SIZES = [0, 1, 125, 126, 65535, 65536, 5_000_000]

# Two characters of each plane: the first that is no control character, and the last.
PLANES = "".join(chr((plane << 16) + 0xA9) + chr((plane << 16) + 0xFFFF) for plane in range(17))

PIECES_SIZE = 1_000


def binary_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def text_of(size: int) -> str:
    block = "".join(random.Random(size).choices(string.printable, k=min(size, 10_000)))
    return (block * (size // 10_000 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
async def test_binary_message_comes_back(peer: Peer, compression: str | None, size: int) -> None:
    message = binary_of(size)
    async with wssdk.connect(peer.at("/echo"), compression=compression, max_size=SIZES[-1]) as ws:
        await ws.send(message)
        assert await ws.recv() == message


@pytest.mark.parametrize("size", SIZES)
async def test_text_message_comes_back(peer: Peer, compression: str | None, size: int) -> None:
    message = text_of(size)
    async with wssdk.connect(peer.at("/echo"), compression=compression, max_size=SIZES[-1]) as ws:
        await ws.send(message)
        assert await ws.recv() == message


async def test_characters_of_every_plane_come_back(peer: Peer, compression: str | None) -> None:
    async with wssdk.connect(peer.at("/echo"), compression=compression) as ws:
        await ws.send(PLANES)
        assert await ws.recv() == PLANES


async def test_characters_of_every_plane_come_back_from_fragments_of_one(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        await ws.send(list(PLANES))
        assert await ws.recv() == PLANES


async def test_messages_come_back_in_order(peer: Peer, compression: str | None) -> None:
    messages = [text_of(size) if size % 2 else binary_of(size) for size in range(100)]
    async with wssdk.connect(peer.at("/echo"), compression=compression) as ws:
        for message in messages:
            await ws.send(message)
        assert [await ws.recv() for _ in messages] == messages


async def test_message_sent_in_fragments_arrives_as_one(peer: Peer, compression: str | None) -> None:
    pieces = [binary_of(size) for size in (1, 126, 0, 65536)]
    async with wssdk.connect(peer.at("/echo"), compression=compression) as ws:
        await ws.send(pieces)
        assert await ws.recv() == b"".join(pieces)


async def test_message_received_in_fragments_is_whole(
    fragmenting_peer: Peer, compression: str | None
) -> None:
    message = text_of(10 * PIECES_SIZE)
    uri = fragmenting_peer.at("/pieces", size=PIECES_SIZE)
    async with wssdk.connect(uri, compression=compression) as ws:
        await ws.send(message)
        assert await ws.recv() == message


async def test_fragments_are_yielded_one_by_one(fragmenting_peer: Peer, compression: str | None) -> None:
    message = binary_of(4 * PIECES_SIZE)
    uri = fragmenting_peer.at("/pieces", size=PIECES_SIZE)
    async with wssdk.connect(uri, compression=compression) as ws:
        await ws.send(message)
        pieces = [piece async for piece in ws.recv_streaming()]
    # A server may end the message by an empty fragment.
    assert [piece for piece in pieces if piece] == [
        message[at : at + PIECES_SIZE] for at in range(0, len(message), PIECES_SIZE)
    ]


async def test_iteration_ends_with_an_orderly_close(peer: Peer, compression: str | None) -> None:
    async with wssdk.connect(peer.at("/stream", count=500), compression=compression) as ws:
        assert [message async for message in ws] == [str(number) for number in range(500)]
