"""Masking (RFC 6455, 5.3): the XOR, and the keys for it."""

from __future__ import annotations

import os
from typing import Final

from wssdk.wire import raw

__all__ = ["apply_mask", "next_masking_key"]

_KEYS_PER_DRAW: Final = 128

# list.pop() and list.append() are atomic, so event loops of several threads may share the stock.
_stock: list[bytes] = []


def apply_mask(payload: bytes | bytearray | memoryview, key: bytes) -> bytes:
    """Return ``payload`` XORed with ``key`` repeated; masking twice gives the payload back.

    Raises:
        ValueError: the key does not have 4 bytes.
    """
    if len(key) != 4:
        raise ValueError("masking key must be 4 bytes")
    return raw.xor(payload, key)


def next_masking_key() -> bytes:
    """Return four unpredictable bytes, never given out before (RFC 6455, 5.3 and 10.3)."""
    try:
        return _stock.pop()
    except IndexError:
        block = os.urandom(4 * _KEYS_PER_DRAW)
        _stock.extend([block[i : i + 4] for i in range(4, len(block), 4)])
        return block[:4]


# A child process that inherited the stock would send the same keys as its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stock.clear)
