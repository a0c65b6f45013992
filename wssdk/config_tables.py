"""Tables as a layer: what TOML and overrides set, and which of their names are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from wssdk.config_faults import CODE, MOST_HINTS, Document, Fault, Leaf, Place, value_fault
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
        for name, inside in connections.items():
            if isinstance(inside, Mapping):
                by_connection[name] = tuple(reader.read(inside, (CONNECTIONS, name)))
            else:
                reader.refuse_kind((CONNECTIONS, name), inside, "a table for each connection")
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
        self.faults: list[Fault] = []

    def _place(self, keys: Keys) -> Place:
        return CODE if self._document is None else Place(Dialect.TOML, self._document, keys)

    def read(self, table: Mapping[str, Any], base: Keys) -> list[Leaf]:
        """Return what a table sets; ``base`` is its own path."""
        leaves: list[Leaf] = []
        for name, value in table.items():
            if (name,) in OPTIONS:
                leaves.append(self._leaf((name,), value, (*base, name)))
            elif name == HEADERS:
                leaves.extend(self._read_headers(value, base))
            elif name in SECTIONS:
                leaves.extend(self._read_section(name, value, base))
            else:
                self._refuse_name(base, (name,), value)
        return leaves

    def _leaf(self, option: Keys, value: object, keys: Keys) -> Leaf:
        return Leaf(option, value, self._place(keys), keys)

    def _read_headers(self, value: object, base: Keys) -> list[Leaf]:
        keys = (*base, HEADERS)
        if not isinstance(value, Mapping):
            self.refuse_kind(keys, value, "a table of headers")
            return []
        leaves: dict[str, Leaf] = {}
        for name, text in fields_of(value):
            leaf = self._leaf((HEADERS, str(name)), text, (*keys, str(name)))
            first = leaves.setdefault(str(name).lower(), leaf)
            if first is not leaf:
                text = f"the header is set twice, as {shown_name(first.option[1])!r}, too"
                self.refuse((*keys, shown_name(str(name))), text, "keep one of them", at=leaf.named)
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
        for name, option_value in value.items():
            if (section, name) in OPTIONS:
                leaves.append(self._leaf((section, name), option_value, (*keys, name)))
            else:
                self._refuse_name(base, (section, str(name)), option_value)
        return leaves

    def refuse(self, keys: Keys, text: str, hint: str | None = None, *, at: Keys = ()) -> None:
        """Note what is wrong with the table or value at ``keys``; it stands at ``at``, if that differs."""
        self.faults.append(value_fault(self._place(at or keys), dotted(keys), text, hint))

    def refuse_kind(self, keys: Keys, value: object, expected: str) -> None:
        """Note that something else is expected at ``keys``; the value may be a secret out of place."""
        got = describe(value, self._place(keys).dialect, shown=False)
        self.refuse(keys, f"expected {expected}, got {got}")

    def _refuse_name(self, base: Keys, keys: Keys, value: object) -> None:
        # A whole header line, credentials and all, may have been given as a name.
        names = (*base, *keys[:-1], shown_name(keys[-1]))
        # In code a name may be a dotted one as a whole.
        path = ".".join(names) if self._document is None else dotted(names)
        # Of so many not every one is looked for.
        near = None
        if len(self.faults) < MOST_HINTS:
            near = meant(keys, table=isinstance(value, Mapping)) or _section_of(keys, value)
        hint = None
        if keys[-1] in ONLY_IN_CODE:
            hint = f"give it in code: {keys[-1]!r} is a keyword of connect()"
        elif keys[-1] == EXTENDS:
            hint = "it stands in a file, above all sections"
        elif near is not None:
            option, is_keyword = near
            right = dotted(option if option[0] in (CONNECTIONS, EXTENDS) else (*base, *option))
            hint = f"did you mean {right!r}?"
            if is_keyword:
                hint = f"the option for {keys[-1]!r} is {right!r}"
        place = self._place((*base, *keys))
        self.faults.append(Fault(place, path, f"unknown option {path!r}", hint, at_key=True))


def _section_of(keys: Keys, value: object) -> tuple[Keys, bool] | None:
    """Return the section that a table of an unknown name was meant to be, as ``meant`` does."""
    if len(keys) > 1 or not isinstance(value, Mapping) or not value:
        return None
    found = [name for name in SECTIONS if all((name, inside) in OPTIONS for inside in value)]
    return ((found[0],), False) if len(found) == 1 else None
