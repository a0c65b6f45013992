"""Masking (RFC 6455, 5.3): the XOR, and the keys for it."""

from __future__ import annotations

import os
from typing import Final

from wssdk.wire import raw

__all__ = ["MaskingKeys", "apply_mask"]

_KEYS_PER_DRAW: Final = 64


def apply_mask(payload: bytes | bytearray | memoryview, key: bytes) -> bytes:
    """Return ``payload`` XORed with ``key`` repeated; masking twice gives the payload back.

    Raises:
        ValueError: the key does not have 4 bytes.
    """
    if len(key) != 4:
        raise ValueError("masking key must be 4 bytes")
    return raw.xor(payload, key)


class MaskingKeys:
    """Unpredictable keys (RFC 6455, 5.3 and 10.3), none of them given out twice."""

    def __init__(self) -> None:
        self._block = b""
        self._next = 0
        self._forks = _forks

    def draw(self) -> bytes:
        """Return the next four bytes."""
        if self._next == len(self._block) or self._forks != _forks:
            self._block = os.urandom(4 * _KEYS_PER_DRAW)
            self._next = 0
            self._forks = _forks
        start = self._next
        self._next = start + 4
        return raw.cut(self._block, start, start + 4)


_forks = 0


def _forked() -> None:
    """Have nothing drawn before be given out again: a child process would send the keys of its parent."""
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
