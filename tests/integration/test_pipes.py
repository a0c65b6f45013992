"""Other ways to a server than a TCP port: TLS, Unix sockets, sockets that are open already."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import wssdk
from tests.support.peers.fleet import Fleet, Peer
from tests.support.tls import authority

PEERS = ["websockets", "aiohttp", "uvicorn-wsproto"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    pair = authority().issue("localhost", "127.0.0.1")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(pair.key + pair.cert)
    return str(path)


@pytest.fixture
def trusting() -> ssl.SSLContext:
    return authority().client_context()


@pytest.fixture(params=PEERS)
def tls_peer(request: pytest.FixtureRequest, fleet: Fleet, certificate: str) -> Peer:
    return fleet.peer(request.param, "--tls", certificate)


@pytest.fixture
def unix_path(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("unix") / "peer.sock"
    fleet.peer("websockets", "--unix", str(path))
    return str(path)


@pytest.mark.parametrize("size", [0, 126, 65536, 5_000_000])
async def test_message_comes_back_over_tls(tls_peer: Peer, trusting: ssl.SSLContext, size: int) -> None:
    message = bytes(size)
    async with wssdk.connect(tls_peer.at("/echo"), ssl=trusting, max_size=5_000_000) as ws:
        await ws.send(message)
        assert await ws.recv() == message


async def test_certificate_is_checked(tls_peer: Peer) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await wssdk.connect(tls_peer.at("/echo"))


async def test_name_of_the_server_is_checked(tls_peer: Peer, trusting: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await wssdk.connect(tls_peer.at("/echo"), ssl=trusting, server_hostname="elsewhere.example")


async def test_name_of_the_server_can_be_given(tls_peer: Peer, trusting: ssl.SSLContext) -> None:
    async with wssdk.connect(tls_peer.at("/echo"), ssl=trusting, server_hostname="localhost") as ws:
        await ws.send("over TLS")
        assert await ws.recv() == "over TLS"


async def test_tls_to_a_server_without_it_is_refused(fleet: Fleet) -> None:
    peer = fleet.peer("websockets")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await wssdk.connect(peer.at("/echo").replace("ws://", "wss://"))


async def test_close_code_of_the_server_over_tls(tls_peer: Peer, trusting: ssl.SSLContext) -> None:
    async with wssdk.connect(tls_peer.at("/close", code=4000, reason="bye"), ssl=trusting) as ws:
        await ws.wait_closed()
    assert (ws.close_code, ws.close_reason) == (4000, "bye")


@pytest.mark.needs("unix-sockets")
async def test_message_comes_back_over_a_unix_socket(unix_path: str, compression: str | None) -> None:
    async with wssdk.unix_connect(unix_path, compression=compression) as ws:
        await ws.send("over Unix")
        assert await ws.recv() == "over Unix"


@pytest.mark.needs("unix-sockets")
async def test_uri_names_the_resource_on_a_unix_socket(unix_path: str) -> None:
    async with wssdk.unix_connect(unix_path, "ws://service/stream?count=2") as ws:
        assert [message async for message in ws] == ["0", "1"]


@pytest.mark.needs("unix-sockets")
async def test_missing_unix_socket_raises_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await wssdk.unix_connect(str(tmp_path / "nothing"))


async def test_socket_that_is_open_already_is_used(fleet: Fleet) -> None:
    uri = fleet.peer("websockets").at("/echo")
    parts = urlsplit(uri)
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        address = sock.getsockname()
        async with wssdk.connect(uri, sock=sock) as ws:
            assert ws.local_address == address


async def test_addresses_are_known_after_the_end(fleet: Fleet) -> None:
    async with wssdk.connect(fleet.peer("websockets").at("/echo")) as ws:
        addresses = ws.local_address, ws.remote_address
    assert (ws.local_address, ws.remote_address) == addresses


async def test_host_and_port_are_dialled_instead_of_the_uris(fleet: Fleet) -> None:
    port = urlsplit(fleet.peer("websockets").base).port
    async with wssdk.connect("ws://elsewhere.example/headers", host="127.0.0.1", port=port) as ws:
        assert "elsewhere.example" in str(await ws.recv())


async def test_nobody_listening_raises_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        await wssdk.connect(f"ws://127.0.0.1:{port}/")
