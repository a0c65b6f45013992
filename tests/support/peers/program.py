"""What every peer program shares: its command line, its ready line, its end, its journal.

A peer program serves until its standard input ends, so that none outlives the tests that started it.

What it serves is settled by the path of the request:

===========  ==========================================================================
``/echo``    every message back; ``?id=`` enters the end of the connection in the journal
``/pieces``  every message back, in fragments of ``?size=`` bytes or characters
``/ping``    every message as the payload of a ping; its pong comes back as ``pong:PAYLOAD``
``/stream``  the messages "0" up to ``?count=``, then an orderly end
``/close``   nothing but the end, with ``?code=`` and ``?reason=``
``/headers`` one message: the request's headers as a JSON object, names in lower case
``/journal`` one message: how the connection of ``?id=`` ended, as ``{"code": …, "reason": …}``
``/refuse``  no WebSocket: ``?status=``, ``?body=`` and ``?location=`` of a response
===========  ==========================================================================

Subprotocols: the first of ``SUBPROTOCOLS`` that the client offers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
from typing import Final
from urllib.parse import parse_qsl, urlsplit

__all__ = [
    "MAX_SIZE",
    "SUBPROTOCOLS",
    "Journal",
    "announce",
    "input_ended",
    "options",
    "split",
    "tls_context",
]

SUBPROTOCOLS: Final = ("chat.v2", "chat.v1")
MAX_SIZE: Final = 16 << 20
"""Bytes of the largest message that a peer takes."""


class Journal:
    """How connections ended, by the ``id`` of their query."""

    def __init__(self) -> None:
        self._ends: dict[str, asyncio.Future[str]] = {}

    def enter(self, query: dict[str, str], code: int | None, reason: str | None) -> None:
        """Note how the connection with this query ended; nothing happens without an ``id``."""
        if "id" in query:
            self._end(query["id"]).set_result(json.dumps({"code": code, "reason": reason}))

    async def entry(self, query: dict[str, str]) -> str:
        """Return how the connection of ``id`` ended, once it has."""
        return await self._end(query["id"])

    def _end(self, key: str) -> asyncio.Future[str]:
        if key not in self._ends:
            self._ends[key] = asyncio.get_running_loop().create_future()
        return self._ends[key]


def options() -> argparse.ArgumentParser:
    """Return a parser with the options that every peer program has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", help="PEM file with the key and the certificates to serve wss:// with")
    return parser


def tls_context(pem: str | None) -> ssl.SSLContext | None:
    """Return the server side's TLS context, or None for plain TCP."""
    if pem is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def split(path: str) -> tuple[str, dict[str, str]]:
    """Return path and query of a resource name."""
    parts = urlsplit(path)
    return parts.path, dict(parse_qsl(parts.query))


def announce(port: int | None) -> None:
    """Say that the peer takes connections now; ``port`` is None on a Unix socket."""
    print(json.dumps({"port": port}), flush=True)


async def input_ended() -> None:
    """Return when whoever started this program closed its standard input, or died."""
    await asyncio.to_thread(sys.stdin.read)
