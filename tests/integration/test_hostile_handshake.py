"""Opening handshakes without an end, and answers that are no HTTP: bounded, and refused at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

import wssdk
from tests.support.raw_peer import RawLink, accept_for, frame, raw_peer

# What the client may take of an endless head, with what the sockets hold of it.
TAKEN = 16 << 20
PROMPT = 1.0
STATUS = b"HTTP/1.1 101 Switching Protocols\r\n"

BODY_LIMIT = 1 << 20


def endless_status_line() -> Iterator[bytes]:
    yield b"HTTP/1.1 101 "
    while True:
        yield b"x" * 65536


def endless_header_line() -> Iterator[bytes]:
    yield STATUS + b"X-Long: "
    while True:
        yield b"x" * 65536


def endless_header_name() -> Iterator[bytes]:
    yield STATUS
    while True:
        yield b"x" * 65536


def endless_headers() -> Iterator[bytes]:
    yield STATUS
    while True:
        yield b"X-Again: and again\r\n" * 1000


def endless_folded_line() -> Iterator[bytes]:
    yield STATUS + b"X-Folded: and\r\n"
    while True:
        yield b" again\r\n" * 1000


def endless_interim_responses() -> Iterator[bytes]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 1000


ENDLESS: dict[str, tuple[Callable[[], Iterator[bytes]], tuple[type[wssdk.InvalidHandshake], ...]]] = {
    "status line": (endless_status_line, (wssdk.StatusLineTooLong,)),
    "header line": (endless_header_line, (wssdk.HeaderLineTooLong,)),
    "header name": (endless_header_name, (wssdk.HeaderLineTooLong, wssdk.InvalidMessage)),
    "headers": (endless_headers, (wssdk.TooManyHeaders, wssdk.HeaderLineTooLong)),
    "folded line": (endless_folded_line, (wssdk.SecurityError, wssdk.InvalidMessage)),
    "interim responses": (endless_interim_responses, (wssdk.SecurityError,)),
}


@contextlib.asynccontextmanager
async def peer_sending(pieces: Callable[[], Iterator[bytes]]) -> AsyncIterator[tuple[str, list[RawLink]]]:
    """Serve endless answers; yield the URI, and the connections."""

    async def script(link: RawLink) -> None:
        await link.read_request()
        for piece in pieces():
            await link.send(piece)
            await asyncio.sleep(0)

    async with raw_peer(script) as peer:
        yield peer.uri, peer.links


@pytest.mark.parametrize("choice", ENDLESS)
async def test_endless_head_is_refused(choice: str) -> None:
    pieces, errors = ENDLESS[choice]
    async with peer_sending(pieces) as (uri, _):
        with pytest.raises(errors):
            await wssdk.connect(uri)


@pytest.mark.parametrize("choice", ENDLESS)
async def test_endless_head_is_not_waited_for(choice: str) -> None:
    async with peer_sending(ENDLESS[choice][0]) as (uri, _):
        start = time.monotonic()
        with pytest.raises(wssdk.InvalidHandshake):
            await wssdk.connect(uri)
        assert time.monotonic() - start < PROMPT


@pytest.mark.parametrize("choice", ENDLESS)
async def test_endless_head_is_not_taken(choice: str) -> None:
    async with peer_sending(ENDLESS[choice][0]) as (uri, links):
        with pytest.raises(wssdk.InvalidHandshake):
            await wssdk.connect(uri)
        assert links[0].sent < TAKEN


async def test_connection_is_closed_when_the_head_is_refused() -> None:
    async def script(link: RawLink) -> None:
        await link.read_request()
        await link.send(STATUS + b"X-Long: " + b"x" * 100_000)
        await link.until_gone()

    async with raw_peer(script) as peer:
        with pytest.raises(wssdk.InvalidHandshake):
            await wssdk.connect(peer.uri)
        async with asyncio.timeout(1):
            await peer.finished()


async def refuse_with(link: RawLink, *pieces: bytes) -> None:
    await link.read_request()
    for piece in pieces:
        await link.send(piece)


def endless_body() -> Iterator[bytes]:
    yield b"HTTP/1.1 401 Unauthorized\r\n\r\n"
    while True:
        yield b"x" * 65536


def endless_chunked_body() -> Iterator[bytes]:
    yield b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b"x" * 65536 + b"\r\n"


@pytest.mark.parametrize("pieces", [endless_body, endless_chunked_body])
async def test_endless_body_is_cut(pieces: Callable[[], Iterator[bytes]]) -> None:
    async with peer_sending(pieces) as (uri, _):
        with pytest.raises(wssdk.InvalidStatus) as caught:
            await wssdk.connect(uri)
    assert caught.value.response.body == b"x" * BODY_LIMIT


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 4\r\n\r\nbodyand more", b"body"),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", b"body"),
        (b"\r\nup to the end", b"up to the end"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (b"Content-Length: 100\r\n\r\ncut short", b"cut short"),
    ],
    ids=["length", "chunked", "end of stream", "none", "cut short"],
)
async def test_body_of_a_refusal_is_told(head: bytes, body: bytes) -> None:
    async with raw_peer(lambda link: refuse_with(link, b"HTTP/1.1 403 Forbidden\r\n" + head)) as peer:
        with pytest.raises(wssdk.InvalidStatus) as caught:
            await wssdk.connect(peer.uri)
    assert caught.value.response.body == body


async def test_body_that_never_comes_does_not_hide_the_status() -> None:
    async def script(link: RawLink) -> None:
        await link.read_request()
        await link.send(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 10\r\n\r\nhalf")
        await link.until_gone()

    async with raw_peer(script) as peer:
        with pytest.raises((wssdk.InvalidStatus, TimeoutError)):
            await wssdk.connect(peer.uri, open_timeout=0.2)


async def never(link: RawLink) -> None:
    await link.read_request()
    await link.until_gone()


async def drip(link: RawLink) -> None:
    """Send a head that is fine, so slowly that it does not end."""
    await link.read_request()
    for byte in STATUS + b"X-Slow: " + b"x" * 1000:
        await link.send(bytes([byte]))
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("script", [never, drip])
async def test_opening_is_over_by_its_deadline(script: Callable[[RawLink], Awaitable[None]]) -> None:
    async with raw_peer(script) as peer:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await wssdk.connect(peer.uri, open_timeout=0.2)
        assert time.monotonic() - start < 0.2 + PROMPT


JUNK = {
    "greeting of another protocol": b"220 mail.example ESMTP\r\n",
    "one byte": b"\x00",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "frames at once": frame(1, b"hello"),
    "HTTP/2": b"HTTP/2 101\r\n",
    "HTML": b"<html>",
    "empty lines": b"\r\n\r\n",
    "bad status": b"HTTP/1.1 abc\r\n",
    "bad header": STATUS + b"no colon here\r\n",
    "space before colon": STATUS + b"Upgrade : websocket\r\n",
    "NUL in a header": STATUS + b"X: a\x00b\r\n",
}


@pytest.mark.parametrize("choice", JUNK)
async def test_junk_is_refused_without_waiting_for_more(choice: str) -> None:
    async def script(link: RawLink) -> None:
        await link.read_request()
        await link.send(JUNK[choice])
        await link.until_gone()

    async with raw_peer(script) as peer:
        start = time.monotonic()
        with pytest.raises(wssdk.InvalidMessage) as caught:
            await wssdk.connect(peer.uri)
        assert time.monotonic() - start < PROMPT
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1", STATUS, STATUS + b"Upgrade: websocket\r\n"])
async def test_stream_that_ends_in_the_head_is_refused(data: bytes) -> None:
    async with raw_peer(lambda link: refuse_with(link, data)) as peer:
        with pytest.raises(wssdk.InvalidMessage) as caught:
            await wssdk.connect(peer.uri)
    assert isinstance(caught.value.__cause__, EOFError)


async def test_connection_reset_in_the_handshake_is_an_os_error() -> None:
    async def script(link: RawLink) -> None:
        await link.read_request()
        link.writer.transport.abort()

    async with raw_peer(script) as peer:
        with pytest.raises((OSError, wssdk.InvalidMessage)):
            await wssdk.connect(peer.uri)


async def test_interim_responses_are_passed_over() -> None:
    async def script(link: RawLink) -> None:
        await link.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await link.accept()
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert ws.state is wssdk.State.OPEN


async def test_frames_in_the_bytes_of_the_head_are_received() -> None:
    async def script(link: RawLink) -> None:
        await link.read_request()
        head = (
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_for(link.request)}"
        )
        await link.send(STATUS + head.encode() + b"\r\n\r\n" + frame(1, b"early"))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert await ws.recv() == "early"


async def test_head_in_single_bytes_is_read() -> None:
    async def script(link: RawLink) -> None:
        send = link.send

        async def send_bytes(data: bytes) -> None:
            for byte in data:
                await send(bytes([byte]))
                await asyncio.sleep(0)

        link.send = send_bytes  # type: ignore[method-assign]
        await link.accept()
        await link.send(frame(1, b"slowly"))
        await link.answer_close()

    async with raw_peer(script) as peer, wssdk.connect(peer.uri) as ws:
        assert await ws.recv() == "slowly"
