"""Layers to one configuration, and to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from wssdk.config import ClientConfig, FrozenHeaders
from wssdk.config_faults import Fault, LateFault, Leaf, Row, Words, value_fault, words_of
from wssdk.config_headers import header_refusal, shown_name
from wssdk.config_origins import Origins
from wssdk.config_resolve import Missing, References, Unresolved, resolve
from wssdk.config_rules import TOGETHER
from wssdk.config_schema import HEADERS, OPTIONS, SECTIONS, Keys, dotted
from wssdk.config_structure import structure
from wssdk.config_values import BadValue, Dialect, describe
from wssdk.config_words import header_fault
from wssdk.errors import ConfigError, ConfigProblem
from wssdk.secret import Secret

__all__ = ["Builder", "Built", "ElsewhereError", "Found", "History", "Layer", "as_spelled", "build", "merge"]

Layer: TypeAlias = Sequence[Leaf]
"""What is set in one place."""

# An option, the one of lower layers that it takes the place of, and what is left of that.
_INSTEAD: Final[tuple[tuple[Keys, Keys, object], ...]] = (
    (("uri",), ("uris",), ()),
    (("uris",), ("uri",), None),
)

History: TypeAlias = dict[Keys, tuple[Leaf, ...]]
"""By option all that set it, low to high."""

# Names of variables that those which are not set are compared with, in one configuration.
_MOST_COMPARED: Final = 5000

_ORDER: Final = {name: at for at, name in enumerate(attrs.fields_dict(ClientConfig))}
_DEFAULTS: Final = ClientConfig()


@attrs.frozen
class Built:
    """What came of the layers."""

    config: ClientConfig
    """Where there are faults: what can be made of the rest."""
    history: Mapping[Keys, tuple[Leaf, ...]]
    """Every option that holds, with all that set it: the last one holds, and overrode the others."""
    faults: tuple[Fault, ...]


def build(layers: Iterable[Layer], environ: Mapping[str, str]) -> Built:
    """Lay the layers over each other, low to high, and make the configuration of what holds."""
    history, replaced = merge(layers)
    builder = Builder(history, References(environ))
    config = builder.make({})
    origins = Origins(config, {**history, **replaced} if replaced else history)
    return Built(config.with_origins(origins), history, tuple(found.fault for found in builder.faults))


class Found(NamedTuple):
    """A fault, and how it was found."""

    fault: Fault
    part: str
    """The section, or the option of the top level, that it is in."""
    step: int
    """0: a reference cannot be followed, or it is a header; 1: a grammar refused it; 2: a rule did."""
    leaf: Leaf
    """What is to blame."""
    alone: bool = True
    """Whether the value cannot be right whatever else is set, and wherever it is loaded."""
    behind: Sequence[Leaf] = ()
    """Those that are wrong, too, further down in its table, and are only counted."""

    @property
    def row(self) -> tuple[int, Keys, bool]:
        """Return what it has in common with those that are counted with it."""
        return id(self.leaf.place.document), self.leaf.named[:-1], self.alone

    def order(self) -> tuple[int, int]:
        """Return where it is among the faults of one configuration."""
        return self.step, _ORDER[self.part]


def merge(layers: Iterable[Layer]) -> tuple[History, History]:
    """Return by option all that set it; and the same of options that others took the place of."""
    history: History = {}
    replaced: History = {}
    spelled: dict[str, Keys] = {}
    for layer in layers:
        given: dict[Keys, Leaf] = {}
        for leaf in layer:
            option = leaf.option
            if len(option) == 1:
                given[option] = leaf
            elif option[0] == HEADERS:
                option = _header(leaf, history, spelled)
            if option in history:
                history[option] = (*history[option], leaf)
            else:
                history[option] = (*replaced.pop(option), leaf) if option in replaced else (leaf,)
        for one, other, left in _INSTEAD:
            if one in given and other not in given and other in history:
                replaced[other] = (*history.pop(other), attrs.evolve(given[one], option=other, value=left))
    return history, replaced


def _header(leaf: Leaf, history: History, spelled: dict[str, Keys]) -> Keys:
    """Return the key of a header; ``spelled`` are those so far, as variables spell their names."""
    if leaf.place.dialect is not Dialect.ENVIRONMENT:
        name = leaf.option[1].lower()
        key = leaf.option if name == leaf.option[1] else (HEADERS, name)
        if spelled:
            spelled.setdefault(as_spelled(name), key)
        return key
    if not spelled:  # the first one of the environment
        for key in history:
            if key[0] == HEADERS:
                spelled.setdefault(as_spelled(key[1]), key)
    name = as_spelled(leaf.option[1])
    return spelled.setdefault(name, (HEADERS, name))


def as_spelled(name: str) -> str:
    """Return the name of a header as a variable spells it: without underscores, for which it has dashes."""
    return name.lower().replace("_", "-")


def _header_name(leaves: tuple[Leaf, ...]) -> str:
    """Return the spelling that holds: a variable's name has none."""
    for leaf in reversed(leaves):
        if leaf.place.dialect is not Dialect.ENVIRONMENT:
            return leaf.option[1]
    return leaves[-1].option[1]


class ElsewhereError(Exception):
    """A rule is broken, and to blame is an option that other layers set."""

    def __init__(self, option: Keys) -> None:
        super().__init__()
        self.option = option


class Builder:
    """A configuration in the making: what is wrong is left out, and noted."""

    def __init__(self, history: History, references: References) -> None:
        self._history = history
        self._references = references
        # What is left to make a section, an option of the top level, or the headers of: names and values.
        self._given: dict[str, dict[Keys, Any]] = {}
        self._parts: dict[str, Any] = {}
        self._stale: set[str] = set()
        self._unresolved = 0
        self._bad: set[str] = set()
        self._rows: dict[tuple[int, Keys, bool], tuple[Row, list[Leaf]]] = {}
        self.faults: list[Found] = []
        for option, leaves in history.items():
            if option[0] != HEADERS or not self._takes_plain(option, leaves[-1]):
                self._resolve(option)

    def make(self, others: Mapping[str, Any]) -> ClientConfig:
        """Return the configuration of everything that is right, and of the parts that ``others`` made.

        Raises:
            ElsewhereError: what is right does not go with one of those.
        """
        while True:
            parts = self.make_parts()
            try:
                return _DEFAULTS.with_parts({**others, **parts})
            except ConfigError as error:
                problems = error.problems
            self._refuse_combinations(problems)

    def make_parts(self) -> Mapping[str, Any]:
        """Return the sections and the options of the top level, as far as they are right."""
        # What has a fault is left out, and the rest tried again: the rules between options only run on
        # what is made of good values.
        while self._stale:
            all_bad: dict[Keys, BadValue] = {}
            broken: list[ConfigProblem] = []
            for name in sorted(self._stale, key=_ORDER.__getitem__):
                part, bad_values, broken_rules = self._make_part(name)
                all_bad |= bad_values
                broken.extend(problem for error in broken_rules for problem in error.problems)
                if not bad_values and not broken_rules:
                    self._parts[name] = part
                    self._stale.discard(name)
            for option, bad in all_bad.items():
                self._leave_out(option)
                leaf = self._history[option][-1]
                self._add(leaf, 1, True, partial(_words_of_bad, leaf, bad.with_traceback(None)))
            if broken and not all_bad:
                self._refuse_combinations(broken)
        return self._parts

    def _make_part(self, name: str) -> tuple[Any, dict[Keys, BadValue], list[ConfigError]]:
        given = self._given.get(name)
        if not given:
            return getattr(_DEFAULTS, name), {}, []
        if name == HEADERS:
            return _checked_headers(given.values()), {}, []
        if name in SECTIONS:
            return structure(name, {option[1]: value for option, value in given.items()})
        return structure(name, given[(name,)])

    def _takes_plain(self, option: Keys, leaf: Leaf) -> bool:
        """Take a header of a file that is a good text without references: the short way for most."""
        text, name = leaf.value, leaf.option[1]
        if leaf.place.dialect is not Dialect.TOML or not isinstance(text, str) or "${" in text:
            return False
        if header_fault(name, text):
            return False
        if HEADERS not in self._given:
            self._given[HEADERS] = {}
            self._stale.add(HEADERS)
        self._given[HEADERS][option] = name, text
        return True

    def _resolve(self, option: Keys) -> None:
        leaves = self._history[option]
        leaf = leaves[-1]
        is_header, alone = option[0] == HEADERS, True
        if is_header and leaf.value is None and leaf.place.dialect is Dialect.CODE:
            return  # taken away
        bad: BadValue | None = None
        try:
            value = resolve(leaf, self._references)
        except Unresolved as unresolved:
            alone = not isinstance(unresolved, Missing)
            self._unresolved += 1
            near = self._unresolved * len(self._references.environ) <= _MOST_COMPARED
            find = partial(_words_of_unresolved, leaf, unresolved.with_traceback(None), near)
        else:
            if is_header:
                name = _header_name(leaves)
                bad = header_refusal(name, value)
                value = name, value
            if bad is None:
                self._given.setdefault(option[0], {})[option] = value
                self._stale.add(option[0])
                return
            find = partial(_words_of_bad, leaf, bad)
        if is_header and len(leaves) == 1 and leaf.place.dialect is not Dialect.CODE:
            self._add_to_row(leaf, alone, find)
        else:
            self._add(leaf, 0, alone, find)

    def _add(self, leaf: Leaf, step: int, alone: bool, find: Callable[[], Words]) -> None:
        self._bad.add(".".join(leaf.option))
        self.faults.append(Found(LateFault(leaf.place, find), leaf.option[0], step, leaf, alone))

    def _add_to_row(self, leaf: Leaf, alone: bool, find: Callable[[], Words]) -> None:
        """Add what is wrong with a header that is set once: the history has those in their table's order."""
        row = id(leaf.place.document), leaf.named[:-1], alone
        if row not in self._rows:
            self._rows[row] = Row(), []
        faults, behind = self._rows[row]
        made = faults.make(lambda: leaf.place, find)
        if made:
            self.faults.append(Found(made[0], HEADERS, 0, leaf, alone, behind if faults.is_full else ()))
        else:
            behind.append(leaf)

    def _leave_out(self, option: Keys) -> None:
        self._given.get(option[0], {}).pop(option, None)
        self._stale.add(option[0])

    def _refuse_combinations(self, problems: Sequence[ConfigProblem]) -> None:
        for problem in problems:
            option = tuple(problem.path.split("."))
            if option not in self._history:
                raise ElsewhereError(option)
            self._leave_out(option)
            if any(problem.path in group and group & self._bad for group in TOGETHER):
                continue  # the rule may be kept once that one is mended
            leaf = self._history[option][-1]
            text = problem.message.removeprefix(f"{problem.path}: ")
            fault = value_fault(leaf.place, dotted(leaf.named), text, problem.hint)
            self.faults.append(Found(fault, option[0], 2, leaf, alone=False))
        # What is left may break rules for the lack of those alone.
        self._bad.update(problem.path for problem in problems)


def _checked_headers(fields: Collection[tuple[str, str | Secret]]) -> FrozenHeaders:
    """Return header fields that were checked, each by itself, as they came."""
    secrets = [name for name, text in fields if isinstance(text, Secret) and text.reveal()]
    return FrozenHeaders(
        [(name, text.reveal() if isinstance(text, Secret) else text) for name, text in fields], secrets
    )


def _words_of_unresolved(leaf: Leaf, unresolved: Unresolved, near: bool) -> Words:
    return _words(leaf, unresolved.message, unresolved.find_hint(near=near))


def _words_of_bad(leaf: Leaf, bad: BadValue) -> Words:
    dialect = leaf.place.dialect
    shown = leaf.option[0] != HEADERS and not OPTIONS[leaf.option].untold
    given = bad.value if leaf.text is None or isinstance(bad.value, str) else leaf.text
    got = describe(given, dialect, shown=shown)
    return _words(leaf, bad.told(dialect, got), bad.advice(dialect, leaf.place.variable))


def _words(leaf: Leaf, text: str, hint: str | None) -> Words:
    named = leaf.named
    if leaf.option[0] == HEADERS:
        named = (*named[:-1], shown_name(named[-1]))
    return words_of(leaf.place.dialect, dotted(named), text, hint)
