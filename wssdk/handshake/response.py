"""The server's answer to the opening handshake: read by h11, judged here (RFC 6455, 4.1).

h11 is imported by the functions that use it: nearly every answer is read without it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from wssdk.errors import (
    InvalidHandshake,
    InvalidHeaderValue,
    InvalidState,
    InvalidStatus,
    NegotiationError,
    SecurityError,
)
from wssdk.handshake.head_reader import (
    MAX_HEAD_SIZE,
    MAX_HEADERS,
    MAX_LINE_SIZE,
    HeadReader,
    decode_headers,
    decode_text,
    next_event,
    not_http,
)
from wssdk.handshake.header_grammar import check_upgrade, parse_extensions_header, single_value
from wssdk.handshake.request import accept_key
from wssdk.headers import Headers, Response
from wssdk.ports import ClientExtensionFactory, Extension
from wssdk.typing import ExtensionParameter, Subprotocol

if TYPE_CHECKING:
    import h11

__all__ = ["MAX_BODY_SIZE", "MAX_CHUNKS", "MAX_INTERIM", "Agreement", "ResponseReader", "judge_response"]

MAX_BODY_SIZE: Final = 1 << 20
"""Bytes of a rejection's body that are kept; the rest is cut off."""
MAX_CHUNKS: Final = 4096
"""Chunks of a rejection's body that are read: each costs the same, however small it is."""
MAX_INTERIM: Final = 8
"""Interim responses (RFC 9110, 15.2) before the final one."""

# The head of nearly every answer: nothing but ASCII, one line a field. Whatever else may be a head is h11's.
_ORDINARY_SWITCH: Final = re.compile(
    rb"HTTP/1\.1 101(?: ([\t -~]*))?\r\n((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t -~]*\r\n)+)\r\n"
)
_FIELD: Final = re.compile(r"([^:]+):[ \t]*((?:[!-~]+(?:[ \t]+[!-~]+)*)?)[ \t]*\r\n")

_DIGITS: Final = b"0123456789"
# RFC 9112, 4: where a status line leaves a choice of bytes. Only HTTP/1 can answer an HTTP/1 request.
_STATUS_LINE: Final = (
    *(bytes((byte,)) for byte in b"HTTP/1."),
    _DIGITS,
    b" ",
    b"123456789",
    _DIGITS,
    _DIGITS,
    b" \r\n",
)


@attrs.frozen
class Agreement:
    """What the opening handshake settled."""

    subprotocol: Subprotocol | None = None
    """The subprotocol chosen by the server; None where it chose none."""
    extensions: tuple[Extension, ...] = ()
    """The agreed extensions, in the order in which they are applied to what is sent (RFC 6455, 9.1)."""


class ResponseReader:
    """Bytes to the response of the opening handshake. Sizes are bytes.

    Feed until ``response`` is set. A response that does not switch protocols is complete with its body:
    at its end, at ``max_body_size`` (or twice that of chunked encoding), at the end of ``max_chunks``
    chunks, or at the end of the stream. A body that breaks HTTP's rules is cut there: it must not hide
    the status.

    ``tunnel``: it is a proxy's answer to CONNECT. With a status of 2xx it has no body, and is followed by
    what the server says (RFC 9110, 9.3.6).
    """

    def __init__(
        self,
        *,
        tunnel: bool = False,
        max_line_size: int = MAX_LINE_SIZE,
        max_headers: int = MAX_HEADERS,
        max_head_size: int = MAX_HEAD_SIZE,
        max_body_size: int = MAX_BODY_SIZE,
        max_chunks: int = MAX_CHUNKS,
        max_interim: int = MAX_INTERIM,
    ) -> None:
        self.response: Response | None = None
        """The response; None until it is complete."""
        self.trailing = b""
        """Bytes after the head of a 101: the first of the WebSocket connection."""
        self._max_line_size = max_line_size
        self._max_headers = max_headers
        self._max_head_size = max_head_size
        self._tunnel = tunnel
        self._is_fresh = not tunnel
        self._begun: Response | None = None
        self._body = bytearray()
        self._interim_room = max_interim
        self._max_body_size = max_body_size
        self._chunk_room = max_chunks
        # Chunks with long extensions cost much and bring little: their bytes count too.
        self._wire_room = 2 * max_body_size + max_head_size
        self._done = False

    # Both are made where they are needed: an ordinary answer needs neither.

    @cached_property
    def _heads(self) -> HeadReader:
        return HeadReader(
            "response",
            _STATUS_LINE,
            max_line_size=self._max_line_size,
            max_headers=self._max_headers,
            max_head_size=self._max_head_size,
        )

    @cached_property
    def _http(self) -> h11.Connection:
        import h11

        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=self._max_head_size)
        # h11 reads a 101 as a switch of protocols, and a 200 as a tunnel, only where they were asked for.
        if self._tunnel:
            http.send(h11.Request(method="CONNECT", target="-", headers=[("Host", "-")]))
        else:
            http.send(h11.Request(method="GET", target="/", headers=[("Host", "-"), ("Upgrade", "-")]))
        http.send(h11.EndOfMessage())
        return http

    @property
    def partial(self) -> Response | None:
        """A response with what came of its body: what to report where waiting for the rest ends early."""
        return None if self._begun is None else attrs.evolve(self._begun, body=bytes(self._body))

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream, as they come.

        Raises:
            InvalidMessage: the bytes cannot be a response to this request, caused by ValueError; raised
                on the first byte that cannot be one.
            StatusLineTooLong, HeaderLineTooLong, TooManyHeaders, SecurityError: a bound is passed.
            InvalidState: the response is complete, or an exception was raised before.
        """
        if self._done:
            raise InvalidState("the response has been read")
        if self._is_fresh:
            self._is_fresh = False
            if self._take_ordinary_switch(data):
                return
        try:
            if self._begun is None:
                self._read_heads(data)
            else:
                self._read_body(data)
        except InvalidHandshake:
            self._done = True
            raise

    def feed_eof(self) -> None:
        """Take the end of the stream; it completes a response whose body had begun.

        Raises:
            InvalidMessage: the stream ended before the end of a final response's head, caused by EOFError.
        """
        if self._done:
            return
        self._done = True
        if self._begun is None:
            raise self._heads.end_of_stream()
        self.response = self.partial

    def _take_ordinary_switch(self, data: bytes) -> bool:
        """Take a head that came in one piece, switches protocols, and leaves nothing to judge.

        It is read as h11 reads it, in a twentieth of the time; False: nothing was taken.
        """
        found = _ORDINARY_SWITCH.match(data)
        if found is None or found.end() > min(self._max_line_size, self._max_head_size):
            return False
        lower = found[2].lower()
        if b"content-length:" in lower or b"transfer-encoding:" in lower:  # h11 has rules for them
            return False
        fields = [(sys.intern(name), value) for name, value in _FIELD.findall(found[2].decode("ascii"))]
        if len(fields) > self._max_headers:
            return False
        self.response = Response(101, (found[1] or b"").decode("ascii"), Headers(fields))
        self.trailing = data[found.end() :]
        self._done = True
        return True

    def _read_heads(self, data: bytes) -> None:
        import h11

        rest: bytes | None = data
        while rest and (rest := self._heads.feed(rest)) is not None:
            self._http.receive_data(self._heads.take_head())
            event = next_event(self._http, "response")
            assert isinstance(event, h11.InformationalResponse | h11.Response)
            response = Response(
                event.status_code, decode_text(event.reason), decode_headers(event.headers.raw_items())
            )
            if isinstance(event, h11.Response):
                if self._tunnel and event.status_code < 300:
                    return self._end_heads(response, rest)
                self._begun = response
                return self._read_body(rest)
            if event.status_code == 101:
                return self._switch(response, event.http_version, rest)
            if self._interim_room == 0:
                raise SecurityError("too many interim responses")
            self._interim_room -= 1
        return None

    def _switch(self, response: Response, http_version: bytes, rest: bytes) -> None:
        if http_version == b"1.0":
            # RFC 9110, 7.8: HTTP/1.0 has no Upgrade.
            error = not_http("response", ValueError("HTTP/1.0 cannot switch protocols"))
            error.response = response
            raise error
        self._end_heads(response, rest)

    def _end_heads(self, response: Response, rest: bytes) -> None:
        self.response = response
        self.trailing = rest
        self._done = True

    def _read_body(self, data: bytes) -> None:
        data = data[: self._wire_room]
        self._wire_room -= len(data)
        if data:
            self._http.receive_data(data)
        body_room = self._max_body_size - len(self._body)
        while body_room > 0 and (event := self._next_body_event()) is not None:
            self._body += event.data[:body_room]
            body_room = self._max_body_size - len(self._body)
            self._chunk_room -= event.chunk_end
            if self._chunk_room == 0:
                self._done = True
                break
        if self._done or body_room == 0 or self._wire_room == 0:
            self._done = True
            self.response = self.partial

    def _next_body_event(self) -> h11.Data | None:
        import h11

        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError:
            self._done = True
            return None
        if isinstance(event, h11.Data):
            return event
        self._done = event is not h11.NEED_DATA
        return None


def judge_response(
    response: Response,
    *,
    key: str,
    offered_subprotocols: Sequence[str] = (),
    offered_extensions: Sequence[ClientExtensionFactory] = (),
) -> Agreement:
    """Return what the server agreed to (RFC 6455, 4.1). ``key`` is the request's ``Sec-WebSocket-Key``.

    Raises:
        InvalidStatus: the status is not 101.
        InvalidUpgrade: ``Upgrade`` or ``Connection`` does not switch to WebSocket.
        InvalidHeader: ``Sec-WebSocket-Accept`` is missing, repeated or does not match ``key``, or
            ``Sec-WebSocket-Extensions`` cannot be parsed.
        NegotiationError: a subprotocol or an extension was not offered, or cannot be accepted.
        Each has the response attached.
    """
    try:
        if response.status_code != 101:
            raise InvalidStatus(response)
        check_upgrade(response.headers)
        _check_accept(response.headers, key)
        extensions = _settle_extensions(response.headers, offered_extensions)
        return Agreement(_settle_subprotocol(response.headers, offered_subprotocols), extensions)
    except InvalidHandshake as error:
        error.response = response
        raise


def _check_accept(headers: Headers, key: str) -> None:
    accept = single_value(headers, "Sec-WebSocket-Accept")
    if accept != accept_key(key):
        raise InvalidHeaderValue("Sec-WebSocket-Accept", accept)


def _settle_subprotocol(headers: Headers, offered: Sequence[str]) -> Subprotocol | None:
    values = headers.get_all("Sec-WebSocket-Protocol")
    if not values:
        return None
    if len(values) > 1:
        raise NegotiationError("the server chose more than one subprotocol")
    if not offered:
        raise NegotiationError("the server chose a subprotocol, and none was offered")
    if values[0] not in offered:
        raise NegotiationError(f"the server chose a subprotocol that was not offered: {values[0]!r}")
    return Subprotocol(values[0])


def _settle_extensions(headers: Headers, offered: Sequence[ClientExtensionFactory]) -> tuple[Extension, ...]:
    values = headers.get_all("Sec-WebSocket-Extensions")
    if not values:
        return ()
    if len(values) > 1:
        # RFC 6455, 11.3.2: it "MUST NOT appear more than once in an HTTP response".
        raise NegotiationError("more than one Sec-WebSocket-Extensions header")
    agreed: list[Extension] = []
    names: set[str] = set()
    for name, params in parse_extensions_header(values[0]):
        factories = [factory for factory in offered if factory.name == name]
        if not factories:
            raise NegotiationError(f"the server agreed to an extension that was not offered: {name}")
        if name in names:
            raise NegotiationError(f"the server agreed to an extension more than once: {name}")
        names.add(name)
        agreed.append(_settle_extension(factories, params, agreed))
    return tuple(agreed)


def _settle_extension(
    factories: Sequence[ClientExtensionFactory], params: list[ExtensionParameter], agreed: list[Extension]
) -> Extension:
    """Return the agreed extension; where its name was offered several times, by the first that can."""
    *alternatives, last = factories
    for factory in alternatives:
        try:
            return factory.process_response_params(list(params), list(agreed))
        except NegotiationError:
            continue
    return last.process_response_params(list(params), list(agreed))
