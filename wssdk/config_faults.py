"""What is wrong and where, before it is told: places in files, environment and code."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from wssdk.config_marks import Marks, Span
from wssdk.config_schema import Keys
from wssdk.config_values import Dialect

__all__ = [
    "CODE",
    "MOST_EFFORT",
    "MOST_HINTS",
    "MOST_TOLD",
    "Document",
    "Fault",
    "LateFault",
    "Leaf",
    "Place",
    "Row",
    "Words",
    "value_fault",
    "words_of",
]

Words: TypeAlias = tuple[str, str, str | None]
"""The option's dotted path, what is wrong, and the way out."""

_LINE_FEED: Final = re.compile("\n")

_set: Final = object.__setattr__  # a frozen class has no other way

MOST_TOLD: Final = 100
"""Problems that a report tells; of a file that is full of them it says how many more there are."""


MOST_HINTS: Final = 25
"""Unknown names of which the near one is looked for, which takes a millisecond each."""

MOST_EFFORT: Final = 160_000
"""What a load may spend on the near names among those that it was given: 400 comparisons of 20 letters."""


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
        return Marks(self.text if self.is_toml else "")

    @functools.cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in _LINE_FEED.finditer(self.text)]

    def span(self, keys: Keys, *, at_key: bool = False) -> Span | None:
        """Return where ``keys`` stand, or the nearest table above them; None for the document as a whole.

        It is the place of the value, or that of the key where ``at_key``, and where the value is a table
        of its own lines.
        """
        path = (*self.root, *keys) if keys else ()
        while path:
            mark = self.marks.find(path)
            if mark is not None:
                key, value = mark
                return key if at_key or value is None else value
            path, at_key = path[:-1], True
        return None

    def is_read(self, keys: Keys) -> bool:
        """Tell whether the marks are read as far as where ``keys`` stand."""
        return not keys or (*self.root, *keys) in self.marks.by_path

    def line(self, position: int) -> int:
        """Return the number of the line of a position, from 1."""
        return bisect.bisect_left(self._line_ends, position) + 1


# A file makes thousands of these two, and a frozen one takes three times as long to make.
@attrs.define
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


@attrs.define
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
    others: int = 0
    """How many there are behind it that are only counted."""


class LateFault(Fault):
    """A fault whose words are found when it is told: of thousands that is done for a hundred."""

    __slots__ = ("_find", "_found")

    _find: Callable[[], Words]
    _found: Words | None

    def __init__(self, place: Place, find: Callable[[], Words], *, at_key: bool = False) -> None:
        _set(self, "place", place)
        _set(self, "at_key", at_key)
        _set(self, "span", None)
        _set(self, "others", 0)
        _set(self, "_find", find)
        _set(self, "_found", None)

    def count(self, others: int) -> None:
        """Have it stand for so many others that are only counted."""
        _set(self, "others", others)

    def _words(self) -> Words:
        found = self._found
        if found is None:
            found = self._find()
            _set(self, "_found", found)
        return found

    @property
    def path(self) -> str:
        """Dotted path of the option."""
        return self._words()[0]

    @property
    def message(self) -> str:
        """What is wrong."""
        return self._words()[1]

    @property
    def hint(self) -> str | None:
        """The way out."""
        return self._words()[2]


class Row:
    """Makes the faults of one table or of the environment, in the order of their places.

    Those that will never be told are only counted.
    """

    def __init__(self, most: int = MOST_TOLD + 1) -> None:
        self._left = most

    @property
    def is_full(self) -> bool:
        """Whether any other is only counted."""
        return self._left <= 0

    def make(
        self, place: Callable[[], Place], find: Callable[[], Words], *, at_key: bool = False
    ) -> list[Fault]:
        """Return another fault, in a list; an empty one where it is only counted."""
        if self._left > 0:
            self._left -= 1
            self._last = LateFault(place(), find, at_key=at_key)
            return [self._last]
        self._last.count(self._last.others + 1)
        return []


def words_of(dialect: Dialect, named: str, text: str, hint: str | None = None) -> Words:
    """Return what is told of a value: variables speak for themselves, elsewhere the option is named."""
    return named, text if dialect is Dialect.ENVIRONMENT else f"{named}: {text}", hint


def value_fault(place: Place, named: str, text: str, hint: str | None = None) -> Fault:
    """Return a fault of a value."""
    return Fault(place, *words_of(place.dialect, named, text, hint))
