"""A client that sends, forks, and sends from both: ``python -m tests.support.forking_client URI``."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import wssdk

_MESSAGES: Final = 20


async def _send(uri: str) -> None:
    async with wssdk.connect(uri) as ws:
        for _ in range(_MESSAGES):
            await ws.send(b"x")


def main(uri: str) -> None:
    """Use the library's source of masking keys before and after a fork."""
    asyncio.run(_send(uri))
    child = os.fork()
    asyncio.run(_send(uri))
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1])
