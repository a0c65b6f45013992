from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import sys
import uuid
from pathlib import Path

import pytest

import wssdk
from tests.support.until import until
from wssdk import ClientConnection, CloseCode, ConnectionClosedError, ConnectionClosedOK
from wssdk.testing import EchoServer, LocalCertificate

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def address(server: EchoServer) -> tuple[str, int]:
    host, port = server.uri.removeprefix("ws://").removesuffix("/").rsplit(":", 1)
    return host.strip("[]"), int(port)


@pytest.mark.parametrize("message", ["", "text", "ünïcödé 🙂", b"", b"\x00\xff", bytes(70_000)])
async def test_echoes(message: str | bytes) -> None:
    async with EchoServer() as server, wssdk.connect(server.uri) as ws:
        await ws.send(message)
        assert await ws.recv() == message


async def test_echoes_a_fragmented_message_as_a_whole() -> None:
    async with EchoServer() as server, wssdk.connect(server.uri) as ws:
        await ws.send(["frag", "ments"])
        assert [fragment async for fragment in ws.recv_streaming()] == ["fragments"]


async def test_a_handler_may_stand_in_for_the_echo() -> None:
    async def shout(ws: ClientConnection) -> None:
        async for message in ws:
            assert isinstance(message, str)
            await ws.send(message.upper())

    async with EchoServer(shout) as server, wssdk.connect(server.uri) as ws:
        await ws.send("hey")
        assert await ws.recv() == "HEY"


async def test_a_handler_that_returns_closes_with_1000() -> None:
    async def greet(ws: ClientConnection) -> None:
        await ws.send("hi")

    async with EchoServer(greet) as server, wssdk.connect(server.uri) as ws:
        assert [message async for message in ws] == ["hi"]
        assert ws.close_code == CloseCode.NORMAL_CLOSURE


async def test_a_handler_that_fails_closes_with_1011_and_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    error = LookupError("handler")

    async def fail(ws: ClientConnection) -> None:
        raise error

    with caplog.at_level(logging.ERROR, "wssdk.testing"):
        async with EchoServer(fail) as server, wssdk.connect(server.uri) as ws:
            with pytest.raises(ConnectionClosedError) as caught:
                await ws.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == CloseCode.INTERNAL_ERROR
    assert server.errors == [error]
    assert [record.message for record in caplog.records] == ["a handler failed"]


async def test_a_client_that_breaks_off_is_no_error_of_the_handler() -> None:
    async def wait(ws: ClientConnection) -> None:
        await ws.recv()

    async with EchoServer(wait) as server:
        async with wssdk.connect(server.uri) as ws:
            ws.abort()
        await until(lambda: not server.connections)
        assert server.errors == []


async def test_leaving_closes_connections_with_1001() -> None:
    async with EchoServer() as server:
        ws = await wssdk.connect(server.uri)
    with pytest.raises(ConnectionClosedOK) as caught:
        await ws.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == CloseCode.GOING_AWAY


async def test_leaving_ends_a_handler_that_goes_on_after_the_close() -> None:
    cancelled = asyncio.Event()

    async def stay(ws: ClientConnection) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with EchoServer(stay) as server:
        ws = await wssdk.connect(server.uri)
    assert cancelled.is_set()
    await ws.wait_closed()


async def test_leaving_does_not_wait_for_a_client_that_never_asks() -> None:
    loop = asyncio.get_running_loop()
    async with EchoServer() as server:
        reader, writer = await asyncio.open_connection(*address(server))
        writer.write(b"GET / HT")
        async with wssdk.connect(server.uri):
            pass  # who came later was served, so the first one has been let in
        start = loop.time()
    assert loop.time() - start < 0.5
    assert await reader.read() == b""
    writer.close()


async def test_leaving_does_not_wait_long_for_a_client_that_never_answers_the_close() -> None:
    loop = asyncio.get_running_loop()
    async with EchoServer() as server:
        reader, writer = await asyncio.open_connection(*address(server))
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        start = loop.time()
    assert loop.time() - start < 3
    writer.close()


async def test_a_client_whose_tls_handshake_ends_while_the_server_is_left_is_dropped() -> None:
    async def stay(ws: ClientConnection) -> None:
        await asyncio.Event().wait()

    async with EchoServer(stay, tls=True) as server:
        context = server.ssl_context
        assert context is not None
        host, port = server.uri.removeprefix("wss://").removesuffix("/").rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        ws = await wssdk.connect(server.uri, ssl=context)
        leaving = asyncio.create_task(server.__aexit__(None, None, None))
        await ws.wait_closed()  # from here on the server waits for its handler, for a second
        await writer.start_tls(context, server_hostname="localhost")
        with contextlib.suppress(OSError):
            assert await reader.read() == b""
        writer.transport.abort()
        await leaving
        assert server.connections == []


async def test_nobody_is_served_after_leaving() -> None:
    async with EchoServer() as server:
        pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address(server))


async def test_a_server_may_be_entered_again() -> None:
    server = EchoServer()
    for _ in range(2):
        async with server, wssdk.connect(server.uri) as ws:
            await ws.send("again")
            assert await ws.recv() == "again"


async def test_the_connections_of_the_server_are_known() -> None:
    async with EchoServer() as server, wssdk.connect(server.uri) as ws:
        await until(lambda: server.connections)
        [connection] = server.connections
        assert connection.remote_address == ws.local_address
        assert connection.request.headers["Sec-WebSocket-Version"] == "13"


async def test_serves_a_given_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with EchoServer(port=port) as server:
        assert server.uri == f"ws://127.0.0.1:{port}/"


async def test_subprotocols_are_chosen_in_the_servers_order() -> None:
    async with (
        EchoServer(subprotocols=["b", "a"]) as server,
        wssdk.connect(server.uri, subprotocols=[wssdk.Subprotocol("a"), wssdk.Subprotocol("b")]) as ws,
    ):
        assert ws.subprotocol == "b"


@pytest.mark.parametrize(("compression", "agreed"), [(True, True), (False, False)])
async def test_compression_is_agreed_to_where_it_is_on(compression: bool, agreed: bool) -> None:
    async with EchoServer(compression=compression) as server, wssdk.connect(server.uri) as ws:
        assert ("Sec-WebSocket-Extensions" in ws.response.headers) is agreed
        await ws.send("compress me " * 1000)
        assert await ws.recv() == "compress me " * 1000


async def test_messages_over_max_size_are_refused_with_1009() -> None:
    async with EchoServer(max_size=100) as server, wssdk.connect(server.uri) as ws:
        await ws.send(bytes(101))
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == CloseCode.MESSAGE_TOO_BIG


@pytest.mark.needs("ipv6")
async def test_serves_ipv6() -> None:
    async with EchoServer(host="::1") as server, wssdk.connect(server.uri) as ws:
        assert server.uri.startswith("ws://[::1]:")
        await ws.send("six")
        assert await ws.recv() == "six"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
async def test_serves_an_abstract_unix_socket() -> None:
    path = f"\0wssdk-{uuid.uuid4()}"
    async with EchoServer(unix_path=path), wssdk.unix_connect(path) as ws:
        await ws.send("unix")
        assert await ws.recv() == "unix"


@pytest.mark.needs("unix-sockets")
async def test_serves_a_unix_socket_and_takes_it_away(tmp_path: Path) -> None:
    file = tmp_path / "echo.sock"
    path = str(file)
    async with EchoServer(unix_path=path) as server:
        assert server.unix_path == path
        async with wssdk.unix_connect(path) as ws:
            await ws.send("unix")
            assert await ws.recv() == "unix"
    assert not file.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.needs("ipv6"))])
async def test_serves_tls_with_a_certificate_of_its_own(host: str) -> None:
    async with EchoServer(host=host, tls=True) as server:
        assert server.uri.startswith("wss://")
        async with wssdk.connect(server.uri, ssl=server.ssl_context) as ws:
            await ws.send("secret")
            assert await ws.recv() == "secret"


async def test_serves_tls_with_a_given_certificate() -> None:
    certificate = LocalCertificate.make()
    async with EchoServer(tls=certificate) as server:
        assert server.certificate is certificate
        async with wssdk.connect(server.uri, ssl=certificate.client_ssl) as ws:
            await ws.send("secret")
            assert await ws.recv() == "secret"


async def test_without_tls_there_is_no_context() -> None:
    assert EchoServer().ssl_context is None


async def test_a_failed_tls_handshake_leaves_nothing_behind() -> None:
    async with EchoServer(tls=True) as server:
        host, port = server.uri.removeprefix("wss://").removesuffix("/").rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"this is no TLS at all\r\n\r\n")
        await reader.read()
        writer.close()
        assert server.connections == []


def test_without_trustme_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match=r"pip install 'wssdk\[testing\]'"):
        LocalCertificate.make()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"junk\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
        (REQUEST.replace(b"Version: 13", b"Version: 8"), b"426"),
        (REQUEST.replace(b"GET", b"POST"), b"400"),
    ],
)
async def test_what_does_not_ask_for_a_websocket_is_refused(request_: bytes, status: bytes) -> None:
    async with EchoServer() as server:
        reader, writer = await asyncio.open_connection(*address(server))
        writer.write(request_)
        answer = await reader.read()
        writer.close()
    assert answer.split()[1] == status


async def test_a_client_that_leaves_within_its_request_is_let_go() -> None:
    async with EchoServer() as server:
        reader, writer = await asyncio.open_connection(*address(server))
        writer.write(b"GET / HTTP/1.1\r\n")
        writer.write_eof()
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_a_client_that_breaks_off_within_its_request_is_let_go() -> None:
    async with EchoServer() as server:
        _, writer = await asyncio.open_connection(*address(server))
        writer.write(b"GET / HTTP/1.1\r\n")
        async with wssdk.connect(server.uri):
            pass  # who came later was served, so the first one has been let in
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()  # sends RST
        async with wssdk.connect(server.uri) as ws:
            await ws.send("still there?")
            assert await ws.recv() == "still there?"


async def test_a_frame_behind_the_request_is_served() -> None:
    async with EchoServer() as server:
        reader, writer = await asyncio.open_connection(*address(server))
        writer.write(REQUEST + b"\x81\x82\x00\x00\x00\x00hi")
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(4) == b"\x81\x02hi"
        writer.close()
