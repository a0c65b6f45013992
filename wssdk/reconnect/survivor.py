"""ReconnectingConnection: one object that survives the loss of its connection."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Literal, Self, overload

from wssdk.codes import Close, CloseCode, DropCount
from wssdk.config_sections import Limits
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed, ConnectionClosedOK, ProtocolError
from wssdk.protocol.close import serialize_close
from wssdk.reconnect.events import EventStream
from wssdk.reconnect.inbox import Inbox
from wssdk.reconnect.keeper import Keeper, MakeAttempts, OnOpen, Open, ReconnectingState, StopWhen
from wssdk.reconnect.outbox import Outbox, SendPolicy
from wssdk.reconnect.policy import ReconnectPolicy
from wssdk.typing import Data, Sendable
from wssdk.wire.receive import how_many

__all__ = ["ReconnectingConnection"]


class ReconnectingConnection:
    """One object to send by and to receive from, while connections come and go.

    ::

        async with factory.reconnecting(on_open=subscribe) as conn:
            async for message in conn: ...

    Entering waits for the first connection, leaving closes the last. In between, a task of this object opens
    a connection where the last one was lost, as the ``reconnect`` section says. It is used once, by one event
    loop, and is not thread-safe. :meth:`ConnectionFactory.reconnecting` makes it, and has the options.

    Args:
        open: opens one connection; it is told the attempt.
        attempts: makes the attempts of what opens one connection, and of the policy.
        policy: when to open again.
        shown: what the log calls the peer.
        on_open: prepares each connection before anybody else may send; None: nothing is to be done.
        open_timeout: for ``on_open``, seconds; None: no limit.
        close_timeout: for the peer's last acknowledgement, seconds; None: no limit.
        limits: what may wait to be received of lost connections, and ``on_full``; None: the defaults.
        sending: what becomes of messages while there is no connection.
        stop_when: tells from how a connection closed whether that is the end; None: it never is.
        wait: whether entering waits for the first connection.
    """

    def __init__(
        self,
        open: Open,
        attempts: MakeAttempts,
        policy: ReconnectPolicy,
        shown: str,
        *,
        on_open: OnOpen | None = None,
        open_timeout: float | None = None,
        close_timeout: float | None = None,
        limits: Limits | None = None,
        sending: SendPolicy | None = None,
        stop_when: StopWhen | None = None,
        wait: bool = True,
    ) -> None:
        for name, hook in (("on_open", on_open), ("stop_when", stop_when)):
            if hook is not None and not callable(hook):
                raise TypeError(f"{name} must be a function, not {type(hook).__name__}")
        if not isinstance(wait, bool):
            raise TypeError(f"wait must be True or False, not {wait!r}")
        if inspect.iscoroutinefunction(stop_when):
            raise TypeError("stop_when must be a plain function: it is not awaited")
        self._logger = policy.logger
        self._clock = policy.clock
        self._shown = shown
        self._close_timeout = close_timeout
        self._wait = wait
        self._inbox = Inbox(Limits() if limits is None else limits)
        self._outbox = Outbox(SendPolicy() if sending is None else sending)
        self._keeper = Keeper(
            open,
            attempts,
            policy,
            self._inbox,
            self._outbox,
            on_open=on_open,
            open_timeout=open_timeout,
            stop_when=stop_when,
        )
        self._task: asyncio.Task[None] | None = None
        self._undelivered: list[Data] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name} {self._shown}>"

    # Receiving.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Data:
        """Return the next message, of this connection or of the next one.

        Iteration ends after :meth:`close`, and where the last connection closed in order and was to be the
        last (``stop_when``, or ``reconnect = false``). Cancelling loses nothing, and iteration can go on.

        Raises:
            ConnectionClosed: the last connection closed on an error, and there is to be no other; or however
                it closed, the attempts are used up.
            Exception: what reconnecting was given up for.
            ConcurrencyError: another coroutine receives.
        """
        inbox = self._inbox
        if (direct := inbox.direct) is not None:
            try:
                return await direct.recv()
            except ConnectionClosed:
                pass  # there may be another one
        if inbox.batch or await self._fill():
            return self._next()
        keeper = self._keeper
        if keeper.error is None or (keeper.was_last and isinstance(keeper.error, ConnectionClosedOK)):
            raise StopAsyncIteration
        raise self._ending()

    @overload
    async def recv(self, *, decode: None = None, timeout: float | None = None) -> Data: ...
    @overload
    async def recv(self, *, decode: Literal[True], timeout: float | None = None) -> str: ...
    @overload
    async def recv(self, *, decode: Literal[False], timeout: float | None = None) -> bytes: ...
    @overload
    async def recv(self, *, decode: bool | None, timeout: float | None = None) -> Data: ...
    async def recv(self, *, decode: bool | None = None, timeout: float | None = None) -> Any:
        """Return the next message, of this connection or of the next one.

        ``decode`` True returns ``str`` for text and binary, False ``bytes`` for both. ``timeout`` is in
        seconds, None waits without limit, through drops, too. Messages received before are returned first,
        also once all is closed. Cancelling, or a time-out, loses nothing.

        Raises:
            ConnectionClosed: closed here; or the last connection closed, and there is to be no other.
            Exception: what reconnecting was given up for.
            TimeoutError: no message came within ``timeout`` seconds.
            ConcurrencyError: another coroutine receives.
            UnicodeDecodeError: with ``decode`` True: the message is not text in UTF-8. It stays the
                next message, to be received without.
        """
        inbox = self._inbox
        if decode is None and timeout is None and (direct := inbox.direct) is not None:
            try:
                return await direct.recv()
            except ConnectionClosed:
                pass  # there may be another one
        if not inbox.batch:
            await self._wait_for_messages(timeout)
        message = inbox.batch[-1]
        if decode is None or decode is isinstance(message, str):
            return self._next()
        message = message.encode() if isinstance(message, str) else message.decode()
        self._next()
        return message

    async def recv_many(self, max: int | None = None) -> list[Data]:
        """Return a list of the messages that are there, waiting for the first; at least one.

        ``max`` is how many there may be; None takes all. Everything else is as for :meth:`recv`.

        Raises:
            ConnectionClosed: closed here; or the last connection closed, and there is to be no other.
            Exception: what reconnecting was given up for.
            ConcurrencyError: another coroutine receives.
            ValueError: ``max`` is less than 1.
        """
        most = how_many(max)
        inbox, batch = self._inbox, self._inbox.batch
        if (direct := inbox.direct) is not None:
            try:
                return await direct.recv_many(max)
            except ConnectionClosed:
                pass  # there may be another one
        if not batch:
            await self._wait_for_messages(None)
        count = len(batch) if most < 0 else min(most, len(batch))
        messages = batch[-count:]
        del batch[-count:]
        messages.reverse()
        inbox.clear_way()
        return messages

    def _next(self) -> Data:
        """Take the next of the messages at hand."""
        message = self._inbox.batch.pop()
        self._inbox.clear_way()
        return message

    async def _wait_for_messages(self, timeout: float | None) -> None:
        if timeout is None:
            filled = await self._fill()
        else:
            try:
                async with asyncio.timeout(timeout) as deadline:
                    filled = await self._fill()
            except TimeoutError:
                if not deadline.expired():
                    raise
                raise TimeoutError(f"no message within {timeout:g} s") from None
        if not filled:
            raise self._ending()

    def _fill(self) -> Coroutine[Any, Any, bool]:
        if self._keeper.connection is None:
            self._check_usable("receive")
        return self._inbox.fill()

    def _ending(self) -> Exception:
        """Return what tells a receiver that there will be no more messages."""
        error: Exception | None = self._keeper.error or self._keeper.closed
        # Raised to whoever asks, again and again: its traceback must not grow.
        return ConnectionClosedOK(None, None) if error is None else error.with_traceback(None)

    # Sending.

    def send(self, message: Sendable, *, text: bool | None = None) -> Coroutine[Any, Any, None]:
        """Send a message; ``message`` and ``text`` are as for :meth:`ClientConnection.send`.

        Returns when the message is written to a connection, or kept for the next one (``outbox``). While
        there is no connection, and no place in the outbox, it waits for its turn, or raises (``when_down``).
        A message is written once: it is not sent again if its connection is lost, unless ``resend`` says
        so. Cancelled before its turn, it sends nothing, neither now nor later.

        Raises:
            NotSent: it does not wait for a connection, or there will be none. Nothing was sent.
            ConnectionClosed: the connection was lost while the message was being sent: whether it has
                reached the peer is unknown. Not raised where the peer is to acknowledge messages.
            TypeError: the message, or a fragment, is of no supported type.
            UnicodeError: the message, or a fragment, cannot be sent as text.
        """
        if self._keeper.connection is None:
            self._check_usable("send")
        return self._outbox.send(message, text)

    # Beginning and end.

    def _check_usable(self, verb: str) -> None:
        if self._task is None and self.state is ReconnectingState.NEW:
            raise ConcurrencyError(f"cannot {verb} yet: enter it first, by async with or await")
        if self._task is not None and asyncio.current_task() is self._task:
            raise ConcurrencyError(f"on_open cannot {verb} here: it is to use the connection it is given")

    def __await__(self) -> Generator[Any, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self._start()

    async def _start(self) -> Self:
        """Begin to connect; wait for the first connection, unless told not to.

        Raises:
            Exception: reconnecting was given up before there was a connection.
            ConcurrencyError: it was entered before.
        """
        if self._task is not None or self.state is not ReconnectingState.NEW:
            raise ConcurrencyError("it was entered already: make another one")
        keeper = self._keeper
        self._task = asyncio.get_running_loop().create_task(keeper.run())
        if not self._wait:
            return self
        try:
            await keeper.settled.wait()
        except BaseException:
            self._task.cancel()
            await asyncio.wait((self._task,))
            keeper.end()  # the task may not have begun
            raise
        if keeper.error is not None and not keeper.has_opened:
            raise keeper.error
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        async def leave(connection: ClientConnection) -> None:
            await connection.__aexit__(exc_type, exc_value, traceback)

        orderly = exc_type is None or issubclass(exc_type, GeneratorExit)
        await self._finish(leave, patient=orderly)
        if self._undelivered:
            self._logger.warning(
                "%d messages to %s were not delivered: see undelivered", len(self._undelivered), self._shown
            )

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> list[Data]:
        """Close the connection, open no other, and return the messages that were not delivered.

        These are the messages that the outbox kept and, where the peer is to acknowledge messages, those
        that it did not; text as ``str``, binary as ``bytes``, in order. A ``send()`` that still waits
        raises :exc:`NotSent`. Messages that were received can still be received.

        Takes at most ``timeouts.close`` seconds, and as many for the last acknowledgement. Closing again
        is harmless. Cancelling drops the connection at once.

        Raises:
            ProtocolError: the code may not be sent, or the reason has more than 123 bytes.
            ConcurrencyError: called by ``on_open``.
        """
        if code == CloseCode.NO_STATUS_RCVD:
            raise ProtocolError("close code 1005 stands for a frame without one, and cannot be sent")
        serialize_close(Close(code, reason))

        async def say_goodbye(connection: ClientConnection) -> None:
            await connection.close(code, reason)

        await self._finish(say_goodbye)
        return self.undelivered

    async def _finish(
        self, close: Callable[[ClientConnection], Awaitable[None]], *, patient: bool = True
    ) -> None:
        self._check_usable("close")
        keeper, task = self._keeper, self._task
        assert task is not None
        keeper.closing = True
        self._outbox.end(*keeper.why_ended())
        connection = keeper.connection
        try:
            if connection is None:
                task.cancel()
            else:
                if patient:
                    await self._outbox.wait_acknowledged(connection, self._close_timeout)
                await close(connection)
            await asyncio.wait((task,))
            await self._inbox.settle(self._close_timeout)
        except BaseException:
            # Cancelled: nothing is waited for any more, not even the last acknowledgement.
            if connection is not None:
                connection.abort()
            raise
        finally:
            if task.done():
                keeper.end()  # the task may not have begun
            self._undelivered += self._outbox.take_undelivered()

    # What is known of it.

    def events(self) -> EventStream:
        """Return an async iterator of what happens from now on: Opened, Dropped, Retrying, GaveUp.

        Each call has its own, with every event. It ends when all is closed. Of events that are not taken,
        the last 256 are kept.
        """
        return self._keeper.events.subscribe()

    @property
    def state(self) -> ReconnectingState:
        """Where it stands."""
        return self._keeper.state

    @property
    def connection(self) -> ClientConnection | None:
        """The open connection, for its own matters (ping, latency, addresses); None while there is none."""
        return self._keeper.connection

    @property
    def attempt(self) -> int:
        """Which attempt is under way or to come; while open, which one it was. 0 before the first."""
        return self._keeper.attempt

    @property
    def uptime(self) -> float:
        """Seconds that the connection has been open; 0 while there is none."""
        return 0.0 if self._keeper.connection is None else self._clock.time() - self._keeper.opened_at

    @property
    def dropped(self) -> DropCount:
        """What came and was dropped (``limits.on_full``), on all connections since it was entered."""
        return self._inbox.dropped

    @property
    def undelivered(self) -> list[Data]:
        """What :meth:`close` returned; empty before."""
        return list(self._undelivered)
