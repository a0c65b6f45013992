"""Redirects, by servers and proxies of other people: where they lead, and what goes along."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import wssdk
from tests.support import fronts
from tests.support.fronts import Nginx
from tests.support.peers.fleet import Fleet, Peer
from tests.support.servers import echo_bytes, raw_server
from tests.support.tls import authority
from tests.support.until import until
from wssdk import (
    ClientConfig,
    ConnectionFactory,
    InvalidStatus,
    Network,
    Reconnect,
    Secret,
    SecurityError,
    Tls,
)
from wssdk.testing import ScriptedServer, read_request

SECRET: Final = "s3cret-pa55"
# With names of its own, so that nothing is proven by the credentials that they are sent in.
SEEN: Final = "seen-everywhere"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("redirects")


@pytest.fixture(scope="module")
def pem(folder: Path) -> str:
    pair = authority().issue("localhost", "127.0.0.1")
    path = folder / "peer.pem"
    path.write_bytes(pair.key + pair.cert)
    return str(path)


@pytest.fixture(scope="module")
def front(folder: Path, fleet: Fleet) -> Iterator[Nginx]:
    """nginx in front of a server made with websockets."""
    behind = int(fleet.peer("websockets").base.rpartition(":")[2])
    with fronts.nginx(folder, authority().issue("localhost"), behind) as it:
        yield it


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, front: Nginx) -> Iterator[int]:
    """HAProxy in front of nginx."""
    pair = authority().issue("localhost")
    with fronts.haproxy(tmp_path_factory.mktemp("haproxy"), pair, front.tls_port) as port:
        yield port


def factory_of(uri: str, **options: Any) -> ConnectionFactory:
    """Return a factory for a ``ws:`` or ``wss:`` URI that trusts the authority of the tests."""
    given = {name: options.pop(name) for name in ("headers",) if callable(options.get(name))}
    return ConnectionFactory(
        ClientConfig(uri=uri, **options), ssl_context=authority().client_context(), **given
    )


async def headers_seen(factory: ConnectionFactory) -> dict[str, str]:
    """Return the header fields that the server at the end of all redirects got."""
    async with factory.connect() as ws:
        seen: dict[str, str] = json.loads(await ws.recv())
        return seen


def redirect_to(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def refusal() -> bytes:
    return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


# Behind nginx and HAProxy.

needs_nginx = pytest.mark.needs("nginx")
needs_both = pytest.mark.needs("nginx", "haproxy")


@needs_nginx
@pytest.mark.parametrize(
    ("path", "kept"), [("/headers", True), ("/relative", True), ("/absolute", True), ("/other", False)]
)
async def test_nginx_redirects(front: Nginx, path: str, kept: bool) -> None:
    uri = f"wss://localhost:{front.tls_port}{path}"
    seen = await headers_seen(factory_of(uri, headers={"Authorization": SECRET, "X-Client": SEEN}))
    assert seen["x-client"] == SEEN
    assert ("authorization" in seen) is kept


@needs_nginx
async def test_nginx_redirects_to_tls(front: Nginx) -> None:
    seen = await headers_seen(factory_of(f"ws://localhost:{front.port}/headers", headers={"Cookie": SECRET}))
    assert seen["host"] == f"localhost:{front.tls_port}"
    assert "cookie" not in seen


@needs_nginx
async def test_nginx_redirects_out_of_tls(front: Nginx) -> None:
    with pytest.raises(SecurityError, match="non-secure URI ws://localhost"):
        await factory_of(f"wss://localhost:{front.tls_port}/down").open()


@needs_nginx
async def test_nginx_redirects_for_ever(front: Nginx) -> None:
    with pytest.raises(SecurityError, match="more than 10 redirects") as caught:
        await factory_of(f"wss://localhost:{front.tls_port}/again").open()
    assert isinstance(caught.value.__cause__, InvalidStatus)


@needs_both
@pytest.mark.parametrize("path", ["/headers", "/relative", "/absolute", "/other"])
async def test_haproxy_hands_redirects_of_nginx_on(before: int, path: str) -> None:
    seen = await headers_seen(factory_of(f"wss://localhost:{before}{path}", headers={"X-Client": SEEN}))
    assert seen["x-client"] == SEEN


@needs_both
async def test_messages_go_through_haproxy_and_nginx_after_a_redirect(before: int, fleet: Fleet) -> None:
    context = authority().client_context()
    async with wssdk.connect(f"wss://localhost:{before}/relative", ssl=context) as ws:
        assert "x-client" not in json.loads(await ws.recv())
    async with wssdk.connect(f"wss://localhost:{before}/echo", ssl=context) as ws:
        await ws.send("A" * 100_000)
        assert await ws.recv() == "A" * 100_000


# Two servers: every way to have a secret, and every change of origin.


@attrs.frozen
class Way:
    """How a secret is given: sections and options of the config, userinfo, or a provider."""

    options: Mapping[str, Any] = attrs.field(factory=dict)
    user_info: str = ""


def header(name: str, value: str | Secret = SECRET) -> Way:
    return Way({"headers": {name: value}})


WAYS: Final = {
    "authorization": header("Authorization", f"Bearer {SECRET}"),
    "cookie": header("Cookie", f"session={SECRET}"),
    "proxy-authorization": header("Proxy-Authorization"),
    "x-api-key": header("X-Api-Key"),
    "x-auth-token": header("X-Auth-Token"),
    "a secret": header("X-Note", Secret(SECRET)),
    "auth section": Way({"auth": wssdk.Auth(token=SECRET)}),
    "auth section, other header": Way({"auth": wssdk.Auth(token=SECRET, header="X-Note", scheme="")}),
    "userinfo": Way(user_info=f"{SECRET}:{SECRET}@"),
    "provider": Way({"headers": lambda: {"X-Note": SECRET}}),
}
# What the userinfo is sent as.
AS_BASIC: Final = "czNjcmV0LXBhNTU6czNjcmV0LXBhNTU="

# From, to: schemes and names of the two servers; they always have ports of their own.
CHANGES: Final = {
    "port": ("ws://127.0.0.1", "ws://127.0.0.1"),
    "name and port": ("ws://127.0.0.1", "ws://localhost"),
    "to tls": ("ws://localhost", "wss://localhost"),
    "port, tls": ("wss://localhost", "wss://localhost"),
    "name and port, tls": ("wss://localhost", "wss://127.0.0.1"),
}


def peer_at(fleet: Fleet, name: str, base: str, pem: str) -> Peer:
    """Return a peer, with TLS where ``base`` says so, under the host of ``base``."""
    peer = fleet.peer(name, "--tls", pem) if base.startswith("wss:") else fleet.peer(name)
    return attrs.evolve(peer, base=f"{base}:{peer.base.rpartition(':')[2]}")


def shows(seen: Mapping[str, str]) -> bool:
    """Tell whether the secret is anywhere in what a server was sent."""
    return any(SECRET in value or AS_BASIC in value for value in seen.values())


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", WAYS)
async def test_secret_stays_behind(fleet: Fleet, pem: str, way: str, change: str) -> None:
    old, new = CHANGES[change]
    target = peer_at(fleet, "aiohttp", new, pem).at("/headers")
    location = target.replace("ws", "http", 1)
    uri = peer_at(fleet, "websockets", old, pem).at("/refuse", status=302, location=location)
    given = uri.replace("://", f"://{WAYS[way].user_info}", 1)
    assert not shows(await headers_seen(factory_of(given, **WAYS[way].options)))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", WAYS)
async def test_secret_goes_along_within_an_origin(fleet: Fleet, pem: str, way: str, change: str) -> None:
    old, _ = CHANGES[change]
    uri = peer_at(fleet, "websockets", old, pem).at("/refuse", status=302, location="/headers")
    given = uri.replace("://", f"://{WAYS[way].user_info}", 1)
    assert shows(await headers_seen(factory_of(given, **WAYS[way].options)))


@pytest.mark.parametrize("change", CHANGES)
async def test_kept_header_goes_along(fleet: Fleet, pem: str, change: str) -> None:
    old, new = CHANGES[change]
    target = peer_at(fleet, "aiohttp", new, pem).at("/headers")
    uri = peer_at(fleet, "websockets", old, pem).at("/refuse", status=308, location=target)
    headers = {"Cookie": SEEN, "Authorization": SECRET}
    seen = await headers_seen(factory_of(uri, headers=headers, network=Network(keep_headers=["Cookie"])))
    assert seen["cookie"] == SEEN
    assert not shows(seen)


async def test_every_attempt_starts_at_the_first_server_with_its_credentials(fleet: Fleet) -> None:
    target = fleet.peer("websockets").at("/headers")
    head = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    async with ScriptedServer([read_request, head]) as first:
        config = ClientConfig(
            uri=first.uri,
            headers={"Authorization": SECRET},
            reconnect=Reconnect(initial=None, min=0.001, max=0.001, min_uptime=0.001),
        )
        seen: list[dict[str, str]] = []
        async with contextlib.aclosing(aiter(ConnectionFactory(config).connect())) as connections:
            async for ws in connections:
                seen.append(json.loads(await ws.recv()))
                if len(seen) == 3:
                    break
        requests = [peer.request for peer in first.peers]
    assert len(requests) == 3
    assert all(request is not None and SECRET.encode() in request for request in requests)
    assert not any(map(shows, seen))


# What is bound to one peer.


@pytest.mark.needs("unix-sockets")
async def test_unix_socket_is_dialled_again_within_an_origin(tmp_path: Path) -> None:
    path = str(tmp_path / "peer.sock")
    async with ScriptedServer(
        [read_request, redirect_to("/b")], [read_request, refusal()], unix_path=path
    ) as peer:
        with pytest.raises(InvalidStatus) as caught:
            await wssdk.unix_connect(path)
    assert caught.value.response.status_code == 403
    assert [bytes(each.request or b"").split()[1] for each in peer.peers] == [b"/", b"/b"]


@pytest.mark.needs("unix-sockets")
async def test_unix_socket_is_not_left(tmp_path: Path) -> None:
    path = str(tmp_path / "peer.sock")
    async with (
        raw_server(echo_bytes) as other,
        ScriptedServer([read_request, redirect_to(f"ws://127.0.0.1:{other.port}/")], unix_path=path),
    ):
        with pytest.raises(ValueError, match="with a Unix socket"):
            await wssdk.unix_connect(path)
        assert other.accepted == 0


async def test_given_socket_is_not_used_twice() -> None:
    async with ScriptedServer([read_request, redirect_to("/b")]) as peer:
        with socket.create_connection(peer.address) as sock:
            with pytest.raises(ValueError, match="with a preexisting socket"):
                await wssdk.connect(peer.uri, sock=sock)
            await until(lambda: sock.fileno() == -1)


async def test_client_certificate_is_not_shown_to_another_origin(tmp_path: Path) -> None:
    pair = authority().issue("me")
    (tmp_path / "me.pem").write_bytes(pair.key + pair.cert)
    tls = Tls(ca_file=authority().write_ca(tmp_path), cert_file=str(tmp_path / "me.pem"))
    contexts = [authority().server_context(asks_client=True) for _ in range(2)]
    async with raw_server(echo_bytes, ssl_context=contexts[0]) as other:
        location = f"https://localhost:{other.port}/"

        async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(redirect_to(location))

        async with raw_server(redirects, ssl_context=contexts[1]) as first:
            config = ClientConfig(uri=f"wss://localhost:{first.port}/", tls=tls)
            with pytest.raises(SecurityError, match=r"tls\.cert_file"):
                await ConnectionFactory(config).open()
        assert other.accepted == 0


async def test_server_name_of_the_config_is_not_asked_of_another_origin(
    fleet: Fleet, pem: str, tmp_path: Path
) -> None:
    target = peer_at(fleet, "websockets", "wss://localhost", pem).at("/headers")

    async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(redirect_to(target))

    async with raw_server(redirects, ssl_context=authority().server_context("inside.example")) as first:
        tls = Tls(ca_file=authority().write_ca(tmp_path), server_hostname="inside.example")
        config = ClientConfig(uri=f"wss://localhost:{first.port}/", tls=tls)
        assert "host" in await headers_seen(ConnectionFactory(config))
