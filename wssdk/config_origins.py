"""Where the values of a configuration come from: kept beside them, and no part of the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from wssdk.config import ClientConfig
from wssdk.config_explanation import Origin
from wssdk.config_faults import Leaf
from wssdk.config_schema import HEADERS, OPTIONS, Keys
from wssdk.config_texts import quoted, shown_as_written
from wssdk.config_values import Dialect, redacted_text
from wssdk.errors import printable

__all__ = ["Origins", "Values", "value_of"]

# What stands before a token in a header, and is no secret.
_SCHEMES: Final = "(?:Basic|Bearer|Token|Digest|Negotiate|ApiKey|JWT)"
_POINTERS: Final = re.compile(
    rf"(?:{_SCHEMES} )?(?:\$\{{(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^}}]+)\}})+", re.IGNORECASE
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_FILE: Final = re.compile(r"\$\{file:([^}]+)\}")


@attrs.frozen
class Recorded:
    """An origin, and what may be written into a file instead of the secret that is from there."""

    origin: Origin
    reference: str | None = None


class Origins:
    """What set each option when a configuration was loaded.

    It is a few references until somebody asks. A pickle has places and masked values, and none of the text
    of the files.
    """

    __slots__ = ("_history", "_recorded", "made")

    def __init__(
        self,
        made: ClientConfig,
        history: Mapping[Keys, tuple[Leaf, ...]],
        recorded: Mapping[Keys, tuple[Recorded, ...]] | None = None,
    ) -> None:
        self.made = made
        """The configuration as it was loaded: an option that differs by now was changed in code."""
        self._history = history
        self._recorded = recorded

    def __reduce__(self) -> Any:
        return Origins, (self.made, {}, self.recorded)

    @property
    def recorded(self) -> Mapping[Keys, tuple[Recorded, ...]]:
        """By option all that set it, low to high: the last one holds, and overrode the others."""
        # Read before: another thread empties it once it has recorded everything.
        history = self._history
        recorded = self._recorded
        if recorded is None:
            recorded = {option: tuple(_record(leaf) for leaf in leaves) for option, leaves in history.items()}
            self._recorded = recorded
            self._history = {}
        return recorded

    def of(self, option: Keys) -> tuple[Recorded, ...]:
        """Return all that set an option, low to high; empty: its default holds."""
        return self.recorded.get(_folded(option), ())


def _folded(option: Keys) -> Keys:
    return (HEADERS, option[1].lower()) if option[0] == HEADERS else option


class Values:
    """The values of a configuration, by option."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        # Searched for by name, thousands of them would take the square of their number.
        self._headers: dict[str, list[str]] = {}
        for name, value in config.headers.raw_items():
            self._headers.setdefault(name.lower(), []).append(value)

    def of(self, option: Keys) -> Any:
        """Return the value of an option; of a header all values of that name."""
        if option[0] == HEADERS:
            return tuple(self._headers.get(option[1].lower(), ()))
        return value_of(self._config, option)


def value_of(config: ClientConfig, option: Keys) -> Any:
    """Return the value of one option; of a header all values of that name."""
    if option[0] == HEADERS:
        return tuple(config.headers.get_all(option[1]))
    value: Any = config
    for name in option:
        value = getattr(value, name)
    return value


def _record(leaf: Leaf) -> Recorded:
    kind, where = _place_of(leaf)
    shown = shown_as_written(leaf.option, leaf.value)
    return Recorded(Origin(kind, where, shown), reference_of(leaf))


def _place_of(leaf: Leaf) -> tuple[Literal["file", "environment", "code"], str]:
    place, document = leaf.place, leaf.place.document
    if document is not None:
        span = document.span(place.keys, at_key=True)
        where = printable(redacted_text(document.name))
        return "file", where if span is None else f"{where}:{document.line(span[0])}"
    if place.dialect is Dialect.ENVIRONMENT:
        return "environment", printable(place.variable)
    return "code", "code"


def reference_of(leaf: Leaf) -> str | None:
    """Return what in a TOML file points at the secret; None where it is a literal, or no secret."""
    document = leaf.place.document
    value = leaf.value
    in_code = leaf.place.dialect is Dialect.CODE
    if leaf.option[0] != HEADERS:
        if not OPTIONS[leaf.option].secret:
            return None
        if isinstance(value, Mapping):
            if isinstance(value.get("env"), str):
                return f"{{ env = {quoted(value['env'])} }}"
            path = str(value.get("file"))
            path = path if document is None else str(document.folder / path)
            return None if _SURROGATE.search(path) else f"{{ file = {quoted(path)} }}"
        is_variable = leaf.place.dialect is Dialect.ENVIRONMENT
        return f"{{ env = {quoted(leaf.place.variable)} }}" if is_variable else None
    if in_code or not isinstance(value, str):
        return None
    if leaf.place.dialect is Dialect.ENVIRONMENT and "${" not in value:
        return quoted(f"${{env:{leaf.place.variable}}}")
    if _POINTERS.fullmatch(value) is None:
        return None
    folder = None if document is None else document.folder
    if folder is not None and _FILE.search(value):
        if "}" in str(folder):
            return None  # a reference ends there
        value = _FILE.sub(lambda match: f"${{file:{folder / match[1]}}}", value)
    return None if _SURROGATE.search(value) else quoted(value)
