"""A protocol core under any bytes, any cuts and any order of steps; and beside another implementation."""

from __future__ import annotations

import contextlib
import zlib
from typing import Final

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate as OtherDeflate
from websockets.protocol import CLIENT, SERVER, Protocol

from tests.support.cores import CoreEnd, deflate
from tests.support.frames import close_payload, frame, parse_frames
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT
from wssdk.codes import Close
from wssdk.errors import (
    PayloadTooBig,
    ProtocolError,
    TooManyFragments,
)
from wssdk.protocol.core import Role

DOCUMENTED: Final = (ProtocolError, PayloadTooBig, TooManyFragments, UnicodeDecodeError)

Message = str | bytes
quick: Final = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Streams of bytes.


@attrs.frozen
class Stream:
    """What a peer sends, and what must come of it."""

    role: Role
    """Of the end that receives it."""
    extended: bool
    frames: list[bytes]
    messages: list[Message]
    pings: list[bytes]
    pongs: list[bytes]
    close: Close | None
    within: bool
    """The close frame, or the end, stands within a message."""

    @property
    def data(self) -> bytes:
        return b"".join(self.frames)

    def end(self) -> CoreEnd:
        """Return a fresh end to receive the stream."""
        # Nulls that follow a damaged length are thousands of fragments; `websockets` does not count those.
        return CoreEnd.of(
            self.role,
            extension=deflate() if self.extended else None,
            max_message_size=None,
            max_fragments=1 << 20,
        )


messages_sent: st.SearchStrategy[Message] = st.one_of(
    st.text(max_size=8),
    st.binary(max_size=8),
    st.sampled_from([b"\xa5" * 125, b"\xa5" * 126]),
    st.just("ä€𝄞" * 20),
    # Rare, for they are slow to mask byte by byte: where the 64-bit length begins.
    st.integers(0, 30).map(lambda i: bytes(65534 + i) if i < 3 else b"small"),
)
controls = st.lists(st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=6)), max_size=2)
closes = st.none() | st.builds(
    Close, st.sampled_from([1000, 1001, 1002, 1011, 3000, 4999]), st.text(max_size=5)
)


@st.composite
def streams(draw: st.DrawFn, role: Role | None = None) -> Stream:
    """Valid streams: messages in any fragments, control frames between them, a close frame or none."""
    role = role or draw(st.sampled_from(Role))
    extended = draw(st.booleans())
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    frames: list[bytes] = []
    heard: dict[int, list[bytes]] = {PING: [], PONG: []}

    def put(opcode: int, payload: bytes, fin: bool = True, rsv: int = 0) -> None:
        mask = draw(st.binary(min_size=4, max_size=4)) if role is Role.SERVER else None
        frames.append(frame(opcode, payload, fin=fin, rsv=rsv, mask=mask))

    messages = draw(st.lists(messages_sent, max_size=4))
    within = False
    for index, message in enumerate(messages):
        payload = message.encode() if isinstance(message, str) else message
        cuts = sorted(draw(st.lists(st.integers(0, min(len(payload), 9)), max_size=3)))
        compressed = extended and draw(st.booleans())
        parts = [payload[i:j] for i, j in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        within = index == len(messages) - 1 and len(parts) > 1 and draw(st.integers(0, 5)) == 0
        if within:
            parts.pop()
        for place, part in enumerate(parts):
            fin = not within and place == len(parts) - 1
            if compressed:
                part = deflater.compress(part) + deflater.flush(zlib.Z_SYNC_FLUSH)
                part = part[:-4] if fin else part
            opcode = CONT if place else TEXT if isinstance(message, str) else BINARY
            put(opcode, part, fin, 4 if compressed and not place else 0)
            for control, note in draw(controls):
                put(control, note)
                heard[control].append(note)
    if within:
        messages.pop()
    close = draw(closes)
    if close is not None:
        put(CLOSE, close_payload(close.code, close.reason.encode()))
    return Stream(role, extended, frames, messages, heard[PING], heard[PONG], close, within)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return ``data`` in reads that end at ``places``, taken as parts of the whole."""
    ends = sorted(place % (len(data) + 1) for place in places)
    return [data[i:j] for i, j in zip([0, *ends], [*ends, len(data)], strict=True)]


places = st.lists(st.integers(0, 1 << 20), max_size=8)


def outcome(end: CoreEnd) -> tuple[list[Message], list[bytes], list[bytes], Close | None]:
    """Return messages, answers to pings, pongs, and the peer's close."""
    answers = [sent.payload for sent in end.sent() if sent.opcode == PONG]
    return end.messages(), answers, end.core.take_pongs(), end.core.rcvd


# Any cut of a valid stream.


@quick
@given(streams(), places)
def test_cuts_change_nothing(stream: Stream, reads: list[int]) -> None:
    end = stream.end()
    for read in cut(stream.data, reads):
        end.core.receive(read)
    assert end.core.violation is None
    assert outcome(end) == (stream.messages, stream.pings, stream.pongs, stream.close)


@quick
@given(streams().filter(lambda stream: len(stream.data) < 2000))
def test_reads_of_a_byte_change_nothing(stream: Stream) -> None:
    end = stream.end()
    end.hear_bytewise(stream.data)
    assert end.core.violation is None
    assert outcome(end) == (stream.messages, stream.pings, stream.pongs, stream.close)


@quick
@given(streams(), places, st.integers(1, 3))
def test_full_inbox_loses_nothing(stream: Stream, reads: list[int], high: int) -> None:
    end = CoreEnd.of(
        stream.role,
        queue=(high, high - 1),
        extension=deflate() if stream.extended else None,
        read_limit=256,
        max_message_size=None,
    )
    got: list[Message] = []
    for read in cut(stream.data, reads):
        end.core.receive(read)
        if len(got) % 2:  # the user takes now and then
            got += end.messages()
            end.core.proceed()
    while len(end.core.inbox):
        got += end.messages()
        end.core.proceed()
    assert (got, *outcome(end)[1:]) == (stream.messages, stream.pings, stream.pongs, stream.close)


@quick
@given(streams(), st.data())
def test_end_anywhere_gives_the_messages_before_it(stream: Stream, data: st.DataObject) -> None:
    end = stream.end()
    end.core.receive(stream.data[: data.draw(st.integers(0, len(stream.data)))])
    end.core.receive_eof()
    end.core.lost()
    got = end.messages()
    assert (end.core.violation, got) == (None, stream.messages[: len(got)])


# Any bytes at all.


@quick
@given(st.binary(max_size=300), places, st.sampled_from(Role), st.booleans())
def test_any_bytes_raise_nothing(data: bytes, reads: list[int], role: Role, extended: bool) -> None:
    end = CoreEnd.of(role, extension=deflate() if extended else None)
    for read in cut(data, reads):
        end.core.receive(read)
    assert end.core.violation is None or isinstance(end.core.violation, DOCUMENTED)


@attrs.frozen
class Mutated:
    """A valid stream that was damaged."""

    stream: Stream
    data: bytes


@st.composite
def mutations(draw: st.DrawFn) -> Mutated:
    """Valid streams with bits flipped, bytes put in, left out or doubled, or a wrong frame put in."""
    stream = draw(streams())
    data = bytearray(stream.data)
    starts = [0]
    for part in stream.frames:
        starts.append(starts[-1] + len(part))
    for _ in range(draw(st.integers(1, 3))):
        # Headers are where it hurts.
        at = draw(st.sampled_from(starts)) + draw(st.integers(0, 3))
        match draw(st.sampled_from(["flip", "put", "drop", "double", "frame"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "put":
                data[at:at] = draw(st.binary(min_size=1, max_size=2))
            case "drop":
                del data[at : at + draw(st.integers(1, 3))]
            case "double":
                data[at:at] = data[at : at + 8]
            case "frame":
                place = draw(st.sampled_from(starts))
                data[place:place] = frame(
                    draw(st.integers(0, 15)),
                    draw(st.binary(max_size=4)),
                    fin=draw(st.booleans()),
                    rsv=draw(st.sampled_from([0, 0, 0, 4, 1])),
                    mask=b"abcd" if stream.role is Role.SERVER else None,
                )
    return Mutated(stream, bytes(data))


@quick
@given(mutations(), places)
def test_damaged_streams_raise_nothing(mutated: Mutated, reads: list[int]) -> None:
    end = mutated.stream.end()
    for read in cut(mutated.data, reads):
        end.core.receive(read)
    assert end.core.violation is None or isinstance(end.core.violation, DOCUMENTED)


@quick
@given(mutations(), places)
def test_cuts_of_damaged_streams_change_nothing(mutated: Mutated, reads: list[int]) -> None:
    whole, split = mutated.stream.end(), mutated.stream.end()
    whole.core.receive(mutated.data)
    for read in cut(mutated.data, reads):
        split.core.receive(read)
    assert type(whole.core.violation) is type(split.core.violation)
    assert outcome(whole) == outcome(split)


# Beside the sans-I/O layer of `websockets`.


@attrs.frozen
class Result:
    """What an implementation made of a stream."""

    messages: list[Message]
    answers: list[bytes]
    rcvd: Close | None
    failed: int | None
    """Close code that it failed the connection with; None where it did not."""


def ours(stream: Stream, data: bytes) -> Result:
    end = stream.end()
    end.core.receive(data)
    failed = end.core.violation is not None
    code = end.close_code()
    messages, answers, _, rcvd = outcome(end)
    return Result(messages, answers, rcvd, code if failed else None)


def theirs(stream: Stream, data: bytes) -> Result:
    """Return what `websockets` makes of it; it leaves assembling to the layer above, so that is done here."""
    other = Protocol(CLIENT if stream.role is Role.CLIENT else SERVER, max_size=None)
    if stream.extended:
        other.extensions = [OtherDeflate(False, False, 15, 15)]
    other.receive_data(data)
    messages: list[Message] = []
    held, text, failed = b"", False, None
    try:
        for event in other.events_received():
            opcode, payload, fin = event.opcode, bytes(event.data), event.fin  # type: ignore[union-attr]
            if opcode >= CLOSE:
                continue
            if opcode != CONT:
                held, text = b"", opcode == TEXT
            held += payload
            if fin:
                messages.append(held.decode() if text else held)
    except UnicodeDecodeError:
        failed = 1007
    if failed is None and other.parser_exc is not None:
        assert other.close_sent is not None
        failed = other.close_sent.code
    sent = [sent for part in other.data_to_send() for sent in parse_frames(part)]
    rcvd = None if other.close_rcvd is None else Close(other.close_rcvd.code, other.close_rcvd.reason)
    return Result(messages, [one.payload for one in sent if one.opcode == PONG], rcvd, failed)


@quick
@given(streams())
def test_valid_streams_mean_the_same_to_both(stream: Stream) -> None:
    mine, other = ours(stream, stream.data), theirs(stream, stream.data)
    if stream.within and stream.close is not None:
        # websockets takes a close frame within a message for a violation. RFC 6455 lets control frames
        # stand there (5.4), so that a peer may leave at any time: here the closing handshake goes on.
        assert (mine.failed, other.failed) == (None, 1002)
        mine = attrs.evolve(mine, failed=1002)
    assert mine == other


def fails_earlier(mine: Result, data: bytes) -> bool:
    """Tell whether we may have failed on what `websockets` takes, or does not look at yet."""
    if mine.failed == 1007:
        return True  # text is decoded there by the layer above, when the message has ended
    try:
        parse_frames(data)
    except ValueError:
        # It judges a frame when all of it has come, and takes lengths in a longer form than need be
        # (RFC 6455, 5.2, has the shortest one).
        return mine.failed is not None
    return False


def has_final_block(data: bytes) -> bool:
    """Tell whether compressed data ends zlib's stream: `websockets` drops what comes behind that.

    RFC 7692, 7.2.3.4, lets senders do so, and go on.
    """
    inflater = zlib.decompressobj(-15)
    compressed = False
    with contextlib.suppress(ValueError, zlib.error):
        for one in parse_frames(data):
            if one.opcode < CLOSE:
                compressed = one.rsv == 4 if one.opcode else compressed
                if compressed:
                    inflater.decompress(one.payload + (b"\x00\x00\xff\xff" if one.fin else b""))
    return inflater.eof


@quick
@given(mutations())
def test_damaged_streams_mean_the_same_to_both(mutated: Mutated) -> None:
    mine, other = ours(mutated.stream, mutated.data), theirs(mutated.stream, mutated.data)
    if fails_earlier(mine, mutated.data):
        assert mine.messages == other.messages[: len(mine.messages)]
        assert mine.answers == other.answers[: len(mine.answers)]
        return
    if mutated.stream.extended and has_final_block(mutated.data):
        return
    if mine.failed is None and mine.rcvd is not None and other.failed == 1002:
        mine = attrs.evolve(mine, failed=1002)  # a close frame within a message, as above
    if (mine.failed, other.failed) == (1002, 1007):
        mine = attrs.evolve(mine, failed=1007)  # close code and reason are both wrong: it names the latter
    assert mine == other
