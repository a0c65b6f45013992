"""Waiting for a condition that nothing announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["until"]

_PAUSE: Final = 0.002


async def until(condition: Callable[[], object], limit: float = 5.0) -> None:
    """Return when ``condition()`` is true.

    Raises:
        TimeoutError: it was not within ``limit`` seconds.
    """
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(_PAUSE)
