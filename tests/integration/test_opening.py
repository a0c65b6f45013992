"""The opening handshake with servers of other people: what is agreed, and what is refused."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

import wssdk
from tests.support.peers.fleet import Fleet, Peer
from wssdk import Subprotocol


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["chat.v1"], "chat.v1"),
        (["chat.v1", "chat.v2"], "chat.v2"),
        (["chat.v0", "chat.v1"], "chat.v1"),
        (["chat.v0"], None),
        (None, None),
    ],
)
async def test_subprotocol_is_the_servers_choice(
    peer: Peer, offered: list[str] | None, chosen: str | None
) -> None:
    subprotocols = None if offered is None else [Subprotocol(name) for name in offered]
    async with wssdk.connect(peer.at("/echo"), subprotocols=subprotocols) as ws:
        assert ws.subprotocol == chosen


async def test_additional_headers_reach_the_server(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/headers"), additional_headers={"X-Token": "abc def"}) as ws:
        assert json.loads(await ws.recv())["x-token"] == "abc def"


async def test_origin_reaches_the_server(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/headers"), origin=wssdk.Origin("https://example.com")) as ws:
        assert json.loads(await ws.recv())["origin"] == "https://example.com"


async def test_user_agent_reaches_the_server(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/headers"), user_agent_header="tester/1.0") as ws:
        assert json.loads(await ws.recv())["user-agent"] == "tester/1.0"


async def test_no_user_agent_is_sent_when_switched_off(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/headers"), user_agent_header=None) as ws:
        assert "user-agent" not in json.loads(await ws.recv())


async def test_user_information_of_the_uri_becomes_basic_authorization(peer: Peer) -> None:
    uri = peer.at("/headers").replace("ws://", "ws://user:p%40ss@")
    async with wssdk.connect(uri) as ws:
        assert json.loads(await ws.recv())["authorization"] == "Basic dXNlcjpwQHNz"


async def test_compression_is_agreed_when_offered(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        assert ws.response is not None
        assert ws.response.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")


async def test_compression_is_not_offered_when_switched_off(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/headers"), compression=None) as ws:
        assert "sec-websocket-extensions" not in json.loads(await ws.recv())


async def test_server_may_decline_compression(fleet: Fleet) -> None:
    peer = fleet.peer("websockets", "--no-compression")
    async with wssdk.connect(peer.at("/echo")) as ws:
        await ws.send("A" * 1000)
        assert await ws.recv() == "A" * 1000


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
async def test_refusal_tells_the_status(peer: Peer, status: int) -> None:
    with pytest.raises(wssdk.InvalidStatus) as caught:
        await wssdk.connect(peer.at("/refuse", status=status))
    assert caught.value.response.status_code == HTTPStatus(status)


@pytest.mark.parametrize("body", ["", "who are you?", "x" * 5_000], ids=["none", "short", "long"])
async def test_refusal_tells_the_body(peer: Peer, body: str) -> None:
    with pytest.raises(wssdk.InvalidStatus) as caught:
        await wssdk.connect(peer.at("/refuse", status=401, body=body))
    assert (caught.value.response.body or b"").decode() == body


async def test_refusal_tells_the_headers(peer: Peer) -> None:
    with pytest.raises(wssdk.InvalidStatus) as caught:
        await wssdk.connect(peer.at("/refuse", status=500))
    assert caught.value.response.headers["X-Refused-By"] == "peer"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_followed(peer: Peer, status: int) -> None:
    async with wssdk.connect(peer.at("/refuse", status=status, location="/echo")) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
