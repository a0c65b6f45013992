"""Tables to sections, by cattrs; each failure keeps its option."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from wssdk.config import ClientConfig
from wssdk.config_schema import SECTIONS, Keys
from wssdk.config_values import BadValue
from wssdk.errors import ConfigError

__all__ = ["structure"]


def structure(name: str, given: Any) -> tuple[Any, dict[Keys, BadValue], list[ConfigError]]:
    """Return a section, or the value of an option of the top level; or what is wrong with it.

    ``given`` is a section's table, or the option's value. What is wrong are bad values by option, and broken
    rules.
    """
    failed: Exception
    try:
        if name in SECTIONS:
            return _CONVERTER.structure(given, SECTIONS[name]), {}, []
        return _GRAMMARS[name](given), {}, []
    except (cattrs.BaseValidationError, BadValue, ConfigError) as error:
        failed = error
    # Out of the except block: the groups hold the values, secrets and all.
    bad_values: dict[Keys, BadValue] = {}
    broken_rules: list[ConfigError] = []
    for option, found in _walk(failed, (name,)):
        if isinstance(found, BadValue):
            bad_values[option] = found
        else:
            broken_rules.append(found)
    return None, bad_values, broken_rules


def _walk(error: BaseException, option: Keys) -> Iterator[tuple[Keys, BadValue | ConfigError]]:
    if isinstance(error, BadValue | ConfigError):
        yield option, error
        return
    assert isinstance(error, cattrs.BaseValidationError), "grammars raise nothing else"
    for inner in error.exceptions:
        names = [
            note.name
            for note in getattr(inner, "__notes__", ())
            if isinstance(note, cattrs.AttributeValidationNote)
        ]
        yield from _walk(inner, (*option, *names))


def _structure_fn(cls: type[Any], converter: cattrs.Converter) -> Callable[..., Any]:
    """Let each field's own grammar read it, so that a failure comes with the field."""
    overrides: dict[str, Any] = {
        field.name: override(struct_hook=_by_grammar(field.converter))
        for field in attrs.fields(cls)
        if field.converter is not None
    }
    return make_dict_structure_fn(cls, converter, **overrides)


def _by_grammar(grammar: Any) -> Callable[[Any, Any], Any]:
    return lambda value, _: grammar(value)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook_factory(attrs.has, lambda cls: _structure_fn(cls, converter))
    return converter


_GRAMMARS: Final[Mapping[str, Any]] = {field.name: field.converter for field in attrs.fields(ClientConfig)}

# A new one costs milliseconds; this one learns a class once.
_CONVERTER: Final = _converter()
