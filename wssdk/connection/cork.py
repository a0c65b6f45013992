"""Small frames in quick succession, gathered in the kernel: not a segment for each."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Cork"]

_MORE: Final[int | None] = getattr(socket, "MSG_MORE", None)

_LARGE: Final = 1 << 13
"""Bytes of a frame that is worth a write of its own."""

_BURST: Final = 0.0005
"""Seconds between two frames that are no longer of one burst."""


class Cork:
    """Writes the frames of a burst with the word that more is to come (``MSG_MORE`` of Linux).

    The kernel then copies a frame and does no more, which takes a quarter of the time. It sends when
    a segment is full; when the event loop comes round, it is told to send the rest; and where the
    program keeps the loop from coming round, it sends by itself after 200 ms. A frame that comes more than
    half a millisecond after the last one is written as it is, with all before it.

    ``sock`` is the socket of ``transport``, over which nothing else goes: no TLS, and no delay by Nagle's
    algorithm. ``clock`` returns seconds.
    """

    __slots__ = ("_buffered", "_clock", "_last", "_loop", "_pushing", "_sock", "_transport", "_write")

    def __init__(
        self,
        transport: asyncio.Transport,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._write = transport.write
        self._buffered = transport.get_write_buffer_size
        self._sock = sock
        self._loop = loop
        self._clock = clock
        self._pushing = False
        self._last = -math.inf

    @staticmethod
    def fits(sock: socket.socket) -> bool:
        """Tell whether ``sock`` can be told that more is to come."""
        return _MORE is not None and sock.family in (socket.AF_INET, socket.AF_INET6)

    def write(self, data: bytes) -> None:
        """Write a frame; nothing was received since the one before."""
        now = self._clock()
        last, self._last = self._last, now
        if now - last > _BURST or len(data) >= _LARGE or self._buffered():
            self._write(data)
            return
        if not self._pushing:
            self._pushing = True
            self._loop.call_soon(self._push)
        assert _MORE is not None
        try:
            sent = self._sock.send(data, _MORE)
        except OSError:  # there is no room; or the transport finds out for itself, and tells
            sent = 0
        if sent < len(data):
            self._write(data[sent:])

    def _push(self) -> None:
        """Have the kernel send what it holds back, as it does when Nagle's algorithm is switched off."""
        self._pushing = False
        if not self._transport.is_closing():  # closing pushes, too
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
