"""What happens to a message that finds the inbox full: it waits, drops others, or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from wssdk.wire.inbox import Fragment, Inbox


def inbox_of(on_full: str, *sizes: int, high: int | None = None, most: int | None = None) -> Inbox:
    """Return an inbox that was offered messages "0", "1", ... of ``sizes`` bytes."""
    inbox = Inbox(high, None if high is None else high // 4, None, most, on_full)
    for number, size in enumerate(sizes):
        if not inbox.admit(str(number), size):
            inbox.refuse(size)
    return inbox


def drain(inbox: Inbox) -> list[Any]:
    return [inbox.take() for _ in range(len(inbox))]


def dropped(inbox: Inbox) -> tuple[int, int]:
    return inbox.dropped, inbox.dropped_bytes


@pytest.mark.parametrize(
    ("on_full", "left", "lost"),
    [
        ("drop_oldest", ["2", "3", "4"], (2, 3)),
        ("latest", ["4"], (4, 10)),
        ("close", ["0", "1", "2"], (2, 9)),
    ],
)
def test_policy_at_high_water_in_messages(on_full: str, left: list[str], lost: tuple[int, int]) -> None:
    inbox = inbox_of(on_full, 1, 2, 3, 4, 5, high=3)
    assert (dropped(inbox), drain(inbox)) == (lost, left)


@pytest.mark.parametrize(
    ("on_full", "left", "lost"),
    [
        ("drop_oldest", ["3", "4"], (3, 30)),
        ("latest", ["4"], (4, 40)),
        ("close", ["0", "1"], (3, 30)),
    ],
)
def test_policy_at_high_water_in_bytes(on_full: str, left: list[str], lost: tuple[int, int]) -> None:
    inbox = inbox_of(on_full, 10, 10, 10, 10, 10, most=15)
    assert (dropped(inbox), drain(inbox)) == (lost, left)


@pytest.mark.parametrize("on_full", ["pause", "drop_oldest", "latest", "close"])
def test_message_larger_than_the_bound_is_taken_by_an_empty_inbox(on_full: str) -> None:
    assert drain(inbox_of(on_full, 1000, most=15)) == ["0"]


def test_larger_message_takes_the_place_of_all_the_others() -> None:
    inbox = inbox_of("drop_oldest", 5, 5, 5, 1000, 1, most=15)
    assert (inbox.held, drain(inbox)) == (1, ["4"])


@pytest.mark.parametrize(("sizes", "full"), [((14,), False), ((15,), True), ((5, 5, 5), True)])
def test_pause_is_at_high_water_in_bytes(sizes: tuple[int, ...], full: bool) -> None:
    assert inbox_of("pause", *sizes, most=15).is_full() is full


def test_low_water_in_bytes_is_a_quarter() -> None:
    told: list[int] = []
    inbox = inbox_of("pause", 10, 10, 10, 10, most=40)
    inbox.set_on_low(lambda: told.append(inbox.held))
    inbox.stalled = True
    drain(inbox)
    assert told == [10, 0]


def test_reading_goes_on_only_where_both_are_low() -> None:
    told: list[int] = []
    inbox = inbox_of("pause", 1, 1, 100, 1, high=8, most=40)
    inbox.set_on_low(lambda: told.append(len(inbox)))
    inbox.stalled = True
    drain(inbox)
    assert told == [1, 0]


@pytest.mark.parametrize("most", [-1, 2])
def test_list_of_messages_gives_their_bytes_back(most: int) -> None:
    inbox = inbox_of("pause", 10, 20, 30, most=1000)
    inbox.take_many(most)
    assert inbox.held == (0 if most < 0 else 30)


def test_ring_that_grows_keeps_sizes_in_their_places() -> None:
    inbox = inbox_of("pause", *range(6), most=1000)
    drain(inbox)
    for size in range(1, 21):
        inbox.admit(str(size), size)
    seen = []
    while len(inbox):
        before = inbox.held
        seen.append((inbox.take(), before - inbox.held))
    assert seen == [(str(size), size) for size in range(1, 21)]


@pytest.mark.parametrize(("on_full", "full"), [("drop_oldest", True), ("latest", False), ("close", True)])
def test_patient_inbox_is_full_at_high_water(on_full: str, full: bool) -> None:
    """It has the receiver take what is there before anything is dropped; "latest" has room always."""
    inbox = inbox_of(on_full, 1, 1, high=1)
    assert inbox.is_full() is full


@pytest.mark.parametrize("on_full", ["drop_oldest", "latest", "close"])
def test_impatient_inbox_is_never_full(on_full: str) -> None:
    inbox = inbox_of(on_full, 1, 1, high=1)
    inbox.patient = False
    assert not inbox.is_full()


@pytest.mark.parametrize(
    ("on_full", "room"), [("pause", False), ("drop_oldest", True), ("latest", True), ("close", False)]
)
def test_room_at_high_water(on_full: str, room: bool) -> None:
    inbox = inbox_of(on_full, 1, high=1)
    assert inbox.has_room() is room


# A message that is streamed.


def streamed(on_full: str) -> Inbox:
    """Return an inbox at high water with the three fragments of a message."""
    inbox = Inbox(3, 0, None, None, on_full)
    inbox.streamed = True
    for number in range(3):
        inbox.admit(Fragment(2, b"%d" % number, number == 2), 1)
    return inbox


@pytest.mark.parametrize("on_full", ["drop_oldest", "latest", "close"])
def test_fragments_make_what_comes_wait(on_full: str) -> None:
    inbox = streamed(on_full)
    inbox.patient = False
    assert (inbox.is_full(), inbox.has_room()) == (True, False)


@pytest.mark.parametrize("on_full", ["drop_oldest", "latest", "close"])
def test_fragments_are_never_dropped(on_full: str) -> None:
    inbox = streamed(on_full)
    inbox.admit("next", 4)
    assert [inbox.take().data for _ in range(3)] == [b"0", b"1", b"2"]
    assert dropped(inbox) == (0, 0)


@pytest.mark.parametrize("on_full", ["drop_oldest", "latest", "close"])
def test_last_fragment_taken_ends_streaming(on_full: str) -> None:
    inbox = streamed(on_full)
    seen = []
    for _ in range(3):
        seen.append(inbox.streamed)
        inbox.take()
    assert (seen, inbox.streamed) == ([True, True, True], False)


def test_latest_keeps_the_newest_of_what_came_behind_a_streamed_message() -> None:
    inbox = streamed("latest")
    for text in "abc":
        inbox.admit(text, 1)
    taken = [inbox.take() for _ in range(4)]
    assert (taken[3], len(inbox), dropped(inbox), inbox.held) == ("c", 0, (2, 2), 0)


@pytest.mark.parametrize("on_full", ["pause", "drop_oldest", "close"])
def test_streaming_undone_keeps_count_of_bytes(on_full: str) -> None:
    inbox = Inbox(100, 0, None, 1000, on_full)
    inbox.streamed = True
    for part, fin in ((b"ab", False), (b"c", True)):
        inbox.admit(Fragment(2, part, fin), len(part))
    inbox.admit("whole", 5)
    inbox.admit(Fragment(2, b"unfinished", False), 10)
    inbox.join_fragments()
    held = [inbox.held]
    while len(inbox):
        inbox.take()
        held.append(inbox.held)
    assert held == [8, 5, 0]


def test_streaming_undone_leaves_latest_one_message() -> None:
    inbox = Inbox(100, 0, None, None, "latest")
    inbox.streamed = True
    inbox.admit(Fragment(2, b"ab", True), 2)
    inbox.admit("whole", 5)
    inbox.join_fragments()
    assert (drain(inbox), dropped(inbox)) == (["whole"], (1, 2))
