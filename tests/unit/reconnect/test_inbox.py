"""What is received through drops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.support.connections import started, take_all, ticks
from tests.support.raw_peer import BINARY, CONT, TEXT, frame
from tests.support.survival import Peers, surviving
from tests.support.until import until
from wssdk.codes import DropCount
from wssdk.config_words import OnFull
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed
from wssdk.typing import Data


async def test_iteration_goes_on_with_the_next_connection() -> None:
    peers, got = Peers(), list[Data]()
    async with surviving(peers) as conn:
        taking = await started(take_all(conn, got))
        peers.last.say("a")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("b")
        await until(lambda: len(got) == 2)
        await conn.close()
        await taking
    assert got == ["a", "b"]


async def test_messages_before_the_drop_come_before_those_after_it() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("a", "b")
        peers.last.close_with(1012)
        await until(lambda: len(peers.all) == 2)
        peers.last.say("c")
        assert [await conn.recv() for _ in range(3)] == ["a", "b", "c"]


async def test_what_came_is_received_after_the_close() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("a", "b")
        await conn.close()
        assert [await conn.recv(), await conn.recv_many()] == ["a", ["b"]]


async def test_a_receiver_that_waits_through_a_drop_gets_what_comes_after_it() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        receiving = await started(conn.recv())
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("after")
        assert await receiving == "after"


@pytest.mark.parametrize("down", [False, True], ids=["open", "down"])
async def test_a_cancelled_receiver_loses_nothing(down: bool) -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        if down:
            peers.may_open.clear()
            peers.last.lose()
        receiving = await started(conn.recv())
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        peers.may_open.set()
        await until(lambda: conn.connection is not None)
        peers.last.say("a")
        assert await conn.recv() == "a"


async def test_a_receiver_is_cancelled_in_the_moment_a_message_comes() -> None:
    peers = Peers(wakeup="scheduled")
    async with surviving(peers) as conn:
        receiving = await started(conn.recv())
        peers.last.say("a")
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        assert await conn.recv() == "a"


async def test_timeout_of_recv_covers_a_drop() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.may_open.clear()
        peers.last.lose()
        with pytest.raises(TimeoutError, match=r"no message within 0\.01 s"):
            await conn.recv(timeout=0.01)


async def test_a_second_receiver_is_refused() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        receiving = await started(conn.recv())
        with pytest.raises(ConcurrencyError, match="already running recv"):
            await conn.recv_many()
        peers.last.say("a")
        assert await receiving == "a"


async def test_recv_many_gives_what_is_there() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("a", "b", "c")
        assert [await conn.recv_many(2), await conn.recv_many()] == [["a", "b"], ["c"]]


async def test_recv_many_of_none_is_refused() -> None:
    async with surviving(Peers()) as conn:
        with pytest.raises(ValueError, match="max must be 1 or more"):
            await conn.recv_many(0)


async def test_recv_decodes_as_it_is_asked_to() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("text")
        peers.last.feed(frame(BINARY, b"binary"))
        assert [await conn.recv(decode=False), await conn.recv(decode=True)] == [b"text", "binary"]


async def test_what_cannot_be_decoded_stays_the_next_message() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.feed(frame(BINARY, b"\xff"))
        with pytest.raises(UnicodeDecodeError):
            await conn.recv(decode=True)
        assert await conn.recv() == b"\xff"


async def test_no_connection_is_opened_while_too_much_of_lost_ones_waits() -> None:
    peers = Peers()
    async with surviving(peers, max_queue=2) as conn:
        peers.last.say("a", "b", "c")
        peers.last.lose()
        await ticks(20)
        assert peers.attempts == 1
        assert [await conn.recv() for _ in range(3)] == ["a", "b", "c"]
        receiving = await started(conn.recv())
        await until(lambda: len(peers.all) == 2)
        peers.last.say("d")
        assert await receiving == "d"


async def test_who_never_receives_gets_the_next_connection_all_the_same() -> None:
    peers = Peers()
    async with surviving(peers, max_queue=2) as conn:
        for count in range(2, 6):
            peers.last.lose()
            await until(lambda count=count: len(peers.all) == count)  # type: ignore[misc]
        peers.last.say("a")
        assert await conn.recv() == "a"


@pytest.mark.parametrize(("on_full", "kept"), [("drop_oldest", ["b", "c"]), ("latest", ["c"])])
async def test_who_only_sends_is_reconnected_where_the_oldest_make_room(
    on_full: OnFull, kept: list[str]
) -> None:
    peers = Peers(on_full=on_full, max_queue=2)
    async with surviving(peers, on_full=on_full, max_queue=2) as conn:
        peers.last.say("a", "b")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("c")
        peers.last.lose()
        await until(lambda: len(peers.all) == 3)
        assert [await conn.recv() for _ in kept] == kept
        assert conn.dropped == DropCount(3 - len(kept), 3 - len(kept))


async def test_with_latest_the_next_connections_message_replaces_the_lost_ones() -> None:
    peers = Peers(on_full="latest")
    async with surviving(peers, on_full="latest") as conn:
        peers.last.say("old")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("new")
        assert await conn.recv() == "new"
        assert conn.dropped == DropCount(1, 3)


async def test_messages_at_hand_make_room_as_well() -> None:
    peers = Peers(on_full="drop_oldest", max_queue=2)
    async with surviving(peers, on_full="drop_oldest", max_queue=2) as conn:
        peers.last.say("a", "b", "c")
        assert await conn.recv() == "b"
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("d", "e")
        peers.last.lose()
        await until(lambda: len(peers.all) == 3)
        assert [await conn.recv(), await conn.recv()] == ["d", "e"]
        assert conn.dropped.messages == 2


async def test_bytes_of_lost_connections_are_bounded_too() -> None:
    peers = Peers()
    async with surviving(peers, max_queue=None, max_queue_bytes=4) as conn:
        peers.last.say("1234")
        peers.last.lose()
        await ticks(20)
        assert peers.attempts == 1
        assert await conn.recv() == "1234"
        receiving = await started(conn.recv())
        await until(lambda: len(peers.all) == 2)
        peers.last.say("d")
        assert await receiving == "d"


async def test_dropped_counts_the_present_connection() -> None:
    peers = Peers(on_full="drop_oldest", max_queue=1)
    async with surviving(peers, on_full="drop_oldest", max_queue=1) as conn:
        peers.last.say("a", "b")
        assert conn.dropped == DropCount(1, 1)


async def test_messages_at_hand_stay_first_when_their_connection_is_lost() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("a", "b", "c")
        assert await conn.recv() == "a"
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("d")
        assert [await conn.recv() for _ in range(3)] == ["b", "c", "d"]


@pytest.mark.parametrize("wakeup", ["direct", "scheduled"])
async def test_next_connection_does_not_wait_for_who_received_last_to_receive_again(wakeup: str) -> None:
    peers = Peers(wakeup=wakeup)
    async with surviving(peers) as conn:
        receiving = await started(conn.recv())
        peers.last.say("a", "b")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        assert [await receiving, await conn.recv()] == ["a", "b"]


@pytest.mark.parametrize("wakeup", ["direct", "scheduled"])
async def test_next_connection_does_not_wait_for_who_gave_up_receiving(wakeup: str) -> None:
    peers = Peers(wakeup=wakeup)
    async with surviving(peers) as conn:
        receiving = await started(conn.recv())
        peers.last.say("a", "b")
        peers.last.lose()
        if receiving.cancel():  # else the message was its own
            with pytest.raises(asyncio.CancelledError):
                await receiving
        await until(lambda: len(peers.all) == 2)
        left = ["a", "b"] if receiving.cancelled() else ["b"]
        assert [await conn.recv() for _ in left] == left


async def test_recv_many_goes_on_with_the_next_connection() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("a", "b")
        assert await conn.recv_many(1) == ["a"]
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("c")
        assert [await conn.recv_many(), await conn.recv_many()] == [["b"], ["c"]]


async def test_messages_that_one_lost_connection_left_stay_in_order_when_the_next_is_lost() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.last.say("a", "b", "c")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        assert await conn.recv() == "a"
        peers.last.say("d")
        peers.last.lose()
        await until(lambda: len(peers.all) == 3)
        assert [await conn.recv() for _ in range(3)] == ["b", "c", "d"]


async def test_what_is_taken_at_once_does_not_let_the_rest_of_a_lost_connection_overtake() -> None:
    peers = Peers()
    async with surviving(peers, max_queue=2) as conn:
        peers.last.say(*"abcde")
        peers.last.lose()
        await ticks(20)
        got = [await conn.recv(), await conn.recv()]
        await ticks(20)
        assert got + [await conn.recv() for _ in range(3)] == [*"abcde"]


WAYS: dict[str, Callable[[ClientConnection], Coroutine[Any, Any, object]]] = {
    "recv": lambda ws: ws.recv(),
    "timeout": lambda ws: ws.recv(timeout=60),
    "decode": lambda ws: ws.recv(decode=True),
    "recv_many": lambda ws: ws.recv_many(),
    "recv_streaming": lambda ws: ws.recv_streaming().__anext__(),
}


@pytest.mark.parametrize("wakeup", ["direct", "scheduled"])
@pytest.mark.parametrize("way", WAYS)
async def test_who_receives_from_the_connection_itself_does_not_stop_reconnecting(
    way: str, wakeup: str
) -> None:
    peers = Peers(wakeup=wakeup)
    async with surviving(peers):
        receiving = await started(WAYS[way](peers.connections[0]))
        peers.last.lose()
        with pytest.raises(ConnectionClosed):
            await receiving
        await until(lambda: len(peers.all) == 2)


@pytest.mark.parametrize("wakeup", ["direct", "scheduled"])
async def test_message_that_was_begun_and_left_does_not_stop_reconnecting(wakeup: str) -> None:
    peers = Peers(wakeup=wakeup)
    async with surviving(peers) as conn:
        receiving = await started(anext(peers.connections[0].recv_streaming()))
        peers.last.feed(frame(TEXT, b"a", fin=False))
        assert await receiving == "a"
        peers.last.feed(frame(CONT, b"b"), frame(TEXT, b"next"))
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        assert await conn.recv() == "next"
