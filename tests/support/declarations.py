"""What a ``.pxd`` declares and what its ``.py`` has, as far as the two must agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

__all__ = ["Declared", "Room", "declared_in", "written_in"]

_CLASS: Final = re.compile(r"^cdef class (\w+)")
_CALLED: Final = re.compile(r"^(?P<indent> *)cp?def (?P<type>[^(=]*?)(?P<name>\w+)\((?P<given>[^)]*)\)")
_VALUE: Final = re.compile(r"^(?P<indent> *)cdef [^(:]*?(?P<name>\w+)$")
_LOCALS: Final = re.compile(r"^ *@cython\.locals\((.*)\)$")


@attrs.frozen
class Declared:
    """One function or method: how many it takes, how many of them may be left out, locals by name."""

    takes: int
    optional: int
    names: frozenset[str] = frozenset()
    """Of a declaration: the locals whose types it gives. Of a function: all names it binds."""


@attrs.define
class Room:
    """Names of one module; those of a class as ``Class.name``."""

    values: set[str] = attrs.Factory(set)
    functions: dict[str, Declared] = attrs.Factory(dict)
    classes: set[str] = attrs.Factory(set)


def declared_in(pxd: Path) -> Room:
    """Return what the file declares; ``cdef extern`` blocks and bodies of inline functions aside."""
    room = Room()
    inside = ""
    types: frozenset[str] = frozenset()
    for line in _logical_lines(pxd.read_text()):
        if line[:1] not in ("", " "):
            inside = ""
        if found := _CLASS.match(line):
            inside = found[1]
            room.classes.add(inside)
        elif found := _LOCALS.match(line):
            types = frozenset(re.findall(r"(\w+)=", found[1]))
        elif found := _CALLED.match(line):
            if bool(found["indent"]) is bool(inside):
                given = [one.strip() for one in found["given"].split(",") if one.strip()]
                called = Declared(len(given), sum(one.endswith("=*") for one in given), types)
                room.functions[_full(inside, found["name"])] = called
            types = frozenset()
        elif (found := _VALUE.match(line)) and bool(found["indent"]) is bool(inside):
            room.values.add(_full(inside, found["name"]))
    return room


def written_in(source: Path) -> Room:
    """Return what the module has, and what its classes give their objects."""
    room = Room()
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.ClassDef):
            room.classes.add(node.name)
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    room.functions[_full(node.name, item.name)] = _function(item)
            room.values.update(_full(node.name, name) for name in _own_attributes(node))
        elif isinstance(node, ast.FunctionDef):
            room.functions[node.name] = _function(node)
        else:
            room.values.update(_bound(node))
    return room


def _full(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _logical_lines(text: str) -> Iterator[str]:
    """Yield lines without comments, those within brackets joined."""
    held = ""
    for line in text.splitlines():
        line = line.partition("#")[0].rstrip()
        held = f"{held} {line.strip()}" if held else line
        if held.count("(") <= held.count(")"):
            yield held
            held = ""


def _function(node: ast.FunctionDef) -> Declared:
    arguments = node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return Declared(len(names), len(arguments.defaults), frozenset((*names, *_bound(node))))


def _bound(node: ast.AST) -> set[str]:
    return {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }


def _own_attributes(node: ast.ClassDef) -> set[str]:
    return {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and isinstance(part.value, ast.Name)
        and part.value.id == "self"
    }
