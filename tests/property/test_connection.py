"""A connection under any order of events: bytes, cuts, cancelling, pauses, time, the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clock import JumpingLoop
from tests.support.connections import establish, ticks
from tests.support.pipes import PlayedTransport
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosed
from wssdk.protocol.state import State
from wssdk.typing import Data

T = TypeVar("T")

QUEUES = st.sampled_from([1, 2, (3, 0), (4, 3), None])


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose time jumps; fail on what only the loop's handler sees."""
    unseen: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: unseen.append(context))
        result = runner.run(coroutine)
    assert not unseen
    return result


# Receiving.

texts = st.text(max_size=5)
messages = st.lists(texts | st.binary(max_size=5), max_size=8)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Data], list[bytes]]:
    """Messages, and their frames cut anywhere: fragments, pings in between, reads."""
    wanted = draw(messages)
    frames = []
    for message in wanted:
        payload = message.encode() if isinstance(message, str) else message
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
        parts = [payload[i:j] for i, j in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        for index, part in enumerate(parts):
            opcode = CONT if index else TEXT if isinstance(message, str) else BINARY
            frames.append(frame(opcode, part, fin=index == len(parts) - 1))
            if draw(st.booleans()):
                frames.append(frame(draw(st.sampled_from([PING, PONG])), b"?"))
    data = b"".join(frames) + close_frame(1000)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return wanted, [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class Reader:
    """Takes messages in every way there is, and is cancelled at any moment."""

    def __init__(self, ws: ClientConnection) -> None:
        self.got: list[Data] = []
        self._ws = ws
        self._parts: list[Data] = []
        self._stream = ws.recv_streaming()
        self._torn = False

    async def take(self, how: str) -> None:
        """Take a message, or what is left of one that was torn."""
        if how == "stream" or self._torn:
            await self._take_parts()
        elif how == "timeout":
            self.got.append(await self._ws.recv(timeout=1))
        elif how == "anext":
            self.got.append(await anext(aiter(self._ws)))
        else:
            self.got.append(await self._ws.recv())

    async def _take_parts(self) -> None:
        async for part in self._stream:
            self._torn = True
            self._parts.append(part)
        first = self._parts[0]
        self.got.append(type(first)().join(self._parts))  # type: ignore[arg-type]
        self._parts, self._torn, self._stream = [], False, self._ws.recv_streaming()

    async def cancelled(self, how: str, turns: int) -> None:
        """Take a message, cancelled after some turns of the loop."""
        task = asyncio.ensure_future(self.take(how))
        await ticks(turns)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, (ConnectionClosed, TimeoutError, RuntimeError)), error
            assert not isinstance(error, ConcurrencyError)


HOW = st.sampled_from(["recv", "timeout", "anext", "stream"])


@settings(deadline=None)
@given(streams(), QUEUES, st.lists(st.tuples(HOW, st.integers(0, 4), st.booleans()), max_size=12), HOW)
def test_every_message_is_received_once_and_in_order(
    stream: tuple[list[Data], list[bytes]],
    max_queue: Any,
    acts: list[tuple[str, int, bool]],
    how: str,
) -> None:
    wanted, reads = stream

    async def scene() -> list[Data]:
        ws, peer = establish(max_queue=max_queue)
        reader, left = Reader(ws), list(reads)
        for how_now, turns, feeds in acts:
            if feeds and left:
                peer.feed(left.pop(0))
            await reader.cancelled(how_now, turns)
        for data in left:
            peer.feed(data)
        peer.feed_eof()
        while len(reader.got) < len(wanted):
            await reader.take(how)
        return reader.got

    assert run(scene()) == wanted


# Anything at all.


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5), QUEUES)
def test_any_bytes_end_in_a_documented_exception(reads: list[bytes], max_queue: Any) -> None:
    async def scene() -> None:
        ws, peer = establish(max_queue=max_queue, max_size=100)
        for data in reads:
            peer.feed(data)
        peer.feed_eof()
        try:
            while True:
                assert isinstance(await ws.recv(), (str, bytes))
        except ConnectionClosed:
            pass
        await ws.close()
        assert (ws.state, ws.close_code is None) == (State.CLOSED, False)

    run(scene())


# Sending.

Act: TypeAlias = Callable[[ClientConnection, PlayedTransport, list[asyncio.Task[None]]], None]


def sends(size: int, parts: int) -> Act:
    """A message, numbered, of ``parts`` fragments; or of one frame, for no parts."""

    def act(ws: ClientConnection, peer: PlayedTransport, tasks: list[asyncio.Task[None]]) -> None:
        payload = b"%d:" % len(tasks) + bytes(size)
        message = [payload, *[b""] * (parts - 1)] if parts else payload
        tasks.append(asyncio.get_running_loop().create_task(ws.send(message)))

    return act


def cancels(index: int) -> Act:
    """Cancel a send that is not yet in the middle of its message."""

    def act(ws: ClientConnection, peer: PlayedTransport, tasks: list[asyncio.Task[None]]) -> None:
        if tasks:
            tasks[index % len(tasks)].cancel()

    return act


acts = st.one_of(
    st.builds(sends, st.integers(0, 300), st.just(0) | st.integers(0, 3)),
    st.builds(cancels, st.integers(0, 20)),
    st.sampled_from(
        [
            lambda ws, peer, tasks: peer.stop_peer(),
            lambda ws, peer, tasks: peer.resume_peer(),
        ]
    ),
    st.builds(lambda count: lambda ws, peer, tasks: peer.read_some(count), st.integers(0, 400)),
)


@settings(deadline=None)
@given(st.lists(st.tuples(acts, st.integers(0, 3)), max_size=25))
def test_messages_go_out_whole_once_and_in_order(script: list[tuple[Act, int]]) -> None:
    async def scene() -> None:
        ws, peer = establish(high=200, low=50, close_timeout=1)
        tasks: list[asyncio.Task[None]] = []
        for act, turns in script:
            act(ws, peer, tasks)
            await ticks(turns)
        peer.resume_peer()
        await asyncio.gather(*tasks, return_exceptions=True)
        frames = [got for got in peer.frames() if got.opcode != CLOSE]
        seen = [int(got.payload.partition(b":")[0]) for got in frames if got.opcode == BINARY]
        assert seen == sorted(set(seen))
        finished = [n for n, task in enumerate(tasks) if not task.cancelled() and task.exception() is None]
        assert set(finished) <= set(seen)
        torn = bool(frames) and not frames[-1].fin
        assert peer.close_codes() == ([1011] if torn else [])
        for got, following in itertools.pairwise(frames):
            assert got.fin is (following.opcode != CONT)
        ws.abort()

    run(scene())


# Every call there is.

CALLS: dict[str, Callable[[ClientConnection], Coroutine[Any, Any, Any]]] = {
    "recv": lambda ws: ws.recv(timeout=3),
    "anext": lambda ws: anext(ws),
    "recv_streaming": lambda ws: anext(ws.recv_streaming()),
    "send": lambda ws: ws.send("x"),
    "send fragments": lambda ws: ws.send(["x", "y"]),
    "ping": lambda ws: ws.ping(),
    "pong": lambda ws: ws.pong(),
    "close": lambda ws: ws.close(),
    "wait_closed": lambda ws: ws.wait_closed(),
}
EVENTS: dict[str, Callable[[ClientConnection, PlayedTransport], None]] = {
    "message": lambda ws, peer: peer.feed(frame(TEXT, b"x")),
    "fragment": lambda ws, peer: peer.feed(frame(TEXT, b"x", fin=False), frame(CONT, b"y", fin=False)),
    "ping": lambda ws, peer: peer.feed(frame(PING)),
    "close": lambda ws, peer: peer.feed(close_frame(1000)),
    "violation": lambda ws, peer: peer.feed(frame(3)),
    "stop": lambda ws, peer: peer.stop_peer(),
    "resume": lambda ws, peer: peer.resume_peer(),
    "end": lambda ws, peer: peer.feed_eof(),
    "loss": lambda ws, peer: peer.lose(ConnectionResetError()),
    "abort": lambda ws, peer: ws.abort(),
}
ORDER = [State.OPEN, State.CLOSING, State.CLOSED]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([*CALLS, *EVENTS, "cancel", "wait"]), st.integers(0, 3)), max_size=20),
    QUEUES,
)
def test_every_call_ends_in_a_documented_way(script: list[tuple[str, int]], max_queue: Any) -> None:
    async def scene() -> None:
        ws, peer = establish(
            max_queue=max_queue, high=50, low=10, close_timeout=2, ping_interval=5, ping_timeout=3
        )
        tasks: list[asyncio.Task[Any]] = []
        states = [ws.state]
        for name, turns in script:
            if name in CALLS:
                tasks.append(asyncio.get_running_loop().create_task(CALLS[name](ws)))
            elif name in EVENTS:
                EVENTS[name](ws, peer)
            elif name == "cancel" and tasks:
                tasks[len(tasks) // 2].cancel()
            else:
                await asyncio.sleep(2)
            await ticks(turns)
            states.append(ws.state)
        await asyncio.wait_for(ws.close(), 3)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        states.append(ws.state)
        documented = (ConnectionClosed, ConcurrencyError, TimeoutError, StopAsyncIteration)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, (*documented, asyncio.CancelledError)):
                raise end
        assert states == sorted(states, key=ORDER.index)
        assert states[-1] is State.CLOSED

    run(scene())
