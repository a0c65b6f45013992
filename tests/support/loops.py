"""Event loops to run tests on: asyncio's own, and uvloop's where it is installed."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import pytest

from tests.support.software import missing

__all__ = ["LOOPS", "LoopFactory"]

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

# Read now: fixtures take it out of the environment before they make the loop.
_REQUIRED: Final = bool(os.environ.get("WSSDK_REQUIRE_SOFTWARE"))


def _uvloop() -> asyncio.AbstractEventLoop:
    """Return a new event loop of uvloop; skip the test without it, or fail where it is required."""
    if reason := missing("uvloop"):
        if _REQUIRED:
            pytest.fail(f"needs uvloop: {reason}", pytrace=False)
        pytest.skip(f"needs uvloop: {reason}")
    loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    return loop


LOOPS: Final[Mapping[str, LoopFactory]] = {"asyncio": asyncio.new_event_loop, "uvloop": _uvloop}
"""What a ``conftest.py`` returns from ``pytest_asyncio_loop_factories`` to run its tests on each."""
