"""The queue of received messages: marks, the waiting receiver, fragments put together again."""

from __future__ import annotations

import asyncio
from array import array

import pytest

from wssdk.wire.inbox import Fragment, FragmentedMessage, Inbox


def filled(*items: object, high: int | None = 16, low: int | None = 4) -> Inbox:
    """Return an inbox with ``items``."""
    inbox = Inbox(high, low)
    for item in items:
        inbox.put(item)
    return inbox


def drain(inbox: Inbox) -> list[object]:
    """Take everything out."""
    return [inbox.take() for _ in range(len(inbox))]


def test_first_in_first_out() -> None:
    assert drain(filled("a", b"b", "c")) == ["a", b"b", "c"]


def test_nothing_to_take() -> None:
    with pytest.raises(IndexError):
        filled().take()


@pytest.mark.parametrize(("count", "full"), [(0, False), (2, False), (3, True), (4, True)])
def test_full_from_high_water_on(count: int, full: bool) -> None:
    assert filled(*range(count), high=3, low=1).is_full() is full


def test_never_full_without_high_water() -> None:
    assert not filled(*range(1000), high=None, low=None).is_full()


def test_stalled_queue_tells_when_it_is_at_low_water() -> None:
    lengths: list[int] = []
    inbox = filled(*range(5), high=4, low=2)
    inbox.set_on_low(lambda: lengths.append(len(inbox)))
    inbox.stalled = True
    for _ in range(3):
        inbox.take()
    assert lengths == [2]


def test_queue_that_is_not_stalled_tells_nothing() -> None:
    told: list[int] = []
    inbox = filled(*range(5), high=4, low=2)
    inbox.set_on_low(lambda: told.append(len(inbox)))
    drain(inbox)
    assert told == []


def test_stalled_queue_that_tells_nobody_goes_on() -> None:
    inbox = filled("a", high=1, low=0)
    inbox.stalled = True
    assert inbox.take() == "a"


async def test_item_wakes_the_receiver() -> None:
    inbox = filled()
    inbox.waiter = asyncio.get_running_loop().create_future()
    inbox.put("a")
    inbox.wake()
    assert inbox.waiter.done()


async def test_empty_queue_wakes_nobody() -> None:
    inbox = filled()
    inbox.waiter = asyncio.get_running_loop().create_future()
    inbox.wake()
    assert not inbox.waiter.done()


async def test_end_wakes_the_receiver() -> None:
    inbox = filled()
    inbox.waiter = asyncio.get_running_loop().create_future()
    inbox.end()
    assert (inbox.waiter.done(), inbox.ended) == (True, True)


async def test_receiver_that_gave_up_is_left_alone() -> None:
    inbox = filled("a")
    inbox.waiter = asyncio.get_running_loop().create_future()
    inbox.waiter.cancel()
    inbox.wake()
    assert inbox.waiter.cancelled()


def test_nobody_waits() -> None:
    inbox = filled("a")
    inbox.wake()
    assert len(inbox) == 1


@pytest.mark.parametrize(
    ("data", "sizes", "parts"),
    [
        ("abc", [1, 2], [(1, b"a", False), (1, b"bc", True)]),
        (b"abc", [0, 3, 0], [(2, b"", False), (2, b"abc", False), (2, b"", True)]),
        ("é", [1, 1], [(1, b"\xc3", False), (1, b"\xa9", True)]),
        (b"", [0, 0], [(2, b"", False), (2, b"", True)]),
    ],
)
def test_message_is_split_as_it_came(
    data: str | bytes, sizes: list[int], parts: list[tuple[int, bytes, bool]]
) -> None:
    split = FragmentedMessage(data, array("L", sizes)).split()
    assert [(part.opcode, part.data, part.fin) for part in split] == parts


def test_fragments_are_joined_where_the_message_is_whole() -> None:
    inbox = filled(Fragment(1, b"\xc3", False), Fragment(1, b"\xa9", True))
    assert inbox.join_fragments() is None
    (message,) = drain(inbox)
    assert isinstance(message, FragmentedMessage)
    assert (message.data, list(message.sizes)) == ("é", [1, 1])


def test_fragments_of_an_unfinished_message_are_given_back() -> None:
    inbox = filled(Fragment(2, b"ab", False), Fragment(2, b"c", False))
    assert inbox.join_fragments() == (b"abc", array("L", [2, 1]))
    assert len(inbox) == 0


def test_messages_among_fragments_keep_their_places() -> None:
    inbox = filled(
        Fragment(2, b"a", False),
        Fragment(2, b"b", True),
        "whole",
        Fragment(1, b"c", False),
        Fragment(1, b"", False),
    )
    assert inbox.join_fragments() == (b"c", array("L", [1, 0]))
    first, second = drain(inbox)
    assert isinstance(first, FragmentedMessage)
    assert (first.data, second) == (b"ab", "whole")
