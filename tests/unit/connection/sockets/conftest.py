"""Here time is real: the tests of this folder run on every event loop."""

from __future__ import annotations

from tests.support.loops import pytest_asyncio_loop_factories, pytest_itemcollected

__all__ = ["pytest_asyncio_loop_factories", "pytest_itemcollected"]
