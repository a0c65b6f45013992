"""An application that is given its connections: ``python injected_factory.py [URI]``.

``Greeter`` names what it needs of a factory; a ``ConnectionFactory`` has it, and so has the fake in
``test_injected_factory.py``. Nothing is patched.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from wssdk import ClientConfig, ConnectionFactory

URI = "ws://127.0.0.1:8765/"


class Channel(Protocol):
    """What a greeter needs of a connection."""

    def send(self, message: str, /) -> Awaitable[None]: ...

    def recv(self) -> Awaitable[str | bytes]: ...


class Channels(Protocol):
    """What a greeter needs of a factory."""

    def connect(self) -> AbstractAsyncContextManager[Channel]: ...


class Greeter:
    """Greets people, each over a connection of its own."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def greet(self, name: str) -> str:
        async with self._channels.connect() as channel:
            await channel.send(f"Hello, {name}!")
            return str(await channel.recv())


async def main(uri: str) -> None:
    """Compose the application: the only place that names a concrete factory."""
    greeter = Greeter(ConnectionFactory(ClientConfig(uri=uri, user_agent="greeter/1.0")))
    print(await greeter.greet("wire"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else URI))
