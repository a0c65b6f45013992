"""Look hosts up yourself, as in a registry of services: ``python own_resolver.py``."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from wssdk import connect
from wssdk.testing import EchoServer

REGISTRY: dict[str, list[tuple[str, int]]] = {}


async def resolve(host: str, port: int) -> list[tuple[str, int]]:
    """Return addresses, each with its port; the first gets a head start, and the next ones their turn."""
    return REGISTRY.get(host, [])


async def main() -> None:
    async with EchoServer() as server:
        REGISTRY["feed.internal"] = [("127.0.0.1", urlsplit(server.uri).port or 80)]
        async with connect("ws://feed.internal/", resolver=resolve) as ws:
            await ws.send("found you")
            print(await ws.recv())


if __name__ == "__main__":
    asyncio.run(main())
