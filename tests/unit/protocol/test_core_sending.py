"""What goes out: messages, pings and pongs, as bytes that the peer can read."""

from __future__ import annotations

import zlib
from typing import Final

import attrs
import pytest

from tests.support.cores import CoreEnd, deflate
from tests.support.frames import ParsedFrame, parse_frames
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT
from wssdk.errors import ProtocolError
from wssdk.ports import Frame
from wssdk.protocol.core import ProtocolCore, Role
from wssdk.wire.deflate import PerMessageDeflate
from wssdk.wire.inbox import Inbox

RSV1: Final = 4
TAIL: Final = b"\x00\x00\xff\xff"
BOTH: Final = list(Role)


def serialized(
    end: CoreEnd, opcode: int, payload: bytes | bytearray | memoryview, fin: bool = True
) -> ParsedFrame:
    """Return the one frame that a message or fragment goes out as."""
    [sent] = parse_frames(end.core.serialize_message(opcode, payload, fin))
    return sent


def peer_of(end: CoreEnd, extension: PerMessageDeflate | None = None) -> CoreEnd:
    """Return the other end."""
    return CoreEnd.of(Role.SERVER if end.core.role is Role.CLIENT else Role.CLIENT, extension=extension)


# Messages.


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 125, 126, 127, 65535, 65536, 65537])
def test_message_of_any_size_goes_out_in_one_frame(role: Role, size: int) -> None:
    payload = bytes(i & 255 for i in range(size))
    sent = serialized(CoreEnd.of(role), BINARY, payload)
    assert sent == ParsedFrame(True, 0, BINARY, role is Role.CLIENT, payload)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONT])
@pytest.mark.parametrize("fin", [True, False])
def test_opcode_and_fin_are_those_of_the_fragment(opcode: int, fin: bool) -> None:
    sent = serialized(CoreEnd.of(), opcode, b"a", fin)
    assert (sent.opcode, sent.fin) == (opcode, fin)


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_goes_out(role: Role, kind: type[bytes | bytearray | memoryview]) -> None:
    assert serialized(CoreEnd.of(role), BINARY, kind(b"hello")).payload == b"hello"


def test_every_frame_of_a_client_has_a_masking_key_of_its_own() -> None:
    end = CoreEnd.of()
    keys = {end.core.serialize_message(BINARY, b"")[2:6] for _ in range(1000)}
    assert len(keys) > 990  # of 4 billion: two may be alike, not many


def test_message_is_not_queued() -> None:
    end = CoreEnd.of()
    end.core.serialize_message(TEXT, b"a")
    assert end.core.take_outgoing() == b""


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("extended", [False, True])
def test_peer_reads_what_goes_out(role: Role, extended: bool) -> None:
    end = CoreEnd.of(role, extension=deflate() if extended else None)
    peer = peer_of(end, deflate() if extended else None)
    for opcode, payload, fin in [
        (TEXT, b"whole" * 50, True),
        (BINARY, b"frag" * 50, False),
        (CONT, b"", False),
        (CONT, b"ments" * 50, True),
        (TEXT, b"", True),
    ]:
        peer.core.receive(end.core.serialize_message(opcode, payload, fin))
    assert peer.messages() == ["whole" * 50, b"frag" * 50 + b"ments" * 50, ""]


# Compressed messages (RFC 7692, 7.2.1).


@pytest.mark.parametrize("role", BOTH)
def test_compressed_message_has_rsv1(role: Role) -> None:
    sent = serialized(CoreEnd.of(role, extension=deflate()), TEXT, b"hello" * 20)
    assert (sent.rsv, sent.masked) == (RSV1, role is Role.CLIENT)


def test_compressed_message_is_deflate_less_its_tail() -> None:
    sent = serialized(CoreEnd.of(extension=deflate()), TEXT, b"hello" * 20)
    assert zlib.decompress(sent.payload + TAIL + b"\x03\x00", -15) == b"hello" * 20


def test_rsv1_is_on_the_first_fragment_only() -> None:
    end = CoreEnd.of(extension=deflate())
    sent = [
        serialized(end, *part).rsv for part in [(TEXT, b"a", False), (CONT, b"b", False), (CONT, b"c", True)]
    ]
    assert sent == [RSV1, 0, 0]


def test_fragments_are_one_deflate_stream_less_its_tail() -> None:
    end = CoreEnd.of(extension=deflate())
    parts = [
        serialized(end, *part) for part in [(TEXT, b"hel", False), (CONT, b"", False), (CONT, b"lo", True)]
    ]
    data = b"".join(part.payload for part in parts)
    assert zlib.decompress(data + TAIL + b"\x03\x00", -15) == b"hello"


def test_second_message_refers_to_the_first() -> None:
    end = CoreEnd.of(extension=deflate())
    first, second = (serialized(end, BINARY, bytes(range(200))) for _ in range(2))
    assert len(second.payload) < len(first.payload) // 4


def test_second_message_stands_alone_without_context_takeover() -> None:
    end = CoreEnd.of(extension=deflate(no_context_takeover=True))
    first, second = (serialized(end, BINARY, bytes(range(200))) for _ in range(2))
    assert first.payload == second.payload


@pytest.mark.parametrize(("size", "rsv"), [(0, 0), (9, 0), (10, RSV1), (11, RSV1)])
def test_messages_below_the_least_size_go_out_as_they_are(size: int, rsv: int) -> None:
    end = CoreEnd.of(extension=deflate(min_size=10))
    assert serialized(end, BINARY, bytes(size)).rsv == rsv


@pytest.mark.parametrize(("size", "rsv"), [(0, 0), (1, RSV1)])
def test_empty_message_goes_out_as_it_is(size: int, rsv: int) -> None:
    assert serialized(CoreEnd.of(extension=deflate()), BINARY, bytes(size)).rsv == rsv


def test_small_first_fragment_is_compressed_for_the_message_may_be_large() -> None:
    end = CoreEnd.of(extension=deflate(min_size=10))
    assert serialized(end, BINARY, b"a", False).rsv == RSV1


def test_small_message_after_a_large_one_goes_out_as_it_is() -> None:
    end = CoreEnd.of(extension=deflate(min_size=10))
    serialized(end, BINARY, b"large" * 10)
    assert serialized(end, BINARY, b"small") == ParsedFrame(True, 0, BINARY, True, b"small")


def test_control_frame_is_not_compressed() -> None:
    end = CoreEnd.of(extension=deflate())
    end.core.send_ping(b"hello" * 20)
    assert end.sent() == [ParsedFrame(True, 0, PING, True, b"hello" * 20)]


# Control frames.


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("payload", [b"", b"?", b"x" * 125])
def test_ping_goes_out(role: Role, payload: bytes) -> None:
    end = CoreEnd.of(role)
    end.core.send_ping(payload)
    assert end.sent() == [ParsedFrame(True, 0, PING, role is Role.CLIENT, payload)]


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("payload", [b"", b"!", b"x" * 125])
def test_pong_goes_out(role: Role, payload: bytes) -> None:
    end = CoreEnd.of(role)
    end.core.send_pong(payload)
    assert end.sent() == [ParsedFrame(True, 0, PONG, role is Role.CLIENT, payload)]


def test_frames_go_out_in_order() -> None:
    end = CoreEnd.of()
    end.core.send_ping(b"1")
    end.core.send_pong(b"2")
    end.core.send_ping(b"3")
    end.core.close(1000, "")
    assert [sent.opcode for sent in end.sent()] == [PING, PONG, PING, CLOSE]


def test_bytes_are_taken_once() -> None:
    end = CoreEnd.of()
    end.core.send_ping(b"?")
    end.core.take_outgoing()
    assert end.core.take_outgoing() == b""


def test_what_waits_is_gone_with_the_pipe() -> None:
    end = CoreEnd.of()
    end.core.send_ping(b"?")
    end.core.lost()
    assert end.core.take_outgoing() == b""


# Extensions of the user's.


@attrs.define
class Marking:
    """An extension that puts a mark before every payload, and sets a reserved bit."""

    mark: bytes
    rsv2: bool = False
    rsv3: bool = False
    name: str = "x-marking"

    def encode(self, frame: Frame) -> Frame:
        return attrs.evolve(
            frame, data=self.mark + frame.data, rsv2=frame.rsv2 or self.rsv2, rsv3=frame.rsv3 or self.rsv3
        )

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if not frame.data.startswith(self.mark):
            raise ProtocolError("mark is missing")
        return attrs.evolve(
            frame,
            data=frame.data.removeprefix(self.mark),
            rsv2=frame.rsv2 and not self.rsv2,
            rsv3=frame.rsv3 and not self.rsv3,
        )


def marked(role: Role = Role.CLIENT) -> CoreEnd:
    """Return an end with two extensions of the user's."""
    extensions = [Marking(b"1", rsv2=True), Marking(b"2", rsv3=True)]
    return CoreEnd(ProtocolCore(role, Inbox(None, None), extensions=extensions))


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONT])
def test_extensions_encode_in_order(opcode: int) -> None:
    assert serialized(marked(), opcode, b"a") == ParsedFrame(True, 0b011, opcode, True, b"21a")


def test_extensions_encode_control_frames() -> None:
    end = marked()
    end.core.send_ping(b"a")
    assert end.sent() == [ParsedFrame(True, 0b011, PING, True, b"21a")]


def test_extensions_decode_in_reverse() -> None:
    end = marked()
    end.hear(TEXT, b"21a", rsv=0b011)
    assert end.messages() == ["a"]


def test_bit_that_no_extension_took_is_1002() -> None:
    end = marked()
    end.hear(TEXT, b"21a", rsv=0b111)
    assert end.close_code() == 1002


def test_pong_is_encoded_and_its_ping_decoded() -> None:
    end = marked()
    end.hear(PING, b"21?", rsv=0b011)
    assert end.sent() == [ParsedFrame(True, 0b011, PONG, True, b"21?")]


def test_extensions_of_both_ends_fit() -> None:
    end, peer = marked(), marked(Role.SERVER)
    peer.core.receive(end.core.serialize_message(TEXT, b"a", False))
    peer.core.receive(end.core.serialize_message(CONT, b"b"))
    assert peer.messages() == ["ab"]


def test_deflate_works_beside_another_extension() -> None:
    end, peer = (
        CoreEnd(ProtocolCore(role, Inbox(None, None), extensions=[deflate(), Marking(b"!", rsv2=True)]))
        for role in BOTH
    )
    for part in [(TEXT, b"hello" * 20, True), (BINARY, b"hel" * 20, False), (CONT, b"lo", True)]:
        peer.core.receive(end.core.serialize_message(*part))
    assert peer.messages() == ["hello" * 20, b"hel" * 20 + b"lo"]
