"""How a connection ended: exceptions, causes, codes, states."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.connections import establish, started
from tests.support.raw_peer import CLOSE, close_frame, frame, settle
from wssdk.codes import Close
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from wssdk.protocol.state import State


async def end_of(ws: ClientConnection) -> ConnectionClosed:
    """Return what recv() raises."""
    with pytest.raises(ConnectionClosed) as caught:
        await ws.recv()
    return caught.value


async def closed_by_us(code: int, reason: str = "", answer: int | None = None) -> ConnectionClosed:
    """Close, let the peer answer, and return how it ended."""
    ws, peer = establish()
    closing = await started(ws.close(code, reason))
    peer.feed(close_frame(code if answer is None else answer))
    peer.feed_eof()
    await closing
    return await end_of(ws)


async def closed_by_peer(last: bytes) -> ConnectionClosed:
    """Let the peer close, and return how it ended."""
    ws, peer = establish()
    peer.feed(last)
    peer.feed_eof()
    return await end_of(ws)


# Which exception.


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, ConnectionClosedOK),
        (1001, ConnectionClosedOK),
        (1002, ConnectionClosedError),
        (1011, ConnectionClosedError),
        (3000, ConnectionClosedError),
        (4000, ConnectionClosedError),
    ],
)
async def test_code_tells_order_from_error(code: int, kind: type[ConnectionClosed]) -> None:
    by_us, by_peer = await closed_by_us(code), await closed_by_peer(close_frame(code))
    assert (type(by_us), type(by_peer)) == (kind, kind)


async def test_both_codes_count() -> None:
    assert isinstance(await closed_by_us(1000, answer=1011), ConnectionClosedError)


async def test_close_frame_without_a_code_is_an_orderly_end() -> None:
    end = await closed_by_peer(frame(CLOSE))
    assert (type(end), end.code, end.reason) == (ConnectionClosedOK, 1005, "")


async def test_exception_tells_what_we_began() -> None:
    end = await closed_by_us(4001, "mine", answer=4002)
    assert (end.sent, end.rcvd, end.rcvd_then_sent) == (Close(4001, "mine"), Close(4002), False)


async def test_exception_tells_what_the_peer_began() -> None:
    end = await closed_by_peer(close_frame(4002, b"theirs"))
    assert (end.sent, end.rcvd, end.rcvd_then_sent) == (Close(4002, "theirs"), Close(4002, "theirs"), True)


async def test_exception_without_both_frames_has_no_order() -> None:
    ws, peer = establish()
    _closing = await started(ws.close())
    peer.feed_eof()
    assert (await end_of(ws)).rcvd_then_sent is None


async def test_exception_is_a_new_one_each_time() -> None:
    ws, peer = establish()
    peer.lose()
    assert await end_of(ws) is not await end_of(ws)


async def test_broken_pipe_is_the_cause() -> None:
    ws, peer = establish()
    peer.lose(ConnectionResetError("reset"))
    assert str((await end_of(ws)).__cause__) == "reset"


async def test_broken_pipe_after_both_frames_is_none() -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.lose(ConnectionResetError("reset"))
    end = await end_of(ws)
    assert (type(end), end.__cause__) == (ConnectionClosedOK, None)


async def test_broken_pipe_before_the_answer_is_an_error() -> None:
    ws, peer = establish()
    _closing = await started(ws.close())
    peer.lose(ConnectionResetError("reset"))
    end = await end_of(ws)
    assert (type(end), str(end)) == (ConnectionClosedError, "sent 1000 (OK); no close frame received")


# What is known of it.


async def test_states_when_we_close() -> None:
    ws, peer = establish()
    states = [ws.state]
    closing = await started(ws.close())
    states.append(ws.state)
    peer.feed(close_frame(1000))
    states.append(ws.state)
    peer.feed_eof()
    await closing
    assert [*states, ws.state] == [State.OPEN, State.CLOSING, State.CLOSING, State.CLOSED]


async def test_code_and_reason_are_known_once_closed() -> None:
    ws, peer = establish()
    seen: list[Any] = [(ws.close_code, ws.close_reason, ws.closed)]
    peer.feed(close_frame(4000, b"why"))
    seen.append((ws.close_code, ws.close_reason, ws.closed))
    peer.feed_eof()
    await ws.wait_closed()
    seen.append((ws.close_code, ws.close_reason, ws.closed))
    assert seen == [(None, None, False), (None, None, False), (4000, "why", True)]


async def test_code_without_a_close_frame_is_1006() -> None:
    ws, peer = establish()
    peer.lose()
    await ws.wait_closed()
    assert (ws.close_code, ws.close_reason) == (1006, "")


async def test_code_of_a_close_frame_without_one_is_1005() -> None:
    ws, peer = establish()
    peer.feed(frame(CLOSE))
    peer.feed_eof()
    await ws.wait_closed()
    assert (ws.close_code, ws.close_reason) == (1005, "")


async def test_wait_closed_waits_for_the_peer() -> None:
    ws, peer = establish()
    waiting = [await started(ws.wait_closed()) for _ in range(3)]
    before = [task.done() for task in waiting]
    peer.lose()
    await asyncio.gather(*waiting)
    assert before == [False] * 3


async def test_cancelled_wait_closed_changes_nothing() -> None:
    ws, peer = establish()
    waiting = await started(ws.wait_closed())
    other = await started(ws.wait_closed())
    waiting.cancel()
    await settle()
    assert (ws.state, other.done()) == (State.OPEN, False)
    peer.lose()
    await other
