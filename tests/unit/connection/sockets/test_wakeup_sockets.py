"""The wake-up within a read over real transports: plain and TLS, of each event loop and of aiofastnet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from tests.support.connections import made_on, started
from tests.support.raw_peer import BINARY, TEXT, frame, settle
from tests.support.tls import authority
from tests.support.until import until
from wssdk.config import ClientConfig
from wssdk.config_sections import Network
from wssdk.config_words import Transport
from wssdk.connection.connection import ClientConnection
from wssdk.dial.dialer import StreamDialer
from wssdk.errors import ConnectionClosedError
from wssdk.ports import Pipe, Route


class Spy(asyncio.BufferedProtocol):
    """Passes everything on, and notes when a read begins to return."""

    def __init__(self, inner: asyncio.BufferedProtocol, order: list[str]) -> None:
        self._inner = inner
        self._order = order
        self.connection_made = inner.connection_made  # type: ignore[method-assign]
        self.connection_lost = inner.connection_lost  # type: ignore[method-assign]
        self.get_buffer = inner.get_buffer  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]

    def buffer_updated(self, nbytes: int) -> None:
        asyncio.get_running_loop().call_soon(self._order.append, "next turn")
        self._inner.buffer_updated(nbytes)
        self._order.append("read")


@attrs.frozen
class SpiedPipe:
    """A pipe that notes when its reads return."""

    pipe: Pipe
    order: list[str]

    @property
    def transport(self) -> asyncio.Transport:
        return self.pipe.transport

    def attach(self, protocol: asyncio.BufferedProtocol) -> None:
        self.pipe.attach(Spy(protocol, self.order))


@attrs.frozen
class Ends:
    """A connection, what its reads noted, and the stream of its peer."""

    ws: ClientConnection
    order: list[str]
    peer: asyncio.StreamWriter


every_transport = pytest.mark.parametrize(
    "transport", ["asyncio", pytest.param("aiofastnet", marks=pytest.mark.needs("aiofastnet"))]
)
plain_and_tls = pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
both_ways = pytest.mark.parametrize("wakeup", ["direct", "scheduled"])


@asynccontextmanager
async def connected(transport: Transport, tls: bool, **keywords: Any) -> AsyncIterator[Ends]:
    """Connect over loopback, plain or by TLS."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer)

    context = authority().server_context() if tls else None
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    config = ClientConfig(network=Network(transport=transport))
    dialer = StreamDialer(config, ssl_context=authority().client_context())
    port = server.sockets[0].getsockname()[1]
    order: list[str] = []
    pipe: Any = SpiedPipe(await dialer.dial(Route(tls, "127.0.0.1", port)), order)
    ws = made_on(pipe, ping_interval=None, **keywords)
    ws.start()
    peer = await accepted
    try:
        yield Ends(ws, order, peer)
    finally:
        ws.abort()
        await ws.wait_closed()
        peer.transport.abort()
        server.close()
        await settle()


async def noted(ends: Ends) -> None:
    await ends.ws.recv()
    ends.order.append("woken")


@every_transport
@plain_and_tls
async def test_woken_within_the_read(transport: Transport, tls: bool) -> None:
    async with connected(transport, tls) as ends:
        task = await started(noted(ends))
        ends.peer.write(frame(TEXT, b"x"))
        await task
        await until(lambda: "next turn" in ends.order)
        assert ends.order[:3] == ["woken", "read", "next turn"]


@every_transport
@plain_and_tls
async def test_woken_in_a_later_turn_where_that_is_asked_for(transport: Transport, tls: bool) -> None:
    async with connected(transport, tls, wakeup="scheduled") as ends:
        task = await started(noted(ends))
        ends.peer.write(frame(TEXT, b"x"))
        await task
        assert ends.order.index("read") < ends.order.index("woken")


@every_transport
@plain_and_tls
@both_ways
async def test_many_messages_come_in_order(transport: Transport, tls: bool, wakeup: str) -> None:
    async with connected(transport, tls, wakeup=wakeup, max_queue=4) as ends:
        task = await started(receive(ends.ws, 3000))
        for number in range(3000):
            ends.peer.write(frame(TEXT, b"%d" % number))
        assert await task == [str(number) for number in range(3000)]


async def receive(ws: ClientConnection, count: int) -> list[Any]:
    return [await ws.recv() for _ in range(count)]


@every_transport
@plain_and_tls
@both_ways
async def test_reading_stops_and_goes_on(transport: Transport, tls: bool, wakeup: str) -> None:
    async with connected(transport, tls, wakeup=wakeup, max_queue=2) as ends:
        ends.peer.write(frame(BINARY, bytes(1 << 16)) * 100)
        await until(lambda: not ends.ws.transport.is_reading())
        got = await receive(ends.ws, 100)
        assert [len(message) for message in got] == [1 << 16] * 100


@every_transport
@plain_and_tls
@both_ways
async def test_abort_when_woken(transport: Transport, tls: bool, wakeup: str) -> None:
    async with connected(transport, tls, wakeup=wakeup) as ends:

        async def abort() -> None:
            await ends.ws.recv()
            ends.ws.abort()

        task = await started(abort())
        ends.peer.write(frame(TEXT, b"x") * 1000)
        await task
        with pytest.raises(ConnectionClosedError):
            await receive(ends.ws, 2000)


@every_transport
@plain_and_tls
@both_ways
async def test_send_when_woken(transport: Transport, tls: bool, wakeup: str) -> None:
    async with connected(transport, tls, wakeup=wakeup) as ends:

        async def echo() -> None:
            for _ in range(100):
                await ends.ws.send(await ends.ws.recv())

        task = await started(echo())
        ends.peer.write(frame(TEXT, b"x") * 100)
        await task
        assert ends.ws.transport.get_write_buffer_size() == 0


@every_transport
@plain_and_tls
@both_ways
async def test_error_of_the_woken_task_leaves_the_connection(
    transport: Transport, tls: bool, wakeup: str
) -> None:
    async with connected(transport, tls, wakeup=wakeup) as ends:

        async def fail() -> None:
            await ends.ws.recv()
            raise ValueError("mine")

        task = await started(fail())
        ends.peer.write(frame(TEXT, b"x"))
        await asyncio.wait([task])
        ends.peer.write(frame(TEXT, b"y"))
        assert (type(task.exception()), await ends.ws.recv()) == (ValueError, "y")


@every_transport
@plain_and_tls
@both_ways
async def test_lost_while_waiting(transport: Transport, tls: bool, wakeup: str) -> None:
    async with connected(transport, tls, wakeup=wakeup) as ends:
        task = await started(ends.ws.recv())
        ends.peer.transport.abort()
        with pytest.raises(ConnectionClosedError):
            await task


@every_transport
@plain_and_tls
@both_ways
async def test_wait_for_time_and_again(transport: Transport, tls: bool, wakeup: str) -> None:
    async with connected(transport, tls, wakeup=wakeup) as ends:
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ends.ws.recv(), 0.001)
        ends.peer.write(frame(TEXT, b"x"))
        assert await asyncio.wait_for(ends.ws.recv(), 5) == "x"


@every_transport
@plain_and_tls
@both_ways
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interruption_leaves_the_loop(
    transport: Transport, tls: bool, wakeup: str, error: type[BaseException]
) -> None:
    with asyncio.Runner() as runner:
        scope = connected(transport, tls, wakeup=wakeup)
        ends = runner.run(scope.__aenter__())

        async def interrupt() -> None:
            await ends.ws.recv()
            raise error

        async def begin() -> asyncio.Task[None]:
            return await started(interrupt())

        task = runner.run(begin())
        ends.peer.write(frame(TEXT, b"x"))
        with pytest.raises(error):
            runner.get_loop().run_forever()

        async def go_on() -> Any:
            ends.peer.write(frame(TEXT, b"y"))
            return await ends.ws.recv()

        got = runner.run(go_on())
        runner.run(scope.__aexit__(None, None, None))
        assert (type(task.exception()), got) == (error, "y")


async def test_message_that_another_thread_asks_the_loop_to_wait_for() -> None:
    async with connected("asyncio", False) as ends:
        loop = asyncio.get_running_loop()
        waiting = asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(ends.ws.recv(), loop).result(5))
        task = await started(waiting)
        ends.peer.write(frame(TEXT, b"x"))
        assert await task == "x"
