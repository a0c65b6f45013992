"""The table in docs/how-to/README.md: its three columns mean the same."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import wssdk
from wssdk import ClientConfig

FOLDER: Final = Path(__file__).parents[2] / "docs" / "how-to"
URI: Final = "wss://example.com/"
_ROW: Final = re.compile(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` \| `(WSSDK_[^`]+)` \|$", re.MULTILINE)


def rows() -> Iterator[object]:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, *forms in _ROW.findall(text):
        yield pytest.param(*forms, id=name)


ROWS: Final = list(rows())


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Files that a file names are looked for beside it, and those of code and environment here.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORD", "word")


def from_file(text: str) -> ClientConfig:
    Path("service.toml").write_text(f'uri = "{URI}"\n{text}\n', encoding="utf-8")
    return ClientConfig.load("service.toml", env_prefix=None)


def from_code(text: str) -> ClientConfig:
    names = ("ClientConfig", "Keepalive", "Limits", "Network", "Proxy", "Reconnect", "Tls")
    known = {name: getattr(wssdk, name) for name in names} | {"os": os}
    made: ClientConfig = eval(f"ClientConfig(uri={URI!r}, {text})", known)
    return made


def from_command_line(text: str) -> ClientConfig:
    environ = dict(word.split("=", 1) for word in shlex.split(text))
    return ClientConfig.from_env(environ={"WSSDK_URI": URI, **environ})


def test_every_row_is_read() -> None:
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").count("\n| ")
    assert len(ROWS) == lines - 2  # the heading, and the line below it


@pytest.mark.parametrize(("file", "code", "command"), ROWS)
def test_file_and_code_mean_the_same(file: str, code: str, command: str) -> None:
    assert from_file(file) == from_code(code)


@pytest.mark.parametrize(("file", "code", "command"), ROWS)
def test_code_and_command_line_mean_the_same(file: str, code: str, command: str) -> None:
    assert from_code(code) == from_command_line(command)


@pytest.mark.parametrize(("file", "code", "command"), ROWS)
def test_each_changes_something(file: str, code: str, command: str) -> None:
    assert from_code(code) != ClientConfig(uri=URI)


def test_every_page_is_linked() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in FOLDER.glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in text} == set()
