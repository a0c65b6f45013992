"""The environment as a layer: names to options, texts to values."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

import attrs

from wssdk.config_faults import MOST_EFFORT, MOST_HINTS, Fault, Leaf, Place, Row, Words
from wssdk.config_schema import (
    ALIASES,
    CONNECTIONS,
    HEADERS,
    ONLY_IN_CODE,
    OPTIONS,
    SECTIONS,
    SHORT_FORMS,
    Form,
    Grammar,
    Keys,
    environment_name,
    meant,
)
from wssdk.config_values import Dialect, Effort, nearest

__all__ = ["EnvironmentLayer", "decode", "read_environment"]

_CONNECTIONS_START: Final = "CONNECTIONS__"
_HEADERS_START: Final = "HEADERS__"
_FILE_END: Final = "_FILE"

_OFF: Final = frozenset(("none", "off", "false"))
_SWITCH: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}

# Kubernetes tells every pod about every service: of one that is called wssdk, or wssdk-something, in
# variables that look like ours. The name of a service has no double underscores.
_KUBERNETES: Final = re.compile(
    r"(?:[A-Z0-9]+_)*?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_KUBERNETES_PORT: Final = re.compile(r"(?:tcp|udp|sctp)://.*")
_PLAIN: Final = re.compile(r"[A-Z0-9_]+")
# For the build of this package and for its import, not for its configuration.
_NOT_OURS: Final = frozenset(("BUILD_EXTENSION", "PURE"))

_OPTION_NAMES: Final[Mapping[str, Keys]] = {environment_name(option): option for option in OPTIONS}
_SHORT_NAMES: Final[Mapping[str, str]] = {environment_name((name,)): name for name in SHORT_FORMS}
_SECTION_NAMES: Final = frozenset(environment_name((name,)) for name in SECTIONS)
_FILE_NAMES: Final[Mapping[str, Keys]] = {
    name + _FILE_END: option for name, option in _OPTION_NAMES.items() if OPTIONS[option].secret
}


@attrs.frozen
class EnvironmentLayer:
    """What the environment sets."""

    leaves: tuple[Leaf, ...]
    by_connection: Mapping[str, tuple[Leaf, ...]]
    """Keyed by the connection's name as variables write it."""
    faults: tuple[Fault, ...]
    unknown: tuple[Fault, ...] = ()
    """Variables with our prefix that are none of ours: what is made of them is the caller's choice."""


def read_environment(environ: Mapping[str, str], prefix: str, connections: Iterable[str]) -> EnvironmentLayer:
    """Read all variables that start with ``prefix``; ``connections`` are the names that files know."""
    spelled: dict[str, list[str]] = {}
    for name in dict.fromkeys(connections):
        spelled.setdefault(environment_name((name,)), []).append(name)
    reader = _Reader(prefix, spelled)
    for variable in sorted(environ):
        if variable.startswith(prefix):
            reader.read(variable, environ[variable])
    reader.check_twice()
    by_connection = {name: tuple(leaves) for name, leaves in reader.leaves.items() if name}
    return EnvironmentLayer(
        tuple(reader.leaves.get("", ())), by_connection, tuple(reader.faults), tuple(reader.unknown)
    )


class _Reader:
    def __init__(self, prefix: str, connections: Mapping[str, list[str]]) -> None:
        self._prefix = prefix
        self._connections = connections
        self._in_order = sorted(connections)
        self._lengths = frozenset(map(len, connections))
        self._longest = max(self._lengths, default=0)
        self.leaves: dict[str, list[Leaf]] = {}
        self.faults: list[Fault] = []
        self.unknown: list[Fault] = []
        self._row = Row()
        self._effort = Effort(MOST_EFFORT)

    def read(self, variable: str, text: str) -> None:
        name = variable[len(self._prefix) :]
        place = Place(Dialect.ENVIRONMENT, variable=variable)
        connection, inside = "", name
        if name.startswith(_CONNECTIONS_START):
            connection, inside = self._split(name.removeprefix(_CONNECTIONS_START))
            inside = inside if connection else name
            if connection and self._connections and connection not in self._connections:
                self._refuse_connection(place, connection, inside)
                return
            if len(names := self._connections.get(connection, ())) > 1:
                text = f"it would set the connections {' and '.join(map(repr, names))} alike"
                self.faults.append(
                    Fault(place, CONNECTIONS, text, "give them names that variables can tell apart")
                )
                return
        leaves = list(_leaves_of(inside, text, place))
        if leaves:
            self.leaves.setdefault(connection, []).extend(leaves)
        elif connection or not _is_skipped(name, text):
            before = f"{self._prefix}{_CONNECTIONS_START}{connection}__" if connection else self._prefix
            few = len(self.unknown) < MOST_HINTS
            self.unknown += self._row.make(lambda: place, partial(_words_of_name, name, before, inside, few))

    def _split(self, name: str) -> tuple[str, str]:
        """Return connection and option; names of connections may have double underscores, too."""
        end = name.rfind("__", 0, self._longest + 2)
        while end > 0:
            if end in self._lengths and name[:end] in self._connections:
                return name[:end], name[end + 2 :]
            end = name.rfind("__", 0, end + 1)
        connection, _, inside = name.partition("__")
        return connection, inside

    def _refuse_connection(self, place: Place, connection: str, inside: str) -> None:
        few = len(self.unknown) < MOST_HINTS
        self.unknown += self._row.make(
            lambda: place, partial(self._words_of_connection, connection, inside, few)
        )

    def _words_of_connection(self, connection: str, inside: str, few: bool) -> Words:
        near = nearest(connection, self._in_order, self._effort) if few else None
        hint = None if near is None else f"did you mean {self._prefix}{_CONNECTIONS_START}{near}__{inside}?"
        return CONNECTIONS, "unknown connection", hint

    def check_twice(self) -> None:
        """Find what two variables set: a secret as text and in a file, a header in capitals and not."""
        for leaves in self.leaves.values():
            first: dict[Keys, Leaf] = {}
            for leaf in leaves:
                is_header = leaf.option[0] == HEADERS
                option = (HEADERS, leaf.option[1].lower()) if is_header else leaf.option
                other = first.setdefault(option, leaf)
                if other is not leaf:
                    message = f"{other.place.variable} and {leaf.place.variable} are both set"
                    self.faults.append(Fault(leaf.place, ".".join(leaf.option), message, "keep one of them"))


def _is_skipped(name: str, text: str) -> bool:
    if name == "PORT" or name in _NOT_OURS or (_PLAIN.fullmatch(name) and _KUBERNETES.fullmatch(name)):
        return True
    return name.endswith("_PORT") and _KUBERNETES_PORT.fullmatch(text) is not None


def _leaves_of(name: str, text: str, place: Place) -> Iterable[Leaf]:
    """Yield what one variable sets; nothing where its name is unknown."""
    if name in _OPTION_NAMES:
        option = _OPTION_NAMES[name]
        yield Leaf(option, decode(text, OPTIONS[option]), place, option, text)
    elif name in _FILE_NAMES:
        yield Leaf(_FILE_NAMES[name], {"file": text}, place, _FILE_NAMES[name], text)
    elif name in _SHORT_NAMES:
        yield from _short_form(_SHORT_NAMES[name], text, place)
    elif name.startswith(_HEADERS_START) and name != _HEADERS_START:
        header = "-".join(word.capitalize() for word in name.removeprefix(_HEADERS_START).split("_"))
        yield Leaf((HEADERS, header), text, place, (HEADERS, header), text)


def _short_form(section: str, text: str, place: Place) -> Iterable[Leaf]:
    switch = {**_SWITCH, "none": False}.get(text.strip().lower())
    if switch is None and str in SHORT_FORMS[section]:
        yield Leaf((section, "url"), text, place, (section,), text)
        switch = True
    yield Leaf((section, "enabled"), text if switch is None else switch, place, (section,), text)


def decode(text: str, grammar: Grammar) -> object:
    """Return what TOML would have for ``text``; ``text`` itself where it cannot be told, or is refused."""
    word = text.strip().lower()
    off = ("none",) if grammar.form is Form.TEXT else _OFF
    if grammar.optional and word in off:
        return None
    if grammar.array and not word:
        return []
    if grammar.array or (grammar.pair and "," in text):
        return [_decode_item(item.strip(), grammar) for item in text.split(",")]
    return _decode_item(text, grammar)


def _decode_item(text: str, grammar: Grammar) -> object:
    if grammar.form is Form.TEXT:
        return text
    word = text.strip()
    if grammar.pair and word.lower() in _OFF:
        return None
    if grammar.form in (Form.NUMBER, Form.SWITCH_OR_NUMBER):
        with contextlib.suppress(ValueError):
            return float(word) if "." in word else int(word)
    if grammar.form in (Form.SWITCH, Form.SWITCH_OR_NUMBER):
        return _SWITCH.get(word.lower(), text)
    return word if grammar.form is Form.VALUE else text


def _words_of_name(name: str, before: str, inside: str, few: bool) -> Words:
    hint = _hint(before, inside) if few else None
    return name.lower().replace("__", "."), "unknown option", hint


def _hint(before: str, name: str) -> str | None:
    whole = name.rstrip("_")
    if whole == environment_name((HEADERS,)):
        return f"there is a variable for each header, such as {before}{_HEADERS_START}X_API_KEY"
    if whole == environment_name((CONNECTIONS,)):
        return f"a connection's options have variables such as {before}{_CONNECTIONS_START}NAME__URI"
    if name in _SECTION_NAMES:
        first = next(option for option in _OPTION_NAMES if option.startswith(f"{name}__"))
        return f"the section's options have variables of their own, such as {before}{first}"
    keys = tuple(name.lower().split("__"))
    if keys[-1] in ONLY_IN_CODE:
        return f"give it in code: {keys[-1]!r} is a keyword of connect()"
    if keys in ALIASES:
        option = ALIASES[keys]
        return f"did you mean {before}{environment_name(option)}?" if option else None
    by_keyword = meant((name.lower(),))
    if by_keyword is not None and by_keyword[1]:
        return f"the option for {name.lower()!r} is {before}{environment_name(by_keyword[0])}"
    known = (*_OPTION_NAMES, *_SHORT_NAMES, *_FILE_NAMES)
    near = nearest(name, known)
    if near is None and by_keyword is not None:  # the right name without its section
        right = environment_name(by_keyword[0])
        near = right if right in known else None
    return None if near is None else f"did you mean {before}{near}?"
