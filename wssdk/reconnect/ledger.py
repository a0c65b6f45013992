"""What was written and may not have reached the peer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed
from wssdk.typing import Data

__all__ = ["MOST_BYTES", "MOST_MESSAGES", "Ledger", "size_of"]

MOST_MESSAGES: Final = 1000
MOST_BYTES: Final = 1 << 20
"""Messages, and their bytes, that may be unacknowledged: further ones wait for a pong."""

_AGAIN: Final = 0.05
"""Seconds until another ping is tried where the user's own fill the bound."""


def size_of(message: Data) -> int:
    """Return the bytes of ``message``, text in UTF-8."""
    return len(message.encode()) if isinstance(message, str) else len(message)


class Ledger:
    """The messages written to one connection that no pong has acknowledged yet.

    A ping is sent behind them. The peer answers it when it has read it (RFC 6455, 5.5.3), and so the
    messages before it. Then the next ping goes out, if there are more: one for each round trip at most.

    ``on_room()`` is called when messages were acknowledged.
    """

    def __init__(self, on_room: Callable[[], None]) -> None:
        self._on_room = on_room
        self._messages: deque[Data] = deque()
        self._sizes = 0
        self._beginning = False
        self._written = asyncio.Event()
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def has_room(self) -> bool:
        """Tell whether another message may be written."""
        return len(self._messages) < MOST_MESSAGES and self._sizes < MOST_BYTES

    def begin(self, message: Data) -> None:
        """Take note of a message that is about to be written. One at a time."""
        self._messages.append(message)
        self._sizes += size_of(message)
        self._beginning = True

    def settle(self) -> None:
        """Take note that it is written: the next ping stands behind it."""
        if self._beginning:
            self._beginning = False
            self._written.set()

    def take_back(self) -> None:
        """Forget the message that was about to be written; nothing happens where it is taken already."""
        if self._beginning:
            self._beginning = False
            self._sizes -= size_of(self._messages.pop())

    def take_all(self) -> tuple[Data, ...]:
        """Forget all messages, and return them in the order they were written."""
        taken = tuple(self._messages)
        self._messages.clear()
        self._sizes = 0
        self._beginning = False
        self._written.clear()
        return taken

    async def wait_moved(self) -> None:
        """Wait until messages are acknowledged, or :meth:`run` ends. Cancelling changes nothing."""
        self._moved.clear()
        await self._moved.wait()

    async def run(self, connection: ClientConnection) -> None:
        """Have the peer acknowledge what is written, until the connection is lost."""
        try:
            while True:
                await self._written.wait()
                self._written.clear()
                count = len(self._messages) - self._beginning
                await self._barrier(connection)
                for _ in range(count):
                    self._sizes -= size_of(self._messages.popleft())
                self._move()
        except ConnectionClosed:
            pass
        finally:
            self._move()  # for who waits: there is no more to learn

    async def _barrier(self, connection: ClientConnection) -> None:
        while True:
            try:
                pong = await connection.ping()
            except ConcurrencyError:
                await asyncio.sleep(_AGAIN)
            else:
                await pong
                return

    def _move(self) -> None:
        self._moved.set()
        self._on_room()
