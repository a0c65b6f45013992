"""Servers that speak no protocol: a script for each connection, over TCP, TLS or a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeAlias

import attrs

__all__ = ["RawServer", "Script", "echo_bytes", "raw_server", "until_gone"]

# Iterations of the event loop after which what was begun before is done.
_TICKS: Final = 4

Script: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]
"""What a server does with a connection, which is closed when it returns."""


@attrs.define
class RawServer:
    """A server that runs a script for every connection."""

    host: str = ""
    port: int = 0
    unix_path: str | None = None
    accepted: int = 0
    """Connections so far; over TLS, those whose handshake is done."""
    scripts: dict[asyncio.Task[None], asyncio.StreamWriter] = attrs.field(factory=dict)
    """The scripts that are running, each with its way to the client."""
    failures: list[BaseException] = attrs.field(factory=list)
    """What scripts raised, but for the client's leaving."""

    async def finished(self, limit: float = 5.0) -> None:
        """Wait until every script has ended.

        Raises:
            TimeoutError: one had not within ``limit`` seconds.
        """
        async with asyncio.timeout(limit):
            if self.scripts:
                await asyncio.wait(self.scripts)


async def echo_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send everything back."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Drop what comes, until the client ends its side."""
    while await reader.read(1 << 16):
        pass


@contextlib.asynccontextmanager
async def raw_server(
    script: Script = until_gone,
    *,
    host: str = "127.0.0.1",
    unix_path: str | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[RawServer]:
    """Serve ``script``; connections that are left at the end of the block are aborted.

    What a script raises is raised at the end of the block, unless it is that the client has gone.
    """
    served = RawServer(host, 0, unix_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await script(reader, writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        except BaseException:
            _abort(writer)
            raise

    def ended(task: asyncio.Task[None]) -> None:
        served.scripts.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            served.failures.append(error)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.accepted += 1
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        served.scripts[task] = writer
        task.add_done_callback(ended)

    options: dict[str, Any] = {} if ssl_context is None else {"ssl": ssl_context}
    if unix_path is not None:
        server = await asyncio.start_unix_server(begin, unix_path, **options)
    else:
        server = await asyncio.start_server(begin, host, 0, **options)
        served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        await _settle()  # the loop has accepted some that no script knows of yet
        server.close()
        for task, writer in served.scripts.items():
            task.cancel()
            _abort(writer)  # a script that has not begun never will
        await served.finished()
        await _settle()  # transports that were aborted are closed at the loop's next turn
    if served.failures:
        raise served.failures[0]


async def _settle() -> None:
    for _ in range(_TICKS):
        await asyncio.sleep(0)


def _abort(writer: asyncio.StreamWriter) -> None:
    # asyncio's transport fails on abort() once it has closed after a flush.
    with contextlib.suppress(AttributeError):
        writer.transport.abort()
