"""The way of received bytes to the inbox: the ordinary is done there, the rest is handed up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.raw_peer import PING, TEXT, frame
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import Inbox
from wssdk.wire.intake import Intake
from wssdk.wire.message_reader import MessageReader


class Noting(Intake):
    """Notes what is handed up."""

    def __init__(self, high: int | None = None, low: int | None = None) -> None:
        inbox = Inbox(high, low)
        frames = FrameReader(False, 1024)
        super().__init__(frames, MessageReader(frames, inbox, 10_000, 10_000), inbox)
        inbox.set_on_low(self.refill)
        self.calls: list[str] = []

    def attend(self, control: bool = False, error: Exception | None = None, answering: bool = False) -> None:
        kind = "control" if control else "plain" if error is None else type(error).__name__
        self.calls.append(f"attend {kind}{' answering' if answering else ''}")

    def resume(self) -> None:
        self.calls.append("resume")

    def feed(self, *data: bytes) -> None:
        """Receive bytes as from a transport, in one read."""
        whole = b"".join(data)
        self.get_buffer(-1)[: len(whole)] = whole
        self.buffer_updated(len(whole))

    def taken(self) -> list[Any]:
        return [self.inbox.take() for _ in range(len(self.inbox))]


class Waiting:
    """Takes all that is there when it is woken."""

    def __init__(self, intake: Noting) -> None:
        self.intake = intake
        self.got: list[Any] = []

    def done(self) -> bool:
        return bool(self.got)

    def set_result(self, _: None) -> None:
        self.got = self.intake.taken()


def test_messages_reach_the_inbox() -> None:
    intake = Noting()
    intake.feed(frame(TEXT, b"a"), frame(TEXT, b"b"))
    assert (intake.taken(), intake.calls) == (["a", "b"], [])


def test_reads_are_counted() -> None:
    intake = Noting()
    for _ in range(3):
        intake.feed(frame(TEXT, b"a"))
    assert intake.reads == 3


def test_receiver_is_woken_once_all_messages_are_there() -> None:
    intake = Noting()
    waiting = intake.inbox.waiter = Waiting(intake)
    intake.feed(frame(TEXT, b"a"), frame(TEXT, b"b"))
    assert waiting.got == ["a", "b"]


def test_half_a_message_wakes_nobody() -> None:
    intake = Noting()
    waiting = intake.inbox.waiter = Waiting(intake)
    intake.feed(frame(TEXT, b"abc")[:3])
    assert (waiting.got, intake.calls) == ([], [])


def test_control_frame_is_handed_up() -> None:
    intake = Noting()
    intake.feed(frame(PING, b""))
    assert intake.calls == ["attend control"]


def test_message_before_a_control_frame_is_in_the_inbox_already() -> None:
    intake = Noting()
    intake.feed(frame(TEXT, b"a"), frame(PING, b""))
    assert (intake.calls, intake.taken()) == (["attend control"], ["a"])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\xff\x00", "ProtocolError"),
        (frame(TEXT, b"\xff"), "UnicodeDecodeError"),
        (b"\x81\x7e\x27\x11", "PayloadTooBig"),
    ],
)
def test_violation_is_handed_up(data: bytes, error: str) -> None:
    intake = Noting()
    intake.feed(data)
    assert intake.calls == [f"attend {error}"]


def test_nothing_is_parsed_where_the_connection_does_not_just_go_on() -> None:
    intake = Noting()
    intake.quiet = False
    intake.feed(frame(TEXT, b"a"))
    assert (intake.calls, intake.taken()) == (["attend plain"], [])


def test_full_inbox_is_handed_up() -> None:
    intake = Noting(2, 1)
    intake.feed(*[frame(TEXT, b"a")] * 5)
    assert (intake.calls, len(intake.inbox), intake.inbox.stalled) == (["attend plain"], 2, True)


def test_full_inbox_that_its_receiver_empties_at_once_is_not_handed_up() -> None:
    intake = Noting(2, 1)
    waiting = intake.inbox.waiter = Waiting(intake)
    intake.feed(*[frame(TEXT, b"a")] * 3)
    assert (waiting.got[:2], intake.calls, intake.inbox.stalled) == (["a", "a"], [], False)


def test_at_low_water_more_comes_out_of_the_receive_buffer() -> None:
    intake = Noting(2, 1)
    intake.feed(*[frame(TEXT, b"%d" % number) for number in range(5)])
    assert [intake.inbox.take() for _ in range(5)] == [*"01234"]


def test_reading_goes_on_at_low_water_with_an_empty_receive_buffer() -> None:
    intake = Noting(2, 1)
    intake.feed(*[frame(TEXT, b"a")] * 3)
    intake.reading_paused = True
    intake.inbox.take()
    intake.inbox.take()
    assert intake.calls[-1] == "resume"


def test_control_frame_behind_a_full_inbox_is_handed_up_to_who_may_still_answer() -> None:
    intake = Noting(2, 1)
    intake.feed(*[frame(TEXT, b"a")] * 2, frame(PING, b""))
    while len(intake.inbox):
        intake.inbox.take()
    assert intake.calls[-1] in ("attend control answering", "attend control")


def test_violation_behind_a_full_inbox_is_handed_up_to_who_may_still_answer() -> None:
    intake = Noting(2, 1)
    intake.feed(*[frame(TEXT, b"a")] * 3, b"\xff\x00")
    while len(intake.inbox):
        intake.inbox.take()
    assert intake.calls[-1] == "attend ProtocolError answering"


def test_low_water_where_the_connection_does_not_just_go_on_is_handed_up() -> None:
    intake = Noting(2, 1)
    intake.feed(*[frame(TEXT, b"a")] * 5)
    intake.quiet = False
    intake.inbox.take()
    assert intake.calls[-1] == "resume"


def test_what_is_sent_before_there_is_a_transport_goes_nowhere() -> None:
    intake = Noting()
    assert (intake.transport_is_closing(), intake.transport_write(b"x")) == (True, True)


@pytest.mark.parametrize("call", ["attend", "resume", "receiver_waits", "closed_exception"])
def test_what_is_out_of_the_ordinary_is_up_to_the_subclass(call: str) -> None:
    frames = FrameReader(False, 1024)
    inbox = Inbox(None, None)
    with pytest.raises(NotImplementedError):
        getattr(Intake(frames, MessageReader(frames, inbox, None, None), inbox), call)()
