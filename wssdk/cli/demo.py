"""``wssdk demo``: the main job, from a config file to a closed connection, on the embedded server."""

from __future__ import annotations

import asyncio
import json
import platform
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO, TypeAlias

import wssdk
from wssdk.cli.progress import Progress
from wssdk.codes import CloseCode
from wssdk.config import ClientConfig
from wssdk.connection.connection import ClientConnection
from wssdk.factory import ConnectionFactory
from wssdk.testing import EchoServer

__all__ = ["run_demo", "unusable_transports"]

_TEXT: Final = "hello, wire: ascii, ünïcödé, 語, 🙂"
_BINARY: Final = bytes(range(256)) * 4096
_FRAGMENTS: Final = ("one message ", "in three ", "fragments")

Options: TypeAlias = dict[str, str]
"""Options of a connection, by their dotted paths."""


class DemoError(Exception):
    """The server's answer is not what was sent."""


def run_demo(out: TextIO | None = None, *, left_out: Mapping[str, str] | None = None) -> int:
    """Run the demo, a line for each step to ``out`` (default: standard output); return the exit code.

    ``left_out`` has the transports to do without, each with the reason; None finds out.

    Raises:
        OSError: ``out`` cannot be written.
    """
    progress = Progress(sys.stdout if out is None else out)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    progress.say(f"wssdk {wssdk.__version__} on {python}")
    try:
        asyncio.run(_demo(progress, unusable_transports() if left_out is None else left_out))
    except Exception as error:
        progress.say(f"demo failed: {type(error).__name__}: {error}")
        return 1
    progress.say("done: every message came back as it was sent")
    return 0


def unusable_transports() -> dict[str, str]:
    """Return the transports that cannot be shown here, each with the reason."""
    unusable = {}
    if find_spec("trustme") is None:
        unusable["tls"] = "it needs pip install 'wssdk[testing]'"
    if not hasattr(socket, "AF_UNIX"):
        unusable["unix"] = "this platform has no Unix sockets"
    return unusable


async def _demo(progress: Progress, left_out: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="wssdk-") as name:
        folder = Path(name)
        async with AsyncExitStack() as servers:
            connections: dict[str, Options] = {}
            for transport, start in _TRANSPORTS.items():
                if transport in left_out:
                    progress.say(f"  {transport} left out: {left_out[transport]}")
                    continue
                with progress.step(f"start an echo server: {transport}"):
                    connections[transport] = await start(servers, folder)
            file = folder / "demo.toml"
            with progress.step(f"write {file.name}: connections {', '.join(connections)}"):
                file.write_text(_config_file(connections), encoding="utf-8")
            for connection in connections:
                await _use(file, connection, progress)


async def _start_tcp(servers: AsyncExitStack, folder: Path) -> Options:
    server = await servers.enter_async_context(EchoServer())
    return {"uri": server.uri}


async def _start_tls(servers: AsyncExitStack, folder: Path) -> Options:
    server = await servers.enter_async_context(EchoServer(tls=True))
    assert server.certificate is not None
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(server.certificate.ca_pem)
    return {"uri": server.uri, "tls.ca_file": str(ca_file)}


async def _start_unix(servers: AsyncExitStack, folder: Path) -> Options:
    path = str(folder / "echo.sock")
    server = await servers.enter_async_context(EchoServer(unix_path=path))
    return {"uri": server.uri, "network.unix_path": path}


_TRANSPORTS: Final = {"tcp": _start_tcp, "tls": _start_tls, "unix": _start_unix}


def _config_file(connections: dict[str, Options]) -> str:
    lines = ['user_agent = "wssdk demo"', "", "[timeouts]", 'open = "5s"', 'close = "2s"', ""]
    lines += ["[limits]", 'max_size = "2 MiB"']
    for name, options in connections.items():
        # A JSON string is a TOML string as well.
        lines += [
            "",
            f"[connections.{name}]",
            *(f"{path} = {json.dumps(value)}" for path, value in options.items()),
        ]
    return "\n".join(lines) + "\n"


async def _use(file: Path, connection: str, progress: Progress) -> None:
    progress.say(f"{connection}:")
    with progress.step(f"load the config of connection {connection!r}"):
        config = ClientConfig.load(file, connection=connection, environ={})
    factory = ConnectionFactory(config)
    with progress.step(f"connect to {config.uri}"):
        ws = await factory.open()
    async with ws:
        with progress.step(f"text, {len(_TEXT)} characters"):
            await _echo(ws, _TEXT)
        with progress.step(f"binary, {len(_BINARY)} bytes"):
            await _echo(ws, _BINARY)
        with progress.step(f"text in {len(_FRAGMENTS)} fragments"):
            await ws.send(iter(_FRAGMENTS))
            _expect("".join(_FRAGMENTS), await ws.recv())
        with progress.step("ping, and wait for its pong") as details:
            latency = await (await ws.ping())
            details.append(f"latency {latency * 1000:.2f} ms")
        with progress.step("close, and wait for the end"):
            await ws.close()
        _expect(CloseCode.NORMAL_CLOSURE, ws.close_code)


async def _echo(ws: ClientConnection, message: str | bytes) -> None:
    await ws.send(message)
    _expect(message, await ws.recv())


def _expect(sent: object, came: object) -> None:
    if came != sent:
        raise DemoError(f"sent {_short(sent)}, got {_short(came)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
