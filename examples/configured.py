"""Headers, compression, a logger, keepalive and a size limit, as keywords: ``python configured.py [URI]``."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import wssdk

URI = "ws://127.0.0.1:8765/"


async def configured_client(uri: str) -> None:
    async with wssdk.connect(
        uri,
        additional_headers={"Authorization": "Bearer token123"},
        compression="deflate",
        logger=logging.getLogger("websocket_client"),
        ping_interval=30,
        ping_timeout=10,
        max_size=1024 * 1024,  # bytes
    ) as websocket:
        await websocket.send(json.dumps({"type": "subscribe", "channel": "updates"}))
        await websocket.send(json.dumps({"type": "close"}))

        async for message in websocket:
            data = json.loads(message)
            print(f"Received: {data}")
            if data.get("type") == "close":
                break


if __name__ == "__main__":
    asyncio.run(configured_client(sys.argv[1] if len(sys.argv) > 1 else URI))
