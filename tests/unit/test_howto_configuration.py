"""What docs/how-to/configuration.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer
from wssdk import ClientConfig, load_factories

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "configuration.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the first fenced block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of the page's file, which extends another."""
    write: Write = file_writer(tmp_path, monkeypatch)
    write("[timeouts]\nopen = 3\n", "base.toml")
    return write(block("toml"))


def test_the_file_is_loaded(service: str) -> None:
    config = ClientConfig.load(service, connection="trades", environ={"TOKEN": "t"})
    assert config.timeouts.open == 5
    assert dict(config.header_items) == {"Authorization": "Bearer t"}


def test_the_file_has_several_factories(service: str) -> None:
    factories = load_factories(service, environ={"TOKEN": "t"})
    assert {name: factory.config.limits.max_size for name, factory in factories.items()} == {
        "trades": 2**20,
        "quotes": 2**16,
    }


def test_the_explanation_is_the_one_that_is_shown(service: str) -> None:
    config = ClientConfig.load(
        service, connection="trades", environ={"TOKEN": "t", "WSSDK_TIMEOUTS__OPEN": "7"}
    )
    shown = [line.split() for line in block("text").splitlines()]
    assert [line.split() for line in str(config.explain()).splitlines()][: len(shown)] == shown
