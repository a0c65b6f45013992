"""A contestant's process, as the bench holds it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bench.contestants import ENTRIES

__all__ = ["FailedError", "Process"]

_ROOT: Final = Path(__file__).parents[1]
_START_LIMIT: Final = 30.0


class FailedError(Exception):
    """The contestant failed; the message says how."""


class Process:
    """Context manager: a contestant, running, with all its children in a process group of its own.

    Raises:
        FailedError: on entering: the contestant cannot be loaded.
    """

    def __init__(self, name: str, loop: str) -> None:
        self._name = name
        self._loop = loop
        self._unread = b""

    def __enter__(self) -> Self:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WSSDK_")}
        environment |= ENTRIES[self._name].environment
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(_ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        )
        self._complaints = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
            start_new_session=True,  # ^C is for the bench, which ends its contestants itself
        )
        try:
            self._ask({"name": self._name, "loop": self._loop}, _START_LIMIT)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def measure(self, order: dict[str, Any], limit: float) -> dict[str, Any]:
        """Return the measurement, or ``{"absent": True}`` where the contestant has no such thing.

        Raises:
            FailedError: it failed, or took longer than ``limit`` seconds.
        """
        return self._ask(order | {"limit": limit}, limit)

    def _ask(self, order: dict[str, Any], limit: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise FailedError(self._last_words()) from None
        answer: dict[str, Any] = json.loads(self._line(limit))
        if "error" in answer:
            raise FailedError(answer["error"])
        return answer

    def _line(self, limit: float) -> bytes:
        assert self._process.stdout is not None
        deadline = time.monotonic() + limit
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise FailedError(f"nothing came of it in {limit:g} s")
            got = os.read(pipe, 65536)
            if not got:
                raise FailedError(self._last_words())
            self._unread += got
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _last_words(self) -> str:
        code = self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with {code}"

    def _end(self) -> None:
        # Not yet waited for, the number of the group is still its own.
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # an order that was never read
                pipe.close()
        self._complaints.close()
