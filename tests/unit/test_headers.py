from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable

import pytest

from wssdk.headers import Headers, HeadersLike, MultipleValuesError, Request, Response


class OnlyKeysAndItems:
    def keys(self) -> Iterable[str]:
        return ["X-A", "X-B"]

    def __getitem__(self, key: str, /) -> str:
        return key.lower()


@pytest.fixture
def headers() -> Headers:
    return Headers([("Connection", "Upgrade"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")])


@pytest.mark.parametrize(
    "given",
    [
        {"X-A": "x-a", "X-B": "x-b"},
        [("X-A", "x-a"), ("X-B", "x-b")],
        (pair for pair in [("X-A", "x-a"), ("X-B", "x-b")]),
        Headers({"X-A": "x-a", "X-B": "x-b"}),
        OnlyKeysAndItems(),
    ],
    ids=["mapping", "pairs", "generator", "Headers", "keys and items"],
)
def test_made_of_whatever_is_like_headers(given: HeadersLike) -> None:
    assert list(Headers(given).raw_items()) == [("X-A", "x-a"), ("X-B", "x-b")]


def test_made_of_keywords() -> None:
    assert list(Headers({"A": "1"}, Upgrade="websocket").raw_items()) == [
        ("A", "1"),
        ("Upgrade", "websocket"),
    ]


def test_made_of_headers_keeps_repeated_fields(headers: Headers) -> None:
    assert Headers(headers).get_all("Set-Cookie") == ["a=1", "b=2"]


def test_lookup_ignores_case(headers: Headers) -> None:
    assert headers["CONNECTION"] == "Upgrade"


def test_lookup_of_a_repeated_field_is_ambiguous(headers: Headers) -> None:
    with pytest.raises(MultipleValuesError, match=r"^Set-Cookie$"):
        headers["Set-Cookie"]


def test_lookup_of_a_missing_field(headers: Headers) -> None:
    with pytest.raises(KeyError):
        headers["Host"]


def test_get_has_a_default(headers: Headers) -> None:
    assert headers.get("Host", "none") == "none"


def test_get_all_of_a_missing_field_is_empty(headers: Headers) -> None:
    assert headers.get_all("Host") == []


def test_get_all_gives_a_list_of_its_own(headers: Headers) -> None:
    headers.get_all("Set-Cookie").clear()
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_setting_adds(headers: Headers) -> None:
    headers["SET-COOKIE"] = "c=3"
    assert headers.get_all("set-cookie") == ["a=1", "b=2", "c=3"]


def test_deleting_removes_every_field_of_the_name(headers: Headers) -> None:
    del headers["SET-cookie"]
    assert list(headers.raw_items()) == [("Connection", "Upgrade")]


def test_deleting_a_missing_field(headers: Headers) -> None:
    with pytest.raises(KeyError):
        del headers["Host"]


def test_clearing(headers: Headers) -> None:
    headers.clear()
    assert (len(headers), list(headers.raw_items())) == (0, [])


@pytest.mark.parametrize(
    ("key", "there"), [("connection", True), ("CONNECTION", True), ("host", False), (1, False)]
)
def test_contains(headers: Headers, key: object, there: bool) -> None:
    assert (key in headers) is there


def test_iterates_over_lower_case_names_once_each(headers: Headers) -> None:
    assert list(headers) == ["connection", "set-cookie"]


def test_length_counts_names(headers: Headers) -> None:
    assert len(headers) == 2


def test_raw_items_keep_spelling_and_order(headers: Headers) -> None:
    assert list(headers.raw_items()) == [
        ("Connection", "Upgrade"),
        ("Set-Cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


def test_equality_ignores_case_of_names() -> None:
    assert Headers({"A": "1"}) == Headers({"a": "1"})


def test_equality_sees_values() -> None:
    assert Headers({"A": "1"}) != Headers({"A": "2"})


def test_no_equality_with_other_types() -> None:
    assert Headers({"A": "1"}) != {"a": "1"}


def test_not_hashable(headers: Headers) -> None:
    with pytest.raises(TypeError):
        hash(headers)


def test_copy_shares_nothing(headers: Headers) -> None:
    headers.copy()["Host"] = "h"
    assert "Host" not in headers


def test_deep_copy_is_equal(headers: Headers) -> None:
    assert copy.deepcopy(headers) == headers


def test_pickles(headers: Headers) -> None:
    assert list(pickle.loads(pickle.dumps(headers)).raw_items()) == list(headers.raw_items())


def test_repr_has_names_and_no_values() -> None:
    assert repr(Headers({"Authorization": "Bearer s3cret"})) == "Headers(Authorization)"


def test_text_is_what_goes_out(headers: Headers) -> None:
    assert str(headers) == "Connection: Upgrade\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n"


def test_serialized_in_utf_8() -> None:
    assert Headers({"X": "ü"}).serialize() == b"X: \xc3\xbc\r\n\r\n"


def test_multiple_values_error_is_a_lookup_error() -> None:
    assert issubclass(MultipleValuesError, LookupError)


def test_request_repr_hides_query_and_values() -> None:
    request = Request("/chat?token=s3cret", Headers({"Cookie": "s3cret"}))
    assert repr(request) == (
        "Request(path='/chat?...', headers=Headers(Cookie), method='GET', protocol='HTTP/1.1')"
    )


def test_request_repr_without_query() -> None:
    assert "path='/chat'," in repr(Request("/chat", Headers()))


def test_response_repr_counts_the_body() -> None:
    assert "body=<3 bytes>" in repr(Response(404, "Not Found", Headers(), b"abc"))


@pytest.mark.parametrize(
    "message", [Request("/", Headers({"A": "1"})), Response(200, "OK", Headers({"A": "1"}), b"x")]
)
def test_request_and_response_pickle(message: Request | Response) -> None:
    assert pickle.loads(pickle.dumps(message)) == message
