"""What the ``tls`` section does on the wire, over every transport, on every event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.servers import RawServer, echo_bytes, raw_server, until_gone
from tests.support.tls import DAY, Authority, KeyPair, authority, now, pin_of
from wssdk.config import ClientConfig, Network, Tls
from wssdk.dial.dialer import StreamDialer
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import ConfigError, PinMismatch
from wssdk.ports import Route

OTHER_PIN = "A" * 43 + "="


@pytest.fixture(params=[pytest.param("aiofastnet", marks=pytest.mark.needs("aiofastnet")), "asyncio"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@attrs.frozen
class Chain:
    """A root, an authority between, and a server's certificate."""

    root: Authority
    middle: Authority
    server: KeyPair


@pytest.fixture(scope="module")
def chain() -> Chain:
    root = Authority()
    middle = Authority(root)
    return Chain(root, middle, middle.issue("localhost"))


def dialer_of(transport: str, tls: Tls, context: ssl.SSLContext | None = None) -> StreamDialer:
    network = Network(transport=transport)  # type: ignore[arg-type]
    return StreamDialer(ClientConfig(tls=tls, network=network), ssl_context=context)


def route_to(server: RawServer, name: str | None = "localhost") -> Route:
    return Route(True, "127.0.0.1", server.port, name)


async def echoed(pipe: StreamPipe) -> bytes:
    pipe.write(b"hello")
    data = b""
    while len(data) < 5 and (received := await pipe.read()):
        data += received
    pipe.abort()
    return data


@asynccontextmanager
async def noting(context: ssl.SSLContext) -> AsyncIterator[tuple[RawServer, list[bytes]]]:
    """Serve with ``context``; yield the server and what each connection sent after the TLS handshake."""
    sent: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        try:
            while more := await reader.read(1 << 16):
                data += more
        finally:
            sent.append(bytes(data))

    async with raw_server(note, ssl_context=context) as server:
        yield server, sent


# Pins.


@pytest.mark.parametrize("which", ["server", "middle", "root"])
async def test_a_pinned_key_of_the_chain_connects(transport: str, chain: Chain, which: str) -> None:
    pin = pin_of(getattr(chain, which).cert)
    context = chain.root.client_context()
    dialer = dialer_of(transport, Tls(pinned_sha256=[OTHER_PIN, pin]), context)
    async with raw_server(echo_bytes, ssl_context=chain.server.server_context()) as server:
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"


async def test_pins_come_with_the_transport_that_is_asked_for(transport: str, chain: Chain) -> None:
    dialer = dialer_of(transport, Tls(pinned_sha256=[pin_of(chain.root.cert)]), chain.root.client_context())
    async with raw_server(ssl_context=chain.server.server_context()) as server:
        pipe = await dialer.dial(route_to(server))
        assert (type(pipe.transport).__module__ == "wssdk.dial.fastnet") is (transport == "aiofastnet")
        pipe.abort()


async def test_without_a_pinned_key_nothing_is_sent(transport: str, chain: Chain) -> None:
    dialer = dialer_of(transport, Tls(pinned_sha256=[OTHER_PIN]), chain.root.client_context())
    async with noting(chain.server.server_context()) as (server, sent):
        with pytest.raises(PinMismatch, match=r"tls\.pinned_sha256: no key of localhost is pinned"):
            await dialer.dial(route_to(server))
        await server.finished()
    assert b"".join(sent) == b""


async def test_a_certificate_that_is_only_shown_is_no_proof(transport: str, chain: Chain) -> None:
    stranger = Authority()
    shown = KeyPair(chain.server.cert + stranger.cert, chain.server.key)
    dialer = dialer_of(transport, Tls(pinned_sha256=[pin_of(stranger.cert)]), chain.root.client_context())
    async with noting(shown.server_context()) as (server, sent):
        with pytest.raises(PinMismatch) as caught:
            await dialer.dial(route_to(server))
        await server.finished()
    certs = (chain.server.cert, chain.middle.cert, chain.root.cert)
    assert caught.value.seen == tuple(map(pin_of, certs))
    assert b"".join(sent) == b""


@pytest.mark.parametrize(("which", "holds"), [("server", True), ("middle", False), ("root", False)])
async def test_unverified_only_the_servers_own_key_counts(
    transport: str, chain: Chain, which: str, holds: bool
) -> None:
    tls = Tls(verify=False, pinned_sha256=[pin_of(getattr(chain, which).cert)])
    shown = KeyPair(chain.server.cert + chain.root.cert, chain.server.key)
    async with raw_server(echo_bytes, ssl_context=shown.server_context()) as server:
        dialling = dialer_of(transport, tls).dial(route_to(server))
        if holds:
            assert await echoed(await dialling) == b"hello"
        else:
            with pytest.raises(PinMismatch, match="certificates are not verified"):
                await dialling


@pytest.mark.needs("unix-sockets")
async def test_pins_hold_over_a_unix_socket(transport: str, chain: Chain, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    dialer = dialer_of(transport, Tls(pinned_sha256=[OTHER_PIN]), chain.root.client_context())
    async with raw_server(unix_path=path, ssl_context=chain.server.server_context()):
        with pytest.raises(PinMismatch):
            await dialer.dial(Route(True, "localhost", 1, unix_path=path))


async def test_pins_do_not_matter_without_tls(transport: str) -> None:
    async with raw_server(echo_bytes) as server:
        dialer = dialer_of(transport, Tls(pinned_sha256=[OTHER_PIN]))
        assert await echoed(await dialer.dial(Route(False, "127.0.0.1", server.port))) == b"hello"


# Certificates of this side.


def with_client_certificate(folder: Path, pair: KeyPair, **more: Any) -> Tls:
    cert, key = pair.write(folder, "client")
    return Tls(ca_file=authority().write_ca(folder), cert_file=cert, key_file=key, **more)


@pytest.mark.parametrize("password", [None, "correct horse"])
async def test_the_right_client_certificate_is_accepted(
    transport: str, tmp_path: Path, password: str | None
) -> None:
    pair = authority().issue("client.test")
    if password is not None:
        pair = KeyPair(pair.cert, pair.encrypted_key(password))
    tls = with_client_certificate(tmp_path, pair, key_password=password)
    names: list[Any] = []

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names.append(writer.get_extra_info("peercert")["subjectAltName"])
        await echo_bytes(reader, writer)

    async with raw_server(told, ssl_context=authority().server_context(asks_client=True)) as server:
        assert await echoed(await dialer_of(transport, tls).dial(route_to(server))) == b"hello"
    assert names == [(("DNS", "client.test"),)]


# Certificates of servers.


def expired() -> KeyPair:
    return authority().issue("localhost", not_before=now() - 2 * DAY, not_after=now() - DAY)


def not_yet() -> KeyPair:
    return authority().issue("localhost", not_before=now() + DAY, not_after=now() + 2 * DAY)


def wrong_name() -> KeyPair:
    return authority().issue("other.test")


def without_address() -> KeyPair:
    return authority().issue("127.0.0.2")


def self_signed() -> KeyPair:
    made = Authority()
    return KeyPair(made.cert, made.key)


def unknown_authority() -> KeyPair:
    return Authority().issue("localhost")


def middle_left_out() -> KeyPair:
    made = Authority(authority()).issue("localhost")
    end = b"-----END CERTIFICATE-----\n"
    return KeyPair(made.cert.partition(end)[0] + end, made.key)


# OpenSSL's X509_V_ERR_*.
REFUSED = {
    expired: ("localhost", 10, "certificate has expired"),
    not_yet: ("localhost", 9, "certificate is not yet valid"),
    wrong_name: ("localhost", 62, "certificate is not valid for 'localhost'"),
    without_address: ("127.0.0.1", 64, "certificate is not valid for '127.0.0.1'"),
    self_signed: ("localhost", 18, "self-signed certificate"),
    unknown_authority: ("localhost", 20, "unable to get local issuer certificate"),
    middle_left_out: ("localhost", 20, "unable to get local issuer certificate"),
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
async def test_a_certificate_that_does_not_hold_is_refused(transport: str, tmp_path: Path, make: Any) -> None:
    name, code, told = REFUSED[make]
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path)))
    async with raw_server(ssl_context=make().server_context()) as server:
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await dialer.dial(route_to(server, name))
    assert (caught.value.verify_code, caught.value.reason) == (code, "CERTIFICATE_VERIFY_FAILED")
    assert told in str(caught.value)


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
async def test_unverified_any_certificate_is_accepted(transport: str, make: Any) -> None:
    dialer = dialer_of(transport, Tls(verify=False))
    async with raw_server(echo_bytes, ssl_context=make().server_context()) as server:
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"


async def test_with_names_unchecked_another_ones_certificate_is_accepted(
    transport: str, tmp_path: Path
) -> None:
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path), check_hostname=False))
    async with raw_server(echo_bytes, ssl_context=wrong_name().server_context()) as server:
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"


async def test_with_names_unchecked_the_authority_still_counts(transport: str, tmp_path: Path) -> None:
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path), check_hostname=False))
    async with raw_server(ssl_context=unknown_authority().server_context()) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await dialer.dial(route_to(server))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_an_address_in_the_certificate_is_accepted(
    transport: str, tmp_path: Path, address: str
) -> None:
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path)))
    context = authority().issue("127.0.0.1", "::1").server_context()
    async with raw_server(echo_bytes, ssl_context=context) as server:
        assert await echoed(await dialer.dial(route_to(server, address))) == b"hello"


# Versions, ciphers, protocols.


async def test_the_cipher_is_the_configured_one(transport: str, tmp_path: Path) -> None:
    context = authority().server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    cipher = "ECDHE-ECDSA-CHACHA20-POLY1305"
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path), ciphers=cipher))
    async with raw_server(ssl_context=context) as server:
        pipe = await dialer.dial(route_to(server))
        assert pipe.transport.get_extra_info("cipher")[0] == cipher
        pipe.abort()


async def test_the_server_sees_http_1_1(transport: str, tmp_path: Path) -> None:
    context = authority().server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    seen: list[object] = []

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await echo_bytes(reader, writer)

    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path)))
    async with raw_server(told, ssl_context=context) as server:
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"
    assert seen == ["http/1.1"]


# Files that change between two openings of one dialer.


async def test_a_new_authority_is_trusted_without_a_restart(transport: str, tmp_path: Path) -> None:
    new = Authority()
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path)))
    async with raw_server(echo_bytes, ssl_context=new.server_context()) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await dialer.dial(route_to(server))
        new.write_ca(tmp_path)
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"


async def test_an_authority_that_is_taken_away_is_no_longer_trusted(transport: str, tmp_path: Path) -> None:
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path)))
    async with raw_server(until_gone, ssl_context=authority().server_context()) as server:
        (await dialer.dial(route_to(server))).abort()
        Authority().write_ca(tmp_path)
        with pytest.raises(ssl.SSLCertVerificationError):
            await dialer.dial(route_to(server))


async def test_a_new_client_certificate_is_shown_without_a_restart(transport: str, tmp_path: Path) -> None:
    names: list[Any] = []

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names.append(writer.get_extra_info("peercert")["subjectAltName"][0][1])
        await echo_bytes(reader, writer)

    dialer = dialer_of(transport, with_client_certificate(tmp_path, authority().issue("old.test")))
    async with raw_server(told, ssl_context=authority().server_context(asks_client=True)) as server:
        await echoed(await dialer.dial(route_to(server)))
        for name in ("new", "newer"):
            folder = tmp_path / name
            folder.mkdir()
            for file in authority().issue(f"{name}.test").write(folder, "client"):
                os.replace(file, tmp_path / Path(file).name)
            await echoed(await dialer.dial(route_to(server)))
    assert names == ["old.test", "new.test", "newer.test"]


async def test_between_certificate_and_key_the_old_ones_are_shown(
    transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wssdk")
    names: list[Any] = []

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names.append(writer.get_extra_info("peercert")["subjectAltName"][0][1])
        await echo_bytes(reader, writer)

    dialer = dialer_of(transport, with_client_certificate(tmp_path, authority().issue("old.test")))
    new = authority().issue("new.test")
    async with raw_server(told, ssl_context=authority().server_context(asks_client=True)) as server:
        await echoed(await dialer.dial(route_to(server)))
        (tmp_path / "client.pem").write_bytes(new.cert)
        await echoed(await dialer.dial(route_to(server)))
        await echoed(await dialer.dial(route_to(server)))
        (tmp_path / "client.key").write_bytes(new.key)
        await echoed(await dialer.dial(route_to(server)))
    assert names == ["old.test", "old.test", "old.test", "new.test"]
    levels = [record.levelname for record in caplog.records if record.name == "wssdk.client"]
    assert levels == ["WARNING", "INFO"]


async def test_what_never_could_be_used_is_an_error_until_it_can(transport: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority().cert[:100])
    dialer = dialer_of(transport, Tls(ca_file=str(path)))
    async with raw_server(echo_bytes, ssl_context=authority().server_context()) as server:
        with pytest.raises(ConfigError, match="no certificates can be read from"):
            await dialer.dial(route_to(server))
        path.write_bytes(authority().cert)
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"


async def test_a_folder_of_authorities(transport: str, tmp_path: Path) -> None:
    one, other = Authority(), Authority()
    (tmp_path / "one.crt").write_bytes(one.cert)
    dialer = dialer_of(transport, Tls(ca_dir=str(tmp_path)))
    async with raw_server(echo_bytes, ssl_context=other.server_context()) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await dialer.dial(route_to(server))
        (tmp_path / "other.pem").write_bytes(other.cert)
        assert await echoed(await dialer.dial(route_to(server))) == b"hello"


# What applications ask the transport.


async def test_the_transport_tells_what_was_agreed(transport: str, tmp_path: Path) -> None:
    dialer = dialer_of(transport, Tls(ca_file=authority().write_ca(tmp_path)))
    async with raw_server(ssl_context=authority().server_context()) as server:
        pipe = await dialer.dial(route_to(server))
        info = pipe.transport.get_extra_info
        assert ("DNS", "localhost") in info("peercert")["subjectAltName"]
        assert info("cipher") == info("ssl_object").cipher()
        assert info("cipher")[1] == info("ssl_object").version() == "TLSv1.3"
        assert len(info("ssl_object").getpeercert(True)) > 100
        pipe.abort()
