"""Starts servers of other people, one process each, and stops them all."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlencode

import attrs

__all__ = ["FRAGMENTING", "NAMES", "PINGING", "Fleet", "Peer"]

NAMES: Final = (
    "websockets",
    "aiohttp",
    "uvicorn-websockets",
    "uvicorn-websockets-sansio",
    "uvicorn-wsproto",
    "node-ws",
)
"""Every server there is."""
FRAGMENTING: Final = ("websockets", "node-ws")
"""Those whose applications can send a message in fragments."""
PINGING: Final = ("websockets", "aiohttp", "node-ws")
"""Those whose applications can send pings and see pongs."""

_ROOT: Final = Path(__file__).parents[3]
_NODE: Final = Path(__file__).parents[1] / "node" / "server.js"
_START_LIMIT: Final = 30.0
_STOP_LIMIT: Final = 5.0


@attrs.frozen
class Peer:
    """A server that takes connections."""

    name: str
    base: str
    """Its URI, without a path."""

    def at(self, path: str, **query: str | int) -> str:
        """Return the URI of what it serves under ``path``: see ``program.py``."""
        return f"{self.base}{path}?{urlencode(query)}" if query else f"{self.base}{path}"


class Fleet:
    """The servers of a test session: each is started when first asked for, with its options."""

    def __init__(self) -> None:
        self._peers: dict[tuple[str, ...], Peer] = {}
        self._processes: list[subprocess.Popen[str]] = []

    def peer(self, name: str, *options: str) -> Peer:
        """Return the peer of this name that was started with these options.

        Raises:
            RuntimeError: it did not start within 30 seconds.
        """
        key = (name, *options)
        if key not in self._peers:
            port = self._start(name, options)
            scheme = "wss" if "--tls" in options else "ws"
            self._peers[key] = Peer(name, f"{scheme}://127.0.0.1:{port}")
        return self._peers[key]

    def stop(self) -> None:
        """End every server; those that do not end by themselves are killed."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(_STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self._processes.clear()
        self._peers.clear()

    def _start(self, name: str, options: tuple[str, ...]) -> int | None:
        process = subprocess.Popen(
            _command(name, options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        self._processes.append(process)
        assert process.stdout is not None
        port: int | None = json.loads(_first_line(process.stdout, name))["port"]
        return port


def _command(name: str, options: tuple[str, ...]) -> list[str]:
    if name == "node-ws":
        return ["node", str(_NODE), *options]
    family, _, backend = name.partition("-")
    program = [sys.executable, "-m", f"tests.support.peers.{family}_peer", *options]
    return [*program, "--backend", backend] if backend else program


def _first_line(stream: IO[str], name: str) -> str:
    ready, _, _ = select.select([stream], [], [], _START_LIMIT)
    line = stream.readline() if ready else ""
    if not line:
        raise RuntimeError(f"peer {name!r} did not start; its standard error says why")
    return line
