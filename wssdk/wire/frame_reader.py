"""Bytes to frame headers and payloads (RFC 6455, 5.2), over one reusable receive buffer."""

from __future__ import annotations

from wssdk.errors import ProtocolError
from wssdk.wire.mask import apply_mask

__all__ = ["FrameReader"]

_OPCODES = frozenset((0x0, 0x1, 0x2, 0x8, 0x9, 0xA))


class FrameReader:
    """The receive buffer, and the frame at its front.

    ``masked``: whether the peer must mask its frames (it must when it is the client).
    ``size``: bytes of the receive buffer.
    """

    def __init__(self, masked: bool, size: int) -> None:
        self._masked = masked
        self._size = max(size, 256)
        self._buffer = bytearray(self._size)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._key = b""
        self.in_frame = False
        """A header is parsed; ``remaining`` bytes of its payload are still to be taken."""
        self.fin = False
        self.rsv = 0
        self.opcode = 0
        self.length = 0
        self.remaining = 0

    def get_buffer(self) -> memoryview:
        """Return where to put the next bytes; never empty."""
        if self._start == self._end:
            self._start = self._end = 0
            if len(self._buffer) > self._size:
                self._make_room()
        elif self._end == len(self._buffer):
            self._make_room()
        return self._view[self._end :]

    def _make_room(self) -> None:
        kept = self._end - self._start
        # The bound is kept by pausing the pipe; one that hands over bytes all the same gets its room.
        size = self._size if kept <= self._size // 2 else 2 * kept
        if size == len(self._buffer):
            self._buffer[:kept] = self._buffer[self._start : self._end]
        else:
            buffer = bytearray(size)
            buffer[:kept] = self._view[self._start : self._end]
            self._buffer = buffer
            self._view = memoryview(buffer)
        self._start = 0
        self._end = kept

    def received(self, count: int) -> None:
        """Count ``count`` bytes that were put into the buffer."""
        self._end += count

    def buffered(self) -> int:
        """Return how many bytes are received and not taken."""
        return self._end - self._start

    def clear(self) -> None:
        """Forget every byte that is received and not taken."""
        self._start = self._end = 0

    def parse_header(self) -> bool:
        """Parse the next frame header, if all of it is there; tell whether it was.

        Raises:
            ProtocolError: the header breaks RFC 6455, 5.2 or 5.5.
        """
        start = self._start
        have = self._end - start
        if have < 2:
            return False
        buffer = self._buffer
        first = buffer[start]
        second = buffer[start + 1]
        self._check(first, second)
        length = second & 0x7F
        size = 2
        if length >= 126:
            size = 4 if length == 126 else 10
            if have < size:
                return False
            length = int.from_bytes(buffer[start + 2 : start + size], "big")
            if length < (126 if size == 4 else 65536):
                raise ProtocolError("payload length is not in its shortest form")
            if length >> 63:
                raise ProtocolError("payload length has its most significant bit set")
        if self._masked:
            if have < size + 4:
                return False
            self._key = bytes(buffer[start + size : start + size + 4])
            size += 4
        self._start = start + size
        self.fin = first >= 0x80
        self.rsv = first & 0x70
        self.opcode = first & 0x0F
        self.length = self.remaining = length
        self.in_frame = True
        return True

    def _check(self, first: int, second: int) -> None:
        """Refuse what two bytes can tell already, so that no wrong frame waits for its length."""
        opcode = first & 0x0F
        if opcode not in _OPCODES:
            raise ProtocolError(f"reserved opcode: {opcode}")
        if opcode >= 0x8:
            if second & 0x7F > 125:
                raise ProtocolError("control frame is too long")
            if first < 0x80:
                raise ProtocolError("control frame is fragmented")
        if (second >= 0x80) != self._masked:
            raise ProtocolError("frame is not masked" if self._masked else "frame is masked")

    def has_payload(self) -> bool:
        """Tell whether the rest of the frame's payload is in the buffer."""
        return self._end - self._start >= self.remaining

    def take(self) -> bytes:
        """Take what is there of the frame's payload, unmasked."""
        count = min(self.remaining, self._end - self._start)
        start = self._start
        data = bytes(self._view[start : start + count])
        self._start = start + count
        self.remaining -= count
        if self._masked:
            data = apply_mask(data, self._key)
            turn = count & 3
            self._key = self._key[turn:] + self._key[:turn]
        return data
