"""Messages that a pong acknowledges, and those that none does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.connections import started, ticks
from tests.support.raw_peer import PING
from tests.support.survival import Peers, surviving
from tests.support.until import until
from wssdk.errors import ConnectionClosed
from wssdk.reconnect.events import Dropped, EventStream
from wssdk.reconnect.ledger import MOST_MESSAGES

RESENDING: Any = {"resend": "unacknowledged"}
TELLING: Any = {"acknowledge": True}


async def dropped(events: EventStream) -> Dropped:
    """Return the next drop."""
    async for event in events:
        if isinstance(event, Dropped):
            return event
    raise AssertionError("the connection was not dropped")


async def test_unacknowledged_messages_are_sent_again_before_others() -> None:
    peers = Peers()
    async with surviving(peers, **RESENDING) as conn:
        peers.last.pongs = False
        await conn.send("a")
        await conn.send("b")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        await conn.send("c")
        assert peers.last.heard() == ["a", "b", "c"]


async def test_acknowledged_messages_are_not_sent_again() -> None:
    peers = Peers()
    async with surviving(peers, **RESENDING) as conn:
        await conn.send("a")
        await ticks(5)
        peers.last.pongs = False
        await conn.send("b")
        await ticks(5)
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        await ticks(5)
        assert peers.last.heard() == ["b"]


async def test_message_is_sent_again_until_it_is_acknowledged() -> None:
    peers = Peers()
    peers.pongs = False
    async with surviving(peers, **RESENDING) as conn:
        await conn.send("a")
        for count in (2, 3, 4):
            peers.pongs = count == 3
            peers.last.lose()
            await until(lambda count=count: len(peers.all) == count)  # type: ignore[misc]
            await ticks(10)
        assert [peer.heard() for peer in peers.all] == [["a"], ["a"], ["a"], []]


async def test_sender_whose_connection_drops_is_not_told_where_its_message_is_sent_again() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers, **RESENDING) as conn:
        peers.last.stop_peer()
        sending = await started(conn.send("a message"))
        peers.last.lose()
        await sending
        await until(lambda: len(peers.all) == 2)
        await until(lambda: peers.last.heard() == ["a message"])


async def test_fragments_are_not_sent_again() -> None:
    async def fragments() -> AsyncIterator[str]:
        yield "a"
        peers.last.lose()
        await asyncio.get_running_loop().create_future()

    peers = Peers()
    async with surviving(peers, **RESENDING) as conn:
        with pytest.raises(ConnectionClosed):
            await conn.send(fragments())
        await until(lambda: len(peers.all) == 2)
        await ticks(5)
        assert peers.last.frames() == []


async def test_message_of_a_cancelled_sender_is_not_sent_again() -> None:
    peers = Peers(high=10, low=5)
    async with surviving(peers, **RESENDING) as conn:
        peers.last.stop_peer()
        sending = await started(conn.send("a message"))
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        await ticks(5)
        assert peers.last.heard() == []


async def test_message_that_cannot_be_sent_is_not_sent_again() -> None:
    peers = Peers()
    async with surviving(peers, **RESENDING) as conn:
        with pytest.raises(UnicodeEncodeError):
            await conn.send("\ud800")
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        await conn.send("a")
        assert peers.last.heard() == ["a"]


async def test_one_ping_goes_out_for_many_messages() -> None:
    peers = Peers()
    async with surviving(peers, **TELLING) as conn:
        peers.last.pongs = False
        for number in range(50):
            await conn.send(str(number))
            await ticks(2)
        assert peers.last.opcodes().count(PING) == 1


async def test_senders_wait_where_too_much_is_unacknowledged() -> None:
    peers = Peers()
    async with surviving(peers, **TELLING) as conn:
        peers.last.stop_peer()
        for _ in range(MOST_MESSAGES):
            await conn.send("")
        sending = await started(conn.send("next"))
        assert not sending.done()
        peers.last.resume_peer()
        await sending


async def test_drop_tells_what_was_not_acknowledged() -> None:
    peers = Peers()
    async with surviving(peers, **TELLING) as conn:
        events = conn.events()
        await conn.send("a")
        await ticks(5)
        peers.last.pongs = False
        await conn.send("b")
        await conn.send(b"c")
        peers.last.lose()
        assert (await dropped(events)).unacknowledged == ("b", b"c")
        await until(lambda: len(peers.all) == 2)
        await ticks(5)
        assert peers.last.heard() == []


async def test_drop_tells_nothing_where_nothing_is_to_be_acknowledged() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        events = conn.events()
        await conn.send("a")
        peers.last.lose()
        assert (await dropped(events)).unacknowledged == ()


@pytest.mark.parametrize("options", [RESENDING, TELLING], ids=["resend", "acknowledge"])
async def test_close_waits_for_the_acknowledgement(options: Any) -> None:
    peers = Peers()
    async with surviving(peers, **options) as conn:
        await conn.send("a")
        assert await conn.close() == []


@pytest.mark.parametrize("options", [RESENDING, TELLING], ids=["resend", "acknowledge"])
async def test_close_returns_what_was_not_acknowledged(options: Any) -> None:
    peers = Peers()
    async with surviving(peers, close_timeout=0.01, **options) as conn:
        await conn.send("a")
        await ticks(5)
        peers.last.pongs = False
        await conn.send("b")
        assert await conn.close() == ["b"]


async def test_close_returns_what_is_to_be_sent_again_before_what_was_kept() -> None:
    peers = Peers()
    async with surviving(peers, outbox=1, **RESENDING) as conn:
        peers.last.pongs = False
        await conn.send("a")
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        waiting = await started(conn.send("b"))
        assert await conn.close() == ["a"]
        await asyncio.gather(waiting, return_exceptions=True)
