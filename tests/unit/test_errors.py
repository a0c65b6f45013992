from __future__ import annotations

import copy
import pickle

import pytest

import wssdk.errors
from wssdk.codes import Close, CloseCode
from wssdk.errors import (
    ConcurrencyError,
    ConfigError,
    ConfigProblem,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    DuplicateParameter,
    HeaderLineTooLong,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidOrigin,
    InvalidParameterName,
    InvalidParameterValue,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidState,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    PayloadTooBig,
    PinMismatch,
    ProtocolError,
    ProxyError,
    RetryableError,
    SecurityError,
    StatusLineTooLong,
    TooManyFragments,
    TooManyHeaders,
    WebSocketException,
    printable,
)
from wssdk.headers import Headers, Response

OK = Close(1000, "")
AWAY = Close(CloseCode.GOING_AWAY, "bye")
NO = Response(403, "Forbidden", Headers({"A": "1"}), b"no")

SPOKEN = [
    (ConnectionClosedError(None, None), "no close frame received or sent"),
    (ConnectionClosedError(None, OK), "sent 1000 (OK); no close frame received"),
    (ConnectionClosedError(AWAY, None), "received 1001 (going away) bye; no close frame sent"),
    (ConnectionClosedOK(OK, OK, True), "received 1000 (OK); then sent 1000 (OK)"),
    (ConnectionClosedOK(AWAY, OK, False), "sent 1000 (OK); then received 1001 (going away) bye"),
    (ConnectionClosed(Close(4000, "a\nb"), None), "received 4000 (private use) a\\nb; no close frame sent"),
    (InvalidURI("x:", "no"), "x: isn't a valid URI: no"),
    (InvalidProxy("x:", "no"), "x: isn't a valid proxy: no"),
    (InvalidHandshake("no"), "no"),
    (SecurityError("no"), "no"),
    (StatusLineTooLong("no"), "no"),
    (HeaderLineTooLong("no"), "no"),
    (TooManyHeaders("no"), "no"),
    (
        PinMismatch("h\n", ["a=", "b="]),
        "tls.pinned_sha256: no key of h\\n is pinned; seen: a=, b=; "
        "add the new pin where the server's key was changed on purpose",
    ),
    (
        PinMismatch("h", [], "nothing is verified", is_fingerprint=True),
        "tls.pinned_sha256: no key of h is pinned; seen: none (only the server's own certificate counts: "
        "nothing is verified); a pin is the SHA-256 digest of a certificate, and must be that of its public "
        "key",
    ),
    (ProxyError("no"), "no"),
    (InvalidProxyMessage("no"), "no"),
    (InvalidProxyStatus(NO), "proxy rejected connection: HTTP 403"),
    (InvalidMessage("no"), "no"),
    (InvalidStatus(NO), "server rejected WebSocket connection: HTTP 403"),
    (InvalidHeader("Upgrade"), "missing Upgrade header"),
    (InvalidHeader("Upgrade", ""), "empty Upgrade header"),
    (InvalidHeader("Upgrade", "x\x1b"), "invalid Upgrade header: x\\x1b"),
    (InvalidHeaderFormat("X", "expected token", "a@", 1), "invalid X header: expected token at 1 in a@"),
    (InvalidHeaderValue("X", "y"), "invalid X header: y"),
    (InvalidOrigin(None), "missing Origin header"),
    (InvalidOrigin("null"), "invalid Origin header: null"),
    (InvalidUpgrade("Upgrade", "h2c"), "invalid Upgrade header: h2c"),
    (NegotiationError("no"), "no"),
    (DuplicateParameter("a"), "duplicate parameter: a"),
    (InvalidParameterName("a"), "invalid parameter name: a"),
    (InvalidParameterValue("a", None), "missing value for parameter a"),
    (InvalidParameterValue("a", ""), "empty value for parameter a"),
    (InvalidParameterValue("a", "7"), "invalid value for parameter a: 7"),
    (ProtocolError("no"), "no"),
    (PayloadTooBig(11, 10), "frame with 11 bytes exceeds limit of 10 bytes"),
    (PayloadTooBig(8, 10, 4), "frame with 8 bytes after reading 4 bytes exceeds limit of 10 bytes"),
    (PayloadTooBig(None, 10), "frame exceeds limit of 10 bytes"),
    (PayloadTooBig(None, 10, 4), "frame after reading 4 bytes exceeds limit of 10 bytes"),
    (TooManyFragments(9), "message has more than 9 fragments"),
    (InvalidState("no"), "no"),
    (ConcurrencyError("no"), "no"),
    (RetryableError(), ""),
    (RetryableError(OSError("no route")), "OSError: no route"),
    (
        ConfigError([ConfigProblem("a.toml:1:1", "x", "bad"), ConfigProblem("code", "y", "worse")]),
        "a.toml:1:1: bad\n\ncode: worse",
    ),
]
ids = [f"{type(error).__name__}-{i}" for i, (error, _) in enumerate(SPOKEN)]


@pytest.mark.parametrize(("error", "text"), SPOKEN, ids=ids)
def test_text(error: WebSocketException, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, _ in SPOKEN], ids=ids)
def test_pickling_keeps_type_text_and_attributes(error: WebSocketException) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args, vars(again)) == (
        type(error),
        str(error),
        error.args,
        vars(error),
    )


@pytest.mark.parametrize("error", [error for error, _ in SPOKEN], ids=ids)
def test_copying_keeps_type_and_text(error: WebSocketException) -> None:
    again = copy.copy(error)
    assert (type(again), str(again)) == (type(error), str(error))


def test_every_exception_has_a_row() -> None:
    spoken = {type(error).__name__ for error, _ in SPOKEN} | {"ConfigProblem", "WebSocketException"}
    assert spoken == set(wssdk.errors.__all__)


def test_pickling_keeps_an_attached_response() -> None:
    error = NegotiationError("no")
    error.response = NO
    assert pickle.loads(pickle.dumps(error)).response == NO


def test_pickling_keeps_notes() -> None:
    error = ProtocolError("no")
    error.add_note("while testing")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while testing"]


def test_no_response_by_default() -> None:
    assert InvalidMessage("no").response is None


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [(ConnectionClosedError(None, OK), 1006, ""), (ConnectionClosedOK(AWAY, OK, True), 1001, "bye")],
)
def test_close_code_and_reason_are_the_peers(error: ConnectionClosed, code: int, reason: str) -> None:
    assert (error.code, error.reason) == (code, reason)


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (ConfigError, ValueError),
        (ConcurrencyError, RuntimeError),
        (InvalidState, AssertionError),
        (InvalidUpgrade, InvalidHeader),
        (InvalidStatus, InvalidHandshake),
        (TooManyHeaders, SecurityError),
        (PinMismatch, SecurityError),
        (InvalidParameterValue, NegotiationError),
        (InvalidProxyStatus, ProxyError),
        (InvalidHandshake, WebSocketException),
    ],
)
def test_family(kind: type[Exception], base: type[Exception]) -> None:
    assert issubclass(kind, base)


def test_retryable_error_is_caused_by_the_original() -> None:
    original = OSError("no route")
    assert RetryableError(original).__cause__ is original


def test_config_error_keeps_its_problems() -> None:
    problem = ConfigProblem("code", "x", "bad")
    assert ConfigError(iter([problem])).problems == (problem,)


def test_config_problem_shows_place_line_and_hint() -> None:
    problem = ConfigProblem(
        "a.toml:7:1", "timeouts.opne", "unknown option", "did you mean?", "7 | opne\n  | ^^^^"
    )
    assert str(problem) == "a.toml:7:1: unknown option\n  7 | opne\n    | ^^^^\n  hint: did you mean?"


def test_config_problem_without_a_place() -> None:
    assert str(ConfigProblem("", "x", "bad")) == "bad"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü", "plain ü"),
        ("a\r\nb\x00\x7f", "a\\r\\nb\\x00\\x7f"),
        ("\ud800", "\\ud800"),
        ("x" * 201, "x" * 200 + "..."),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
