"""Cancelled at any moment, around any event, receiving loses nothing and sending tears nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, started, ticks
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import CLOSE, CONT, PONG, TEXT, close_frame, frame
from tests.support.steps import Moment, cancelled_at
from wssdk.connection.connection import ClientConnection
from wssdk.connection.receiving import FragmentIterator
from wssdk.errors import ConnectionClosed, ConnectionClosedOK
from wssdk.protocol.state import State
from wssdk.typing import Data

TURNS = range(6)
Take: TypeAlias = Callable[[ClientConnection], Coroutine[Any, Any, Data]]


async def by_recv(ws: ClientConnection) -> Data:
    return await ws.recv()


async def by_anext(ws: ClientConnection) -> Data:
    async for message in ws:
        return message
    raise ConnectionClosedOK(None, None)


async def by_recv_timeout(ws: ClientConnection) -> Data:
    return await ws.recv(timeout=60)


async def by_wait_for(ws: ClientConnection) -> Data:
    return await asyncio.wait_for(ws.recv(), 60)


class Streaming:
    """Takes messages fragment by fragment; goes on with one that a cancellation tore."""

    def __init__(self) -> None:
        self._stream: FragmentIterator[Any] | None = None
        self._parts: list[str] = []

    async def __call__(self, ws: ClientConnection) -> Data:
        if self._stream is None:
            self._stream = ws.recv_streaming()
        async for part in self._stream:
            self._parts.append(str(part))
        message = "".join(self._parts)
        self._stream, self._parts = None, []
        return message


MAKERS: dict[str, Callable[[], Take]] = {
    "recv": lambda: by_recv,
    "anext": lambda: by_anext,
    "recv with a timeout": lambda: by_recv_timeout,
    "wait_for": lambda: by_wait_for,
    "recv_streaming": Streaming,
}
every_way = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def fed(*frames: bytes) -> Callable[[PlayedTransport], None]:
    return lambda peer: peer.feed(*frames)


A, B, C = frame(TEXT, b"a", fin=False), frame(CONT, b"b", fin=False), frame(CONT, b"c")
FIRST, SECOND = frame(TEXT, b"first"), frame(TEXT, b"second")

SCENES: dict[str, tuple[list[Callable[[PlayedTransport], None]], list[str]]] = {
    "message": ([fed(FIRST), fed(SECOND)], ["first", "second"]),
    "messages": ([fed(FIRST, SECOND)], ["first", "second"]),
    "fragments": ([fed(A), fed(B), fed(C), fed(FIRST)], ["abc", "first"]),
    "fragments at once": ([fed(A, B, C, FIRST)], ["abc", "first"]),
    "half a frame": ([fed(FIRST[:3]), fed(FIRST[3:], A, B), fed(C)], ["first", "abc"]),
    "disconnect": ([fed(FIRST), lambda peer: peer.lose()], ["first"]),
    "message and disconnect": (
        [lambda peer: (peer.feed(FIRST, A, B, C), peer.lose())],  # type: ignore[list-item,func-returns-value]
        ["first", "abc"],
    ),
    "close": (
        [fed(FIRST), fed(SECOND, close_frame(1000)), lambda peer: peer.feed_eof()],
        ["first", "second"],
    ),
}

every_scene = pytest.mark.parametrize("scene", SCENES)


async def play(
    make: Callable[[], Take], scene: str, first: int, gap: int, before: bool, max_queue: int
) -> list[Data]:
    """Play the scene ``gap`` turns apart, cancelling ``first`` turns after each step; return what came."""
    ws, peer = establish(max_queue=max_queue, close_timeout=1)
    take = make()
    got: list[Data] = []
    for step in SCENES[scene][0]:
        task = asyncio.ensure_future(take(ws))
        await ticks(gap)
        if before:
            asyncio.get_running_loop().call_soon(task.cancel)
        step(peer)
        await ticks(first)
        task.cancel()
        got += await ended(task)
    peer.feed_eof()
    while not (ws.closed and got and got[-1] is END):
        got += await ended(asyncio.ensure_future(take(ws)))
    return got[:-1]


END: Any = object()


async def ended(task: asyncio.Future[Data]) -> list[Data]:
    """Return what the task took, if anything."""
    try:
        return [await task]
    except asyncio.CancelledError:
        return []
    except ConnectionClosed:
        return [END]


@every_way
@every_scene
@pytest.mark.parametrize("max_queue", [1, 32])
async def test_receiver_cancelled_around_an_event_loses_nothing(
    make: Callable[[], Take], scene: str, max_queue: int
) -> None:
    for first, gap, before in itertools.product(TURNS, range(3), (False, True)):
        got = await play(make, scene, first, gap, before, max_queue)
        assert [message for message in got if message is not END] == SCENES[scene][1], (first, gap, before)


@every_way
@pytest.mark.parametrize("late", [-1e-6, 0.0, 1e-6])
@pytest.mark.parametrize("order", ["timer first", "message first"])
async def test_time_out_in_the_moment_of_a_message_loses_nothing(
    make: Callable[[], Take], late: float, order: str
) -> None:
    ws, peer = establish()
    loop = jumping_loop()
    due = loop.time() + 1
    if order == "message first":
        loop.call_at(due + late, peer.feed, FIRST)

    async def timed() -> Data:
        async with asyncio.timeout_at(due):
            return await make()(ws)

    task = asyncio.ensure_future(timed())
    await ticks(1)
    if order == "timer first":
        loop.call_at(due + late, peer.feed, FIRST)
    try:
        got = await task
    except TimeoutError:
        got = await ws.recv()
    assert got == "first"


@pytest.mark.parametrize("late", [-1e-6, 0.0, 1e-6])
async def test_recv_that_times_out_in_the_moment_of_a_message_loses_nothing(late: float) -> None:
    ws, peer = establish()
    jumping_loop().call_later(1 + late, peer.feed, FIRST)
    try:
        got = await ws.recv(timeout=1)
    except TimeoutError:
        got = await ws.recv()
    assert got == "first"


@every_way
async def test_receiver_can_be_cancelled_time_and_again(make: Callable[[], Take]) -> None:
    ws, peer = establish()
    for _ in range(50):
        task = await started(make()(ws))
        task.cancel()
        await asyncio.wait([task])
    peer.feed(FIRST)
    assert await ws.recv() == "first"


@every_way
async def test_task_cancelled_before_it_ran_leaves_the_way_free(make: Callable[[], Take]) -> None:
    ws, peer = establish()
    task = asyncio.ensure_future(make()(ws))
    task.cancel()
    await asyncio.wait([task])
    peer.feed(FIRST)
    assert await ws.recv() == "first"


# Every call, cancelled where it waits for the n-th time.


async def items() -> AsyncIterator[str]:
    yield "a"
    await asyncio.sleep(1)
    yield "b"


async def ping_pong(ws: ClientConnection) -> float:
    return await (await ws.ping(b"x"))


CALLS: dict[str, Callable[[ClientConnection], Coroutine[Any, Any, Any]]] = {
    "recv": by_recv,
    "recv with a timeout": by_recv_timeout,
    "anext": by_anext,
    "recv_streaming": lambda ws: anext(ws.recv_streaming()),
    "send": lambda ws: ws.send(bytes(200)),
    "send of fragments": lambda ws: ws.send(items()),
    "ping": ping_pong,
    "pong": lambda ws: ws.pong(bytes(120)),
    "close": lambda ws: ws.close(),
    "wait_closed": lambda ws: ws.wait_closed(),
}


@pytest.mark.parametrize("moment", ["waiting", "done"])
@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("call", CALLS)
async def test_cancelled_call_leaves_whole_frames_and_no_task(call: str, step: int, moment: Moment) -> None:
    ws, peer = establish(high=100, low=10, close_timeout=5)
    peer.stop_peer()
    blocking = await started(ws.send(bytes(150)))
    loop = jumping_loop()
    loop.call_later(2, peer.resume_peer)
    loop.call_later(3, peer.feed, FIRST, frame(PONG, b"x"))
    loop.call_later(4, peer.feed, close_frame(1000))
    loop.call_later(4, peer.feed_eof)
    task = cancelled_at(CALLS[call](ws), step, moment)
    await asyncio.wait([task, blocking])
    await ws.wait_closed()
    blocking.exception()
    assert all(got.opcode in (TEXT, CONT, 0x2, CLOSE, 0x9, PONG) for got in peer.frames())


@pytest.mark.parametrize("moment", ["waiting", "done"])
@pytest.mark.parametrize("call", ["recv", "recv with a timeout", "anext", "recv_streaming"])
async def test_cancelled_receiver_leaves_the_message(call: str, moment: Moment) -> None:
    ws, peer = establish()
    task = cancelled_at(CALLS[call](ws), 1, moment)
    await ticks(1)
    peer.feed(FIRST)
    await asyncio.wait([task])
    assert (task.cancelled(), await ws.recv()) == (True, "first")


@pytest.mark.parametrize("moment", ["waiting", "done"])
async def test_cancelled_wait_closed_leaves_the_connection(moment: Moment) -> None:
    ws, peer = establish()
    task = cancelled_at(ws.wait_closed(), 1, moment)
    await ticks(3)
    assert ws.state is State.OPEN
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await asyncio.wait([task])
    with pytest.raises(ConnectionClosedOK):
        await ws.recv()
