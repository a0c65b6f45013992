"""The unit test of ``injected_factory.py``: a fake instead of a network; ``pytest examples`` runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.injected_factory import Greeter


class FakeChannel:
    """Keeps what is sent and gives the answers it was made with."""

    def __init__(self, *answers: str) -> None:
        self.sent: list[str] = []
        self._answers = iter(answers)

    async def send(self, message: str) -> None:
        self.sent.append(message)

    async def recv(self) -> str:
        return next(self._answers)


class FakeChannels:
    """Gives one channel to whoever connects."""

    def __init__(self, channel: FakeChannel) -> None:
        self._channel = channel

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[FakeChannel]:
        yield self._channel


def test_greets_by_name() -> None:
    channel = FakeChannel("Hello yourself!")

    answer = asyncio.run(Greeter(FakeChannels(channel)).greet("Ada"))

    assert channel.sent == ["Hello, Ada!"]
    assert answer == "Hello yourself!"
