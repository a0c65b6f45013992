"""A FastAPI application that is given its connections: ``python fastapi_app.py [URI]`` asks it once.

``WSSDK_URI=ws://127.0.0.1:8765/ uvicorn --factory examples.fastapi_app:create_app`` serves it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, cast

import httpx2
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from wssdk import ClientConfig, ClientConnection, ConnectionFactory, WebSocketException

URI = "ws://127.0.0.1:8765/"


def factory_of(request: Request) -> ConnectionFactory:
    """Dependency: the application's factory, which tests override."""
    return cast("ConnectionFactory", request.app.state.factory)


async def connection(
    factory: Annotated[ConnectionFactory, Depends(factory_of)],
) -> AsyncIterator[ClientConnection]:
    """Dependency: a connection for this request, closed after it."""
    async with factory.connect() as ws:
        yield ws


async def ask(question: str, ws: Annotated[ClientConnection, Depends(connection)]) -> dict[str, str]:
    await ws.send(question)
    return {"answer": str(await ws.recv())}


async def bad_gateway(request: Request, error: Exception) -> JSONResponse:
    # What the peer said may be nothing for our own clients: the log has it.
    return JSONResponse({"detail": "the peer cannot be reached"}, status_code=502)


def create_app(config: ClientConfig | None = None) -> FastAPI:
    """Compose the application: the only place that names a concrete factory.

    ``config`` is read from the environment when the application starts; None: nothing is read on import.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.factory = ConnectionFactory(ClientConfig.load() if config is None else config)
        yield

    app = FastAPI(lifespan=lifespan)
    app.get("/answer")(ask)
    for failure in (OSError, WebSocketException):
        app.exception_handler(failure)(bad_gateway)
    return app


async def main(uri: str) -> None:
    app = create_app(ClientConfig(uri=uri))
    transport = httpx2.ASGITransport(app)  # which calls the application, but neither starts nor ends it
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://app") as client,
    ):
        response = await client.get("/answer", params={"question": "What is 6 * 7?"})
        print(response.status_code, response.json())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else URI))
