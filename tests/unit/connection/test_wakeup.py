"""A message wakes its receiver within the read that brought it; what users do there harms nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support.connections import establish, made_on, started, ticks
from tests.support.pipes import FakePipe, PlayedTransport
from tests.support.raw_peer import CLOSE, PING, PONG, TEXT, close_frame, frame
from tests.support.wakeups import X, Y, Z, both_ways, read, waiting
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed, ConnectionClosedError
from wssdk.protocol.state import State


async def order_of(ws: ClientConnection, act: Callable[[], object]) -> list[str]:
    """Return what happened in which order around a callback that does ``act`` while a task receives."""
    loop = asyncio.get_running_loop()
    order: list[str] = []

    async def receive() -> None:
        try:
            await ws.recv()
        except ConnectionClosed:
            order.append("closed")
        else:
            order.append("woken")

    def callback() -> None:
        loop.call_soon(order.append, "next turn")
        act()
        order.append("read")

    task = await started(receive())
    loop.call_soon(callback)
    await task
    await ticks(2)
    return order


# When.


async def test_woken_within_the_read() -> None:
    ws, peer = establish()
    assert await order_of(ws, lambda: peer.feed(X)) == ["woken", "read", "next turn"]


async def test_woken_in_a_later_turn_where_that_is_asked_for() -> None:
    ws, peer = establish(wakeup="scheduled")
    assert await order_of(ws, lambda: peer.feed(X)) == ["read", "next turn", "woken"]


async def test_woken_within_the_read_that_completes_the_message() -> None:
    ws, peer = establish()
    peer.feed(X[:2])
    assert await order_of(ws, lambda: peer.feed(X[2:])) == ["woken", "read", "next turn"]


async def test_woken_within_the_read_that_has_a_control_frame_too() -> None:
    ws, peer = establish()
    assert await order_of(ws, lambda: peer.feed(frame(PING, b""), X)) == ["woken", "read", "next turn"]


async def test_end_wakes_at_once() -> None:
    ws, peer = establish()
    loop = asyncio.get_running_loop()
    task = await started(waiting(ws))
    loop.call_soon(peer.lose)
    await ticks(2)
    done_at_once = peer.gone and task.done()
    await task
    assert done_at_once


async def test_bytes_received_within_a_task_enter_no_other() -> None:
    ws, peer = establish()
    entered: list[bool] = []
    busy = False

    async def receive() -> None:
        await ws.recv()
        entered.append(busy)

    task = await started(receive())
    busy = True
    peer.feed(X)
    busy = False
    await task
    assert entered == [False]


async def test_task_that_brings_itself_the_bytes_gets_them() -> None:
    ws, peer = establish()

    async def receive() -> Any:
        peer.feed(X)
        return await ws.recv()

    assert await asyncio.create_task(receive()) == "x"


class EagerTransport(PlayedTransport):
    """Delivers what has come within ``resume_reading()``."""

    def resume_reading(self) -> None:
        self.reading = True
        self.feed()


@both_ways
async def test_transport_that_delivers_within_resume_reading(wakeup: str) -> None:
    transport = EagerTransport()
    ws = made_on(FakePipe(transport), ping_interval=None, max_queue=2, wakeup=wakeup)
    ws.start()
    transport.feed(*[frame(TEXT, b"%d" % number) for number in range(50)])
    for number in range(50, 100):
        transport.feed(frame(TEXT, b"%d" % number))
    assert [await ws.recv() for _ in range(100)] == [str(number) for number in range(100)]


@both_ways
async def test_transport_that_delivers_within_resume_reading_to_a_waiting_receiver(wakeup: str) -> None:
    transport = EagerTransport()
    ws = made_on(FakePipe(transport), ping_interval=None, max_size=None, max_queue=2, wakeup=wakeup)
    ws.start()
    half = bytes(3 << 20)
    transport.feed(frame(TEXT, half + half)[: 3 << 20])
    paused = not transport.reading
    transport.feed(frame(TEXT, half + half)[3 << 20 :])
    assert (len(await ws.recv()), paused) == (6 << 20, True)


async def test_running_task_is_the_woken_one() -> None:
    ws, peer = establish()
    seen: list[asyncio.Task[Any] | None] = []

    async def receive() -> None:
        await ws.recv()
        seen.append(asyncio.current_task())

    def callback() -> None:
        peer.feed(X)
        seen.append(asyncio.current_task())

    task = await started(receive())
    asyncio.get_running_loop().call_soon(callback)
    await task
    assert seen == [task, None]


# What a woken task does.


@both_ways
async def test_messages_of_one_read_come_one_after_the_other(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> list[Any]:
        return [await ws.recv() for _ in range(3)]

    task = await started(receive())
    await read(peer, X, Y, Z)
    assert await task == ["x", "y", "z"]


async def test_messages_of_one_read_come_within_it() -> None:
    ws, peer = establish()
    got: list[Any] = []

    async def receive() -> None:
        async for message in ws:
            got.append(message)  # noqa: PERF401  # how many there are by when is the test

    task = await started(receive())
    seen: list[int] = []

    def callback() -> None:
        peer.feed(X, Y, Z)
        seen.append(len(got))

    asyncio.get_running_loop().call_soon(callback)
    await ticks(2)
    peer.lose()
    await asyncio.wait([task])
    assert (seen, type(task.exception())) == ([3], ConnectionClosedError)


@both_ways
async def test_more_messages_than_the_queue_holds_come_in_order(wakeup: str) -> None:
    ws, peer = establish(max_queue=4, wakeup=wakeup)

    async def receive() -> list[Any]:
        return [await ws.recv() for _ in range(200)]

    task = await started(receive())
    for start in range(0, 200, 40):
        await read(peer, *[frame(TEXT, b"%d" % number) for number in range(start, start + 40)])
    assert await task == [str(number) for number in range(200)]


@both_ways
async def test_send_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def echo() -> None:
        for _ in range(3):
            await ws.send(await ws.recv())

    task = await started(echo())
    await read(peer, X, Y, Z)
    await task
    assert peer.payloads() == [b"x", b"y", b"z"]


@both_ways
async def test_close_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> None:
        await ws.recv()
        await ws.close(4000)

    task = await started(receive())
    await read(peer, X, Y)
    await ticks(2)
    peer.feed(close_frame(4000))
    peer.feed_eof()
    await task
    assert (peer.close_codes(), ws.closed, await ws.recv()) == ([4000], True, "y")


@both_ways
async def test_abort_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> Any:
        first = await ws.recv()
        ws.abort()
        return [first, await ws.recv(), await waiting(ws)]

    task = await started(receive())
    await read(peer, X, Y)
    first, second, error = await task
    assert (first, second, type(error), peer.aborted) == ("x", "y", ConnectionClosedError, True)


@both_ways
async def test_abort_when_woken_by_a_queue_that_is_full(wakeup: str) -> None:
    ws, peer = establish(max_queue=2, wakeup=wakeup)

    async def receive() -> None:
        await ws.recv()
        ws.abort()

    task = await started(receive())
    await read(peer, *[X] * 10)
    await task
    await ws.wait_closed()
    assert ws.state is State.CLOSED


@both_ways
async def test_ping_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> float:
        await ws.recv()
        return await (await ws.ping(b"p"))

    task = await started(receive())
    await read(peer, X)
    await ticks(1)
    await read(peer, frame(PONG, b"p"))
    assert await task == ws.latency


@both_ways
async def test_end_behind_the_message_that_wakes(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> list[Any]:
        return [message async for message in ws]

    task = await started(receive())
    await read(peer, X, close_frame(1000))
    peer.feed_eof()
    assert await task == ["x"]


@both_ways
async def test_answer_to_a_message_that_a_close_frame_follows(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def echo() -> None:
        async for message in ws:
            await ws.send(message)

    task = await started(echo())
    await read(peer, X)
    await ticks(1)
    await read(peer, close_frame(1000))
    peer.feed_eof()
    await task
    assert peer.opcodes() == [TEXT, CLOSE]


@both_ways
async def test_receiving_from_another_connection_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    other, other_peer = establish(wakeup=wakeup)
    other_peer.feed(Y)

    async def receive() -> list[Any]:
        return [await ws.recv(), await other.recv(), await other.recv()]

    task = await started(receive())
    await read(peer, X)
    await ticks(1)
    await read(other_peer, Z)
    assert await task == ["x", "y", "z"]


@both_ways
async def test_task_started_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> Any:
        await ws.recv()
        return await asyncio.create_task(ws.recv())

    task = await started(receive())
    await read(peer, X)
    await ticks(2)
    await read(peer, Y)
    assert await task == "y"


@both_ways
async def test_second_receiver_is_refused_while_the_first_is_being_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    first = await started(ws.recv())
    refused: list[bool] = []

    async def second() -> None:
        peer.feed(X)
        try:
            await ws.recv()
        except ConcurrencyError:
            refused.append(True)

    await asyncio.create_task(second())
    assert (await first, refused) == ("x", [True])
