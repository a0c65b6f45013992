"""A peer that breaks the rules: what came whole before is received and answered, then it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, started
from tests.support.raw_peer import BINARY, CLOSE, CONT, PONG, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError, PayloadTooBig, ProtocolError
from wssdk.ports import Frame
from wssdk.protocol.state import State

WRONG = frame(CONT, b"wrong")
GRACE = 1.0


async def echo_once(ws: ClientConnection) -> None:
    await ws.send(await ws.recv())


async def fails(ws: ClientConnection) -> ConnectionClosedError:
    """Return what recv() raises."""
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    return caught.value


# Nothing came before.


async def test_connection_fails_at_once() -> None:
    ws, peer = establish()
    peer.feed(WRONG)
    assert (ws.state, peer.close_codes()) == (State.CLOSING, [1002])
    ws.abort()


@pytest.mark.parametrize(
    ("wrong", "code", "cause"),
    [
        (WRONG, 1002, ProtocolError),
        (frame(3), 1002, ProtocolError),
        (frame(TEXT, rsv=4), 1002, ProtocolError),
        (frame(TEXT, b"x", key=b"1234"), 1002, ProtocolError),
        (frame(TEXT, b"\xff"), 1007, UnicodeDecodeError),
        (close_frame(1006), 1002, ProtocolError),
        (frame(BINARY, bytes(1001)), 1009, PayloadTooBig),
        (frame(BINARY, bytes(600), fin=False) + frame(CONT, bytes(600)), 1009, PayloadTooBig),
    ],
)
async def test_code_and_cause_tell_what_was_wrong(wrong: bytes, code: int, cause: type[Exception]) -> None:
    ws, peer = establish(max_size=1000, close_timeout=1)
    peer.feed(wrong)
    assert (type((await fails(ws)).__cause__), peer.close_codes()) == (cause, [code])


async def test_limit_of_a_fragment_holds() -> None:
    ws, peer = establish(max_size=(1000, 500), close_timeout=1)
    peer.feed(frame(BINARY, bytes(501)))
    assert (isinstance((await fails(ws)).__cause__, PayloadTooBig), peer.close_codes()) == (True, [1009])


async def test_no_limit_lets_every_size_pass() -> None:
    ws, peer = establish(max_size=None)
    task = await started(ws.recv())
    peer.feed(frame(BINARY, bytes(3 << 20)))
    assert len(await task) == 3 << 20


async def test_what_follows_is_not_heeded() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(WRONG, frame(TEXT, b"late"), close_frame(1000))
    peer.feed(frame(TEXT, b"later"))
    error = await fails(ws)
    assert (error.rcvd, peer.opcodes()) == (None, [CLOSE])


async def test_pongs_before_it_count() -> None:
    ws, peer = establish()
    pong = await ws.ping(b"x")
    peer.feed(frame(PONG, b"x"), WRONG)
    assert await pong == 0
    ws.abort()


async def test_peer_is_waited_for_no_longer_than_the_deadline() -> None:
    ws, peer = establish(close_timeout=3)
    start = jumping_loop().time()
    peer.feed(WRONG)
    await ws.wait_closed()
    assert jumping_loop().time() - start == pytest.approx(3)


# Whole messages came before.


async def test_waiting_application_answers_first() -> None:
    ws, peer = establish()
    task = await started(echo_once(ws))
    peer.feed(frame(TEXT, b"first"), WRONG)
    await task
    receiving = await started(ws.recv())
    assert (peer.opcodes(), peer.close_codes()) == ([TEXT, CLOSE], [1002])
    ws.abort()
    with pytest.raises(ConnectionClosedError):
        await receiving


async def test_application_that_comes_later_answers_first() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"), WRONG)
    await echo_once(ws)
    await echo_once(ws)
    receiving = await started(ws.recv())
    assert (peer.payloads()[:2], peer.close_codes()) == ([b"1", b"2"], [1002])
    ws.abort()
    with pytest.raises(ConnectionClosedError):
        await receiving


async def test_every_message_before_it_is_received() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(*[frame(TEXT, b"x")] * 5, WRONG)
    assert [await ws.recv() for _ in range(5)] == ["x"] * 5
    assert isinstance((await fails(ws)).__cause__, ProtocolError)


async def test_connection_is_open_until_the_receiver_comes_back() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"), WRONG)
    await ws.recv()
    assert (ws.state, peer.frames()) == (State.OPEN, [])
    ws.abort()


async def test_receiver_that_does_not_come_back_has_a_second() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"), WRONG)
    await asyncio.sleep(GRACE - 0.01)
    before = ws.state
    await asyncio.sleep(0.02)
    assert (before, ws.state, peer.close_codes()) == (State.OPEN, State.CLOSING, [1002])
    ws.abort()


async def test_message_is_readable_after_its_second() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(TEXT, b"x"), WRONG)
    await ws.wait_closed()
    assert await ws.recv() == "x"


async def test_bytes_that_follow_within_the_second_are_not_heeded() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(TEXT, b"x"), WRONG)
    peer.feed(frame(TEXT, b"late") * 1000)
    await ws.wait_closed()
    assert await ws.recv() == "x"
    await fails(ws)


async def test_stream_of_a_message_that_breaks_ends_with_the_connection() -> None:
    ws, peer = establish(close_timeout=1)
    stream = ws.recv_streaming()
    task = await started(anext(stream))
    peer.feed(frame(TEXT, b"a", fin=False), frame(TEXT, b"wrong"))
    assert await task == "a"
    with pytest.raises(ConnectionClosedError) as caught:
        await anext(stream)
    assert str(caught.value.__cause__) == "expected a continuation frame"


async def test_close_within_the_second_tells_what_was_wrong() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(TEXT, b"x"), WRONG)
    await ws.close()
    assert (peer.close_codes(), await ws.recv()) == ([1002], "x")


async def test_abort_within_the_second_tells_what_was_wrong() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"), WRONG)
    ws.abort()
    assert (await ws.recv(), type((await fails(ws)).__cause__)) == ("x", ProtocolError)


async def test_loss_within_the_second_tells_what_was_wrong() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"), WRONG)
    peer.lose(ConnectionResetError())
    await ws.wait_closed()
    assert (await ws.recv(), type((await fails(ws)).__cause__)) == ("x", ProtocolError)


async def test_end_of_the_stream_within_the_second_leaves_the_messages() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"), WRONG)
    peer.feed_eof()
    await ws.wait_closed()
    assert (await ws.recv(), type((await fails(ws)).__cause__)) == ("x", ProtocolError)


async def test_no_timer_is_left_when_the_pipe_is_lost() -> None:
    ws, peer = establish()
    peer.feed(frame(TEXT, b"x"), WRONG)
    peer.lose()
    await ws.wait_closed()
    assert jumping_loop().timers() == []


async def test_no_timer_is_left_by_a_violation_that_is_found_after_the_loss() -> None:
    ws, peer = establish(max_queue=2)
    peer.feed(*[frame(TEXT, b"x")] * 3, WRONG)
    peer.lose()
    await ws.wait_closed()
    assert [await ws.recv() for _ in range(3)] == ["x"] * 3
    assert jumping_loop().timers() == []


async def test_violation_behind_a_full_inbox_waits_for_its_turn() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"), WRONG)
    await echo_once(ws)
    await echo_once(ws)
    receiving = await started(ws.recv())
    assert peer.opcodes() == [TEXT, TEXT, CLOSE]
    ws.abort()
    with pytest.raises(ConnectionClosedError):
        await receiving


async def test_violation_after_our_close_frame_changes_nothing_on_the_wire() -> None:
    ws, peer = establish(close_timeout=1)
    closing = await started(ws.close())
    peer.feed(frame(TEXT, b"x"), WRONG)
    await closing
    assert (peer.close_codes(), await ws.recv()) == ([1000], "x")
    assert isinstance(await fails(ws), ConnectionClosedError)


async def test_violation_after_our_close_frame_is_the_cause() -> None:
    ws, peer = establish(close_timeout=1)
    closing = await started(ws.close())
    peer.feed(WRONG)
    await closing
    assert isinstance((await fails(ws)).__cause__, ProtocolError)


async def test_another_failure_within_the_second_counts_alone() -> None:
    ws, peer = establish(close_timeout=1)
    peer.feed(frame(BINARY, b"\xff"), frame(TEXT, b"x"), WRONG)
    with pytest.raises(ConnectionClosedError):
        await ws.recv(decode=True)
    await settle()
    assert (peer.close_codes(), await ws.recv()) == ([1003], "x")


# Extensions of the user's.


class Breaks:
    """An extension that cannot decode."""

    name = "x-breaks"

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        raise ZeroDivisionError("mine")


async def test_extension_that_breaks_fails_the_connection_with_1011() -> None:
    ws, peer = establish(extensions=[Breaks()], close_timeout=1)
    peer.feed(frame(TEXT, b"x"))
    error: Any = await fails(ws)
    assert (peer.close_codes(), type(error.__cause__)) == ([1011], ZeroDivisionError)
