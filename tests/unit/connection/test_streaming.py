"""recv_streaming(): fragments as they come, torn messages, decoding, the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.connections import establish, started, take_all, ticks
from tests.support.raw_peer import BINARY, CONT, PING, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from wssdk.typing import Data

E_ACUTE = "é".encode()
THREE = [frame(TEXT, b"a", fin=False), frame(CONT, b"b", fin=False), frame(CONT, b"c")]


async def parts_of(ws: ClientConnection, decode: bool | None = None) -> list[Data]:
    return [part async for part in ws.recv_streaming(decode=decode)]


async def test_fragments_that_came_before_are_given_as_they_came() -> None:
    ws, peer = establish()
    peer.feed(*THREE)
    assert await parts_of(ws) == ["a", "b", "c"]


async def test_fragments_are_given_as_they_come() -> None:
    ws, peer = establish()
    stream = ws.recv_streaming()
    got = []
    for one in THREE:
        task = await started(anext(stream))
        peer.feed(one)
        got.append(await task)
    assert got == ["a", "b", "c"]


async def test_first_fragments_are_given_before_the_last_one_came() -> None:
    ws, peer = establish()
    peer.feed(*THREE[:2])
    stream = ws.recv_streaming()
    assert [await anext(stream), await anext(stream)] == ["a", "b"]


async def test_message_in_one_frame_is_one_fragment() -> None:
    ws, peer = establish()
    peer.feed(frame(BINARY, b"whole"))
    assert await parts_of(ws) == [b"whole"]


async def test_text_in_one_frame_is_one_fragment() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"whole"))
    assert await parts_of(ws) == ["whole"]


async def test_message_in_one_frame_that_is_waited_for_is_one_fragment() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(frame(TEXT, b"whole"))
    assert await task == ["whole"]


async def test_next_message_is_left_alone() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(*THREE, frame(TEXT, b"next"))
    assert (await task, await ws.recv()) == (["a", "b", "c"], "next")


async def test_two_messages_are_streamed_one_after_the_other() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(*THREE, *THREE)
    assert (await task, await parts_of(ws)) == (["a", "b", "c"], ["a", "b", "c"])


async def test_pings_between_fragments_change_nothing() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    for one in THREE:
        peer.feed(frame(PING, b"?"), one)
        await settle()
    assert await task == ["a", "b", "c"]


async def test_one_fragment_in_two_reads_is_one_fragment() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    for byte in b"".join(THREE):
        peer.feed(bytes([byte]))
        await ticks(2)
    assert await task == ["a", "b", "c"]


async def test_empty_fragments_are_given() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(frame(BINARY, fin=False), frame(CONT, b"x", fin=False), frame(CONT))
    assert await task == [b"", b"x", b""]


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize(
    ("opcode", "decode", "expected"),
    [
        (TEXT, None, ["", "é"]),
        (TEXT, True, ["", "é"]),
        (TEXT, False, [E_ACUTE[:1], E_ACUTE[1:]]),
        (BINARY, None, [E_ACUTE[:1], E_ACUTE[1:]]),
        (BINARY, True, ["", "é"]),
        (BINARY, False, [E_ACUTE[:1], E_ACUTE[1:]]),
    ],
)
async def test_decode_forces_the_type(
    opcode: int, decode: bool | None, expected: list[Data], waiting: bool
) -> None:
    ws, peer = establish()
    frames = frame(opcode, E_ACUTE[:1], fin=False), frame(CONT, E_ACUTE[1:])
    if waiting:
        task = await started(parts_of(ws, decode))
        peer.feed(*frames)
    else:
        peer.feed(*frames)
        task = await started(parts_of(ws, decode))
    assert await task == expected


async def test_iterator_stays_ended() -> None:
    ws, peer = establish()
    peer.feed(*THREE)
    stream = ws.recv_streaming()
    assert ([part async for part in stream], [part async for part in stream]) == (["a", "b", "c"], [])


# Binary data where text is forced.


async def test_fragment_that_is_not_text_fails_where_text_is_forced() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(BINARY, b"ok", fin=False), frame(CONT, b"\xff"))
    with pytest.raises(ConnectionClosedError) as caught:
        await parts_of(ws, decode=True)
    assert (peer.close_codes(), type(caught.value.__cause__)) == ([1003], UnicodeDecodeError)


async def test_iterator_ends_after_a_fragment_that_is_not_text() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(BINARY, b"\xff", fin=False), frame(CONT, b"rest"))
    stream = ws.recv_streaming(decode=True)
    with pytest.raises(ConnectionClosedError):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@pytest.mark.parametrize("end", [[frame(CONT, b"rest")], [frame(CONT, b"rest", fin=False)], []])
async def test_rest_of_a_message_that_is_not_text_is_not_received(end: list[bytes]) -> None:
    ws, peer = establish(close_timeout=1)
    task = await started(parts_of(ws, decode=True))
    peer.feed(frame(BINARY, b"\xff", fin=False), *end)
    with pytest.raises(ConnectionClosedError):
        await task
    with pytest.raises(ConnectionClosedError):
        await ws.recv()


async def test_message_behind_one_that_is_not_text_stays_readable() -> None:
    ws, peer = establish(close_timeout=1)
    task = await started(parts_of(ws, decode=True))
    peer.feed(frame(BINARY, b"\xff", fin=False), frame(CONT, b"rest"), frame(TEXT, b"next"))
    with pytest.raises(ConnectionClosedError):
        await task
    assert await ws.recv() == "next"


# Cancelling.


async def test_cancelled_before_its_first_fragment_it_loses_nothing() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    task.cancel()
    await settle()
    peer.feed(*THREE)
    assert await ws.recv() == "abc"


async def test_cancelled_in_the_middle_of_the_first_fragment_it_loses_nothing() -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(THREE[0][:1])
    task.cancel()
    await settle()
    peer.feed(THREE[0][1:], *THREE[1:])
    assert await ws.recv() == "abc"


@pytest.mark.parametrize("come", [1, 2, 3])
async def test_fragments_that_come_with_the_cancellation_go_back(come: int) -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(*THREE[:come])
    task.cancel()
    await settle()
    peer.feed(*THREE[come:])
    assert await ws.recv() == "abc"


@pytest.mark.parametrize("come", [1, 2, 3])
async def test_fragments_that_went_back_can_be_streamed(come: int) -> None:
    ws, peer = establish()
    task = await started(parts_of(ws))
    peer.feed(*THREE[:come])
    task.cancel()
    await settle()
    peer.feed(*THREE[come:])
    assert await parts_of(ws) == ["a", "b", "c"]


async def test_cancelled_after_a_fragment_the_iterator_goes_on() -> None:
    ws, peer = establish()
    peer.feed(THREE[0])
    stream = ws.recv_streaming()
    got = [await anext(stream)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await anext(stream)
    peer.feed(*THREE[1:])
    assert got + [part async for part in stream] == ["a", "b", "c"]


RECEIVE: dict[str, Callable[[ClientConnection], Any]] = {
    "recv": lambda ws: ws.recv(),
    "anext": lambda ws: anext(ws),
    "recv_streaming": lambda ws: anext(ws.recv_streaming()),
}


@pytest.mark.parametrize("name", RECEIVE)
async def test_torn_message_keeps_other_receivers_out(name: str) -> None:
    ws, peer = establish()
    peer.feed(*THREE, frame(TEXT, b"next"))
    async for _ in ws.recv_streaming():
        break
    call = "recv_streaming" if name == "recv_streaming" else "recv"
    with pytest.raises(
        ConcurrencyError, match=f"^cannot call {call} before recv_streaming received the whole message$"
    ):
        await RECEIVE[name](ws)


async def test_torn_message_can_be_taken_to_its_end() -> None:
    ws, peer = establish()
    peer.feed(*THREE, frame(TEXT, b"next"))
    stream = ws.recv_streaming()
    async for _ in stream:
        break
    assert ([part async for part in stream], await ws.recv()) == (["b", "c"], "next")


async def test_iterator_that_waits_keeps_other_receivers_out() -> None:
    ws, peer = establish()
    peer.feed(THREE[0])
    stream = ws.recv_streaming()
    await anext(stream)
    task = await started(anext(stream))
    with pytest.raises(ConcurrencyError, match=r"^cannot call recv while another"):
        await ws.recv()
    peer.feed(THREE[1])
    assert await task == "b"


async def test_iterator_cannot_be_waited_for_twice_at_once() -> None:
    ws, peer = establish()
    peer.feed(THREE[0])
    stream = ws.recv_streaming()
    await anext(stream)
    task = await started(anext(stream))
    with pytest.raises(ConcurrencyError, match=r"^cannot call recv_streaming while another"):
        await anext(stream)
    peer.feed(*THREE[1:])
    assert [await task, await anext(stream)] == ["b", "c"]


# The end.


async def test_streaming_a_closed_connection_says_how_it_closed() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    with pytest.raises(ConnectionClosedOK):
        await parts_of(ws)


async def test_connection_that_ends_within_the_message_is_told() -> None:
    ws, peer = establish()
    stream = ws.recv_streaming()
    peer.feed(*THREE[:2])
    got = [await anext(stream), await anext(stream)]
    task = await started(anext(stream))
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await task
    assert got == ["a", "b"]


async def test_iterator_tells_the_end_again() -> None:
    ws, peer = establish()
    peer.feed(THREE[0])
    stream = ws.recv_streaming()
    await anext(stream)
    peer.lose()
    for _ in range(2):
        with pytest.raises(ConnectionClosedError):
            await anext(stream)


async def test_recv_after_a_message_that_the_end_tore_tells_the_end_too() -> None:
    ws, peer = establish()
    stream = ws.recv_streaming()
    peer.feed(THREE[0])
    await anext(stream)
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await anext(stream)
    with pytest.raises(ConnectionClosedError):
        await ws.recv()


async def test_message_that_the_end_tore_before_anybody_streamed_it_gives_no_fragments() -> None:
    ws, peer = establish()
    peer.feed(*THREE[:2])
    peer.lose()
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedError):
        await anext(ws.recv_streaming())


async def test_fragments_before_the_end_are_readable_after_it() -> None:
    ws, peer = establish()
    peer.feed(THREE[0])
    stream = ws.recv_streaming()
    await anext(stream)
    peer.feed(*THREE[1:], close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    assert [part async for part in stream] == ["b", "c"]


async def test_stream_has_no_gap_when_closing_drops_what_finds_the_inbox_full() -> None:
    ws, peer = establish(max_queue=1)
    stream = ws.recv_streaming()
    peer.feed(frame(BINARY, b"0", fin=False))
    got = [await anext(stream)]
    closing = await started(ws.close())
    for number in range(1, 9):
        peer.feed(frame(CONT, b"%d" % number, fin=False))
        if number == 4:
            got.append(await anext(stream))
    peer.feed(frame(CONT, b"9"), frame(TEXT, b"next"), close_frame(1000))
    peer.feed_eof()
    await closing
    with pytest.raises(ConnectionClosedOK):
        await take_all(stream, got)
    assert got == [b"%d" % number for number in range(len(got))]


async def test_block_around_the_fragments_can_be_left() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"a", fin=False), frame(CONT, b"b"))
    async with contextlib.aclosing(ws.recv_streaming()) as fragments:
        got = [fragment async for fragment in fragments]
    assert got == ["a", "b"]


async def test_iterator_that_was_closed_unused_took_nothing() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"a"))
    await ws.recv_streaming().aclose()
    assert await ws.recv() == "a"


async def test_iterator_that_was_closed_gives_nothing_more() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"a", fin=False), frame(CONT, b"b"))
    fragments = ws.recv_streaming()
    await anext(fragments)
    await fragments.aclose()
    assert [fragment async for fragment in fragments] == []
