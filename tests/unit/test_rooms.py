from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import wssdk

ROOT = Path(wssdk.__file__).parent

# Highest first; a file imports from lower floors, and from its own room. A room is a folder or a file of
# the package, or a few files under one name.
FLOORS: Final = [
    {"__main__"},
    {"cli"},
    {"testing"},
    {"__init__"},
    {"asyncio", "exceptions", "frames", "datastructures", "http11", "extensions"},
    {"api"},
    {"keywords", "factories", "watching"},
    {"factory"},
    {"tries"},
    # Below the factory: what factory.connect() gives can be iterated over, and reconnecting needs nothing
    # of the factory but a function that opens.
    {"reconnect", "opening", "collaborators"},
    {"providers", "redirects"},
    {"connection"},
    # Above the handshake: what answers CONNECT is an HTTP response as well.
    {"dial"},
    {"handshake", "protocol", "config_sources"},
    {"config"},
    {"wire", "uri"},
    {"errors_limits"},
    {"errors"},
    {"ports"},
    {"headers"},
    {"codes", "typing", "version", "secret", "problem"},
]

# The room of the value; every other config_*.py is of the room that reads files and the environment.
CONFIG: Final = {
    "config_explanation",
    "config_grammar",
    "config_headers",
    "config_keywords",
    "config_rules",
    "config_sections",
    "config_sockets",
    "config_values",
    "config_words",
}

# The one look up: ClientConfig.load() and its like are what users call, and what they call reads files and
# brings cattrs and tomli. Only inside those methods.
LAZY: Final = {("config", "config_sources")}

# What a room without I/O does without.
NO_IO: Final = {"wire", "handshake", "protocol"}
IO_MODULES: Final = {"socket", "time", "logging", "asyncio", "ssl", "select", "selectors", "threading"}


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def name_of(file: Path) -> str:
    return "/".join(file.relative_to(ROOT).parts)


def room_of(file: Path) -> str:
    return room_named(file.relative_to(ROOT).parts[0].removesuffix(".py"))


def room_named(name: str) -> str:
    """Return the room of a folder or a file of the package."""
    if name in CONFIG:
        return "config"
    return "config_sources" if name.startswith("config_") else name


def imports(file: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import with the dotted name of what it imports, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def rooms_imported(file: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import with the room of the package that it looks into."""
    for node, name in imports(file):
        parts = name.split(".")
        if parts[0] != "wssdk":
            continue
        first = parts[1] if len(parts) > 1 else "__init__"
        is_module = (ROOT / first).is_dir() or (ROOT / f"{first}.py").is_file()
        yield node, room_named(first) if is_module else "__init__"


def floor_of(room: str) -> int:
    """Return how high the room is; 0 is the ground."""
    found = [height for height, rooms in enumerate(reversed(FLOORS)) if room in rooms]
    assert len(found) == 1, f"room {room!r} has no floor, or several"
    return found[0]


def top_level(file: Path) -> set[int]:
    """Return the lines of the statements that run when the file is imported, or are for type checkers."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    lines: set[int] = set()
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        lines.add(node.lineno)
        if isinstance(node, ast.If | ast.Try | ast.ClassDef):
            pending.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
    return lines


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_file_looks_down(file: Path) -> None:
    room = room_of(file)
    at_import = top_level(file)
    wrong = [
        f"line {node.lineno}: {room} looks up to {other}"
        for node, other in rooms_imported(file)
        if other != room
        and floor_of(other) >= floor_of(room)
        and not ((room, other) in LAZY and node.lineno not in at_import)
    ]
    assert wrong == []


@pytest.mark.parametrize("file", [file for file in files() if room_of(file) in NO_IO], ids=name_of)
def test_file_without_io_imports_none(file: Path) -> None:
    assert {name.split(".")[0] for _, name in imports(file)} & IO_MODULES == set()


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_file_is_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) < 400


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_size(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    end = body[-1].end_lineno
    assert end is not None
    return end - body[0].lineno + 1


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_functions_are_small(file: Path) -> None:
    assert [function.name for function in functions(file) if body_size(function) >= 50] == []


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_names_are_no_grab_bags(file: Path) -> None:
    assert {"utils", "helpers", "manager"} & {*file.relative_to(ROOT).with_suffix("").parts} == set()


def test_every_room_has_a_floor() -> None:
    assert [room for room in {room_of(file) for file in files()} if floor_of(room) < 0] == []
