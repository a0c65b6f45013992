"""Every option, set by each of its spellings, is seen at work: on the wire, at the socket, in the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.options import OBSERVERS, SPELLINGS, Setup, Spelling
from wssdk.config_keywords import keyword_of
from wssdk.config_schema import OPTIONS


def cases() -> list[object]:
    return [
        pytest.param(
            path,
            spelling,
            id=f"{path}-{spelling}",
            marks=[pytest.mark.needs(observer.software)] if observer.software else [],
        )
        for path, observer in OBSERVERS.items()
        for spelling in SPELLINGS
        if spelling != "keyword" or keyword_of(path)
    ]


def test_every_option_has_an_observer() -> None:
    assert {".".join(option) for option in OPTIONS} - OBSERVERS.keys() == set(), (
        "say in tests/support/options how the option is seen at work"
    )


def test_every_observer_is_of_an_option() -> None:
    assert OBSERVERS.keys() - {".".join(option) for option in OPTIONS} == {"headers.X-Key"}


@pytest.mark.parametrize(("path", "spelling"), cases())
async def test_option_is_seen_at_work(path: str, spelling: Spelling, tmp_path: Path) -> None:
    observer = OBSERVERS[path]
    seen = await observer.effect(Setup(path, observer, spelling, tmp_path))
    if spelling == "default":
        # What is seen is the option's doing, and nothing that is so anyway.
        assert seen != observer.expected
    else:
        assert seen == observer.expected
