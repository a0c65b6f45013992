"""An event loop whose time is the test's: waiting takes none of the machine's."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Final, TypeVarTuple

Ts = TypeVarTuple("Ts")

__all__ = ["JUMPING", "JumpingLoop", "jumping_loop"]


class JumpingLoop(asyncio.SelectorEventLoop):
    """Where only timers are left, its time jumps to the next one. Not for sockets whose peer is elsewhere."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._timers: list[asyncio.TimerHandle] = []
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        self._timers.append(timer)
        return timer

    def timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers that are still to come."""
        return [timer for timer in self._timers if not timer.cancelled() and timer.when() > self._now]

    def jump(self, seconds: float) -> None:
        """Let time pass while nothing runs: the event loop is held up."""
        self._now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("nothing is left that could happen: the test would wait for ever")
            self._loop.jump(max(0.0, timeout))
        return events


def jumping_loop() -> JumpingLoop:
    """Return the running loop, for tests that hold it up or look at its time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)
    return loop


JUMPING: Final[Mapping[str, type[JumpingLoop]]] = {"jumping": JumpingLoop}
"""What a ``conftest.py`` returns from ``pytest_asyncio_loop_factories`` to run its tests on it."""
