from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest

from tests.support.config_errors import problems_of
from wssdk.config import ClientConfig
from wssdk.config_headers import FrozenHeaders, frozen_headers
from wssdk.config_values import BadValue
from wssdk.headers import Headers, MultipleValuesError
from wssdk.secret import Secret

PAIRS = (("X-One", "1"), ("Cookie", "a"), ("cookie", "b"))


class Essential:
    def keys(self) -> list[str]:
        return ["X-One"]

    def __getitem__(self, name: str) -> str:
        return {"X-One": "1"}[name]


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (None, ()),
        ({}, ()),
        ({"X-One": "1"}, (("X-One", "1"),)),
        (PAIRS, PAIRS),
        ([["X-One", "1"]], (("X-One", "1"),)),
        (iter(PAIRS), PAIRS),
        (Headers(PAIRS), PAIRS),
        (FrozenHeaders(PAIRS), PAIRS),
        (Essential(), (("X-One", "1"),)),
        ({"X": "tab\tand é"}, (("X", "tab\tand é"),)),
    ],
)
def test_fields_keep_order_and_spelling(value: Any, fields: object) -> None:
    assert tuple(frozen_headers(value).raw_items()) == fields


@pytest.mark.parametrize("value", ["X: 1", b"X: 1", 5, [("X",)], [("X", "1", "2")], ["XY"], [5]])
def test_no_headers(value: Any) -> None:
    with pytest.raises(BadValue, match="a mapping of header names to texts, or pairs of them"):
        frozen_headers(value)


@pytest.mark.parametrize(
    ("name", "value", "complaint", "hint"),
    [
        ("Host", "x", "the opening handshake sets this header itself", "network.host"),
        ("Upgrade", "x", "the opening handshake sets this header itself", None),
        ("CONNECTION", "x", "the opening handshake sets this header itself", None),
        ("Sec-WebSocket-Key", "x", "the opening handshake sets this header itself", None),
        ("Sec-WebSocket-Protocol", "x", "the opening handshake sets this header itself", "set subprotocols"),
        ("Content-Length", "0", "the opening handshake sets this header itself", None),
        ("a ", "x", "the name of a header is made of letters, digits and -", None),
        ("", "x", "the name of a header is made of letters, digits and -", None),
        ("X", "a\nb", "the value of a header has no control characters and no line breaks", None),
        ("X", "a\rb", "the value of a header has no control characters and no line breaks", None),
        ("X", "a\0b", "the value of a header has no control characters and no line breaks", None),
        ("X", "\ud800", "the value of a header has no control characters and no line breaks", None),
        ("X", 5, "expected a text, got an int", "write the text itself"),
        ("X", None, "expected a text, got a NoneType", "write the text itself"),
        (5, "x", "expected the name of a header, got an int", None),
    ],
)
def test_field_that_may_not_be_sent(name: Any, value: Any, complaint: str, hint: str | None) -> None:
    (problem,) = problems_of(lambda: frozen_headers([(name, value)]))
    assert problem.message == f"headers.{name}: {complaint}"
    assert (problem.hint is None) if hint is None else (hint in (problem.hint or ""))


def test_all_bad_fields_are_told() -> None:
    problems = problems_of(lambda: frozen_headers({"Host": "x", "Ok": "x", "Upgrade": "y"}))
    assert [problem.path for problem in problems] == ["headers.Host", "headers.Upgrade"]


def test_value_of_a_bad_field_is_not_told() -> None:
    assert "hush" not in str(problems_of(lambda: frozen_headers({"X": "hush\n", "Host": "hush"})))


def test_names_compare_without_case() -> None:
    assert FrozenHeaders(PAIRS)["x-ONE"] == "1"


def test_missing_name() -> None:
    with pytest.raises(KeyError, match="X-Two"):
        FrozenHeaders(PAIRS)["X-Two"]


def test_repeated_name() -> None:
    with pytest.raises(MultipleValuesError, match="Cookie"):
        FrozenHeaders(PAIRS)["Cookie"]


def test_all_values_of_a_name() -> None:
    assert FrozenHeaders(PAIRS).get_all("COOKIE") == ["a", "b"]


@pytest.mark.parametrize(("name", "there"), [("x-one", True), ("X-Two", False), (5, False)])
def test_contains(name: object, there: bool) -> None:
    assert (name in FrozenHeaders(PAIRS)) is there


def test_names_come_once_in_order() -> None:
    assert list(FrozenHeaders(PAIRS)) == ["X-One", "Cookie"]


def test_length_counts_names() -> None:
    assert len(FrozenHeaders(PAIRS)) == 2


def test_values_are_masked() -> None:
    assert repr(FrozenHeaders({"X-One": "hush"}.items())) == "FrozenHeaders({'X-One': '********'})"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"A": "1"}, FrozenHeaders([("a", "1")]), True),
        ({"A": "1"}, FrozenHeaders([("a", "2")]), False),
        ({"A": "1"}, {"a": "1"}, True),
        ({"A": "1", "B": "2"}, {"b": "2", "a": "1"}, True),
        ({"A": "1"}, {"a": 1}, False),
        ({"A": "1"}, Headers(a="1"), True),
        (PAIRS, Headers(PAIRS), True),
        (PAIRS, Headers(PAIRS[:2]), False),
        ({"A": "1"}, (("A", "1"),), False),
    ],
)
def test_equality(one: Any, other: object, equal: bool) -> None:
    assert (frozen_headers(one) == other) is equal


def test_equal_headers_have_equal_hashes() -> None:
    assert hash(FrozenHeaders([("A", "1")])) == hash(FrozenHeaders([("a", "1")]))


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(FrozenHeaders(PAIRS))) == FrozenHeaders(PAIRS)


def test_copy() -> None:
    assert copy.deepcopy(FrozenHeaders(PAIRS)) == FrozenHeaders(PAIRS)


def test_nothing_can_be_set() -> None:
    with pytest.raises(AttributeError, match="cannot be changed"):
        FrozenHeaders(PAIRS).fields = ()


def test_nothing_can_be_deleted() -> None:
    with pytest.raises(AttributeError, match="cannot be changed"):
        del FrozenHeaders(PAIRS).fields  # type: ignore[attr-defined]


def test_asdict_lays_nothing_open() -> None:
    assert "hush" not in str(attrs.asdict(ClientConfig(headers={"X": "hush"})))


def test_secret_among_the_values_is_what_is_sent() -> None:
    headers = frozen_headers({"X-Note": Secret("s3cret")})
    assert headers["X-Note"] == "s3cret"


def test_names_of_secrets_are_known() -> None:
    fields: dict[str, str | Secret] = {"X-Note": Secret("s3cret"), "X-Client": "a"}
    headers = frozen_headers(fields)
    assert headers.secret_names == {"x-note"}


def test_names_of_secrets_survive_pickling() -> None:
    headers = frozen_headers({"X-Note": Secret("s3cret")})
    assert pickle.loads(pickle.dumps(headers)).secret_names == {"x-note"}


def test_headers_differ_where_only_one_has_a_secret() -> None:
    assert frozen_headers({"X-Note": Secret("1")}) != frozen_headers({"X-Note": "1"})


def test_secret_that_may_not_be_sent_is_not_told() -> None:
    (problem,) = problems_of(lambda: ClientConfig(headers={"X-Note": Secret("s3cret\r\n")}))
    assert "s3cret" not in str(problem)


def test_the_same_fields_are_equal_where_the_same_of_them_are_secrets() -> None:
    plain, secret = frozen_headers({"X": "a"}), frozen_headers({"X": Secret("a")})
    assert plain != secret
    assert secret == frozen_headers({"x": Secret("a")})


def test_an_empty_value_is_no_secret() -> None:
    assert frozen_headers({"X": Secret("")}) == frozen_headers({"X": ""})
