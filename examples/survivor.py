"""One object that survives the restarts of its server: ``python survivor.py``."""

from __future__ import annotations

import asyncio

from wssdk import ClientConfig, ClientConnection, ConnectionFactory, Dropped, Opened, Reconnect
from wssdk.testing import EchoServer


async def restarting(ws: ClientConnection) -> None:
    """Serve a feed whose server restarts after every second message."""
    name = await ws.recv(decode=True)
    for number in (1, 2):
        await ws.send(f"{name} {number}")
    await ws.close(1012)  # service restart


async def subscribe(ws: ClientConnection) -> None:
    await ws.send("prices")


async def main() -> None:
    async with EchoServer(restarting) as server:
        config = ClientConfig(uri=server.uri, reconnect=Reconnect(initial=None, min=0.01, max=0.1))
        async with ConnectionFactory(config).reconnecting(on_open=subscribe) as conn:
            events = conn.events()
            for _ in range(4):
                print(await conn.recv())
        async for event in events:
            if isinstance(event, Dropped):
                print("dropped:", event.code)
            elif isinstance(event, Opened):
                print("opened again")


if __name__ == "__main__":
    asyncio.run(main())
