"""Pings and pongs between this side and servers of other people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import wssdk
from tests.support.peers.fleet import Peer
from tests.support.until import until


async def test_pong_acknowledges_a_ping(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        assert await (await ws.ping("are you there?")) >= 0


async def test_pong_acknowledges_a_ping_without_payload(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        assert await (await ws.ping()) >= 0


async def test_pong_acknowledges_every_earlier_ping(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        waiters = [await ws.ping(str(number)) for number in range(5)]
        await waiters[-1]
        assert len(await asyncio.gather(*waiters)) == 5


async def test_round_trip_is_the_latency(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        round_trip = await (await ws.ping())
        assert ws.latency == round_trip


async def test_ping_of_the_server_is_answered_with_its_payload(pinging_peer: Peer) -> None:
    async with wssdk.connect(pinging_peer.at("/ping")) as ws:
        await ws.send("payload")
        assert await ws.recv() == "pong:payload"


async def test_ping_between_fragments_is_answered(fragmenting_peer: Peer) -> None:
    async with wssdk.connect(fragmenting_peer.at("/echo")) as ws:
        pongs = []

        async def pieces() -> AsyncIterator[str]:
            yield "before"
            pongs.append(await (await ws.ping()))
            yield "after"

        await ws.send(pieces())
        assert (await ws.recv(), len(pongs)) == ("beforeafter", 1)


async def test_unasked_pong_is_taken_in_silence(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo")) as ws:
        await ws.pong(b"nobody asked")
        await ws.send("still here")
        assert await ws.recv() == "still here"


async def test_keepalive_measures_the_latency(peer: Peer) -> None:
    async with wssdk.connect(peer.at("/echo"), ping_interval=0.01) as ws:
        await until(lambda: ws.latency > 0)
        assert ws.state is wssdk.State.OPEN
