"""Pings that wait for their pong (RFC 6455, 5.5.2 and 5.5.3)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final, TypeAlias

from wssdk.errors import ConcurrencyError, ConnectionClosed

__all__ = ["MAX_PENDING", "Pings"]

_Pending: TypeAlias = dict[bytes, tuple[asyncio.Future[float], float, bool]]

# Of connections that wait for no pong, which are most of them: never changed.
_NONE: Final[_Pending] = {}

MAX_PENDING: Final = 1000
"""Pings that may wait at once."""


class Pings:
    """The pings of one connection, in the order they were sent. Times are ``loop.time()``, seconds."""

    __slots__ = (
        "_loop",
        "_pending",
        "latency",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending = _NONE
        self.latency = 0.0
        """Round-trip seconds of the last acknowledged ping; 0 before the first."""

    def new_payload(self) -> bytes:
        """Return a payload that no pending ping has."""
        while True:
            payload = os.urandom(4)
            if payload not in self._pending:
                return payload

    def add(self, payload: bytes, ack_on_close: bool = False) -> asyncio.Future[float]:
        """Return the future of the round-trip seconds of a ping about to be sent.

        Raises:
            ConcurrencyError: a ping with this payload waits already, or too many do.
        """
        if payload in self._pending:
            raise ConcurrencyError("already waiting for a pong with the same data")
        if len(self._pending) >= MAX_PENDING:
            # Nobody waits any more for those that were cancelled or timed out.
            self._pending = {key: ping for key, ping in self._pending.items() if not ping[0].done()}
        if len(self._pending) >= MAX_PENDING:
            raise ConcurrencyError(f"{MAX_PENDING} pings are already waiting for their pongs")
        future: asyncio.Future[float] = self._loop.create_future()
        if self._pending is _NONE:
            self._pending = {}
        self._pending[payload] = (future, self._loop.time(), ack_on_close)
        return future

    def discard(self, payload: bytes) -> None:
        """Forget a ping; its pong will be one that nobody asked for."""
        self._pending.pop(payload, None)

    def acknowledge(self, payload: bytes) -> None:
        """Take a pong: it acknowledges its ping and all earlier ones. Others are legal, and ignored."""
        if payload not in self._pending:
            return
        now = self._loop.time()
        acknowledged = None
        while acknowledged != payload:
            acknowledged = next(iter(self._pending))
            future, sent, _ = self._pending.pop(acknowledged)
            self.latency = now - sent
            if not future.done():
                future.set_result(self.latency)

    def end(self, closed_exception: Callable[[], ConnectionClosed]) -> None:
        """The connection is closed: no pong will come."""
        now = self._loop.time()
        pending, self._pending = self._pending, _NONE
        for future, sent, ack_on_close in pending.values():
            if future.done():
                continue
            if ack_on_close:
                future.set_result(now - sent)
            else:
                future.set_exception(closed_exception())
                future.exception()  # nobody has to ask for it
