"""Everything at once against other people's servers: bursts, pauses, all ways to receive, quick keepalive."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import pytest

import wssdk
from tests.support.peers.fleet import Peer
from wssdk import ClientConnection, Data

COUNT: Final = 400
LIMIT: Final = 20.0
SIZES: Final = (0, 1, 5, 100, 125, 126, 200, 1000, 5000, 65535, 65536, 70_000)


def messages(dice: random.Random) -> list[Data]:
    """Return messages that can be told from one another, most of them small."""
    made: list[Data] = []
    for index in range(COUNT):
        size = dice.choice(SIZES if dice.random() < 0.05 else SIZES[:8])
        text = f"{index}:" + "".join(dice.choices("abcdefgh ", k=min(size, 200))) * max(1, size // 200)
        made.append(text if dice.random() < 0.5 else text.encode())
    return made


async def send_all(ws: ClientConnection, sent: list[Data], dice: random.Random) -> None:
    for message in sent:
        await ws.send(message)
        chance = dice.random()
        if chance < 0.03:
            await asyncio.sleep(dice.random() * 0.05)  # longer than a keepalive interval at times
        elif chance < 0.2:
            await asyncio.sleep(0)


async def take_some(ws: ClientConnection, dice: random.Random) -> list[Data]:
    """Receive in one of the ways there are; nothing may have come yet."""
    match dice.randrange(6):
        case 0:
            return await ws.recv_many(dice.choice([None, 1, 3]))
        case 1:
            try:
                return [ws.recv_nowait()]
            except asyncio.QueueEmpty:
                await asyncio.sleep(0)
                return []
        case 2:
            try:
                return [await ws.recv(timeout=0.001)]
            except TimeoutError:
                return []
        case 3:
            return [await anext(ws)]
        case 4:
            parts = [part async for part in ws.recv_streaming()]
            return ["".join(map(str, parts)) if isinstance(parts[0], str) else b"".join(map(bytes, parts))]  # type: ignore[arg-type]
        case _:
            return [await ws.recv()]


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_sent_comes_back_in_order(peer: Peer, compression: str | None, seed: int) -> None:
    dice = random.Random(seed)
    sent, got = messages(dice), list[Data]()
    async with (
        asyncio.timeout(LIMIT),
        wssdk.connect(
            peer.at("/echo"),
            compression=compression,
            max_size=None,
            max_queue=dice.choice([1, 4, 32, None]),
            ping_interval=0.03,
            ping_timeout=LIMIT,
        ) as ws,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(send_all(ws, sent, random.Random(seed)))
        while len(got) < COUNT:
            got += await take_some(ws, dice)
    assert got == sent
