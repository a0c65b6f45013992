"""Talk over a Unix socket: ``python unix_socket.py [PATH]``, say against ``wssdk echo --unix PATH``."""

from __future__ import annotations

import asyncio
import sys

import wssdk

PATH = "/tmp/websocket.sock"


async def unix_client(path: str) -> None:
    async with wssdk.unix_connect(path) as websocket:
        await websocket.send("Hello via Unix socket!")
        response = await websocket.recv()
        print(f"Response: {response!r}")


if __name__ == "__main__":
    asyncio.run(unix_client(sys.argv[1] if len(sys.argv) > 1 else PATH))
