"""The receive buffer and the header at its front (RFC 6455, 5.2)."""

from __future__ import annotations

import pytest

from tests.support.raw_peer import BINARY, CONT, TEXT, frame
from wssdk.errors import ProtocolError
from wssdk.wire.frame_reader import FrameReader

KEY = b"\x01\x02\x03\x04"


def holding(data: bytes, *, masked: bool = False, size: int = 4096) -> FrameReader:
    """Return a reader that received ``data``."""
    reader = FrameReader(masked, size)
    put(reader, data)
    return reader


def put(reader: FrameReader, data: bytes) -> None:
    """Let ``reader`` receive ``data``."""
    while data:
        buffer = reader.get_buffer()
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        reader.received(count)
        data = data[count:]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_header_tells_the_length(size: int) -> None:
    reader = holding(frame(BINARY, b"x" * size), size=1 << 17)
    assert reader.parse_header()
    assert (reader.length, reader.remaining) == (size, size)


@pytest.mark.parametrize(
    ("first", "fin", "rsv", "opcode"),
    [(0x81, True, 0, TEXT), (0x02, False, 0, BINARY), (0xC1, True, 0x40, TEXT), (0x70, False, 0x70, CONT)],
)
def test_header_tells_its_bits(first: int, fin: bool, rsv: int, opcode: int) -> None:
    reader = holding(bytes([first, 0]))
    assert reader.parse_header()
    assert (reader.fin, reader.rsv, reader.opcode) == (fin, rsv, opcode)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [1, 200, 70000])
def test_header_is_not_parsed_before_it_is_whole(size: int, masked: bool) -> None:
    data = frame(BINARY, b"x" * size, key=KEY if masked else b"")
    header = data[:-size]
    reader = FrameReader(masked, 4096)
    parsed = []
    for byte in header:
        put(reader, bytes([byte]))
        parsed.append(reader.parse_header())
    assert parsed == [False] * (len(header) - 1) + [True]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        *((bytes([0x80 | opcode, 0]), f"reserved opcode: {opcode}") for opcode in (3, 4, 5, 6, 7)),
        *((bytes([0x80 | opcode, 0]), f"reserved opcode: {opcode}") for opcode in range(0xB, 0x10)),
        (b"\x89\x7e", "control frame is too long"),
        (b"\x88\x7f", "control frame is too long"),
        (b"\x09\x00", "control frame is fragmented"),
        (b"\x08\x00", "control frame is fragmented"),
        (b"\x81\x80", "frame is masked"),
        (b"\x82\x7e\x00\x7d", "not in its shortest form"),
        (b"\x82\x7e\x00\x00", "not in its shortest form"),
        (b"\x82\x7f" + (65535).to_bytes(8, "big"), "not in its shortest form"),
        (b"\x82\x7f" + (1 << 63).to_bytes(8, "big"), "most significant bit"),
    ],
)
def test_wrong_header_is_refused_as_soon_as_it_shows(data: bytes, says: str) -> None:
    reader = holding(data)
    with pytest.raises(ProtocolError, match=says):
        reader.parse_header()


def test_server_refuses_what_is_not_masked() -> None:
    reader = holding(b"\x81\x00", masked=True)
    with pytest.raises(ProtocolError, match="frame is not masked"):
        reader.parse_header()


def test_longest_length_is_read() -> None:
    reader = holding(b"\x82\x7f" + ((1 << 63) - 1).to_bytes(8, "big"))
    assert reader.parse_header()
    assert reader.length == (1 << 63) - 1


def test_payload_is_taken() -> None:
    reader = holding(frame(TEXT, b"Hello"))
    reader.parse_header()
    assert (reader.has_payload(), reader.take()) == (True, b"Hello")


def test_payload_is_taken_as_far_as_it_came() -> None:
    reader = holding(frame(TEXT, b"Hello")[:-2])
    reader.parse_header()
    assert (reader.has_payload(), reader.take(), reader.remaining) == (False, b"Hel", 2)


def test_payload_ends_where_the_next_frame_begins() -> None:
    reader = holding(frame(TEXT, b"Hello") + frame(TEXT, b"World"))
    reader.parse_header()
    assert (reader.take(), reader.buffered()) == (b"Hello", 7)


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, 7])
def test_payload_is_unmasked_in_any_pieces(pieces: int) -> None:
    payload = bytes(range(60))
    data = frame(BINARY, payload, key=KEY)
    reader = holding(data[:6], masked=True)
    reader.parse_header()
    taken = b""
    for start in range(6, len(data), pieces):
        put(reader, data[start : start + pieces])
        taken += reader.take()
    assert taken == payload


def test_taken_payload_is_no_window_on_the_buffer() -> None:
    reader = holding(frame(BINARY, b"Hello"))
    reader.parse_header()
    taken = reader.take()
    put(reader, b"\xff" * 1000)
    assert taken == b"Hello"


def test_buffer_is_never_empty() -> None:
    reader = FrameReader(False, 256)
    rooms = []
    for _ in range(20):
        room = len(reader.get_buffer())
        rooms.append(room)
        reader.received(room)
    assert min(rooms) > 0


def test_bytes_survive_a_buffer_that_grows() -> None:
    payload = bytes(range(256)) * 40
    reader = holding(frame(BINARY, payload), size=256)
    reader.parse_header()
    assert reader.take() == payload


def test_bytes_survive_a_buffer_whose_front_is_used_again() -> None:
    reader = FrameReader(False, 256)
    taken = []
    for number in range(50):
        put(reader, frame(BINARY, bytes([number]) * 70) + b"\x82")
        reader.parse_header()
        taken.append(reader.take())
        put(reader, b"\x01" + bytes([number]))
        reader.parse_header()
        taken.append(reader.take())
    assert taken == [bytes([n]) * size for n in range(50) for size in (70, 1)]


def test_buffer_shrinks_once_it_was_emptied() -> None:
    reader = holding(frame(BINARY, b"x" * 100_000), size=256)
    reader.parse_header()
    reader.take()
    assert len(reader.get_buffer()) == 256


def test_cleared_buffer_holds_nothing() -> None:
    reader = holding(b"\x81\x05Hel")
    reader.clear()
    assert reader.buffered() == 0


# A message that is plain, whole and in the buffer.


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535])
def test_whole_message_is_taken_at_once(size: int) -> None:
    reader = holding(frame(TEXT, b"x" * size) + frame(BINARY, b"y" * size), size=1 << 18)
    assert (reader.take_message(-1), reader.take_message(-1)) == ("x" * size, b"y" * size)


# Around the blocks of 64 and of 8 bytes in which the compiled form looks for what is not ASCII.
@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 63, 64, 65, 71, 72, 127, 128, 129, 200])
def test_text_is_decoded_wherever_it_is_not_ascii(size: int) -> None:
    texts = ["x" * at + "\xe9" + "x" * (size - at - 1) for at in range(size)]
    taken = [holding(frame(TEXT, text.encode())).take_message(-1) for text in texts]
    assert taken == texts


@pytest.mark.parametrize("size", [1, 8, 9, 64, 65, 200])
def test_text_that_is_not_utf_8_is_refused_wherever_it_is(size: int) -> None:
    for at in range(size):
        payload = b"x" * at + b"\xff" + b"x" * (size - at - 1)
        with pytest.raises(UnicodeDecodeError) as caught:
            holding(frame(TEXT, payload)).take_message(-1)
        assert (caught.value.start, caught.value.object) == (at, payload)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x81", id="one byte"),
        pytest.param(b"\x82\x7e\x00", id="half a header"),
        pytest.param(b"\x81\x05Hell", id="half a text"),
        pytest.param(b"\x82\x05Hell", id="half a binary"),
        pytest.param(b"\x01\x01a", id="fragment"),
        pytest.param(b"\x80\x01a", id="continuation"),
        pytest.param(b"\xc1\x01a", id="compressed"),
        pytest.param(b"\x89\x00", id="ping"),
        pytest.param(b"\x81\x81abcde", id="masked"),
        pytest.param(b"\x82\x7e\x00\x7d" + bytes(125), id="length not in its shortest form"),
        pytest.param(b"\x82\x7f" + (1 << 63).to_bytes(8, "big"), id="length with its top bit set"),
        pytest.param(b"\x82\x06Hello!", id="over the limit"),
        pytest.param(b"\x82\x7f" + (5).to_bytes(8, "big"), id="length of eight bytes"),
    ],
)
def test_anything_else_is_left_to_be_parsed(data: bytes) -> None:
    reader = holding(data)
    assert (reader.take_message(5), reader.buffered()) == (None, len(data))


def test_server_parses_every_frame() -> None:
    assert holding(frame(TEXT, b"a", key=KEY), masked=True).take_message(-1) is None


# The size of the buffer.


def rooms(reader: FrameReader, reads: int, share: float) -> list[int]:
    """Return the room before each of ``reads`` reads that fill a share of it, emptied after each."""
    sizes = []
    for _ in range(reads):
        room = len(reader.get_buffer())
        sizes.append(room)
        reader.received(max(1, int(room * share)))
        reader.clear()
    return sizes


def test_buffer_begins_small() -> None:
    assert rooms(FrameReader(False, 1 << 16), 1, 1) == [1024]


def test_buffer_grows_while_reads_fill_it() -> None:
    assert rooms(FrameReader(False, 1 << 16), 5, 1) == [1024, 4096, 16384, 65536, 65536]


def test_buffer_stays_while_reads_need_it() -> None:
    reader = FrameReader(False, 1 << 16)
    rooms(reader, 4, 1)
    assert set(rooms(reader, 1000, 0.5)) == {1 << 16}


def test_buffer_shrinks_once_reads_are_small() -> None:
    reader = FrameReader(False, 1 << 16)
    rooms(reader, 4, 1)
    assert rooms(reader, 1000, 0.01)[-1] == 1024


def test_buffer_begins_small_again_after_a_rest() -> None:
    reader = FrameReader(False, 1 << 16)
    rooms(reader, 4, 1)
    reader.rest()
    assert rooms(reader, 1, 1) == [1024]


def test_rest_keeps_what_is_in_the_buffer() -> None:
    reader = holding(b"\x81\x05Hel")
    reader.rest()
    put(reader, b"lo")
    assert reader.take_message(-1) == "Hello"


def test_rest_keeps_the_buffer_that_a_transport_may_be_writing_to() -> None:
    reader = FrameReader(False, 4096)
    room = reader.get_buffer()
    reader.rest()
    room[:7] = b"\x81\x05Hello"
    reader.received(7)
    assert reader.take_message(-1) == "Hello"


def test_large_buffer_is_let_go_once_it_is_empty_and_made_again() -> None:
    reader = FrameReader(False, 1 << 16)
    rooms(reader, 4, 1)
    reader.settle()
    assert rooms(reader, 1, 1) == [1 << 16]


def test_large_buffer_stays_while_something_is_in_it() -> None:
    reader = FrameReader(False, 1 << 16)
    rooms(reader, 4, 1)
    put(reader, b"\x81\x05Hel")
    reader.settle()
    put(reader, b"lo")
    assert reader.take_message(-1) == "Hello"
