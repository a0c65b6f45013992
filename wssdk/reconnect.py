"""A connection to be, and its iterator: which failures are transient, and how long to wait."""

from __future__ import annotations

import asyncio
import inspect
import math
import random
import ssl
from collections.abc import Awaitable, Callable, Container, Generator, Iterator
from types import TracebackType
from typing import Any, Final, Self

import attrs

from wssdk.config import Reconnect
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, InvalidMessage, InvalidStatus, RetryableError, printable
from wssdk.ports import Clock, ProcessException
from wssdk.typing import LoggerLike

__all__ = ["LoopClock", "Opening", "ReconnectPolicy", "Reconnection", "backoff", "process_exception"]

_RETRY_STATUS: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


class LoopClock:
    """Time and sleep of the running event loop."""

    def time(self) -> float:
        """Return the loop's time, in seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``. Cancelling changes nothing."""
        await asyncio.sleep(seconds)


def process_exception(exception: Exception, *, retry_status: Container[int] = _RETRY_STATUS) -> Exception:
    """Tell whether opening again may help: what ``process_exception`` is by default.

    A transient failure comes back as a :exc:`RetryableError` whose ``__cause__`` it is: the peer was
    not reached, the opening timed out, the stream ended before a response, or the response has a status
    of ``retry_status``. Any other comes back as itself; so do a certificate that does not hold, and a
    :exc:`RetryableError`.
    """
    if isinstance(exception, RetryableError):
        return exception
    return RetryableError(exception) if _is_transient(exception, retry_status) else exception


def _is_transient(exception: Exception, retry_status: Container[int]) -> bool:
    match exception:
        case ssl.SSLCertVerificationError():
            return False
        case RetryableError() | OSError() | EOFError():  # TimeoutError is an OSError
            return True
        case InvalidMessage():
            return isinstance(exception.__cause__, EOFError)
        case ExceptionGroup():  # all_errors: one for each address
            return all(_is_transient(error, retry_status) for error in exception.exceptions)
        case InvalidStatus():
            return exception.response.status_code in retry_status
    return False


def backoff(reconnect: Reconnect, jitter: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield the seconds to wait before each attempt, without end.

    First ``initial`` times ``jitter()``, which is from 0 to 1, so that clients that lost one server do
    not all come back at once (RFC 6455, 7.2.3); then ``min``, growing by ``factor`` up to ``max``.
    """
    if reconnect.initial is not None:
        yield reconnect.initial * jitter()
    delay = reconnect.min
    while delay < reconnect.max:
        yield delay
        delay *= reconnect.factor
    while True:
        yield reconnect.max


@attrs.frozen
class ReconnectPolicy:
    """What a :class:`Reconnection` goes by: the section of the config, and the collaborators."""

    section: Reconnect
    logger: LoggerLike
    clock: Clock
    process_exception: ProcessException | None = None
    """None: :func:`process_exception` with the section's ``retry_status``."""
    delays: Callable[[], Iterator[float]] | None = None
    """None: :func:`backoff` of the section. Where the iterator ends, so do the attempts."""

    def judge(self, exception: Exception) -> Exception | None:
        """Return None where the failure is transient, else what to raise for it."""
        judged: Any
        try:
            if self.process_exception is None:
                judged = process_exception(exception, retry_status=self.section.retry_status)
            else:
                judged = self.process_exception(exception)
        except Exception as raised:
            # A hook that raises what it should return: a frequent slip, with a clear meaning.
            judged = raised
        if judged is None or isinstance(judged, RetryableError):
            return None
        if isinstance(judged, Exception):
            return judged
        if inspect.iscoroutine(judged):
            judged.close()  # else Python warns that nobody awaited it
        kind = type(judged).__name__
        return TypeError(f"process_exception must return an exception or None, not {kind}")

    def new_delays(self) -> Iterator[float]:
        """Return the delays from their beginning, in seconds."""
        return iter(backoff(self.section) if self.delays is None else self.delays())


class Reconnection:
    """The connections of ``async for ws in connect(...)``, one after the other.

    Moving on, by reaching the end of the loop's body or by ``continue``, closes the connection and opens
    the next. Leaving the loop by ``break``, ``return`` or an exception lets the last connection close
    in the background; ``async with ws`` in the body, or ``contextlib.aclosing`` around the loop, waits
    for it.

    A failed opening is tried again, with growing delays, where it is transient; a fatal failure is
    raised. Only a connection that lived ``min_uptime`` seconds (from its opening until the loop moves on)
    starts the delays anew, and only after such a one the next is opened without a delay: a server that
    accepts and drops meets no storm.

    ``open`` opens one connection; ``uri`` is its URI, and ``shown`` what the log has instead of it.
    """

    def __init__(
        self, open: Callable[[], Awaitable[ClientConnection]], policy: ReconnectPolicy, uri: str, shown: str
    ) -> None:
        self._connection: ClientConnection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = open
        self._policy = policy
        self._uri = uri
        self._shown = shown
        self._delays: Iterator[float] | None = None
        self._not_before = -math.inf
        self._failures = 0
        self._opened_at = 0.0
        self._busy = False
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ClientConnection:
        """Close the last connection and return the next. Cancelling leaves none open.

        Raises:
            ConcurrencyError: another coroutine waits for the next connection.
            Exception: what the opening failed with, where it is fatal or the attempts are used up.
        """
        if self._busy:
            raise ConcurrencyError("cannot open the next connection while another coroutine opens it")
        self._busy = True
        try:
            if self._connection is not None:
                await self._leave(self._connection)
            if self._ended:
                raise StopAsyncIteration
            connection = await self._open_next()
        finally:
            self._busy = False
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._policy.clock.time()
        self._connection = connection
        self._ended = not self._policy.section.enabled
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
        lived = self._policy.clock.time() - self._opened_at
        self._connection = None
        if lived >= self._policy.section.min_uptime:
            self._delays = None
        elif not self._ended:
            delay = self._back_off()
            self._ended = delay is None
            if delay is not None:
                self._policy.logger.info(
                    "connection to %s lasted %.1f seconds; opening the next in %.1f seconds",
                    self._shown,
                    lived,
                    delay,
                )
        await connection.close()

    async def _open_next(self) -> ClientConnection:
        while True:
            # Not where the delay is known: cancelled there, it would be lost.
            if (delay := self._not_before - self._policy.clock.time()) > 0:
                await self._policy.clock.sleep(delay)
            try:
                connection = await self._open()
            except Exception as error:
                fatal = self._policy.judge(error)
                if fatal is not None and fatal is not error:
                    raise fatal from error
                if fatal is not None or not self._may_try_again(error):
                    raise
            else:
                self._failures = 0
                return connection

    def _may_try_again(self, error: Exception) -> bool:
        section = self._policy.section
        self._failures += 1
        if not section.enabled or (
            section.max_attempts is not None and self._failures >= section.max_attempts
        ):
            return False
        delay = self._back_off()
        if delay is None:
            return False
        self._policy.logger.info(
            "attempt %d to open %s failed; trying again in %.1f seconds: %s: %s",
            self._failures,
            self._shown,
            delay,
            type(error).__name__,
            printable(str(error).replace(self._uri, self._shown)),
        )
        return True

    def _back_off(self) -> float | None:
        """Set when the next attempt may start; return the seconds until then, None for never."""
        if self._delays is None:
            self._delays = self._policy.new_delays()
        delay = next(self._delays, None)
        if delay is not None:
            self._not_before = self._policy.clock.time() + delay
        return delay

    def __del__(self) -> None:
        connection, loop = self._connection, self._loop
        if connection is None or loop is None or connection.closed or loop.is_closed():
            return
        # What the loop does for an async generator that is dropped half-way; from any thread.
        loop.call_soon_threadsafe(_close_in_background, loop, connection)


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
