"""What becomes of a connection that survives drops, as a stream of events."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from typing import Any, Final, Self, TypeAlias

import attrs

from wssdk.errors import ConcurrencyError, ConnectionClosed, printable
from wssdk.typing import Data

__all__ = ["Dropped", "Event", "EventStream", "Events", "GaveUp", "Opened", "Retrying"]

_KEPT: Final = 256
"""Events that wait for a slow consumer; a newer one takes the place of the oldest."""


def _show_error(error: BaseException | None) -> str:
    if error is None:
        return "None"
    text = printable(str(error))
    return f"<{type(error).__name__}: {text}>" if text else f"<{type(error).__name__}>"


def _how_many(messages: tuple[Data, ...]) -> str:
    return f"<{len(messages)} messages>"


@attrs.frozen(kw_only=True)
class Opened:
    """A connection is open, and ``on_open`` is through."""

    at: float
    """Seconds since the reconnecting connection was entered."""
    attempt: int
    """Which attempt it was; 1 where the first one succeeded."""


@attrs.frozen(kw_only=True)
class Dropped:
    """The open connection is closed, and not by this side."""

    at: float
    """Seconds since the reconnecting connection was entered."""
    error: ConnectionClosed = attrs.field(repr=_show_error)
    """How it closed."""
    uptime: float
    """Seconds that it was open."""
    unacknowledged: tuple[Data, ...] = attrs.field(default=(), repr=_how_many)
    """Messages that were written, and may not have reached the peer; empty unless the peer is to
    acknowledge messages. Where they are not sent again, this is the last that is known of them."""

    @property
    def code(self) -> int:
        """Close code of the peer's close frame; 1006 where none came (RFC 6455, 7.1.5)."""
        return self.error.code

    @property
    def reason(self) -> str:
        """Close reason of the peer's close frame; empty where none came (RFC 6455, 7.1.6)."""
        return self.error.reason


@attrs.frozen(kw_only=True)
class Retrying:
    """There will be another attempt."""

    at: float
    """Seconds since the reconnecting connection was entered."""
    attempt: int
    """Which attempt it will be."""
    delay: float
    """Seconds until it starts, at least; 0: at once."""
    error: Exception = attrs.field(repr=_show_error)
    """What the last attempt failed with, or how the last connection closed."""


@attrs.frozen(kw_only=True)
class GaveUp:
    """There will be no other attempt. It is the last event."""

    at: float
    """Seconds since the reconnecting connection was entered."""
    attempt: int
    """Which attempt was the last."""
    error: Exception = attrs.field(repr=_show_error)
    """What it failed with, or how the last connection closed."""


Event: TypeAlias = Opened | Dropped | Retrying | GaveUp
"""What ``ReconnectingConnection.events()`` yields."""


class EventStream:
    """Iterates over the events since it was made; it ends where the connection is closed for good.

    A consumer that is more than 256 events behind loses the oldest, and :attr:`missed` counts them.
    """

    def __init__(self, *, ended: bool = False) -> None:
        self.missed = 0
        """Events that were lost because they were not taken in time."""
        self._events: deque[Event] = deque()
        self._ended = ended
        self._waiter: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Add an event."""
        if len(self._events) >= _KEPT:
            self._events.popleft()
            self.missed += 1
        self._events.append(event)
        self._wake()

    def end(self) -> None:
        """There will be no more events."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Return the next event. Cancelling loses nothing.

        Raises:
            ConcurrencyError: another coroutine waits for the next event of this stream.
        """
        if self._waiter is not None:
            raise ConcurrencyError("another coroutine waits for the next event: call events() for each")
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._events.popleft()

    async def aclose(self) -> None:
        """End the iteration here; events that were not taken are dropped."""
        self._events.clear()
        self.end()


class Events:
    """Hands each event to every stream that is still there."""

    def __init__(self) -> None:
        # Weak: who breaks out of the loop says no farewell, and must not be kept events for.
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._ended = False

    def subscribe(self) -> EventStream:
        """Return a stream of the events from now on."""
        stream = EventStream(ended=self._ended)
        self._streams.add(stream)
        return stream

    def publish(self, event: Event) -> None:
        """Hand out an event."""
        for stream in self._streams:
            stream.put(event)

    def end(self) -> None:
        """There will be no more events."""
        self._ended = True
        for stream in self._streams:
            stream.end()
