"""Regular expressions of durations and sizes that take what the loader takes, for the JSON schema.

Without look-ahead: not every validator has it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["any_case", "duration", "size"]

_BLANK: Final = "[ \\t\\r\\n]*"
_DECIMALS: Final = "(\\.[0-9]{1,20})?"
_ZEROS: Final = "(\\.0{1,20})?"
_MOST_DECIMALS: Final = 20
_NOTHING: Final = "^[^1-9]*$"


def any_case(word: str) -> str:
    """Return a pattern of a word in capitals or not."""
    return "".join(f"[{char.upper()}{char.lower()}]" if char.isalpha() else f"[{char}]" for char in word)


def _up_to(most: int) -> str:
    """Return a pattern of the integers from 0 to ``most``, in at most twenty digits."""
    digits = str(most)
    choices = [f"[0-9]{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    for at, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - at - 1
            choices.append(f"{digits[:at]}[0-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    zeros = 20 - len(digits)
    return f"0{{0,{zeros}}}({'|'.join([*choices, digits])})"


def _fractions(of: int, parts: int) -> str:
    """Return a pattern of what may follow an integer: nothing, or decimals of at most ``of / parts``."""
    choices: list[str] = []
    digits: list[int] = []
    while of and len(digits) < _MOST_DECIMALS:
        digit, of = divmod(of * 10, parts)
        digits.append(digit)
    tail = f"0{{0,{_MOST_DECIMALS - len(digits)}}}" if len(digits) < _MOST_DECIMALS else ""
    if not digits:
        return _ZEROS
    for place in reversed(range(len(digits))):
        digit = digits[place]
        lower = f"[0-{digit - 1}][0-9]{{0,{_MOST_DECIMALS - place - 1}}}" if digit else ""
        choices = [each for each in (lower, f"{digit}{tail}") if each]
        tail = f"({'|'.join(choices)})?"
    return f"(\\.({'|'.join(choices)}))?"


def _amounts(most: int, units: Mapping[str, tuple[int, int, str]], *, zero: bool) -> str:
    """Return a pattern of amounts up to ``most``: by unit how many of them it is (a ratio), and its decimals.

    ``zero`` tells whether there may be a minus before nothing at all.
    """
    choices = []
    for unit, (times, parts, decimals) in units.items():
        whole, rest = divmod(most * parts, times)
        zeros = _MOST_DECIMALS - len(str(whole))
        last = f"0{{0,{zeros}}}{whole}{_fractions(rest, times)}"
        choices.append(f"({_up_to(whole - 1)}{decimals}|{last}) *{unit}" if whole else f"{last} *{unit}")
    nothing = f"-0{{1,20}}{_ZEROS} *({'|'.join(units)})"
    return f"^{_BLANK}({f'{nothing}|' if zero else ''}\\+?({'|'.join(choices)})){_BLANK}$"


def duration(most: int) -> dict[str, Any]:
    """Return the schema of durations, in seconds."""
    ratios = {"": (1, 1), "ms": (1, 1000), "s": (1, 1), "m": (60, 1), "h": (3600, 1)}
    units = {unit: (*ratio, _DECIMALS) for unit, ratio in ratios.items()}
    text = {"type": "string", "pattern": _amounts(most, units, zero=False), "not": {"pattern": _NOTHING}}
    return {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": most}, text]}


def size(least: int, most: int = sys.maxsize) -> dict[str, Any]:
    """Return the schema of sizes: of whole bytes, but that a pattern does not count in powers of two."""
    units = dict.fromkeys(("", "B"), (1, 1, _ZEROS))
    for unit, digits in (("kB", 3), ("MB", 6), ("GB", 9)):
        units[unit] = (10**digits, 1, f"(\\.[0-9]{{1,{digits}}}0{{0,{20 - digits}}})?")
    for unit, bits in (("KiB", 10), ("MiB", 20), ("GiB", 30)):
        units[unit] = (2**bits, 1, _DECIMALS)
    text: dict[str, Any] = {"type": "string", "pattern": _amounts(most, units, zero=True)}
    if least:
        text["not"] = {"pattern": _NOTHING}
    return {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, text]}
