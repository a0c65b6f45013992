"""The floor in Python: a protocol that counts bytes, over the transport that wssdk has."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from bench.contestants.contestant import Contestant, Meter, Tally, Target

__all__ = ["Raw"]

_CLOSE: Final = b"\x88\x02\x03\xe8"
_KEY: Final = b"\x12\x34\x56\x78"
_HEAD_END: Final = b"\r\n\r\n"
_REQUEST: Final = (
    "GET {resource} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
)
_DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

aiofastnet: ModuleType | None
try:
    import aiofastnet
except ImportError:
    aiofastnet = None


def _masked(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        header = bytes([first, 0x80 | size])
    elif size < 65536:
        header = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        header = struct.pack("!BBQ", first, 0x80 | 127, size)
    pad = (_KEY * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return header + _KEY + mixed.to_bytes(size, "big")


def _frame_size(size: int) -> int:
    return size + (2 if size < 126 else 4 if size < 65536 else 10)


_GO: Final = _masked(0x81, b"go")


class _Bytes(asyncio.BufferedProtocol):
    """Takes bytes into a buffer that all share; ``seen`` is told how many they are."""

    def __init__(self, target: Target, buffer: bytearray) -> None:
        loop = asyncio.get_running_loop()
        self._target = target
        self._head = b""
        self.buffer = buffer
        self._view = memoryview(buffer)
        self.seen: Callable[[int], None] = self.nothing
        self.opened: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.may_write: asyncio.Future[None] | None = None

    def nothing(self, size: int) -> None:
        """Let bytes pass."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        extra = _DEFLATE if self._target.deflate else ""
        made: Any = transport
        self.transport = made
        made.write(_REQUEST.format(resource=self._target.resource, extra=extra).encode())

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self.opened.done():
            self.seen(nbytes)
            return
        self._head += self.buffer[:nbytes]
        if _HEAD_END in self._head:
            if not self._head.startswith(b"HTTP/1.1 101 "):
                self.opened.set_exception(ConnectionError(self._head[:40].decode()))
                return
            self.opened.set_result(None)

    def pause_writing(self) -> None:
        self.may_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self.may_write is not None:
            self.may_write.set_result(None)
            self.may_write = None

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    async def leave(self) -> None:
        self.transport.write(_masked(0x88, _CLOSE[2:]))
        await self.lost


class Raw(Contestant):
    """Knows the sizes beforehand, and so looks at nothing."""

    import_code = made_code = ""  # asyncio and ssl are imported anyhow

    def __init__(self) -> None:
        # Larger ones cost more where they leave the cache: measured with round trips of 100 KiB and 1 MiB.
        self._buffer = bytearray(64 * 1024)

    async def _dial(self, target: Target) -> _Bytes:
        loop = asyncio.get_running_loop()
        host = None if target.context is None else "127.0.0.1"
        context: ssl.SSLContext | None = target.context

        def protocol() -> _Bytes:
            return _Bytes(target, self._buffer)

        if aiofastnet is None:
            _, made = await loop.create_connection(
                protocol, "127.0.0.1", target.port, ssl=context, server_hostname=host
            )
        else:
            _, made = await aiofastnet.create_connection(
                loop, protocol, "127.0.0.1", target.port, ssl=context, server_hostname=host
            )
        await made.opened
        opened: _Bytes = made
        return opened

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        link = await self._dial(target)
        buffer = link.buffer

        def seen(size: int) -> None:
            # The close frame may be cut in two.
            if buffer.endswith(_CLOSE if size >= 4 else _CLOSE[-size:], 0, size):
                link.seen = link.nothing
                meter.stop(count)
                link.transport.write(_masked(0x88, _CLOSE[2:]))

        link.seen = seen
        meter.start()
        link.transport.write(_GO)
        await link.lost

    async def round_trips(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        link = await self._dial(target)
        frame, whole = _masked(0x82, message), _frame_size(len(message))
        left, missing = count, whole
        done = asyncio.get_running_loop().create_future()

        def seen(size: int) -> None:
            nonlocal left, missing
            missing -= size
            if missing:
                return
            missing = whole
            left -= 1
            if left:
                link.transport.write(frame)
            else:
                done.set_result(None)

        link.seen = seen
        meter.start()
        link.transport.write(frame)
        await done
        meter.stop(count)
        await link.leave()

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        link = await self._dial(target)
        frame = _masked(0x82, message)
        done = asyncio.get_running_loop().create_future()
        link.seen = lambda size: None if done.done() else done.set_result(None)
        meter.start()
        for _ in range(count):
            link.transport.write(frame)
            if link.may_write is not None:
                await link.may_write
        await done
        meter.stop(count)
        await link.leave()

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        meter.start()
        for _ in range(count):
            await (await self._dial(target)).leave()
        meter.stop(count)

    async def open(self, target: Target, tally: Tally | None) -> OneOfMany:
        link = await self._dial(target)
        if tally is not None:
            link.seen = _Counter(tally).seen
        return OneOfMany(link)


class _Counter:
    """Makes bytes messages of 200 bytes."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._bytes = 0

    def seen(self, size: int) -> None:
        messages, self._bytes = divmod(self._bytes + size, _frame_size(200))
        self._tally.messages += messages


class OneOfMany:
    """One of many that are open."""

    __slots__ = ("_link",)

    def __init__(self, link: _Bytes) -> None:
        self._link = link

    async def exchange(self, message: str) -> None:
        done = asyncio.get_running_loop().create_future()
        self._link.seen = lambda size: None if done.done() else done.set_result(None)
        self._link.transport.write(_masked(0x81, message.encode()))
        await done

    async def go(self) -> None:
        self._link.transport.write(_GO)
