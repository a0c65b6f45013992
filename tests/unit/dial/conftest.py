"""Every coroutine test of this folder runs on every event loop."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.loops import LOOPS, LoopFactory


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    return LOOPS
