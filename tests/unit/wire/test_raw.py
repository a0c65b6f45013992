"""What the two forms each say in their own language, asked of the classes that use it: both must agree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wssdk.wire import raw
from wssdk.wire.frame_writer import FrameWriter
from wssdk.wire.mask import apply_mask

ROOT = Path(__file__).parents[3]
SIZES = [0, 1, 3, 7, 8, 9, 125, 126, 127, 255, 256, 65535, 65536, 65537, 1 << 20]


def test_cut_is_a_copy() -> None:
    buffer = bytearray(b"abcd")
    cut = raw.cut(buffer, 1, 3)
    buffer[:] = bytes(4)
    assert cut == b"bc"


def test_text_is_cut_decoded() -> None:
    assert raw.cut_text(bytearray("aéb".encode()), 1, 3) == "é"


@pytest.mark.parametrize("stop", [2, 5])
def test_text_that_is_not_utf8_is_not_cut(stop: int) -> None:
    with pytest.raises(UnicodeDecodeError):
        raw.cut_text(bytearray(b"a\xc3\xff\xfe\xff"), 0, stop)


def test_room_is_filled_piece_by_piece() -> None:
    room = raw.room_for(4)
    raw.fill(room, 0, bytearray(b"xab"), 1, 3)
    raw.fill(room, 2, bytearray(b"cdx"), 0, 2)
    assert raw.filled(room) == b"abcd"


def test_interpreter_does_not_tell_who_holds_a_thing() -> None:
    assert not raw.only_mine(object())


@pytest.mark.parametrize("size", SIZES)
def test_frame_of_the_writer_is_the_one_said_here(size: int) -> None:
    payload = os.urandom(size)
    assert FrameWriter(False).serialize(2, payload, True, 0) == raw.frame(0x82, payload, None)


@pytest.mark.parametrize("size", SIZES)
def test_masked_frame_of_the_writer_is_the_one_said_here(size: int) -> None:
    payload = os.urandom(size)
    data = FrameWriter(True).serialize(2, payload, True, 0)
    head = len(data) - size - 4
    assert data == raw.frame(0x82, payload, data[head : head + 4])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("start", [0, 1, 3])
def test_mask_is_the_one_said_here(size: int, start: int) -> None:
    payload, key = memoryview(os.urandom(size + start))[start:], os.urandom(4)
    assert apply_mask(payload, key) == raw.xor(payload, key)


@pytest.mark.parametrize("text", ["", "a", "é" * 63, "€" * 21845, "\U0001f600" * 16384])
def test_text_of_the_writer_is_the_one_said_here(text: str) -> None:
    assert FrameWriter(False).serialize_text(text) == raw.text_frame(0x81, text, None)


@pytest.mark.parametrize("text", ["\ud800", "a" * 1000 + "\udfff"])
def test_lone_surrogate_is_refused_alike(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        FrameWriter(False).serialize_text(text)
    with pytest.raises(UnicodeEncodeError):
        raw.text_frame(0x81, text, None)


_FRAMES = """
from wssdk.wire import raw
from wssdk.wire.frame_writer import FrameWriter
from wssdk.wire.mask import apply_mask
import hashlib, wssdk
seen = hashlib.sha256()
for size in [*range(300), 65535, 65536, 100000]:
    payload = bytes(index * 7 & 0xFF for index in range(size))
    seen.update(FrameWriter(False).serialize(2, payload, size % 2 == 0, 0x40 * (size % 3 == 0)))
    seen.update(apply_mask(payload, payload[:4].ljust(4, b"k")))
    seen.update(FrameWriter(False).serialize_text("x\\u20ac" * (size // 4)))
print(seen.hexdigest())
"""


def test_both_forms_frame_alike() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "WSSDK_PURE"}
    seen = {
        subprocess.run(
            [sys.executable, "-c", _FRAMES],
            env={**environment, **form, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for form in ({}, {"WSSDK_PURE": "1"})
    }
    assert len(seen) == 1
