"""Established connections over pipes that the test plays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import attrs

from tests.support.pipes import FakePipe, PlayedTransport
from tests.support.raw_peer import settle
from wssdk.config import ClientConfig
from wssdk.connection.connection import ClientConnection
from wssdk.headers import Headers, Request, Response
from wssdk.ports import Extension, Pipe
from wssdk.protocol.core import Role
from wssdk.typing import Subprotocol

__all__ = ["LOGGER", "REQUEST", "RESPONSE", "establish", "hold", "made_on", "started", "take_all", "ticks"]

T = TypeVar("T")

LOGGER: Final = logging.getLogger("tests.connection")
REQUEST: Final = Request("/", Headers({"Host": "example.com"}))
RESPONSE: Final = Response(101, "Switching Protocols", Headers())


def establish(
    *,
    role: Role = Role.CLIENT,
    extensions: Sequence[Extension] = (),
    high: int = 1 << 16,
    low: int = 1 << 14,
    kind: type[ClientConnection] = ClientConnection,
    ping_interval: float | None = None,
    **keywords: Any,
) -> tuple[ClientConnection, PlayedTransport]:
    """Return a connection and its peer.

    ``high`` and ``low`` are the marks of the write buffer, ``keywords`` those of ``connect()``. There is no
    keepalive unless ``ping_interval`` is given.
    """
    pipe = FakePipe(PlayedTransport(high, low))
    connection = made_on(
        pipe, role=role, extensions=extensions, kind=kind, ping_interval=ping_interval, **keywords
    )
    connection.start()
    return connection, pipe.played


def made_on(
    pipe: Pipe,
    *,
    role: Role = Role.CLIENT,
    extensions: Sequence[Extension] = (),
    subprotocol: Subprotocol | None = None,
    kind: type[ClientConnection] = ClientConnection,
    wakeup: str = "direct",
    **keywords: Any,
) -> ClientConnection:
    """Return a connection over ``pipe`` that is not started."""
    network: Any = {"wakeup": wakeup}  # whose words the configuration checks
    config = ClientConfig.from_connect("ws://example.com/", **keywords)
    return kind(
        pipe,
        config=attrs.evolve(config, network=attrs.evolve(config.network, **network)),
        request=REQUEST,
        response=RESPONSE,
        logger=LOGGER,
        subprotocol=subprotocol,
        extensions=extensions,
        role=role,
    )


async def ticks(count: int) -> None:
    """Let the event loop turn ``count`` times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def started(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Return a task of ``coroutine`` that has run until it waits."""
    task = asyncio.get_running_loop().create_task(coroutine)
    await settle()
    return task


async def hold(ping: Coroutine[Any, Any, Awaitable[float]]) -> None:
    """Send a ping, and do not wait for its pong."""
    _ = await ping


async def take_all(items: AsyncIterable[T], into: list[T]) -> None:
    """Append every item to ``into``: what came is there, too, where the iteration raises."""
    async for item in items:
        into.append(item)  # noqa: PERF401
