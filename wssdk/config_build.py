"""Layers to one configuration, and to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from wssdk.config import ClientConfig
from wssdk.config_faults import Fault, Leaf, value_fault
from wssdk.config_headers import check_header, shown_name
from wssdk.config_origins import Origins
from wssdk.config_resolve import Missing, Unresolved, resolve
from wssdk.config_rules import TOGETHER
from wssdk.config_schema import HEADERS, OPTIONS, Keys, dotted
from wssdk.config_structure import structure
from wssdk.config_values import BadValue, Dialect, describe
from wssdk.errors import ConfigProblem

__all__ = ["Built", "as_spelled", "build", "judge"]

# An option, the one of lower layers that it takes the place of, and what is left of that.
_INSTEAD: Final[tuple[tuple[Keys, Keys, object], ...]] = (
    (("uri",), ("uris",), ()),
    (("uris",), ("uri",), None),
)


@attrs.frozen
class Built:
    """What came of the layers."""

    config: ClientConfig
    """Where there are faults: what can be made of the rest."""
    history: Mapping[Keys, tuple[Leaf, ...]]
    """Every option that holds, with all that set it: the last one holds, and overrode the others."""
    faults: tuple[Fault, ...]


def build(layers: Iterable[Iterable[Leaf]], environ: Mapping[str, str]) -> Built:
    """Lay the layers over each other, low to high, and make the configuration of what holds."""
    history, replaced = _merge(layers)
    builder = _Builder(history, environ)
    config = builder.make()
    origins = Origins(config, {**history, **replaced} if replaced else history)
    return Built(config.with_origins(origins), history, tuple(builder.faults))


def judge(layers: Iterable[Iterable[Leaf]], environ: Mapping[str, str]) -> tuple[Fault, ...]:
    """Return which values cannot be right, whatever else is set.

    What a value points to need not be there, and rules between options need not be kept.
    """
    builder = _Builder(_merge(layers)[0], environ)
    builder.judge()
    return tuple(builder.faults)


def _merge(
    layers: Iterable[Iterable[Leaf]],
) -> tuple[dict[Keys, tuple[Leaf, ...]], dict[Keys, tuple[Leaf, ...]]]:
    """Return by option all that set it; and the same of options that others took the place of."""
    history: dict[Keys, tuple[Leaf, ...]] = {}
    replaced: dict[Keys, tuple[Leaf, ...]] = {}
    headers: dict[str, Keys] = {}
    for layer in layers:
        given: dict[Keys, Leaf] = {}
        for leaf in layer:
            given[leaf.option] = leaf
            option = leaf.option
            if option[0] == HEADERS:
                option = _header(leaf, headers)
            before = history.get(option, ())
            if replaced and not before:
                before = replaced.pop(option, ())
            history[option] = (*before, leaf)
        for one, other, left in _INSTEAD:
            if one in given and other not in given and other in history:
                replaced[other] = (*history.pop(other), attrs.evolve(given[one], option=other, value=left))
    return history, replaced


def _header(leaf: Leaf, known: dict[str, Keys]) -> Keys:
    """Return the key of a header; ``known`` are those so far, by what variables can spell of their names."""
    name = leaf.option[1].lower()
    spelled = as_spelled(name)
    if leaf.place.dialect is Dialect.ENVIRONMENT:
        return known.setdefault(spelled, (HEADERS, spelled))
    key = (HEADERS, name)
    known.setdefault(spelled, key)
    return key


def as_spelled(name: str) -> str:
    """Return the name of a header as a variable spells it: without underscores, for which it has dashes."""
    return name.lower().replace("_", "-")


def _header_name(leaves: tuple[Leaf, ...]) -> str:
    """Return the spelling that holds: a variable's name has none."""
    spelled = [leaf for leaf in leaves if leaf.place.dialect is not Dialect.ENVIRONMENT]
    return (spelled or list(leaves))[-1].option[1]


class _Builder:
    def __init__(self, history: Mapping[Keys, tuple[Leaf, ...]], environ: Mapping[str, str]) -> None:
        self._history = history
        self._environ = environ
        self._values: dict[Keys, object] = {}
        self._bad: set[str] = set()
        self.faults: list[Fault] = []

    def judge(self) -> None:
        """Note what is wrong with each value by itself."""
        for option in self._history:
            self._resolve(option, needed=False)
        _, bad_values, _ = structure(self._tree())
        for option, bad in bad_values.items():
            self._refuse(option, bad)

    def make(self) -> ClientConfig:
        """Return the configuration of everything that is right, and note what is not."""
        for option in self._history:
            self._resolve(option)
        # What has a fault is left out, and the rest tried again: the rules between options only run on
        # what is made of good values.
        while True:
            config, bad_values, broken_rules = structure(self._tree())
            if config is not None:
                return config
            before = len(self._values)
            for option, bad in bad_values.items():
                self._refuse(option, bad)
            if not bad_values:
                for error in broken_rules:
                    for problem in error.problems:
                        self._refuse_combination(problem)
            assert len(self._values) < before, "a fault in what nobody set"

    def _resolve(self, option: Keys, *, needed: bool = True) -> None:
        leaf = self._history[option][-1]
        if option[0] == HEADERS and leaf.value is None and leaf.place.dialect is Dialect.CODE:
            return  # taken away
        try:
            value = resolve(leaf, self._environ)
            if option[0] == HEADERS:
                check_header(_header_name(self._history[option]), value)
        except Unresolved as unresolved:
            if needed or not isinstance(unresolved, Missing):
                self._add(leaf, unresolved.message, unresolved.hint)
        except BadValue as bad:
            self._refuse(option, bad)
        else:
            self._values[option] = value

    def _tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for option, value in self._values.items():
            if option[0] == HEADERS:
                tree.setdefault(HEADERS, {})[_header_name(self._history[option])] = value
            elif len(option) == 1:
                tree[option[0]] = value
            else:
                tree.setdefault(option[0], {})[option[1]] = value
        return tree

    def _add(self, leaf: Leaf, text: str, hint: str | None) -> None:
        self._bad.add(".".join(leaf.option))
        named = leaf.named
        if leaf.option[0] == HEADERS:
            named = (*named[:-1], shown_name(named[-1]))
        self.faults.append(value_fault(leaf.place, dotted(named), text, hint))

    def _refuse(self, option: Keys, bad: BadValue) -> None:
        self._values.pop(option, None)
        leaf = self._history[option][-1]
        dialect = leaf.place.dialect
        shown = option[0] != HEADERS and not OPTIONS[option].untold
        given = bad.value if leaf.text is None or isinstance(bad.value, str) else leaf.text
        got = describe(given, dialect, shown=shown)
        self._add(leaf, bad.told(dialect, got), bad.advice(dialect, leaf.place.variable))

    def _refuse_combination(self, problem: ConfigProblem) -> None:
        option = tuple(problem.path.split("."))
        self._values.pop(option, None)
        for group in TOGETHER:
            if problem.path in group and group & self._bad:
                return  # the rule may be kept once that one is mended
        leaf = self._history[option][-1]
        text = problem.message.removeprefix(f"{problem.path}: ")
        self.faults.append(value_fault(leaf.place, dotted(leaf.named), text, problem.hint))
