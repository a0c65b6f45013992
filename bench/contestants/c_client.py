"""The floor in C: ``client.c``."""

from __future__ import annotations

import subprocess

from bench.build import program
from bench.contestants.contestant import Contestant, Meter, NotOfferedError, Target

__all__ = ["CClient"]


class CClient(Contestant):
    """Measures itself."""

    def _run(self, target: Target, meter: Meter, mode: str, count: int, size: int = 2) -> None:
        built = program("client")
        if target.deflate or (target.context is not None and not built.tls):
            raise NotOfferedError
        words = [target.port, int(target.context is not None), target.resource, mode, count, size]
        done = subprocess.run(
            [str(built.path), *map(str, words)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"client.c: {done.stderr.strip() or done.returncode}")
        messages, wall, cpu = done.stdout.split()
        meter.take(int(messages), float(wall), float(cpu))

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        self._run(target, meter, "in", count)

    async def round_trips(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        self._run(target, meter, "trips", count, len(message))

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        self._run(target, meter, "out", count, len(message))

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        self._run(target, meter, "open", count)
