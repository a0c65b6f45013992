"""A server that plays bytes: for the faults that no decent server commits."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Final, Self, TypeAlias

from wssdk.handshake.request import accept_key

__all__ = [
    "ScriptedPeer",
    "ScriptedServer",
    "Step",
    "end",
    "hold",
    "read",
    "read_request",
    "reset",
    "upgrade",
]

_LARGEST_HEAD: Final = 1 << 20
_KEY: Final = re.compile(r"(?im)^sec-websocket-key:[ \t]*(\S+)")
# SO_LINGER on, 0 seconds: close() sends RST instead of FIN.
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class ScriptedPeer:
    """One connection of a :class:`ScriptedServer`, as the steps of its script see it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request: bytes | None = None
        """Head of the opening handshake's request, empty line included; None before it was read."""
        self.received = bytearray()
        """What :func:`read` took, in order."""
        self.played = False
        """Whether the script has come to its end, whatever that was, and the connection is closed."""

    async def read_request(self) -> bytes:
        """Return the head of the request, read once and kept."""
        if self.request is None:
            self.request = await self.reader.readuntil(b"\r\n\r\n")
        return self.request

    async def send(self, data: bytes) -> None:
        """Write ``data`` and wait until the socket's buffer has room."""
        self.writer.write(data)
        await self.writer.drain()


Step: TypeAlias = bytes | Callable[[ScriptedPeer], Awaitable[object]]
"""What a script is made of: bytes to send, or a coroutine function of the peer."""


async def read_request(peer: ScriptedPeer) -> None:
    """Step: read the head of the request."""
    await peer.read_request()


def upgrade(*fields: str) -> Step:
    """Step: read the request and agree to it (RFC 6455, 4.2.2); ``fields`` are further header lines."""

    async def answer(peer: ScriptedPeer) -> None:
        key = _KEY.search((await peer.read_request()).decode("latin-1"))
        if key is None:
            raise ValueError("the request has no Sec-WebSocket-Key")
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_key(key[1])}",
            *fields,
        ]
        await peer.send("".join(line + "\r\n" for line in [*lines, ""]).encode("latin-1"))

    return answer


def read(count: int) -> Step:
    """Step: read exactly ``count`` bytes and keep them in :attr:`ScriptedPeer.received`."""

    async def take(peer: ScriptedPeer) -> None:
        peer.received += await peer.reader.readexactly(count)

    return take


async def hold(peer: ScriptedPeer) -> None:
    """Step: read and drop everything until the client ends the stream."""
    while await peer.reader.read(65536):
        pass


async def end(peer: ScriptedPeer) -> None:
    """Step: end our side of the stream (FIN); the client may go on sending."""
    peer.writer.write_eof()


async def reset(peer: ScriptedPeer) -> None:
    """Step: break the connection (TCP RST)."""
    raw: socket.socket = peer.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    peer.writer.transport.abort()


class ScriptedServer:
    """Plays a script to every connection::

        async with ScriptedServer([upgrade(), b"\\x81\\x02hi", reset]) as server:
            async with wssdk.connect(server.uri) as ws: ...

    The first connection gets the first script, the second the second; the last one is played again for
    all that follow. A connection is closed when its script ends. A client that leaves early ends its
    script quietly; any other exception of a step is raised where the server is left.

    Attributes:
        uri: URI for clients; known inside ``async with``.
        unix_path: path of the Unix socket; None over TCP.
        peers: connections so far, in order.
    """

    def __init__(
        self, *scripts: Iterable[Step], host: str = "127.0.0.1", unix_path: str | None = None
    ) -> None:
        if not scripts:
            raise ValueError("a scripted server needs at least one script")
        self.uri = ""
        self.unix_path = unix_path
        self.peers: list[ScriptedPeer] = []
        self._scripts = [tuple(script) for script in scripts]
        self._host = host
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []

    async def __aenter__(self) -> Self:
        if self.unix_path is not None:
            self._server = await asyncio.start_unix_server(self._accept, self.unix_path, limit=_LARGEST_HEAD)
            self.uri = "ws://localhost/"
        else:
            self._server = await asyncio.start_server(self._accept, self._host, 0, limit=_LARGEST_HEAD)
            port = self._server.sockets[0].getsockname()[1]
            host = f"[{self._host}]" if ":" in self._host else self._host
            self.uri = f"ws://{host}:{port}/"
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        if self._errors and exc is None:
            raise ExceptionGroup("steps of a script failed", self._errors)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on."""
        assert self._server is not None
        host, port, *_ = self._server.sockets[0].getsockname()
        return host, port

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = ScriptedPeer(reader, writer)
        script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
        self.peers.append(peer)
        task = asyncio.get_running_loop().create_task(self._play(peer, script))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, peer: ScriptedPeer, script: tuple[Step, ...]) -> None:
        try:
            for step in script:
                if isinstance(step, bytes):
                    await peer.send(step)
                else:
                    await step(peer)
            peer.writer.close()
            await peer.writer.wait_closed()
        except (OSError, EOFError):
            pass  # the client left: what a script is for
        except Exception as error:
            self._errors.append(error)
        finally:
            # Nobody waits for what is still unsent where the script failed or was cancelled.
            peer.writer.transport.abort()
            with contextlib.suppress(OSError):
                await peer.writer.wait_closed()
            peer.played = True
