from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.transports import FakeTransport, NotingProtocol
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import ConcurrencyError, InvalidState

LIMIT = 1 << 16


def made(transport: FakeTransport | None = None) -> tuple[StreamPipe, FakeTransport]:
    transport = transport or FakeTransport()
    pipe = StreamPipe()
    pipe.connection_made(transport)
    return pipe, transport


def receive(pipe: StreamPipe, data: bytes) -> None:
    """Do as a transport that received ``data``."""
    while data:
        buffer = pipe.get_buffer(-1)
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        pipe.buffer_updated(count)
        data = data[count:]


# Reading.


async def test_read_returns_what_came() -> None:
    pipe, _ = made()
    receive(pipe, b"ab")
    receive(pipe, b"c")
    assert await pipe.read() == b"abc"


async def test_read_waits_for_bytes() -> None:
    pipe, _ = made()
    reading = asyncio.ensure_future(pipe.read())
    await asyncio.sleep(0)
    receive(pipe, b"x")
    assert await reading == b"x"


async def test_cancelled_read_loses_nothing() -> None:
    pipe, _ = made()
    reading = asyncio.ensure_future(pipe.read())
    await asyncio.sleep(0)
    receive(pipe, b"x")  # wakes it ...
    reading.cancel()  # ... too late
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await pipe.read() == b"x"


async def test_bytes_after_a_cancelled_read_wake_nobody() -> None:
    pipe, _ = made()
    reading = asyncio.ensure_future(pipe.read())
    await asyncio.sleep(0)
    reading.cancel()
    receive(pipe, b"x")
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await pipe.read() == b"x"


async def test_read_after_the_end_is_empty() -> None:
    pipe, _ = made()
    receive(pipe, b"x")
    pipe.eof_received()
    assert [await pipe.read(), await pipe.read(), await pipe.read()] == [b"x", b"", b""]


async def test_the_end_wakes_read() -> None:
    pipe, _ = made()
    reading = asyncio.ensure_future(pipe.read())
    await asyncio.sleep(0)
    pipe.eof_received()
    assert await reading == b""


async def test_loss_without_error_is_an_end() -> None:
    pipe, _ = made()
    pipe.connection_lost(None)
    assert await pipe.read() == b""


async def test_bytes_come_before_the_error() -> None:
    pipe, _ = made()
    receive(pipe, b"x")
    error = ConnectionResetError("gone")
    pipe.connection_lost(error)
    assert await pipe.read() == b"x"
    with pytest.raises(ConnectionResetError) as caught:
        await pipe.read()
    assert caught.value is error


async def test_a_foreign_error_becomes_an_os_error() -> None:
    pipe, _ = made()
    error = RuntimeError("broken transport")
    pipe.connection_lost(error)
    with pytest.raises(ConnectionAbortedError, match="broken transport") as caught:
        await pipe.read()
    assert caught.value.__cause__ is error


async def test_only_one_may_read() -> None:
    pipe, _ = made()
    reading = asyncio.ensure_future(pipe.read())
    await asyncio.sleep(0)
    with pytest.raises(ConcurrencyError):
        await pipe.read()
    receive(pipe, b"x")
    assert await reading == b"x"


async def test_unread_bytes_come_first() -> None:
    pipe, _ = made()
    receive(pipe, b"abc")
    data = await pipe.read()
    receive(pipe, b"d")
    pipe.unread(data[1:])
    assert await pipe.read() == b"bcd"


async def test_reading_pauses_at_the_bound_once() -> None:
    pipe, transport = made()
    receive(pipe, bytes(LIMIT - 1))
    assert transport.calls == []
    receive(pipe, bytes(2))
    receive(pipe, bytes(1))
    assert transport.calls == ["pause_reading"]


async def test_read_resumes_reading() -> None:
    pipe, transport = made()
    receive(pipe, bytes(LIMIT))
    assert len(await pipe.read()) == LIMIT
    assert transport.calls == ["pause_reading", "resume_reading"]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(StreamPipe.eof_received, id="end"),
        pytest.param(lambda pipe: pipe.transport.close(), id="closing"),
    ],
)
async def test_reading_is_not_resumed_after(end: Callable[[StreamPipe], object]) -> None:
    pipe, transport = made()
    receive(pipe, bytes(LIMIT))
    end(pipe)
    await pipe.read()
    assert "resume_reading" not in transport.calls


async def test_a_plain_stream_stays_half_open() -> None:
    pipe, _ = made()
    assert pipe.eof_received() is True


async def test_a_tls_stream_does_not_ask_to_stay_half_open() -> None:
    pipe, _ = made(FakeTransport(tls=True))
    assert pipe.eof_received() is False


# Writing.


def test_write_and_abort_go_to_the_transport() -> None:
    pipe, transport = made()
    pipe.write(b"x")
    pipe.abort()
    assert (bytes(transport.written), transport.calls) == (b"x", ["abort"])


def test_write_limits_are_set() -> None:
    transport = FakeTransport()
    StreamPipe(write_high=1000, write_low=10).connection_made(transport)
    assert transport.limits == (1000, 10)


def test_without_write_limits_the_transport_keeps_its_own() -> None:
    _, transport = made()
    assert transport.limits is None


# Attaching.


async def test_attached_protocol_gets_the_transport_then_the_bytes() -> None:
    pipe, transport = made()
    receive(pipe, b"abcdefg")
    protocol = NotingProtocol(3)
    pipe.attach(protocol)
    assert (protocol.calls, bytes(protocol.received)) == (["made", 3, 3, 1], b"abcdefg")
    assert protocol.transport is transport
    assert transport.protocol is protocol


async def test_attach_sets_the_protocol_before_it_calls_it() -> None:
    pipe, transport = made()
    seen: list[object] = []

    class Protocol(NotingProtocol):
        def connection_made(self, transport_: asyncio.BaseTransport) -> None:
            seen.append(transport.protocol)

    protocol = Protocol()
    pipe.attach(protocol)
    assert seen == [protocol]


async def test_attach_delivers_unread_bytes_first() -> None:
    pipe, _ = made()
    receive(pipe, b"cd")
    pipe.unread(b"ab")
    protocol = NotingProtocol()
    pipe.attach(protocol)
    assert protocol.received == b"abcd"


async def test_attach_leaves_pausing_to_the_protocol() -> None:
    pipe, transport = made()
    receive(pipe, bytes(LIMIT))

    class Protocol(NotingProtocol):
        def connection_made(self, transport_: asyncio.BaseTransport) -> None:
            transport.pause_reading()

    pipe.attach(Protocol())
    assert transport.calls == ["pause_reading", "resume_reading", "set_protocol", "pause_reading"]


async def test_attach_tells_the_end() -> None:
    pipe, transport = made()
    receive(pipe, b"x")
    pipe.eof_received()
    protocol = NotingProtocol()
    pipe.attach(protocol)
    assert protocol.calls == ["made", 1, "eof"]
    assert transport.calls[-1] == "close"  # as a transport does


async def test_attached_protocol_may_keep_the_stream_half_open() -> None:
    pipe, transport = made()
    pipe.eof_received()
    pipe.attach(NotingProtocol(keeps_open=True))
    assert "close" not in transport.calls


async def test_attach_does_not_close_what_closes() -> None:
    pipe, transport = made(FakeTransport(tls=True))
    pipe.eof_received()
    transport.closing = True
    protocol = NotingProtocol()
    pipe.attach(protocol)
    assert protocol.calls == ["made", "eof"]
    assert "close" not in transport.calls


async def test_attach_tells_the_loss() -> None:
    pipe, transport = made()
    receive(pipe, b"x")
    pipe.eof_received()
    transport.closing = True
    error = ConnectionResetError()
    pipe.connection_lost(error)
    protocol = NotingProtocol()
    pipe.attach(protocol)
    assert protocol.calls == ["made", 1, "eof", "lost"]
    assert protocol.lost_by is error
    assert transport.protocol is None  # a lost transport has no use for one


async def test_attach_tells_that_writing_is_paused() -> None:
    pipe, _ = made()
    pipe.pause_writing()
    protocol = NotingProtocol()
    pipe.attach(protocol)
    assert protocol.calls == ["made", "pause"]


async def test_attach_does_not_tell_that_writing_was_paused() -> None:
    pipe, _ = made()
    pipe.pause_writing()
    pipe.resume_writing()
    protocol = NotingProtocol()
    pipe.attach(protocol)
    assert protocol.calls == ["made"]


async def test_a_protocol_that_closes_gets_nothing_more() -> None:
    pipe, transport = made()
    receive(pipe, b"abc")
    pipe.eof_received()

    class Protocol(NotingProtocol):
        def buffer_updated(self, nbytes: int) -> None:
            super().buffer_updated(nbytes)
            transport.close()

    protocol = Protocol(1)
    pipe.attach(protocol)
    assert protocol.calls == ["made", 1]


async def test_an_empty_buffer_is_refused() -> None:
    pipe, _ = made()
    receive(pipe, b"x")
    with pytest.raises(RuntimeError, match="empty buffer"):
        pipe.attach(NotingProtocol(0))


async def test_what_is_scheduled_for_the_pipe_reaches_the_attached_protocol() -> None:
    pipe, _ = made()
    protocol = NotingProtocol(8, keeps_open=True)
    pipe.attach(protocol)
    receive(pipe, b"late")
    pipe.pause_writing()
    pipe.resume_writing()
    assert pipe.eof_received() is True
    pipe.connection_lost(None)
    assert protocol.calls == ["made", 4, "pause", "resume", "eof", "lost"]
    assert protocol.received == b"late"


async def attach(pipe: StreamPipe) -> None:
    pipe.attach(NotingProtocol())


async def unread(pipe: StreamPipe) -> None:
    pipe.unread(b"x")


@pytest.mark.parametrize("call", [attach, unread, StreamPipe.read])
async def test_an_attached_pipe_is_out_of_use(call: Callable[[StreamPipe], Awaitable[object]]) -> None:
    pipe, _ = made()
    pipe.attach(NotingProtocol())
    with pytest.raises(InvalidState, match="attached"):
        await call(pipe)


async def test_attach_is_refused_while_read_waits() -> None:
    pipe, _ = made()
    reading = asyncio.ensure_future(pipe.read())
    await asyncio.sleep(0)
    with pytest.raises(ConcurrencyError):
        pipe.attach(NotingProtocol())
    pipe.eof_received()
    assert await reading == b""
