"""A reconnecting client against a server that fails in every way, five hundred times."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs

from tests.support.chaos import CHANNELS, ChaosServer, FastClock, Fault
from tests.support.until import until
from wssdk.config import ClientConfig, Keepalive, Reconnect, Timeouts
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosed
from wssdk.factory import ConnectionFactory
from wssdk.reconnect.events import Dropped, EventStream, Retrying
from wssdk.reconnect.outbox import NotSent
from wssdk.reconnect.survivor import ReconnectingConnection

CYCLES: Final = int(os.environ.get("CHAOS_CYCLES", "500"))
SHORT: Final = max(100, CYCLES // 4)
PACE: Final = 0.0005
"""Seconds between two messages of the client."""
SEED: Final = int(os.environ.get("CHAOS_SEED", "20261128"))


class Client:
    """Subscribes on every connection, sends numbers, receives numbers, and keeps account of both."""

    def __init__(self, server: ChaosServer, **options: Any) -> None:
        self.sent = 0
        """Numbers given to ``send()``: 1 to this one."""
        self.unknown: set[int] = set()
        """Those whose ``send()`` was told that the connection was lost."""
        self.refused: set[int] = set()
        """Those whose ``send()`` was told that nothing was sent."""
        self.unacknowledged: set[int] = set()
        """Those that a drop told of."""
        self.received: list[int] = []
        """Numbers that came from the server."""
        self._server = server
        config = ClientConfig(
            uri=server.uri,
            timeouts=Timeouts(open=0.1, close=0.05),
            keepalive=Keepalive(interval=0.03, timeout=0.03),
            reconnect=Reconnect(initial=None, min=1, max=4, min_uptime=5),
        )
        factory = ConnectionFactory(config, clock=FastClock())
        self.conn: ReconnectingConnection = factory.reconnecting(
            on_open=self._subscribe, outbox=5, wait=False, **options
        )

    async def _subscribe(self, ws: ClientConnection) -> None:
        for channel in CHANNELS:
            await ws.send(f"subscribe:{channel}")
        missing = set(CHANNELS)
        while missing:
            missing.remove(str(await ws.recv()).removeprefix("subscribed:"))

    async def send(self) -> None:
        """Send numbers until there are no faults any more, and the last one has arrived."""
        calm = False
        while not calm:
            calm = self._server.calm
            self.sent += 1
            try:
                await self.conn.send(f"c:{self.sent}")
            except NotSent:
                self.refused.add(self.sent)
            except ConnectionClosed:
                self.unknown.add(self.sent)
            await asyncio.sleep(PACE)
        await until(lambda: self._server.received[-1] == self.sent)

    async def receive(self) -> None:
        """Receive numbers until the connection is closed for good."""
        async for message in self.conn:
            self.received.append(int(str(message).removeprefix("s:")))

    async def watch(self, events: EventStream) -> None:
        """Tell the server of refusals, take note of what was not acknowledged."""
        async for event in events:
            if isinstance(event, Retrying) and isinstance(event.error, ConnectionRefusedError):
                await self._server.refused()
            elif isinstance(event, Dropped):
                self.unacknowledged |= numbers(event.unacknowledged)


def numbers(messages: Any) -> set[int]:
    return {int(message.removeprefix("c:")) for message in messages}


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def held() -> int:
    """Return the bytes that are held since tracing began, but for what the tests themselves keep."""
    gc.collect()
    others = [tracemalloc.Filter(False, pattern) for pattern in ("*/tests/*", tracemalloc.__file__)]
    statistics = tracemalloc.take_snapshot().filter_traces(others).statistics("filename")
    return sum(each.size for each in statistics)


async def live_through(client: Client) -> set[int]:
    """Let the client live through every fault; return the numbers that it could not deliver."""
    events = client.conn.events()
    async with client.conn as conn, asyncio.TaskGroup() as tasks:
        tasks.create_task(client.watch(events))
        tasks.create_task(client.receive())
        await client.send()
        undelivered = await conn.close()
    return numbers(undelivered)


def is_growing(values: list[int]) -> bool:
    return all(before < after for before, after in itertools.pairwise(values))


def first_arrivals(values: list[int]) -> list[int]:
    return list(dict.fromkeys(values))


@attrs.frozen
class Outcome:
    """What a run came to."""

    server: ChaosServer
    client: Client
    returned: set[int]


async def run(cycles: int, **options: Any) -> Outcome:
    """Let a client with ``options`` live through ``cycles`` faults."""
    print(f"CHAOS_SEED={SEED} runs it again")
    async with ChaosServer(SEED, cycles) as server:
        client = Client(server, **options)
        returned = await live_through(client)
    outcome = Outcome(server, client, returned)
    assert server.met == set(Fault)
    assert server.subscribed == set(CHANNELS)
    # What the server pushed came in order, none of it twice; all of it where it closed in order.
    assert is_growing(client.received)
    assert server.owed <= set(client.received)
    # What was refused or given back was never sent.
    assert not set(server.received) & (client.refused | returned)
    return outcome


async def test_no_message_is_sent_twice() -> None:
    outcome = await run(SHORT)
    assert is_growing(outcome.server.received)


async def test_every_message_has_one_fate() -> None:
    outcome = await run(CYCLES, acknowledge=True)
    server, client = outcome.server, outcome.client
    assert is_growing(server.received)
    assert client.unknown == set()
    fates = [set(server.received) | client.unacknowledged, client.refused, outcome.returned]
    assert set.union(*fates) == set(range(1, client.sent + 1))
    assert sum(map(len, fates)) == client.sent


async def test_every_message_arrives_where_it_may_be_sent_again() -> None:
    outcome = await run(SHORT, resend="unacknowledged")
    server, client = outcome.server, outcome.client
    assert is_growing(first_arrivals(server.received))
    assert set(server.received) == set(range(1, client.sent + 1)) - client.refused - outcome.returned
    again = {number for number, count in Counter(server.received).items() if count > 1}
    assert again <= client.unacknowledged


async def test_nothing_grows() -> None:
    sizes = []

    async def measure(server: ChaosServer) -> None:
        for cycles in (SHORT // 2, SHORT):
            await until(lambda cycles=cycles: server.seen >= cycles, limit=60)  # type: ignore[misc]
            sizes.append(held())

    files = open_files()
    tracemalloc.start()
    try:
        async with ChaosServer(SEED, SHORT) as server:
            client = Client(server, acknowledge=True)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(measure(server))
                await live_through(client)
    finally:
        tracemalloc.stop()
    # One lost connection that is held is 10 KiB and more.
    assert sizes[1] - sizes[0] < SHORT // 2 * 1000
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, ClientConnection) and not each.closed] == []
    assert open_files() == files
