"""The ``tls`` section against the servers of other people."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.tls import Authority, KeyPair, authority, pin_of
from tests.support.tls_servers import nginx_tls, openssl_server
from wssdk import ClientConfig, ConnectionFactory, InvalidStatus, Network, PinMismatch, Tls
from wssdk.testing import EchoServer

OTHER_PIN = "A" * 43 + "="


@pytest.fixture(params=[pytest.param("aiofastnet", marks=pytest.mark.needs("aiofastnet")), "asyncio"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def factory_of(transport: str, uri: str, tls: Tls) -> ConnectionFactory:
    network = Network(transport=transport)  # type: ignore[arg-type]
    return ConnectionFactory(ClientConfig(uri=uri, tls=tls, network=network, proxy=False))


def client_files(folder: Path, pair: KeyPair, name: str = "client") -> dict[str, Any]:
    cert, key = pair.write(folder, name)
    return {"cert_file": cert, "key_file": key}


# nginx, with a WebSocket server behind it.


@attrs.frozen
class Front:
    """nginx, and what the WebSocket server behind it is told of each connection."""

    uri: str
    told: list[dict[str, Any]]


@asynccontextmanager
async def front(folder: Path, pair: KeyPair, *, asks: Authority | None = None) -> AsyncIterator[Front]:
    told: list[dict[str, Any]] = []

    async def tell(ws: Any) -> None:
        headers = ws.request.headers
        told.append({"client": headers.get("X-Client", ""), "alpn": headers.get("X-Alpn", "")})
        await ws.send(json.dumps(told[-1]))

    own = folder / "nginx"
    own.mkdir()
    async with EchoServer(tell) as behind:
        port = int(behind.uri.rsplit(":", 1)[1].strip("/"))
        with nginx_tls(own, pair, port, asks=asks) as of_nginx:
            yield Front(f"wss://localhost:{of_nginx}/", told)


async def told_by(factory: ConnectionFactory) -> Any:
    async with factory.connect() as ws:
        return json.loads(await ws.recv())


@pytest.mark.needs("nginx")
async def test_nginx_sees_the_client_certificate_and_http_1_1(transport: str, tmp_path: Path) -> None:
    pair = authority().issue("client.test", common_name="client one")
    tls = Tls(ca_file=authority().write_ca(tmp_path), **client_files(tmp_path, pair))
    async with front(tmp_path, authority().issue("localhost"), asks=authority()) as server:
        told = await told_by(factory_of(transport, server.uri, tls))
    assert "CN=client one" in told["client"]
    assert told["alpn"] == "http/1.1"


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("issued", ["by nobody", "by a stranger"])
async def test_nginx_refuses_another_client_certificate(transport: str, tmp_path: Path, issued: str) -> None:
    shown = {} if issued == "by nobody" else client_files(tmp_path, Authority().issue("client.test"))
    tls = Tls(ca_file=authority().write_ca(tmp_path), **shown)
    async with front(tmp_path, authority().issue("localhost"), asks=authority()) as server:
        with pytest.raises(InvalidStatus) as caught:
            await told_by(factory_of(transport, server.uri, tls))
    assert caught.value.response.status_code == 400
    assert server.told == []


@pytest.mark.needs("nginx")
async def test_rotated_client_certificate_needs_no_restart(transport: str, tmp_path: Path) -> None:
    old, new = (authority().issue("c.test", common_name=name) for name in ("the old one", "the new one"))
    files = client_files(tmp_path, old)
    factory = factory_of(transport, "wss://localhost/", Tls(ca_file=authority().write_ca(tmp_path), **files))
    async with front(tmp_path, authority().issue("localhost"), asks=authority()) as server:
        for pair in (old, new):
            for written, file in zip(pair.write(tmp_path, "next"), files.values(), strict=True):
                os.replace(written, file)
            async with factory.connect(server.uri) as ws:
                await ws.recv()
    assert ["the old one" in server.told[0]["client"], "the new one" in server.told[1]["client"]] == [
        True
    ] * 2


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("which", ["server", "middle", "root"])
async def test_pinned_key_of_nginx_connects(transport: str, tmp_path: Path, which: str) -> None:
    middle = Authority(authority())
    pair = middle.issue("localhost")
    pin = pin_of({"server": pair.cert, "middle": middle.cert, "root": authority().cert}[which])
    tls = Tls(ca_file=authority().write_ca(tmp_path), pinned_sha256=[OTHER_PIN, pin])
    async with front(tmp_path, pair) as server:
        assert await told_by(factory_of(transport, server.uri, tls))


@pytest.mark.needs("nginx")
async def test_without_a_pinned_key_no_request_reaches_the_server(transport: str, tmp_path: Path) -> None:
    stranger = Authority()
    pair = authority().issue("localhost")
    shown = KeyPair(pair.cert + stranger.cert, pair.key)
    tls = Tls(ca_file=authority().write_ca(tmp_path), pinned_sha256=[pin_of(stranger.cert)])
    async with front(tmp_path, shown) as server:
        with pytest.raises(PinMismatch):
            await told_by(factory_of(transport, server.uri, tls))
    assert server.told == []


@pytest.mark.needs("nginx")
async def test_name_of_the_certificate_when_dialling_another_host(transport: str, tmp_path: Path) -> None:
    tls = Tls(ca_file=authority().write_ca(tmp_path), server_hostname="inner.example")
    async with front(tmp_path, authority().issue("inner.example")) as server:
        assert await told_by(factory_of(transport, server.uri, tls))


@pytest.mark.needs("nginx")
async def test_uris_name_counts_where_host_and_port_are_others(transport: str, tmp_path: Path) -> None:
    tls = Tls(ca_file=authority().write_ca(tmp_path))
    async with front(tmp_path, authority().issue("public.example")) as server:
        port = int(server.uri.rsplit(":", 1)[1].strip("/"))
        network = Network(transport=transport, host="127.0.0.1", port=port)  # type: ignore[arg-type]
        config = ClientConfig(uri="wss://public.example/", tls=tls, network=network, proxy=False)
        assert await told_by(ConnectionFactory(config))
        wrong = attrs.evolve(config, uri="wss://other.example/")
        with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'other\.example'"):
            await told_by(ConnectionFactory(wrong))


@pytest.mark.needs("nginx")
async def test_hashed_folder_of_authorities(transport: str, tmp_path: Path) -> None:
    """Its files have no other names than those that OpenSSL looks for."""
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "0f1e2d3c.0").write_bytes(authority().cert)
    async with front(tmp_path, authority().issue("localhost")) as server:
        assert await told_by(factory_of(transport, server.uri, Tls(ca_dir=str(tmp_path / "ca"))))


# OpenSSL's server: what it refuses, it says by an alert.


@contextmanager
def refusing(folder: Path, *words: str, asks: Authority | None = None) -> Iterator[str]:
    own = folder / "openssl"
    own.mkdir()
    with openssl_server(own, authority().issue("localhost"), *words, asks=asks) as port:
        yield f"wss://localhost:{port}/"


async def refusal(transport: str, uri: str, tls: Tls) -> ssl.SSLError:
    with pytest.raises(ssl.SSLError) as caught:
        await factory_of(transport, uri, tls).open()
    return caught.value


@pytest.mark.needs("openssl")
async def test_server_without_tls_1_3_is_refused_where_that_is_asked_for(
    transport: str, tmp_path: Path
) -> None:
    tls = Tls(ca_file=authority().write_ca(tmp_path), min_version="1.3")
    with refusing(tmp_path, "-tls1_2") as uri:
        error = await refusal(transport, uri, tls)
    assert error.reason in {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"}


@pytest.mark.needs("openssl")
async def test_no_cipher_in_common(transport: str, tmp_path: Path) -> None:
    tls = Tls(ca_file=authority().write_ca(tmp_path), ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
    with refusing(tmp_path, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256") as uri:
        error = await refusal(transport, uri, tls)
    assert error.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE"


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_alert_about_the_wrong_client_certificate_comes_through(
    transport: str, tmp_path: Path, version: str
) -> None:
    pair = Authority().issue("client.test")
    tls = Tls(ca_file=authority().write_ca(tmp_path), **client_files(tmp_path, pair))
    with refusing(tmp_path, version, asks=authority()) as uri:
        error = await refusal(transport, uri, tls)
    assert error.reason == "TLSV1_ALERT_UNKNOWN_CA"


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_alert_about_a_missing_client_certificate_comes_through(
    transport: str, tmp_path: Path, version: str
) -> None:
    tls = Tls(ca_file=authority().write_ca(tmp_path))
    with refusing(tmp_path, version, asks=authority()) as uri:
        error = await refusal(transport, uri, tls)
    assert error.reason in {"SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV13_ALERT_CERTIFICATE_REQUIRED"}
