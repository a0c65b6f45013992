"""The JSON schema of configuration files (draft 7), for editors and checkers of TOML."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

from wssdk.config_docs import descriptions
from wssdk.config_kinds import (
    DEFINITIONS,
    HEADER_NAMES,
    HEADER_VALUE,
    Fragment,
    field_of,
    kind_of,
    may_be_off,
)
from wssdk.config_schema import CONNECTIONS, EXTENDS, HEADERS, OPTIONS, SECTIONS, SHORT_FORMS, Keys

__all__ = ["json_schema", "plain_default", "told"]

_NONE: Final = re.compile(r"\bNone\b")
_TRUE: Final = re.compile(r"\bTrue\b")
_TEXTS: Final[Mapping[str, str]] = {
    HEADERS: "Further headers of the opening handshake. ${env:NAME}, ${env:NAME:-default} and ${file:PATH} "
    "are filled in; a plain ${ is written $${.",
    EXTENDS: "Files that lie below this one, the lowest first; looked for beside it.",
    CONNECTIONS: "Connections by name; each has the same options, laid over the top level.",
}


def json_schema() -> dict[str, Any]:
    """Return the schema; what is returned is the caller's."""
    options = _top_level()
    references = {name: {"$ref": f"#/definitions/{name}"} for name in options}
    whole = {
        **references,
        EXTENDS: {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "description": told((EXTENDS,)),
        },
        CONNECTIONS: {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": references,
                "additionalProperties": False,
            },
            "description": told((CONNECTIONS,)),
        },
    }
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of wssdk",
        "type": "object",
        "properties": whole,
        "additionalProperties": False,
        "definitions": {**DEFINITIONS, **options},
    }
    return copy.deepcopy(schema)


def told(option: Keys) -> str:
    """Return what an option is for, in the words of files."""
    if option[-1] in _TEXTS:
        return _TEXTS[option[-1]]
    none = "off" if option not in OPTIONS or may_be_off(option) else "left out"
    return _TRUE.sub("true", _NONE.sub(none, descriptions().get(option, "")))


def _top_level() -> dict[str, Fragment]:
    tables: dict[str, Fragment] = {name: _section(name) for name in SECTIONS}
    tables[HEADERS] = {
        "type": "object",
        "additionalProperties": HEADER_VALUE,
        "propertyNames": HEADER_NAMES,
        "description": told((HEADERS,)),
    }
    plain = {option[0]: _option(option) for option in OPTIONS if len(option) == 1}
    return {**plain, **tables}


def _section(name: str) -> Fragment:
    table: dict[str, Any] = {
        "type": "object",
        "properties": {option[1]: _option(option) for option in OPTIONS if option[0] == name},
        "additionalProperties": False,
    }
    described = _described({}, (name,))
    kinds = SHORT_FORMS.get(name, ())
    if not kinds:
        return {**table, **described}
    short = [{"type": "boolean"} if kind is bool else kind_of((name, "url")).schema for kind in kinds]
    return {"anyOf": [table, *short], **described}


def _option(option: Keys) -> Fragment:
    schema = kind_of(option).schema
    if may_be_off(option):
        choices = schema.get("anyOf", [schema])
        schema = {"anyOf": [*choices, {"const": False}]}
    default = plain_default(option)
    with_default = schema if default is None else {**schema, "default": default}
    return _described(with_default, option)


def _described(schema: Fragment, option: Keys) -> Fragment:
    text = told(option)
    return {**schema, "description": text} if text else schema


def plain_default(option: Keys) -> Any:
    """Return the default as JSON and TOML have it: false for off; None where nothing could be written."""
    default = field_of(option).default
    if default is None:
        return False if may_be_off(option) else None
    if isinstance(default, tuple):
        return list(default)
    return int(default) if isinstance(default, float) and default.is_integer() else default
