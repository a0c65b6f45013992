"""What a contestant can do, and what it is measured with."""

from __future__ import annotations

import ssl
import time
from typing import Any, Final, Protocol

import attrs

__all__ = [
    "GO",
    "MAX_QUEUE",
    "MAX_SIZE",
    "Connection",
    "Contestant",
    "Meter",
    "NotOfferedError",
    "Tally",
    "Target",
]

MAX_SIZE: Final = 4 * 2**20
"""Bound of a message, bytes: the same for all."""

MAX_QUEUE: Final = 32
"""Bound of received messages, for all that have one."""

GO: Final = "go"
"""The message that starts a stream."""


class NotOfferedError(Exception):
    """The contestant has no such thing."""


@attrs.frozen
class Target:
    """Where to connect to, and how."""

    port: int
    resource: str
    context: ssl.SSLContext | None = None
    deflate: bool = False
    """Whether permessage-deflate is offered."""

    @property
    def uri(self) -> str:
        return f"{'ws' if self.context is None else 'wss'}://127.0.0.1:{self.port}{self.resource}"


class Meter:
    """Wall clock and CPU clock of this process, between start and stop."""

    messages = 0
    wall = 0.0
    cpu = 0.0
    memory = 0.0
    """Bytes of a connection, where that is what is measured."""

    def start(self) -> None:
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def stop(self, messages: int) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = time.process_time() - self._cpu
        self.messages = messages

    def take(self, messages: int, wall: float, cpu: float) -> None:
        """Take the figures of another process."""
        self.messages, self.wall, self.cpu = messages, wall, cpu


class Tally:
    """How many messages came."""

    __slots__ = ("messages",)

    def __init__(self) -> None:
        self.messages = 0


class Connection(Protocol):
    """One of many that are open."""

    async def exchange(self, message: str) -> None:
        """Send a message and receive one. Not used with a tally."""

    async def go(self) -> None:
        """Send the message that starts the stream."""


class Contestant:
    """A client; what it cannot do, it does not override."""

    import_code: str | None = None
    """What a user writes to import it."""

    made_code: str | None = None
    """And to make the object that connects: what is imported late counts, too."""

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        """Start the stream; receive every message until the server closes."""
        raise NotOfferedError

    async def round_trips(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        """Send a message, wait for it to come back; over and over."""
        raise NotOfferedError

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        """Send messages; wait for the one that the server answers them with."""
        raise NotOfferedError

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        """Open a connection and close it; over and over."""
        raise NotOfferedError

    async def open(self, target: Target, tally: Tally | None) -> Any:
        """Return an open ``Connection``; with a tally, count its messages in the background."""
        raise NotOfferedError
