"""The awaitable behind ``send()`` and ``ping()``, and the path of messages: no coroutine where nothing waits.

It behaves as a coroutine does: it can be awaited, given to :func:`asyncio.create_task`,
:func:`asyncio.wait_for` or :func:`asyncio.gather`, and cancelled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self

from wssdk.errors import ConcurrencyError
from wssdk.wire import raw
from wssdk.wire.intake import Intake
from wssdk.wire.message_writer import MessageWriter
from wssdk.wire.receive import Batches, Receive, how_many
from wssdk.wire.stepping import stop_with, thrown
from wssdk.wire.wakeup import Wakeup

__all__ = ["MessagePath", "Send"]

# How far up the caller of a method stands: compiled, a method has no frame of its own.
_DEPTH = 2 if __file__.endswith(".py") else 1


class Send:
    """A message, or something else, on its way out, as an awaitable: it goes out when it is awaited.

    Where something stands in the way of a message, a coroutine of the path's sender does the rest. What is
    no message has a ``name`` and a function ``start()``: it returns what awaiting is to give, and a coroutine
    of what is left to do, or None.
    """

    def __init__(
        self,
        path: MessagePath,
        message: Any,
        text: bool | None,
        start: Callable[[], tuple[Any, Coroutine[Any, Any, None] | None]] | None = None,
        name: str = "send",
    ) -> None:
        self._path = path
        self._message = message
        self._text = text
        self._start = start
        self._name = name
        self._begun = False
        self._rest: Coroutine[Any, Any, None] | None = None
        self._waited: Any = None
        self.result: Any = None
        """What awaiting gives."""

    def begin(self) -> bool:
        """Send it if nothing stands in the way; tell whether that is all."""
        if self._begun:
            raise RuntimeError(f"cannot reuse a {self._name}() that was awaited already")
        self._begun = True
        if self._start is None:
            message = self._message
            self._message = None
            self._rest = self._path.start_send(message, self._text)
        else:
            self.result, self._rest = self._start()
        return self._rest is None

    def __await__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: None) -> Any:
        """Go on, as a coroutine does."""
        if self._rest is not None:
            self.check_alone()
        elif self.begin():
            raise stop_with(self.result)
        assert self._rest is not None
        try:
            self._waited = self._rest.send(value)
        except StopIteration:
            raise stop_with(self.result) from None
        return self._waited

    def check_alone(self) -> None:
        """Refuse to go on while what is waited for has not come: that is another's call.

        Raises:
            ConcurrencyError: another coroutine awaits this.
        """
        waited = self._waited
        if waited is not None and hasattr(waited, "done") and not waited.done():
            raise ConcurrencyError(f"this {self._name}() is awaited already")

    def throw(
        self,
        typ: Any,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        """Raise what was thrown where the sending stands; before it began, nothing is sent."""
        self._begun = True
        error = thrown(typ, val, tb)
        if self._rest is None:
            raise error
        try:
            self._waited = self._rest.throw(error)
        except StopIteration:
            raise stop_with(self.result) from None
        return self._waited

    def close(self) -> None:
        """Give up, as a coroutine does."""
        self._begun = True
        if self._rest is not None:
            self._rest.close()

    def __del__(self) -> None:
        if not self._begun:
            name = self._name
            text = f"{name}() was never awaited, so nothing was sent: write 'await ws.{name}(...)'"
            warnings.warn(text, RuntimeWarning, stacklevel=_DEPTH, source=self)


class SlowReceiver(Protocol):
    """Receives where something is out of the ordinary."""

    def recv(self, decode: bool | None, timeout: float | None) -> Coroutine[Any, Any, Any]:
        """Return the next message."""
        ...


class SlowSender(Protocol):
    """Sends where something stands in the way."""

    def send(self, message: Any, text: bool | None) -> Coroutine[Any, Any, None]:
        """Send a message."""
        ...


class MessagePath:
    """Receiving and sending, as far as nothing is out of the ordinary; the base of a connection.

    The rest is up to the coroutines of ``receiver`` and ``sender``. ``wakeup`` is for what a task waits for.
    """

    def __init__(self) -> None:
        """Nothing is known yet; see :meth:`lay`."""

    def lay(
        self,
        intake: Intake,
        writer: MessageWriter,
        wakeup: Wakeup,
        receiver: SlowReceiver,
        sender: SlowSender,
    ) -> None:
        """Lay the path; called once."""
        self._intake = intake
        self._inbox = intake.inbox
        self._writer = writer
        self._wakeup = wakeup
        # Not their methods, bound: each would be an object of every connection.
        self._receiver = receiver
        self._sender = sender
        self._receive = Receive(intake, intake.inbox, wakeup, False)
        self._iterate = Receive(intake, intake.inbox, wakeup, True)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Any:
        """Return the next message; iteration ends where the connection closed in order (1000, 1001).

        Cancelling loses nothing, and iteration can go on.

        Raises:
            ConnectionClosedError: the connection closed on an error.
        """
        if self._inbox.waiter is not None:
            self._tidy()
        if raw.only_mine(self._iterate):
            return self._iterate
        return Receive(self._intake, self._inbox, self._wakeup, True)

    def _tidy(self) -> None:
        """Let go of the receivers that are kept, if one was left waiting and nobody else has it."""
        if self._inbox.waiter is not None and raw.only_mine(self._receive) and raw.only_mine(self._iterate):
            self._receive = Receive(self._intake, self._inbox, self._wakeup, False)
            self._iterate = Receive(self._intake, self._inbox, self._wakeup, True)

    def recv(self, *, decode: bool | None = None, timeout: float | None = None) -> Any:
        """Return the next message: ``str`` for text, ``bytes`` for binary (RFC 6455, 5.6).

        ``decode`` True returns ``str`` for both, False ``bytes`` for both. ``timeout`` is in seconds,
        None waits without limit. Messages received before the connection closed are returned first.
        Cancelling, or a time-out, loses nothing.

        Raises:
            ConnectionClosed: no more messages will come.
            ConcurrencyError: another coroutine receives.
            TimeoutError: no message came within ``timeout`` seconds.
        """
        if self._inbox.waiter is not None:
            self._tidy()
        if decode is not None or timeout is not None:
            return self._receiver.recv(decode, timeout)
        if raw.only_mine(self._receive):
            return self._receive
        return Receive(self._intake, self._inbox, self._wakeup, False)

    def recv_many(self, max: int | None = None) -> Any:
        """Return a list of the messages that are there, waiting for the first; at least one.

        ``max`` is how many there may be; None takes all that were received. Everything else is as for
        :meth:`recv`, and several times faster where messages are small and many.

        Raises:
            ConnectionClosed: no more messages will come.
            ConcurrencyError: another coroutine receives.
            ValueError: ``max`` is less than 1.
        """
        self._tidy()
        return Receive(self._intake, self._inbox, self._wakeup, False, how_many(max))

    def batches(self, max: int | None = None) -> Batches:
        """Return an async iterator of what :meth:`recv_many` returns.

        Iteration ends where the connection closed in order (1000, 1001).

        Raises:
            ConnectionClosedError: (iterating) the connection closed on an error.
            ConcurrencyError: (iterating) another coroutine receives.
            ValueError: ``max`` is less than 1.
        """
        self._tidy()
        return Batches(self._intake, self._inbox, self._wakeup, how_many(max))

    def send(self, message: Any, *, text: bool | None = None) -> Any:
        """Send a message: ``str`` as text, bytes-like as binary (RFC 6455, 5.6).

        ``text`` True sends bytes (in UTF-8) as text, False sends ``str`` as binary. An iterable or
        async iterable of ``str`` or of bytes-like objects is sent as the fragments of one message; an
        empty one sends nothing.

        Waits while the write buffer is over ``write_limit``, and behind a fragmented message. Cancelled
        before its turn, it sends nothing; after, the message goes out whole. Cancelled within a
        fragmented message, it fails the connection, for the message cannot be taken back. Never awaited,
        it sends nothing, and warns (RuntimeWarning).

        Raises:
            ConnectionClosed: the connection is closed, or was lost before the peer had read enough.
            TypeError: the message, or a fragment, is of no supported type.
            UnicodeError: the message, or a fragment, cannot be sent as text.
        """
        return Send(self, message, text)

    def start_send(self, message: Any, text: bool | None) -> Coroutine[Any, Any, None] | None:
        """Send a message if nothing stands in the way; return what is left to do, None where that is all."""
        intake = self._intake
        if (
            text is not None
            or not intake.quiet
            or intake.write_paused
            or intake.senders
            or intake.transport_is_closing()
        ):
            return self._sender.send(message, text)
        if type(message) is str:
            frame = self._writer.serialize_text(message)
        elif type(message) is bytes:
            frame = self._writer.serialize(2, message)
        else:
            return self._sender.send(message, None)
        if intake.fresh:
            # The answer to what came, or the first of many: it goes out at once.
            intake.fresh = False
            intake.transport_write(frame)
        else:
            intake.write_more(frame)
        # Asked again: it is the write that may have filled the buffer.
        return intake.drain() if self._intake.write_paused else None
