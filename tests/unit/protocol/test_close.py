"""The payload of a close frame (RFC 6455, 5.5.1, 7.4): every close code, every length of a reason."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.frames import close_payload
from wssdk.codes import Close, CloseCode
from wssdk.errors import ProtocolError
from wssdk.protocol.close import MAX_REASON_SIZE, parse_close, serialize_close

# RFC 6455, 7.4.1 and 7.4.2; 1012 to 1014 are in IANA's registry. 1004 is reserved; 1005, 1006 and 1015
# never stand in a frame.
ON_THE_WIRE: Final = {
    *(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014),
    *range(3000, 5000),
}
# Where the answer changes, on both sides of it.
EDGES: Final = [
    *(0, 1, 255, 256, 999, *range(1000, 1020), 1099, 1100, 1999, 2000, 2999),
    *(3000, 3001, 3999, 4000, 4999, 5000, 5001, 32767, 32768, 65535),
]


def is_received(code: int) -> bool:
    try:
        return parse_close(close_payload(code)) == Close(code, "")
    except ProtocolError:
        return False


def is_sent(code: int) -> bool:
    try:
        return serialize_close(Close(code, "")) == close_payload(code)
    except ProtocolError:
        return False


# Receiving.


@pytest.mark.parametrize("code", EDGES)
def test_received_code_is_judged(code: int) -> None:
    assert is_received(code) is (code in ON_THE_WIRE)


def test_codes_that_may_be_received() -> None:
    assert {code for code in range(65536) if is_received(code)} == ON_THE_WIRE


def test_error_names_the_received_code() -> None:
    with pytest.raises(ProtocolError, match="invalid close code: 1006"):
        parse_close(close_payload(1006))


def test_empty_payload_is_1005() -> None:
    assert parse_close(b"") == Close(CloseCode.NO_STATUS_RCVD, "")


@pytest.mark.parametrize("payload", [b"\x00", b"\x03", b"\xff"])
def test_payload_of_one_byte_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="too short"):
        parse_close(payload)


@pytest.mark.parametrize("reason", ["", "a", "bye", "ä", "\0", "𝄞", "x" * 123, "ä" * 61])
def test_reason_is_received(reason: str) -> None:
    assert parse_close(close_payload(1000, reason.encode())) == Close(1000, reason)


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param(b"\xff", id="no UTF-8 at all"),
        pytest.param(b"ok \x80", id="continuation byte alone"),
        pytest.param(b"ok \xe2\x82", id="cut off"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="above U+10FFFF"),
    ],
)
def test_reason_must_be_utf8(reason: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        parse_close(close_payload(1000, reason))


def test_code_is_judged_before_the_reason() -> None:
    with pytest.raises(ProtocolError, match="1005"):
        parse_close(close_payload(1005, b"\xff"))


# Sending.


@pytest.mark.parametrize("code", EDGES)
def test_sent_code_is_judged(code: int) -> None:
    assert is_sent(code) is (code in ON_THE_WIRE)


def test_codes_that_may_be_sent() -> None:
    assert {code for code in range(-1, 65537) if is_sent(code)} == ON_THE_WIRE


def test_error_says_which_codes_may_be_sent() -> None:
    with pytest.raises(ProtocolError, match="1015; use 1000 to 1003, 1007 to 1014, or 3000 to 4999"):
        serialize_close(Close(1015))


def test_1005_is_an_empty_payload() -> None:
    assert serialize_close(Close(CloseCode.NO_STATUS_RCVD, "")) == b""


def test_1005_has_no_reason() -> None:
    with pytest.raises(ProtocolError, match="1005"):
        serialize_close(Close(CloseCode.NO_STATUS_RCVD, "why"))


@pytest.mark.parametrize("reason", ["", "bye", "ä", "x" * 123, "ä" * 61 + "x", "𝄞" * 30 + "xyz"])
def test_reason_is_sent(reason: str) -> None:
    assert serialize_close(Close(4000, reason)) == close_payload(4000, reason.encode())


def test_longest_payload_fills_a_control_frame() -> None:
    assert len(serialize_close(Close(1000, "x" * MAX_REASON_SIZE))) == 125


@pytest.mark.parametrize("reason", ["x" * 124, "ä" * 62, "€" * 41 + "x", "𝄞" * 31])
def test_reason_of_124_bytes_is_refused(reason: str) -> None:
    assert len(reason.encode()) == 124
    with pytest.raises(ProtocolError, match="124 bytes; at most 123 fit"):
        serialize_close(Close(1000, reason))


@pytest.mark.parametrize("reason", ["\ud800", "a\udfff", "\ud83d\ude00"])
def test_reason_with_surrogates_is_refused(reason: str) -> None:
    with pytest.raises(ProtocolError, match="no UTF-8 form"):
        serialize_close(Close(1000, reason))


@pytest.mark.parametrize("code", sorted(ON_THE_WIRE & set(EDGES)))
def test_what_is_sent_is_received(code: int) -> None:
    assert parse_close(serialize_close(Close(code, "grüße"))) == Close(code, "grüße")
