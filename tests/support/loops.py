"""Event loops to run tests on: asyncio's own, and uvloop's where it is installed.

A ``conftest.py`` whose coroutine tests run on each has::

    from tests.support.loops import pytest_asyncio_loop_factories, pytest_itemcollected
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import pytest

__all__ = ["pytest_asyncio_loop_factories", "pytest_itemcollected"]

_LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]


def _uvloop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    return loop


_LOOPS: Final[Mapping[str, _LoopFactory]] = {"asyncio": asyncio.new_event_loop, "uvloop": _uvloop}


def pytest_asyncio_loop_factories() -> Mapping[str, _LoopFactory]:
    """Run every coroutine test on every event loop."""
    return _LOOPS


def pytest_itemcollected(item: pytest.Item) -> None:
    """Say of tests on uvloop that they need it."""
    callspec = getattr(item, "callspec", None)
    if callspec is not None and any(value is _uvloop for value in callspec.params.values()):
        item.add_marker(pytest.mark.needs("uvloop"))
