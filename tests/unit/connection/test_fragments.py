"""send() of iterables: fragments of one message, and what breaks within it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import pytest

from tests.support.connections import establish, started
from tests.support.raw_peer import BINARY, CLOSE, CONT, TEXT, close_frame, frame, settle
from wssdk.errors import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from wssdk.ports import Frame

NEVER = object()


class Items:
    """An async generator of items, of which is known whether it was closed.

    An item that is an exception is raised, one that is an event is waited for, and NEVER for ever.
    """

    def __init__(self, *items: Any) -> None:
        self.closed = False
        self.taken = 0
        self._items = items

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        try:
            for item in self._items:
                if isinstance(item, Exception):
                    raise item
                if item is NEVER:
                    await asyncio.get_running_loop().create_future()
                elif isinstance(item, asyncio.Event):
                    await item.wait()
                else:
                    self.taken += 1
                    yield item
        finally:
            self.closed = True


class PlainIterator:
    """An async iterator that has no ``aclose()``."""

    def __init__(self, *items: Any) -> None:
        self._items = iter(items)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        for item in self._items:
            return item
        raise StopAsyncIteration


def generator(*items: Any) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize("make", [list, tuple, generator, Items, PlainIterator])
async def test_items_go_out_as_fragments_and_an_empty_last_one(make: Any) -> None:
    ws, peer = establish()
    await ws.send(make(["a", "b"]) if make in (list, tuple) else make("a", "b"))
    assert [(got.opcode, got.payload, got.fin) for got in peer.frames()] == [
        (TEXT, b"a", False),
        (CONT, b"b", False),
        (CONT, b"", True),
    ]


@pytest.mark.parametrize(
    ("items", "text", "opcode"),
    [
        (["é"], None, TEXT),
        (["é"], False, BINARY),
        ([b"x", bytearray(b"y"), memoryview(b"z")], None, BINARY),
        ([b"x", bytearray(b"y"), memoryview(b"z")], True, TEXT),
    ],
)
async def test_text_chooses_the_opcode(items: list[Any], text: bool | None, opcode: int) -> None:
    ws, peer = establish()
    await ws.send(items, text=text)
    assert peer.opcodes() == [opcode] + [CONT] * len(items)


@pytest.mark.parametrize("message", [[], (), Items(), PlainIterator(), generator()])
async def test_nothing_goes_out_for_an_empty_iterable(message: Any) -> None:
    ws, peer = establish()
    await ws.send(message)
    assert peer.frames() == []


async def test_character_may_be_cut_between_fragments_of_bytes() -> None:
    ws, peer = establish()
    await ws.send(["é".encode()[:1], "é".encode()[1:]], text=True)
    assert b"".join(peer.payloads()) == "é".encode()


@pytest.mark.parametrize("items", [[b"\xff"], [b"ok", b"\xff"], [b"ok\xc3"], [b"\xc3", b"\xc3"]])
async def test_bytes_that_are_not_text_are_refused_as_text(items: list[bytes]) -> None:
    ws, peer = establish()
    with pytest.raises(UnicodeDecodeError):
        await ws.send(items, text=True)
    assert all(not got.fin for got in peer.frames() if got.opcode != CLOSE)


async def test_another_send_goes_out_after_a_fragmented_message() -> None:
    ws, peer = establish()
    await ws.send(["a"])
    await ws.send("b")
    await ws.send([b"c"])
    assert peer.opcodes() == [TEXT, CONT, TEXT, BINARY, CONT]


# What breaks.

WRONG: list[tuple[Any, str]] = [
    (1, "a fragment must be str, bytes, bytearray or memoryview, not int"),
    (None, "a fragment must be str, bytes, bytearray or memoryview, not NoneType"),
    (b"x", "fragments of one message must be all str or all bytes-like"),
]


@pytest.mark.parametrize(("item", "said"), WRONG)
@pytest.mark.parametrize("make", [generator, Items, PlainIterator])
async def test_wrong_item_is_refused(item: Any, said: str, make: Any) -> None:
    ws, _ = establish()
    with pytest.raises(TypeError, match=f"^{said}$"):
        await ws.send(make("a", item))


@pytest.mark.parametrize(("item", "said"), WRONG)
async def test_wrong_item_within_a_message_fails_the_connection(item: Any, said: str) -> None:
    ws, peer = establish()
    with pytest.raises(TypeError, match=said):
        await ws.send(["a", item])
    assert peer.close_codes() == [1011]


async def test_wrong_first_item_leaves_the_connection_as_it_was() -> None:
    ws, peer = establish()
    with pytest.raises(TypeError):
        await ws.send([None])  # type: ignore[list-item]
    await ws.send("next")
    assert peer.payloads() == [b"next"]


async def test_text_after_bytes_is_refused() -> None:
    ws, _ = establish()
    with pytest.raises(TypeError, match="all str or all bytes-like"):
        await ws.send([b"a", "b"])


async def test_error_of_the_iterator_reaches_the_sender() -> None:
    ws, _ = establish()
    with pytest.raises(ZeroDivisionError):
        await ws.send(Items("a", ZeroDivisionError()))


async def test_error_of_the_iterator_within_a_message_fails_the_connection() -> None:
    ws, peer = establish(close_timeout=1)
    with pytest.raises(ZeroDivisionError):
        await ws.send(Items("a", ZeroDivisionError()))
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert (peer.close_codes(), type(caught.value.__cause__)) == ([1011], ZeroDivisionError)


async def test_error_of_the_iterator_before_the_first_fragment_leaves_the_connection() -> None:
    ws, peer = establish()
    with pytest.raises(ZeroDivisionError):
        await ws.send(Items(ZeroDivisionError()))
    await ws.send("next")
    assert peer.payloads() == [b"next"]


async def test_end_of_the_connection_that_the_items_come_from_fails_this_one() -> None:
    source, from_peer = establish()
    ws, peer = establish()
    from_peer.feed(frame(TEXT, b"a", fin=False))
    task = await started(ws.send(source.recv_streaming()))
    from_peer.lose()
    with pytest.raises(ConnectionClosed):
        await task
    assert (peer.opcodes(), peer.close_codes()) == ([TEXT, CLOSE], [1011])


async def test_message_is_passed_on_from_one_connection_to_another() -> None:
    source, from_peer = establish()
    ws, peer = establish()
    task = await started(ws.send(source.recv_streaming()))
    from_peer.feed(frame(TEXT, b"a", fin=False), frame(CONT, b"b"))
    await task
    assert peer.payloads() == [b"a", b"b", b""]


# Cancelling.


async def test_cancelled_within_its_message_it_fails_the_connection() -> None:
    ws, peer = establish()
    task = await started(ws.send(Items("a", NEVER)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert peer.close_codes() == [1011]


async def test_cancelled_before_its_first_fragment_it_leaves_the_connection() -> None:
    ws, peer = establish()
    task = await started(ws.send(Items(NEVER)))
    task.cancel()
    await settle()
    await ws.send("next")
    assert peer.payloads() == [b"next"]


async def test_cancelled_while_a_fragment_waits_to_be_read_it_fails_the_connection() -> None:
    ws, peer = establish(high=10, low=1)
    peer.stop_peer()
    task = await started(ws.send(["0123456789", "rest"]))
    task.cancel()
    await settle()
    peer.resume_peer()
    assert peer.close_codes() == [1011]


async def test_cancelled_while_only_its_last_fragment_waits_the_message_goes_out_whole() -> None:
    gate = asyncio.Event()
    ws, peer = establish(high=4, low=1)
    task = await started(ws.send(Items("a", gate)))
    peer.stop_peer()
    gate.set()
    await settle()
    task.cancel()
    await settle()
    peer.resume_peer()
    await ws.send("next")
    assert peer.payloads() == [b"a", b"", b"next"]


class BreaksOnLast:
    """An extension that cannot encode the last fragment of a message."""

    name = "x-breaks"

    def encode(self, frame: Frame) -> Frame:
        if frame.fin and frame.opcode == CONT:
            raise ZeroDivisionError
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return frame


async def test_message_whose_last_fragment_cannot_be_encoded_fails_the_connection() -> None:
    ws, peer = establish(extensions=[BreaksOnLast()])
    with pytest.raises(ZeroDivisionError):
        await ws.send(["a"])
    assert peer.close_codes() == [1011]


# Clean-up.


@pytest.mark.parametrize("items", [("a",), ("a", None), ("a", ZeroDivisionError()), (), (None,)])
async def test_async_iterator_is_closed(items: tuple[Any, ...]) -> None:
    ws, _ = establish()
    message = Items(*items)
    await asyncio.gather(ws.send(message), return_exceptions=True)
    assert message.closed


async def test_async_iterator_is_closed_when_its_send_is_cancelled() -> None:
    ws, _ = establish()
    message = Items("a", NEVER)
    task = await started(ws.send(message))
    task.cancel()
    await settle()
    assert message.closed


# Closing within a message.


async def test_close_within_a_fragmented_message_closes_with_1011() -> None:
    ws, peer = establish()
    sending = await started(ws.send(Items("a", NEVER)))
    closing = await started(ws.close())
    peer.feed(close_frame(1011))
    peer.feed_eof()
    await closing
    with pytest.raises(ConnectionClosedError):
        await sending
    assert peer.close_codes() == [1011]


async def test_send_raises_though_its_iterator_never_goes_on() -> None:
    ws, peer = establish()
    message = Items("a", NEVER)
    sending = await started(ws.send(message))
    peer.lose(ConnectionResetError())
    with pytest.raises(ConnectionClosedError) as caught:
        await sending
    assert (type(caught.value.__cause__), message.closed) == (ConnectionResetError, True)


async def test_sends_behind_an_iterator_that_never_goes_on_raise_too() -> None:
    ws, peer = establish()
    sends = [await started(ws.send(message)) for message in (Items("a", NEVER), "b", ["c"])]
    peer.lose()
    ends = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(end) for end in ends] == [ConnectionClosedError] * 3


async def test_time_out_of_the_iterator_itself_is_its_own() -> None:
    ws, _ = establish()
    with pytest.raises(TimeoutError, match="mine"):
        await ws.send(Items("a", TimeoutError("mine")))


async def test_closed_connection_takes_no_item() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    message = Items("a")
    with pytest.raises(ConnectionClosedOK):
        await ws.send(message)
    assert message.taken == 0


async def test_close_code_that_may_not_be_sent_disturbs_no_fragmented_message() -> None:
    gate = asyncio.Event()
    ws, peer = establish()
    sending = await started(ws.send(Items("a", gate, "b")))
    with pytest.raises(Exception, match="invalid close code"):
        await ws.close(999)
    gate.set()
    await sending
    assert peer.opcodes() == [TEXT, CONT, CONT]


async def test_fragments_wait_for_a_peer_that_does_not_read() -> None:
    ws, peer = establish(high=100, low=10)
    peer.stop_peer()
    message = Items(*[bytes(60)] * 10)
    task = await started(ws.send(message))
    taken = message.taken
    peer.resume_peer()
    await task
    assert (taken <= 3, len(peer.frames())) == (True, 11)
