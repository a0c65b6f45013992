"""TLS servers that other people wrote: nginx before a WebSocket server, and OpenSSL's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.daemons import daemon, free_port
from tests.support.tls import Authority, KeyPair

__all__ = ["nginx_tls", "openssl_server"]


@contextlib.contextmanager
def nginx_tls(folder: Path, pair: KeyPair, behind: int, *, asks: Authority | None = None) -> Iterator[int]:
    """Run nginx, which takes TLS and hands WebSocket on to port ``behind``; yield its port.

    It tells what it knows of the client's certificate and of ALPN as ``X-Client`` and ``X-Alpn``. With
    ``asks`` it wants a certificate of that authority.
    """
    port = free_port()
    cert, key = pair.write(folder, "server")
    asking = ""
    if asks is not None:
        (folder / "clients.pem").write_bytes(asks.cert)
        asking = f"ssl_client_certificate {folder}/clients.pem; ssl_verify_client on; ssl_verify_depth 3;"
    spaces = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    kept = " ".join(f"{name}_temp_path {folder}/{name};" for name in spaces)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {kept}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};\n"
        f"{asking}\n"
        f"location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;\n"
        'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";\n'
        "proxy_set_header X-Client $ssl_client_s_dn; proxy_set_header X-Alpn $ssl_alpn_protocol; }}}\n"
    )
    with daemon(["nginx", "-p", str(folder), "-c", str(path)], folder, ports=[port]):
        yield port


@contextlib.contextmanager
def openssl_server(folder: Path, pair: KeyPair, *words: str, asks: Authority | None = None) -> Iterator[int]:
    """Run ``openssl s_server``, which speaks no WebSocket, with further ``words``; yield its port."""
    port = free_port()
    cert, key = pair.write(folder, "server")
    line = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", cert, "-key", key, "-www", *words]
    if asks is not None:
        (folder / "clients.pem").write_bytes(asks.cert)
        line += ["-CAfile", f"{folder}/clients.pem", "-Verify", "3", "-verify_return_error"]
    with daemon(line, folder, ports=[port]):
        yield port
