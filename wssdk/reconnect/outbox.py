"""Messages on their way out, over one connection after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, TypeAlias

import attrs

from wssdk.config_grammar import SizeLike, optional_size
from wssdk.config_values import BadValue
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed, ConnectionClosedError
from wssdk.protocol.state import State
from wssdk.reconnect.ledger import Ledger, size_of
from wssdk.typing import Data, Sendable

__all__ = ["NotSent", "Outbox", "Resend", "SendPolicy", "WhenDown"]

# Asked for once: members of an enum are found by Python code up to 3.11.
_OPEN: Final = State.OPEN

WhenDown: TypeAlias = Literal["wait", "raise"]
"""What becomes of a message for which there is neither a connection nor a place in the outbox."""

Resend: TypeAlias = Literal["never", "unacknowledged"]
"""Which messages are sent again over the next connection."""


class NotSent(ConnectionClosedError):
    """There is no connection to send by, and nothing was sent: the message is the caller's again.

    Attributes:
        why: why it did not wait for a connection, or not any longer.
    """

    def __init__(self, why: str) -> None:
        super().__init__(None, None)
        self.why = why

    def __str__(self) -> str:
        return f"nothing was sent: {self.why}"


def _outbox_bytes(value: SizeLike | None) -> int | None:
    try:
        return optional_size(value)
    except BadValue as error:
        expected = error.expected.format(off="None")
        raise ValueError(f"outbox_bytes: expected {expected}, not {value!r}") from None


@attrs.frozen(kw_only=True)
class SendPolicy:
    """What becomes of messages while there is no connection, and of those that a lost one had."""

    outbox: int = attrs.field(default=0)
    """Messages that are kept while there is no connection; ``send()`` returns at once for them."""
    outbox_bytes: int | None = attrs.field(default=None, converter=_outbox_bytes)
    """Bytes that they may have together, text in UTF-8; None: no limit."""
    when_down: WhenDown = attrs.field(default="wait")
    """What becomes of a message that is not kept: its ``send()`` waits, or raises."""
    resend: Resend = attrs.field(default="never")
    """Which messages are sent again over the next connection."""
    acknowledge: bool = attrs.field(default=False)
    """Whether the peer is asked to acknowledge messages."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.outbox, bool) or not isinstance(self.outbox, int):
            raise TypeError(f"outbox must be a number of messages, not {self.outbox!r}")
        if self.outbox < 0:
            raise ValueError(f"outbox must be 0 or more messages, not {self.outbox}")
        if self.when_down not in ("wait", "raise"):
            raise ValueError(f"when_down must be 'wait' or 'raise', not {self.when_down!r}")
        if self.resend not in ("never", "unacknowledged"):
            raise ValueError(f"resend must be 'never' or 'unacknowledged', not {self.resend!r}")
        if not isinstance(self.acknowledge, bool):
            raise TypeError(f"acknowledge must be True or False, not {self.acknowledge!r}")


def as_data(message: Any, text: bool | None) -> Data | None:
    """Return a message as it is kept: ``str`` for text, ``bytes`` for binary; None for one in fragments.

    Raises:
        UnicodeError: it cannot be sent as text.
    """
    if isinstance(message, str):
        payload = message.encode()
        return payload if text is False else message
    if isinstance(message, (bytes, bytearray, memoryview)):
        payload = bytes(message)  # the caller may change what is kept
        return payload.decode() if text else payload
    return None


def is_writable(connection: ClientConnection) -> bool:
    """Tell whether a message that is sent now is written to the pipe."""
    return connection.state is _OPEN and not connection.transport.is_closing()


@attrs.define(eq=False)
class _Place:
    """A place in the queue of senders."""

    future: asyncio.Future[None]


class Outbox:
    """Sends messages in order, one at a time, over the connection that there is.

    A message is given to a connection at most once, and only while it is open: what was not given waits for
    the next one.
    """

    def __init__(self, policy: SendPolicy) -> None:
        self._policy = policy
        self.ledger = (
            Ledger(self._wake_first) if policy.acknowledge or policy.resend == "unacknowledged" else None
        )
        """What was written and not acknowledged yet; None where nothing is to be."""
        self._connection: ClientConnection | None = None
        self._is_closing: Callable[[], bool] = bool  # its transport's
        self._kept: deque[Data] = deque()
        self._kept_bytes = 0
        self._queue: deque[_Place] = deque()
        self._sending = False
        self._ended: tuple[str, Exception | None] | None = None

    # For senders.

    async def send(self, message: Sendable, text: bool | None) -> None:
        """Send a message, or keep it for the next connection; see ``ReconnectingConnection.send``."""
        connection = self._connection
        if (
            connection is None
            or self._sending
            or self._queue
            or self.ledger is not None
            or connection.state is not _OPEN
            or self._is_closing()
        ):
            await self._send_in_turn(message, text)
            return
        self._sending = True
        try:
            if text is None:
                await connection.send(message)
            else:
                await connection.send(message, text=text)
        finally:
            self._sending = False
            if self._queue:
                self._wake_first()

    async def _send_in_turn(self, message: Sendable, text: bool | None) -> None:
        connection = None if self._queue else self._free()
        if connection is None:
            connection = await self._wait_turn(message, text)
            if connection is None:
                return
        self._sending = True
        try:
            await self._write(connection, message, text)
        finally:
            self._sending = False
            if self._queue:
                self._wake_first()

    def _free(self) -> ClientConnection | None:
        """Return the connection where a message would be written to it at once, else None."""
        connection = self._connection
        if connection is None or self._sending or not is_writable(connection):
            return None
        return connection if self.ledger is None or self.ledger.has_room() else None

    async def _wait_turn(self, message: Sendable, text: bool | None) -> ClientConnection | None:
        """Return the connection when it is this message's turn; None where the message is kept."""
        data = as_data(message, text) if self._policy.outbox else None
        if not self._queue and self._keep(data):
            return None
        self._check_may_wait()
        place = _Place(asyncio.get_running_loop().create_future())
        self._queue.append(place)
        try:
            connection = await self._wait_front(place, data)
        except BaseException:
            self._queue.remove(place)
            self._wake_first()  # this one may have been woken before it was cancelled
            raise
        self._queue.remove(place)
        if connection is None:
            self._wake_first()
        return connection

    async def _wait_front(self, place: _Place, data: Data | None) -> ClientConnection | None:
        while True:
            await place.future
            if self._queue[0] is place:
                connection = self._free()
                if connection is not None or self._keep(data):
                    return connection
            self._check_may_wait()
            place.future = asyncio.get_running_loop().create_future()

    def _check_may_wait(self) -> None:
        if self._ended is not None:
            why, error = self._ended
            raise NotSent(why) from error
        if self._is_down() and self._policy.when_down == "raise":
            full = f"the outbox ({self._policy.outbox} messages) is full" if self._policy.outbox else ""
            raise NotSent("there is no connection" + (full and f", and {full}"))

    def _is_down(self) -> bool:
        return self._connection is None or not is_writable(self._connection)

    def _keep(self, data: Data | None) -> bool:
        """Keep a message for the next connection, if there is none and it may be kept."""
        policy = self._policy
        if data is None or self._ended is not None or not self._is_down():
            return False
        if len(self._kept) >= policy.outbox:
            return False
        size = size_of(data)
        if policy.outbox_bytes is not None and self._kept_bytes + size > policy.outbox_bytes:
            return False
        self._kept.append(data)
        self._kept_bytes += size
        return True

    async def _write(self, connection: ClientConnection, message: Sendable, text: bool | None) -> None:
        """Send a message over an open connection; one that is lost with it is in the ledger."""
        ledger = self.ledger
        data = None if ledger is None else as_data(message, text)
        if ledger is None or data is None:
            await connection.send(message, text=text)
            return
        ledger.begin(data)
        try:
            await connection.send(data)
        except ConnectionClosed:
            pass  # sent again, or told of: never both that and raised
        except BaseException:
            ledger.take_back()
            raise
        else:
            ledger.settle()

    def _wake_first(self) -> None:
        if self._queue and not self._queue[0].future.done():
            self._queue[0].future.set_result(None)

    def _wake_all(self) -> None:
        for place in self._queue:
            if not place.future.done():
                place.future.set_result(None)

    # For who opens the connections.

    async def open(self, connection: ClientConnection) -> None:
        """Send what is kept, then let others send. Returns early where the connection is lost."""
        while self._kept and self._ended is None and is_writable(connection):
            if self.ledger is not None and not self.ledger.has_room():
                await self.ledger.wait_moved()
                continue
            taken: list[Data] = []
            try:
                if self.ledger is None and type(connection).send is ClientConnection.send:
                    # It is taken when it has its turn and there is room: before, nothing is written of it.
                    await connection.send_many(self._take(taken))
                else:
                    await self._write(connection, next(self._take(taken)), None)
            except ConnectionClosed:
                return
            except Exception:
                for message in taken:
                    self._kept.appendleft(message)
                    self._kept_bytes += size_of(message)
                raise
        if self._ended is None and is_writable(connection):
            self._is_closing = connection.transport.is_closing
            self._connection = connection
            self._wake_first()

    def _take(self, taken: list[Data]) -> Iterator[Data]:
        """Yield the next message that is kept, and keep it no longer: never twice, whatever becomes of it."""
        if self._kept and self._ended is None:
            taken.append(self._kept.popleft())
            self._kept_bytes -= size_of(taken[0])
            yield taken[0]

    def lost(self) -> tuple[Data, ...]:
        """The connection is lost: return what it had and did not acknowledge."""
        self._connection = None
        unacknowledged = () if self.ledger is None else self.ledger.take_all()
        if self._policy.resend == "unacknowledged":
            self._kept.extendleft(reversed(unacknowledged))
            self._kept_bytes += sum(map(size_of, unacknowledged))
        self._wake_all()
        return unacknowledged

    def end(self, why: str, error: Exception | None = None) -> None:
        """Nothing more can be sent: ``why``, and what caused it. Who waits is told."""
        if self._ended is None:
            self._ended = why, error
        self._connection = None
        self._wake_all()

    async def wait_acknowledged(self, connection: ClientConnection, timeout: float | None) -> None:
        """Wait until the peer acknowledged every message: ``timeout`` seconds at most; None: no limit."""
        ledger = self.ledger
        if ledger is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while len(ledger) and not connection.closed:
                    await ledger.wait_moved()

    def take_undelivered(self) -> list[Data]:
        """Return the messages that were taken and not sent, or not acknowledged, in order."""
        left: list[Data] = [] if self.ledger is None else list(self.ledger.take_all())
        left.extend(self._kept)
        self._kept.clear()
        self._kept_bytes = 0
        return left
