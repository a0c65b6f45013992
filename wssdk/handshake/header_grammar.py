"""Grammar of the header fields of the opening handshake (RFC 6455, 9.1; RFC 9110, 5.5, 5.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from wssdk.errors import InvalidHeader, InvalidHeaderFormat, InvalidHeaderValue, InvalidUpgrade
from wssdk.headers import Headers
from wssdk.typing import ExtensionName, ExtensionParameter

__all__ = [
    "build_extensions_header",
    "check_upgrade",
    "is_token",
    "parse_extensions_header",
    "parse_token_list",
    "single_value",
    "unfit_position",
]

_TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
# RFC 9110, 7.8: a protocol may have a version.
_PROTOCOL: Final = re.compile(rf"{_TOKEN.pattern}(?:/{_TOKEN.pattern})?")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")
_SPACE: Final = re.compile(r"[ \t]*")
# RFC 9110, 5.6.1.2: a recipient takes empty list elements.
_COMMAS: Final = re.compile(r"[ \t,]*")
# RFC 9110, 5.5: what may not stand in a field value; CR, LF and NUL would start another field.
_UNFIT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

_EXTENSIONS: Final = "Sec-WebSocket-Extensions"


def is_token(text: str) -> bool:
    """Tell whether ``text`` is a token (RFC 9110, 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def unfit_position(value: str) -> int | None:
    """Return where the first character stands that a field value may not have; None where all may."""
    match = _UNFIT.search(value)
    return None if match is None else match.start()


def parse_token_list(name: str, header: str) -> list[str]:
    """Parse the comma-separated tokens of ``Connection``, ``Upgrade`` or ``Sec-WebSocket-Protocol``.

    A token may carry a version, as in ``Upgrade`` (``HTTP/2.0``).

    Raises:
        InvalidHeaderFormat: anything else; ``name`` is the field to blame.
    """
    return _Scanner(name, header).token_list()


def parse_extensions_header(header: str) -> list[tuple[ExtensionName, list[ExtensionParameter]]]:
    """Parse a ``Sec-WebSocket-Extensions`` header (RFC 6455, 9.1).

    Raises:
        InvalidHeaderFormat: the header breaks the grammar.
    """
    return _Scanner(_EXTENSIONS, header).extension_list()


def check_upgrade(headers: Headers) -> None:
    """Check that a request or response switches to WebSocket (RFC 6455, 4.1, 4.2.1).

    Raises:
        InvalidUpgrade: it does not.
    """
    upgrade, upgrade_tokens = _lower_tokens(headers, "Upgrade")
    if upgrade_tokens != ["websocket"]:
        raise InvalidUpgrade("Upgrade", upgrade)
    connection, connection_tokens = _lower_tokens(headers, "Connection")
    if "upgrade" not in connection_tokens:
        raise InvalidUpgrade("Connection", connection)


def _lower_tokens(headers: Headers, name: str) -> tuple[str | None, list[str]]:
    values = headers.get_all(name)
    if not values:
        return None, []
    header = values[0] if len(values) == 1 else ", ".join(values)  # RFC 9110, 5.3
    if is_token(header):  # the usual answer
        return header, [header.lower()]
    try:
        return header, [token.lower() for token in parse_token_list(name, header)]
    except InvalidHeaderFormat:
        return header, []


def single_value(headers: Headers, name: str) -> str:
    """Return the value of a field that must stand there once.

    Raises:
        InvalidHeader: it is missing or repeated.
    """
    values = headers.get_all(name)
    if len(values) != 1:
        raise InvalidHeader(name, "more than one value" if values else None)
    return values[0]


def build_extensions_header(extensions: Iterable[tuple[str, Sequence[ExtensionParameter]]]) -> str:
    """Return the value of a ``Sec-WebSocket-Extensions`` header; empty where there are no extensions.

    Raises:
        InvalidHeaderValue: a name or a value is not a token.
    """
    return ", ".join(
        "; ".join((_token(name), *(_build_parameter(name, *parameter) for parameter in parameters)))
        for name, parameters in extensions
    )


def _build_parameter(extension: str, name: str, value: str | None) -> str:
    if value is None:
        return _token(name)
    if not is_token(value):
        raise InvalidHeaderValue(_EXTENSIONS, f"value of {name} of {extension} is not a token")
    return f"{_token(name)}={value}"


def _token(name: str) -> str:
    if not is_token(name):
        raise InvalidHeaderValue(_EXTENSIONS, f"{name!r} is not a token")
    return name


class _Scanner:
    """Reads a header from left to right; every step either moves on or raises."""

    def __init__(self, name: str, header: str) -> None:
        self._name = name
        self._header = header
        self._pos = 0

    def token_list(self) -> list[str]:
        items = []
        self._skip(_COMMAS)
        while not self._at_end():
            items.append(self._take(_PROTOCOL, "expected token")[0])
            self._end_element()
        return items

    def extension_list(self) -> list[tuple[ExtensionName, list[ExtensionParameter]]]:
        items = []
        self._skip(_COMMAS)
        while not self._at_end():
            name = ExtensionName(self._take(_TOKEN, "expected extension name")[0])
            parameters = []
            self._skip(_SPACE)
            while self._take_char(";"):
                parameters.append(self._parameter())
                self._skip(_SPACE)
            items.append((name, parameters))
            self._end_element()
        if not items:
            raise self._error("expected extension name")
        return items

    def _parameter(self) -> ExtensionParameter:
        self._skip(_SPACE)
        name = self._take(_TOKEN, "expected extension parameter name")[0]
        self._skip(_SPACE)
        if not self._take_char("="):
            return name, None
        self._skip(_SPACE)
        if self._header[self._pos : self._pos + 1] != '"':
            return name, self._take(_TOKEN, "expected extension parameter value")[0]
        start = self._pos
        value = _ESCAPE.sub(r"\1", self._take(_QUOTED, "expected end of quoted string")[1])
        if not is_token(value):
            # RFC 6455, 9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
            self._pos = start
            raise self._error("quoted value is not a token")
        return name, value

    def _at_end(self) -> bool:
        return self._pos == len(self._header)

    def _end_element(self) -> None:
        self._skip(_SPACE)
        if not self._at_end() and not self._take_char(","):
            raise self._error("expected comma")
        self._skip(_COMMAS)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._header, self._pos)
        assert match is not None  # what may be skipped may be empty
        self._pos = match.end()

    def _take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        match = pattern.match(self._header, self._pos)
        if match is None:
            raise self._error(expected)
        self._pos = match.end()
        return match

    def _take_char(self, char: str) -> bool:
        if self._header[self._pos : self._pos + 1] != char:
            return False
        self._pos += 1
        return True

    def _error(self, message: str) -> InvalidHeaderFormat:
        return InvalidHeaderFormat(self._name, message, self._header, self._pos)
