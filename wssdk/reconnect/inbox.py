"""Messages on their way in, from one connection after the other."""

from __future__ import annotations

import asyncio
from collections import deque

from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed
from wssdk.typing import Data

__all__ = ["Inbox"]


class Inbox:
    """Gives the messages of connections in the order they came, those of a lost one before the next one's.

    ``high`` is how many messages of lost connections may wait; None: no limit.
    """

    def __init__(self, high: int | None) -> None:
        self.batch: list[Data] = []
        """Messages at hand, the next one last. Always the same list."""
        self._high = high
        self._backlog: deque[Data] = deque()
        self._source: ClientConnection | None = None
        self._plain = True
        """The source is not of a subclass whose own ``recv()`` makes something of each message."""
        self._receiving = False
        self._ended = False
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    # For the receiver.

    async def fill(self) -> bool:
        """Wait until there are messages in ``batch``; tell whether there are: False at the end.

        Called where there are none. Cancelling loses nothing.

        Raises:
            ConcurrencyError: another coroutine receives.
        """
        if self._receiving:
            raise ConcurrencyError(
                "cannot call recv while another coroutine is already running recv or recv_many"
            )
        self._receiving = True
        try:
            while True:
                if self._room is not None:
                    self._wake(self._room)
                source = self._source
                if self._backlog:
                    messages = list(self._backlog)
                    self._backlog.clear()
                elif source is not None:
                    try:
                        messages = await source.recv_many() if self._plain else [await source.recv()]
                    except ConnectionClosed:
                        self._source = None
                        continue
                elif self._ended:
                    return False
                else:
                    self._news = asyncio.get_running_loop().create_future()
                    await self._news
                    continue
                messages.reverse()
                self.batch += messages
                return True
        finally:
            self._receiving = False
            if self._room is not None:
                self._wake(self._room)

    # For who opens the connections.

    def open(self, connection: ClientConnection) -> None:
        """Read from this connection; :meth:`wait_room` has seen to it that the one before is read out."""
        self._source = connection
        self._plain = type(connection).recv is ClientConnection.recv
        self._wake(self._news)

    async def wait_room(self) -> None:
        """Wait until so much of the lost connection is received that another one may be opened."""
        while True:
            await self._collect()
            if self._source is None and (self._high is None or self._waiting() < self._high):
                return
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._room = None

    def _waiting(self) -> int:
        return len(self.batch) + len(self._backlog)

    async def _collect(self) -> None:
        """Take what the lost connection has, as far as there is room, unless a receiver is about to."""
        while self._source is not None and not self._receiving:
            if self._high is not None and self._waiting() >= self._high:
                return
            source = self._source
            try:
                self._backlog.append(source.recv_nowait() if self._plain else await source.recv())
            except ConnectionClosed:
                self._source = None
            except ConcurrencyError:
                return  # somebody receives from that very connection

    def end(self) -> None:
        """No other connection will be opened."""
        self._ended = True
        self._wake(self._news)

    @staticmethod
    def _wake(waiter: asyncio.Future[None] | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
