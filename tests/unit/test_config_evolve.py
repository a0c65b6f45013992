from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.support.config_errors import problems_of, report_of
from wssdk import Auth, ClientConfig, Secret, Timeouts, Tls

CONFIG = ClientConfig(
    uri="wss://h",
    timeouts=Timeouts(open=1, close=2),
    headers={"X-A": "a", "X-B": "b"},
    auth=Auth(token="hush"),
)


def test_one_option_is_changed_by_its_dotted_name() -> None:
    changed = CONFIG.evolve({"timeouts.open": "5s"})
    assert changed == attrs.evolve(CONFIG, timeouts=Timeouts(open=5, close=2))


def test_options_of_the_top_level_are_keywords() -> None:
    assert CONFIG.evolve(uri="wss://i", compression=False).uri == "wss://i"
    assert CONFIG.evolve(uri="wss://i", compression=False).compression.enabled is False


def test_a_table_is_merged_into_its_section() -> None:
    assert CONFIG.evolve(timeouts={"open": 5}).timeouts == Timeouts(open=5, close=2)


def test_a_section_replaces_the_one_before() -> None:
    assert CONFIG.evolve(timeouts=Timeouts(open=5)).timeouts == Timeouts(open=5)


def test_none_switches_an_option_off() -> None:
    assert CONFIG.evolve({"timeouts.open": None}).timeouts.open is None


def test_a_header_is_set_changed_and_taken_away() -> None:
    changed = CONFIG.evolve({"headers.x-a": "c", "headers.X-B": None, "headers.X-D": "d"})
    assert list(changed.headers.raw_items()) == [("x-a", "c"), ("X-D", "d")]


def test_nothing_changed_is_the_same_value() -> None:
    assert CONFIG.evolve() == CONFIG


def test_the_configuration_itself_stays_as_it_is() -> None:
    CONFIG.evolve({"timeouts.open": 9})
    assert CONFIG.timeouts.open == 1


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"timeouts.opne": 5}, "did you mean 'timeouts.open'?"),
        ({"timeout.open": 5}, "did you mean 'timeouts.open'?"),
        ({"open_timeout": 5}, "the option for 'open_timeout' is 'timeouts.open'"),
        ({"limits.open": 5}, "did you mean 'timeouts.open'?"),
    ],
)
def test_an_unknown_name_tells_the_near_one(changes: dict[str, Any], hint: str) -> None:
    (problem,) = problems_of(lambda: CONFIG.evolve(changes))
    assert problem.message == f"unknown option {next(iter(changes))!r}"
    assert problem.hint == hint


def test_every_problem_is_told_at_once() -> None:
    problems = problems_of(
        lambda: CONFIG.evolve(
            {"timeouts.open": 0, "limits.max_size": "1 MiBB", "zzz": 1, "headers.Host": "h", "uri": "x"}
        )
    )
    assert {problem.path for problem in problems} == {
        "timeouts.open", "limits.max_size", "zzz", "headers.Host", "uri"
    }  # fmt: skip


def test_the_rules_between_options_are_checked_again() -> None:
    config = attrs.evolve(CONFIG, tls=Tls(ca_file="ca.pem"))
    (problem,) = problems_of(lambda: config.evolve(uri="ws://h"))
    assert problem.path == "tls.ca_file"


def test_no_secret_is_told() -> None:
    report = report_of(lambda: CONFIG.evolve({"auth.token": "hush\n", "headers.X": "hush\n", "tokn": "hush"}))
    assert "hush" not in report


def test_a_header_that_is_a_secret_stays_one() -> None:
    headers: dict[str, str | Secret] = {"X-A": Secret("a"), "X-B": "b"}
    config = ClientConfig(uri="ws://h", headers=headers)
    assert config.evolve({"headers.X-B": "c"}).headers.secret_names == {"x-a"}
