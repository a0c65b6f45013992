"""Proxies: one that plays an answer, and programs that other people wrote."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from tests.support.daemons import daemon, free_port
from tests.support.servers import Script

__all__ = [
    "CREDENTIALS",
    "PlayedProxy",
    "Proxied",
    "answering",
    "dante",
    "haproxy_tls",
    "microsocks",
    "squid",
    "tiny_proxy",
    "tinyproxy",
]

CREDENTIALS: Final = ("me", "pa55-word")


def answering(*answers: bytes) -> Script:
    """Return a proxy that answers each of what it reads, and then ends the stream."""

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.read(1 << 12)
            writer.write(answer)
            await writer.drain()

    return proxy


@attrs.define
class PlayedProxy:
    """What an HTTP proxy does with a connection: it answers CONNECT, and lets through to ``port``."""

    answer: bytes
    port: int | None = None
    """Port of this machine; None: there is nothing behind the proxy."""
    requests: list[bytes] = attrs.field(factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        if self.port is None:
            await reader.read()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, back))
                both.create_task(_pump(there, writer))
        finally:
            back.close()
            with contextlib.suppress(OSError):
                await back.wait_closed()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()


_: Script = PlayedProxy(b"")  # mypy checks it


@attrs.frozen
class Proxied:
    """A proxy that runs: its port, and the credentials it asks for."""

    port: int
    credentials: tuple[str, str] | None

    def url(self, scheme: str, credentials: tuple[str, str] | str | None = "its own") -> str:
        """Return its URL, with its own credentials, others, or none (None)."""
        pair = self.credentials if isinstance(credentials, str) else credentials
        user = "" if pair is None else f"{pair[0]}:{pair[1]}@"
        return f"{scheme}://{user}localhost:{self.port}"


@contextlib.contextmanager
def squid(folder: Path, credentials: tuple[str, str] | None) -> Iterator[Proxied]:
    """Run Squid, an HTTP proxy; it knows this machine as ``server.example``, too."""
    with tempfile.TemporaryDirectory(prefix="squid-") as name:
        # Started by root it gives up its rights, and could not reach what only root may.
        public = Path(name)
        public.chmod(0o777)
        with _squid(public, folder, credentials) as proxy:
            yield proxy


@contextlib.contextmanager
def _squid(public: Path, folder: Path, credentials: tuple[str, str] | None) -> Iterator[Proxied]:
    port = free_port()
    lines = [
        f"http_port 127.0.0.1:{port}",
        "cache deny all",
        "access_log none",
        f"cache_log {public}/cache.log",
        "pid_filename none",
        f"coredump_dir {public}",
        "shutdown_lifetime 0 seconds",
        f"hosts_file {public}/hosts",
        "dns_nameservers 127.0.0.1",
    ]
    if credentials is None:
        lines.append("http_access allow localhost")
    else:
        script = public / "check.sh"
        user, password = credentials
        script.write_text(
            f'#!/bin/sh\nwhile read line; do [ "$line" = "{user} {password}" ] && echo OK || echo ERR; done\n'
        )
        script.chmod(0o755)
        lines += [
            f"auth_param basic program {script}",
            "auth_param basic children 1",
            "auth_param basic realm test",
            "acl known proxy_auth REQUIRED",
            "http_access allow known",
        ]
    lines.append("http_access deny all")
    (public / "hosts").write_text("127.0.0.1 localhost server.example\n")
    path = folder / "squid.conf"
    path.write_text("\n".join(lines) + "\n")
    with daemon(["squid", "-N", "-f", str(path)], folder, ports=[port]):
        yield Proxied(port, credentials)


@contextlib.contextmanager
def tinyproxy(folder: Path, credentials: tuple[str, str] | None) -> Iterator[Proxied]:
    """Run tinyproxy, an HTTP proxy that answers in HTTP/1.0."""
    port = free_port()
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 20", "DisableViaHeader Yes"]
    if credentials is not None:
        lines.append(f"BasicAuth {credentials[0]} {credentials[1]}")
    path = folder / "tinyproxy.conf"
    path.write_text("\n".join(lines) + "\n")
    with daemon(["tinyproxy", "-d", "-c", str(path)], folder, ports=[port]):
        yield Proxied(port, credentials)


@contextlib.contextmanager
def microsocks(folder: Path, credentials: tuple[str, str] | None) -> Iterator[Proxied]:
    """Run microsocks, a SOCKS5 proxy."""
    port = free_port()
    words = ["microsocks", "-i", "127.0.0.1", "-p", str(port)]
    if credentials is not None:
        words += ["-u", credentials[0], "-P", credentials[1]]
    with daemon(words, folder, ports=[port]):
        yield Proxied(port, credentials)


@contextlib.contextmanager
def dante(folder: Path, credentials: tuple[str, str] | None) -> Iterator[Proxied]:
    """Run Dante, a proxy of SOCKS4 and SOCKS5. It asks for no credentials: it knows those of the system."""
    port = free_port()
    path = folder / "danted.conf"
    path.write_text(
        f"logoutput: {folder}/dante.log\n"
        f"internal: 127.0.0.1 port = {port}\n"
        "external: 127.0.0.1\n"
        "clientmethod: none\n"
        "socksmethod: none\n"
        "user.unprivileged: nobody\n"
        "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n"
        "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp\n log: error connect\n}\n"
    )
    with daemon(["danted", "-f", str(path)], folder, ports=[port]):
        yield Proxied(port, None)


_TINY_PROXY: Final = """\
import anyio, sys
from tiny_proxy import Socks4ProxyHandler

async def main():
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=int(sys.argv[1]))
    await listener.serve(Socks4ProxyHandler().handle)

anyio.run(main)
"""


@contextlib.contextmanager
def tiny_proxy(folder: Path, credentials: tuple[str, str] | None) -> Iterator[Proxied]:
    """Run tiny-proxy of PyPI, for SOCKS4A, which Dante does not speak."""
    port = free_port()
    with daemon([sys.executable, "-c", _TINY_PROXY, str(port)], folder, ports=[port]):
        yield Proxied(port, None)


@contextlib.contextmanager
def haproxy_tls(folder: Path, pem: bytes, behind: Proxied) -> Iterator[Proxied]:
    """Run HAProxy, which takes TLS and hands on what is inside: that makes an https proxy of an http one."""
    port = free_port()
    (folder / "front.pem").write_bytes(pem)
    path = folder / "haproxy.cfg"
    path.write_text(
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"frontend front\n  bind 127.0.0.1:{port} ssl crt {folder}/front.pem\n  default_backend back\n"
        f"backend back\n  server one 127.0.0.1:{behind.port}\n"
    )
    with daemon(["haproxy", "-f", str(path)], folder, ports=[port]):
        yield Proxied(port, behind.credentials)
