"""Options that are seen at the socket, in the way to the server, and in the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.daemons import free_port
from tests.support.options.observer import Observer, Setup, accept, opened
from tests.support.proxies import PlayedProxy
from tests.support.raw_peer import TEXT, RawLink, frame, raw_peer
from tests.support.servers import raw_server
from wssdk.testing import EchoServer

__all__ = ["SOCKETS", "proxied"]

_SIOCOUTQNSD: Final = 0x894B
"""Bytes that the kernel has taken and not sent (ioctl of Linux)."""

Effect = Callable[[Setup], Awaitable[object]]


def port_of(uri: str) -> int:
    """Return the port of a URI."""
    return int(uri.rsplit(":", 1)[1].rstrip("/"))


async def redirected(setup: Setup) -> object:
    """Effect: how often a server is asked that always names another place."""

    async def script(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")

    async with raw_peer(script) as peer:
        await outcome(setup.connect(peer.uri))
        return len(peer.links)


async def led_elsewhere(setup: Setup) -> tuple[str, list[str]]:
    """Return what comes of a redirect to another origin, and the credentials that go along."""
    async with raw_peer(accept) as other:

        async def script(link: RawLink) -> None:
            await link.read_request()
            answer = f"HTTP/1.1 302 Found\r\nLocation: {other.uri}\r\nContent-Length: 0\r\n\r\n"
            await link.send(answer.encode())

        async with raw_peer(script) as peer:
            seen = await outcome(setup.connect(peer.uri))
        lines = [line for link in other.links for line in link.request.decode().split("\r\n")]
        return seen, [line for line in lines if line.lower().startswith("authorization:")]


async def other_origin(setup: Setup) -> object:
    """Effect: what comes of a redirect to another origin."""
    return (await led_elsewhere(setup))[0]


async def taken_along(setup: Setup) -> object:
    """Effect: the credentials that the other origin gets."""
    return (await led_elsewhere(setup))[1]


async def outcome(opening: Any) -> str:
    """Return "opened", or the name of what opening raises."""
    try:
        async with opening:
            return "opened"
    except Exception as error:
        return type(error).__name__


def at(host: str, port: int | None = None) -> Effect:
    """Effect: what comes of opening a URI of this host and port; None: that of the server."""

    async def effect(setup: Setup) -> object:
        async with raw_peer(accept) as peer:
            setup.notes["port"] = port_of(peer.uri)
            return await outcome(setup.connect(f"ws://{host}:{port or port_of(peer.uri)}/"))

    return effect


async def seen_host(setup: Setup) -> object:
    """Effect: the address that the server sees."""
    async with opened(setup) as (_, link):
        return link.writer.get_extra_info("peername")[0]


async def seen_port(setup: Setup) -> object:
    """Effect: whether the server sees the port that was asked for."""
    setup.notes["port"] = free_port()
    async with opened(setup) as (_, link):
        return link.writer.get_extra_info("peername")[1] == setup.notes["port"]


async def over_unix(setup: Setup) -> object:
    """Effect: what comes of opening where a server is on a Unix socket only."""
    with tempfile.TemporaryDirectory() as folder:  # short: a path of a socket has a hundred bytes
        setup.notes["path"] = str(Path(folder, "s"))
        async with EchoServer(unix_path=setup.notes["path"]):
            return await outcome(setup.connect(f"ws://127.0.0.1:{free_port()}/"))


def option(level: int, name: int) -> Effect:
    """Effect: an option of the client's socket."""

    async def effect(setup: Setup) -> object:
        async with opened(setup) as (ws, _):
            return ws.transport.get_extra_info("socket").getsockopt(level, name)

    return effect


async def probes(setup: Setup) -> object:
    """Effect: whether the kernel probes a silent peer, after how long, how often, and how many times."""
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
    if not all(hasattr(socket, name) for name in names):
        pytest.skip("the platform has other names for it")
    async with opened(setup) as (ws, _):
        sock = ws.transport.get_extra_info("socket")
        seconds = [sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
        return [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), *seconds]


async def pushed(setup: Setup) -> object:
    """Effect: whether the kernel holds nothing back of small frames that follow at once."""
    if sys.platform != "linux":
        pytest.skip("only Linux can be told that more is to come")
    import fcntl

    async with opened(setup) as (ws, _):
        for _ in range(5):
            await ws.send("small")
        sock = ws.transport.get_extra_info("socket")
        return struct.unpack("i", fcntl.ioctl(sock.fileno(), _SIOCOUTQNSD, bytes(4))) == (0,)


async def transport(setup: Setup) -> object:
    """Effect: whose transport it is."""
    async with opened(setup) as (ws, _):
        return type(ws.transport).__module__.split(".")[0]


async def turns(setup: Setup) -> object:
    """Effect: whether a receiver goes on before what was scheduled when its message came."""

    async def script(link: RawLink) -> None:
        await link.accept()
        await go.wait()
        await link.send(frame(TEXT, b"m"))
        await link.until_gone()

    go = asyncio.Event()
    order: list[str] = []

    async def receive(ws: Any) -> None:
        await ws.recv()
        order.append("received")

    async with opened(setup, script) as (ws, _):
        # What arrives is read in one iteration of the loop; what is seen there is scheduled for the next.
        protocol: Any = ws.transport.get_protocol()
        task = asyncio.ensure_future(receive(ws))
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        updated = protocol.buffer_updated

        class Watching(asyncio.BufferedProtocol):
            def get_buffer(self, sizehint: int) -> Any:
                return protocol.get_buffer(sizehint)

            def buffer_updated(self, count: int) -> None:
                updated(count)
                order.append("read")

            def connection_lost(self, exc: Exception | None) -> None:
                protocol.connection_lost(exc)

        ws.transport.set_protocol(Watching())
        go.set()
        await task
        ws.transport.set_protocol(protocol)
        assert loop.is_running()
    return order


class Net:
    """The event loop's network, where a name has several addresses; what is tried is written down."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.tried: list[str] = []
        self.times: list[float] = []
        self.families: list[int] = []

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Be the network of the running loop."""
        loop: Any = asyncio.get_running_loop()
        loop.getaddrinfo, loop.sock_connect = self.getaddrinfo, self.sock_connect
        try:
            yield
        finally:
            del loop.getaddrinfo, loop.sock_connect

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> list[Any]:
        self.families.append(options.get("family", 0))
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in name], socket.SOCK_STREAM, 6, "", (name, port)) for name in self.hosts]

    async def sock_connect(self, sock: socket.socket, address: tuple[str, int]) -> None:
        self.tried.append(address[0])
        self.times.append(asyncio.get_running_loop().time())
        if len(self.tried) == len(self.hosts):
            raise ConnectionRefusedError
        await asyncio.get_running_loop().create_future()


SIX: Final = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2")


async def tried_in_time(setup: Setup) -> object:
    """Effect: whether the second address is tried within a moment, while the first does not answer."""
    net = Net("192.0.2.1", "192.0.2.2")
    with net.installed():
        await _opening(setup, lambda: len(net.tried) == 2)
    return len(net.times) == 2 and net.times[1] - net.times[0] < 0.2


async def asked_family(setup: Setup) -> object:
    """Effect: of which family addresses are asked for."""
    net = Net("192.0.2.1")
    with net.installed():
        await _opening(setup, lambda: bool(net.families))
    return net.families[0]


async def order_of_addresses(setup: Setup) -> object:
    """Effect: the order in which addresses of two families are tried."""
    net = Net(*SIX)
    with net.installed():
        await _opening(setup, lambda: len(net.tried) == 4)
    return [":" in name for name in net.tried[:4]]


async def _opening(setup: Setup, done: Callable[[], bool]) -> None:
    """Open a connection to a name with several addresses, until it is ``done``."""

    async def attempt() -> None:
        async with setup.connect("ws://several.test/"):
            pass

    task = asyncio.ensure_future(attempt())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(setup.patience, 1.0)):
            while not done() and not task.done():  # noqa: ASYNC110  # there is no event to wait for
                await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def proxied(see: Callable[[str, PlayedProxy], object]) -> Effect:
    """Effect: what is seen of an opening where there is a proxy, by its outcome and the requests it got."""

    async def effect(setup: Setup) -> object:
        async with raw_peer(accept) as peer:
            proxy = PlayedProxy(b"HTTP/1.1 200 OK\r\n\r\n", port_of(peer.uri))
            async with raw_server(proxy) as server:
                setup.notes["proxy"] = f"http://127.0.0.1:{server.port}"
                setup.notes["dead"] = f"http://127.0.0.1:{free_port()}"
                return see(await outcome(setup.connect(peer.uri)), proxy)

    return effect


def was_asked(opened: str, proxy: PlayedProxy) -> object:
    """Return whether the connection came through the proxy."""
    return opened == "opened" and len(proxy.requests) == 1


def credentials(opened: str, proxy: PlayedProxy) -> object:
    """Return the credentials that the proxy got."""
    lines = proxy.requests[0].decode().split("\r\n") if proxy.requests else []
    return [
        line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("proxy-authorization:")
    ]


class _Noting(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def logged(name: str, see: Callable[[_Noting], object], level: int = logging.DEBUG) -> Effect:
    """Effect: what is seen in the log of a logger while a connection is opened."""

    async def effect(setup: Setup) -> object:
        logger, handler = logging.getLogger(name), _Noting()
        before = logger.level
        logger.setLevel(level)
        logger.addHandler(handler)
        try:
            async with raw_peer(accept) as peer, setup.connect(f"{peer.uri}?token=t0ken"):
                pass
            return see(handler)
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before)

    return effect


SOCKETS: Final[dict[str, Observer]] = {
    "network.host": Observer(at("nowhere.invalid"), "127.0.0.1", "opened"),
    "network.port": Observer(at("127.0.0.1", 1), lambda setup: setup.notes["port"], "opened"),
    "network.family": Observer(asked_family, "ipv6", socket.AF_INET6, keyword=socket.AF_INET6),
    "network.happy_eyeballs_delay": Observer(tried_in_time, 0.01),
    "network.interleave": Observer(
        order_of_addresses, 2, [False, False, True, False], base={"network.happy_eyeballs_delay": 0.01}
    ),
    "network.local_host": Observer(seen_host, "127.0.0.2", "127.0.0.2", keyword=("127.0.0.2", None)),
    "network.local_port": Observer(
        seen_port,
        lambda setup: setup.notes["port"],
        base={"network.local_host": "127.0.0.1"},
        keyword=lambda setup: ("127.0.0.1", setup.notes["port"]),
    ),
    "network.unix_path": Observer(over_unix, lambda setup: setup.notes["path"], "opened"),
    "network.tcp_nodelay": Observer(option(socket.IPPROTO_TCP, socket.TCP_NODELAY), False, 0),
    "network.tcp_cork": Observer(pushed, False),
    "network.tcp_keepalive": Observer(probes, ["30s", "7s", 4], [1, 30, 7, 4]),
    "network.transport": Observer(transport, "asyncio", "asyncio", software="aiofastnet"),
    "network.max_redirects": Observer(redirected, 2, 3),
    "network.allow_cross_origin": Observer(other_origin, True, "opened", base={"network.host": "127.0.0.1"}),
    "network.keep_headers": Observer(
        taken_along, ["Authorization"], ["Authorization: Bearer t"], base={"auth.token": "t"}
    ),
    "network.address_timeout": Observer(tried_in_time, 0.01, base={"network.happy_eyeballs_delay": None}),
    "network.wakeup": Observer(turns, "scheduled", ["read", "received"]),
    "proxy.enabled": Observer(
        proxied(lambda opened, _: opened),
        False,
        "opened",
        base=lambda setup: {"proxy.url": setup.notes["dead"]},
        keyword=None,
    ),
    "proxy.url": Observer(proxied(was_asked), lambda setup: setup.notes["proxy"]),
    "proxy.username": Observer(
        proxied(credentials),
        "me",
        ["Basic bWU6"],
        base=lambda setup: {"proxy.url": setup.notes["proxy"]},
    ),
    "proxy.password": Observer(
        proxied(credentials),
        "pw",
        ["Basic bWU6cHc="],
        base=lambda setup: {"proxy.url": setup.notes["proxy"], "proxy.username": "me"},
    ),
    "logging.logger": Observer(logged("mine", lambda handler: bool(handler.records)), "mine"),
    "logging.level": Observer(
        logged("wssdk.client", lambda handler: handler.records != [], logging.ERROR), "DEBUG"
    ),
    "logging.redact": Observer(
        logged("wssdk.client", lambda handler: any("t0ken" in each.getMessage() for each in handler.records)),
        False,
    ),
}
