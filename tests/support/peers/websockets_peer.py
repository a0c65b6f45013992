"""A server made with ``websockets``."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.typing import Data, Subprotocol

from tests.support.peers.program import (
    MAX_SIZE,
    SUBPROTOCOLS,
    Journal,
    announce,
    input_ended,
    options,
    split,
    tls_context,
)

_journal = Journal()


async def _serve_connection(ws: ServerConnection) -> None:
    assert ws.request is not None
    path, query = split(ws.request.path)
    try:
        if path == "/stream":
            for number in range(int(query["count"])):
                await ws.send(str(number))
            await ws.close()
        elif path == "/close":
            await ws.close(int(query["code"]), query.get("reason", ""))
        elif path == "/headers":
            await ws.send(json.dumps({name.lower(): value for name, value in ws.request.headers.raw_items()}))
        elif path == "/journal":
            await ws.send(await _journal.entry(query))
        else:
            async for message in ws:
                await _answer(ws, path, query, message)
    except ConnectionClosed:
        pass
    await ws.wait_closed()
    _journal.enter(query, ws.close_code, ws.close_reason)


async def _answer(ws: ServerConnection, path: str, query: dict[str, str], message: Data) -> None:
    if path == "/pieces":
        size = int(query["size"])
        await ws.send([message[at : at + size] for at in range(0, len(message), size)])
    elif path == "/ping":
        assert isinstance(message, str)
        await (await ws.ping(message))
        await ws.send(f"pong:{message}")
    else:
        await ws.send(message)


def _refuse(connection: ServerConnection, request: Request) -> Response | None:
    path, query = split(request.path)
    if path != "/refuse":
        return None
    response = connection.respond(HTTPStatus(int(query["status"])), query.get("body", ""))
    response.headers["X-Refused-By"] = "peer"
    if "location" in query:
        response.headers["Location"] = query["location"]
    return response


def _choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((Subprotocol(name) for name in SUBPROTOCOLS if name in offered), None)


def _arguments() -> argparse.Namespace:
    parser = options()
    parser.add_argument("--unix", help="path of the Unix socket to serve on instead of a port")
    parser.add_argument("--no-compression", action="store_true")
    parser.add_argument("--server-max-window-bits", type=int)
    parser.add_argument("--client-max-window-bits", type=int)
    parser.add_argument("--server-no-context-takeover", action="store_true")
    parser.add_argument("--client-no-context-takeover", action="store_true")
    return parser.parse_args()


async def _listen(given: argparse.Namespace) -> Server:
    deflate = ServerPerMessageDeflateFactory(
        server_no_context_takeover=given.server_no_context_takeover,
        client_no_context_takeover=given.client_no_context_takeover,
        server_max_window_bits=given.server_max_window_bits,
        client_max_window_bits=given.client_max_window_bits,
    )
    if given.unix is not None:
        return await unix_serve(_serve_connection, given.unix, ssl=tls_context(given.tls), max_size=MAX_SIZE)
    return await serve(
        _serve_connection,
        "127.0.0.1",
        0,
        ssl=tls_context(given.tls),
        compression=None,
        extensions=None if given.no_compression else [deflate],
        process_request=_refuse,
        select_subprotocol=_choose,
        max_size=MAX_SIZE,
        ping_interval=None,
    )


async def _main(given: argparse.Namespace) -> None:
    async with await _listen(given) as server:
        address = next(iter(server.sockets)).getsockname()
        announce(None if given.unix is not None else address[1])
        await input_ended()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
