"""A byte stream that is read and written until the connection's own protocol takes it over."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, cast

from wssdk.errors import ConcurrencyError, InvalidState

__all__ = ["StreamPipe"]

_LIMIT: Final = 1 << 16
"""Bytes held at which reading pauses."""

_LANDING: Final = 1 << 12
"""Bytes that are received at once; so much may come on top of ``_LIMIT``."""


_NOWHERE: Final = memoryview(b"")


class StreamPipe(asyncio.BufferedProtocol):
    """A :class:`~wssdk.ports.Pipe` over any asyncio transport.

    It is the transport's protocol until :meth:`attach` hands the transport on. What was received and not
    read by then is bounded (68 KiB): reading pauses.

    Args:
        write_high: bytes waiting to be sent at which the transport calls ``pause_writing``; None: the
            transport's default.
        write_low: bytes at which it calls ``resume_writing``; None: the transport's choice.

    Attributes:
        transport: the transport, from ``connection_made`` on.
        sock: the socket below, where what is written to it goes to the peer as it is; None: it does not.
    """

    transport: asyncio.Transport

    __slots__ = (
        "_attached",
        "_ended",
        "_error",
        "_held",
        "_landing",
        "_lost",
        "_reading_paused",
        "_waiter",
        "_write_limits",
        "_writing_paused",
        "sock",
        "transport",
    )

    def __init__(self, *, write_high: int | None = None, write_low: int | None = None) -> None:
        self.sock: socket.socket | None = None
        self._write_limits = write_high, write_low
        self._held = bytearray()
        self._landing = memoryview(bytearray(_LANDING))
        self._waiter: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writing_paused = False
        self._ended = False
        self._lost = False
        self._error: Exception | None = None
        self._attached: asyncio.BufferedProtocol | None = None

    # Pipe.

    async def read(self) -> bytes:
        """Return the next bytes (at least one), or ``b""`` at the end of the stream.

        Cancelling loses nothing.

        Raises:
            OSError: the stream broke.
            ConcurrencyError: another call is waiting.
            InvalidState: the stream is attached to a protocol.
        """
        self._check_unattached("read()")
        if self._waiter is not None:
            raise ConcurrencyError("read() is already waiting for bytes")
        while not (self._held or self._ended or self._lost):
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._held:
            data = bytes(self._held)
            self._held.clear()
            self._resume_reading()
            return data
        if self._error is None:
            return b""
        if isinstance(self._error, OSError):
            raise self._error
        raise ConnectionAbortedError(f"the transport failed: {self._error!r}") from self._error

    def unread(self, data: bytes) -> None:
        """Put bytes back: the next :meth:`read`, or the attached protocol, gets them first.

        Raises:
            InvalidState: the stream is attached to a protocol.
        """
        self._check_unattached("unread()")
        self._held[:0] = data

    def write(self, data: bytes) -> None:
        """Queue bytes for the peer."""
        self.transport.write(data)

    def attach(self, protocol: asyncio.BufferedProtocol) -> None:
        """Hand the stream over: ``connection_made``, bytes not read yet, then all that comes.

        A write buffer above high water, an end or a loss that came before are told as well, in the order
        of a transport. ``protocol`` gets all bytes not read yet (68 KiB at most, and what :meth:`unread`
        put back) even if it pauses reading meanwhile; none once it has closed the transport.

        Raises:
            ConcurrencyError: a :meth:`read` is waiting.
            InvalidState: the stream is attached already.
        """
        self._check_unattached("attach()")
        if self._waiter is not None:
            raise ConcurrencyError("attach() while read() is waiting for bytes")
        transport, held = self.transport, self._held
        was_closing = transport.is_closing()
        # Before the protocol is called: whether reading is paused is its business from then on.
        self._resume_reading()
        self._attached = protocol
        self._held, self._landing = bytearray(), _NOWHERE
        if not self._lost:
            transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._writing_paused:
            protocol.pause_writing()
        _deliver(held, protocol, transport, was_closing)
        if self._ended and (was_closing or not transport.is_closing()):
            keeps_open = protocol.eof_received()
            # Not twice: asyncio 3.11's TLS transport takes a second close() for leave to forget its
            # connection, and ignores abort() from then on.
            if not keeps_open and not transport.is_closing():
                transport.close()
        if self._lost:
            protocol.connection_lost(self._error)

    def abort(self) -> None:
        """Drop the stream at once; nothing queued is flushed."""
        # asyncio's plain transport fails on abort() once it has closed after a flush.
        if not self._lost:
            self.transport.abort()

    def _check_unattached(self, call: str) -> None:
        if self._attached is not None:
            raise InvalidState(f"{call} is not legal: the stream is attached to a protocol")

    # Calls of the transport. asyncio's TLS transport names the protocol of a call when it schedules the
    # call: some that are meant for the attached protocol still come here.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # Not isinstance(): the transports of uvloop and aiofastnet do not inherit from asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        high, low = self._write_limits
        if high is not None:
            self.transport.set_write_buffer_limits(high, low)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the transport puts received bytes."""
        if self._attached is not None:
            return cast("memoryview", self._attached.get_buffer(sizehint))
        return self._landing

    def buffer_updated(self, nbytes: int) -> None:
        """Take received bytes."""
        if self._attached is not None:
            self._attached.buffer_updated(nbytes)
            return
        self._held += self._landing[:nbytes]
        if len(self._held) >= _LIMIT and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool | None:
        """Take the end of the stream; True keeps the way to the peer open."""
        if self._attached is not None:
            return self._attached.eof_received()
        self._ended = True
        self._wake()
        # TLS cannot stay half open: transports close it whatever is returned, and warn about True.
        return self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the loss of the stream."""
        self._lost = True
        self._error = exc
        if self._attached is not None:
            self._attached.connection_lost(exc)
        self._wake()

    def pause_writing(self) -> None:
        """The write buffer is above high water."""
        self._writing_paused = True
        if self._attached is not None:
            self._attached.pause_writing()

    def resume_writing(self) -> None:
        """The write buffer is below low water."""
        self._writing_paused = False
        if self._attached is not None:
            self._attached.resume_writing()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume_reading(self) -> None:
        # After the end there is nothing to read, and asyncio would tell the end once more.
        if self._reading_paused and not self._ended and not self.transport.is_closing():
            self.transport.resume_reading()
        self._reading_paused = False


def _deliver(
    data: bytearray, protocol: asyncio.BufferedProtocol, transport: asyncio.Transport, was_closing: bool
) -> None:
    """Give ``data`` to ``protocol`` in pieces that fit its buffer, until it closes the transport."""
    rest = memoryview(data)
    while rest and (was_closing or not transport.is_closing()):
        with memoryview(protocol.get_buffer(len(rest))) as buffer:
            count = min(len(buffer), len(rest))
            if not count:
                raise RuntimeError("get_buffer() returned an empty buffer")
            buffer[:count] = rest[:count]
        protocol.buffer_updated(count)
        rest = rest[count:]
