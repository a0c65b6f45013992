"""Link: what a transport may do out of the ordinary, and the calls before and after its life."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.clock import jumping_loop
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import PING, PONG, TEXT, close_frame, frame
from wssdk.connection.link import Link
from wssdk.errors import ConnectionClosed
from wssdk.protocol.core import ProtocolCore, Role
from wssdk.protocol.state import State
from wssdk.wire.inbox import Inbox


class Ends:
    """A link with what it was told to call."""

    def __init__(self, close_timeout: float | None = 10, max_queue: int = 4) -> None:
        self.pongs: list[bytes] = []
        self.losses = 0
        self.core = ProtocolCore(Role.CLIENT, Inbox(max_queue, max_queue // 4))
        loop = asyncio.get_running_loop()
        self.link = Link(self.core, loop, close_timeout, self.pongs.append, self._lost)
        self.peer = PlayedTransport()

    def _lost(self) -> None:
        self.losses += 1

    def connect(self) -> None:
        self.peer.set_protocol(self.link)
        self.link.connection_made(self.peer)


async def test_calls_before_there_is_a_pipe_are_harmless() -> None:
    ends = Ends()
    ends.link.write(b"x")
    ends.link.abort()
    ends.link.fail(1011, "early")
    ends.link.settle()
    assert (ends.core.state, ends.peer.frames()) == (State.CLOSING, [])


async def test_loss_is_told_once() -> None:
    ends = Ends()
    ends.connect()
    ends.link.connection_lost(ConnectionResetError("first"))
    ends.link.connection_lost(ConnectionResetError("second"))
    assert (ends.losses, str(ends.core.cause)) == (1, "first")


async def test_pongs_are_told_in_order() -> None:
    ends = Ends()
    ends.connect()
    ends.peer.feed(frame(PONG, b"1"), frame(PING), frame(PONG, b"2"))
    assert ends.pongs == [b"1", b"2"]


async def test_pongs_are_told_before_the_close() -> None:
    ends = Ends()
    ends.connect()
    ends.peer.feed(frame(PONG, b"1"), close_frame(1000))
    assert (ends.pongs, ends.core.state) == ([b"1"], State.CLOSING)


async def test_every_read_is_counted() -> None:
    ends = Ends()
    ends.connect()
    ends.peer.feed(b"\x81")
    ends.peer.feed(frame(TEXT, b"0")[1:] + frame(TEXT, b"1"))
    assert ends.link.reads == 2


async def test_transport_that_delivers_though_it_was_paused_loses_nothing() -> None:
    """TLS transports hand over what they have decrypted already."""
    ends = Ends(max_queue=1)
    ends.connect()
    ends.peer.feed(frame(TEXT, b"0"), frame(TEXT, b"1"))
    for number in range(2, 2000):
        for byte in frame(TEXT, b"%d" % number):
            ends.link.get_buffer(-1)[0] = byte
            ends.link.buffer_updated(1)
    assert [ends.core.inbox.take() for _ in range(2000)] == [str(number) for number in range(2000)]


async def test_end_of_the_stream_behind_a_full_inbox_leaves_its_messages() -> None:
    ends = Ends(max_queue=1)
    ends.connect()
    ends.peer.feed(frame(TEXT, b"0"), frame(TEXT, b"1"))
    ends.link.eof_received()
    ends.link.connection_lost(None)
    assert [ends.core.inbox.take() for _ in range(2)] == ["0", "1"]
    assert ends.core.inbox.ended


async def test_end_of_the_stream_lets_the_transport_close() -> None:
    ends = Ends()
    ends.connect()
    ends.peer.feed_eof()
    await ends.link.wait_lost()
    assert (ends.losses, ends.peer.aborted) == (1, False)


async def test_reading_is_left_alone_once_the_transport_closes() -> None:
    ends = Ends(max_queue=1)
    ends.connect()
    ends.peer.feed(frame(TEXT, b"0"), frame(TEXT, b"1"))
    ends.peer.close()
    assert [ends.core.inbox.take() for _ in range(2)] == ["0", "1"]
    assert not ends.peer.reading


async def test_deadline_that_is_armed_twice_is_the_first_one() -> None:
    ends = Ends(close_timeout=5)
    ends.connect()
    loop = jumping_loop()
    start = loop.time()
    ends.link.arm_deadline()
    loop.jump(1)
    ends.link.arm_deadline()
    await ends.link.wait_lost()
    assert loop.time() - start == pytest.approx(5)


@pytest.mark.parametrize(
    ("close_timeout", "sooner", "expected"), [(5, 1, 1), (5, 9, 5), (None, 1, 1), (1, 1, 1)]
)
async def test_deadline_may_be_brought_forward_only(
    close_timeout: float | None, sooner: float, expected: float
) -> None:
    ends = Ends(close_timeout)
    ends.connect()
    loop = jumping_loop()
    start = loop.time()
    ends.link.arm_deadline()
    ends.link.arm_deadline(sooner)
    await ends.link.wait_lost()
    assert loop.time() - start == pytest.approx(expected)


async def test_reason_of_the_end_is_kept_when_the_deadline_passes() -> None:
    ends = Ends(close_timeout=1)
    ends.connect()
    ends.link.fail(1011, "mine", ZeroDivisionError("mine"))
    with pytest.raises(ConnectionClosed) as caught:
        await ends.link.raise_closed()
    assert str(caught.value.__cause__) == "mine"


async def test_waiting_for_room_ends_in_the_exception_of_the_end() -> None:
    ends = Ends(close_timeout=1)
    ends.connect()
    ends.link.fail(1011, "mine")
    with pytest.raises(ConnectionClosed):
        await ends.link.wait_room()


async def test_link_is_open_until_the_close_frame_or_the_end_of_the_pipe() -> None:
    closing, aborted = Ends(), Ends()
    seen = [closing.link.is_open()]
    closing.connect()
    aborted.connect()
    seen += [closing.link.is_open(), aborted.link.is_open()]
    closing.link.begin_close(1000, "")
    aborted.link.abort()
    assert [*seen, closing.link.is_open(), aborted.link.is_open()] == [True, True, True, False, False]
