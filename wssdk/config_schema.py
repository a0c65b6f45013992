"""What options there are, how the environment writes them, and which one a wrong name was meant to be."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from wssdk import config_grammar as grammar
from wssdk import config_sockets as sockets
from wssdk import config_words as words
from wssdk.config import ClientConfig
from wssdk.config_keywords import KEYWORDS
from wssdk.config_rules import option_fields
from wssdk.config_values import nearest

__all__ = [
    "ALIASES",
    "CONNECTIONS",
    "EXTENDS",
    "HEADERS",
    "ONLY_IN_CODE",
    "OPTIONS",
    "SECTIONS",
    "SHORT_FORMS",
    "Form",
    "Grammar",
    "Keys",
    "dotted",
    "environment_name",
    "meant",
]

Keys: TypeAlias = tuple[str, ...]
"""Path of an option: its section's name, and its own."""

CONNECTIONS: Final = "connections"
HEADERS: Final = "headers"
EXTENDS: Final = "extends"

SHORT_FORMS: Final = {"compression": (bool,), "reconnect": (bool,), "proxy": (bool, str)}
"""Sections that may be written as one value, and of which types."""


class Form(enum.Enum):
    """How the environment, where all is text, writes a value."""

    TEXT = "any text"
    VALUE = "a text with a grammar of its own"
    NUMBER = "a number"
    SWITCH = "true or false"
    SWITCH_OR_NUMBER = "true or a number"


@attrs.frozen
class Grammar:
    """What the sources need to know about a grammar."""

    form: Form
    optional: bool = False
    """Whether it can be switched off."""
    array: bool = False
    """Whether it is written as an array, always."""
    pair: bool = False
    """Whether it may be written as an array as well, of two or three."""
    secret: bool = False
    """Whether its value is not shown."""
    untold: bool = False
    """Whether a bad value is not told: a secret is written into it by mistake."""
    words: bool = False
    """Whether a good value has no spaces in it."""
    path: bool = False
    """Whether it names a file, looked for beside the file it is written in."""


_OPTIONAL_TEXT: Final = Grammar(Form.TEXT, optional=True)
_VALUE: Final = Grammar(Form.VALUE)
_OPTIONAL_VALUE: Final = Grammar(Form.VALUE, optional=True)
_NUMBER: Final = Grammar(Form.NUMBER)
_OPTIONAL_NUMBER: Final = Grammar(Form.NUMBER, optional=True)

_BY_FUNCTION: Final[Mapping[Callable[..., Any], Grammar]] = {
    words.optional_uri: Grammar(Form.TEXT),
    words.uris: Grammar(Form.TEXT, array=True),
    words.uri_order: _VALUE,
    words.optional_header_text: Grammar(Form.TEXT, optional=True, untold=True),
    words.optional_text: _OPTIONAL_TEXT,
    words.optional_path: Grammar(Form.TEXT, optional=True, path=True),
    words.optional_token: Grammar(Form.TEXT, optional=True, secret=True, untold=True),
    words.optional_secret: Grammar(Form.TEXT, secret=True, untold=True),
    words.optional_level: _OPTIONAL_VALUE,
    words.scheme: Grammar(Form.TEXT, untold=True, words=True),
    words.token: Grammar(Form.TEXT, untold=True, words=True),
    words.header_names: Grammar(Form.TEXT, array=True, untold=True, words=True),
    words.logger_name: Grammar(Form.TEXT),
    words.proxy_url: Grammar(Form.TEXT),
    words.subprotocols: Grammar(Form.TEXT, array=True, untold=True, words=True),
    words.pins: Grammar(Form.TEXT, array=True),
    words.on_full: _VALUE,
    words.backend: _VALUE,
    words.tls_version: _VALUE,
    words.family: _VALUE,
    words.transport: _VALUE,
    words.wakeup: _VALUE,
    grammar.duration: _VALUE,
    grammar.optional_duration: _OPTIONAL_VALUE,
    grammar.size: _VALUE,
    grammar.read_limit: _VALUE,
    grammar.optional_size: _OPTIONAL_VALUE,
    grammar.max_size: Grammar(Form.VALUE, optional=True, pair=True),
    grammar.max_queue: Grammar(Form.NUMBER, optional=True, pair=True),
    grammar.write_limit: Grammar(Form.VALUE, pair=True),
    grammar.boolean: Grammar(Form.SWITCH),
    grammar.factor: _NUMBER,
    grammar.compression_level: _NUMBER,
    grammar.memory_level: _NUMBER,
    grammar.client_window_bits: Grammar(Form.SWITCH_OR_NUMBER),
    grammar.server_window_bits: _OPTIONAL_NUMBER,
    grammar.optional_port: _OPTIONAL_NUMBER,
    grammar.optional_count: _OPTIONAL_NUMBER,
    grammar.redirects: _NUMBER,
    sockets.tcp_keepalive: Grammar(Form.VALUE, optional=True, pair=True),
    sockets.unix_path: Grammar(Form.TEXT, optional=True, path=True),
    grammar.retry_status: Grammar(Form.NUMBER, array=True),
}


SECTIONS: Final[Mapping[str, type[Any]]] = {
    field.name: type(field.default) for field in option_fields(ClientConfig) if attrs.has(type(field.default))
}
"""The sections of the top level by name, and the classes of their values."""


def _grammar_of(field: attrs.Attribute[Any]) -> Grammar:
    function: Any = field.converter
    return _BY_FUNCTION[function]


def _options() -> dict[Keys, Grammar]:
    options: dict[Keys, Grammar] = {
        (field.name,): _grammar_of(field)
        for field in option_fields(ClientConfig)
        if field.name not in SECTIONS and field.name != HEADERS
    }
    for name, section in SECTIONS.items():
        for field in option_fields(section):
            options[name, field.name] = _grammar_of(field)
    return options


OPTIONS: Final[Mapping[Keys, Grammar]] = _options()
"""Every option but the headers, and its grammar."""

ONLY_IN_CODE: Final = frozenset(("create_connection", "extensions", "sock"))
"""Keywords of ``connect()`` that are objects: no option stands for them."""

ALIASES: Final[Mapping[Keys, Keys]] = {
    ("url",): ("uri",),
    ("ur",): ("uri",),
    ("auth", "username"): (),
    ("auth", "user"): (),
    ("auth", "password"): (),
    ("timeouts", "connect"): ("timeouts", "open"),
    ("tls", "verify_hostname"): ("tls", "check_hostname"),
    ("reconnect", "initial_delay"): ("reconnect", "initial"),
    ("reconnect", "min_delay"): ("reconnect", "min"),
    ("reconnect", "max_delay"): ("reconnect", "max"),
}
"""What other libraries call an option, where likeness finds a wrong one; empty: there is none."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Z0-9]")


def dotted(keys: Iterable[str]) -> str:
    """Return a path as TOML writes it."""
    return ".".join(key if _BARE.fullmatch(key) else '"' + key.replace('"', '\\"') + '"' for key in keys)


def environment_name(keys: Iterable[str]) -> str:
    """Return what follows the prefix in the name of a variable; also for names of connections."""
    return "__".join(_NOT_IN_NAMES.sub("_", key.upper()) for key in keys)


def meant(keys: Keys, *, table: bool = False) -> tuple[Keys, bool] | None:
    """Return the option or section that unknown ``keys`` were probably meant to be.

    ``table`` tells whether a table was written there. The bool of the answer tells whether the last key
    is a keyword of ``connect()``, not a misspelling.
    """
    name = keys[-1]
    tables = (*SECTIONS, HEADERS, CONNECTIONS, EXTENDS)
    if keys in ALIASES:
        return (ALIASES[keys], False) if ALIASES[keys] else None
    if table and KEYWORDS.get(name) in tables:
        return (KEYWORDS[name],), True
    if table and len(keys) == 1:
        near = nearest(name, tables)
        return None if near is None else ((near,), False)
    if name in KEYWORDS:
        return tuple(KEYWORDS[name].split(".")), True
    if keys[0] in SECTIONS:
        near = nearest(name, [option[-1] for option in OPTIONS if option[:-1] == keys[:1]])
        if near is not None:
            return (keys[0], near), False
    # The right name in the wrong place.
    for option in OPTIONS:
        if option[-1] == name:
            return option, False
    by_name: dict[str, Keys] = {option[-1]: option for option in reversed(tuple(OPTIONS))}
    by_name |= {".".join(option): option for option in OPTIONS}
    by_name |= {name: (name,) for name in tables}
    # A section that is right would make any name inside of it look near.
    near = None if keys[0] in SECTIONS else nearest(".".join(keys), by_name)
    near = near or nearest(name, by_name)
    return None if near is None else (by_name[near], False)
