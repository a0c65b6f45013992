"""What is received through drops."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.connections import started, take_all, ticks
from tests.support.raw_peer import BINARY, frame
from tests.support.survival import Peers, surviving
from tests.support.until import until
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError
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


class Shouting(ClientConnection):
    """Makes something of each message."""

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        return str(await super().recv()).upper()


async def test_a_subclass_is_received_from_by_its_own_recv() -> None:
    peers = Peers(kind=Shouting)
    async with surviving(peers) as conn:
        peers.last.say("a")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("b")
        assert [await conn.recv(), await conn.recv()] == ["A", "B"]
