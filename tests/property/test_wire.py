"""Any message, any split: what the wire room gives back is what went in."""

from __future__ import annotations

import contextlib
import zlib
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from wssdk.errors import PayloadTooBig, ProtocolError, TooManyFragments
from wssdk.wire.deflate import Deflater, Inflater
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.frame_writer import FrameWriter
from wssdk.wire.inbox import Fragment, FragmentedMessage, Inbox
from wssdk.wire.mask import apply_mask
from wssdk.wire.message_reader import CONTROL, MessageReader

TEXT: Final = 1
BINARY: Final = 2

messages = st.lists(st.one_of(st.text(), st.binary(max_size=400)), max_size=6)
cuts = st.lists(st.integers(1, 300), max_size=12)
sizes = st.one_of(st.integers(0, 300), st.sampled_from([125, 126, 65535, 65536]))


def pieces(data: bytes, steps: list[int]) -> list[bytes]:
    """Return ``data`` in pieces of ``steps`` bytes, and the rest."""
    parts = []
    for step in steps:
        parts.append(data[:step])
        data = data[step:]
    return [*parts, data]


class Stream:
    """A sender's frames, and a reader of them."""

    def __init__(self, *, masked: bool, deflate: bool, high: int | None = None) -> None:
        self.writer = FrameWriter(masked)
        self.deflater = Deflater(15, False, 6, 8) if deflate else None
        self.frames = FrameReader(masked, 256)
        self.inbox = Inbox(high, 0)
        inflater = Inflater(15, False) if deflate else None
        self.reader = MessageReader(self.frames, self.inbox, 1 << 20, None, inflater)
        self.got: list[str | bytes] = []
        self.fragments: list[bytes] = []

    def encode(self, message: str | bytes, steps: list[int]) -> bytes:
        """Return the frames of a message, fragmented by ``steps``."""
        payload = message.encode() if isinstance(message, str) else message
        parts = pieces(payload, steps)
        out = b""
        for index, part in enumerate(parts):
            fin = index == len(parts) - 1
            opcode = 0 if index else TEXT if isinstance(message, str) else BINARY
            rsv = 0
            if self.deflater is not None:
                part = self.deflater.deflate(part, fin)
                rsv = 0 if index else 0x40
            out += self.writer.serialize(opcode, part, fin, rsv)
        return out

    def feed(self, data: bytes) -> None:
        """Receive ``data``, parse it, and take what comes whenever the inbox is full."""
        while data:
            buffer = self.frames.get_buffer()
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self.frames.received(count)
            data = data[count:]
            self.proceed()

    def proceed(self) -> None:
        """Parse and take until nothing moves any more."""
        while True:
            while self.reader.parse() == CONTROL:
                pass
            if not len(self.inbox):
                return
            while len(self.inbox):
                self.take(self.inbox.take())

    def take(self, item: object) -> None:
        """Keep an item as the user gets it."""
        if isinstance(item, Fragment):
            self.fragments.append(item.data)
        elif isinstance(item, FragmentedMessage):
            self.got.append(item.data)
        else:
            assert isinstance(item, (str, bytes))
            self.got.append(item)


@given(messages, cuts, cuts, st.booleans(), st.booleans(), st.sampled_from([None, 1, 2]))
def test_messages_come_out_as_they_went_in(
    sent: list[str | bytes],
    fragments: list[int],
    reads: list[int],
    masked: bool,
    deflate: bool,
    high: int | None,
) -> None:
    stream = Stream(masked=masked, deflate=deflate, high=high)
    data = b"".join(stream.encode(message, fragments) for message in sent)
    for piece in pieces(data, reads):
        stream.feed(piece)
    assert stream.got == sent


@given(st.binary(min_size=1, max_size=300), cuts, cuts, st.booleans())
def test_streamed_fragments_make_up_the_message(
    sent: bytes, fragments: list[int], reads: list[int], deflate: bool
) -> None:
    stream = Stream(masked=False, deflate=deflate)
    stream.reader.start_streaming()
    for piece in pieces(stream.encode(sent, fragments), reads):
        stream.feed(piece)
    assert b"".join(stream.fragments) == sent


@given(st.binary(max_size=300), cuts, st.integers(0, 12), st.integers(0, 12))
def test_streaming_started_and_undone_anywhere_loses_nothing(
    sent: bytes, fragments: list[int], start: int, stop: int
) -> None:
    stream = Stream(masked=False, deflate=False)
    data = stream.encode(sent, fragments)
    for index, piece in enumerate(pieces(data, [7] * 12)):
        if index == start and not len(stream.inbox):
            stream.reader.start_streaming()
        if index == stop and stream.reader.streaming:
            stream.reader.stop_streaming()
        buffer = stream.frames.get_buffer()
        while piece:
            count = min(len(buffer), len(piece))
            buffer[:count] = piece[:count]
            stream.frames.received(count)
            piece = piece[count:]
            stream.reader.parse()
            buffer = stream.frames.get_buffer()
    stream.proceed()
    assert b"".join([*stream.fragments, *(m for m in stream.got if isinstance(m, bytes))]) == sent


@given(st.binary(max_size=600), cuts, st.booleans(), st.booleans())
def test_any_bytes_raise_only_what_is_documented(
    data: bytes, reads: list[int], masked: bool, deflate: bool
) -> None:
    stream = Stream(masked=masked, deflate=deflate)
    try:
        for piece in pieces(data, reads):
            stream.feed(piece)
    except (ProtocolError, PayloadTooBig, TooManyFragments, UnicodeDecodeError):
        pass


@given(st.binary(max_size=600), st.integers(0, 2000), st.booleans())
def test_any_compressed_bytes_stay_in_their_room(data: bytes, room: int, fin: bool) -> None:
    inflater = Inflater(15, False)
    with contextlib.suppress(ProtocolError, PayloadTooBig):
        assert len(inflater.inflate(data, fin, room)) <= room


@given(st.lists(st.binary(max_size=2000), max_size=5), st.integers(8, 15), st.booleans())
def test_zlib_reads_what_is_compressed(sent: list[bytes], bits: int, no_takeover: bool) -> None:
    deflater = Deflater(bits, no_takeover, -1, 5)
    peer = zlib.decompressobj(-bits)
    for message in sent:
        assert peer.decompress(deflater.deflate(message, True) + b"\x00\x00\xff\xff") == message


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_twice_changes_nothing(payload: bytes, key: bytes) -> None:
    assert apply_mask(apply_mask(payload, key), key) == payload


@given(sizes, st.booleans(), st.sampled_from([0, 1, 2, 8, 9, 10]), st.booleans())
def test_frame_is_read_as_it_was_written(size: int, masked: bool, opcode: int, fin: bool) -> None:
    if opcode >= 8:
        size, fin = min(size, 125), True
    payload = b"\xa5" * size
    reader = FrameReader(masked, 1 << 17)
    data = FrameWriter(masked).serialize(opcode, payload, fin, 0)
    while data:
        buffer = reader.get_buffer()
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        reader.received(count)
        data = data[count:]
    assert reader.parse_header()
    assert (reader.opcode, reader.fin, reader.take(), reader.buffered()) == (opcode, fin, payload, 0)


steps_of_a_sender = st.lists(
    st.one_of(st.none(), st.binary(max_size=300), st.integers(1, 9000).map(lambda size: b"abcdefg" * size)),
    max_size=12,
)


@given(steps=steps_of_a_sender, bits=st.integers(9, 15), takeover=st.booleans())
def test_rests_of_the_deflater_are_not_seen_by_the_peer(
    steps: list[bytes | None], bits: int, takeover: bool
) -> None:
    deflater = Deflater(bits, not takeover, -1, 5)
    inflater = Inflater(bits, not takeover)
    for payload in steps:
        if payload is None:
            deflater.rest()
        else:
            assert inflater.inflate(deflater.deflate(payload, True), True, -1) == payload
