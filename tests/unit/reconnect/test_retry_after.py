from __future__ import annotations

import pytest

from wssdk.errors import InvalidProxyStatus, InvalidStatus, RetryableError
from wssdk.headers import Headers, Response
from wssdk.reconnect.retry_after import LONGEST, retry_after

# Sun, 06 Nov 1994 08:49:37 GMT
NOW = 784111777.0


def refusal(*fields: tuple[str, str], status: int = 503) -> InvalidStatus:
    return InvalidStatus(Response(status, "No", Headers(fields)))


def asked(*fields: tuple[str, str]) -> float | None:
    return retry_after(refusal(*fields), lambda: NOW)


@pytest.mark.parametrize("status", [429, 503])
def test_seconds(status: int) -> None:
    assert retry_after(refusal(("Retry-After", "120"), status=status)) == 120.0


def test_proxy_is_heard_as_well() -> None:
    response = Response(503, "No", Headers([("Retry-After", "120")]))
    assert retry_after(InvalidProxyStatus(response)) == 120.0


@pytest.mark.parametrize(
    "date",
    ["Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT", "Sun Nov  6 08:50:07 1994"],
)
def test_time_in_each_form_of_http(date: str) -> None:
    assert asked(("Retry-After", date)) == 30.0


def test_time_is_counted_by_the_clock_of_the_peer() -> None:
    fields = ("Retry-After", "Sun, 06 Nov 1994 10:00:10 GMT"), ("Date", "Sun, 06 Nov 1994 10:00:00 GMT")
    assert asked(*fields) == 10.0


def test_time_that_is_past_is_no_wait() -> None:
    assert asked(("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT")) == 0.0


@pytest.mark.parametrize("value", ["99999999", "9" * 20, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_wait_has_a_bound(value: str) -> None:
    assert asked(("Retry-After", value)) == LONGEST


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-1", "1.5", "1e3", "٣", "9" * 21, "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov"],
)
def test_what_nobody_can_read_is_ignored(value: str) -> None:
    assert asked(("Retry-After", value)) is None


def test_two_of_them_are_ignored() -> None:
    assert asked(("Retry-After", "1"), ("Retry-After", "2")) is None


def test_no_field_is_no_wait() -> None:
    assert asked() is None


def test_no_response_is_no_wait() -> None:
    assert retry_after(OSError("unreachable")) is None


def test_refusal_inside_a_retryable_error_counts() -> None:
    assert retry_after(RetryableError(refusal(("Retry-After", "7")))) == 7.0
