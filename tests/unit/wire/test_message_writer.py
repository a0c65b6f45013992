"""Messages and control frames to frames: plain, compressed, passed through extensions."""

from __future__ import annotations

import zlib

import attrs
import pytest

from tests.support.pipes import parse_frames
from wssdk.ports import Frame
from wssdk.wire.deflate import Deflater, PerMessageDeflate
from wssdk.wire.message_writer import MessageWriter

TEXT, BINARY, CONT, PING = 1, 2, 0, 9


def deflater() -> Deflater:
    return PerMessageDeflate(False, False, 15, 15).new_deflater()


def inflated(payload: bytes) -> bytes:
    return zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")


@attrs.define
class Tagging:
    """An extension that appends its tag and sets a reserved bit."""

    tag: bytes
    name: str = "x-tag"

    def encode(self, frame: Frame) -> Frame:
        return attrs.evolve(frame, data=bytes(frame.data) + self.tag, rsv2=True)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return frame


def test_text_goes_out_in_utf8() -> None:
    assert MessageWriter(False).serialize_text("é") == b"\x81\x02\xc3\xa9"


def test_lone_surrogate_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        MessageWriter(False).serialize_text("\ud800")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_go_out(kind: type[bytes] | type[bytearray] | type[memoryview]) -> None:
    assert MessageWriter(False).serialize(BINARY, kind(b"ab")) == b"\x82\x02ab"


@pytest.mark.parametrize("fin", [False, True])
def test_fragment_tells_whether_it_is_the_last(fin: bool) -> None:
    assert MessageWriter(False).serialize(CONT, b"a", fin)[0] == (0x80 if fin else 0)


def test_client_masks() -> None:
    data = MessageWriter(True).serialize(BINARY, b"ab")
    assert (data[1], parse_frames(data)[0].payload) == (0x82, b"ab")


@pytest.mark.parametrize("message", ["a", "a" * 5000])
def test_text_is_compressed(message: str) -> None:
    frame = parse_frames(MessageWriter(False, deflater()).serialize_text(message))[0]
    assert (frame.rsv, inflated(frame.payload)) == (4, message.encode())


@pytest.mark.parametrize(("size", "rsv"), [(0, 0), (9, 0), (10, 4), (11, 4)])
def test_small_messages_are_not_compressed(size: int, rsv: int) -> None:
    writer = MessageWriter(False, deflater(), 10)
    assert parse_frames(writer.serialize(BINARY, bytes(size)))[0].rsv == rsv


def test_fragments_are_one_compressed_message() -> None:
    writer = MessageWriter(False, deflater(), 10)
    data = [writer.serialize(TEXT, b"a", False), writer.serialize(CONT, b"b", False)]
    frames = parse_frames(b"".join([*data, writer.serialize(CONT, b"c")]))
    whole = inflated(b"".join(frame.payload for frame in frames))
    assert (whole, [frame.rsv for frame in frames]) == (b"abc", [4, 0, 0])


def test_control_frame_is_never_compressed() -> None:
    assert MessageWriter(False, deflater()).serialize_control(PING, b"a" * 100) == b"\x89\x64" + b"a" * 100


def test_extensions_are_applied_in_the_order_agreed() -> None:
    writer = MessageWriter(False, extensions=[Tagging(b"1"), Tagging(b"2")])
    frame = parse_frames(writer.serialize_text("a"))[0]
    assert (frame.payload, frame.rsv) == (b"a12", 2)


def test_extensions_see_control_frames() -> None:
    writer = MessageWriter(False, extensions=[Tagging(b"1")])
    assert parse_frames(writer.serialize_control(PING, b"a"))[0].payload == b"a1"


def test_plain_control_frame_passes_extensions_by() -> None:
    assert MessageWriter(False, extensions=[Tagging(b"1")]).serialize_plain(PING, b"a") == b"\x89\x01a"
