"""The task behind a ReconnectingConnection: it opens one connection when the last one is lost."""

from __future__ import annotations

import asyncio
import enum
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

import attrs

from wssdk.codes import CloseCode
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed, ConnectionClosedError, InvalidState, RetryableError
from wssdk.ports import ConnectAttempt
from wssdk.protocol.state import State
from wssdk.reconnect.attempts import Attempts
from wssdk.reconnect.events import Dropped, Events, GaveUp, Opened, Retrying
from wssdk.reconnect.failures import process_exception
from wssdk.reconnect.inbox import Inbox
from wssdk.reconnect.outbox import Outbox
from wssdk.reconnect.policy import ReconnectPolicy

__all__ = ["Keeper", "MakeAttempts", "OnOpen", "Open", "ReconnectingState", "StopWhen"]

OnOpen: TypeAlias = Callable[[ClientConnection], Awaitable[object]]
"""Logs in and subscribes on a fresh connection, before anybody else may send."""

StopWhen: TypeAlias = Callable[[ConnectionClosed], object]
"""Tells from how a connection closed whether that is the end: something true."""

Open: TypeAlias = Callable[[ConnectAttempt], Awaitable[ClientConnection]]

MakeAttempts: TypeAlias = Callable[[Open, ReconnectPolicy], Attempts]
"""Makes the attempts, of what opens one connection and the policy."""


class ReconnectingState(enum.Enum):
    """Where a :class:`ReconnectingConnection` stands."""

    NEW = "not entered yet"
    CONNECTING = "a connection is being opened, or on_open runs"
    OPEN = "there is a connection"
    WAITING = "waiting for the next attempt"
    CLOSED = "closed, or given up"


_S: Final = ReconnectingState
_NEXT: Final = {
    _S.NEW: (_S.WAITING, _S.CLOSED),
    _S.WAITING: (_S.CONNECTING, _S.CLOSED),
    _S.CONNECTING: (_S.OPEN, _S.WAITING, _S.CLOSED),
    _S.OPEN: (_S.WAITING, _S.CLOSED),
    _S.CLOSED: (),
}


class Keeper:
    """Keeps a connection open, tells of what happens, and feeds inbox and outbox.

    ``open`` opens one connection. ``on_open`` prepares it, within ``open_timeout`` seconds; None: no limit.
    """

    def __init__(
        self,
        open: Open,
        attempts: MakeAttempts,
        policy: ReconnectPolicy,
        inbox: Inbox,
        outbox: Outbox,
        *,
        on_open: OnOpen | None,
        open_timeout: float | None,
        stop_when: StopWhen | None,
    ) -> None:
        self.state = ReconnectingState.NEW
        self.connection: ClientConnection | None = None
        """The open connection, ready for use."""
        self.attempt = 0
        """Which attempt is under way or to come, or was the last; 0 before the first."""
        self.error: Exception | None = None
        """What it was given up for: a failure, or how the last connection closed."""
        self.closed: ConnectionClosed | None = None
        """How the last connection closed, where there is to be no other."""
        self.was_last = False
        """There was to be no connection after the last one, which is no failure."""
        self.has_opened = False
        """There is, or was, a connection."""
        self.closing = False
        """There is to be no other connection."""
        self.opened_at = 0.0
        """When the connection opened, seconds of the clock."""
        self.settled = asyncio.Event()
        """The first connection is open, or there will be none."""
        self.events = Events()
        self._open = open
        self._inbox = inbox
        self._outbox = outbox
        self._on_open = on_open
        self._open_timeout = open_timeout
        self._stop_when = stop_when
        self._judge_by = policy.process_exception or partial(
            process_exception, retry_status=policy.section.retry_status
        )
        self._policy = attrs.evolve(policy, process_exception=self._judge)
        self._attempts = attempts(self._open_next, self._policy)
        self._attempts.on_delay = self._retry
        self._last_error: Exception = ConnectionClosedError(None, None)
        self._started_at = 0.0
        self._lost_early: ConnectionClosed | None = None
        """How the connection closed that ``on_open`` lost in this attempt."""

    def _advance(self, state: ReconnectingState) -> None:
        if state not in _NEXT[self.state]:
            raise InvalidState(f"{state.name} is not legal in state {self.state.name}")
        self.state = state

    @property
    def at(self) -> float:
        """Seconds since the start."""
        return self._policy.clock.time() - self._started_at

    async def run(self) -> None:
        """Open one connection after the other until that has no sense any more.

        Cancelling leaves none open.
        """
        self._started_at = self._policy.clock.time()
        try:
            self._advance(ReconnectingState.WAITING)
            await self._keep_open()
        except Exception as error:
            self._give_up(error)
        finally:
            self.end()

    def end(self) -> None:
        """Tell everybody that there will be no other connection; again, it does nothing."""
        if self.state is ReconnectingState.CLOSED:
            return
        self.connection = None
        self._advance(ReconnectingState.CLOSED)
        self._outbox.end(*self.why_ended())
        self._inbox.end()
        self.events.end()
        self.settled.set()

    def why_ended(self) -> tuple[str, Exception | None]:
        """Return what to tell a sender, and what caused it."""
        if self.error is None:
            return "the connection was closed here", None
        return "reconnecting was given up", self.error

    def _give_up(self, error: Exception) -> None:
        self.error = error
        self.events.publish(GaveUp(at=self.at, attempt=self.attempt, error=error))

    async def _keep_open(self) -> None:
        self.attempt = 1
        while True:
            connection = await self._attempts.next()
            try:
                closed = await self._use(connection)
            except BaseException:
                connection.abort()
                raise
            self._last_error = closed
            if self.closing:
                self.closed = closed
                return
            unacknowledged = self._outbox.lost()
            uptime = self._policy.clock.time() - self.opened_at
            self.events.publish(
                Dropped(at=self.at, error=closed, uptime=uptime, unacknowledged=unacknowledged)
            )
            if not self._may_go_on(closed):
                if not self.was_last:
                    self._attempts.tell(closed)
                self._give_up(closed)
                return
            await self._inbox.wait_room()

    def _may_go_on(self, closed: ConnectionClosed) -> bool:
        if self._is_end(closed) or not self._policy.section.enabled:
            self.was_last = True
            return False
        self._advance(ReconnectingState.WAITING)
        return self._attempts.ended()

    async def _use(self, connection: ClientConnection) -> ConnectionClosed:
        """Let others use the connection until it is closed; return how it closed."""
        self._advance(ReconnectingState.OPEN)
        self.connection = connection
        self.has_opened = True
        self.opened_at = self._policy.clock.time()
        self.events.publish(Opened(at=self.at, attempt=self.attempt))
        self.settled.set()
        self._inbox.open(connection)
        ledger = self._outbox.ledger
        acknowledging = None
        if ledger is not None:
            acknowledging = asyncio.get_running_loop().create_task(ledger.run(connection))
        try:
            await self._outbox.open(connection)
            await connection.wait_closed()
        finally:
            self.connection = None
            if acknowledging is not None:
                acknowledging.cancel()
                await asyncio.wait((acknowledging,))
        closed = connection.close_exc
        assert closed is not None
        return closed

    def _retry(self, delay: float) -> None:
        self.attempt = self._attempts.attempt.number
        self.events.publish(Retrying(at=self.at, attempt=self.attempt, delay=delay, error=self._last_error))

    # One opening.

    async def _open_next(self, attempt: ConnectAttempt) -> ClientConnection:
        self._advance(ReconnectingState.CONNECTING)
        self._lost_early = None
        try:
            connection = await self._open(attempt)
            try:
                await self._prepare(connection)
            except BaseException:
                connection.abort()  # where it is not closed by now
                self._attempts.unfit(connection)
                self._inbox.count_dropped(connection)
                raise
        except Exception as error:
            self._last_error = error
            self._advance(ReconnectingState.WAITING)
            raise
        return connection

    async def _prepare(self, connection: ClientConnection) -> None:
        if self._on_open is None:
            return
        try:
            async with asyncio.timeout(self._open_timeout) as deadline:
                prepared = self._on_open(connection)
                if inspect.isawaitable(prepared):
                    await _own_cancelling(prepared)
        except TimeoutError as error:
            if not deadline.expired():
                await connection.close(CloseCode.INTERNAL_ERROR)
                raise
            # A peer that does not answer would not answer a close frame either.
            connection.abort()
            await connection.wait_closed()
            raise TimeoutError(
                f"on_open took longer than {self._open_timeout:g} s (timeouts.open)"
            ) from error
        except Exception as error:
            # Another connection's end may be what it raises, while this one is well.
            was_lost = _is_loss(error) and connection.state is not State.OPEN
            await connection.close(CloseCode.INTERNAL_ERROR)
            self._lost_early = connection.close_exc if was_lost else None
            raise

    def _judge(self, error: Exception) -> Exception | None:
        """Tell transient failures from fatal ones, where ``on_open`` may have lost its connection, too."""
        if self._lost_early is None:
            return self._judge_by(error)
        is_end = self._is_end(self._lost_early)
        self.was_last = is_end or not self._policy.section.enabled
        return self._lost_early if is_end else RetryableError(self._lost_early)

    def _is_end(self, closed: ConnectionClosed) -> bool:
        return self._stop_when is not None and bool(self._stop_when(closed))


def _is_loss(error: Exception) -> bool:
    """Tell whether ``error`` is the end of a connection, or a group of nothing else, as of a TaskGroup."""
    if isinstance(error, ExceptionGroup):
        return all(map(_is_loss, error.exceptions))
    return isinstance(error, ConnectionClosed)


async def _own_cancelling(prepared: Awaitable[object]) -> None:
    """Await what ``on_open`` returned; where that was cancelled and this task was not, it has failed.

    Raises:
        RuntimeError: something that it awaits was cancelled.
    """
    try:
        await prepared
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("on_open awaited something that was cancelled") from error
