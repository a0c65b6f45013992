"""Connections from a declared container (dependency-injector): ``python declared_container.py [URI]``."""

from __future__ import annotations

import asyncio
import sys

from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject

from wssdk import ClientConfig, ConnectionFactory

URI = "ws://127.0.0.1:8765/"


class Greeter:
    """Greets people, each over a connection of its own."""

    def __init__(self, factory: ConnectionFactory, *, politely: bool) -> None:
        self._factory = factory
        self._word = "Good day" if politely else "Hello"

    async def greet(self, name: str) -> str:
        async with self._factory.connect() as ws:
            await ws.send(f"{self._word}, {name}!")
            return str(await ws.recv())


class Container(containers.DeclarativeContainer):
    """The application: what is made of what."""

    # A value that is validated already, in place of providers.Configuration: nothing is looked up by text.
    config = providers.Dependency(instance_of=ClientConfig)
    factory = providers.Singleton(ConnectionFactory, config)
    greeter = providers.Factory(Greeter, factory, politely=True)


@inject
async def greet(name: str, greeter: Greeter = Provide[Container.greeter]) -> str:
    return await greeter.greet(name)


async def main(uri: str) -> None:
    container = Container(config=ClientConfig(uri=uri))
    container.wire(modules=[__name__])
    try:
        print(await greet("container"))
    finally:
        container.unwire()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else URI))
