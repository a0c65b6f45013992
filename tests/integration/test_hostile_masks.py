"""Masking keys cannot be told in advance (RFC 6455, 5.3)."""

from __future__ import annotations

import asyncio
import functools
import operator
import os
import sys

import pytest

import wssdk
from tests.support.raw_peer import CLOSE, RawLink, close_frame, raw_peer

COUNT = 1000


async def keys_of(link: RawLink, keys: list[bytes]) -> None:
    """Note the masking key of every frame."""
    await link.accept()
    while (got := await link.read_frame()).opcode != CLOSE:
        keys.append(got.key)
    await link.send(close_frame(1000))


async def keys_of_one_connection() -> list[bytes]:
    keys: list[bytes] = []
    async with raw_peer(lambda link: keys_of(link, keys)) as peer, wssdk.connect(peer.uri) as ws:
        for _ in range(COUNT):
            await ws.send(b"x")
    return keys


async def test_no_key_is_used_twice() -> None:
    keys = await keys_of_one_connection()
    # Of 1000 keys out of 2 ** 32, two are equal once in 8600 runs; three pairs never.
    assert len(set(keys)) > COUNT - 3


async def test_every_bit_of_the_keys_varies() -> None:
    keys = [int.from_bytes(key, "big") for key in await keys_of_one_connection()]
    ones = functools.reduce(operator.or_, keys)
    zeros = functools.reduce(operator.and_, keys)
    assert (ones, zeros) == (0xFFFFFFFF, 0)


async def test_control_frames_are_masked_with_keys_of_their_own() -> None:
    keys: list[bytes] = []
    async with (
        raw_peer(lambda link: keys_of(link, keys)) as peer,
        wssdk.connect(peer.uri, close_timeout=1) as ws,
    ):
        for number in range(10):
            await ws.pong(b"%d" % number)
    assert len(set(keys)) == 10


async def test_two_connections_have_different_keys() -> None:
    assert not set(await keys_of_one_connection()) >= set((await keys_of_one_connection())[:10])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
async def test_processes_that_fork_have_different_keys() -> None:
    by_link: list[list[bytes]] = []

    async def script(link: RawLink) -> None:
        keys: list[bytes] = []
        by_link.append(keys)
        await keys_of(link, keys)

    async with raw_peer(script) as peer:
        forking = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "tests.support.forking_client", peer.uri
        )
        assert await forking.wait() == 0
    before, *after = by_link
    assert len(after) == 2
    assert len(set(before + after[0] + after[1])) == len(before) + len(after[0]) + len(after[1])
