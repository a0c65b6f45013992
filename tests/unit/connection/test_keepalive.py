"""Keepalive: when pings go out, what is life, when a peer is dead, and when nothing may be concluded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, hold, started
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.connection.pings import MAX_PENDING
from wssdk.errors import ConnectionClosedError
from wssdk.protocol.state import State

INTERVAL = 20.0
TIMEOUT = 10.0


def alive(**keywords: Any) -> tuple[ClientConnection, PlayedTransport]:
    return establish(**{"ping_interval": INTERVAL, "ping_timeout": TIMEOUT, **keywords})


def pings(peer: PlayedTransport) -> list[bytes]:
    return [got.payload for got in peer.frames() if got.opcode == PING]


def answer(peer: PlayedTransport) -> None:
    peer.feed(frame(PONG, pings(peer)[-1]))


async def passes(seconds: float) -> None:
    """Let time pass: a little more, so that what is due then has happened."""
    await asyncio.sleep(seconds + 0.001)


# The schedule.


async def test_first_ping_goes_out_after_the_interval() -> None:
    _, peer = alive()
    await asyncio.sleep(INTERVAL - 0.001)
    before = len(pings(peer))
    await passes(0.001)
    assert (before, len(pings(peer))) == (0, 1)


async def test_pings_go_out_every_interval() -> None:
    _, peer = alive()
    for _ in range(5):
        await passes(INTERVAL)
        answer(peer)
    assert len(pings(peer)) == 5


async def test_late_pong_does_not_put_off_the_next_ping() -> None:
    _, peer = alive()
    await passes(INTERVAL)
    await asyncio.sleep(TIMEOUT - 1)
    answer(peer)
    await passes(INTERVAL - TIMEOUT + 1)
    assert len(pings(peer)) == 2


async def test_pings_have_data_of_their_own() -> None:
    _, peer = alive()
    for _ in range(5):
        await passes(INTERVAL)
        answer(peer)
    assert len(set(pings(peer))) == 5


async def test_latency_is_that_of_the_last_ping() -> None:
    ws, peer = alive()
    await asyncio.sleep(INTERVAL)
    await asyncio.sleep(0.5)
    answer(peer)
    assert ws.latency == pytest.approx(0.5)


async def test_late_pong_comes_after_the_next_ping_was_due() -> None:
    """Longer than the interval, within the time-out: the next ping goes out at once."""
    ws, peer = alive(ping_interval=5, ping_timeout=60)
    await passes(5)
    await asyncio.sleep(30)
    answer(peer)
    await passes(0)
    assert (ws.state, len(pings(peer))) == (State.OPEN, 2)


async def test_no_interval_no_pings() -> None:
    ws, peer = alive(ping_interval=None)
    await asyncio.sleep(3600)
    assert (ws.state, pings(peer)) == (State.OPEN, [])


async def test_no_timeout_pings_go_on_and_nothing_is_concluded() -> None:
    ws, peer = alive(ping_timeout=None)
    await passes(10 * INTERVAL)
    assert (ws.state, len(pings(peer))) == (State.OPEN, 10)


async def test_without_timeout_latency_is_known_too() -> None:
    ws, peer = alive(ping_timeout=None)
    await asyncio.sleep(INTERVAL)
    await asyncio.sleep(0.5)
    answer(peer)
    assert ws.latency == pytest.approx(0.5)


# The dead peer.


async def test_silent_peer_is_failed_after_the_timeout() -> None:
    ws, peer = alive()
    await asyncio.sleep(INTERVAL + TIMEOUT - 0.001)
    before = ws.state
    await passes(0.001)
    assert (before, ws.state, peer.close_codes()) == (State.OPEN, State.CLOSING, [1011])


async def test_receiver_is_told_why() -> None:
    ws, _ = alive()
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    sent = caught.value.sent
    assert sent is not None
    assert (sent.code, sent.reason, str(caught.value.__cause__)) == (
        1011,
        "keepalive ping timeout",
        "no pong within 10 s, and nothing else was received",
    )


@pytest.mark.parametrize("close_timeout", [100, None, 0.25])
async def test_dead_peer_is_not_waited_for_longer_than_a_second(close_timeout: float | None) -> None:
    ws, _ = alive(close_timeout=close_timeout)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await ws.wait_closed()
    assert loop.time() - start == pytest.approx(INTERVAL + TIMEOUT + min(1, close_timeout or 1))


async def test_dead_peer_that_comes_back_to_life_is_failed_all_the_same() -> None:
    ws, peer = alive()
    await passes(INTERVAL + TIMEOUT)
    answer(peer)
    peer.feed_eof()
    await ws.wait_closed()
    assert ws.close_code == 1006


async def test_peer_that_dies_later_is_failed() -> None:
    ws, peer = alive()
    for _ in range(3):
        await passes(INTERVAL)
        answer(peer)
    await passes(INTERVAL + TIMEOUT)
    assert (ws.state, peer.close_codes()) == (State.CLOSING, [1011])


async def test_peer_that_does_not_read_either_is_dropped() -> None:
    ws, peer = alive()
    peer.stop_peer()
    await ws.wait_closed()
    assert peer.aborted


# Signs of life.


@pytest.mark.parametrize(
    "sign",
    [frame(TEXT, b"x"), frame(PING, b"x"), frame(PONG, b"x"), frame(BINARY, bytes(500))[:1]],
    ids=["message", "ping", "unasked pong", "part of a frame"],
)
async def test_any_byte_is_a_sign_of_life(sign: bytes) -> None:
    ws, peer = alive()
    await passes(INTERVAL)
    await asyncio.sleep(1)
    peer.feed(sign)
    await passes(TIMEOUT)
    assert ws.state is State.OPEN


async def test_pings_go_on_after_another_sign_of_life() -> None:
    _, peer = alive()
    await passes(INTERVAL)
    await asyncio.sleep(1)
    peer.feed(frame(TEXT, b"x"))
    await passes(INTERVAL - 1)
    assert len(pings(peer)) == 2


async def test_ping_is_not_put_off_when_the_timeout_is_longer_than_the_interval() -> None:
    _, peer = alive(ping_interval=5, ping_timeout=60)
    await passes(5)
    await asyncio.sleep(1)
    peer.feed(frame(TEXT, b"x"))
    await passes(59)
    assert len(pings(peer)) == 2


async def test_pong_after_another_sign_of_life_does_not_double_the_pings() -> None:
    _, peer = alive()
    await passes(INTERVAL)
    peer.feed(frame(TEXT, b"x"))
    await passes(TIMEOUT)
    answer(peer)
    await passes(INTERVAL - TIMEOUT)
    assert len(pings(peer)) == 2


async def test_what_came_before_the_ping_is_no_sign_of_life() -> None:
    ws, peer = alive()
    await asyncio.sleep(INTERVAL - 0.5)
    peer.feed(frame(TEXT, b"x"))
    await passes(TIMEOUT + 0.5)
    assert ws.state is State.CLOSING


async def test_peer_that_talks_and_then_dies_is_failed() -> None:
    ws, peer = alive()
    await passes(INTERVAL)
    peer.feed(frame(TEXT, b"x"))
    await asyncio.sleep(2 * INTERVAL + TIMEOUT)
    assert ws.state is not State.OPEN


# The receive buffer of an idle connection.


def room(peer: PlayedTransport) -> int:
    assert peer.protocol is not None
    return memoryview(peer.protocol.get_buffer(-1)).nbytes


async def test_idle_connection_lets_go_of_its_receive_buffer() -> None:
    _, peer = alive(max_queue=None)
    peer.feed(*[frame(BINARY, bytes(60_000))] * 3)
    grown = room(peer)
    peer.feed(frame(BINARY, b""))
    for _ in range(3):
        await passes(INTERVAL)
        answer(peer)
    assert (grown, room(peer)) == (1 << 16, 1024)


async def test_busy_connection_keeps_its_receive_buffer() -> None:
    _, peer = alive(max_queue=None)
    for _ in range(3):
        peer.feed(*[frame(BINARY, bytes(60_000))] * 10)
        await passes(INTERVAL)
        answer(peer)
    assert room(peer) == 1 << 16


# Nothing may be concluded.


async def test_reading_that_is_paused_here_is_not_the_peers_death() -> None:
    ws, peer = alive(max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    await asyncio.sleep(10 * (INTERVAL + TIMEOUT))
    assert (peer.reading, ws.state) == (False, State.OPEN)


async def test_time_begins_anew_when_reading_goes_on() -> None:
    ws, peer = alive(max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    await asyncio.sleep(INTERVAL + TIMEOUT / 2)
    await ws.recv()
    await ws.recv()
    await passes(TIMEOUT / 2)
    assert ws.state is State.OPEN


async def test_pong_behind_what_was_not_read_counts() -> None:
    ws, peer = alive(max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    await passes(INTERVAL)
    answer(peer)
    await asyncio.sleep(5 * TIMEOUT)
    await ws.recv()
    await ws.recv()
    await passes(TIMEOUT - 1)
    assert (ws.state, len(pings(peer))) == (State.OPEN, 2)


async def test_peer_that_died_while_reading_was_paused_is_failed_afterwards() -> None:
    ws, peer = alive(max_queue=1)
    peer.feed(frame(TEXT, b"1"), frame(TEXT, b"2"))
    await asyncio.sleep(INTERVAL + 3 * TIMEOUT)
    await ws.recv()
    await ws.recv()
    with pytest.raises(ConnectionClosedError):
        await ws.recv()
    assert peer.close_codes() == [1011]


async def test_loop_that_was_held_up_is_not_the_peers_death() -> None:
    ws, peer = alive()
    await passes(INTERVAL)
    jumping_loop().jump(2 * TIMEOUT)
    await settle()
    state = ws.state
    answer(peer)
    await passes(TIMEOUT - 1)
    assert (state, ws.state) == (State.OPEN, State.OPEN)


async def test_loop_that_was_held_up_before_the_ping_is_not_the_peers_death() -> None:
    ws, peer = alive()
    jumping_loop().jump(INTERVAL + 2 * TIMEOUT)
    await settle()
    answer(peer)
    await passes(TIMEOUT)
    assert ws.state is State.OPEN


async def test_peer_that_died_is_failed_though_the_loop_was_held_up() -> None:
    ws, peer = alive()
    await passes(INTERVAL)
    jumping_loop().jump(2 * TIMEOUT)
    await passes(1)
    assert (ws.state, peer.close_codes()) == (State.CLOSING, [1011])


async def test_timer_that_is_a_little_late_is_no_reason_to_wait() -> None:
    ws, _ = alive()
    await asyncio.sleep(INTERVAL + TIMEOUT - 0.01)
    jumping_loop().jump(0.05)
    await settle()
    assert ws.state is State.CLOSING


# Others' pings, and the end.


async def test_peer_is_failed_though_the_users_own_pings_fill_the_bound() -> None:
    ws, peer = alive()
    for _ in range(MAX_PENDING):
        await hold(ws.ping())
    await asyncio.sleep(INTERVAL + TIMEOUT + 2)
    assert (ws.state, peer.close_codes()) == (State.CLOSED, [1011])


async def test_keepalive_goes_on_when_the_users_own_pings_have_their_pongs() -> None:
    ws, peer = alive()
    for _ in range(MAX_PENDING):
        await hold(ws.ping())
    await passes(INTERVAL)
    answer(peer)
    await passes(INTERVAL)
    assert (ws.state, len(pings(peer))) == (State.OPEN, MAX_PENDING + 1)


async def test_full_bound_without_timeout_only_skips_a_ping() -> None:
    ws, peer = alive(ping_timeout=None)
    for _ in range(MAX_PENDING):
        await hold(ws.ping())
    await passes(INTERVAL)
    answer(peer)
    await passes(INTERVAL)
    assert (ws.state, len(pings(peer))) == (State.OPEN, MAX_PENDING + 1)


async def test_pong_for_a_ping_of_the_user_acknowledges_that_of_keepalive() -> None:
    ws, peer = alive()
    await passes(INTERVAL)
    pong = await ws.ping(b"mine")
    peer.feed(frame(PONG, b"mine"))
    await pong
    await passes(TIMEOUT)
    assert ws.state is State.OPEN


@pytest.mark.parametrize("when", [INTERVAL / 2, INTERVAL + TIMEOUT / 2], ids=["before", "after"])
async def test_nothing_is_pinged_or_concluded_in_closing(when: float) -> None:
    ws, peer = alive(close_timeout=100)
    await asyncio.sleep(when)
    before = len(pings(peer))
    closing = await started(ws.close())
    await asyncio.sleep(INTERVAL + TIMEOUT + 1)
    assert (ws.state, len(pings(peer)), peer.close_codes()) == (State.CLOSING, before, [1000])
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing


async def test_pong_in_closing_begins_no_new_pings() -> None:
    ws, peer = alive(close_timeout=100)
    await passes(INTERVAL)
    closing = await started(ws.close())
    answer(peer)
    await asyncio.sleep(2 * INTERVAL)
    peer.feed_eof()
    await closing
    assert peer.opcodes() == [PING, CLOSE]


@pytest.mark.parametrize("when", [0, INTERVAL + TIMEOUT / 2], ids=["before", "after"])
async def test_lost_connection_leaves_no_timer(when: float) -> None:
    ws, peer = alive()
    await asyncio.sleep(when)
    peer.lose()
    await ws.wait_closed()
    assert jumping_loop().timers() == []


async def test_connection_that_was_closed_at_once_is_not_pinged() -> None:
    ws, peer = alive()
    peer.feed(close_frame(1000))
    await asyncio.sleep(INTERVAL + TIMEOUT)
    assert (pings(peer), ws.closed) == ([], True)
