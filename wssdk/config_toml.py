"""TOML files: read, parsed, and their faults found a place and a way out."""

from __future__ import annotations

import ast
import contextlib
import errno
import os
import re
import select
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import tomli

from wssdk.config_faults import Document, Fault, Place
from wssdk.config_marks import Span
from wssdk.config_schema import dotted
from wssdk.config_values import Dialect, looks_like_uri, nearest, redacted
from wssdk.errors import printable

__all__ = ["LARGEST_FILE", "missing_file_hint", "read_bounded", "read_document", "why_unreadable"]

LARGEST_FILE: Final = 4 * 2**20
"""Bytes of a file that are read at most."""

_AT_ONCE: Final[int] = getattr(os, "O_NONBLOCK", 0)
_PATIENCE: Final = 1000
"""Milliseconds in which somebody has to begin to write into a pipe."""

_KEY: Final = r"""(?P<key>[^=#"'\n \t]+(?:[ \t]+[^=#"'\n \t]+)*)"""
_PAIR: Final = re.compile(rf"[ \t]*{_KEY}[ \t]*=[ \t]*(?P<value>[^,#\]}}\r\n]*[^,#\]}}\s])")
_NULL: Final = re.compile(r"(?:none|null|nil|undefined)", re.IGNORECASE)
_BOOLEAN: Final = re.compile(r"(?:true|false|yes|no|on|off)", re.IGNORECASE)
_WITH_UNIT: Final = re.compile(r"[+-]?[0-9][0-9_.]* ?[A-Za-z]{1,6}")
# Tables in the parser's own words.
_TUPLE: Final = re.compile(r"(?<=^Cannot declare )\(.*\)|(?<=namespace )\(.*\)", re.DOTALL)
_LONGEST: Final = 300
_LINE_BREAK: Final = re.compile(r"\r?\n")


def read_document(path: str | os.PathLike[str], root: Sequence[str]) -> tuple[Document, list[Fault]]:
    """Read a TOML file; ``root`` names the table in it that holds the configuration."""
    name = os.fsdecode(path)
    if not name:
        return _unreadable(Document('""', is_toml=False), "an empty text is no path of a file")
    if looks_like_uri(name):
        return _unreadable(Document(redacted(name), is_toml=False), "a URI is no path of a file")
    try:
        raw = read_bounded(name, LARGEST_FILE)
    except OSError as error:
        message, hint = why_unreadable(error), missing_file_hint(name, error)
        return _unreadable(Document(name, is_toml=False), message, hint)
    if raw is None:
        return _unreadable(Document(name, is_toml=False), f"the file is larger than {LARGEST_FILE} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"line {line} is not UTF-8 (byte 0x{raw[error.start]:02x})"
        return _unreadable(Document(name, is_toml=False), message, "save the file as UTF-8")
    return _parse(name, _LINE_BREAK.sub("\n", text), tuple(root))


def read_bounded(name: str, largest: int) -> bytes | None:
    """Return what is in a file, or comes out of a pipe; None where that is more than ``largest`` bytes.

    Raises:
        OSError: it cannot be read, or is a pipe that nobody writes to.
    """
    try:
        with open(name, "rb", opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            waits = not _AT_ONCE or stat.S_ISREG(mode)
            first = b"" if waits else _begin(file.fileno(), is_pipe=stat.S_ISFIFO(mode))
            raw = first + file.read(largest + 1 - len(first))
    except ValueError:  # a NUL, or half a surrogate pair: no file can have that name
        raise FileNotFoundError from None
    return None if len(raw) > largest else raw


def _open_at_once(name: str, flags: int) -> int:
    # Opening a named pipe would wait for somebody who writes, maybe for ever.
    return os.open(name, flags | _AT_ONCE)


def _begin(descriptor: int, *, is_pipe: bool) -> bytes:
    """Have reading wait from now on for what comes; return the first byte of a pipe, if it is there.

    Raises:
        OSError: nothing is in the pipe, and nobody writes to it.
    """
    first = b""
    if is_pipe:
        begun = select.poll()
        begun.register(descriptor, select.POLLIN)
        begun.poll(_PATIENCE)
        with contextlib.suppress(BlockingIOError):  # somebody has it open, and will write
            first = os.read(descriptor, 1)
            if not first:
                raise OSError(errno.ENXIO, "it is a pipe that nobody writes to")
    os.set_blocking(descriptor, True)
    return first


def why_unreadable(error: OSError) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "file not found"
    return f"the file cannot be read: {error.strerror or type(error).__name__}"


def missing_file_hint(name: str, error: OSError) -> str | None:
    """Return the nearest neighbour of a missing file or folder."""
    if not isinstance(error, FileNotFoundError):
        return None
    missing = Path(name)
    # os.path and glob() pass over what may not be read: this is only a hint.
    while missing.parent != missing and not os.path.isdir(missing.parent):
        missing = missing.parent
    near = nearest(missing.name, sorted(path.name for path in missing.parent.glob("*")))
    if near is not None and near != missing.name:
        return f"did you mean {redacted(str(missing.with_name(near)))!r}?"
    return None if missing == Path(name) else f"there is no folder {redacted(str(missing))!r}"


def _unreadable(document: Document, message: str, hint: str | None = None) -> tuple[Document, list[Fault]]:
    return document, [Fault(Place(Dialect.TOML, document), "", message, hint)]


def _parse(name: str, text: str, root: tuple[str, ...]) -> tuple[Document, list[Fault]]:
    tree: dict[str, Any] = {}
    reason, at = "", None
    try:
        tree = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        reason, at = error.msg, error.pos
    except RecursionError:
        reason = "arrays or tables are nested too deeply"
    except ValueError:
        reason = "a number has too many digits"
    # Out of the except block: the original error holds the whole file, secrets and all.
    if reason:
        document = Document(name, text, root=root, is_toml=False)
        return document, [_syntax_fault(document, reason, at)]
    table: Any = tree
    for depth, key in enumerate(root):
        if not isinstance(table, dict) or key not in table:
            document = Document(name, text)
            near = nearest(key, table) if isinstance(table, dict) else None
            hint = None if near is None else f"did you mean [{dotted((*root[:depth], near))}]?"
            return _unreadable(document, f"the file has no table [{dotted(root)}]", hint)
        table = table[key]
    if not isinstance(table, dict):
        return _unreadable(Document(name, text), f"[{dotted(root)}] is not a table")
    return Document(name, text, table, root), []


def _syntax_fault(document: Document, reason: str, at: int | None) -> Fault:
    place = Place(Dialect.TOML, document)
    told = _TUPLE.sub(lambda match: f"[{dotted(ast.literal_eval(match[0]))}]", reason)
    message = f"invalid TOML: {printable(told[:1].lower() + told[1:], _LONGEST)}"
    if at is None:
        return Fault(place, "", message)
    span, hint = _advise(document.text, min(at, len(document.text)), reason)
    return Fault(place, "", message, hint, span=span)


def _advise(text: str, at: int, reason: str) -> tuple[Span, str | None]:
    """Return what to point at, and the way out."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    pair = _PAIR.match(text, start, len(text) if end < 0 else end)
    if reason == "Cannot overwrite a value":
        twice = (at, at + 1) if pair is None else pair.span("key")
        return twice, "the option is set twice: keep one"
    if pair is not None and pair.start("value") <= at <= pair.end("value"):
        hint = _bare_value_hint(pair["value"])
        if hint is not None:
            return pair.span("value"), hint
    hints = {
        "Unterminated string": "the closing quote is missing",
        "Unescaped '\\' in a string": "in single quotes a backslash is a backslash",
    }
    if reason.startswith("Cannot declare"):
        return (at, at + 1), "the table is opened twice: put all of its options under one"
    if reason.startswith("Cannot mutate"):
        return (at, at + 1), "the table is closed where its brackets end: put all of its options inside"
    return (at, at + 1), hints.get(reason)


def _bare_value_hint(value: str) -> str | None:
    if _NULL.fullmatch(value):
        return "TOML has no null: write false to switch an option off, or leave it out"
    if _BOOLEAN.fullmatch(value):
        return "true and false are written in small letters, and there is no other switch"
    if _WITH_UNIT.fullmatch(value):
        return "a value with a unit is a string: write it in quotes"
    if value[0].isalpha() and value.lower() not in ("inf", "nan"):
        return "a text is written in quotes"
    return None
