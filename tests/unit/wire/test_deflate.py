"""permessage-deflate (RFC 7692, 7): contexts, windows, bounds, and what peers may send."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from wssdk.errors import PayloadTooBig, ProtocolError
from wssdk.ports import Extension, Frame
from wssdk.wire.backends import Backend, load_backend
from wssdk.wire.deflate import Deflater, Inflater, PerMessageDeflate

HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")
"""'Hello' as RFC 7692, 7.2.3.1 has it."""
TAIL = b"\x00\x00\xff\xff"


def deflater(bits: int = 15, *, takeover: bool = True, backend: str = "zlib") -> Deflater:
    """Return a deflater with zlib's own defaults."""
    return Deflater(bits, not takeover, 6, 8, loaded(backend))


def inflater(bits: int = 15, *, takeover: bool = True, backend: str = "zlib") -> Inflater:
    """Return an inflater."""
    return Inflater(bits, not takeover, loaded(backend))


def loaded(backend: str) -> Backend:
    """Return a backend; skip where it has no wheel."""
    if backend != "zlib":
        pytest.importorskip("isal" if backend == "isal" else "zlib_ng", reason=f"{backend} is not installed")
    return load_backend(backend)


every_backend = pytest.mark.parametrize("backend", ["zlib", "zlib-ng", "isal"])


def agreed(**changes: Any) -> PerMessageDeflate:
    """Return the extension as it is agreed without parameters."""
    return PerMessageDeflate(False, False, 15, 15, **changes)


def compressed(payload: bytes, *, flush: int = zlib.Z_SYNC_FLUSH, bits: int = 15) -> bytes:
    """Return what zlib makes of ``payload``, its tail left on."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -bits)
    return squeezer.compress(payload) + squeezer.flush(flush)


class Counting:
    """A library that counts the compressors and decompressors it makes."""

    error = zlib.error

    def __init__(self) -> None:
        self.made = 0

    def compressobj(self, *given: Any, **more: Any) -> Any:
        self.made += 1
        return zlib.compressobj(*given, **more)

    def decompressobj(self, *given: Any, **more: Any) -> Any:
        self.made += 1
        return zlib.decompressobj(*given, **more)


def counted(*, takeover: bool = True) -> tuple[Deflater, Counting]:
    """Return a deflater, and the library that it uses."""
    library = Counting()
    return Deflater(12, not takeover, -1, 5, Backend("zlib", library)), library


# The examples of RFC 7692, 7.2.3.


def test_message_is_compressed_as_in_the_rfc() -> None:
    assert deflater().deflate(b"Hello", True) == HELLO


def test_second_message_uses_the_context_of_the_first() -> None:
    squeezer = deflater()
    squeezer.deflate(b"Hello", True)
    assert squeezer.deflate(b"Hello", True) == bytes.fromhex("f2 00 11 00 00")


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(["f2 48 cd c9 c9 07 00"], id="one block"),
        pytest.param(["f2 48 cd", "c9 c9 07 00"], id="two frames"),
        pytest.param(["00 05 00 fa ff 48 65 6c 6c 6f 00"], id="stored block"),
        pytest.param(["f3 48 cd c9 c9 07 00 00"], id="final block"),
        pytest.param(["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"], id="two blocks"),
    ],
)
def test_message_is_inflated_as_in_the_rfc(pieces: list[str]) -> None:
    grower = inflater()
    out = [grower.inflate(bytes.fromhex(p), i == len(pieces) - 1, -1) for i, p in enumerate(pieces)]
    assert b"".join(out) == b"Hello"


def test_second_message_is_inflated_with_the_context_of_the_first() -> None:
    grower = inflater()
    grower.inflate(HELLO, True, -1)
    assert grower.inflate(bytes.fromhex("f2 00 11 00 00"), True, -1) == b"Hello"


# Both ways.


@every_backend
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("bits", range(8, 16))
def test_messages_come_out_as_they_went_in(bits: int, takeover: bool, backend: str) -> None:
    squeezer = deflater(bits, takeover=takeover, backend=backend)
    grower = inflater(bits, takeover=takeover, backend=backend)
    messages = [b"", b"x", b"Hello" * 300, os.urandom(5000), b"Hello" * 300, bytes(40_000), b""]
    assert [grower.inflate(squeezer.deflate(m, True), True, -1) for m in messages] == messages


@every_backend
@pytest.mark.parametrize("block_size", [100, 240, 255, 256, 257, 300, 500, 1000, 5000, 1 << 14])
@pytest.mark.parametrize("bits", range(8, 16))
def test_compressed_data_fits_the_window_agreed(bits: int, block_size: int, backend: str) -> None:
    block = os.urandom(block_size)
    data = deflater(bits, backend=backend).deflate(block * 4, True)
    # The peer keeps exactly the window that was agreed.
    assert zlib.decompressobj(-bits).decompress(data + TAIL) == block * 4


def test_peer_may_look_back_512_bytes_where_256_were_agreed() -> None:
    """Compressors that have no window of 8 bits take 9."""
    block = os.urandom(300)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -10)
    data = squeezer.compress(block * 3) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    assert inflater(8).inflate(data[:-4], True, -1) == block * 3


@every_backend
@pytest.mark.parametrize("takeover", [True, False])
def test_fragments_come_out_as_they_went_in(takeover: bool, backend: str) -> None:
    squeezer, grower = (
        deflater(takeover=takeover, backend=backend),
        inflater(takeover=takeover, backend=backend),
    )
    fragments = [b"", b"Hello", b"", b"", b"Hello", b""]
    out = [
        grower.inflate(squeezer.deflate(part, i == 5), i == 5, -1)
        for _ in range(2)
        for i, part in enumerate(fragments)
    ]
    assert b"".join(out) == b"HelloHello" * 2


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_takes_every_kind_of_bytes(kind: Callable[[bytes], bytes | bytearray | memoryview]) -> None:
    data = deflater().deflate(kind(b"Hello"), True)
    assert inflater().inflate(kind(data), True, -1) == b"Hello"


def test_without_takeover_every_message_is_compressed_alike() -> None:
    squeezer = deflater(takeover=False)
    assert squeezer.deflate(b"Hello", True) == squeezer.deflate(b"Hello", True)


def test_without_takeover_a_reference_to_the_last_message_is_refused() -> None:
    grower = inflater(takeover=False)
    grower.inflate(HELLO, True, -1)
    with pytest.raises(ProtocolError, match="compressed data is invalid"):
        grower.inflate(bytes.fromhex("f2 00 11 00 00"), True, -1)


def test_empty_message_is_one_byte() -> None:
    squeezer = deflater()
    assert [squeezer.deflate(b"", True) for _ in range(3)][1:] == [b"\x00", b"\x00"]


# What may come out.


@every_backend
@pytest.mark.parametrize("final", [False, True], ids=["sync flush", "final block"])
@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_as_many_bytes_as_there_is_room_for(size: int, final: bool, backend: str) -> None:
    data = compressed(b"x" * size, flush=zlib.Z_FINISH) + b"\x00" if final else compressed(b"x" * size)[:-4]
    assert len(inflater(backend=backend).inflate(data or b"\x00", True, size)) == size


@every_backend
@pytest.mark.parametrize("final", [False, True], ids=["sync flush", "final block"])
@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_one_byte_more_than_there_is_room_for(size: int, final: bool, backend: str) -> None:
    data = compressed(b"x" * size, flush=zlib.Z_FINISH) + b"\x00" if final else compressed(b"x" * size)[:-4]
    with pytest.raises(PayloadTooBig):
        inflater(backend=backend).inflate(data, True, size - 1)


def test_room_counts_what_stands_behind_a_final_block() -> None:
    data = compressed(b"x" * 600, flush=zlib.Z_FINISH) * 2
    with pytest.raises(PayloadTooBig):
        inflater().inflate(data, True, 1000)


def test_bomb_costs_little_memory() -> None:
    bomb = compressed(bytes(1 << 26))[:-4]
    grower = inflater()
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooBig):
            grower.inflate(bomb, True, 1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 1 << 19
    finally:
        tracemalloc.stop()


@every_backend
@pytest.mark.parametrize("room", [-1, 100])
def test_several_final_blocks_make_one_message(room: int, backend: str) -> None:
    data = b"".join(compressed(part, flush=zlib.Z_FINISH) for part in (b"Hel", b"", b"lo")) + b"\x00"
    assert inflater(backend=backend).inflate(data, True, room) == b"Hello"


@every_backend
def test_message_after_a_final_block_may_look_back_at_it(backend: str) -> None:
    grower = inflater(backend=backend)
    grower.inflate(compressed(b"Hello", flush=zlib.Z_FINISH) + b"\x00", True, -1)
    assert grower.inflate(bytes.fromhex("f2 00 11 00 00"), True, -1) == b"Hello"


def test_final_blocks_by_the_thousand_are_refused() -> None:
    with pytest.raises(ProtocolError, match="too many final blocks"):
        inflater().inflate(b"\x03\x00" * 5000, True, 1 << 20)


@every_backend
@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x07", bytes.fromhex("f2 00 11 00 00")])
def test_data_that_is_not_deflate_is_refused(data: bytes, backend: str) -> None:
    with pytest.raises(ProtocolError, match="compressed data is invalid"):
        inflater(backend=backend).inflate(data, True, -1)


# As an extension beside others.


def test_is_an_extension() -> None:
    assert isinstance(agreed(), Extension)


def test_repr_names_the_four_parameters() -> None:
    assert repr(PerMessageDeflate(True, False, 9, 15)) == (
        "PerMessageDeflate(remote_no_context_takeover=True, local_no_context_takeover=False, "
        "remote_max_window_bits=9, local_max_window_bits=15)"
    )


@pytest.mark.parametrize("opcode", [8, 9, 10])
def test_control_frames_pass(opcode: int) -> None:
    frame = Frame(opcode, b"Hello")
    assert (agreed().encode(frame), agreed().decode(frame)) == (frame, frame)


def test_data_frame_is_compressed_and_marked() -> None:
    assert agreed(level=6, mem_level=8).encode(Frame(1, b"Hello")) == Frame(1, HELLO, rsv1=True)


def test_only_the_first_frame_is_marked() -> None:
    extension = agreed()
    first, second = extension.encode(Frame(1, b"Hel", False)), extension.encode(Frame(0, b"lo"))
    assert (first.rsv1, second.rsv1) == (True, False)


def test_frames_come_out_as_they_went_in() -> None:
    sender, receiver = agreed(), agreed()
    frames = [
        Frame(1, b"Hel", False),
        Frame(0, b"lo"),
        Frame(2, b""),
        Frame(2, b"Hello", rsv2=True, rsv3=True),
    ]
    assert [receiver.decode(sender.encode(frame)) for frame in frames] == frames


@pytest.mark.parametrize(("size", "marked"), [(0, False), (9, False), (10, True)])
def test_small_messages_go_as_they_are(size: int, marked: bool) -> None:
    assert agreed(min_size=10).encode(Frame(2, b"x" * size)).rsv1 is marked


def test_fragments_of_any_size_are_compressed() -> None:
    assert agreed(min_size=10).encode(Frame(2, b"x", False)).rsv1


def test_message_that_is_not_marked_is_left_alone() -> None:
    extension = agreed()
    frames = [Frame(1, HELLO, False), Frame(0, HELLO)]
    assert [extension.decode(frame) for frame in frames] == frames


def test_mark_on_a_continuation_is_refused() -> None:
    extension = agreed()
    extension.decode(Frame(1, HELLO, False, True))
    with pytest.raises(ProtocolError, match="RSV1 is set on a continuation"):
        extension.decode(Frame(0, HELLO, True, True))


def test_frame_is_inflated_to_its_limit_at_most() -> None:
    with pytest.raises(PayloadTooBig):
        agreed().decode(Frame(1, HELLO, True, True), max_size=4)


# What a deflater holds between messages.


def test_state_is_let_go_of_after_the_first_message() -> None:
    squeezer, library = counted()
    squeezer.deflate(b"subscribe", True)
    squeezer.deflate(b"more", True)
    assert library.made == 2


def test_state_is_kept_after_the_second_message() -> None:
    squeezer, library = counted()
    for _ in range(5):
        squeezer.deflate(b"message", True)
    assert library.made == 2


def test_state_is_kept_between_the_fragments_of_the_first_message() -> None:
    squeezer, library = counted()
    for fin in (False, False, True):
        squeezer.deflate(b"fragment", fin)
    assert library.made == 1


def test_rest_keeps_the_state_that_was_used_since_the_last_rest() -> None:
    squeezer, library = counted()
    squeezer.deflate(b"first", True)
    for _ in range(3):
        squeezer.deflate(b"message", True)
        squeezer.rest()
    assert library.made == 2


def test_rest_lets_go_of_the_state_that_was_not_used() -> None:
    squeezer, library = counted()
    squeezer.deflate(b"first", True)
    squeezer.deflate(b"second", True)
    squeezer.rest()
    squeezer.rest()
    squeezer.deflate(b"third", True)
    assert library.made == 3


@every_backend
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_takeover_goes_on_after_a_rest(backend: str, bits: int) -> None:
    payload = os.urandom(200)
    squeezer, reader = deflater(bits, backend=backend), inflater(bits)
    reader.inflate(squeezer.deflate(payload, True), True, -1)
    squeezer.rest()
    again = squeezer.deflate(payload, True)
    assert (reader.inflate(again, True, -1), len(again) < 50) == (payload, True)


def test_no_takeover_refers_to_nothing_after_a_rest() -> None:
    squeezer = deflater(takeover=False)
    squeezer.deflate(b"once", True)
    squeezer.rest()
    assert inflater().inflate(squeezer.deflate(b"once", True), True, -1) == b"once"


def inflated_by(library: Counting, *payloads: bytes) -> list[bytes]:
    """Return what an inflater makes of the messages of one sender."""
    squeezer, reader = deflater(), Inflater(15, False, Backend("zlib", library))
    return [reader.inflate(squeezer.deflate(payload, True), True, -1) for payload in payloads]


def test_inflaters_state_is_let_go_of_after_a_small_first_message() -> None:
    library = Counting()
    inflated_by(library, b"snapshot", b"update")
    assert library.made == 2


def test_inflaters_state_is_kept_after_that() -> None:
    library = Counting()
    inflated_by(library, b"snapshot", b"update", b"update", b"update")
    assert library.made == 2


def test_inflaters_state_is_kept_after_a_large_first_message() -> None:
    library = Counting()
    inflated_by(library, bytes(5000), b"update", b"update")
    assert library.made == 1


def test_later_messages_may_refer_to_the_first() -> None:
    payloads = [os.urandom(1000)] * 3
    assert inflated_by(Counting(), *payloads) == payloads


@every_backend
@pytest.mark.parametrize("bits", [8, 9, 12])
def test_nothing_refers_back_further_than_was_agreed(backend: str, bits: int) -> None:
    payload = os.urandom(400) * 4
    # Byte by byte: given room for more, zlib does not notice references beyond the window.
    peer, out = zlib.decompressobj(-bits), bytearray()
    rest = deflater(bits, backend=backend).deflate(payload, True) + TAIL
    while rest:
        out += peer.decompress(rest, 1)
        rest = peer.unconsumed_tail
    assert out + peer.flush() == payload
