"""Connections over real sockets: where a fake transport would only prove itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from tests.support.connections import made_on, started
from tests.support.pipes import parse_frames
from tests.support.raw_peer import BINARY, CLOSE, CONT, TEXT, close_frame, frame
from tests.support.until import until
from wssdk.connection.connection import ClientConnection
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK

MIB = 1 << 20
HIGH, LOW = 1 << 16, 1 << 14


@attrs.frozen
class Ends:
    """A connection, and the socket at the other end: nothing reads it but the test."""

    ws: ClientConnection
    peer: socket.socket

    async def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the connection, fewer at its end."""
        loop, data = asyncio.get_running_loop(), bytearray()
        while len(data) < count and (more := await loop.sock_recv(self.peer, min(MIB, count - len(data)))):
            data += more
        return bytes(data)

    async def read_all(self) -> bytes:
        """Return what the connection sends until its end."""
        return await self.read(1 << 30)

    async def send(self, *frames: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.peer, b"".join(frames))


@asynccontextmanager
async def connected(**keywords: Any) -> AsyncIterator[Ends]:
    """Connect over a pair of sockets."""
    mine, peer = socket.socketpair()
    mine.setblocking(False)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    _, pipe = await loop.create_connection(lambda: StreamPipe(write_high=HIGH, write_low=LOW), sock=mine)
    ws = made_on(pipe, **{"ping_interval": None, **keywords})
    ws.start()
    with peer:
        yield Ends(ws, peer)
        ws.abort()
        await ws.wait_closed()


async def test_echo() -> None:
    async with connected() as ends:
        await ends.send(frame(TEXT, b"hello"))
        await ends.ws.send(await ends.ws.recv())
        assert parse_frames(await ends.read(11))[0].payload == b"hello"


async def test_peer_waits_while_nobody_receives_and_loses_nothing() -> None:
    async with connected(max_queue=2) as ends:
        payloads = [bytes([number]) * (1 << 16) for number in range(100)]
        sending = await started(ends.send(*[frame(BINARY, payload) for payload in payloads]))
        await until(lambda: not ends.ws.transport.is_reading())
        waits = not sending.done()
        received = [await ends.ws.recv() for _ in payloads]
        await sending
        assert (waits, received == payloads) == (True, True)


async def test_bytes_that_wait_here_are_bounded_while_nobody_receives() -> None:
    async with connected(max_queue=2, max_size=None) as ends:
        sending = await started(ends.send(*[frame(BINARY, bytes(1 << 16))] * 1000))
        await until(lambda: not ends.ws.transport.is_reading())
        await asyncio.sleep(0)
        assert not sending.done()
        sending.cancel()


async def test_sends_wait_for_the_peer_and_go_on_in_order() -> None:
    async with connected() as ends:
        messages = [bytes([number]) * (1 << 18) for number in range(20)]
        sends = [await started(ends.ws.send(message)) for message in messages]
        waits = [task.done() for task in sends]
        frames = parse_frames(await ends.read(20 * ((1 << 18) + 14)))
        await asyncio.gather(*sends)
        assert (waits[-1], [got.payload == m for got, m in zip(frames, messages, strict=True)]) == (
            False,
            [True] * 20,
        )


async def test_write_buffer_is_bounded_by_the_limit_and_one_message() -> None:
    async with connected() as ends:
        sends = [await started(ends.ws.send(bytes(1 << 17))) for _ in range(50)]
        size = ends.ws.transport.get_write_buffer_size()
        for task in sends:
            task.cancel()
        await asyncio.wait(sends)
        assert size <= HIGH + (1 << 17) + 14


async def test_fragments_wait_for_the_peer() -> None:
    async with connected() as ends:
        taken = 0

        async def items() -> AsyncIterator[bytes]:
            nonlocal taken
            for _ in range(40):
                taken += 1
                yield bytes(1 << 16)

        sending = await started(ends.ws.send(items()))
        before = taken
        frames = parse_frames(await ends.read(40 * ((1 << 16) + 14) + 6))
        await sending
        assert (before < 40, [got.opcode for got in frames]) == (True, [BINARY] + [CONT] * 40)


async def test_closing_handshake_begun_here() -> None:
    async with connected() as ends:
        closing = await started(ends.ws.close(4000, "why"))
        sent = parse_frames(await ends.read(11))[0]
        await ends.send(close_frame(4000))
        ends.peer.shutdown(socket.SHUT_WR)
        await closing
        assert (sent.opcode, sent.payload[2:], ends.ws.close_code) == (CLOSE, b"why", 4000)


async def test_closing_handshake_begun_by_the_peer() -> None:
    async with connected() as ends:
        await ends.send(frame(TEXT, b"last"), close_frame(1001))
        ends.peer.shutdown(socket.SHUT_WR)
        assert [message async for message in ends.ws] == ["last"]
        assert parse_frames(await ends.read_all())[0].close_code == 1001


async def test_peer_that_is_gone() -> None:
    async with connected() as ends:
        await ends.send(frame(TEXT, b"last"))
        ends.peer.close()
        assert await ends.ws.recv() == "last"
        with pytest.raises(ConnectionClosedError):
            await ends.ws.recv()


async def test_sending_to_a_peer_that_is_gone_raises() -> None:
    async with connected() as ends:
        ends.peer.close()
        with pytest.raises(ConnectionClosedError):
            await send_for_ever(ends.ws)


async def send_for_ever(ws: ClientConnection) -> None:
    while True:
        await ws.send(bytes(1 << 16))


async def test_send_that_waits_ends_with_the_peer() -> None:
    async with connected() as ends:
        sending = await started(ends.ws.send(bytes(8 * MIB)))
        ends.peer.close()
        with pytest.raises(ConnectionClosedError):
            await sending


async def test_close_to_a_peer_that_does_not_read_keeps_its_deadline() -> None:
    async with connected(close_timeout=0.05) as ends:
        sending = await started(ends.ws.send(bytes(8 * MIB)))
        async with asyncio.timeout(1):
            await ends.ws.close()
        with pytest.raises(ConnectionClosedError):
            await sending


async def test_end_of_the_stream_from_a_peer_that_does_not_read_keeps_the_deadline() -> None:
    async with connected(close_timeout=0.05) as ends:
        sending = await started(ends.ws.send(bytes(8 * MIB)))
        ends.peer.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(1):
            await ends.ws.wait_closed()
        with pytest.raises(ConnectionClosedError):
            await sending


async def test_answer_without_the_end_of_the_stream_is_closed_in_order() -> None:
    async with connected(close_timeout=0.05) as ends:
        await ends.send(close_frame(1000))
        await ends.ws.wait_closed()
        with pytest.raises(ConnectionClosedOK) as caught:
            await ends.ws.recv()
        assert isinstance(caught.value.__cause__, TimeoutError)


async def test_abort_is_seen_by_the_peer() -> None:
    async with connected() as ends:
        ends.ws.abort()
        assert await ends.read_all() == b""


async def test_large_message_is_received_whole() -> None:
    async with connected(max_size=None) as ends:
        payload = bytes(range(256)) * (32 * MIB // 256)
        sending = await started(ends.send(frame(BINARY, payload)))
        message = await ends.ws.recv()
        await sending
        assert message == payload
