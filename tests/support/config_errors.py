"""Files with a configuration in them, and what is said to be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from wssdk.config_kinds import field_of
from wssdk.config_values import BadValue
from wssdk.errors import ConfigError, ConfigProblem

__all__ = ["Write", "file_writer", "problems_of", "report_of", "takes"]

Write: TypeAlias = Callable[..., str]
"""Writes a text into a file, ``service.toml`` unless it is named, and returns the name."""


def file_writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Make ``folder`` the current one, and return a function that writes files into it."""
    monkeypatch.chdir(folder)

    def write(text: str, name: str = "service.toml") -> str:
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        return name

    return write


def problems_of(call: Callable[[], object]) -> tuple[ConfigProblem, ...]:
    """Return the problems of the ``ConfigError`` that ``call`` must raise."""
    with pytest.raises(ConfigError) as caught:
        call()
    assert caught.value.__context__ is None, "what is chained to the error may hold secrets"
    return caught.value.problems


def report_of(call: Callable[[], object]) -> str:
    """Return the text of the ``ConfigError`` that ``call`` must raise."""
    with pytest.raises(ConfigError) as caught:
        call()
    return str(caught.value)


def takes(option: tuple[str, ...], value: object) -> bool:
    """Tell whether the grammar of an option takes ``value``."""
    grammar: Any = field_of(option).converter
    try:
        grammar(value)
    except BadValue:
        return False
    return True
