"""permessage-deflate (RFC 7692, 7): compress and inflate, bounded."""

from __future__ import annotations

import zlib
from typing import Any, Final

from wssdk.codes import Opcode
from wssdk.errors import PayloadTooBig, ProtocolError
from wssdk.ports import Frame
from wssdk.wire.backends import ZLIB, Backend, load_backend

__all__ = ["Deflater", "Inflater", "PerMessageDeflate"]

# RFC 7692, 7.2.1: the sender cuts these four bytes off, the receiver puts them back (7.2.2).
_TAIL: Final = b"\x00\x00\xff\xff"
# RFC 7692, 7.2.3.6: an empty block less its tail, where zlib has nothing left to flush.
_EMPTY_BLOCK: Final = b"\x00"
# A final block costs a new zlib stream, and can be two bytes: this many of them in one read are an attack.
_MAX_FINAL_BLOCKS: Final = 128


# What is kept of the messages before while zlib's state is let go of, bytes.
_HISTORY: Final = 4096


class Deflater:
    """Compresses the messages of one direction.

    zlib's state, some 30 KiB, is made when it is needed. It is let go of after the first message, for many
    clients send one and then only listen, and by :meth:`rest`. The next one begins with the end of what was
    sent as its dictionary: the peer's window holds that, so that takeover of context goes on.
    """

    def __init__(
        self,
        window_bits: int,
        no_context_takeover: bool,
        level: int,
        mem_level: int,
        backend: Backend = ZLIB,
    ) -> None:
        # zlib does not compress with a window of 8 bits; with 9 it looks back 250 bytes at most, which
        # fits in the 256 of the peer's window. isal looks further.
        if window_bits < 9 and backend.name == "isal":
            backend = ZLIB
        self._window_bits = max(window_bits, 9)
        self._no_context_takeover = no_context_takeover
        self._level = level
        self._mem_level = mem_level
        self._backend = backend
        self._zlib: Any = None
        self._history = b""
        self._first = True
        self._used = False

    def deflate(self, data: bytes | bytearray | memoryview, fin: bool) -> bytes:
        """Return the compressed payload of the next frame of a message; ``fin`` ends the message."""
        if self._zlib is None:
            self._zlib = self._backend.compressor(
                self._level, self._window_bits, self._mem_level, self._history
            )
        out: bytes = self._zlib.compress(data) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        self._used = True
        if not self._no_context_takeover:
            self._remember(data)
        if not fin:
            return out
        if self._no_context_takeover or self._first:
            self._zlib = None
            self._first = False
        return out[:-4] if out else _EMPTY_BLOCK

    def _remember(self, data: bytes | bytearray | memoryview) -> None:
        if len(data) >= _HISTORY:
            self._history = bytes(data[-_HISTORY:])
        else:
            self._history = b"".join((self._history, data))[-_HISTORY:]

    def rest(self) -> None:
        """Let go of zlib's state if nothing was compressed since this was last called; between messages."""
        if not self._used:
            self._zlib = None
        self._used = False


class Inflater:
    """Inflates the messages of one direction, never past a bound.

    zlib's state, up to 40 KiB, is made when it is needed, and let go of after the first message, where that
    was small: the next one begins with it as its dictionary.
    """

    def __init__(self, window_bits: int, no_context_takeover: bool, backend: Backend = ZLIB) -> None:
        # 8 bits are beyond some compressors, which use 9 then; a larger window inflates both.
        self._window_bits = max(window_bits, 9)
        self._no_context_takeover = no_context_takeover
        self._backend = backend
        self._error = backend.error
        self._zlib: Any = None
        self._history = b""
        self._whole = not no_context_takeover
        self._first = True

    def inflate(self, data: bytes | bytearray | memoryview, fin: bool, room: int) -> bytes:
        """Return the inflated bytes of the next piece of a message; ``fin`` ends the message.

        ``room`` is how many bytes may come out; -1 means that there is no limit.

        Raises:
            PayloadTooBig: more than ``room`` bytes would come out; inflating stopped there.
            ProtocolError: the data is not DEFLATE (RFC 1951), or has final blocks by the hundred.
        """
        try:
            out = self._run(b"".join((data, _TAIL)) if fin else data, room)
        except self._error as error:
            raise ProtocolError(f"compressed data is invalid: {error}") from error
        if self._whole:
            # All that a later message may refer to, as long as that is little.
            self._history += out
            if len(self._history) > _HISTORY:
                self._whole = False
                self._history = b""
        if fin:
            if self._no_context_takeover or (self._first and self._whole):
                self._zlib = None
            self._first = False
        return out

    def _run(self, data: bytes | bytearray | memoryview, room: int) -> bytes:
        if self._zlib is None:
            self._zlib = self._backend.decompressor(self._window_bits, self._history)
        # 0 would mean "no limit" to zlib; one byte more than the room tells that it is exceeded.
        out: bytes = self._zlib.decompress(data, room + 1)
        final_blocks = 0
        while self._zlib.eof:
            # RFC 7692, 7.2.3.4: a block with BFINAL set ends zlib's stream, not the message's.
            final_blocks += 1
            if final_blocks > _MAX_FINAL_BLOCKS:
                raise ProtocolError("compressed data has too many final blocks")
            rest = self._zlib.unused_data
            self._zlib = self._backend.decompressor(self._window_bits, out[-32768:])
            if not rest:
                break
            if 0 <= room < len(out):
                break
            out += self._zlib.decompress(rest, room - len(out) + 1 if room >= 0 else 0)
        if 0 <= room < len(out):
            raise PayloadTooBig(None, room)
        return out


class PerMessageDeflate:
    """The agreed extension (RFC 7692, 7.1): its four parameters, as this side sees them.

    ``remote_*`` is about the messages that the peer compresses, ``local_*`` about ours. It makes the
    inflater and deflater of a connection; where other extensions are agreed as well, it works on
    frames, as an :class:`~wssdk.ports.Extension`. ``window_bits``: what this side compresses with where
    more is agreed, for a smaller window is always legal.
    """

    def __init__(
        self,
        remote_no_context_takeover: bool,
        local_no_context_takeover: bool,
        remote_max_window_bits: int,
        local_max_window_bits: int,
        *,
        level: int = -1,
        mem_level: int = 5,
        min_size: int = 0,
        backend: str = "auto",
        window_bits: int = 15,
    ) -> None:
        self.name = "permessage-deflate"
        self.remote_no_context_takeover = remote_no_context_takeover
        self.local_no_context_takeover = local_no_context_takeover
        self.remote_max_window_bits = remote_max_window_bits
        self.local_max_window_bits = local_max_window_bits
        self.level = level
        self.mem_level = mem_level
        self.min_size = min_size
        self.backend = backend
        self.window_bits = window_bits
        self._inflater: Inflater | None = None
        self._deflater: Deflater | None = None
        self._inflating = False
        self._deflating = False

    def __repr__(self) -> str:
        return (
            f"PerMessageDeflate(remote_no_context_takeover={self.remote_no_context_takeover}, "
            f"local_no_context_takeover={self.local_no_context_takeover}, "
            f"remote_max_window_bits={self.remote_max_window_bits}, "
            f"local_max_window_bits={self.local_max_window_bits})"
        )

    def new_inflater(self) -> Inflater:
        """Return the inflater of one connection."""
        backend = load_backend(self.backend)
        return Inflater(self.remote_max_window_bits, self.remote_no_context_takeover, backend)

    def new_deflater(self) -> Deflater:
        """Return the deflater of one connection."""
        return Deflater(
            min(self.local_max_window_bits, self.window_bits),
            self.local_no_context_takeover,
            self.level,
            self.mem_level,
            load_backend(self.backend),
        )

    def encode(self, frame: Frame) -> Frame:
        """Return ``frame`` compressed; control frames pass as they are."""
        if frame.opcode >= Opcode.CLOSE:
            return frame
        if frame.opcode != Opcode.CONT:
            self._deflating = not frame.fin or len(frame.data) >= max(1, self.min_size)
        if not self._deflating:
            return frame
        if self._deflater is None:
            self._deflater = self.new_deflater()
        data = self._deflater.deflate(frame.data, frame.fin)
        return Frame(frame.opcode, data, frame.fin, frame.opcode != Opcode.CONT, frame.rsv2, frame.rsv3)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Return ``frame`` inflated to at most ``max_size`` bytes; None means that there is no limit.

        Raises:
            PayloadTooBig: the inflated payload is larger than ``max_size``.
            ProtocolError: RSV1 on a continuation, or the data is not DEFLATE.
        """
        if frame.opcode >= Opcode.CLOSE:
            return frame
        if frame.opcode != Opcode.CONT:
            self._inflating = frame.rsv1
        elif frame.rsv1:
            raise ProtocolError("RSV1 is set on a continuation frame")
        if not self._inflating:
            return frame
        if self._inflater is None:
            self._inflater = self.new_inflater()
        data = self._inflater.inflate(frame.data, frame.fin, -1 if max_size is None else max_size)
        return Frame(frame.opcode, data, frame.fin, False, frame.rsv2, frame.rsv3)
