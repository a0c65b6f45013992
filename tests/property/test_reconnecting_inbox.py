"""What is received through drops, whatever comes in whichever order: not lost, doubled or overtaken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.connections import ticks
from tests.support.survival import Peers, surviving
from wssdk.config_words import OnFull
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError
from wssdk.reconnect.survivor import ReconnectingConnection

TURNS: Final = 6


class Slow(ClientConnection):
    """Lets the event loop turn before it gives a message."""

    async def recv(self, **keywords: object) -> str:  # type: ignore[override]
        message = str(await super().recv())
        await ticks(2)
        return message


class Run:
    """A reconnecting connection, what was sent to it, and what it gave."""

    def __init__(self, peers: Peers, conn: ReconnectingConnection) -> None:
        self._peers = peers
        self._conn = conn
        self.sent: list[str] = []
        self.got: list[str] = []
        self.got_elsewhere: list[str] = []

    def is_down(self) -> bool:
        return self._conn.connection is None or self._peers.last.is_closing()

    async def say(self, count: int) -> None:
        while self.is_down():
            await self.many(TURNS)  # there may have to be room before there is a connection
        for _ in range(count):
            self.sent.append(str(len(self.sent)))
            self._peers.last.say(self.sent[-1])

    async def lose(self, turns: int) -> None:
        self._peers.last.lose()
        await ticks(turns)

    async def one(self, turns: int) -> None:
        await self._receive(self._conn.recv(), turns)

    async def next(self, turns: int) -> None:
        await self._receive(self._conn.__anext__(), turns)

    async def many(self, turns: int) -> None:
        await self._receive(self._conn.recv_many(turns or None), turns)

    async def timed(self, turns: int) -> None:
        await self._receive(self._conn.recv(timeout=60), turns)

    async def elsewhere(self, turns: int) -> None:
        """Receive from the connection itself, where nobody is at another message of it."""
        if type(self._conn.connection) is ClientConnection:
            await self._receive(self._conn.connection.recv(), turns, self.got_elsewhere)

    async def _receive(
        self, receiving: Coroutine[Any, Any, Any], turns: int, into: list[str] | None = None
    ) -> None:
        """Receive, for so many turns of the event loop at most."""
        task = asyncio.ensure_future(receiving)
        for _ in range(turns):
            if not task.done():
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and not isinstance(task.exception(), ConcurrencyError | None):
            return  # the connection itself was closed
        if not task.cancelled() and task.exception() is None:
            got = task.result()
            (self.got if into is None else into).extend(got if isinstance(got, list) else [got])

    def is_accounted_for(self) -> bool:
        return len(self.got) + len(self.got_elsewhere) + self._conn.dropped.messages == len(self.sent)


STEPS: Final[dict[str, Callable[[Run, int], Coroutine[Any, Any, None]]]] = {
    "say": Run.say,
    "lose": Run.lose,
    "one": Run.one,
    "next": Run.next,
    "many": Run.many,
    "timed": Run.timed,
    "elsewhere": Run.elsewhere,
}
PLANS: Final = st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(0, TURNS)), max_size=30)


@pytest.mark.parametrize("kind", [ClientConnection, Slow])
@pytest.mark.parametrize("wakeup", ["direct", "scheduled"])
@pytest.mark.parametrize("on_full", ["pause", "drop_oldest", "latest"])
@given(plan=PLANS, high=st.integers(1, 4))
async def test_every_message_is_received_once_and_in_order_or_counted_as_dropped(
    kind: type[ClientConnection], wakeup: str, on_full: OnFull, plan: list[tuple[str, int]], high: int
) -> None:
    # What waits in a socket while reading is paused is lost with it: of no concern here.
    of_connection = None if on_full == "pause" else high
    peers = Peers(kind=kind, wakeup=wakeup, on_full=on_full, max_queue=of_connection)
    async with surviving(peers, on_full=on_full, max_queue=high) as conn:
        run = Run(peers, conn)
        for step, count in plan:
            await STEPS[step](run, count)
        while not run.is_accounted_for():
            async with asyncio.timeout(5):
                run.got += [str(message) for message in await conn.recv_many()]
    assert run.got == sorted(run.got, key=int)
    got = [*run.got, *run.got_elsewhere]
    assert len(set(got)) == len(got)
