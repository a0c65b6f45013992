"""Addresses of this machine that take no connection and refuse none, as behind a firewall that drops."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator
from typing import Final

__all__ = ["black_hole"]

_MOST: Final = 16
_PROBE: Final = 0.05


@contextlib.contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """Have ``address`` and ``port`` answer nothing, until the end of the block. Needs Linux, and no rights.

    Linux drops the SYN of a client where the backlog of who listens is full, and nobody accepts.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        hole = stack.enter_context(socket.socket(family))
        hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hole.bind((address, port))
        hole.listen(0)
        for _ in range(_MOST):
            filler = stack.enter_context(socket.socket(family))
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect((address, port))
            if not select.select([], [filler], [], _PROBE)[1]:
                break
        else:
            raise RuntimeError(f"the backlog of {address} is not full after {_MOST} connections")
        yield
