# cython: boundscheck=False, wraparound=False
"""Received messages on their way to the user: high and low water, and who waits for them."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

from wssdk.wire.wakeup import Wakeup

__all__ = ["Claim", "Fragment", "FragmentedMessage", "Inbox"]


class Fragment:
    """One fragment of a message that is received as it comes; ``data`` is its payload, text in UTF-8."""

    __slots__ = ("data", "fin", "opcode")

    def __init__(self, opcode: int, data: bytes, fin: bool) -> None:
        self.opcode = opcode
        self.data = data
        self.fin = fin


class FragmentedMessage:
    """A whole message that came in several fragments, of ``sizes`` bytes each."""

    __slots__ = ("data", "sizes")

    def __init__(self, data: str | bytes, sizes: array[int]) -> None:
        self.data = data
        self.sizes = sizes

    def split(self) -> deque[Fragment]:
        """Return the fragments as they came."""
        text = isinstance(self.data, str)
        payload = self.data.encode() if isinstance(self.data, str) else self.data
        parts: deque[Fragment] = deque()
        start = 0
        for index, size in enumerate(self.sizes):
            parts.append(
                Fragment(1 if text else 2, payload[start : start + size], index == len(self.sizes) - 1)
            )
            start += size
        return parts


class Inbox:
    """A bounded queue of messages with at most one receiver.

    ``high`` is the number of messages at which it is full, None for never; ``low`` is where reading
    goes on after that: ``on_low()`` is called then.
    """

    def __init__(self, high: int | None, low: int | None, on_low: Callable[[], None] | None = None) -> None:
        self._high = -1 if high is None else high
        self._low = -1 if low is None else low
        self._on_low = on_low
        # A ring: the oldest item stands at _first, its size is a power of two.
        self._ring: list[Any] = [None] * 8
        self._mask = 7
        self._first = 0
        self.count = 0
        """How many items there are."""
        self.stalled = False
        """Reading stopped because the queue was full."""
        self.ended = False
        """Nothing more will come."""
        self.waiter: Any = None
        """Wakeup or future of the receiver that waits; None where nobody does."""
        self.torn = False
        """A message was taken in part: only who took it may take the rest."""

    def __len__(self) -> int:
        return self.count

    def set_on_low(self, on_low: Callable[[], None]) -> None:
        """Set what is called when a stalled queue has drained to low water."""
        self._on_low = on_low

    def is_full(self) -> bool:
        """Tell whether the queue is at high water."""
        return 0 <= self._high <= self.count

    def put(self, item: Any) -> None:
        """Add a message, or a :class:`Fragment` of one."""
        if self.count > self._mask:
            self._grow()
        self._ring[(self._first + self.count) & self._mask] = item
        self.count += 1

    def _grow(self) -> None:
        first = self._first
        self._ring = [*self._ring[first:], *self._ring[:first], *[None] * self.count]
        self._mask = 2 * self.count - 1
        self._first = 0

    def take(self) -> Any:
        """Remove and return the oldest item.

        Raises:
            IndexError: the queue is empty.
        """
        if self.count == 0:
            raise IndexError("the inbox is empty")
        first = self._first
        item = self._ring[first]
        self._ring[first] = None
        self._first = (first + 1) & self._mask
        self.count -= 1
        if self.stalled and self.count <= self._low and self._on_low is not None:
            self._on_low()
        return item

    def take_many(self, most: int) -> list[Any]:
        """Remove and return the oldest items, ``most`` of them or, for -1, all that are there.

        At low water more may come out of the receive buffer; it is among them.
        """
        items: list[Any] = []
        while self.count and most:
            count = self.count if most < 0 or most > self.count else most
            ring, first = self._ring, self._first
            for _ in range(count):
                item = ring[first]
                ring[first] = None
                first = (first + 1) & self._mask
                items.append(item.data if type(item) is FragmentedMessage else item)
            self._first = first
            self.count -= count
            most -= count
            if self.stalled and self.count <= self._low and self._on_low is not None:
                self._on_low()
        return items

    def wake(self) -> None:
        """Wake the receiver if there is something for it: an item, or the end."""
        waiter = self.waiter
        if waiter is None or not (self.count or self.ended):
            return
        if type(waiter) is Wakeup:
            wakeup = waiter  # of a type that is known to the compiler
            if wakeup.asleep:
                wakeup.wake()
        elif not waiter.done():
            waiter.set_result(None)

    def end(self) -> None:
        """Nothing more will come: wake the receiver for good."""
        self.ended = True
        self.wake()

    def join_fragments(self) -> tuple[bytes, array[int]] | None:
        """Undo streaming: turn queued fragments into whole messages.

        Return payload and sizes of the last one if its end has not come yet, for the reader to go on
        with; else None.
        """
        items = [self._ring[(self._first + i) & self._mask] for i in range(self.count)]
        joined: list[Any] = []
        opcode = 0
        data = bytearray()
        sizes: array[int] = array("L")
        for item in items:
            if not isinstance(item, Fragment):
                joined.append(item)
                continue
            if not sizes:
                opcode = item.opcode
            data += item.data
            sizes.append(len(item.data))
            if item.fin:
                whole = bytes(data)
                joined.append(FragmentedMessage(whole.decode() if opcode == 1 else whole, sizes))
                data = bytearray()
                sizes = array("L")
        # Never more than there were.
        self._ring[:] = joined + [None] * (self._mask + 1 - len(joined))
        self._first = 0
        self.count = len(joined)
        return (bytes(data), sizes) if sizes else None


class Claim:
    """A receiver's claim to what comes next; it ends with the receiver, if not before.

    One that was stepped by hand, and dropped while it waited, must not stand in the way of others. It is
    not the receiver that says so when it ends: only one that has ever waited is to pay for it.
    """

    def __init__(self, inbox: Inbox, wakeup: Wakeup) -> None:
        self._inbox = inbox
        self._wakeup = wakeup
        self._held = False

    def take(self) -> Any:
        """Let nobody else wait; return the future to wait for."""
        self._inbox.waiter = self._wakeup
        self._held = True
        return self._wakeup.sleep()

    def give_back(self) -> None:
        """Let others wait."""
        self._held = False
        self._inbox.waiter = None
        if self._wakeup.asleep:
            self._wakeup.give_up()

    def __del__(self) -> None:
        if self._held:
            self.give_back()
