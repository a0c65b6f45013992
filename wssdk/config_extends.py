"""Files that extend others: a file and all that lies below it, each once, the lowest first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from wssdk.config_faults import Document, Fault, Place, Row, Words, value_fault, words_of
from wssdk.config_schema import EXTENDS
from wssdk.config_toml import read_document
from wssdk.config_values import Dialect, describe, looks_like_uri, redacted

__all__ = ["read_documents"]

_DEEPEST: Final = 32
_MOST: Final = 100
# Where the files of pipes and of standard input are: nobody puts others beside them.
_PIPES: Final = frozenset(("/dev", "/dev/fd", "/proc/self/fd"))
_PIPE_HINT: Final = "nothing is beside a pipe: write the whole path"
_EXPECTED: Final = 'expected an array of files such as ["base.toml"]'


def read_documents(
    paths: Iterable[str | os.PathLike[str]], root: Sequence[str]
) -> tuple[list[Document], list[Fault]]:
    """Read files and the files they extend, low to high.

    ``root`` names the table of each file that holds the configuration; the files below have it at the top.
    One that several files extend is laid where it comes first: it overrides none of them.
    """
    laid: set[str] = set()
    documents: list[Document] = []
    faults: list[Fault] = []
    for path in paths:
        stack = _Stack(laid)
        document, wrong = read_document(path, root)
        stack.faults.extend(wrong)
        stack.lay(document, ())
        if not root:
            laid.add(_real(document.name))
        documents.extend(stack.documents)
        faults.extend(stack.faults)
    return documents, faults


class _Stack:
    """One file and what it extends; ``laid`` are files that are below already, of other stacks, too."""

    def __init__(self, laid: set[str]) -> None:
        self.documents: list[Document] = []
        self.faults: list[Fault] = []
        self._laid = laid
        self._most = len(laid) + _MOST
        self._reals: dict[str, str] = {}
        self._is_full = False

    def lay(self, document: Document, above: tuple[Document, ...]) -> None:
        """Lay what ``document`` extends, then itself; ``above`` are the files that led here."""
        chain = (*above, document)
        row = Row()
        seen: set[str] = set()
        for name in self._names(document):
            if self._is_full:
                break
            # "./base.toml" is the same name; what is wrong with it is told once.
            path = name if looks_like_uri(name) else str(document.folder / name)
            if path not in seen:
                seen.add(path)
                self._lay_base(name, chain, row)
        self.documents.append(document)

    def _names(self, document: Document) -> list[str]:
        given: Any = (document.tree or {}).get(EXTENDS, [])
        if isinstance(given, list) and all(isinstance(name, str) and name for name in given):
            return list(dict.fromkeys(given))
        hint = "put it into brackets" if isinstance(given, str) else None
        got = describe(given, Dialect.TOML, shown=False)
        self.faults.append(_fault(document, f"{_EXPECTED}, got {got}", hint))
        return []

    def _lay_base(self, name: str, chain: tuple[Document, ...], row: Row) -> None:
        if looks_like_uri(name):
            self.faults.append(_fault(chain[-1], f"{_EXPECTED}, got a URI", "a URI is no path"))
            return
        path = str(chain[-1].folder / name)
        real = self._real(path)
        if real in [self._real(document.name) for document in chain]:
            place = partial(_place, chain[-1])
            self.faults += row.make(place, partial(_words_of_circle, chain, path))
        elif len(chain) >= _DEEPEST:
            self.faults.append(_fault(chain[-1], f"more than {_DEEPEST} files extend each other"))
        elif len(self._laid) >= self._most and real not in self._laid:
            self._is_full = True
            self.faults.append(_fault(chain[-1], f"more than {_MOST} files are extended"))
        elif real not in self._laid:
            self._laid.add(real)
            document, faults = read_document(path, ())
            if document.tree is None and not document.text:
                # It cannot be read: to blame is the file that names it.
                of_pipe = _PIPE_HINT if str(chain[-1].folder) in _PIPES and not os.path.isabs(name) else None
                self.faults.extend(
                    _fault(chain[-1], f"{redacted(path)!r}: {fault.message}", of_pipe or fault.hint)
                    for fault in faults
                )
            else:
                self.faults.extend(faults)
            self.lay(document, chain)

    def _real(self, path: str) -> str:
        """Return what tells files apart, whatever they are called; each name is looked up once."""
        if path not in self._reals:
            self._reals[path] = _real(path)
        return self._reals[path]


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # the current folder is gone, or no file can have that name
        return path


def _words_of_circle(chain: tuple[Document, ...], path: str) -> Words:
    circle = " -> ".join([*(redacted(document.name) for document in chain), redacted(path)])
    return words_of(Dialect.TOML, EXTENDS, f"the files extend each other in a circle: {circle}")


def _place(document: Document) -> Place:
    return Place(Dialect.TOML, document, (EXTENDS,))


def _fault(document: Document, text: str, hint: str | None = None) -> Fault:
    return value_fault(_place(document), EXTENDS, text, hint)
