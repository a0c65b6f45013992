"""Frames as they go out (RFC 6455, 5.2)."""

from __future__ import annotations

import pytest

from wssdk.wire.frame_writer import FrameWriter

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def unmasked(data: bytes, size: int) -> bytes:
    """Return the payload of ``size`` bytes at the end of a masked frame."""
    key, payload = data[-size - 4 : -size], data[-size:]
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize(
    ("opcode", "fin", "rsv", "first"),
    [
        (TEXT, True, 0, 0x81),
        (BINARY, True, 0, 0x82),
        (TEXT, False, 0, 0x01),
        (0, False, 0, 0x00),
        (0, True, 0, 0x80),
        (CLOSE, True, 0, 0x88),
        (PING, True, 0, 0x89),
        (TEXT, True, 0x40, 0xC1),
        (BINARY, False, 0x70, 0x72),
    ],
)
def test_first_byte(opcode: int, fin: bool, rsv: int, first: int) -> None:
    assert FrameWriter(False).serialize(opcode, b"", fin, rsv)[0] == first


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "82 00"),
        (1, "82 01"),
        (125, "82 7d"),
        (126, "82 7e 00 7e"),
        (65535, "82 7e ff ff"),
        (65536, "82 7f 00 00 00 00 00 01 00 00"),
        (70000, "82 7f 00 00 00 00 00 01 11 70"),
    ],
)
def test_length_takes_its_shortest_form(size: int, header: str) -> None:
    payload = b"x" * size
    assert FrameWriter(False).serialize(BINARY, payload, True, 0) == bytes.fromhex(header) + payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_client_marks_its_frames_as_masked(size: int) -> None:
    assert FrameWriter(True).serialize(BINARY, b"x" * size, True, 0)[1] & 0x80


@pytest.mark.parametrize("size", [1, 3, 4, 125, 126, 65535, 65536])
def test_client_masks_with_the_key_in_the_frame(size: int) -> None:
    assert unmasked(FrameWriter(True).serialize(BINARY, b"x" * size, True, 0), size) == b"x" * size


def test_masked_frame_without_payload_still_has_a_key() -> None:
    assert len(FrameWriter(True).serialize(PING, b"", True, 0)) == 6


def test_every_frame_has_its_own_key() -> None:
    writer = FrameWriter(True)
    keys = {writer.serialize(BINARY, b"", True, 0)[2:6] for _ in range(200)}
    assert len(keys) > 197


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_takes_every_kind_of_bytes(kind: type[bytearray] | type[memoryview], masked: bool) -> None:
    frame = FrameWriter(masked).serialize(BINARY, kind(b"Hello"), True, 0)
    assert (unmasked(frame, 5) if masked else frame[2:]) == b"Hello"
