"""Reconnecting by way of sockets: to servers that drop, refuse, ask for time, or want a fresh token."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator

import pytest

import wssdk
from tests.support.dialer import FakeClock
from tests.support.raw_peer import RawLink, RawPeer, Script, raw_peer
from wssdk import (
    ClientConfig,
    ClientConnection,
    ConnectAttempt,
    ConnectionClosed,
    ConnectionFactory,
    InvalidStatus,
    Reconnect,
)
from wssdk.testing import EchoServer


async def drop(link: RawLink) -> None:
    await link.accept()


async def polite(link: RawLink) -> None:
    await link.accept()
    await link.answer_close()


def refusal(status: int, *lines: str) -> Script:
    async def refuse(link: RawLink) -> None:
        await link.read_request()
        head = [f"HTTP/1.1 {status} No", "Content-Length: 0", *lines, "", ""]
        await link.send("\r\n".join(head).encode())

    return refuse


@contextlib.asynccontextmanager
async def playing(*scripts: Script) -> AsyncIterator[RawPeer]:
    """Serve the scripts, one for each connection; the last one again for all that follow."""
    turns = itertools.chain(scripts, itertools.repeat(scripts[-1]))
    async with raw_peer(lambda link: next(turns)(link)) as peer:
        yield peer


def closed_uri() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"ws://127.0.0.1:{server.getsockname()[1]}/"


def factory_of(clock: FakeClock, **options: object) -> ConnectionFactory:
    return ConnectionFactory(ClientConfig(**options), clock=clock)  # type: ignore[arg-type]


async def first(factory: ConnectionFactory) -> ClientConnection:
    """Return the first connection of a loop."""
    return await anext(aiter(factory.connect()))


@pytest.mark.parametrize("server", [drop, refusal(503)], ids=["accepts and drops", "refuses"])
async def test_server_that_gives_no_connection_meets_ten_attempts_in_half_a_minute(server: Script) -> None:
    clock = FakeClock()
    started = clock.now
    async with playing(server) as peer:
        times: list[float] = []

        def note(error: Exception) -> Exception | None:
            times.append(clock.now - started)
            return None if times[-1] < 30 else error

        config = ClientConfig(uri=peer.uri)
        factory = ConnectionFactory(config, clock=clock, process_exception=note)
        with contextlib.suppress(InvalidStatus):
            async for ws in factory.connect():
                times.append(clock.now - started)
                if times[-1] >= 30:
                    await ws.close()
                    break
                await ws.wait_closed()
        await peer.finished()
    assert len(peer.links) == len(times)
    assert len([time for time in times if time < 30 - 1e-6]) <= 10


async def test_server_that_asks_for_time_gets_it() -> None:
    clock = FakeClock()
    async with playing(refusal(429, "Retry-After: 120"), polite) as peer:
        await (await first(factory_of(clock, uri=peer.uri))).close()
    assert 120 <= clock.sleeps[0] <= 132


async def test_every_attempt_asks_for_the_original_uri() -> None:
    clock = FakeClock()
    async with playing(refusal(503), refusal(503), polite) as peer:
        await (await first(factory_of(clock, uri=f"{peer.uri}feed?room=1"))).close()
    assert {link.request.split()[1] for link in peer.links} == {b"/feed?room=1"}


async def test_last_error_tells_of_all_attempts() -> None:
    clock = FakeClock()
    async with playing(refusal(503), refusal(502), refusal(500)) as peer:
        section = Reconnect(max_attempts=3)
        with pytest.raises(InvalidStatus) as caught:
            await first(factory_of(clock, uri=peer.uri, reconnect=section))
    statuses = [note.rpartition(" ")[2] for note in caught.value.__notes__]
    assert (caught.value.response.status_code, statuses) == (500, ["503", "502", "500"])


async def test_next_server_serves_where_nobody_listens_at_the_first() -> None:
    async with EchoServer() as server:
        config = ClientConfig(uris=[closed_uri(), server.uri])
        async with ConnectionFactory(config).connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


async def test_loop_goes_over_to_the_server_that_lives() -> None:
    clock = FakeClock()
    got: list[str | bytes] = []
    async with playing(drop) as dropping, EchoServer() as server:
        async for ws in factory_of(clock, uris=[dropping.uri, server.uri]).connect():
            try:
                await ws.send("hello")
                got.append(await ws.recv())
            except ConnectionClosed:
                continue
            await ws.close()
            break
    assert (got, len(dropping.links)) == (["hello"], 1)


def wants(token: str) -> Script:
    """Accept a client that shows the token, refuse any other."""

    async def judge(link: RawLink) -> None:
        await link.read_request()
        if f"X-Token: {token}\r\n".encode() in link.request:
            await link.agree()
            await link.answer_close()
        else:
            await link.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    return judge


class Vault:
    """Keeps a token until it is asked for a fresh one."""

    def __init__(self) -> None:
        self.refreshed = 0
        self.asked = 0

    async def headers(self, attempt: ConnectAttempt) -> dict[str, str]:
        self.asked += 1
        await asyncio.sleep(0)
        if attempt.refresh:
            self.refreshed += 1
        return {"X-Token": str(self.refreshed)}


async def test_stale_token_is_refreshed_once_for_all_connections() -> None:
    vault = Vault()
    async with playing(wants("1")) as peer:
        factory = ConnectionFactory(ClientConfig(uri=peer.uri), headers=vault.headers)
        connections = await asyncio.gather(*(factory.open() for _ in range(10)))
        for ws in connections:
            await ws.close()
    assert (vault.refreshed, len(peer.links)) == (1, 20)


async def test_token_that_is_never_taken_is_an_error() -> None:
    vault = Vault()
    async with playing(wants("never")) as peer:
        with pytest.raises(InvalidStatus):
            await wssdk.connect(peer.uri, additional_headers=vault.headers)
    assert (vault.refreshed, len(peer.links)) == (1, 2)


async def test_one_of_many_that_leaves_costs_the_others_nothing() -> None:
    asked = asyncio.Event()
    gate = asyncio.Event()
    calls: list[int] = []

    async def headers() -> dict[str, str]:
        calls.append(1)
        asked.set()
        await gate.wait()
        return {}

    async with playing(polite) as peer:
        factory = ConnectionFactory(ClientConfig(uri=peer.uri), headers=headers)
        openings = [asyncio.create_task(factory.open()) for _ in range(5)]
        await asked.wait()
        openings[0].cancel()
        await asyncio.wait(openings[:1])
        gate.set()
        for opening in openings[1:]:
            await (await opening).close()
    assert (len(calls), len(peer.links)) == (1, 4)
