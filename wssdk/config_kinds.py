"""What kinds of values there are: their names, units, and what JSON Schema says about them.

The loader's grammars decide; what stands here tells editors and readers the same, as far as it can be told.
"""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from wssdk import config_grammar as grammar
from wssdk import config_sockets as sockets
from wssdk import config_words as words
from wssdk.config import ClientConfig
from wssdk.config_patterns import any_case, duration, size
from wssdk.config_rules import option_fields
from wssdk.config_schema import SECTIONS, Keys
from wssdk.config_values import BadValue

__all__ = [
    "DEFINITIONS",
    "HEADER_NAMES",
    "HEADER_VALUE",
    "Fragment",
    "Kind",
    "field_of",
    "kind_of",
    "may_be_off",
]

Fragment: TypeAlias = Mapping[str, Any]
"""A part of a JSON schema."""


@attrs.frozen
class Kind:
    """One kind of value, as it is written while it is not off."""

    name: str
    """What a reader calls it."""
    schema: Fragment
    """In JSON Schema, draft 7."""
    unit: str = ""
    """What a number counts."""
    sized: bool = False
    """Whether its numbers are bytes, which are easier to read with a unit."""


def _text(pattern: str) -> Fragment:
    return {"type": "string", "pattern": pattern}


def _integer(least: int, most: int) -> Fragment:
    return {"type": "integer", "minimum": least, "maximum": most}


def _array(item: Fragment, **more: Any) -> Fragment:
    return {"type": "array", "items": item, **more}


def _or_off(schema: Fragment) -> Fragment:
    return {"anyOf": [schema, {"const": False}]}


def _or_pair(one: Fragment, *pairs: Sequence[Fragment]) -> Fragment:
    arrays = [
        {"type": "array", "items": [*pair], "minItems": len(pair), "maxItems": len(pair)} for pair in pairs
    ]
    return {"anyOf": [one, *arrays]}


_LONGEST: Final = 10**9
_OFF: Final[Fragment] = {"const": False}
_TOKEN: Final = "[-!#$%&'*+.^_`|~0-9A-Za-z]"
_LINE: Final = _text("^[^\\x00-\\x1f\\x7f]+$")
_URI_START: Final = "[A-Za-z][A-Za-z0-9+.-]+://"
_FIELD: Final = _text("^[^\\x00-\\x08\\x0a-\\x1f\\x7f]+$")
_REFERENCE: Final = [
    {
        "type": "object",
        "properties": {key: {"type": "string", "pattern": pattern}},
        "required": [key],
        "additionalProperties": False,
    }
    for key, pattern in (("env", "^[A-Za-z_][A-Za-z0-9_]*$"), ("file", "."))
]
_OWNED: Final = "|".join(
    any_case(name) for name in ("host", "upgrade", "connection", "content-length", "transfer-encoding")
)
_OWNED_PATTERN: Final = f"^(({_OWNED})$|{any_case('sec-websocket-')})"
_SECONDS: Final[Fragment] = {"$ref": "#/definitions/duration"}
_POSITIVE_SIZE: Final[Fragment] = {"$ref": "#/definitions/size_above_0"}
_ANY_SIZE: Final[Fragment] = {"$ref": "#/definitions/size"}
DEFINITIONS: Final[Mapping[str, Fragment]] = {
    "duration": duration(_LONGEST),
    "size": size(0),
    "size_above_0": size(1),
    "tcp_keepalive": duration(32767),
}
"""Parts of the schema that others refer to."""

_COUNT: Final = _integer(1, sys.maxsize)
# What Linux takes; a text may be the number of probes, for the environment has none but texts.
_SILENCE: Final[Fragment] = {"$ref": "#/definitions/tcp_keepalive"}
_PROBES: Final[Fragment] = {
    "anyOf": [
        _integer(1, 127),
        _text("^(0{0,2}[1-9]|0?[1-9][0-9]|1[01][0-9]|12[0-7])$"),
        {"const": False},
    ]
}
_KEEPALIVE: Final[Fragment] = {
    "anyOf": [
        _SILENCE,
        {
            "type": "array",
            "items": [_SILENCE, _or_off(_SILENCE), _PROBES],
            "minItems": 3,
            "maxItems": 3,
        },
        {
            "type": "object",
            "properties": {"idle": _SILENCE, "interval": _or_off(_SILENCE), "count": _PROBES},
            "required": ["idle"],
            "additionalProperties": False,
        },
    ]
}
_PIN: Final = "^(sha256/)?(:*([0-9a-fA-F]:*){64}|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$"
_PROXY: Final = "|".join(map(any_case, ("http", "https", "socks4", "socks4a", "socks5", "socks5h")))

HEADER_NAMES: Final[Fragment] = {"pattern": f"^{_TOKEN}+$", "not": {"pattern": _OWNED_PATTERN}}
"""Names of header fields that may be set."""
HEADER_VALUE: Final = _text("^[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$")
"""Values of header fields."""

_KINDS: Final[Mapping[Callable[..., Any], Kind]] = {
    words.optional_uri: Kind("URI", _text("^[Ww][Ss][Ss]?://[^#]+$")),
    words.uris: Kind(
        "array of URIs",
        {
            "anyOf": [
                _array(_text(f"^{scheme}://[^#]+$"), uniqueItems=True)
                for scheme in ("[Ww][Ss]", "[Ww][Ss][Ss]")
            ]
        },
    ),
    words.optional_header_text: Kind("text", _FIELD),
    words.optional_text: Kind("text", _LINE),
    words.optional_path: Kind("path", {**_LINE, "not": {"pattern": f"^{_URI_START}"}}),
    words.optional_token: Kind("secret", {"anyOf": [_FIELD, *_REFERENCE]}),
    words.optional_secret: Kind("secret", {"anyOf": [_text("[^\\x00]"), *_REFERENCE]}),
    words.scheme: Kind("word", _text(f"^{_TOKEN}*$")),
    words.token: Kind("name of a header", {"type": "string", **HEADER_NAMES}),
    words.logger_name: Kind("text", _LINE),
    words.proxy_url: Kind("URL", _text(f"^(auto|({_PROXY})://[^\\s/?#]+/?)$")),
    words.subprotocols: Kind("array of words", _array(_text(f"^{_TOKEN}+$"), uniqueItems=True)),
    words.pins: Kind("array of digests", _array(_text(_PIN))),
    grammar.duration: Kind("duration", _SECONDS, "seconds"),
    grammar.optional_duration: Kind("duration", _SECONDS, "seconds"),
    grammar.size: Kind("size", _ANY_SIZE, "bytes", sized=True),
    grammar.read_limit: Kind("size", size(1, 2**30), "bytes", sized=True),
    grammar.optional_size: Kind("size", _POSITIVE_SIZE, "bytes", sized=True),
    grammar.max_size: Kind(
        "size, or [message, fragment]",
        _or_pair(_POSITIVE_SIZE, (_or_off(_POSITIVE_SIZE), _or_off(_POSITIVE_SIZE))),
        "bytes",
        sized=True,
    ),
    grammar.max_queue: Kind(
        "number, or [high, low]",
        _or_pair(_COUNT, (_COUNT, _or_off(_integer(0, sys.maxsize))), (_OFF, _OFF)),
        "messages",
    ),
    grammar.write_limit: Kind(
        "size, or [high, low]",
        _or_pair(_ANY_SIZE, (_ANY_SIZE, _or_off(_ANY_SIZE))),
        "bytes",
        sized=True,
    ),
    sockets.unix_path: Kind(
        "path", {**_text("^[\\x00@]?[^\\x00-\\x1f\\x7f]+$"), "not": {"pattern": f"^@?{_URI_START}"}}
    ),
    sockets.tcp_keepalive: Kind("duration, or [idle, interval, count]", _KEEPALIVE, "seconds"),
    words.header_names: Kind("array of names of headers", _array({"type": "string", **HEADER_NAMES})),
    grammar.boolean: Kind("boolean", {"type": "boolean"}),
    grammar.factor: Kind("number", {"type": "number", "minimum": 1, "maximum": _LONGEST}),
    grammar.compression_level: Kind("integer", _integer(-1, 9)),
    grammar.memory_level: Kind("integer", _integer(1, 9)),
    grammar.client_window_bits: Kind(
        "true or integer", {"anyOf": [{"const": True}, _integer(9, 15)]}, "bits"
    ),
    grammar.server_window_bits: Kind("integer", _integer(8, 15), "bits"),
    grammar.optional_port: Kind("port", _integer(1, 65535)),
    grammar.optional_count: Kind("integer", _COUNT),
    grammar.redirects: Kind("integer", _integer(0, 1000)),
    grammar.retry_status: Kind("array of status codes", _array(_integer(300, 599), maxItems=300)),
}


def field_of(option: Keys) -> attrs.Attribute[Any]:
    """Return the field of an option, or of a section."""
    cls: type[Any] = ClientConfig if len(option) == 1 else SECTIONS[option[0]]
    return next(field for field in option_fields(cls) if field.name == option[-1])


@functools.cache
def may_be_off(option: Keys) -> bool:
    """Tell whether a file may switch an option off, by ``false``."""
    grammar_of: Any = field_of(option).converter
    try:
        return grammar_of(False) is None
    except BadValue:
        return False


@functools.cache
def kind_of(option: Keys) -> Kind:
    """Return the kind of an option's value."""
    function: Any = field_of(option).converter
    return _KINDS.get(function) or _choice(function)


def _choice(function: Callable[..., Any]) -> Kind:
    """Return the kind of a grammar that takes one of some words."""
    returned = typing.get_type_hints(function).get("return")
    of_union = [part for part in typing.get_args(returned) if typing.get_origin(part) is Literal]
    literal = of_union[0] if of_union else returned
    assert typing.get_origin(literal) is Literal, "a grammar that takes more than words has a row of its own"
    choices = typing.get_args(literal)
    if function is words.optional_level:  # in capitals or not
        return Kind(" or ".join(map(repr, choices)), _text(f"^({'|'.join(map(any_case, choices))})$"))
    return Kind(" or ".join(f'"{choice}"' for choice in choices), {"enum": list(choices)})
