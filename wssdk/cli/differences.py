"""In which options the configurations of two files differ: the top level, and each connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from wssdk.config import ClientConfig
from wssdk.config_explanation import ExplainedOption
from wssdk.config_origins import value_of
from wssdk.config_schema import CONNECTIONS, HEADERS, OPTIONS, Keys, dotted
from wssdk.config_sources import Every

__all__ = ["Difference", "differences"]

_THERE: Final = "a connection"


@attrs.frozen
class Difference:
    """One option that differs, or a connection that one of the two has not."""

    option: str
    a: str | None
    """None for a header or a connection that is not there."""
    b: str | None
    masked: bool = False
    """Whether the two look the same, as what differs is a secret."""

    @property
    def cells(self) -> tuple[str, str, str]:
        """What is printed for people."""
        return self.option, self.a or "", f"{self.b} (another one)" if self.masked else self.b or ""


def differences(one: Every, other: Every) -> Iterator[Difference]:
    """Yield what differs: at the top, and of each connection what does not follow from the top."""
    tops = _values(one.top), _values(other.top)
    yield from _rows(one.top, other.top, _differing(*tops))
    for name in dict.fromkeys([*one.connections, *other.connections]):
        a, b = one.connections.get(name), other.connections.get(name)
        before = dotted((CONNECTIONS, name))
        if a is None or b is None:
            yield Difference(before, None if a is None else _THERE, None if b is None else _THERE)
        elif a != b:
            own = _values(a), _values(b)
            further = [
                keys
                for keys in _differing(*own)
                if any(values.get(keys) != top.get(keys) for values, top in zip(own, tops, strict=True))
            ]
            for row in _rows(a, b, further):
                yield attrs.evolve(row, option=f"{before}.{row.option}")


def _values(config: ClientConfig) -> dict[Keys, Any]:
    """Return the value of every option and header; names of headers are in small letters, as they compare."""
    values: dict[Keys, Any] = {option: value_of(config, option) for option in OPTIONS}
    for name, text in config.headers.raw_items():
        values.setdefault((HEADERS, name.lower()), []).append(text)
    return values


def _differing(first: Mapping[Keys, Any], second: Mapping[Keys, Any]) -> list[Keys]:
    return [keys for keys in dict.fromkeys([*first, *second]) if first.get(keys) != second.get(keys)]


def _rows(first: ClientConfig, second: ClientConfig, differing: Iterable[Keys]) -> Iterator[Difference]:
    wanted = frozenset(differing)
    if not wanted:
        return
    ones, others = _explained(first), _explained(second)
    for keys in dict.fromkeys([*ones, *others]):
        if keys in wanted:
            rows = ones.get(keys), others.get(keys)
            a, b = (None if row is None else row.value for row in rows)
            option = next(row.option for row in rows if row is not None)
            yield Difference(option, a, b, masked=a == b)


def _explained(config: ClientConfig) -> dict[Keys, ExplainedOption]:
    return {
        (HEADERS, row.keys[1].lower()) if row.keys[0] == HEADERS else row.keys: row
        for row in config.explain()
    }
