"""recv_many(), recv_nowait(), batches() and send_many(): many messages at once, none lost, none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import BINARY, CLOSE, CONT, TEXT, close_frame, frame
from wssdk.errors import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from wssdk.wire.deflate import Inflater, PerMessageDeflate


def numbered(count: int, start: int = 0) -> bytes:
    """Return text messages of rising numbers."""
    return b"".join(frame(TEXT, b"%d" % number) for number in range(start, start + count))


def numbers(count: int, start: int = 0) -> list[str]:
    """Return what the user gets of them."""
    return [str(number) for number in range(start, start + count)]


# recv_many()


async def test_all_that_is_there_comes_at_once() -> None:
    ws, peer = establish()
    peer.feed(numbered(5))
    assert await ws.recv_many() == numbers(5)


async def test_no_more_than_asked_for() -> None:
    ws, peer = establish()
    peer.feed(numbered(5))
    assert [await ws.recv_many(2), await ws.recv_many(2), await ws.recv_many(2)] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]


async def test_first_message_is_waited_for() -> None:
    ws, peer = establish()
    task = await started(ws.recv_many())
    peer.feed(numbered(3))
    assert await task == numbers(3)


@pytest.mark.parametrize("most", [None, 1, 7, 1000])
async def test_small_inbox_loses_nothing(most: int | None) -> None:
    ws, peer = establish(max_queue=4)
    peer.feed(numbered(500))
    got: list[Any] = []
    while len(got) < 500:
        got += await ws.recv_many(most)
    assert got == numbers(500)


async def test_fragments_come_as_one_of_them() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"a"), frame(BINARY, b"b", fin=False), frame(CONT, b"c"))
    assert await ws.recv_many() == ["a", b"bc"]


async def test_messages_before_the_end_come_first() -> None:
    ws, peer = establish()
    peer.feed(numbered(2), close_frame(1000))
    assert await ws.recv_many() == numbers(2)
    peer.feed_eof()
    with pytest.raises(ConnectionClosedOK):
        await ws.recv_many()


@pytest.mark.parametrize("most", [0, -1])
async def test_less_than_one_is_refused(most: int) -> None:
    ws, _ = establish()
    with pytest.raises(ValueError, match=f"max must be 1 or more, or None for all there are, not {most}"):
        await ws.recv_many(most)


async def test_cancelled_recv_many_loses_nothing() -> None:
    ws, peer = establish()
    task = await started(ws.recv_many())
    peer.feed(numbered(2))
    task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    got = results[0] if isinstance(results[0], list) else await ws.recv_many()
    assert got == numbers(2)


async def test_one_receiver_at_a_time() -> None:
    ws, peer = establish()
    task = await started(ws.recv_many())
    with pytest.raises(ConcurrencyError):
        await ws.recv_many()
    peer.feed(numbered(1))
    await task


# batches()


async def test_batches_hold_every_message_once() -> None:
    ws, peer = establish(max_queue=8)
    task = asyncio.create_task(collected(ws.batches()))
    for start in range(0, 100, 20):
        peer.feed(numbered(20, start))
        await ticks(2)
    peer.feed(close_frame(1000))
    peer.feed_eof()
    assert [message for batch in await task for message in batch] == numbers(100)


async def test_batches_are_no_larger_than_asked_for() -> None:
    ws, peer = establish()
    peer.feed(numbered(5), close_frame(1000))
    peer.feed_eof()
    assert [len(batch) async for batch in ws.batches(2)] == [2, 2, 1]


async def test_batches_end_with_an_error_where_the_connection_does() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1011))
    peer.feed_eof()
    with pytest.raises(ConnectionClosedError):
        await anext(ws.batches())


async def test_batches_of_nothing_are_refused() -> None:
    ws, _ = establish()
    with pytest.raises(ValueError, match="max must be 1 or more"):
        ws.batches(0)


async def collected(batches: Any) -> list[Any]:
    """Return all batches."""
    return [batch async for batch in batches]


# recv_nowait()


async def test_message_that_is_there_is_returned() -> None:
    ws, peer = establish()
    peer.feed(numbered(2))
    assert [ws.recv_nowait(), ws.recv_nowait()] == numbers(2)


async def test_fragments_are_returned_as_one() -> None:
    ws, peer = establish()
    peer.feed(frame(BINARY, b"b", fin=False), frame(CONT, b"c"))
    assert ws.recv_nowait() == b"bc"


async def test_nothing_there() -> None:
    ws, _ = establish()
    with pytest.raises(asyncio.QueueEmpty, match="no message has been received"):
        ws.recv_nowait()


async def test_nothing_will_come() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedOK):
        ws.recv_nowait()


async def test_somebody_receives_already() -> None:
    ws, peer = establish()
    task = await started(ws.recv())
    with pytest.raises(ConcurrencyError, match="recv_nowait"):
        ws.recv_nowait()
    peer.feed(numbered(1))
    await task


# send_many()


async def test_messages_go_out_in_one_write() -> None:
    ws, peer = establish()
    await ws.send_many(["a", b"b", bytearray(b"c"), memoryview(b"d")])
    assert [(got.opcode, got.payload) for got in peer.frames()] == [
        (TEXT, b"a"),
        (BINARY, b"b"),
        (BINARY, b"c"),
        (BINARY, b"d"),
    ]
    assert peer.writes == 1


@pytest.mark.parametrize(("text", "opcode"), [(True, TEXT), (False, BINARY)])
async def test_text_is_for_all_of_them(text: bool, opcode: int) -> None:
    ws, peer = establish()
    await ws.send_many(["a", b"b"], text=text)
    assert [got.opcode for got in peer.frames()] == [opcode, opcode]


async def test_nothing_to_send_writes_nothing() -> None:
    ws, peer = establish()
    await ws.send_many([])
    assert peer.frames() == []


async def test_many_bytes_wait_for_the_peer() -> None:
    ws, peer = establish(high=1000, low=10)
    peer.stop_peer()
    task = asyncio.create_task(ws.send_many([bytes(60_000)] * 10))
    await ticks(20)
    written = len(peer.frames())
    peer.resume_peer()
    await task
    assert (written < 10, len(peer.frames())) == (True, 10)


async def test_no_message_comes_between_them() -> None:
    ws, peer = establish(high=1000, low=10)
    peer.stop_peer()
    many = asyncio.create_task(ws.send_many([b"m" * 60_000] * 4))
    await ticks(5)
    one = asyncio.create_task(ws.send("one"))
    await ticks(5)
    peer.resume_peer()
    await asyncio.gather(many, one)
    assert [got.opcode for got in peer.frames()] == [BINARY] * 4 + [TEXT]


@pytest.mark.parametrize("message", ["abc", b"abc", bytearray(b"abc"), memoryview(b"abc")])
async def test_one_message_is_refused(message: Any) -> None:
    ws, peer = establish()
    with pytest.raises(TypeError, match="for one message use send"):
        await ws.send_many(message)
    assert peer.frames() == []


async def test_message_of_the_wrong_type_stops_there() -> None:
    ws, peer = establish()
    messages: list[Any] = ["a", 1, "b"]
    with pytest.raises(TypeError, match="each message must be str, bytes, bytearray or memoryview, not int"):
        await ws.send_many(messages)
    assert [got.payload for got in peer.frames()] == [b"a"]


async def test_iterable_that_fails_leaves_compression_whole() -> None:
    ws, peer = establish(extensions=[PerMessageDeflate(False, False, 15, 15)])

    def failing() -> Iterator[str]:
        yield "Hello"
        raise LookupError

    with pytest.raises(LookupError):
        await ws.send_many(failing())
    await ws.send("Hello")
    inflater = Inflater(15, False)
    assert [inflater.inflate(got.payload, True, -1) for got in peer.frames()] == [b"Hello", b"Hello"]


async def test_closed_connection_sends_none() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedOK):
        await ws.send_many(["a"])
    assert [got.opcode for got in peer.frames()] == [CLOSE]


async def test_others_can_send_after_a_failure() -> None:
    ws, peer = establish()
    with pytest.raises(TypeError):
        await ws.send_many([None])  # type: ignore[list-item]
    await asyncio.wait_for(ws.send("a"), 1)
    assert [got.payload for got in peer.frames()] == [b"a"]
