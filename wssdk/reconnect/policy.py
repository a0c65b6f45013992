"""How often to try again, and when: the section of the config, and the collaborators."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from wssdk.config import Reconnect
from wssdk.errors import RetryableError
from wssdk.ports import Clock, ProcessException
from wssdk.reconnect.failures import process_exception
from wssdk.reconnect.retry_after import retry_after
from wssdk.typing import LoggerLike

__all__ = ["LoopClock", "ReconnectPolicy", "backoff"]

_SPREAD: Final = 10


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

    First from 0 to ``initial``, so that clients that lost one server do not all come back at once
    (RFC 6455, 7.2.3); then from ``min`` to a bound that grows by ``factor`` up to ``max``. Each is drawn
    from the whole of its range, by ``jitter()``, which is from 0 to 1. However they are drawn, the first ten
    waits take ten times ``min`` together, and so do any ten in a row: a server that accepts and drops
    is not stormed. (Only a ``max`` near ``min`` comes before that.)
    """
    missing, number = 0.0, 1
    if reconnect.initial is not None:
        first = reconnect.initial * jitter()
        yield first
        missing, number = max(0.0, reconnect.min - first), 2
    bound = reconnect.min
    while True:
        bound = min(bound * reconnect.factor, reconnect.max)
        # What the first wait fell short of min is made up for late: made up for at once, clients whose
        # first waits were apart would come together again.
        least = min(reconnect.min + missing, reconnect.max) if number == _SPREAD else reconnect.min
        yield least + max(0.0, bound - least) * jitter()
        number += 1


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
    jitter: Callable[[], float] = random.random
    """Draws from 0 to 1."""

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
        return iter(backoff(self.section, self.jitter) if self.delays is None else self.delays())

    def wait_asked_by(self, error: Exception) -> float:
        """Return the seconds that the peer asks to wait after a failure; 0: none.

        Up to a tenth is added: clients that were told the same time do not all come back at once.
        """
        asked = retry_after(error) if self.section.retry_after else None
        return 0.0 if asked is None else asked * (1 + 0.1 * self.jitter())
