"""What is received through drops where a subclass of the connection makes something of each message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.connections import started, ticks
from tests.support.survival import Peers, surviving
from tests.support.until import until
from wssdk.config_words import OnFull
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed
from wssdk.reconnect.survivor import ReconnectingConnection


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


class Slow(ClientConnection):
    """Takes its time with each message, until it is told to go on."""

    def __init__(self, *arguments: object, **keywords: object) -> None:
        super().__init__(*arguments, **keywords)  # type: ignore[arg-type]
        self.busy = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        message = str(await super().recv())
        self.busy.set()
        await self.may_go_on.wait()
        if message == "bad":
            raise ValueError(message)
        return message


@asynccontextmanager
async def with_a_slow_one_lost(*texts: str) -> AsyncIterator[tuple[ReconnectingConnection, Slow]]:
    """Lose a slow connection that is making something of the first of ``texts``."""
    peers = Peers(kind=Slow)
    async with surviving(peers) as conn:
        slow = peers.connections[0]
        assert isinstance(slow, Slow)
        peers.last.say(*texts)
        peers.last.lose()
        await slow.busy.wait()
        yield conn, slow


async def test_no_receiver_overtakes_a_message_that_a_subclass_is_at() -> None:
    async with with_a_slow_one_lost("a", "b") as (conn, slow):
        receiving = await started(conn.recv())
        slow.may_go_on.set()
        assert [await receiving, await conn.recv()] == ["a", "b"]


async def test_a_cancelled_receiver_leaves_what_a_subclass_is_at_to_the_next() -> None:
    async with with_a_slow_one_lost("a", "b") as (conn, slow):
        receiving = await started(conn.recv())
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        slow.may_go_on.set()
        assert [await conn.recv(), await conn.recv()] == ["a", "b"]


async def test_closing_waits_for_what_a_subclass_is_at() -> None:
    async with with_a_slow_one_lost("a") as (conn, slow):
        closing = await started(conn.close())
        slow.may_go_on.set()
        await closing
        assert await conn.recv() == "a"


async def test_closing_gives_up_no_more_than_the_message_that_a_subclass_is_at() -> None:
    async with with_a_slow_one_lost("a", "b") as (conn, slow):
        receiving = await started(conn.recv())
        await conn.close()
        assert conn.dropped.messages == 1
        slow.may_go_on.set()
        assert await receiving == "b"


async def test_cancelled_closing_gives_up_no_more_than_that_either() -> None:
    async with with_a_slow_one_lost("a", "b") as (conn, slow):
        closing = await started(conn.close())
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        slow.may_go_on.set()
        left = 2 - conn.dropped.messages
        assert [await conn.recv() for _ in range(left)] == ["a", "b"][-left:]
        with pytest.raises(ConnectionClosed):
            await conn.recv()


async def test_a_message_that_a_subclass_makes_nothing_of_is_its_receivers_failure() -> None:
    async with with_a_slow_one_lost("a", "bad", "b") as (conn, slow):
        slow.may_go_on.set()
        assert await conn.recv() == "a"
        with pytest.raises(ValueError, match="bad"):
            await conn.recv()
        assert await conn.recv() == "b"


async def test_failure_stays_one_where_the_next_connection_is_of_another_class() -> None:
    peers = Peers(kind=Slow)
    async with surviving(peers) as conn:
        slow = peers.connections[0]
        assert isinstance(slow, Slow)
        slow.may_go_on.set()
        peers.keywords["kind"] = ClientConnection
        peers.last.say("bad")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        with pytest.raises(ValueError, match="bad"):
            await conn.recv()


class FeedLost(Exception):
    """How a program calls the end of a connection."""


class Translating(ClientConnection):
    """Tells the end of the connection in words of its own."""

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        try:
            return str(await super().recv())
        except ConnectionClosed as error:
            raise FeedLost from error


class Silent(ClientConnection):
    """The same, without a word of what was behind it."""

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        message: str | None = None
        with suppress(ConnectionClosed):
            message = str(await super().recv())
        if message is None:
            raise FeedLost
        return message


@pytest.mark.parametrize("kind", [Translating, Silent])
@pytest.mark.parametrize("on_full", ["pause", "drop_oldest"])
async def test_the_end_in_words_of_its_own_is_the_end(kind: type[ClientConnection], on_full: OnFull) -> None:
    peers = Peers(kind=kind, on_full=on_full)
    async with surviving(peers, on_full=on_full) as conn:
        peers.last.say("a")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("b")
        assert [await conn.recv(), await conn.recv()] == ["a", "b"]
        assert conn.dropped.messages == 0


async def test_who_waits_through_a_drop_is_not_told_the_end_in_words_of_its_own() -> None:
    peers = Peers(kind=Translating)
    async with surviving(peers) as conn:
        receiving = await started(conn.recv())
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        peers.last.say("a")
        assert await receiving == "a"


class Cancelled(ClientConnection):
    """Awaits something that is cancelled."""

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        message = str(await super().recv())
        future = asyncio.get_running_loop().create_future()
        if message == "bad":
            future.cancel()
            await future
        return message


async def test_what_a_subclass_awaits_and_is_cancelled_is_its_receivers_failure() -> None:
    peers = Peers(kind=Cancelled)
    async with surviving(peers) as conn:
        peers.last.say("bad", "a")
        with pytest.raises(RuntimeError, match=r"^Cancelled.recv\(\) awaited something that was cancelled$"):
            await conn.recv()
        assert await conn.recv() == "a"


class Refusing(ClientConnection):
    """Takes nothing."""

    tries = 0

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        Refusing.tries += 1
        raise LookupError("not today")


async def test_subclass_that_takes_nothing_is_not_asked_without_end() -> None:
    peers = Peers(kind=Refusing)
    async with surviving(peers) as conn:
        peers.last.say("a")
        peers.last.lose()
        await ticks(50)
        assert Refusing.tries == 1
        with pytest.raises(LookupError):
            await conn.recv()


async def test_with_latest_a_subclass_gives_the_newest_too() -> None:
    peers = Peers(kind=Shouting, on_full="latest")
    async with surviving(peers, on_full="latest") as conn:
        with pytest.raises(TimeoutError):
            await conn.recv(timeout=0)
        peers.last.say("old")
        await ticks(5)
        peers.last.say("new")
        assert await conn.recv() == "NEW"
        assert conn.dropped.messages == 1
