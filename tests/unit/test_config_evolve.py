from __future__ import annotations

import itertools
from typing import Any

import attrs
import pytest

from tests.support.config_errors import problems_of, report_of
from wssdk import Auth, ClientConfig, Compression, Proxy, Secret, Timeouts, Tls

CONFIG = ClientConfig(
    uri="wss://h",
    timeouts=Timeouts(open=1, close=2),
    headers={"X-A": "a", "X-B": "b"},
    auth=Auth(token="hush"),
)


def in_any_order(changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(items) for items in itertools.permutations(changes.items())]


def test_one_option_is_changed_by_its_dotted_name() -> None:
    changed = CONFIG.evolve({"timeouts.open": "5s"})
    assert changed == attrs.evolve(CONFIG, timeouts=Timeouts(open=5, close=2))


def test_options_of_the_top_level_are_keywords() -> None:
    assert CONFIG.evolve(uri="wss://i", compression=False).uri == "wss://i"
    assert CONFIG.evolve(uri="wss://i", compression=False).compression.enabled is False


@pytest.mark.parametrize("given", [{"uri": "wss://i"}, {"uris": ["wss://i", "wss://j"]}])
@pytest.mark.parametrize("before", [{"uri": "wss://a"}, {"uris": ["wss://a", "wss://b"]}])
def test_a_new_uri_takes_the_place_of_all(before: dict[str, Any], given: dict[str, Any]) -> None:
    assert ClientConfig(**before).evolve(**given) == ClientConfig(**given)
    assert ClientConfig(**before).evolve(given) == ClientConfig(**given)


def test_a_uri_and_several_are_too_many() -> None:
    (problem,) = problems_of(lambda: CONFIG.evolve(uri="wss://i", uris=["wss://j"]))
    assert problem.message == "uris: uri is set, too"


def test_spellings_of_a_header_are_told_alike_in_any_order() -> None:
    for changes in in_any_order({"headers.X-K": "1", "headers.x-k": "2\n", "headers.X-k": 5}):
        assert [problem.message for problem in problems_of(lambda: CONFIG.evolve(changes))] == [  # noqa: B023
            "headers.X-k: the header is set twice, as 'X-K', too",
            "headers.x-k: the header is set twice, as 'X-K', too",
        ]


def test_a_table_is_merged_into_its_section() -> None:
    assert CONFIG.evolve(timeouts={"open": 5}).timeouts == Timeouts(open=5, close=2)


def test_a_section_replaces_the_one_before() -> None:
    assert CONFIG.evolve(timeouts=Timeouts(open=5)).timeouts == Timeouts(open=5)


def test_a_dotted_name_holds_over_its_section_in_any_order() -> None:
    for changes in in_any_order({"timeouts": Timeouts(open=5, close=6), "timeouts.close": 7}):
        assert CONFIG.evolve(changes).timeouts == Timeouts(open=5, close=7)
    for changes in in_any_order({"timeouts": {"open": 5, "close": 6}, "timeouts.close": 7}):
        assert CONFIG.evolve(changes).timeouts == Timeouts(open=5, close=7)


def test_a_dotted_name_holds_over_the_short_form_in_any_order() -> None:
    for changes in in_any_order({"proxy": True, "proxy.url": "http://p"}):
        assert CONFIG.evolve(changes).proxy == Proxy(url="http://p")
    for changes in in_any_order({"proxy": "http://a", "proxy.url": "http://b", "proxy.enabled": False}):
        assert CONFIG.evolve(changes).proxy == Proxy(url="http://b", enabled=False)
    for changes in in_any_order({"compression": None, "compression.level": 3}):
        assert CONFIG.evolve(changes).compression == Compression(enabled=False, level=3)


def test_a_dotted_header_holds_over_the_table_in_any_order() -> None:
    for changes in in_any_order(
        {"headers": {"x-c": "c", "X-A": "a"}, "headers.X-C": "d", "headers.x-a": None}
    ):
        assert dict(CONFIG.evolve(changes).headers) == {"X-B": "b", "X-C": "d"}


def test_a_section_that_is_none_is_told_beside_what_is_wrong_with_its_options() -> None:
    for changes in in_any_order({"timeouts": 5, "timeouts.opne": 6}):
        problems = problems_of(lambda changes=changes: CONFIG.evolve(changes))  # type: ignore[misc]
        assert {problem.path for problem in problems} == {"timeouts", "timeouts.opne"}


def test_a_header_that_is_set_twice_is_told() -> None:
    changes = {"headers.X-C": "hush", "headers.x-c": "hush"}
    (problem,) = problems_of(lambda: CONFIG.evolve(changes))
    assert problem.message == "headers.x-c: the header is set twice, as 'X-C', too"
    assert problem.hint == "keep one of them"


def test_what_is_given_in_the_mapping_and_by_keyword_is_told() -> None:
    (problem,) = problems_of(lambda: CONFIG.evolve({"uri": "ws://hush"}, uri="ws://hush"))
    assert problem.message == "uri: given both in the mapping and by keyword"


def test_headers_of_another_configuration_stay_secrets() -> None:
    other = ClientConfig(headers={"X-A": Secret("c"), "X-C": Secret("d")})
    assert CONFIG.evolve(headers=other.headers).headers.secret_names == {"x-a", "x-c"}


def test_changes_are_a_mapping() -> None:
    with pytest.raises(TypeError, match="changes must be a mapping, not list"):
        CONFIG.evolve([("uri", "ws://h")])  # type: ignore[arg-type]


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


def test_a_change_names_no_connection() -> None:
    changes = {"connections.a.timeouts.open": 1}
    for call in (
        lambda: CONFIG.evolve(changes),
        lambda: ClientConfig.load(environ={}, overrides={"uri": "ws://h", **changes}),
    ):
        (problem,) = problems_of(call)
        assert problem.hint == "it is for one connection, and names none: write 'timeouts.open'"
