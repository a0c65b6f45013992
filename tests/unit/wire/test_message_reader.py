"""Messages out of frames: assembling, limits before memory, UTF-8, a full inbox, extensions."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.support.raw_peer import BINARY, CONT, PING, PONG, TEXT, deflated, frame
from tests.support.reading import message_of, reading, split, zipped
from wssdk.errors import PayloadTooBig, ProtocolError, TooManyFragments
from wssdk.ports import Extension, Frame
from wssdk.wire.deflate import PerMessageDeflate
from wssdk.wire.message_reader import CONTROL, NEED_MORE, STALLED

# Messages.


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        ([frame(TEXT, "é€𐍈".encode())], ["é€𐍈"]),
        ([frame(BINARY, b"\xff\x00")], [b"\xff\x00"]),
        ([frame(TEXT)], [""]),
        ([frame(BINARY)], [b""]),
        ([frame(TEXT, b"a") + frame(BINARY, b"b")], ["a", b"b"]),
        (split(b"Hello", [1, 0, 2]), ["Hello"]),
        (split(b"Hello", [1, 0, 2], BINARY), [b"Hello"]),
        (split("€".encode(), [1, 1]), ["€"]),
        ([frame(TEXT, fin=False), frame(CONT)], [""]),
        ([frame(TEXT, fin=False), frame(CONT, b"a")], ["a"]),
        ([frame(BINARY, b"a", fin=False), frame(CONT)], [b"a"]),
        ([frame(TEXT, b"x" * 10_000)], ["x" * 10_000]),
        ([frame(TEXT, "€".encode() * 10_000)], ["€" * 10_000]),
    ],
)
def test_messages_are_assembled(data: list[bytes], messages: list[object]) -> None:
    it = reading()
    it.feed(*data)
    assert it.taken() == messages


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (zipped(b"Hello"), ["Hello"]),
        (zipped(b"Hel", b"", b"lo"), ["Hello"]),
        (zipped(b"\xff", opcode=BINARY), [b"\xff"]),
        ([frame(TEXT, b"\x00", rsv=4)], [""]),
        ([frame(TEXT, b"", rsv=4)], [""]),
        ([frame(TEXT, b"plain"), *zipped(b"Hello")], ["plain", "Hello"]),
        (zipped("€".encode()[:1], "€".encode()[1:]), ["€"]),
        (zipped(b"x" * 100_000), ["x" * 100_000]),
    ],
)
def test_compressed_messages_are_assembled(data: list[bytes], messages: list[object]) -> None:
    it = reading(inflate=True)
    it.feed(*data)
    assert it.taken() == messages


def test_message_that_is_not_whole_stays_inside() -> None:
    it = reading()
    it.feed(frame(TEXT, b"Hel", fin=False))
    assert (it.taken(), it.reader.partial_size()) == ([], 3)


def test_whole_message_is_not_held_any_more() -> None:
    it = reading()
    it.feed(*split(b"Hello", [2]))
    assert it.reader.partial_size() == 0


def test_control_frame_is_handed_over() -> None:
    it = reading()
    it.frames.get_buffer()[:9] = frame(PING, b"ab") + frame(TEXT, b"msg")
    it.frames.received(9)
    assert it.reader.parse() == CONTROL
    assert (it.reader.control_opcode, it.reader.control_payload) == (PING, b"ab")


def test_control_frame_waits_for_its_payload() -> None:
    it = reading()
    data = frame(PONG, b"ab")
    it.frames.get_buffer()[:3] = data[:3]
    it.frames.received(3)
    assert it.reader.parse() == NEED_MORE


def test_control_frames_stand_between_fragments() -> None:
    it = reading()
    first, second = split(b"Hello", [2])
    it.feed(first, frame(PING, b"?"), frame(PONG), second)
    assert it.taken() == ["Hello"]


@pytest.mark.parametrize("size", [1, 125, 126, 5000, 65536, 300_000])
@pytest.mark.parametrize("step", [1000, 4096, 70_000])
def test_binary_message_comes_in_any_reads(size: int, step: int) -> None:
    it = reading()
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    data = frame(BINARY, payload) + frame(TEXT, b"next")
    it.feed(*(data[i : i + step] for i in range(0, len(data), step)))
    assert it.taken() == [payload, "next"]


def test_half_of_a_binary_message_is_counted() -> None:
    it = reading()
    it.feed(frame(BINARY, bytes(1000))[:-400])
    assert it.reader.partial_size() == 600


def test_header_alone_costs_no_memory() -> None:
    it = reading()
    tracemalloc.start()
    try:
        it.feed(b"\x82\x7f" + (1 << 40).to_bytes(8, "big") + b"x")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


# What the peer may not do (RFC 6455, 5.2, 5.4; RFC 7692, 6).


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([frame(CONT, b"a")], "unexpected continuation"),
        ([frame(TEXT, b"a"), frame(CONT, b"a")], "unexpected continuation"),
        ([frame(TEXT, b"a", fin=False), frame(TEXT, b"a")], "expected a continuation"),
        ([frame(TEXT, b"a", fin=False), frame(BINARY, b"a", fin=False)], "expected a continuation"),
        *(([frame(TEXT, b"a", rsv=rsv)], "reserved bits") for rsv in range(1, 8)),
        *(([frame(PING, b"a", rsv=rsv)], "reserved bits") for rsv in range(1, 8)),
        *(([frame(TEXT, fin=False), frame(CONT, rsv=rsv)], "reserved bits") for rsv in range(1, 8)),
    ],
)
def test_violation_is_refused(data: list[bytes], says: str) -> None:
    it = reading()
    with pytest.raises(ProtocolError, match=says):
        it.feed(*data)


@pytest.mark.parametrize(
    "data",
    [
        *([frame(TEXT, b"\x00", rsv=4 | rsv)] for rsv in range(1, 4)),
        *([frame(PING, b"\x00", rsv=rsv)] for rsv in range(1, 8)),
        *([frame(TEXT, b"\x00", fin=False, rsv=4), frame(CONT, b"\x00", rsv=rsv)] for rsv in range(1, 8)),
        [frame(TEXT, b"\xff\xff", rsv=4)],
    ],
)
def test_violation_of_compression_is_refused(data: list[bytes]) -> None:
    it = reading(inflate=True)
    with pytest.raises(ProtocolError):
        it.feed(*data)


def test_message_before_a_violation_is_kept() -> None:
    it = reading()
    with pytest.raises(ProtocolError):
        it.feed(frame(TEXT, b"good") + frame(CONT))
    assert it.taken() == ["good"]


# Limits: exact, and before memory is spent.


@pytest.mark.parametrize("parts", [[], [3], [3, 0, 4], [9]])
@pytest.mark.parametrize("inflate", [False, True])
def test_message_of_just_the_limit(parts: list[int], inflate: bool) -> None:
    it = reading(message=10, inflate=inflate)
    it.feed(*message_of(10, parts, inflate))
    assert it.taken() == ["x" * 10]


@pytest.mark.parametrize("parts", [[], [3], [3, 0, 4], [9]])
@pytest.mark.parametrize("inflate", [False, True])
def test_message_one_byte_over_the_limit(parts: list[int], inflate: bool) -> None:
    it = reading(message=10, inflate=inflate)
    with pytest.raises(PayloadTooBig):
        it.feed(*message_of(11, parts, inflate))


@pytest.mark.parametrize("inflate", [False, True])
def test_fragments_of_just_the_limit(inflate: bool) -> None:
    it = reading(fragment=4, inflate=inflate)
    it.feed(*(zipped(b"xxxx", b"xxxx") if inflate else split(b"x" * 8, [4])))
    assert it.taken() == ["x" * 8]


@pytest.mark.parametrize("inflate", [False, True])
def test_fragment_one_byte_over_the_limit(inflate: bool) -> None:
    it = reading(fragment=4, inflate=inflate)
    with pytest.raises(PayloadTooBig):
        it.feed(*(zipped(b"x", b"xxxxx") if inflate else split(b"x" * 6, [1])))


@pytest.mark.parametrize(("message", "fragment"), [(100, None), (None, 100), (100, 200), (200, 100)])
def test_length_in_a_header_is_enough_to_refuse(message: int | None, fragment: int | None) -> None:
    it = reading(message=message, fragment=fragment)
    with pytest.raises(PayloadTooBig):
        it.feed(b"\x82\x7f" + (1 << 62).to_bytes(8, "big"))


def test_error_tells_sizes_and_limit() -> None:
    it = reading(message=10)
    with pytest.raises(PayloadTooBig) as caught:
        it.feed(frame(TEXT, b"xxxx", fin=False), frame(CONT, b"x" * 7))
    assert (caught.value.size, caught.value.max_size, caught.value.current_size) == (7, 10, 4)


def test_error_of_a_compressed_message_tells_the_limit() -> None:
    it = reading(message=10, inflate=True)
    with pytest.raises(PayloadTooBig) as caught:
        it.feed(*zipped(b"xxxx", b"x" * 7))
    assert (caught.value.size, caught.value.max_size, caught.value.current_size) == (None, 10, 4)


@pytest.mark.parametrize("message", [None, 100])
def test_compressed_fragment_over_its_limit_names_that(message: int | None) -> None:
    it = reading(message=message, fragment=4, inflate=True)
    with pytest.raises(PayloadTooBig) as caught:
        it.feed(*zipped(b"x" * 5))
    assert caught.value.max_size == 4


def test_limits_are_for_each_message_anew() -> None:
    it = reading(message=10)
    it.feed(*split(b"x" * 10, [5]), *split(b"y" * 10, [5]))
    assert it.taken() == ["x" * 10, "y" * 10]


def test_as_many_fragments_as_the_bound() -> None:
    it = reading(fragments=5)
    it.feed(*split(b"abcde", [1, 1, 1, 1]))
    assert it.taken() == ["abcde"]


def test_one_fragment_more_than_the_bound() -> None:
    it = reading(fragments=5)
    with pytest.raises(TooManyFragments):
        it.feed(*split(b"abcdef", [1, 1, 1, 1, 1]))


def test_fragment_costs_a_few_bytes_beside_its_payload() -> None:
    it = reading()
    it.feed(frame(BINARY, fin=False))
    many = frame(CONT, b"", fin=False) * 1000
    tracemalloc.start()
    try:
        for _ in range(20):
            it.feed(many)
        assert tracemalloc.get_traced_memory()[0] < 20_000 * 16
    finally:
        tracemalloc.stop()


# UTF-8 (RFC 6455, 8.1): failed at the bytes that break it.


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x80", id="continuation byte alone"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xe0\x80\xaf", id="overlong of three"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="beyond U+10FFFF"),
        pytest.param(b"\xe2\x82", id="cut off"),
        pytest.param(b"ok\xff", id="never a byte of it"),
    ],
)
@pytest.mark.parametrize("at", [None, 0, 1])
def test_text_that_is_not_utf_8_is_refused(payload: bytes, at: int | None) -> None:
    it = reading()
    with pytest.raises(UnicodeDecodeError):
        it.feed(*([frame(TEXT, payload)] if at is None else split(payload, [at])))


@pytest.mark.parametrize("inflate", [False, True])
def test_wrong_fragment_is_refused_before_the_message_ends(inflate: bool) -> None:
    it = reading(inflate=inflate)
    data = zipped(b"ok", b"\xff", b"ok") if inflate else split(b"ok\xffok", [2, 1])
    it.feed(data[0])
    with pytest.raises(UnicodeDecodeError):
        it.feed(data[1])


def test_wrong_byte_is_refused_before_its_frame_ends() -> None:
    it = reading()
    with pytest.raises(UnicodeDecodeError):
        it.feed(frame(TEXT, b"ok\xff" + b"x" * 1000)[:10])


def test_code_point_may_go_on_in_the_next_read() -> None:
    it = reading()
    data = frame(TEXT, "€".encode() * 3)
    it.feed(*(data[i : i + 1] for i in range(len(data))))
    assert it.taken() == ["€€€"]


def test_binary_may_be_anything() -> None:
    it = reading()
    it.feed(*split(b"\xff\x80", [1], BINARY))
    assert it.taken() == [b"\xff\x80"]


def test_half_a_code_point_does_not_reach_the_next_message() -> None:
    it = reading()
    it.feed(*split("€".encode(), [1]), *split("€".encode(), [2]))
    assert it.taken() == ["€", "€"]


# A full inbox.


def test_full_inbox_leaves_the_rest_in_the_buffer() -> None:
    it = reading(high=2)
    assert it.feed(frame(TEXT, b"a") * 5) == STALLED
    assert (it.taken(), it.frames.buffered()) == (["a", "a"], 9)


def test_full_inbox_with_nothing_behind_it_is_no_stall() -> None:
    it = reading(high=2)
    assert it.feed(frame(TEXT, b"a") * 2) == NEED_MORE


def test_nothing_is_lost_by_a_stall() -> None:
    it = reading(high=2)
    it.feed(b"".join(frame(TEXT, str(n).encode()) for n in range(7)))
    got = []
    while taken := it.taken():
        got += taken
        it.parse()
    assert got == [str(n) for n in range(7)]


def test_discarding_reaches_what_stands_behind_a_full_inbox() -> None:
    it = reading(high=1)
    it.feed(frame(TEXT, b"a") * 3 + frame(PONG, b"last"))
    it.reader.discarding = True
    assert it.reader.parse() == CONTROL
    assert (it.reader.control_payload, it.inbox.dropped) == (b"last", 2)


def test_discarding_passes_pings_by() -> None:
    it = reading()
    it.reader.discarding = True
    it.feed(frame(PING, b"?") * 3 + frame(TEXT, b"a"))
    assert (it.reader.control_opcode, it.taken()) == (PING, ["a"])


def test_discarding_keeps_what_there_is_room_for() -> None:
    it = reading(high=2)
    it.reader.discarding = True
    it.feed(frame(TEXT, b"a") * 3)
    assert (it.taken(), it.inbox.dropped) == (["a", "a"], 1)


def test_discarding_leaves_no_gap_in_a_streamed_message() -> None:
    it = reading(high=1)
    it.reader.start_streaming()
    it.reader.discarding = True
    first, second, third = split(b"abc", [1, 1])
    it.feed(first, second)
    assert it.taken() == [(b"a", False)]
    it.feed(third)
    assert (it.taken(), it.inbox.dropped, it.inbox.dropped_bytes) == ([], 1, 2)


# Other extensions, frame by frame.


class Rot1(Extension):
    """An extension of the user's: RSV2 marks a payload whose bytes are one too high."""

    name = "rot1"

    def encode(self, frame: Frame) -> Frame:
        """Add one to every byte."""
        return Frame(frame.opcode, bytes((b + 1) % 256 for b in frame.data), frame.fin, rsv2=True)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Take one off every byte."""
        assert frame.rsv2
        return Frame(frame.opcode, bytes((b - 1) % 256 for b in frame.data), frame.fin, frame.rsv1)


def encoded(extension: Extension, *frames: Frame) -> list[bytes]:
    """Return frames as a peer sends them."""
    sent = []
    for one in frames:
        out = extension.encode(one)
        sent.append(frame(out.opcode, out.data, fin=out.fin, rsv=out.rsv1 << 2 | out.rsv2 << 1 | out.rsv3))
    return sent


def test_extension_decodes_frames() -> None:
    it = reading(extensions=[Rot1()])
    it.feed(*encoded(Rot1(), Frame(1, b"Hel", False), Frame(0, b"lo")))
    assert it.taken() == ["Hello"]


def test_extension_gets_whole_frames() -> None:
    it = reading(extensions=[Rot1()])
    (data,) = encoded(Rot1(), Frame(1, b"Hello"))
    it.feed(*(data[i : i + 1] for i in range(len(data))))
    assert it.taken() == ["Hello"]


def test_extension_gets_control_frames() -> None:
    it = reading(extensions=[Rot1()])
    (data,) = encoded(Rot1(), Frame(9, b"Hello"))
    it.frames.get_buffer()[: len(data)] = data
    it.frames.received(len(data))
    assert it.reader.parse() == CONTROL
    assert it.reader.control_payload == b"Hello"


def test_extensions_are_undone_in_the_opposite_order() -> None:
    deflate = PerMessageDeflate(False, False, 15, 15)
    first = deflate.encode(Frame(1, b"Hello"))
    second = Frame(1, bytes((b + 1) % 256 for b in first.data), True, True, True)
    it = reading(extensions=[PerMessageDeflate(False, False, 15, 15), Rot1()])
    it.feed(frame(TEXT, second.data, rsv=6))
    assert it.taken() == ["Hello"]


def test_bits_that_no_extension_cleared_are_refused() -> None:
    it = reading(extensions=[Rot1()])
    with pytest.raises(ProtocolError, match="reserved bits"):
        it.feed(frame(TEXT, b"a", rsv=6))


def test_limit_holds_behind_extensions() -> None:
    it = reading(message=10, extensions=[PerMessageDeflate(False, False, 15, 15)])
    with pytest.raises(PayloadTooBig):
        it.feed(frame(TEXT, deflated(b"x" * 11), rsv=4))


@pytest.mark.parametrize(("message", "fragment"), [(10, None), (None, 10), (10, 10)])
def test_huge_frame_is_refused_before_any_extension(message: int | None, fragment: int | None) -> None:
    it = reading(message=message, fragment=fragment, extensions=[Rot1()])
    with pytest.raises(PayloadTooBig):
        it.feed(b"\x81\x7f" + (1 << 40).to_bytes(8, "big"))


def test_reader_tells_whether_messages_are_bounded() -> None:
    assert (reading().reader.unbounded, reading(message=1).reader.unbounded) == (True, False)
