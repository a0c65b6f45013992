"""Frames that break RFC 6455 or RFC 7692 fail the connection, wherever TCP cuts them."""

from __future__ import annotations

import attrs
import pytest

import wssdk
from tests.support.raw_peer import (
    BINARY,
    CLOSE,
    CONT,
    DEFLATE,
    PING,
    PONG,
    TEXT,
    RawLink,
    close_frame,
    deflated,
    frame,
    raw_peer,
    settle,
)

RSV1, RSV2, RSV3 = 0b100, 0b010, 0b001
KEY = b"\x01\x02\x03\x04"


@attrs.frozen
class Bad:
    """Bytes that break a rule, and the close code that says so."""

    data: bytes
    code: int
    deflate: bool = False
    """Whether permessage-deflate is agreed."""


def opening(opcode: int, payload: bytes = b"") -> bytes:
    """Return the first fragment of a message."""
    return frame(opcode, payload, fin=False)


BAD = {
    # 5.2: reserved bits and opcodes.
    **{f"opcode {opcode:#x}": Bad(frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "RSV1": Bad(frame(TEXT, b"hello", rsv=RSV1), 1002),
    "RSV2": Bad(frame(TEXT, b"hello", rsv=RSV2), 1002),
    "RSV3": Bad(frame(BINARY, b"hello", rsv=RSV3), 1002),
    "RSV1 on a ping": Bad(frame(PING, b"hello", rsv=RSV1), 1002),
    "RSV1 on a continuation": Bad(opening(TEXT, b"a") + frame(CONT, b"b", rsv=RSV1), 1002),
    # 5.1: a server must not mask.
    "masked text": Bad(frame(TEXT, b"hello", key=KEY), 1002),
    "masked ping": Bad(frame(PING, b"hello", key=KEY), 1002),
    "masked close": Bad(frame(CLOSE, b"\x03\xe8", key=KEY), 1002),
    "masked with the key 0": Bad(frame(TEXT, b"hello", key=bytes(4)), 1002),
    # 5.2: the length in the fewest bytes, and below 2 ** 63.
    "125 in 2 bytes": Bad(b"\x82\x7e\x00\x7d" + bytes(125), 1002),
    "65535 in 8 bytes": Bad(b"\x82\x7f" + (65535).to_bytes(8, "big"), 1002),
    "length of 2 ** 63": Bad(b"\x82\x7f" + (1 << 63).to_bytes(8, "big"), 1002),
    # 5.5: control frames are short and whole.
    "ping of 126 bytes": Bad(frame(PING, bytes(126)), 1002),
    "pong of 126 bytes": Bad(frame(PONG, bytes(126)), 1002),
    "close of 126 bytes": Bad(close_frame(1000, bytes(124)), 1002),
    "fragmented ping": Bad(frame(PING, b"hello", fin=False), 1002),
    "fragmented close": Bad(frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    # 5.4: fragments in order.
    "continuation of nothing": Bad(frame(CONT, b"hello"), 1002),
    "text in the middle of a message": Bad(opening(TEXT, b"a") + frame(TEXT, b"b"), 1002),
    "binary in the middle of a message": Bad(opening(TEXT, b"a") + frame(BINARY, b"b"), 1002),
    # 5.5.1, 7.4: close frames.
    "close of 1 byte": Bad(frame(CLOSE, b"\x03"), 1002),
    **{
        f"close code {code}": Bad(close_frame(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
    "close reason not UTF-8": Bad(close_frame(1000, b"\xff"), 1007),
    # 8.1: text is UTF-8.
    "text not UTF-8": Bad(frame(TEXT, b"hello \xff"), 1007),
    "overlong encoding": Bad(frame(TEXT, b"\xc0\xaf"), 1007),
    "surrogate": Bad(frame(TEXT, b"\xed\xa0\x80"), 1007),
    "beyond the last plane": Bad(frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "character cut off": Bad(frame(TEXT, "é".encode()[:1]), 1007),
    "character cut off in the last fragment": Bad(opening(TEXT, b"a") + frame(CONT, b"\xc3"), 1007),
    "not UTF-8 in the first fragment": Bad(opening(TEXT, b"\xff"), 1007),
    "not UTF-8 in a later fragment": Bad(opening(TEXT, b"a") + frame(CONT, b"\xff", fin=False), 1007),
    # RFC 7692.
    "RSV1 on a continuation, deflate": Bad(
        frame(TEXT, deflated(b"a"), fin=False, rsv=RSV1) + frame(CONT, b"b", rsv=RSV1), 1002, True
    ),
    "RSV2, deflate": Bad(frame(TEXT, b"hello", rsv=RSV2), 1002, True),
    "RSV1 on a pong, deflate": Bad(frame(PONG, b"hello", rsv=RSV1), 1002, True),
    "not DEFLATE": Bad(frame(TEXT, b"\xff\xff\xff\xff", rsv=RSV1), 1002, True),
    "inflated not UTF-8": Bad(frame(TEXT, deflated(b"\xff"), rsv=RSV1), 1007, True),
}

UNCOMPRESSED = {choice: bad for choice, bad in BAD.items() if not bad.deflate}

MESSAGE = frame(TEXT, b"before")


async def echo(ws: wssdk.ClientConnection) -> None:
    while True:
        await ws.send(await ws.recv())


@pytest.mark.parametrize("choice", BAD)
async def test_bad_frame_fails_the_connection_at_every_split(choice: str) -> None:
    bad = BAD[choice]
    codes: set[int] = set()
    cuts = [0, *range(1, min(len(bad.data), 16)), len(bad.data) - 1]

    async def script(link: RawLink) -> None:
        await link.accept(*([DEFLATE] if bad.deflate else []))
        await link.send_split(bad.data, cuts[len(peer.links) - 1])
        codes.add(await link.read_close())

    async with raw_peer(script) as peer:
        for _ in cuts:
            async with wssdk.connect(peer.uri) as ws:
                with pytest.raises(wssdk.ConnectionClosedError):
                    await ws.recv()
    assert codes == {bad.code}


@pytest.mark.parametrize("choice", BAD)
async def test_message_before_a_bad_frame_is_received(choice: str) -> None:
    bad = BAD[choice]

    async def script(link: RawLink) -> None:
        await link.accept(*([DEFLATE] if bad.deflate else []))
        await link.send(MESSAGE + bad.data)
        await link.read_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert await ws.recv() == "before"


@pytest.mark.parametrize("choice", UNCOMPRESSED)
async def test_message_before_a_bad_frame_is_answered_before_the_close_frame(choice: str) -> None:
    seen: list[tuple[int, bytes]] = []

    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(MESSAGE + UNCOMPRESSED[choice].data)
        while (got := await link.read_frame()).opcode != CLOSE:
            seen.append((got.opcode, got.payload))

    async with raw_peer(script) as peer, wssdk.connect(peer.uri, compression=None) as ws:
        with pytest.raises(wssdk.ConnectionClosedError):
            await echo(ws)
    assert seen == [(TEXT, b"before")]


@pytest.mark.parametrize("choice", BAD)
async def test_nothing_after_a_bad_frame_is_received(choice: str) -> None:
    bad = BAD[choice]

    async def script(link: RawLink) -> None:
        await link.accept(*([DEFLATE] if bad.deflate else []))
        await link.send(bad.data + frame(TEXT, b"after"))
        await link.read_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        with pytest.raises(wssdk.ConnectionClosedError):
            await ws.recv()


@pytest.mark.parametrize("length", [125, 126, 65535, 65536])
async def test_text_is_received_at_every_split_of_its_header(length: int) -> None:
    data = frame(TEXT, b"x" * length)
    cuts = range(1, 12)

    async def script(link: RawLink) -> None:
        await link.accept()
        for cut in cuts:
            await link.send_split(data, cut)
            await settle()
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert [await ws.recv() for _ in cuts] == ["x" * length] * len(cuts)


@pytest.mark.parametrize("size", range(1, 8))
async def test_characters_are_received_whole_from_fragments_of_any_size(size: int) -> None:
    text = "aé€😀" * 5
    encoded = text.encode()
    pieces = [encoded[at : at + size] for at in range(0, len(encoded), size)]

    async def script(link: RawLink) -> None:
        await link.accept()
        for index, piece in enumerate(pieces):
            await link.send(frame(CONT if index else TEXT, piece, fin=False) + frame(PING, piece))
        await link.send(frame(CONT))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert await ws.recv() == text
