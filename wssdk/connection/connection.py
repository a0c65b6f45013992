"""ClientConnection: what the user holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, TypeVar, overload

from wssdk.codes import Close, CloseCode, DropCount
from wssdk.config import ClientConfig
from wssdk.connection.idle import IdleWatch
from wssdk.connection.keepalive import Keepalive
from wssdk.connection.link import Link
from wssdk.connection.outbox import Outbox, control_payload
from wssdk.connection.pings import Pings
from wssdk.connection.receiving import FragmentIterator, Receiver
from wssdk.errors import ConnectionClosed, ConnectionClosedOK
from wssdk.headers import Request, Response
from wssdk.ports import Extension, Pipe
from wssdk.protocol.core import ProtocolCore, Role
from wssdk.protocol.state import State
from wssdk.typing import Data, DataLike, LoggerLike, Sendable, Subprotocol
from wssdk.wire.inbox import Inbox
from wssdk.wire.operations import MessagePath, Send
from wssdk.wire.wakeup import Wakeup

if TYPE_CHECKING:
    import uuid

__all__ = ["ClientConnection"]

T = TypeVar("T")
Receiving: TypeAlias = Coroutine[Any, Any, T]

_CANCELLED_CLOSE: Final = 0.05
"""Seconds that closing may take when the block around the connection was cancelled."""

_FORGET: Final = getattr(asyncio, "future_discard_from_awaited_by", None)
"""Has a future forget a task that waited for it; from Python 3.14 on."""


class ClientConnection(MessagePath):
    """An established WebSocket connection.

    Opened by :func:`wssdk.connect` or a :class:`~wssdk.factory.ConnectionFactory`. It is an async
    context manager that closes it, and an async iterator of its messages. It belongs to one event loop
    and is not thread-safe.

    A subclass may be given as ``create_connection`` or ``connection_class``; it keeps this constructor.
    """

    def __init__(
        self,
        pipe: Pipe,
        *,
        config: ClientConfig,
        request: Request,
        response: Response,
        logger: LoggerLike,
        subprotocol: Subprotocol | None = None,
        extensions: Sequence[Extension] = (),
        role: Role = Role.CLIENT,
    ) -> None:
        loop = asyncio.get_running_loop()
        limits = config.limits
        self.logger = logger
        """Logger of the connection."""
        self.request = request
        """The opening handshake's request."""
        self.response = response
        """The opening handshake's response."""
        self.subprotocol = subprotocol
        """Agreed subprotocol; None where there is none (RFC 6455, 1.9)."""
        self._pipe: Pipe | None = pipe
        # Asked for now: transports forget them when they close, and logs want them then.
        self._local_address: Any = pipe.transport.get_extra_info("sockname")
        self._remote_address: Any = pipe.transport.get_extra_info("peername")
        self._core = ProtocolCore(
            role,
            Inbox(limits.queue_high, limits.queue_low, None, limits.max_queue_bytes, limits.on_full),
            max_message_size=limits.max_message_size,
            max_fragment_size=limits.max_fragment_size,
            read_limit=limits.read_limit,
            extensions=extensions,
        )
        self._pings = Pings(loop)
        self._link = Link(self._core, loop, config.timeouts.close, self._pings.acknowledge, self._on_lost)
        receiver = Receiver(self._link, loop)
        self._outbox = Outbox(self._link)
        self._watches: tuple[Keepalive | IdleWatch, ...] = ()
        if config.keepalive.interval is not None:
            interval, timeout = config.keepalive.interval, config.keepalive.timeout
            self._watches = (Keepalive(self._link, self._pings, loop, interval, timeout),)
        if config.keepalive.idle_timeout is not None:
            self._watches += (IdleWatch(self._link, loop, config.keepalive.idle_timeout),)
        self._corks = config.network.tcp_cork and config.network.tcp_nodelay
        direct = config.network.wakeup == "direct" and hasattr(asyncio.Future, "_callbacks")
        self.lay(
            self._link,
            self._core.writer,
            Wakeup(loop.create_future, asyncio.current_task, direct, _FORGET),
            receiver,
            self._outbox,
        )

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Let iteration go by way of ``recv()`` in a subclass that has one of its own."""
        super().__init_subclass__(**keywords)
        if cls.recv is not ClientConnection.recv and cls.__anext__ is ClientConnection.__anext__:
            cls.__anext__ = _anext_by_recv  # type: ignore[assignment,method-assign]

    def start(self) -> None:
        """Take over the pipe; the opening handshake is done. Called once, by who made the connection."""
        assert self._pipe is not None, "a connection is started once"
        pipe, self._pipe = self._pipe, None
        pipe.attach(self._link)
        if self._corks:
            self._link.plain_sock = getattr(pipe, "sock", None)
        if self._core.state is State.OPEN:
            for watch in self._watches:
                watch.start()

    def _on_lost(self) -> None:
        for watch in self._watches:
            watch.stop()
        self._receiver.release()
        self._outbox.end()
        self._pings.end(self._link.closed_exception)
        self.logger.debug("connection closed: %s", _Ending(self._link))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state.name}>"

    # Receiving.

    if TYPE_CHECKING:  # what MessagePath does, in the types that the user sees
        _receiver: Receiver

        @overload  # type: ignore[override]  # the same calls, told apart by what they return
        def recv(self, *, decode: None = None, timeout: float | None = None) -> Receiving[Data]: ...
        @overload
        def recv(self, *, decode: Literal[True], timeout: float | None = None) -> Receiving[str]: ...
        @overload
        def recv(self, *, decode: Literal[False], timeout: float | None = None) -> Receiving[bytes]: ...
        @overload
        def recv(self, *, decode: bool | None, timeout: float | None = None) -> Receiving[Data]: ...
        def recv(self, *, decode: bool | None = None, timeout: float | None = None) -> Receiving[Any]:
            """See MessagePath."""

        def __anext__(self) -> Receiving[Data]:
            """See MessagePath."""

        def recv_many(self, max: int | None = None) -> Receiving[list[Data]]:
            """See MessagePath."""

        def send(self, message: Sendable, *, text: bool | None = None) -> Coroutine[Any, Any, None]:
            """See MessagePath."""

    def recv_nowait(self) -> Data:
        """Return the next message if it has been received.

        Raises:
            asyncio.QueueEmpty: there is none yet.
            ConnectionClosed: no more messages will come.
            ConcurrencyError: a coroutine receives.
        """
        return self._receiver.recv_nowait()

    @overload
    def recv_streaming(self, *, decode: None = None) -> FragmentIterator[Data]: ...
    @overload
    def recv_streaming(self, *, decode: Literal[True]) -> FragmentIterator[str]: ...
    @overload
    def recv_streaming(self, *, decode: Literal[False]) -> FragmentIterator[bytes]: ...
    @overload
    def recv_streaming(self, *, decode: bool | None) -> FragmentIterator[Data]: ...

    def recv_streaming(self, *, decode: bool | None = None) -> FragmentIterator[Any]:
        """Return an async iterator over the fragments of the next message (RFC 6455, 5.4).

        ``decode`` is as for :meth:`recv`. Cancelling before the first fragment loses nothing; after it,
        only this iterator can go on with the message.

        Raises:
            ConnectionClosed: (iterating) the connection closed before the message was complete.
            ConcurrencyError: (iterating) another coroutine receives.
        """
        return self._receiver.stream(decode)

    # Sending: send() is MessagePath's.

    async def send_many(self, messages: Iterable[DataLike], *, text: bool | None = None) -> None:
        """Send several messages, in one write as far as they are small; ``text`` is as for :meth:`send`.

        No other message comes between them. Waits while the write buffer is over ``write_limit``.
        Cancelled, or failed by the iterable, it has sent the messages before, whole.

        Raises:
            ConnectionClosed: the connection is closed, or was lost before the peer had read enough.
            TypeError: ``messages`` is one message, or one of them is of no supported type.
            UnicodeError: a message cannot be sent as text.
        """
        await self._outbox.send_many(messages, text)

    def ping(
        self, data: DataLike | None = None, *, ack_on_close: bool = False
    ) -> Coroutine[Any, Any, Awaitable[float]]:
        """Send a ping; return an awaitable of the seconds until its pong (RFC 6455, 5.5.2).

        ``data`` has at most 125 bytes; None sends four random ones. A pong acknowledges its ping and
        all earlier ones. When the connection closes first, the awaitable raises
        :exc:`ConnectionClosed`, or with ``ack_on_close`` gives the seconds until then. Cancelling the
        awaitable is harmless.

        Raises:
            ConnectionClosed: the connection is closed.
            ConcurrencyError: a ping with the same data waits for its pong, or 1000 pings wait: await
                the awaitables, so that the event loop can receive pongs.
            ProtocolError: more than 125 bytes.
        """
        pinging: Any = Send(self, None, None, partial(self._start_ping, data, ack_on_close), "ping")
        return pinging  # type: ignore[no-any-return]  # as good as a coroutine

    def _start_ping(
        self, data: DataLike | None, ack_on_close: bool
    ) -> tuple[Awaitable[float] | None, Coroutine[Any, Any, None] | None]:
        link = self._link
        if not link.is_open():
            return None, link.raise_closed()
        payload = self._pings.new_payload() if data is None else control_payload(data)
        pong = self._pings.add(payload, ack_on_close)
        self._core.send_ping(payload)
        link.flush()
        return pong, link.drain() if link.write_paused else None

    async def pong(self, data: DataLike = b"") -> None:
        """Send a pong that no ping asked for, with at most 125 bytes (RFC 6455, 5.5.3).

        Raises:
            ConnectionClosed: the connection is closed.
            ProtocolError: more than 125 bytes.
        """
        payload = control_payload(data)
        await self._link.wait_room()
        self._core.send_pong(payload)
        self._link.flush()
        await self._link.drain()

    # Closing.

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection by the closing handshake (RFC 6455, 7.1.2), and wait until it is closed.

        Takes at most ``close_timeout`` seconds, whatever the peer does. Closing again is harmless.
        Within a fragmented message the close code is 1011. Cancelling drops the connection at once.

        Raises:
            ProtocolError: the code may not be sent, or the reason has more than 123 bytes.
            TypeError: the code is not an int, or the reason is not a str.
        """
        if not isinstance(code, int):
            raise TypeError(f"the close code must be an int, not {type(code).__name__}")
        if not isinstance(reason, str):
            raise TypeError(f"the close reason must be a str, not {type(reason).__name__}")
        self._core.check_close(code, reason)
        if self._outbox.fragmenting and self._core.state is State.OPEN:
            self._link.fail(CloseCode.INTERNAL_ERROR, "close during fragmented message")
        self._link.begin_close(code, reason)
        try:
            await self._link.wait_lost()
        except asyncio.CancelledError:
            self.abort()
            raise

    async def wait_closed(self) -> None:
        """Wait until the connection is closed. Cancelling changes nothing.

        While the inbox is full (``max_queue``, ``max_queue_bytes``), nothing more is read: neither the peer's
        close frame nor its end is seen. Somebody has to receive, unless ``on_full`` is another than "pause".
        """
        await self._link.wait_lost()

    def abort(self) -> None:
        """Drop the connection at once, without a closing handshake: the peer sees 1006."""
        self._link.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None or issubclass(exc_type, GeneratorExit):
            # An async generator around the block was left by break or aclose(): as orderly as its end.
            await self.close()
            return
        if not issubclass(exc_type, Exception):
            # Cancelled, interrupted: whoever did it does not want to wait for the peer.
            self._link.arm_deadline(_CANCELLED_CLOSE)
        await self.close(CloseCode.INTERNAL_ERROR)

    # What is known of the connection.

    @cached_property
    def id(self) -> uuid.UUID:
        """Unique identifier of the connection, for logs; made when it is asked for."""
        import uuid

        return uuid.uuid4()

    @property
    def state(self) -> State:
        """Where the connection stands: OPEN, CLOSING or CLOSED."""
        return self._core.state

    @property
    def closed(self) -> bool:
        """Whether the connection is closed."""
        return self._core.state is State.CLOSED

    @property
    def queued(self) -> int:
        """How many messages have come and wait to be received; of a streamed one, its fragments."""
        return len(self._core.inbox)

    @property
    def dropped(self) -> DropCount:
        """What came and was dropped: by ``on_full``, or for want of room while closing."""
        inbox = self._core.inbox
        return DropCount(inbox.dropped, inbox.dropped_bytes)

    @property
    def latency(self) -> float:
        """Seconds from the last acknowledged ping to its pong; 0 before the first."""
        return self._pings.latency

    @property
    def transport(self) -> asyncio.Transport:
        """The asyncio transport below."""
        transport = self._link.transport if self._pipe is None else self._pipe.transport
        assert transport is not None  # the pipe handed it on
        return transport

    @property
    def local_address(self) -> Any:
        """Address of this end: ``(host, port)`` for IPv4, four values for IPv6, a path for Unix sockets."""
        return self._local_address

    @property
    def remote_address(self) -> Any:
        """Address of the peer, in the form of :attr:`local_address`."""
        return self._remote_address

    @property
    def close_code(self) -> int | None:
        """Close code of the peer, 1006 where it sent none; None until closed (RFC 6455, 7.1.5)."""
        return self._closed_by_peer().code if self.closed else None

    @property
    def close_reason(self) -> str | None:
        """Close reason of the peer; None until closed (RFC 6455, 7.1.6)."""
        return self._closed_by_peer().reason if self.closed else None

    @property
    def close_exc(self) -> ConnectionClosed | None:
        """What receiving and sending raise now; None until closed."""
        return self._link.closed_exception() if self.closed else None

    def _closed_by_peer(self) -> Close:
        return self._core.rcvd or Close(CloseCode.ABNORMAL_CLOSURE, "")


class _Ending:
    """How a connection ended, which is put into words where a log takes it."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __str__(self) -> str:
        return str(self._link.closed_exception())


async def _anext_by_recv(connection: ClientConnection) -> Data:
    """Return the next message by ``recv()``; the ``__anext__`` of subclasses that have one of their own."""
    try:
        return await connection.recv()
    except ConnectionClosedOK:
        raise StopAsyncIteration from None
