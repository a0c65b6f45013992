"""A transport without a socket, and a protocol that writes down what it is told."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["FakeTransport", "NotingProtocol"]


class FakeTransport(asyncio.Transport):
    """Notes what it is called with. The test plays the peer by calling the protocol itself."""

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__({"ssl_object": object()} if tls else {})
        self.calls: list[str] = []
        self.written = bytearray()
        self.protocol: asyncio.BaseProtocol | None = None
        self.limits: tuple[int | None, int | None] | None = None
        self.closing = False
        self.reading = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.calls.append("set_protocol")
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.calls.append("close")
        self.closing = True

    def abort(self) -> None:
        self.calls.append("abort")
        self.closing = True

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")
        self.reading = False

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = high, low


class NotingProtocol(asyncio.BufferedProtocol):
    """Writes down every call; received bytes one by one in ``received``, their sizes in ``calls``.

    ``size`` is that of its buffer, ``keeps_open`` what ``eof_received`` returns.
    """

    def __init__(self, size: int = 1 << 16, *, keeps_open: bool | None = None) -> None:
        self.calls: list[Any] = []
        self.received = bytearray()
        self.transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()
        """Set when the connection is lost."""
        self.lost_by: Exception | None = None
        self._buffer = bytearray(size)
        self._keeps_open = keeps_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.calls.append("made")
        self.transport = transport  # type: ignore[assignment]  # uvloop's are no asyncio.Transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)

    def buffer_updated(self, nbytes: int) -> None:
        self.calls.append(nbytes)
        self.received += self._buffer[:nbytes]

    def eof_received(self) -> bool | None:
        self.calls.append("eof")
        return self._keeps_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")
        self.lost_by = exc
        self.closed.set()

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")
