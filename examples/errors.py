"""Catch what can go wrong, each under its name: ``python errors.py [URI]``."""

from __future__ import annotations

import asyncio
import sys

import wssdk
from wssdk import ConnectionClosedError, InvalidHandshake, InvalidURI

URI = "ws://127.0.0.1:8765/"


async def robust_client(uri: str) -> None:
    try:
        async with wssdk.connect(uri, open_timeout=5, close_timeout=5) as websocket:
            pong_waiter = await websocket.ping()
            latency = await pong_waiter
            print(f"Connection latency: {latency:.3f}s")

            for number in range(10):
                try:
                    await websocket.send(f"Message {number}")
                    response = await websocket.recv()
                    print(f"Echo {number}: {response!r}")
                except ConnectionClosedError as error:
                    print(f"Connection closed by server: {error}")
                    break
    except InvalidURI as error:
        print(f"Invalid WebSocket URI: {error}")
    except InvalidHandshake as error:
        print(f"Connection refused: {error}")
    except OSError as error:  # TimeoutError and ssl.SSLError are among them
        print(f"Connection failed: {error}")


if __name__ == "__main__":
    asyncio.run(robust_client(sys.argv[1] if len(sys.argv) > 1 else URI))
