"""Characters that would end a header line are refused in every field, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

import wssdk
from tests.support.raw_peer import RawLink, raw_peer

CHARACTERS = {"CR": "\r", "LF": "\n", "CR LF": "\r\n", "NUL": "\0"}
FIELDS: dict[str, Any] = {
    "header value": lambda text: {"additional_headers": {"X-Value": text}},
    "header value in a pair": lambda text: {"additional_headers": [("X-Value", text)]},
    "header value in Headers": lambda text: {"additional_headers": wssdk.Headers([("X-Value", text)])},
    "header name": lambda text: {"additional_headers": {text: "value"}},
    "subprotocol": lambda text: {"subprotocols": [text]},
    "origin": lambda text: {"origin": text},
    "user agent": lambda text: {"user_agent_header": text},
}


async def unexpected(link: RawLink) -> None:
    await link.until_gone()


async def refused(uri: str, **keywords: Any) -> None:
    with pytest.raises((ValueError, TypeError, wssdk.WebSocketException)):
        await wssdk.connect(uri, **keywords)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("character", CHARACTERS)
async def test_field_with_a_line_end_is_refused_before_anything_is_sent(field: str, character: str) -> None:
    async with raw_peer(unexpected) as peer:
        await refused(peer.uri, **FIELDS[field](f"a{CHARACTERS[character]}X-Injected: b"))
        assert peer.links == []


@pytest.mark.parametrize("character", CHARACTERS)
async def test_path_with_a_line_end_is_refused_before_anything_is_sent(character: str) -> None:
    async with raw_peer(unexpected) as peer:
        await refused(f"{peer.uri}a{CHARACTERS[character]}X-Injected: b")
        assert peer.links == []


@pytest.mark.parametrize("character", CHARACTERS)
async def test_query_with_a_line_end_is_refused_before_anything_is_sent(character: str) -> None:
    async with raw_peer(unexpected) as peer:
        await refused(f"{peer.uri}?a={CHARACTERS[character]}X-Injected: b")
        assert peer.links == []


@pytest.mark.parametrize("name", ["", "with space", "with:colon", "ümlaut", "tab\t", "(comment)", "a,b"])
async def test_bad_header_name_is_refused_before_anything_is_sent(name: str) -> None:
    async with raw_peer(unexpected) as peer:
        await refused(peer.uri, additional_headers={name: "value"})
        assert peer.links == []


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
        "Content-Length",
        "Transfer-Encoding",
    ],
)
async def test_header_of_the_handshake_is_refused_before_anything_is_sent(name: str) -> None:
    async with raw_peer(unexpected) as peer:
        await refused(peer.uri, additional_headers={name: "value"})
        assert peer.links == []


async def test_line_end_in_the_user_information_cannot_leave_its_header() -> None:
    seen: list[bytes] = []

    async def script(link: RawLink) -> None:
        await link.read_request()
        seen.append(link.request)
        await link.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    async with raw_peer(script) as peer:
        uri = peer.uri.replace("ws://", "ws://user%0d%0aX-Injected:b@")
        with pytest.raises(wssdk.WebSocketException):
            await wssdk.connect(uri)
    assert not any(b"\r\nX-Injected" in request for request in seen)
