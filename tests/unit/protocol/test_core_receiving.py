"""What comes in: messages, and what waits behind a full inbox."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.cores import CoreEnd, deflate
from tests.support.frames import close_payload, frame
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, TEXT, deflated
from wssdk.codes import Close
from wssdk.protocol.core import Role
from wssdk.protocol.state import State

RSV1: Final = 4
BOTH: Final = list(Role)


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_message_of_any_size_comes_in(role: Role, size: int) -> None:
    end = CoreEnd.of(role)
    end.hear(BINARY, b"\xa5" * size)
    assert end.messages() == [b"\xa5" * size]


@pytest.mark.parametrize("role", BOTH)
def test_text_comes_in_as_str(role: Role) -> None:
    end = CoreEnd.of(role)
    end.hear(TEXT, "grüße €𝄞".encode())
    assert end.messages() == ["grüße €𝄞"]


@pytest.mark.parametrize("role", BOTH)
def test_fragments_make_one_message(role: Role) -> None:
    end = CoreEnd.of(role)
    end.hear(TEXT, b"a", fin=False)
    end.hear(CONT, b"", fin=False)
    end.hear(CONT, b"b")
    assert end.messages() == ["ab"]


def test_message_is_not_there_before_its_last_byte() -> None:
    end = CoreEnd.of()
    data = end.framed(TEXT, b"hello")
    end.core.receive(data[:-1])
    assert end.messages() == []


@pytest.mark.parametrize("role", BOTH)
def test_message_larger_than_the_receive_buffer_comes_in(role: Role) -> None:
    end = CoreEnd.of(role, read_limit=256)
    end.hear(BINARY, b"x" * 5000)
    assert end.messages() == [b"x" * 5000]


def test_bytes_put_into_the_buffer_are_received() -> None:
    end = CoreEnd.of()
    data = end.framed(TEXT, b"hello")
    end.core.get_buffer()[: len(data)] = data
    end.core.buffer_updated(len(data))
    assert end.messages() == ["hello"]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_received(kind: type[bytes | bytearray | memoryview]) -> None:
    end = CoreEnd.of()
    end.core.receive(kind(end.framed(TEXT, b"hello")))
    assert end.messages() == ["hello"]


@pytest.mark.parametrize("role", BOTH)
def test_compressed_message_comes_in(role: Role) -> None:
    end = CoreEnd.of(role, extension=deflate())
    end.hear(TEXT, deflated(b"hello" * 100), rsv=RSV1)
    assert end.messages() == ["hello" * 100]


def test_compressed_message_may_end_with_an_empty_fragment() -> None:
    end = CoreEnd.of(extension=deflate())
    for text in (b"first", b"second"):
        end.hear(TEXT, deflated(text), fin=False, rsv=RSV1)
        end.hear(CONT)
    assert end.messages() == ["first", "second"]


def test_message_not_compressed_comes_in_although_it_could_be() -> None:
    end = CoreEnd.of(extension=deflate())
    end.hear(TEXT, b"hello")
    assert end.messages() == ["hello"]


# A full inbox.


def full_end(*behind: bytes, role: Role = Role.CLIENT) -> CoreEnd:
    """Return an end whose inbox of two messages is full, with more frames in its buffer."""
    end = CoreEnd.of(role, queue=(2, 1))
    end.core.receive(end.framed(TEXT, b"0") + end.framed(TEXT, b"1") + b"".join(behind))
    return end


def test_bytes_behind_a_full_inbox_stay() -> None:
    end = full_end(frame(TEXT, b"2"))
    assert (len(end.core.inbox), end.core.stalled) == (2, True)


def test_full_inbox_with_nothing_behind_it_has_not_stalled() -> None:
    assert not full_end().core.stalled


def test_reading_goes_on_when_there_is_room() -> None:
    end = full_end(*(frame(TEXT, b"%d" % i) for i in range(2, 7)))
    got: list[str | bytes] = []
    while len(end.core.inbox):
        got.append(end.take())
        end.core.proceed()
    assert got == ["0", "1", "2", "3", "4", "5", "6"]


def test_stall_ends_with_the_last_byte() -> None:
    end = full_end(frame(TEXT, b"2"))
    end.take()
    end.core.proceed()
    assert not end.core.stalled


def test_proceeding_into_a_full_inbox_changes_nothing() -> None:
    end = full_end(frame(TEXT, b"2"))
    end.core.proceed()
    end.core.proceed()
    assert (len(end.core.inbox), end.core.stalled) == (2, True)


def test_bytes_that_come_while_stalled_are_kept() -> None:
    end = full_end(frame(TEXT, b"2"))
    for i in range(3, 200):
        end.hear(TEXT, b"%d" % i)
    got: list[str | bytes] = []
    while len(end.core.inbox):
        got.append(end.take())
        end.core.proceed()
    assert got == [str(i) for i in range(200)]


def test_ping_behind_a_full_inbox_waits() -> None:
    end = full_end(frame(PING, b"?"))
    assert end.sent() == []
    end.take()
    end.core.proceed()
    assert [sent.payload for sent in end.sent()] == [b"?"]


def test_close_frame_behind_queued_messages_is_received_behind_them() -> None:
    end = full_end(frame(TEXT, b"2"), frame(CLOSE, close_payload(1001, b"bye")))
    end.messages()
    end.core.proceed()
    assert (end.messages(), end.core.rcvd) == (["2"], Close(1001, "bye"))


def test_violation_behind_queued_messages_is_found_behind_them() -> None:
    end = full_end(frame(TEXT, b"2"), frame(0x3))
    assert end.core.violation is None
    end.messages()
    end.core.proceed()
    assert (end.messages(), end.close_code()) == (["2"], 1002)


def test_end_of_the_stream_leaves_messages_behind_a_full_inbox() -> None:
    end = full_end(frame(TEXT, b"2"))
    end.core.receive_eof()
    end.messages()
    end.core.proceed()
    assert end.messages() == ["2"]


def test_loss_leaves_messages_behind_a_full_inbox() -> None:
    end = full_end(frame(TEXT, b"2"), frame(CLOSE, close_payload(1000)))
    end.core.lost()
    end.messages()
    end.core.proceed()
    assert (end.messages(), end.core.rcvd) == (["2"], Close(1000))


def test_loss_before_a_waiting_close_frame_leaves_it_unanswered() -> None:
    end = full_end(frame(CLOSE, close_payload(1000)))
    end.core.lost()
    end.messages()
    end.core.proceed()
    assert (end.core.state, end.core.sent, end.sent()) == (State.CLOSED, None, [])


def test_close_frame_found_after_the_loss_is_no_violation() -> None:
    end = full_end(frame(CLOSE, close_payload(1000)))
    end.core.lost()
    end.messages()
    end.core.proceed()
    assert (end.core.rcvd, end.core.violation) == (Close(1000), None)


@pytest.mark.parametrize("last", [frame(CLOSE), frame(0x3)])
def test_stall_ends_with_the_connection(last: bytes) -> None:
    end = full_end(last)
    end.messages()
    end.core.proceed()
    assert not end.core.stalled


def test_bytes_behind_the_peers_close_frame_are_not_kept() -> None:
    end = CoreEnd.of(read_limit=256)
    end.hear(CLOSE)
    for _ in range(100):
        end.core.receive(bytes(100))
    assert len(end.core.get_buffer()) == 256


def test_our_close_frame_lets_the_peers_be_found_behind_a_full_inbox() -> None:
    end = full_end(frame(TEXT, b"2"), frame(CLOSE, close_payload(1000)))
    end.core.close(1000, "")
    end.core.proceed()
    assert (end.core.rcvd, end.messages()) == (Close(1000), ["0", "1"])


def test_messages_dropped_for_the_peers_close_frame_are_counted() -> None:
    end = full_end(frame(TEXT, b"2"), frame(TEXT, b"3"))
    end.core.close(1000, "")
    end.core.proceed()
    assert end.core.inbox.dropped == 2


def test_masked_frames_wait_behind_a_full_inbox() -> None:
    end = CoreEnd.of(Role.SERVER, queue=(1, 0))
    end.core.receive(b"".join(end.framed(BINARY, b"%d" % i * 10) for i in range(5)))
    got: list[str | bytes] = []
    while len(end.core.inbox):
        got.append(end.take())
        end.core.proceed()
    assert got == [b"%d" % i * 10 for i in range(5)]
