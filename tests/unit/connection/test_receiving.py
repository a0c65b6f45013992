"""recv() and iteration: order, types, time-outs, one receiver at a time, the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.connections import establish, started, take_all, ticks
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from wssdk.typing import Data

NOT_UTF8 = b"\xff\xfe"


async def test_messages_come_in_order() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(BINARY, b"2"), frame(TEXT, b"3"))
    assert [await ws.recv() for _ in range(3)] == ["1", b"2", "3"]


async def test_waiting_receiver_gets_the_message_that_comes() -> None:
    ws, peer = establish()
    task = await started(ws.recv())
    peer.feed(frame(TEXT, b"x"))
    assert await task == "x"


async def test_message_that_is_there_is_returned_without_a_turn_of_the_loop() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"))
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await ws.recv()
    assert not turned.is_set()


async def test_fragments_come_as_one_message() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, "é".encode()[:1], fin=False), frame(CONT, "é".encode()[1:]))
    assert await ws.recv() == "é"


async def test_control_frame_between_fragments_changes_nothing() -> None:
    ws, peer = establish()
    peer.feed(frame(BINARY, b"a", fin=False), frame(PING, b"?"), frame(CONT, b"b"))
    assert await ws.recv() == b"ab"


@pytest.mark.parametrize(
    ("opcode", "decode", "expected"),
    [
        (TEXT, None, "é"),
        (TEXT, True, "é"),
        (TEXT, False, "é".encode()),
        (BINARY, None, "é".encode()),
        (BINARY, True, "é"),
        (BINARY, False, "é".encode()),
    ],
)
@pytest.mark.parametrize("fragmented", [False, True])
async def test_decode_forces_the_type(
    opcode: int, decode: bool | None, expected: str | bytes, fragmented: bool
) -> None:
    ws, peer = establish()
    if fragmented:
        peer.feed(frame(opcode, "é".encode()[:1], fin=False), frame(CONT, "é".encode()[1:]))
    else:
        peer.feed(frame(opcode, "é".encode()))
    assert await ws.recv(decode=decode) == expected


async def test_text_that_is_not_utf8_fails_the_connection_with_1007() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(TEXT, NOT_UTF8))
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert (peer.close_codes(), type(caught.value.__cause__)) == ([1007], UnicodeDecodeError)


async def test_binary_that_is_not_text_fails_where_text_is_forced() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(BINARY, NOT_UTF8))
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv(decode=True)
    assert (peer.close_codes(), type(caught.value.__cause__)) == ([1003], UnicodeDecodeError)


async def test_binary_that_is_not_text_is_told_after_an_orderly_close_too() -> None:
    ws, peer = establish()
    peer.feed(frame(BINARY, NOT_UTF8), close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv(decode=True)
    assert isinstance(caught.value.__cause__, UnicodeDecodeError)


async def test_messages_behind_one_that_is_not_text_stay_readable() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(BINARY, NOT_UTF8), frame(TEXT, b"next"))
    with pytest.raises(ConnectionClosedError):
        await ws.recv(decode=True)
    assert await ws.recv() == "next"


# Time-outs.


async def test_recv_times_out() -> None:
    ws, _ = establish()
    with pytest.raises(TimeoutError, match=r"no message within 2\.5 s"):
        await ws.recv(timeout=2.5)


async def test_recv_times_out_when_its_time_is_over() -> None:
    ws, _ = establish()
    loop = asyncio.get_running_loop()
    start = loop.time()
    with pytest.raises(TimeoutError):
        await ws.recv(timeout=2.5)
    assert loop.time() - start == pytest.approx(2.5)


async def test_timed_out_recv_loses_nothing() -> None:
    ws, peer = establish()
    with pytest.raises(TimeoutError):
        await ws.recv(timeout=1)
    peer.feed(frame(TEXT, b"late"))
    assert await ws.recv(timeout=1) == "late"


async def test_message_that_is_there_needs_no_time() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"))
    assert await ws.recv(timeout=0) == "x"


async def test_time_out_around_recv_is_not_taken_for_its_own() -> None:
    ws, _ = establish()
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(1):
            await ws.recv(timeout=2)
    assert "no message" not in str(caught.value)


async def test_end_of_the_connection_is_no_time_out() -> None:
    ws, peer = establish()
    task = await started(ws.recv(timeout=5))
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await task


# One receiver at a time.

RECEIVE: dict[str, Callable[[ClientConnection], Any]] = {
    "recv": lambda ws: ws.recv(),
    "recv with a timeout": lambda ws: ws.recv(timeout=1),
    "anext": lambda ws: anext(ws),
    "recv_streaming": lambda ws: anext(ws.recv_streaming()),
}
CALLED = {name: name if name == "recv_streaming" else "recv" for name in RECEIVE}


@pytest.mark.parametrize("first", RECEIVE)
@pytest.mark.parametrize("second", RECEIVE)
async def test_second_receiver_is_refused_by_name(first: str, second: str) -> None:
    ws, peer = establish()
    task = await started(RECEIVE[first](ws))
    with pytest.raises(ConcurrencyError) as caught:
        await RECEIVE[second](ws)
    peer.feed(frame(TEXT, b"x"))
    await task
    assert str(caught.value) == (
        f"cannot call {CALLED[second]} while another coroutine is already running recv or recv_streaming"
    )


async def test_refused_receiver_does_not_disturb_the_first() -> None:
    ws, peer = establish()
    task = await started(ws.recv())
    with pytest.raises(ConcurrencyError):
        await ws.recv()
    peer.feed(frame(TEXT, b"x"))
    assert await task == "x"


async def test_receiver_with_its_message_on_the_way_is_still_the_only_one() -> None:
    ws, peer = establish()
    task = await started(ws.recv())
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    with pytest.raises(ConcurrencyError):
        await ws.recv()
    assert [await task, await ws.recv()] == ["1", "2"]


# The end.


async def test_messages_before_the_close_are_readable_after_it() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"), close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    assert [await ws.recv(), await ws.recv()] == ["1", "2"]


async def test_messages_before_a_broken_pipe_are_readable_after_it() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"))
    peer.lose(ConnectionResetError())
    await ws.wait_closed()
    assert await ws.recv() == "1"


async def test_recv_after_the_last_message_raises_every_time() -> None:
    ws, peer = establish()
    peer.lose()
    for _ in range(2):
        with pytest.raises(ConnectionClosedError):
            await ws.recv()


async def test_unfinished_message_is_not_returned() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1", fin=False))
    peer.feed_eof()
    with pytest.raises(ConnectionClosedError):
        await ws.recv()


@pytest.mark.parametrize("last", [close_frame(1000), close_frame(1001, b"moving"), frame(CLOSE)])
async def test_iteration_ends_quietly_on_an_orderly_close(last: bytes) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(BINARY, b"2"), last)
    peer.feed_eof()
    assert [message async for message in ws] == ["1", b"2"]


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
async def test_iteration_raises_on_another_close_code(code: int) -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), close_frame(code))
    peer.feed_eof()
    got: list[Data] = []
    with pytest.raises(ConnectionClosedError) as caught:
        await take_all(ws, got)
    assert (got, caught.value.code) == (["1"], code)


async def test_iteration_raises_when_the_pipe_breaks() -> None:
    ws, peer = establish()
    peer.lose(ConnectionResetError("reset"))
    with pytest.raises(ConnectionClosedError) as caught:
        await anext(ws)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_recv_raises_on_an_orderly_close() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    with pytest.raises(ConnectionClosedOK):
        await ws.recv()


async def test_waiting_receiver_is_told_of_the_end() -> None:
    ws, peer = establish()
    task = await started(ws.recv())
    peer.lose()
    with pytest.raises(ConnectionClosed):
        await task


async def test_iterator_stays_ended() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    for _ in range(2):
        assert [message async for message in ws] == []


async def test_connection_is_its_own_iterator() -> None:
    ws, _ = establish()
    assert aiter(ws) is ws


async def test_anext_that_timed_out_leaves_the_iterator_usable() -> None:
    ws, peer = establish()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(ws)
    peer.feed(frame(TEXT, b"x"), close_frame(1000))
    peer.feed_eof()
    assert [message async for message in ws] == ["x"]


async def test_loop_that_was_left_can_be_taken_up() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    async for _ in ws:
        break
    assert await ws.recv() == "2"


async def test_receiving_from_within_two_tasks_in_turn() -> None:
    ws, peer = establish()
    for number in (b"1", b"2"):
        task = await started(ws.recv())
        peer.feed(frame(BINARY, number))
        assert await task == number


async def test_recv_in_closing_waits_for_what_is_still_to_come() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    task = await started(ws.recv())
    peer.feed(frame(TEXT, b"last"), close_frame(1000))
    await ticks(3)
    peer.feed_eof()
    await closing
    assert await task == "last"


async def test_empty_messages_are_messages() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT), frame(BINARY))
    await settle()
    assert [await ws.recv(), await ws.recv()] == ["", b""]


class Prefixing(ClientConnection):
    """A user's connection with a recv() of its own."""

    async def recv(self, **keywords: Any) -> Any:
        """Mark what was received."""
        return f"mine:{await super().recv(**keywords)}"


async def test_iteration_goes_by_way_of_a_subclass_s_recv() -> None:
    ws, peer = establish(kind=Prefixing)
    peer.feed(frame(TEXT, b"a"), frame(TEXT, b"b"), close_frame(1000))
    peer.feed_eof()
    assert [message async for message in ws] == ["mine:a", "mine:b"]
