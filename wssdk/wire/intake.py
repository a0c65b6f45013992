"""The way of received bytes to the inbox: what is ordinary is done here, the rest is handed up."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import Inbox
from wssdk.wire.message_reader import CONTROL, STALLED, MessageReader

__all__ = ["Intake"]


def _no_transport(*data: bytes) -> bool:
    """Stand in for the methods of a transport before there is one: what is sent then has nowhere to go."""
    return True


class Intake:
    """The receiving half of an :class:`asyncio.BufferedProtocol`.

    A subclass decides what is out of the ordinary: control frames, violations, a full inbox, anything
    that comes once the connection does not just go on.
    """

    def __init__(self, frames: FrameReader, reader: MessageReader, inbox: Inbox) -> None:
        self._frames = frames
        self._reader = reader
        self.inbox = inbox
        self.quiet = True
        """The connection just goes on: open, and nothing pending. Kept by the subclass."""
        self.reading_paused = False
        self.write_paused = False
        self.senders = 0
        """Sends that have, or wait for, their turn."""
        self.reads = 0
        """How many times bytes came."""
        self.fresh = True
        """Nothing was sent since bytes came."""
        self.transport_write: Callable[[bytes], object] = _no_transport
        self.transport_is_closing: Callable[[], bool] = _no_transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the transport puts received bytes."""
        return self._frames.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take received bytes; wake the receiver as the last act."""
        self.reads += 1
        self.fresh = True
        self._frames.received(nbytes)
        if self.inbox.judges:
            self.inbox.patient = self.inbox.waiter is not None
        if not self.quiet or self._reader.unbounded:
            self.attend()
            return
        try:
            outcome = self._reader.parse()
        except Exception as error:
            self.attend(error=error)
            return
        if outcome == CONTROL:
            self.attend(control=True)
            return
        inbox = self.inbox
        if outcome == STALLED:
            inbox.stalled = True
        inbox.wake()
        # Whoever was woken may have taken it all: no need to pause reading then.
        if inbox.stalled:
            self.attend()
        else:
            self._frames.settle()

    def refill(self) -> None:
        """The inbox is at low water: go on with what is in the receive buffer."""
        self.inbox.patient = True  # the receiver is at it
        if not self.quiet:
            self.resume()
            return
        inbox = self.inbox
        inbox.stalled = False
        try:
            outcome = self._reader.parse()
        except Exception as error:
            self.attend(error=error, answering=True)
            return
        if outcome == STALLED:
            inbox.stalled = True
        elif outcome == CONTROL:
            self.attend(control=True, answering=True)
        elif self.reading_paused:
            self.resume()

    def attend(self, control: bool = False, error: Exception | None = None, answering: bool = False) -> None:
        """Carry on with what is out of the ordinary.

        ``control``: the reader stands at a control frame. ``error``: parsing ended with it.
        ``answering``: the application has just taken a message.
        """
        raise NotImplementedError

    def resume(self) -> None:
        """The inbox is at low water: parse, and read on."""
        raise NotImplementedError

    def receiver_waits(self) -> None:
        """The receiver found nothing and is about to wait."""
        raise NotImplementedError

    def write_more(self, data: bytes) -> None:
        """Write a frame that follows another one, with nothing received between them."""
        raise NotImplementedError

    def drain(self) -> Coroutine[Any, Any, None]:
        """Wait until the write buffer is below low water."""
        raise NotImplementedError

    def closed_exception(self) -> Any:
        """Return what tells the user how the connection ended."""
        raise NotImplementedError
