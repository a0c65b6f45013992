"""The awaitables behind ``recv()``, ``anext()`` and ``recv_many()``: no coroutine.

They behave as coroutines do: they can be awaited, given to :func:`asyncio.create_task`,
:func:`asyncio.wait_for` or :func:`asyncio.gather`, and cancelled.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from wssdk.errors import ConcurrencyError, ConnectionClosedOK
from wssdk.wire.inbox import Claim, FragmentedMessage, Inbox
from wssdk.wire.intake import Intake
from wssdk.wire.stepping import stop_with, thrown
from wssdk.wire.wakeup import Wakeup

__all__ = ["Batches", "Receive", "how_many"]


class Receive:
    """The next message, as an awaitable that may be used again once it has given one.

    ``iterating``: it is behind ``anext()``, so that a connection closed in order ends the iteration.
    ``most``: how many messages to give at once, in a list; -1 for all there are, 0 for one by itself.
    """

    def __init__(
        self,
        intake: Intake,
        inbox: Inbox,
        wakeup: Wakeup,
        iterating: bool,
        most: int = 0,
    ) -> None:
        self._intake = intake
        self._inbox = inbox
        self._wakeup = wakeup
        self._iterating = iterating
        self._most = most
        self._claim: Claim | None = None
        self._waiting = False
        self.blocked = False
        """What :meth:`step` returned is what the task has to wait for."""

    def step(self) -> Any:
        """Return the next message, or what to wait for with ``blocked`` set.

        Raises:
            ConnectionClosed: no more messages will come.
            StopAsyncIteration: the same, iterating, where the connection closed in order.
            ConcurrencyError: another coroutine receives.
        """
        inbox = self._inbox
        self.blocked = False
        if self._waiting:
            if not self._wakeup.is_over():
                raise ConcurrencyError("this recv() is awaited already")
            self._stop_waiting()
        elif inbox.waiter is not None or inbox.torn:
            self._refuse()
        if inbox.count == 0:
            future = self._wait()
            if self.blocked:
                return future
        if self._most:
            return inbox.take_many(self._most)
        item = inbox.take()
        if type(item) is FragmentedMessage:
            return item.data
        return item

    def _wait(self) -> Any:
        """Return what to wait for, with ``blocked`` set, unless that alone makes a message come."""
        inbox = self._inbox
        if not inbox.ended:
            if self._claim is None:
                self._claim = Claim(inbox, self._wakeup)
            future = self._claim.take()
            self._waiting = self.blocked = True
            if self._intake.quiet and not (self._intake.reading_paused or inbox.stalled):
                return future
            self._intake.receiver_waits()
            if inbox.count == 0 and not inbox.ended:
                return future
            self._stop_waiting()
            self.blocked = False
        if inbox.count == 0:
            self._raise_closed()
        return None

    def _refuse(self) -> None:
        if self._inbox.lost:
            return
        if self._inbox.waiter is not None:
            raise ConcurrencyError(
                "cannot call recv while another coroutine is already running recv or recv_streaming"
            )
        raise ConcurrencyError("cannot call recv before recv_streaming received the whole message")

    def _raise_closed(self) -> None:
        error = self._intake.closed_exception()
        if self._iterating and isinstance(error, ConnectionClosedOK):
            raise StopAsyncIteration
        raise error

    def _stop_waiting(self) -> None:
        self._waiting = False
        if self._claim is not None:
            self._claim.give_back()

    def __await__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        value = self.step()
        if self.blocked:
            return value
        raise stop_with(value)

    def send(self, value: None) -> Any:
        """Go on, as a coroutine does."""
        value = self.step()
        if self.blocked:
            return value
        raise stop_with(value)

    def throw(
        self,
        typ: Any,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        """Stop waiting, and raise what was thrown: a message that has come stays for the next."""
        if self._waiting:
            self._stop_waiting()
        raise thrown(typ, val, tb)

    def close(self) -> None:
        """Stop waiting, as a coroutine does."""
        if self._waiting:
            self._stop_waiting()


class Batches:
    """Iterates over all messages of a connection, as many at once as are there."""

    def __init__(self, intake: Intake, inbox: Inbox, wakeup: Wakeup, most: int) -> None:
        self._intake = intake
        self._inbox = inbox
        self._wakeup = wakeup
        self._most = most

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Any:
        return Receive(self._intake, self._inbox, self._wakeup, True, self._most)


def how_many(most: int | None) -> int:
    """Return how many messages to give at once where ``max`` is ``most``: -1 for all there are.

    Raises:
        ValueError: it is less than 1.
    """
    if most is None:
        return -1
    if most < 1:
        raise ValueError(f"max must be 1 or more, or None for all there are, not {most}")
    return most
