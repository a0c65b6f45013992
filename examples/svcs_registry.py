"""Connections from a registry of services (svcs): ``python svcs_registry.py [URI]``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import svcs

from wssdk import ClientConfig, ClientConnection, ConnectionFactory

URI = "ws://127.0.0.1:8765/"


class Greeter:
    """Greets people over the connection it is given."""

    def __init__(self, ws: ClientConnection) -> None:
        self._ws = ws

    async def greet(self, name: str) -> str:
        await self._ws.send(f"Hello, {name}!")
        return str(await self._ws.recv())


async def connection(container: svcs.Container) -> AsyncIterator[ClientConnection]:
    """Open when the container is first asked; close with the container."""
    factory = await container.aget(ConnectionFactory)
    async with factory.connect() as ws:
        yield ws


async def greeter(container: svcs.Container) -> Greeter:
    return Greeter(await container.aget(ClientConnection))


def registry_of(config: ClientConfig) -> svcs.Registry:
    """Compose the application: one factory for all, a connection for each container."""
    registry = svcs.Registry()
    registry.register_value(ConnectionFactory, ConnectionFactory(config))
    registry.register_factory(ClientConnection, connection)
    registry.register_factory(Greeter, greeter)
    return registry


async def main(uri: str) -> None:
    # A container is for one unit of work: a request, a job.
    async with registry_of(ClientConfig(uri=uri)) as registry, svcs.Container(registry) as container:
        print(await (await container.aget(Greeter)).greet("svcs"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else URI))
