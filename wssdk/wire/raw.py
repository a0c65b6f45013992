"""Bytes, cut, decoded, masked and framed: the few steps that differ between the two forms.

Everything else of this room is compiled from its ``.py`` file as it stands. These functions are what the
interpreter does best; ``raw.pxd`` says the same in C, and takes their place in the compiled form.
"""

from __future__ import annotations

import functools
import sys
from typing import Final

__all__ = [
    "cut",
    "cut_text",
    "fill",
    "filled",
    "frame",
    "new_buffer",
    "only_mine",
    "room_for",
    "text",
    "text_frame",
    "xor",
]


_LONG: Final = 4096


def cut(buffer: bytes | bytearray, start: int, stop: int) -> bytes:
    """Return a copy of ``buffer[start:stop]``."""
    return bytes(memoryview(buffer)[start:stop])


def cut_text(buffer: bytearray, start: int, stop: int) -> str:
    """Return ``buffer[start:stop]`` decoded.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    return str(memoryview(buffer)[start:stop], "utf-8")


def text(data: bytes) -> str:
    """Return ``data`` decoded.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    return data.decode()


def new_buffer(size: int) -> bytearray:
    """Return a buffer of ``size`` bytes; what is in it does not matter."""
    return bytearray(size)


def room_for(size: int) -> bytes | bytearray:
    """Return ``size`` bytes to :func:`fill`; :func:`filled` makes ``bytes`` of them."""
    return bytearray(size)


def fill(target: bytes | bytearray, offset: int, buffer: bytearray, start: int, stop: int) -> None:
    """Copy ``buffer[start:stop]`` to ``offset`` in what :func:`room_for` returned."""
    assert isinstance(target, bytearray)
    target[offset : offset + stop - start] = memoryview(buffer)[start:stop]


def filled(target: bytes | bytearray) -> bytes:
    """Return ``target``, all of it filled, as ``bytes``; it must not be filled any more."""
    return bytes(target)


@functools.cache
def _table(key: int) -> bytes:
    """Return every byte XORed with ``key``: 256 tables at most."""
    return bytes(byte ^ key for byte in range(256))


def xor(payload: bytes | bytearray | memoryview, key: bytes) -> bytes:
    """Return ``payload`` XORed with the four bytes of ``key``, repeated."""
    size = len(payload)
    if size == 0:
        return b""
    if size >= _LONG:
        # Each byte of the key by a table of its own: twice as fast where there is much to do.
        mixed_bytes, data = bytearray(size), bytes(payload)
        for place, byte in enumerate(key):
            mixed_bytes[place::4] = data[place::4].translate(_table(byte))
        return bytes(mixed_bytes)
    # One XOR of two long integers: the fastest way that the interpreter has for little.
    pad = key * ((size >> 2) + 1)
    mixed = int.from_bytes(payload, sys.byteorder) ^ int.from_bytes(pad[:size], sys.byteorder)
    return mixed.to_bytes(size, sys.byteorder)


def frame(first: int, payload: bytes | bytearray | memoryview, key: bytes | None) -> bytes:
    """Return a frame (RFC 6455, 5.2) with ``first`` as its first byte, masked where there is a key."""
    size = len(payload)
    flag = 0 if key is None else 0x80
    if size < 126:
        header = bytes((first, size | flag))
    elif size < 65536:
        header = bytes((first, 126 | flag)) + size.to_bytes(2, "big")
    else:
        header = bytes((first, 127 | flag)) + size.to_bytes(8, "big")
    return header + payload if key is None else header + key + xor(payload, key)


def text_frame(first: int, message: str, key: bytes | None) -> bytes:
    """Return a frame with ``message`` in UTF-8.

    Raises:
        UnicodeEncodeError: the message has a lone surrogate.
    """
    return frame(first, message.encode(), key)


def only_mine(thing: object) -> bool:
    """Tell whether nobody but the caller's one attribute holds ``thing``; only the compiled form can."""
    return False
