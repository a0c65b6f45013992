"""Frames to messages (RFC 6455, 5.4): fragments, limits, UTF-8, inflating."""

from __future__ import annotations

import codecs
from array import array
from collections.abc import Sequence
from typing import Any, Final

from wssdk.errors import PayloadTooBig, ProtocolError, TooManyFragments
from wssdk.errors_limits import InboxFull
from wssdk.ports import Extension, Frame
from wssdk.wire import raw
from wssdk.wire.deflate import Inflater
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import Fragment, FragmentedMessage, Inbox

__all__ = ["CONTROL", "MAX_FRAGMENTS", "NEED_MORE", "STALLED", "MessageReader"]

MAX_FRAGMENTS: Final = 131_072
"""Fragments of one message: 4 MiB in fragments of 64 bytes are half of it. One costs 8 bytes."""

NEED_MORE: Final = 0
CONTROL: Final = 1
STALLED: Final = 2

_RSV1: Final = 0x40
_TEXT: Final = 1
_BINARY: Final = 2
_PING: Final = 9
# Up to here room is made when a header asks for it; memory that is not written to costs little.
_LARGEST_WHOLE: Final = 1 << 26
_new_utf8_decoder: Final = codecs.getincrementaldecoder("utf-8")


class MessageReader:
    """Assembles messages from the bytes of a :class:`FrameReader` and puts them into an inbox.

    Sizes are bytes; None means that there is no limit. ``inflater`` is there when permessage-deflate
    is the only extension; with others, ``extensions`` holds all of them, in the order agreed.
    """

    def __init__(
        self,
        frames: FrameReader,
        inbox: Inbox,
        max_message_size: int | None,
        max_fragment_size: int | None,
        inflater: Inflater | None = None,
        extensions: Sequence[Extension] = (),
        max_fragments: int = MAX_FRAGMENTS,
    ) -> None:
        self._frames = frames
        self._inbox = inbox
        self._max_message = -1 if max_message_size is None else max_message_size
        self._max_fragment = -1 if max_fragment_size is None else max_fragment_size
        self._max_fragments = max_fragments
        limits = [limit for limit in (max_message_size, max_fragment_size) if limit is not None]
        self._limit = min(limits, default=-1)
        self._inflater = inflater
        self._extensions = tuple(reversed(extensions))
        self.unbounded = max_message_size is None
        """Messages have no limit, so an unfinished one needs backpressure of its own."""
        self.discarding = False
        """Messages that find the inbox full are dropped, so that a close frame behind them is reached."""
        self.streaming = False
        """Fragments of the current message go to the inbox one by one."""
        self.control_opcode = 0
        self.control_payload = b""
        self._opcode = 0
        self._compressed = False
        self._assembly = bytearray()
        self._encoded: bytearray | None = bytearray() if extensions else None
        self._size = 0
        self._frame_size = 0
        # Made for the first fragment.
        self._sizes: array[int] | None = None
        self._count = 0
        self._utf8: Any = None
        self._whole: bytes | bytearray | None = None
        """A binary message in one frame, as far as it came; else None."""
        self._filled = 0
        self._cut = False
        """A fragment of a streamed message was dropped."""

    def partial_size(self) -> int:
        """Return how many bytes of an unfinished message are held."""
        return len(self._assembly) if self._whole is None else self._filled

    def parse(self) -> int:
        """Parse what was received, up to the next control frame.

        Return ``CONTROL`` with ``control_opcode`` and ``control_payload`` set, ``STALLED`` when the
        inbox is full and bytes are left, or ``NEED_MORE``.

        Raises:
            ProtocolError: the peer broke RFC 6455 or RFC 7692.
            PayloadTooBig: a frame or message is over its limit.
            TooManyFragments: a message has more fragments than the bound.
            InboxFull: the inbox refuses a message.
            UnicodeDecodeError: a text message is not UTF-8.
        """
        frames = self._frames
        inbox = self._inbox
        plain = not (self.discarding or inbox.metered)
        while True:
            if not frames.in_frame:
                if inbox.is_full() and not self.discarding:
                    # A header is small: what may follow it waits in the buffer.
                    return STALLED if frames.buffered() else NEED_MORE
                if not (self._opcode or self.streaming or self._extensions):
                    message = frames.take_message(self._limit)
                    if message is not None:
                        if plain:
                            inbox.put(message)
                        else:
                            self._put(message, frames.length)
                        continue
                if not frames.parse_header():
                    return NEED_MORE
                self._begin_frame()
            if self._whole is not None:
                if not self._fill_whole(self._whole):
                    return NEED_MORE
                continue
            if self._extensions or frames.opcode >= 0x8:
                if self._take_whole():
                    if self.discarding and self.control_opcode == _PING:
                        continue  # it will not be answered (RFC 6455, 5.5.2)
                    return CONTROL
                if frames.in_frame:
                    return NEED_MORE
                continue
            last = frames.has_payload()
            if last or frames.buffered():
                data = frames.take()
                self._add(data, last)
            if not last:
                return NEED_MORE
            frames.in_frame = False

    def _begin_frame(self) -> None:
        """Check the header just parsed, before a byte of its payload is kept."""
        frames = self._frames
        if self._extensions:
            # What the bits mean is the extensions' affair; the encoded payload may be a little larger.
            limit = self._max_message if self._max_fragment < 0 else self._max_fragment
            if limit >= 0 and frames.length - (limit >> 6) - 1024 > limit:
                raise PayloadTooBig(frames.length, limit)
            return
        opcode = frames.opcode
        if opcode >= 0x8:
            if frames.rsv:
                raise ProtocolError("reserved bits are set on a control frame")
            return
        self._begin_fragment(opcode, frames.rsv)
        if self._compressed:
            return
        self._check_size(frames.length)
        # A binary message in one frame that comes in several reads has its place from the start.
        if (
            opcode == _BINARY
            and frames.fin
            and frames.length <= _LARGEST_WHOLE
            and not (self.streaming or frames.masked or frames.has_payload())
        ):
            self._whole = raw.room_for(frames.length)
            self._filled = 0

    def _fill_whole(self, whole: bytes | bytearray) -> bool:
        """Copy what came to its place in the message; tell whether that was all of it."""
        frames = self._frames
        self._filled += frames.take_into(whole, self._filled)
        if frames.remaining:
            return False
        self._whole = None
        self._opcode = 0
        frames.in_frame = False
        self._put(raw.filled(whole), self._filled)
        return True

    def _begin_fragment(self, opcode: int, rsv: int) -> None:
        """Check the place of a data frame in its message (RFC 6455, 5.4)."""
        if opcode:
            if self._opcode:
                raise ProtocolError("expected a continuation frame")
            # RFC 7692, 6: RSV1 marks a compressed message, on its first frame only.
            self._compressed = self._inflater is not None and rsv & _RSV1 != 0
            if rsv & ~_RSV1 or (rsv and not self._compressed):
                raise ProtocolError("reserved bits are set")
            self._opcode = opcode
            self._count = 1
        else:
            if not self._opcode:
                raise ProtocolError("unexpected continuation frame")
            if rsv:
                raise ProtocolError("reserved bits are set on a continuation frame")
            if not self.streaming:
                self._count += 1
            if self._count > self._max_fragments:
                raise TooManyFragments(self._max_fragments)
        self._frame_size = 0

    def _check_size(self, length: int) -> None:
        if 0 <= self._max_fragment < length:
            raise PayloadTooBig(length, self._max_fragment)
        # Compared without a sum: one could wrap in C.
        if self._max_message >= 0 and length > self._max_message - self._size:
            raise PayloadTooBig(length, self._max_message, self._size or None)

    def _take_whole(self) -> bool:
        """Take a control frame, or any frame for the extensions; tell whether it was a control frame."""
        frames = self._frames
        if frames.opcode >= 0x8 and not self._extensions:
            if not frames.has_payload():
                return False
            self.control_payload = frames.take()
            self.control_opcode = frames.opcode
            frames.in_frame = False
            return True
        encoded = self._encoded
        assert encoded is not None, "there are extensions"
        whole = frames.has_payload()
        encoded += frames.take()
        if not whole:
            return False
        data = bytes(encoded)
        encoded.clear()
        frames.in_frame = False
        return self._decode(data)

    def _decode(self, data: bytes) -> bool:
        """Undo the extensions on a whole frame; tell whether it was a control frame."""
        frames = self._frames
        rsv = frames.rsv
        frame = Frame(frames.opcode, data, frames.fin, rsv & 0x40 != 0, rsv & 0x20 != 0, rsv & 0x10 != 0)
        room = self._room()
        limit = None if room < 0 else room
        for extension in self._extensions:
            frame = extension.decode(frame, max_size=limit)
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            raise ProtocolError("reserved bits are set")
        if frame.opcode >= 0x8:
            self.control_opcode = frame.opcode
            self.control_payload = frame.data
            return True
        self._begin_fragment(frame.opcode, 0)
        self._check_size(len(frame.data))
        frames.fin = frame.fin
        self._add(frame.data, True)
        return False

    def _room(self) -> int:
        """Return how many bytes the current frame may still have; -1 for no limit."""
        room = -1
        if self._max_fragment >= 0:
            room = self._max_fragment - self._frame_size
        if self._max_message >= 0 and (room < 0 or self._max_message - self._size < room):
            room = self._max_message - self._size
        return room

    def _inflate(self, data: bytes, last: bool) -> bytes:
        assert self._inflater is not None
        room = self._room()
        try:
            return self._inflater.inflate(data, last and self._frames.fin, room)
        except PayloadTooBig:
            # The limit that left the least room is the one that was exceeded.
            limit = self._max_message
            if self._max_fragment >= 0 and room == self._max_fragment - self._frame_size:
                limit = self._max_fragment
            raise PayloadTooBig(None, limit, self._size or None) from None

    def _add(self, data: bytes, last: bool) -> None:
        """Add a piece of a frame to its message; ``last`` ends the frame."""
        fin = last and self._frames.fin
        if self._compressed:
            data = self._inflate(data, last)
        if fin and self._count == 1 and not self._size and not self.streaming:
            # The whole message at once: nothing to assemble.
            opcode = self._opcode
            self._opcode = 0
            self._put(raw.text(data) if opcode == _TEXT else data, len(data))
            return
        if self._opcode == _TEXT:
            # RFC 6455, 8.1: fail as soon as the bytes cannot be UTF-8 any more.
            if self._utf8 is None:
                self._utf8 = _new_utf8_decoder()
            self._utf8.decode(data, fin)
        self._assembly += data
        self._size += len(data)
        self._frame_size += len(data)
        if last:
            self._end_fragment(fin)

    def _end_fragment(self, fin: bool) -> None:
        if self.streaming:
            self._put(Fragment(self._opcode, bytes(self._assembly), fin), len(self._assembly))
            self._assembly = bytearray()
        else:
            if self._sizes is None:
                self._sizes = array("L")
            self._sizes.append(self._frame_size)
        if not fin:
            return
        if not self.streaming:
            data = self._assembly.decode() if self._opcode == _TEXT else bytes(self._assembly)
            item: Any = (
                data if self._sizes is None or self._count == 1 else FragmentedMessage(data, self._sizes)
            )
            self._put(item, self._size)
        self.streaming = False
        self._opcode = 0
        self._size = 0
        self._assembly = bytearray()
        self._sizes = None
        self._utf8 = None

    def release(self) -> None:
        """Let go of buffers and of the inflater: nothing is parsed any more."""
        self._frames.release()
        self._inflater = None
        self._whole = None
        self._assembly = bytearray()
        self._sizes = None

    def start_streaming(self) -> None:
        """Put the fragments of the next message into the inbox one by one, those held already at once.

        The inbox must be empty: the message that is unfinished, or not begun, is the next one.
        """
        if self.streaming:
            return
        self.streaming = self._inbox.streamed = True
        if self._whole is not None:
            self._assembly = bytearray(memoryview(self._whole)[: self._filled])
            self._size = self._frame_size = self._filled
            self._whole = None
        payload = bytes(self._assembly)
        start = 0
        for size in self._sizes or ():
            self._inbox.admit(Fragment(self._opcode, payload[start : start + size], False), size)
            start += size
        self._assembly = bytearray(payload[start:])
        self._sizes = None

    def stop_streaming(self) -> None:
        """Undo :meth:`start_streaming`: no fragment was taken, so the message is assembled after all."""
        self.streaming = False
        unfinished = self._inbox.join_fragments()
        if unfinished is not None:
            data, self._sizes = unfinished
            self._assembly[:0] = data
            self._count = max(self._count, len(unfinished[1]) + 1)

    def _put(self, item: Any, size: int) -> None:
        inbox = self._inbox
        if self.discarding and (self._cut or not inbox.has_room()):
            is_fragment = item.__class__ is Fragment
            inbox.refuse(size, not (self._cut and is_fragment))
            # What comes behind the gap would be taken for the rest of the streamed message.
            self._cut = self._cut or is_fragment
        elif not inbox.metered:
            inbox.put(item)
        elif not inbox.admit(item, size):
            inbox.refuse(size)
            raise InboxFull(inbox.count, inbox.held)
