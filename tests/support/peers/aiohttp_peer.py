"""A server made with ``aiohttp``."""

from __future__ import annotations

import argparse
import asyncio
import json

from aiohttp import WSMessage, WSMsgType, web

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


async def _serve_request(request: web.Request) -> web.StreamResponse:
    path, query = split(request.path_qs)
    if path == "/refuse":
        headers = {"X-Refused-By": "peer"}
        if "location" in query:
            headers["Location"] = query["location"]
        return web.Response(status=int(query["status"]), text=query.get("body", ""), headers=headers)
    ws = web.WebSocketResponse(
        protocols=_common(request), max_msg_size=MAX_SIZE, autoping=path != "/ping", timeout=5
    )
    await ws.prepare(request)
    if path == "/stream":
        for number in range(int(query["count"])):
            await ws.send_str(str(number))
        await ws.close()
    elif path == "/close":
        await ws.close(code=int(query["code"]), message=query.get("reason", "").encode())
    elif path == "/headers":
        await ws.send_str(json.dumps({name.lower(): value for name, value in request.headers.items()}))
    elif path == "/journal":
        await ws.send_str(await _journal.entry(query))
    reason = await _converse(ws, path)
    _journal.enter(query, ws.close_code, reason)
    return ws


def _common(request: web.Request) -> list[str]:
    """Return the one subprotocol to answer with: aiohttp would take the client's first, not ours."""
    offered: list[str] = [
        name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    ]
    chosen: list[str] = [name for name in SUBPROTOCOLS if name in offered]
    return chosen[:1]


async def _converse(ws: web.WebSocketResponse, path: str) -> str | None:
    """Answer messages up to the end; return the peer's close reason."""
    while True:
        message: WSMessage = await ws.receive()
        if message.type is WSMsgType.TEXT and path == "/ping":
            await ws.ping(message.data.encode())
        elif message.type is WSMsgType.PONG:
            await ws.send_str(f"pong:{bytes(message.data).decode()}")
        elif message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await ws.send_bytes(message.data)
        elif message.type is WSMsgType.CLOSE:
            return message.extra
        else:
            return None


async def _main(given: argparse.Namespace) -> None:
    app = web.Application()
    app.router.add_get("/{path:.*}", _serve_request)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls_context(given.tls))
    await site.start()
    announce(runner.addresses[0][1])
    await input_ended()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_main(options().parse_args()))
