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

_LONGEST: Final = 0.001
"""Seconds that a burst may last without being sent."""


class Cork:
    """Writes the frames of a burst with the word that more is to come (``MSG_MORE`` of Linux).

    The kernel then copies a frame and does no more, which takes a quarter of the time. It sends when
    a segment is full; when the event loop comes round, it is told to send the rest; and where the
    program keeps the loop from coming round, it sends by itself after some 200 ms (or the connection's
    retransmission time-out, where that is longer). A frame that comes half a millisecond after the last one,
    or a millisecond after the last one that was not held back, is written as it is, with all before it.

    ``sock`` is the socket of ``transport``, over which nothing else goes: no TLS, and no delay by Nagle's
    algorithm. ``on_error(error)`` is told what the socket said before the transport could hear it.
    ``clock`` returns seconds.
    """

    __slots__ = (
        "_buffered",
        "_clock",
        "_free",
        "_last",
        "_loop",
        "_on_error",
        "_pushing",
        "_sock",
        "_transport",
        "_write",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        on_error: Callable[[OSError], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._write = transport.write
        self._buffered = transport.get_write_buffer_size
        self._sock = sock
        self._loop = loop
        self._clock = clock
        self._pushing = False
        self._on_error = on_error
        self._last = self._free = -math.inf

    @staticmethod
    def fits(sock: socket.socket) -> bool:
        """Tell whether ``sock`` can be told that more is to come."""
        return _MORE is not None and sock.family in (socket.AF_INET, socket.AF_INET6)

    def write(self, data: bytes) -> None:
        """Write a frame; nothing was received since the one before."""
        now = self._clock()
        last, self._last = self._last, now
        if now - last > _BURST or now - self._free > _LONGEST or len(data) >= _LARGE or self._buffered():
            self._free = now
            self._write(data)
            return
        if not self._pushing:
            self._pushing = True
            self._loop.call_soon(self._push)
        assert _MORE is not None
        try:
            sent = self._sock.send(data, _MORE)
        except BlockingIOError:  # there is no room
            sent = 0
        except OSError as error:
            # The transport finds out for itself, but a socket tells its error only once.
            self._on_error(error)
            sent = 0
        if sent < len(data):
            self._write(data[sent:])

    def _push(self) -> None:
        """Have the kernel send what it holds back, as it does when Nagle's algorithm is switched off."""
        self._pushing = False
        if not self._transport.is_closing():  # closing pushes, too
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
