"""Openings, one after the other, with delays between them, until one succeeds."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from wssdk.connection.connection import ClientConnection
from wssdk.errors import printable
from wssdk.ports import ConnectAttempt
from wssdk.providers import telling
from wssdk.reconnect.policy import ReconnectPolicy
from wssdk.reconnect.record import Record

__all__ = ["Attempts"]

_GRAIN: Final = 0.001
"""Seconds that are no delay of their own: clocks are read one after the other."""


class Attempts:
    """Opens connections, one after the other, as a policy says.

    A failed opening is tried again, with growing delays, where it is transient; a fatal failure is
    raised. Only a connection that lived ``min_uptime`` seconds starts delays and attempts anew, and only
    after such a one the first of them counts again: a server that accepts and drops meets no storm.
    What is raised in the end has a line for each attempt in its notes.

    Args:
        open: opens one connection; where it must be given one argument, it is told the attempt.
        uri: what ``open`` opens.
        shown: what log and notes have instead of ``uri``.
        redact: makes a message of an error fit for log and notes; None: ``uri`` becomes ``shown``.
        ended: told of each connection that is given up, and whether it lived ``min_uptime`` seconds.
        hold: returns the seconds that every server that could be asked has asked to wait; None: the one there
            is asks by its refusals (:meth:`ReconnectPolicy.wait_asked_by`).
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[ClientConnection]]
        | Callable[[ConnectAttempt], Awaitable[ClientConnection]],
        policy: ReconnectPolicy,
        uri: str,
        shown: str,
        *,
        redact: Callable[[str], str] | None = None,
        ended: Callable[[ClientConnection, bool], None] | None = None,
        hold: Callable[[], float] | None = None,
    ) -> None:
        self.enabled = policy.section.enabled
        """Whether there may be more than one."""
        self.failures = 0
        """Openings that failed since the last that did not."""
        self.on_delay: Callable[[float], None] = _nothing
        """Told of each attempt that is to follow another one, and in how many seconds; 0: at once."""
        self._open: Callable[[ConnectAttempt], Awaitable[ClientConnection]] = telling(open)
        self._policy = policy
        self._shown = shown
        self._redact = redact if redact is not None else lambda text: text.replace(uri, shown)
        self._tell_end = ended
        self._hold = hold
        self._delays: Iterator[float] | None = None
        self._not_before = -math.inf
        self._opened_at = 0.0
        self._opened: ClientConnection | None = None
        self._last_error: Exception | None = None
        self._record = Record()

    @property
    def attempt(self) -> ConnectAttempt:
        """The attempt at hand, or the next one."""
        return ConnectAttempt(self._record.number + 1, self._last_error)

    async def next(self) -> ClientConnection:
        """Return the next connection. Cancelling leaves none open.

        Raises:
            Exception: what the opening failed with, where it is fatal or the attempts are used up; with
                all attempts in its notes, where there were several.
        """
        clock = self._policy.clock
        while True:
            self._heed()
            # Not where the delay is known: cancelled there, it would be lost.
            if (delay := self._not_before - clock.time()) > 0:
                await clock.sleep(delay)
            self._record.begin(clock.time())
            try:
                connection = await self._open(self.attempt)
            except Exception as error:
                raised = self._judge(error)
                if raised is error:
                    raise
                if raised is not None:
                    raise raised from error
            else:
                self._note_success(connection)
                return connection

    def _heed(self) -> None:
        """Have the attempt wait for servers that others than the attempts before it were told to wait for."""
        now = self._policy.clock.time()
        delay = 0.0 if self._hold is None else self._hold()
        if delay > max(0.0, self._not_before - now) + _GRAIN:
            self._not_before = now + delay
            self._policy.logger.info("all of %s asked to wait; opening in %.1f seconds", self._shown, delay)
            self.on_delay(delay)

    def unfit(self, connection: ClientConnection) -> None:
        """Take note that a connection is given up before it was of use."""
        if self._tell_end is not None:
            self._tell_end(connection, False)

    def ended(self) -> bool:
        """Take note that the last connection is given up; tell whether there may be a next one."""
        lived = self._policy.clock.time() - self._opened_at
        is_long = lived >= self._policy.section.min_uptime
        connection, self._opened = self._opened, None
        if self._tell_end is not None and connection is not None:
            self._tell_end(connection, is_long)
        if is_long:
            self._delays = None
            self._record.clear()
            if self._policy.delays is None and self._policy.section.initial is not None:
                # RFC 6455, 7.2.3: those that lost one server must not all come back at once.
                self._back_off()
            else:
                self.on_delay(0.0)
            return True
        if connection is not None:
            self._record.add(f", lasted {lived:.1f} seconds")
        delay = self._back_off() if self._has_attempts_left() else None
        if delay is None:
            self._policy.logger.info(
                "connection to %s lasted %.1f seconds; it was the last attempt", self._shown, lived
            )
            return False
        self._policy.logger.info(
            "connection to %s lasted %.1f seconds; opening the next in %.1f seconds",
            self._shown,
            lived,
            delay,
        )
        return True

    def tell(self, error: Exception) -> None:
        """Add the attempts to the notes of what is raised because there is to be no other."""
        self._record.tell(error)

    def _note_success(self, connection: ClientConnection) -> None:
        self.failures = 0
        self._last_error = None
        self._opened_at = self._policy.clock.time()
        self._opened = connection
        self._record.end(self._opened_at, "opened")
        if self._record.number > 1:
            self._policy.logger.info("attempt %d to open %s succeeded", self._record.number, self._shown)

    def _judge(self, error: Exception) -> Exception | None:
        """Return None where there is to be another attempt, else what to raise for this one's failure."""
        self.failures += 1
        message = printable(self._redact(str(error)))
        told = f"{type(error).__name__}: {message}" if message else type(error).__name__
        self._record.end(self._policy.clock.time(), told)
        number = self._record.number
        raised = self._policy.judge(error)
        if raised is None:
            asked = self._policy.wait_asked_by(error) if self._hold is None else self._hold()
            delay = self._back_off(asked) if self._has_attempts_left() else None
            if delay is not None:
                self._last_error = error
                self._policy.logger.info(
                    "attempt %d to open %s failed; trying again in %.1f seconds: %s",
                    number,
                    self._shown,
                    delay,
                    told,
                )
                return None
            raised = error
        self._policy.logger.info("attempt %d to open %s failed, the last one: %s", number, self._shown, told)
        self._record.tell(raised)
        self._start_anew()
        return raised

    def _start_anew(self) -> None:
        """Forget the failures, and with them the frames that their tracebacks hold; delays go on."""
        self._last_error = None
        self._record.clear()

    def _has_attempts_left(self) -> bool:
        most = self._policy.section.max_attempts
        return self.enabled and (most is None or self._record.number < most)

    def _back_off(self, least: float = 0.0) -> float | None:
        """Set when the next attempt may start; return the seconds until then, None for never."""
        if self._delays is None:
            self._delays = self._policy.new_delays()
        delay = next(self._delays, None)
        if delay is not None:
            delay = max(delay, least)
            self._not_before = self._policy.clock.time() + delay
            self.on_delay(delay)
        return delay


def _nothing(delay: float) -> None:
    """Tell nobody."""
