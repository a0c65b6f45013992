"""Tables as a layer: what TOML and overrides set, and which of their names are unknown."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from wssdk.config_faults import (
    CODE,
    MOST_HINTS,
    MOST_TOLD,
    Document,
    Fault,
    Leaf,
    Place,
    Row,
    Words,
    value_fault,
    words_of,
)
from wssdk.config_headers import fields_of, shown_name
from wssdk.config_schema import (
    CONNECTIONS,
    EXTENDS,
    HEADERS,
    ONLY_IN_CODE,
    OPTIONS,
    SECTIONS,
    SHORT_FORMS,
    Keys,
    dotted,
    meant,
)
from wssdk.config_values import Dialect, describe

__all__ = ["TableLayer", "read_overrides", "read_table"]


@attrs.frozen
class TableLayer:
    """What one file, or the overrides, set."""

    leaves: tuple[Leaf, ...]
    by_connection: Mapping[str, tuple[Leaf, ...]]
    """What the tables of connections set, by their names."""
    faults: tuple[Fault, ...]


def read_table(table: Mapping[str, Any], document: Document | None = None) -> TableLayer:
    """Read the tables of a file, or of the overrides where there is no ``document``."""
    reader = _Reader(document)
    top = {str(key): value for key, value in table.items()}
    connections = top.pop(CONNECTIONS, {})
    if document is not None:
        top.pop(EXTENDS, None)  # it was followed when the file was read
    leaves = tuple(reader.read(top, ()))
    by_connection = {}
    if document is None and connections:
        reader.refuse((CONNECTIONS,), "overrides are for the connection that is loaded, and name none")
    elif not isinstance(connections, Mapping):
        reader.refuse_kind((CONNECTIONS,), connections, "a table for each connection")
    else:
        row = reader.row()
        for name, inside in connections.items():
            if isinstance(inside, Mapping):
                by_connection[name] = tuple(reader.read(inside, (CONNECTIONS, name)))
            else:
                reader.refuse_kind((CONNECTIONS, name), inside, "a table for each connection", row)
    return TableLayer(leaves, by_connection, tuple(reader.faults))


def read_overrides(overrides: Mapping[str, Any]) -> TableLayer:
    """Read overrides: nested as a file is, or by dotted names, ``{"timeouts.open": 5}``.

    A dotted name is narrower than its section, and holds whatever the order is.
    """
    if not overrides:
        return TableLayer((), {}, ())
    whole: dict[str, Any] = {}
    narrow: dict[str, dict[str, Any]] = {}
    for key, value in overrides.items():
        first, dot, rest = str(key).partition(".")
        if dot and (first in SECTIONS or first == HEADERS):
            narrow.setdefault(first, {})[rest] = value
        else:
            whole[str(key)] = value
    layers = [read_table(whole), read_table(narrow)]
    leaves: dict[Keys, Leaf] = {}
    for leaf in (leaf for layer in layers for leaf in layer.leaves):
        option = (HEADERS, leaf.option[1].lower()) if leaf.option[0] == HEADERS else leaf.option
        leaves.pop(option, None)
        leaves[option] = leaf
    return TableLayer(tuple(leaves.values()), {}, tuple(fault for layer in layers for fault in layer.faults))


class _Reader:
    def __init__(self, document: Document | None) -> None:
        self._document = document
        self._dialect = Dialect.CODE if document is None else Dialect.TOML
        self.faults: list[Fault] = []

    def row(self) -> Row:
        """Return where the faults of one table go."""
        # In code they have no places.
        return Row(sys.maxsize if self._document is None else MOST_TOLD + 1)

    def _place(self, keys: Keys) -> Place:
        return CODE if self._document is None else Place(Dialect.TOML, self._document, keys)

    def read(self, table: Mapping[str, Any], base: Keys) -> list[Leaf]:
        """Return what a table sets; ``base`` is its own path."""
        leaves: list[Leaf] = []
        row = self.row()
        for name, value in table.items():
            if (name,) in OPTIONS:
                leaves.append(self._leaf((name,), value, (*base, name)))
            elif name == HEADERS:
                leaves.extend(self._read_headers(value, base))
            elif name in SECTIONS:
                leaves.extend(self._read_section(name, value, base))
            else:
                self._refuse_name(base, (name,), value, row)
        return leaves

    def _leaf(self, option: Keys, value: object, keys: Keys) -> Leaf:
        return Leaf(option, value, self._place(keys), keys)

    def _read_headers(self, value: object, base: Keys) -> list[Leaf]:
        keys = (*base, HEADERS)
        if not isinstance(value, Mapping):
            self.refuse_kind(keys, value, "a table of headers")
            return []
        leaves: dict[str, Leaf] = {}
        document, row = self._document, self.row()
        for name, text in value.items() if document is not None else _side_by_side(fields_of(value)):
            option = (HEADERS, str(name))
            named = (*base, *option) if base else option
            place = CODE if document is None else Place(Dialect.TOML, document, named)
            leaf = Leaf(option, text, place, named)
            first = leaves.setdefault(option[1].lower(), leaf)
            if first is not leaf:
                find = functools.partial(_words_of_twice, self._dialect, named, first.option[1])
                self.faults += row.make(functools.partial(self._place, named), find)
        return list(leaves.values())

    def _read_section(self, section: str, value: object, base: Keys) -> list[Leaf]:
        keys = (*base, section)
        kinds = SHORT_FORMS.get(section, ())
        if value is None and kinds and self._document is None:
            value = False
        if kinds and isinstance(value, kinds):
            switch = value if isinstance(value, bool) else True
            short = [self._leaf((section, "enabled"), switch, keys)]
            return short if isinstance(value, bool) else [self._leaf((section, "url"), value, keys), *short]
        if isinstance(value, SECTIONS[section]):
            value = attrs.asdict(value, recurse=False)
        if not isinstance(value, Mapping):
            words = {bool: "true or false", str: "a URL"}
            expected = ["a table", *(words[kind] for kind in kinds)]
            self.refuse_kind(
                keys, value, ", ".join(expected[:-1]) + f" or {expected[-1]}" if kinds else "a table"
            )
            return []
        leaves = []
        row = self.row()
        for name, option_value in value.items():
            if (section, name) in OPTIONS:
                leaves.append(self._leaf((section, name), option_value, (*keys, name)))
            else:
                self._refuse_name(base, (section, str(name)), option_value, row)
        return leaves

    def refuse(self, keys: Keys, text: str, hint: str | None = None, *, at: Keys = ()) -> None:
        """Note what is wrong with the table or value at ``keys``; it stands at ``at``, if that differs."""
        self.faults.append(value_fault(self._place(at or keys), dotted(keys), text, hint))

    def refuse_kind(self, keys: Keys, value: object, expected: str, row: Row | None = None) -> None:
        """Note that something else is expected at ``keys``; the value may be a secret out of place."""
        place = functools.partial(self._place, keys)
        find = functools.partial(_words_of_kind, self._dialect, keys, value, expected)
        self.faults += (row or self.row()).make(place, find)

    def _refuse_name(self, base: Keys, keys: Keys, value: object, row: Row) -> None:
        # Of so many not every one is looked for.
        hinted = len(self.faults) < MOST_HINTS
        find = functools.partial(_words_of_name, base, keys, value, hinted, self._document is None)
        self.faults += row.make(functools.partial(self._place, (*base, *keys)), find, at_key=True)


def _side_by_side(fields: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return header fields with the spellings of one name beside each other.

    In code, unlike in a file, the order has no meaning: whichever is to blame has to be the same.
    """
    by_name: dict[str, list[tuple[Any, Any]]] = {}
    for field in fields:
        by_name.setdefault(str(field[0]).lower(), []).append(field)
    return [field for same in by_name.values() for field in sorted(same, key=lambda field: str(field[0]))]


def _words_of_kind(dialect: Dialect, keys: Keys, value: object, expected: str) -> Words:
    got = describe(value, dialect, shown=False)
    return words_of(dialect, dotted(keys), f"expected {expected}, got {got}")


def _words_of_twice(dialect: Dialect, named: Keys, first: str) -> Words:
    text = f"the header is set twice, as {shown_name(first)!r}, too"
    return words_of(dialect, dotted((*named[:-1], shown_name(named[-1]))), text, "keep one of them")


def _words_of_name(base: Keys, keys: Keys, value: object, hinted: bool, in_code: bool) -> Words:
    """Return what is told of an unknown name; with the near one where ``hinted``."""
    # A whole header line, credentials and all, may have been given as a name.
    names = (*base, *keys[:-1], shown_name(keys[-1]))
    # In code a name may be a dotted one as a whole.
    path = ".".join(names) if in_code else dotted(names)
    near = None
    if hinted:
        near = meant(keys, table=isinstance(value, Mapping)) or _section_of(keys, value)
    hint = None
    if in_code and keys[-1].startswith(f"{CONNECTIONS}."):
        option_name = ".".join(keys[-1].split(".")[2:])
        hint = f"it is for one connection, and names none: write {shown_name(option_name or 'uri')!r}"
    elif keys[-1] in ONLY_IN_CODE:
        hint = f"give it in code: {keys[-1]!r} is a keyword of connect()"
    elif keys[-1] == EXTENDS:
        hint = "it stands in a file, above all sections"
    elif near is not None:
        option, is_keyword = near
        right = dotted(option if option[0] in (CONNECTIONS, EXTENDS) else (*base, *option))
        hint = f"did you mean {right!r}?"
        if is_keyword:
            hint = f"the option for {keys[-1]!r} is {right!r}"
    return path, f"unknown option {path!r}", hint


def _section_of(keys: Keys, value: object) -> tuple[Keys, bool] | None:
    """Return the section that a table of an unknown name was meant to be, as ``meant`` does."""
    if len(keys) > 1 or not isinstance(value, Mapping) or not value:
        return None
    found = [name for name in SECTIONS if all((name, inside) in OPTIONS for inside in value)]
    return ((found[0],), False) if len(found) == 1 else None
