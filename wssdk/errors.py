"""Every exception that wssdk raises, under the names the field knows.

::

    WebSocketException
    ├── ConnectionClosed ── ConnectionClosedOK, ConnectionClosedError
    ├── ConfigError (also ValueError)
    ├── InvalidURI
    ├── InvalidProxy
    ├── InvalidHandshake
    │   ├── SecurityError ── PinMismatch, StatusLineTooLong, HeaderLineTooLong, TooManyHeaders
    │   ├── ProxyError ── InvalidProxyMessage, InvalidProxyStatus
    │   ├── InvalidMessage
    │   ├── InvalidStatus
    │   ├── InvalidHeader ── InvalidHeaderFormat, InvalidHeaderValue, InvalidOrigin, InvalidUpgrade
    │   └── NegotiationError ── DuplicateParameter, InvalidParameterName, InvalidParameterValue
    ├── ProtocolError, PayloadTooBig, TooManyFragments, InvalidState
    ├── ConcurrencyError (also RuntimeError)
    └── RetryableError
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from wssdk.codes import Close, CloseCode
from wssdk.headers import Response
from wssdk.problem import ConfigProblem

__all__ = [
    "ConcurrencyError",
    "ConfigError",
    "ConfigProblem",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DuplicateParameter",
    "HeaderLineTooLong",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "PinMismatch",
    "ProtocolError",
    "ProxyError",
    "RetryableError",
    "SecurityError",
    "StatusLineTooLong",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
]

_SHOWN: Final = 200


def printable(text: str, limit: int = _SHOWN) -> str:
    """Return ``text`` fit for one line of a log: control characters escaped, cut at ``limit`` characters."""
    if len(text) > limit:
        text = text[:limit] + "..."
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


class WebSocketException(Exception):
    """Base of every exception of wssdk."""

    def __reduce__(self) -> Any:
        # Subclasses with their own __init__ signature still pickle: rebuild without calling it.
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _rebuild(
    cls: type[WebSocketException], args: tuple[Any, ...], state: dict[str, Any]
) -> WebSocketException:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConnectionClosed(WebSocketException):
    """The connection is closed: nothing more can be sent, and every message was received.

    Attributes:
        rcvd: close code and reason of the peer's close frame; None where none came.
        sent: close code and reason of our close frame; None where none was sent.
        rcvd_then_sent: where both are set, whether the peer's came first; else None.
    """

    def __init__(self, rcvd: Close | None, sent: Close | None, rcvd_then_sent: bool | None = None) -> None:
        super().__init__(rcvd, sent, rcvd_then_sent)
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        rcvd = "" if self.rcvd is None else f"received {printable(str(self.rcvd))}"
        sent = "" if self.sent is None else f"sent {printable(str(self.sent))}"
        if rcvd and sent:
            return f"{rcvd}; then {sent}" if self.rcvd_then_sent else f"{sent}; then {rcvd}"
        if rcvd:
            return f"{rcvd}; no close frame sent"
        return f"{sent}; no close frame received" if sent else "no close frame received or sent"

    @property
    def code(self) -> int:
        """Close code of the peer's close frame; 1006 where none came (RFC 6455, 7.1.5)."""
        return CloseCode.ABNORMAL_CLOSURE if self.rcvd is None else self.rcvd.code

    @property
    def reason(self) -> str:
        """Close reason of the peer's close frame; empty where none came (RFC 6455, 7.1.6)."""
        return "" if self.rcvd is None else self.rcvd.reason


class ConnectionClosedOK(ConnectionClosed):
    """Closed in order: close code 1000 or 1001, or none in the frame (1005), both received and sent."""


class ConnectionClosedError(ConnectionClosed):
    """Closed on an error: another close code, or no closing handshake."""


class ConfigError(WebSocketException, ValueError):
    """The configuration is wrong; ``problems`` lists everything that is."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(map(str, self.problems)))


class InvalidURI(WebSocketException):
    """The URI is not a WebSocket URI (RFC 6455, 3). ``uri`` has its secrets masked."""

    def __init__(self, uri: str, msg: str) -> None:
        super().__init__(uri, msg)
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.uri} isn't a valid URI: {self.msg}"


class InvalidProxy(WebSocketException):
    """The proxy's URL cannot be used. ``proxy`` has its secrets masked."""

    def __init__(self, proxy: str, msg: str) -> None:
        super().__init__(proxy, msg)
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.proxy} isn't a valid proxy: {self.msg}"


class InvalidHandshake(WebSocketException):
    """Base of what may go wrong in the opening handshake.

    ``response`` is the server's response, where there was one to read.
    """

    response: Response | None = None


class SecurityError(InvalidHandshake):
    """The opening handshake broke a rule that protects this side: size, redirect, credentials."""


class PinMismatch(SecurityError):
    """No certificate of the server has a key of ``tls.pinned_sha256``; nothing was sent after TLS was up.

    Attributes:
        host: the server's name.
        seen: pins of the certificates that count, base64, the server's own first.
        only_own: why no other than the server's own counts; None where the verified chain does.
    """

    def __init__(
        self, host: str, seen: Iterable[str], only_own: str | None = None, *, is_fingerprint: bool = False
    ) -> None:
        self.host = host
        self.seen = tuple(seen)
        self.only_own = only_own
        seen_here = ", ".join(self.seen) or "none"
        told = f"tls.pinned_sha256: no key of {printable(host)} is pinned; seen: {seen_here}"
        if only_own is not None:
            told += f" (only the server's own certificate counts: {only_own})"
        if is_fingerprint:
            told += "; a pin is the SHA-256 digest of a certificate, and must be that of its public key"
        else:
            told += "; add the new pin where the server's key was changed on purpose"
        super().__init__(told)


class StatusLineTooLong(SecurityError):
    """The response's status line is longer than the bound."""


class HeaderLineTooLong(SecurityError):
    """A header line of the response, or all of them, is longer than the bound."""


class TooManyHeaders(SecurityError):
    """The response has more header fields than the bound."""


class ProxyError(InvalidHandshake):
    """The proxy did not open the way; ``is_about_credentials`` where it wants others, or some."""

    is_about_credentials = False


class InvalidProxyMessage(ProxyError):
    """The proxy's answer is not HTTP."""


class InvalidProxyStatus(ProxyError):
    """The proxy said no; ``response`` is its answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        assert self.response is not None
        return f"proxy rejected connection: HTTP {self.response.status_code:d}"


class InvalidMessage(InvalidHandshake):
    """What came is not an HTTP response."""


class InvalidStatus(InvalidHandshake):
    """The server answered the opening handshake, and said no; ``response`` is its answer.

    ``saw_headers`` is False where headers given in code stayed behind on the way to another origin.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response: Response = response
        self.saw_headers = True

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.response.status_code:d}"


class InvalidHeader(InvalidHandshake):
    """A header field is missing, or has a value that is not allowed."""

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing {self.name} header"
        if self.value == "":
            return f"empty {self.name} header"
        return f"invalid {self.name} header: {printable(self.value)}"


class InvalidHeaderFormat(InvalidHeader):
    """A header field cannot be parsed."""

    def __init__(self, name: str, error: str, header: str, pos: int) -> None:
        super().__init__(name, f"{error} at {pos} in {header}")


class InvalidHeaderValue(InvalidHeader):
    """A header field parses, and its value is wrong."""


class InvalidOrigin(InvalidHeader):
    """The ``Origin`` header is not one that is allowed."""

    def __init__(self, origin: str | None) -> None:
        super().__init__("Origin", origin)


class InvalidUpgrade(InvalidHeader):
    """``Upgrade`` or ``Connection`` does not switch to WebSocket (RFC 6455, 4.1)."""


class NegotiationError(InvalidHandshake):
    """The server agreed to a subprotocol or extension that cannot be accepted."""


class DuplicateParameter(NegotiationError):
    """An extension parameter is repeated."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"duplicate parameter: {printable(self.name)}"


class InvalidParameterName(NegotiationError):
    """An extension parameter is unknown."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"invalid parameter name: {printable(self.name)}"


class InvalidParameterValue(NegotiationError):
    """An extension parameter has a value that is not allowed."""

    def __init__(self, name: str, value: str | None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing value for parameter {self.name}"
        if self.value == "":
            return f"empty value for parameter {self.name}"
        return f"invalid value for parameter {self.name}: {printable(self.value)}"


class ProtocolError(WebSocketException):
    """The rules of RFC 6455 are broken, by the peer or by a call that would break them."""


class PayloadTooBig(WebSocketException):
    """A frame or message is larger than ``limits.max_size``.

    Attributes:
        size: bytes announced; None where only "more than the limit" is known (inflating stopped).
        max_size: the limit, bytes.
        current_size: bytes of the message that came before, where it is fragmented; else None.
    """

    def __init__(
        self, size: int | None, max_size: int | None = None, current_size: int | None = None
    ) -> None:
        super().__init__(size, max_size, current_size)
        self.size = size
        self.max_size = max_size
        self.current_size = current_size

    def __str__(self) -> str:
        frame = "frame" if self.size is None else f"frame with {self.size} bytes"
        after = f" after reading {self.current_size} bytes" if self.current_size else ""
        return f"{frame}{after} exceeds limit of {self.max_size} bytes"


class TooManyFragments(WebSocketException):
    """A message has more fragments than the bound."""

    def __init__(self, max_fragments: int) -> None:
        super().__init__(max_fragments)
        self.max_fragments = max_fragments

    def __str__(self) -> str:
        return f"message has more than {self.max_fragments} fragments"


class InvalidState(WebSocketException, AssertionError):
    """A move that the state table does not have: a mistake in the program, not of the peer."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two calls at once where only one may run."""


class RetryableError(WebSocketException):
    """A transient failure: opening again may succeed. ``__cause__`` is the original exception."""

    def __init__(self, original: BaseException | None = None) -> None:
        super().__init__("" if original is None else f"{type(original).__name__}: {original}")
        self.__cause__ = original
