"""What a full inbox does to the connection, by ``limits.on_full``: nothing is lost to who only receives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.connections import establish, started, take_all, ticks
from tests.support.cores import deflate
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import BINARY, CONT, PING, PONG, TEXT, close_frame, deflated, frame, settle
from wssdk.codes import DropCount
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK, PayloadTooBig
from wssdk.errors_limits import InboxFull
from wssdk.protocol.state import State
from wssdk.typing import Data

MANY = 100
NUMBERED = [frame(TEXT, b"%02d" % number) for number in range(MANY)]
NUMBERS = [f"{number:02}" for number in range(MANY)]

dropping = pytest.mark.parametrize("on_full", ["drop_oldest", "latest"])
judging = pytest.mark.parametrize("on_full", ["drop_oldest", "latest", "close"])
every = pytest.mark.parametrize("on_full", ["pause", "drop_oldest", "close"])
each_wakeup = pytest.mark.parametrize("wakeup", ["direct", "scheduled"])


async def flooded(on_full: str, **keywords: Any) -> tuple[ClientConnection, PlayedTransport]:
    """Return a connection that was sent ``NUMBERED`` in one read, and its peer; nobody receives."""
    ws, peer = establish(**{"on_full": on_full, "max_queue": 4, **keywords})
    peer.feed(*NUMBERED)
    await settle()
    return ws, peer


def left(ws: ClientConnection) -> list[Data]:
    """Take what is there, without waiting."""
    taken: list[Data] = []
    while True:
        try:
            taken.append(ws.recv_nowait())
        except asyncio.QueueEmpty:
            return taken


# Nobody receives.


async def test_drop_oldest_keeps_the_newest_messages_in_order() -> None:
    ws, _ = await flooded("drop_oldest")
    assert (left(ws), ws.dropped) == (NUMBERS[-4:], DropCount(96, 192))


async def test_latest_keeps_the_newest_message() -> None:
    ws, _ = await flooded("latest")
    assert (left(ws), ws.dropped) == (NUMBERS[-1:], DropCount(99, 198))


async def test_pause_drops_nothing() -> None:
    ws, _ = await flooded("pause")
    assert (left(ws), ws.dropped) == (NUMBERS, DropCount(0, 0))


async def test_bytes_are_a_bound_of_their_own() -> None:
    ws, _ = await flooded("drop_oldest", max_queue=None, max_queue_bytes=20)
    assert (left(ws), ws.dropped) == (NUMBERS[-10:], DropCount(90, 180))


async def test_bytes_alone_pause_reading() -> None:
    ws, peer = await flooded("pause", max_queue=None, max_queue_bytes=20)
    paused = not peer.reading
    taken = [await ws.recv() for _ in range(MANY)]
    await settle()
    assert (paused, taken, peer.reading) == (True, NUMBERS, True)


async def test_bytes_are_those_of_the_wire_for_text() -> None:
    ws, peer = establish(on_full="latest")
    peer.feed(frame(TEXT, "\N{SNOWMAN}".encode()), frame(TEXT, b"x"))
    assert ws.dropped == DropCount(1, 3)


async def test_bytes_are_inflated_where_the_message_is_compressed() -> None:
    ws, peer = establish(on_full="latest", extensions=[deflate(no_context_takeover=True)])
    peer.feed(frame(TEXT, deflated(b"x" * 1000), rsv=4), frame(TEXT, b"x"))
    assert ws.dropped == DropCount(1, 1000)


async def test_bytes_are_all_of_a_fragmented_message() -> None:
    ws, peer = establish(on_full="latest")
    peer.feed(frame(TEXT, b"abc", fin=False), frame(CONT, b"de"), frame(TEXT, b"x"))
    assert (ws.dropped, left(ws)) == (DropCount(1, 5), ["x"])


async def test_bytes_are_counted_of_a_message_that_comes_in_several_reads() -> None:
    ws, peer = establish(on_full="latest")
    data = frame(BINARY, bytes(1000))
    peer.feed(data[:500])
    peer.feed(data[500:], frame(TEXT, b"x"))
    assert ws.dropped == DropCount(1, 1000)


async def test_message_larger_than_the_bound_of_bytes_arrives() -> None:
    ws, peer = establish(max_queue_bytes=10)
    peer.feed(frame(BINARY, bytes(1000)), frame(BINARY, bytes(1000)))
    assert [len(await ws.recv()) for _ in range(2)] == [1000, 1000]


async def test_max_size_is_a_bound_under_every_policy() -> None:
    ws, peer = establish(on_full="latest", max_size=100)
    peer.feed(frame(BINARY, bytes(101)))
    peer.lose()
    with pytest.raises(ConnectionClosedError) as told:
        await ws.recv()
    assert isinstance(told.value.__cause__, PayloadTooBig)


@dropping
async def test_reading_goes_on(on_full: str) -> None:
    _, peer = await flooded(on_full)
    peer.feed(*NUMBERED * 10)
    assert peer.reading


@dropping
async def test_program_that_only_sends_answers_pings(on_full: str) -> None:
    _, peer = await flooded(on_full)
    peer.feed(*NUMBERED, frame(PING, b"?"))
    assert [(got.opcode, got.payload) for got in peer.frames()] == [(PONG, b"?")]


@dropping
async def test_program_that_only_sends_sees_the_peers_close_frame(on_full: str) -> None:
    ws, peer = await flooded(on_full)
    peer.feed(close_frame(1001))
    peer.feed_eof()
    await ws.wait_closed()
    assert (ws.close_code, left_at_the_end(ws)) == (1001, "99")


@dropping
async def test_program_that_only_sends_sees_the_end_of_the_pipe(on_full: str) -> None:
    ws, peer = await flooded(on_full)
    peer.lose(ConnectionResetError())
    await ws.wait_closed()
    assert (ws.close_code, left_at_the_end(ws)) == (1006, "99")


@dropping
async def test_program_that_only_sends_is_kept_alive(on_full: str) -> None:
    ws, peer = await flooded(on_full, ping_interval=1, ping_timeout=1)
    for _ in range(20):
        await asyncio.sleep(1.001)
        peer.feed(*NUMBERED, *[frame(PONG, got.payload) for got in peer.frames() if got.opcode == PING])
    assert (ws.state, ws.latency > 0) == (State.OPEN, True)


def left_at_the_end(ws: ClientConnection) -> Data:
    """Take what is there; return the last of it."""
    last: Data = ""
    while True:
        try:
            last = ws.recv_nowait()
        except ConnectionClosedOK:
            return last
        except ConnectionClosedError:
            return last


# close.


async def test_close_fails_the_connection_as_a_policy_has_it() -> None:
    _, peer = await flooded("close")
    (told,) = [got for got in peer.frames() if got.close_code]
    assert (told.close_code, told.payload[2:]) == (
        1008,
        b"inbox is full: 4 messages with 8 bytes wait to be received",
    )


async def test_close_leaves_what_was_received_to_be_taken() -> None:
    ws, peer = await flooded("close")
    peer.lose()
    taken: list[Data] = []
    with pytest.raises(ConnectionClosedError) as told:
        await take_all(ws, taken)
    cause = told.value.__cause__
    assert isinstance(cause, InboxFull)
    assert (taken, cause.messages, cause.size) == (NUMBERS[:4], 4, 8)


async def test_close_counts_the_message_that_was_too_much() -> None:
    ws, _ = await flooded("close")
    assert ws.dropped == DropCount(1, 2)


async def test_close_does_nothing_before_a_message_is_too_much() -> None:
    ws, peer = establish(on_full="close", max_queue=4)
    peer.feed(*NUMBERED[:4], frame(PING, b"?"))
    assert (ws.state, peer.opcodes()) == (State.OPEN, [PONG])


# Somebody receives.


@every
@each_wakeup
async def test_who_only_receives_loses_nothing(on_full: str, wakeup: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4, wakeup=wakeup)
    taken: list[Data] = []
    task = await started(take_all(ws, taken))
    for _ in range(5):
        peer.feed(*NUMBERED)
        await settle()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await task
    assert (taken, ws.dropped) == (NUMBERS * 5, DropCount(0, 0))


@every
@each_wakeup
async def test_who_only_receives_lists_loses_nothing(on_full: str, wakeup: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4, wakeup=wakeup)
    batches: list[list[Data]] = []
    task = await started(take_all(ws.batches(), batches))
    peer.feed(*NUMBERED, frame(PING, b""), *NUMBERED, close_frame(1000))
    peer.feed_eof()
    await task
    assert ([message for batch in batches for message in batch], ws.dropped) == (NUMBERS * 2, DropCount())


@every
async def test_who_only_receives_with_a_timeout_loses_nothing(on_full: str) -> None:
    """It waits on a future of its own, and runs in the next iteration."""
    ws, peer = establish(on_full=on_full, max_queue=4)

    async def receive() -> list[Data]:
        return [await ws.recv(timeout=60) for _ in range(MANY)]

    task = await started(receive())
    peer.feed(*NUMBERED)
    assert (await task, ws.dropped) == (NUMBERS, DropCount())


@every
async def test_who_only_receives_without_a_limit_of_size_loses_nothing(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4, max_size=None)
    taken: list[Data] = []
    task = await started(take_all(ws, taken))
    peer.feed(*NUMBERED)
    await settle()
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await task
    assert (taken, ws.dropped) == (NUMBERS, DropCount())


@each_wakeup
async def test_latest_gives_a_waiting_receiver_the_newest_of_a_read(wakeup: str) -> None:
    ws, peer = establish(on_full="latest", wakeup=wakeup)
    task = await started(ws.recv())
    peer.feed(*NUMBERED)
    assert (await task, ws.dropped.messages) == ("99", 99)


@each_wakeup
@pytest.mark.parametrize("max_size", [1 << 20, None])
async def test_who_takes_one_and_goes_on_to_other_things_is_left_the_newest(
    wakeup: str, max_size: int | None
) -> None:
    ws, peer = establish(on_full="drop_oldest", max_queue=4, wakeup=wakeup, max_size=max_size)
    task = await started(ws.recv())
    peer.feed(*NUMBERED)
    first = await task
    await settle()
    assert (first, left(ws), ws.dropped.messages, peer.reading) == ("00", NUMBERS[-4:], 95, True)


async def test_who_takes_one_and_goes_on_to_other_things_is_told_of_the_close() -> None:
    ws, peer = establish(on_full="close", max_queue=4)
    task = await started(ws.recv())
    peer.feed(*NUMBERED)
    await settle()
    assert (await task, peer.close_codes()) == ("00", [1008])


@judging
async def test_receiver_that_nobody_drives_does_not_hold_the_loop(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4)
    waiting: Any = ws.recv()
    waiting.send(None)
    peer.feed(*NUMBERED, frame(PING, b"?"))
    await ticks(5)
    assert peer.reading
    assert PONG in peer.opcodes() or peer.close_codes() == [1008]
    waiting.close()


@dropping
async def test_every_message_is_received_or_counted(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4)
    taken: list[Data] = []

    async def receive() -> None:
        async for message in ws:
            taken.append(message)
            await asyncio.sleep(0.01 * (len(taken) % 3))

    task = await started(receive())
    for number in range(200):
        peer.feed(*NUMBERED[: number % 13])
        await asyncio.sleep(0.005)
    peer.feed(frame(TEXT, b"last"), close_frame(1000))
    peer.feed_eof()
    await task
    sent = sum(number % 13 for number in range(200)) + 1
    assert (len(taken) + ws.dropped.messages, taken[-1]) == (sent, "last")
    assert 0 < ws.dropped.messages < sent


# Streaming.


async def next_part(stream: Any) -> Any:
    return await anext(stream)


@judging
async def test_fragments_that_are_taken_one_by_one_are_all_there(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4)
    stream = ws.recv_streaming()
    task = await started(next_part(stream))
    peer.feed(frame(TEXT, b"0", fin=False), *[frame(CONT, b"x", fin=False)] * 50, frame(CONT, b"."))
    await settle()
    paused = not peer.reading
    rest = [part async for part in stream]
    assert (await task, "".join(map(str, rest)), ws.dropped) == ("0", "x" * 50 + ".", DropCount())
    assert paused


@pytest.mark.parametrize("on_full", ["drop_oldest", "close"])
async def test_who_only_receives_what_comes_behind_a_streamed_message_loses_nothing(on_full: str) -> None:
    """Nobody waited when it came: it stands behind the fragments, which nobody was waiting for either."""
    ws, peer = establish(on_full=on_full, max_queue=4)
    stream = ws.recv_streaming()
    task = await started(next_part(stream))
    peer.feed(frame(TEXT, b"0", fin=False))
    await task
    peer.feed(*[frame(CONT, b"x", fin=False)] * 5, frame(CONT, b"."), *NUMBERED)
    _ = [part async for part in stream]
    assert ([await ws.recv() for _ in range(MANY)], ws.dropped) == (NUMBERS, DropCount())


@dropping
async def test_reading_goes_on_once_the_last_fragment_is_taken(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4)
    stream = ws.recv_streaming()
    task = await started(next_part(stream))
    peer.feed(frame(TEXT, b"0", fin=False), *[frame(CONT, b"x", fin=False)] * 5, frame(CONT, b"."))
    peer.feed(*NUMBERED, frame(PING, b"?"))
    await task
    _ = [part async for part in stream]
    await settle()
    assert (peer.reading, peer.opcodes(), left(ws)[-1]) == (True, [PONG], "99")


@dropping
async def test_reading_goes_on_where_streaming_was_given_up(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4)
    task = await started(next_part(ws.recv_streaming()))
    task.cancel()
    peer.feed(frame(TEXT, b"0", fin=False), *[frame(CONT, b"x", fin=False)] * 5, frame(CONT, b"."))
    peer.feed(*NUMBERED, frame(PING, b"?"))
    with pytest.raises(asyncio.CancelledError):
        await task
    await settle()
    assert (peer.reading, peer.opcodes(), left(ws)[-1]) == (True, [PONG], "99")


@dropping
async def test_message_in_fragments_may_be_dropped_as_a_whole(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=1)
    peer.feed(frame(TEXT, b"a", fin=False), frame(CONT, b"b"), *NUMBERED[:2])
    assert (left(ws), ws.dropped) == (["01"], DropCount(2, 4))


@judging
async def test_rest_of_a_fragmented_message_is_there_where_the_inbox_overflows_meanwhile(
    on_full: str,
) -> None:
    """It was whole when the first fragment was taken: the rest is with who takes it."""
    ws, peer = establish(on_full=on_full, max_queue=1)
    peer.feed(frame(TEXT, b"a", fin=False), frame(CONT, b"b", fin=False), frame(CONT, b"c"))
    stream = ws.recv_streaming()
    first = await anext(stream)
    peer.feed(*NUMBERED)
    assert (first, [part async for part in stream]) == ("a", ["b", "c"])


# Closing.


@judging
async def test_closing_behind_a_full_inbox(on_full: str) -> None:
    ws, peer = establish(on_full=on_full, max_queue=4)
    peer.feed(*NUMBERED[:4])
    closing = await started(ws.close())
    peer.feed(*NUMBERED[4:], close_frame(1000))
    peer.feed_eof()
    await closing
    kept = {"drop_oldest": NUMBERS[-4:], "latest": NUMBERS[-1:], "close": NUMBERS[:4]}[on_full]
    taken = [ws.recv_nowait() for _ in kept]
    assert (ws.close_code, taken, ws.dropped.messages) == (1000, kept, MANY - len(kept))
    with pytest.raises(ConnectionClosedOK):
        ws.recv_nowait()


async def test_what_is_dropped_for_want_of_room_while_closing_is_counted_under_pause() -> None:
    ws, peer = establish(max_queue=4)
    peer.feed(*NUMBERED[:4])
    closing = await started(ws.close())
    peer.feed(*NUMBERED[4:], close_frame(1000))
    peer.feed_eof()
    await closing
    assert ws.dropped == DropCount(96, 192)


@each_wakeup
async def test_violation_behind_a_burst_is_told_after_its_messages(wakeup: str) -> None:
    ws, peer = establish(on_full="drop_oldest", max_queue=4, wakeup=wakeup)
    taken: list[Data] = []
    task = await started(take_all(ws, taken))
    peer.feed(*NUMBERED, b"\xff\xff")
    await settle()
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await task
    assert (taken, peer.close_codes()) == (NUMBERS, [1002])


@each_wakeup
async def test_pipe_lost_behind_a_burst_loses_nothing(wakeup: str) -> None:
    ws, peer = establish(on_full="drop_oldest", max_queue=4, wakeup=wakeup)
    taken: list[Data] = []
    task = await started(take_all(ws, taken))
    peer.feed(*NUMBERED)
    peer.lose()
    with pytest.raises(ConnectionClosedError):
        await task
    assert taken == NUMBERS
