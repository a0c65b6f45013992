"""Both forms of the wire, fed the same: the same messages, the same bytes, the same errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import wssdk
from tests.support.frames import frame
from tests.support.twins import interpreted_wire, used_wire
from wssdk.errors import PayloadTooBig, ProtocolError, TooManyFragments

pytestmark = pytest.mark.skipif(not wssdk.COMPILED, reason="there is one form only")

Wire = dict[str, ModuleType]
COMPILED: Final[Wire] = used_wire()
PURE: Final[Wire] = interpreted_wire()

BOUNDARIES: Final = sorted(
    {
        size
        for edge in (0, 125, 126, 255, 4096, 65535, 1 << 16, 1 << 26, 1 << 31, 1 << 32, 1 << 40, 1 << 62)
        for size in (edge - 1, edge, edge + 1)
        if size >= 0
    }
    | {(1 << 63) - 2, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, (1 << 64) - 1}
)
"""Payload lengths where something changes: form of the length, room, signs and widths of C's integers."""
LIMITS: Final = (None, 0, 1, 125, 126, 65535, 1 << 16, (1 << 31) - 1, 1 << 31, 1 << 40, (1 << 63) - 1)

cuts = st.lists(st.integers(1, 300), max_size=12)
limits = st.sampled_from(LIMITS)
keys = st.binary(min_size=4, max_size=4)


def header(opcode: int, fin: bool, rsv: int, form: int, length: int, key: bytes | None) -> bytes:
    """Return a frame's header that announces ``length`` in 7, 16 or 64 bits, cut to what fits."""
    flag = 0 if key is None else 0x80
    first = fin << 7 | rsv << 4 | opcode
    if form == 7:
        return bytes((first, flag | min(length, 125))) + (key or b"")
    size, mark = (2, 126) if form == 16 else (8, 127)
    return bytes((first, flag | mark)) + (length % (1 << 8 * size)).to_bytes(size) + (key or b"")


def outcome(act: Callable[..., Any], *given_: Any) -> Any:
    """Return what came of it: a value, or an error by its class and text."""
    try:
        return act(*given_)
    except Exception as error:
        facts = [getattr(error, name, None) for name in ("size", "max_size", "current_size")]
        return type(error), str(error), facts


class Receiver:
    """One form of everything between received bytes and messages."""

    def __init__(
        self,
        wire: Wire,
        *,
        masked: bool = False,
        size: int = 256,
        message: int | None = None,
        fragment: int | None = None,
        fragments: int = 1000,
        deflate: bool = False,
        high: int | None = None,
    ) -> None:
        self.frames = wire["frame_reader"].FrameReader(masked, size)
        self.inbox = wire["inbox"].Inbox(high, 0)
        inflater = wire["deflate"].Inflater(15, False) if deflate else None
        self.reader = wire["message_reader"].MessageReader(
            self.frames, self.inbox, message, fragment, inflater, (), fragments
        )
        self.log: list[Any] = []

    def feed(self, data: bytes) -> None:
        """Receive ``data``; note each outcome, what came with it, and what is left."""
        while data:
            buffer = self.frames.get_buffer()
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self.frames.received(count)
            self.log.append(len(buffer))
            data = data[count:]
            while self.parse():
                pass

    def parse(self) -> bool:
        """Parse and take; tell whether anything moved."""
        result = self.reader.parse()
        control = (self.reader.control_opcode, self.reader.control_payload)
        items = []
        while len(self.inbox):
            items.append(told(self.inbox.take()))
        self.log.append((result, control, items, self.frames.buffered(), self.reader.partial_size()))
        return result != 0 or bool(items)

    def run(self, pieces: list[bytes], stream: bool = False) -> list[Any]:
        """Return all that was noted, the error that ended it among it."""

        def feed_all() -> None:
            for piece in pieces:
                if stream and not len(self.inbox):
                    self.reader.start_streaming()
                self.feed(piece)

        self.log.append(outcome(feed_all))
        left = self.frames
        self.log.append((left.in_frame, left.fin, left.rsv, left.opcode, left.length, left.remaining))
        return self.log


def told(item: Any) -> Any:
    """Return what an item holds, whichever form's it is."""
    if hasattr(item, "sizes"):
        return "message", item.data, list(item.sizes), [told(part) for part in item.split()]
    if hasattr(item, "fin"):
        return "fragment", item.opcode, item.data, item.fin
    return type(item), item


def pieces_of(data: bytes, steps: list[int]) -> list[bytes]:
    """Return ``data`` in pieces of ``steps`` bytes, and the rest."""
    parts = []
    for step in steps:
        parts.append(data[:step])
        data = data[step:]
    return [*parts, data]


def agree(data: bytes, steps: list[int], stream: bool = False, **options: Any) -> list[Any]:
    """Feed both forms; return what both noted."""
    pieces = pieces_of(data, steps)
    compiled = Receiver(COMPILED, **options).run(pieces, stream)
    assert compiled == Receiver(PURE, **options).run(pieces, stream)
    return compiled


frames = st.builds(
    lambda opcode, payload, fin, rsv, key, form: (opcode, payload, fin, rsv, key, form),
    st.sampled_from([0, 0, 1, 1, 2, 2, 8, 9, 10, 3, 11]),
    st.one_of(
        st.text(max_size=40).map(str.encode),
        st.binary(max_size=300),
        st.sampled_from([125, 126, 127, 5000, 65535, 65536]).map(bytes),
    ),
    st.booleans(),
    st.sampled_from([0, 0, 0, 0, 4, 1]),
    keys,
    st.sampled_from([None, None, None, None, 16, 64]),
)


def as_bytes(some: list[Any], masked: bool) -> bytes:
    return b"".join(
        frame(opcode, payload, fin=fin, rsv=rsv, mask=key if masked else None, length_form=form)
        if form is None or len(payload) < 1 << 16
        else frame(opcode, payload, fin=fin, rsv=rsv, mask=key if masked else None)
        for opcode, payload, fin, rsv, key, form in some
    )


def test_they_are_two_forms() -> None:
    readers = [wire["frame_reader"].FrameReader for wire in (COMPILED, PURE)]
    assert [inspect.isfunction(reader.parse_header) for reader in readers] == [False, True]


@given(
    st.lists(frames, max_size=6), cuts, st.booleans(), st.booleans(), limits, limits, st.booleans(),
    st.sampled_from([None, 1, 2]), st.sampled_from([1, 2, 1000]),
)  # fmt: skip
def test_frames_in_any_order(
    some: list[Any],
    steps: list[int],
    masked: bool,
    deflate: bool,
    message: int | None,
    fragment: int | None,
    stream: bool,
    high: int | None,
    fragments: int,
) -> None:
    agree(
        as_bytes(some, masked), steps, stream, masked=masked, deflate=deflate, message=message,
        fragment=fragment, high=high, fragments=fragments,
    )  # fmt: skip


@given(
    st.lists(frames, min_size=1, max_size=4), cuts, st.booleans(), st.booleans(),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
)  # fmt: skip
def test_frames_with_bytes_changed(
    some: list[Any], steps: list[int], masked: bool, deflate: bool, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(as_bytes(some, masked))
    for place, value in damage:
        data[place % len(data)] = value
    agree(bytes(data), steps, masked=masked, deflate=deflate, message=1 << 16)


@given(st.binary(max_size=600), cuts, st.booleans(), st.booleans())
def test_any_bytes(data: bytes, steps: list[int], masked: bool, deflate: bool) -> None:
    agree(data, steps, masked=masked, deflate=deflate, message=1 << 16)


@pytest.mark.parametrize("key", [None, b"\x01\x80\xff\x00"], ids=["plain", "masked"])
@pytest.mark.parametrize("length", BOUNDARIES)
@pytest.mark.parametrize("form", [7, 16, 64])
def test_headers_of_every_length(form: int, length: int, key: bytes | None) -> None:
    for opcode in (0, 1, 2, 8, 9):
        for limit in LIMITS:
            data = header(opcode, True, 0, form, length, key) + b"some of it"
            for masked in (False, True):
                for steps in ([], [1] * 14):
                    agree(data, steps, masked=masked, message=limit)
                    agree(data, steps, masked=masked, fragment=limit)


@given(st.sampled_from(BOUNDARIES), st.sampled_from(BOUNDARIES), limits, limits, st.booleans())
def test_sizes_of_fragments_add_up(
    first: int, second: int, message: int | None, fragment: int | None, deflate: bool
) -> None:
    begun = frame(2, bytes(min(first, 70000)), fin=False)
    data = begun + header(0, True, 0, 64, second, None) + b"some of it"
    agree(data, [], message=message, fragment=fragment, deflate=deflate, size=1 << 17)


@given(st.binary(max_size=200), st.integers(0, 40), keys, st.sampled_from([bytes, bytearray, memoryview]))
@example(b"", 0, b"abcd", bytes)
def test_masks_at_every_alignment(
    payload: bytes, offset: int, key: bytes, kind: Callable[[Any], Any]
) -> None:
    held = memoryview(b"\xa5" * offset + payload)[offset:]
    given_ = held if kind is memoryview else kind(held)
    masked = [wire["mask"].apply_mask(given_, key) for wire in (COMPILED, PURE)]
    assert masked[0] == masked[1] == bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


@given(st.binary(max_size=9))
def test_keys_of_any_length(key: bytes) -> None:
    results = [outcome(wire["mask"].apply_mask, b"payload", key) for wire in (COMPILED, PURE)]
    assert results[0] == results[1]


@pytest.mark.parametrize("offset", range(9))
@pytest.mark.parametrize("size", [*range(18), 125, 126, 127, 65535, 65536])
def test_masked_payloads_read_at_every_alignment(offset: int, size: int) -> None:
    payload = bytes(i * 7 & 0xFF for i in range(size))
    data = frame(2, bytes(offset), mask=b"\x01\x02\x03\x04") + frame(2, payload, mask=b"\xfa\x00\x80\x7f")
    for steps in ([], [1] * 20, [offset + 6, 3, 5, 7]):
        log = agree(data, steps, masked=True, size=1 << 17)
        given_ = [item for entry in log if isinstance(entry, tuple) and len(entry) == 5 for item in entry[2]]
        assert given_ == [(bytes, bytes(offset)), (bytes, payload)]


SENDABLE: Final = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(categories=["Cs", "Lu"]), max_size=3),
    st.binary(max_size=60),
    st.sampled_from([124, 125, 126, 127, 65535, 65536, 70000]).map(bytes),
    st.sampled_from([125, 126, 65535, 65536]).map(lambda size: "x" * size),
    st.binary(max_size=60).map(bytearray),
    st.binary(max_size=60).map(lambda data: memoryview(data)),
)


@given(st.lists(st.tuples(SENDABLE, st.booleans()), max_size=5), st.booleans(), st.sampled_from([0, 30]))
def test_messages_are_written_alike(sent: list[tuple[Any, bool]], deflate: bool, least: int) -> None:
    written = []
    for wire in (COMPILED, PURE):
        deflater = wire["deflate"].Deflater(15, False, 6, 8) if deflate else None
        writer = wire["message_writer"].MessageWriter(False, deflater, least)
        written.append(
            [
                outcome(writer.serialize_text, message)
                if isinstance(message, str)
                else outcome(
                    lambda message=message, fin=fin, writer=writer: writer.serialize(2, message, fin)
                )
                for message, fin in sent
            ]
        )
    assert written[0] == written[1]


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(-1, 2000), st.booleans(), st.booleans())
def test_any_compressed_data(data: list[bytes], room: int, fin: bool, no_takeover: bool) -> None:
    inflaters = [wire["deflate"].Inflater(15, no_takeover) for wire in (COMPILED, PURE)]
    for piece in data:
        results = [outcome(it.inflate, piece, fin, room) for it in inflaters]
        assert results[0] == results[1]


def test_errors_are_told_apart() -> None:
    texts = {
        str(agree(data, [], message=10, fragments=2)[-2])
        for data in (
            frame(3), frame(1, b"\xff"), frame(2, b"x" * 11), frame(0), frame(8, fin=False), frame(1, rsv=1),
            frame(2, fin=False) + frame(0, fin=False) + frame(0, fin=False),
        )
    }  # fmt: skip
    assert len(texts) == 7
    for kind in (ProtocolError, PayloadTooBig, TooManyFragments, UnicodeDecodeError):
        assert any(kind.__name__ in text for text in texts)
