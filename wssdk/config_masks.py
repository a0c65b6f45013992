"""What of a printed line is covered: secrets, headers, comments, and whatever nobody knows.

A value is shown only where the schema knows its option, and knows it for no secret. Numbers and switches
of unknown options are shown, too, unless the name sounds like a secret's.
"""

from __future__ import annotations

import bisect
import re
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from wssdk.config_faults import Document
from wssdk.config_marks import COMMENT, STRING, Span
from wssdk.config_schema import CONNECTIONS, EXTENDS, HEADERS, OPTIONS, Keys
from wssdk.config_values import looks_like_path, nearest, redacted_text
from wssdk.config_words import is_token
from wssdk.secret import MASK
from wssdk.uri import redact_uri

__all__ = ["Cover", "covers"]

_M = TypeVar("_M")

Cover: TypeAlias = tuple[Span, str]
"""What is covered, and the text that stands there instead."""

# On one line; of more than that nothing is shown.
_MOST_VALUES: Final = 50

_PLAIN: Final = re.compile(r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?|inf|nan)|true|false")
_QUOTED: Final = re.compile(r"(?P<quote>[\"'])(?P<text>[^\"'\\\n]*)(?P=quote)")
_WORDS: Final = re.compile(r"\[?\s*(?:(?P<quote>[\"'])[-!#$%&*+.^_`|~0-9A-Za-z]*(?P=quote)[\s,]*)*\]?")
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|pwd|key|credential|auth|(?<![a-z])pin(?![a-z])", re.IGNORECASE
)

_POINTERS: Final = (("env",), ("file",))
_SECRETS: Final = sorted({option[-1] for option, grammar in OPTIONS.items() if grammar.secret})

# Words side by side are no key: a secret may be one of them.
_KEYS: Final = r"(?P<keys>[A-Za-z0-9_-]+(?:[ \t]*\.[ \t]*[A-Za-z0-9_-]+)*)"
_TABLE_LINE: Final = re.compile(rf"[ \t]*\[[ \t]*{_KEYS}[ \t]*\][ \t]*")
_PAIR_LINE: Final = re.compile(rf"[ \t]*{_KEYS}[ \t]*=[ \t]*(?P<value>[^#]*)(?P<rest>.*)")
# The last one has no end: it takes all the rest, which would be searched again for every quote in it.
_STRING_OR_COMMENT: Final = re.compile(rf"{COMMENT.pattern}|{STRING.pattern}|(?P<open>[\"'].*)", re.DOTALL)


def covers(document: Document, line: Span) -> list[Cover]:
    """Return what is covered on a line, from left to right."""
    found = _covers_of_toml(document, line) if document.is_toml else _covers_of_broken(document, line)
    return sorted(found)


def _covers_of_toml(document: Document, line: Span) -> list[Cover]:
    marks = document.marks.read(line[1])
    found: list[Cover] = [(span, "") for span in _on_line(marks.comments, line, lambda span: span)]
    values = _on_line(marks.values, line, lambda value: value[1], _MOST_VALUES + 1)
    if len(values) > _MOST_VALUES:
        return [(line, MASK)]
    for path, value in values:
        raw = document.text[slice(*value)]
        part = (max(value[0], line[0]), min(value[1], line[1]))
        shown = _shown(_in_root(document, path), raw, document.text[slice(*part)])
        if shown != raw:
            found.append((part, shown))
    keys = {span: path for path, span in _on_line(marks.quoted, line, lambda key: key[1])}
    for path, _ in values:
        # Of keys that are not quoted it is known where each is for the first time.
        keys |= {
            marks.by_path[above][0]: above
            for above in (path[:length] for length in range(1, len(path) + 1))
            if above in marks.by_path and _meets(marks.by_path[above][0], line)
        }
    found.extend((span, MASK) for span, path in keys.items() if _hides(_in_root(document, path)))
    # Comments inside of what is covered anyway.
    return [
        one for one in found if one[1] or not any(_meets(one[0], other[0]) for other in found if other[1])
    ]


def _on_line(
    marks: Sequence[_M], line: Span, span_of: Callable[[_M], Span], most: int = sys.maxsize
) -> Sequence[_M]:
    """Return those of some marks, which stand in order and apart, that a line has a part of."""
    first = bisect.bisect_right(marks, line[0], key=lambda mark: span_of(mark)[1])
    last = bisect.bisect_left(marks, line[1], key=lambda mark: span_of(mark)[0])
    return marks[first : min(last, first + most)]


def _meets(span: Span, line: Span) -> bool:
    return span[0] < line[1] and span[1] > line[0]


def _in_root(document: Document, path: Keys) -> Keys:
    """Return the path inside the configuration; empty where it is outside."""
    depth = len(document.root)
    return path[depth:] if path[:depth] == document.root else ()


def _hides(keys: Keys) -> bool:
    """Tell whether the last of these keys may be a secret itself; a connection may have any name."""
    if keys[:1] == (CONNECTIONS,):
        keys = keys[2:]
    if not keys:
        return False
    inside = next((keys[at:] for at in (1, 2) if _is_secret(keys[:at])), ())
    return not is_token(keys[-1]) or (len(inside) > 0 and inside not in _POINTERS)


def _is_secret(option: Keys) -> bool:
    return option in OPTIONS and OPTIONS[option].secret


def _shown(keys: Keys, raw: str, part: str) -> str:
    """Return ``raw``, what may be shown of it, or a mask; ``part`` is what stands on the printed line."""
    if keys[:1] == (CONNECTIONS,):
        keys = keys[2:]
    if keys == (EXTENDS,):
        return MASK if "@" in raw or "://" in raw else raw
    if keys[:1] == (HEADERS,) or not keys:
        return MASK
    option = ("proxy", "url") if keys == ("proxy",) else keys
    grammar = OPTIONS.get(option)
    if _PLAIN.fullmatch(raw):
        return raw if (grammar is not None and not grammar.secret) or _sounds_harmless(keys) else MASK
    if grammar is None:
        return raw if _is_reference(keys, raw) else MASK
    if grammar.secret:
        return MASK
    if grammar.words and grammar.array and raw[0] != "[":
        return MASK
    if grammar.words and not _WORDS.fullmatch(_without_comments(part)):
        return MASK
    if grammar.untold and not grammar.words and not _QUOTED.fullmatch(raw):
        return MASK
    is_uri = option in (("uri",), ("uris",), ("proxy", "url"))
    if is_uri or any(part in raw for part in ("://", "\\", "@")):
        quoted = _QUOTED.fullmatch(raw)
        if quoted is None:
            return MASK
        redact = redact_uri if is_uri else redacted_text
        return f"{quoted['quote']}{redact(quoted['text'])}{quoted['quote']}"
    return raw


def _without_comments(text: str, string: str | None = None) -> str:
    """Return ``text`` without its comments; with ``string`` in the place of every string, where given."""

    def keep(match: re.Match[str]) -> str:
        if match[0][0] == "#":
            return ""
        return match[0] if string is None or match["open"] else string

    return _STRING_OR_COMMENT.sub(keep, text)


def _sounds_harmless(keys: Keys) -> bool:
    if any(_SECRET_NAME.search(key) for key in keys):
        return False
    return nearest(keys[-1], _SECRETS) is None


def _is_reference(keys: Keys, raw: str) -> bool:
    """Tell whether this is the name in ``{ env = "NAME" }`` or ``{ file = "PATH" }`` of a secret option."""
    grammar, quoted = OPTIONS.get(keys[:-1]), _QUOTED.fullmatch(raw)
    if grammar is None or not grammar.secret or quoted is None:
        return False
    if keys[-1] == "file":
        return looks_like_path(quoted["text"]) and redacted_text(quoted["text"]) == quoted["text"]
    # A secret in the place of its variable's name does not look like one.
    return keys[-1] == "env" and _VARIABLE.fullmatch(quoted["text"]) is not None


def _covers_of_broken(document: Document, line: Span) -> list[Cover]:
    """Return what is covered where nobody can tell for sure where values begin and end."""
    text = document.text[slice(*line)]
    if not text.strip():
        return []
    whole: list[Cover] = [((line[0] + len(text) - len(text.lstrip()), line[1]), MASK)]
    table = _table_above(document.text[: line[0]])
    if table is None:
        return whole
    if _TABLE_LINE.fullmatch(text):
        return []
    pair = _PAIR_LINE.fullmatch(text)
    if pair is None:
        return whole
    raw = pair["value"].rstrip()
    start = line[0] + pair.start("value")
    rest: list[Cover] = [((line[0] + pair.start("rest"), line[1]), "")] if pair["rest"] else []
    if not raw:
        return rest
    keys = _in_root(document, _split(table, pair["keys"]))
    shown = MASK if "{" in raw else _shown(keys, raw, raw)
    return rest if shown == raw else [((start, start + len(raw)), shown), *rest]


def _table_above(before: str) -> Keys | None:
    """Return the table that the next line belongs to; None where that cannot be told for sure."""
    outline = _without_comments(before, "")
    if '"' in outline or "'" in outline or outline.count("{") != outline.count("}"):
        return None
    if outline.count("[") != outline.count("]"):
        return None
    table: Keys = ()
    for line in outline.splitlines():
        if line.lstrip().startswith("["):
            match = _TABLE_LINE.fullmatch(line)
            if match is None:
                return None
            table = _split((), match["keys"])
    return table


def _split(table: Keys, dotted: str) -> Keys:
    return (*table, *(key.strip() for key in dotted.split(".")))
