"""recv(), anext() and send() awaited twice, thrown into, closed, or never awaited at all."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import TEXT, frame
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError

Make: TypeAlias = Callable[[ClientConnection], Coroutine[Any, Any, Any]]

RECEIVING: dict[str, Make] = {
    "recv": lambda ws: ws.recv(),
    "anext": lambda ws: anext(ws),
    "recv_many": lambda ws: ws.recv_many(),
}
MAKERS: dict[str, Make] = {**RECEIVING, "send": lambda ws: ws.send("out")}
every_receiving = pytest.mark.parametrize("make", RECEIVING.values(), ids=RECEIVING)
every_call = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


async def awaited(call: Coroutine[Any, Any, Any]) -> Any:
    return await call


def expected(make: Make, message: str) -> Any:
    return [message] if make is RECEIVING["recv_many"] else message


# One object, more than one await.


@every_receiving
async def test_awaited_twice_at_once(make: Make) -> None:
    ws, peer = establish()
    call = make(ws)
    first = await started(awaited(call))
    with pytest.raises(ConcurrencyError, match=r"this recv\(\) is awaited already"):
        await call
    peer.feed(frame(TEXT, b"x"))
    assert await first == expected(make, "x")


@every_receiving
async def test_two_tasks_of_one_object(make: Make) -> None:
    ws, peer = establish()
    call = make(ws)
    first, second = asyncio.create_task(call), asyncio.create_task(call)
    await ticks(2)
    peer.feed(frame(TEXT, b"x"))
    await asyncio.wait([first, second])
    assert (first.result(), type(second.exception())) == (expected(make, "x"), ConcurrencyError)


@every_receiving
async def test_second_receiver_is_refused(make: Make) -> None:
    ws, peer = establish()
    first = await started(make(ws))
    with pytest.raises(ConcurrencyError, match="already running recv"):
        await ws.recv()
    peer.feed(frame(TEXT, b"x"))
    assert await first == expected(make, "x")


@every_receiving
async def test_awaited_again_gives_the_next_message(make: Make) -> None:
    ws, peer = establish()
    call = make(ws)
    peer.feed(frame(TEXT, b"1"))
    got = [await call]
    peer.feed(frame(TEXT, b"2"))
    got.append(await call)
    assert got == [expected(make, "1"), expected(make, "2")]


@every_receiving
async def test_two_objects_made_before_either_is_awaited(make: Make) -> None:
    ws, peer = establish()
    calls = [make(ws), make(ws)]
    got = []
    for text in ("1", "2"):
        peer.feed(frame(TEXT, text.encode()))
        got.append(await calls.pop(0))
    assert got == [expected(make, "1"), expected(make, "2")]


async def test_objects_of_one_connection_are_never_mixed_up_while_one_waits() -> None:
    ws, peer = establish()
    task = await started(ws.recv())
    calls = [ws.recv() for _ in range(5)]
    for call in calls:
        with pytest.raises(ConcurrencyError):
            await call
    peer.feed(frame(TEXT, b"x"))
    assert await task == "x"


async def test_send_awaited_again_is_refused() -> None:
    ws, peer = establish()
    call = ws.send("x")
    await call
    with pytest.raises(RuntimeError, match=r"cannot reuse a send\(\)"):
        await call
    assert peer.payloads() == [b"x"]


async def test_send_awaited_twice_at_once_is_refused() -> None:
    ws, peer = establish(high=10, low=5)
    peer.stop_peer()
    call = ws.send(bytes(100))
    first = await started(awaited(call))
    with pytest.raises(RuntimeError):
        await call
    peer.resume_peer()
    await first
    assert peer.payloads() == [bytes(100)]


# close() and throw(), as on a coroutine.


@every_call
async def test_closed_before_it_began(make: Make) -> None:
    ws, peer = establish()
    make(ws).close()
    assert peer.payloads() == []


@every_receiving
async def test_closed_while_it_waits_leaves_the_way_free(make: Make) -> None:
    ws, peer = establish()
    call = make(ws)
    call.send(None)
    call.close()
    peer.feed(frame(TEXT, b"x"))
    assert await ws.recv() == "x"


@every_call
async def test_closed_twice(make: Make) -> None:
    ws, _ = establish()
    call = make(ws)
    call.close()
    call.close()


@every_call
@pytest.mark.parametrize(
    "thrown",
    [
        (ValueError("why"),),
        (ValueError, ValueError("why")),
        (ValueError, "why"),
        (ValueError, ValueError("why"), None),
    ],
    ids=["error", "class and error", "class and argument", "all three"],
)
async def test_throw_before_it_began(make: Make, thrown: tuple[Any, ...]) -> None:
    ws, peer = establish()
    with pytest.raises(ValueError, match="why"):
        make(ws).throw(*thrown)
    assert peer.payloads() == []


@every_receiving
async def test_throw_while_it_waits_leaves_the_way_free(make: Make) -> None:
    ws, peer = establish()
    call = make(ws)
    call.send(None)
    with pytest.raises(ValueError, match="why"):
        call.throw(ValueError("why"))
    peer.feed(frame(TEXT, b"x"))
    assert await ws.recv() == "x"


async def test_send_closed_while_it_waits_its_turn_sends_nothing() -> None:
    ws, peer = establish(high=10, low=5)
    peer.stop_peer()
    blocking = await started(ws.send(bytes(100)))
    call = ws.send("x")
    call.send(None)
    call.close()
    peer.resume_peer()
    await blocking
    await ws.send("y")
    assert peer.payloads()[1:] == [b"y"]


async def test_throw_into_a_send_that_waits_its_turn_sends_nothing() -> None:
    ws, peer = establish(high=10, low=5)
    peer.stop_peer()
    blocking = await started(ws.send(bytes(100)))
    call = ws.send("x")
    call.send(None)
    with pytest.raises(ValueError, match="why"):
        call.throw(ValueError("why"))
    peer.resume_peer()
    await blocking
    await ws.send("y")
    assert peer.payloads()[1:] == [b"y"]


async def test_coroutine_closed_within_recv_leaves_the_way_free() -> None:
    ws, peer = establish()
    coroutine = awaited(ws.recv())
    coroutine.send(None)
    coroutine.close()
    peer.feed(frame(TEXT, b"x"))
    assert await ws.recv() == "x"


async def test_coroutine_dropped_within_recv_leaves_the_way_free() -> None:
    ws, peer = establish()
    coroutine = awaited(ws.recv())
    coroutine.send(None)
    del coroutine
    gc.collect()
    peer.feed(frame(TEXT, b"x"))
    assert await ws.recv() == "x"


# A send() that nobody awaits.


def forget_to_await(ws: ClientConnection) -> None:
    ws.send("x")  # type: ignore[unused-coroutine]
    gc.collect()


async def test_send_that_was_not_awaited_warns() -> None:
    ws, _ = establish()
    with pytest.warns(RuntimeWarning, match=r"send\(\) was never awaited.*await ws\.send"):
        forget_to_await(ws)


async def test_send_that_was_not_awaited_sends_nothing() -> None:
    ws, peer = establish()
    with pytest.warns(RuntimeWarning):
        forget_to_await(ws)
    await ticks(3)
    assert peer.payloads() == []


async def test_warning_names_the_line_without_await() -> None:
    ws, _ = establish()
    with pytest.warns(RuntimeWarning) as caught:
        forget_to_await(ws)
    line = forget_to_await.__code__.co_firstlineno + 1
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


@every_receiving
async def test_recv_that_was_not_awaited_takes_nothing(make: Make) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"))
    _ = make(ws)
    assert await ws.recv() == "x"
