"""``wssdk demo``: the main job, from a config file to a closed connection, on the embedded server."""

from __future__ import annotations

import asyncio
import json
import platform
import socket
import sys
import tempfile
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

import wssdk
from wssdk.cli.progress import Progress
from wssdk.codes import CloseCode
from wssdk.config import ClientConfig
from wssdk.connection.connection import ClientConnection
from wssdk.factory import ConnectionFactory
from wssdk.testing import EchoServer, LocalCertificate

__all__ = ["run_demo"]

_TEXT: Final = "hello, wire: ascii, ünïcödé, 語, 🙂"
_BINARY: Final = bytes(range(256)) * 4096
_FRAGMENTS: Final = ("one message ", "in three ", "fragments")


class DemoError(Exception):
    """The server's answer is not what was sent."""


def run_demo(out: TextIO | None = None) -> int:
    """Run the demo, a line for each step to ``out`` (default: standard output); return the exit code."""
    progress = Progress(sys.stdout if out is None else out)
    progress.say(
        f"wssdk {wssdk.__version__} on {platform.python_implementation()} {platform.python_version()}"
    )
    try:
        asyncio.run(_demo(progress))
    except Exception as error:
        progress.say(f"demo failed: {type(error).__name__}: {error}")
        return 1
    progress.say("done: every message came back as it was sent")
    return 0


async def _demo(progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="wssdk-") as name:
        folder = Path(name)
        async with AsyncExitStack() as servers:
            connections = await _start_servers(servers, folder, progress)
            file = folder / "demo.toml"
            with progress.step(f"write {file.name}: {', '.join(connections)}"):
                file.write_text(_config_file(connections), encoding="utf-8")
            for connection in connections:
                await _use(file, connection, progress)


async def _start_servers(
    servers: AsyncExitStack, folder: Path, progress: Progress
) -> dict[str, dict[str, object]]:
    """Start a server for each transport that works here; return what a client must be configured with."""
    connections: dict[str, dict[str, object]] = {}
    with progress.step("start an echo server: TCP"):
        tcp = await servers.enter_async_context(EchoServer())
        connections["tcp"] = {"uri": tcp.uri}
    if find_spec("trustme") is None:
        progress.say("  TLS left out: it needs pip install 'wssdk[testing]'")
    else:
        with progress.step("start an echo server: TLS, new certificate"):
            certificate = await asyncio.to_thread(LocalCertificate.make)
            tls = await servers.enter_async_context(EchoServer(tls=certificate))
            ca_file = folder / "ca.pem"
            ca_file.write_bytes(certificate.ca_pem)
            connections["tls"] = {"uri": tls.uri, "tls.ca_file": str(ca_file)}
    if not hasattr(socket, "AF_UNIX"):
        progress.say("  Unix socket left out: this platform has none")
    else:
        with progress.step("start an echo server: Unix socket"):
            path = str(folder / "echo.sock")
            unix = await servers.enter_async_context(EchoServer(unix_path=path))
            connections["unix"] = {"uri": unix.uri, "network.unix_path": path}
    return connections


def _config_file(connections: dict[str, dict[str, object]]) -> str:
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
        with progress.step("ping, and wait for its pong"):
            latency = await (await ws.ping())
        with progress.step(f"close (the pong took {latency * 1000:.2f} ms)"):
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
