from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.until import until
from wssdk.testing import ScriptedPeer, ScriptedServer, end, hold, read, read_request, reset, upgrade

# The example of RFC 6455, 1.3.
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"


async def talk(server: ScriptedServer, data: bytes = b"") -> bytes:
    """Send ``data``, return what the server says until it ends the stream."""
    if server.unix_path is not None:
        reader, writer = await asyncio.open_unix_connection(server.unix_path)
    else:
        host, port = server.uri.removeprefix("ws://").removesuffix("/").rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.transport.abort()


async def test_bytes_are_sent_as_they_are() -> None:
    async with ScriptedServer([b"junk\x00", b"more"]) as server:
        assert await talk(server) == b"junk\x00more"


async def test_upgrade_answers_with_the_accept_value_of_the_key() -> None:
    async with ScriptedServer([upgrade()]) as server:
        answer = await talk(server, REQUEST)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert ACCEPT in answer


async def test_upgrade_adds_header_lines() -> None:
    async with ScriptedServer([upgrade("Sec-WebSocket-Protocol: chat")]) as server:
        assert (await talk(server, REQUEST)).endswith(b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n")


async def test_the_request_is_kept() -> None:
    async with ScriptedServer([read_request, b"HTTP/1.1 500 No\r\n\r\n"]) as server:
        await talk(server, REQUEST)
        assert server.peers[0].request == REQUEST


async def test_the_request_is_read_once() -> None:
    async with ScriptedServer([read_request, upgrade()]) as server:
        assert ACCEPT in await talk(server, REQUEST)


async def test_read_keeps_what_it_took() -> None:
    async with ScriptedServer([read(3), b"ok"]) as server:
        await talk(server, b"abcdef")
        assert server.peers[0].received == b"abc"


async def test_each_connection_has_its_script_and_the_last_is_played_again() -> None:
    async with ScriptedServer([b"first"], [b"later"]) as server:
        assert [await talk(server) for _ in range(3)] == [b"first", b"later", b"later"]


async def test_end_leaves_the_other_direction_open() -> None:
    async with ScriptedServer([b"bye", end, read(5)]) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        assert await reader.read() == b"bye"
        writer.write(b"still")
        writer.close()
        await writer.wait_closed()
        await until(lambda: server.peers[0].played)
        assert server.peers[0].received == b"still"


async def test_reset_breaks_the_connection() -> None:
    async with ScriptedServer([read(1), reset]) as server:
        with pytest.raises(ConnectionResetError):
            await talk(server, b"x")


async def test_hold_ends_when_the_client_does() -> None:
    async with ScriptedServer([hold]) as server:
        _, writer = await asyncio.open_connection(*server.address)
        writer.write(b"x" * 100_000)
        writer.close()
        await writer.wait_closed()
        await until(lambda: server.peers[0].played)


async def test_a_client_that_leaves_early_ends_its_script_quietly() -> None:
    async with ScriptedServer([read(100), b"never"]) as server:
        _, writer = await asyncio.open_connection(*server.address)
        writer.close()
        await writer.wait_closed()
        await until(lambda: server.peers[0].played)


async def test_leaving_ends_a_script_that_waits() -> None:
    async with ScriptedServer([lambda peer: asyncio.Event().wait()]) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        await until(lambda: server.peers)
    assert await reader.read() == b""
    writer.close()


async def test_leaving_does_not_wait_for_a_client_that_does_not_read() -> None:
    async with ScriptedServer([bytes(1 << 24)]) as server:
        _, writer = await asyncio.open_connection(*server.address)
        await until(lambda: server.peers)
    writer.transport.abort()


def failing(error: Exception) -> Callable[[ScriptedPeer], Awaitable[None]]:
    async def step(peer: ScriptedPeer) -> None:
        raise error

    return step


async def test_an_error_in_a_step_is_raised_on_leaving() -> None:
    with pytest.raises(ExceptionGroup) as caught:  # the context manager is under test
        async with ScriptedServer([failing(KeyError("step"))]) as server:
            await talk(server)
    assert caught.group_contains(KeyError, match="step")


async def test_an_error_in_a_step_does_not_hide_the_tests_own() -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the context manager is under test
        async with ScriptedServer([failing(KeyError("step"))]) as server:
            await talk(server)
            raise ZeroDivisionError


async def test_upgrade_needs_a_key() -> None:
    with pytest.raises(ExceptionGroup) as caught:  # the context manager is under test
        async with ScriptedServer([upgrade()]) as server:
            await talk(server, b"GET / HTTP/1.1\r\n\r\n")
    assert caught.group_contains(ValueError, match="Sec-WebSocket-Key")


def test_a_server_without_a_script_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one script"):
        ScriptedServer()


@pytest.mark.needs("ipv6")
async def test_serves_ipv6() -> None:
    async with ScriptedServer([b"six"], host="::1") as server:
        assert server.uri.startswith("ws://[::1]:")
        assert await talk(server) == b"six"


@pytest.mark.needs("unix-sockets")
async def test_serves_a_unix_socket(tmp_path: Path) -> None:
    async with ScriptedServer([b"unix"], unix_path=str(tmp_path / "s")) as server:
        assert await talk(server) == b"unix"
