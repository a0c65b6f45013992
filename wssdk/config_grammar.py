"""Grammars of durations, sizes, numbers and switches: one function each.

Each takes what TOML, environment or code may give, returns the value in its one form (seconds, bytes,
None for off), takes its own result unchanged, and raises :exc:`BadValue` for anything else.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from wssdk.config_values import BadValue, Refused, is_off, is_text, items, nearest

__all__ = [
    "DurationLike",
    "MaxQueueLike",
    "MaxSizeLike",
    "SizeLike",
    "WriteLimitLike",
    "boolean",
    "client_window_bits",
    "compression_level",
    "duration",
    "factor",
    "max_queue",
    "max_size",
    "memory_level",
    "optional_count",
    "optional_duration",
    "optional_port",
    "optional_size",
    "read_limit",
    "redirects",
    "retry_status",
    "server_window_bits",
    "size",
    "write_limit",
]

DurationLike: TypeAlias = float | str
"""Seconds, or a text with a unit such as ``"500ms"``."""

SizeLike: TypeAlias = int | str
"""Bytes, or a text with a unit such as ``"1 MiB"``."""

MaxSizeLike: TypeAlias = SizeLike | Sequence[SizeLike | None] | None
"""Limit of a message, or limits of message and fragment."""

MaxQueueLike: TypeAlias = int | Sequence[int | None] | None
"""High water, or high and low water, in messages."""

WriteLimitLike: TypeAlias = SizeLike | Sequence[SizeLike | None]
"""High water, or high and low water, in bytes."""

# Bounded: integers of thousands of digits take their time. The JSON schema has the same pattern.
_AMOUNT: Final = re.compile(r"([+-]?[0-9]{1,20})(?:\.([0-9]{1,20}))? *([^\W\d_]{0,20})")
_BLANKS: Final = " \t\r\n"
_LONGEST_AMOUNT: Final = 40

# What people write where they mean "off".
_OFF_WORDS: Final = frozenset(
    (
        "",
        "none",
        "off",
        "false",
        "no",
        "null",
        "nil",
        "never",
        "disabled",
        "inf",
        "infinity",
        "nan",
        "unlimited",
    )
)

_Unit: TypeAlias = tuple[int, int]
"""How many of what is counted, and what that is to be divided by."""

_SECONDS: Final[Mapping[str, _Unit]] = {
    "": (1, 1),
    "ms": (1, 1000),
    "s": (1, 1),
    "m": (60, 1),
    "h": (3600, 1),
}
_BYTES: Final[Mapping[str, _Unit]] = {
    "": (1, 1),
    "B": (1, 1),
    "kB": (10**3, 1),
    "MB": (10**6, 1),
    "GB": (10**9, 1),
    "KiB": (2**10, 1),
    "MiB": (2**20, 1),
    "GiB": (2**30, 1),
}
# Too far from the unit for a likeness to be found.
_UNIT_NAMES: Final = {
    "s": ("sec", "secs", "second", "seconds"),
    "ms": ("msec", "msecs", "millis", "millisecond", "milliseconds"),
    "m": ("min", "mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "B": ("byte", "bytes"),
    "kB": ("k",),
    "MB": ("m",),
    "GB": ("g",),
}

_DURATION: Final = 'a duration such as 10, 2.5, "10s" or "500ms"'
_OPTIONAL_DURATION: Final = f"{_DURATION}, or {{off}} to switch it off"
_SIZE: Final = 'a size such as 1048576, "1 MiB" or "500 kB"'
_OPTIONAL_SIZE: Final = f"{_SIZE}, or {{off}} for no limit"
_QUEUE: Final = "a whole number of messages, or {off} for no limit"

_TO_SWITCH_OFF: Final = "to switch it off, write {off}"
_FOR_NO_LIMIT: Final = "for no limit, write {off}"
_ZERO_OR_MORE: Final = "it is 0 or more, and cannot be switched off"

_MOST_STATUS: Final = 300
_LARGEST_READ: Final = 2**30

# Timers of some platforms count no further.
_LONGEST: Final = 10**9


def duration(value: DurationLike) -> float:
    """Return seconds, above 0."""
    return _seconds(value, _DURATION, "it cannot be switched off")


def optional_duration(value: DurationLike | None) -> float | None:
    """Return seconds, above 0; None for off."""
    if is_off(value):
        return None
    return _seconds(value, _OPTIONAL_DURATION, _TO_SWITCH_OFF)


def size(value: SizeLike) -> int:
    """Return bytes, 0 or more."""
    return _bytes(value, _SIZE, _ZERO_OR_MORE, least=0)


def read_limit(value: SizeLike) -> int:
    """Return bytes, above 0, up to 1 GiB: as much as may be read at once."""
    limit = _bytes(value, _SIZE, "it must be above 0, and cannot be switched off", least=1)
    if limit > _LARGEST_READ:
        raise BadValue(_SIZE, value, "at most 1 GiB is read at once")
    return limit


def optional_size(value: SizeLike | None) -> int | None:
    """Return bytes, above 0; None for no limit."""
    return _optional_bytes(value)


def max_size(value: MaxSizeLike) -> int | tuple[int | None, int | None] | None:
    """Return the limit of a message, or those of message and fragment, bytes; None for no limit."""
    given = items(value)
    if given is None:
        return _optional_bytes(value)
    message, fragment = _two(given, "one size, or two: [message, fragment]")
    most, most_of_fragment = _optional_bytes(message), _optional_bytes(fragment)
    if most is not None and most_of_fragment is not None and most_of_fragment > most:
        text = f"the limit of a fragment, {most_of_fragment}, is above that of a message, {most}"
        raise Refused(text, value, "write [message, fragment]")
    return most, most_of_fragment


def max_queue(value: MaxQueueLike) -> int | tuple[int, int] | None:
    """Return high water, or high and low water, in messages; None for no limit.

    Without low water it is a quarter of high water.
    """
    given = items(value)
    if given is None:
        return _messages(value, least=1)
    expected = "one number of messages, or two: [high, low]"
    high_item, low_item = _two(given, expected)
    high, low = _messages(high_item, least=1), _messages(low_item, least=0)
    if high is None and low is not None:
        raise Refused("low water has no meaning without high water", value)
    return high if high is None or low is None else _waters(high, low)


def write_limit(value: WriteLimitLike) -> int | tuple[int, int]:
    """Return high water, or high and low water, bytes. Without low water it is a quarter of high water."""
    given = items(value)
    if given is None:
        return _bytes(value, _SIZE, _ZERO_OR_MORE, least=0)
    expected = "one size, or two: [high, low]"
    high_item, low_item = _two(given, expected)
    high = _bytes(high_item, _SIZE, _ZERO_OR_MORE, least=0)
    return high if is_off(low_item) else _waters(high, size(low_item))


def boolean(value: bool) -> bool:
    """Return true or false, and take nothing else for it."""
    return _true_or_false(value)


def factor(value: float) -> float:
    """Return a factor, 1 or more."""
    return _number(value, "a number of 1 or more, such as 1.618")


def compression_level(value: int) -> int:
    """Return a level of zlib: 0 to 9, or -1 for the library's default."""
    return _integer(value, -1, 9, "a level from 0 to 9, or -1 for the library's default")


def memory_level(value: int) -> int:
    """Return a memory level of zlib: 1 to 9."""
    return _integer(value, 1, 9, "a memory level from 1 to 9")


def client_window_bits(value: bool | int) -> bool | int:
    """Return 9 to 15, or True: the server may choose (RFC 7692, 7.1.2.2)."""
    if value is True:
        return True
    hint = "zlib cannot compress with a window of 8 bits" if value == 8 else None
    return _integer(value, 9, 15, "true (the server may choose) or a number from 9 to 15", hint)


def server_window_bits(value: int | None) -> int | None:
    """Return 8 to 15, or None: nothing is asked of the server (RFC 7692, 7.1.2.1)."""
    if is_off(value):
        return None
    return _integer(value, 8, 15, "a number from 8 to 15, or {off} to ask nothing of the server")


def optional_port(value: int | None) -> int | None:
    """Return a TCP port; None for none."""
    if is_off(value):
        return None
    return _integer(value, 1, 65535, "a port from 1 to 65535, or {off}")


def optional_count(value: int | None) -> int | None:
    """Return a count, above 0; None for off."""
    if is_off(value):
        return None
    return _integer(value, 1, sys.maxsize, "a whole number above 0, or {off}", _TO_SWITCH_OFF)


def redirects(value: int) -> int:
    """Return how many redirects may be followed, 0 or more."""
    return _integer(value, 0, 1000, "a number of redirects from 0 to 1000")


def retry_status(value: Sequence[int]) -> tuple[int, ...]:
    """Return HTTP status codes, each once."""
    expected = "an array of HTTP status codes from 300 to 599"
    given = items(value)
    if given is None or len(given) > _MOST_STATUS:
        raise BadValue(expected, value)
    return tuple(dict.fromkeys(_integer(item, 300, 599, expected) for item in given))


def _true_or_false(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if is_text(value) else ""
    raise BadValue(
        "true or false", value, f"write {word} without quotes" if word in ("true", "false") else None
    )


def _number(value: object, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= _LONGEST:
        raise BadValue(expected, value)
    return float(value)


def _seconds(value: object, expected: str, off: str) -> float:
    if (type(value) is float or type(value) is int) and 0 < value <= _LONGEST:
        return float(value)
    amount, parts = _amount(value, expected, _SECONDS, off)
    if amount <= 0:
        raise BadValue(expected, value, f"it must be above 0; {off}")
    if amount > _LONGEST * parts:
        raise BadValue(expected, value, f"at most {_LONGEST} seconds; {off}")
    return amount / parts


def _bytes(value: object, expected: str, off: str, *, least: int) -> int:
    if type(value) is int and least <= value <= sys.maxsize:
        return value
    amount, parts = _amount(value, expected, _BYTES, off)
    if amount < least * parts:
        raise BadValue(expected, value, off)
    if amount > sys.maxsize * parts:
        raise BadValue(expected, value, f"at most {sys.maxsize} bytes; {off}")
    if amount % parts:
        raise BadValue(expected, value, "there is no part of a byte")
    return amount // parts


def _optional_bytes(value: object) -> int | None:
    return None if is_off(value) else _bytes(value, _OPTIONAL_SIZE, _FOR_NO_LIMIT, least=1)


def _amount(value: object, expected: str, units: Mapping[str, _Unit], off: str) -> tuple[int, int]:
    """Return an amount as an integer and what that is to be divided by: nothing is rounded."""
    if isinstance(value, str):
        text = value.strip(_BLANKS)
        match = _AMOUNT.fullmatch(text)
        if match is None:
            raise BadValue(expected, value, off if text.lower() in _OFF_WORDS else None)
        whole, fraction, unit = match.groups()
        if unit not in units:
            raise BadValue(expected, value, _unknown_unit(unit, units))
        times, parts = units[unit]
        if fraction is None:
            return int(whole) * times, parts
        return int(whole + fraction) * times, parts * 10 ** len(fraction)
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = f"leave the option out for its default; {off}" if value is True else off
        raise BadValue(expected, value, hint if value is None or isinstance(value, bool) else None)
    if isinstance(value, float) and not math.isfinite(value):
        raise BadValue(expected, value, off)
    return value.as_integer_ratio()


def _unknown_unit(unit: str, units: Mapping[str, _Unit]) -> str:
    names = [name for name in units if name]
    meant = next((name for name in names if unit.lower() in _UNIT_NAMES.get(name, ())), None)
    meant = meant or nearest(unit, names)
    if meant is None:
        return f"unknown unit {unit!r}; units are {', '.join(names)}"
    return f"unknown unit {unit!r}, did you mean {meant!r}?"


def _integer(value: object, least: int, most: int, expected: str, hint: str | None = None) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    text = value.strip()[:_LONGEST_AMOUNT] if isinstance(value, str) else ""
    if text.removeprefix("-").isdecimal() and (hint is None or least <= int(text) <= most):
        hint = f"write {text} without quotes"
    if isinstance(value, float) and math.isfinite(value):
        good = value.is_integer() and least <= value <= most
        hint = f"write {int(value)}, without a point" if good else "it must be a whole number"
    raise BadValue(expected, value, hint)


def _messages(value: object, *, least: int) -> int | None:
    if is_off(value):
        return None
    return _integer(value, least, sys.maxsize, _QUEUE, _FOR_NO_LIMIT)


def _two(given: Sequence[object], expected: str) -> tuple[object, Any]:
    if len(given) != 2:
        raise BadValue(expected, given)
    return given[0], given[1]


def _waters(high: int, low: int) -> tuple[int, int]:
    if low > high:
        raise Refused(f"low water, {low}, is above high water, {high}", low, "write [high, low]")
    return high, low
