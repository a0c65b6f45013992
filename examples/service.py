"""A service that is configured by a file, and by the environment over it: ``python service.py [FILE]``.

``WSSDK_URI=ws://... WSSDK_TIMEOUTS__OPEN=2s python service.py`` changes what the file says.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from wssdk import ClientConfig, ConfigError, ConnectionFactory

FILE = Path(__file__).with_name("service.toml")


class PriceService:
    """Asks for prices and keeps the last one of each symbol."""

    def __init__(self, factory: ConnectionFactory) -> None:
        self._factory = factory
        self.prices: dict[str, float] = {}

    async def run(self, symbols: list[str]) -> None:
        async with self._factory.connect() as ws:
            for number, symbol in enumerate(symbols):
                await ws.send(json.dumps({"symbol": symbol, "price": 100.0 + number}))
            async for message in ws:
                trade = json.loads(message)
                self.prices[trade["symbol"]] = trade["price"]
                if len(self.prices) == len(symbols):
                    break


def main(file: Path) -> int:
    try:
        config = ClientConfig.load(file, connection="trades")
    except ConfigError as error:
        # All problems at once, each with its file:line:column and a hint.
        print(error, file=sys.stderr)
        return 2
    service = PriceService(ConnectionFactory(config))
    asyncio.run(service.run(["ACME", "INIT"]))
    print(f"{config.uri}: {service.prices}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE))
