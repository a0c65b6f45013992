"""Values as TOML writes them, and as they may be shown."""

from __future__ import annotations

from typing import Any, Final

from wssdk.config_grammar import SizeLike
from wssdk.config_kinds import field_of, kind_of, may_be_off
from wssdk.config_schema import HEADERS, OPTIONS, Keys
from wssdk.config_values import BadValue, redacted_text
from wssdk.secret import MASK, Secret

__all__ = ["quoted", "shown", "shown_as_written", "toml_text"]

NOT_SET: Final = "not set"
"""What is shown where there is no value, and nothing that could be written for it."""

_UNITS: Final = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def toml_text(option: Keys, value: Any) -> str:
    """Return a value of the configuration as TOML has it; no secrets, and nothing that is off in an array."""
    return _literal(value, sized=kind_of(option).sized)


def _literal(value: Any, *, sized: bool) -> str:
    if value is None:
        return "false"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _size(value) if sized else str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str):
        return quoted(value)
    return f"[{', '.join(_literal(item, sized=sized) for item in value)}]"


def _size(value: SizeLike) -> str:
    for unit, size in _UNITS:
        if isinstance(value, int) and value >= size and value % size == 0:
            return f'"{value // size} {unit}"'
    return str(value)


def quoted(text: str) -> str:
    """Return a string of TOML."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\U{ord(char):08X}"


def shown(option: Keys, value: Any) -> str:
    """Return a value as TOML has it, all of it, with every secret masked."""
    if option[0] == HEADERS or (isinstance(value, Secret)):
        return MASK
    if value is None:
        return "false" if may_be_off(option) else NOT_SET
    if isinstance(value, tuple):
        return toml_text(option, tuple(map(_redacted, value)))
    return toml_text(option, _redacted(value))


def _redacted(value: Any) -> Any:
    return redacted_text(value) if isinstance(value, str) else value


def shown_as_written(option: Keys, value: Any) -> str:
    """Return what one layer gives an option, which another layer may override, and nobody has checked.

    A value that the option does not take may be a secret in the wrong place.
    """
    if option[0] == HEADERS or OPTIONS[option].secret:
        return MASK
    grammar: Any = field_of(option).converter
    try:
        return shown(option, grammar(value))
    except BadValue:
        return MASK
