"""Options that are seen in how long is waited, in how much is kept, and in when it is tried again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tests.support.dialer import FakeClock
from tests.support.options.observer import Observer, Setup, opened
from tests.support.raw_peer import BINARY, CLOSE, PING, PONG, TEXT, RawLink, frame, raw_peer
from tests.support.servers import raw_server
from tests.support.tls import authority
from wssdk import ClientConnection

__all__ = ["WAITING", "shut_down"]

Effect = Callable[[Setup], Awaitable[object]]


async def outcome(setup: Setup, step: Awaitable[Any]) -> str:
    """Return the name of what a step raises, or whether it is done or still waits."""
    task = asyncio.ensure_future(step)
    await asyncio.wait({task}, timeout=setup.patience)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return "waits"
    error = task.exception()
    return "done" if error is None else type(error).__name__


async def opening(setup: Setup) -> object:
    """Effect: what comes of an opening that nobody answers."""

    async def silent(link: RawLink) -> None:
        await link.read_request()
        await link.until_gone()

    async with raw_peer(silent) as peer:
        return await outcome(setup, aopen(setup, peer.uri))


async def aopen(setup: Setup, uri: str) -> None:
    async with setup.connect(uri):
        pass


async def silent_tls(setup: Setup) -> object:
    """Effect: what comes of a TLS handshake that nobody answers."""
    async with raw_server() as server:
        return await outcome(setup, aopen(setup, f"wss://127.0.0.1:{server.port}/"))


async def unanswered_close(setup: Setup) -> object:
    """Effect: whether closing ends though the peer does not answer."""

    async def script(link: RawLink) -> None:
        await link.accept()
        await link.until_gone()

    async with opened(setup, script) as (ws, _):
        return await outcome(setup, ws.close())


async def unread_shutdown(setup: Setup) -> object:
    """Effect: whether TLS is shut down though the peer reads nothing."""
    gone = asyncio.Event()

    async def script(link: RawLink) -> None:
        await link.accept()
        link.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typed as one that only writes
        await gone.wait()

    async with opened(setup, script, authority().server_context()) as (ws, _):
        return await shut_down(setup, ws, gone)


async def shut_down(setup: Setup, ws: ClientConnection, gone: asyncio.Event) -> str:
    """Return whether TLS comes to its end while there is more to write than the peer reads."""
    try:
        ws.transport.write(bytes(1 << 24))
        ws.transport.close()
        return await outcome(setup, ws.wait_closed())
    finally:
        gone.set()


async def first_ping(setup: Setup) -> object:
    """Effect: whether a ping comes by itself."""

    async def script(link: RawLink) -> None:
        await link.accept()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(setup.patience):
                seen.append((await link.read_frame()).opcode)
        done.set()
        await link.until_gone()

    done = asyncio.Event()
    seen: list[int] = []
    async with opened(setup, script):
        await done.wait()
    return seen == [PING]


async def idling(setup: Setup) -> object:
    """Effect: the close code of a connection whose peer sends nothing, not even pongs."""

    async def script(link: RawLink) -> None:
        await link.accept()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(setup.patience):
                codes.append(await link.read_close())
        done.set()
        await link.until_gone()

    done = asyncio.Event()
    codes: list[int] = []
    async with opened(setup, script):
        await done.wait()
    return codes


def answer_to(*messages: bytes) -> Effect:
    """Effect: what the client does on messages and a ping: the pong, or the code it closes with."""

    async def effect(setup: Setup) -> object:
        async def script(link: RawLink) -> None:
            await link.accept()
            await link.send(b"".join(frame(BINARY, message) for message in messages) + frame(PING))
            got = await link.read_frame()
            while got.opcode not in (CLOSE, PONG):
                got = await link.read_frame()
            seen.append("pong" if got.opcode == PONG else got.close_code)
            done.set()
            await link.until_gone()

        done = asyncio.Event()
        seen: list[object] = []
        async with opened(setup, script):
            await done.wait()
        return seen

    return effect


async def kept(setup: Setup) -> object:
    """Effect: which of three messages is received first."""

    async def script(link: RawLink) -> None:
        await link.accept()
        await link.send(b"".join(frame(TEXT, text) for text in (b"1", b"2", b"3")) + frame(PING))
        while (await link.read_frame()).opcode != PONG:
            pass
        done.set()
        await link.until_gone()

    done = asyncio.Event()
    async with opened(setup, script) as (ws, _):
        await done.wait()
        return await ws.recv()


async def read_at_once(setup: Setup) -> object:
    """Effect: how large the buffer is that the transport reads into."""
    async with opened(setup) as (ws, _):
        protocol = ws.transport.get_protocol()
        assert isinstance(protocol, asyncio.BufferedProtocol)
        with memoryview(protocol.get_buffer(-1)) as buffer:
            return len(buffer)


async def write_waters(setup: Setup) -> object:
    """Effect: low and high water of the transport."""
    async with opened(setup) as (ws, _):
        return ws.transport.get_write_buffer_limits()


class Attempts:
    """A clock that writes down the waits between attempts, and ends after the fourth."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    def time(self) -> float:
        return sum(self.sleeps)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if len(self.sleeps) == 4:
            raise _Enough


class _Enough(Exception):
    pass


async def waits_of(setup: Setup, *refusal: str) -> list[float] | str:
    """Return the waits of four attempts at a server that refuses, or what ends them before."""
    clock = Attempts()

    async def refuse(link: RawLink) -> None:
        await link.read_request()
        await link.send("\r\n".join([*refusal, "Content-Length: 0", "", ""]).encode())

    async with raw_peer(refuse) as peer:
        try:
            async for _ in setup.connect(peer.uri, clock=clock):
                raise AssertionError("the server refuses")
        except _Enough:
            return clock.sleeps
        except Exception as error:
            return f"{type(error).__name__} after {len(clock.sleeps)}"
    return clock.sleeps


def longest(count: int) -> Effect:
    """Effect: the longest of some waits at a server that is not available."""

    async def effect(setup: Setup) -> object:
        waits = await waits_of(setup, "HTTP/1.1 503 No")
        return waits if isinstance(waits, str) else max(waits[:count])

    return effect


def ended(*refusal: str) -> Effect:
    """Effect: the error that ends the attempts; None where they go on."""

    async def effect(setup: Setup) -> object:
        waits = await waits_of(setup, *refusal)
        return waits if isinstance(waits, str) else None

    return effect


async def first_is_short(setup: Setup) -> object:
    """Effect: whether the first wait is none to speak of."""
    waits = await waits_of(setup, "HTTP/1.1 503 No")
    return waits[0] < 2e-6 if not isinstance(waits, str) else waits


async def waits_no_hour(setup: Setup) -> object:
    """Effect: whether the wait is as short as the section has it, whatever the server asks for."""
    waits = await waits_of(setup, "HTTP/1.1 503 No", "Retry-After: 3000")
    assert not isinstance(waits, str)
    return max(waits) < 100


async def starts_anew(setup: Setup) -> object:
    """Effect: whether attempts are counted anew after a connection that lived but shortly."""
    clock = FakeClock()
    lives = 0

    async def script(link: RawLink) -> None:
        await link.accept()

    async with raw_peer(script) as peer:
        with contextlib.suppress(Exception):
            async for ws in setup.connect(peer.uri, clock=clock):
                lives += 1
                clock.now += 1.0
                await ws.wait_closed()
                if lives == 5:
                    break
    return lives == 5


ONE_KIND: Final = {"reconnect.initial": None, "reconnect.factor": 1.0}

WAITING: Final[dict[str, Observer]] = {
    "timeouts.open": Observer(opening, 0.05, "TimeoutError"),
    "timeouts.close": Observer(unanswered_close, 0.05, "done"),
    "timeouts.tls_handshake": Observer(silent_tls, "50 ms", "ConnectionAbortedError"),
    "timeouts.tls_shutdown": Observer(
        unread_shutdown,
        0.05,
        "done",
        base=lambda setup: {"tls.ca_file": authority().write_ca(setup.folder)},
        keywords=lambda setup: {"ssl": authority().client_context()},
    ),
    "keepalive.interval": Observer(first_ping, 0.02),
    "keepalive.timeout": Observer(idling, 0.02, [1011], base={"keepalive.interval": 0.02}),
    "keepalive.idle_timeout": Observer(idling, 0.05, [1011]),
    "limits.max_size": Observer(answer_to(b"0123456789"), 9, [1009]),
    "limits.max_queue": Observer(answer_to(*[b"m"] * 5), 2, [1008], base={"limits.on_full": "close"}),
    "limits.max_queue_bytes": Observer(
        answer_to(*[b"0123456789"] * 3), "15 B", [1008], base={"limits.on_full": "close"}
    ),
    "limits.on_full": Observer(kept, "latest", "3"),
    "limits.read_limit": Observer(read_at_once, 700, 700),
    "limits.write_limit": Observer(write_waters, [1000, 300], (300, 1000)),
    "reconnect.enabled": Observer(ended("HTTP/1.1 503 No"), False, "InvalidStatus after 0"),
    "reconnect.initial": Observer(first_is_short, "0.000001 s"),
    "reconnect.min": Observer(longest(4), 7, 7, base={**ONE_KIND, "reconnect.max": 7}),
    "reconnect.max": Observer(longest(4), 3, 3, base={"reconnect.initial": None}),
    "reconnect.factor": Observer(longest(4), 1, 3, base={"reconnect.initial": None}),
    "reconnect.min_uptime": Observer(starts_anew, 0.5, base={"reconnect.max_attempts": 2}),
    "reconnect.max_attempts": Observer(ended("HTTP/1.1 503 No"), 2, "InvalidStatus after 1"),
    "reconnect.retry_status": Observer(ended("HTTP/1.1 503 No"), [500], "InvalidStatus after 0"),
    "reconnect.retry_after": Observer(waits_no_hour, False),
}
