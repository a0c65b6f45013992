"""Durations and sizes, for libraries that have none of their own: each is given these two as converters."""

from __future__ import annotations

import re

__all__ = ["seconds", "size"]

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "KiB": 1 << 10, "MiB": 1 << 20}


def _scaled(value: object, units: dict[str, float] | dict[str, int], example: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"([0-9.]+) ?([A-Za-z]*)", value) if isinstance(value, str) else None
    if match is None or match[2] not in {"", *units}:
        raise ValueError(f"expected a number or text such as {example}")
    return float(match[1]) * (units[match[2]] if match[2] else 1)


def seconds(value: object) -> float:
    """Return the seconds that ``value`` (a number, or text such as "5s") stands for."""
    return _scaled(value, _SECONDS, '"5s"')


def size(value: object) -> int:
    """Return the bytes that ``value`` (a number, or text such as "4 MiB") stands for."""
    return int(_scaled(value, _BYTES, '"4 MiB"'))
