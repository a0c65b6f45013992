"""Tests of ``named_factories.py``: the file is the application's own, its servers are the test's."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from examples.named_factories import FILE, desk_of
from wssdk import ClientConnection, load_factories
from wssdk.testing import EchoServer


async def test_each_connection_leads_to_its_own_resource() -> None:
    asked: list[tuple[str, str]] = []

    async def remember(ws: ClientConnection) -> None:
        assert ws.request is not None
        async for message in ws:
            asked.append((ws.request.path, str(message)))
            await ws.send(message)

    async with EchoServer(remember) as server:
        address = urlsplit(server.uri)
        here = {"network.host": address.hostname, "network.port": address.port}
        await desk_of(load_factories(FILE, environ={}, overrides=here)).buy("ACME")
    assert asked == [("/quotes", "quote ACME"), ("/trades", "buy ACME")]


def test_options_of_all_connections_are_written_once() -> None:
    factories = load_factories(FILE, environ={})
    assert {factory.config.timeouts.open for factory in factories.values()} == {5}


@pytest.mark.parametrize(("name", "on_full"), [("trades", "pause"), ("quotes", "latest")])
def test_each_connection_has_its_own_policy(name: str, on_full: str) -> None:
    assert load_factories(FILE, environ={})[name].config.limits.on_full == on_full
