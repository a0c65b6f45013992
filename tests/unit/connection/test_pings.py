"""ping() and pong(): acknowledgement, latency, bounds, the end."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from tests.support.clock import jumping_loop
from tests.support.connections import establish, hold, started
from tests.support.raw_peer import CLOSE, PING, PONG, TEXT, close_frame, frame, settle
from wssdk.connection.pings import MAX_PENDING, Pings
from wssdk.errors import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK, ProtocolError


async def test_ping_goes_out_with_its_data() -> None:
    ws, peer = establish()
    pong = await ws.ping(b"data")
    assert [(got.opcode, got.payload) for got in peer.frames()] == [(PING, b"data")]
    assert isinstance(pong, asyncio.Future)


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        ("é", "é".encode()),
        (b"x", b"x"),
        (bytearray(b"x"), b"x"),
        (memoryview(b"abcdef")[::2], b"ace"),
        (b"", b""),
        (bytes(125), bytes(125)),
    ],
)
@pytest.mark.parametrize("call", ["ping", "pong"])
async def test_data_may_be_text_or_bytes(call: str, data: Any, payload: bytes) -> None:
    ws, peer = establish()
    await getattr(ws, call)(data)
    assert peer.payloads() == [payload]


async def test_ping_without_data_has_four_random_bytes() -> None:
    ws, peer = establish()
    pongs = [await ws.ping() for _ in range(10)]
    assert ({len(payload) for payload in peer.payloads()}, len(set(peer.payloads()))) == ({4}, len(pongs))


@pytest.mark.parametrize("call", ["ping", "pong"])
async def test_data_that_no_control_frame_holds_is_refused(call: str) -> None:
    ws, peer = establish()
    with pytest.raises(ProtocolError, match="126 bytes; a control frame holds at most 125"):
        await getattr(ws, call)(bytes(126))
    assert peer.frames() == []


@pytest.mark.parametrize("call", ["ping", "pong"])
@pytest.mark.parametrize("data", [1, 1.5, ["x"], object()])
async def test_data_of_another_type_is_refused(call: str, data: Any) -> None:
    ws, peer = establish()
    with pytest.raises(TypeError, match=f"data must be .* not {type(data).__name__}$"):
        await getattr(ws, call)(data)
    assert peer.frames() == []


async def test_pong_goes_out_unasked() -> None:
    ws, peer = establish()
    await ws.pong()
    await ws.pong(b"x")
    assert [(got.opcode, got.payload) for got in peer.frames()] == [(PONG, b""), (PONG, b"x")]


# Acknowledgement.


async def test_pong_gives_the_seconds_since_its_ping() -> None:
    ws, peer = establish()
    pong = await ws.ping(b"x")
    await asyncio.sleep(0.25)
    peer.feed(frame(PONG, b"x"))
    assert await pong == pytest.approx(0.25)


async def test_latency_is_that_of_the_last_acknowledged_ping() -> None:
    ws, peer = establish()
    seen = [ws.latency]
    for delay in (0.5, 0.25):
        await ws.pong(b"unrelated")
        first = await ws.ping(b"x")
        await asyncio.sleep(delay)
        peer.feed(frame(PONG, b"x"))
        await first
        seen.append(ws.latency)
    assert seen == [0, pytest.approx(0.5), pytest.approx(0.25)]


async def test_pong_acknowledges_all_earlier_pings() -> None:
    ws, peer = establish()
    pongs = [await ws.ping(data) for data in (b"1", b"2", b"3")]
    peer.feed(frame(PONG, b"2"))
    assert [pong.done() for pong in pongs] == [True, True, False]  # type: ignore[attr-defined]


async def test_each_acknowledged_ping_has_its_own_time() -> None:
    ws, peer = establish()
    first = await ws.ping(b"1")
    await asyncio.sleep(1)
    second = await ws.ping(b"2")
    await asyncio.sleep(1)
    peer.feed(frame(PONG, b"2"))
    assert [await first, await second] == [pytest.approx(2), pytest.approx(1)]


@pytest.mark.parametrize("data", [b"", b"never sent"])
async def test_pong_that_nobody_asked_for_is_ignored(data: bytes) -> None:
    ws, peer = establish()
    pong = await ws.ping(b"x")
    peer.feed(frame(PONG, data))
    await settle()
    assert (pong.done(), ws.latency) == (False, 0)  # type: ignore[attr-defined]


async def test_pong_that_comes_twice_counts_once() -> None:
    ws, peer = establish()
    first = await ws.ping(b"x")
    peer.feed(frame(PONG, b"x"), frame(PONG, b"x"))
    second = await ws.ping(b"y")
    assert (first.done(), second.done()) == (True, False)  # type: ignore[attr-defined]


async def test_data_that_waits_for_its_pong_is_refused_again() -> None:
    ws, _ = establish()
    await hold(ws.ping(b"x"))
    with pytest.raises(ConcurrencyError, match="already waiting for a pong with the same data"):
        await hold(ws.ping(b"x"))


async def test_data_may_be_used_again_after_its_pong() -> None:
    ws, peer = establish()
    await hold(ws.ping(b"x"))
    peer.feed(frame(PONG, b"x"))
    again = await ws.ping(b"x")
    peer.feed(frame(PONG, b"x"))
    assert await again == 0


async def test_cancelled_waiter_is_tolerated() -> None:
    ws, peer = establish()
    first, second = await ws.ping(b"1"), await ws.ping(b"2")
    first.cancel()  # type: ignore[attr-defined]
    peer.feed(frame(PONG, b"2"))
    assert await second == 0


async def test_cancelled_waiter_is_tolerated_at_the_end() -> None:
    ws, peer = establish()
    first, second = await ws.ping(b"1"), await ws.ping(b"2")
    first.cancel()  # type: ignore[attr-defined]
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await second


async def test_timed_out_wait_for_a_pong_is_harmless() -> None:
    ws, peer = establish()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(await ws.ping(b"x"), 1)
    peer.feed(frame(PONG, b"x"))
    await ws.send("x")
    assert ws.latency == pytest.approx(1)


async def test_number_of_waiting_pings_is_bounded() -> None:
    ws, peer = establish()
    for _ in range(MAX_PENDING):
        await hold(ws.ping())
    with pytest.raises(ConcurrencyError, match=f"{MAX_PENDING} pings"):
        await hold(ws.ping())
    assert len(peer.frames()) == MAX_PENDING


async def test_new_payload_is_none_that_waits() -> None:
    pings = Pings(asyncio.get_running_loop())
    waiting = {pings.new_payload() for _ in range(100)}
    pongs = [pings.add(payload) for payload in waiting]
    assert len(pongs) == len(waiting)
    assert pings.new_payload() not in waiting


async def test_discarded_ping_is_not_acknowledged() -> None:
    pings = Pings(asyncio.get_running_loop())
    pong = pings.add(b"x")
    pings.discard(b"x")
    pings.acknowledge(b"x")
    assert not pong.done()


async def test_ping_waits_for_a_peer_that_does_not_read() -> None:
    ws, peer = establish(high=10, low=1)
    peer.stop_peer()
    task = await started(ws.ping(bytes(20)))
    assert not task.done()
    peer.resume_peer()
    peer.feed(frame(PONG, bytes(20)))
    assert await (await task) == 0


# The peer's pings.


async def test_ping_of_the_peer_is_answered() -> None:
    ws, peer = establish()
    peer.feed(frame(PING, b"?"))
    assert ([(got.opcode, got.payload) for got in peer.frames()], ws.latency) == ([(PONG, b"?")], 0)


async def test_only_the_newest_ping_is_answered_to_a_peer_that_does_not_read() -> None:
    ws, peer = establish(high=100, low=10)
    peer.stop_peer()
    sending = await started(ws.send(bytes(200)))
    before = peer.get_write_buffer_size()
    peer.feed(*[frame(PING, b"%d" % number) for number in range(1000)])
    assert peer.get_write_buffer_size() == before
    peer.resume_peer()
    await sending
    assert peer.payloads()[1:] == [b"999"]


async def test_no_pong_is_held_back_where_no_ping_came() -> None:
    ws, peer = establish(high=100, low=10)
    peer.stop_peer()
    sending = await started(ws.send(bytes(200)))
    peer.resume_peer()
    await sending
    assert len(peer.frames()) == 1


# The end.


async def test_waiting_ping_is_told_how_the_connection_closed() -> None:
    ws, peer = establish()
    pong = await ws.ping()
    peer.feed(close_frame(1001))
    peer.feed_eof()
    with pytest.raises(ConnectionClosedOK):
        await pong


async def test_ping_may_be_acknowledged_by_the_close() -> None:
    ws, peer = establish()
    pong = await ws.ping(ack_on_close=True)
    await asyncio.sleep(0.5)
    peer.feed(close_frame(1001))
    peer.feed_eof()
    assert await pong == pytest.approx(0.5)


async def test_latency_is_not_that_of_the_close() -> None:
    ws, peer = establish()
    pong = await ws.ping(ack_on_close=True)
    await asyncio.sleep(0.5)
    peer.lose()
    await pong
    assert ws.latency == 0


async def test_pong_that_nobody_waits_for_makes_no_noise() -> None:
    ws, peer = establish()
    pong = await ws.ping()
    peer.lose()
    await ws.wait_closed()
    del pong
    gc.collect()  # an exception never retrieved would reach the loop's handler, which fails the test
    assert ws.closed


async def test_pong_before_the_loss_counts() -> None:
    ws, peer = establish()
    pong = await ws.ping(b"x")
    peer.feed(frame(PONG, b"x"))
    peer.lose()
    await ws.wait_closed()
    assert await pong == 0


@pytest.mark.parametrize("call", ["ping", "pong"])
async def test_closed_connection_is_told(call: str) -> None:
    ws, peer = establish()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await ws.wait_closed()
    with pytest.raises(ConnectionClosedOK):
        await getattr(ws, call)()


@pytest.mark.parametrize("call", ["ping", "pong"])
async def test_closing_connection_is_told_when_it_is_closed(call: str) -> None:
    ws, peer = establish()
    closing = await started(ws.close())
    task = await started(getattr(ws, call)())
    assert not task.done()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    with pytest.raises(ConnectionClosedOK):
        await task
    assert peer.opcodes() == [CLOSE]


@pytest.mark.parametrize("call", ["ping", "pong"])
async def test_aborted_connection_is_told(call: str) -> None:
    ws, _ = establish()
    ws.abort()
    with pytest.raises(ConnectionClosedError):
        await getattr(ws, call)()


async def test_pong_in_closing_still_counts() -> None:
    ws, peer = establish()
    pong = await ws.ping(b"x")
    closing = await started(ws.close())
    peer.feed(frame(PONG, b"x"), close_frame(1000))
    peer.feed_eof()
    await closing
    assert await pong == 0


async def test_latency_is_measured_by_the_loops_clock() -> None:
    ws, peer = establish()
    pong = await ws.ping(b"x")
    jumping_loop().jump(3)
    peer.feed(frame(TEXT, b"first"), frame(PONG, b"x"))
    assert await pong == pytest.approx(3)
