"""Between the transport and the protocol core: bytes in and out, backpressure, deadlines, the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias, cast

from wssdk.connection.cork import Cork
from wssdk.errors import ConnectionClosed
from wssdk.protocol.core import ProtocolCore
from wssdk.protocol.state import State
from wssdk.wire.intake import Intake

__all__ = ["Link"]

_ANSWER_GRACE: Final = 1.0
"""Seconds that messages before a violation may wait to be received and answered."""

_PARTIAL_HIGH: Final = 1 << 20
"""Bytes of an unfinished message at which reading pauses while nobody receives."""


# A dict for its order: senders go on in the order they came.
_Waiters: TypeAlias = dict[asyncio.Future[None], None]


def _nothing(*arguments: object) -> None:
    """Take the place of what is not called any more."""


class Link(Intake, asyncio.BufferedProtocol):
    """Feeds a :class:`ProtocolCore` from a transport, and the transport from the core.

    ``close_timeout`` is in seconds, None for no deadline. ``on_pong(payload)`` is called for each pong,
    ``on_lost()`` once, when the pipe is gone.
    """

    def __init__(
        self,
        core: ProtocolCore,
        loop: asyncio.AbstractEventLoop,
        close_timeout: float | None,
        on_pong: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(core.frames, core.reader, core.inbox)
        self.core = core
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        """The pipe is gone."""
        self.last_resumed = 0.0
        """When reading last went on after a pause (``loop.time()``)."""
        self.drained = 0
        """How many times the write buffer fell below low water."""
        self.plain_sock: socket.socket | None = None
        """The socket of the transport, where frames may be put together in it."""
        self._cork: Cork | None = None
        self._loop = loop
        self._close_timeout = close_timeout
        self._judging = False
        self._on_pong = on_pong
        self._on_lost = on_lost
        self._deadline: asyncio.TimerHandle | None = None
        self._grace: asyncio.TimerHandle | None = None
        # Made for the first one who waits.
        self._drain_waiters: _Waiters | None = None
        self._lost_waiters: _Waiters | None = None
        core.inbox.set_on_low(self.refill)

    # Calls of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # No isinstance: transports of other libraries do not inherit from asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport_write = self.transport.write
        self.transport_is_closing = self.transport.is_closing

    def eof_received(self) -> None:
        """Take the end of the stream; the transport closes itself."""
        self.core.receive_eof()
        self.settle()
        # Closing flushes, and a peer that does not read would keep the flush from ending.
        self.arm_deadline()

    def pause_writing(self) -> None:
        """The write buffer is above high water."""
        self.write_paused = True
        self.core.hold_pongs = True

    def resume_writing(self) -> None:
        """The write buffer is below low water."""
        self.write_paused = False
        self.drained += 1
        self.core.release_pong()
        self.settle()
        self._wake(self._drain_waiters)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the loss of the pipe: nothing is waited for any more."""
        if self.is_lost:
            return
        core = self.core
        for timer in (self._deadline, self._grace):
            if timer is not None:
                timer.cancel()
        if core.cause is None and not (core.rcvd and core.sent):
            core.cause = core.violation or exc
        core.violation = None
        core.lost()
        self.quiet = False
        self.write_paused = False
        self.is_lost = True
        self._wake(self._lost_waiters)
        self._wake(self._drain_waiters)
        self._on_lost()
        # The connection holds this link: without a way back nobody has to look for the cycle.
        self._on_lost, self._on_pong = _nothing, _nothing
        if not core.stalled:
            self._end_inbox()

    def _end_inbox(self) -> None:
        """Nothing more will come: let go of buffers, and wake the receiver as the last act."""
        self.inbox.set_on_low(_nothing)
        self.core.release()
        self.inbox.end()

    def attend(self, control: bool = False, error: Exception | None = None, answering: bool = False) -> None:
        """Carry on with what is out of the ordinary; see :class:`Intake`."""
        if self._deadline is not None and self._loop.time() > self._deadline.when():
            # A peer that floods keeps the loop too busy for timers.
            self._deadline_passed()
            return
        if error is not None:
            self.core.violate(error)
        else:
            if self.inbox.judges and not answering:
                # Who was woken and has gone on to other things has had its chance.
                self.inbox.patient = self.inbox.waiter is not None
            self.core.proceed(control)
        self.settle(answering=answering)

    # Keeping both sides in step.

    def settle(self, *, answering: bool = False) -> None:
        """Carry out what the core decided: after every call that may have changed it.

        ``answering``: the application has just taken a message, and may want to answer it.
        """
        core = self.core
        for payload in core.take_pongs():
            self._on_pong(payload)
        if core.violation is not None:
            self._answer_then_fail(answering)
        self.flush()
        if core.state is State.CLOSING:
            self.arm_deadline()
            # Not twice: asyncio 3.11's TLS transport ignores abort() from the second time on.
            if core.may_drop_pipe() and self.transport is not None and not self.transport.is_closing():
                self.transport.close()
        self.quiet = core.quiet
        self.inbox.wake()
        self.judge_soon()
        self._balance_reading()

    def judge_soon(self) -> None:
        """Have what waits for room judged in the next iteration: the receiver has had its chance by then."""
        inbox = self.inbox
        if inbox.judges and inbox.stalled and not inbox.streamed and not self._judging:
            self._judging = True
            self._loop.call_soon(self._judge)

    def _judge(self) -> None:
        self._judging = False
        if self.inbox.stalled:
            self.inbox.patient = False
            self.core.proceed()
            self.settle()
            self._end_if_lost()

    def flush(self) -> None:
        """Write what the core has for the peer."""
        data = self.core.take_outgoing()
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def write_more(self, data: bytes) -> None:
        """Write a frame that follows another one; small ones are put together where that can be done."""
        if self._cork is not None:
            self._cork.write(data)
        elif self.transport is not None:
            # Asked, and made, when it is needed, and once: few connections send one frame after the other.
            sock, self.plain_sock = self.plain_sock, None
            if sock is not None and Cork.fits(sock):
                self._cork = Cork(self.transport, sock, self._loop, self._note_cause)
            self.transport.write(data)

    def _note_cause(self, error: OSError) -> None:
        self.core.cause = self.core.cause or error

    def write(self, data: bytes) -> None:
        """Write a frame; :meth:`is_open` has just told that it may go out."""
        if self.transport is not None:
            self.transport.write(data)

    def _answer_then_fail(self, answering: bool) -> None:
        """Fail for a violation, once the application had its chance to answer what came before it."""
        core = self.core
        if self.is_lost:  # it stood behind a full inbox: all there is to do is to tell
            core.cause, core.violation = core.cause or core.violation, None
        elif not (answering or len(self.inbox)):
            core.fail_for_violation()
        elif self._grace is None:
            self._grace = self._loop.call_later(_ANSWER_GRACE, self._grace_passed)

    def _grace_passed(self) -> None:
        self.core.fail_for_violation()
        self.settle()

    def _balance_reading(self) -> None:
        core = self.core
        wants_pause = (core.stalled and not self._judging) or (
            self.inbox.waiter is None
            and core.reader.partial_size() >= _PARTIAL_HIGH
            and core.reader.unbounded
            and core.state is State.OPEN
        )
        if wants_pause is self.reading_paused or self.transport is None or core.state is State.CLOSED:
            return
        if self.transport.is_closing():
            return
        self.reading_paused = wants_pause
        if wants_pause:
            self.transport.pause_reading()
        else:
            self.last_resumed = self._loop.time()
            self.transport.resume_reading()

    def resume(self) -> None:
        """The inbox drained to low water: go on with what is in the receive buffer, then read on."""
        self.inbox.patient = True
        self.attend(answering=True)
        self._end_if_lost()

    def _end_if_lost(self) -> None:
        if self.is_lost and not self.core.stalled:
            self._end_inbox()

    def receiver_waits(self) -> None:
        """The receiver found nothing and is about to wait."""
        if self.core.violation is not None:
            self.core.fail_for_violation()
            self.settle()
        elif self.core.stalled:
            # Streaming was undone: the fragments that filled the inbox went back to the reader.
            self.resume()
        elif self.reading_paused:
            self._balance_reading()

    def is_open(self) -> bool:
        """Tell whether what is written now may still go out."""
        if self.core.state is not State.OPEN:
            return False
        return self.transport is None or not self.transport.is_closing()

    def unsent(self) -> int:
        """Return how many bytes wait in the write buffer."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    async def wait_room(self) -> None:
        """Wait until a message may be written: the write buffer is below high water.

        Raises:
            ConnectionClosed: nothing can be written any more.
        """
        while True:
            if not self.is_open():
                await self.raise_closed()
            if not self.write_paused:
                return
            await self.drain()

    async def drain(self) -> None:
        """Wait until the write buffer, if it was above high water, is below low water.

        Raises:
            ConnectionClosed: the pipe was lost first; who knows what of the buffer has gone out.
        """
        while self.write_paused:
            waiter = self._loop.create_future()
            if self._drain_waiters is None:
                self._drain_waiters = {}
            self._drain_waiters[waiter] = None
            try:
                await waiter
            finally:
                self._drain_waiters.pop(waiter, None)
            if self.is_lost:
                raise self.closed_exception()

    def _wake(self, waiters: _Waiters | None) -> None:
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    # The end.

    def begin_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, or let the one that has begun go on.

        Raises:
            ProtocolError: code or reason may not be sent.
        """
        core = self.core
        if core.violation is not None:
            core.fail_for_violation()
        if core.state is State.OPEN and not self.is_open():
            return  # the pipe is going already: nothing can be said any more
        core.close(code, reason)
        if core.stalled:
            core.proceed()
        self.settle()

    def fail(self, code: int, reason: str, cause: BaseException | None = None) -> None:
        """Fail the connection (RFC 6455, 7.1.7)."""
        if self.core.state is State.OPEN and not self.is_open():
            self.core.cause = self.core.cause or cause
            return
        self.core.fail(code, reason, cause)
        self.settle()

    def arm_deadline(self, timeout: float | None = None) -> None:
        """Start the one deadline of closing; ``timeout`` seconds replace it if that is sooner."""
        if self.is_lost:
            return
        limit = self._close_timeout
        if timeout is not None and (limit is None or timeout < limit):
            limit = timeout
        elif self._deadline is not None:
            return
        if limit is None:
            return
        when = self._loop.time() + limit
        if self._deadline is not None:
            if self._deadline.when() <= when:
                return
            self._deadline.cancel()
        self._deadline = self._loop.call_at(when, self._deadline_passed)

    def _deadline_passed(self) -> None:
        if self.core.cause is None:
            self.core.cause = TimeoutError("timed out while closing the connection")
        self.abort()

    def abort(self) -> None:
        """Drop the pipe at once."""
        # asyncio's transport breaks when it is aborted after it flushed, closed and forgot its loop.
        if self.transport is not None and not self.is_lost:
            self.transport.abort()

    async def wait_lost(self) -> None:
        """Wait until the pipe is gone. Cancelling changes nothing."""
        if self.is_lost:
            return
        waiter = self._loop.create_future()
        if self._lost_waiters is None:
            self._lost_waiters = {}
        self._lost_waiters[waiter] = None
        try:
            await waiter
        finally:
            self._lost_waiters.pop(waiter, None)

    async def raise_closed(self) -> NoReturn:
        """Wait for the end of a connection that is closing, then raise how it ended.

        Raises:
            ConnectionClosed: always.
        """
        await self.wait_lost()
        raise self.closed_exception()

    def closed_exception(self) -> ConnectionClosed:
        """Return what tells the user how the connection ended."""
        return self.core.closed_exception()
