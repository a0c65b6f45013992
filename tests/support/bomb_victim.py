"""A client that receives what it is sent, and says how much memory that took.

``python -m tests.support.bomb_victim URI``: prints ``{"code": …, "growth": …}``, the close code that it
sent and by how many bytes the peak of its memory grew after the first message.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

import wssdk

_STATUS: Final = Path("/proc/self/status")


def peak() -> int:
    """Return the peak of this process's memory, in bytes (Linux).

    ``getrusage()`` would do, if it did not begin with what the process that started this one had.
    """
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


async def _main(uri: str) -> None:
    async with wssdk.connect(uri) as ws:
        await ws.recv()
        before = peak()
        await ws.send("go")
        code = 0
        try:
            await ws.recv()
        except wssdk.ConnectionClosedError as error:
            code = error.sent.code if error.sent else 0
        print(json.dumps({"code": code, "growth": peak() - before}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
