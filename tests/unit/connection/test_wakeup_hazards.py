"""What may go wrong around a wake-up within a read: errors, contexts, connections that feed each other."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.support.connections import establish, made_on, started, ticks
from tests.support.pipes import FakePipe, PlayedTransport
from tests.support.raw_peer import TEXT, frame
from tests.support.wakeups import X, Y, Z, both_ways, read, waiting
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError
from wssdk.ports import Pipe
from wssdk.protocol.core import Role
from wssdk.protocol.state import State

# What leaves a woken task.


@both_ways
async def test_error_of_the_task_stays_in_it(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> None:
        await ws.recv()
        raise ValueError("mine")

    task = await started(receive())
    await read(peer, X, Y)
    await asyncio.wait([task])
    assert (type(task.exception()), await ws.recv(), ws.state) == (ValueError, "y", State.OPEN)


class OwnError(BaseException):
    """Neither an Exception nor what leaves the loop."""


@both_ways
async def test_base_exception_of_the_task_stays_in_it(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> None:
        await ws.recv()
        raise OwnError

    task = await started(receive())
    await read(peer, X, Y)
    await asyncio.wait([task])
    assert (type(task.exception()), await ws.recv(), ws.state) == (OwnError, "y", State.OPEN)


@both_ways
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interruption_leaves_the_loop_and_harms_nothing(wakeup: str, error: type[BaseException]) -> None:
    with asyncio.Runner() as runner:

        async def begin() -> tuple[ClientConnection, PlayedTransport, asyncio.Task[None]]:
            ws, peer = establish(wakeup=wakeup, max_queue=2)

            async def receive() -> None:
                await ws.recv()
                raise error

            return ws, peer, await started(receive())

        ws, peer, task = runner.run(begin())
        loop = runner.get_loop()
        loop.call_soon(peer.feed, *[frame(TEXT, b"%d" % number) for number in range(10)])
        with pytest.raises(error):
            loop.run_forever()

        async def go_on() -> list[Any]:
            got = [await ws.recv() for _ in range(9)]
            rest = await started(ws.recv())
            peer.feed(X)
            return [*got, await rest]

        got = runner.run(go_on())
        assert (got, type(task.exception())) == ([*"123456789", "x"], error)


# Context variables.

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="nobody")


@both_ways
async def test_woken_task_sees_its_own_context(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> str:
        NAME.set("task")
        await ws.recv()
        return NAME.get()

    task = await started(receive())
    NAME.set("transport")
    await read(peer, X)
    assert await task == "task"


@both_ways
async def test_context_of_the_transport_is_left_alone(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    seen: list[str] = []

    async def receive() -> None:
        await ws.recv()
        NAME.set("task")

    def callback() -> None:
        NAME.set("transport")
        peer.feed(X)
        seen.append(NAME.get())

    task = await started(receive())
    asyncio.get_running_loop().call_soon(callback)
    await task
    assert seen == ["transport"]


@both_ways
async def test_read_in_the_very_context_of_the_task(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    task = loop.create_task(ws.recv(), context=context)
    await ticks(2)
    loop.call_soon(peer.feed, X, context=context)
    assert await task == "x"


@both_ways
async def test_end_in_the_very_context_of_the_task(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    task = loop.create_task(waiting(ws), context=context)
    await ticks(2)
    loop.call_soon(peer.lose, context=context)
    assert isinstance(await task, ConnectionClosedError)


# Two connections.


class CrossedTransport(PlayedTransport):
    """What is written is received at the other end at once, within ``write()``."""

    other: PlayedTransport

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.other.feed(bytes(data))


def crossed(**keywords: Any) -> tuple[ClientConnection, ClientConnection]:
    """Return two connections, each the other's peer."""
    here, there = CrossedTransport(), CrossedTransport()
    here.other, there.other = there, here
    pipes: list[Pipe] = [FakePipe(here), FakePipe(there)]
    ends = [
        made_on(pipe, role=role, ping_interval=None, **keywords)
        for pipe, role in zip(pipes, (Role.CLIENT, Role.SERVER), strict=True)
    ]
    for end in ends:
        end.start()
    return ends[0], ends[1]


def stack_depth() -> int:
    depth, here = 0, sys._getframe()
    while here.f_back is not None:
        depth, here = depth + 1, here.f_back
    return depth


@both_ways
async def test_tasks_that_feed_each_other_do_not_nest(wakeup: str) -> None:
    client, server = crossed(wakeup=wakeup)
    rounds = 50_000
    deepest: set[int] = set()

    async def echo() -> None:
        for _ in range(rounds):
            await server.send(await server.recv())

    async def play() -> None:
        for number in range(rounds):
            await client.send(str(number))
            assert await client.recv() == str(number)
            if number % 1000 == 999:
                deepest.add(stack_depth())

    await asyncio.gather(echo(), play())
    assert len(deepest) == 1


@both_ways
async def test_two_iterations_that_feed_each_other(wakeup: str) -> None:
    client, server = crossed(wakeup=wakeup)
    got: dict[str, int] = {}

    async def pass_on(ws: ClientConnection, name: str) -> None:
        async for message in ws:
            got[name] = int(message)
            if got[name] == 1000:
                return
            await ws.send(str(got[name] + 1))

    tasks = [await started(pass_on(client, "client")), await started(pass_on(server, "server"))]
    await client.send("1")
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert got == {"server": 999, "client": 1000}


@both_ways
async def test_message_to_the_other_connection_wakes_it_though_a_task_runs(wakeup: str) -> None:
    client, server = crossed(wakeup=wakeup)
    task = await started(server.recv())
    await client.send("x")
    assert await asyncio.wait_for(task, 1) == "x"


# Eager tasks.

eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")


@pytest.fixture
async def eager_tasks() -> None:
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)


@eager
@both_ways
@pytest.mark.usefixtures("eager_tasks")
async def test_eager_task_with_a_message_there_is_done_at_once(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    peer.feed(X)
    task = asyncio.create_task(ws.recv())
    assert (task.done(), await task) == (True, "x")


@eager
@both_ways
@pytest.mark.usefixtures("eager_tasks")
async def test_eager_task_that_waits_is_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = asyncio.create_task(ws.recv())
    await read(peer, X)
    assert await task == "x"


@eager
@both_ways
@pytest.mark.usefixtures("eager_tasks")
async def test_eager_tasks_started_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> list[Any]:
        first = await ws.recv()
        second = await asyncio.create_task(ws.recv())
        await asyncio.create_task(ws.send("out"))
        return [first, second, await asyncio.create_task(ws.recv())]

    task = asyncio.create_task(receive())
    await read(peer, X, Y)
    await ticks(3)
    await read(peer, Z)
    assert (await task, peer.payloads()) == (["x", "y", "z"], [b"out"])


@eager
@both_ways
@pytest.mark.usefixtures("eager_tasks")
async def test_eager_task_that_brings_the_bytes_enters_no_other(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    order: list[str] = []

    async def receive() -> None:
        await ws.recv()
        order.append("woken")

    async def bring() -> None:
        peer.feed(X)
        order.append("brought")

    task = asyncio.create_task(receive())
    asyncio.get_running_loop().call_soon(asyncio.create_task, bring())
    await task
    assert order == ["brought", "woken"]


# Debug mode, threads.


@both_ways
async def test_debug_mode(wakeup: str) -> None:
    asyncio.get_running_loop().set_debug(True)
    ws, peer = establish(wakeup=wakeup)

    async def echo() -> None:
        for _ in range(2):
            await ws.send(await ws.recv())

    task = await started(echo())
    await read(peer, X, Y)
    await task
    assert peer.payloads() == [b"x", b"y"]


async def received_alone() -> Any:
    """Receive a message over a connection of one's own."""
    ws, peer = establish()
    task = await started(ws.recv())
    await read(peer, X)
    return await task


def in_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine on an event loop of another thread, and wait for it."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(coroutine)))
    thread.start()
    thread.join()
    return results[0]


@both_ways
async def test_loop_of_another_thread_within_a_woken_task(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> list[Any]:
        return [await ws.recv(), in_thread(received_alone()), await ws.recv()]

    task = await started(receive())
    await read(peer, X, Y)
    assert await task == ["x", "x", "y"]
