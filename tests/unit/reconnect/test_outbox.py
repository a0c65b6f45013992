"""What is sent through drops: order, bounds, and no message twice."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.connections import started, ticks
from tests.support.raw_peer import BINARY, TEXT
from tests.support.survival import Peers, surviving
from tests.support.until import until
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed, ConnectionClosedError
from wssdk.reconnect.events import Opened
from wssdk.reconnect.outbox import NotSent, SendPolicy
from wssdk.reconnect.survivor import ReconnectingConnection


async def drop(peers: Peers) -> None:
    """Lose the connection; no other opens."""
    peers.may_open.clear()
    attempts = peers.attempts
    peers.last.lose()
    await until(lambda: peers.attempts > attempts)


async def come_back(peers: Peers, conn: ReconnectingConnection) -> None:
    peers.may_open.set()
    await until(lambda: conn.connection is not None)
    await ticks(5)


# While there is a connection.


async def test_message_is_written_at_once() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await conn.send("a")
        assert peers.last.heard() == ["a"]


@pytest.mark.parametrize(("message", "text", "opcode"), [("a", False, BINARY), (b"a", True, TEXT)])
async def test_text_and_binary_are_as_asked_for(message: Any, text: bool, opcode: int) -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await conn.send(message, text=text)
        assert peers.last.opcodes() == [opcode]


async def test_senders_keep_their_order_where_the_peer_reads_slowly() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers) as conn:
        peers.last.stop_peer()
        tasks = [await started(conn.send(f"message {number}")) for number in range(4)]
        peers.last.resume_peer()
        await asyncio.gather(*tasks)
        assert peers.last.heard() == [f"message {number}" for number in range(4)]


async def test_wrong_type_is_refused() -> None:
    async with surviving(Peers()) as conn:
        with pytest.raises(TypeError, match="a message must be"):
            await conn.send(5)  # type: ignore[arg-type]


# While there is none, and nothing is kept.


async def test_sender_waits_for_the_next_connection() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await drop(peers)
        sending = await started(conn.send("a"))
        assert not sending.done()
        await come_back(peers, conn)
        await sending
        assert peers.last.heard() == ["a"]


async def test_waiting_senders_keep_their_order() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await drop(peers)
        tasks = [await started(conn.send(text)) for text in "abc"]
        await come_back(peers, conn)
        await asyncio.gather(*tasks)
        assert peers.last.heard() == ["a", "b", "c"]


async def test_cancelled_sender_sends_nothing_later() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await drop(peers)
        tasks = [await started(conn.send(text)) for text in "abc"]
        tasks[0].cancel()
        tasks[1].cancel()
        await come_back(peers, conn)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert peers.last.heard() == ["c"]


async def test_sender_cancelled_in_its_turn_lets_the_next_one_go_on() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await drop(peers)
        first, second = [await started(conn.send(text)) for text in "ab"]
        peers.may_open.set()
        await until(lambda: conn.connection is not None)
        first.cancel()
        await second
        await asyncio.gather(first, return_exceptions=True)
        assert peers.last.heard()[-1] == "b"


async def test_sender_cancelled_when_it_was_told_to_go_on_lets_the_next_one_go_on() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await drop(peers)
        first, second = await started(conn.send("a")), await started(conn.send("b"))

        async def cancel_the_first() -> None:
            async for event in conn.events():
                if isinstance(event, Opened) and first.cancel():  # it was told, and has done nothing yet
                    return

        cancelling = await started(cancel_the_first())
        peers.may_open.set()
        async with asyncio.timeout(5):
            await second
        await cancelling
        assert peers.last.heard() == ["b"]


async def test_sender_waits_through_several_drops() -> None:
    peers = Peers(None, OSError("down"), OSError("down"))
    async with surviving(peers) as conn:
        await drop(peers)
        sending = await started(conn.send("a"))
        peers.may_open.set()
        await sending
        assert (peers.attempts, peers.last.heard()) == (4, ["a"])


async def test_fragments_wait_for_the_next_connection() -> None:
    async def fragments() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    peers = Peers()
    async with surviving(peers, outbox=5) as conn:
        await drop(peers)
        sending = await started(conn.send(fragments()))
        assert not sending.done()
        await come_back(peers, conn)
        await sending
        assert [got.payload for got in peers.last.frames()] == [b"a", b"b", b""]


async def test_sending_raises_where_that_is_the_policy() -> None:
    peers = Peers()
    async with surviving(peers, when_down="raise") as conn:
        await drop(peers)
        with pytest.raises(NotSent, match=r"nothing was sent: there is no connection$"):
            await conn.send("a")
        await come_back(peers, conn)
        assert peers.last.heard() == []


async def test_who_waits_behind_others_is_told_of_the_drop_where_that_is_the_policy() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers, when_down="raise") as conn:
        peers.last.stop_peer()
        first, second = [await started(conn.send("message")) for _ in range(2)]
        await drop(peers)
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ConnectionClosedError, NotSent]


# What is kept.


async def test_kept_message_is_sent_over_the_next_connection() -> None:
    peers = Peers()
    async with surviving(peers, outbox=2) as conn:
        await drop(peers)
        await conn.send("a")
        await conn.send(b"b")
        await come_back(peers, conn)
        assert [got.payload for got in peers.last.frames()] == [b"a", b"b"]


async def test_kept_messages_go_before_those_that_wait() -> None:
    peers = Peers()
    async with surviving(peers, outbox=1) as conn:
        await drop(peers)
        await conn.send("a")
        waiting = await started(conn.send("b"))
        assert not waiting.done()
        await come_back(peers, conn)
        await waiting
        assert peers.last.heard() == ["a", "b"]


async def test_full_outbox_raises_where_that_is_the_policy() -> None:
    peers = Peers()
    async with surviving(peers, outbox=1, when_down="raise") as conn:
        await drop(peers)
        await conn.send("a")
        with pytest.raises(NotSent, match=r"and the outbox \(1 messages\) is full"):
            await conn.send("b")


async def test_bytes_of_kept_messages_are_bounded() -> None:
    peers = Peers()
    async with surviving(peers, outbox=10, outbox_bytes=4, when_down="raise") as conn:
        await drop(peers)
        await conn.send("äb")
        with pytest.raises(NotSent):
            await conn.send("cd")
        await conn.send("e")


async def test_kept_bytes_are_those_of_the_call() -> None:
    peers = Peers()
    async with surviving(peers, outbox=1) as conn:
        await drop(peers)
        message = bytearray(b"before")
        await conn.send(message)
        message[:] = b"after!"
        await come_back(peers, conn)
        assert [got.payload for got in peers.last.frames()] == [b"before"]


async def test_what_is_no_text_is_refused_before_it_is_kept() -> None:
    peers = Peers()
    async with surviving(peers, outbox=1) as conn:
        await drop(peers)
        with pytest.raises(UnicodeDecodeError):
            await conn.send(b"\xff", text=True)
        await come_back(peers, conn)
        assert peers.last.frames() == []


async def test_kept_messages_are_returned_at_the_close() -> None:
    peers = Peers()
    async with surviving(peers, outbox=5) as conn:
        await drop(peers)
        await conn.send("a")
        await conn.send("b", text=False)
        assert await conn.close() == ["a", b"b"]


async def test_who_waits_is_told_of_the_close() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await drop(peers)
        waiting = await started(conn.send("a"))
        assert await conn.close() == []
        with pytest.raises(NotSent, match="nothing was sent: the connection was closed here"):
            await waiting


async def test_nothing_is_kept_after_the_close() -> None:
    async with surviving(Peers(), outbox=5) as conn:
        await conn.close()
        with pytest.raises(NotSent):
            await conn.send("a")
        assert conn.undelivered == []


async def test_sending_is_told_what_it_was_given_up_for() -> None:
    error = ValueError("fatal")
    peers = Peers(None, error)
    async with surviving(peers) as conn:
        await drop(peers)
        sending = await started(conn.send("a"))
        peers.may_open.set()
        with pytest.raises(NotSent, match="reconnecting was given up") as caught:
            await sending
        assert caught.value.__cause__ is error


async def test_messages_kept_while_others_are_being_sent_go_behind_them() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers, outbox=5) as conn:
        await drop(peers)
        for number in range(3):
            await conn.send(f"message {number}")
        peers.read = False
        await come_back(peers, conn)
        await conn.send("message 3")
        peers.last.resume_peer()
        await until(lambda: len(peers.last.heard()) == 4)
        assert peers.last.heard() == [f"message {number}" for number in range(4)]


# Never twice.


async def test_message_whose_connection_drops_is_not_sent_again() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers, outbox=5) as conn:
        peers.last.stop_peer()
        sending = await started(conn.send("a message"))
        await drop(peers)
        with pytest.raises(ConnectionClosed) as caught:
            await sending
        assert not isinstance(caught.value, NotSent)
        await come_back(peers, conn)
        assert peers.last.heard() == []


async def test_kept_message_whose_connection_drops_is_not_sent_again() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers, outbox=5) as conn:
        await drop(peers)
        await conn.send("message a")
        await conn.send("message b")
        peers.read = False
        await come_back(peers, conn)
        await drop(peers)
        peers.read = True
        await come_back(peers, conn)
        assert peers.last.heard() == ["message b"]


async def test_senders_behind_one_that_was_lost_go_over_the_next_connection() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers) as conn:
        peers.last.stop_peer()
        tasks = [await started(conn.send(f"message {number}")) for number in range(3)]
        await drop(peers)
        await come_back(peers, conn)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ConnectionClosedError, type(None), type(None)]
        assert peers.last.heard() == ["message 1", "message 2"]


# The policy.


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"outbox": -1}, ValueError, "outbox must be 0 or more messages, not -1"),
        ({"outbox": "10"}, TypeError, "outbox must be a number of messages, not '10'"),
        ({"outbox_bytes": "1 Mib"}, ValueError, "outbox_bytes: expected a size .* not '1 Mib'"),
        ({"when_down": "drop"}, ValueError, "when_down must be 'wait' or 'raise', not 'drop'"),
        ({"resend": True}, ValueError, "resend must be 'never' or 'unacknowledged', not True"),
        ({"acknowledge": 1}, TypeError, "acknowledge must be True or False, not 1"),
    ],
)
def test_wrong_option_is_told(wrong: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        SendPolicy(**wrong)


def test_size_may_have_a_unit() -> None:
    assert SendPolicy(outbox_bytes="64 KiB").outbox_bytes == 65536


def test_not_sent_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(NotSent("there is no connection")))
    assert (str(again), again.why) == (str(NotSent("there is no connection")), "there is no connection")


# A message that is kept, and has to wait for its turn on the next connection.


async def hold_the_turn(ws: ClientConnection) -> asyncio.Task[None]:
    """Begin a fragmented message that is never complete."""

    async def endless() -> AsyncIterator[str]:
        yield "begun"
        await asyncio.get_running_loop().create_future()

    return await started(ws.send(endless()))


def held_on_the_second(peers: Peers, held: list[asyncio.Task[None]]) -> Callable[[ClientConnection], Any]:
    """Return an ``on_open`` that has the second connection's turn held."""

    async def on_open(ws: ClientConnection) -> None:
        if len(peers.all) == 2:
            held.append(await hold_the_turn(ws))

    return on_open


async def test_kept_message_that_never_had_its_turn_goes_out_by_the_next_connection() -> None:
    peers, held = Peers(), list[asyncio.Task[None]]()
    async with surviving(peers, on_open=held_on_the_second(peers, held), outbox=5) as conn:
        await drop(peers)
        await conn.send("kept")
        peers.may_open.set()
        await until(lambda: held)
        await ticks(5)
        peers.last.lose()
        await until(lambda: len(peers.all) == 3 and conn.connection is not None)
        await ticks(5)
        assert peers.last.heard() == ["kept"]
    await asyncio.wait(held)
    held[0].exception()


async def test_kept_message_that_never_had_its_turn_is_returned_by_close() -> None:
    peers, held = Peers(), list[asyncio.Task[None]]()
    async with surviving(peers, on_open=held_on_the_second(peers, held), outbox=5) as conn:
        await drop(peers)
        await conn.send("one")
        await conn.send("two")
        peers.may_open.set()
        await until(lambda: held)
        await ticks(5)
        assert await conn.close() == ["one", "two"]
    await asyncio.wait(held)
    held[0].exception()
