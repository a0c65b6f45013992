"""The end of a connection whose peer has nothing to say, though it may answer every ping."""

from __future__ import annotations

import asyncio
from typing import Final

from wssdk.codes import CloseCode
from wssdk.connection.link import Link
from wssdk.protocol.state import State

__all__ = ["IdleWatch"]

_LOOKS: Final = 4
"""How often it is looked whether data frames came, in the time that may pass without."""


class IdleWatch:
    """Fails the connection once no data frame (RFC 6455, 5.6) was received for ``timeout`` seconds.

    Control frames do not count; the bytes of a data frame do, as they come. Data frames are counted, not
    timed, for time is dear on the way of a message: it is looked four times within ``timeout``, so that the
    end comes up to a quarter of it later, and never sooner. Nothing is concluded from the time in which
    reading was paused on this side, nor from a timer that ran late because the event loop was held up. It
    runs on a timer, without a task.
    """

    __slots__ = ("_link", "_loop", "_seen", "_since", "_timeout", "_timer")

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self._link = link
        self._loop = loop
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0
        """When data frames were last seen to have come, or reading to be paused."""
        self._seen = (0, 0)

    def start(self) -> None:
        """Begin to count the seconds."""
        self._since = self._loop.time()
        self._seen = self._progress()
        self._look_at(self._since + self._timeout / _LOOKS)

    def stop(self) -> None:
        """Conclude nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _progress(self) -> tuple[int, int]:
        """Return what every byte of a data frame changes: how many began, what is to come of the last."""
        frames = self._link.core.frames
        unfinished = frames.in_frame and frames.opcode < 0x8
        return frames.data_frames, frames.remaining if unfinished else 0

    def _look_at(self, when: float) -> None:
        self._timer = self._loop.call_at(when, self._look, when)

    def _look(self, due: float) -> None:
        link = self._link
        if link.core.state is not State.OPEN:
            return
        now = self._loop.time()
        step = self._timeout / _LOOKS
        progress = self._progress()
        if progress != self._seen or link.reading_paused or link.core.stalled:
            self._seen = progress
            self._since = now
        elif link.last_resumed > self._since:
            self._since = link.last_resumed
        elif now - due > min(0.1, step):
            # The loop was held up: what came in the meantime is still to be read.
            self._look_at(now + min(1.0, step))
            return
        if now < self._since + self._timeout:
            self._look_at(min(now + step, self._since + self._timeout))
            return
        cause = TimeoutError(f"no data frame was received for {self._timeout:g} s")
        link.fail(CloseCode.INTERNAL_ERROR, "idle timeout", cause)
