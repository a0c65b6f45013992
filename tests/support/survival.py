"""A reconnecting connection over pipes whose peers the test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.connections import LOGGER, made_on
from tests.support.dialer import FakeClock
from tests.support.pipes import FakePipe, PlayedTransport, parse_frames
from tests.support.raw_peer import CLOSE, PING, PONG, TEXT, RawFrame, close_frame, frame
from wssdk.config import Limits, Reconnect
from wssdk.connection.connection import ClientConnection
from wssdk.ports import ConnectAttempt
from wssdk.reconnect import Attempts, ReconnectPolicy
from wssdk.reconnect.outbox import SendPolicy
from wssdk.reconnect.survivor import ReconnectingConnection

__all__ = ["Peer", "Peers", "surviving", "survivor"]

_SENDING = {"outbox", "outbox_bytes", "when_down", "resend", "acknowledge"}
_POLICY = {"process_exception", "delays"}
_LIMITS = {"max_queue", "max_queue_bytes", "on_full"}


class Peer(PlayedTransport):
    """The peer of one connection: answers close frames, and pings unless it is told not to."""

    def __init__(self, high: int = 1 << 16, low: int = 1 << 14) -> None:
        super().__init__(high, low)
        self.pongs = True
        """Whether pings are answered."""
        self._answered = 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        super().write(data)
        self._answer()

    def resume_peer(self) -> None:
        super().resume_peer()
        self._answer()

    def _answer(self) -> None:
        new = bytes(self.read_by_peer[self._answered :])
        try:
            got = parse_frames(new)
        except (ValueError, IndexError):
            return  # a frame that has come in part
        self._answered += len(new)
        loop = asyncio.get_running_loop()
        for each in got:
            if each.opcode == PING and self.pongs:
                loop.call_soon(self.feed, frame(PONG, each.payload))
            elif each.opcode == CLOSE:
                loop.call_soon(self._bid_farewell, each)

    def _bid_farewell(self, got: RawFrame) -> None:
        self.feed(close_frame(got.close_code))
        self.feed_eof()

    def say(self, *texts: str) -> None:
        """Send text messages."""
        self.feed(*(frame(TEXT, text.encode()) for text in texts))

    def close_with(self, code: int) -> None:
        """Close the connection in order."""
        self.feed(close_frame(code))
        self.feed_eof()

    def heard(self) -> list[str]:
        """Return the text messages that the client sent, as far as they were read."""
        return [got.payload.decode() for got in self.frames() if got.opcode == TEXT]


class Peers:
    """Opens connections to peers that the test plays.

    The first openings have ``outcomes``: they raise, or open for None. All others open. ``keywords`` are
    those of ``connect()``; ``high`` and ``low`` the marks of the write buffers, bytes.
    """

    def __init__(
        self, *outcomes: Exception | None, high: int = 1 << 16, low: int = 1 << 14, **keywords: Any
    ) -> None:
        self.attempts = 0
        """Openings that have begun."""
        self.all: list[Peer] = []
        """Peers so far."""
        self.connections: list[ClientConnection] = []
        """Connections so far."""
        self.may_open = asyncio.Event()
        """Cleared, an opening does not come to an end."""
        self.may_open.set()
        self.read = True
        """Whether peers of later openings read from the beginning."""
        self.pongs = True
        """Whether they answer pings."""
        self._outcomes = list(outcomes)
        self._marks = (high, low)
        self.keywords = {"ping_interval": None, **keywords}
        """Keywords of later connections."""

    @property
    def last(self) -> Peer:
        """The last peer."""
        return self.all[-1]

    async def open(self, attempt: ConnectAttempt) -> ClientConnection:
        """Open a connection, or fail."""
        self.attempts += 1
        await self.may_open.wait()
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome is not None:
            raise outcome
        peer = Peer(*self._marks)
        peer.pongs = self.pongs
        if not self.read:
            peer.stop_peer()
        connection = made_on(FakePipe(peer), **self.keywords)
        connection.start()
        self.all.append(peer)
        self.connections.append(connection)
        return connection


def survivor(
    peers: Peers, *, section: Reconnect | None = None, clock: FakeClock | None = None, **options: Any
) -> ReconnectingConnection:
    """Return a reconnecting connection to ``peers``, whose delays take no time; it is not entered."""
    options.setdefault("close_timeout", 0.05)
    ended = options.pop("ended", None)
    policy = ReconnectPolicy(
        Reconnect() if section is None else section,
        LOGGER,
        FakeClock() if clock is None else clock,
        **{name: options.pop(name) for name in _POLICY & options.keys()},
    )
    return ReconnectingConnection(
        peers.open,
        lambda open, policy: Attempts(open, policy, "ws://example.com/", "ws://shown/", ended=ended),
        policy,
        "ws://shown/",
        limits=Limits(**{name: options.pop(name) for name in _LIMITS & options.keys()}),
        sending=SendPolicy(**{name: options.pop(name) for name in _SENDING & options.keys()}),
        **options,
    )


@asynccontextmanager
async def surviving(peers: Peers, **options: Any) -> AsyncIterator[ReconnectingConnection]:
    """Enter a :func:`survivor`."""
    async with survivor(peers, **options) as conn:
        yield conn
