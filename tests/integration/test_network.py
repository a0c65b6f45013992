"""The network section end to end: which address is dialled, in which order, and from where."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import wssdk
from tests.support.black_holes import black_hole
from tests.support.peers.fleet import Fleet
from tests.support.proxies import microsocks
from tests.support.tls import authority
from wssdk import ClientConfig, ClientConnection, ConnectionFactory, Network, Reconnect, Timeouts, Tls
from wssdk.ports import Resolver
from wssdk.testing import EchoServer

V4: Final = "127.0.0.1"
V6: Final = "::1"
LONG: Final = 60.0

needs_black_holes = [
    pytest.mark.needs("ipv6"),
    pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where a backlog is full"),
]


def answering(*addresses: str) -> Resolver:
    """Return a resolver that knows one host."""

    async def resolver(host: str, port: int) -> list[str]:
        if host != "feed.test":
            raise socket.gaierror(socket.EAI_NONAME, f"nobody knows {host}")
        return list(addresses)

    return resolver


def factory_of(port: int, *addresses: str, open_timeout: float = LONG, **network: Any) -> ConnectionFactory:
    config = ClientConfig(
        uri=f"ws://feed.test:{port}/", network=Network(**network), timeouts=Timeouts(open=open_timeout)
    )
    return ConnectionFactory(config, resolver=answering(*addresses))


async def reached(factory: ConnectionFactory) -> str:
    """Return the address that a factory's connection leads to."""
    async with factory.connect() as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
        return address_of(ws)


def address_of(ws: ClientConnection) -> str:
    return str(ws.remote_address[0])


@contextlib.asynccontextmanager
async def server_at(address: str) -> Any:
    async with EchoServer(host=address) as server:
        yield int(server.uri.rstrip("/").rpartition(":")[2])


# Happy eyeballs.


class TestBlackHole:
    """One of a host's two addresses answers nothing."""

    pytestmark = needs_black_holes

    @pytest.mark.parametrize(("dead", "alive"), [(V6, V4), (V4, V6)])
    async def test_other_address_gets_its_turn(self, dead: str, alive: str) -> None:
        async with server_at(alive) as port:
            with black_hole(dead, port):
                factory = factory_of(port, dead, alive, happy_eyeballs_delay=0.02)
                assert await reached(factory) == alive

    @pytest.mark.parametrize(("dead", "alive"), [(V6, V4), (V4, V6)])
    async def test_default_head_start_is_well_within_an_opening(self, dead: str, alive: str) -> None:
        async with server_at(alive) as port:
            with black_hole(dead, port):
                assert await reached(factory_of(port, dead, alive, open_timeout=10)) == alive

    async def test_families_take_turns(self) -> None:
        # Three more addresses of the dead family stand between the first and the one that answers.
        dead = [V4, "127.0.0.2", "127.0.0.3", "127.0.0.4"]
        async with server_at(V6) as port:
            with contextlib.ExitStack() as stack:
                for address in dead:
                    stack.enter_context(black_hole(address, port))
                # There is time for two addresses, not for five.
                factory = factory_of(port, *dead, V6, happy_eyeballs_delay=1.0, open_timeout=2.5)
                assert await reached(factory) == V6

    async def test_without_a_head_start_the_opening_times_out(self) -> None:
        async with server_at(V4) as port:
            with black_hole(V6, port):
                factory = factory_of(port, V6, V4, happy_eyeballs_delay=None, open_timeout=0.3)
                with pytest.raises(TimeoutError, match="timed out during opening handshake"):
                    await factory.open()

    async def test_time_for_each_address_ends_the_wait_for_a_dead_one(self) -> None:
        async with server_at(V4) as port:
            with black_hole(V6, port):
                factory = factory_of(port, V6, V4, happy_eyeballs_delay=None, address_timeout=0.05)
                assert await reached(factory) == V4

    async def test_dead_addresses_alone_are_told(self) -> None:
        async with server_at(V4) as port:
            with black_hole(V6, port):
                factory = factory_of(port, V6, address_timeout=0.05)
                with pytest.raises(TimeoutError, match=r"::1 did not answer within 0\.05 s"):
                    await factory.open()

    async def test_family_leaves_the_dead_address_out(self) -> None:
        async with server_at(V4) as port:
            with black_hole(V6, port):
                factory = factory_of(port, V6, V4, family="ipv4", happy_eyeballs_delay=None)
                assert await reached(factory) == V4


@pytest.mark.needs("ipv6")
async def test_refusal_has_the_other_address_tried_at_once() -> None:
    async with server_at(V4) as port:
        assert await reached(factory_of(port, V6, V4, happy_eyeballs_delay=LONG)) == V4


@pytest.mark.needs("ipv6")
@pytest.mark.parametrize(("family", "address"), [("ipv4", V4), ("ipv6", V6)])
async def test_family_chooses_among_addresses(family: str, address: str) -> None:
    async with server_at(address) as port:
        assert await reached(factory_of(port, V4, V6, family=family)) == address


# Resolvers.


async def test_resolver_is_asked_at_every_opening() -> None:
    asked: list[tuple[str, int]] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [V4]

    async with server_at(V4) as port:
        config = ClientConfig(
            uri=f"ws://feed.test:{port}/", reconnect=Reconnect(initial=None, min=0.001, max=0.001)
        )
        async with contextlib.aclosing(aiter(ConnectionFactory(config, resolver=resolver).connect())) as all_:
            async for _ in all_:
                if len(asked) == 3:
                    break
        assert asked == [("feed.test", port)] * 3


async def test_connect_takes_a_resolver() -> None:
    async with server_at(V4) as port, wssdk.connect(f"ws://feed.test:{port}/", resolver=answering(V4)) as ws:
        assert address_of(ws) == V4


async def test_resolver_of_another_host_that_is_dialled() -> None:
    async with server_at(V4) as port:
        config = ClientConfig(uri="ws://elsewhere.test/", network=Network(host="feed.test", port=port))
        assert await reached(ConnectionFactory(config, resolver=answering(V4))) == V4


async def test_failing_resolver_may_be_asked_again() -> None:
    attempts: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        attempts.append(host)
        if len(attempts) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        return [V4]

    async with server_at(V4) as port:
        config = ClientConfig(
            uri=f"ws://feed.test:{port}/", reconnect=Reconnect(initial=None, min=0.001, max=0.001)
        )
        async with contextlib.aclosing(aiter(ConnectionFactory(config, resolver=resolver).connect())) as all_:
            assert address_of(await anext(all_)) == V4


async def test_resolver_that_hangs_is_within_the_opening_timeout() -> None:
    cancelled: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        try:
            await wait_for_ever()
        finally:
            cancelled.append(host)
        return []

    config = ClientConfig(uri="ws://feed.test/", timeouts=Timeouts(open=0.05))
    with pytest.raises(TimeoutError, match="timed out during opening handshake"):
        await ConnectionFactory(config, resolver=resolver).open()
    assert cancelled == ["feed.test"]


async def wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.mark.needs("microsocks")
@pytest.mark.parametrize(("scheme", "found"), [("socks5", True), ("socks5h", False)])
async def test_resolver_is_asked_where_a_proxy_does_not_look_names_up(
    tmp_path: Path, scheme: str, found: bool
) -> None:
    async with server_at(V4) as port:
        with microsocks(tmp_path, None) as proxy:
            # The proxy itself is localhost, which this resolver does not know.
            config = ClientConfig(uri=f"ws://feed.test:{port}/", proxy=proxy.url(scheme))
            factory = ConnectionFactory(config, resolver=answering(V4))
            if found:
                async with factory.connect() as ws:
                    await ws.send("hello")
                    assert await ws.recv() == "hello"
            else:
                with pytest.raises(wssdk.ProxyError):
                    await factory.open()


# Other addresses than the URI's.


async def test_host_and_port_are_dialled_in_the_place_of_those_of_the_uri(fleet: Fleet) -> None:
    port = int(fleet.peer("websockets").base.rpartition(":")[2])
    config = ClientConfig(uri="ws://feed.test:1234/headers", network=Network(host=V4, port=port))
    async with ConnectionFactory(config).connect() as ws:
        assert json.loads(await ws.recv())["host"] == "feed.test:1234"


async def test_certificate_must_be_that_of_the_uri_whatever_is_dialled(fleet: Fleet, tmp_path: Path) -> None:
    pair = authority().issue("feed.test")
    (tmp_path / "feed.pem").write_bytes(pair.key + pair.cert)
    port = int(fleet.peer("websockets", "--tls", str(tmp_path / "feed.pem")).base.rpartition(":")[2])
    config = ClientConfig(
        uri="wss://feed.test/headers",
        network=Network(host=V4, port=port),
        tls=Tls(ca_file=authority().write_ca(tmp_path)),
    )
    async with ConnectionFactory(config).connect() as ws:
        assert json.loads(await ws.recv())["host"] == "feed.test"


async def test_local_address() -> None:
    async with server_at(V4) as port, factory_of(port, V4, local_host="127.0.0.2").connect() as ws:
        assert ws.local_address[0] == "127.0.0.2"


# Unix sockets.


def abstract_in_code(name: str) -> ClientConfig:
    return ClientConfig(network=Network(unix_path=f"\0{name}"))


def abstract_in_the_environment(name: str) -> ClientConfig:
    return ClientConfig.from_env(environ={"WSSDK_NETWORK__UNIX_PATH": f"@{name}"})


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
@pytest.mark.parametrize("make", [abstract_in_code, abstract_in_the_environment])
async def test_abstract_unix_socket(make: Callable[[str], ClientConfig]) -> None:
    name = f"wssdk-{uuid.uuid4()}"
    async with EchoServer(unix_path=f"\0{name}"), ConnectionFactory(make(name)).connect() as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
async def test_abstract_unix_socket_of_unix_connect() -> None:
    path = f"\0wssdk-{uuid.uuid4()}"
    async with EchoServer(unix_path=path), wssdk.unix_connect(path) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


@pytest.mark.needs("unix-sockets")
async def test_unix_connect_takes_a_file_whose_name_begins_with_an_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with EchoServer(unix_path="@feed"), wssdk.unix_connect("@feed") as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_given_socket() -> None:
    async with server_at(V4) as port:
        sock = socket.create_connection((V4, port))
        sock.setblocking(False)
        async with wssdk.connect("ws://feed.test/", sock=sock) as ws:
            assert address_of(ws) == V4
