"""Frames as raw bytes (RFC 6455, 5.2), right or wrong: a second opinion on the wire room.

It shares nothing with wssdk, so that both cannot be wrong together.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["ParsedFrame", "close_payload", "frame", "parse_frames"]

# Bytes of the extended payload length in each form, and the 7 bits that announce it.
_FORMS: Final = {7: (0, None), 16: (2, 126), 64: (8, 127)}


@attrs.frozen
class ParsedFrame:
    """A frame found in bytes."""

    fin: bool
    rsv: int
    """The three reserved bits, RSV1 the highest: 0 to 7."""
    opcode: int
    masked: bool
    payload: bytes
    """Unmasked."""


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length_form: int | None = None,
) -> bytes:
    """Return a frame; ``rsv`` is 0 to 7, ``mask`` the masking key, ``length_form`` 7, 16 or 64.

    The shortest form of the length is taken where none is forced. Nothing is checked but what cannot
    be written: it is for frames that no decent library would send, too.
    """
    size = len(payload)
    if length_form is None:
        length_form = 7 if size < 126 else 16 if size < 1 << 16 else 64
    extended, announced = _FORMS[length_form]
    second = size if announced is None else announced
    head = bytes([fin << 7 | rsv << 4 | opcode, (mask is not None) << 7 | second])
    head += size.to_bytes(extended) if extended else b""
    return head + payload if mask is None else head + mask + _xored(payload, mask)


def close_payload(code: int, reason: bytes = b"") -> bytes:
    """Return the payload of a close frame, whatever the code."""
    return code.to_bytes(2) + reason


def parse_frames(data: bytes) -> list[ParsedFrame]:
    """Return the frames of ``data``, which must end with a frame.

    Raises:
        ValueError: the last frame is cut off, or a length is not in its shortest form.
    """
    frames = []
    at = 0
    while at < len(data):
        parsed, at = _parse(data, at)
        frames.append(parsed)
    return frames


def _parse(data: bytes, at: int) -> tuple[ParsedFrame, int]:
    first, second = _cut(data, at, 2)
    at += 2
    masked, size = bool(second >> 7), second & 127
    if size > 125:
        extended = 2 if size == 126 else 8
        size = int.from_bytes(_cut(data, at, extended))
        at += extended
        if size < (126 if extended == 2 else 1 << 16):
            raise ValueError(f"length {size} in {extended} bytes")
    mask = b""
    if masked:
        mask = _cut(data, at, 4)
        at += 4
    payload = _xored(_cut(data, at, size), mask)
    return ParsedFrame(bool(first >> 7), first >> 4 & 7, first & 15, masked, payload), at + size


def _cut(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError(f"frame is cut off: {at + size - len(data)} bytes are missing")
    return data[at : at + size]


def _xored(payload: bytes, mask: bytes) -> bytes:
    """Mask or unmask, byte by byte as 5.3 has it: slow, and easy to believe."""
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if mask else payload
