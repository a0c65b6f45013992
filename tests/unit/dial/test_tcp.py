from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.servers import raw_server
from tests.support.until import until
from wssdk.dial.tcp import TcpTarget, connect_tcp, connect_unix, set_keepalive

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
A6, B6 = "2001:db8::1", "2001:db8::2"

HANG = "hang"
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
UNREACHABLE = OSError(errno.ENETUNREACH, "unreachable")
LONG = 100.0


class ScriptedNet:
    """The event loop with a network of its own: a name has ``addresses``, each with an outcome.

    An outcome is None (connects at once), HANG, an exception, or a future to wait for.
    """

    def __init__(self, **outcomes: Any) -> None:
        self.outcomes: dict[str, Any] = {}
        self.tried: list[str] = []
        self.sockets: list[socket.socket] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)

    def add(self, address: str, outcome: Any = None) -> ScriptedNet:
        self.outcomes[address] = outcome
        return self

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> list[Any]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in self.outcomes
        ]

    async def sock_connect(self, sock: socket.socket, address: tuple[str, int]) -> None:
        self.sockets.append(sock)
        self.tried.append(address[0])
        outcome = self.outcomes[address[0]]
        if outcome == HANG:
            outcome = asyncio.get_running_loop().create_future()
        if isinstance(outcome, asyncio.Future):
            await outcome
        elif outcome is not None:
            raise outcome

    async def connect(self, **options: Any) -> str:
        """Connect to the name; return the address that won."""
        target = TcpTarget(host="several.test", port=80, **options)
        sock = await connect_tcp(cast("asyncio.AbstractEventLoop", self), target)
        with sock:
            return self.tried[self.sockets.index(sock)]

    def open_sockets(self) -> int:
        return sum(sock.fileno() != -1 for sock in self.sockets)


# One address after the other.


async def test_the_first_address_that_connects_is_used() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B).add(C)
    assert await net.connect() == B
    assert net.tried == [A, B]
    assert net.open_sockets() == 0


async def test_without_a_delay_families_are_not_interleaved() -> None:
    net = ScriptedNet().add(A6, REFUSED).add(B6, REFUSED).add(A)
    assert await net.connect() == A
    assert net.tried == [A6, B6, A]


async def test_a_single_address_is_not_raced() -> None:
    net = ScriptedNet().add(A, REFUSED)
    with pytest.raises(ConnectionRefusedError) as caught:
        await net.connect(happy_eyeballs_delay=LONG)
    assert caught.value is REFUSED


# The race (RFC 8305).


async def test_a_slow_address_gets_company() -> None:
    net = ScriptedNet().add(A, HANG).add(B)
    assert await net.connect(happy_eyeballs_delay=0.001) == B
    await until(lambda: net.open_sockets() == 0)


async def test_a_failed_address_is_followed_at_once() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B)
    async with asyncio.timeout(5):
        assert await net.connect(happy_eyeballs_delay=LONG) == B


async def test_nobody_is_started_within_the_delay() -> None:
    late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    net = ScriptedNet().add(A, late).add(B)
    connecting = asyncio.ensure_future(net.connect(happy_eyeballs_delay=LONG))
    await until(lambda: net.tried)
    late.set_result(None)
    assert await connecting == A
    assert net.tried == [A]


async def test_the_earlier_start_wins_a_tie() -> None:
    late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    net = ScriptedNet().add(A, late).add(B, late).add(C, late)
    connecting = asyncio.ensure_future(net.connect(happy_eyeballs_delay=0.0))
    await until(lambda: len(net.tried) == 3)
    late.set_result(None)
    assert await connecting == A
    await until(lambda: net.open_sockets() == 0)


async def test_a_late_address_still_wins_over_failures() -> None:
    late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    net = ScriptedNet().add(A, late).add(B, REFUSED)
    connecting = asyncio.ensure_future(net.connect(happy_eyeballs_delay=0.0))
    await until(lambda: len(net.tried) == 2)
    late.set_result(None)
    assert await connecting == A


@pytest.mark.parametrize(
    ("interleave", "order"),
    [(None, [A6, A, B6, B, C]), (1, [A6, A, B6, B, C]), (2, [A6, B6, A, B, C]), (0, [A6, B6, A, B, C])],
)
async def test_families_take_turns(interleave: int | None, order: list[str]) -> None:
    net = ScriptedNet()
    for address in (A6, B6, A, B, C):
        net.add(address, REFUSED)
    with pytest.raises(ConnectionRefusedError):
        await net.connect(happy_eyeballs_delay=LONG, interleave=interleave)
    assert net.tried == order


async def test_what_is_not_an_os_error_ends_the_race() -> None:
    net = ScriptedNet().add(A, HANG).add(B, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        await net.connect(happy_eyeballs_delay=0.0)
    await until(lambda: net.open_sockets() == 0)


@pytest.mark.parametrize("outcome", [HANG, None], ids=["hanging", "connected"])
@pytest.mark.parametrize("ticks", range(12))
async def test_a_cancelled_race_leaves_no_socket(ticks: int, outcome: Any) -> None:
    net = ScriptedNet().add(A, HANG).add(B, outcome).add(C, HANG)
    connecting = asyncio.ensure_future(net.connect(happy_eyeballs_delay=0.0))
    for _ in range(ticks):
        await asyncio.sleep(0)
    connecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await connecting
    await until(lambda: net.open_sockets() == 0)


async def test_cancelled_twice_leaves_no_socket() -> None:
    net = ScriptedNet().add(A, HANG).add(B, HANG)
    connecting = asyncio.ensure_future(net.connect(happy_eyeballs_delay=0.0))
    await until(lambda: len(net.tried) == 2)
    connecting.cancel()
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await until(lambda: net.open_sockets() == 0)


# Failures.


async def test_errors_of_one_kind_keep_their_class() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B, REFUSED)
    with pytest.raises(ConnectionRefusedError, match=r"2 addresses of 'several\.test': refused$"):
        await net.connect()


async def test_errors_of_several_kinds_are_told() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B, UNREACHABLE)
    with pytest.raises(OSError, match=r"refused; unreachable$") as caught:
        await net.connect(happy_eyeballs_delay=LONG)
    assert type(caught.value) is OSError


async def test_all_errors_come_as_a_group() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B, UNREACHABLE)
    with pytest.raises(ExceptionGroup) as caught:
        await net.connect(all_errors=True)
    assert caught.value.exceptions == (REFUSED, UNREACHABLE)


async def test_a_name_without_address() -> None:
    with pytest.raises(socket.gaierror, match=r"'several\.test' has no address"):
        await ScriptedNet().connect()


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".test"])
async def test_what_cannot_be_a_name(host: str) -> None:
    with pytest.raises(socket.gaierror, match="cannot be the name of a host"):
        await connect_tcp(asyncio.get_running_loop(), TcpTarget(host=host, port=80))


async def test_a_refused_connection_comes_through() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        target = TcpTarget(host="127.0.0.1", port=unused.getsockname()[1])
        with pytest.raises(ConnectionRefusedError):
            await connect_tcp(asyncio.get_running_loop(), target)


# Real sockets.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_it_connects(host: str) -> None:
    async with raw_server() as server:
        target = TcpTarget(host=host, port=server.port, family=socket.AF_INET, happy_eyeballs_delay=0.25)
        with await connect_tcp(asyncio.get_running_loop(), target) as sock:
            assert sock.getpeername() == ("127.0.0.1", server.port)
            assert sock.getblocking() is False


async def test_an_address_of_the_wrong_family_is_refused() -> None:
    target = TcpTarget(host="127.0.0.1", port=80, family=socket.AF_INET6)
    with pytest.raises(socket.gaierror):
        await connect_tcp(asyncio.get_running_loop(), target)


@pytest.mark.needs("ipv6")
async def test_it_connects_by_ipv6() -> None:
    async with raw_server(host="::1") as server:
        target = TcpTarget(host="::1", port=server.port)
        with await connect_tcp(asyncio.get_running_loop(), target) as sock:
            assert sock.family == socket.AF_INET6


async def test_the_local_address_is_used() -> None:
    async with raw_server() as server:
        target = TcpTarget(host="127.0.0.1", port=server.port, local_addr=("127.0.0.2", 0))
        with await connect_tcp(asyncio.get_running_loop(), target) as sock:
            assert sock.getsockname()[0] == "127.0.0.2"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


async def test_a_taken_local_port_is_told(taken_port: int) -> None:
    async with raw_server() as server:
        target = TcpTarget(host="127.0.0.1", port=server.port, local_addr=("127.0.0.1", taken_port))
        with pytest.raises(OSError, match=rf"local address \('127\.0\.0\.1', {taken_port}\)") as caught:
            await connect_tcp(asyncio.get_running_loop(), target)
        assert caught.value.errno == errno.EADDRINUSE
        assert server.accepted == 0


async def test_a_local_address_of_the_other_family_is_told() -> None:
    target = TcpTarget(host="127.0.0.1", port=80, local_addr=("::1", 0))
    with pytest.raises(OSError, match="no local address is one of AF_INET") as caught:
        await connect_tcp(asyncio.get_running_loop(), target)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize(("idle", "probes_after"), [(7.6, 8), (0.1, 1)])
@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="the platform has another name for it")
def test_keepalive_is_set(idle: float, probes_after: int) -> None:
    with socket.socket() as sock:
        set_keepalive(sock, idle)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == probes_after


@pytest.mark.parametrize(
    ("keepalive", "interval", "count"),
    [((60.0, 10.4, 5), 10, 5), ((60.0, 0.2, None), 1, None), ((60.0, None, 3), None, 3)],
)
@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPINTVL"), reason="the platform has no name for it")
def test_keepalive_is_set_with_interval_and_count(
    keepalive: Any, interval: int | None, count: int | None
) -> None:
    with socket.socket() as sock:
        options = (socket.TCP_KEEPINTVL, interval), (socket.TCP_KEEPCNT, count)
        before = [sock.getsockopt(socket.IPPROTO_TCP, option) for option, _ in options]
        set_keepalive(sock, keepalive)
        now = [sock.getsockopt(socket.IPPROTO_TCP, option) for option, _ in options]
    expected = [old if new is None else new for old, (_, new) in zip(before, options, strict=True)]
    assert now == expected


def test_keepalive_is_left_alone() -> None:
    with socket.socket() as sock:
        set_keepalive(sock, None)
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


# A resolver in the place of the operating system.


def answering(*addresses: str | tuple[str, int]) -> Any:
    async def resolver(host: str, port: int) -> list[str | tuple[str, int]]:
        return list(addresses)

    return resolver


async def test_what_a_resolver_answers_is_tried_in_its_order() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B).add(C)
    assert await net.connect(resolver=answering(A, C)) == C
    assert net.tried == [A, C]


async def test_families_of_a_resolver_are_interleaved() -> None:
    net = ScriptedNet().add(A, REFUSED).add(B, REFUSED).add(A6, REFUSED).add(B6)
    await net.connect(resolver=answering(A, B, A6, B6), happy_eyeballs_delay=LONG)
    assert net.tried == [A, A6, B, B6]


async def test_a_resolver_may_name_another_port() -> None:
    async with raw_server() as server:
        target = TcpTarget(host="feed.test", port=1, resolver=answering(("127.0.0.1", server.port)))
        with await connect_tcp(asyncio.get_running_loop(), target) as sock:
            assert sock.getpeername() == ("127.0.0.1", server.port)


async def test_a_resolver_without_an_answer() -> None:
    with pytest.raises(socket.gaierror, match=r"'several\.test' has no address, says the resolver"):
        await ScriptedNet().connect(resolver=answering())


@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_a_resolver_is_not_asked_for_an_address(host: str) -> None:
    async with raw_server() as server:
        target = TcpTarget(host=host, port=server.port, resolver=answering(A))
        with await connect_tcp(asyncio.get_running_loop(), target) as sock:
            assert sock.getpeername()[1] == server.port


async def test_a_resolver_is_not_asked_for_the_local_address() -> None:
    async with raw_server() as server:
        resolver = answering("127.0.0.1")
        target = TcpTarget(host="feed.test", port=server.port, local_addr=("localhost", 0), resolver=resolver)
        with await connect_tcp(asyncio.get_running_loop(), target) as sock:
            assert sock.getsockname()[0] == "127.0.0.1"


# A time for each address.


@pytest.mark.parametrize("delay", [None, LONG])
async def test_an_address_that_does_not_answer_in_time_is_passed_over(delay: float | None) -> None:
    net = ScriptedNet().add(A, HANG).add(B)
    assert await net.connect(address_timeout=0.01, happy_eyeballs_delay=delay) == B
    assert net.open_sockets() == 0


async def test_addresses_that_do_not_answer_in_time_are_told() -> None:
    net = ScriptedNet().add(A, HANG).add(B, HANG)
    with pytest.raises(
        TimeoutError, match=r"192\.0\.2\.1 did not answer within 0\.01 s; 192\.0\.2\.2 did not"
    ):
        await net.connect(address_timeout=0.01)
    assert net.open_sockets() == 0


async def test_a_time_out_of_the_operating_system_comes_through() -> None:
    net = ScriptedNet().add(A, TimeoutError(errno.ETIMEDOUT, "the system's"))
    with pytest.raises(TimeoutError, match="the system's"):
        await net.connect(address_timeout=LONG)


# Unix sockets.


@pytest.mark.needs("unix-sockets")
async def test_it_connects_to_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    async with raw_server(unix_path=path):
        with await connect_unix(asyncio.get_running_loop(), path) as sock:
            assert (sock.getpeername(), sock.getblocking()) == (path, False)


@pytest.mark.needs("unix-sockets")
async def test_a_missing_unix_socket_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with pytest.raises(FileNotFoundError) as caught:
        await connect_unix(asyncio.get_running_loop(), path)
    assert caught.value.filename == path


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
async def test_it_connects_to_an_abstract_unix_socket() -> None:
    path = f"\0wssdk-{uuid.uuid4()}"
    async with raw_server(unix_path=path):
        with await connect_unix(asyncio.get_running_loop(), path) as sock:
            assert sock.getpeername() == path.encode()


async def test_a_missing_abstract_unix_socket_is_named() -> None:
    with pytest.raises(OSError, match="@wssdk-nobody") as caught:
        await connect_unix(asyncio.get_running_loop(), "\0wssdk-nobody")
    assert caught.value.errno in (errno.ECONNREFUSED, errno.EAFNOSUPPORT)


@pytest.mark.needs("unix-sockets")
async def test_a_path_that_is_too_long_is_told() -> None:
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        await connect_unix(asyncio.get_running_loop(), "/tmp/" + "x" * 200)


@pytest.mark.needs("unix-sockets")
async def test_cancelled_it_leaves_no_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    hanging = ScriptedNet().add(path[0], HANG)  # Unix addresses are paths: the script sees their first letter
    connecting = asyncio.ensure_future(connect_unix(cast("asyncio.AbstractEventLoop", hanging), path))
    await until(lambda: hanging.tried)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert hanging.open_sockets() == 0


async def test_without_unix_sockets_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(socket, "AF_UNIX", raising=False)
        with pytest.raises(OSError, match="this platform has no Unix sockets"):
            await connect_unix(asyncio.get_running_loop(), os.devnull)


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET])
async def test_an_ipv4_address_is_dialled_as_it_stands(family: int) -> None:
    net = ScriptedNet().add(A)
    with contextlib.closing(await connect_tcp(cast("Any", net), TcpTarget(host=A, port=1, family=family))):
        assert net.tried == [A]


async def test_an_ipv4_address_is_no_address_where_ipv6_is_wanted() -> None:
    target = TcpTarget(host="127.0.0.1", port=1, family=socket.AF_INET6)
    with pytest.raises(socket.gaierror):
        await connect_tcp(asyncio.get_running_loop(), target)


@pytest.mark.parametrize("host", ["127.1", "2130706433"])
async def test_an_old_spelling_of_an_ipv4_address_is_dialled(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = TcpTarget(host=host, port=server.getsockname()[1])
        with contextlib.closing(await connect_tcp(asyncio.get_running_loop(), target)) as sock:
            assert sock.getpeername() == server.getsockname()
