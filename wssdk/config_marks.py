"""Where keys and values stand in a TOML text; tomli tells only where a syntax error is.

The text must be one that tomli took: nothing is checked here. It runs only when something is reported.
"""

from __future__ import annotations

import re
import threading
from typing import Final, TypeAlias

from wssdk.config_schema import Keys

__all__ = ["COMMENT", "STRING", "Mark", "Marks", "Span"]

Span: TypeAlias = tuple[int, int]
"""Positions of the first character and behind the last one."""

Mark: TypeAlias = tuple[Span, Span | None]
"""Where one key stands, and its value; None for the value of a table of its own lines."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
COMMENT: Final = re.compile(r"#[^\r\n]*")
"""A comment, where it begins."""

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
_KEY: Final = re.compile(r"""[ \t]*([^\s=.\]\[{}"'#,]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*(\.?)""")

# Most lines are one of these, and a single match is all that they take. What they do not match, the ways
# above do.
_NAME: Final = r"""([A-Za-z0-9_-]+|"[^"\\\n]*"|'[^'\n]*')"""
_PAIR: Final = rf"""{_NAME}[ \t]*=[ \t]*("[^"\\\n]*"|'[^'\n]*'|[^\s"'\[\]{{}}#,]+)[ \t]*"""
_LINE_END: Final = rf"({COMMENT.pattern})?(?:\r?\n[ \t\r\n]*|\Z)"
_LINE: Final = re.compile(_PAIR + _LINE_END)
_HEAD: Final = re.compile(rf"\[\[?{_NAME}(?:\.{_NAME})?\]\]?[ \t]*{_LINE_END}")
_ITEM: Final = re.compile(rf"{_PAIR}(?=[,}}])(?:,[ \t\r\n]*)?")

# Tables in tables deeper than any option; further down they are skipped as a whole.
_DEEPEST: Final = 8
# Parts of a key that are told from each other: else as many keys as long would take their product.
_LONGEST: Final = 16
_FURTHER: Final = "..."

_ESCAPE: Final = re.compile(r"\\(?:(?:x(..)|u(....)|U(.{8}))|(.))")
_ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}


class Marks:
    """Where everything stands. The text is read as far as somebody asks; any thread may."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        # Configurations of one file ask the same marks, and they are values: any thread may have one.
        self._lock = threading.Lock()
        self._table: Keys = ()
        self.by_path: dict[Keys, Mark] = {}
        """The first place of each path."""
        self.values: list[tuple[Keys, Span]] = []
        """Every value that is not an inline table, with its path, in the order of the text."""
        self.comments: list[Span] = []
        self.quoted: list[tuple[Keys, Span]] = []
        """Every place of a key in quotes, with its path, in the order of the text."""
        self._skip_blank()

    def find(self, path: Keys) -> Mark | None:
        """Return the first place of a path; None where there is none."""
        with self._lock:
            found = self.by_path.get(path)
            while found is None and self._at < len(self._text):
                self._scan_line()
                found = self.by_path.get(path)
            return found

    def read(self, end: int | None = None) -> Marks:
        """Read on, up to a position at least; None: to the end of the text."""
        end = len(self._text) if end is None else min(end, len(self._text))
        with self._lock:
            while self._at < end:
                self._scan_line()
        return self

    def _scan_line(self) -> None:
        """Read a pair or the head of a table, and the blanks and comments behind it."""
        text = self._text
        is_head = text[self._at] == "["
        match = (_HEAD if is_head else _LINE).match(text, self._at)
        if match is not None:
            if is_head:
                self._table = self._take_head(match)
            else:
                self._take_pair(match, self._table)
            if match[3]:
                self.comments.append(match.span(3))
            self._at = match.end()
            if self._at == len(text) or text[self._at] != "#":
                return
        elif is_head:
            brackets = 2 if text.startswith("[[", self._at) else 1
            self._at += brackets
            self._table = self._scan_key(())
            self._at += brackets
        else:
            self._scan_pair(self._table, 0)
        self._skip_blank()

    def _take_head(self, match: re.Match[str]) -> Keys:
        """Mark the names of a table, and return its path."""
        path = self._mark_key((), match[1], match.span(1))
        return self._mark_key(path, match[2], match.span(2)) if match[2] else path

    def _take_pair(self, match: re.Match[str], table: Keys) -> None:
        """Mark a key and its value."""
        path = self._mark_key(table, match[1], match.span(1))
        self._mark_value(path, match.span(2))
        self.values.append((path, match.span(2)))

    def _mark_key(self, table: Keys, key: str, span: Span) -> Keys:
        """Mark a part of a key, and return its path; ``table`` is the path of the parts before."""
        is_quoted = key[0] in "\"'"
        path = (*table, _unquote(key) if is_quoted else key)
        if is_quoted:
            self.quoted.append((path, span))
        if len(path) > _LONGEST:
            # No option of this name is taken for the one that the beginning names.
            return (*table[:_LONGEST], _FURTHER)
        if path not in self.by_path:
            self.by_path[path] = span, None
        return path

    def _mark_value(self, path: Keys, span: Span) -> None:
        mark = self.by_path.get(path)
        if mark is not None and mark[1] is None:
            self.by_path[path] = mark[0], span

    def _skip_blank(self) -> None:
        """Skip whitespace, newlines and comments; keep where the comments stand."""
        end = self._match_end(_BLANK)
        if self._text.find("#", self._at, end) >= 0:
            self.comments.extend(match.span() for match in COMMENT.finditer(self._text, self._at, end))
        self._at = end

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._at = self._match_end(pattern)

    def _match_end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        return self._at if match is None else match.end()

    def _scan_key(self, table: Keys) -> Keys:
        """Scan a dotted key, and mark each of its parts; what follows it is next."""
        path = table
        while True:
            match = _KEY.match(self._text, self._at)
            assert match is not None, "tomli took it for a key"
            path = self._mark_key(path, match[1], match.span(1))
            self._at = match.end()
            if not match[2]:
                return path

    def _scan_pair(self, table: Keys, depth: int) -> None:
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
        self._mark_value(path, (start, self._at))

    def _scan_inline_table(self, path: Keys, depth: int) -> None:
        self._at += 1
        self._skip_blank()
        while self._text[self._at] != "}":
            match = _ITEM.match(self._text, self._at)
            if match is not None:
                self._take_pair(match, path)
                self._at = match.end()
                if self._text[self._at] != "#":
                    continue
            elif self._text[self._at] == ",":
                self._at += 1
            else:
                self._scan_pair(path, depth)
            self._skip_blank()
        self._at += 1

    def _skip_brackets(self) -> None:
        """Skip an array, or a table deep down, without a call for each level: it may have hundreds."""
        text, depth = self._text, 0
        if text.startswith("[]", self._at):
            self._at += 2
            return
        for token in _TOKEN.finditer(text, self._at):
            kind = token.lastgroup
            if kind == "open":
                depth += 1
            elif kind == "close":
                depth -= 1
                if depth == 0:
                    self._at = token.end()
                    return
            elif kind == "comment":
                self.comments.append(token.span())


def _unquote(key: str) -> str:
    """Return what a key in quotes says."""
    inside = key[1:-1]
    return _ESCAPE.sub(_unescape, inside) if key[0] == '"' and "\\" in inside else inside


def _unescape(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    return chr(int(digits, 16)) if digits else _ESCAPES[match[4]]
