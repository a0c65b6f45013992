"""Through proxies that other people wrote: Squid, tinyproxy, Dante, microsocks, HAProxy."""

from __future__ import annotations

import contextlib
import logging
import pickle
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

import wssdk
from tests.support import proxies
from tests.support.daemons import free_port
from tests.support.proxies import CREDENTIALS, Proxied
from tests.support.tls import Authority, authority, pin_of
from wssdk import (
    ClientConfig,
    ConnectionFactory,
    InvalidProxyStatus,
    PinMismatch,
    Proxy,
    ProxyError,
    Tls,
)
from wssdk.testing import EchoServer

Start: TypeAlias = Callable[[Path, tuple[str, str] | None], AbstractContextManager[Proxied]]

PROGRAMS: Final[dict[str, tuple[str, Start]]] = {
    "squid": ("squid", proxies.squid),
    "tinyproxy": ("tinyproxy", proxies.tinyproxy),
    "dante": ("danted", proxies.dante),
    "microsocks": ("microsocks", proxies.microsocks),
    "tiny-proxy": ("tiny-proxy", proxies.tiny_proxy),
}
SCHEMES: Final = [
    ("squid", "http"),
    ("tinyproxy", "http"),
    ("dante", "socks4"),
    ("tiny-proxy", "socks4a"),
    ("dante", "socks5"),
    ("dante", "socks5h"),
    ("microsocks", "socks5"),
    ("microsocks", "socks5h"),
]
ASKING: Final = [("squid", "http"), ("tinyproxy", "http"), ("microsocks", "socks5h")]
WRONG: Final = ("me", "wr0ng-word")


def cases(pairs: list[tuple[str, str]]) -> pytest.MarkDecorator:
    marked = [
        pytest.param(program, scheme, marks=pytest.mark.needs(PROGRAMS[program][0]), id=f"{program}-{scheme}")
        for program, scheme in pairs
    ]
    return pytest.mark.parametrize(("program", "scheme"), marked)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Proxied]]:
    """Start each program once for the tests of this file."""
    started: dict[tuple[str, bool], Proxied] = {}
    with contextlib.ExitStack() as stack:

        def get(program: str, *, asks: bool = False) -> Proxied:
            key = (program, asks)
            if key not in started:
                folder = tmp_path_factory.mktemp(program)
                begin = PROGRAMS[program][1]
                started[key] = stack.enter_context(begin(folder, CREDENTIALS if asks else None))
            return started[key]

        yield get


def server(tls: bool) -> EchoServer:
    return EchoServer(tls=tls)


def uri_of(echo: EchoServer) -> str:
    """Return the server's URI with a name in it, which somebody has to resolve."""
    return echo.uri.replace("127.0.0.1", "localhost")


async def echoed(echo: EchoServer, uri: str | None = None, **keywords: Any) -> Any:
    if echo.certificate is not None:
        keywords["ssl"] = echo.certificate.client_ssl
    async with wssdk.connect(uri or uri_of(echo), **keywords) as ws:
        await ws.send("hello")
        return await ws.recv()


@cases(SCHEMES)
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
async def test_messages_pass(running: Callable[..., Proxied], program: str, scheme: str, tls: bool) -> None:
    proxy = running(program)
    async with server(tls) as echo:
        assert await echoed(echo, proxy=proxy.url(scheme)) == "hello"


@cases(ASKING)
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
async def test_credentials_are_given(
    running: Callable[..., Proxied], program: str, scheme: str, tls: bool
) -> None:
    proxy = running(program, asks=True)
    async with server(tls) as echo:
        assert await echoed(echo, proxy=proxy.url(scheme)) == "hello"


@cases(ASKING)
async def test_credentials_of_the_configuration(
    running: Callable[..., Proxied], program: str, scheme: str
) -> None:
    proxy = running(program, asks=True)
    section = Proxy(url=proxy.url(scheme, None), username=CREDENTIALS[0], password=CREDENTIALS[1])
    async with server(False) as echo:
        config = ClientConfig(uri=uri_of(echo), proxy=section)
        async with ConnectionFactory(config).connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


@cases(ASKING)
@pytest.mark.parametrize("credentials", [None, WRONG], ids=["none", "wrong"])
async def test_refused_credentials(
    running: Callable[..., Proxied], program: str, scheme: str, credentials: tuple[str, str] | None
) -> None:
    proxy = running(program, asks=True)
    async with server(False) as echo:
        with pytest.raises(ProxyError):
            await echoed(echo, proxy=proxy.url(scheme, credentials))


@pytest.mark.needs("squid")
async def test_refused_credentials_come_with_the_answer(running: Callable[..., Proxied]) -> None:
    proxy = running("squid", asks=True)
    async with server(False) as echo:
        with pytest.raises(InvalidProxyStatus) as caught:
            await echoed(echo, proxy=proxy.url("http", WRONG))
    response = caught.value.response
    assert response is not None
    assert (response.status_code, bool(response.body)) == (407, True)


@cases(SCHEMES)
async def test_nobody_behind_the_proxy(running: Callable[..., Proxied], program: str, scheme: str) -> None:
    proxy = running(program)
    with pytest.raises(ProxyError):
        await wssdk.connect(f"ws://localhost:{free_port()}/", proxy=proxy.url(scheme))


@cases(ASKING)
async def test_password_is_never_told(
    running: Callable[..., Proxied], program: str, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = running(program, asks=True)
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with server(False) as echo:
            try:
                await echoed(echo, proxy=proxy.url(scheme, WRONG))
            except ProxyError as error:
                told += [repr(error), str(error), *traceback.format_exception(error)]
                told.append(repr(pickle.dumps(error)))
            else:
                pytest.fail("it was let through")
    told += [record.getMessage() for record in caplog.records]
    told.append(repr(ClientConfig(proxy=proxy.url(scheme, WRONG))))
    assert not [text for text in told if WRONG[1] in text]


@pytest.mark.needs("squid")
async def test_environment_chooses(
    running: Callable[..., Proxied], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A name that only Squid knows.
    monkeypatch.setenv("https_proxy", running("squid").url("http"))
    async with server(False) as echo:
        uri = echo.uri.replace("127.0.0.1", "server.example")
        with caplog.at_level(logging.DEBUG, "wssdk.client"):
            answer = await echoed(echo, uri)
    assert (answer, any("by https_proxy" in message for message in caplog.messages)) == ("hello", True)


@pytest.mark.needs("squid")
async def test_no_proxy_is_kept_to(running: Callable[..., Proxied], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", running("squid").url("http"))
    monkeypatch.setenv("no_proxy", ".example")
    async with server(False) as echo:
        with pytest.raises(socket.gaierror):
            await echoed(echo, echo.uri.replace("127.0.0.1", "server.example"))


# An https proxy: TLS to the proxy, and TLS inside of it.


@pytest.fixture(scope="module")
def https_proxy(
    running: Callable[..., Proxied], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    pair = authority().issue("localhost", "proxy.example")
    folder = tmp_path_factory.mktemp("haproxy")
    with proxies.haproxy_tls(folder, pair.key + pair.cert, running("squid", asks=True)) as proxy:
        yield proxy


needs_both = pytest.mark.needs("squid", "haproxy")


@needs_both
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
async def test_messages_pass_through_an_https_proxy(https_proxy: Proxied, tls: bool) -> None:
    async with server(tls) as echo:
        context = authority().client_context()
        assert await echoed(echo, proxy=https_proxy.url("https"), proxy_ssl=context) == "hello"


@needs_both
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
async def test_large_messages_pass_through_an_https_proxy(https_proxy: Proxied, tls: bool) -> None:
    message = bytes(range(256)) * 4000
    async with server(tls) as echo:
        keywords: dict[str, Any] = {} if echo.certificate is None else {"ssl": echo.certificate.client_ssl}
        async with wssdk.connect(
            uri_of(echo),
            proxy=https_proxy.url("https"),
            proxy_ssl=authority().client_context(),
            max_size=None,
            **keywords,
        ) as ws:
            await ws.send(message)
            assert await ws.recv() == message


@needs_both
async def test_https_proxy_of_the_configuration(https_proxy: Proxied, tmp_path: Path) -> None:
    ca_file = authority().write_ca(tmp_path)
    async with server(True) as echo:
        assert echo.certificate is not None
        config = ClientConfig(
            uri=uri_of(echo),
            proxy=Proxy(url=https_proxy.url("https"), ca_file=ca_file, server_hostname="proxy.example"),
        )
        factory = ConnectionFactory(config, ssl_context=echo.certificate.client_ssl)
        async with factory.connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


@needs_both
async def test_rotated_authority_of_an_https_proxy_needs_no_restart(
    https_proxy: Proxied, tmp_path: Path
) -> None:
    ca_file = Authority().write_ca(tmp_path)
    async with server(False) as echo:
        config = ClientConfig(uri=uri_of(echo), proxy=Proxy(url=https_proxy.url("https"), ca_file=ca_file))
        factory = ConnectionFactory(config)
        with pytest.raises(ssl.SSLCertVerificationError):
            await factory.open()
        authority().write_ca(tmp_path)
        async with factory.connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


@needs_both
async def test_https_proxy_must_prove_who_it_is(https_proxy: Proxied) -> None:
    async with server(False) as echo:
        with pytest.raises(ssl.SSLCertVerificationError):
            await echoed(echo, proxy=https_proxy.url("https"))


@needs_both
async def test_https_proxy_of_another_name_is_refused(https_proxy: Proxied) -> None:
    context = authority().client_context()
    async with server(False) as echo:
        with pytest.raises(OSError, match=r"not valid for 'other\.example'"):
            await echoed(
                echo,
                proxy=https_proxy.url("https"),
                proxy_ssl=context,
                proxy_server_hostname="other.example",
            )


@cases([("squid", "http"), ("dante", "socks5")])
@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "other"])
async def test_pins_hold_through_a_proxy(
    running: Callable[..., Proxied], program: str, scheme: str, pinned: bool
) -> None:
    await _check_pins(Proxy(url=running(program).url(scheme)), None, pinned)


@needs_both
@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "other"])
async def test_pins_are_those_of_the_server_and_not_of_the_https_proxy(
    https_proxy: Proxied, pinned: bool
) -> None:
    await _check_pins(Proxy(url=https_proxy.url("https")), authority().client_context(), pinned)


async def _check_pins(proxy: Proxy, proxy_context: ssl.SSLContext | None, pinned: bool) -> None:
    async with server(True) as echo:
        assert echo.certificate is not None
        root = pin_of(echo.certificate.ca_pem)
        tls = Tls(pinned_sha256=[root if pinned else pin_of(authority().cert)])
        factory = ConnectionFactory(
            ClientConfig(uri=uri_of(echo), proxy=proxy, tls=tls),
            ssl_context=echo.certificate.client_ssl,
            proxy_ssl_context=proxy_context,
        )
        if not pinned:
            with pytest.raises(PinMismatch):
                await factory.open()
            return
        async with factory.connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
