"""The FastAPI examples behind uvicorn, started and configured as their first lines say."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest
import uvicorn

from tests.support.until import until
from wssdk.testing import EchoServer

ROOT: Final = Path(__file__).parents[2]


@asynccontextmanager
async def client_of(name: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve an example's application, and give a client of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(f"examples.{name}:create_app", factory=True, log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started or serving.done())
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("fastapi_app", "/answer?question=Why?", {"answer": "Why?"}),
        ("fastapi_feed", "/prices/INIT", {"INIT": 101.0}),
    ],
)
async def test_an_application_is_configured_by_the_environment_of_its_server(
    name: str, path: str, body: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EchoServer() as server:
        monkeypatch.setenv("WSSDK_URI", server.uri)
        async with client_of(name) as client:
            response = await client.get(path)
    assert (response.status_code, response.json()) == (200, body)


async def test_an_application_with_a_wrong_configuration_does_not_start() -> None:
    # In a process of its own: uvicorn ends by SystemExit, in the middle of its event loop.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "--factory", "examples.fastapi_app:create_app", "--port", "0"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WSSDK_TIMEOUTS__OPNE": "5s"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode != 0
    assert "did you mean WSSDK_TIMEOUTS__OPEN?" in out.decode()
