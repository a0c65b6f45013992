"""What breaks RFC 6455, in any place it can be in, and the close code that tells so."""

from __future__ import annotations

import zlib
from typing import Final

import pytest

from tests.support.cores import CoreEnd, deflate
from tests.support.frames import close_payload, frame
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, deflated
from wssdk.codes import Close
from wssdk.errors import ProtocolError
from wssdk.ports import Frame
from wssdk.protocol.core import ProtocolCore, Role
from wssdk.protocol.state import State
from wssdk.wire.inbox import Inbox

RSV1: Final = 4
BOTH: Final = list(Role)


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_reserved_opcode_is_1002(role: Role, opcode: int) -> None:
    end = CoreEnd.of(role)
    end.hear(opcode)
    assert end.close_code() == 1002


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_are_1002(role: Role, opcode: int, rsv: int) -> None:
    end = CoreEnd.of(role)
    end.hear(opcode, rsv=rsv)
    assert end.close_code() == 1002


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("extended", [False, True])
def test_reserved_bits_on_a_continuation_are_1002(rsv: int, extended: bool) -> None:
    end = CoreEnd.of(extension=deflate() if extended else None)
    end.hear(TEXT, b"a", fin=False)
    end.hear(CONT, b"b", rsv=rsv)
    assert end.close_code() == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_bits_that_deflate_did_not_take_are_1002(opcode: int, rsv: int) -> None:
    end = CoreEnd.of(extension=deflate())
    end.hear(opcode, deflated(b"a"), rsv=rsv)
    assert end.close_code() == 1002


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_compressed_control_frame_is_1002(opcode: int) -> None:
    end = CoreEnd.of(extension=deflate())
    end.hear(opcode, rsv=RSV1)
    assert end.close_code() == 1002


@pytest.mark.parametrize(
    ("role", "mask"), [(Role.CLIENT, b"abcd"), (Role.CLIENT, bytes(4)), (Role.SERVER, None)]
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_wrong_masking_is_1002(role: Role, mask: bytes | None, opcode: int) -> None:
    end = CoreEnd.of(role)
    end.core.receive(frame(opcode, mask=mask))
    assert end.close_code() == 1002


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize("size", [126, 65535, 65536])
def test_long_control_frame_is_1002(role: Role, opcode: int, size: int) -> None:
    end = CoreEnd.of(role)
    end.hear(opcode, (close_payload(1000) + b"x" * size)[:size])
    assert end.close_code() == 1002


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize("length_form", [16, 64])
def test_long_form_of_a_control_frame_is_1002(opcode: int, length_form: int) -> None:
    end = CoreEnd.of()
    end.hear(opcode, close_payload(1000), length_form=length_form)
    assert end.close_code() == 1002


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_fragmented_control_frame_is_1002(role: Role, opcode: int) -> None:
    end = CoreEnd.of(role)
    end.hear(opcode, fin=False)
    assert end.close_code() == 1002


@pytest.mark.parametrize("fin", [True, False])
def test_continuation_of_nothing_is_1002(fin: bool) -> None:
    end = CoreEnd.of()
    end.hear(CONT, b"a", fin=fin)
    assert end.close_code() == 1002


@pytest.mark.parametrize("fin", [True, False])
def test_continuation_after_the_end_is_1002(fin: bool) -> None:
    end = CoreEnd.of()
    end.hear_all((TEXT, b"a", False), (CONT, b"b", True), (CONT, b"c", fin))
    assert end.close_code() == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
def test_message_within_a_message_is_1002(opcode: int, fin: bool) -> None:
    end = CoreEnd.of()
    end.hear_all((TEXT, b"a", False), (opcode, b"b", fin))
    assert end.close_code() == 1002


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize(
    ("size", "length_form"), [(0, 16), (125, 16), (0, 64), (125, 64), (126, 64), (65535, 64)]
)
def test_length_in_a_longer_form_is_1002(role: Role, size: int, length_form: int) -> None:
    end = CoreEnd.of(role)
    end.hear(BINARY, bytes(size), length_form=length_form)
    assert end.close_code() == 1002


@pytest.mark.parametrize("length", [1 << 63, (1 << 63) + 1, (1 << 64) - 1])
@pytest.mark.parametrize("limit", [None, 1 << 20])
def test_most_significant_bit_of_a_length_is_1002(length: int, limit: int | None) -> None:
    end = CoreEnd.of(max_message_size=limit)
    end.core.receive(bytes([0x82, 127]) + length.to_bytes(8))
    assert end.close_code() == 1002


@pytest.mark.parametrize("payload", [b"\x03", b"\x00"])
def test_close_frame_of_one_byte_is_1002(payload: bytes) -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, payload)
    assert end.close_code() == 1002


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_close_code_that_may_not_come_is_1002(code: int) -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(code))
    assert end.close_code() == 1002


def test_close_reason_that_is_not_utf8_is_1007() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(1000, b"\xff"))
    assert end.close_code() == 1007


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff\xff", id="no block type"),
        pytest.param(b"\x02\x00\x00\x01\x00", id="stored block with a wrong length"),
        pytest.param(zlib.compress(b"hello"), id="zlib header"),
    ],
)
def test_what_is_not_deflate_is_1002(payload: bytes) -> None:
    end = CoreEnd.of(extension=deflate())
    end.hear(BINARY, payload, rsv=RSV1)
    assert end.close_code() == 1002


@pytest.mark.parametrize("opcode", [0x3, PING | 0x80])
def test_two_bytes_are_enough_to_refuse(opcode: int) -> None:
    end = CoreEnd.of()
    end.core.receive(bytes([opcode, 0x7F]))
    assert isinstance(end.core.violation, ProtocolError)


# What stands around a violation.


@pytest.mark.parametrize("wrong", [b"\x83\x00", b"\x81\x01\xff", b"\x80\x00", b"\x88\x01\x03"])
def test_messages_before_a_violation_in_one_read_are_delivered(wrong: bytes) -> None:
    end = CoreEnd.of()
    end.core.receive(frame(TEXT, b"a") + frame(BINARY, b"b") + wrong + frame(TEXT, b"c"))
    end.core.fail_for_violation()
    assert end.messages() == ["a", b"b"]


def test_pings_before_a_violation_in_one_read_are_answered() -> None:
    end = CoreEnd.of()
    end.core.receive(frame(PING, b"a") + b"\x83\x00" + frame(PING, b"b"))
    end.core.fail_for_violation()
    assert [(sent.opcode, sent.payload[:2]) for sent in end.sent()] == [(PONG, b"a"), (CLOSE, b"\x03\xea")]


def test_nothing_that_comes_after_a_violation_is_heeded() -> None:
    end = CoreEnd.of()
    end.hear(0x3)
    end.hear(TEXT, b"a")
    end.hear(PING, b"b")
    end.hear(PONG, b"c")
    end.hear(CLOSE, close_payload(1000))
    assert (end.messages(), end.sent(), end.core.take_pongs(), end.core.rcvd) == ([], [], [], None)


def test_first_violation_counts() -> None:
    end = CoreEnd.of()
    end.core.receive(frame(TEXT, b"\xff") + frame(0x3))
    assert end.close_code() == 1007


def test_violation_waits_until_it_is_acted_on() -> None:
    end = CoreEnd.of()
    end.hear(0x3)
    assert (end.core.state, end.sent()) == (State.OPEN, [])


def test_violation_is_acted_on_once() -> None:
    end = CoreEnd.of()
    end.hear(0x3)
    end.core.fail_for_violation()
    assert end.core.violation is None
    end.core.fail_for_violation()
    assert [sent.opcode for sent in end.sent()] == [CLOSE]


def test_unfinished_frame_at_the_end_of_the_stream_is_forgotten() -> None:
    end = CoreEnd.of()
    end.core.receive(frame(TEXT, b"a") + frame(TEXT, b"b")[:-1])
    end.core.receive_eof()
    end.core.receive(b"b")
    assert (end.messages(), end.core.violation) == (["a"], None)


class BrokenExtension:
    """An extension of the user's that does not work."""

    name = "x-broken"

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        raise RuntimeError("broken")


def test_broken_extension_is_1011() -> None:
    core = ProtocolCore(Role.CLIENT, Inbox(None, None), extensions=[BrokenExtension()])
    core.receive(frame(TEXT, b"a"))
    core.fail_for_violation()
    assert core.sent == Close(1011, "")
