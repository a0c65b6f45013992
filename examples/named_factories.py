"""Several named factories from one file, each where it is needed: ``python named_factories.py [FILE]``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from wssdk import ConfigError, ConnectionFactory, load_factories

FILE = Path(__file__).with_name("named_factories.toml")


class Desk:
    """Orders over one connection, and looks at prices over another."""

    def __init__(self, trades: ConnectionFactory, quotes: ConnectionFactory) -> None:
        self._trades = trades
        self._quotes = quotes

    async def buy(self, symbol: str) -> list[str]:
        async with self._quotes.connect() as quotes, self._trades.connect() as trades:
            await quotes.send(f"quote {symbol}")
            quote = await quotes.recv()
            await trades.send(f"buy {symbol}")
            return [str(quote), str(await trades.recv())]


def desk_of(factories: Mapping[str, ConnectionFactory]) -> Desk:
    """Compose the application: the only place that knows the names of the connections."""
    return Desk(trades=factories["trades"], quotes=factories["quotes"])


def main(file: Path) -> int:
    try:
        factories = load_factories(file)
    except ConfigError as error:
        # All problems of all connections at once.
        print(error, file=sys.stderr)
        return 2
    print(", ".join(factories))
    for line in asyncio.run(desk_of(factories).buy("ACME")):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE))
