"""Several configurations of layers that most of them share: the connections of a file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wssdk.config_build import Builder, Built, ElsewhereError, Found, Layer, merge
from wssdk.config_faults import Fault, LateFault, Leaf
from wssdk.config_origins import Origins
from wssdk.config_resolve import References
from wssdk.config_schema import HEADERS, Keys

__all__ = ["Several"]


class Several:
    """Configurations that have most of their layers in common.

    What those set is worked out once: each configuration costs what its own layers change, and no more.
    """

    def __init__(self, common: Sequence[Layer], environ: Mapping[str, str]) -> None:
        self._common = common
        self._references = References(environ)
        self._by_group: list[dict[str, list[Leaf]]] = []
        for layer in common:
            groups: dict[str, list[Leaf]] = {}
            for leaf in layer:
                groups.setdefault(_group(leaf.option), []).append(leaf)
            self._by_group.append(groups)
        self._history, self._replaced = merge(common)
        self.header_count = sum(1 for option in self._history if option[0] == HEADERS)
        """Headers in common, of which each configuration that sets some has a copy."""
        self._explained = {**self._history, **self._replaced}
        builder = Builder(self._history, self._references)
        self._parts = builder.make_parts()
        self._faults: dict[str, list[Found]] = {}
        for found in builder.faults:
            self._faults.setdefault(_group((found.part,)), []).append(found)
        self._beside: dict[frozenset[str], tuple[list[Layer], Mapping[str, Any]]] = {}
        self._unchanged: Built | None = None
        # Of the common faults those that a configuration has not laid something else upon.
        self._kept: set[str] = set()
        self._found: dict[object, Found] = {}
        self._counted = _Counted()

    @property
    def faults(self) -> list[Fault]:
        """What is wrong with the values in common, and with the configurations that were made; each once."""
        alone: dict[object, Found] = {}
        others: dict[object, Found] = {}
        counted = self._counted.copy()
        for group, common in self._faults.items():
            for found in common:
                if found.alone or group in self._kept:
                    counted.add(found)
            alone |= {_identity(found): found for found in common if found.alone}
            if group in self._kept:
                others |= {_identity(found): found for found in common if not found.alone}
        others |= {
            identity: found
            for identity, found in self._found.items()
            if identity not in alone and identity not in others
        }
        counted.tell(alone | others)
        in_order = [*sorted(alone.values(), key=Found.order), *sorted(others.values(), key=Found.order)]
        return [found.fault for found in in_order]

    def build(self, own: Sequence[Layer]) -> Built:
        """Make a configuration; each of its ``own`` layers lies upon the common one of the same number.

        Its faults are among those of :attr:`faults`.
        """
        changed = frozenset(_group(leaf.option) for layer in own for leaf in layer)
        if not changed and self._unchanged is not None:
            return self._unchanged
        while True:
            try:
                built = self._build(own, changed)
            except ElsewhereError as elsewhere:
                group = _group(elsewhere.option)
            else:
                break
            assert group not in changed, "a fault in what nobody set"
            changed |= {group}
        self._kept |= self._faults.keys() - changed
        if not any(own):
            self._unchanged = built
        return built

    def _build(self, own: Sequence[Layer], changed: frozenset[str]) -> Built:
        if changed not in self._beside:
            self._beside[changed] = self._split(changed)
        below, others = self._beside[changed]
        history, replaced = merge(itertools.chain.from_iterable(zip(below, own, strict=True)))
        builder = Builder(history, self._references)
        config = builder.make(others)
        for found in builder.faults:
            self._counted.add(found)
            self._found.setdefault(_identity(found), found._replace(behind=()))
        whole = _Laid(self._history, changed, history)
        explained = whole
        if replaced or self._replaced:
            explained = _Laid(self._explained, changed, {**history, **replaced})
        return Built(config.with_origins(Origins(config, explained)), whole, ())

    def _split(self, changed: frozenset[str]) -> tuple[list[Layer], Mapping[str, Any]]:
        """Return the common layers of some groups of options, and what the others come to."""
        names = sorted(changed)
        below: list[Layer] = [
            [leaf for group in names for leaf in groups.get(group, ())] for groups in self._by_group
        ]
        return below, {name: part for name, part in self._parts.items() if _group((name,)) not in changed}


def _group(option: Keys) -> str:
    """Return what tells options that are worked out together: those of a section, all headers, the URIs."""
    return "uri" if option[0] == "uris" else option[0]


def _identity(found: Found) -> object:
    """Return what tells whether two configurations have a fault in common."""
    rule = (found.fault.message, found.fault.hint) if found.step == 2 else ()
    return id(found.leaf), found.step, rule


class _Counted:
    """Faults that are not told but counted: each once, of however many configurations it is one."""

    def __init__(self) -> None:
        # By row: what is counted, and behind which fault.
        self._rows: dict[object, tuple[set[int], object]] = {}

    def copy(self) -> _Counted:
        """Return another one that begins with as many."""
        new = _Counted()
        new._rows = {row: (set(leaves), last) for row, (leaves, last) in self._rows.items()}
        return new

    def add(self, found: Found) -> None:
        """Count what is behind a fault."""
        if found.behind:
            leaves, _ = self._rows.setdefault(found.row, (set(), None))
            leaves.update(map(id, found.behind))
            self._rows[found.row] = leaves, _identity(found)

    def tell(self, told: Mapping[object, Found]) -> None:
        """Have those that are told stand for those that are not."""
        leaves_told = {id(found.leaf) for found in told.values()}
        for found in told.values():
            if isinstance(found.fault, LateFault):
                found.fault.count(0)
        for leaves, last in self._rows.values():
            fault = told[last].fault
            assert isinstance(fault, LateFault), "others are made one by one"
            fault.count(len(leaves - leaves_told))


class _Laid(Mapping[Keys, tuple[Leaf, ...]]):
    """A history: that of the common layers, but for some groups of options. It is seldom asked for."""

    def __init__(
        self,
        common: Mapping[Keys, tuple[Leaf, ...]],
        changed: frozenset[str],
        own: Mapping[Keys, tuple[Leaf, ...]],
    ) -> None:
        self._common = common
        self._changed = changed
        self._own = own

    def __getitem__(self, option: Keys) -> tuple[Leaf, ...]:
        return (self._own if _group(option) in self._changed else self._common)[option]

    def __iter__(self) -> Iterator[Keys]:
        yield from (option for option in self._common if _group(option) not in self._changed)
        yield from self._own

    def __len__(self) -> int:
        return sum(1 for _ in self)
