from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from wssdk.secret import Secret


def test_text_comes_when_asked() -> None:
    assert Secret("hush").reveal() == "hush"


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{0!r:>30}".format, lambda secret: f"{secret}"])
def test_text_is_masked(show: Callable[[Secret], str]) -> None:
    shown = show(Secret("hush"))
    assert "hush" not in shown
    assert "********" in shown


def test_equal_texts_are_equal_secrets() -> None:
    assert Secret("hush") == Secret("hush")


@pytest.mark.parametrize("other", [Secret("other"), "hush", None])
def test_anything_else_is_not_equal(other: object) -> None:
    assert Secret("hush") != other


def test_equal_secrets_have_equal_hashes() -> None:
    assert hash(Secret("hush")) == hash(Secret("hush"))


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda secret: pickle.loads(pickle.dumps(secret))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_duplicate_is_equal(duplicate: Callable[[Secret], Secret]) -> None:
    assert duplicate(Secret("hush")) == Secret("hush")


def test_attribute_cannot_be_set() -> None:
    with pytest.raises(AttributeError, match="cannot be changed"):
        Secret("hush").text = "other"


def test_attribute_cannot_be_deleted() -> None:
    with pytest.raises(AttributeError, match="cannot be changed"):
        del Secret("hush").text  # type: ignore[attr-defined]
