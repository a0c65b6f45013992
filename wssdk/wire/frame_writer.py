"""Messages and control frames to the bytes of frames (RFC 6455, 5.2)."""

from __future__ import annotations

from wssdk.wire.mask import apply_mask, next_masking_key

__all__ = ["FrameWriter"]


class FrameWriter:
    """Serialises frames; masks them when this side is the client."""

    def __init__(self, masked: bool) -> None:
        self._masked = masked

    def serialize(self, opcode: int, payload: bytes | bytearray | memoryview, fin: bool, rsv: int) -> bytes:
        """Return one frame as it goes on the wire.

        ``rsv`` holds the reserved bits where they stand in the first byte (RSV1 is 0x40).
        """
        size = len(payload)
        first = opcode | rsv | (0x80 if fin else 0)
        flag = 0x80 if self._masked else 0
        if size < 126:
            header = bytes((first, size | flag))
        elif size < 65536:
            header = bytes((first, 126 | flag)) + size.to_bytes(2, "big")
        else:
            header = bytes((first, 127 | flag)) + size.to_bytes(8, "big")
        if not flag:
            return header + payload
        key = next_masking_key()
        return header + key + apply_mask(payload, key)
