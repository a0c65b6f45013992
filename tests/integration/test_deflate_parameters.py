"""Parameters of permessage-deflate are settled with servers of other people, and obeyed (RFC 7692, 7.1)."""

from __future__ import annotations

import json
import random

import pytest

import wssdk
from tests.support.peers.fleet import Fleet, Peer
from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory

# Incompressible in itself and larger than a small window: what refers back across messages shows.
MESSAGE = random.Random(7692).randbytes(3_000)

WEBSOCKETS_OPTIONS = {
    "server_no_context_takeover": ("--server-no-context-takeover",),
    "client_no_context_takeover": ("--client-no-context-takeover",),
    "server_max_window_bits=9": ("--server-max-window-bits", "9"),
    "client_max_window_bits=9": ("--client-max-window-bits", "9"),
    "all": (
        "--server-no-context-takeover",
        "--client-no-context-takeover",
        "--server-max-window-bits",
        "10",
        "--client-max-window-bits",
        "11",
    ),
}

NODE_OPTIONS: dict[str, dict[str, bool | int]] = {
    "server_no_context_takeover": {"serverNoContextTakeover": True},
    "client_no_context_takeover": {"clientNoContextTakeover": True},
    "server_max_window_bits=9": {"serverMaxWindowBits": 9},
    "client_max_window_bits=9": {"clientMaxWindowBits": 9},
    "all": {
        "serverNoContextTakeover": True,
        "clientNoContextTakeover": True,
        "serverMaxWindowBits": 10,
        "clientMaxWindowBits": 11,
    },
}

AGREED = {
    "server_no_context_takeover": {"server_no_context_takeover"},
    "client_no_context_takeover": {"client_no_context_takeover"},
    "server_max_window_bits=9": {"server_max_window_bits=9"},
    "client_max_window_bits=9": {"client_max_window_bits=9"},
    "all": {
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits=11",
    },
}


@pytest.fixture(params=["websockets", pytest.param("node-ws", marks=pytest.mark.needs("node-ws"))])
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def echo_uri(fleet: Fleet, server: str, choice: str) -> str:
    if server == "node-ws":
        # `ws` compresses from a size on; here it shall compress everything.
        options = NODE_OPTIONS[choice] | {"threshold": 0}
        return fleet.peer(server, json.dumps(options)).at("/echo")
    return fleet.peer(server, *WEBSOCKETS_OPTIONS[choice]).at("/echo")


@pytest.mark.parametrize("choice", AGREED)
async def test_parameters_are_agreed(fleet: Fleet, server: str, choice: str) -> None:
    uri = echo_uri(fleet, server, choice)
    async with wssdk.connect(uri) as ws:
        assert ws.response is not None
        answer = ws.response.headers["Sec-WebSocket-Extensions"]
    assert {part.strip() for part in answer.split(";")[1:]} == AGREED[choice]


@pytest.mark.parametrize("choice", AGREED)
async def test_messages_that_repeat_come_back(fleet: Fleet, server: str, choice: str) -> None:
    uri = echo_uri(fleet, server, choice)
    async with wssdk.connect(uri) as ws:
        for _ in range(3):
            await ws.send(MESSAGE)
        assert [await ws.recv() for _ in range(3)] == [MESSAGE] * 3


@pytest.mark.parametrize("choice", AGREED)
async def test_fragments_that_repeat_come_back(fleet: Fleet, server: str, choice: str) -> None:
    uri = echo_uri(fleet, server, choice)
    async with wssdk.connect(uri) as ws:
        await ws.send([MESSAGE] * 3)
        assert await ws.recv() == MESSAGE * 3


OFFERS = {
    "server_no_context_takeover": ClientPerMessageDeflateFactory(server_no_context_takeover=True),
    "client_no_context_takeover": ClientPerMessageDeflateFactory(client_no_context_takeover=True),
    "server_max_window_bits=9": ClientPerMessageDeflateFactory(server_max_window_bits=9),
    "client_max_window_bits=9": ClientPerMessageDeflateFactory(client_max_window_bits=9),
    "nothing": ClientPerMessageDeflateFactory(client_max_window_bits=None),
}


@pytest.mark.parametrize("choice", [choice for choice in OFFERS if choice.startswith("server")])
async def test_servers_agree_to_what_is_asked_of_them(peer: Peer, choice: str) -> None:
    async with wssdk.connect(peer.at("/echo"), compression=None, extensions=[OFFERS[choice]]) as ws:
        assert ws.response is not None
        assert choice in ws.response.headers["Sec-WebSocket-Extensions"]


@pytest.mark.parametrize("choice", OFFERS)
async def test_messages_come_back_under_every_offer(peer: Peer, choice: str) -> None:
    async with wssdk.connect(peer.at("/echo"), compression=None, extensions=[OFFERS[choice]]) as ws:
        for _ in range(3):
            await ws.send(MESSAGE)
        assert [await ws.recv() for _ in range(3)] == [MESSAGE] * 3
