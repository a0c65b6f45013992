"""A connection that is lost: who streams a message keeps it, and anybody may take the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any

import pytest

from tests.support.connections import establish, started
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import CONT, TEXT, frame
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError
from wssdk.typing import Data

FIRST = frame(TEXT, b"a", fin=False)
REST = [frame(CONT, b"b", fin=False), frame(CONT, b"c")]
NEXT = frame(TEXT, b"next")


async def lost(ws: ClientConnection, peer: PlayedTransport) -> None:
    peer.lose()
    await ws.wait_closed()


async def torn(**keywords: Any) -> tuple[ClientConnection, PlayedTransport, Any]:
    """Return a connection that has lost its peer, and the stream of a message that began before."""
    ws, peer = establish(**keywords)
    stream = ws.recv_streaming()
    peer.feed(FIRST)
    assert await anext(stream) == "a"
    peer.feed(*REST, NEXT)
    await lost(ws, peer)
    return ws, peer, stream


async def all_of(stream: Any) -> list[Data]:
    return [part async for part in stream]


@pytest.mark.parametrize("max_queue", [16, 1], ids=["roomy", "full"])
async def test_what_is_behind_a_torn_message_can_be_received(max_queue: int) -> None:
    ws, _, _ = await torn(max_queue=max_queue)
    assert await ws.recv() == "next"


@pytest.mark.parametrize("max_queue", [16, 1], ids=["roomy", "full"])
async def test_who_streams_a_message_gets_its_rest(max_queue: int) -> None:
    ws, _, stream = await torn(max_queue=max_queue)
    assert (await ws.recv(), await all_of(stream)) == ("next", ["b", "c"])


async def test_who_streams_takes_nothing_of_the_next_message() -> None:
    ws, _, stream = await torn()
    assert (await all_of(stream), await ws.recv()) == (["b", "c"], "next")


async def test_message_that_came_whole_is_streamed_to_its_end() -> None:
    ws, peer = establish()
    peer.feed(FIRST, *REST, NEXT)
    stream = ws.recv_streaming()
    assert await anext(stream) == "a"
    await lost(ws, peer)
    assert (await ws.recv(), await all_of(stream)) == ("next", ["b", "c"])


async def test_message_that_is_streamed_after_the_loss_keeps_nobody_out() -> None:
    ws, peer = establish()
    peer.feed(FIRST, *REST, NEXT)
    await lost(ws, peer)
    stream = ws.recv_streaming()
    assert await anext(stream) == "a"
    assert (await ws.recv(), await all_of(stream)) == ("next", ["b", "c"])


async def test_first_of_two_torn_messages_that_is_taken_to_its_end_leaves_the_second_alone() -> None:
    ws, peer = establish()
    peer.feed(FIRST, *REST, FIRST, *REST)
    streams = [ws.recv_streaming(), ws.recv_streaming()]
    assert await anext(streams[0]) == "a"
    await lost(ws, peer)
    assert await anext(streams[1]) == "a"
    assert [await all_of(stream) for stream in streams] == [["b", "c"], ["b", "c"]]


async def test_who_waits_for_the_next_fragment_gets_what_came_with_the_end() -> None:
    ws, peer = establish(wakeup="scheduled")
    stream = ws.recv_streaming()
    peer.feed(FIRST)
    assert await anext(stream) == "a"
    waiting = await started(anext(stream))
    peer.feed(*REST)
    peer.lose()
    assert (await waiting, await all_of(stream)) == ("b", ["c"])


async def test_who_waits_for_a_fragment_that_never_came_is_told() -> None:
    ws, peer = establish()
    stream = ws.recv_streaming()
    peer.feed(FIRST)
    assert await anext(stream) == "a"
    waiting = await started(anext(stream))
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await waiting


@pytest.mark.parametrize("max_queue", [16, 2], ids=["roomy", "full"])
async def test_message_that_comes_with_the_end_is_streamed_by_who_waits_for_it(max_queue: int) -> None:
    ws, peer = establish(wakeup="scheduled", max_queue=max_queue)
    waiting = await started(all_of(ws.recv_streaming()))
    peer.feed(FIRST, *REST)
    peer.lose()
    assert await waiting == ["a", "b", "c"]


def waits(call: Awaitable[Any]) -> Generator[Any, Any, Any]:
    """Return a call that waits, and has not noticed by the end of the test that it was woken."""
    steps = call.__await__()
    assert steps.send(None) is not None
    return steps


@pytest.mark.parametrize("max_queue", [16, 2], ids=["roomy", "full"])
async def test_message_that_comes_with_the_end_is_anybodys(max_queue: int) -> None:
    ws, peer = establish(wakeup="scheduled", max_queue=max_queue)
    waiting = waits(anext(ws.recv_streaming()))
    peer.feed(FIRST, *REST)
    await lost(ws, peer)
    assert ws.recv_nowait() == "abc"
    with pytest.raises(ConnectionClosedError):
        waiting.send(None)


@pytest.mark.parametrize("max_queue", [16, 2], ids=["roomy", "full"])
async def test_message_for_who_is_cancelled_with_the_end_is_not_lost(max_queue: int) -> None:
    ws, peer = establish(wakeup="scheduled", max_queue=max_queue)
    waiting = waits(anext(ws.recv_streaming()))
    peer.feed(FIRST, *REST)
    await lost(ws, peer)
    waiting.close()
    assert await ws.recv() == "abc"


@pytest.mark.parametrize("keywords", [{}, {"decode": True}], ids=str)
async def test_what_came_with_the_end_is_anybodys_also_where_another_one_waits(
    keywords: dict[str, Any],
) -> None:
    ws, peer = establish(wakeup="scheduled")
    waiting = waits(ws.recv(**keywords))
    peer.feed(NEXT)
    await lost(ws, peer)
    assert [ws.recv_nowait()] == ["next"]
    with pytest.raises(ConnectionClosedError):
        waiting.send(None)


@pytest.mark.parametrize("keywords", [{}, {"decode": True}], ids=str)
async def test_two_who_receive_after_the_loss_share_what_is_left(keywords: dict[str, Any]) -> None:
    ws, peer = establish(wakeup="scheduled")
    waiting = waits(ws.recv(**keywords))
    peer.feed(NEXT, frame(TEXT, b"last"))
    await lost(ws, peer)
    assert await ws.recv() == "next"
    with pytest.raises(StopIteration) as stopped:
        waiting.send(None)
    assert stopped.value.value == "last"


async def test_queued_counts_what_waits_to_be_received() -> None:
    ws, peer = establish()
    peer.feed(NEXT, NEXT)
    before = ws.queued
    await ws.recv()
    assert (before, ws.queued) == (2, 1)
