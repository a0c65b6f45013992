"""Pings answered (RFC 6455, 5.5.2, 5.5.3), and pongs handed on."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.cores import CoreEnd
from tests.support.frames import frame
from tests.support.raw_peer import CLOSE, CONT, PING, PONG, TEXT
from wssdk.protocol.core import Role

BOTH: Final = list(Role)


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("payload", [b"", b"?", b"\x00\xff", b"x" * 125])
def test_ping_is_answered_with_its_payload(role: Role, payload: bytes) -> None:
    end = CoreEnd.of(role)
    end.hear(PING, payload)
    assert [(sent.opcode, sent.payload) for sent in end.sent()] == [(PONG, payload)]


def test_pings_are_answered_in_order() -> None:
    end = CoreEnd.of()
    end.core.receive(b"".join(frame(PING, bytes([i])) for i in range(5)))
    assert [sent.payload for sent in end.sent()] == [bytes([i]) for i in range(5)]


def test_ping_between_fragments_is_answered_before_the_message_ends() -> None:
    end = CoreEnd.of()
    end.hear(TEXT, b"a", fin=False)
    end.hear(PING, b"?")
    assert [sent.payload for sent in end.sent()] == [b"?"]


def test_ping_between_fragments_leaves_the_message_whole() -> None:
    end = CoreEnd.of()
    end.hear_all((TEXT, b"\xe2\x82", False), (PING, b"\xff", True), (CONT, b"\xac", True))
    assert end.messages() == ["€"]


def test_ping_behind_our_close_frame_is_not_answered() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.sent()
    end.hear(PING, b"?")
    assert end.sent() == []


def test_ping_behind_a_loss_is_not_answered() -> None:
    end = CoreEnd.of()
    end.core.lost()
    end.hear(PING, b"?")
    assert end.sent() == []


def test_pong_is_not_answered() -> None:
    end = CoreEnd.of()
    end.hear(PONG, b"?")
    assert end.sent() == []


def test_held_pongs_do_not_go_out() -> None:
    end = CoreEnd.of()
    end.core.hold_pongs = True
    end.hear(PING, b"?")
    assert end.sent() == []


def test_newest_of_the_held_pongs_goes_out() -> None:
    end = CoreEnd.of()
    end.core.hold_pongs = True
    for payload in (b"1", b"2", b"3"):
        end.hear(PING, payload)
    end.core.release_pong()
    assert [sent.payload for sent in end.sent()] == [b"3"]


def test_held_pong_with_no_payload_goes_out() -> None:
    end = CoreEnd.of()
    end.core.hold_pongs = True
    end.hear(PING)
    end.core.release_pong()
    assert [(sent.opcode, sent.payload) for sent in end.sent()] == [(PONG, b"")]


def test_held_pong_goes_out_once() -> None:
    end = CoreEnd.of()
    end.core.hold_pongs = True
    end.hear(PING, b"?")
    end.core.release_pong()
    end.sent()
    end.core.release_pong()
    assert end.sent() == []


def test_pongs_go_out_at_once_after_the_release() -> None:
    end = CoreEnd.of()
    end.core.hold_pongs = True
    end.core.release_pong()
    end.hear(PING, b"?")
    assert [sent.payload for sent in end.sent()] == [b"?"]


def test_held_pong_does_not_follow_our_close_frame() -> None:
    end = CoreEnd.of()
    end.core.hold_pongs = True
    end.hear(PING, b"?")
    end.core.close(1000, "")
    end.core.release_pong()
    assert [sent.opcode for sent in end.sent()] == [CLOSE]


def test_pongs_are_taken_in_order() -> None:
    end = CoreEnd.of()
    for payload in (b"1", b"", b"2"):
        end.hear(PONG, payload)
    assert end.core.take_pongs() == [b"1", b"", b"2"]


def test_pongs_are_taken_once() -> None:
    end = CoreEnd.of()
    end.hear(PONG, b"1")
    end.core.take_pongs()
    assert end.core.take_pongs() == []


def test_pong_behind_our_close_frame_is_taken() -> None:
    end = CoreEnd.of()
    end.core.close(1000, "")
    end.hear(PONG, b"1")
    assert end.core.take_pongs() == [b"1"]
