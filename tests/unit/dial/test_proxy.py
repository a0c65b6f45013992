"""What is said to proxies, and what may come back; the proxy is played."""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import Any

import pytest

from tests.support.daemons import free_port
from tests.support.proxies import PlayedProxy, answering
from tests.support.servers import RawServer, Script, raw_server
from tests.support.tls import authority
from wssdk.config import ClientConfig, Network, Proxy
from wssdk.dial.dialer import StreamDialer
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import (
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    ProxyError,
    RetryableError,
)
from wssdk.ports import Resolver, Route
from wssdk.reconnect import process_exception

YES = b"HTTP/1.1 200 Connection established\r\n\r\n"


def config(server: RawServer, scheme: str = "http", user: str = "", **more: object) -> ClientConfig:
    values: dict[str, object] = {"user_agent": "tests/1", **more}
    return ClientConfig(proxy=Proxy(url=f"{scheme}://{user}127.0.0.1:{server.port}"), **values)  # type: ignore[arg-type]


async def dial(server: RawServer, route: Route | None = None, **more: str) -> StreamPipe:
    """Dial by way of a proxy at ``server``."""
    dialer = StreamDialer(config(server, **more), ssl_context=authority().client_context())
    return await dialer.dial(route or Route(False, "example.com", 80))


async def refused(script: Script, kind: type[Exception], **more: str) -> Exception:
    """Return what is raised where the proxy plays ``script``."""
    async with raw_server(script) as server:
        with pytest.raises(kind) as caught:
            await dial(server, None, **more)
    return caught.value


async def requested(route: Route, **more: str) -> list[bytes]:
    """Return the lines of the request that a proxy gets."""
    proxy = PlayedProxy(YES)
    async with raw_server(proxy) as server:
        (await dial(server, route, **more)).abort()
    (request,) = proxy.requests
    return request.split(b"\r\n")


# What is asked.


async def test_request() -> None:
    lines = await requested(Route(False, "example.com", 8080))
    assert lines == [
        b"CONNECT example.com:8080 HTTP/1.1",
        b"Host: example.com:8080",
        b"User-Agent: tests/1",
        b"",
        b"",
    ]


async def test_request_for_an_address_of_ipv6() -> None:
    assert (await requested(Route(False, "2001:db8::1", 80)))[0] == b"CONNECT [2001:db8::1]:80 HTTP/1.1"


async def test_connect_is_asked_for_an_address_without_its_zone() -> None:
    assert (await requested(Route(False, "fe80::1%eth0", 80)))[0] == b"CONNECT [fe80::1]:80 HTTP/1.1"


async def test_request_without_user_agent() -> None:
    proxy = PlayedProxy(YES)
    async with raw_server(proxy) as server:
        pipe = await StreamDialer(config(server, user_agent=None)).dial(Route(False, "a", 80))
        pipe.abort()
    assert b"User-Agent" not in proxy.requests[0]


async def test_credentials_are_basic_authentication() -> None:
    lines = await requested(Route(False, "a", 80), user="me:pa%C3%9F@")
    coded = base64.b64encode("me:paß".encode())
    assert b"Proxy-Authorization: Basic " + coded in lines


async def test_username_alone_has_an_empty_password() -> None:
    lines = await requested(Route(False, "a", 80), user="me@")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:") in lines


# What may be answered.


@pytest.mark.parametrize(
    "answer",
    [
        YES,
        b"HTTP/1.0 200 OK\r\nProxy-Agent: old\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + YES,
        b"HTTP/1.1 299 Fine\r\nContent-Length: 99\r\n\r\n",
    ],
)
async def test_yes(answer: bytes) -> None:
    async with raw_server(PlayedProxy(answer)) as server:
        (await dial(server)).abort()


async def test_bytes_behind_the_answer_are_the_servers() -> None:
    async with raw_server(PlayedProxy(YES + b"hello")) as server:
        pipe = await dial(server)
        said = await pipe.read()
        pipe.abort()
    assert said == b"hello"


async def test_answer_may_come_in_pieces() -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in YES + b"hello":
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    async with raw_server(proxy) as server:
        pipe = await dial(server)
        said = b""
        while len(said) < 5:
            said += await pipe.read()
        pipe.abort()
    assert said == b"hello"


@pytest.mark.parametrize("status", [302, 403, 407, 502])
async def test_no(status: int) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 5\r\n\r\nsorry".encode()
    error = await refused(PlayedProxy(answer), InvalidProxyStatus)
    assert isinstance(error, InvalidProxyStatus)
    assert error.response is not None
    assert (error.response.status_code, error.response.body) == (status, b"sorry")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "invalid HTTP status line"),
        (b"\x05\x00", "invalid HTTP status line"),
        (b"HTTP/2 200\r\n\r\n", "invalid HTTP status line"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "invalid header line"),
        (b"HTTP/1.1 200 " + b"x" * 9000, "longer than"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "more than 128 headers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + YES, "too many interim responses"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", ""),
    ],
)
async def test_what_is_no_answer_of_a_proxy(answer: bytes, told: str) -> None:
    error = await refused(PlayedProxy(answer), InvalidProxyMessage)
    assert told in str(error)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\n"])
async def test_end_before_the_answer(answer: bytes) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    error = await refused(proxy, InvalidProxyMessage)
    assert isinstance(error.__cause__, EOFError)


async def test_bytes_before_tls_begins_are_refused() -> None:
    async with raw_server(PlayedProxy(YES + b"x")) as server:
        with pytest.raises(InvalidProxyMessage, match="before TLS began"):
            await dial(server, Route(True, "localhost", 443))


async def test_bytes_before_tls_begins_inside_of_the_proxys_are_refused() -> None:
    context = authority().client_context()
    async with raw_server(
        PlayedProxy(YES + b"x"), ssl_context=authority().server_context("127.0.0.1")
    ) as server:
        dialer = StreamDialer(config(server, "https"), ssl_context=context, proxy_ssl_context=context)
        with pytest.raises(InvalidProxyMessage, match="before TLS began"):
            await dialer.dial(Route(True, "localhost", 443))


# TLS inside of the tunnel.


async def test_tls_is_spoken_with_the_server() -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.read()

    async with (
        raw_server(hello, ssl_context=authority().server_context("example.com")) as behind,
        raw_server(PlayedProxy(YES, behind.port)) as server,
    ):
        pipe = await dial(server, Route(True, "example.com", 443))
        said = await pipe.read()
        pipe.abort()
    assert said == b"hello"


async def test_certificate_must_be_the_servers() -> None:
    async with (
        raw_server(ssl_context=authority().server_context("other.example")) as behind,
        raw_server(PlayedProxy(YES, behind.port)) as server,
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            await dial(server, Route(True, "example.com", 443))


# SOCKS.


@pytest.mark.parametrize(
    ("scheme", "answers"),
    [
        ("socks5h", [b"\x05\xff"]),
        ("socks5h", [b"\x05\x02"]),
        ("socks5h", [b"HTTP/1.1 400 Bad\r\n\r\n"]),
        ("socks5h", [b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"]),
        ("socks5h", [b"\x05\x00", b"\x04\x00\x00\x01\0\0\0\0\0\0"]),
        ("socks5h", [b"\x05\x00", b"\x05\x00"]),
        ("socks5h", [b""]),
        ("socks4a", [b"\x00\x5b\0\0\0\0\0\0"]),
        ("socks4a", [b"\x01\x5a\0\0\0\0\0\0"]),
        ("socks4a", [b"\x00\x5a"]),
    ],
)
async def test_no_of_a_socks_proxy(scheme: str, answers: list[bytes]) -> None:
    await refused(answering(*answers), ProxyError, scheme=scheme)


async def test_name_that_socks_cannot_carry() -> None:
    async with raw_server(answering(b"\x05\x00")) as server:
        with pytest.raises(InvalidProxy):
            await dial(server, Route(False, "a" * 300, 80), scheme="socks5h")


async def test_password_that_socks_cannot_carry_is_not_told() -> None:
    async with raw_server(answering(b"\x05\x02")) as server:
        with pytest.raises((InvalidProxy, ProxyError)) as caught:
            await dial(server, scheme="socks5h", user=f"me:{'s3cret' * 60}@")
    assert "s3cret" not in f"{caught.value!r}{caught.value}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("answers", "about"),
    [
        ([b"\x05\x02", b"\x01\x01"], True),
        ([b"\x05\xff"], True),
        ([b"\x05\x02", b"\x01\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"], False),
    ],
    ids=["wrong credentials", "no acceptable method", "refused by the server"],
)
async def test_it_is_told_whether_credentials_are_what_socks_refuses(
    answers: list[bytes], about: bool
) -> None:
    error = await refused(answering(*answers), ProxyError, scheme="socks5h", user="me:word@")
    assert isinstance(error, ProxyError)
    assert (error.is_about_credentials, isinstance(process_exception(error), RetryableError)) == (
        about,
        not about,
    )


# Reaching the proxy.


async def test_proxy_that_is_not_reached_is_named() -> None:
    dialer = StreamDialer(ClientConfig(proxy=Proxy(url=f"http://me:pa55word@127.0.0.1:{free_port()}")))
    with pytest.raises(ConnectionRefusedError) as caught:
        await dialer.dial(Route(False, "example.com", 80))
    (note,) = caught.value.__notes__
    assert (note.startswith("on the way to proxy http://127.0.0.1:"), "pa55word" in note) == (True, False)


async def test_environment_is_asked_for_the_host_that_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://proxy.invalid")
    async with raw_server() as server:
        options = {"host": "127.0.0.1", "port": server.port}
        pipe = await StreamDialer(ClientConfig()).dial(Route(False, "example.com", 80, options=options))
        pipe.abort()
    assert server.accepted == 1


# The addresses of a name that SOCKS is told by number.

GRANTED = b"\x05\x00\x00\x01\0\0\0\0\0\0"
REFUSED = b"\x05\x05\x00\x01\0\0\0\0\0\0"
GRANTED_BY_4 = b"\x00\x5a\0\0\0\0\0\0"
REFUSED_BY_4 = b"\x00\x5b\0\0\0\0\0\0"


HANG = b"no answer"


class Socks:
    """A SOCKS proxy without authentication, which gives each connection the next of its answers.

    An empty one ends the connection, :data:`HANG` is none at all.
    """

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.asked: list[bytes] = []
        """What it was asked to connect to, as the version of SOCKS writes it."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await reader.read(1 << 10)
        if got[0] == 5:
            writer.write(b"\x05\x00")
            got = await reader.read(1 << 10)
        self.asked.append(got)
        answer = self._answers.pop(0)
        if answer is not HANG:
            writer.write(answer)
        if answer:
            await reader.read()


def resolver_of(*places: Any) -> Resolver:
    async def resolve(host: str, port: int) -> Any:
        return places

    return resolve


async def dial_socks(proxy: Socks, scheme: str, resolver: Resolver) -> list[bytes]:
    """Dial by way of a SOCKS proxy; return the addresses that it was asked for."""
    async with raw_server(proxy) as server:
        dialer = StreamDialer(config(server, scheme), resolver=resolver)
        (await dialer.dial(Route(False, "feed.test", 80))).abort()
    return proxy.asked


async def test_each_address_is_tried_in_order() -> None:
    asked = await dial_socks(Socks(REFUSED, GRANTED), "socks5", resolver_of("192.0.2.1", "192.0.2.2"))
    assert [each[4:8] for each in asked] == [bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))]


async def test_first_address_that_is_granted_is_enough() -> None:
    asked = await dial_socks(Socks(GRANTED), "socks5", resolver_of("192.0.2.1", "192.0.2.2"))
    assert len(asked) == 1


async def test_port_of_a_resolver_is_asked_for() -> None:
    asked = await dial_socks(Socks(GRANTED), "socks5", resolver_of(("192.0.2.1", 8080)))
    assert int.from_bytes(asked[0][8:10], "big") == 8080


async def test_socks4_is_asked_for_addresses_of_ipv4_only() -> None:
    resolver = resolver_of("2001:db8::1", "192.0.2.1", "192.0.2.2")
    asked = await dial_socks(Socks(REFUSED_BY_4, GRANTED_BY_4), "socks4", resolver)
    assert [each[4:8] for each in asked] == [bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))]


async def test_last_refusal_is_raised_with_the_others_in_its_notes() -> None:
    resolver = resolver_of("192.0.2.1", "192.0.2.2")
    with pytest.raises(ProxyError, match="refused") as caught:
        await dial_socks(Socks(REFUSED, REFUSED), "socks5", resolver)
    assert [note.partition(": ")[0] for note in caught.value.__notes__] == ["before, for 192.0.2.1"]


async def test_proxy_that_ends_instead_of_answering_has_the_next_address_tried() -> None:
    asked = await dial_socks(Socks(b"", GRANTED), "socks5", resolver_of("192.0.2.1", "192.0.2.2"))
    assert len(asked) == 2


async def test_address_that_the_proxy_does_not_reach_in_time_is_followed_by_the_next() -> None:
    proxy = Socks(HANG, GRANTED)
    async with raw_server(proxy) as server:
        network = Network(address_timeout="50ms")
        resolver = resolver_of("192.0.2.1", "192.0.2.2")
        dialer = StreamDialer(config(server, "socks5", network=network), resolver=resolver)
        (await dialer.dial(Route(False, "feed.test", 80))).abort()
    assert len(proxy.asked) == 2


async def test_last_address_that_is_not_reached_in_time_is_told() -> None:
    async with raw_server(Socks(REFUSED, HANG)) as server:
        network = Network(address_timeout="50ms")
        resolver = resolver_of("192.0.2.1", "192.0.2.2")
        dialer = StreamDialer(config(server, "socks5", network=network), resolver=resolver)
        with pytest.raises(TimeoutError, match=r"did not reach 192.0.2.2 within 0.05 s") as caught:
            await dialer.dial(Route(False, "feed.test", 80))
    assert len(caught.value.__notes__) == 1


async def test_refused_credentials_are_not_tried_for_each_address() -> None:
    asked = 0

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await answering(b"\x05\x02", b"\x01\x01")(reader, writer)

    async with raw_server(proxy) as server:
        resolver = resolver_of("192.0.2.1", "192.0.2.2")
        with pytest.raises(ProxyError):
            await StreamDialer(config(server, "socks5", "me:word@"), resolver=resolver).dial(
                Route(False, "feed.test", 80)
            )
    assert asked == 1
