"""send() of whole messages: types, the turn behind a fragmented one, the write limit, the end."""

from __future__ import annotations

import array
import asyncio
from collections.abc import AsyncIterator
from types import MappingProxyType
from typing import Any

import pytest

from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import BINARY, CLOSE, CONT, TEXT, close_frame, settle
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK

LARGE = bytes(1 << 17)


@pytest.mark.parametrize(
    ("message", "text", "opcode", "payload"),
    [
        ("é", None, TEXT, "é".encode()),
        ("é", True, TEXT, "é".encode()),
        ("é", False, BINARY, "é".encode()),
        (b"\xff", None, BINARY, b"\xff"),
        (b"\xff", False, BINARY, b"\xff"),
        ("é".encode(), True, TEXT, "é".encode()),
        (bytearray(b"x"), None, BINARY, b"x"),
        (bytearray(b"x"), True, TEXT, b"x"),
        (memoryview(b"abc"), None, BINARY, b"abc"),
        (memoryview(b"abc"), True, TEXT, b"abc"),
        (memoryview(b"abcdef")[::2], None, BINARY, b"ace"),
        (memoryview(b"abcd").cast("B", (2, 2)), None, BINARY, b"abcd"),
        (memoryview(array.array("I", [1])), None, BINARY, array.array("I", [1]).tobytes()),
        ("", None, TEXT, b""),
        (b"", None, BINARY, b""),
    ],
)
async def test_message_goes_out_as_one_frame(
    message: Any, text: bool | None, opcode: int, payload: bytes
) -> None:
    ws, peer = establish()
    await ws.send(message, text=text)
    assert [(got.opcode, got.payload, got.fin, got.rsv) for got in peer.frames()] == [
        (opcode, payload, True, 0)
    ]


async def test_frames_are_masked() -> None:
    ws, peer = establish()
    await ws.send("x")
    await ws.send("x")
    keys = {got.key for got in peer.frames()}
    assert (len(keys), {len(key) for key in keys}) == (2, {4})


async def test_text_is_keyword_only() -> None:
    ws, _ = establish()
    with pytest.raises(TypeError):
        await ws.send("x", True)  # type: ignore[call-arg]


@pytest.mark.parametrize("message", [{"a": 1}, MappingProxyType({"a": 1})])
async def test_mapping_is_refused(message: Any) -> None:
    ws, _ = establish()
    with pytest.raises(TypeError, match="cannot be a mapping"):
        await ws.send(message)


@pytest.mark.parametrize("message", [None, 1, 1.5, object(), len])
async def test_what_is_no_message_is_refused(message: Any) -> None:
    ws, _ = establish()
    with pytest.raises(TypeError, match=f"not {type(message).__name__}$"):
        await ws.send(message)


@pytest.mark.parametrize("message", [{"a": 1}, None])
async def test_refused_message_leaves_the_connection_as_it_was(message: Any) -> None:
    ws, peer = establish()
    with pytest.raises(TypeError):
        await ws.send(message)
    await ws.send("next")
    assert peer.payloads() == [b"next"]


async def test_bytes_that_are_not_text_are_refused_as_text() -> None:
    ws, peer = establish()
    with pytest.raises(UnicodeDecodeError):
        await ws.send(b"\xff", text=True)
    assert peer.frames() == []


async def test_text_that_has_no_utf8_is_refused() -> None:
    ws, peer = establish()
    with pytest.raises(UnicodeEncodeError):
        await ws.send("\ud800")
    assert peer.frames() == []


async def test_sending_needs_no_turn_of_the_loop() -> None:
    ws, _ = establish()
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await ws.send("x")
    assert not turned.is_set()


async def test_buffer_may_change_once_it_was_sent() -> None:
    ws, peer = establish()
    peer.stop_peer()
    message = bytearray(b"before")
    await ws.send(message)
    message[:] = b"after!"
    peer.resume_peer()
    assert peer.payloads() == [b"before"]


# Behind a fragmented message.


class Source:
    """An async iterator whose items the test gives."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[Any] = asyncio.Queue()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        item = await self.items.get()
        if item is None:
            raise StopAsyncIteration
        return item


async def test_message_waits_for_the_end_of_a_fragmented_one() -> None:
    ws, peer = establish()
    source = Source()
    first = await started(ws.send(source))
    source.items.put_nowait("a")
    second = await started(ws.send("b"))
    source.items.put_nowait("c")
    source.items.put_nowait(None)
    await first
    await second
    assert [(got.opcode, got.payload) for got in peer.frames()] == [
        (TEXT, b"a"),
        (CONT, b"c"),
        (CONT, b""),
        (TEXT, b"b"),
    ]


async def test_messages_keep_their_order_behind_a_fragmented_one() -> None:
    ws, peer = establish()
    source = Source()
    sends = [await started(ws.send(source))]
    source.items.put_nowait("a")
    sends += [await started(ws.send(message)) for message in ("1", ["2", "3"], "4", ["5"], "6")]
    source.items.put_nowait(None)
    await ticks(1)
    await ws.send("7")
    await asyncio.gather(*sends)
    assert [payload for payload in peer.payloads() if payload] == [b"a", *(b"%d" % n for n in range(1, 8))]


@pytest.mark.parametrize("message", ["b", ["b", "c"]])
async def test_cancelled_before_its_turn_it_sends_nothing(message: Any) -> None:
    ws, peer = establish()
    source = Source()
    first = await started(ws.send(source))
    source.items.put_nowait("a")
    second = await started(ws.send(message))
    second.cancel()
    third = await started(ws.send("d"))
    source.items.put_nowait(None)
    await first
    await third
    assert peer.payloads() == [b"a", b"", b"d"]


async def test_control_frames_do_not_wait_for_a_fragmented_message() -> None:
    ws, peer = establish()
    source = Source()
    first = await started(ws.send(source))
    source.items.put_nowait("a")
    await settle()
    await ws.pong(b"!")
    source.items.put_nowait(None)
    await first
    assert peer.payloads() == [b"a", b"!", b""]


# The write limit.


async def test_send_waits_for_a_peer_that_does_not_read() -> None:
    ws, peer = establish()
    peer.stop_peer()
    task = await started(ws.send(LARGE))
    assert not task.done()
    peer.resume_peer()
    await task


async def test_no_more_than_one_message_over_the_limit_is_written() -> None:
    ws, peer = establish(high=1000, low=100)
    peer.stop_peer()
    sends = [await started(ws.send(bytes(600))) for _ in range(20)]
    assert peer.get_write_buffer_size() < 1000 + 700
    peer.resume_peer()
    await asyncio.gather(*sends)
    assert len(peer.frames()) == 20


async def test_sends_go_on_in_order_when_the_peer_reads_on() -> None:
    ws, peer = establish(high=1000, low=100)
    peer.stop_peer()
    sends = [await started(ws.send(b"%d" % number * 600)) for number in range(9)]
    peer.resume_peer()
    await ws.send("last")
    await asyncio.gather(*sends)
    assert [payload[:1] for payload in peer.payloads()] == [b"%d" % number for number in range(9)] + [b"l"]


async def test_sends_keep_their_order_while_the_peer_reads_a_little_at_a_time() -> None:
    ws, peer = establish(high=1000, low=100)
    peer.stop_peer()
    sends = [await started(ws.send(b"%d" % number * 600)) for number in range(5)]
    sends += [await started(ws.send([b"%d" % number * 600])) for number in range(5, 8)]
    for number in range(8, 10):
        peer.read_some(1200)
        await ticks(1)
        sends.append(await started(ws.send(b"%d" % number * 600)))
    peer.resume_peer()
    await asyncio.gather(*sends)
    assert [payload[:1] for payload in peer.payloads() if payload] == [b"%d" % number for number in range(10)]


async def test_cancelled_while_it_waits_for_room_it_sends_nothing() -> None:
    ws, peer = establish(high=1000, low=100)
    peer.stop_peer()
    first = await started(ws.send(bytes(2000)))
    second = await started(ws.send("never"))
    second.cancel()
    peer.resume_peer()
    await first
    await ws.send("x")
    assert peer.payloads() == [bytes(2000), b"x"]


async def test_cancelled_once_written_the_message_goes_out_whole() -> None:
    ws, peer = establish(high=1000, low=100)
    peer.stop_peer()
    task = await started(ws.send(bytes(2000)))
    task.cancel()
    await ticks(2)
    peer.resume_peer()
    await ws.send("x")
    assert peer.payloads() == [bytes(2000), b"x"]


# The end.


async def test_send_after_an_orderly_close_says_so() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedOK):
        await ws.send("x")


async def test_send_in_closing_waits_for_the_end_and_tells_it() -> None:
    ws, peer = establish()
    closing = await started(ws.close(1001))
    task = await started(ws.send("x"))
    assert not task.done()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    with pytest.raises(ConnectionClosedOK) as caught:
        await task
    assert (caught.value.rcvd_then_sent, peer.opcodes()) == (False, [CLOSE])


async def test_send_after_the_pipe_broke_says_so() -> None:
    ws, peer = establish()
    peer.lose(ConnectionResetError("reset"))
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.send("x")
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("message", ["x", ["x"]])
async def test_send_in_the_moment_the_pipe_breaks_says_so(message: Any) -> None:
    ws, peer = establish()
    peer.lose(ConnectionResetError("reset"))
    with pytest.raises(ConnectionClosedError):
        await ws.send(message)


@pytest.mark.parametrize("message", ["x", ["x"]])
async def test_send_after_abort_raises(message: Any) -> None:
    ws, _ = establish()
    ws.abort()
    with pytest.raises(ConnectionClosedError):
        await ws.send(message)


async def test_send_whose_bytes_wait_when_the_pipe_breaks_raises() -> None:
    ws, peer = establish()
    peer.stop_peer()
    task = await started(ws.send(LARGE))
    peer.lose(BrokenPipeError())
    with pytest.raises(ConnectionClosedError):
        await task


async def test_send_that_waits_for_room_when_the_pipe_breaks_raises() -> None:
    ws, peer = establish()
    peer.stop_peer()
    sends = [await started(ws.send(LARGE)) for _ in range(3)]
    peer.lose(BrokenPipeError())
    ends = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(end) for end in ends] == [ConnectionClosedError] * 3


async def test_send_that_waits_when_the_connection_begins_to_close_ends_with_it() -> None:
    ws, peer = establish()
    peer.stop_peer()
    first, second = [await started(ws.send(LARGE)) for _ in range(2)]
    closing = await started(ws.close())
    peer.resume_peer()
    await first
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    with pytest.raises(ConnectionClosedOK):
        await second
    assert peer.opcodes() == [BINARY, CLOSE]
