"""Faults told to the user: place, line and caret; without the secrets on that line."""

from __future__ import annotations

import bisect
import itertools
import operator
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from wssdk.config_faults import MOST_TOLD, Document, Fault
from wssdk.config_marks import Span
from wssdk.config_masks import covers
from wssdk.config_values import Dialect, redacted_text
from wssdk.errors import ConfigProblem, printable

__all__ = ["report"]

_Piece: TypeAlias = tuple[Span, str, bool]
"""A part of a line, what is printed for it, and whether that covers it."""

_WIDEST: Final = 160
_BEFORE_CARET: Final = 80
_FIRST_READ: Final = 4096


def report(faults: Iterable[Fault], documents: Sequence[Document]) -> list[ConfigProblem]:
    """Return the problems, each once: files in order, from top to bottom, then environment, then code.

    Of more than a hundred the first are told, and how many others there are.
    """
    given = tuple(faults)
    more = sum(1 + fault.others for fault in given)
    told: dict[ConfigProblem, None] = {}
    lines: dict[tuple[int, int], _Line] = {}
    for fault in _in_order(given, documents):
        if len(told) == MOST_TOLD:
            problem = _tell(fault, lines)
            rest = f"and {more} more problems, from here on" if more > 1 else "and another problem, here"
            told[ConfigProblem(problem.where, "", rest)] = None
            break
        told.setdefault(_tell(fault, lines))
        more -= 1 + fault.others
    return list(told)


def _in_order(faults: Sequence[Fault], documents: Sequence[Document]) -> Iterator[Fault]:
    """Yield faults in the order of their places."""
    in_files: dict[int, list[Fault]] = {id(document): [] for document in documents}
    in_variables: list[Fault] = []
    in_code: list[Fault] = []
    for fault in faults:
        place = fault.place
        if place.document is not None:
            in_files[id(place.document)].append(fault)
        else:
            (in_variables if place.dialect is Dialect.ENVIRONMENT else in_code).append(fault)
    for document in documents:
        yield from _in_file(in_files[id(document)], document)
    yield from sorted(in_variables, key=lambda fault: fault.place.variable)
    yield from in_code


def _in_file(faults: list[Fault], document: Document) -> Iterator[Fault]:
    """Yield the faults of a file from top to bottom; the file is read as far as they are asked for."""
    end = _FIRST_READ
    while faults:
        is_whole = end >= len(document.text)
        document.marks.read(end)
        found: list[tuple[int, Fault]] = []
        further: list[Fault] = []
        for fault in faults:
            if is_whole or fault.span is not None or document.is_read(fault.place.keys):
                found.append((_position(fault, document), fault))
            else:
                further.append(fault)
        found.sort(key=operator.itemgetter(0))
        for _, group in itertools.groupby(found, operator.itemgetter(0)):
            same = [fault for _, fault in group]
            # Nobody asks for the words of what is not told.
            yield from sorted(same, key=operator.attrgetter("path")) if len(same) > 1 else same
        faults, end = further, 4 * end


def _position(fault: Fault, document: Document) -> int:
    span = fault.span or document.span(fault.place.keys, at_key=fault.at_key)
    return -1 if span is None else span[0]


def _tell(fault: Fault, lines: dict[tuple[int, int], _Line]) -> ConfigProblem:
    """Return a fault as it is told; ``lines`` are those so far, by their documents and numbers."""
    place, document = fault.place, fault.place.document
    if document is None:
        in_environment = place.dialect is Dialect.ENVIRONMENT
        where = f"environment variable {printable(place.variable)}" if in_environment else "code"
        return ConfigProblem(where, fault.path, fault.message, fault.hint)
    where, snippet = printable(redacted_text(document.name)), None
    span = fault.span or document.span(place.keys, at_key=fault.at_key)
    if span is not None:
        line = document.line(span[0])
        line_start = document.text.rfind("\n", 0, span[0]) + 1
        where = f"{where}:{line}:{span[0] - line_start + 1}"
        key = id(document), line
        if key not in lines:
            lines[key] = _Line(document, line, line_start)
        snippet = _snippet(lines[key], span)
    return ConfigProblem(where, fault.path, fault.message, fault.hint, snippet)


class _Line:
    """A line as it is printed: what may not be shown is covered. Many faults may be on one."""

    def __init__(self, document: Document, number: int, start: int) -> None:
        end = document.text.find("\n", start)
        pieces = list(_pieces(document, (start, len(document.text) if end < 0 else end)))
        self.number = number
        self.shown = "".join(text for _, text, _ in pieces).rstrip()
        self._pieces = pieces
        self._ends = list(itertools.accumulate((span[1] for span, _, _ in pieces), max))
        self._columns = list(itertools.accumulate((len(text) for _, text, _ in pieces), initial=0))

    def column(self, position: int, *, of_end: bool = False) -> int:
        """Return where a position of the file is on the printed line; in a cover, at the cover's edge."""
        at = (bisect.bisect_left if of_end else bisect.bisect_right)(self._ends, position)
        column = self._columns[at]
        if at == len(self._pieces):
            return column
        (start, _), text, is_cover = self._pieces[at]
        if is_cover:
            return column + (len(text) if of_end else 0)
        return column + position - start


def _snippet(line: _Line, span: Span) -> str:
    """Return the line with a caret below."""
    shown = line.shown
    start = min(line.column(span[0]), len(shown))
    end = max(min(line.column(span[1], of_end=True), len(shown)), start + 1)
    if start > _BEFORE_CARET:
        cut = start - _BEFORE_CARET
        shown, start, end = "..." + shown[cut:], start - cut + 3, end - cut + 3
    if len(shown) > _WIDEST:
        shown, end = shown[:_WIDEST] + "...", min(end, _WIDEST)
    shown = "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in shown)
    caret = "".join(map(_blank, shown[:start])) + "^" * _width(shown[start:end] or " ")
    gutter = str(line.number)
    return f"{gutter} | {shown}\n{' ' * len(gutter)} | {caret}"


def _pieces(document: Document, line: Span) -> Iterator[_Piece]:
    at = line[0]
    for (start, end), cover in covers(document, line):
        yield (at, start), document.text[at:start], False
        yield (start, end), cover, True
        at = end
    yield (at, line[1]), document.text[at : line[1]], False


def _blank(char: str) -> str:
    return "\t" if char == "\t" else " " * _width(char)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)
