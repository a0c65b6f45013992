"""An ASGI application behind uvicorn, with each of its WebSocket implementations."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import uvicorn

from tests.support.peers.program import (
    MAX_SIZE,
    SUBPROTOCOLS,
    Journal,
    announce,
    input_ended,
    options,
    split,
)
from tests.support.until import until

_Event: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]

_journal = Journal()


async def _app(scope: _Event, receive: _Receive, send: _Send) -> None:
    path, query = split(f"{scope['path']}?{scope['query_string'].decode()}")
    await receive()  # websocket.connect
    if path == "/refuse":
        await _refuse(query, send)
        return
    chosen = next((name for name in SUBPROTOCOLS if name in scope["subprotocols"]), None)
    await send({"type": "websocket.accept", "subprotocol": chosen})
    if path == "/stream":
        for number in range(int(query["count"])):
            await send({"type": "websocket.send", "text": str(number)})
        await send({"type": "websocket.close", "code": 1000})
    elif path == "/close":
        code, reason = int(query["code"]), query.get("reason", "")
        await send({"type": "websocket.close", "code": code, "reason": reason})
    elif path == "/headers":
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        await send({"type": "websocket.send", "text": json.dumps(headers)})
    elif path == "/journal":
        await send({"type": "websocket.send", "text": await _journal.entry(query)})
    await _converse(query, receive, send)


async def _converse(query: dict[str, str], receive: _Receive, send: _Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            _journal.enter(query, event.get("code"), event.get("reason"))
            return
        kind = "bytes" if event.get("text") is None else "text"
        # A client that has gone says so by OSError here, and by an event next.
        with contextlib.suppress(OSError):
            await send({"type": "websocket.send", kind: event[kind]})


async def _refuse(query: dict[str, str], send: _Send) -> None:
    headers = [(b"x-refused-by", b"peer")]
    if "location" in query:
        headers.append((b"location", query["location"].encode()))
    status = int(query["status"])
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": query.get("body", "").encode()})


async def _main(given: argparse.Namespace) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _app,
        ws=given.backend,
        lifespan="off",
        log_level="warning",
        ws_max_size=MAX_SIZE,
        ssl_keyfile=given.tls,
        ssl_certfile=given.tls,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started or serving.done())
    announce(listener.getsockname()[1])
    await input_ended()
    server.should_exit = True
    await serving


if __name__ == "__main__":
    _parser = options()
    _parser.add_argument("--backend", choices=["websockets", "websockets-sansio", "wsproto"], required=True)
    asyncio.run(_main(_parser.parse_args()))
