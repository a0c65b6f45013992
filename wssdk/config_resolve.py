"""Values that point elsewhere: secrets in variables and files, headers with ``${env:NAME}`` in them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from wssdk.config_faults import MOST_EFFORT, Leaf
from wssdk.config_schema import HEADERS, OPTIONS
from wssdk.config_toml import missing_file_hint, read_bounded, why_unreadable
from wssdk.config_values import Dialect, Effort, looks_like_path, looks_like_uri, nearest, redacted
from wssdk.secret import Secret

__all__ = ["Missing", "References", "Unresolved", "files_of", "resolve"]

_LARGEST: Final = 64 * 2**10
# Of everything that one load fills in: each piece may stand in thousands of headers.
_MOST_FILLED: Final = 16 * 2**20
# Of an environment with more than those the near name is not looked for: that takes a microsecond each.
_MOST_VARIABLES: Final = 500
_POINTERS: Final = ("env", "file")
_UNIX_PATH: Final = ("network", "unix_path")

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A secret that somebody wrote in the place of its variable's name does not look like one.
_TOLD_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_LINE_END: Final = re.compile(r"\r?\n\Z")


class Unresolved(Exception):
    """A reference cannot be followed; neither the text nor what it points to is told."""

    def __init__(self, message: str, hint: str | Callable[[bool], str | None] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self._hint = hint

    def find_hint(self, *, near: bool) -> str | None:
        """Return the way out; ``near`` tells whether to look for another variable that may be meant."""
        return self._hint(near) if callable(self._hint) else self._hint


class Missing(Unresolved):
    """The reference is understood, and what it points to is not there, or holds nothing."""


class References:
    """What the values of one load point to: variables, and files, each of which is read once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self._files: dict[tuple[Path, str], str | Unresolved] = {}
        self._left = _MOST_FILLED
        self._effort = Effort(MOST_EFFORT)

    def variable(self, name: str) -> str:
        """Return what a variable holds.

        Raises:
            Unresolved: nothing, or the name is none.
        """
        return _variable(name, self.environ, self._effort)

    def file(self, name: str, folder: Path) -> str:
        """Return what a file holds, which is named in one of ``folder``.

        Raises:
            Unresolved: nothing, or it cannot be read.
        """
        found = self._files.get((folder, name))
        if found is None:
            try:
                found = _file(name, folder)
            except Unresolved as unresolved:
                found = unresolved
            self._files[folder, name] = found
        if isinstance(found, Unresolved):
            raise found.with_traceback(None)
        return found

    def fill(self, text: str, folder: Path) -> tuple[str, bool]:
        """Return a header's value with its references filled in, and whether there were any.

        Raises:
            Unresolved: one of them cannot be followed, or too much would be filled in.
        """
        size, filled = 0, False

        def fill(match: re.Match[str]) -> str:
            nonlocal size, filled
            if match["inside"] is None:
                return "${"
            filled = True
            part = self._part(match, folder)
            size += len(part)
            if size > _LARGEST:
                raise Unresolved(f"what is filled in is longer than {_LARGEST} characters")
            if size > self._left:
                raise Unresolved(f"what is filled in is longer than {_MOST_FILLED} characters in all")
            return part

        value = _REFERENCE.sub(fill, text)
        self._left -= size
        return value, filled

    def _part(self, match: re.Match[str], folder: Path) -> str:
        """Return what is filled in for one reference."""
        kind, _, name = match["inside"].partition(":")
        if kind not in ("env", "file") or not match["end"]:
            hint = "write ${env:NAME}, ${env:NAME:-default} or ${file:PATH}; a plain ${ is written $${"
            raise Unresolved("a reference in the text is not understood", hint)
        if kind == "file":
            return self.file(name, folder)
        variable, has_default, default = name.partition(":-")
        if has_default and not self.environ.get(variable):
            return default
        return self.variable(variable)


def resolve(leaf: Leaf, references: References) -> object:
    """Return the value that ``leaf`` stands for.

    Raises:
        Missing: the variable or the file is not there.
        Unresolved: the reference is not understood.
    """
    dialect = leaf.place.dialect
    if leaf.option[0] == HEADERS:
        if isinstance(leaf.value, str) and dialect is not Dialect.CODE:
            value, is_filled = leaf.value, False
            if "${" in value:
                value, is_filled = references.fill(value, _folder(leaf))
            # What a variable or a file holds is a secret, where it is anything at all.
            from_elsewhere = is_filled or dialect is Dialect.ENVIRONMENT
            return Secret(value) if from_elsewhere and value else value
        return leaf.value
    grammar = OPTIONS[leaf.option]
    if grammar.secret and isinstance(leaf.value, Mapping):
        return _secret(leaf.value, _folder(leaf), references)
    if grammar.path and dialect is Dialect.TOML and isinstance(leaf.value, str) and leaf.value:
        if looks_like_uri(leaf.value) or (leaf.option == _UNIX_PATH and leaf.value[0] in "@\0"):
            return leaf.value  # refused, or the name of an abstract socket
        return _beside(_folder(leaf), leaf.value)
    return leaf.value


def files_of(leaf: Leaf) -> list[str]:
    """Return the files that hold what ``leaf`` stands for, whether they are there or not."""
    value, names = leaf.value, []
    if leaf.option[0] == HEADERS:
        if isinstance(value, str) and leaf.place.dialect is not Dialect.CODE:
            names = [match["inside"] or "" for match in _REFERENCE.finditer(value)]
        names = [name.removeprefix("file:") for name in names if name.startswith("file:")]
    elif OPTIONS[leaf.option].secret and isinstance(value, Mapping):
        names = [value["file"]] if isinstance(value.get("file"), str) else []
    return [_beside(_folder(leaf), name) for name in names]


def _folder(leaf: Leaf) -> Path:
    """Return where files are looked for: beside the file that names them, or in the current folder."""
    document = leaf.place.document
    return Path() if document is None else document.folder


def _beside(folder: Path, name: str) -> str:
    # In the current folder a path stays as it is: it comes back from its file, and "./@x" is no "@x".
    return str(folder / name) if folder.parts else name


def _secret(reference: Mapping[object, object], folder: Path, references: References) -> str:
    keys = sorted(map(str, reference))
    if keys == ["env", "file"]:
        raise Unresolved("env and file are both given", "keep one of them")
    name = reference.get(keys[0]) if keys else None
    if keys not in (["env"], ["file"]) or not isinstance(name, str):
        text = 'expected a text, { env = "NAME" } or { file = "PATH" }, got another table'
        raise Unresolved(text, _reference_hint(reference))
    if keys == ["file"]:
        return references.file(name, folder)
    return references.variable(name)


def _reference_hint(reference: Mapping[object, object]) -> str | None:
    """Return what the table was probably meant to be; what is unknown of it is not told."""
    unknown = [str(key) for key in reference if key not in _POINTERS]
    known = [key for key in _POINTERS if key in reference]
    if known:
        return f"keep {known[0]} alone" if unknown else f"what is given for {known[0]} is a text, in quotes"
    near = nearest(unknown[0], _POINTERS) if len(unknown) == 1 else None
    return None if near is None else f"did you mean {near}?"


def _variable(name: str, environ: Mapping[str, str], effort: Effort) -> str:
    if _VARIABLE.fullmatch(name) is None:
        raise Unresolved("what is given for env is not the name of an environment variable")
    if name not in environ:
        if _TOLD_VARIABLE.fullmatch(name) is None:
            raise Missing("the environment variable is not set")
        raise Missing(
            f"environment variable {name} is not set", partial(_variable_hint, name, environ, effort)
        )
    if not environ[name]:
        raise Missing("the environment variable is empty", "set it")
    return environ[name]


def _variable_hint(name: str, environ: Mapping[str, str], effort: Effort, near: bool) -> str:
    near = near and len(environ) <= _MOST_VARIABLES
    found = nearest(name, sorted(environ), effort) if near else None
    return "set it" if found is None else f"did you mean {found}?"


def _file_hint(path: str, told: bool, error: OSError, near: bool) -> str | None:
    hint = missing_file_hint(path, error)
    return hint or (None if told else "a path without / or . is not told: it may be the secret itself")


def _file(name: str, folder: Path) -> str:
    if looks_like_uri(name):
        raise Unresolved("expected the path of a file, got a URI", "a URI is no path")
    path = _beside(folder, name)
    # A secret that somebody gave in the place of its file is no file's name.
    told = looks_like_path(name) or os.path.lexists(path)
    shown = repr(redacted(path))
    hint: Callable[[bool], str | None] | None = None
    try:
        raw = read_bounded(path, _LARGEST)
    except OSError as error:
        message = f"{shown}: {why_unreadable(error)}" if told else "the file is not there"
        hint = partial(_file_hint, path, told, error.with_traceback(None))
    else:
        if raw is None:
            message = f"{shown}: the file is larger than {_LARGEST} bytes"
        else:
            message = f"{shown}: the file is empty"
            try:
                text = _LINE_END.sub("", raw.decode("utf-8-sig"))
            except ValueError:
                text, message = "", f"{shown}: the file is not UTF-8"
            if text:
                return text
    raise Missing(message, hint)
