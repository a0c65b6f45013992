"""aiohttp's WebSocket client."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import aiohttp

from bench.contestants.contestant import GO, MAX_SIZE, Contestant, Meter, Tally, Target

__all__ = ["Aiohttp"]


_IN_ORDER: Final = 1000


class Aiohttp(Contestant):
    """One session for all connections, as its documentation asks for."""

    import_code = "from aiohttp import ClientSession"
    made_code = (
        f"{import_code}\nasync def made(): await ClientSession().close()\nasyncio.run(made())"  # needs a loop
    )

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def _dial(self, session: aiohttp.ClientSession, target: Target) -> Any:
        context = True if target.context is None else target.context
        compress = 15 if target.deflate else 0
        return session.ws_connect(target.uri, ssl=context, compress=compress, max_msg_size=MAX_SIZE)

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        # As its documentation advises for speed; where memory is measured, its default is the slim one.
        with contextlib.suppress(ImportError):
            from zlib_ng import zlib_ng

            aiohttp.set_zlib_backend(zlib_ng)
        async with _session() as session, self._dial(session, target) as ws:
            meter.start()
            await ws.send_str(GO)
            async for message in ws:
                len(message.data)
            if ws.close_code == _IN_ORDER:  # iteration ends on errors, too
                meter.stop(count)

    async def round_trips(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        async with _session() as session, self._dial(session, target) as ws:
            meter.start()
            for _ in range(count):
                await ws.send_bytes(message)
                len(await ws.receive_bytes())
            meter.stop(count)

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        async with _session() as session, self._dial(session, target) as ws:
            meter.start()
            for _ in range(count):
                await ws.send_bytes(message)
            await ws.receive_str()
            meter.stop(count)

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        async with _session() as session:
            meter.start()
            for _ in range(count):
                async with self._dial(session, target):
                    pass
            meter.stop(count)

    async def open(self, target: Target, tally: Tally | None) -> OneOfMany:
        if self._session is None:
            self._session = _session()  # lives as long as the process
        ws = await self._dial(self._session, target)
        reader = None if tally is None else asyncio.create_task(_count(ws, tally))
        return OneOfMany(ws, reader)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _count(ws: aiohttp.ClientWebSocketResponse, tally: Tally) -> None:
    async for message in ws:
        len(message.data)
        tally.messages += 1


class OneOfMany:
    """One of many that are open."""

    __slots__ = ("_reader", "_ws")

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, reader: asyncio.Task[None] | None) -> None:
        self._ws = ws
        self._reader = reader

    async def exchange(self, message: str) -> None:
        await self._ws.send_str(message)
        await self._ws.receive_str()

    async def go(self) -> None:
        await self._ws.send_str(GO)
