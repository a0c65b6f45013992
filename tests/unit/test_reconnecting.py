"""reconnecting(): the keywords of connect() for an object that survives drops."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.until import until
from wssdk import ConfigError, InvalidURI, ReconnectingConnection, reconnecting
from wssdk.connection.connection import ClientConnection
from wssdk.testing import EchoServer, ScriptedServer, end, hold, upgrade


def no_delays() -> Any:
    while True:
        yield 0.0


async def test_it_survives_a_drop() -> None:
    async with (
        ScriptedServer([upgrade(), b"\x81\x01a", end, hold], [upgrade(), b"\x81\x01b", hold]) as server,
        reconnecting(server.uri, reconnect_delays=no_delays, close_timeout=0.05) as conn,
    ):
        assert [await conn.recv(), await conn.recv()] == ["a", "b"]


async def test_on_open_is_given_each_connection() -> None:
    given: list[ClientConnection] = []

    async def on_open(ws: ClientConnection) -> None:
        given.append(ws)
        await ws.send("subscribe")

    async with EchoServer() as server, reconnecting(server.uri, on_open=on_open, compression=None) as conn:
        assert await conn.recv() == "subscribe"
        assert given == [conn.connection]


async def test_keywords_are_those_of_connect() -> None:
    async with EchoServer() as server, reconnecting(server.uri, user_agent_header="mine") as conn:
        assert conn.connection is not None
        assert conn.connection.request.headers["User-Agent"] == "mine"


@pytest.mark.needs("unix-sockets")
async def test_unix_sockets_are_reached(tmp_path: Any) -> None:
    path = str(tmp_path / "socket")
    async with (
        EchoServer(unix_path=path),
        reconnecting("ws://localhost/", unix=True, path=path) as conn,
    ):
        await conn.send("a")
        assert await conn.recv() == "a"


async def test_fatal_failure_is_raised_by_entering() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with ScriptedServer([refusal, hold]) as server:
        with pytest.raises(Exception, match="HTTP 403"):
            _ = await reconnecting(server.uri)


async def test_messages_kept_through_a_restart_arrive() -> None:
    async with EchoServer() as server:
        uri = server.uri
        conn = await reconnecting(uri, reconnect_delays=no_delays, outbox=3)
        assert conn.connection is not None
        await conn.connection.close()
        await conn.send("kept or sent")
        assert await conn.recv() == "kept or sent"
        await until(lambda: conn.attempt >= 1)
        assert await conn.close() == []


@pytest.mark.parametrize(
    ("keywords", "error", "told"),
    [
        ({"uri": "http://h/"}, InvalidURI, "http://h/"),
        ({"outbocks": 1}, TypeError, "unexpected keyword argument 'outbocks'"),
        ({"outbox": -1}, ValueError, "outbox must be 0 or more"),
        ({"open_timeout": -1}, ConfigError, "open"),
        ({"on_open": 5}, TypeError, "on_open must be a function, not int"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_keywords_are_told_by_the_call(keywords: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        _ = reconnecting(**{"uri": "ws://h/", **keywords})


def test_deprecated_name_is_told_where_it_is_used() -> None:
    with pytest.warns(DeprecationWarning, match="use additional_headers") as told:
        conn = reconnecting("ws://h/", extra_headers={"X-Key": "a"})
    assert isinstance(conn, ReconnectingConnection)
    assert told[0].filename == __file__
