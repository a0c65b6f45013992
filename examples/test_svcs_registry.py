"""Tests of ``svcs_registry.py``: services are registered anew, over what the application registered."""

from __future__ import annotations

from typing import Annotated

import svcs

from examples.svcs_registry import Greeter, registry_of
from wssdk import ClientConfig, ClientConnection, ConnectionFactory
from wssdk.testing import EchoServer

CONFIG = ClientConfig(uri="ws://stream.example.com/")


async def test_services_of_a_container_share_its_connection() -> None:
    async with (
        EchoServer() as server,
        registry_of(ClientConfig(uri=server.uri)) as registry,
        svcs.Container(registry) as container,
    ):
        assert await container.aget(ClientConnection) is await container.aget(ClientConnection)


async def test_a_container_closes_its_connection() -> None:
    async with EchoServer() as server, registry_of(ClientConfig(uri=server.uri)) as registry:
        async with svcs.Container(registry) as container:
            ws = await container.aget(ClientConnection)
        assert ws.closed


async def test_a_registered_factory_can_be_replaced() -> None:
    async with EchoServer() as server, registry_of(CONFIG) as registry:
        registry.register_value(ConnectionFactory, ConnectionFactory(ClientConfig(uri=server.uri)))
        async with svcs.Container(registry) as container:
            assert await (await container.aget(Greeter)).greet("test") == "Hello, test!"


async def test_several_factories_are_told_apart_by_their_annotation() -> None:
    trades, quotes = ConnectionFactory(CONFIG), ConnectionFactory(CONFIG)
    async with svcs.Registry() as registry, svcs.Container(registry) as container:
        registry.register_value(Annotated[ConnectionFactory, "trades"], trades)
        registry.register_value(Annotated[ConnectionFactory, "quotes"], quotes)
        assert await container.aget_abstract(Annotated[ConnectionFactory, "trades"]) is trades
        assert await container.aget_abstract(Annotated[ConnectionFactory, "quotes"]) is quotes
