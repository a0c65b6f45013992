# cython: boundscheck=False, wraparound=False
"""Received messages on their way to the user: high and low water, and who waits for them."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from wssdk.wire.wakeup import Wakeup

__all__ = ["Claim", "Fragment", "FragmentedMessage", "Inbox"]

_POLICIES: Final = ("pause", "drop_oldest", "latest", "close")
_DROP_OLDEST: Final = 1
_LATEST: Final = 2
_CLOSE: Final = 3
_NEVER: Final = (1 << 63) - 1


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
    goes on after that: ``on_low()`` is called then. ``high_bytes`` is the same in bytes of payload (text in
    UTF-8), whose low water is a quarter of it. A message that finds room is taken whatever its size.

    ``on_full`` is what happens to a message that finds none: "pause" has it wait in the receive buffer;
    "drop_oldest" drops the oldest message for it; "latest" drops all that are there, full or not; "close"
    refuses it. Fragments of a message that is streamed are never dropped: they wait.
    """

    def __init__(
        self,
        high: int | None,
        low: int | None,
        on_low: Callable[[], None] | None = None,
        high_bytes: int | None = None,
        on_full: str = "pause",
    ) -> None:
        self._high = _NEVER if high is None else high
        self._low = _NEVER if low is None else low
        self._high_bytes = _NEVER if high_bytes is None else high_bytes
        self._low_bytes = _NEVER if high_bytes is None else high_bytes // 4
        self._policy = _POLICIES.index(on_full)
        self._on_low = on_low
        self.judges = self._policy != 0
        """What finds no room is dropped or refused, once the receiver has had its chance."""
        self.patient = True
        """What finds no room waits in the receive buffer, for the receiver to take what is here."""
        self.streamed = False
        """Fragments of a message may come, or are here."""
        self.metered = self.judges or high_bytes is not None
        """Sizes are known: messages come by :meth:`admit`, not by :meth:`put`."""
        self.held = 0
        """Bytes of payload that wait, if they are metered."""
        self.dropped = 0
        """How many messages were dropped or refused; a streamed one counts when its first fragment is."""
        self.dropped_bytes = 0
        """How many bytes of payload they had."""
        # A ring: the oldest item stands at _first, its size is a power of two.
        self._ring: list[Any] = [None] * 8
        # The sizes of the items, in the same places.
        self._sizes: list[Any] | None = [0] * 8 if self.metered else None
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
        self.lost = False
        """The connection is lost: whoever comes may take what is left, also where another one waits."""

    def __len__(self) -> int:
        return self.count

    def set_on_low(self, on_low: Callable[[], None]) -> None:
        """Set what is called when a stalled queue has drained to low water."""
        self._on_low = on_low

    def is_full(self) -> bool:
        """Tell whether what comes has to wait in the receive buffer."""
        if self.count < self._high and self.held < self._high_bytes:
            return False
        return self.streamed or (self.patient and self._policy != _LATEST)

    def has_room(self) -> bool:
        """Tell whether a message that comes now would be taken."""
        if self.count < self._high and self.held < self._high_bytes:
            return True
        return not self.streamed and (self._policy == _DROP_OLDEST or self._policy == _LATEST)

    def put(self, item: Any) -> None:
        """Add a message, or a :class:`Fragment` of one."""
        if self.count > self._mask:
            self._grow()
        self._ring[(self._first + self.count) & self._mask] = item
        self.count += 1

    def admit(self, item: Any, size: int) -> bool:
        """Add a message or fragment of ``size`` bytes as ``on_full`` has it; tell whether it was taken."""
        if not self.streamed:
            if self._policy == _LATEST:
                self._drop_all_but(0)
            elif self._policy == _DROP_OLDEST:
                while self.count >= self._high or self.held >= self._high_bytes:
                    self._drop_all_but(self.count - 1)
            elif self._policy == _CLOSE and not self.has_room():
                return False
        self.put(item)
        if self._sizes is not None:
            self._sizes[(self._first + self.count - 1) & self._mask] = size
            self.held += size
        return True

    def refuse(self, size: int, whole: bool = True) -> None:
        """Count a message of ``size`` bytes that was not taken; not ``whole``: more of one that counts."""
        if whole:
            self.dropped += 1
        self.dropped_bytes += size

    def _drop_all_but(self, newest: int) -> None:
        """Drop the oldest messages; how many are left is ``newest``."""
        while self.count > newest:
            self.refuse(self._sizes[self._first] if self._sizes is not None else 0)
            self._forget(1)
            self._step()

    def _step(self) -> None:
        self._ring[self._first] = None
        self._first = (self._first + 1) & self._mask
        self.count -= 1

    def _forget(self, count: int) -> None:
        """Give up the sizes of the oldest items, which are about to go."""
        sizes = self._sizes
        if sizes is None:
            return
        for i in range(count):
            size = sizes[(self._first + i) & self._mask]
            self.held -= size

    def _leave(self) -> None:
        """The oldest item is about to be taken; with the last fragment, streaming has an end."""
        self._forget(1)
        item = self._ring[self._first]
        if not (self.streamed and type(item) is Fragment and item.fin):
            return
        self.streamed = False
        if self._policy == _LATEST:
            # What came behind it had to wait for this.
            self._step()
            self._drop_all_but(1)
            self._first = (self._first - 1) & self._mask
            self._ring[self._first] = item
            self.count += 1

    def _grow(self) -> None:
        first = self._first
        if self._sizes is not None:
            self._sizes = [*self._sizes[first:], *self._sizes[:first], *[0] * self.count]
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
        if self._sizes is not None:
            self._leave()
        first = self._first
        item = self._ring[first]
        self._ring[first] = None
        self._first = (first + 1) & self._mask
        self.count -= 1
        if self.stalled and self._is_low() and self._on_low is not None:
            self._on_low()
        return item

    def _is_low(self) -> bool:
        return self.count <= self._low and self.held <= self._low_bytes

    def take_many(self, most: int) -> list[Any]:
        """Remove and return the oldest items, ``most`` of them or, for -1, all that are there.

        At low water more may come out of the receive buffer; it is among them.
        """
        items: list[Any] = []
        while self.count and most:
            count = self.count if most < 0 or most > self.count else most
            ring, first = self._ring, self._first
            if self._sizes is not None:
                self._forget(count)
            for _ in range(count):
                item = ring[first]
                ring[first] = None
                first = (first + 1) & self._mask
                items.append(item.data if type(item) is FragmentedMessage else item)
            self._first = first
            self.count -= count
            most -= count
            if self.stalled and self._is_low() and self._on_low is not None:
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
        places = [(self._first + i) & self._mask for i in range(self.count)]
        items = [self._ring[place] for place in places]
        weights = [0 if self._sizes is None else self._sizes[place] for place in places]
        joined: list[Any] = []
        joined_sizes: list[int] = []
        opcode = 0
        data = bytearray()
        sizes: array[int] = array("L")
        for item, weight in zip(items, weights, strict=True):
            if not isinstance(item, Fragment):
                joined.append(item)
                joined_sizes.append(weight)
                continue
            if not sizes:
                opcode = item.opcode
            data += item.data
            sizes.append(len(item.data))
            if item.fin:
                whole = bytes(data)
                joined.append(FragmentedMessage(whole.decode() if opcode == 1 else whole, sizes))
                joined_sizes.append(len(whole))
                data = bytearray()
                sizes = array("L")
        # Never more than there were.
        self._ring[:] = joined + [None] * (self._mask + 1 - len(joined))
        self._first = 0
        self.count = len(joined)
        self.streamed = False
        if self._sizes is not None:
            self._sizes[:] = joined_sizes + [0] * (self._mask + 1 - len(joined))
            self.held = sum(joined_sizes)
            if self._policy == _LATEST:
                self._drop_all_but(1)
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
