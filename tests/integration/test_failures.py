"""Every row of the table in docs/how-to/reconnection.md: what happens, what is raised, how it is judged.

What this side can bring about for real, it does, by way of a socket.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import pytest

import wssdk
from tests.support.black_holes import black_hole
from tests.support.daemons import free_port
from tests.support.proxies import answering
from tests.support.raw_peer import RawLink, raw_peer
from tests.support.servers import Script, raw_server
from tests.support.tls import DAY, Authority, authority, now, pin_of
from wssdk import (
    ClientConfig,
    ConnectionFactory,
    Network,
    Resolver,
    RetryableError,
    Timeouts,
    Tls,
    process_exception,
)
from wssdk.testing import ScriptedServer, read_request, reset, upgrade
from wssdk.testing.scripted import Step

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "reconnection.md"
_ROW: Final = re.compile(
    r"^\| (?P<what>[^|]+) \| `(?P<exception>\w+)` \| (?P<verdict>transient|fatal) \|$", re.MULTILINE
)

Happening: TypeAlias = Callable[[], Awaitable[Exception]]


@attrs.frozen
class Row:
    """A row of the table."""

    what: str
    exception: str
    verdict: str


def rows() -> Iterator[Row]:
    for match in _ROW.finditer(PAGE.read_text(encoding="utf-8")):
        yield Row(match["what"], match["exception"], match["verdict"])


ROWS: Final = list(rows())


async def failure_of(config: ClientConfig, **collaborators: Any) -> Exception:
    """Return what an opening fails with."""
    try:
        ws = await ConnectionFactory(config, **collaborators).open()
    except Exception as error:
        return error
    await ws.close()
    raise AssertionError("the opening succeeded")


def opening(uri: str | None = None, **options: Any) -> Happening:
    collaborators = {
        name: options.pop(name) for name in ("headers", "options", "resolver") if name in options
    }

    async def happen() -> Exception:
        return await failure_of(ClientConfig(uri=uri, **options), **collaborators)

    return happen


def answered(*steps: Step, **options: Any) -> Happening:
    """The peer plays ``steps``."""
    collaborators = {name: options.pop(name) for name in ("headers",) if name in options}

    async def happen() -> Exception:
        async with ScriptedServer(steps) as server:
            return await failure_of(ClientConfig(uri=server.uri, **options), **collaborators)

    return happen


def refused(status: int, **options: Any) -> Happening:
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n"
    return answered(read_request, head.encode(), **options)


def redirected(location: str, **options: Any) -> Happening:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return answered(read_request, head.encode(), **options)


async def redirected_out_of_tls() -> Exception:
    async def redirect(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n")

    async with raw_peer(redirect, authority().server_context()) as peer:
        return await failure_of(ClientConfig(uri=peer.uri), ssl_context=authority().client_context())


def resolver_of(*addresses: str) -> Resolver:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


async def silent_resolver(host: str, port: int) -> list[str]:
    await asyncio.get_running_loop().create_future()
    return []


async def nobody_answers() -> Exception:
    port = free_port()
    with black_hole("127.0.0.1", port):
        network = Network(address_timeout="50ms")
        return await failure_of(ClientConfig(uri=f"ws://127.0.0.1:{port}/", network=network))


def closed_port(host: str = "127.0.0.1") -> str:
    with socket.create_server((host, 0)) as server:
        return f"ws://{host}:{server.getsockname()[1]}/"


def over_tls(
    *names: str, trusted: bool = True, expired: bool = False, pinned: bytes | None = None
) -> Happening:
    """The peer shows a certificate for ``names``, by default those of this machine."""

    async def happen() -> Exception:
        context = authority().client_context() if trusted else None
        tls = Tls() if pinned is None else Tls(pinned_sha256=[pin_of(pinned)])
        if expired:
            pair = authority().issue("127.0.0.1", not_before=now() - 2 * DAY, not_after=now() - DAY)
            shown = pair.server_context()
        else:
            shown = authority().server_context(*names)
        async with raw_peer(lambda link: link.until_gone(), shown) as peer:
            return await failure_of(ClientConfig(uri=peer.uri, tls=tls), ssl_context=context)

    return happen


async def no_tls() -> Exception:
    async with ScriptedServer([b"220 mail.example.com ESMTP\r\n"]) as server:
        return await failure_of(ClientConfig(uri=server.uri.replace("ws:", "wss:")))


async def reset_in_tls() -> Exception:
    async def drop(peer: Any) -> None:
        await peer.reader.read(1)
        await reset(peer)

    async with ScriptedServer([drop]) as server:
        return await failure_of(ClientConfig(uri=server.uri.replace("ws:", "wss:")))


async def no_answer() -> Exception:
    async def wait(link: Any) -> None:
        await link.until_gone()

    async with raw_peer(wait) as peer:
        return await failure_of(ClientConfig(uri=peer.uri, timeouts=Timeouts(open="50ms")))


async def wrong_config() -> Exception:
    config = ClientConfig(tls=Tls(check_hostname=False))
    try:
        await ConnectionFactory(config).open("ws://127.0.0.1/")
    except Exception as error:
        return error
    raise AssertionError("the configuration is right")


def unreachable_token_server() -> dict[str, str]:
    raise OSError("the token server cannot be reached")


def missing_token_file() -> dict[str, str]:
    return {"X-Token": Path("/no/such/token").read_text(encoding="utf-8")}


def raised(error: Exception, cause: Exception | None = None) -> Happening:
    """What only other software brings about: as it is raised."""
    error.__cause__ = cause

    async def happen() -> Exception:
        return error

    return happen


def status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()


def through(scheme: str, proxy: Script, user: str = "") -> Happening:
    """Return an opening by way of a proxy."""

    async def happening() -> Exception:
        async with raw_server(proxy) as server:
            url = f"{scheme}://{user}127.0.0.1:{server.port}"
            return await failure_of(ClientConfig(uri="ws://example.com/", proxy=url))

    return happening


async def unreached_proxy() -> Exception:
    url = f"http://127.0.0.1:{free_port()}"
    return await failure_of(ClientConfig(uri="ws://example.com/", proxy=url))


def by_environment(url: str) -> Happening:
    """Return an opening by way of the proxy that the environment names."""

    async def happening() -> Exception:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("https_proxy", url)
            return await failure_of(ClientConfig(uri="ws://example.com/"))

    return happening


def agreement(*lines: str) -> list[Step]:
    head = ["HTTP/1.1 101 Switching Protocols", *lines, "", ""]
    return [read_request, "\r\n".join(head).encode()]


UPGRADE: Final = ("Upgrade: websocket", "Connection: Upgrade")

HAPPENINGS: Final[dict[str, list[Happening]]] = {
    "the host's name is not found": [opening("ws://no-such-host.invalid/")],
    "nobody listens at the port": [opening(closed_port())],
    "the address cannot be reached, or the local one cannot be used": [
        opening(closed_port(), network=Network(local_host="192.0.2.1"))
    ],
    "the Unix socket is not there": [opening(network=Network(unix_path="/no/such/socket"))],
    "each of several addresses fails (`all_errors=True`)": [
        opening(closed_port(), options={"all_errors": True})
    ],
    "the time of `timeouts.open` is over": [no_answer],
    "the peer resets the connection before its response": [answered(read_request, reset)],
    "the peer ends the stream before its response": [answered(read_request)],
    "the peer ends the stream within its response's head": [answered(read_request, b"HTTP/1.1 101 Swi")],
    "the peer answers with what is not HTTP": [answered(read_request, b"220 mail.example.com ESMTP\r\n")],
    "the server's certificate is signed by nobody that is trusted": [over_tls(trusted=False)],
    "the server's certificate has another host's name": [over_tls("other.example")],
    "the server's certificate has expired": [over_tls(expired=True)],
    "the server has none of the pinned keys (`tls.pinned_sha256`)": [over_tls(pinned=Authority().cert)],
    "the peer does not speak TLS": [no_tls],
    "the peer resets the connection in the TLS handshake": [reset_in_tls],
    **{f"a response {status}": [refused(status)] for status in (408, 425, 429, 500, 502, 503, 504)},
    "a response 401, again after a provider was asked for fresh headers": [
        refused(401, headers=lambda: {"X-Token": "t"})
    ],
    "another response 4xx": [refused(status) for status in (400, 401, 403, 404, 410, 426)],
    "another response 5xx": [refused(status) for status in (501, 505)],
    "a response 200": [refused(200)],
    "the response switches to another protocol": [
        answered(*agreement("Upgrade: h2c", "Connection: Upgrade")),
    ],
    "the response lacks a header that it must have": [answered(*agreement(*UPGRADE))],
    "the response proves that another key was read": [
        answered(*agreement(*UPGRADE, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    ],
    "the response agrees to a subprotocol that was not offered": [
        answered(upgrade("Sec-WebSocket-Protocol: chat"))
    ],
    "a header of the response is too long": [
        answered(read_request, b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 100_000)
    ],
    "a redirect leads from `wss:` to `ws:`": [redirected_out_of_tls],
    "there are more redirects than `network.max_redirects`": [redirected("/")],
    "a redirect leads to what is no WebSocket": [redirected("ftp://h/")],
    "a redirect leads away from a Unix socket, or from a host that is dialled in the place of the URI's": [
        redirected("ws://elsewhere.test/", network=Network(host="127.0.0.1"))
    ],
    "the host that a redirect leads to cannot be reached": [redirected(closed_port())],
    "the URI is not one of WebSocket": [raised(wssdk.InvalidURI("http://h/", "scheme isn't ws or wss"))],
    "a header may not be sent": [opening(closed_port(), headers=lambda: {"Host": "elsewhere"})],
    "the configuration is wrong": [wrong_config],
    "a provider returns something of the wrong type": [opening(closed_port(), headers=lambda: 5)],
    "a provider fails to reach whom it asks": [opening(closed_port(), headers=unreachable_token_server)],
    "a file that a provider reads is not there (yet), or cannot be read": [
        opening(closed_port(), headers=missing_token_file)
    ],
    "a resolver finds no address": [opening("ws://feed.test/", resolver=resolver_of())],
    "a resolver does not answer within `timeouts.open`": [
        opening("ws://feed.test/", resolver=silent_resolver, timeouts=Timeouts(open="50ms"))
    ],
    "a resolver returns what is no address": [opening("ws://feed.test/", resolver=resolver_of("h.test"))],
    "no address answers within `network.address_timeout`": [nobody_answers],
    "the proxy's URL cannot be used": [by_environment("ftp://127.0.0.1:9")],
    "the proxy ends the stream before its response": [through("http", answering(b""))],
    "the proxy answers with what is not HTTP": [through("http", answering(b"SSH-2.0\r\n"))],
    "the proxy answers 502, or another of `retry_status`": [
        through("http", answering(status_line(status))) for status in (429, 502, 503, 504)
    ],
    "the proxy answers 407, or another status": [
        through("http", answering(status_line(status))) for status in (403, 405, 407)
    ],
    "a SOCKS proxy refuses the credentials, or wants some": [
        through("socks5h", answering(b"\x05\xff")),
        through("socks5h", answering(b"\x05\x02", b"\x01\x01"), user="me:word@"),
    ],
    "the proxy does not open the way in another manner": [
        through("socks5h", answering(b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0")),
        through("socks4a", answering(b"\x00\x5b\0\0\0\0\0\0")),
    ],
    "the proxy is not reached": [unreached_proxy],
    "what a hook or a provider calls transient": [raised(RetryableError(LookupError("down")))],
    "any other exception": [raised(Exception("anything")), raised(LookupError("anything"))],
}


def test_every_row_has_a_happening() -> None:
    assert [row.what for row in ROWS] == list(HAPPENINGS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
async def test_it_raises_what_the_table_says(row: Row) -> None:
    for happen in HAPPENINGS[row.what]:
        error = await happen()
        names = [cls.__name__ for cls in type(error).__mro__]
        # The row of all others names the base of all.
        assert row.exception == names[0] or row.exception in ("OSError", "SSLError", "Exception")
        assert row.exception in names


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
async def test_it_is_judged_as_the_table_says(row: Row) -> None:
    for happen in HAPPENINGS[row.what]:
        error = await happen()
        judged = process_exception(error)
        if row.verdict == "fatal":
            assert judged is error
        else:
            assert isinstance(judged, RetryableError)
            assert error in (judged, judged.__cause__)


def test_statuses_of_the_page_are_those_of_the_config() -> None:
    (listed,) = re.findall(r'"of `retry_status`" means ([0-9, and]+) unless', PAGE.read_text("utf-8"))
    statuses = tuple(map(int, re.findall(r"[0-9]+", listed)))
    assert statuses == ClientConfig().reconnect.retry_status
