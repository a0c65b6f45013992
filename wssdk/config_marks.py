"""Where keys and values stand in a TOML text; tomli tells only where a syntax error is.

The text must be one that tomli took: nothing is checked here. It runs only when something is reported.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import attrs
import tomli

__all__ = ["COMMENT", "STRING", "Mark", "Marks", "Span", "scan_marks"]

Span: TypeAlias = tuple[int, int]
"""Positions of the first character and behind the last one."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
COMMENT: Final = re.compile(r"#[^\r\n]*")
"""A comment, where it begins."""

_BARE_KEY: Final = re.compile(r"[^\s=.\]\[{}\"'#,]+")
STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
"""A string or a quoted key, where it begins."""

_SCALAR: Final = re.compile(r"[^,\]}#\r\n]*[^,\]}#\r\n\s]")
# In arrays; strings and comments may hide a bracket.
_TOKEN: Final = re.compile(
    rf"(?P<comment>{COMMENT.pattern})|(?P<open>[\[{{])|(?P<close>[\]}}])|{STRING.pattern}", re.DOTALL
)

# Tables in tables deeper than any option; further down they are skipped as a whole.
_DEEPEST: Final = 8


@attrs.frozen
class Mark:
    """Where one key stands, and its value; None for the value of a table of its own lines."""

    key: Span
    value: Span | None = None


@attrs.frozen
class Marks:
    """Where everything stands."""

    by_path: dict[tuple[str, ...], Mark]
    """The first place of each path."""
    values: tuple[tuple[tuple[str, ...], Span], ...]
    """Every value that is not an inline table, with its path."""
    comments: tuple[Span, ...]
    keys: tuple[tuple[tuple[str, ...], Span], ...]
    """The first place of each path, in the order of the text."""


def scan_marks(text: str) -> Marks:
    """Return where keys, values and comments of ``text`` stand."""
    scanner = _Scanner(text)
    scanner.scan()
    keys = tuple((path, mark.key) for path, mark in scanner.by_path.items())
    return Marks(scanner.by_path, tuple(scanner.values), tuple(scanner.comments), keys)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.by_path: dict[tuple[str, ...], Mark] = {}
        self.values: list[tuple[tuple[str, ...], Span]] = []
        self.comments: list[Span] = []

    def scan(self) -> None:
        table: tuple[str, ...] = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                brackets = 2 if self._text.startswith("[[", self._at) else 1
                self._at += brackets
                table = self._scan_key(())
                self._at += brackets
            else:
                self._scan_pair(table, 0)
            self._skip_blank()

    def _skip_blank(self) -> None:
        """Skip whitespace, newlines and comments; keep where the comments stand."""
        end = self._match_end(_BLANK)
        self.comments.extend(match.span() for match in COMMENT.finditer(self._text, self._at, end))
        self._at = end

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._at = self._match_end(pattern)

    def _match_end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        return self._at if match is None else match.end()

    def _scan_key(self, table: tuple[str, ...]) -> tuple[str, ...]:
        """Scan a dotted key, and mark each of its parts; what follows it is next."""
        path = table
        while True:
            self._skip(_SPACE)
            start = self._at
            self._skip(STRING if self._text[start] in "\"'" else _BARE_KEY)
            path = (*path, _unquote(self._text[start : self._at]))
            self.by_path.setdefault(path, Mark((start, self._at)))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return path
            self._at += 1

    def _scan_pair(self, table: tuple[str, ...], depth: int) -> None:
        path = self._scan_key(table)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        start = self._at
        if self._text[start] == "{" and depth < _DEEPEST:
            self._scan_inline_table(path, depth + 1)
        else:
            if self._text[start] in "[{":
                self._skip_brackets()
            else:
                self._skip(STRING if self._text[start] in "\"'" else _SCALAR)
            self.values.append((path, (start, self._at)))
        mark = self.by_path[path]
        if mark.value is None:
            self.by_path[path] = attrs.evolve(mark, value=(start, self._at))

    def _scan_inline_table(self, path: tuple[str, ...], depth: int) -> None:
        self._at += 1
        self._skip_blank()
        while self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
            else:
                self._scan_pair(path, depth)
            self._skip_blank()
        self._at += 1

    def _skip_brackets(self) -> None:
        """Skip an array, or a table deep down, without a call for each level: it may have hundreds."""
        depth = 0
        for token in _TOKEN.finditer(self._text, self._at):
            if token.lastgroup == "comment":
                self.comments.append(token.span())
            depth += {"open": 1, "close": -1}.get(token.lastgroup or "", 0)
            if depth == 0:
                self._at = token.end()
                return


def _unquote(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] != '"':
        return key
    # tomli knows the escapes.
    return next(iter(tomli.loads(f"{key}=0")))
