"""How a connection ends: the closing handshake, failing, losing the pipe, and what the user is told."""

from __future__ import annotations

import pytest

from tests.support.cores import CoreEnd
from tests.support.frames import ParsedFrame, close_payload, frame
from tests.support.raw_peer import CLOSE, CONT, PING, TEXT
from wssdk.codes import Close
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK, ProtocolError
from wssdk.protocol.core import Role
from wssdk.protocol.state import State

BOTH = list(Role)


def closes_sent(end: CoreEnd) -> list[bytes]:
    """Take the payloads of the close frames that wait to be sent."""
    return [sent.payload for sent in end.sent() if sent.opcode == CLOSE]


def test_connection_starts_open() -> None:
    assert CoreEnd.of().core.state is State.OPEN


# We close first.


@pytest.mark.parametrize("role", BOTH)
def test_close_frame_goes_out(role: Role) -> None:
    end = CoreEnd.of(role)
    end.core.close(1001, "bye")
    assert end.sent() == [ParsedFrame(True, 0, CLOSE, role is Role.CLIENT, close_payload(1001, b"bye"))]


def test_closing_begins_with_our_close_frame() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    assert (end.core.state, end.core.sent, end.core.rcvd) == (State.CLOSING, Close(1000, ""), None)


def test_answer_to_our_close_frame_is_received() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.hear(CLOSE, close_payload(1000))
    assert (end.core.rcvd, end.core.rcvd_then_sent) == (Close(1000, ""), False)


def test_answer_to_our_close_frame_is_not_answered() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.hear(CLOSE, close_payload(1000))
    assert len(closes_sent(end)) == 1


def test_closing_twice_sends_one_close_frame() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.core.close(1001, "again")
    assert closes_sent(end) == [close_payload(1000)]


def test_messages_behind_our_close_frame_are_delivered() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.hear(TEXT, b"late")
    assert end.messages() == ["late"]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_close_code_that_may_not_be_sent_is_refused(code: int) -> None:
    end = CoreEnd.of()
    with pytest.raises(ProtocolError, match="close code"):
        end.core.close(code, "")
    assert (end.core.state, end.sent()) == (State.OPEN, [])


def test_close_reason_that_is_too_long_is_refused() -> None:
    end = CoreEnd.of()
    with pytest.raises(ProtocolError, match="at most 123"):
        end.core.close(1000, "x" * 124)
    assert (end.core.state, end.sent()) == (State.OPEN, [])


def test_close_code_is_checked_when_closing_already() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    with pytest.raises(ProtocolError):
        end.core.close(1006, "")


def test_closing_after_the_loss_does_nothing() -> None:
    end = CoreEnd.of()
    end.core.lost()
    end.core.close(1000, "")
    assert (end.core.state, end.core.sent, end.sent()) == (State.CLOSED, None, [])


def test_checking_a_close_sends_nothing() -> None:
    end = CoreEnd.of()
    assert end.core.check_close(4000, "x") == close_payload(4000, b"x")
    assert (end.core.state, end.sent()) == (State.OPEN, [])


# The peer closes first.


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("payload", [b"", close_payload(1000), close_payload(4999, "grüße".encode())])
def test_close_frame_is_answered_alike(role: Role, payload: bytes) -> None:
    end = CoreEnd.of(role)
    end.hear(CLOSE, payload)
    assert end.sent() == [ParsedFrame(True, 0, CLOSE, role is Role.CLIENT, payload)]


@pytest.mark.parametrize("size", [122, 123])
def test_longest_reason_is_answered_alike(size: int) -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(1000, b"x" * size))
    assert closes_sent(end) == [close_payload(1000, b"x" * size)]


def test_closing_begins_with_the_peers_close_frame() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(3000, b"x"))
    assert (end.core.state, end.core.rcvd, end.core.sent) == (
        State.CLOSING,
        Close(3000, "x"),
        Close(3000, "x"),
    )


def test_close_frame_without_a_code_is_1005() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE)
    assert (end.core.rcvd, end.core.sent) == (Close(1005, ""), Close(1005, ""))


def test_peers_close_frame_came_first() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(1000))
    assert end.core.rcvd_then_sent is True


def test_closing_after_the_peer_sends_nothing_more() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(1000))
    end.core.close(1001, "")
    assert closes_sent(end) == [close_payload(1000)]


def test_messages_before_the_peers_close_frame_are_delivered() -> None:
    end = CoreEnd.of()
    end.core.receive(frame(TEXT, b"a") + frame(CLOSE))
    assert end.messages() == ["a"]


def test_nothing_behind_the_peers_close_frame_is_heeded() -> None:
    end = CoreEnd.of()
    end.core.receive(frame(CLOSE) + frame(TEXT, b"a") + frame(PING, b"?") + frame(0x3))
    end.hear(TEXT, b"b")
    assert (end.messages(), end.core.violation, [sent.opcode for sent in end.sent()]) == ([], None, [CLOSE])


def test_second_close_frame_of_the_peer_is_not_heeded() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(1000))
    end.hear(CLOSE, close_payload(1001))
    assert (end.core.rcvd, len(closes_sent(end))) == (Close(1000, ""), 1)


def test_peer_may_close_within_a_message() -> None:
    end = CoreEnd.of()
    end.hear(TEXT, b"a", fin=False)
    end.hear(CLOSE, close_payload(1001))
    assert (end.messages(), end.core.rcvd, end.close_code()) == ([], Close(1001, ""), 1001)


# Losing the pipe.


def test_loss_closes() -> None:
    end = CoreEnd.of()
    end.core.lost()
    assert end.core.state is State.CLOSED


def test_loss_after_the_closing_handshake_closes() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE)
    end.core.lost()
    assert end.core.state is State.CLOSED


def test_loss_that_is_told_twice_is_one() -> None:
    end = CoreEnd.of()
    end.core.lost()
    end.core.lost()
    assert end.core.state is State.CLOSED


def test_close_frame_found_after_the_loss_came_second() -> None:
    end = CoreEnd.of(queue=(1, 0))
    end.core.receive(frame(TEXT, b"a") + frame(CLOSE, close_payload(1000)))
    end.core.close(1000, "")
    end.core.lost()
    end.core.proceed()
    assert (end.core.rcvd, end.core.rcvd_then_sent) == (Close(1000, ""), False)


# Who closes the pipe (RFC 6455, 7.1.1).


def test_client_leaves_the_pipe_to_the_server() -> None:
    end = CoreEnd.of()
    end.hear(CLOSE)
    assert not end.core.may_drop_pipe()


def test_server_closes_the_pipe_after_the_closing_handshake() -> None:
    end = CoreEnd.of(Role.SERVER)
    end.hear(CLOSE)
    assert end.core.may_drop_pipe()


def test_server_waits_for_the_answer_to_its_close_frame() -> None:
    end = CoreEnd.of(Role.SERVER)
    end.core.close(1000, "")
    assert not end.core.may_drop_pipe()


def test_server_closes_the_pipe_of_a_peer_that_broke_the_rules() -> None:
    end = CoreEnd.of(Role.SERVER)
    end.hear(CONT)
    end.core.fail_for_violation()
    assert end.core.may_drop_pipe()


def test_server_keeps_an_open_pipe() -> None:
    assert not CoreEnd.of(Role.SERVER).core.may_drop_pipe()


# What the user is told.


@pytest.mark.parametrize("code", [1000, 1001])
@pytest.mark.parametrize("answer", [b"", close_payload(1000), close_payload(1001, b"x")])
def test_closing_in_order_is_ok(code: int, answer: bytes) -> None:
    end = CoreEnd.of()
    end.core.close(code, "")
    end.hear(CLOSE, answer)
    assert isinstance(end.core.closed_exception(), ConnectionClosedOK)


@pytest.mark.parametrize("payload", [b"", close_payload(1000), close_payload(1001, b"x")])
def test_peer_that_closes_in_order_is_ok(payload: bytes) -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, payload)
    assert isinstance(end.core.closed_exception(), ConnectionClosedOK)


@pytest.mark.parametrize("code", [1002, 1003, *range(1007, 1015), 3000, 4000, 4999])
def test_peer_that_closes_with_another_code_is_an_error(code: int) -> None:
    end = CoreEnd.of()
    end.hear(CLOSE, close_payload(code))
    assert isinstance(end.core.closed_exception(), ConnectionClosedError)


@pytest.mark.parametrize(("ours", "theirs"), [(1002, 1000), (1000, 1002), (4000, 1001), (3000, 3000)])
def test_one_other_code_is_an_error(ours: int, theirs: int) -> None:
    end = CoreEnd.of()
    end.core.close(ours, "")
    end.hear(CLOSE, close_payload(theirs))
    assert isinstance(end.core.closed_exception(), ConnectionClosedError)


def test_close_frame_without_an_answer_is_an_error() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.core.lost()
    assert isinstance(end.core.closed_exception(), ConnectionClosedError)


def test_loss_without_a_close_frame_is_an_error() -> None:
    end = CoreEnd.of()
    end.core.lost()
    error = end.core.closed_exception()
    assert (type(error), error.rcvd, error.sent, error.rcvd_then_sent) == (
        ConnectionClosedError,
        None,
        None,
        None,
    )


def test_exception_tells_both_close_frames_and_their_order() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "ours")
    end.hear(CLOSE, close_payload(1001, b"theirs"))
    error = end.core.closed_exception()
    assert (error.rcvd, error.sent, error.rcvd_then_sent) == (
        Close(1001, "theirs"),
        Close(1000, "ours"),
        False,
    )


def test_exception_is_a_new_one_each_time() -> None:
    end = CoreEnd.of()
    end.core.lost()
    assert end.core.closed_exception() is not end.core.closed_exception()


def test_exception_without_a_cause_has_none() -> None:
    end = CoreEnd.of()
    end.core.lost()
    assert end.core.closed_exception().__cause__ is None
