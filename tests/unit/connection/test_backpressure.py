"""Reading pauses where nobody receives, goes on where somebody does, and loses nothing in between."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.connections import establish, started, ticks
from tests.support.raw_peer import BINARY, CONT, PING, TEXT, close_frame, frame, settle
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK
from wssdk.typing import Data

MANY = 100
NUMBERED = [frame(TEXT, b"%d" % number) for number in range(MANY)]
NUMBERS = [str(number) for number in range(MANY)]
MIB = 1 << 20


async def test_full_inbox_pauses_reading() -> None:
    _, peer = establish(max_queue=4)
    peer.feed(*NUMBERED[:5])
    assert not peer.reading


async def test_full_inbox_with_nothing_behind_it_does_not_pause_reading() -> None:
    _, peer = establish(max_queue=4)
    peer.feed(*NUMBERED[:4])
    assert peer.reading


async def test_reading_goes_on_at_low_water() -> None:
    ws, peer = establish(max_queue=(4, 1))
    peer.feed(*NUMBERED[:5])
    seen = []
    for _ in range(3):
        await ws.recv()
        seen.append(peer.reading)
    assert seen == [False, False, True]


async def test_low_water_is_a_quarter_of_high_water() -> None:
    ws, peer = establish(max_queue=8)
    peer.feed(*NUMBERED[:9])
    taken = 0
    while not peer.reading:
        await ws.recv()
        taken += 1
    assert taken == 6


@pytest.mark.parametrize("max_queue", [1, 2, (3, 0), (10, 9), 32, None])
async def test_every_message_arrives_in_order(max_queue: int | tuple[int, int] | None) -> None:
    ws, peer = establish(max_queue=max_queue)
    peer.feed(*NUMBERED)
    peer.feed(*NUMBERED)
    peer.feed(close_frame(1000))
    peer.feed_eof()
    assert [message async for message in ws] == NUMBERS * 2


@pytest.mark.parametrize("max_queue", [1, 2, (3, 0), (10, 9)])
async def test_every_message_arrives_that_comes_byte_by_byte(max_queue: int | tuple[int, int]) -> None:
    ws, peer = establish(max_queue=max_queue)
    for byte in b"".join(NUMBERED):
        peer.feed(bytes([byte]))
    assert [await ws.recv() for _ in range(MANY)] == NUMBERS


async def test_no_limit_never_pauses_reading() -> None:
    _, peer = establish(max_queue=None)
    peer.feed(*NUMBERED * 20)
    assert peer.reading


async def test_bytes_behind_a_full_inbox_are_not_parsed() -> None:
    """A ping behind them is answered when its turn comes."""
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED[:2], frame(PING, b"?"))
    await settle()
    before = peer.frames()
    assert (before, await ws.recv(), await ws.recv()) == ([], "0", "1")
    assert peer.payloads() == [b"?"]


async def test_no_more_than_one_read_is_kept() -> None:
    ws, peer = establish(max_queue=1, read_limit=1024)
    message = frame(BINARY, bytes(100))
    for _ in range(100):
        peer.feed(message)
    assert not peer.reading
    assert [len(await ws.recv()) for _ in range(100)] == [100] * 100


async def test_reading_goes_on_when_we_close() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED)
    closing = await started(ws.close())
    reading = peer.reading
    peer.feed(close_frame(1000))
    peer.feed_eof()
    await closing
    assert (reading, ws.close_code) == (True, 1000)


async def test_waiting_receiver_and_full_inbox_do_not_stop_each_other() -> None:
    ws, peer = establish(max_queue=1)
    received = []

    async def receive() -> None:
        async for message in ws:
            received.append(message)
            await asyncio.sleep(0)

    task = await started(receive())
    peer.feed(*NUMBERED, close_frame(1000))
    peer.feed_eof()
    await task
    assert received == NUMBERS


# Streaming.


async def test_fragments_pause_reading_like_messages() -> None:
    ws, peer = establish(max_queue=4)
    stream = ws.recv_streaming()
    task = await started(anext(stream))
    peer.feed(frame(BINARY, b"0", fin=False), *[frame(CONT, b"x", fin=False)] * 10)
    await task
    assert not peer.reading


async def test_every_fragment_arrives_in_order() -> None:
    ws, peer = establish(max_queue=2)
    task = await started(parts_of(ws))
    peer.feed(frame(TEXT, b"0", fin=False))
    peer.feed(*[frame(CONT, b"%d" % number, fin=number == MANY - 1) for number in range(1, MANY)])
    assert await task == NUMBERS


async def parts_of(ws: ClientConnection) -> list[Data]:
    return [part async for part in ws.recv_streaming()]


# A message that has no limit.


async def test_endless_message_that_nobody_receives_pauses_reading() -> None:
    _, peer = establish(max_size=None)
    peer.feed(frame(BINARY, fin=False), *[frame(CONT, bytes(1 << 16), fin=False)] * 40)
    assert not peer.reading


async def test_endless_message_is_read_while_somebody_receives() -> None:
    ws, peer = establish(max_size=None)
    peer.feed(frame(BINARY, fin=False), *[frame(CONT, bytes(1 << 16), fin=False)] * 40)
    task = await started(ws.recv())
    reading = peer.reading
    peer.feed(frame(CONT))
    assert (reading, len(await task)) == (True, 40 << 16)


async def test_endless_message_pauses_reading_again_when_its_receiver_gives_up() -> None:
    ws, peer = establish(max_size=None)
    peer.feed(frame(BINARY, bytes(2 * MIB), fin=False))
    with pytest.raises(TimeoutError):
        await ws.recv(timeout=1)
    peer.feed(frame(CONT, b"x", fin=False))
    assert not peer.reading


async def test_message_with_a_limit_needs_no_receiver_to_be_read() -> None:
    ws, peer = establish(max_size=4 * MIB)
    peer.feed(frame(BINARY, bytes(3 * MIB)))
    assert peer.reading
    assert len(await ws.recv()) == 3 * MIB


async def test_endless_message_does_not_keep_the_close_from_its_end() -> None:
    ws, peer = establish(max_size=None)
    peer.feed(frame(BINARY, bytes(2 * MIB), fin=False))
    closing = await started(ws.close())
    peer.feed(frame(CONT, b"x"), close_frame(1000))
    peer.feed_eof()
    await closing
    assert ws.close_code == 1000


# The pipe is lost meanwhile.


@pytest.mark.parametrize("max_queue", [1, 2, (4, 2), 8])
async def test_messages_behind_a_full_inbox_are_readable_after_the_loss(
    max_queue: int | tuple[int, int],
) -> None:
    ws, peer = establish(max_queue=max_queue)
    peer.feed(*NUMBERED)
    peer.lose(ConnectionResetError())
    await ws.wait_closed()
    assert [await ws.recv() for _ in range(MANY)] == NUMBERS


async def test_end_is_told_after_the_messages_behind_a_full_inbox() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED[:3])
    peer.lose(ConnectionResetError("reset"))
    for _ in range(3):
        await ws.recv()
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert str(caught.value.__cause__) == "reset"


async def test_close_frame_behind_a_full_inbox_is_known_after_the_loss() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED[:2], close_frame(4000, b"why"))
    peer.lose()
    await ws.wait_closed()
    assert [await ws.recv(), await ws.recv()] == ["0", "1"]
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert (caught.value.code, caught.value.reason) == (4000, "why")


async def test_violation_behind_a_full_inbox_is_the_cause_after_the_loss() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED[:2], frame(CONT, b"wrong"))
    peer.lose()
    await ws.wait_closed()
    assert [await ws.recv(), await ws.recv()] == ["0", "1"]
    with pytest.raises(ConnectionClosedError) as caught:
        await ws.recv()
    assert str(caught.value.__cause__) == "unexpected continuation frame"


async def test_unfinished_message_behind_a_full_inbox_is_not_waited_for_after_the_loss() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED[:2], frame(TEXT, b"never", fin=False))
    peer.lose()
    await ws.wait_closed()
    assert [await ws.recv(), await ws.recv()] == ["0", "1"]
    with pytest.raises(ConnectionClosedError):
        await ws.recv()


async def test_closing_a_lost_connection_leaves_its_messages_readable() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED)
    peer.lose()
    await ws.wait_closed()
    await ws.close()
    assert [await ws.recv() for _ in range(MANY)] == NUMBERS


async def test_receivers_cancelled_after_the_loss_lose_nothing() -> None:
    ws, peer = establish(max_queue=1)
    peer.feed(*NUMBERED[:10])
    peer.lose()
    got: list[Data] = []
    while len(got) < 10:
        task = asyncio.ensure_future(ws.recv())
        if len(got) % 2:
            task.cancel()
        await ticks(1)
        if not task.cancelled():
            got.append(await task)
        else:
            got.append(await ws.recv())
    assert got == NUMBERS[:10]


async def test_quiet_end_behind_a_full_inbox() -> None:
    ws, peer = establish(max_queue=1, close_timeout=1)
    peer.feed(*NUMBERED[:3], close_frame(1000))
    peer.feed_eof()
    got = [await ws.recv() for _ in range(3)]
    with pytest.raises(ConnectionClosedOK):
        await ws.recv()
    assert got == NUMBERS[:3]
