"""Opens pipes over sockets: TCP, Unix sockets and given ones, with TLS and without."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any, Final, TypeAlias

import attrs

from wssdk.config import ClientConfig, Tls
from wssdk.dial import fastnet
from wssdk.dial.pins import check_pins
from wssdk.dial.pipe import StreamPipe
from wssdk.dial.proxy import SocketStream, connect_request, open_socks, speak_connect, unasked
from wssdk.dial.proxy_choice import ProxyAddress, choose_proxy
from wssdk.dial.shared_context import SharedContext
from wssdk.dial.tcp import TcpTarget, connect_tcp, connect_unix, set_keepalive, shown_path
from wssdk.dial.tls import shared_context
from wssdk.ports import Resolver, Route
from wssdk.typing import LoggerLike

__all__ = ["StreamDialer"]

_FAMILIES: Final = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_OF_TCP: Final = frozenset(field.name for field in attrs.fields(TcpTarget)) - {"address_timeout", "resolver"}
_AF_UNIX: Final = getattr(socket, "AF_UNIX", None)

_Open: TypeAlias = Callable[..., Coroutine[Any, Any, tuple[Any, Any]]]


class StreamDialer:
    """Opens pipes the way the config says.

    All pipes share one SSL context, which is made at the first ``wss:`` route, off the event loop, and anew
    when the files of the ``tls`` section changed. Pins of that section hold for a given context, too.

    Args:
        config: its sections ``timeouts``, ``limits``, ``tls``, ``proxy`` and ``network`` matter, and
            ``user_agent`` for proxies; the route has already taken host, port, server name and Unix socket
            from it.
        ssl_context: used instead of one made from the ``tls`` section.
        proxy_ssl_context: used for an https proxy instead of one made from the ``proxy`` section.
        logger: used instead of the one that the ``logging`` section names.
        resolver: looks hosts up; None: the event loop.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
        logger: LoggerLike | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._config = config
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._proxy_ssl_context = proxy_ssl_context
        self._given_logger = logger
        self._logger = logging.getLogger(config.logging.logger) if logger is None else logger
        self._shared = shared_context(config.tls, logger=self._logger)
        self._proxy_shared: SharedContext | None = None

    def __reduce__(self) -> Any:
        again = functools.partial(
            type(self),
            ssl_context=self._ssl_context,
            proxy_ssl_context=self._proxy_ssl_context,
            logger=self._given_logger,
            resolver=self._resolver,
        )
        return again, (self._config,)

    async def dial(self, route: Route) -> StreamPipe:
        """Open a pipe to ``route``, through a proxy where there is one. Cancelling leaves no socket open.

        ``route.options`` are keywords of the event loop's ``create_connection`` and win over the config. A
        ``sock`` among them is used as it is, and is closed where dialling fails or is cancelled.

        Raises:
            OSError: the peer cannot be reached; ``ssl.SSLError`` comes as it is.
            ConfigError: files or options of the ``tls`` section cannot be used, or ``network.transport``
                asks for aiofastnet, which is not there.
            InvalidProxy: the environment names a proxy that cannot be one.
            PinMismatch: the server has none of the pinned keys; nothing was sent after the TLS handshake.
            ProxyError: the proxy says no, or does not speak its protocol.
            TypeError: an option is not a keyword of ``create_connection``; before any traffic.
            ValueError: options that exclude one another; before any traffic.
            Exception: what the resolver raised.
        """
        loop = asyncio.get_running_loop()
        options = dict(route.options)
        sock: socket.socket | None = options.pop("sock", None)
        of_tcp = {name: options.pop(name) for name in _OF_TCP & options.keys()} if options else {}
        is_tcp = sock is None and route.unix_path is None
        try:
            if route.options:
                _check_together(route, sock, of_tcp, options)
            is_unix = route.unix_path is not None if sock is None else sock.family == _AF_UNIX
            way = await self._choose_way(loop, route, options, is_unix=is_unix)
            if route.options:
                # Calling it checks the keywords, and runs nothing.
                way.open(StreamPipe, **way.keywords).close()
            target = self._tcp_target(route, of_tcp)
            dialled = attrs.evolve(route, host=target.host, port=target.port) if of_tcp else route
            proxy = choose_proxy(self._config.proxy, dialled, self._logger)
            if route.unix_path is not None:
                sock = await connect_unix(loop, route.unix_path)
            elif sock is None:
                sock = await _connect(loop, target, proxy)
                set_keepalive(sock, self._config.network.tcp_keepalive)
            if proxy is None or proxy.scheme.startswith("socks"):
                pipe = await self._open(loop, way, sock)
            else:
                pipe = await self._open_through(loop, way, sock, proxy, target)
        except BaseException:
            if sock is not None:
                sock.close()
            raise
        if not route.secure and (proxy is None or proxy.scheme != "https"):
            pipe.sock = sock
        if is_tcp and not self._config.network.tcp_nodelay and not pipe.transport.is_closing():
            # Now, as transports switch it on.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        self._logger.debug("dialled %s: %r", _place(route), pipe.transport)
        return pipe

    async def _choose_way(
        self, loop: asyncio.AbstractEventLoop, route: Route, options: dict[str, Any], *, is_unix: bool
    ) -> _Way:
        aiofastnet = fastnet.load_aiofastnet(self._config.network.transport)
        if aiofastnet is not None and not fastnet.fits_loop(loop):
            aiofastnet = None
        pins = self._config.tls.pinned_sha256 if route.secure else ()
        if route.secure:
            context = await self._shared.get() if self._ssl_context is None else self._ssl_context
            of_config = {
                "ssl": context,
                "server_hostname": route.server_hostname or route.host,
                "ssl_handshake_timeout": self._config.timeouts.tls_handshake,
                "ssl_shutdown_timeout": self._config.timeouts.tls_shutdown,
            }
            options = of_config | options
            if aiofastnet is not None and not fastnet.fits_tls(aiofastnet, context, pinned=bool(pins)):
                aiofastnet = None
        name = "create_unix_connection" if is_unix else "create_connection"
        if aiofastnet is None:
            return _Way(getattr(loop, name), options, pins=pins)
        seen_loop = fastnet.loop_for_tls(loop) if route.secure else loop
        return _Way(functools.partial(getattr(aiofastnet, name), seen_loop), options, aiofastnet, pins)

    def _tcp_target(self, route: Route, given: dict[str, Any]) -> TcpTarget:
        network = self._config.network
        local_addr = None if network.local_host is None else (network.local_host, network.local_port or 0)
        target = TcpTarget(
            host=route.host,
            port=route.port,
            family=_FAMILIES[network.family],
            local_addr=local_addr,
            happy_eyeballs_delay=network.happy_eyeballs_delay,
            interleave=network.interleave,
            address_timeout=network.address_timeout,
            resolver=self._resolver,
        )
        return attrs.evolve(target, **given) if given else target

    async def _open(self, loop: asyncio.AbstractEventLoop, way: _Way, sock: socket.socket) -> StreamPipe:
        """Make the pipe of a connected socket, which the caller closes if this fails."""
        limits = self._config.limits
        pipe = StreamPipe(write_high=limits.write_high, write_low=limits.write_low)
        is_tls = "ssl" in way.keywords
        try:
            if way.keywords or way.fast is None or not fastnet.open_plain(way.fast, loop, sock, pipe):
                await way.open(lambda: pipe, sock=sock, **way.keywords)
                way.check(pipe.transport)
        except BaseException as error:
            if hasattr(pipe, "transport"):
                # Cancelled when it was just up. create_connection only closes, which over TLS waits for
                # the peer; and the socket must not be closed while a transport still watches its number.
                pipe.abort()
            if isinstance(error, ssl.SSLError):
                fastnet.complete_ssl_error(error, way.keywords.get("server_hostname"))
            if is_tls and isinstance(error, ConnectionResetError) and not error.args:
                raise ConnectionResetError("the peer closed during the TLS handshake") from error
            raise
        if is_tls and way.fast is not None:
            pipe.transport = fastnet.FastTls(pipe.transport, loop)
        return pipe

    async def _open_through(
        self,
        loop: asyncio.AbstractEventLoop,
        way: _Way,
        sock: socket.socket,
        proxy: ProxyAddress,
        target: TcpTarget,
    ) -> StreamPipe:
        """Make the pipe to ``target`` over a socket that is connected to ``proxy``, which speaks HTTP."""
        request = connect_request(proxy, target, self._config.user_agent)
        if proxy.scheme == "https":
            return await self._open_in_tls(loop, way, sock, proxy, request)
        stream = SocketStream(loop, sock)
        await stream.write(request)
        behind = await speak_connect(stream, proxy)
        if behind and "ssl" in way.keywords:
            raise unasked(proxy)
        pipe = await self._open(loop, way, sock)
        pipe.unread(behind)
        return pipe

    async def _open_in_tls(
        self,
        loop: asyncio.AbstractEventLoop,
        way: _Way,
        sock: socket.socket,
        proxy: ProxyAddress,
        request: bytes,
    ) -> StreamPipe:
        """Make the pipe through an https proxy; where it leads to TLS, that runs inside of the proxy's.

        The event loop's own transports can do that.
        """
        section = self._config.proxy
        of_proxy = {
            "ssl": await self._proxy_context(),
            "server_hostname": section.server_hostname or proxy.host,
            "ssl_handshake_timeout": section.tls_handshake,
            "ssl_shutdown_timeout": section.tls_shutdown,
        }
        outer = await self._open(loop, _Way(loop.create_connection, of_proxy), sock)
        try:
            outer.write(request)
            behind = await speak_connect(outer, proxy)
            if "ssl" not in way.keywords:
                outer.unread(behind)
                return outer
            if behind:
                raise unasked(proxy)
            limits = self._config.limits
            inner = StreamPipe(write_high=limits.write_high, write_low=limits.write_low)
            options = dict(way.keywords)
            context = options.pop("ssl")
            transport = await loop.start_tls(outer.transport, inner, context, **options)
            if transport is None:
                raise ConnectionResetError("the peer closed during the TLS handshake")
            inner.connection_made(transport)
            way.check(transport)
        except BaseException:
            outer.abort()
            raise
        return inner

    async def _proxy_context(self) -> ssl.SSLContext:
        if self._proxy_ssl_context is not None:
            return self._proxy_ssl_context
        if self._proxy_shared is None:
            tls = Tls(ca_file=self._config.proxy.ca_file)
            self._proxy_shared = shared_context(tls, logger=self._logger, section="proxy")
        return await self._proxy_shared.get()


async def _connect(
    loop: asyncio.AbstractEventLoop, target: TcpTarget, proxy: ProxyAddress | None
) -> socket.socket:
    """Return a socket that is connected to ``target``, if by SOCKS, or to the HTTP proxy on the way there."""
    if proxy is None:
        return await connect_tcp(loop, target)

    async def connect() -> socket.socket:
        try:
            return await connect_tcp(loop, _nearer(target, proxy))
        except OSError as error:
            error.add_note(f"on the way to proxy {proxy}")
            raise

    if proxy.scheme.startswith("socks"):
        return await open_socks(loop, connect, proxy, target)
    return await connect()


@attrs.frozen
class _Way:
    """How a connected socket becomes a pipe."""

    open: _Open
    """``create_connection``, or its counterpart for Unix sockets."""
    keywords: dict[str, Any]
    fast: ModuleType | None = None
    """aiofastnet, whose it is; None: the event loop's."""
    pins: tuple[str, ...] = ()
    """Of keys one of which the server must have; empty: any."""

    def check(self, transport: asyncio.BaseTransport) -> None:
        """Check what the server showed in the TLS handshake.

        Raises:
            PinMismatch: it has none of the pinned keys.
        """
        if self.pins:
            ssl_object = transport.get_extra_info("ssl_object")
            host = self.keywords["server_hostname"] or "the server"
            check_pins(ssl_object, self.keywords["ssl"], self.pins, host)


def _check_together(
    route: Route, given: socket.socket | None, of_tcp: dict[str, Any], rest: dict[str, Any]
) -> None:
    """Refuse options that contradict the route or one another.

    Raises:
        TypeError: the SSL context is among the options.
        ValueError: others.
    """
    if "ssl" in rest:
        raise TypeError("ssl is not an option of a route: give ssl_context to the dialer or factory")
    if isinstance(given, ssl.SSLSocket):
        # What is written by its number would go out in clear.
        raise TypeError("sock must be a plain socket, not one that speaks TLS already: use a wss:// URI")
    if given is not None and given.type != socket.SOCK_STREAM:
        raise ValueError(f"sock must be a stream socket, not {given!r}")
    if given is not None and route.unix_path is not None:
        raise ValueError("path and sock can not be specified at the same time")
    if route.unix_path is not None and of_tcp:
        raise ValueError(f"a Unix socket has no {', no '.join(sorted(of_tcp))}")
    if given is not None and of_tcp.keys() & {"host", "port"}:
        raise ValueError("host/port and sock can not be specified at the same time")
    if not route.secure:
        for name in rest:
            if name == "server_hostname" or name.startswith("ssl_"):
                raise ValueError(f"{name} is only meaningful with ssl")


def _nearer(target: TcpTarget, proxy: ProxyAddress) -> TcpTarget:
    # A resolver knows the servers of its user; a proxy is found as everybody finds it.
    return attrs.evolve(target, host=proxy.host, port=proxy.port, resolver=None)


def _place(route: Route) -> str:
    if route.options.get("sock") is not None:
        return "the given socket"
    return (
        repr(shown_path(route.unix_path))
        if route.unix_path is not None
        else f"{route.host} port {route.port}"
    )
