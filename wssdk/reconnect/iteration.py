"""A connection to be, and its iterator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Self

from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed
from wssdk.reconnect.attempts import Attempts

__all__ = ["Opening", "Reconnection"]


class Reconnection:
    """The connections of ``async for ws in connect(...)``, one after the other.

    Moving on, by reaching the end of the loop's body or by ``continue``, closes the connection and opens
    the next. Leaving the loop by ``break``, ``return`` or an exception lets the last connection close
    in the background; ``async with ws`` in the body, or ``contextlib.aclosing`` around the loop, waits
    for it.

    A failed opening is tried again, with growing delays, where it is transient; a fatal failure is
    raised. Only a connection that lived ``min_uptime`` seconds (from its opening until the loop moves on)
    starts delays and attempts anew, and only after such a one the first wait counts again: a server
    that accepts and drops meets no storm.

    Args:
        attempts: opens them, and tells when.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._connection: ClientConnection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attempts = attempts
        self._busy = False
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ClientConnection:
        """Close the last connection and return the next. Cancelling leaves none open.

        Raises:
            ConcurrencyError: another coroutine waits for the next connection.
            Exception: what the opening failed with, where it is fatal or the attempts are used up.
            ConnectionClosed: the attempts are used up, and the last connection was lost before it had lived
                ``min_uptime`` seconds.
        """
        if self._busy:
            raise ConcurrencyError("cannot open the next connection while another coroutine opens it")
        self._busy = True
        try:
            if self._connection is not None:
                await self._leave(self._connection)
            if self._ended:
                raise StopAsyncIteration
            connection = await self._attempts.next()
        finally:
            self._busy = False
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._ended = not self._attempts.enabled
        return connection

    async def aclose(self) -> None:
        """Close the last connection and end the iteration; again, it does nothing.

        Raises:
            ConcurrencyError: another coroutine waits for the next connection.
        """
        if self._busy:
            raise ConcurrencyError("cannot end the iteration while another coroutine opens a connection")
        self._ended = True
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _leave(self, connection: ClientConnection) -> None:
        self._connection = None
        is_last = not self._ended and not self._attempts.ended()
        self._ended = self._ended or is_last
        await connection.close()
        error = connection.close_exc
        if is_last and error is not None and not _was_closed_here(error):
            self._attempts.tell(error)
            raise error

    def __del__(self) -> None:
        connection, loop = self._connection, self._loop
        if connection is None or loop is None or connection.closed or loop.is_closed():
            return
        # What the loop does for an async generator that is dropped half-way; from any thread.
        loop.call_soon_threadsafe(_close_in_background, loop, connection)


def _was_closed_here(error: ConnectionClosed) -> bool:
    """Tell whether the program closed the connection: it was not lost, nor failed by this side."""
    return error.sent is not None and not error.rcvd_then_sent and error.__cause__ is None


def _close_in_background(loop: asyncio.AbstractEventLoop, connection: ClientConnection) -> None:
    # The loop owns the task, as it does for a dropped async generator; its end is close_timeout.
    closing = loop.create_task(connection.close())
    # Cancelled with the loop, perhaps before its first step.
    closing.add_done_callback(lambda task: connection.abort() if task.cancelled() else None)


class Opening:
    """A connection to be: await it, enter it, or iterate over it.

    ``await`` opens one connection, to be closed by the caller. ``async with`` opens one and closes it,
    and can be used again after. ``async for`` opens one after the other (:class:`Reconnection`).
    Cancelling leaves nothing open.
    """

    def __init__(
        self,
        open: Callable[[], Generator[Any, None, ClientConnection]],
        reconnect: Callable[[], Reconnection],
    ) -> None:
        self._open = open
        self._reconnect = reconnect
        self._entered = False
        self._connection: ClientConnection | None = None

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._open()

    async def __aenter__(self) -> ClientConnection:
        if self._entered:
            raise ConcurrencyError("the connection is open: leave its block first, or connect again")
        self._entered = True
        try:
            connection = await self
            try:
                entered = await connection.__aenter__()
            except BaseException:
                connection.abort()
                raise
        except BaseException:
            self._entered = False
            raise
        self._connection = connection
        return entered

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            await connection.__aexit__(exc_type, exc_value, traceback)
        finally:
            self._entered = False

    def __aiter__(self) -> Reconnection:
        return self._reconnect()
