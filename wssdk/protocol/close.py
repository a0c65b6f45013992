"""The payload of a close frame (RFC 6455, 5.5.1): parse, check, serialise."""

from __future__ import annotations

from wssdk.codes import Close, CloseCode, may_be_received, may_be_sent
from wssdk.errors import ProtocolError

__all__ = ["MAX_REASON_SIZE", "parse_close", "serialize_close"]

MAX_REASON_SIZE = 123
"""Bytes of UTF-8 that a close reason may have: 125 of a control frame, less the close code."""


def parse_close(payload: bytes) -> Close:
    """Return close code and reason of a received close frame; code 1005 where it has none.

    Raises:
        ProtocolError: one byte only, or a close code that may not stand in a frame (7.4).
        UnicodeDecodeError: the reason is not UTF-8.
    """
    if not payload:
        return Close(CloseCode.NO_STATUS_RCVD, "")
    if len(payload) == 1:
        raise ProtocolError("close frame is too short")
    code = int.from_bytes(payload[:2], "big")
    if not may_be_received(code):
        raise ProtocolError(f"invalid close code: {code}")
    return Close(code, payload[2:].decode())


def serialize_close(close: Close) -> bytes:
    """Return the payload of a close frame; empty for code 1005.

    Raises:
        ProtocolError: the close code may not be sent, or the reason is longer than 123 bytes or not
            Unicode (it has a surrogate on its own).
    """
    if close.code == CloseCode.NO_STATUS_RCVD and not close.reason:
        return b""
    if not may_be_sent(close.code):
        raise ProtocolError(
            f"invalid close code: {int(close.code)}; use 1000 to 1003, 1007 to 1014, or 3000 to 4999"
        )
    try:
        reason = close.reason.encode()
    except UnicodeEncodeError as error:
        raise ProtocolError(f"close reason has no UTF-8 form: {error.reason}") from error
    if len(reason) > MAX_REASON_SIZE:
        raise ProtocolError(f"close reason has {len(reason)} bytes; at most {MAX_REASON_SIZE} fit")
    return close.code.to_bytes(2, "big") + reason
