"""Openings, one after the other, with delays between them, until one succeeds."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator

from wssdk.connection.connection import ClientConnection
from wssdk.errors import printable
from wssdk.reconnect.policy import ReconnectPolicy

__all__ = ["Attempts"]


class Attempts:
    """Opens connections, one after the other, as a policy says.

    A failed opening is tried again, with growing delays, where it is transient; a fatal failure is
    raised. Only a connection that lived ``min_uptime`` seconds starts the delays anew, and only after such
    a one the next is opened without a delay: a server that accepts and drops meets no storm.

    ``open`` opens one connection; ``uri`` is its URI, and ``shown`` what the log has instead of it.
    """

    def __init__(
        self, open: Callable[[], Awaitable[ClientConnection]], policy: ReconnectPolicy, uri: str, shown: str
    ) -> None:
        self.failures = 0
        """Openings that failed since the last that did not."""
        self._open = open
        self._policy = policy
        self._uri = uri
        self._shown = shown
        self._delays: Iterator[float] | None = None
        self._not_before = -math.inf
        self._opened_at = 0.0

    async def next(self) -> ClientConnection:
        """Return the next connection. Cancelling leaves none open.

        Raises:
            Exception: what the opening failed with, where it is fatal or the attempts are used up.
        """
        while True:
            # Not where the delay is known: cancelled there, it would be lost.
            if (delay := self._not_before - self._policy.clock.time()) > 0:
                await self._policy.clock.sleep(delay)
            try:
                connection = await self._open()
            except Exception as error:
                fatal = self._policy.judge(error)
                if fatal is not None and fatal is not error:
                    raise fatal from error
                if fatal is not None or not self._may_try_again(error):
                    raise
            else:
                self.failures = 0
                self._opened_at = self._policy.clock.time()
                return connection

    def ended(self) -> bool:
        """Take note that the last connection is given up; tell whether there may be a next one."""
        lived = self._policy.clock.time() - self._opened_at
        if lived >= self._policy.section.min_uptime:
            self._delays = None
            return True
        delay = self._back_off()
        if delay is None:
            return False
        self._policy.logger.info(
            "connection to %s lasted %.1f seconds; opening the next in %.1f seconds",
            self._shown,
            lived,
            delay,
        )
        return True

    def _may_try_again(self, error: Exception) -> bool:
        section = self._policy.section
        self.failures += 1
        if not section.enabled or (
            section.max_attempts is not None and self.failures >= section.max_attempts
        ):
            return False
        delay = self._back_off()
        if delay is None:
            return False
        self._policy.logger.info(
            "attempt %d to open %s failed; trying again in %.1f seconds: %s: %s",
            self.failures,
            self._shown,
            delay,
            type(error).__name__,
            printable(str(error).replace(self._uri, self._shown)),
        )
        return True

    def _back_off(self) -> float | None:
        """Set when the next attempt may start; return the seconds until then, None for never."""
        if self._delays is None:
            self._delays = self._policy.new_delays()
        delay = next(self._delays, None)
        if delay is not None:
            self._not_before = self._policy.clock.time() + delay
        return delay
