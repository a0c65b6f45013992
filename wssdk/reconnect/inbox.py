"""Messages on their way in, from one connection after the other."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs

from wssdk.codes import DropCount
from wssdk.config_sections import Limits
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed
from wssdk.reconnect.ledger import size_of
from wssdk.typing import Data
from wssdk.wire.inbox import Inbox as Queue

__all__ = ["Inbox"]


@attrs.frozen
class _Failure:
    """Stands among messages where the ``recv()`` of a subclass made none of what came."""

    error: Exception


def _is_about_the_end(error: BaseException | None) -> bool:
    """Tell whether ``error`` came of the end of a connection."""
    while error is not None and not isinstance(error, ConnectionClosed):
        error = error.__cause__ or error.__context__
    return error is not None


class Inbox:
    """Gives the messages of connections in the order they came, those of a lost one before the next one's.

    ``limits`` are those of each connection, and hold once more for what lost ones have left.
    """

    def __init__(self, limits: Limits) -> None:
        self.batch: list[Data] = []
        """Messages at hand, the next one last. Always the same list."""
        self.direct: ClientConnection | None = None
        """The connection to receive from, where nothing is to come before its messages, and nobody waits."""
        # Of lost connections there is none that could be closed for having sent too much.
        policy = "pause" if limits.on_full == "close" else limits.on_full
        self._backlog = Queue(limits.queue_high, None, None, limits.max_queue_bytes, policy)
        self._one_by_one = False
        """There may be failures in the backlog, which a batch does not tell from messages."""
        self._only_newest = limits.on_full == "latest"
        self._source: ClientConnection | None = None
        self._plain = True
        """The source is not of a subclass whose own ``recv()`` makes something of each message."""
        self._reading: asyncio.Task[bool] | None = None
        """The ``recv()`` of such a subclass: no receiver's, so that none can lose what it has at hand."""
        self._receiving = False
        self._lost = False
        """The source is lost, and what it has left is being taken."""
        self._ended = False
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._dropped = DropCount()

    # For the receiver.

    async def fill(self) -> bool:
        """Wait until there are messages in ``batch``; tell whether there are: False at the end.

        Called where there are none, and :attr:`direct` is none either. Cancelling loses nothing.

        Raises:
            ConcurrencyError: another coroutine receives.
            Exception: what the ``recv()`` of a subclass made of a message.
        """
        if self._receiving:
            raise ConcurrencyError(
                "cannot call recv while another coroutine is already running recv or recv_many"
            )
        self._receiving = True
        self.direct = None
        try:
            while True:
                self._wake(self._room)
                source = self._source
                if self._backlog.count:
                    messages = await self._of_lost_ones()
                elif source is not None:
                    messages = await self._of_source(source)
                elif self._ended:
                    return False
                else:
                    self._news = asyncio.get_running_loop().create_future()
                    await self._news
                    continue
                if messages:
                    messages.reverse()
                    self.batch += messages
                    return True
        finally:
            self._receiving = False
            self._wake(self._room)
            self.clear_way()

    def clear_way(self) -> None:
        """Let who receives go to the connection itself, if nothing is to come before: see :attr:`direct`."""
        if not (self.batch or self._backlog.count or self._receiving or self._lost) and self._plain:
            self.direct = self._source

    async def _of_lost_ones(self) -> list[Any]:
        source = self._source
        if self._only_newest and source is not None and source.queued:
            # It is newer.
            if self._plain:
                self._take_at_hand(source)
            else:
                await self._read_on(source)
        if self._one_by_one:
            item = self._backlog.take()
            if isinstance(item, _Failure):
                raise item.error
            return [item]
        return self._backlog.take_many(-1)

    async def _of_source(self, source: ClientConnection) -> list[Any]:
        if self._plain:
            try:
                return [await source.recv()]
            except ConnectionClosed:
                self._leave(source)
                return []
        if self._ended and self._reading is None:
            # Nobody is to be left behind at the end: what takes its time now takes its receiver's.
            await self._take_one(source)
        else:
            await self._read_on(source)
        return []

    # Of a subclass.

    async def _read_on(self, source: ClientConnection) -> bool:
        """Wait until one more message is in the backlog, or the end is seen; tell whether to go on.

        Cancelled, it leaves the reading to whoever comes next.
        """
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read(source))
        reading = self._reading
        await asyncio.wait((reading,))
        return not reading.cancelled() and reading.result()

    async def _read(self, source: ClientConnection) -> bool:
        try:
            return await self._take_one(source)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure = RuntimeError(f"{type(source).__name__}.recv() awaited something that was cancelled")
            failure.__cause__ = error
            self._backlog.admit(_Failure(failure), 0)
            return True
        finally:
            self._reading = None

    async def _take_one(self, source: ClientConnection) -> bool:
        """Put what is received next into the backlog, or leave what has ended; tell whether to go on."""
        before, had_ended = source.queued, source.closed and not source.queued
        try:
            self._admit(await source.recv())
        except ConnectionClosed:
            self._leave(source)
        except Exception as error:
            if had_ended or (source.closed and not source.queued and _is_about_the_end(error)):
                self._leave(source)  # in words of its own
                return True
            if isinstance(error, ConcurrencyError) and not self._receiving:
                return False  # somebody receives from that very connection
            self._backlog.admit(_Failure(error), 0)
            return not source.closed or source.queued < before
        return True

    async def settle(self, timeout: float | None) -> None:
        """Wait until no message of the last connection is in anybody's hands, ``timeout`` seconds at most.

        None: no limit. After that, and where this is cancelled, the message that a subclass is still at is
        given up, and counted as dropped; those behind it can still be received.
        """
        reading = self._reading
        if reading is None:
            return
        try:
            await asyncio.wait((reading,), timeout=timeout)
        finally:
            if not reading.done():
                if self._source is not None and self._source.closed:
                    self._dropped += DropCount(1, 0)
                reading.cancel()
                await asyncio.wait((reading,))

    # For who opens the connections.

    def open(self, connection: ClientConnection) -> None:
        """Read from this connection; :meth:`wait_room` has seen to it that the one before is read out."""
        self._source = connection
        self._plain = type(connection).recv is ClientConnection.recv
        self._one_by_one |= not self._plain
        self._lost = False
        self.clear_way()
        self._wake(self._news)

    async def wait_room(self) -> None:
        """Wait until so much of the lost connection is received that another one may be opened.

        Where ``on_full`` drops messages, the oldest make room, and nothing is waited for.
        """
        self._lost = True
        self.direct = None
        while True:
            self._put_back()
            await self._collect()
            if self._source is None and self._backlog.has_room():
                return
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._room = None

    def _put_back(self) -> None:
        """What is at hand and was not taken counts among the rest."""
        messages = [*reversed(self.batch), *self._backlog.take_many(-1)]
        self.batch.clear()
        for message in messages:
            self._admit(message)

    async def _collect(self) -> None:
        """Take what the lost connection has, as far as there is room; who waits there comes here then."""
        while (source := self._source) is not None and self._backlog.has_room():
            if not (self._take_at_hand(source) if self._plain else await self._read_on(source)):
                return

    def _take_at_hand(self, source: ClientConnection) -> bool:
        """Take a message that has come; tell whether to go on."""
        try:
            self._admit(source.recv_nowait())
        except ConnectionClosed:
            self._leave(source)
        except (asyncio.QueueEmpty, ConcurrencyError):
            return False  # in the latter case, somebody receives from that very connection
        return True

    def _admit(self, message: Data | _Failure) -> None:
        # What a subclass makes of a message may be anything.
        size = 0
        if self._backlog.metered and isinstance(message, (str, bytes)):
            size = size_of(message)
        self._backlog.admit(message, size)

    def _leave(self, source: ClientConnection) -> None:
        if self._source is source:
            self._source = None
            self.count_dropped(source)

    def count_dropped(self, connection: ClientConnection) -> None:
        """Count what a connection dropped that is read from no longer, or never was."""
        self._dropped += connection.dropped

    def end(self) -> None:
        """No other connection will be opened."""
        self._ended = True
        self._wake(self._news)

    # What is known of it.

    @property
    def dropped(self) -> DropCount:
        """What was dropped of what came, on all connections and after them."""
        dropped = self._dropped + DropCount(self._backlog.dropped, self._backlog.dropped_bytes)
        return dropped if self._source is None else dropped + self._source.dropped

    @staticmethod
    def _wake(waiter: asyncio.Future[None] | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
