from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import echo_bytes, raw_server, until_gone
from tests.support.steps import Moment, cancelled_at
from tests.support.tls import authority
from tests.support.transports import NotingProtocol
from tests.support.until import until
from wssdk.config import ClientConfig, Network, Timeouts, Tls
from wssdk.dial.dialer import StreamDialer
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import ConfigError
from wssdk.ports import Dialer, Pipe, Route


@pytest.fixture(params=[pytest.param("aiofastnet", marks=pytest.mark.needs("aiofastnet")), "asyncio"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def config(transport: str = "auto", *, timeouts: Timeouts | None = None, **network: Any) -> ClientConfig:
    network_ = Network(transport=transport, **network)  # type: ignore[arg-type]
    return ClientConfig(network=network_, timeouts=timeouts or Timeouts())


def tls_dialer(transport: str = "auto", **network: Any) -> StreamDialer:
    return StreamDialer(config(transport, **network), ssl_context=authority().client_context())


def plain(port: int, **options: Any) -> Route:
    return Route(False, "127.0.0.1", port, options=options)


def secure(port: int, server_hostname: str | None = "localhost", /, **options: Any) -> Route:
    return Route(True, "127.0.0.1", port, server_hostname, options=options)


async def echoed(pipe: StreamPipe) -> bytes:
    pipe.write(b"hello")
    data = b""
    while len(data) < 5:
        data += await pipe.read()
    pipe.abort()
    return data


def test_it_is_what_the_ports_ask_for() -> None:
    made: tuple[Dialer, Pipe] = (StreamDialer(ClientConfig()), StreamPipe())  # mypy checks it
    assert len(made) == 2


# Kinds of routes.


async def test_tcp(transport: str) -> None:
    async with raw_server(echo_bytes) as server:
        assert await echoed(await StreamDialer(config(transport)).dial(plain(server.port))) == b"hello"


async def test_a_name_is_resolved(transport: str) -> None:
    async with raw_server(echo_bytes) as server:
        dialer = StreamDialer(config(transport, family="ipv4"))
        assert await echoed(await dialer.dial(Route(False, "localhost", server.port))) == b"hello"


async def test_tls(transport: str) -> None:
    async with raw_server(echo_bytes, ssl_context=authority().server_context()) as server:
        assert await echoed(await tls_dialer(transport).dial(secure(server.port))) == b"hello"


async def test_tls_from_the_tls_section(transport: str, tmp_path: Path) -> None:
    ca_file = authority().write_ca(tmp_path)
    dialer = StreamDialer(ClientConfig(tls=Tls(ca_file=ca_file), network=config(transport).network))
    async with raw_server(echo_bytes, ssl_context=authority().server_context()) as server:
        assert await echoed(await dialer.dial(secure(server.port))) == b"hello"


@pytest.mark.needs("unix-sockets")
@pytest.mark.parametrize("is_tls", [False, True])
async def test_unix(transport: str, tmp_path: Path, is_tls: bool) -> None:
    path = str(tmp_path / "s")
    server_ssl = authority().server_context() if is_tls else None
    async with raw_server(echo_bytes, unix_path=path, ssl_context=server_ssl):
        route = Route(is_tls, "localhost", 1, unix_path=path)
        assert await echoed(await tls_dialer(transport).dial(route)) == b"hello"


async def given_socket(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_given_socket(transport: str, is_tls: bool) -> None:
    async with raw_server(echo_bytes, ssl_context=authority().server_context() if is_tls else None) as server:
        sock = await given_socket(server.port)
        route = Route(is_tls, "localhost", 1, options={"sock": sock})
        assert await echoed(await tls_dialer(transport).dial(route)) == b"hello"


@pytest.mark.needs("unix-sockets")
async def test_a_given_unix_socket(transport: str) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        pipe = await StreamDialer(config(transport)).dial(
            Route(False, "localhost", 1, options={"sock": ours})
        )
        theirs.sendall(b"hi")
        assert await pipe.read() == b"hi"
        pipe.abort()
        await asyncio.sleep(0)


# What the config and the options change.


async def test_host_and_port_of_the_options_win() -> None:
    async with raw_server(echo_bytes) as server:
        route = Route(False, "192.0.2.1", 1, options={"host": "127.0.0.1", "port": server.port})
        assert await echoed(await StreamDialer(ClientConfig()).dial(route)) == b"hello"


@pytest.mark.parametrize(
    ("network", "options"),
    [({"local_host": "127.0.0.2"}, {}), ({"local_host": "127.0.0.3"}, {"local_addr": ("127.0.0.2", 0)})],
)
async def test_the_local_address(network: dict[str, Any], options: dict[str, Any]) -> None:
    async with raw_server() as server:
        pipe = await StreamDialer(config(**network)).dial(plain(server.port, **options))
        assert pipe.transport.get_extra_info("sockname")[0] == "127.0.0.2"
        pipe.abort()


@pytest.mark.parametrize("family", ["ipv6", "ipv4"])
async def test_the_family(family: str) -> None:
    async with raw_server() as server:
        dialer = StreamDialer(config(family=family))
        route = Route(False, "127.0.0.1" if family == "ipv6" else "::1", server.port)
        with pytest.raises(socket.gaierror):
            await dialer.dial(route)


@pytest.mark.parametrize("nodelay", [False, True])
async def test_tcp_nodelay(transport: str, nodelay: bool) -> None:
    async with raw_server() as server:
        pipe = await StreamDialer(config(transport, tcp_nodelay=nodelay)).dial(plain(server.port))
        sock = pipe.transport.get_extra_info("socket")
        assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is nodelay
        pipe.abort()


@pytest.mark.parametrize("seconds", [None, 30])
async def test_tcp_keepalive(transport: str, seconds: float | None) -> None:
    async with raw_server() as server:
        pipe = await StreamDialer(config(transport, tcp_keepalive=seconds)).dial(plain(server.port))
        sock = pipe.transport.get_extra_info("socket")
        assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is (seconds is not None)
        pipe.abort()


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPINTVL"), reason="the platform has no name for it")
async def test_tcp_keepalive_with_interval_and_count(transport: str) -> None:
    async with raw_server() as server:
        dialer = StreamDialer(config(transport, tcp_keepalive=["60s", "10s", 5]))
        pipe = await dialer.dial(plain(server.port))
        sock = pipe.transport.get_extra_info("socket")
        options = socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT
        assert [sock.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [60, 10, 5]
        pipe.abort()


async def nowhere(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"asked for {host}")


async def here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"] if host == "feed.test" else await nowhere(host, port)


async def test_a_resolver_is_asked(transport: str) -> None:
    async with raw_server(echo_bytes) as server:
        dialer = StreamDialer(config(transport), resolver=here)
        assert await echoed(await dialer.dial(Route(False, "feed.test", server.port))) == b"hello"


async def test_a_resolver_is_asked_over_tls_and_the_name_is_verified(transport: str) -> None:
    context = authority().client_context()
    dialer = StreamDialer(config(transport), ssl_context=context, resolver=here)
    async with raw_server(echo_bytes, ssl_context=authority().server_context("feed.test")) as server:
        assert await echoed(await dialer.dial(Route(True, "feed.test", server.port))) == b"hello"


async def test_a_pickled_dialer_keeps_its_resolver() -> None:
    async with raw_server(echo_bytes) as server:
        dialer = pickle.loads(pickle.dumps(StreamDialer(ClientConfig(), resolver=here)))
        assert await echoed(await dialer.dial(Route(False, "feed.test", server.port))) == b"hello"


@pytest.mark.parametrize("option", ["resolver", "address_timeout"])
async def test_what_is_configured_is_no_option_of_a_route(option: str) -> None:
    with pytest.raises(TypeError, match=option):
        await StreamDialer(ClientConfig()).dial(plain(1, **{option: 1}))


async def test_a_given_socket_is_used_as_it_is() -> None:
    async with raw_server() as server:
        sock = await given_socket(server.port)
        dialer = StreamDialer(config("asyncio", tcp_keepalive=30))
        pipe = await dialer.dial(plain(1, sock=sock))
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        pipe.abort()


@pytest.mark.parametrize(
    ("route_name", "option", "accepted"),
    [("localhost", None, True), ("other.test", None, False), ("other.test", "localhost", True)],
)
async def test_the_server_name(transport: str, route_name: str, option: str | None, accepted: bool) -> None:
    server_ssl = authority().server_context("localhost")
    names: list[object] = []
    server_ssl.sni_callback = lambda _sock, name, _context: names.append(name)
    async with raw_server(ssl_context=server_ssl) as server:
        options = {} if option is None else {"server_hostname": option}
        dialling = tls_dialer(transport).dial(secure(server.port, route_name, **options))
        if accepted:
            (await dialling).abort()
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                await dialling
    assert names == [option or route_name]


async def test_the_server_name_is_the_host(transport: str) -> None:
    async with raw_server(ssl_context=authority().server_context("127.0.0.1")) as server:
        (await tls_dialer(transport).dial(secure(server.port, None))).abort()


async def test_timeouts_of_the_options_win(transport: str) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as server:
        with pytest.raises(ConnectionAbortedError, match=r"longer than 0\.05 seconds"):
            await tls_dialer(transport).dial(secure(server.port, ssl_handshake_timeout=0.05))


async def test_the_handshake_has_a_timeout(transport: str) -> None:
    async with raw_server() as server:
        dialer = StreamDialer(
            config(transport, timeouts=Timeouts(tls_handshake=0.05)),
            ssl_context=authority().client_context(),
        )
        with pytest.raises(ConnectionAbortedError, match=r"longer than 0\.05 seconds"):
            await dialer.dial(secure(server.port))


async def test_shutting_down_has_a_timeout(transport: str) -> None:
    async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # the way it is typed, it only writes
        await gone.wait()

    gone = asyncio.Event()
    async with raw_server(never_answers, ssl_context=authority().server_context()) as server:
        dialer = StreamDialer(
            config(transport, timeouts=Timeouts(tls_shutdown=0.05)),
            ssl_context=authority().client_context(),
        )
        pipe = await dialer.dial(secure(server.port))
        protocol = NotingProtocol()
        pipe.attach(protocol)
        pipe.write(bytes(1 << 24))
        pipe.transport.close()
        await until(protocol.closed.is_set, 2)
        gone.set()


# Refused before any traffic.


@pytest.mark.parametrize(
    ("route", "error", "told"),
    [
        (lambda port: plain(port, nonsense=1), TypeError, "unexpected keyword argument 'nonsense'"),
        (lambda port: secure(port, nonsense=1), TypeError, "unexpected keyword argument 'nonsense'"),
        (lambda port: secure(port, ssl=False), TypeError, "ssl is not an option of a route"),
        (lambda port: plain(port, server_hostname="x"), ValueError, "only meaningful with ssl"),
        (lambda port: plain(port, ssl_handshake_timeout=1), ValueError, "only meaningful with ssl"),
        (
            lambda port: Route(False, "x", port, unix_path="/s", options={"family": 0}),
            ValueError,
            "a Unix socket has no family",
        ),
        (
            lambda port: Route(False, "x", port, unix_path="/s", options={"nonsense": 0}),
            TypeError,
            "unexpected keyword argument 'nonsense'",
        ),
    ],
)
async def test_options_that_are_refused(
    transport: str, route: Callable[[int], Route], error: type[Exception], told: str
) -> None:
    async with raw_server() as server:
        with pytest.raises(error, match=told):
            await tls_dialer(transport).dial(route(server.port))
        assert server.accepted == 0


@pytest.mark.parametrize(
    "route",
    [
        lambda sock: Route(False, "x", 1, options={"sock": sock, "host": "127.0.0.1"}),
        lambda sock: Route(False, "x", 1, options={"sock": sock, "port": 2}),
        lambda sock: Route(False, "x", 1, unix_path="/s", options={"sock": sock}),
    ],
)
async def test_a_given_socket_goes_with_no_other_place(route: Callable[[socket.socket], Route]) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with pytest.raises(ValueError, match="sock can not be specified at the same time"):
            await StreamDialer(ClientConfig()).dial(route(ours))
        assert ours.fileno() == -1


# Failures.


async def test_a_refused_connection(transport: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await StreamDialer(config(transport)).dial(plain(unused.getsockname()[1]))


async def test_an_unknown_authority_comes_through_unwrapped(transport: str) -> None:
    async with raw_server(ssl_context=authority().server_context()) as server:
        dialer = StreamDialer(config(transport), ssl_context=ssl.create_default_context())
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await dialer.dial(secure(server.port))
        assert caught.value.reason == "CERTIFICATE_VERIFY_FAILED"
        assert caught.value.args[1] == str(caught.value)


async def test_a_server_without_tls(transport: str) -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_server(http) as server:
        with pytest.raises(ssl.SSLError) as caught:
            await tls_dialer(transport).dial(secure(server.port))
        assert caught.value.reason == "WRONG_VERSION_NUMBER"


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Script: reset the connection."""
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Script: close at once."""
    await reader.read(1 << 16)


@pytest.mark.parametrize("script", [resets, leaves])
async def test_a_peer_that_leaves_in_the_tls_handshake(transport: str, script: Any) -> None:
    """And nothing of it is told to the event loop's exception handler: this suite watches it."""
    async with raw_server(script) as server:
        with pytest.raises(ConnectionResetError) as caught:
            await tls_dialer(transport).dial(secure(server.port))
        assert str(caught.value)


async def test_a_given_socket_is_closed_where_dialling_fails(transport: str) -> None:
    async with raw_server(leaves) as server:
        sock = await given_socket(server.port)
        with pytest.raises(ConnectionResetError):
            await tls_dialer(transport).dial(secure(1, sock=sock))
        assert sock.fileno() == -1


@pytest.mark.parametrize("moment", ["waiting", "done"])
@pytest.mark.parametrize("step", range(1, 4))
async def test_a_given_socket_is_closed_where_dialling_is_cancelled(
    transport: str, tmp_path: Path, step: int, moment: Moment
) -> None:
    ca_file = authority().write_ca(tmp_path)
    dialer = StreamDialer(ClientConfig(tls=Tls(ca_file=ca_file), network=config(transport).network))
    async with raw_server(ssl_context=authority().server_context()) as server:
        sock = await given_socket(server.port)
        dialling = cancelled_at(dialer.dial(secure(1, sock=sock)), step, moment)
        await asyncio.wait([dialling], timeout=5)
        if not dialling.cancelled():
            dialling.result().abort()
        await until(lambda: sock.fileno() == -1)
        await server.finished(2)


async def test_files_that_cannot_be_used_are_told(transport: str) -> None:
    section = Tls(ca_file="/no/ca.pem")
    async with raw_server() as server:
        dialer = StreamDialer(ClientConfig(tls=section, network=config(transport).network))
        with pytest.raises(ConfigError, match=r"tls\.ca_file: cannot read '/no/ca\.pem'"):
            await dialer.dial(secure(server.port))
        assert server.accepted == 0


# Contexts that aiofastnet cannot serve.


@pytest.mark.needs("aiofastnet")
async def test_a_key_log_is_kept(tmp_path: Path) -> None:
    """aiofastnet would crash the process."""
    context = authority().client_context()
    context.keylog_filename = str(tmp_path / "keys")
    async with raw_server(echo_bytes, ssl_context=authority().server_context()) as server:
        dialer = StreamDialer(config("aiofastnet"), ssl_context=context)
        assert await echoed(await dialer.dial(secure(server.port))) == b"hello"
    context.keylog_filename = None  # type: ignore[assignment]  # closes the file
    assert "CLIENT_" in (tmp_path / "keys").read_text()


async def test_loops_that_cannot_watch_sockets_use_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(asyncio, "ProactorEventLoop", type(loop), raising=False)
    async with raw_server(echo_bytes) as server:
        pipe = await StreamDialer(config("auto")).dial(plain(server.port))
        assert not type(pipe.transport).__module__.startswith("aiofastnet")
        assert await echoed(pipe) == b"hello"


# Sharing and logging.


async def test_pipes_share_one_context(transport: str, tmp_path: Path) -> None:
    ca_file = authority().write_ca(tmp_path)
    dialer = StreamDialer(ClientConfig(tls=Tls(ca_file=ca_file), network=config(transport).network))
    async with raw_server(until_gone, ssl_context=authority().server_context()) as server:
        pipes = await asyncio.gather(*(dialer.dial(secure(server.port)) for _ in range(4)))
        assert len({id(pipe.transport.get_extra_info("sslcontext")) for pipe in pipes}) == 1
        for pipe in pipes:
            pipe.abort()


async def test_a_pickled_dialer_dials() -> None:
    dialer = pickle.loads(pickle.dumps(StreamDialer(ClientConfig(), logger=logging.getLogger("mine"))))
    async with raw_server(echo_bytes) as server:
        assert await echoed(await dialer.dial(plain(server.port))) == b"hello"


@pytest.mark.parametrize("logger", [None, logging.getLogger("mine")])
async def test_what_was_dialled_is_logged(
    caplog: pytest.LogCaptureFixture, logger: logging.Logger | None
) -> None:
    caplog.set_level(logging.DEBUG)
    async with raw_server() as server:
        (await StreamDialer(ClientConfig(), logger=logger).dial(plain(server.port))).abort()
    told = [record for record in caplog.records if record.name.startswith(("wssdk", "mine"))]
    assert [record.name for record in told] == ["mine" if logger else "wssdk.client"]
    assert told[0].getMessage().startswith(f"dialled 127.0.0.1 port {server.port}: ")


@pytest.mark.needs("unix-sockets")
async def test_the_place_is_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG, "wssdk")
    path = str(tmp_path / "s")
    ours, theirs = socket.socketpair()
    dialer = StreamDialer(ClientConfig())
    async with raw_server(unix_path=path):
        with theirs:
            (await dialer.dial(Route(False, "x", 1, unix_path=path))).abort()
            (await dialer.dial(Route(False, "x", 1, options={"sock": ours}))).abort()
            await asyncio.sleep(0)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("wssdk")]
    assert messages[0].startswith(f"dialled {path!r}: ")
    assert messages[1].startswith("dialled the given socket: ")


async def test_given_socket_must_not_speak_tls_already() -> None:
    near, far = socket.socketpair()
    context = ssl.create_default_context()
    sock = context.wrap_socket(near, server_hostname="localhost", do_handshake_on_connect=False)
    with far, sock, pytest.raises(TypeError, match="sock must be a plain socket"):
        await StreamDialer(config()).dial(plain(80, sock=sock))


async def test_given_socket_must_be_a_stream() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock, pytest.raises(ValueError, match="sock must be a stream socket"):
        await StreamDialer(config()).dial(plain(80, sock=sock))
