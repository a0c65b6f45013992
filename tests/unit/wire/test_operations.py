"""The awaitables stepped by hand, without an event loop or a connection."""

from __future__ import annotations

import asyncio
import gc
import weakref
from array import array
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from wssdk.codes import Close
from wssdk.errors import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import FragmentedMessage, Inbox
from wssdk.wire.intake import Intake
from wssdk.wire.message_reader import MessageReader
from wssdk.wire.message_writer import MessageWriter
from wssdk.wire.operations import MessagePath, Send
from wssdk.wire.receive import Receive
from wssdk.wire.wakeup import Wakeup


class Played(Intake):
    """An intake whose connection is the test's."""

    def __init__(self) -> None:
        frames = FrameReader(False, 1024)
        inbox = Inbox(None, None)
        super().__init__(frames, MessageReader(frames, inbox, None, None), inbox)
        self.written: list[bytes] = []
        self.more: list[bytes] = []
        self.on_drain: Callable[[], Coroutine[Any, Any, None]]
        self.waits = 0
        self.on_wait: Callable[[], object] = bool
        self.error: Exception = ConnectionClosedError(None, None)
        self.transport_write = self.written.append
        self.transport_is_closing = bool

    def write_more(self, data: bytes) -> None:
        self.more.append(data)

    def drain(self) -> Coroutine[Any, Any, None]:
        return self.on_drain()

    def receiver_waits(self) -> None:
        self.waits += 1
        self.on_wait()

    def closed_exception(self) -> Exception:
        return self.error


class Half:
    """The slow half of receiving or of sending."""

    def __init__(self, call: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        self.recv = self.send = call


class Path(MessagePath):
    """Its slow half notes what it is called with."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.intake = Played()
        self.new_future = loop.create_future
        self.rest: asyncio.Future[None] | None = None
        self.slow: list[tuple[Any, ...]] = []
        self.lay(
            self.intake,
            MessageWriter(False),
            Wakeup(loop.create_future, lambda: None, True),
            Half(lambda *given: self.note("recv", *given)),
            Half(lambda *given: self.note("send", *given)),
        )
        self.intake.on_drain = lambda: self.note("drain")

    async def note(self, *given: Any) -> Any:
        self.slow.append(given)
        if self.rest is not None:
            await self.rest


def outcome(call: Coroutine[Any, Any, Any]) -> Any:
    """Return what an awaitable gives that does not wait."""
    with pytest.raises(StopIteration) as caught:
        call.send(None)
    return caught.value.value


@pytest.fixture
def path() -> Iterator[Path]:
    loop = asyncio.new_event_loop()
    yield Path(loop)
    loop.close()


CALLS: dict[str, Callable[[Path], Any]] = {
    "recv": lambda path: path.recv(),
    "anext": lambda path: anext(path),
    "recv_many": lambda path: path.recv_many(),
}
every_receiving = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def test_message_that_is_there_is_given_without_waiting(path: Path) -> None:
    path.intake.inbox.put("x")
    assert (outcome(path.recv()), path.intake.waits) == ("x", 0)


@pytest.mark.parametrize("value", ["", b"", "x", b"x" * 5000, [], [1], (), (1, 2), None, ValueError("why")])
def test_value_of_any_kind_is_given_as_it_is(path: Path, value: object) -> None:
    path.intake.inbox.put(value)
    assert outcome(path.recv()) is value


def test_next_is_send_of_nothing(path: Path) -> None:
    path.intake.inbox.put("x")
    with pytest.raises(StopIteration) as caught:
        next(iter(path.recv()))
    assert caught.value.value == "x"


@every_receiving
@pytest.mark.parametrize("left", CALLS.values(), ids=[f"after {name}" for name in CALLS])
def test_receiver_left_while_it_waits_is_in_nobody_s_way(
    path: Path, left: Callable[[Path], Any], call: Callable[[Path], Any]
) -> None:
    left(path).send(None)
    gc.collect()
    waiting = call(path)
    assert waiting.send(None).done() is False
    path.intake.inbox.put("x")
    path.intake.inbox.wake()
    assert outcome(waiting) in ("x", ["x"])


@every_receiving
def test_receiver_that_is_kept_while_it_waits_is_in_the_way(path: Path, call: Callable[[Path], Any]) -> None:
    kept = call(path)
    kept.send(None)
    for name in CALLS:
        with pytest.raises(ConcurrencyError):
            CALLS[name](path).send(None)
    kept.close()


def test_end_of_a_receiver_is_nothing_to_the_one_that_waits_after_it(path: Path) -> None:
    first = path.recv_many()
    first.send(None)
    path.intake.inbox.put("x")
    path.intake.inbox.wake()
    outcome(first)
    second = path.recv_many()
    second.send(None)
    del first
    gc.collect()
    with pytest.raises(ConcurrencyError):
        path.recv_many().send(None)
    second.close()


def test_message_that_came_in_fragments_is_whole(path: Path) -> None:
    path.intake.inbox.put(FragmentedMessage("abc", array("L", [1, 2])))
    assert outcome(path.recv()) == "abc"


@pytest.mark.parametrize(("most", "given"), [(None, [1, 2, 3]), (1, [1]), (2, [1, 2]), (9, [1, 2, 3])])
def test_as_many_as_asked_for(path: Path, most: int | None, given: list[int]) -> None:
    for item in (1, 2, 3):
        path.intake.inbox.put(item)
    assert outcome(path.recv_many(most)) == given


@pytest.mark.parametrize("call", [MessagePath.recv_many, MessagePath.batches])
@pytest.mark.parametrize("most", [0, -1])
def test_less_than_one_cannot_be_asked_for(path: Path, call: Callable[..., Any], most: int) -> None:
    with pytest.raises(ValueError, match="max must be 1 or more"):
        call(path, most)


@every_receiving
def test_waits_for_what_the_inbox_wakes(path: Path, call: Callable[[Path], Any]) -> None:
    waiting = call(path)
    future = waiting.send(None)
    path.intake.inbox.put("x")
    path.intake.inbox.wake()
    assert future.done()
    waiting.close()


def test_step_tells_whether_to_wait(path: Path) -> None:
    call = path.recv()
    assert isinstance(call, Receive)
    seen = []
    for _ in range(2):
        call.step()
        seen.append(call.blocked)
        path.intake.inbox.put("x")
        path.intake.inbox.wake()
    assert seen == [True, False]


@every_receiving
def test_nobody_waits_once_the_message_is_given(path: Path, call: Callable[[Path], Any]) -> None:
    awaitable = call(path)
    awaitable.send(None)
    path.intake.inbox.put("x")
    path.intake.inbox.wake()
    outcome(awaitable)
    assert path.intake.inbox.waiter is None


@every_receiving
def test_waits_again_where_another_took_the_message(path: Path, call: Callable[[Path], Any]) -> None:
    awaitable = call(path)
    first = awaitable.send(None)
    path.intake.inbox.put("x")
    path.intake.inbox.wake()
    path.intake.inbox.take()
    second = awaitable.send(None)
    assert (second.done(), second is first) == (False, False)


def test_connection_that_just_goes_on_is_not_told_of_the_wait(path: Path) -> None:
    path.recv().send(None)
    assert path.intake.waits == 0


@pytest.mark.parametrize("state", [{"quiet": False}, {"reading_paused": True}], ids=["not quiet", "paused"])
def test_connection_is_told_of_the_wait(path: Path, state: dict[str, bool]) -> None:
    for name, value in state.items():
        setattr(path.intake, name, value)
    path.recv().send(None)
    assert path.intake.waits == 1


def test_message_that_the_wait_itself_brings_is_given(path: Path) -> None:
    path.intake.reading_paused = True
    path.intake.on_wait = lambda: (path.intake.inbox.put("x"), path.intake.inbox.wake())  # type: ignore[func-returns-value]
    assert (outcome(path.recv()), path.intake.inbox.waiter) == ("x", None)


def test_end_that_the_wait_itself_brings_is_raised(path: Path) -> None:
    path.intake.quiet = False
    path.intake.on_wait = path.intake.inbox.end
    with pytest.raises(ConnectionClosedError):
        path.recv().send(None)
    assert path.intake.inbox.waiter is None


def test_messages_come_before_the_end(path: Path) -> None:
    path.intake.inbox.put("x")
    path.intake.inbox.end()
    assert outcome(path.recv()) == "x"


@pytest.mark.parametrize(
    ("call", "error"),
    [("recv", ConnectionClosedOK), ("recv_many", ConnectionClosedOK), ("anext", StopAsyncIteration)],
)
def test_end_in_order(path: Path, call: str, error: type[Exception]) -> None:
    path.intake.error = ConnectionClosedOK(Close(1000, ""), Close(1000, ""), True)
    path.intake.inbox.end()
    with pytest.raises(error):
        CALLS[call](path).send(None)


@every_receiving
def test_end_on_an_error(path: Path, call: Callable[[Path], Any]) -> None:
    path.intake.inbox.end()
    with pytest.raises(ConnectionClosedError):
        call(path).send(None)


@every_receiving
def test_refused_while_another_waits(path: Path, call: Callable[[Path], Any]) -> None:
    other = path.recv()
    other.send(None)
    with pytest.raises(ConcurrencyError):
        call(path).send(None)


@every_receiving
def test_refused_while_a_message_is_taken_in_part(path: Path, call: Callable[[Path], Any]) -> None:
    path.intake.inbox.torn = True
    with pytest.raises(ConcurrencyError, match="recv_streaming"):
        call(path).send(None)


@pytest.mark.parametrize("given", [{"decode": True}, {"decode": False}, {"timeout": 1.0}])
def test_options_go_the_slow_way(path: Path, given: dict[str, Any]) -> None:
    outcome(path.recv(**given))
    assert path.slow == [("recv", given.get("decode"), given.get("timeout"))]


# Sending.


@pytest.mark.parametrize(("message", "data"), [("é", b"\x81\x02\xc3\xa9"), (b"ab", b"\x82\x02ab")])
def test_sent_at_once(path: Path, message: Any, data: bytes) -> None:
    assert (outcome(path.send(message)), path.intake.written, path.slow) == (None, [data], [])


def test_nothing_is_sent_before_it_is_awaited(path: Path) -> None:
    call = path.send("x")
    assert path.intake.written == []
    call.close()


class Text(str):
    """Not quite a str."""


@pytest.mark.parametrize("message", [bytearray(b"x"), memoryview(b"x"), Text("x"), ["x"], 1])
def test_other_kinds_go_the_slow_way(path: Path, message: Any) -> None:
    outcome(path.send(message))
    assert (path.slow, path.intake.written) == ([("send", message, None)], [])


@pytest.mark.parametrize("text", [True, False])
def test_text_option_goes_the_slow_way(path: Path, text: bool) -> None:
    outcome(path.send("x", text=text))
    assert path.slow == [("send", "x", text)]


@pytest.mark.parametrize(
    "state",
    [{"quiet": False}, {"write_paused": True}, {"senders": 1}, {"transport_is_closing": lambda: True}],
    ids=["not quiet", "write buffer full", "others before it", "transport closing"],
)
def test_what_stands_in_the_way_is_left_to_the_slow_way(path: Path, state: dict[str, Any]) -> None:
    for name, value in state.items():
        setattr(path.intake, name, value)
    outcome(path.send("x"))
    assert (path.slow, path.intake.written) == ([("send", "x", None)], [])


def test_drained_where_the_write_filled_the_buffer(path: Path) -> None:
    def write(data: bytes) -> None:
        path.intake.write_paused = True

    path.intake.transport_write = write
    outcome(path.send("x"))
    assert path.slow == [("drain",)]


def test_lone_surrogate_is_refused_and_nothing_sent(path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        path.send("\ud800").send(None)
    assert path.intake.written == []


def test_begin_tells_whether_that_was_all(path: Path) -> None:
    first, second = path.send("x"), path.send(["x"])
    assert isinstance(first, Send)
    assert (first.begin(), second.begin()) == (True, False)
    second.close()


def test_message_is_let_go_of_once_it_is_sent(path: Path) -> None:
    message = Text("x")
    still_there = weakref.ref(message)
    call = path.send(message)
    outcome(call)
    path.slow.clear()
    del message
    assert (still_there(), call is None) == (None, False)


def test_send_cannot_begin_twice(path: Path) -> None:
    call = path.send("x")
    outcome(call)
    with pytest.raises(RuntimeError, match="cannot reuse"):
        call.send(None)


def test_send_that_waits_cannot_be_awaited_by_another(path: Path) -> None:
    path.intake.quiet = False
    path.rest = waiting = path.new_future()
    call = path.send("x")
    call.send(None)
    with pytest.raises(ConcurrencyError, match=r"this send\(\) is awaited already"):
        call.send(None)
    waiting.set_result(None)
    assert outcome(call) is None
