"""A pipe whose other end the test plays: the bytes, the peer's reading, its end and its loss."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.support.raw_peer import RawFrame, frame

__all__ = ["MASK", "FakePipe", "PlayedTransport", "parse_frames"]

MASK: Final = b"\x0a\x1b\x2c\x3d"
"""A masking key, for frames of a client that a test plays."""


class PlayedTransport(asyncio.Transport):
    """An asyncio transport without a socket; it keeps to the rules of asyncio's own.

    ``high`` and ``low`` are the marks of its write buffer, bytes.
    """

    def __init__(self, high: int = 1 << 16, low: int = 1 << 14, **extra: Any) -> None:
        super().__init__(extra)
        self.protocol: asyncio.BufferedProtocol | None = None
        self.read_by_peer = bytearray()
        """What the peer has read."""
        self.reading = True
        self.aborted = False
        self.gone = False
        """``connection_lost`` was called."""
        self.writes = 0
        self._high = high
        self._low = low
        self._inbound = bytearray()
        self._inbound_eof = False
        self._outbound = bytearray()
        self._closing = False
        self._writing_paused = False
        self._peer_reads = True

    # What the peer does.

    def feed(self, *frames: bytes) -> None:
        """The peer sends bytes: received at once, unless reading is paused."""
        self._inbound += b"".join(frames)
        self._deliver()

    def feed_eof(self) -> None:
        """The peer ends its side of the stream."""
        self._inbound_eof = True
        self._deliver()

    def lose(self, error: Exception | None = None) -> None:
        """The pipe breaks; ``connection_lost`` comes at the loop's next turn, as in asyncio."""
        self._closing = True
        if not self.gone:
            self._outbound.clear()
            asyncio.get_running_loop().call_soon(self._tell_loss, error)

    def stop_peer(self) -> None:
        """The peer stops reading: what is written piles up here."""
        self._peer_reads = False

    def resume_peer(self) -> None:
        """The peer reads on."""
        self._peer_reads = True
        self._flush(len(self._outbound))

    def read_some(self, count: int) -> None:
        """The peer, which has stopped reading, reads ``count`` bytes."""
        self._flush(count)

    # What the test sees.

    def frames(self) -> list[RawFrame]:
        """Return the frames that the peer has read so far."""
        return parse_frames(bytes(self.read_by_peer))

    def opcodes(self) -> list[int]:
        """Return the opcodes of the frames that the peer has read so far."""
        return [got.opcode for got in self.frames()]

    def close_codes(self) -> list[int]:
        """Return the close codes of the close frames that the peer has read so far."""
        return [got.close_code for got in self.frames() if got.opcode == 0x8]

    def payloads(self) -> list[bytes]:
        """Return the payloads of the frames that the peer has read so far."""
        return [got.payload for got in self.frames()]

    # What the connection does.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.BufferedProtocol)
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        assert not self._closing, "asyncio's TLS transport fails here"
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self._closing
        assert not self.reading
        self.reading = True
        asyncio.get_running_loop().call_soon(self._deliver)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._closing:
            return
        self.writes += 1
        self._outbound += data
        if self._peer_reads:
            self._flush(len(self._outbound))
        if len(self._outbound) > self._high and not self._writing_paused:
            self._writing_paused = True
            assert self.protocol is not None
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._outbound)

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self.reading = False
        if not self._outbound:
            asyncio.get_running_loop().call_soon(self._tell_loss, None)

    def abort(self) -> None:
        assert not self.gone, "asyncio's plain transport fails here"
        self.aborted = True
        self.lose()

    def _deliver(self) -> None:
        protocol = self.protocol
        if protocol is None:
            return
        while self._inbound and self.reading and not self._closing:
            buffer = memoryview(protocol.get_buffer(-1))
            count = min(len(buffer), len(self._inbound))
            buffer[:count] = self._inbound[:count]
            del self._inbound[:count]
            protocol.buffer_updated(count)
        if self._inbound_eof and not self._inbound and self.reading and not self._closing:
            self._inbound_eof = False
            if not protocol.eof_received():
                self.close()

    def _flush(self, count: int) -> None:
        self.read_by_peer += self._outbound[:count]
        del self._outbound[:count]
        if self._writing_paused and len(self._outbound) <= self._low:
            self._writing_paused = False
            assert self.protocol is not None
            self.protocol.resume_writing()
        if self._closing and not self._outbound:
            asyncio.get_running_loop().call_soon(self._tell_loss, None)

    def _tell_loss(self, error: Exception | None) -> None:
        if not self.gone:
            self.gone = True
            assert self.protocol is not None
            self.protocol.connection_lost(error)


class FakePipe:
    """A :class:`wssdk.ports.Pipe` over a :class:`PlayedTransport`; the opening handshake is done."""

    def __init__(self, transport: PlayedTransport | None = None) -> None:
        self.played = PlayedTransport() if transport is None else transport
        self.transport: asyncio.Transport = self.played

    async def read(self) -> bytes:
        raise NotImplementedError("the opening handshake is done")

    def unread(self, data: bytes) -> None:
        raise NotImplementedError("the opening handshake is done")

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def attach(self, protocol: asyncio.BufferedProtocol) -> None:
        self.played.set_protocol(protocol)
        protocol.connection_made(self.played)
        self.played.feed()

    def abort(self) -> None:
        self.transport.abort()


def parse_frames(data: bytes) -> list[RawFrame]:
    """Return the frames in ``data``, unmasked.

    Raises:
        ValueError: the last frame is not complete.
    """
    frames = []
    while data:
        size, start = data[1] & 0x7F, 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start])
        key = data[start : start + 4] if data[1] & 0x80 else b""
        start += len(key)
        if len(data) < start + size:
            raise ValueError("the last frame is not complete")
        payload = _unmasked(data[start : start + size], key)
        frames.append(RawFrame(data[0] & 0xF, payload, key, bool(data[0] & 0x80), data[0] >> 4 & 0x7))
        data = data[start + size :]
    return frames


def _unmasked(payload: bytes, key: bytes) -> bytes:
    # Masking is its own opposite; the head of a frame this size is put off again.
    return frame(0, payload, key=key)[-len(payload) :] if payload and key else payload
