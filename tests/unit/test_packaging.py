"""What the package says of itself, held against what it is."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import wssdk

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "wssdk"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT: Final[dict[str, Any]] = tomllib.loads(text_of("pyproject.toml"))["project"]
# Where a distribution's import name is not its own.
IMPORTED_AS: Final = {"python-socks": "python_socks"}


def names(requirements: list[str]) -> set[str]:
    found = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in requirements}
    return {IMPORTED_AS.get(name, name) for name in found}


def imported_by(file: Path) -> Iterator[str]:
    """Top-level names of the absolute imports of a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_the_version_is_that_of_the_project() -> None:
    assert wssdk.__version__ == PROJECT["version"]


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == PROJECT["version"]


@pytest.mark.parametrize("script", PROJECT["scripts"].values())
def test_an_entry_point_can_be_called(script: str) -> None:
    module, _, function = script.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_every_import_is_a_declared_dependency() -> None:
    extras = PROJECT["optional-dependencies"]
    declared = names(PROJECT["dependencies"]) | names(extras["testing"])
    allowed = declared | set(sys.stdlib_module_names) | {"wssdk"}
    strange = {(file.name, name) for file in PACKAGE.rglob("*.py") for name in imported_by(file)}
    of_the_command = {(file, name) for file in ("config.py", "tables.py") for name in names(extras["cli"])}
    assert {(file, name) for file, name in strange if name not in allowed} - of_the_command == set()


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_license_is_the_one_that_is_named() -> None:
    assert PROJECT["license"] == "BSD-3-Clause"
    assert text_of("LICENSE").startswith("BSD 3-Clause License")


def test_the_sessions_run_on_every_python_that_is_promised() -> None:
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    sessions = re.search(r"^PYTHONS = \[(.*)\]$", text_of("noxfile.py"), re.MULTILINE)
    assert sessions is not None
    assert re.findall(r"3\.\d+", sessions[1]) == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_make_helps_with_each_of_its_targets() -> None:
    makefile = text_of("Makefile")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None
    assert re.findall(r'"make ([\w-]+)', makefile) == [name for name in targets[1].split() if name != "help"]
