"""What a ClientConnection tells of itself, and what a subclass may count on."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

import pytest

from tests.support.connections import LOGGER, REQUEST, RESPONSE, establish, made_on, started
from tests.support.pipes import FakePipe, PlayedTransport
from tests.support.raw_peer import PING, PONG, TEXT, close_frame, deflated, frame
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError, ConnectionClosedOK
from wssdk.protocol.state import State
from wssdk.typing import Data, Subprotocol
from wssdk.wire.deflate import PerMessageDeflate


async def test_handshake_is_kept() -> None:
    ws, _ = establish()
    assert (ws.request, ws.response, ws.subprotocol) == (REQUEST, RESPONSE, None)


async def test_subprotocol_is_kept() -> None:
    assert made_on(FakePipe(), subprotocol=Subprotocol("chat")).subprotocol == "chat"


async def test_logger_is_kept() -> None:
    ws, _ = establish()
    assert ws.logger is LOGGER


async def test_every_connection_has_an_identifier_of_its_own() -> None:
    first, second = establish()[0].id, establish()[0].id
    assert (type(first), first == second) == (uuid.UUID, False)


async def test_repr_tells_identifier_and_state() -> None:
    ws, peer = establish()
    seen = [repr(ws)]
    peer.lose()
    await ws.wait_closed()
    seen.append(repr(ws))
    assert seen == [f"<ClientConnection {ws.id} OPEN>", f"<ClientConnection {ws.id} CLOSED>"]


async def test_new_connection_is_open() -> None:
    ws, _ = establish()
    assert (ws.state, ws.closed, ws.close_code, ws.close_reason, ws.latency) == (
        State.OPEN,
        False,
        None,
        None,
        0,
    )


async def test_transport_is_that_of_the_pipe() -> None:
    ws, peer = establish()
    assert ws.transport is peer


@pytest.mark.parametrize("address", [("127.0.0.1", 80), ("::1", 80, 0, 0), "/run/socket", None])
async def test_addresses_are_those_of_the_socket(address: Any) -> None:
    ws = made_on(FakePipe(PlayedTransport(sockname=address, peername=("192.0.2.1", 443))))
    assert (ws.local_address, ws.remote_address) == (address, ("192.0.2.1", 443))


async def test_end_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ws, peer = establish()
    with caplog.at_level(logging.DEBUG, LOGGER.name):
        peer.feed(close_frame(1001, b"moving"))
        peer.feed_eof()
        await ws.wait_closed()
    assert caplog.messages == [
        "connection closed: received 1001 (going away) moving; then sent 1001 (going away) moving"
    ]


async def test_logger_may_be_an_adapter(caplog: pytest.LogCaptureFixture) -> None:
    class Named(logging.LoggerAdapter[logging.Logger]):
        def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
            return f"feed-a: {msg}", kwargs

    ws, peer = establish()
    ws.logger = Named(LOGGER)
    with caplog.at_level(logging.DEBUG, LOGGER.name):
        peer.lose()
        await ws.wait_closed()
    assert caplog.messages == ["feed-a: connection closed: no close frame received or sent"]


# Starting on a pipe on which something has happened already.


class EndedPipe(FakePipe):
    """A pipe that tells its end, or its loss, as it is attached."""

    def __init__(self, received: bytes, *, lost: bool) -> None:
        super().__init__()
        self._received = received
        self._lost = lost

    def attach(self, protocol: asyncio.BufferedProtocol) -> None:
        super().attach(protocol)
        self.played.feed(self._received)
        if self._lost:
            protocol.connection_lost(ConnectionResetError("early"))


async def test_messages_that_came_with_the_handshake_are_received() -> None:
    ws = made_on(EndedPipe(frame(TEXT, b"early"), lost=False))
    ws.start()
    assert await ws.recv() == "early"


async def test_pipe_that_was_lost_before_the_start_ends_the_connection() -> None:
    ws = made_on(EndedPipe(frame(TEXT, b"early"), lost=True), ping_interval=5)
    ws.start()
    assert (ws.closed, await ws.recv()) == (True, "early")
    with pytest.raises(ConnectionClosedError, match="no close frame"):
        await ws.recv()


async def test_peer_that_closed_before_the_start_is_answered() -> None:
    pipe = EndedPipe(close_frame(1000), lost=False)
    ws = made_on(pipe, ping_interval=5)
    ws.start()
    pipe.played.feed_eof()
    with pytest.raises(ConnectionClosedOK):
        await ws.recv()
    assert pipe.played.close_codes() == [1000]


# Subclasses.


class Counting(ClientConnection):
    """A subclass of the kind users write."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.received = 0

    async def recv(self, **keywords: Any) -> Any:
        message = await super().recv(**keywords)
        self.received += 1
        return message

    async def shout(self, message: str) -> None:
        await self.send(message.upper())


async def test_subclass_may_add_to_a_call() -> None:
    ws, peer = establish(kind=Counting)
    peer.feed(frame(TEXT, b"x"))
    assert isinstance(ws, Counting)
    assert (await ws.recv(), ws.received) == ("x", 1)


async def test_subclass_may_add_a_call() -> None:
    ws, peer = establish(kind=Counting)
    assert isinstance(ws, Counting)
    await ws.shout("x")
    assert peer.payloads() == [b"X"]


async def test_subclass_is_told_by_its_name() -> None:
    ws, _ = establish(kind=Counting)
    assert repr(ws).startswith("<Counting ")


async def test_subclass_is_its_own_iterator_and_block() -> None:
    ws, peer = establish(kind=Counting, close_timeout=1)
    peer.feed(frame(TEXT, b"x"), close_frame(1000))
    peer.feed_eof()
    async with ws as entered:
        messages: list[Data] = [message async for message in entered]
    assert messages == ["x"]


# Compression.


def agreed() -> PerMessageDeflate:
    return PerMessageDeflate(False, False, 15, 15)


async def test_messages_are_compressed_where_that_was_agreed() -> None:
    ws, peer = establish(extensions=[agreed()])
    await ws.send("x" * 1000)
    sent = peer.frames()[0]
    assert (sent.rsv, len(sent.payload) < 100) == (4, True)


async def test_compressed_messages_are_received() -> None:
    ws, peer = establish(extensions=[agreed()])
    peer.feed(frame(TEXT, deflated(b"x" * 1000), rsv=4))
    assert await ws.recv() == "x" * 1000


async def test_fragments_are_compressed_as_one_message() -> None:
    ws, peer = establish(extensions=[agreed()])
    await ws.send(["x" * 1000, "y" * 1000])
    assert [got.rsv for got in peer.frames()] == [4, 0, 0]


async def test_compressed_fragments_are_streamed() -> None:
    ws, peer = establish(extensions=[agreed()])
    payload = deflated(b"hello")
    task = await started(parts_of(ws))
    peer.feed(frame(TEXT, payload[:3], fin=False, rsv=4), frame(0, payload[3:]))
    assert "".join(map(str, await task)) == "hello"


async def parts_of(ws: ClientConnection) -> list[Data]:
    return [part async for part in ws.recv_streaming()]


async def test_control_frames_are_never_compressed() -> None:
    ws, peer = establish(extensions=[agreed()])
    await ws.pong(bytes(100))
    peer.feed(frame(PING, bytes(100)))
    assert [(got.opcode, got.rsv) for got in peer.frames()] == [(PONG, 0), (PONG, 0)]
