"""Names that are near each other."""

from __future__ import annotations

from wssdk.config_values import Effort, nearest


def test_the_nearest_of_several_names() -> None:
    assert nearest("opne", ["open", "close", "drain"]) == "open"


def test_a_name_of_64_letters_is_the_longest_that_a_near_one_is_looked_for() -> None:
    assert nearest("a" * 64, ["a" * 63]) == "a" * 63
    assert nearest("a" * 65, ["a" * 64]) is None


def test_once_an_effort_is_spent_nothing_is_near() -> None:
    effort = Effort(40)
    assert nearest("opne", ["open"], effort) == "open"
    assert nearest("opne", ["open"], effort) == "open"
    assert nearest("opne", ["open"], effort) is None
