"""A configuration with some options changed, by their dotted names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from wssdk.config import ClientConfig
from wssdk.config_faults import Leaf
from wssdk.config_headers import fields_of
from wssdk.config_report import report
from wssdk.config_schema import HEADERS
from wssdk.config_tables import read_overrides
from wssdk.errors import ConfigError, ConfigProblem

__all__ = ["evolve"]


def evolve(config: ClientConfig, changes: Mapping[str, Any], options: Mapping[str, Any]) -> ClientConfig:
    """Return what ``config`` is with changes and options; see ``ClientConfig.evolve``.

    Raises:
        ConfigError: everything that is wrong with the changes, or with what comes of them.
        TypeError: ``changes`` is no mapping.
    """
    if not isinstance(changes, Mapping):
        raise TypeError(f"changes must be a mapping, not {type(changes).__name__}")
    layer = read_overrides({**changes, **options})
    twice = [str(name) for name in changes if name in options]
    problems = [
        ConfigProblem("code", name, f"{name}: given both in the mapping and by keyword", "keep one of them")
        for name in sorted(twice)
    ]
    problems += report(layer.faults, ())
    top: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for leaf in layer.leaves:
        if len(leaf.option) == 1:
            top[leaf.option[0]] = leaf.value
        elif leaf.option[0] != HEADERS:
            sections.setdefault(leaf.option[0], {})[leaf.option[1]] = leaf.value
    if ("uri" in top) != ("uris" in top):  # the new one takes the place of the other, as in layers
        top = {"uri": None, "uris": ()} | top
    headers = [leaf for leaf in layer.leaves if leaf.option[0] == HEADERS]
    if headers:
        top[HEADERS] = _with_headers(config, headers)
    for name, values in sections.items():
        changed = _changed(getattr(config, name), values, problems)
        if changed is not None:
            top[name] = changed
    new: ClientConfig | None = _changed(config, top, problems)
    if new is None or problems:
        raise ConfigError(problems)
    return new


def _changed(part: Any, values: dict[str, Any], problems: list[ConfigProblem]) -> Any:
    """Return a section or a configuration with ``values``; None, with what is wrong among ``problems``."""
    try:
        return attrs.evolve(part, **values)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _with_headers(config: ClientConfig, changes: Iterable[Leaf]) -> list[tuple[str, Any]]:
    # Of a name that changes every field goes, and the new one comes last.
    changed = {leaf.option[1].lower(): (leaf.option[1], leaf.value) for leaf in changes}
    kept = [field for field in fields_of(config.headers) if field[0].lower() not in changed]
    return [*kept, *(field for field in changed.values() if field[1] is not None)]
