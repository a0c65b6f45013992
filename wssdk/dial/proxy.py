"""Through a proxy to the server: SOCKS by python-socks, CONNECT (RFC 9110, 9.3.6) by h11.

Both speak over a connected socket, byte for byte, so that whatever transport is laid over it afterwards
begins where the proxy's part ends. Only the tunnel through an https proxy begins as a pipe.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn, Protocol

import attrs

from wssdk.dial.proxy_choice import ProxyAddress
from wssdk.dial.tcp import TcpTarget, resolve
from wssdk.errors import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    ProxyError,
)
from wssdk.handshake.request import build_basic
from wssdk.handshake.response import ResponseReader
from wssdk.headers import Response
from wssdk.uri import bracketed

__all__ = ["SocketStream", "connect_request", "open_socks", "speak_connect", "unasked"]

_AT_ONCE: Final = 1 << 14


class _Stream(Protocol):
    async def read(self) -> bytes: ...


class SocketStream:
    """A connected, non-blocking socket as a stream of bytes, in the form that python-socks asks for too."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self._loop = loop
        self._sock = sock

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        await self._loop.sock_sendall(self._sock, data)

    async def read(self, max_bytes: int = _AT_ONCE) -> bytes:
        """Return the next bytes; none at the end of the stream."""
        return await self._loop.sock_recv(self._sock, max_bytes)

    async def read_exactly(self, n: int) -> bytes:
        """Return the next ``n`` bytes, and take no more.

        Raises:
            ProxyError: the stream ends before.
        """
        data = b""
        while len(data) < n:
            piece = await self.read(n - len(data))
            if not piece:
                raise ProxyError("the proxy closed the connection") from EOFError(f"{len(data)} of {n} bytes")
            data += piece
        return data

    async def close(self) -> None:
        """Leave the socket to who gave it."""


async def open_socks(
    loop: asyncio.AbstractEventLoop,
    connect: Callable[[], Awaitable[socket.socket]],
    proxy: ProxyAddress,
    target: TcpTarget,
) -> socket.socket:
    """Return a socket by which a SOCKS proxy is connected to ``target``.

    With socks4 and socks5 its name is resolved here, and each address tried, in order. ``connect`` returns a
    socket that is connected to the proxy; each address takes one. Cancelling leaves none open.

    Raises:
        OSError: the name has no address, or the connection broke.
        ProxyError: the proxy says no, or does not speak SOCKS.
        InvalidProxy: what was given does not fit the version of SOCKS.
    """
    places: list[tuple[str, int]] = [(target.host, target.port)]
    if proxy.scheme in ("socks4", "socks5"):
        family = socket.AF_INET if proxy.scheme == "socks4" else target.family
        found = await resolve(loop, attrs.evolve(target, family=family), target.host, target.port)
        places = list(dict.fromkeys((info[4][0], int(info[4][1])) for info in found))
    notes: list[str] = []
    for left, (host, port) in zip(reversed(range(len(places))), places, strict=True):
        sock = await connect()
        try:
            async with asyncio.timeout(target.address_timeout) as deadline:
                await _speak_socks(loop, sock, proxy, host, port)
        except BaseException as error:
            sock.close()
            failure = error
            if isinstance(error, TimeoutError) and deadline.expired():
                limit = f"{target.address_timeout:g} s (network.address_timeout)"
                failure = TimeoutError(f"proxy {proxy} did not reach {host} within {limit}")
                failure.__cause__ = error
            if not left or not _is_about_address(failure):
                for note in notes:
                    failure.add_note(note)
                raise failure from failure.__cause__
            notes.append(f"before, for {host}: {failure}")
        else:
            return sock
    raise AssertionError("resolving gives an address, or fails")


def _is_about_address(failure: BaseException) -> bool:
    """Tell whether another address may fare better."""
    if isinstance(failure, ProxyError):
        return not failure.is_about_credentials
    return isinstance(failure, OSError)


async def _speak_socks(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: ProxyAddress, host: str, port: int
) -> None:
    """Have a SOCKS proxy connect to ``host``."""
    import python_socks
    from python_socks._connectors.factory_async import create_connector
    from python_socks._protocols.errors import ReplyError

    stream: Any = SocketStream(loop, sock)
    connector = create_connector(
        python_socks.ProxyType.SOCKS5 if proxy.scheme.startswith("socks5") else python_socks.ProxyType.SOCKS4,
        username=proxy.username,
        password=(proxy.password or "") if proxy.username is not None else None,
        rdns=proxy.scheme in ("socks4a", "socks5h"),
        resolver=_NO_RESOLVER,
    )
    try:
        await connector.connect(stream, host, port)
    except ReplyError as error:
        refusal = ProxyError(f"proxy {proxy} refused the connection: {error}")
        # Tried again with the same, they would be refused again, until the account is locked.
        refusal.is_about_credentials = "authentication" in str(error).lower()
        raise refusal from error
    except ProxyError as error:
        raise ProxyError(f"proxy {proxy}: {error}") from error.__cause__
    except (ValueError, UnicodeError) as error:
        # What is too long for its field; the text may quote it.
        raise InvalidProxy(str(proxy), f"{type(error).__name__} in what SOCKS is to carry") from None


class _NoResolver:
    """Names were resolved before."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> NoReturn:
        raise AssertionError(f"{host!r} is left to the proxy")


_NO_RESOLVER: Final[Any] = _NoResolver()


def connect_request(proxy: ProxyAddress, target: TcpTarget, user_agent: str | None) -> bytes:
    """Return the request that asks an HTTP proxy for a tunnel to ``target``, with Basic authentication."""
    import h11

    authority = f"{bracketed(target.host)}:{target.port}"
    headers = [("Host", authority)]
    if user_agent is not None:
        headers.append(("User-Agent", user_agent))
    if proxy.username is not None:
        headers.append(("Proxy-Authorization", build_basic(proxy.username, proxy.password or "")))
    client = h11.Connection(h11.CLIENT)
    return client.send(h11.Request(method="CONNECT", target=authority, headers=headers)) or b""


async def speak_connect(stream: _Stream, proxy: ProxyAddress) -> bytes:
    """Read the answer to :func:`connect_request`; return what came behind it.

    Raises:
        InvalidProxyStatus: the proxy says no; ``response`` has its answer.
        InvalidProxyMessage: what answers does not speak HTTP, or says too much; caused by EOFError where
            the stream ended.
    """
    reader = ResponseReader(tunnel=True)
    try:
        while reader.response is None:
            try:
                data = await stream.read()
            except ConnectionError:
                data = b""  # a reset says no more than an end
            if data:
                reader.feed(data)
            else:
                reader.feed_eof()
    except InvalidHandshake as error:
        raise _of_proxy(error, proxy) from error.__cause__ or error
    response: Response = reader.response
    if not 200 <= response.status_code < 300:
        raise InvalidProxyStatus(response)
    return reader.trailing


def unasked(proxy: ProxyAddress) -> InvalidProxyMessage:
    """Return the error for bytes through a tunnel whose other end has nothing to say before we do."""
    return InvalidProxyMessage(f"proxy {proxy} sent more than its answer before TLS began")


def _of_proxy(error: InvalidHandshake, proxy: ProxyAddress) -> InvalidProxyMessage:
    told = str(error.__cause__) if isinstance(error, InvalidMessage) and error.__cause__ else str(error)
    return InvalidProxyMessage(f"did not receive a valid HTTP response from proxy {proxy}: {told}")
