"""Bytes to frame headers and payloads (RFC 6455, 5.2), over one reusable receive buffer."""

from __future__ import annotations

from typing import Any, Final

from wssdk.errors import ProtocolError
from wssdk.wire import raw

__all__ = ["FrameReader"]


_SMALLEST: Final = 1024
_SMALL_READS: Final = 64
_NOTHING: Final = bytearray()


class FrameReader:
    """The receive buffer, and the frame at its front.

    ``masked``: whether the peer must mask its frames (it must when it is the client).
    ``size``: bytes that the buffer has at most. It is made for the first read, with 1 KiB, grows while reads
    fill it, and shrinks again when they become small.
    """

    def __init__(self, masked: bool, size: int) -> None:
        self.masked = masked
        self._most = max(size, 256)
        self._size = min(self._most, _SMALLEST)
        self._buffer = _NOTHING
        self._view: Any = None
        # The same bytes; a pointer in the compiled form.
        self._bytes = self._buffer
        self._capacity = 0
        self._lent = False
        self._start = 0
        self._end = 0
        self._small_reads = 0
        self._key = b""
        self.in_frame = False
        """A header is parsed; ``remaining`` bytes of its payload are still to be taken."""
        self.fin = False
        self.rsv = 0
        self.opcode = 0
        self.length = 0
        self.remaining = 0
        self.data_frames = 0
        """How many data frames began (RFC 6455, 5.6)."""

    def get_buffer(self) -> memoryview:
        """Return where to put the next bytes; never empty."""
        self._lent = True
        if self._start == self._end:
            self._start = self._end = 0
            if self._capacity != self._size:
                self._make_room(self._size)
            whole: memoryview = self._view
            return whole
        if self._end == self._capacity:
            kept = self._end - self._start
            # The bound is kept by pausing the pipe; one that hands over bytes all the same gets its room.
            self._make_room(self._size if kept <= self._size // 2 else 2 * kept)
        rest: memoryview = self._view[self._end :]
        return rest

    def _make_room(self, size: int) -> None:
        """Move what is there to the front of a buffer of ``size`` bytes."""
        start, kept = self._start, self._end - self._start
        if size != self._capacity:
            buffer = raw.new_buffer(size)
            if kept:
                buffer[:kept] = self._view[start : self._end]
            self._buffer = self._bytes = buffer
            self._view = memoryview(buffer)
            self._capacity = size
        elif start:
            self._buffer[:kept] = self._buffer[start : self._end]
        self._start = 0
        self._end = kept

    def received(self, count: int) -> None:
        """Count ``count`` bytes that were put into the buffer."""
        self._lent = False
        self._end += count
        if self._end == self._capacity:
            self._small_reads = 0
            if self._size < self._most:
                self._size = min(4 * self._size, self._most)
        elif count > self._size >> 3 or self._size <= _SMALLEST:
            self._small_reads = 0
        else:
            self._small_reads += 1
            if self._small_reads == _SMALL_READS:
                self._small_reads = 0
                self._size = max(self._size >> 1, _SMALLEST)

    def buffered(self) -> int:
        """Return how many bytes are received and not taken."""
        return self._end - self._start

    def clear(self) -> None:
        """Forget every byte that is received and not taken."""
        self._start = self._end = 0

    def settle(self) -> None:
        """Let go of a large buffer with nothing in it.

        The next read of any connection gets the same memory, which is in the processor's cache; thousands
        of connections would not fit there, each with its own.
        """
        if self._start == self._end and self._capacity > _SMALLEST and not self._lent:
            self._start = self._end = self._capacity = 0
            self._buffer = self._bytes = _NOTHING
            self._view = None

    def rest(self) -> None:
        """Let go of the buffer until the next read, unless something is in it, or may be put into it."""
        if self._start == self._end and not self._lent:
            self._start = self._end = self._capacity = 0
            self._size = min(self._most, _SMALLEST)
            self._buffer = self._bytes = _NOTHING
            self._view = None

    def release(self) -> None:
        """Let go of the buffer, and of what is in it."""
        self._start = self._end = 0
        self._size = self._most = 256
        self._make_room(256)

    def parse_header(self) -> bool:
        """Parse the next frame header, if all of it is there; tell whether it was.

        Raises:
            ProtocolError: the header breaks RFC 6455, 5.2 or 5.5.
        """
        start = self._start
        have = self._end - start
        if have < 2:
            return False
        buffer = self._bytes
        first = buffer[start]
        second = buffer[start + 1]
        self._check(first, second)
        length = second & 0x7F
        size = 2
        if length >= 126:
            size = 4 if length == 126 else 10
            if have < size:
                return False
            if size == 10 and buffer[start + 2] >= 0x80:
                raise ProtocolError("payload length has its most significant bit set")
            length = 0
            for i in range(start + 2, start + size):
                length = length << 8 | buffer[i]
            if length < (126 if size == 4 else 65536):
                raise ProtocolError("payload length is not in its shortest form")
        if self.masked:
            if have < size + 4:
                return False
            self._key = raw.cut(buffer, start + size, start + size + 4)
            size += 4
        self._start = start + size
        if first & 0x08 == 0:
            self.data_frames += 1
        self.fin = first >= 0x80
        self.rsv = first & 0x70
        self.opcode = first & 0x0F
        self.length = self.remaining = length
        self.in_frame = True
        return True

    def take_message(self, limit: int) -> str | bytes | None:
        """Take a frame that is a message: unmasked, unfragmented, without reserved bits, and all there.

        ``limit`` is the largest payload, -1 for none. Return None, and take nothing, where the next frame
        is anything else, or has 64 KiB or more; :meth:`parse_header` will tell.

        Raises:
            UnicodeDecodeError: it is text that is not UTF-8.
        """
        start = self._start
        have = self._end - start
        if have < 2 or self.masked:
            return None
        buffer = self._bytes
        first = buffer[start]
        if first != 0x81 and first != 0x82:
            return None
        length = buffer[start + 1]
        start += 2
        if length > 125:
            if length != 126 or have < 4:
                return None
            length = buffer[start] << 8 | buffer[start + 1]
            start += 2
            have -= 2
            if length < 126:
                return None
        stop = start + length
        if 0 <= limit < length or have < 2 + length:
            return None
        self._start = stop
        self.length = length
        self.data_frames += 1
        if first == 0x81:
            return raw.cut_text(buffer, start, stop)
        return raw.cut(buffer, start, stop)

    def _check(self, first: int, second: int) -> None:
        """Refuse what two bytes can tell already, so that no wrong frame waits for its length."""
        opcode = first & 0x0F
        if opcode & 0x7 > 2:
            raise ProtocolError(f"reserved opcode: {opcode}")
        if opcode >= 0x8:
            if second & 0x7F > 125:
                raise ProtocolError("control frame is too long")
            if first < 0x80:
                raise ProtocolError("control frame is fragmented")
        if (second >= 0x80) != self.masked:
            raise ProtocolError("frame is not masked" if self.masked else "frame is masked")

    def has_payload(self) -> bool:
        """Tell whether the rest of the frame's payload is in the buffer."""
        return self._end - self._start >= self.remaining

    def take(self) -> bytes:
        """Take what is there of the frame's payload, unmasked."""
        count = min(self.remaining, self._end - self._start)
        start = self._start
        data = raw.cut(self._bytes, start, start + count)
        self._start = start + count
        self.remaining -= count
        if self.masked:
            data = raw.xor(data, self._key)
            turn = count & 3
            self._key = self._key[turn:] + self._key[:turn]
        return data

    def take_into(self, target: bytes | bytearray, offset: int) -> int:
        """Copy what is there of the payload, which is not masked, into ``target``; return how much."""
        count = min(self.remaining, self._end - self._start)
        raw.fill(target, offset, self._bytes, self._start, self._start + count)
        self._start += count
        self.remaining -= count
        return count
