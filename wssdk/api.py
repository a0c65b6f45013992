"""connect() and unix_connect(): keywords to a config and its collaborators, then the factory."""

from __future__ import annotations

import enum
import os
import ssl as ssl_module
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, TypedDict, Unpack

import attrs

from wssdk.config import ClientConfig
from wssdk.config_grammar import DurationLike, MaxQueueLike, MaxSizeLike, SizeLike, WriteLimitLike
from wssdk.config_values import nearest
from wssdk.connection.connection import ClientConnection
from wssdk.factory import ConnectionFactory
from wssdk.headers import HeadersLike
from wssdk.ports import ClientExtensionFactory, ProcessException
from wssdk.reconnect import Reconnection
from wssdk.typing import LoggerLike
from wssdk.uri import ParsedURI, parsed

__all__ = ["ConnectKeywords", "LoopKeywords", "UnixKeywords", "connect", "unix_connect"]


class _NotGiven(enum.Enum):
    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "<not given>"


_NOT_GIVEN: Final = _NotGiven.NOT_GIVEN
_USER_AGENT: Final = attrs.fields(ClientConfig).user_agent.default


class LoopKeywords(TypedDict, total=False):
    """Keywords of :func:`connect` for what lies below the opening handshake.

    Each has the meaning that it has for the event loop's ``create_connection``. None: not given.
    """

    ssl: ssl_module.SSLContext | bool | None
    server_hostname: str | None
    ssl_handshake_timeout: DurationLike | None
    ssl_shutdown_timeout: DurationLike | None
    sock: Any
    host: str | None
    port: int | None
    family: int
    proto: int
    flags: int
    local_addr: tuple[str | None, int | None] | None
    happy_eyeballs_delay: DurationLike | None
    interleave: int | None
    all_errors: bool
    proxy_ssl: ssl_module.SSLContext | bool | None
    proxy_server_hostname: str | None
    proxy_ssl_handshake_timeout: DurationLike | None
    proxy_ssl_shutdown_timeout: DurationLike | None


class ConnectKeywords(LoopKeywords, total=False):
    """Further keywords of :func:`connect`."""

    unix: bool
    path: str | os.PathLike[str] | None


class UnixKeywords(LoopKeywords, total=False):
    """Keywords of :func:`unix_connect`: those of :func:`connect`."""

    origin: str | None
    extensions: Sequence[ClientExtensionFactory] | None
    subprotocols: Sequence[str] | None
    compression: str | None
    additional_headers: HeadersLike | None
    user_agent_header: str | None
    proxy: str | bool | None
    process_exception: ProcessException | None
    open_timeout: DurationLike | None
    ping_interval: DurationLike | None
    ping_timeout: DurationLike | None
    close_timeout: DurationLike | None
    reconnect_delays: Callable[[], Iterator[float]] | None
    max_size: MaxSizeLike
    max_queue: MaxQueueLike
    read_limit: SizeLike
    write_limit: WriteLimitLike
    logger: LoggerLike | None
    create_connection: Callable[..., ClientConnection] | None
    extra_headers: HeadersLike | None


# What goes into the config as it is; the rest of LoopKeywords goes to the event loop.
_OF_CONFIG: Final = (
    "server_hostname",
    "ssl_handshake_timeout",
    "ssl_shutdown_timeout",
    "host",
    "port",
    "family",
    "local_addr",
    "happy_eyeballs_delay",
    "interleave",
    "proxy_server_hostname",
    "proxy_ssl_handshake_timeout",
    "proxy_ssl_shutdown_timeout",
)
_OF_LOOP: Final = ("sock", "proto", "flags", "all_errors")

# Names of older versions and of other clients, and what to use here.
_RENAMED: Final = {
    "timeout": "use open_timeout and close_timeout",
    "klass": "use create_connection",
    "create_protocol": "use create_connection",
    "protocol_class": "use create_connection",
    "loop": "the running event loop is used",
    "legacy_recv": "it has no meaning any more",
    "auth": "use additional_headers",
    "token": "use additional_headers",
    "headers": "use additional_headers",
    "header": "use additional_headers",
    "protocols": "use subprotocols",
    "user_agent": "use user_agent_header",
    "ssl_context": "use ssl",
    "sslopt": "use ssl",
    "heartbeat": "use ping_interval and ping_timeout",
    "max_msg_size": "use max_size",
    "compress": "use compression",
    "uds": "use unix_connect(path)",
}


class connect:  # noqa: N801  # a class that is called as a function: the field's name
    """A connection to be: ``await`` it, enter it by ``async with``, or iterate over it by ``async for``.

    ::

        async with connect("wss://example.com/feed") as ws:
            await ws.send("hello")

        async for ws in connect("wss://example.com/feed"):  # connects again, with growing delays
            try:
                async for message in ws: ...
            except ConnectionClosed:
                continue

    ``await`` gives a connection that the caller closes. How the loop ends and what it retries:
    :class:`~wssdk.reconnect.Reconnection`. Wrong keywords are told by the call itself. Times are in
    seconds, sizes in bytes; None switches off.

    Args:
        uri: WebSocket URI, ``ws:`` or ``wss:``. Userinfo is sent as Basic authentication.
        origin: value of the ``Origin`` header.
        extensions: offered before permessage-deflate.
        subprotocols: offered, the preferred one first.
        compression: ``"deflate"``, or None.
        additional_headers: further headers of the request.
        user_agent_header: value of the ``User-Agent`` header.
        proxy: None. In this release every connection is direct: proxies of the environment are not
            looked at, and asking for one is an error.
        process_exception: tells transient failures (None, or a ``RetryableError``) from fatal ones (any
            other exception) when reconnecting; default: :func:`~wssdk.reconnect.process_exception`.
        open_timeout: for the whole opening: address look-up, TLS, opening handshake.
        ping_interval: between keepalive pings.
        ping_timeout: for any sign of life after a keepalive ping.
        close_timeout: for the whole closing.
        reconnect_delays: returns an iterator of the delays between attempts; default: one that starts
            with up to 5 at random, then goes from 3 to 60.
        max_size: of a received message, or a pair: of a message and of a fragment.
        max_queue: received messages that wait for the application, where reading pauses; or a pair: of
            that and where it resumes.
        read_limit: of one read from the transport.
        write_limit: bytes to be written where ``send()`` waits; or a pair: of that and where it goes on.
        logger: default: ``logging.getLogger("wssdk.client")``.
        create_connection: a subclass of :class:`ClientConnection`, or what returns one.
        extra_headers: the deprecated name of ``additional_headers``.
        **keywords: ``ssl``, ``sock``, ``host``, ``port``, ``local_addr``, ``family``, ... as for the
            event loop's ``create_connection``; ``unix=True`` with ``path`` or ``sock`` for a Unix socket.

    Raises:
        InvalidURI: ``uri`` is not a WebSocket URI.
        TypeError: a keyword is unknown, or an object (``ssl``, ``create_connection``) is of the wrong type.
        ConfigError: values, all of them told at once, are of the wrong type, not allowed, or not
            supported yet.
        ValueError: keywords contradict each other or the URI.
        TimeoutError, OSError, InvalidHandshake: (opening) as for :meth:`ConnectionFactory.open`.
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        extensions: Sequence[ClientExtensionFactory] | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = _USER_AGENT,
        proxy: str | bool | Literal[_NotGiven.NOT_GIVEN] | None = _NOT_GIVEN,
        process_exception: ProcessException | None = None,
        open_timeout: DurationLike | None = 10,
        ping_interval: DurationLike | None = 20,
        ping_timeout: DurationLike | None = 20,
        close_timeout: DurationLike | None = 10,
        reconnect_delays: Callable[[], Iterator[float]] | None = None,
        max_size: MaxSizeLike = 2**20,
        max_queue: MaxQueueLike = 2**5,
        read_limit: SizeLike = 2**16,
        write_limit: WriteLimitLike = 2**16,
        logger: LoggerLike | None = None,
        create_connection: Callable[..., ClientConnection] | None = None,
        extra_headers: HeadersLike | None = None,
        **keywords: Unpack[ConnectKeywords],
    ) -> None:
        _refuse_unknown(keywords)
        if isinstance(subprotocols, str):
            raise TypeError("subprotocols must be a list of str, not a str")
        make: Any = create_connection or ClientConnection
        if not callable(make):
            raise TypeError(f"create_connection must be callable, not {type(make).__name__}")
        parsed_uri = parsed(uri)
        below = _split(parsed_uri, proxy, keywords)
        of_config = _but_defaults(
            origin=origin,
            subprotocols=subprotocols,
            compression=compression,
            additional_headers=_choose_headers(additional_headers, extra_headers),
            user_agent_header=user_agent_header,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            read_limit=read_limit,
            write_limit=write_limit,
        )
        config = ClientConfig.from_connect(parsed_uri, **of_config, **below.of_config)
        self._opening = ConnectionFactory(
            config,
            ssl_context=below.ssl_context,
            logger=logger,
            extensions=extensions or (),
            process_exception=process_exception,
            connection_class=make,
            reconnect_delays=reconnect_delays,
            options=below.of_loop,
        ).connect()

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._opening.__await__()

    async def __aenter__(self) -> ClientConnection:
        return await self._opening.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opening.__aexit__(exc_type, exc_value, traceback)

    def __aiter__(self) -> Reconnection:
        return self._opening.__aiter__()


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **keywords: Unpack[UnixKeywords]
) -> connect:
    """Connect to a server on the Unix socket ``path``: :func:`connect` with another address.

    ``uri`` names host and resource; default: ``ws://localhost/``, or ``wss://localhost/`` where ``ssl``
    is given. ``sock`` may be given instead of ``path``. The other keywords are those of :func:`connect`.
    """
    if uri is None:
        uri = "wss://localhost/" if keywords.get("ssl") else "ws://localhost/"
    if "extra_headers" in keywords:
        # Told here, where the caller is one call away.
        extra = keywords.pop("extra_headers")
        keywords["additional_headers"] = _choose_headers(keywords.get("additional_headers"), extra)
    return connect(uri, unix=True, path=path, **keywords)


def _but_defaults(**given: Any) -> dict[str, Any]:
    """Return what differs from the defaults of :class:`connect`, which are those of the config."""
    defaults: dict[str, Any] = connect.__init__.__kwdefaults__ or {}
    return {name: value for name, value in given.items() if value is not defaults[name]}


def _choose_headers(additional: HeadersLike | None, extra: HeadersLike | None) -> HeadersLike | None:
    if extra is not None:
        if additional is not None:
            raise TypeError("give additional_headers or extra_headers, its deprecated name, not both")
        warnings.warn("extra_headers is deprecated: use additional_headers", DeprecationWarning, stacklevel=3)
        additional = extra
    if additional is None:
        return None
    # An iterator gives its pairs only once, and they are looked at more than once.
    return additional if hasattr(additional, "keys") else tuple(additional)


def _refuse_unknown(keywords: Mapping[str, object]) -> None:
    """Raise TypeError for the first keyword that nothing takes, with the way out where it is known."""
    taken = ConnectKeywords.__optional_keys__
    for name in keywords:
        if name in taken:
            continue
        hint = _RENAMED.get(name)
        if hint is None:
            near = nearest(name, sorted(taken | UnixKeywords.__optional_keys__))
            hint = f"did you mean {near!r}?" if near else ""
        raise TypeError(f"connect() got an unexpected keyword argument {name!r}" + (hint and f"; {hint}"))


@attrs.frozen
class _Below:
    """Where the keywords go that are not about the WebSocket protocol."""

    of_config: dict[str, Any]
    of_loop: dict[str, Any]
    ssl_context: ssl_module.SSLContext | None


def _split(
    uri: ParsedURI, proxy: str | bool | Literal[_NotGiven.NOT_GIVEN] | None, keywords: ConnectKeywords
) -> _Below:
    """Check that the keywords agree with the URI and with each other; tell where each goes.

    Raises:
        TypeError, ValueError: as :class:`connect` has it.
    """
    given: dict[str, Any] = {name: value for name, value in keywords.items() if value is not None}
    if "happy_eyeballs_delay" in keywords:
        given["happy_eyeballs_delay"] = keywords["happy_eyeballs_delay"]  # None: off
    of_config: dict[str, Any] = {name: given[name] for name in _OF_CONFIG if name in given}
    context = _choose_ssl(uri.parts.secure, keywords)
    _check_address(given)
    if "path" in given:
        of_config["path"] = os.fsdecode(given["path"])
    _check_proxy(proxy, given)
    if proxy is not _NOT_GIVEN:
        of_config["proxy"] = proxy
    of_loop: dict[str, Any] = {name: given[name] for name in _OF_LOOP if name in given}
    return _Below(of_config, of_loop, context)


def _choose_ssl(secure: bool, keywords: ConnectKeywords) -> ssl_module.SSLContext | None:
    ssl = keywords.get("ssl", secure)
    if secure and not ssl:
        raise ValueError(f"ssl={ssl} is incompatible with a wss:// URI")
    for name in ("ssl", "server_hostname", "ssl_handshake_timeout", "ssl_shutdown_timeout"):
        if keywords.get(name) and not secure:
            raise ValueError(f"{name} is incompatible with a ws:// URI")
    if isinstance(ssl, ssl_module.SSLContext):
        return ssl
    if ssl is not None and not isinstance(ssl, bool):
        raise TypeError(f"ssl must be an SSLContext, True or None, not {type(ssl).__name__}")
    return None


def _check_address(given: Mapping[str, Any]) -> None:
    if "path" in given and not given.get("unix"):
        raise TypeError("path is for Unix sockets: use unix_connect(path)")
    if given.get("unix") and ("path" in given) == ("sock" in given):
        raise ValueError("a Unix socket needs path or sock" + (", not both" if "sock" in given else ""))
    other = "a Unix socket" if given.get("unix") else "sock" if "sock" in given else None
    for name in ("host", "port"):
        if name in given and other is not None:
            raise ValueError(f"{name} is incompatible with {other}")


def _check_proxy(proxy: object, given: Mapping[str, Any]) -> None:
    is_https = isinstance(proxy, str) and proxy.lower().startswith("https:")
    for name in given:
        if name.startswith("proxy_") and not is_https:
            raise ValueError(f"{name} needs proxy to be an https:// URL")
