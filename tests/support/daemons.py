"""Servers that are programs with a configuration file: nginx, HAProxy, Squid, …"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

__all__ = ["daemon", "free_port"]

_START_LIMIT: Final = 20.0
_STOP_LIMIT: Final = 5.0


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that nobody listens on: such programs are told theirs, and do not tell it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def daemon(
    argv: Sequence[str], folder: Path, *, ports: Sequence[int], host: str = "127.0.0.1"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that stays in the foreground, until the end of the block.

    The block begins when it takes connections on all of ``ports``. What it prints goes to ``daemon.log``
    of ``folder``, which is also where it runs.

    Raises:
        RuntimeError: it ended, or does not listen within 20 seconds; with what it printed.
    """
    log = folder / "daemon.log"
    program = shutil.which(argv[0])
    assert program is not None, f"{argv[0]} is not on PATH: mark the test with needs"
    with log.open("ab") as output:
        process = subprocess.Popen(  # a group of its own: such programs have children
            [program, *argv[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        for port in ports:
            _wait_for(process, host, port, log)
        yield process
    finally:
        _end(process)


def _wait_for(process: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    until = time.monotonic() + _START_LIMIT
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                told = log.read_text(errors="replace")
                raise RuntimeError(f"{process.args!r} does not listen on {port}: {told}") from error
            time.sleep(0.02)
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_LIMIT)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_STOP_LIMIT)
