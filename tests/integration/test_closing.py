"""The closing handshake with servers of other people, begun by either side."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

import wssdk
from tests.support.peers.fleet import Peer

Use: TypeAlias = Callable[[wssdk.ClientConnection], Coroutine[Any, Any, object]]


async def end_seen_by(peer: Peer, use: Use) -> dict[str, Any]:
    """Use a connection; return the close code and reason that the server says to have got."""
    key = uuid.uuid4().hex
    async with wssdk.connect(peer.at("/echo", id=key)) as ws:
        await use(ws)
    async with wssdk.connect(peer.at("/journal", id=key)) as ws:
        entry: dict[str, Any] = json.loads(await ws.recv())
    return entry


async def test_server_sees_our_code(peer: Peer) -> None:
    end = await end_seen_by(peer, lambda ws: ws.close(4321, "had enough – 再见"))
    assert end["code"] == 4321


async def test_server_sees_our_reason(peer: Peer) -> None:
    end = await end_seen_by(peer, lambda ws: ws.close(1000, "had enough – 再见"))
    if peer.name == "uvicorn-websockets" and end["reason"] is None:
        pytest.skip("this server does not hand the reason to its application")
    assert end["reason"] == "had enough – 再见"


async def test_server_sees_1000_when_the_block_ends(peer: Peer) -> None:
    end = await end_seen_by(peer, lambda ws: ws.ping())
    assert end["code"] == 1000


async def test_server_sees_1011_when_the_block_raises(peer: Peer) -> None:
    key = uuid.uuid4().hex
    with pytest.raises(ZeroDivisionError):
        async with wssdk.connect(peer.at("/echo", id=key)):
            raise ZeroDivisionError
    async with wssdk.connect(peer.at("/journal", id=key)) as ws:
        assert json.loads(await ws.recv())["code"] == 1011


async def test_close_received_is_answered_with_the_same_code(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/close", code=4242, reason="bye")) as ws:
        await ws.wait_closed()
        with pytest.raises(wssdk.ConnectionClosed) as caught:
            await ws.recv()
    assert (caught.value.sent, caught.value.rcvd_then_sent) == (wssdk.Close(4242, "bye"), True)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "moving"), (1011, ""), (4999, "再见")])
async def test_close_code_and_reason_of_the_server(peer: Peer, code: int, reason: str) -> None:
    async with wssdk.connect(peer.at("/close", code=code, reason=reason)) as ws:
        await ws.wait_closed()
    assert (ws.close_code, ws.close_reason) == (code, reason)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, wssdk.ConnectionClosedOK),
        (1001, wssdk.ConnectionClosedOK),
        (1011, wssdk.ConnectionClosedError),
        (4000, wssdk.ConnectionClosedError),
    ],
)
async def test_recv_says_how_the_server_closed(
    peer: Peer, code: int, kind: type[wssdk.ConnectionClosed]
) -> None:
    async with wssdk.connect(peer.at("/close", code=code)) as ws:
        with pytest.raises(kind):
            await ws.recv()


async def test_iteration_raises_when_the_server_closes_on_an_error(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/close", code=1011)) as ws:
        with pytest.raises(wssdk.ConnectionClosedError):
            async for _ in ws:
                pass


async def test_messages_before_the_close_stay_readable_after_it(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/stream", count=3)) as ws:
        await ws.wait_closed()
        assert [await ws.recv() for _ in range(3)] == ["0", "1", "2"]


async def test_sending_after_the_close_raises(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/close", code=4000)) as ws:
        await ws.wait_closed()
        with pytest.raises(wssdk.ConnectionClosedError):
            await ws.send("too late")


async def test_closing_twice_is_closing_once(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        await ws.close(4001)
        await ws.close(4002)
        with pytest.raises(wssdk.ConnectionClosed) as caught:
            await ws.recv()
    assert caught.value.sent == wssdk.Close(4001, "")


async def test_connection_is_closed_after_its_block(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        pass
    assert (ws.closed, ws.state) == (True, wssdk.State.CLOSED)
