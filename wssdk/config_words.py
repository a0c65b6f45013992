"""Grammars of texts: choices, names, header fields, URIs, secrets; one function each.

They keep the promise of :mod:`wssdk.config_grammar`.
"""

from __future__ import annotations

import functools
import re
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from wssdk.config_values import BadValue, Dialect, Refused, is_off, is_text, items, looks_like_uri, nearest
from wssdk.errors import InvalidURI
from wssdk.secret import Secret
from wssdk.uri import ParsedURI, parsed, redact_uri

__all__ = [
    "Backend",
    "Family",
    "Level",
    "OnFull",
    "TlsVersion",
    "Transport",
    "URIOrder",
    "Wakeup",
    "backend",
    "family",
    "header_fault",
    "header_names",
    "is_token",
    "logger_name",
    "on_full",
    "optional_header_text",
    "optional_level",
    "optional_path",
    "optional_secret",
    "optional_text",
    "optional_token",
    "optional_uri",
    "pins",
    "proxy_url",
    "scheme",
    "subprotocols",
    "tls_version",
    "token",
    "token_size",
    "transport",
    "uri_order",
    "uris",
    "wakeup",
]

OnFull: TypeAlias = Literal["pause", "drop_oldest", "latest", "close"]
"""What happens when the queue of received messages is full."""

Backend: TypeAlias = Literal["auto", "zlib", "zlib-ng", "isal"]
"""The library that compresses."""

TlsVersion: TypeAlias = Literal["1.2", "1.3"]
"""A version of TLS."""

Family: TypeAlias = Literal["any", "ipv4", "ipv6"]
"""The addresses that are dialled."""

Transport: TypeAlias = Literal["auto", "aiofastnet", "asyncio"]
"""Whose transports carry the bytes."""

Wakeup: TypeAlias = Literal["direct", "scheduled"]
"""When a waiting ``recv()`` goes on: in the same loop iteration, or in the next."""

URIOrder: TypeAlias = Literal["in_order", "shuffled"]
"""In which order the URIs of a connection are tried."""

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""A level of logging."""

_Choice = TypeVar("_Choice", bound=str)

_words_of: Final = functools.cache(get_args)

_TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
# RFC 9110, 5.5: what may not stand in a field value; CR, LF and NUL would start another field.
_UNFIT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_UNFIT_BYTES: Final = bytes((*range(9), *range(10, 32), 127))
_LONG: Final = 1000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PROXY_URL: Final = re.compile(r"(?:https?|socks[45]|socks4a|socks5h)://[^\s/?#]+/?", re.IGNORECASE)
_HEX_PIN: Final = re.compile(r"[0-9a-f]{64}")
# 256 bits are 42 digits of six, and four bits of another one.
_BASE64_PIN: Final = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")

_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")

_OWNED: Final = frozenset(("host", "upgrade", "connection", "content-length", "transfer-encoding"))
_OWNED_PREFIX: Final = "sec-websocket-"


def header_fault(name: str, value: str) -> str | None:
    """Return why a header field may not be sent; None where it may. The value is not in the answer."""
    if _TOKEN.fullmatch(name) is None:
        return "the name of a header is made of letters, digits and -"
    folded = name.lower()
    if folded in _OWNED or folded.startswith(_OWNED_PREFIX):
        return "the opening handshake sets this header itself"
    if _is_unfit(value):
        return "the value of a header has no control characters and no line breaks"
    return None


def _is_unfit(text: str) -> bool:
    if len(text) > _LONG and text.isascii():  # a sixth of the time
        return len(text.encode("ascii").translate(None, _UNFIT_BYTES)) < len(text)
    return _UNFIT.search(text) is not None


def is_token(text: str) -> bool:
    """Tell whether ``text`` is a token (RFC 9110, 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def token_size(text: str) -> int:
    """Return how many characters at the beginning of ``text`` may stand in a token."""
    match = _TOKEN.match(text)
    return 0 if match is None else match.end()


def optional_text(value: str | None) -> str | None:
    """Return a text of one line that is not empty; None for off."""
    return None if is_off(value) else _text(value, _CONTROL, "a text, or {off}")


def optional_path(value: str | None) -> str | None:
    """Return the path of a file; None for none."""
    expected = "the path of a file, or {off}"
    if is_text(value) and looks_like_uri(value):
        raise BadValue(expected, value, "a URI is no path")
    return None if is_off(value) else _text(value, _CONTROL, expected)


def optional_header_text(value: str | None) -> str | None:
    """Return a text that may be the value of a header field; None for off."""
    expected = "a text without control characters, or {off}"
    return None if is_off(value) else _text(value, _UNFIT, expected)


def logger_name(value: str) -> str:
    """Return the name of a logger."""
    return _text(value, _CONTROL, "the name of a logger")


def token(value: str) -> str:
    """Return the name of a header field (RFC 9110, 5.1)."""
    expected = "the name of a header, such as X-Api-Key"
    if not is_token(_text(value, _CONTROL, expected)):
        raise BadValue(expected, value)
    if fault := header_fault(value, ""):
        raise Refused(fault, value)
    return value


def header_names(value: Sequence[str]) -> tuple[str, ...]:
    """Return names of header fields."""
    given = items(value)
    if given is None:
        expected = 'an array of header names such as ["X-Api-Key"]'
        raise BadValue(expected, value, "put it into brackets" if is_text(value) else None)
    return tuple(token(item) for item in given)


def scheme(value: str) -> str:
    """Return the word before the token of an ``Authorization`` header; empty for none."""
    if not is_text(value) or (value and not is_token(value)):
        raise BadValue('a word such as "Bearer", or "" for the token alone', value)
    return value


def subprotocols(value: Sequence[str]) -> tuple[str, ...]:
    """Return subprotocols, the preferred one first (RFC 6455, 4.1: unique tokens)."""
    expected = 'an array of subprotocols such as ["chat", "superchat"]'
    given = items(value)
    if given is None:
        raise BadValue(expected, value, "put it into brackets" if is_text(value) else None)
    for item in given:
        if not is_text(item) or not is_token(item):
            raise BadValue(expected, item, "a subprotocol has no spaces, commas or quotes")
    if len(set(given)) < len(given):
        raise Refused("a subprotocol is given more than once", value)
    return tuple(given)


def pins(value: Sequence[str]) -> tuple[str, ...]:
    """Return SHA-256 digests, base64: given so, as RFC 7469 has it, or as 64 hexadecimal digits."""
    expected = "an array of SHA-256 digests, in base64 or 64 hexadecimal digits each"
    given = items(value)
    if given is None:
        raise BadValue(expected, value, "put it into brackets" if is_text(value) else None)
    return tuple(_pin(item, expected) for item in given)


def _pin(item: object, expected: str) -> str:
    if not is_text(item):
        raise BadValue(expected, item)
    text = item.removeprefix("sha256/")  # as curl, OkHttp and Android write it
    digits = text.replace(":", "").lower()
    if _HEX_PIN.fullmatch(digits):
        return b2a_base64(bytes.fromhex(digits), newline=False).decode("ascii")
    if _BASE64_PIN.fullmatch(text) is None:
        raise BadValue(expected, item)
    return text


def on_full(value: OnFull) -> OnFull:
    """Return what happens when the queue is full."""
    return _choose(value, _words_of(OnFull))


def backend(value: Backend) -> Backend:
    """Return the library that compresses."""
    return _choose(value, _words_of(Backend))


def tls_version(value: TlsVersion) -> TlsVersion:
    """Return a version of TLS."""
    return _choose(value, _words_of(TlsVersion))


def family(value: Family) -> Family:
    """Return the addresses that are dialled."""
    return _choose(value, _words_of(Family))


def transport(value: Transport) -> Transport:
    """Return whose transports carry the bytes."""
    return _choose(value, _words_of(Transport))


def wakeup(value: Wakeup) -> Wakeup:
    """Return when a waiting ``recv()`` goes on."""
    return _choose(value, _words_of(Wakeup))


def uri_order(value: URIOrder) -> URIOrder:
    """Return in which order URIs are tried."""
    return _choose(value, _words_of(URIOrder))


def optional_level(value: Level | None) -> Level | None:
    """Return a level of logging, in capitals; None for the logger's own."""
    if is_off(value):
        return None
    choices: tuple[Level, ...] = _words_of(Level)
    return _choose(value.upper() if is_text(value) else value, choices, value)


def optional_uri(value: str | None) -> str | None:
    """Return a WebSocket URI (RFC 6455, 3); None where it is given when connecting."""
    if value is None or type(value) is ParsedURI:
        return value
    expected = 'a WebSocket URI such as "wss://example.com/feed"'
    if items(value) is not None:
        raise BadValue(expected, value, "several go into uris")
    return _uri(value, expected)


def uris(value: Sequence[str]) -> tuple[str, ...]:
    """Return WebSocket URIs, each once; all of them ``ws:`` or all ``wss:``."""
    expected = 'an array of WebSocket URIs such as ["wss://a.example.com/", "wss://b.example.com/"]'
    given = items(value)
    if given is None:
        shown = redact_uri(value) if is_text(value) else value
        raise BadValue(expected, shown, "put it into brackets" if is_text(value) else None)
    found = tuple(_uri(item, expected) for item in given)
    if len(set(found)) < len(found):
        raise Refused("a URI is given more than once", [])  # what they are is not told
    if len({uri.parts.secure for uri in found}) > 1:
        # Whoever can block the one that is encrypted would get to read the other.
        hint = "after wss:// the next is not tried without TLS"
        raise Refused("they must all be wss://, or all be ws://", [], hint)
    return found


def _uri(value: object, expected: str) -> ParsedURI:
    if not is_text(value):
        raise BadValue(expected, value)
    try:
        return parsed(value)
    except InvalidURI as error:
        reason = error.msg
    # Out of the except block: the report is all that may travel on.
    raise BadValue(expected, redact_uri(value), reason)


def proxy_url(value: str) -> str:
    """Return the URL of a proxy, or ``auto``: the environment chooses."""
    if is_text(value) and (value == "auto" or _PROXY_URL.fullmatch(value)):
        return value
    expected = 'the URL of a proxy such as "http://proxy:3128" or "socks5h://proxy:1080", or "auto"'
    raise BadValue(expected, redact_uri(value) if is_text(value) else value)


def optional_secret(value: str | Secret | None) -> Secret | None:
    """Return a secret; None for none. Errors do not show it."""
    if isinstance(value, Secret):
        return value
    if is_off(value):
        return None
    if not is_text(value) or not value:
        raise BadValue("a secret text that is not empty", value, _secret_hints(value))
    return Secret(value)


def _secret_hints(value: object) -> dict[Dialect, str]:
    name = value.get("env") if isinstance(value, dict) else None
    # A secret in the place of its variable's name does not look like one.
    shown = name if is_text(name) and _VARIABLE.fullmatch(name) else "NAME"
    return {
        Dialect.TOML: 'write the text itself, { env = "NAME" } or { file = "PATH" }',
        Dialect.ENVIRONMENT: "write the text itself, or the path of its file into {variable}_FILE",
        Dialect.CODE: f'write the text itself, or os.environ["{shown}"]',
    }


def optional_token(value: str | Secret | None) -> Secret | None:
    """Return a secret that may stand in a header field; None for none. Errors do not show it."""
    secret = optional_secret(value)
    if secret is not None and _is_unfit(secret.reveal()):
        raise BadValue("a secret text of one line, without control characters", secret)
    return secret


def _text(value: object, unfit: re.Pattern[str], expected: str) -> str:
    if not isinstance(value, str):
        raise BadValue(expected, value)
    if not value:
        raise BadValue(expected, value, "an empty text has no meaning here")
    if unfit.search(value):
        raise BadValue(expected, value, "it has a control character or a line break in it")
    return value


def _choose(value: object, choices: tuple[_Choice, ...], given: object = None) -> _Choice:
    for choice in choices:
        if value == choice:
            return choice
    quoted = [f'"{choice}"' for choice in choices]
    hint = None
    if isinstance(value, str):
        # Versions that look alike are not: only words are misspelt.
        meant = None if value[:1].isdigit() else nearest(value, choices)
        hint = None if meant is None else f'did you mean "{meant}"?'
    elif isinstance(value, float) and str(value) in choices:
        hint = f'write "{value}", with quotes'
    raise BadValue(f"{', '.join(quoted[:-1])} or {quoted[-1]}", value if given is None else given, hint)
