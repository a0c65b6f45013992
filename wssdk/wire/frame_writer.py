"""Messages and control frames to the bytes of frames (RFC 6455, 5.2)."""

from __future__ import annotations

from wssdk.wire import raw
from wssdk.wire.mask import MaskingKeys

__all__ = ["FrameWriter"]


class FrameWriter:
    """Serialises frames; masks them when this side is the client."""

    def __init__(self, masked: bool) -> None:
        self._keys = MaskingKeys() if masked else None

    def serialize(self, opcode: int, payload: bytes | bytearray | memoryview, fin: bool, rsv: int) -> bytes:
        """Return one frame as it goes on the wire.

        ``rsv`` holds the reserved bits where they stand in the first byte (RSV1 is 0x40).
        """
        first = opcode | rsv | (0x80 if fin else 0)
        return raw.frame(first, payload, None if self._keys is None else self._keys.draw())

    def serialize_text(self, message: str) -> bytes:
        """Return a whole text message as one frame.

        Raises:
            UnicodeEncodeError: the message has a lone surrogate.
        """
        return raw.text_frame(0x81, message, None if self._keys is None else self._keys.draw())
