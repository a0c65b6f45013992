"""A server that fails in every way there is, in an order drawn from a seed; and a clock that runs fast."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import random
import socket
import struct
from types import TracebackType
from typing import Final, Self

from tests.support.raw_peer import CLOSE, PING, PONG, TEXT, RawFrame, RawLink, close_frame, frame, settle

__all__ = ["CHANNELS", "ChaosServer", "FastClock", "Fault"]

CHANNELS: Final = ("news", "prices", "trades")
"""What a client subscribes to: by ``subscribe:news``, which is answered by ``subscribed:news``."""

# SO_LINGER on, 0 seconds: close() sends RST instead of FIN.
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Fault(enum.Enum):
    """What becomes of one attempt of a client."""

    REFUSE = "nobody listens"
    RESET_HANDSHAKE = "reset before the response"
    UNAVAILABLE = "503 with Retry-After"
    HANG_HANDSHAKE = "no response"
    HANG_LOGIN = "subscriptions are not answered"
    RESTART = "close frame 1012, in order"
    HANG = "silence, once all is subscribed"
    CUT = "end within a message"
    RESET = "reset of an open connection"


# Those that take until a time-out are rarer: each costs what the time-out is.
_WEIGHTS: Final = {
    fault: 1 if fault in (Fault.HANG_HANDSHAKE, Fault.HANG_LOGIN, Fault.HANG) else 4 for fault in Fault
}


class FastClock:
    """A :class:`wssdk.ports.Clock` whose seconds are milliseconds of the event loop."""

    def time(self) -> float:
        return asyncio.get_running_loop().time() * 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


class ChaosServer:
    """Serves clients that subscribe, then send ``c:<number>``; for each it pushes ``s:<number>``.

    Each attempt of a client meets a fault; after ``cycles`` of them, none. The server cannot see that a
    client was refused: :meth:`refused` tells.
    """

    def __init__(self, seed: int, cycles: int) -> None:
        self.uri = ""
        self.seen = 0
        """Faults so far."""
        self.met: set[Fault] = set()
        """The kinds of them."""
        self.subscribed: set[str] = set()
        """Subscriptions of the last connection that came so far."""
        self.calm = False
        """Whether a client is connected and subscribed that will meet no fault any more."""
        self.received: list[int] = []
        """Numbers that clients sent, in the order they came."""
        self.owed: set[int] = set()
        """Numbers pushed over connections that were closed in order: the client has them."""
        self._random = random.Random(seed)
        self._cycles = cycles
        self._pushed = 0
        self._plan = self._draw()
        self._server: asyncio.Server | None = None
        self._port_holder = socket.socket()
        self._tasks: set[asyncio.Task[None]] = set()

    def _draw(self) -> tuple[Fault | None, int]:
        """Return the next fault, and how many messages are taken before it."""
        if self.seen >= self._cycles:
            return None, 0
        self.seen += 1
        fault = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        self.met.add(fault)
        return fault, self._random.randrange(4)

    async def __aenter__(self) -> Self:
        # Bound, and not listening: the port stays ours while connections are refused.
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.uri = f"ws://127.0.0.1:{self._port_holder.getsockname()[1]}/"
        if self._plan[0] is not Fault.REFUSE:
            await self._listen()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._port_holder.close()
        await settle()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await settle()

    async def _listen(self) -> None:
        port = self._port_holder.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, reuse_port=True)

    async def refused(self) -> None:
        """The client was refused: go on to the next fault."""
        if self._server is None:
            self._plan = self._draw()
            if self._plan[0] is not Fault.REFUSE:
                await self._listen()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plan, self._plan = self._plan, self._draw()
        if self._plan[0] is Fault.REFUSE and self._server is not None:
            self._server.close()
            self._server = None
        task = asyncio.get_running_loop().create_task(self._serve(RawLink(reader, writer), *plan))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: RawLink, fault: Fault | None, patience: int) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._meet(link, fault, patience)
                link.writer.close()
                await link.writer.wait_closed()
        finally:
            link.writer.transport.abort()

    async def _meet(self, link: RawLink, fault: Fault | None, patience: int) -> None:
        if fault is Fault.RESET_HANDSHAKE:
            await link.reader.readexactly(10)
            return _reset(link)
        if fault is Fault.UNAVAILABLE:
            await link.read_request()
            return await link.send(b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        if fault is Fault.HANG_HANDSHAKE:
            await link.read_request()
            return await link.until_gone()
        await link.accept()
        if fault is Fault.HANG_LOGIN:
            return await link.until_gone()
        pushed = await self._talk(link, fault, patience)
        if fault is Fault.RESTART:
            await link.send(close_frame(1012))
            while (got := await link.read_frame()).opcode != CLOSE:
                self._take(got)
            if got.close_code == 1012:  # the answer, and not a failure that crossed
                self.owed.update(pushed)
        elif fault is Fault.HANG:
            while True:
                self._take(await link.read_frame())
        elif fault is Fault.CUT:
            await link.send(frame(TEXT, b"s:" + b"0" * 100)[:20])
        elif fault is Fault.RESET:
            _reset(link)
        return None

    async def _talk(self, link: RawLink, fault: Fault | None, patience: int) -> list[int]:
        """Talk with the client, until ``patience`` messages came where there is to be a fault."""
        self.subscribed = set()
        pushed: list[int] = []
        taken = 0
        while fault is None or taken < patience or len(self.subscribed) < len(CHANNELS):
            got = await link.read_frame()
            kind, _, text = got.payload.decode("latin-1").partition(":")
            if got.opcode == PING:
                await link.send(frame(PONG, got.payload))
            elif got.opcode == CLOSE:
                await link.send(close_frame(1000))
                return pushed
            elif kind == "subscribe":
                self.subscribed.add(text)
                self.calm = fault is None and self.subscribed == set(CHANNELS)
                await link.send(frame(TEXT, f"subscribed:{text}".encode()))
            else:
                taken += 1
                self._take(got)
                self._pushed += 1
                pushed.append(self._pushed)
                await link.send(frame(TEXT, f"s:{self._pushed}".encode()))
        return pushed

    def _take(self, got: RawFrame) -> None:
        if got.opcode == TEXT:
            self.received.append(int(got.payload.removeprefix(b"c:")))


def _reset(link: RawLink) -> None:
    sock: socket.socket = link.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    link.writer.transport.abort()
