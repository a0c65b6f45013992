"""Tests of ``fastapi_feed.py``: connections are lost, and peers refuse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from examples.fastapi_feed import create_app
from wssdk import ClientConfig, ClientConnection, Reconnect
from wssdk.testing import EchoServer, ScriptedServer, read_request

AT_ONCE = Reconnect(initial=None, min=0.001, max=0.001)  # seconds


@asynccontextmanager
async def client_for(uri: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Start the application, without a server, and give a client of it."""
    app = create_app(ClientConfig(uri=uri, reconnect=AT_ONCE))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client,
    ):
        yield client


async def test_a_feed_that_lost_its_connection_opens_another() -> None:
    connections: list[ClientConnection] = []

    async def drop_the_first(ws: ClientConnection) -> None:
        connections.append(ws)
        async for message in ws:
            if len(connections) == 1:
                ws.abort()
            elif json.loads(message)["symbol"] == "INIT":
                await ws.send(message)

    async with EchoServer(drop_the_first) as server, client_for(server.uri) as client:
        response = await client.get("/prices/INIT")
    assert (response.status_code, response.json()) == (200, {"INIT": 101.0})
    assert len(connections) == 2


async def test_requests_are_told_that_the_peer_refuses_for_good() -> None:
    forbidden = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with ScriptedServer([read_request, forbidden]) as server, client_for(server.uri) as client:
        response = await client.get("/prices/INIT")
    assert (response.status_code, response.json()) == (503, {"detail": "the feed has ended"})
