"""The coroutine tests of this folder run on an event loop whose time jumps."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.clock import JUMPING, JumpingLoop


def pytest_asyncio_loop_factories() -> Mapping[str, type[JumpingLoop]]:
    return JUMPING
