"""What becomes of a connection, as a stream of events."""

from __future__ import annotations

import asyncio
import gc

import attrs
import pytest

from tests.support.connections import started
from tests.support.dialer import FakeClock
from tests.support.survival import Peers, surviving, survivor
from tests.support.until import until
from wssdk.config import Reconnect
from wssdk.errors import ConcurrencyError, ConnectionClosedError
from wssdk.reconnect.events import Dropped, Event, Events, EventStream, GaveUp, Opened, Retrying

SECTION = Reconnect(initial=None, min=2, max=2, min_uptime=5)


async def rest(events: EventStream) -> list[Event]:
    return [event async for event in events]


def opened(number: int = 1) -> Opened:
    return Opened(at=0.0, attempt=number)


async def test_every_event_of_a_life() -> None:
    clock = FakeClock()
    refused = ConnectionRefusedError("refused")
    fatal = ValueError("fatal")
    peers = Peers(refused, None, fatal)
    conn = survivor(peers, section=SECTION, clock=clock)
    events = conn.events()
    async with conn:
        clock.now += 10
        peers.last.close_with(1012)
        got = await rest(events)
    dropped = got[2]
    assert isinstance(dropped, Dropped)
    assert got == [
        Retrying(at=0.0, attempt=2, delay=2.0, error=refused),
        Opened(at=2.0, attempt=2),
        Dropped(at=12.0, error=dropped.error, uptime=10.0),
        Retrying(at=12.0, attempt=1, delay=0.0, error=dropped.error),
        GaveUp(at=12.0, attempt=1, error=fatal),
    ]


async def test_drop_tells_close_code_and_reason() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        events = conn.events()
        peers.last.close_with(4001)
        event = await anext(events)
        assert isinstance(event, Dropped)
        assert (event.code, event.reason) == (4001, "")


async def test_short_life_is_followed_by_a_delay() -> None:
    peers = Peers()
    async with surviving(peers, section=SECTION) as conn:
        events = conn.events()
        peers.last.lose()
        dropped, retrying = await anext(events), await anext(events)
        assert isinstance(dropped, Dropped)
        assert retrying == Retrying(at=0.0, attempt=2, delay=2.0, error=dropped.error)


async def test_closing_here_is_no_drop() -> None:
    async with surviving(Peers()) as conn:
        events = conn.events()
    assert await rest(events) == []


async def test_last_event_is_giving_up_where_the_policy_allows_no_more() -> None:
    peers = Peers()
    async with surviving(peers, section=Reconnect(max_attempts=1)) as conn:
        events = conn.events()
        peers.last.lose()
        got = await rest(events)
    assert [type(event) for event in got] == [Dropped, GaveUp]


async def test_each_consumer_gets_every_event() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        streams = [conn.events(), conn.events()]
        peers.last.lose()
        await until(lambda: len(peers.all) == 2)
        await conn.close()
        first, second = [await rest(stream) for stream in streams]
    assert [type(event) for event in first] == [Dropped, Retrying, Opened]
    assert first == second


async def test_consumer_gets_events_from_when_it_came() -> None:
    hub = Events()
    hub.publish(opened(1))
    stream = hub.subscribe()
    hub.publish(opened(2))
    hub.end()
    assert await rest(stream) == [opened(2)]


async def test_stream_of_what_is_closed_ends_at_once() -> None:
    hub = Events()
    hub.end()
    assert await rest(hub.subscribe()) == []


async def test_slow_consumer_loses_the_oldest_and_is_told_how_many() -> None:
    hub = Events()
    stream = hub.subscribe()
    for number in range(300):
        hub.publish(opened(number))
    hub.end()
    got = await rest(stream)
    assert (got[0], got[-1], len(got), stream.missed) == (opened(44), opened(299), 256, 44)


async def test_cancelled_consumer_loses_nothing() -> None:
    hub = Events()
    stream = hub.subscribe()
    waiting = await started(stream.__anext__())
    hub.publish(opened())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await anext(stream) == opened()


async def test_two_may_not_wait_on_one_stream() -> None:
    hub = Events()
    stream = hub.subscribe()
    waiting = await started(stream.__anext__())
    with pytest.raises(ConcurrencyError, match="call events\\(\\) for each"):
        await anext(stream)
    hub.publish(opened())
    await waiting


async def test_stream_that_was_closed_gives_nothing_more() -> None:
    hub = Events()
    stream = hub.subscribe()
    hub.publish(opened())
    await stream.aclose()
    assert await rest(stream) == []


async def test_stream_that_nobody_holds_is_forgotten() -> None:
    hub = Events()
    hub.subscribe()
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, EventStream)] == []


def test_events_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        opened().attempt = 2  # type: ignore[misc]


def test_repr_tells_errors_in_one_line_and_no_messages() -> None:
    error = ConnectionClosedError(None, None)
    event = Dropped(at=1.0, error=error, uptime=1.0, unacknowledged=("secret",))
    assert repr(event) == (
        "Dropped(at=1.0, error=<ConnectionClosedError: no close frame received or sent>, uptime=1.0, "
        "unacknowledged=<1 messages>)"
    )
