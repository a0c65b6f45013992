"""Messages by the million, errors of each kind by the ten thousand: no object or reference is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import wssdk
from tests.support.frames import frame
from tests.support.reading import reading, split, zipped
from wssdk.errors import ConnectionClosedError, PayloadTooBig, ProtocolError, TooManyFragments
from wssdk.errors_limits import InboxFull
from wssdk.wire.deflate import Deflater
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import Inbox
from wssdk.wire.intake import Intake
from wssdk.wire.message_reader import MessageReader
from wssdk.wire.message_writer import MessageWriter
from wssdk.wire.operations import MessagePath
from wssdk.wire.wakeup import Wakeup

MILLION: Final = 1_000_000 if wssdk.COMPILED else 50_000
OFTEN: Final = 10_000 if wssdk.COMPILED else 1_000
# What the interpreter itself makes and keeps now and then; one object left each time would be OFTEN.
BLOCKS: Final = 200
RSS: Final = 4 << 20

BAD: Final[dict[str, bytes]] = {
    "reserved opcode": frame(3),
    "reserved bits": frame(1, rsv=2),
    "masked": frame(1, b"x", mask=b"abcd"),
    "long ping": frame(9, bytes(126)),
    "fragmented ping": frame(9, fin=False),
    "not the shortest length": frame(2, b"x", length_form=64),
    "most significant bit": b"\x82\x7f" + b"\xff" * 8,
    "unexpected continuation": frame(0, b"x"),
    "expected continuation": frame(1, b"x", fin=False) + frame(1, b"x"),
    "too big": frame(2, bytes(3000)),
    "too big in all": frame(2, bytes(1500), fin=False) + frame(0, bytes(1500)),
    "too many fragments": b"".join([frame(2, fin=False), *[frame(0, fin=False)] * 10]),
    "not UTF-8": frame(1, b"x\xff"),
    "not UTF-8, fragmented": frame(1, b"x\xff", fin=False),
    "not DEFLATE": frame(2, b"\xff" * 20, rsv=4),
    "inflates too far": b"".join(zipped(bytes(5000))),
}


class Played(Intake):
    """An intake whose transport takes everything."""

    def __init__(self) -> None:
        frames = FrameReader(False, 1 << 16)
        inbox = Inbox(None, None)
        super().__init__(frames, MessageReader(frames, inbox, 1 << 20, None), inbox)
        self.transport_write = len
        self.transport_is_closing = bool

    def write_more(self, data: bytes) -> None:
        """Take it, too."""

    async def drain(self) -> None:
        """There is room."""

    def receiver_waits(self) -> None:
        """Nothing comes by that."""

    def closed_exception(self) -> Exception:
        return ConnectionClosedError(None, None)


class Slow:
    """The slow half, which ends at once."""

    async def recv(self, decode: bool | None, timeout: float | None) -> None:
        """Be what is left to do."""

    async def send(self, message: Any, text: bool | None) -> None:
        """Be what is left to do."""


class PlayedPath(MessagePath):
    """A path whose slow half ends at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.intake = Played()
        wakeup = Wakeup(loop.create_future, lambda: None, False)
        self.lay(self.intake, MessageWriter(True), wakeup, Slow(), Slow())

    def feed(self, data: bytes) -> None:
        """Receive ``data`` as a transport hands it over."""
        while data:
            buffer = self.intake.get_buffer(-1)
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            data = data[count:]
            self.intake.buffer_updated(count)


@pytest.fixture
def path() -> Iterator[PlayedPath]:
    loop = asyncio.new_event_loop()
    yield PlayedPath(loop)
    loop.close()


def rss() -> int:
    """Return the bytes of memory that are resident; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    return 0


def keeps_nothing(act: Callable[[], object], times: int) -> None:
    """Repeat ``act``, and check that objects and memory are what they were after a tenth of it."""
    measured = []
    for part in (times // 10, times):
        for _ in itertools.repeat(None, part):
            act()
        gc.collect()
        measured.append((sys.getallocatedblocks(), rss()))
    (blocks, memory), (blocks_then, memory_then) = measured
    assert blocks_then - blocks < BLOCKS
    assert memory_then - memory < RSS


def given(call: Any) -> Any:
    """Return what an awaitable gives that does not wait."""
    try:
        call.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def ends(call: Callable[..., object], *given_: Any) -> None:
    """Call, and let go of the error that it ends with."""
    try:
        call(*given_)
    except (ArithmeticError, asyncio.CancelledError, StopIteration, wssdk.ConcurrencyError):
        return
    except (ProtocolError, PayloadTooBig, TooManyFragments, UnicodeError, ConnectionClosedError, InboxFull):
        return
    raise AssertionError("no error came")


def test_a_million_messages_in(path: PlayedPath) -> None:
    frames = [frame(1, b"text" * 50), frame(2, b"data" * 150), frame(1, "\N{SNOWMAN}".encode()), frame(2)]
    data = b"".join(frames * 5)

    def receive() -> None:
        path.feed(data)
        for _ in range(20):
            given(path.recv())

    keeps_nothing(receive, MILLION // 20)


def test_a_million_messages_in_by_the_list(path: PlayedPath) -> None:
    data = frame(1, b"text" * 50) * 100

    def receive() -> None:
        path.feed(data)
        assert len(given(path.recv_many())) == 100

    keeps_nothing(receive, MILLION // 100)


@pytest.mark.parametrize("on_full", ["pause", "drop_oldest", "latest"])
def test_messages_that_are_weighed_and_dropped(on_full: str) -> None:
    stream = reading(on_full=on_full, most=4000)
    stream.inbox.patient = on_full == "pause"
    data = frame(1, b"text" * 50) * 10 + frame(2, b"data" * 150) * 5 + frame(1, "\N{SNOWMAN}".encode())

    def receive() -> None:
        stream.feed(data)
        stream.inbox.take()
        stream.inbox.take_many(-1)
        stream.parse()
        stream.inbox.take_many(-1)

    keeps_nothing(receive, MILLION // 20)
    assert (stream.inbox.held, stream.frames.buffered()) == (0, 0)
    assert (stream.inbox.dropped > 0) is (on_full != "pause")


def test_messages_refused() -> None:
    stream = reading(on_full="close", most=4000)
    stream.inbox.patient = False
    data = frame(2, bytes(4000)) + frame(2, b"x")

    def refuse() -> None:
        ends(stream.feed, data)
        stream.inbox.take()

    keeps_nothing(refuse, OFTEN)


def test_a_million_messages_out(path: PlayedPath) -> None:
    messages = ["text" * 50, b"data" * 150, "\N{SNOWMAN}", b"x" * 5]

    def send() -> None:
        for message in messages:
            given(path.send(message))

    references = [sys.getrefcount(message) for message in messages]
    keeps_nothing(send, MILLION // 4)
    assert [sys.getrefcount(message) for message in messages] == references


def test_messages_in_fragments_and_compressed() -> None:
    streams = [
        (reading(), b"".join(split(b"fragments" * 100, [300, 300])) + frame(9, b"ping")),
        (reading(inflate=True), b"".join(zipped(b"squeezed" * 100))),
    ]

    def receive() -> None:
        for stream, data in streams:
            stream.feed(data)
            stream.taken()

    keeps_nothing(receive, OFTEN)


def test_messages_compressed_on_the_way_out() -> None:
    writer = MessageWriter(True, Deflater(15, False, 6, 8))
    keeps_nothing(lambda: writer.serialize_text("squeezed" * 100), OFTEN)


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_violations(data: bytes) -> None:
    def violate() -> None:
        stream = reading(message=2000, fragments=5, inflate=data[0] & 0x40 != 0)
        ends(stream.feed, data)

    keeps_nothing(violate, OFTEN)


def test_receivers_that_wait_and_are_woken(path: PlayedPath) -> None:
    message = frame(1, b"x" * 200)

    def wait() -> None:
        for make in (path.recv, path.__anext__, path.recv_many):
            call: Any = make()
            call.send(None)
            path.feed(message)
            given(call)

    keeps_nothing(wait, OFTEN)


@pytest.mark.parametrize("end", ["cancelled", "closed", "dropped", "twice"])
def test_receivers_that_wait_in_vain(path: PlayedPath, end: str) -> None:
    def wait() -> None:
        for make in (path.recv, path.__anext__, path.recv_many):
            call: Any = make()
            call.send(None)
            if end == "cancelled":
                ends(call.throw, asyncio.CancelledError("why"))
            elif end == "closed":
                call.close()
            elif end == "twice":
                ends(call.send, None)
                ends(path.recv().send, None)
                call.close()
            del call

    keeps_nothing(wait, OFTEN)


def test_receivers_of_a_connection_that_is_closed(path: PlayedPath) -> None:
    path.intake.inbox.end()
    keeps_nothing(lambda: ends(path.recv().send, None), OFTEN)


def test_sends_that_fail(path: PlayedPath) -> None:
    def fail(data: bytes) -> None:
        raise ArithmeticError(data)

    messages: tuple[Any, ...] = ("\ud800", "text", b"data" * 200)
    references = [sys.getrefcount(message) for message in messages]
    path.intake.transport_write = fail

    def send() -> None:
        for message in messages:
            ends(path.send(message).send, None)

    keeps_nothing(send, OFTEN)
    assert [sys.getrefcount(message) for message in messages] == references


def test_sends_that_are_cancelled_or_take_the_slow_way(path: PlayedPath) -> None:
    def send() -> None:
        ends(path.send("never begun").throw, asyncio.CancelledError())
        path.send(b"closed").close()
        given(path.send("slow", text=True))

    keeps_nothing(send, OFTEN)


def test_what_is_kept_would_be_seen() -> None:
    kept: list[object] = []
    with pytest.raises(AssertionError):
        keeps_nothing(lambda: kept.append(object()), OFTEN)
