"""A server that does as its script says, byte by byte: for what no decent library would do.

It shares nothing with wssdk, so that both cannot be wrong together.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from ssl import SSLContext
from typing import Final, TypeAlias

import attrs

__all__ = [
    "BINARY",
    "CLOSE",
    "CONT",
    "DEFLATE",
    "PING",
    "PONG",
    "TEXT",
    "RawFrame",
    "RawLink",
    "RawPeer",
    "accept_for",
    "close_frame",
    "deflated",
    "frame",
    "raw_peer",
    "settle",
]

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate"
"""Header line that agrees to what every client offers."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY: Final = re.compile(rb"^Sec-WebSocket-Key:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
# Ticks of the event loop after which bytes that were written here are read and acted on there.
_TICKS: Final = 4


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, key: bytes = b"") -> bytes:
    """Return a frame (RFC 6455, 5.2); ``rsv`` are its three bits, ``key`` masks it."""
    size = len(payload)
    mask = 0x80 if key else 0
    if size < 126:
        length = bytes([mask | size])
    elif size < 65536:
        length = bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([mask | 127]) + size.to_bytes(8, "big")
    return bytes([fin << 7 | rsv << 4 | opcode]) + length + key + _masked(payload, key)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame, whatever the code."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def deflated(payload: bytes, level: int = 9) -> bytes:
    """Return the payload of a compressed message on its own (RFC 7692, 7.2.1)."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def accept_for(request: bytes) -> str:
    """Return the ``Sec-WebSocket-Accept`` that answers a request (RFC 6455, 4.2.2)."""
    key = _KEY.search(request)
    assert key is not None, request
    return base64.b64encode(hashlib.sha1(key[1] + _GUID).digest()).decode()


async def settle() -> None:
    """Let the client, on this event loop too, read and act on what was just written."""
    for _ in range(_TICKS):
        await asyncio.sleep(0)


def _masked(payload: bytes, key: bytes) -> bytes:
    if not key:
        return payload
    # As one number: a peer that is slow would hold up the client, which shares its event loop.
    pad = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(len(payload))


@attrs.frozen
class RawFrame:
    """A frame that the client sent, unmasked."""

    opcode: int
    payload: bytes
    key: bytes
    """The masking key."""
    fin: bool
    rsv: int

    @property
    def close_code(self) -> int:
        """Close code of a close frame."""
        return int.from_bytes(self.payload[:2], "big")


class RawLink:
    """One connection, as the script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request = b""
        """Head of the request, once read."""
        self.sent = 0
        """Bytes that :meth:`send` handed to the socket."""

    async def read_request(self) -> None:
        """Read the head of the request."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")

    async def accept(self, *lines: str) -> None:
        """Read the request and answer with 101; ``lines`` are further headers."""
        await self.read_request()
        await self.agree(*lines)

    async def agree(self, *lines: str) -> None:
        """Answer the request that was read with 101; ``lines`` are further headers."""
        head = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_for(self.request)}",
            *lines,
        ]
        await self.send("\r\n".join([*head, "", ""]).encode())

    async def send(self, data: bytes) -> None:
        """Write, and wait until the socket has taken enough of it."""
        self.writer.write(data)
        await self.writer.drain()
        self.sent += len(data)

    async def send_split(self, data: bytes, at: int) -> None:
        """Write in two pieces that the client reads one by one."""
        await self.send(data[:at])
        await settle()
        await self.send(data[at:])

    async def read_frame(self) -> RawFrame:
        """Return the next frame of the client.

        Raises:
            asyncio.IncompleteReadError: the client has closed the connection.
        """
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        key = await self.reader.readexactly(4)
        payload = _masked(await self.reader.readexactly(size), key)
        return RawFrame(first & 0xF, payload, key, bool(first & 0x80), first >> 4 & 0x7)

    async def read_close(self) -> int:
        """Drop frames up to a close frame; return its close code."""
        while (got := await self.read_frame()).opcode != CLOSE:
            pass
        return got.close_code

    async def answer_close(self) -> None:
        """Wait for the client's close frame, and send it back."""
        await self.send(close_frame(await self.read_close()))

    async def until_gone(self) -> None:
        """Drop what the client sends; return when it has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass


@attrs.define
class RawPeer:
    """A server that runs a script for every connection."""

    uri: str = ""
    links: list[RawLink] = attrs.field(factory=list)
    """Every connection, in order."""
    scripts: set[asyncio.Task[None]] = attrs.field(factory=set)
    """The scripts that are running."""

    async def finished(self) -> None:
        """Wait until every script has ended."""
        if self.scripts:
            await asyncio.wait(self.scripts)


Script: TypeAlias = Callable[[RawLink], Awaitable[object]]


@contextlib.asynccontextmanager
async def raw_peer(script: Script, ssl: SSLContext | None = None) -> AsyncIterator[RawPeer]:
    """Serve ``script``, with ``ssl`` over TLS.

    A connection is closed where its script ends, and aborted where the block does. What a script raises
    is raised at the end of the block, unless it is that the client has gone.
    """
    peer = RawPeer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = RawLink(reader, writer)
        peer.links.append(link)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await script(link)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        peer.scripts.add(task)
        task.add_done_callback(peer.scripts.discard)
        task.add_done_callback(note)

    failures: list[BaseException] = []

    def note(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failures.append(error)

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=ssl)
    peer.uri = f"{'wss' if ssl else 'ws'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield peer
    finally:
        server.close()
        for task in list(peer.scripts):
            task.cancel()
        await peer.finished()
        await settle()  # transports that were aborted are closed at the loop's next turn
    if failures:
        raise failures[0]
