"""What one room needs of another, as protocols: rooms type against these, the factory names the classes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import attrs

from wssdk.headers import HeadersLike
from wssdk.typing import ExtensionParameter

__all__ = [
    "ClientExtensionFactory",
    "Clock",
    "ConnectAttempt",
    "Dialer",
    "Extension",
    "Frame",
    "HeadersProvider",
    "Pipe",
    "ProcessException",
    "Resolver",
    "Route",
    "URIProvider",
]


@attrs.frozen(slots=True)
class Frame:
    """One frame as extensions see it (RFC 6455, 5.2): ``data`` is the unmasked payload."""

    opcode: int
    data: bytes
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False


@runtime_checkable
class Extension(Protocol):
    """An agreed extension: changes frames on their way out and in (RFC 6455, 9)."""

    name: str

    def encode(self, frame: Frame) -> Frame:
        """Return ``frame`` as it goes out."""
        ...

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Return ``frame`` as it was before the peer's ``encode``.

        Raises:
            PayloadTooBig: the decoded payload is larger than ``max_size`` bytes.
            ProtocolError: the frame breaks the extension's rules.
        """
        ...


@runtime_checkable
class ClientExtensionFactory(Protocol):
    """Offers an extension and settles it from the server's answer (RFC 6455, 9.1)."""

    name: str

    def get_request_params(self) -> list[ExtensionParameter]:
        """Return the parameters to offer."""
        ...

    def process_response_params(
        self, params: list[ExtensionParameter], accepted_extensions: list[Extension]
    ) -> Extension:
        """Judge the server's parameters and return the agreed extension.

        Raises:
            NegotiationError: the parameters cannot be accepted.
        """
        ...


class Pipe(Protocol):
    """The byte stream that dial opens: read and written here until it is handed to the connection.

    It may have an attribute ``sock``: the TCP socket below the transport, where what is written there goes to
    the peer as it is. Bursts of small messages are put together then.
    """

    transport: asyncio.Transport

    async def read(self) -> bytes:
        """Return the next bytes (at least one), or ``b""`` at the end of the stream.

        Cancelling loses nothing.

        Raises:
            OSError: the stream broke.
        """
        ...

    def unread(self, data: bytes) -> None:
        """Put bytes back: the next :meth:`read`, or the attached protocol, gets them first."""
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes for the peer."""
        ...

    def attach(self, protocol: asyncio.BufferedProtocol) -> None:
        """Hand the stream over: ``connection_made``, bytes not read yet, then all that comes.

        An end or a loss that came before is delivered as well, so that nothing is missed.
        """
        ...

    def abort(self) -> None:
        """Drop the stream at once; nothing queued is flushed."""
        ...


@attrs.frozen
class Route:
    """Where and how to open a pipe, settled from the URI and the config."""

    secure: bool
    host: str
    """Host to dial: a name or an address, without brackets."""
    port: int
    server_hostname: str | None = None
    """Name for SNI and certificate check; None: ``host``."""
    unix_path: str | None = None
    """Dial this Unix socket, an abstract one where it begins with NUL, instead of host and port."""
    options: Mapping[str, Any] = attrs.field(factory=dict)
    """Extra keywords for the event loop's ``create_connection`` (``sock``, ``local_addr``, ...)."""


class Dialer(Protocol):
    """Opens pipes: the collaborator to replace in tests."""

    async def dial(self, route: Route) -> Pipe:
        """Open a pipe to ``route``. Cancelling leaves no socket open.

        Raises:
            OSError: the peer cannot be reached (``ssl.SSLError`` included, unwrapped).
        """
        ...


@attrs.frozen
class ConnectAttempt:
    """Which attempt an opening is: what providers are told."""

    number: int = 1
    """1 for the first, and again for the first after a connection that lived ``reconnect.min_uptime``."""
    last_error: Exception | None = None
    """What the opening before failed with; None: it did not fail, or there was none."""
    refresh: bool = False
    """Whether the peer refused (401) what the provider gave: a kept token is to be thrown away."""


class Clock(Protocol):
    """Time and sleep of reconnection: the collaborator to replace in tests."""

    def time(self) -> float:
        """Return the time in seconds; only differences have a meaning, and it never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``. Cancelling changes nothing."""
        ...


_Headers: TypeAlias = HeadersLike | Awaitable[HeadersLike]
_URI: TypeAlias = str | Awaitable[str]

HeadersProvider: TypeAlias = HeadersLike | Callable[[], _Headers] | Callable[[ConnectAttempt], _Headers]
"""Headers for the opening handshake: a value, or a function (plain or coroutine) asked at every opening.

A function that must be given one argument is told the attempt."""

URIProvider: TypeAlias = Callable[[], _URI] | Callable[[ConnectAttempt], _URI]
"""The URI to open: a function (plain or coroutine) asked at every opening.

One that must be given one argument is told the attempt."""

Resolver: TypeAlias = Callable[[str, int], Awaitable[Iterable[str | tuple[str, int]]]]
"""Looks a host up: a coroutine function of host and port that returns IP addresses as text, the preferred one
first, or pairs of address and another port. It is asked at every opening, for names, not for addresses."""

ProcessException: TypeAlias = Callable[[Exception], Exception | None]
"""Hook of reconnection: None or a ``RetryableError`` means retry, any other exception is raised."""
