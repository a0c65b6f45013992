"""Failing a connection (RFC 6455, 7.1.7): what is said, what is kept, what is heeded no more."""

from __future__ import annotations

import pytest

from tests.support.cores import CoreEnd
from tests.support.frames import close_payload, frame
from tests.support.raw_peer import CLOSE, PING, TEXT
from wssdk.codes import Close
from wssdk.errors import ProtocolError
from wssdk.ports import Frame
from wssdk.protocol.core import ProtocolCore, Role
from wssdk.protocol.state import State
from wssdk.wire.inbox import Inbox

BOTH = list(Role)


def closes_sent(end: CoreEnd) -> list[bytes]:
    """Take the payloads of the close frames that wait to be sent."""
    return [sent.payload for sent in end.sent() if sent.opcode == CLOSE]


@pytest.mark.parametrize("role", BOTH)
def test_failing_says_why(role: Role) -> None:
    end = CoreEnd.of(role)
    end.core.fail(1011, "keepalive ping timeout")
    assert closes_sent(end) == [close_payload(1011, b"keepalive ping timeout")]


def test_nothing_is_heeded_after_failing() -> None:
    end = CoreEnd.of()
    end.core.fail(1011, "")
    end.hear(TEXT, b"a")
    end.hear(CLOSE, close_payload(1011))
    assert (end.messages(), end.core.rcvd) == ([], None)


def test_failing_keeps_the_messages_that_came() -> None:
    end = CoreEnd.of()
    end.hear(TEXT, b"a")
    end.core.fail(1011, "")
    assert end.messages() == ["a"]


def test_failing_forgets_what_waits_behind_a_full_inbox() -> None:
    end = CoreEnd.of(queue=(1, 0))
    end.core.receive(frame(TEXT, b"a") + frame(TEXT, b"b"))
    end.core.fail(1011, "")
    assert not end.core.stalled
    end.take()
    end.core.proceed()
    assert end.messages() == []


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        *(("x" * 123, 123), ("x" * 124, 123), ("x" * 500, 123), ("x" + "ä" * 100, 123), ("€" * 50, 123)),
        *(("ä" * 100, 122), ("xx" + "€" * 50, 122), ("x" + "€" * 50, 121), ("𝄞" * 40, 120)),
    ],
)
def test_reason_of_failing_is_cut_between_code_points(reason: str, sent: int) -> None:
    end = CoreEnd.of()
    end.core.fail(1011, reason)
    assert end.core.sent == Close(1011, reason.encode()[:sent].decode())


def test_reason_of_failing_may_have_surrogates() -> None:
    end = CoreEnd.of()
    end.core.fail(1011, "a\ud800b")
    assert end.core.sent == Close(1011, "a?b")


class Mute:
    """An extension of the user's that cannot encode."""

    name = "x-mute"

    def encode(self, frame: Frame) -> Frame:
        raise RuntimeError("mute")

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return frame


def muted() -> CoreEnd:
    return CoreEnd(ProtocolCore(Role.CLIENT, Inbox(None, None), extensions=[Mute()]))


def test_ping_that_an_extension_cannot_answer_fails_the_connection() -> None:
    end = muted()
    end.hear(PING, b"?")
    assert end.close_code() == 1011


def test_close_frame_goes_out_as_it_is_where_an_extension_breaks() -> None:
    end = muted()
    end.core.close(1000, "bye")
    assert (end.core.state, closes_sent(end)) == (State.CLOSING, [close_payload(1000, b"bye")])


def test_close_frame_is_answered_where_an_extension_breaks() -> None:
    end = muted()
    end.hear(CLOSE, close_payload(1001))
    assert (end.core.rcvd_then_sent, closes_sent(end)) == (True, [close_payload(1001)])


def test_extension_that_broke_on_the_close_frame_is_the_cause() -> None:
    end = muted()
    end.core.close(1000, "")
    assert isinstance(end.core.closed_exception().__cause__, RuntimeError)


def test_extension_that_broke_on_the_close_frame_hides_no_cause() -> None:
    end = muted()
    end.core.fail(1011, "", ValueError())
    assert isinstance(end.core.closed_exception().__cause__, ValueError)


def test_failing_after_our_close_frame_sends_no_other() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.core.fail(1002, "")
    assert (closes_sent(end), end.core.sent) == ([close_payload(1000)], Close(1000, ""))


def test_violation_after_our_close_frame_sends_no_other() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.hear(0x3)
    end.core.fail_for_violation()
    assert closes_sent(end) == [close_payload(1000)]


def test_failing_after_the_loss_does_nothing() -> None:
    end = CoreEnd.of()
    end.core.lost()
    end.core.fail(1002, "", ValueError())
    assert (end.core.sent, end.core.cause, end.sent()) == (None, None, [])


def test_failing_without_a_violation_does_nothing() -> None:
    end = CoreEnd.of()
    end.core.fail_for_violation()
    assert (end.core.state, end.sent()) == (State.OPEN, [])


def test_first_cause_is_kept() -> None:
    end = CoreEnd.of()
    first = ValueError()
    end.core.fail(1011, "", first)
    end.core.fail(1002, "", TypeError())
    assert end.core.closed_exception().__cause__ is first


def test_cause_may_come_with_a_later_failure() -> None:
    end = CoreEnd.of()
    cause = ValueError()
    end.core.fail(1011, "")
    end.core.fail(1002, "", cause)
    assert end.core.closed_exception().__cause__ is cause


def test_violation_is_the_cause() -> None:
    end = CoreEnd.of()
    end.hear(0x3)
    violation = end.core.violation
    end.core.fail_for_violation()
    assert isinstance(violation, ProtocolError)
    assert end.core.closed_exception().__cause__ is violation


@pytest.mark.parametrize(
    ("data", "close"),
    [
        (frame(0x3), Close(1002, "reserved opcode: 3")),
        (frame(TEXT, b"ok\xff"), Close(1007, "invalid start byte at position 2")),
        (frame(TEXT, b"x" * 11), Close(1009, "frame with 11 bytes exceeds limit of 10 bytes")),
    ],
)
def test_close_frame_says_what_was_wrong(data: bytes, close: Close) -> None:
    end = CoreEnd.of(max_message_size=10)
    end.core.receive(data)
    end.core.fail_for_violation()
    assert end.core.sent == close
