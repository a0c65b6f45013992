"""Cuts the head of an HTTP message out of a byte stream: bounded, and judged byte by byte.

h11 parses a head once it is complete. What comes before that, here, is what must not wait: bytes that
cannot be HTTP, lines without an end, headers without an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal

from wssdk.errors import HeaderLineTooLong, InvalidMessage, StatusLineTooLong, TooManyHeaders, printable
from wssdk.headers import Headers

if TYPE_CHECKING:
    import h11

__all__ = [
    "MAX_HEADERS",
    "MAX_HEAD_SIZE",
    "MAX_LINE_SIZE",
    "HeadReader",
    "decode_headers",
    "decode_text",
    "next_event",
    "not_http",
]

MAX_LINE_SIZE: Final = 8 << 10
"""Bytes of a line of a head, line ending included."""
MAX_HEADERS: Final = 128
"""Header lines of a head."""
MAX_HEAD_SIZE: Final = 64 << 10
"""Bytes of a head; those of interim responses before it count as well."""

_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# RFC 9110, 5.5: field values and reason phrases have no control character but the tab.
_TEXT: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_SPACE: Final = b" \t"
_SHOWN: Final = 40
_FIRST_LINE: Final = {"response": "status line", "request": "request line"}
# RFC 8446, 5.1: content types alert and handshake. A ws:// URI may have met a TLS port.
_TLS_RECORDS: Final = b"\x15\x16"


def not_http(what: str, cause: Exception) -> InvalidMessage:
    """Return the error for bytes, or an end of the stream, that ``what`` (response, request) cannot have."""
    error = InvalidMessage(f"did not receive a valid HTTP {what}: {cause}")
    error.__cause__ = cause
    return error


def next_event(connection: h11.Connection, what: str) -> object:
    """Return h11's next event.

    Raises:
        InvalidMessage: the bytes are not HTTP, caused by ValueError.
    """
    import h11

    try:
        return connection.next_event()
    except h11.RemoteProtocolError as error:
        reason = str(error)
    # Out of the except block, and without what h11 quotes: header values may be credentials.
    raise not_http(what, ValueError(reason.partition(":")[0]))


def decode_headers(fields: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return header fields that h11 parsed as text."""
    return Headers((name.decode("ascii"), decode_text(value)) for name, value in fields)


def decode_text(value: bytes) -> str:
    """Return a field value as text: UTF-8 where it is, else each byte one character (ISO 8859-1)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class HeadReader:
    """Collects heads, one after the other. Sizes are bytes; the bound on the size is for all of them.

    ``start`` lists, for the first bytes of the first line, which bytes may stand there.
    """

    def __init__(
        self,
        what: Literal["response", "request"],
        start: Sequence[bytes] = (),
        *,
        max_line_size: int = MAX_LINE_SIZE,
        max_headers: int = MAX_HEADERS,
        max_head_size: int = MAX_HEAD_SIZE,
    ) -> None:
        self._what = what
        self._start = start
        self._max_line_size = max_line_size
        self._max_headers = max_headers
        self._room = max_head_size
        self._head = bytearray()
        self._begin_head()

    def _begin_head(self) -> None:
        self._lines = 0  # complete ones
        self._begin_line()

    def _begin_line(self) -> None:
        self._line_start = len(self._head)
        self._after_cr = False
        self._in_value = self._lines == 0  # the first line has no name

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes; return those that follow the head once it is complete, None while it is not.

        Raises:
            InvalidMessage: a byte that no head can have there, caused by ValueError.
            StatusLineTooLong, HeaderLineTooLong, TooManyHeaders: a bound is passed.
        """
        start = 0
        while start < len(data):
            end = data.find(b"\n", start) + 1 or len(data)
            self._take(data[start:end])
            start = end
            if data[end - 1 : end] == b"\n" and self._end_line():
                return data[end:]
        return None

    def take_head(self) -> bytes:
        """Return the complete head, and begin the next one."""
        head = bytes(self._head)
        self._head.clear()
        self._begin_head()
        return head

    def end_of_stream(self) -> InvalidMessage:
        """Return the error for a stream that ends here, caused by EOFError."""
        where = "headers" if self._lines else f"HTTP {_FIRST_LINE[self._what]}"
        if not self._lines and not self._head:
            return not_http(self._what, EOFError("connection closed before the first byte"))
        return not_http(self._what, EOFError(f"connection closed while reading {where}"))

    def _take(self, piece: bytes) -> None:
        """Judge and keep a piece of one line: no more than the room, checked before it is kept."""
        held = len(self._head) - self._line_start
        if held == 0 and piece[:1] not in b"\r\n" and self._lines > self._max_headers:
            raise TooManyHeaders(f"{self._what} has more than {self._max_headers} headers")
        room = min(self._room, self._max_line_size - held)
        self._check(piece[:room], held)
        if len(piece) > room:
            raise self._too_long()
        self._room -= len(piece)
        self._head += piece

    def _too_long(self) -> StatusLineTooLong | HeaderLineTooLong:
        if self._lines == 0:
            return StatusLineTooLong(f"{_FIRST_LINE[self._what]} is longer than {self._max_line_size} bytes")
        return HeaderLineTooLong(f"headers of the {self._what} are longer than the bound")

    def _end_line(self) -> bool:
        """Close a line; tell whether it was the empty one, which ends the head."""
        text = self._head[self._line_start :].rstrip(b"\r\n")
        if text and not self._in_value:
            raise self._unfit(b"")  # a name without a colon
        self._lines += 1
        self._begin_line()
        return not text

    def _check(self, piece: bytes, held: int) -> None:
        """Judge the next bytes of a line that has ``held`` bytes so far."""
        if self._after_cr and piece[:1] not in (b"", b"\n"):
            raise self._unfit(piece)
        if self._lines == 0:
            for byte, allowed in zip(piece, self._start[held:], strict=False):
                if byte not in allowed:
                    raise self._unfit(piece)
        text = piece.removesuffix(b"\n")
        if text.endswith(b"\r"):
            self._after_cr = not piece.endswith(b"\n")
            text = text[:-1]
        if not self._in_value:
            text = self._check_name(text, held)
        if text.translate(None, _TEXT):
            raise self._unfit(piece)

    def _check_name(self, text: bytes, held: int) -> bytes:
        """Judge what of ``text`` is the name of a field; return the rest, its value."""
        if held == 0 and text[:1] and text[:1] in _SPACE and self._lines > 1:
            # RFC 9112, 5.2: a folded line goes on with the value of the one before.
            self._in_value = True
            return text
        name, colon, value = text.partition(b":")
        if name.translate(None, _TOKEN) or (colon and held + len(name) == 0):
            raise self._unfit(text)
        self._in_value = bool(colon)
        return value

    def _unfit(self, piece: bytes) -> InvalidMessage:
        if self._lines:
            # A header may be a credential: it is not shown.
            return not_http(self._what, ValueError(f"invalid header line {self._lines}"))
        line = bytes(self._head) + piece
        if line[:1] and line[:1] in _TLS_RECORDS:
            hint = "the peer talks TLS; should the URI begin with wss://?"
            return not_http(self._what, ValueError(hint))
        shown = printable(line[:_SHOWN].decode("latin-1").rstrip("\r\n"))
        return not_http(self._what, ValueError(f"invalid HTTP {_FIRST_LINE[self._what]}: '{shown}'"))
