"""A receiver cancelled, timed out, or at the connection's end, around the wake-up within a read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import TEXT, close_frame, frame
from tests.support.wakeups import X, Y, both_ways, read
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK

# Cancelled.


@both_ways
@pytest.mark.parametrize("message_first", [False, True])
async def test_cancelled_in_the_turn_of_the_message(wakeup: str, message_first: bool) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = await started(ws.recv())
    acts: list[Callable[[], object]] = [lambda: peer.feed(X), task.cancel]
    for act in acts if message_first else reversed(acts):
        asyncio.get_running_loop().call_soon(act)
    await asyncio.wait([task])
    got = await ws.recv() if task.cancelled() else task.result()
    assert got == "x"


@both_ways
@pytest.mark.parametrize("message_first", [False, True])
async def test_cancelled_in_the_callback_of_the_message(wakeup: str, message_first: bool) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = await started(ws.recv())

    def both() -> None:
        if message_first:
            peer.feed(X)
        task.cancel()
        if not message_first:
            peer.feed(X)

    asyncio.get_running_loop().call_soon(both)
    await asyncio.wait([task])
    got = await ws.recv() if task.cancelled() else task.result()
    assert got == "x"


@both_ways
async def test_task_that_cancels_itself_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> None:
        await ws.recv()
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await ws.recv()

    task = await started(receive())
    await read(peer, X)
    await asyncio.wait([task])
    await read(peer, Y)
    assert (task.cancelled(), await ws.recv()) == (True, "y")


@both_ways
async def test_task_that_cancels_another_receiver_when_woken(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    other, other_peer = establish(wakeup=wakeup)
    victim = await started(other.recv())

    async def receive() -> None:
        await ws.recv()
        victim.cancel()
        other_peer.feed(Y)

    task = await started(receive())
    await read(peer, X)
    await asyncio.wait([task, victim])
    assert (victim.cancelled(), await other.recv()) == (True, "y")


@both_ways
async def test_woken_task_cancels_the_one_that_awaits_it(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    outer: asyncio.Task[Any]

    async def receive() -> None:
        await ws.recv()
        outer.cancel()

    async def await_it() -> None:
        await asyncio.create_task(receive())

    outer = await started(await_it())
    await read(peer, X)
    await asyncio.wait([outer])
    assert outer.cancelled()


@both_ways
async def test_cancelled_after_it_was_woken_by_the_next_wait(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    never = asyncio.get_running_loop().create_future()
    got: list[Any] = []

    async def receive() -> None:
        got.append(await ws.recv())
        await never

    task = await started(receive())
    await read(peer, X)
    await ticks(2)
    task.cancel()
    await asyncio.wait([task])
    assert (got, task.cancelled()) == (["x"], True)


@both_ways
async def test_time_out_after_a_message_in_time(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)

    async def receive() -> list[Any]:
        got: list[Any] = []
        try:
            async with asyncio.timeout(1):
                while True:
                    got.append(await ws.recv())
        except TimeoutError:
            return got

    task = await started(receive())
    await read(peer, X, Y)
    assert await task == ["x", "y"]


@both_ways
async def test_wait_for_time_and_again(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    got: list[Any] = []
    late = 0

    async def receive() -> None:
        nonlocal late
        while len(got) < 10:
            try:
                got.append(await asyncio.wait_for(ws.recv(), 1))
            except TimeoutError:
                late += 1

    loop = asyncio.get_running_loop()
    for number in range(1, 11):
        loop.call_later(2 * number - 0.5, peer.feed, frame(TEXT, b"%d" % number))
    await receive()
    assert (got, late > 5) == ([str(number) for number in range(1, 11)], True)


# The end of the connection.


@both_ways
async def test_lost_while_waiting(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = await started(ws.recv())
    peer.lose(ConnectionResetError())
    with pytest.raises(ConnectionClosedError) as caught:
        await task
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@both_ways
async def test_lost_and_cancelled_in_one_turn(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = await started(ws.recv())
    peer.lose()
    asyncio.get_running_loop().call_soon(task.cancel)
    await asyncio.wait([task])
    with pytest.raises(ConnectionClosedError):
        await ws.recv()


@both_ways
async def test_closed_in_order_while_waiting(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = await started(ws.recv())
    await read(peer, close_frame(1000))
    peer.feed_eof()
    with pytest.raises(ConnectionClosedOK):
        await task


@both_ways
async def test_violation_while_waiting(wakeup: str) -> None:
    ws, peer = establish(wakeup=wakeup)
    task = await started(ws.recv())
    await read(peer, b"\xff\xff")
    peer.feed_eof()
    with pytest.raises(ConnectionClosedError):
        await task
