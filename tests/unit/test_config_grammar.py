from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import pytest

from wssdk import config_grammar as grammar
from wssdk.config_values import BadValue, Dialect

OFF_HINT = "to switch it off, write {off}"
SIZE_HINT = "for no limit, write {off}"


def refusal(function: Callable[[Any], Any], value: object) -> BadValue:
    with pytest.raises(BadValue) as caught:
        function(value)
    return caught.value


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (10, 10.0),
        (2.5, 2.5),
        ("10", 10.0),
        ("2.5", 2.5),
        ("10s", 10.0),
        ("10 s", 10.0),
        (" 10s ", 10.0),
        ("500ms", 0.5),
        ("0.1s", 0.1),
        ("1m", 60.0),
        ("1.5h", 5400.0),
        ("+1s", 1.0),
        (0.001, 0.001),
        (10**9, 1e9),
    ],
)
@pytest.mark.parametrize("function", [grammar.duration, grammar.optional_duration])
def test_duration(function: Callable[[Any], float | None], value: object, seconds: float) -> None:
    assert function(value) == seconds


def test_duration_is_a_float() -> None:
    assert type(grammar.duration(10)) is float


@pytest.mark.parametrize("value", [None, False])
@pytest.mark.parametrize(
    "function",
    [
        grammar.optional_duration,
        grammar.optional_size,
        grammar.max_size,
        grammar.max_queue,
        grammar.server_window_bits,
        grammar.optional_port,
        grammar.optional_count,
    ],
)
def test_off(function: Callable[[Any], object], value: object) -> None:
    assert function(value) is None


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (0, f"it must be above 0; {OFF_HINT}"),
        (-1, f"it must be above 0; {OFF_HINT}"),
        ("-1s", f"it must be above 0; {OFF_HINT}"),
        (0.0, f"it must be above 0; {OFF_HINT}"),
        (True, f"leave the option out for its default; {OFF_HINT}"),
        (math.inf, OFF_HINT),
        (-math.inf, OFF_HINT),
        (math.nan, OFF_HINT),
        ("none", OFF_HINT),
        ("None", OFF_HINT),
        ("off", OFF_HINT),
        ("inf", OFF_HINT),
        ("", OFF_HINT),
        (10**9 + 1, f"at most 1000000000 seconds; {OFF_HINT}"),
        (10**400, f"at most 1000000000 seconds; {OFF_HINT}"),
        ("5 sec", "unknown unit 'sec', did you mean 's'?"),
        ("5 seconds", "unknown unit 'seconds', did you mean 's'?"),
        ("5min", "unknown unit 'min', did you mean 'm'?"),
        ("5 millis", "unknown unit 'millis', did you mean 'ms'?"),
        ("5 hrs", "unknown unit 'hrs', did you mean 'h'?"),
        ("5 MS", "unknown unit 'MS', did you mean 'ms'?"),
        ("5 parsec", "unknown unit 'parsec'; units are ms, s, m, h"),
        ("soon", None),
        ("10s 5ms", None),
        ("1" * 5000, None),
        ([10], None),
        ({}, None),
    ],
)
def test_bad_duration(value: object, hint: str | None) -> None:
    bad = refusal(grammar.optional_duration, value)
    assert bad.expected == 'a duration such as 10, 2.5, "10s" or "500ms", or {off} to switch it off'
    assert bad.hint == hint


@pytest.mark.parametrize("value", [None, False, 0, "none"])
def test_duration_that_cannot_be_switched_off(value: object) -> None:
    bad = refusal(grammar.duration, value)
    assert bad.expected == 'a duration such as 10, 2.5, "10s" or "500ms"'
    assert "it cannot be switched off" in (bad.hint or "")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1048576, 2**20),
        ("1048576", 2**20),
        ("1 MiB", 2**20),
        ("1MiB", 2**20),
        ("500 kB", 500_000),
        ("1.5 KiB", 1536),
        ("2 GiB", 2**31),
        ("3 MB", 3_000_000),
        ("1 GB", 10**9),
        ("7 B", 7),
        (1e6, 10**6),
        (sys.maxsize, sys.maxsize),
    ],
)
@pytest.mark.parametrize(
    "function",
    [grammar.size, grammar.optional_size, grammar.max_size, grammar.write_limit],
)
def test_size(function: Callable[[Any], int | None], value: object, size: int) -> None:
    assert function(value) == size


def test_size_is_an_int() -> None:
    assert type(grammar.size(1e6)) is int  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("1 MiBB", "unknown unit 'MiBB', did you mean 'MiB'?"),
        ("1 mib", "unknown unit 'mib', did you mean 'MiB'?"),
        ("1 KB", "unknown unit 'KB', did you mean 'kB'?"),
        ("1 K", "unknown unit 'K', did you mean 'kB'?"),
        ("1 M", "unknown unit 'M', did you mean 'MB'?"),
        ("5 bytes", "unknown unit 'bytes', did you mean 'B'?"),
        ("1 s", "unknown unit 's'; units are B, kB, MB, GB, KiB, MiB, GiB"),
        (0, SIZE_HINT),
        (-1, SIZE_HINT),
        (True, f"leave the option out for its default; {SIZE_HINT}"),
        ("none", SIZE_HINT),
        ("unlimited", SIZE_HINT),
        (math.inf, SIZE_HINT),
        (5.7, "there is no part of a byte"),
        ("1.0001 kB", "there is no part of a byte"),
        (sys.maxsize + 1, f"at most {sys.maxsize} bytes; {SIZE_HINT}"),
        ("a lot", None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("function", [grammar.optional_size, grammar.max_size])
def test_bad_size(function: Callable[[Any], object], value: object, hint: str | None) -> None:
    bad = refusal(function, value)
    assert bad.expected == 'a size such as 1048576, "1 MiB" or "500 kB", or {off} for no limit'
    assert bad.hint == hint


def test_size_may_be_zero() -> None:
    assert grammar.size(0) == 0


@pytest.mark.parametrize("value", [0, -1, None, False])
def test_read_limit_is_above_zero(value: object) -> None:
    bad = refusal(grammar.read_limit, value)
    assert bad.expected == 'a size such as 1048576, "1 MiB" or "500 kB"'
    assert bad.hint == "it must be above 0, and cannot be switched off"


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        (["1 MiB", "64 KiB"], (2**20, 2**16)),
        ((10, 10), (10, 10)),
        ((10, None), (10, None)),
        ([False, 10], (None, 10)),
        ([None, None], (None, None)),
    ],
)
def test_sizes_of_message_and_fragment(value: Any, pair: tuple[int | None, int | None]) -> None:
    assert grammar.max_size(value) == pair


def test_fragment_may_not_be_larger_than_its_message() -> None:
    bad = refusal(grammar.max_size, (1, 2))
    assert bad.told(Dialect.CODE, "it") == "the limit of a fragment, 2, is above that of a message, 1"


def test_read_limit_of_a_gibibyte() -> None:
    assert grammar.read_limit("1 GiB") == 2**30


def test_read_limit_above_a_gibibyte() -> None:
    assert refusal(grammar.read_limit, 2**30 + 1).hint == "at most 1 GiB is read at once"


@pytest.mark.parametrize("value", [[], [1], [1, 2, 3]])
@pytest.mark.parametrize("function", [grammar.max_size, grammar.max_queue, grammar.write_limit])
def test_pair_has_two_items(function: Callable[[Any], object], value: object) -> None:
    assert "or two: [" in refusal(function, value).expected


def test_bad_item_of_a_pair_is_told() -> None:
    assert refusal(grammar.max_size, ["1 MiB", "x"]).value == "x"


@pytest.mark.parametrize(
    ("value", "queue"),
    [
        (32, 32),
        ([32, 8], (32, 8)),
        ((32, 0), (32, 0)),
        ((32, 32), (32, 32)),
        ((16, None), 16),
        ((16, False), 16),
        ((None, None), None),
    ],
)
def test_queue(value: Any, queue: object) -> None:
    assert grammar.max_queue(value) == queue


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (0, "expected a whole number of messages, or false for no limit, got it"),
        (-1, "expected a whole number of messages, or false for no limit, got it"),
        (True, "expected a whole number of messages, or false for no limit, got it"),
        (1.5, "expected a whole number of messages, or false for no limit, got it"),
        ("32", "expected a whole number of messages, or false for no limit, got it"),
        ([8, 32], "low water, 32, is above high water, 8"),
        ([None, 8], "low water has no meaning without high water"),
    ],
)
def test_bad_queue(value: object, complaint: str) -> None:
    assert refusal(grammar.max_queue, value).told(Dialect.TOML, "it") == complaint


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("64 KiB", 2**16),
        (0, 0),
        (["64 KiB", "16 KiB"], (2**16, 2**14)),
        ((10, 0), (10, 0)),
        ((10, None), 10),
    ],
)
def test_write_limit(value: Any, limit: object) -> None:
    assert grammar.write_limit(value) == limit


@pytest.mark.parametrize("value", [None, False, -1, [None, 5], [5, -1], ["x", 1]])
def test_bad_write_limit(value: object) -> None:
    assert refusal(grammar.write_limit, value).expected == 'a size such as 1048576, "1 MiB" or "500 kB"'


def test_low_water_of_writing_above_high_water() -> None:
    assert refusal(grammar.write_limit, [5, 6]).expected == "low water, 6, is above high water, 5"


@pytest.mark.parametrize("value", [True, False])
def test_boolean(value: bool) -> None:
    assert grammar.boolean(value) is value


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("true", "write true without quotes"),
        ("False", "write false without quotes"),
        ("yes", None),
        (1, None),
        (0, None),
        (None, None),
    ],
)
def test_bad_boolean(value: object, hint: str | None) -> None:
    bad = refusal(grammar.boolean, value)
    assert (bad.expected, bad.hint) == ("true or false", hint)


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), (1.618, 1.618)])
def test_factor(value: float, number: float) -> None:
    assert grammar.factor(value) == number


@pytest.mark.parametrize("value", [0.9, True, "2", math.nan, math.inf, 10**400, None])
def test_bad_factor(value: object) -> None:
    assert refusal(grammar.factor, value).expected == "a number of 1 or more, such as 1.618"


@pytest.mark.parametrize(
    ("function", "least", "most"),
    [
        (grammar.compression_level, -1, 9),
        (grammar.memory_level, 1, 9),
        (grammar.client_window_bits, 9, 15),
        (grammar.server_window_bits, 8, 15),
        (grammar.optional_port, 1, 65535),
        (grammar.optional_count, 1, sys.maxsize),
        (grammar.redirects, 0, 1000),
    ],
)
class TestInteger:
    def test_bounds_belong_to_it(self, function: Callable[[Any], Any], least: int, most: int) -> None:
        assert (function(least), function(most)) == (least, most)

    def test_below(self, function: Callable[[Any], Any], least: int, most: int) -> None:
        assert refusal(function, least - 1).value == least - 1

    def test_above(self, function: Callable[[Any], Any], least: int, most: int) -> None:
        assert refusal(function, most + 1).value == most + 1

    def test_float(self, function: Callable[[Any], Any], least: int, most: int) -> None:
        assert refusal(function, float(least)).value == float(least)

    def test_quoted(self, function: Callable[[Any], Any], least: int, most: int) -> None:
        hint = refusal(function, str(most)).hint
        assert hint in (f"write {most} without quotes", OFF_HINT)


def test_server_may_choose_the_window() -> None:
    assert grammar.client_window_bits(True) is True


def test_window_of_eight_bits_has_its_reason() -> None:
    hint = "zlib cannot compress with a window of 8 bits"
    assert refusal(grammar.client_window_bits, 8).hint == hint


@pytest.mark.parametrize("function", [grammar.compression_level, grammar.memory_level, grammar.redirects])
def test_true_is_no_integer(function: Callable[[Any], Any]) -> None:
    assert refusal(function, True).value is True


def test_statuses_come_once() -> None:
    assert grammar.retry_status([503, 429, 503]) == (503, 429)


@pytest.mark.parametrize("value", [503, "503", None, [200], [600], ["503"], [503.0]])
def test_bad_statuses(value: object) -> None:
    expected = "an array of HTTP status codes from 300 to 599"
    assert refusal(grammar.retry_status, value).expected == expected


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (grammar.duration, "10s"),
        (grammar.optional_duration, "10s"),
        (grammar.optional_duration, None),
        (grammar.size, "1 MiB"),
        (grammar.read_limit, "1 MiB"),
        (grammar.optional_size, "1 MiB"),
        (grammar.max_size, ["1 MiB", None]),
        (grammar.max_queue, [32, 8]),
        (grammar.write_limit, ["1 MiB", 0]),
        (grammar.factor, 2),
        (grammar.client_window_bits, True),
        (grammar.retry_status, [500]),
    ],
)
def test_result_is_taken_unchanged(function: Callable[[Any], Any], value: object) -> None:
    once = function(value)
    assert function(once) == once


def test_text_of_the_exception_does_not_show_the_value() -> None:
    assert "hush" not in str(refusal(grammar.duration, "hush"))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("32", "write 32 without quotes"),
        ("0", "for no limit, write {off}"),
        ("x", "for no limit, write {off}"),
    ],
)
def test_hint_of_a_number_in_quotes(value: str, hint: str) -> None:
    assert refusal(grammar.max_queue, value).hint == hint


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (5.7, "it must be a whole number"),
        (5.0, "write 5, without a point"),
        (-5.0, "it must be a whole number"),
    ],
)
def test_a_fraction_is_told_to_be_one(value: Any, hint: str) -> None:
    with pytest.raises(BadValue) as caught:
        grammar.max_queue(value)
    assert caught.value.hint == hint
