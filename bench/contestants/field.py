"""Clients with the field's API: ``async with connect(...) as ws``, ``async for``, ``send``, ``recv``."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from bench.contestants.contestant import (
    GO,
    MAX_QUEUE,
    MAX_SIZE,
    Contestant,
    Meter,
    NotOfferedError,
    Tally,
    Target,
)

if TYPE_CHECKING:  # each process imports the one client that it is
    from wssdk import ConnectionFactory
    from wssdk.config_words import Backend

__all__ = [
    "PicowsWebsockets",
    "Websockets",
    "WebsocketsPure",
    "Wssdk",
    "WssdkBatches",
    "WssdkFactory",
    "WssdkMany",
    "WssdkReconnecting",
    "WssdkZlib",
]


def _options(target: Target) -> dict[str, Any]:
    return {
        "ssl": target.context,
        "compression": "deflate" if target.deflate else None,
        "max_size": MAX_SIZE,
        "max_queue": MAX_QUEUE,
        "proxy": None,  # else some look for one at every opening, and some do not
    }


_MADE: Final = "connect('ws://127.0.0.1/')"
# Messages of a send_many(): no more than these, and no more bytes than a few writes would be.
_MANY: Final = 100
_MANY_BYTES: Final = 2**20


class FieldClient(Contestant):
    """Every measurement, over a ``connect()``."""

    connect: Any

    def dial(self, target: Target) -> Any:
        return self.connect(target.uri, **_options(target))

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        async with self.dial(target) as ws:
            meter.start()
            await ws.send(GO)
            async for message in ws:
                len(message)
            meter.stop(count)

    async def round_trips(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        async with self.dial(target) as ws:
            meter.start()
            for _ in range(count):
                await ws.send(message)
                len(await ws.recv())
            meter.stop(count)

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        async with self.dial(target) as ws:
            meter.start()
            for _ in range(count):
                await ws.send(message)
            await ws.recv()
            meter.stop(count)

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        meter.start()
        for _ in range(count):
            async with self.dial(target):
                pass
        meter.stop(count)

    async def open(self, target: Target, tally: Tally | None) -> OneOfMany:
        ws = await self.dial(target)
        reader = None if tally is None else asyncio.create_task(_count(ws, tally))
        return OneOfMany(ws, reader)


async def _count(ws: Any, tally: Tally) -> None:
    async for message in ws:
        len(message)
        tally.messages += 1


class OneOfMany:
    """One of many that are open."""

    __slots__ = ("_reader", "_ws")

    def __init__(self, ws: Any, reader: asyncio.Task[None] | None) -> None:
        self._ws = ws
        self._reader = reader

    async def exchange(self, message: str) -> None:
        await self._ws.send(message)
        await self._ws.recv()

    async def go(self) -> None:
        await self._ws.send(GO)


class Wssdk(FieldClient):
    """wssdk, whichever form this process has."""

    import_code = "import wssdk"
    made_code = f"from wssdk import connect; {_MADE}"

    def __init__(self) -> None:
        from wssdk import connect

        self.connect = connect


class WssdkMany(Contestant):
    """wssdk's ``recv_many()`` and ``send_many()``."""

    def __init__(self) -> None:
        from wssdk import ConnectionClosedOK, connect

        self._connect = connect
        self._end = ConnectionClosedOK

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        async with self._connect(target.uri, **_options(target)) as ws:
            meter.start()
            await ws.send(GO)
            try:
                while True:
                    for message in await ws.recv_many():
                        len(message)
            except self._end:
                meter.stop(count)

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        at_once = max(1, min(_MANY, _MANY_BYTES // len(message)))
        many = [message] * at_once
        async with self._connect(target.uri, **_options(target)) as ws:
            meter.start()
            for _ in range(count // at_once):
                await ws.send_many(many)
            await ws.send_many(many[: count % at_once])
            await ws.recv()
            meter.stop(count)


class WssdkBatches(Contestant):
    """wssdk's ``batches()``."""

    def __init__(self) -> None:
        from wssdk import connect

        self._connect = connect

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        async with self._connect(target.uri, **_options(target)) as ws:
            meter.start()
            await ws.send(GO)
            async for batch in ws.batches():
                for message in batch:
                    len(message)
            meter.stop(count)


def _factory(target: Target, backend: Backend = "auto") -> ConnectionFactory:
    from wssdk import ClientConfig, Compression, ConnectionFactory, Limits

    config = ClientConfig(
        uri=target.uri,
        compression=Compression(enabled=target.deflate, backend=backend),
        limits=Limits(max_size=MAX_SIZE, max_queue=MAX_QUEUE),
    )
    return ConnectionFactory(config, ssl_context=target.context)


class WssdkZlib(FieldClient):
    """wssdk with Python's zlib, where that is what another library may replace."""

    def dial(self, target: Target) -> Any:
        if not target.deflate:
            raise NotOfferedError
        return _factory(target, "zlib").connect()


class WssdkReconnecting(FieldClient):
    """wssdk's one object that survives drops."""

    def dial(self, target: Target) -> Any:
        return _factory(target).reconnecting(stop_when=lambda closed: True)


class WssdkFactory(Contestant):
    """wssdk's openings as services do them: one factory, made beforehand."""

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        factory = _factory(target)
        meter.start()
        for _ in range(count):
            async with factory.connect():
                pass
        meter.stop(count)


class Websockets(FieldClient):
    """websockets' asyncio client."""

    import_code = "from websockets.asyncio.client import connect"
    made_code = f"{import_code}; {_MADE}"

    def __init__(self) -> None:
        from websockets.asyncio.client import connect

        self.connect = connect


class WebsocketsPure(Websockets):
    """The same, with nothing compiled: what wssdk's pure form is to be compared with."""

    _BLOCK = "import sys; sys.modules['websockets.speedups'] = None"
    import_code = f"{_BLOCK}; {Websockets.import_code}"
    made_code = f"{_BLOCK}; {Websockets.made_code}"

    def __init__(self) -> None:
        # None there makes importing it fail, and the package does without.
        sys.modules["websockets.speedups"] = cast("ModuleType", None)
        super().__init__()


class PicowsWebsockets(FieldClient):
    """picows' imitation of it."""

    import_code = "from picows.websockets.asyncio.client import connect"
    made_code = f"{import_code}; {_MADE}"

    def __init__(self) -> None:
        from picows.websockets.asyncio.client import connect

        self.connect = connect

    def dial(self, target: Target) -> Any:
        # Faster without a bound of the queue; with one it stalls over TLS once it has paused reading.
        return self.connect(target.uri, **_options(target) | {"max_queue": None})
