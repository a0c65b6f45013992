"""Keepalive: pings on a schedule, latency, and the end of a connection whose peer is gone."""

from __future__ import annotations

import asyncio
from typing import Final

from wssdk.codes import CloseCode
from wssdk.connection.link import Link
from wssdk.connection.pings import Pings
from wssdk.errors import ConcurrencyError
from wssdk.protocol.state import State

__all__ = ["Keepalive"]

_QUIET: Final = 2
"""Reads between two pings of a connection that is idle: there is the pong, for one."""
_FAREWELL: Final = 1.0
"""Seconds that a peer gets that did not answer a ping: it is not expected to answer a close frame."""


class Keepalive:
    """Pings the peer every ``interval`` seconds; fails the connection ``timeout`` seconds after a ping.

    Any byte received since the ping counts as life. Nothing is concluded while reading was paused on
    this side, while the peer takes what waits to be sent, or from a timer that ran late because the event
    loop was held up: each is looked at again. ``timeout`` None: pings go out, and nothing is concluded. It
    runs on timers, without a task.
    """

    __slots__ = (
        "_drained",
        "_interval",
        "_link",
        "_loop",
        "_payload",
        "_pings",
        "_reads",
        "_sent",
        "_since",
        "_timeout",
        "_timer",
        "_unsent",
    )

    def __init__(
        self,
        link: Link,
        pings: Pings,
        loop: asyncio.AbstractEventLoop,
        interval: float,
        timeout: float | None,
    ) -> None:
        self._link = link
        self._pings = pings
        self._loop = loop
        self._interval = interval
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._payload = b""
        self._sent = 0.0
        self._since = 0.0
        """From when on a sign of life is waited for: from the ping, or from when reading went on."""
        self._reads = 0
        """How often bytes had come by then."""
        self._unsent = 0
        self._drained = 0

    def start(self) -> None:
        """Schedule the first ping."""
        self._schedule_ping(self._loop.time())

    def stop(self) -> None:
        """Send no more pings."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule_ping(self, last: float) -> None:
        self._timer = self._loop.call_at(last + self._interval, self._ping)

    def _ping(self) -> None:
        if self._link.core.state is not State.OPEN:
            return
        self._pings.discard(self._payload)
        self._payload = self._pings.new_payload()
        self._sent = self._since = self._loop.time()
        self._link.core.writer.rest()
        if self._link.reads - self._reads <= _QUIET:
            self._link.core.frames.rest()
        self._reads = self._link.reads
        try:
            pong = self._pings.add(self._payload)
        except ConcurrencyError:
            pass  # the user's own pings fill the bound: they ask the same question
        else:
            self._link.core.send_ping(self._payload)
            self._link.flush()
            if self._timeout is not None:
                pong.add_done_callback(self._answered)
        self._is_draining()
        if self._timeout is None:
            self._schedule_ping(self._sent)
        else:
            self._schedule_check(self._sent + self._timeout)

    def _answered(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None and self._link.core.state is State.OPEN:
            self.stop()
            self._schedule_ping(self._sent)

    def _schedule_check(self, when: float) -> None:
        self._timer = self._loop.call_at(when, self._check, when)

    def _is_draining(self) -> bool:
        """Tell whether the peer has taken any of what waits to be sent since this was last asked.

        A ping stands behind a large message of ours: its time begins when the message is through.
        """
        link = self._link
        unsent, drained = link.unsent(), link.drained
        moved = unsent < self._unsent or drained != self._drained
        self._unsent, self._drained = unsent, drained
        return moved

    def _check(self, due: float) -> None:
        link, timeout = self._link, self._timeout
        if link.core.state is not State.OPEN or timeout is None:
            return
        now = self._loop.time()
        if link.reads != self._reads:
            self._schedule_ping(max(self._sent, now - self._interval))
        elif link.reading_paused or link.last_resumed > self._since:
            # The pong may stand behind what we did not read: give it its time from here.
            self._since = now
            self._schedule_check(now + timeout)
        elif self._is_draining():
            self._since = now
            self._schedule_check(now + timeout)
        elif now - due > min(0.1, timeout / 4):
            # The loop was held up: what came in the meantime is still to be read.
            self._schedule_check(now + min(1.0, timeout))
        else:
            cause = TimeoutError(f"no pong within {timeout:g} s, and nothing else was received")
            link.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout", cause)
            link.arm_deadline(_FAREWELL)
