"""Every kind of pipe, over every transport, on every event loop: what a connection counts on."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pytest

from tests.support.servers import RawServer, Script, raw_server
from tests.support.steps import Moment, cancelled_at
from tests.support.tls import authority
from tests.support.transports import NotingProtocol
from tests.support.until import until
from wssdk.config import ClientConfig, Limits, Network, Timeouts
from wssdk.dial.dialer import StreamDialer
from wssdk.dial.pipe import StreamPipe
from wssdk.ports import Route

BLOCK = bytes(range(256)) * 256
MANY = 128  # blocks: 8 MiB

pytestmark = pytest.mark.needs("unix-sockets")


@attrs.frozen
class Kind:
    """What bytes go over."""

    transport: str
    is_unix: bool
    is_tls: bool
    folder: Path

    @asynccontextmanager
    async def served(
        self, script: Script, config: ClientConfig | None = None
    ) -> AsyncIterator[tuple[Callable[[], Coroutine[Any, Any, StreamPipe]], RawServer]]:
        """Serve ``script``; yield what dials."""
        config = config or ClientConfig()
        config = attrs.evolve(config, network=Network(transport=self.transport))  # type: ignore[arg-type]
        server_ssl = authority().server_context() if self.is_tls else None
        path = str(self.folder / "socket") if self.is_unix else None
        async with raw_server(script, unix_path=path, ssl_context=server_ssl) as server:
            dialer = StreamDialer(config, ssl_context=authority().client_context())
            route = Route(self.is_tls, "127.0.0.1", server.port, "localhost", unix_path=path)
            yield lambda: dialer.dial(route), server

    @asynccontextmanager
    async def dialled(
        self, script: Script, config: ClientConfig | None = None
    ) -> AsyncIterator[tuple[StreamPipe, RawServer]]:
        """Serve ``script``, and dial."""
        async with self.served(script, config) as (dial, server):
            pipe = await dial()
            try:
                yield pipe, server
            finally:
                pipe.abort()


@pytest.fixture(params=[pytest.param("aiofastnet", marks=pytest.mark.needs("aiofastnet")), "asyncio"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["tcp", "tls", "unix", "unix+tls"])
def kind(request: pytest.FixtureRequest, transport: str, tmp_path: Path) -> Kind:
    return Kind(transport, "unix" in request.param, "tls" in request.param, tmp_path)


@pytest.fixture(params=["tcp", "unix"])
def plain_kind(request: pytest.FixtureRequest, transport: str, tmp_path: Path) -> Kind:
    return Kind(transport, request.param == "unix", False, tmp_path)


def sends(blocks: int, then: Callable[[asyncio.StreamWriter], Any] = lambda writer: None) -> Script:
    """Return a script: send many blocks, then wait for the client to leave."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(blocks):
            writer.write(BLOCK)
            await writer.drain()
        then(writer)
        await reader.read()

    return script


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Script: send what sockets hold for a client that does not read, and close."""
    writer.write(BLOCK * 2)


class Pausing(NotingProtocol):
    """Pauses reading with all it gets, and resumes ``later``."""

    def __init__(self, size: int, later: Callable[[asyncio.AbstractEventLoop, Any], object]) -> None:
        super().__init__(size)
        self._later = later

    def buffer_updated(self, nbytes: int) -> None:
        super().buffer_updated(nbytes)
        assert self.transport is not None
        self.transport.pause_reading()
        self._later(asyncio.get_running_loop(), self.transport.resume_reading)


LATER = pytest.mark.parametrize(
    "later",
    [
        pytest.param(lambda loop, resume: resume(), id="at once"),
        pytest.param(lambda loop, resume: loop.call_soon(resume), id="soon"),
        pytest.param(lambda loop, resume: loop.call_later(0.0005, resume), id="by timer"),
    ],
)
Later: TypeAlias = Callable[[asyncio.AbstractEventLoop, Any], object]


async def test_the_asked_for_transport_is_used(kind: Kind) -> None:
    async with kind.dialled(sends(0)) as (pipe, _):
        is_fast = type(pipe.transport).__module__ in {"aiofastnet.selector_transport", "wssdk.dial.fastnet"}
        assert is_fast is (kind.transport == "aiofastnet")


@LATER
@pytest.mark.parametrize("size", [1 << 12, 1 << 16, 1 << 18])
async def test_paused_reading_goes_on(kind: Kind, size: int, later: Later) -> None:
    blocks = MANY if size > 1 << 12 else MANY // 8
    async with kind.dialled(sends(blocks)) as (pipe, _):
        protocol = Pausing(size, later)
        pipe.attach(protocol)
        await until(lambda: len(protocol.received) >= len(BLOCK) * blocks, 20)
        assert protocol.received == BLOCK * blocks


@LATER
async def test_the_peers_end_does_not_cut_what_waits(kind: Kind, later: Later) -> None:
    async with kind.dialled(closes) as (pipe, server):
        protocol = Pausing(1 << 12, later)
        await server.finished()
        pipe.attach(protocol)
        await until(protocol.closed.is_set)
        assert protocol.received == BLOCK * 2
        assert protocol.calls[-2:] == ["eof", "lost"]


async def test_the_switch_of_protocols_loses_nothing(kind: Kind) -> None:
    async with kind.dialled(sends(MANY)) as (pipe, _):
        head = await pipe.read()
        while len(head) < 1000:
            head += await pipe.read()
        pipe.unread(head[1000:])
        protocol = NotingProtocol(5000)
        pipe.attach(protocol)
        await until(lambda: len(protocol.received) >= len(BLOCK) * MANY - 1000, 20)
        assert head[:1000] + protocol.received == BLOCK * MANY


async def test_what_is_not_read_is_bounded(kind: Kind) -> None:
    async with kind.dialled(sends(MANY)) as (pipe, _):
        await until(lambda: not pipe.transport.is_reading())
        assert 1 << 16 <= len(await pipe.read()) <= (1 << 16) + (1 << 14)


async def test_what_is_not_read_is_read_later(kind: Kind) -> None:
    async with kind.dialled(sends(MANY)) as (pipe, _):
        received = 0
        async with asyncio.timeout(20):
            while received < len(BLOCK) * MANY:
                received += len(await pipe.read())


async def test_writing_pauses_and_goes_on(kind: Kind) -> None:
    read_on = asyncio.Event()
    received = bytearray()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_on.wait()
        while data := await reader.read(1 << 16):
            received.extend(data)

    config = ClientConfig(limits=Limits(write_limit=(40_000, 10_000)))
    async with kind.dialled(slow, config) as (pipe, _):
        protocol = NotingProtocol()
        pipe.attach(protocol)
        assert pipe.transport.get_write_buffer_limits() == (10_000, 40_000)
        written = 0
        while "pause" not in protocol.calls:
            pipe.write(BLOCK)
            written += 1
            await asyncio.sleep(0)
        assert pipe.transport.get_write_buffer_size() > 40_000
        read_on.set()
        await until(lambda: protocol.calls == ["made", "pause", "resume"])
        assert pipe.transport.get_write_buffer_size() <= 10_000
        await until(lambda: len(received) == len(BLOCK) * written)
        assert received == BLOCK * written


async def test_a_pause_of_writing_before_the_switch_is_told_after_it(kind: Kind) -> None:
    read_on = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_on.wait()
        await reader.read()

    async with kind.dialled(slow) as (pipe, _):
        size = 0
        while size <= 1 << 16:  # the default limit
            pipe.write(BLOCK)
            await asyncio.sleep(0)
            size = pipe.transport.get_write_buffer_size()
        protocol = NotingProtocol()
        pipe.attach(protocol)
        assert protocol.calls == ["made", "pause"]
        read_on.set()
        await until(lambda: protocol.calls == ["made", "pause", "resume"])


async def test_the_transport_tells_about_itself(kind: Kind) -> None:
    async with kind.dialled(sends(0)) as (pipe, server):
        info = pipe.transport.get_extra_info
        assert info("socket").type & 0xF == socket.SOCK_STREAM
        assert info("peername") == (server.unix_path or ("127.0.0.1", server.port))
        assert info("sockname") == info("socket").getsockname()
        assert (info("ssl_object") is not None) is kind.is_tls
        if kind.is_tls:
            assert info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
            assert isinstance(info("sslcontext"), ssl.SSLContext)
            assert ("DNS", "localhost") in info("peercert")["subjectAltName"]


async def test_abort_ends_it_at_once(kind: Kind) -> None:
    async with kind.dialled(sends(0)) as (pipe, _):
        protocol = NotingProtocol()
        pipe.attach(protocol)
        pipe.write(BLOCK * 500)  # more than sockets take
        pipe.abort()
        await until(protocol.closed.is_set, 0.5)
        assert (protocol.calls[-1], protocol.lost_by) == ("lost", None)
        assert pipe.transport.is_closing()


async def test_abort_ends_read(kind: Kind) -> None:
    async with kind.dialled(sends(0)) as (pipe, _):
        reading = asyncio.ensure_future(pipe.read())
        await asyncio.sleep(0)
        pipe.abort()
        assert await reading == b""


async def test_calls_after_the_end_do_nothing(kind: Kind) -> None:
    async with kind.dialled(sends(0)) as (pipe, _):
        protocol = NotingProtocol()
        pipe.attach(protocol)
        pipe.abort()
        await until(protocol.closed.is_set)
        pipe.transport.pause_reading()
        pipe.transport.resume_reading()
        pipe.abort()
        await asyncio.sleep(0)
        assert protocol.calls == ["made", "lost"]


@pytest.mark.parametrize("paused", [False, True], ids=["reading", "paused"])
async def test_close_ends_in_order(kind: Kind, paused: bool) -> None:
    got = bytearray()

    async def reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.read())

    config = ClientConfig(timeouts=Timeouts(tls_shutdown=30))
    async with kind.dialled(reads, config) as (pipe, server):
        protocol = NotingProtocol()
        pipe.attach(protocol)
        pipe.write(b"last words")
        if paused:
            pipe.transport.pause_reading()
        pipe.transport.close()
        await until(protocol.closed.is_set, 2)
        await server.finished()
        assert got == b"last words"
        assert protocol.lost_by is None


async def test_a_peer_that_goes_without_a_word_is_a_loss(kind: Kind) -> None:
    async with kind.dialled(sends(1, lambda writer: writer.transport.abort())) as (pipe, _):
        protocol = NotingProtocol()
        pipe.attach(protocol)
        await until(protocol.closed.is_set)
        assert protocol.calls[-1] == "lost"


async def test_an_end_before_the_switch_is_told_after_it(kind: Kind) -> None:
    async def bye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")

    async with kind.dialled(bye) as (pipe, _):
        data = await pipe.read()
        assert (data, await pipe.read()) == (b"bye", b"")
        pipe.unread(data)
        protocol = NotingProtocol()
        pipe.attach(protocol)
        await until(protocol.closed.is_set)
        assert protocol.calls == ["made", 3, "eof", "lost"]


async def test_a_loss_before_the_switch_is_told_after_it(kind: Kind) -> None:
    async with kind.dialled(sends(0)) as (pipe, _):
        pipe.abort()
        assert await pipe.read() == b""
        protocol = NotingProtocol()
        pipe.attach(protocol)
        assert protocol.calls == ["made", "lost"]


async def test_a_half_closed_stream_still_writes(plain_kind: Kind) -> None:
    answers: list[bytes] = []

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        answers.append(await reader.readexactly(5))

    async with plain_kind.dialled(half) as (pipe, server):
        assert await pipe.read() == b""
        pipe.write(b"still")
        await server.finished()
        assert answers == [b"still"]


@pytest.mark.parametrize("moment", ["waiting", "done"])
@pytest.mark.parametrize("step", range(1, 5))
async def test_a_cancelled_dial_leaves_nothing(kind: Kind, step: int, moment: Moment) -> None:
    """The fixtures of this suite fail it for a socket or transport that is left unclosed."""
    async with kind.served(sends(1)) as (dial, server):
        dialling = cancelled_at(dial(), step, moment)
        await asyncio.wait([dialling], timeout=5)
        assert dialling.done()
        if not dialling.cancelled():
            dialling.result().abort()
        await server.finished(2)
