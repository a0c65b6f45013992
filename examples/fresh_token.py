"""Keep a token until the server refuses it, then have a fresh one: ``python fresh_token.py``."""

from __future__ import annotations

import asyncio

from wssdk import ClientConfig, ConnectAttempt, ConnectionFactory
from wssdk.testing import ScriptedServer, end, hold, read_request, upgrade

UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


class Tokens:
    """Stands for whoever issues tokens."""

    def __init__(self) -> None:
        self._number = 1

    async def headers(self, attempt: ConnectAttempt) -> dict[str, str]:
        if attempt.refresh:  # the server refused (401) the last one
            self._number += 1
        return {"Authorization": f"Bearer token-{self._number}"}


async def main() -> None:
    async with ScriptedServer([read_request, UNAUTHORIZED], [upgrade(), end, hold]) as server:
        factory = ConnectionFactory(ClientConfig(uri=server.uri), headers=Tokens().headers)
        async with factory.connect() as ws:
            print(ws.request.headers["Authorization"])


if __name__ == "__main__":
    asyncio.run(main())
