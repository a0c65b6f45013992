from __future__ import annotations

import inspect
import logging
import socket
import ssl
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pytest

from wssdk.api import ConnectKeywords, LoopKeywords, UnixKeywords, connect, unix_connect
from wssdk.config import ClientConfig
from wssdk.config_keywords import KEYWORDS
from wssdk.config_keywords import ConnectKeywords as DataKeywords
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConcurrencyError, ConnectionClosedOK, InvalidURI, RetryableError
from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory
from wssdk.headers import Headers, HeadersLike
from wssdk.ports import ConnectAttempt
from wssdk.testing import (
    EchoServer,
    LocalCertificate,
    ScriptedServer,
    end,
    hold,
    read_request,
    reset,
    upgrade,
)

URI = "ws://127.0.0.1:9/"
TLS_URI = "wss://127.0.0.1:9/"

AnyConnect: TypeAlias = Callable[..., connect]
"""connect(), without its types: for calls that they forbid."""

CONNECT: AnyConnect = connect
UNIX_CONNECT: AnyConnect = unix_connect


async def request_of(**keywords: Any) -> str:
    """Return the head of the request that ``connect`` sends."""
    async with ScriptedServer([upgrade(), end, hold]) as server:
        async with CONNECT(server.uri, **keywords):
            pass
        request = server.peers[0].request
    assert request is not None
    return request.decode("latin-1")


# Three ways to connect.


async def test_awaited() -> None:
    async with EchoServer() as server:
        ws = await connect(server.uri)
        await ws.send("hello")
        assert await ws.recv() == "hello"
        await ws.close()


async def test_entered() -> None:
    async with EchoServer() as server:
        async with connect(server.uri) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
        assert ws.closed


async def test_entered_by_an_exit_stack_twice() -> None:
    async with EchoServer() as server:
        opening = connect(server.uri)
        async with opening:
            with pytest.raises(ConcurrencyError):
                await opening.__aenter__()


async def test_iterated_over() -> None:
    async with EchoServer() as server:
        async for ws in connect(server.uri):
            async with ws:
                await ws.send("hello")
                assert await ws.recv() == "hello"
            break


async def test_iterating_connects_again_after_a_loss() -> None:
    async with ScriptedServer([upgrade(), reset], [reset], [upgrade(), hold]) as server:
        async for ws in connect(server.uri, reconnect_delays=lambda: iter([0.01] * 5)):
            if len(server.peers) == 3:
                ws.abort()  # the script does not answer a close
                break
            await ws.wait_closed()
        assert len(server.peers) == 3


@pytest.mark.needs("unix-sockets")
async def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "echo.sock")
    async with EchoServer(unix_path=path), unix_connect(path) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


@pytest.mark.needs("unix-sockets")
async def test_unix_socket_by_a_path_object_and_a_uri(tmp_path: Path) -> None:
    path = tmp_path / "echo.sock"
    async with EchoServer(unix_path=str(path)), unix_connect(path, "ws://service/feed") as ws:
        assert ws.request.headers["Host"] == "service"
        assert ws.request.path == "/feed"


@pytest.mark.needs("unix-sockets")
async def test_unix_socket_that_is_open_already(tmp_path: Path) -> None:
    path = str(tmp_path / "echo.sock")
    async with EchoServer(unix_path=path):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        async with unix_connect(sock=sock) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"


@pytest.mark.needs("unix-sockets")
async def test_unix_socket_with_tls(tmp_path: Path) -> None:
    path = str(tmp_path / "echo.sock")
    certificate = LocalCertificate.make()
    server = EchoServer(unix_path=path, tls=certificate)
    async with server, unix_connect(path, ssl=certificate.client_ssl) as ws:
        assert ws.request.headers["Host"] == "localhost"
        assert ws.transport.get_extra_info("ssl_object") is not None


async def test_tls_with_a_context() -> None:
    certificate = LocalCertificate.make()
    async with EchoServer(tls=certificate) as server, connect(server.uri, ssl=certificate.client_ssl) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_tls_checks_certificates_by_default() -> None:
    async with EchoServer(tls=LocalCertificate.make()) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(server.uri, ssl=True)


# What the keywords do.


@pytest.mark.parametrize(
    ("keywords", "line"),
    [
        ({"origin": "https://example.com"}, "Origin: https://example.com"),
        ({"subprotocols": ["chat", "superchat"]}, "Sec-WebSocket-Protocol: chat, superchat"),
        ({"user_agent_header": "tester/1"}, "User-Agent: tester/1"),
        ({"additional_headers": {"X-Key": "a"}}, "X-Key: a"),
        ({"additional_headers": [("X-Key", "a"), ("X-Key", "b")]}, "X-Key: a\r\nX-Key: b"),
        ({"additional_headers": Headers({"X-Key": "a"})}, "X-Key: a"),
        ({"additional_headers": (pair for pair in [("X-Key", "a")])}, "X-Key: a"),
        ({"additional_headers": lambda: {"X-Key": "a"}}, "X-Key: a"),
        ({"additional_headers": lambda attempt: {"X-Key": str(attempt.number)}}, "X-Key: 1"),
        ({}, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        (
            {"extensions": [ClientPerMessageDeflateFactory(client_max_window_bits=None)]},
            "Sec-WebSocket-Extensions: permessage-deflate",
        ),
    ],
)
async def test_keyword_reaches_the_request(keywords: dict[str, Any], line: str) -> None:
    assert f"\r\n{line}\r\n" in await request_of(**keywords)


@pytest.mark.parametrize(
    ("keywords", "name"),
    [({"compression": None}, "Sec-WebSocket-Extensions"), ({"user_agent_header": None}, "User-Agent")],
)
async def test_keyword_switches_off(keywords: dict[str, Any], name: str) -> None:
    assert name not in await request_of(**keywords)


async def test_open_timeout() -> None:
    async with ScriptedServer([hold]) as server:
        with pytest.raises(TimeoutError):
            await connect(server.uri, open_timeout="20ms")


async def test_logger(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.api")
    caplog.set_level(logging.DEBUG, "tests.api")
    async with EchoServer() as server, connect(server.uri, logger=logger) as ws:
        assert ws.logger is logger
    assert "opening ws://" in caplog.text


class Mine(ClientConnection):
    """What an application makes of a connection."""


async def test_create_connection() -> None:
    async with EchoServer() as server, connect(server.uri, create_connection=Mine) as ws:
        assert isinstance(ws, Mine)


async def test_process_exception() -> None:
    asked: list[Exception] = []

    def hook(error: Exception) -> Exception:
        asked.append(error)
        return RetryableError(error) if len(asked) == 1 else LookupError("enough")

    opening = connect(URI, process_exception=hook, reconnect_delays=lambda: iter((0.0, 0.0)))
    with pytest.raises(LookupError, match="enough"):
        await anext(aiter(opening))
    assert len(asked) == 2


async def test_host_and_port_are_dialled_instead_of_the_uris() -> None:
    async with EchoServer() as server:
        port = int(server.uri.rstrip("/").rpartition(":")[2])
        async with connect("ws://elsewhere.example/", host="127.0.0.1", port=port) as ws:
            assert ws.request.headers["Host"] == "elsewhere.example"


async def test_local_address_is_used() -> None:
    async with EchoServer() as server, connect(server.uri, local_addr=("127.0.0.1", None)) as ws:
        assert ws.local_address[0] == "127.0.0.1"


async def test_socket_that_is_open_already_is_used() -> None:
    async with EchoServer() as server:
        port = int(server.uri.rstrip("/").rpartition(":")[2])
        sock = socket.create_connection(("127.0.0.1", port))
        address = sock.getsockname()
        async with connect(server.uri, sock=sock) as ws:
            assert ws.local_address == address


async def test_given_socket_makes_one_connection() -> None:
    async with EchoServer() as server:
        port = int(server.uri.rstrip("/").rpartition(":")[2])
        sock = socket.create_connection(("127.0.0.1", port))
        connections = aiter(connect(server.uri, sock=sock, reconnect_delays=lambda: iter((0.0,))))
        await anext(connections)
        with pytest.raises(ValueError, match="sock is closed"):
            await anext(connections)


@pytest.mark.parametrize(
    "keywords",
    [
        {"family": socket.AF_INET},
        {"happy_eyeballs_delay": None},
        {"happy_eyeballs_delay": 0.1, "interleave": 1},
        {"proto": socket.IPPROTO_TCP, "flags": 0},
        {"all_errors": False},
        {"host": None, "port": None, "sock": None, "local_addr": None, "ssl": None},
        {"proxy": None, "proxy_ssl": None},
        {"extensions": None, "subprotocols": None, "logger": None, "create_connection": None},
        {"max_size": None, "max_queue": None, "write_limit": (2**16, 2**10), "read_limit": 2**12},
        {"max_size": (2**20, 2**16), "max_queue": (16, 4)},
        {"max_queue_bytes": "1 MiB", "on_full": "drop_oldest", "idle_timeout": "1m"},
        {"ping_interval": None, "ping_timeout": None, "close_timeout": None, "open_timeout": None},
    ],
    ids=lambda keywords: ",".join(keywords),
)
async def test_keywords_are_taken(keywords: dict[str, Any]) -> None:
    async with EchoServer() as server, CONNECT(server.uri, **keywords) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_messages_received_before_the_close_stay_readable() -> None:
    async with EchoServer() as server:
        async with connect(server.uri) as ws:
            await ws.send("hello")
            await (await ws.ping())
        assert await ws.recv() == "hello"
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()


# Headers by their deprecated name.


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (5, "uri must be a str, not int$"),
        (["ws://a/"], r"not list: several go into ConnectionFactory\(ClientConfig\(uris=...\)\)"),
        (lambda: URI, r"not function: a function that provides it goes into ConnectionFactory"),
    ],
    ids=["number", "list", "function"],
)
def test_uri_that_is_no_text_is_told_the_way_out(uri: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        _ = CONNECT(uri)


async def test_provider_of_headers_is_told_of_a_refusal() -> None:
    def headers(attempt: ConnectAttempt) -> HeadersLike:
        return {"X-Key": "fresh" if attempt.refresh else "stale"}

    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    server = ScriptedServer([read_request, refusal], [upgrade(), end, hold])
    async with server, connect(server.uri, additional_headers=headers) as ws:
        assert ws.request.headers["X-Key"] == "fresh"


async def test_provider_under_the_deprecated_name_is_asked() -> None:
    with pytest.warns(DeprecationWarning, match="extra_headers"):
        request = await request_of(extra_headers=lambda: {"X-Key": "a"})
    assert "X-Key: a" in request


def test_provider_that_needs_more_is_refused_by_the_call() -> None:
    with pytest.raises(TypeError, match="it needs a, b"):
        _ = CONNECT(URI, additional_headers=lambda a, b: {})


def test_extra_headers_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="use additional_headers") as told:
        _ = connect(URI, extra_headers={"X-Key": "a"})
    assert told[0].filename == __file__


def test_extra_headers_of_unix_connect_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="use additional_headers") as told:
        _ = unix_connect("/run/x.sock", extra_headers={"X-Key": "a"})
    assert told[0].filename == __file__


async def test_extra_headers_are_sent() -> None:
    with pytest.warns(DeprecationWarning, match="extra_headers"):
        request = await request_of(extra_headers={"X-Key": "a"})
    assert "\r\nX-Key: a\r\n" in request


@pytest.mark.parametrize("call", [lambda **k: connect(URI, **k), lambda **k: unix_connect("/run/x", **k)])
def test_both_names_are_refused(call: AnyConnect) -> None:
    headers: HeadersLike = {"X-Key": "a"}
    with pytest.raises(TypeError, match="not both"):
        _ = call(additional_headers=headers, extra_headers=headers)


# What is refused by the call itself.


@pytest.mark.parametrize("uri", ["http://example.com/", "example.com", "ws://", "ws://example.com/#top"])
def test_invalid_uri_is_refused(uri: str) -> None:
    with pytest.raises(InvalidURI):
        _ = connect(uri)


@pytest.mark.parametrize(
    ("keyword", "hint"),
    [
        ("ping_intervall", "did you mean 'ping_interval'"),
        ("server_hostnme", "did you mean 'server_hostname'"),
        ("timeout", "use open_timeout and close_timeout"),
        ("klass", "use create_connection"),
        ("create_protocol", "use create_connection"),
        ("loop", "the running event loop is used"),
        ("headers", "use additional_headers"),
        ("auth", "use additional_headers"),
        ("token", "use additional_headers"),
        ("heartbeat", "use ping_interval"),
        ("max_msg_size", "use max_size"),
        ("xyzzy", "'xyzzy'$"),
    ],
)
@pytest.mark.parametrize("call", [lambda **k: CONNECT(URI, **k), lambda **k: UNIX_CONNECT("/run/x", **k)])
def test_unknown_keyword_is_refused(call: AnyConnect, keyword: str, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        _ = call(**{keyword: 1})


@pytest.mark.parametrize(
    ("uri", "keywords", "told"),
    [
        (URI, {"ssl": True}, "ssl is incompatible with a ws:// URI"),
        (URI, {"ssl": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, "ssl is incompatible with a ws:// URI"),
        (URI, {"server_hostname": "a"}, "server_hostname is incompatible with a ws:// URI"),
        (URI, {"ssl_handshake_timeout": 1}, "ssl_handshake_timeout is incompatible with a ws:// URI"),
        (URI, {"ssl_shutdown_timeout": 1}, "ssl_shutdown_timeout is incompatible with a ws:// URI"),
        (TLS_URI, {"ssl": None}, "ssl=None is incompatible with a wss:// URI"),
        (TLS_URI, {"ssl": False}, "ssl=False is incompatible with a wss:// URI"),
        (URI, {"unix": True}, "needs path or sock"),
        (URI, {"unix": True, "path": "/run/x", "sock": 1}, "not both"),
        (URI, {"unix": True, "path": "/run/x", "host": "a"}, "host is incompatible with a Unix socket"),
        (URI, {"sock": 1, "port": 80}, "port is incompatible with sock"),
        (URI, {"sock": 1, "resolver": len}, "resolver is incompatible with sock"),
        (
            URI,
            {"unix": True, "path": "/run/x", "resolver": len},
            "resolver is incompatible with a Unix socket",
        ),
        (URI, {"proxy_ssl": True, "proxy": None}, "proxy_ssl needs proxy to be an https:// URL"),
        (URI, {"proxy_ssl": True, "proxy": "http://p:3128"}, "proxy_ssl needs proxy"),
        (URI, {"compression": "gzip"}, "compression: expected"),
        (URI, {"proxy": 5}, "proxy"),
        (URI, {"subprotocols": ["a b"]}, "subprotocols: expected"),
        (URI, {"origin": "a\r\nb"}, "origin: expected"),
        (URI, {"user_agent_header": "a\r\nb"}, "user_agent_header: expected"),
        (URI, {"additional_headers": {"Host": "a"}}, "the opening handshake sets this header itself"),
        (URI, {"open_timeout": -1}, "open_timeout: expected a duration"),
        (URI, {"max_size": "1 MiBB"}, "did you mean 'MiB'"),
    ],
)
def test_wrong_keywords_are_refused(uri: str, keywords: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        _ = CONNECT(uri, **keywords)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"path": "/run/x"}, r"use unix_connect\(path\)"),
        ({"subprotocols": "chat"}, "subprotocols must be a list of str"),
        ({"create_connection": 5}, "create_connection must be callable, not int"),
        ({"resolver": 5}, "resolver must be callable, not int"),
        ({"reconnect_delays": 5}, "reconnect_delays must be callable, not int"),
        ({"extensions": ["permessage-deflate"]}, "extensions must be objects"),
    ],
)
def test_keywords_of_the_wrong_kind_are_refused(keywords: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        _ = CONNECT(URI, **keywords)


def test_ssl_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="ssl must be an SSLContext, True or None, not str"):
        _ = CONNECT(TLS_URI, ssl="context")


def test_unix_connect_needs_path_or_sock() -> None:
    with pytest.raises(ValueError, match="needs path or sock"):
        _ = unix_connect()


@pytest.mark.parametrize("ssl_context", [False, 1, "yes"])
def test_proxy_ssl_of_another_type_is_refused(ssl_context: Any) -> None:
    with pytest.raises(TypeError, match="proxy_ssl must be an SSLContext, True or None"):
        _ = connect(URI, proxy="https://proxy", proxy_ssl=ssl_context)


async def test_proxies_of_the_environment_are_not_used_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "socks_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with EchoServer() as server, connect(server.uri) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_refused_uri_in_a_loop_is_raised_too() -> None:
    with pytest.raises(InvalidURI):
        async for _ in connect("http://example.com/"):
            pass


def test_error_has_no_secrets() -> None:
    with pytest.raises(InvalidURI) as caught:
        _ = connect("ws://me:pa55word@/?token=t0ken")
    assert "pa55word" not in str(caught.value)
    assert "t0ken" not in str(caught.value)


# The signature: what the reference promises, and what type checkers read.

REFERENCE: dict[str, object] = {
    "additional_headers": None,
    "compression": "deflate",
    "logger": None,
    "subprotocols": None,
    "extra_headers": None,
    "open_timeout": 10,
    "close_timeout": 10,
    "ping_interval": 20,
    "ping_timeout": 20,
    "idle_timeout": None,
    "max_queue_bytes": None,
    "on_full": "pause",
    "max_size": 2**20,
    "max_queue": 2**5,
    "read_limit": 2**16,
    "write_limit": 2**16,
    "extensions": None,
    "origin": None,
    "create_connection": None,
    "user_agent_header": attrs.fields(ClientConfig).user_agent.default,
}


def parameters() -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(connect).parameters)


@pytest.mark.parametrize("name", REFERENCE)
def test_default(name: str) -> None:
    assert parameters()[name].default == REFERENCE[name]


def test_every_default_of_data_is_the_one_of_the_config() -> None:
    # What nobody changed is not handed on.
    data: dict[str, Any] = {
        name: REFERENCE[name] for name in REFERENCE.keys() & DataKeywords.__optional_keys__
    }
    assert "max_queue" in data
    assert ClientConfig.from_connect("ws://localhost", **data) == ClientConfig(uri="ws://localhost")


def test_proxy_by_default_is_what_nobody_gave() -> None:
    assert repr(parameters()["proxy"].default) == "<not given>"


def keywords_of_connect() -> set[str]:
    named = {name for name, one in parameters().items() if one.kind is inspect.Parameter.KEYWORD_ONLY}
    return named | ConnectKeywords.__optional_keys__


def test_unix_connect_takes_what_connect_takes() -> None:
    assert keywords_of_connect() - {"unix", "path"} == UnixKeywords.__optional_keys__


def test_types_of_unix_connect_are_those_of_connect() -> None:
    ours = typing.get_type_hints(connect.__init__)
    theirs = typing.get_type_hints(UnixKeywords)
    shared = ours.keys() & theirs.keys() - {"proxy"}
    assert {name: theirs[name] for name in shared} == {name: ours[name] for name in shared}


def test_every_keyword_of_the_config_is_taken() -> None:
    assert set(KEYWORDS) <= keywords_of_connect()


@pytest.mark.parametrize("name", [*LoopKeywords.__optional_keys__])
def test_none_is_taken_for_not_given(name: str) -> None:
    _ = CONNECT(URI, **{name: None})


def delays() -> Iterator[float]:
    yield 1.0


def test_reconnect_delays_may_be_a_generator_function() -> None:
    _ = connect(URI, reconnect_delays=delays)
