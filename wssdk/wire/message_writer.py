"""Messages and control frames to the bytes of frames: compressed, or passed through extensions."""

from __future__ import annotations

from collections.abc import Sequence

from wssdk.ports import Extension, Frame
from wssdk.wire.deflate import Deflater
from wssdk.wire.frame_writer import FrameWriter

__all__ = ["MessageWriter"]

_RSV1 = 0x40


class MessageWriter:
    """Serialises messages.

    ``deflater`` is there when permessage-deflate is the only extension; messages of less than
    ``min_deflate`` bytes are not compressed. With other extensions ``extensions`` holds all of them, in
    the order agreed.
    """

    def __init__(
        self,
        masked: bool,
        deflater: Deflater | None = None,
        min_deflate: int = 1,
        extensions: Sequence[Extension] = (),
    ) -> None:
        self._frames = FrameWriter(masked)
        self._deflater = deflater
        self._min_deflate = min_deflate
        self._extensions = tuple(extensions)
        self._plain = deflater is None and not extensions
        self._deflating = False

    def serialize(self, opcode: int, payload: bytes | bytearray | memoryview, fin: bool = True) -> bytes:
        """Return the frame of a message or fragment as it goes out."""
        if self._extensions:
            return self._encode(Frame(opcode, bytes(payload), fin))
        if self._deflater is None:
            return self._frames.serialize(opcode, payload, fin, 0)
        if opcode:
            self._deflating = not fin or len(payload) >= self._min_deflate
        if not self._deflating:
            return self._frames.serialize(opcode, payload, fin, 0)
        self._deflating = not fin
        data = self._deflater.deflate(payload, fin)
        return self._frames.serialize(opcode, data, fin, _RSV1 if opcode else 0)

    def serialize_text(self, message: str) -> bytes:
        """Return a whole text message as it goes out.

        Raises:
            UnicodeEncodeError: the message has a lone surrogate.
        """
        if self._plain:
            return self._frames.serialize_text(message)
        return self.serialize(1, message.encode())

    def serialize_control(self, opcode: int, payload: bytes) -> bytes:
        """Return a control frame as it goes out."""
        return (
            self._encode(Frame(opcode, payload))
            if self._extensions
            else self.serialize_plain(opcode, payload)
        )

    def serialize_plain(self, opcode: int, payload: bytes) -> bytes:
        """Return a control frame that no extension has touched."""
        return self._frames.serialize(opcode, payload, True, 0)

    def rest(self) -> None:
        """Let go of what can be made again, if it was not used since this was last called."""
        if self._deflater is not None and not self._deflating:
            self._deflater.rest()

    def release(self) -> None:
        """Let go of the deflater: nothing is sent any more."""
        self._deflater = None

    def _encode(self, frame: Frame) -> bytes:
        for extension in self._extensions:
            frame = extension.encode(frame)
        rsv = (frame.rsv1 << 6) | (frame.rsv2 << 5) | (frame.rsv3 << 4)
        return self._frames.serialize(frame.opcode, frame.data, frame.fin, rsv)
