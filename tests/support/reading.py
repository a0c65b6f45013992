"""A message reader with what it reads from and what it fills; messages as a peer sends them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.support.raw_peer import CONT, TEXT, frame
from wssdk.ports import Extension
from wssdk.wire.deflate import Inflater
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import Fragment, FragmentedMessage, Inbox
from wssdk.wire.message_reader import CONTROL, MAX_FRAGMENTS, NEED_MORE, MessageReader

__all__ = ["Reading", "message_of", "reading", "split", "zipped"]


class Reading(NamedTuple):
    """A message reader, what it reads from and what it fills."""

    frames: FrameReader
    inbox: Inbox
    reader: MessageReader

    def feed(self, *data: bytes) -> int:
        """Receive and parse; return the last outcome, control frames passed by."""
        outcome = NEED_MORE
        for piece in data:
            view = memoryview(piece)
            while len(view):
                buffer = self.frames.get_buffer()
                count = min(len(buffer), len(view))
                buffer[:count] = view[:count]
                view = view[count:]
                self.frames.received(count)
                outcome = self.parse()
        return outcome

    def parse(self) -> int:
        """Parse as far as it goes."""
        while (outcome := self.reader.parse()) == CONTROL:
            pass
        return outcome

    def taken(self) -> list[object]:
        """Take everything out of the inbox; fragments as (data, fin)."""
        items = [self.inbox.take() for _ in range(len(self.inbox))]
        return [plain(item) for item in items]


def plain(item: object) -> object:
    """Return what the user gets of an item."""
    if isinstance(item, FragmentedMessage):
        return item.data
    if isinstance(item, Fragment):
        return (item.data, item.fin)
    return item


def reading(
    *,
    message: int | None = None,
    fragment: int | None = None,
    fragments: int = MAX_FRAGMENTS,
    high: int | None = None,
    most: int | None = None,
    on_full: str = "pause",
    inflate: bool = False,
    extensions: Sequence[Extension] = (),
) -> Reading:
    """Return a reader in the client's role; no limits unless they are given.

    ``high`` and ``most`` are the high water of its inbox, in messages and bytes.
    """
    frames = FrameReader(False, 4096)
    inbox = Inbox(high, 0, None, most, on_full)
    inflater = Inflater(15, False) if inflate else None
    reader = MessageReader(frames, inbox, message, fragment, inflater, extensions, fragments)
    return Reading(frames, inbox, reader)


def zipped(*payloads: bytes, opcode: int = TEXT) -> list[bytes]:
    """Return one compressed message in as many frames as ``payloads``."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [squeezer.compress(part) + squeezer.flush(zlib.Z_SYNC_FLUSH) for part in payloads]
    parts[-1] = parts[-1][:-4]
    last = len(parts) - 1
    return [
        frame(CONT if i else opcode, part, fin=i == last, rsv=0 if i else 4) for i, part in enumerate(parts)
    ]


def split(payload: bytes, sizes: Iterable[int], opcode: int = TEXT) -> list[bytes]:
    """Return ``payload`` in frames of ``sizes`` bytes, and one more with the rest."""
    frames: list[bytes] = []
    for size in sizes:
        frames.append(frame(CONT if frames else opcode, payload[:size], fin=False))
        payload = payload[size:]
    return [*frames, frame(CONT if frames else opcode, payload)]


def message_of(size: int, parts: Sequence[int], inflate: bool) -> list[bytes]:
    """Return a message of ``size`` bytes in fragments of ``parts`` and the rest, compressed or not."""
    if inflate:
        return zipped(*(b"x" * part for part in (*parts, size - sum(parts))))
    return split(b"x" * size, parts)
