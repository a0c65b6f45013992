"""pytest fixtures that give the code under test another factory: nothing is patched.

``injected_factory.py`` is what is tested. The configuration stays the application's own; where it leads is
the test's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from examples.injected_factory import Greeter
from wssdk import ClientConfig, ClientConnection, ConnectionFactory, Network, Pipe, Route, Tls
from wssdk.testing import EchoServer


@pytest.fixture
def config() -> ClientConfig:
    return ClientConfig(uri="ws://stream.example.com/greetings", user_agent="greeter/1.0")


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with EchoServer() as server:
        yield server


@pytest.fixture
def factory(config: ClientConfig, server: EchoServer) -> ConnectionFactory:
    """The application's factory, whose every connection leads to the server of the test."""
    address = urlsplit(server.uri)
    return ConnectionFactory(config).evolve(network=Network(host=address.hostname, port=address.port))


@pytest.fixture
def greeter(factory: ConnectionFactory) -> Greeter:
    """What is tested: it takes whatever factory the test has."""
    return Greeter(factory)


class TestWithAServer:
    async def test_greets_by_name(self, greeter: Greeter) -> None:
        assert await greeter.greet("Ada") == "Hello, Ada!"

    async def test_asks_for_the_configured_host(self, factory: ConnectionFactory) -> None:
        async with factory.connect() as ws:
            assert ws.request is not None
            assert ws.request.headers["Host"] == "stream.example.com"


class TestWithAServerOfItsOwn:
    @pytest.fixture
    async def server(self) -> AsyncIterator[EchoServer]:
        """Override: answers every greeting in the same way."""

        async def answer(ws: ClientConnection) -> None:
            async for _ in ws:
                await ws.send("Hello yourself!")

        async with EchoServer(answer) as server:
            yield server

    async def test_returns_the_answer(self, greeter: Greeter) -> None:
        assert await greeter.greet("Ada") == "Hello yourself!"


class Unreachable:
    """A dialer that reaches nobody, and remembers whom it was to reach."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    async def dial(self, route: Route) -> Pipe:
        self.routes.append(route)
        raise ConnectionRefusedError("nobody listens")


class TestWithoutAPeer:
    @pytest.fixture
    def dialer(self) -> Unreachable:
        return Unreachable()

    @pytest.fixture
    def factory(self, config: ClientConfig, dialer: Unreachable) -> ConnectionFactory:
        """Override: no socket is opened."""
        return ConnectionFactory(config, dialer=dialer)

    async def test_a_greeting_that_cannot_be_sent_is_an_error(
        self, greeter: Greeter, dialer: Unreachable
    ) -> None:
        with pytest.raises(ConnectionRefusedError):
            await greeter.greet("Ada")
        assert [route.host for route in dialer.routes] == ["stream.example.com"]


class TestOverTLS:
    @pytest.fixture
    def config(self) -> ClientConfig:
        return ClientConfig(uri="wss://stream.example.com/greetings")

    @pytest.fixture
    async def server(self) -> AsyncIterator[EchoServer]:
        """Override: a server with a certificate for localhost."""
        async with EchoServer(tls=True) as server:
            yield server

    @pytest.fixture
    def factory(self, factory: ConnectionFactory, server: EchoServer) -> ConnectionFactory:
        """Override: the same factory, which trusts that certificate and no other."""
        return factory.evolve(ssl_context=server.ssl_context, tls=Tls(server_hostname="localhost"))

    async def test_greets_by_name(self, greeter: Greeter) -> None:
        assert await greeter.greet("Ada") == "Hello, Ada!"
