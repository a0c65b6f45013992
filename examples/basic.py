"""Say hello and print the answer: ``python basic.py [URI]``, say against ``python -m wssdk echo``."""

from __future__ import annotations

import asyncio
import sys

import wssdk

URI = "ws://127.0.0.1:8765/"


async def basic_client(uri: str) -> None:
    async with wssdk.connect(uri) as websocket:
        await websocket.send("Hello, Server!")
        response = await websocket.recv()
        print(f"Server response: {response!r}")


if __name__ == "__main__":
    asyncio.run(basic_client(sys.argv[1] if len(sys.argv) > 1 else URI))
