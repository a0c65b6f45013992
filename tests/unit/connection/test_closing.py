"""The closing handshake from either side: what is sent, awaited and dropped; the end of the block."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.connections import establish, started
from tests.support.pipes import MASK, PlayedTransport
from tests.support.raw_peer import CLOSE, CONT, PING, PONG, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed, ConnectionClosedError, ProtocolError
from wssdk.protocol.core import Role
from wssdk.protocol.state import State


def close_frames(peer: PlayedTransport) -> list[tuple[int, bytes]]:
    """Return code and reason of the close frames that the peer has read."""
    return [(got.close_code, got.payload[2:]) for got in peer.frames() if got.opcode == CLOSE]


async def end_of(ws: ClientConnection) -> ConnectionClosed:
    """Return what recv() raises."""
    with pytest.raises(ConnectionClosed) as caught:
        await ws.recv()
    return caught.value


async def closed_by_peer(last: bytes) -> tuple[ConnectionClosed, PlayedTransport]:
    """Let the peer close, and return how it ended."""
    ws, peer = establish()
    peer.feed(last)
    peer.feed_eof()
    return await end_of(ws), peer


# Begun by us.


async def test_close_sends_1000() -> None:
    ws, peer = establish()
    _closing = await started(ws.close())
    assert close_frames(peer) == [(1000, b"")]
    ws.abort()


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999])
async def test_close_sends_code_and_reason(code: int) -> None:
    ws, peer = establish()
    _closing = await started(ws.close(code, "größer"))
    assert close_frames(peer) == [(code, "größer".encode())]
    ws.abort()


async def test_close_returns_at_the_end_of_the_stream() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    peer.feed(close_frame(1000))
    await settle()
    before = closing.done()
    peer.feed_eof()
    await closing
    assert (before, ws.closed) == (False, True)


async def test_client_leaves_the_end_of_the_stream_to_the_server() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    peer.feed(close_frame(1000))
    await settle()
    assert not peer.is_closing()
    peer.feed_eof()
    await closing


async def test_connection_is_closed_when_close_returns() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    waiting = await started(ws.wait_closed())
    assert waiting.done()


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536, -1])
async def test_code_that_may_not_be_sent_is_refused(code: int) -> None:
    ws, peer = establish()
    with pytest.raises(ProtocolError, match="close code"):
        await ws.close(code)
    assert (ws.state, peer.frames()) == (State.OPEN, [])


@pytest.mark.parametrize("reason", ["x" * 124, "é" * 62])
async def test_reason_that_is_too_long_is_refused(reason: str) -> None:
    ws, peer = establish()
    with pytest.raises(ProtocolError, match="124 bytes"):
        await ws.close(1000, reason)
    assert (ws.state, peer.frames()) == (State.OPEN, [])


async def test_wrong_code_does_not_hasten_the_end_for_a_violation() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"first"), frame(CONT, b"wrong"))
    with pytest.raises(ProtocolError):
        await ws.close(999)
    assert (ws.state, peer.frames()) == (State.OPEN, [])


async def test_reason_of_123_bytes_is_sent() -> None:
    ws, peer = establish()
    _closing = await started(ws.close(1000, "x" * 123))
    assert close_frames(peer) == [(1000, b"x" * 123)]
    ws.abort()


async def test_closing_again_is_harmless() -> None:
    ws, peer = establish()
    closing = await started(ws.close(4001))
    again = await started(ws.close(4002))
    peer.feed(close_frame(4001))
    peer.feed_eof()
    await asyncio.gather(closing, again)
    await ws.close(4003)
    assert close_frames(peer) == [(4001, b"")]


async def test_wrong_code_is_refused_after_the_close_too() -> None:
    ws, peer = establish()
    peer.lose()
    await ws.wait_closed()
    with pytest.raises(ProtocolError):
        await ws.close(999)


async def test_nothing_is_sent_after_the_close_frame() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    peer.feed(frame(PING, b"?"), close_frame(1000))
    peer.feed_eof()
    await closing
    assert peer.opcodes() == [CLOSE]


async def test_data_frames_are_received_until_the_peers_close_frame() -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    peer.feed(frame(TEXT, b"late"), close_frame(1000), frame(TEXT, b"too late"))
    peer.feed_eof()
    await closing
    assert [message async for message in ws] == ["late"]


async def test_messages_that_find_the_inbox_full_are_dropped_in_closing() -> None:
    ws, peer = establish(max_queue=2)
    closing = await started(ws.close())
    peer.feed(*[frame(TEXT, b"%d" % number) for number in range(100)], close_frame(1000))
    peer.feed_eof()
    await closing
    assert [message async for message in ws] == ["0", "1"]


async def test_close_frame_behind_a_full_inbox_is_reached() -> None:
    ws, peer = establish(max_queue=2)
    peer.feed(*[frame(TEXT, b"%d" % number) for number in range(100)], close_frame(1000))
    closing = await started(ws.close())
    peer.feed_eof()
    await closing
    assert (ws.close_code, [message async for message in ws]) == (1000, ["0", "1"])


# Begun by the peer.


@pytest.mark.parametrize(
    ("last", "answer"),
    [
        (close_frame(1000), (1000, b"")),
        (close_frame(1001, b"moving"), (1001, b"moving")),
        (close_frame(4999), (4999, b"")),
        (frame(CLOSE), (0, b"")),
    ],
)
async def test_close_frame_is_answered_with_the_same(last: bytes, answer: tuple[int, bytes]) -> None:
    _, peer = await closed_by_peer(last)
    assert close_frames(peer) == [answer]


async def test_pings_before_the_close_frame_are_answered_first() -> None:
    _, peer = await closed_by_peer(frame(PING, b"?") + close_frame(1000))
    assert peer.opcodes() == [PONG, CLOSE]


async def test_close_while_the_peer_closes_sends_nothing_more() -> None:
    ws, peer = establish()
    peer.feed(close_frame(4001))
    closing = await started(ws.close(4002))
    peer.feed_eof()
    await closing
    assert close_frames(peer) == [(4001, b"")]


async def test_stream_that_ends_without_a_close_frame_is_an_error() -> None:
    ws, peer = establish()
    peer.feed_eof()
    end = await end_of(ws)
    assert (type(end), end.rcvd, end.sent, peer.frames()) == (ConnectionClosedError, None, None, [])


@pytest.mark.parametrize(
    "wrong", [frame(CLOSE, b"\x03"), close_frame(1005), close_frame(999), close_frame(1000, b"\xff")]
)
async def test_wrong_close_frame_fails_the_connection(wrong: bytes) -> None:
    end, peer = await closed_by_peer(wrong)
    assert (close_frames(peer)[0][0], type(end)) == (
        1007 if b"\xff" in wrong else 1002,
        ConnectionClosedError,
    )


# The block.


async def test_block_that_ends_closes_with_1000() -> None:
    ws, peer = establish(close_timeout=1)
    async with ws as entered:
        assert entered is ws
    assert close_frames(peer) == [(1000, b"")]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, asyncio.CancelledError])
async def test_block_that_raises_closes_with_1011(error: type[BaseException]) -> None:
    ws, peer = establish(close_timeout=1)
    with pytest.raises(error):
        async with ws:
            raise error
    assert close_frames(peer) == [(1011, b"")]


async def test_block_that_raises_waits_for_the_closing_handshake() -> None:
    ws, peer = establish()
    asyncio.get_running_loop().call_later(3, peer.feed, close_frame(1011))
    asyncio.get_running_loop().call_later(4, peer.feed_eof)
    with pytest.raises(ZeroDivisionError):
        async with ws:
            raise ZeroDivisionError
    assert ws.close_code == 1011


async def test_block_around_a_closed_connection_ends_quietly() -> None:
    ws, peer = establish()
    async with ws:
        peer.lose()
        await ws.wait_closed()
    assert peer.frames() == []


# The server's role.


async def test_server_ends_the_stream_after_both_close_frames() -> None:
    ws, peer = establish(role=Role.SERVER)
    closing = await started(ws.close())
    before = peer.is_closing()
    peer.feed(frame(CLOSE, b"\x03\xe8", key=MASK))
    await closing
    assert (before, ws.closed, peer.aborted) == (False, True, False)


async def test_server_ends_the_stream_when_it_fails_the_connection() -> None:
    ws, peer = establish(role=Role.SERVER)
    peer.feed(frame(TEXT, b"not masked"))
    await ws.wait_closed()
    assert (close_frames(peer)[0][0], peer.aborted) == (1002, False)


async def test_server_does_not_mask() -> None:
    ws, peer = establish(role=Role.SERVER)
    await ws.send("x")
    assert [got.key for got in peer.frames()] == [b""]


@pytest.mark.parametrize(
    ("code", "reason", "says"),
    [
        ("1000", "", "the close code must be an int, not str"),
        (1000.0, "", "the close code must be an int, not float"),
        (1000, b"x", "the close reason must be a str, not bytes"),
        (1000, None, "the close reason must be a str, not NoneType"),
    ],
)
async def test_code_and_reason_of_the_wrong_type_are_told(code: Any, reason: Any, says: str) -> None:
    ws, _ = establish()
    with pytest.raises(TypeError, match=says):
        await ws.close(code, reason)
