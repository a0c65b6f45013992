"""Faults told to the user: place, line and caret; without the secrets on that line."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from wssdk.config_faults import Document, Fault
from wssdk.config_marks import Span
from wssdk.config_masks import covers
from wssdk.config_values import Dialect
from wssdk.errors import ConfigProblem, printable

__all__ = ["report"]

_Piece: TypeAlias = tuple[Span, str, bool]
"""A part of a line, what is printed for it, and whether that covers it."""

_WIDEST: Final = 160
_BEFORE_CARET: Final = 80


def report(faults: Iterable[Fault], documents: Sequence[Document]) -> list[ConfigProblem]:
    """Return the problems, each once: files in order, from top to bottom, then environment, then code."""
    told: dict[ConfigProblem, tuple[int, int, str]] = {}
    for fault in faults:
        problem, rank = _tell(fault, documents)
        told.setdefault(problem, rank)
    return sorted(told, key=told.__getitem__)


def _tell(fault: Fault, documents: Sequence[Document]) -> tuple[ConfigProblem, tuple[int, int, str]]:
    place, document = fault.place, fault.place.document
    message, hint = fault.message, fault.hint
    if document is None:
        in_environment = place.dialect is Dialect.ENVIRONMENT
        where = f"environment variable {printable(place.variable)}" if in_environment else "code"
        rank = (len(documents) + (0 if in_environment else 1), 0, place.variable)
        return ConfigProblem(where, fault.path, message, hint), rank
    where, snippet = printable(document.name), None
    span = fault.span or document.span(place.keys, at_key=fault.at_key)
    if span is not None:
        line = document.line(span[0])
        line_start = document.text.rfind("\n", 0, span[0]) + 1
        where = f"{where}:{line}:{span[0] - line_start + 1}"
        snippet = _snippet(document, line, line_start, span)
    rank = (documents.index(document), -1 if span is None else span[0], fault.path)
    return ConfigProblem(where, fault.path, message, hint, snippet), rank


def _snippet(document: Document, number: int, line_start: int, span: Span) -> str:
    """Return the line with a caret below; what may not be shown is covered."""
    line_end = document.text.find("\n", line_start)
    pieces = list(_pieces(document, (line_start, len(document.text) if line_end < 0 else line_end)))
    shown = "".join(text for _, text, _ in pieces).rstrip()
    start = min(_column(pieces, span[0]), len(shown))
    end = max(min(_column(pieces, span[1], of_end=True), len(shown)), start + 1)
    if start > _BEFORE_CARET:
        cut = start - _BEFORE_CARET
        shown, start, end = "..." + shown[cut:], start - cut + 3, end - cut + 3
    if len(shown) > _WIDEST:
        shown, end = shown[:_WIDEST] + "...", min(end, _WIDEST)
    shown = "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in shown)
    caret = "".join(map(_blank, shown[:start])) + "^" * _width(shown[start:end] or " ")
    gutter = str(number)
    return f"{gutter} | {shown}\n{' ' * len(gutter)} | {caret}"


def _pieces(document: Document, line: Span) -> Iterator[_Piece]:
    at = line[0]
    for (start, end), cover in covers(document, line):
        yield (at, start), document.text[at:start], False
        yield (start, end), cover, True
        at = end
    yield (at, line[1]), document.text[at : line[1]], False


def _column(pieces: Iterable[_Piece], position: int, *, of_end: bool = False) -> int:
    """Return where a position of the file is on the printed line; in a cover, at the cover's edge."""
    column = 0
    for (start, end), text, is_cover in pieces:
        if position < end or (of_end and position == end):
            if is_cover:
                return column + (len(text) if of_end else 0)
            return column + position - start
        column += len(text)
    return column


def _blank(char: str) -> str:
    return "\t" if char == "\t" else " " * _width(char)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)
