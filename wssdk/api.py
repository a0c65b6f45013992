"""connect() and unix_connect(): keywords to a config and its collaborators, then the factory."""

from __future__ import annotations

import os
import ssl as ssl_module
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypedDict, Unpack

import attrs

from wssdk.config import ClientConfig
from wssdk.config_grammar import DurationLike, MaxQueueLike, MaxSizeLike, SizeLike, WriteLimitLike
from wssdk.config_values import forgetting, nearest
from wssdk.config_words import OnFull
from wssdk.connection.connection import ClientConnection
from wssdk.keywords import NOT_GIVEN, NotGiven, factory_for
from wssdk.ports import ClientExtensionFactory, HeadersProvider, ProcessException, Resolver
from wssdk.reconnect import Reconnection
from wssdk.typing import LoggerLike
from wssdk.uri import parsed

if TYPE_CHECKING:
    from wssdk.reconnect.keeper import OnOpen, StopWhen
    from wssdk.reconnect.outbox import Resend, WhenDown
    from wssdk.reconnect.survivor import ReconnectingConnection

__all__ = [
    "ConnectKeywords",
    "LoopKeywords",
    "ReconnectingKeywords",
    "UnixKeywords",
    "connect",
    "reconnecting",
    "unix_connect",
]


_USER_AGENT: Final = attrs.fields(ClientConfig).user_agent.default


class LoopKeywords(TypedDict, total=False):
    """Keywords of :func:`connect` for what lies below the opening handshake.

    Each has the meaning that it has for the event loop's ``create_connection``, but ``resolver``, which it
    has for :class:`ConnectionFactory`. None: not given.
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
    resolver: Resolver | None
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
    additional_headers: HeadersProvider | None
    user_agent_header: str | None
    proxy: str | bool | None
    process_exception: ProcessException | None
    open_timeout: DurationLike | None
    ping_interval: DurationLike | None
    ping_timeout: DurationLike | None
    idle_timeout: DurationLike | None
    close_timeout: DurationLike | None
    reconnect_delays: Callable[[], Iterator[float]] | None
    max_size: MaxSizeLike
    max_queue: MaxQueueLike
    max_queue_bytes: SizeLike | None
    on_full: OnFull
    read_limit: SizeLike
    write_limit: WriteLimitLike
    logger: LoggerLike | None
    create_connection: Callable[..., ClientConnection] | None
    extra_headers: HeadersProvider | None


class ReconnectingKeywords(UnixKeywords, ConnectKeywords, total=False):
    """Further keywords of :func:`reconnecting`: those of :func:`connect`."""


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
        additional_headers: further headers of the request: a value, or a function or coroutine function
            that is asked at every opening, as :class:`ConnectionFactory` has it.
        user_agent_header: value of the ``User-Agent`` header.
        proxy: URL of a proxy (``http``, ``https``, ``socks4``, ``socks4a``, ``socks5``, ``socks5h``, with
            userinfo where it asks for that); True, the default: the one that the environment
            (``https_proxy``, ..., ``no_proxy``) or the system names; None: none. Unix sockets and
            connections to this machine go without.
        process_exception: tells transient failures (None, or a ``RetryableError``) from fatal ones (any
            other exception) when reconnecting; default: :func:`~wssdk.reconnect.process_exception`.
        open_timeout: for the whole opening: address look-up, TLS, opening handshake.
        ping_interval: between keepalive pings.
        ping_timeout: for any sign of life after a keepalive ping.
        idle_timeout: without a data frame, whether or not pings are answered.
        close_timeout: for the whole closing.
        reconnect_delays: returns an iterator of the delays between attempts; default: one that draws up
            to 5, then from 3 to a bound that grows up to 60.
        max_size: of a received message, or a pair: of a message and of a fragment.
        max_queue: received messages that wait for the application, where the inbox is full; or a pair: of
            that and where reading resumes after a pause.
        max_queue_bytes: the same in bytes of payload.
        on_full: what happens to a message that comes then: ``"pause"`` (reading), ``"drop_oldest"``,
            ``"latest"`` (keep the newest alone) or ``"close"``; see :class:`~wssdk.config.Limits`.
        read_limit: of one read from the transport.
        write_limit: bytes to be written where ``send()`` waits; or a pair: of that and where it goes on.
        logger: default: ``logging.getLogger("wssdk.client")``.
        create_connection: a subclass of :class:`ClientConnection`, or what returns one.
        extra_headers: the deprecated name of ``additional_headers``.
        **keywords: ``ssl``, ``sock``, ``host``, ``port``, ``local_addr``, ``family``, ... as for the
            event loop's ``create_connection``; ``resolver``, as :class:`ConnectionFactory` has it;
            ``unix=True`` with ``path`` or ``sock`` for a Unix socket.

    Raises:
        InvalidURI: ``uri`` is not a WebSocket URI.
        TypeError: a keyword is unknown, or an object (``ssl``, ``create_connection``) is of the wrong type.
        ConfigError: values, all of them told at once, are of the wrong type, not allowed, or not
            supported yet.
        ValueError: keywords contradict each other or the URI.
        TimeoutError, OSError, InvalidHandshake: (opening) as for :meth:`ConnectionFactory.open`.
    """

    @forgetting
    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        extensions: Sequence[ClientExtensionFactory] | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | None = "deflate",
        additional_headers: HeadersProvider | None = None,
        user_agent_header: str | None = _USER_AGENT,
        proxy: str | bool | Literal[NotGiven.NOT_GIVEN] | None = NOT_GIVEN,
        process_exception: ProcessException | None = None,
        open_timeout: DurationLike | None = 10,
        ping_interval: DurationLike | None = 20,
        ping_timeout: DurationLike | None = 20,
        idle_timeout: DurationLike | None = None,
        close_timeout: DurationLike | None = 10,
        reconnect_delays: Callable[[], Iterator[float]] | None = None,
        max_size: MaxSizeLike = 2**20,
        max_queue: MaxQueueLike = 2**5,
        max_queue_bytes: SizeLike | None = None,
        on_full: OnFull = "pause",
        read_limit: SizeLike = 2**16,
        write_limit: WriteLimitLike = 2**16,
        logger: LoggerLike | None = None,
        create_connection: Callable[..., ClientConnection] | None = None,
        extra_headers: HeadersProvider | None = None,
        **keywords: Unpack[ConnectKeywords],
    ) -> None:
        if not isinstance(uri, str):
            _refuse_uri(uri)
        parsed_uri = parsed(uri)
        headers = _choose_headers(additional_headers, extra_headers, 4)
        provider = headers if callable(headers) else None
        of_config = _but_defaults(
            origin=origin,
            subprotocols=subprotocols,
            compression=compression,
            additional_headers=None if provider is not None else headers,
            user_agent_header=user_agent_header,
            proxy=proxy,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            idle_timeout=idle_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            max_queue_bytes=max_queue_bytes,
            on_full=on_full,
            read_limit=read_limit,
            write_limit=write_limit,
        )
        collaborators = _but_defaults(
            extensions=extensions,
            process_exception=process_exception,
            reconnect_delays=reconnect_delays,
            logger=logger,
            create_connection=create_connection,
        )
        if provider is not None:
            collaborators["headers"] = provider
        _refuse_unknown(keywords)
        self._uri = parsed_uri
        self._factory = factory_for(parsed_uri, of_config, keywords, collaborators)
        self._opening = self._factory.connect(parsed_uri)

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
        keywords["additional_headers"] = _choose_headers(keywords.get("additional_headers"), extra, 3)
    return connect(uri, unix=True, path=path, **keywords)


def reconnecting(
    uri: str,
    *,
    on_open: OnOpen | None = None,
    outbox: int = 0,
    outbox_bytes: SizeLike | None = None,
    when_down: WhenDown = "wait",
    resend: Resend = "never",
    acknowledge: bool = False,
    stop_when: StopWhen | None = None,
    wait: bool = True,
    **keywords: Unpack[ReconnectingKeywords],
) -> ReconnectingConnection:
    """Return one object that survives the loss of its connection::

        async with reconnecting("wss://example.com/feed", on_open=subscribe) as conn:
            async for message in conn: ...

    The first arguments are those of :meth:`ConnectionFactory.reconnecting`, the other keywords those of
    :func:`connect`.

    Raises:
        InvalidURI, TypeError, ConfigError, ValueError: as for both.
    """
    if "extra_headers" in keywords:
        # Told here, where the caller is one call away.
        extra = keywords.pop("extra_headers")
        keywords["additional_headers"] = _choose_headers(keywords.get("additional_headers"), extra, 3)
    opening = connect(uri, **keywords)
    return opening._factory.reconnecting(
        opening._uri,
        on_open=on_open,
        outbox=outbox,
        outbox_bytes=outbox_bytes,
        when_down=when_down,
        resend=resend,
        acknowledge=acknowledge,
        stop_when=stop_when,
        wait=wait,
    )


def _but_defaults(**given: Any) -> dict[str, Any]:
    """Return what differs from the defaults of :class:`connect`, which are those of the config."""
    defaults: dict[str, Any] = connect.__init__.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    return {name: value for name, value in given.items() if value is not defaults[name]}


def _choose_headers(
    additional: HeadersProvider | None, extra: HeadersProvider | None, stacklevel: int
) -> HeadersProvider | None:
    if extra is not None:
        if additional is not None:
            raise TypeError("give additional_headers or extra_headers, its deprecated name, not both")
        message = "extra_headers is deprecated: use additional_headers"
        warnings.warn(message, DeprecationWarning, stacklevel=stacklevel)
        additional = extra
    if additional is None:
        return None
    # An iterator gives its pairs only once, and they are looked at more than once.
    return additional if callable(additional) or hasattr(additional, "keys") else tuple(additional)


def _refuse_uri(given: object) -> NoReturn:
    hint = ""
    if isinstance(given, list | tuple):
        hint = ": several go into ConnectionFactory(ClientConfig(uris=...))"
    elif callable(given):
        hint = ": a function that provides it goes into ConnectionFactory(config, uri=...)"
    raise TypeError(f"uri must be a str, not {type(given).__name__}{hint}")


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
