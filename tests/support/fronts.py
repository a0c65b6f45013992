"""What stands in front of WebSocket servers in the field: nginx, which also redirects, and HAProxy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.support.daemons import daemon, free_port
from tests.support.tls import KeyPair

__all__ = ["Nginx", "haproxy", "nginx"]


@attrs.frozen
class Nginx:
    """nginx in front of a server, which it hands everything on to that it does not redirect.

    Over TLS: ``/relative``, ``/absolute`` and ``/other`` lead to ``/headers``, of the same origin (in two
    spellings) and of another one; ``/down`` to the port without TLS; ``/again`` to itself. Without TLS,
    everything leads to TLS.
    """

    port: int
    """Without TLS."""
    tls_port: int
    other_port: int
    """Over TLS as well, and of another origin therefore."""


@contextlib.contextmanager
def nginx(folder: Path, pair: KeyPair, behind: int) -> Iterator[Nginx]:
    """Run nginx in front of the server on port ``behind``."""
    it = Nginx(free_port(), free_port(), free_port())
    (folder / "front.pem").write_bytes(pair.cert)
    (folder / "front.key").write_bytes(pair.key)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        "events {}\n"
        f"http {{\naccess_log off;\n{temporary}"
        f"ssl_certificate {folder}/front.pem;\nssl_certificate_key {folder}/front.key;\n"
        f"server {{ listen 127.0.0.1:{it.port}; return 308 https://localhost:{it.tls_port}$request_uri; }}\n"
        f"server {{ listen 127.0.0.1:{it.tls_port} ssl; listen 127.0.0.1:{it.other_port} ssl;\n"
        "server_name localhost;\n"
        "location = /relative { absolute_redirect off; return 302 /headers; }\n"
        f"location = /absolute {{ return 301 https://localhost:{it.tls_port}/headers; }}\n"
        f"location = /other {{ return 307 https://localhost:{it.other_port}/headers; }}\n"
        f"location = /down {{ return 302 http://localhost:{it.port}/headers; }}\n"
        "location = /again { absolute_redirect off; return 302 /again; }\n"
        f"location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;\n"
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;\n"
        "proxy_set_header Host $http_host; proxy_read_timeout 60s; }\n"
        "}\n}\n"
    )
    argv = ["nginx", "-p", str(folder), "-c", str(path), "-e", f"{folder}/error.log"]
    with daemon(argv, folder, ports=[it.port, it.tls_port, it.other_port]):
        yield it


@contextlib.contextmanager
def haproxy(folder: Path, pair: KeyPair, behind: int) -> Iterator[int]:
    """Run HAProxy, over TLS, in front of the server on port ``behind``, that has TLS as well; yield its port.

    ``option http-server-close`` has it close the connection to the server after each response, and read
    every one of them.
    """
    port = free_port()
    (folder / "haproxy.pem").write_bytes(pair.key + pair.cert)
    path = folder / "haproxy.cfg"
    path.write_text(
        "defaults\n  mode http\n  option http-server-close\n"
        "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout tunnel 60s\n"
        f"frontend front\n  bind 127.0.0.1:{port} ssl crt {folder}/haproxy.pem\n  default_backend back\n"
        f"backend back\n  server one 127.0.0.1:{behind} ssl verify none\n"
    )
    with daemon(["haproxy", "-f", str(path)], folder, ports=[port]):
        yield port
