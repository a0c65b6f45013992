"""Numbers of RFC 6455: opcodes (5.2), close codes (7.4), and the close pair they travel in."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

__all__ = ["CLOSE_CODE_NAMES", "Close", "CloseCode", "Opcode", "may_be_received", "may_be_sent"]


class Opcode(enum.IntEnum):
    """Opcodes of frames (RFC 6455, 5.2)."""

    CONT = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(enum.IntEnum):
    """Close codes (RFC 6455, 7.4.1, and the IANA registry)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    # 1004 is reserved.
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


CLOSE_CODE_NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {
        1000: "OK",
        1001: "going away",
        1002: "protocol error",
        1003: "unsupported data",
        1005: "no status received [internal]",
        1006: "abnormal closure [internal]",
        1007: "invalid frame payload data",
        1008: "policy violation",
        1009: "message too big",
        1010: "mandatory extension",
        1011: "internal error",
        1012: "service restart",
        1013: "try again later",
        1014: "bad gateway",
        1015: "TLS failure [internal]",
    }
)

# 1004 is reserved; 1005, 1006 and 1015 never stand in a close frame (RFC 6455, 7.4.1).
_ON_THE_WIRE: Final = frozenset(range(1000, 1015)) - {1004, 1005, 1006}


def may_be_received(code: int) -> bool:
    """Tell whether a peer may put ``code`` into a close frame (RFC 6455, 7.4)."""
    return code in _ON_THE_WIRE or 3000 <= code < 5000


def may_be_sent(code: int) -> bool:
    """Tell whether this side may put ``code`` into a close frame (RFC 6455, 7.4)."""
    return may_be_received(code)


@attrs.frozen
class DropCount:
    """What was received on a connection and never given to the application; 0 and 0 while nothing was.

    ``bytes`` counts payload as it would have been held: text in UTF-8, inflated.
    """

    messages: int = 0
    bytes: int = 0

    def __add__(self, other: DropCount) -> DropCount:
        return DropCount(self.messages + other.messages, self.bytes + other.bytes)


@attrs.frozen
class Close:
    """Close code and close reason, as one close frame carries them (RFC 6455, 5.5.1)."""

    code: int
    reason: str = ""

    def __str__(self) -> str:
        if 3000 <= self.code < 4000:
            name = "registered"
        elif 4000 <= self.code < 5000:
            name = "private use"
        else:
            name = CLOSE_CODE_NAMES.get(self.code, "unknown")
        text = f"{int(self.code)} ({name})"
        return f"{text} {self.reason}" if self.reason else text
