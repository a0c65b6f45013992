"""Every file of examples/ is run, as its first line says, against the embedded server."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from wssdk.testing import EchoServer

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"

# What each script prints, given the URI of an echo server.
PRINTED: Final = {
    "basic.py": "Server response: 'Hello, Server!'\n",
    "configured.py": "Received: {'type': 'subscribe', 'channel': 'updates'}\nReceived: {'type': 'close'}\n",
    "declared_container.py": "Good day, container!\n",
    "errors.py": "Connection latency: 0.00",
    "fastapi_app.py": "200 {'answer': 'What is 6 * 7?'}\n",
    "fastapi_feed.py": "200 {'INIT': 101.0}\n404 {'detail': 'no such symbol'}\n",
    "fresh_token.py": "Bearer token-2\n",
    "injected_factory.py": "Hello, wire!\n",
    "own_resolver.py": "found you\n",
    "survivor.py": "prices 1\nprices 2\nprices 1\nprices 2\ndropped: 1012\nopened again\n",
    "svcs_registry.py": "Hello, svcs!\n",
}


async def run(*command: str, code: int = 0, environ: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        *command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == code, out.decode()
    return out.decode()


@pytest.mark.parametrize("name", PRINTED)
async def test_a_script_prints_what_it_promises(name: str) -> None:
    async with EchoServer() as server:
        assert (await run(f"examples/{name}", server.uri)).startswith(PRINTED[name])


async def test_the_robust_client_gets_every_echo() -> None:
    async with EchoServer() as server:
        lines = (await run("examples/errors.py", server.uri)).splitlines()[1:]
    assert lines == [f"Echo {number}: 'Message {number}'" for number in range(10)]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://localhost/", "Invalid WebSocket URI: http://localhost/ isn't a valid URI: "),
        ("ws://127.0.0.1:1/", "Connection failed: "),
    ],
)
async def test_the_robust_client_says_what_is_wrong(uri: str, said: str) -> None:
    assert (await run("examples/errors.py", uri)).startswith(said)


@pytest.mark.needs("unix-sockets")
async def test_the_unix_socket_example(tmp_path: Path) -> None:
    path = str(tmp_path / "websocket.sock")
    async with EchoServer(unix_path=path):
        assert await run("examples/unix_socket.py", path) == "Response: 'Hello via Unix socket!'\n"


async def test_the_service_is_configured_by_its_file_and_the_environment_over_it() -> None:
    async with EchoServer() as server:
        printed = await run("examples/service.py", environ={"WSSDK_URI": server.uri + "prices"})
        assert printed == f"{server.uri}prices: {{'ACME': 100.0, 'INIT': 101.0}}\n"


async def test_the_service_names_every_problem_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    text = (EXAMPLES / "service.toml").read_text(encoding="utf-8")
    file.write_text(text.replace("open =", "opne =").replace('"256 KiB"', '"256 KiBB"'), encoding="utf-8")
    printed = await run("examples/service.py", str(file), code=2)
    assert "did you mean 'timeouts.open'?" in printed
    assert "did you mean 'KiB'?" in printed


async def test_named_factories_come_from_one_file_and_the_environment_over_it() -> None:
    async with EchoServer() as server:
        environ = {
            f"WSSDK_CONNECTIONS__{name}__URI": server.uri + name.lower() for name in ("TRADES", "QUOTES")
        }
        printed = await run("examples/named_factories.py", environ=environ)
    assert printed == "trades, quotes\nquote ACME\nbuy ACME\n"


def test_every_example_is_run_here() -> None:
    here = {
        *PRINTED,
        "unix_socket.py",
        "service.py",
        "service.toml",
        "named_factories.py",
        "named_factories.toml",
    }
    # Tests among them are collected as tests: pyproject.toml has the folder in testpaths.
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file() and path.stem[:5] != "test_"} == here


def blocks_of_the_page() -> list[tuple[str, str]]:
    """Files that code of the page on dependency injection is of, with that code."""
    text = (ROOT / "docs" / "how-to" / "dependency-injection.md").read_text(encoding="utf-8")
    return re.findall(r"^```python from=(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("name", "code"), blocks_of_the_page(), ids=[name for name, _ in blocks_of_the_page()]
)
def test_code_of_the_page_is_that_of_the_example(name: str, code: str) -> None:
    assert code in (ROOT / name).read_text(encoding="utf-8")
