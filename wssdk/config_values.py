"""What a bad value is, and how it is told: the same complaint in the words of TOML, environment or code."""

from __future__ import annotations

import enum
import functools
import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard, TypeVar, cast

from wssdk.errors import ConfigError, InvalidURI, printable
from wssdk.secret import Secret
from wssdk.uri import redact_uri, redact_uris

__all__ = [
    "BadValue",
    "Dialect",
    "Effort",
    "Refused",
    "describe",
    "forgetting",
    "is_off",
    "is_text",
    "items",
    "looks_like_path",
    "looks_like_uri",
    "nearest",
    "redacted",
    "redacted_text",
    "with_article",
]

_TOML_NAMES: Final = ((bool, "boolean"), (int, "integer"), (float, "float"), (str, "string"), (list, "array"))
_MOST_BITS: Final = 128
_LONGEST: Final = 200
_LIKENESS: Final = 0.6
_MOST_COMPARED: Final = 100
# A comparison costs the product of the lengths: two names of 64 letters take most of a millisecond.
_LONGEST_NAME: Final = 64
_MOST_EFFORT: Final = 40_000
_DRIVE: Final = re.compile(r"\A[A-Za-z]:(?=[/\\])")
# Of two letters at least: one is a drive.
_URI_START: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


# How web tokens (RFC 7519) begin, which have dots in them.
_JSON_IN_BASE64: Final = "eyJ"


class Dialect(enum.Enum):
    """Where a value is written; the enum's value is how "off" is written there."""

    TOML = "false"
    ENVIRONMENT = "none"
    CODE = "None"


class BadValue(ValueError):
    """A value breaks its option's grammar.

    ``expected`` and ``hint`` may hold ``{off}``, which stands for the dialect's way to switch an option
    off; a hint may differ by dialect, and hold ``{variable}``. ``str()`` never shows the value.
    """

    def __init__(self, expected: str, value: object, hint: str | Mapping[Dialect, str] | None = None) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected
        self.value = value
        self.hint = hint

    def told(self, dialect: Dialect, got: str) -> str:
        """Return the complaint in one sentence; ``got`` describes the value."""
        return f"expected {self.expected.replace('{off}', dialect.value)}, got {got}"

    def advice(self, dialect: Dialect, variable: str = "") -> str | None:
        """Return the hint in the words of ``dialect``; ``variable`` is where the value is from, if any."""
        hint = self.hint.get(dialect) if isinstance(self.hint, Mapping) else self.hint
        return None if hint is None else hint.replace("{off}", dialect.value).replace("{variable}", variable)


class Refused(BadValue):
    """A value is of the right kind and cannot be: ``expected`` is the whole complaint."""

    def told(self, dialect: Dialect, got: str) -> str:
        """Return the complaint, without what was given."""
        return self.expected


_F = TypeVar("_F", bound=Callable[..., Any])


def forgetting(function: _F) -> _F:
    """Let errors of a configuration leave ``function`` alone, without the frames that they come from.

    Those hold what was given, secrets and all, and programs that report errors show local variables. An
    error of Python's own, such as one of an unknown keyword, keeps its frames, and they forget.
    """

    @functools.wraps(function)
    def without_frames(*args: Any, **keywords: Any) -> Any:
        failed: Exception
        try:
            return function(*args, **keywords)
        except (ConfigError, InvalidURI) as error:
            failed = error.with_traceback(None)
        except (TypeError, ValueError) as error:
            import traceback  # Only errors need it.

            traceback.clear_frames(error.__traceback__)
            failed = error
        failed.__context__ = failed.__cause__ = None
        del args, keywords
        try:
            raise failed
        finally:
            del failed  # it holds this frame

    return cast("_F", without_frames)


def is_off(value: object) -> bool:
    """Tell whether ``value`` is None, or TOML's ``false`` where something else is the rule."""
    return value is None or value is False


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether ``value`` is a text, whatever its type says."""
    return isinstance(value, str)


def items(value: object) -> Sequence[Any] | None:
    """Return what an array holds; None where ``value`` is none."""
    if value is None or isinstance(value, (int, str)):  # asking an abstract class takes longer
        return None
    if isinstance(value, (tuple, list)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)) or not isinstance(value, Sequence):
        return None
    return value


def looks_like_uri(text: str) -> bool:
    """Tell whether somebody gave a URI where a path belongs."""
    return _URI_START.match(text) is not None


def looks_like_path(text: str) -> bool:
    """Tell whether this looks like the path of a file: a secret in its place hardly does."""
    return any(char in text for char in "/\\.") and not text.startswith(_JSON_IN_BASE64)


def redacted_text(text: str) -> str:
    """Return any text without the secrets of the URIs in it, also of what was meant as one."""
    if "://" in text:
        return redact_uri(redact_uris(text))
    # A path has one slash for two, in single quotes TOML knows no escapes, and some forget the scheme.
    before = _DRIVE.sub("", text).rpartition("@")[0]
    return redact_uri(text) if ":" in before else text


def redacted(text: str) -> str:
    """Return ``text`` fit for one line of a message; where it is a URI, without its secrets."""
    return printable(redacted_text(text), _LONGEST)


def describe(value: object, dialect: Dialect, *, shown: bool = True) -> str:
    """Return kind and value as ``dialect`` names and writes them; the kind alone where not ``shown``."""
    if isinstance(value, Secret):
        value, shown = "", False  # It was a text where it was written.
    literal = _literal(value, dialect) if shown else None
    if dialect is Dialect.ENVIRONMENT and isinstance(value, str):
        return literal or "another text"
    if dialect is Dialect.CODE:
        return literal or with_article(type(value).__name__)
    if isinstance(value, dict):
        kind = "table"
    else:
        kind = next((name for types, name in _TOML_NAMES if isinstance(value, types)), "date or time")
    return f"{kind} {literal}" if literal else with_article(kind)


def _literal(value: object, dialect: Dialect) -> str | None:
    """Return a scalar as it is written; None where it is no scalar, or too big to be shown."""
    if isinstance(value, str) and dialect is Dialect.CODE:
        text = redacted_text(value)
        return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
    if isinstance(value, str):
        return '"' + redacted(value).replace('"', '\\"') + '"'
    if isinstance(value, bool) and dialect is not Dialect.CODE:
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return None  # Python refuses to print an integer of some thousand digits.
    if value is None or isinstance(value, int | float):
        return str(value)
    return None


def with_article(noun: str) -> str:
    """Return ``noun`` behind "a" or "an"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


class Effort:
    """What may be spent on comparing names: the sum of the products of their lengths."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, amount: int) -> bool:
        """Take an amount; return False where so much is not left."""
        if amount > self._left:
            self._left = 0
            return False
        self._left -= amount
        return True


def nearest(word: str, choices: Iterable[str], effort: Effort | None = None) -> str | None:
    """Return the choice that ``word`` was probably meant to be; None where nothing is near.

    For long words none is looked for, nor once an ``effort`` that several words share is spent.
    """
    import difflib  # Only reports need it.

    if len(word) > _LONGEST_NAME:
        return None
    own = Effort(_MOST_EFFORT)
    by_fold: dict[str, str] = {}
    for choice in choices:
        by_fold.setdefault(choice.casefold(), choice)
    word = word.casefold()
    matcher = difflib.SequenceMatcher(b=word)
    best = (_LIKENESS, "")
    for bound, choice in heapq.nlargest(_MOST_COMPARED, _bounds(word, by_fold)):
        if bound < best[0]:
            break
        matcher.set_seq1(choice)
        if matcher.quick_ratio() >= best[0]:
            amount = len(word) * len(choice)
            if not own.spend(amount) or not (effort is None or effort.spend(amount)):
                break
            best = max(best, (matcher.ratio(), choice))
    return by_fold.get(best[1]) if best[1] else None


def _bounds(word: str, choices: Iterable[str]) -> Iterator[tuple[float, str]]:
    """Yield the choices that may be near, each with a bound of its likeness.

    No more can be alike than the letters that are in both. difflib takes ten times as long to count them.
    """
    letters = word.encode("utf-8", "surrogatepass")
    for choice in choices:
        length = len(word) + len(choice) or 1
        if 2 * min(len(word), len(choice)) < _LIKENESS * length:
            continue
        others = choice.encode("utf-8", "surrogatepass")
        alike = len(others) - len(others.translate(None, letters))
        if 2 * alike >= _LIKENESS * length:
            alike = min(alike, len(letters) - len(letters.translate(None, others)))
            bound = 2 * alike / length
            if bound >= _LIKENESS:
                yield bound, choice
