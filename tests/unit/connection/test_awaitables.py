"""recv(), anext() and send() are no coroutines, and go wherever a coroutine goes."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from tests.support.connections import establish, started, ticks
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import BINARY, TEXT, close_frame, frame
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedOK

Make: TypeAlias = Callable[[ClientConnection], Coroutine[Any, Any, Any]]
Wait: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]

RECEIVING: dict[str, Make] = {
    "recv": lambda ws: ws.recv(),
    "anext": lambda ws: anext(ws),
    "recv_many": lambda ws: ws.recv_many(),
}
MAKERS: dict[str, Make] = {**RECEIVING, "send": lambda ws: ws.send("out"), "ping": lambda ws: ws.ping()}
every_receiving = pytest.mark.parametrize("make", RECEIVING.values(), ids=RECEIVING)
every_call = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


async def awaited(call: Coroutine[Any, Any, Any]) -> Any:
    return await call


async def by_gather(call: Coroutine[Any, Any, Any]) -> Any:
    return (await asyncio.gather(call, asyncio.sleep(0)))[0]


async def by_group(call: Coroutine[Any, Any, Any]) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call)
    return task.result()


async def by_wait(call: Coroutine[Any, Any, Any]) -> Any:
    done, _ = await asyncio.wait([asyncio.ensure_future(call)])
    return done.pop().result()


async def by_as_completed(call: Coroutine[Any, Any, Any]) -> Any:
    for first in asyncio.as_completed([call]):
        return await first
    return None


async def by_timeout(call: Coroutine[Any, Any, Any]) -> Any:
    async with asyncio.timeout(60):
        return await call


async def by_other_thread(call: Coroutine[Any, Any, Any]) -> Any:
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(call, loop).result(10))


WAITS: dict[str, Wait] = {
    "await": awaited,
    "create_task": lambda call: asyncio.create_task(call),
    "ensure_future": asyncio.ensure_future,
    "wait_for": lambda call: asyncio.wait_for(call, 60),
    "wait_for without limit": lambda call: asyncio.wait_for(call, None),
    "shield": asyncio.shield,
    "gather": by_gather,
    "TaskGroup": by_group,
    "wait": by_wait,
    "as_completed": by_as_completed,
    "timeout": by_timeout,
}
every_wait = pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)


async def awaited_by(wait: Wait, call: Coroutine[Any, Any, Any]) -> Any:
    return await wait(call)


def expected(make: Make, message: str) -> Any:
    return [message] if make is RECEIVING["recv_many"] else message


# Where a coroutine may be given.


@every_wait
@every_receiving
async def test_message_that_is_there_is_given(make: Make, wait: Wait) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"))
    assert await wait(make(ws)) == expected(make, "x")


@every_wait
@every_receiving
async def test_message_that_comes_is_given(make: Make, wait: Wait) -> None:
    ws, peer = establish()
    task = await started(awaited_by(wait, make(ws)))
    peer.feed(frame(TEXT, b"x"))
    assert await task == expected(make, "x")


@every_wait
async def test_message_is_sent(wait: Wait) -> None:
    ws, peer = establish()
    await wait(ws.send("x"))
    assert peer.payloads() == [b"x"]


@every_wait
async def test_message_is_sent_by_a_send_that_waits(wait: Wait) -> None:
    ws, peer = establish(high=10, low=5)
    peer.stop_peer()
    blocking = await started(ws.send(bytes(100)))
    task = await started(awaited_by(wait, ws.send("x")))
    waits = not task.done()
    peer.resume_peer()
    await asyncio.gather(blocking, task)
    assert (waits, peer.payloads()[1:]) == (True, [b"x"])


@pytest.mark.parametrize("wait", [awaited, by_gather, asyncio.shield, by_wait, by_timeout])
@pytest.mark.parametrize(
    ("make", "error"),
    [(RECEIVING["recv"], ConnectionClosedOK), (RECEIVING["anext"], StopAsyncIteration)],
    ids=["recv", "anext"],
)
async def test_end_of_the_connection_is_raised(make: Make, error: type[Exception], wait: Wait) -> None:
    ws, peer = establish()
    future = asyncio.ensure_future(waited_for(wait, make(ws)))
    await ticks(3)
    peer.feed(close_frame(1000))
    peer.feed_eof()
    assert type(await future) is error


async def waited_for(wait: Wait, call: Coroutine[Any, Any, Any]) -> Any:
    """Return the error of a wait."""
    try:
        return await wait(call)
    except Exception as error:
        return error


@every_receiving
async def test_end_of_the_connection_leaves_a_task_group(make: Make) -> None:
    ws, peer = establish()
    task = await started(waited_for(by_group, make(ws)))
    peer.feed(close_frame(1001))
    peer.feed_eof()
    assert isinstance(await task, ExceptionGroup)


@every_receiving
async def test_task_that_is_cancelled_leaves_the_message(make: Make) -> None:
    ws, peer = establish()
    task = await started(make(ws))
    task.cancel()
    await asyncio.wait([task])
    peer.feed(frame(TEXT, b"x"))
    assert await make(ws) == expected(make, "x")


@every_receiving
async def test_time_out_leaves_the_message(make: Make) -> None:
    ws, peer = establish()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(make(ws), 1)
    peer.feed(frame(TEXT, b"x"))
    assert await make(ws) == expected(make, "x")


@every_receiving
async def test_cancel_message_reaches_the_task(make: Make) -> None:
    ws, _ = establish()

    async def receive() -> None:
        await make(ws)

    task = await started(receive())
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task


async def test_shielded_recv_outlives_its_task() -> None:
    ws, peer = establish()
    inner = await started(ws.recv())
    outer = await started(awaited_by(asyncio.shield, inner))  # type: ignore[arg-type]
    outer.cancel()
    await asyncio.wait([outer])
    peer.feed(frame(TEXT, b"x"))
    assert await inner == "x"


async def test_other_thread_can_have_the_message() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"))
    loop = asyncio.get_running_loop()
    got: asyncio.Future[Any] = loop.create_future()

    def other() -> None:
        message = asyncio.run_coroutine_threadsafe(ws.recv(), loop)
        message.add_done_callback(lambda done: loop.call_soon_threadsafe(got.set_result, done.result()))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert await got == "x"


async def test_recv_and_send_go_into_one_gather() -> None:
    ws, peer = establish()
    asyncio.get_running_loop().call_later(1, peer.feed, frame(TEXT, b"in"))
    await asyncio.gather(ws.recv(), ws.send("out"))
    assert peer.payloads() == [b"out"]


# What they are.


@every_call
@pytest.mark.parametrize(
    "test",
    [
        inspect.isawaitable,
        asyncio.iscoroutine,
        lambda call: isinstance(call, Coroutine),
        lambda call: isinstance(call, Awaitable),
    ],
    ids=["isawaitable", "iscoroutine", "Coroutine", "Awaitable"],
)
async def test_taken_for_a_coroutine(make: Make, test: Callable[[object], bool]) -> None:
    ws, _ = establish()
    call = make(ws)
    try:
        assert test(call)
    finally:
        call.close()


@every_call
async def test_not_a_coroutine_of_the_interpreter(make: Make) -> None:
    ws, _ = establish()
    call = make(ws)
    try:
        assert not isinstance(call, types.CoroutineType)
    finally:
        call.close()


# What they give.

SIZES = [0, 1, 125, 126, 1024, 1025, 4096, 4097, 5000, 65535, 65536, 1 << 20]


@pytest.mark.parametrize("size", SIZES)
async def test_text_of_any_size_is_given(size: int) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"a" * size))
    assert await ws.recv() == "a" * size


@pytest.mark.parametrize("size", SIZES)
async def test_bytes_of_any_size_are_given(size: int) -> None:
    ws, peer = establish()
    peer.feed(frame(BINARY, b"a" * size))
    assert await ws.recv() == b"a" * size


@pytest.mark.parametrize("size", SIZES)
async def test_task_gives_bytes_of_any_size(size: int) -> None:
    ws, peer = establish()
    peer.feed(frame(BINARY, b"a" * size))
    assert await asyncio.create_task(ws.recv()) == b"a" * size


@pytest.mark.parametrize("text", ["é" * 1024, "€" * 1024, "\U0001f600" * 1025])
async def test_text_beyond_ascii_is_given(text: str) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, text.encode()))
    assert await ws.recv() == text


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_large_message_is_kept_alive_by_its_user_alone(opcode: int) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"a"), frame(opcode, b"b" * (1 << 20)))
    got = [await ws.recv() for _ in range(2)]
    other = [*got[:1], b"b" * (1 << 20)]
    gc.collect()
    assert sys.getrefcount(got[1]) == sys.getrefcount(other[1])


async def test_stop_iterations_of_two_messages_are_apart() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    stops = []
    for _ in range(2):
        with pytest.raises(StopIteration) as caught:
            ws.recv().send(None)
        stops.append(caught.value)
    assert [stop.value for stop in stops] == ["1", "2"]


async def test_message_handled_while_another_error_is_does_not_keep_it() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    kept: list[str] = []
    for _ in range(2):
        try:
            raise ValueError("why")
        except ValueError:
            kept.append(str(await ws.recv()))
    peer.feed(frame(TEXT, b"3"))
    with pytest.raises(StopIteration) as caught:
        ws.recv().send(None)
    assert (kept, caught.value.__context__) == (["1", "2"], None)


# Debug mode.


@every_receiving
async def test_debug_mode(make: Make) -> None:
    ws, peer = establish()
    asyncio.get_running_loop().set_debug(True)
    task = await started(make(ws))
    peer.feed(frame(TEXT, b"x"))
    assert await task == expected(make, "x")


async def test_send_in_debug_mode() -> None:
    ws, peer = establish()
    asyncio.get_running_loop().set_debug(True)
    await asyncio.create_task(ws.send("x"))
    assert peer.payloads() == [b"x"]


@every_call
async def test_task_of_it_has_a_repr(make: Make) -> None:
    ws, peer = establish()
    task = asyncio.create_task(make(ws))
    before = repr(task)
    await ticks(1)
    waiting = repr(task)
    peer.feed(frame(TEXT, b"x"))
    await task
    assert ("pending" in before, "Task" in waiting, "finished" in repr(task)) == (True, True, True)


@every_call
async def test_task_of_it_has_a_stack(make: Make) -> None:
    ws, peer = establish()
    task = await started(make(ws))
    assert task.get_stack() == []
    peer.feed(frame(TEXT, b"x"))
    await task


# A loop that is closed.


def run_until_closed(make: Make) -> tuple[ClientConnection, PlayedTransport, list[dict[str, Any]]]:
    """Close a loop on which a task waits; return what was left, and what the loop's handler saw."""
    unseen: list[dict[str, Any]] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: unseen.append(context))

    async def begin() -> tuple[ClientConnection, PlayedTransport]:
        ws, peer = establish()
        _ = await started(make(ws))
        return ws, peer

    try:
        ws, peer = loop.run_until_complete(begin())
    finally:
        loop.close()
    return ws, peer, unseen


@every_receiving
def test_task_that_waits_on_a_closed_loop_goes_with_its_connection(make: Make) -> None:
    unseen = run_until_closed(make)[2]
    gc.collect()
    assert [context["message"] for context in unseen] == ["Task was destroyed but it is pending!"]
