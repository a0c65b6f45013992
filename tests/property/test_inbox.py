"""The inbox against a simple model, under each policy; a connection whose receiver comes and goes."""

from __future__ import annotations

import asyncio
from collections import deque
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wssdk
from tests.support.connections import establish
from tests.support.raw_peer import CONT, TEXT, close_frame, frame
from tests.support.twins import interpreted_wire, used_wire
from wssdk.typing import Data

FORMS: Final = [used_wire()["inbox"]] + ([interpreted_wire()["inbox"]] if wssdk.COMPILED else [])
POLICIES: Final = ["pause", "drop_oldest", "latest", "close"]


class Model:
    """What an inbox is to do, with no thought of speed: (item, size) in a deque."""

    def __init__(self, high: int | None, most: int | None, on_full: str) -> None:
        self.high = high
        self.most = most
        self.on_full = on_full
        self.waiting: deque[tuple[int, int]] = deque()
        self.lost: list[int] = []

    def is_over(self) -> bool:
        held = sum(size for _, size in self.waiting)
        return (self.high is not None and len(self.waiting) >= self.high) or (
            self.most is not None and held >= self.most
        )

    def put(self, item: int, size: int) -> bool:
        if self.on_full == "close" and self.is_over():
            self.lost.append(size)
            return False
        while self.waiting and (
            self.on_full == "latest" or (self.on_full == "drop_oldest" and self.is_over())
        ):
            self.lost.append(self.waiting.popleft()[1])
        self.waiting.append((item, size))
        return True

    def take_many(self, most: int) -> list[int]:
        count = len(self.waiting) if most < 0 else min(most, len(self.waiting))
        return [self.waiting.popleft()[0] for _ in range(count)]

    def facts(self) -> tuple[int, int, int, int]:
        held = sum(size for _, size in self.waiting)
        return len(self.waiting), held, len(self.lost), sum(self.lost)


acts = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 40)),
        st.tuples(st.just("put"), st.integers(0, 40)),
        st.tuples(st.just("take"), st.just(1)),
        st.tuples(st.just("take_many"), st.integers(-1, 5).filter(bool)),
    ),
    max_size=80,
)
bounds = st.one_of(st.none(), st.integers(1, 20))


def facts_of(inbox: Any) -> tuple[int, int, int, int]:
    return len(inbox), inbox.held, inbox.dropped, inbox.dropped_bytes


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__spec__.origin.rpartition(".")[2])
@pytest.mark.parametrize("on_full", POLICIES)
@given(acts=acts, high=bounds, most=st.one_of(st.none(), st.integers(1, 100)))
def test_inbox_does_as_the_model(
    form: ModuleType, on_full: str, acts: list[tuple[str, int]], high: int | None, most: int | None
) -> None:
    # Where there is no bound and no policy, nobody asks for sizes.
    most = 50 if on_full == "pause" and most is None else most
    inbox = form.Inbox(high, None if high is None else high // 4, None, most, on_full)
    model = Model(high, most, on_full)
    for number, (act, argument) in enumerate(acts):
        if act == "put":
            taken = inbox.admit(number, argument)
            if not taken:
                inbox.refuse(argument)
            assert taken == model.put(number, argument)
        elif act == "take_many":
            assert inbox.take_many(argument) == model.take_many(argument)
        elif len(inbox):
            assert [inbox.take()] == model.take_many(1)
        assert facts_of(inbox) == model.facts()
        if on_full == "pause":
            assert inbox.is_full() == model.is_over()


async def take_once(ws: wssdk.ClientConnection, how: str, turns: int, into: list[Data]) -> None:
    """Receive in one way or another, and give up after some turns of the loop: what came is in ``into``."""

    async def receive() -> None:
        if how == "recv":
            into.append(await ws.recv())
        elif how == "many":
            into.extend(await ws.recv_many())
        elif how == "timeout":
            into.append(await ws.recv(timeout=60))
        else:
            into.append(await anext(ws))

    task = asyncio.get_running_loop().create_task(receive())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() or task.exception() is None


HOW: Final = st.sampled_from(["recv", "many", "timeout", "anext"])


@settings(deadline=None)
@given(
    script=st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 3), st.one_of(st.none(), HOW), st.integers(0, 4)),
        max_size=12,
    ),
    on_full=st.sampled_from(["drop_oldest", "latest"]),
    queue=st.integers(1, 6),
    most=st.one_of(st.none(), st.integers(1, 30)),
    wakeup=st.sampled_from(["direct", "scheduled"]),
)
def test_every_message_is_received_in_order_or_counted(
    script: list[tuple[int, int, str | None, int]], on_full: str, queue: int, most: int | None, wakeup: str
) -> None:
    async def scene() -> tuple[int, list[Data], wssdk.DropCount]:
        ws, peer = establish(on_full=on_full, max_queue=queue, max_queue_bytes=most, wakeup=wakeup)
        sent, got = 0, list[Data]()
        for count, parts, how, turns in script:
            burst = b""
            for _ in range(count):
                text = b"%06d" % sent
                sent += 1
                burst += frame(TEXT, text[:2], fin=parts == 1) if parts > 1 else frame(TEXT, text)
                if parts > 1:
                    burst += frame(CONT, text[2:])
            peer.feed(burst)
            if how is not None:
                await take_once(ws, how, turns, got)
            assert peer.reading
        peer.feed(close_frame(1000))
        peer.feed_eof()
        async for message in ws:
            got.append(message)
        return sent, got, ws.dropped

    sent, got, dropped = asyncio.run(scene())
    assert got == sorted(set(got), key=str)
    assert len(got) + dropped.messages == sent
    assert dropped.bytes == 6 * dropped.messages
    assert not sent or got[-1] == f"{sent - 1:06}"
