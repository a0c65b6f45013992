"""How often to try again, and when: the section of the config, and the collaborators."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from wssdk.config import Reconnect
from wssdk.errors import RetryableError
from wssdk.ports import Clock, ProcessException
from wssdk.reconnect.failures import process_exception
from wssdk.typing import LoggerLike

__all__ = ["LoopClock", "ReconnectPolicy", "backoff"]


class LoopClock:
    """Time and sleep of the running event loop."""

    def time(self) -> float:
        """Return the loop's time, in seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``. Cancelling changes nothing."""
        await asyncio.sleep(seconds)


def backoff(reconnect: Reconnect, jitter: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield the seconds to wait before each attempt, without end.

    First ``initial`` times ``jitter()``, which is from 0 to 1, so that clients that lost one server do
    not all come back at once (RFC 6455, 7.2.3); then ``min``, growing by ``factor`` up to ``max``.
    """
    if reconnect.initial is not None:
        yield reconnect.initial * jitter()
    delay = reconnect.min
    while delay < reconnect.max:
        yield delay
        delay *= reconnect.factor
    while True:
        yield reconnect.max


@attrs.frozen
class ReconnectPolicy:
    """What reconnecting goes by: the section of the config, and the collaborators."""

    section: Reconnect
    logger: LoggerLike
    clock: Clock
    process_exception: ProcessException | None = None
    """None: :func:`process_exception` with the section's ``retry_status``."""
    delays: Callable[[], Iterator[float]] | None = None
    """None: :func:`backoff` of the section. Where the iterator ends, so do the attempts."""

    def judge(self, exception: Exception) -> Exception | None:
        """Return None where the failure is transient, else what to raise for it."""
        judged: Any
        try:
            if self.process_exception is None:
                judged = process_exception(exception, retry_status=self.section.retry_status)
            else:
                judged = self.process_exception(exception)
        except Exception as raised:
            # A hook that raises what it should return: a frequent slip, with a clear meaning.
            judged = raised
        if judged is None or isinstance(judged, RetryableError):
            return None
        if isinstance(judged, Exception):
            return judged
        if inspect.iscoroutine(judged):
            judged.close()  # else Python warns that nobody awaited it
        kind = type(judged).__name__
        return TypeError(f"process_exception must return an exception or None, not {kind}")

    def new_delays(self) -> Iterator[float]:
        """Return the delays from their beginning, in seconds."""
        return iter(backoff(self.section) if self.delays is None else self.delays())
