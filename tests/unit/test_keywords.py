"""Calls of connect() that share a factory."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import weakref
from pathlib import Path
from typing import Any

import pytest

import wssdk
from wssdk.testing import EchoServer


class Counted:
    """How many SSL contexts were made."""

    def __init__(self) -> None:
        self.made = 0


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    create = ssl.create_default_context

    def counting(*args: Any, **keywords: Any) -> ssl.SSLContext:
        counted.made += 1
        return create(*args, **keywords)

    monkeypatch.setattr(ssl, "create_default_context", counting)
    return counted


async def fails_to_open(uri: str, **keywords: Any) -> None:
    with contextlib.suppress(OSError):
        await wssdk.connect(uri, **keywords)


@pytest.mark.parametrize("first", [1, 1.0])
def test_equal_value_of_another_type_is_judged_by_itself(first: Any) -> None:
    _ = wssdk.connect("ws://h/", ping_interval=first)
    with pytest.raises(wssdk.ConfigError):
        _ = wssdk.connect("ws://h/", ping_interval=True)


def test_uri_is_judged_each_time() -> None:
    _ = wssdk.connect("wss://h/", server_hostname="x")
    with pytest.raises(ValueError, match="server_hostname is incompatible"):
        _ = wssdk.connect("ws://h/", server_hostname="x")


async def test_calls_with_the_same_keywords_share_an_ssl_context(
    contexts: Counted, unused_tcp_port: int
) -> None:
    for _ in range(3):
        await fails_to_open(f"wss://127.0.0.1:{unused_tcp_port}/", open_timeout=4.25)
    assert contexts.made == 1


async def test_other_certificates_to_trust_make_another_ssl_context(
    contexts: Counted, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / name))
        await fails_to_open(f"wss://127.0.0.1:{unused_tcp_port}/", open_timeout=4.5)
    assert contexts.made == 2


def test_each_connection_goes_to_its_own_uri() -> None:
    paths: list[str] = []

    async def main() -> None:
        async with EchoServer() as server:
            for path in ("/a", "/b"):
                async with wssdk.connect(server.uri.rstrip("/") + path) as ws:
                    paths.append(ws.request.path)

    asyncio.run(main())
    asyncio.run(main())  # on another event loop
    assert paths == ["/a", "/b", "/a", "/b"]


def test_headers_are_not_kept() -> None:
    class Value(str):
        __slots__ = ("__weakref__",)

    secret = Value("Bearer secret")
    seen = weakref.ref(secret)
    call = wssdk.connect("ws://h/", additional_headers={"Authorization": secret})
    del call, secret
    gc.collect()
    assert seen() is None
