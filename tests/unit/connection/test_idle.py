"""The idle timeout: what is a sign of activity, when the end comes, and when nothing may be concluded."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import BINARY, CONT, PING, PONG, TEXT, close_frame, frame
from wssdk.errors import ConnectionClosedError
from wssdk.protocol.state import State

IDLE = 8.0
# No later than this the end comes, without a sign of activity.
LATEST = IDLE * 1.25 + 0.001


async def test_connection_without_data_frames_is_failed() -> None:
    ws, peer = establish(idle_timeout=IDLE)
    await asyncio.sleep(IDLE + 0.001)
    assert (ws.state, peer.close_codes()) == (State.CLOSING, [1011])


async def test_connection_is_not_failed_sooner() -> None:
    ws, _ = establish(idle_timeout=IDLE)
    await asyncio.sleep(IDLE - 0.001)
    assert ws.state is State.OPEN


async def test_end_tells_why() -> None:
    ws, peer = establish(idle_timeout=IDLE)
    task = await started(ws.recv())
    await asyncio.sleep(LATEST)
    peer.lose()
    with pytest.raises(ConnectionClosedError, match="idle timeout") as told:
        await task
    assert isinstance(told.value.__cause__, TimeoutError)
    assert str(told.value.__cause__) == "no data frame was received for 8 s"


async def test_without_the_option_nothing_ends() -> None:
    ws, _ = establish()
    await asyncio.sleep(3600)
    assert ws.state is State.OPEN


@pytest.mark.parametrize("data", [frame(TEXT, b"x"), frame(BINARY), frame(TEXT, b"x", fin=False)])
async def test_data_frames_keep_it_open(data: bytes) -> None:
    ws, peer = establish(idle_timeout=IDLE, max_queue=None)
    for number in range(10):
        await asyncio.sleep(IDLE - 0.5)
        peer.feed(data if number == 0 or data[0] & 0x80 else frame(CONT, b"y", fin=False))
    assert ws.state is State.OPEN


async def test_bytes_of_one_large_frame_keep_it_open() -> None:
    ws, peer = establish(idle_timeout=IDLE)
    peer.feed(frame(BINARY, bytes(1000))[:-20])
    for _ in range(10):
        await asyncio.sleep(IDLE - 0.5)
        peer.feed(b"\0")
    assert ws.state is State.OPEN


async def test_frame_that_stops_halfway_does_not_keep_it_open() -> None:
    ws, peer = establish(idle_timeout=IDLE)
    peer.feed(frame(BINARY, bytes(1000))[:-20])
    await asyncio.sleep(LATEST)
    assert ws.state is State.CLOSING


async def test_the_end_comes_at_most_a_quarter_late() -> None:
    ws, peer = establish(idle_timeout=IDLE)
    await asyncio.sleep(1.3)
    peer.feed(frame(TEXT, b"x"))
    await asyncio.sleep(IDLE)
    before = ws.state
    await asyncio.sleep(IDLE / 4)
    assert (before, ws.state) == (State.OPEN, State.CLOSING)


@pytest.mark.parametrize("opcode", [PING, PONG])
async def test_control_frames_do_not_keep_it_open(opcode: int) -> None:
    ws, peer = establish(idle_timeout=IDLE)
    for _ in range(9):
        peer.feed(frame(opcode, b"x"))
        await asyncio.sleep(1)
    assert ws.state is State.CLOSING


async def test_control_frame_that_comes_by_halves_does_not_keep_it_open() -> None:
    ws, peer = establish(idle_timeout=IDLE)
    for _ in range(9):
        peer.feed(frame(PING, b"xy")[:3])
        await asyncio.sleep(0.5)
        peer.feed(frame(PING, b"xy")[3:])
        await asyncio.sleep(0.5)
    assert ws.state is State.CLOSING


async def test_answered_pings_do_not_keep_it_open() -> None:
    ws, peer = establish(idle_timeout=IDLE, ping_interval=1, ping_timeout=1)
    for _ in range(9):
        await asyncio.sleep(1.001)
        peer.feed(*[frame(PONG, got.payload) for got in peer.frames() if got.opcode == PING])
    assert (ws.state, peer.close_codes()) == (State.CLOSING, [1011])


async def test_what_is_sent_does_not_keep_it_open() -> None:
    ws, _ = establish(idle_timeout=IDLE)
    for _ in range(8):
        await ws.send("x")
        await asyncio.sleep(1)
    await asyncio.sleep(0.001)
    assert ws.state is State.CLOSING


async def test_reading_that_is_paused_here_is_not_idleness_of_the_peer() -> None:
    ws, peer = establish(idle_timeout=IDLE, max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    await asyncio.sleep(10 * IDLE)
    assert (peer.reading, ws.state) == (False, State.OPEN)


async def test_time_begins_anew_when_reading_goes_on() -> None:
    ws, peer = establish(idle_timeout=IDLE, max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    await asyncio.sleep(10 * IDLE + 0.5)
    await ws.recv()
    await ws.recv()
    await asyncio.sleep(IDLE - 0.001)
    before = ws.state
    await asyncio.sleep(IDLE / 4)
    assert (before, ws.state) == (State.OPEN, State.CLOSING)


async def test_time_begins_anew_with_the_reading_where_no_data_frame_had_waited() -> None:
    ws, peer = establish(idle_timeout=IDLE, max_queue=1)
    peer.feed(frame(TEXT, b"x"), frame(PING))
    await asyncio.sleep(IDLE / 4 + 1)  # between two looks
    await ws.recv()
    await asyncio.sleep(IDLE - 0.001)
    before = ws.state
    await asyncio.sleep(IDLE / 4 + 0.002)
    assert (before, ws.state) == (State.OPEN, State.CLOSING)


async def test_late_timer_concludes_nothing() -> None:
    """What came while the event loop was held up is heard before the end."""
    ws, peer = establish(idle_timeout=IDLE)
    await asyncio.sleep(IDLE - 0.5)
    jumping_loop().jump(10 * IDLE)
    await ticks(3)
    before = ws.state
    peer.feed(frame(TEXT, b"x"))
    await asyncio.sleep(IDLE - 0.5)
    assert (before, ws.state) == (State.OPEN, State.OPEN)


async def test_silence_after_a_late_timer_ends_it() -> None:
    ws, _ = establish(idle_timeout=IDLE)
    await asyncio.sleep(IDLE - 0.5)
    jumping_loop().jump(10 * IDLE)
    await asyncio.sleep(1.001)
    assert ws.state is State.CLOSING


async def test_closing_handshake_has_its_own_time() -> None:
    ws, peer = establish(idle_timeout=1, close_timeout=10)
    closing = await started(ws.close())
    await asyncio.sleep(5)
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    assert (ws.close_code, peer.close_codes()) == (1000, [1000])


async def test_no_timer_is_left_where_the_connection_closed() -> None:
    ws, peer = establish(idle_timeout=1)
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    await asyncio.sleep(5)
    assert peer.close_codes() == [1000]
