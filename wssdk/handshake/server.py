"""The server's side of the opening handshake, for ``wssdk.testing`` (RFC 6455, 4.2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

import h11

from wssdk.errors import (
    InvalidHandshake,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidState,
    InvalidUpgrade,
    NegotiationError,
)
from wssdk.handshake.head_reader import HeadReader, decode_headers, next_event
from wssdk.handshake.header_grammar import (
    build_extensions_header,
    check_upgrade,
    parse_extensions_header,
    parse_token_list,
    single_value,
    unfit_position,
)
from wssdk.handshake.request import accept_key
from wssdk.handshake.response import Agreement
from wssdk.headers import Headers, Request, Response
from wssdk.ports import Extension
from wssdk.typing import ExtensionParameter, Subprotocol

__all__ = [
    "RequestReader",
    "ServerExtensionFactory",
    "judge_request",
    "rejection",
    "serialize_response",
]

_VERSION: Final = "13"
# h11 writes a response only to a request it has read.
_ANY_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: -\r\nUpgrade: -\r\n\r\n"


class ServerExtensionFactory(Protocol):
    """Answers the offer of an extension (RFC 6455, 9.1)."""

    name: str

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension] = ()
    ) -> tuple[list[ExtensionParameter], Extension]:
        """Judge the client's parameters; return our answer and the agreed extension.

        Raises:
            NegotiationError: the offer is declined.
        """
        ...


class RequestReader:
    """Bytes to the request of the opening handshake, bounded as a response's head is.

    Feed until ``request`` is set.
    """

    def __init__(self) -> None:
        self.request: Request | None = None
        """The request; None until it is complete."""
        self.trailing = b""
        """Bytes after the request: the first of the WebSocket connection."""
        self._heads = HeadReader("request")
        self._done = False

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream, as they come.

        Raises:
            InvalidMessage: the bytes are not an HTTP request, caused by ValueError.
            StatusLineTooLong, HeaderLineTooLong, TooManyHeaders: a bound is passed.
            InvalidState: the request is complete, or an exception was raised before.
        """
        if self._done:
            raise InvalidState("the request has been read")
        try:
            rest = self._heads.feed(data)
            if rest is not None:
                self.request = self._parse(self._heads.take_head())
                self.trailing = rest
                self._done = True
        except InvalidHandshake:
            self._done = True
            raise

    def feed_eof(self) -> None:
        """Take the end of the stream.

        Raises:
            InvalidMessage: the stream ended before the end of the request, caused by EOFError.
        """
        if not self._done:
            self._done = True
            raise self._heads.end_of_stream()

    def _parse(self, head: bytes) -> Request:
        http = h11.Connection(h11.SERVER)
        http.receive_data(head)
        event = next_event(http, "request")
        assert isinstance(event, h11.Request)
        return Request(
            event.target.decode("ascii"),
            decode_headers(event.headers.raw_items()),
            event.method.decode("ascii"),
            f"HTTP/{event.http_version.decode('ascii')}",
        )


def judge_request(
    request: Request,
    *,
    subprotocols: Sequence[str] = (),
    extension_factories: Sequence[ServerExtensionFactory] = (),
) -> tuple[Response, Agreement]:
    """Return the 101 response and what it agrees to (RFC 6455, 4.2).

    ``subprotocols`` are ours, the preferred first; none is chosen where the client offers none of them.
    Offers of extensions that we do not know, or cannot take, are passed over.

    Raises:
        InvalidMessage: the request is not a GET of HTTP/1.1.
        InvalidUpgrade: ``Upgrade`` or ``Connection`` does not switch to WebSocket.
        InvalidHeader: the key or the version is missing, repeated or wrong, or a header cannot be parsed.
        Each has the rejection to send attached as ``response``.
    """
    try:
        if request.method != "GET" or request.protocol != "HTTP/1.1":
            raise InvalidMessage(f"expected a GET of HTTP/1.1, got {request.method} of {request.protocol}")
        check_upgrade(request.headers)
        key = _read_key(request.headers)
        if single_value(request.headers, "Sec-WebSocket-Version") != _VERSION:
            raise InvalidHeaderValue("Sec-WebSocket-Version", f"expected {_VERSION}")
        answers, extensions = _settle_extensions(request.headers, extension_factories)
        subprotocol = _choose_subprotocol(request.headers, subprotocols)
    except InvalidHandshake as error:
        error.response = rejection(error)
        raise
    headers = Headers(Upgrade="websocket", Connection="Upgrade")
    headers["Sec-WebSocket-Accept"] = accept_key(key)
    if answers:
        headers["Sec-WebSocket-Extensions"] = build_extensions_header(answers)
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    status = HTTPStatus.SWITCHING_PROTOCOLS
    return Response(int(status), status.phrase, headers), Agreement(subprotocol, extensions)


def rejection(error: InvalidHandshake) -> Response:
    """Return the response that tells the client what is wrong with its request."""
    headers = Headers({"Content-Type": "text/plain; charset=utf-8"})
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, InvalidUpgrade):
        status = HTTPStatus.UPGRADE_REQUIRED
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
    elif isinstance(error, InvalidHeaderValue) and error.name == "Sec-WebSocket-Version":
        status = HTTPStatus.UPGRADE_REQUIRED
        headers["Sec-WebSocket-Version"] = _VERSION  # RFC 6455, 4.4
    return Response(int(status), status.phrase, headers, f"{error}\n".encode())


def _read_key(headers: Headers) -> str:
    key = single_value(headers, "Sec-WebSocket-Key")
    try:
        size = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        size = -1
    if size != 16:
        raise InvalidHeaderValue("Sec-WebSocket-Key", key)
    return key


def _choose_subprotocol(headers: Headers, ours: Sequence[str]) -> Subprotocol | None:
    offered = {
        subprotocol
        for value in headers.get_all("Sec-WebSocket-Protocol")
        for subprotocol in parse_token_list("Sec-WebSocket-Protocol", value)
    }
    return next((Subprotocol(subprotocol) for subprotocol in ours if subprotocol in offered), None)


def _settle_extensions(
    headers: Headers, factories: Sequence[ServerExtensionFactory]
) -> tuple[list[tuple[str, list[ExtensionParameter]]], tuple[Extension, ...]]:
    answers: list[tuple[str, list[ExtensionParameter]]] = []
    agreed: list[Extension] = []
    # RFC 6455, 11.3.2: a request may have the header several times.
    for value in headers.get_all("Sec-WebSocket-Extensions"):
        for name, params in parse_extensions_header(value):
            for factory in factories:
                if factory.name != name or name in (answered for answered, _ in answers):
                    continue
                try:
                    answer, extension = factory.process_request_params(params, tuple(agreed))
                except NegotiationError:
                    continue
                answers.append((name, answer))
                agreed.append(extension)
    return answers, tuple(agreed)


def serialize_response(response: Response) -> bytes:
    """Return the bytes of a response; one that does not switch protocols ends its connection.

    Raises:
        InvalidMessage: the response, made by hand, is not HTTP.
    """
    fields = [(name, value) for name, value in response.headers.raw_items()]
    if response.status_code >= 200:
        names = {name.lower() for name, _ in fields}
        if names.isdisjoint(("content-length", "transfer-encoding")):
            fields.append(("Content-Length", str(len(response.body))))
        if "connection" not in names:
            fields.append(("Connection", "close"))
    if unfit_position(response.reason_phrase) is not None:  # h11 writes it as it is
        raise InvalidMessage("response is not valid HTTP")
    try:
        headers = [(name.encode("ascii"), value.encode()) for name, value in fields]
        return _serialize(response, headers)
    except (h11.LocalProtocolError, UnicodeEncodeError) as error:
        raise InvalidMessage("response is not valid HTTP") from error


def _serialize(response: Response, headers: list[tuple[bytes, bytes]]) -> bytes:
    http = h11.Connection(h11.SERVER)
    http.receive_data(_ANY_REQUEST)
    while http.next_event() is not h11.PAUSED:
        pass
    reason = response.reason_phrase.encode()
    if response.status_code < 200:
        event = h11.InformationalResponse(status_code=response.status_code, headers=headers, reason=reason)
        return bytes(http.send(event))
    pieces = [
        http.send(h11.Response(status_code=response.status_code, headers=headers, reason=reason)),
        http.send(h11.Data(data=response.body)),
        http.send(h11.EndOfMessage()),
    ]
    return b"".join(bytes(piece) for piece in pieces)
