"""Options that are seen in TLS, with the server and with a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from tests.support.options.observer import Observer, Setup, accept
from tests.support.options.sockets import outcome, port_of
from tests.support.options.waiting import shut_down
from tests.support.proxies import PlayedProxy
from tests.support.raw_peer import RawLink, raw_peer
from tests.support.servers import raw_server, until_gone
from tests.support.tls import authority

__all__ = ["TLS"]

Effect = Callable[[Setup], Awaitable[object]]


def opening(make: Callable[[], ssl.SSLContext] = lambda: authority().server_context()) -> Effect:
    """Effect: "opened", or what fails, with a server of this context."""

    async def effect(setup: Setup) -> object:
        async with raw_peer(accept, make()) as peer:
            return await outcome(setup.connect(peer.uri))

    return effect


def refused_by(make: Callable[[], ssl.SSLContext]) -> Effect:
    """Effect: whether client and server cannot agree."""

    async def effect(setup: Setup) -> object:
        return await opening(make)(setup) != "opened"

    return effect


def asking() -> ssl.SSLContext:
    """Return a context that asks for a certificate; with TLS 1.3 a client would not see it refused."""
    context = authority().server_context(asks_client=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def old() -> ssl.SSLContext:
    context = authority().server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def cipher(setup: Setup) -> object:
    """Effect: the cipher that client and server agree on."""
    async with raw_peer(accept, old()) as peer, setup.connect(peer.uri) as ws:
        return ws.transport.get_extra_info("cipher")[0]


def trusting(setup: Setup) -> dict[str, Any]:
    return {"tls.ca_file": authority().write_ca(setup.folder)}


def given_context(setup: Setup) -> dict[str, Any]:
    return {"ssl": authority().client_context()}


def written(setup: Setup, *parts: str, password: str = "") -> dict[str, Any]:
    """Return where certificate and key of a client are, in one file or in two."""
    pair = authority().issue("client.test")
    key = pair.encrypted_key(password) if password else pair.key
    cert_file, key_file = setup.folder / "cert.pem", setup.folder / "key.pem"
    cert_file.write_bytes(pair.cert if "key_file" in parts else pair.cert + key)
    key_file.write_bytes(key)
    return {"cert_file": str(cert_file), "key_file": str(key_file)}


def with_cert(setup: Setup) -> dict[str, Any]:
    setup.notes.update(written(setup, "key_file"))
    return {**trusting(setup), "tls.cert_file": setup.notes["cert_file"]}


def with_locked_key(setup: Setup) -> dict[str, Any]:
    setup.notes.update(written(setup, "key_file", password="pw"))
    files = {f"tls.{name}": setup.notes[name] for name in ("cert_file", "key_file")}
    return {**trusting(setup), **files}


def through_tls(
    make: Callable[[], ssl.SSLContext] = lambda: authority().server_context(), *, silent: bool = False
) -> Effect:
    """Effect: "opened" through an https proxy of this context, or what fails."""

    async def effect(setup: Setup) -> object:
        async with raw_peer(accept) as peer:
            proxy = PlayedProxy(b"HTTP/1.1 200 OK\r\n\r\n", port_of(peer.uri))
            context = None if silent else make()
            async with raw_server(until_gone if silent else proxy, ssl_context=context) as server:
                setup.notes["proxy"] = f"https://127.0.0.1:{server.port}"
                task = asyncio.ensure_future(outcome(setup.connect(peer.uri)))
                await asyncio.wait({task}, timeout=setup.patience if silent else 20)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    return await task
                return "waits"

    return effect


async def unread_by_proxy(setup: Setup) -> object:
    """Effect: whether TLS with a proxy is shut down though the proxy reads nothing."""
    gone = asyncio.Event()

    async def script(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await link.accept()
        link.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typed as one that only writes
        await gone.wait()

    async with raw_peer(script, authority().server_context()) as proxy:
        setup.notes["proxy"] = proxy.uri.replace("wss", "https")
        ws = await setup.connect("ws://behind.test/")
        try:
            return await shut_down(setup, ws, gone)
        finally:
            ws.transport.abort()
            await ws.wait_closed()


def at_proxy(setup: Setup) -> dict[str, Any]:
    return {"proxy.url": setup.notes["proxy"], "proxy.ca_file": authority().write_ca(setup.folder)}


def context_for_proxy(setup: Setup) -> dict[str, Any]:
    return {"proxy": setup.notes["proxy"], "proxy_ssl": authority().client_context()}


def _ca(setup: Setup) -> str:
    return authority().write_ca(setup.folder)


def _key(setup: Setup) -> Path:
    return Path(setup.notes["key_file"])


TLS: Final[dict[str, Observer]] = {
    "tls.ca_file": Observer(opening(), _ca, "opened"),
    "tls.ca_dir": Observer(opening(), lambda setup: str(Path(_ca(setup)).parent), "opened"),
    "tls.pinned_sha256": Observer(
        refused_by(lambda: authority().server_context()), [f"sha256/{'A' * 43}="], base=trusting
    ),
    "tls.cert_file": Observer(
        opening(asking), lambda setup: written(setup)["cert_file"], "opened", base=trusting
    ),
    "tls.key_file": Observer(opening(asking), _key, "opened", base=with_cert),
    "tls.key_password": Observer(opening(asking), "pw", "opened", base=with_locked_key),
    "tls.verify": Observer(opening(), False, "opened"),
    "tls.check_hostname": Observer(
        opening(lambda: authority().server_context("other.test")), False, "opened", base=trusting
    ),
    "tls.min_version": Observer(refused_by(old), "1.3", base=trusting),
    "tls.server_hostname": Observer(
        opening(lambda: authority().server_context("other.test")),
        "other.test",
        "opened",
        base=trusting,
        keywords=given_context,
    ),
    "tls.ciphers": Observer(
        cipher,
        "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
        base=trusting,
    ),
    "proxy.ca_file": Observer(
        through_tls(), _ca, "opened", base=lambda setup: {"proxy.url": setup.notes["proxy"]}
    ),
    "proxy.server_hostname": Observer(
        through_tls(lambda: authority().server_context("other.test")),
        "other.test",
        "opened",
        base=at_proxy,
        keywords=context_for_proxy,
    ),
    "proxy.tls_handshake": Observer(
        through_tls(silent=True), 0.05, "ConnectionAbortedError", base=at_proxy, keywords=context_for_proxy
    ),
    "proxy.tls_shutdown": Observer(unread_by_proxy, 0.05, "done", base=at_proxy, keywords=context_for_proxy),
}
