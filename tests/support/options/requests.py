"""Options that are seen in the request, in what is compressed, and in which server is asked."""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tests.support.options.observer import Observer, Setup, accept, opened
from tests.support.raw_peer import DEFLATE, RawFrame, RawLink, raw_peer
from wssdk import ConfigError

__all__ = ["REQUESTS"]


def fields(head: bytes) -> dict[str, str]:
    """Return the header fields of a request, by their names in lower case."""
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def header(name: str) -> Callable[[Setup], Awaitable[object]]:
    """Effect: the value of a header of the request; None where it is not sent."""

    async def effect(setup: Setup) -> object:
        async with opened(setup) as (_, link):
            return fields(link.request).get(name.lower())

    return effect


async def extensions(setup: Setup) -> object:
    """Effect: what is offered, parameter by parameter."""
    async with opened(setup) as (_, link):
        offered = fields(link.request).get("sec-websocket-extensions", "")
        return [part.strip() for part in offered.split(";")] if offered else []


def offers(parameter: str) -> Callable[[Setup], Awaitable[object]]:
    """Effect: whether a parameter of permessage-deflate is offered."""

    async def effect(setup: Setup) -> object:
        offered = await extensions(setup)
        assert isinstance(offered, list)
        return parameter in offered

    return effect


async def reached(setup: Setup) -> object:
    """Effect: the server that the option names is reached."""
    async with raw_peer(accept) as peer:
        setup.notes["uri"] = peer.uri
        try:
            opening = setup.connect(None)
            async with opening as ws:
                return ws.remote_address[1] == int(peer.uri.rsplit(":", 1)[1].rstrip("/"))
        except ConfigError:
            return False


async def orders(setup: Setup) -> object:
    """Effect: whether several openings begin with different URIs."""
    asked = set()
    async with raw_peer(accept) as peer:
        setup.notes["uri"] = peer.uri
        for _ in range(20):
            async with setup.connect(None) as ws:
                asked.add(ws.request.path)
    return len(asked) > 1


# Words that repeat, far apart and near, so that each setting of the compressor gives bytes of its own.
_WORDS: Final = random.Random(1).choices(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"], k=8000)
TEXT: Final = " ".join(f"{word}{number % 97}" for number, word in enumerate(_WORDS)).encode()


async def sent(setup: Setup, data: bytes = TEXT) -> RawFrame:
    """Return the frame that carries ``data`` as a message."""
    frames = []

    async def script(link: RawLink) -> None:
        await link.accept(DEFLATE)
        frames.append(await link.read_frame())
        await link.answer_close()

    async with opened(setup, script) as (ws, _):
        await ws.send(data)
        with contextlib.suppress(Exception):
            await ws.close()
    return frames[0]


def compressed(level: int, bits: int, mem_level: int) -> bytes:
    """Return what zlib makes of the text (RFC 7692, 7.2.1)."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits, mem_level)
    made = compressor.compress(TEXT) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return made.removesuffix(b"\x00\x00\xff\xff")


def made_like(level: int = -1, bits: int = 12, mem_level: int = 5) -> Callable[[Setup], Awaitable[object]]:
    """Effect: whether a message is compressed as zlib does it with these settings."""

    async def effect(setup: Setup) -> object:
        return (await sent(setup)).payload == compressed(level, bits, mem_level)

    return effect


async def made_by_another(setup: Setup) -> object:
    """Effect: whether it is not zlib that compresses."""
    frame = await sent(setup)
    assert zlib.decompressobj(-15).decompress(frame.payload + b"\x00\x00\xff\xff") == TEXT
    return frame.payload != compressed(-1, 12, 5)


async def small_is_plain(setup: Setup) -> object:
    """Effect: whether a message of 50 bytes goes uncompressed."""
    return (await sent(setup, b"s" * 50)).rsv == 0


ZLIB: Final = {"compression.backend": "zlib"}


def several(setup: Setup) -> list[str]:
    """Return several URIs of the server."""
    return [f"{setup.notes['uri']}{number}" for number in range(8)]


def _of_server(setup: Setup) -> Any:
    return setup.notes["uri"]


REQUESTS: Final[dict[str, Observer]] = {
    "uri": Observer(reached, _of_server),
    "uris": Observer(reached, lambda setup: ["ws://127.0.0.1:1/", setup.notes["uri"]]),
    "uri_order": Observer(orders, "shuffled", base=lambda setup: {"uris": several(setup)}),
    "origin": Observer(header("Origin"), "https://example.com", "https://example.com"),
    "subprotocols": Observer(header("Sec-WebSocket-Protocol"), ["chat", "superchat"], "chat, superchat"),
    "user_agent": Observer(header("User-Agent"), None, None),
    "headers.X-Key": Observer(header("X-Key"), "a b", "a b", keyword={"X-Key": "a b"}),
    "auth.token": Observer(header("Authorization"), "t0ken", "Bearer t0ken"),
    "auth.scheme": Observer(header("Authorization"), "Token", "Token t", base={"auth.token": "t"}),
    "auth.header": Observer(header("X-Auth"), "X-Auth", "Bearer t", base={"auth.token": "t"}),
    "compression.enabled": Observer(extensions, False, [], keyword=None),
    "compression.level": Observer(made_like(level=1), 1, base=ZLIB),
    "compression.mem_level": Observer(made_like(mem_level=1), 1, base=ZLIB),
    "compression.client_max_window_bits": Observer(offers("client_max_window_bits=10"), 10),
    "compression.server_max_window_bits": Observer(offers("server_max_window_bits=11"), 11),
    "compression.client_no_context_takeover": Observer(offers("client_no_context_takeover"), True),
    "compression.server_no_context_takeover": Observer(offers("server_no_context_takeover"), True),
    "compression.backend": Observer(made_by_another, "isal", software="isal"),
    "compression.min_size": Observer(small_is_plain, 51),
}
