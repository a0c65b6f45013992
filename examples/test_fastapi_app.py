"""Tests of ``fastapi_app.py``: a real peer in the test, or an override of the dependency."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI

from examples.fastapi_app import create_app, factory_of
from wssdk import ClientConfig, ClientConnection, ConnectionFactory, Pipe, Route
from wssdk.testing import EchoServer, echo

CONFIG = ClientConfig(uri="ws://stream.example.com/")


class Unreachable:
    """A dialer that reaches nobody."""

    async def dial(self, route: Route) -> Pipe:
        raise ConnectionRefusedError(f"nobody listens at {route.host}")


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Start the application, without a server, and give a client of it."""
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client,
    ):
        yield client


async def test_an_answer_comes_from_the_peer() -> None:
    async with EchoServer() as server, client_of(create_app(ClientConfig(uri=server.uri))) as client:
        response = await client.get("/answer", params={"question": "Why?"})
    assert (response.status_code, response.json()) == (200, {"answer": "Why?"})


async def test_each_request_has_a_connection_that_is_closed_after_it() -> None:
    served: list[ClientConnection] = []

    async def remember(ws: ClientConnection) -> None:
        served.append(ws)
        await echo(ws)

    async with EchoServer(remember) as server, client_of(create_app(ClientConfig(uri=server.uri))) as client:
        for question in ("Why?", "Why not?"):
            await client.get("/answer", params={"question": question})
            async with asyncio.timeout(5):  # seconds
                await served[-1].wait_closed()
    assert [ws.close_code for ws in served] == [1000, 1000]


async def test_an_overridden_factory_needs_no_network() -> None:
    app = create_app(CONFIG)
    app.dependency_overrides[factory_of] = lambda: ConnectionFactory(CONFIG, dialer=Unreachable())
    async with client_of(app) as client:
        response = await client.get("/answer", params={"question": "Why?"})
    assert (response.status_code, response.json()) == (502, {"detail": "the peer cannot be reached"})
