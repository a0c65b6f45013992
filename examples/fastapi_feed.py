"""One connection for all requests of a FastAPI application: ``python fastapi_feed.py [URI]`` asks it once.

A task that lives as long as the application holds the connection, and opens it again when it is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self, cast

import httpx2
from fastapi import Depends, FastAPI, HTTPException, Request

from wssdk import ClientConfig, ClientConnection, ConnectionClosed, ConnectionFactory

URI = "ws://127.0.0.1:8765/"

logger = logging.getLogger("feed")


class FeedEndedError(Exception):
    """There will be no more prices."""


class Feed:
    """Follows prices and keeps the last one of each symbol."""

    def __init__(self, factory: ConnectionFactory, symbols: list[str]) -> None:
        self._factory = factory
        self._symbols = symbols
        self._prices: dict[str, float] = {}
        self._ended = False
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Self]:
        """Follow prices as long as the block lasts."""
        task = asyncio.create_task(self._follow())
        try:
            yield self
        finally:
            task.cancel()  # which closes the connection
            await asyncio.wait([task])

    async def _follow(self) -> None:
        try:
            async for ws in self._factory.connect():
                with contextlib.suppress(ConnectionClosed):
                    await self._receive(ws)
        except Exception:
            # Fatal, as a refusal that no retry can change. The requests have to be told: uvicorn, for one,
            # goes on serving an application whose lifespan has failed.
            logger.exception("the feed has ended")
            async with self._changed:
                self._ended = True
                self._changed.notify_all()

    async def _receive(self, ws: ClientConnection) -> None:
        # An echo server answers a subscription with its first price.
        for number, symbol in enumerate(self._symbols):
            await ws.send(json.dumps({"symbol": symbol, "price": 100.0 + number}))
        async for message in ws:
            trade = json.loads(message)
            async with self._changed:
                self._prices[trade["symbol"]] = trade["price"]
                self._changed.notify_all()

    async def price(self, symbol: str) -> float:
        """Return the last price, waiting for the first.

        Raises:
            KeyError: the symbol is not followed.
            FeedEndedError: it is followed no more.
        """
        if symbol not in self._symbols:
            raise KeyError(symbol)
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or symbol in self._prices)
        if self._ended:
            raise FeedEndedError
        return self._prices[symbol]


def feed_of(request: Request) -> Feed:
    """Dependency: the application's feed, which tests override."""
    return cast("Feed", request.app.state.feed)


async def price(symbol: str, feed: Annotated[Feed, Depends(feed_of)]) -> dict[str, float]:
    try:
        async with asyncio.timeout(5):  # seconds
            return {symbol: await feed.price(symbol)}
    except KeyError:
        raise HTTPException(404, "no such symbol") from None
    except TimeoutError:
        raise HTTPException(503, "no price yet") from None
    except FeedEndedError:
        raise HTTPException(503, "the feed has ended") from None


def create_app(config: ClientConfig | None = None) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        factory = ConnectionFactory(ClientConfig.load() if config is None else config)
        async with Feed(factory, ["ACME", "INIT"]).following() as app.state.feed:
            yield

    app = FastAPI(lifespan=lifespan)
    app.get("/prices/{symbol}")(price)
    return app


async def main(uri: str) -> None:
    app = create_app(ClientConfig(uri=uri))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client,
    ):
        for symbol in ("INIT", "NONE"):
            response = await client.get(f"/prices/{symbol}")
            print(response.status_code, response.json())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else URI))
