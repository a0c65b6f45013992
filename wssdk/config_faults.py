"""What is wrong and where, before it is told: places in files, environment and code."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from wssdk.config_marks import Marks, Span, scan_marks
from wssdk.config_schema import Keys
from wssdk.config_values import Dialect

__all__ = ["CODE", "MOST_HINTS", "MOST_TOLD", "Document", "Fault", "Leaf", "Place", "value_fault"]


MOST_TOLD: Final = 100
"""Problems that a report tells; of a file that is full of them it says how many more there are."""


MOST_HINTS: Final = 25
"""Unknown names of which the near one is looked for, which takes a millisecond each."""


@attrs.frozen(eq=False)
class Document:
    """One TOML file."""

    name: str
    """The path, as the user gave it."""
    text: str = attrs.field(default="", repr=False)
    """The whole file; empty where it could not be read."""
    tree: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The table that holds the configuration; None where there is none."""
    root: Keys = ()
    """Path of that table in the file."""
    is_toml: bool = True
    """Whether the text is TOML."""

    @functools.cached_property
    def folder(self) -> Path:
        """Where files named in this one are looked for."""
        return Path(self.name).parent

    @functools.cached_property
    def marks(self) -> Marks:
        """Where everything stands in the file."""
        return scan_marks(self.text if self.is_toml else "")

    def span(self, keys: Keys, *, at_key: bool = False) -> Span | None:
        """Return where ``keys`` stand, or the nearest table above them; None for the document as a whole.

        It is the place of the value, or that of the key where ``at_key``, and where the value is a table
        of its own lines.
        """
        path = (*self.root, *keys) if keys else ()
        while path:
            mark = self.marks.by_path.get(path)
            if mark is not None:
                return mark.key if at_key or mark.value is None else mark.value
            path, at_key = path[:-1], True
        return None

    def line(self, position: int) -> int:
        """Return the number of the line of a position, from 1."""
        return self.text.count("\n", 0, position) + 1


@attrs.frozen
class Place:
    """Where something is written."""

    dialect: Dialect
    document: Document | None = None
    """For TOML."""
    keys: Keys = ()
    """Path inside the document's root, as it is written; empty for the document as a whole."""
    variable: str = ""
    """For the environment."""


CODE = Place(Dialect.CODE)
"""Overrides."""


@attrs.frozen
class Leaf:
    """A value of one layer, as it is written there."""

    option: Keys
    """What it sets."""
    value: object = attrs.field(repr=False)
    place: Place
    named: Keys
    """Path as reports show it: with its connection, where it is written for one."""
    text: str | None = attrs.field(default=None, repr=False)
    """For the environment: all of the variable's text."""


@attrs.frozen
class Fault:
    """Something wrong, in the words of its place's dialect."""

    place: Place
    path: str
    """Dotted path of the option."""
    message: str
    hint: str | None = None
    at_key: bool = False
    """Whether the key is to blame, not the value."""
    span: Span | None = None
    """Where it is in the document; None: where the place's keys are."""


def value_fault(place: Place, named: str, text: str, hint: str | None = None) -> Fault:
    """Return a fault of a value: variables speak for themselves, elsewhere the option is named."""
    return Fault(place, named, text if place.dialect is Dialect.ENVIRONMENT else f"{named}: {text}", hint)
