"""Bursts of small frames, held back in the kernel: what it holds is asked of the kernel itself."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

import wssdk
from tests.support.connections import ticks
from tests.support.until import until
from wssdk.connection.cork import Cork
from wssdk.testing import EchoServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has MSG_MORE")

_SIOCOUTQNSD: Final = 0x894B
SMALL: Final = b"s" * 100
LARGE: Final = b"L" * 10_000


def held(sock: Any) -> int:
    """Return how many bytes the kernel has taken and not sent."""
    answer = fcntl.ioctl(sock.fileno(), _SIOCOUTQNSD, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


class Corked:
    """A cork over a TCP connection to this machine, by a clock of the test's."""

    def __init__(self, transport: asyncio.Transport, sock: socket.socket, peer: socket.socket) -> None:
        self.transport = transport
        self.sock = sock
        self.peer = peer
        self.now = 0.0
        loop = asyncio.get_running_loop()
        self.errors: list[OSError] = []
        self.cork = Cork(transport, sock, loop, self.errors.append, lambda: self.now)

    def write(self, *frames: bytes) -> None:
        for frame in frames:
            self.cork.write(frame)

    def received(self, count: int) -> bytes:
        """Return ``count`` bytes that the peer gets without a turn of the event loop."""
        data = b""
        while len(data) < count:
            data += self.peer.recv(count - len(data))
        return data


@pytest.fixture
async def corked() -> AsyncIterator[Corked]:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    peer.settimeout(10)
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=sock)
    with peer:
        yield Corked(transport, sock, peer)
        transport.abort()
        await until(lambda: sock.fileno() == -1)


async def test_first_frame_is_not_held_back(corked: Corked) -> None:
    corked.write(SMALL)
    assert held(corked.sock) == 0


async def test_frames_after_it_are_held_back(corked: Corked) -> None:
    corked.write(SMALL, SMALL, SMALL)
    assert held(corked.sock) == 200


async def test_turn_of_the_event_loop_ends_the_burst(corked: Corked) -> None:
    corked.write(SMALL, SMALL, SMALL)
    await ticks(1)
    assert held(corked.sock) == 0


async def test_second_burst_is_pushed_as_well(corked: Corked) -> None:
    corked.write(SMALL, SMALL)
    await ticks(1)
    corked.write(SMALL, SMALL)
    await ticks(1)
    assert held(corked.sock) == 0


async def test_frame_after_a_pause_is_not_held_back(corked: Corked) -> None:
    corked.write(SMALL, SMALL)
    corked.now += 0.001
    corked.write(SMALL)
    assert held(corked.sock) == 0


async def test_burst_without_end_is_sent_every_millisecond(corked: Corked) -> None:
    for _ in range(6):
        corked.write(SMALL)
        corked.now += 0.0003
    corked.write(SMALL)
    assert held(corked.sock) < 300


async def test_large_frame_is_not_held_back(corked: Corked) -> None:
    corked.write(SMALL, SMALL, LARGE)
    assert held(corked.sock) == 0


async def test_kernel_sends_where_the_event_loop_does_not_come_round(corked: Corked) -> None:
    corked.write(SMALL, SMALL, b"last")
    assert corked.received(204)[-4:] == b"last"


async def test_frames_keep_their_order(corked: Corked) -> None:
    frames = [f"{index:05}".encode() * (2000 if index % 7 == 0 else 1) for index in range(100)]
    corked.write(*frames)
    wanted = b"".join(frames)
    assert await asyncio.to_thread(corked.received, len(wanted)) == wanted


async def test_nothing_is_lost_where_the_kernel_has_no_room(corked: Corked) -> None:
    corked.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    frames = [f"{index:05}".encode() * 50 for index in range(20_000)]
    corked.write(*frames)
    assert corked.transport.get_write_buffer_size() > 0
    wanted = b"".join(frames)
    assert await asyncio.to_thread(corked.received, len(wanted)) == wanted


async def test_closed_transport_is_not_pushed(corked: Corked) -> None:
    corked.write(SMALL, SMALL)
    corked.transport.close()
    await until(lambda: corked.sock.fileno() == -1)
    assert corked.received(200) == SMALL * 2


async def test_frame_for_a_lost_socket_is_the_transports_to_tell(corked: Corked) -> None:
    corked.write(SMALL, SMALL)
    corked.sock.shutdown(socket.SHUT_WR)
    corked.write(SMALL)
    await until(corked.transport.is_closing)
    assert [type(error) for error in corked.errors] == [BrokenPipeError]


async def test_reset_is_told_once(corked: Corked) -> None:
    corked.write(SMALL)
    corked.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    corked.peer.close()
    corked.write(SMALL)
    await until(corked.transport.is_closing)
    assert [type(error) for error in corked.errors] == [ConnectionResetError]


# As part of a connection.


async def burst_is_held_back(ws: wssdk.ClientConnection) -> bool:
    """Tell whether of a few sends in a row some are held back; tried again, as the machine may pause.

    More than a few would be too many for the kernel to have under way at once.
    """
    for _ in range(50):
        for _ in range(5):
            await ws.send("x")
        if held(ws.transport.get_extra_info("socket")):
            return True
        for _ in range(5):
            await ws.recv()
    return False


async def test_sends_in_a_row_are_held_back() -> None:
    async with EchoServer() as server, wssdk.connect(server.uri, max_queue=None) as ws:
        assert await burst_is_held_back(ws)


async def test_they_arrive() -> None:
    async with EchoServer() as server, wssdk.connect(server.uri, max_queue=None) as ws:
        for index in range(100):
            await ws.send(str(index))
        assert [await ws.recv() for _ in range(100)] == [str(index) for index in range(100)]


async def test_ping_takes_along_what_is_held_back() -> None:
    async with EchoServer() as server, wssdk.connect(server.uri, max_queue=None) as ws:
        assert await burst_is_held_back(ws)
        pong = await ws.ping()
        left = held(ws.transport.get_extra_info("socket"))
        await pong
        assert left == 0


async def test_configuration_switches_it_off() -> None:
    async with EchoServer() as server:
        config = wssdk.ClientConfig(uri=server.uri, network=wssdk.Network(tcp_cork=False))
        async with wssdk.ConnectionFactory(config).connect() as ws:
            assert not await burst_is_held_back(ws)
