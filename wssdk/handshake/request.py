"""The client's side of the opening handshake: key and request (RFC 6455, 4.1)."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wssdk.errors import InvalidHeader, InvalidHeaderValue, InvalidMessage, InvalidURI, printable
from wssdk.handshake.header_grammar import is_token, unfit_position
from wssdk.headers import Headers, HeadersLike, Request
from wssdk.uri import WebSocketURI

__all__ = [
    "accept_key",
    "as_headers",
    "build_basic",
    "build_request",
    "check_headers",
    "new_key",
    "serialize_request",
]

_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

_OWNED_HINTS: Final = {
    "host": "to dial another address than the URI's, set network.host",
    "upgrade": "nothing needs to be given",
    "connection": "nothing needs to be given",
    "content-length": "the request has no body",
    "transfer-encoding": "the request has no body",
    "sec-websocket-protocol": "set subprotocols",
    "sec-websocket-extensions": "set compression or extensions",
}
# Fields that h11 has rules for.
_OF_BODIES: Final = frozenset(("content-length", "transfer-encoding"))
# What stands in a request once, and is made from an option unless it is given as a header.
_SINGLE: Final = ("origin", "user-agent", "authorization")


def new_key() -> str:
    """Return a fresh ``Sec-WebSocket-Key``: 16 random bytes in base64 (RFC 6455, 4.1)."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def accept_key(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` that proves that ``key`` was read (RFC 6455, 4.2.2)."""
    digest = hashlib.sha1((key + _GUID).encode("ascii"), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def build_request(
    uri: WebSocketURI,
    *,
    key: str,
    origin: str | None = None,
    extensions_header: str | None = None,
    subprotocols: Sequence[str] = (),
    user_agent: str | None = None,
    headers: HeadersLike = (),
) -> Request:
    """Return the request of the opening handshake (RFC 6455, 4.1). Nothing is sent.

    ``headers`` are the user's: mapping, pairs or ``Headers``. One of them wins over the field of the
    same name that ``origin``, ``user_agent`` or the URI's userinfo (Basic authentication) would make.
    None and empty options make no field.

    Raises:
        InvalidHeader: a header belongs to the opening handshake, a name is not a token, or a value
            has a character that could start another field. The field is named, its value is not.
        InvalidURI: the path or the host is not fit for a request; made by hand, not by ``parse_uri``.
        TypeError: a name or a value is not a str.
    """
    path, host = uri.resource_name, uri.host_header
    _check_uri(uri, path, host)
    own = _own_fields(host, key, origin, extensions_header, subprotocols, user_agent)
    if uri.user_info is not None:
        own.append(("Authorization", build_basic(*uri.user_info)))
    if headers:
        given = [_checked(name, value) for name, value in Headers(headers).raw_items()]
        given_names = [name.lower() for name, _ in given]
        for name in _SINGLE:
            if given_names.count(name) > 1:
                raise InvalidHeader(name.title(), "given more than once")
        own = [field for field in own if field[0].lower() not in given_names] + given
    return Request(path, Headers(own))


def as_headers(given: object, demand: str) -> Headers:
    """Return headers that were given from outside; ``demand`` is how an error begins, "headers must be".

    Raises:
        TypeError: it is neither a mapping nor pairs of name and value, or a name is not a str.
    """
    if isinstance(given, Headers):
        return given
    items: Any = given
    told = f"{demand} a mapping or pairs of name and value, not"
    if hasattr(given, "keys"):
        items = [(name, items[name]) for name in items.keys()]  # noqa: SIM118  # only keys() is promised
    elif isinstance(given, str | bytes | bytearray) or not isinstance(given, Iterable):
        raise TypeError(f"{told} {type(given).__name__}")
    pairs = list(items)
    for pair in pairs:
        if not isinstance(pair, Sequence) or isinstance(pair, str | bytes) or len(pair) != 2:
            raise TypeError(f"{told} items of type {type(pair).__name__}")
        if not isinstance(pair[0], str):
            raise TypeError(f"name of a header must be a str, not {type(pair[0]).__name__}")
    return Headers(pairs)


def check_headers(headers: Headers) -> None:
    """Check that ``headers`` may be added to a request.

    Raises:
        InvalidHeader, TypeError: as :func:`build_request` has it.
    """
    for name, value in headers.raw_items():
        _checked(name, value)


def _own_fields(
    host: str,
    key: str,
    origin: str | None,
    extensions_header: str | None,
    subprotocols: Sequence[str],
    user_agent: str | None,
) -> list[tuple[str, str]]:
    fields = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ]
    if extensions_header:
        checked = _checked_value("Sec-WebSocket-Extensions", extensions_header)
        fields.append(("Sec-WebSocket-Extensions", checked))
    if subprotocols:
        fields.append(("Sec-WebSocket-Protocol", _build_subprotocols(subprotocols)))
    if origin:
        fields.append(("Origin", _checked_value("Origin", origin)))
    if user_agent:
        fields.append(("User-Agent", _checked_value("User-Agent", user_agent)))
    return fields


def _build_subprotocols(subprotocols: Sequence[str]) -> str:
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a sequence of str, not a str")
    for subprotocol in subprotocols:
        if not is_token(subprotocol):
            raise InvalidHeaderValue("Sec-WebSocket-Protocol", f"{subprotocol!r} is not a token")
    if len(set(subprotocols)) < len(subprotocols):
        # RFC 6455, 4.1: "The elements that comprise this value [...] MUST all be unique strings".
        raise InvalidHeaderValue("Sec-WebSocket-Protocol", "a subprotocol is given more than once")
    return ", ".join(subprotocols)


def build_basic(username: str, password: str) -> str:
    """Return the value of a header of Basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _check_uri(uri: WebSocketURI, path: str, host: str) -> None:
    if not path.startswith("/") or not _is_visible_ascii(path):
        shown = printable(path.partition("?")[0])
        raise InvalidURI(shown, "its path and query must start with '/' and be visible ASCII")
    if not _is_visible_ascii(host):
        raise InvalidURI(printable(uri.host), "its host must be visible ASCII")


def _is_visible_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _checked(name: str, value: str) -> tuple[str, str]:
    if not isinstance(name, str):
        raise TypeError(f"name of a header must be a str, not {type(name).__name__}")
    if not is_token(name):
        # Up to the character to blame: a whole header line may have been given as its name.
        good = next((i for i in range(len(name)) if not is_token(name[i])), 0)
        raise InvalidHeader(printable(name[: good + 1]), "the name is not a token" if name else "no name")
    lower = name.lower()
    if lower in _OWNED_HINTS or lower.startswith("sec-websocket-"):
        hint = _OWNED_HINTS.get(lower, "nothing needs to be given")
        raise InvalidHeader(name, f"the field belongs to the opening handshake; {hint}")
    return name, _checked_value(name, value)


def _checked_value(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"value of header {name} must be a str, not {type(value).__name__}")
    position = None if value.isascii() and value.isprintable() else unfit_position(value)
    if position is not None:
        # The value may be a credential: it is not shown.
        raise InvalidHeaderValue(name, f"the value has a control character at position {position}")
    return value.strip(" \t")  # RFC 9110, 5.5: white space around a value is no part of it


def serialize_request(request: Request) -> bytes:
    """Return the bytes of a request; header values that are not ASCII go out in UTF-8.

    Raises:
        InvalidMessage: the request, made by hand, is not HTTP.
    """
    if request.method == "GET" and _is_ordinary(request.path, request.headers):
        return f"GET {request.path} HTTP/1.1\r\n{request.headers}".encode("ascii")
    import h11

    try:
        event = h11.Request(
            method=request.method,
            target=request.path,
            headers=[(name.encode("ascii"), value.encode()) for name, value in request.headers.raw_items()],
        )
        connection = h11.Connection(h11.CLIENT)
        return bytes(connection.send(event)) + bytes(connection.send(h11.EndOfMessage()))
    except (h11.LocalProtocolError, UnicodeEncodeError):
        pass
    # Out of the except block: h11's error shows the value, which may be a credential.
    raise InvalidMessage("request is not valid HTTP")


def _is_ordinary(path: str, headers: Headers) -> bool:
    """Tell whether h11 would write a GET as it stands: asking it takes a good part of an opening's time.

    That is: nothing but visible ASCII, one host, which stands first (RFC 9110, 7.2), and no body.
    """
    fields = list(headers.raw_items())
    names = [name for name, _ in fields]
    lower = [name.lower() for name in names]
    values = [value for _, value in fields]
    text = "".join(values)
    return (
        path != ""
        and _is_visible_ascii(path)
        and text.isascii()
        and text.isprintable()
        and [value.strip(" ") for value in values] == values
        and "" not in names
        and is_token("".join(names))
        and lower[0] == "host"
        and lower.count("host") == 1
        and _OF_BODIES.isdisjoint(lower)
    )
