"""Pipes without sockets: a dialer that plays scripts, and a clock that does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from wssdk.handshake.request import accept_key
from wssdk.ports import Route

__all__ = ["HANG", "FakeClock", "ScriptedDialer", "ScriptedPipe", "agree", "refuse", "request_field"]


class _Hang:
    """What a step is that never comes to an end."""


HANG: Final = _Hang()

Step: TypeAlias = bytes | Exception | _Hang | Callable[[bytes], bytes]
"""One ``read()``: bytes, what it raises, what it answers to the request; ``b""`` is the end."""

Script: TypeAlias = Exception | _Hang | tuple[Step, ...]
"""One ``dial()``: what it raises, or the steps of the pipe it gives."""

_CLOSE: Final = 0x88


def request_field(request: bytes, name: str) -> str:
    """Return the value of a header field of the request."""
    for line in request.decode("latin-1").split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    raise KeyError(name)


def agree(*fields: str, then: bytes = b"") -> Callable[[bytes], bytes]:
    """Step: agree to the request; ``fields`` are further header lines, ``then`` the first frames."""

    def answer(request: bytes) -> bytes:
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_key(request_field(request, 'Sec-WebSocket-Key'))}",
            *fields,
        ]
        return "".join(line + "\r\n" for line in [*lines, ""]).encode("latin-1") + then

    return answer


def refuse(status: int, *fields: str, body: bytes = b"") -> bytes:
    """Step: refuse the request."""
    lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class _Transport(asyncio.Transport):
    """Keeps what is written; answers a close frame as a decent server does."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closing = False
        self.protocol: asyncio.BufferedProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += data
        if self.protocol is not None and data[0] == _CLOSE:
            asyncio.get_running_loop().call_soon(self.receive, b"\x88\x02\x03\xe8", True)

    def receive(self, data: bytes, eof: bool = False) -> None:
        """Bytes come from the server, and its end of the stream."""
        protocol = self.protocol
        assert protocol is not None
        if data and not self.closing:
            memoryview(protocol.get_buffer(len(data)))[: len(data)] = data
            protocol.buffer_updated(len(data))
        if eof:
            self.lose(None)

    def lose(self, error: Exception | None) -> None:
        """The stream is gone."""
        if not self.closing:
            self.closing = True
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, error)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.lose(None)

    def abort(self) -> None:
        self.lose(None)

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class ScriptedPipe:
    """A :class:`wssdk.ports.Pipe` whose reads are written down beforehand."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._transport = _Transport()
        self.transport: asyncio.Transport = self._transport
        self.aborted = False
        self.attached = False
        self._steps = list(steps)
        self._unread = b""

    @property
    def request(self) -> bytes:
        """What the client has written so far."""
        return bytes(self._transport.written)

    @property
    def open(self) -> bool:
        """Whether nobody has ended the stream."""
        return not self.aborted and not self._transport.closing

    async def read(self) -> bytes:
        step = self._steps.pop(0)
        await asyncio.sleep(0)
        if isinstance(step, _Hang):
            await asyncio.get_running_loop().create_future()
        if isinstance(step, Exception):
            raise step
        if isinstance(step, bytes):
            return step
        assert not isinstance(step, _Hang)
        return step(self.request)

    def unread(self, data: bytes) -> None:
        self._unread += data

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def attach(self, protocol: asyncio.BufferedProtocol) -> None:
        self.attached = True
        self._transport.protocol = protocol
        protocol.connection_made(self._transport)
        self._transport.receive(self._unread)

    def receive(self, data: bytes) -> None:
        """Bytes come from the server, once the pipe is attached."""
        self._transport.receive(data)

    def lose(self, error: Exception | None = None) -> None:
        """The server drops the attached pipe."""
        self._transport.lose(error)

    def abort(self) -> None:
        self.aborted = True
        if self.attached:
            self._transport.abort()


class ScriptedDialer:
    """A :class:`wssdk.ports.Dialer`: the first dial plays the first script, the last one is played again."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self.routes: list[Route] = []
        """Routes dialled so far."""
        self.pipes: list[ScriptedPipe] = []
        """Pipes given so far."""

    @property
    def pipe(self) -> ScriptedPipe:
        """The last pipe."""
        return self.pipes[-1]

    async def dial(self, route: Route) -> ScriptedPipe:
        script = self._scripts[min(len(self.routes), len(self._scripts) - 1)]
        self.routes.append(route)
        await asyncio.sleep(0)
        if isinstance(script, _Hang):
            await asyncio.get_running_loop().create_future()
        if isinstance(script, Exception):
            raise script
        assert isinstance(script, tuple)
        self.pipes.append(ScriptedPipe(script))
        return self.pipe


class FakeClock:
    """A :class:`wssdk.ports.Clock` whose sleeps take no time, and are written down."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds
