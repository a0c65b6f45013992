"""A WebSocket server inside the test, on the same core as the client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, cast

from wssdk.codes import CloseCode
from wssdk.config import ClientConfig, Keepalive, Limits, Timeouts
from wssdk.connection.connection import ClientConnection
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import ConnectionClosed, InvalidHandshake
from wssdk.handshake.deflate_offer import ServerPerMessageDeflateFactory
from wssdk.handshake.server import RequestReader, judge_request, rejection, serialize_response
from wssdk.protocol.core import Role
from wssdk.testing.certificate import LocalCertificate

__all__ = ["EchoServer", "Handler", "echo"]

Handler: TypeAlias = Callable[[ClientConnection], Awaitable[object]]
"""What a server does with a connection, which is closed when the coroutine function returns."""

_LOGGER: Final = logging.getLogger("wssdk.testing")
# Seconds. They bound what a client that hangs can cost a test.
_OPEN_TIMEOUT: Final = 5.0
_CLOSE_TIMEOUT: Final = 1.0
_HANDLER_GRACE: Final = 1.0


async def echo(ws: ClientConnection) -> None:
    """Send every message back, text as text and binary as binary; a fragmented one as a whole."""
    async for message in ws:
        await ws.send(message)


class EchoServer:
    """Serves WebSocket connections on this machine's loopback, for tests and demos::

        async with EchoServer() as server:
            async with wssdk.connect(server.uri) as ws: ...

    Leaving it closes its connections with 1001 and leaves no task, socket or Unix socket file behind. An
    exception of the handler closes its connection with 1011, is logged, and kept in ``errors``.

    Args:
        handler: what to do with a connection, which has the methods of the client's; default: echo.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        unix_path: listen on this Unix socket instead.
        tls: serve TLS: True makes a certificate, which needs the extra ``testing``.
        subprotocols: subprotocols to choose from, the preferred first.
        compression: agree to permessage-deflate when it is offered.
        max_size: largest message to receive, bytes; None for no limit.

    Attributes:
        uri: URI for clients; known inside ``async with``.
        unix_path: path of the Unix socket; None over TCP.
        certificate: what TLS is served with; None without TLS.
        errors: what handlers raised, ``ConnectionClosed`` aside.
    """

    def __init__(
        self,
        handler: Handler = echo,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        unix_path: str | None = None,
        tls: bool | LocalCertificate = False,
        subprotocols: Sequence[str] = (),
        compression: bool = True,
        max_size: int | None = 1 << 20,
    ) -> None:
        self.uri = ""
        self.unix_path = unix_path
        self.certificate = tls if isinstance(tls, LocalCertificate) else None
        self.errors: list[Exception] = []
        self._handler = handler
        self._host = host
        self._port = port
        self._tls = bool(tls)
        self._subprotocols = tuple(subprotocols)
        self._extension_factories = (ServerPerMessageDeflateFactory(),) if compression else ()
        self._config = ClientConfig(
            timeouts=Timeouts(close=_CLOSE_TIMEOUT),
            keepalive=Keepalive(interval=None),
            limits=Limits(max_size=max_size),
        )
        self._server: asyncio.Server | None = None
        # Each connection has a task; it has a ClientConnection once the opening handshake is done.
        self._served: dict[asyncio.Task[None], ClientConnection | None] = {}
        self._leaving = False

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """Context for clients, which trusts this server's certificate and no other; None without TLS."""
        return None if self.certificate is None else self.certificate.client_ssl

    @property
    def connections(self) -> list[ClientConnection]:
        """This side of the connections that are established, the oldest first."""
        return [ws for ws in self._served.values() if ws is not None]

    async def __aenter__(self) -> Self:
        if self._tls and self.certificate is None:
            self.certificate = await asyncio.to_thread(LocalCertificate.make)
        options: dict[str, Any] = {}
        if self.certificate is not None:
            options["ssl"] = self.certificate.server_ssl
            options["ssl_handshake_timeout"] = _OPEN_TIMEOUT
            options["ssl_shutdown_timeout"] = _CLOSE_TIMEOUT
        loop = asyncio.get_running_loop()
        self._leaving = False
        if self.unix_path is not None:
            self._server = await loop.create_unix_server(self._acceptor, self.unix_path, **options)
            netloc = "localhost"
        else:
            self._server = await loop.create_server(self._acceptor, self._host, self._port, **options)
            port = self._server.sockets[0].getsockname()[1]
            netloc = f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"
        self.uri = f"{'wss' if self._tls else 'ws'}://{netloc}/"
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._leaving = True
        self._server.close()
        try:
            await self._close_connections()
        finally:
            left = list(self._served)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self._server.wait_closed()
        if self.unix_path is not None and self.unix_path[0] != "\0":  # abstract: no file
            with contextlib.suppress(FileNotFoundError):  # since Python 3.13 the loop has done it
                os.unlink(self.unix_path)

    async def _close_connections(self) -> None:
        """Close what is established; drop what is not, and handlers that go on after the close."""
        for task, ws in self._served.items():
            if ws is None:
                task.cancel()
        going_away = CloseCode.GOING_AWAY
        await asyncio.gather(*(ws.close(going_away) for ws in self.connections), return_exceptions=True)
        if self._served:
            await asyncio.wait(self._served, timeout=_HANDLER_GRACE)

    def _acceptor(self) -> _Acceptor:
        return _Acceptor(self._accept)

    def _accept(self, transport: asyncio.Transport) -> None:
        if self._leaving:
            transport.abort()
            return
        pipe = StreamPipe()
        transport.set_protocol(pipe)
        pipe.connection_made(transport)
        task = asyncio.get_running_loop().create_task(self._serve(pipe))
        self._served[task] = None
        task.add_done_callback(self._served.pop)

    async def _serve(self, pipe: StreamPipe) -> None:
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT):
                ws = await self._open(pipe)
        except OSError:
            pipe.abort()  # the client left, or hangs
            return
        except BaseException:
            pipe.abort()
            raise
        if ws is None:
            return
        task = asyncio.current_task()
        assert task is not None
        self._served[task] = ws
        try:
            async with ws:
                await self._handler(ws)
        except ConnectionClosed:
            pass  # what clients under test do
        except Exception as error:
            self.errors.append(error)
            _LOGGER.exception("a handler failed")

    async def _open(self, pipe: StreamPipe) -> ClientConnection | None:
        """Run the opening handshake (RFC 6455, 4.2); None where the request was refused."""
        reader = RequestReader()
        try:
            while reader.request is None:
                if data := await pipe.read():
                    reader.feed(data)
                else:
                    reader.feed_eof()
            request = reader.request
            response, agreement = judge_request(
                request, subprotocols=self._subprotocols, extension_factories=self._extension_factories
            )
        except InvalidHandshake as error:
            pipe.write(serialize_response(error.response or rejection(error)))
            pipe.transport.close()
            await pipe.read()  # the transport says that it is closed; it reads no more
            return None
        pipe.write(serialize_response(response))
        pipe.unread(reader.trailing)
        ws = ClientConnection(
            pipe,
            config=self._config,
            request=request,
            response=response,
            subprotocol=agreement.subprotocol,
            extensions=agreement.extensions,
            logger=_LOGGER,
            role=Role.SERVER,
        )
        ws.start()
        return ws


class _Acceptor(asyncio.Protocol):
    """Hands a transport on when it is ready, which over TLS is after the handshake.

    Where the TLS handshake fails, asyncio calls nothing at all: a pipe made any earlier would wait for good.
    """

    def __init__(self, accept: Callable[[asyncio.Transport], None]) -> None:
        self._hand_on = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the transport on; what comes after goes to the protocol that takes it."""
        self._hand_on(cast("asyncio.Transport", transport))
