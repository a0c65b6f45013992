"""One opening: dial and opening handshake, from a URI to a connection."""

from __future__ import annotations

import asyncio
import inspect
import socket
import sys
from collections.abc import Callable, Container, Mapping
from typing import Any, Final, NoReturn

from wssdk.config import ClientConfig
from wssdk.connection.connection import ClientConnection
from wssdk.errors import InvalidHandshake, InvalidStatus, InvalidURI, SecurityError
from wssdk.handshake.header_grammar import build_extensions_header
from wssdk.handshake.request import as_headers, build_request, new_key, serialize_request
from wssdk.handshake.response import ResponseReader, judge_response
from wssdk.headers import Headers, HeadersLike, Request, Response
from wssdk.ports import ClientExtensionFactory, Dialer, Pipe, Route
from wssdk.redirects import Hop, follow, is_redirect
from wssdk.typing import LoggerLike
from wssdk.uri import RedactedURI, WebSocketURI, redact_uri

__all__ = ["Opener"]

# Options of create_connection that are about the URI's own host.
_OF_HOME: Final = frozenset(("host", "port", "server_hostname"))


class Opener:
    """Opens connections with the collaborators of one factory.

    Args:
        dialer: opens pipes.
        offers: the extensions, in the order they are offered.
        headers: added to the request; they replace the config's fields of the same names.
        connection_class: makes the connection.
        options: further keywords for the event loop's ``create_connection``, such as ``sock``.
        logger: told when an opening begins and ends.

    Attributes:
        dialer: opens pipes.
    """

    def __init__(
        self,
        dialer: Dialer,
        *,
        offers: tuple[ClientExtensionFactory, ...],
        headers: HeadersLike | None,
        connection_class: Callable[..., ClientConnection],
        options: Mapping[str, Any],
        logger: LoggerLike,
    ) -> None:
        self.dialer = dialer
        self._offers = offers
        self._headers = headers
        self._connection_class = connection_class
        self._options = options
        self._logger = logger

    async def open(
        self,
        uri: str,
        target: WebSocketURI,
        config: ClientConfig,
        *,
        extra: Headers | None = None,
        until: float | None = None,
        unread: Container[int] = (),
    ) -> ClientConnection:
        """Open a connection to ``target``, as ``config`` says; see :meth:`ConnectionFactory.open`.

        ``uri`` is its text, for the log. ``extra`` are headers in the place of the factory's. The opening is
        to be done by the time ``until`` of the event loop; None: within ``timeouts.open`` seconds. A refusal
        with one of the statuses in ``unread`` by who was shown ``extra`` is raised without its body.
        """
        shown = RedactedURI(uri) if config.logging.redact else uri
        self._logger.debug("opening %s", shown)
        readers: list[ResponseReader] = []
        try:
            timeout = asyncio.timeout(config.timeouts.open) if until is None else asyncio.timeout_at(until)
            async with timeout as deadline:
                connection = await self._follow(uri, target, config, extra, readers, unread)
        except TimeoutError as error:
            if not deadline.expired():
                raise  # the operating system's: it names the address
            if readers and (partial := readers[0].partial) is not None:
                # Only the rest of the body is missing: the server did answer, and said no.
                rejection: Exception = InvalidStatus(partial)
            else:
                rejection = TimeoutError("timed out during opening handshake")
            raise rejection from error
        self._logger.debug("established %s as %r", shown, connection)
        return connection

    async def _follow(
        self,
        uri: str,
        target: WebSocketURI,
        config: ClientConfig,
        extra: Headers | None,
        readers: list[ResponseReader],
        unread: Container[int],
    ) -> ClientConnection:
        """Establish the connection where redirects lead to; ``readers`` gets the one that reads now."""
        if extra is None and self._headers is not None:
            extra = as_headers(self._headers, "headers must be")
        hop = first = Hop(uri, target, _laid_over(config.header_items, extra))
        followed = 0
        try:
            while True:
                readers[:] = [ResponseReader()]
                shown_extra = hop is first or _goes_along(extra, hop)
                try:
                    return await self._establish(config, hop, readers[0], unread if shown_extra else ())
                except InvalidStatus as error:
                    if not config.network.max_redirects or not is_redirect(error.response):
                        error.saw_headers = shown_extra
                        raise
                    followed += 1
                    try:
                        _check_limit(followed, config.network.max_redirects)
                        hop = follow(error.response, hop, first, config, given=extra, options=self._options)
                    except (InvalidHandshake, InvalidURI, ValueError) as refusal:
                        if isinstance(refusal, InvalidHandshake):
                            refusal.response = error.response
                        raise refusal from error
                    shown = RedactedURI(hop.uri) if config.logging.redact else hop.uri
                    self._logger.info("redirected (%d) to %s", error.response.status_code, shown)
        except Exception as error:
            if hop is not first:
                error.add_note(f"redirected to {redact_uri(hop.uri)}")
            raise

    async def _establish(
        self, config: ClientConfig, hop: Hop, reader: ResponseReader, unread: Container[int]
    ) -> ClientConnection:
        key = new_key()
        request = self._build_request(config, hop, key)
        pipe = await self.dialer.dial(self._route(config, hop))
        try:
            pipe.write(serialize_request(request))
            to_follow = config.network.max_redirects > 0
            response = await _read_response(pipe, reader, to_follow=to_follow, unread=unread)
            agreement = judge_response(
                response,
                key=key,
                offered_subprotocols=config.subprotocols,
                offered_extensions=self._offers,
            )
            connection = self._connection_class(
                pipe,
                config=config,
                request=request,
                response=response,
                subprotocol=agreement.subprotocol,
                extensions=agreement.extensions,
                logger=self._logger,
            )
            if not isinstance(connection, ClientConnection):
                _refuse_connection(connection)
            if reader.trailing:
                pipe.unread(reader.trailing)
            connection.start()
        except BaseException:
            pipe.abort()
            raise
        return connection

    def _build_request(self, config: ClientConfig, hop: Hop, key: str) -> Request:
        offers = [(offer.name, offer.get_request_params()) for offer in self._offers]
        return build_request(
            hop.target,
            key=key,
            origin=config.origin,
            # The same text for all connections that offer the same.
            extensions_header=sys.intern(build_extensions_header(offers)),
            subprotocols=config.subprotocols,
            user_agent=config.user_agent,
            headers=hop.headers,
        )

    def _route(self, config: ClientConfig, hop: Hop) -> Route:
        network, target, options = config.network, hop.target, self._options
        sock: socket.socket | None = options.get("sock")
        if sock is not None and sock.fileno() < 0:
            raise ValueError("sock is closed: a given socket makes one connection")
        if not hop.at_home:
            # Another host is not asked for the name of the first, nor dialled at its address.
            return Route(
                secure=target.secure,
                host=target.host,
                port=target.port,
                server_hostname=_tls_name(target) if target.secure else None,
                options={name: options[name] for name in options if name not in _OF_HOME},
            )
        return Route(
            secure=target.secure,
            host=network.host or target.host,
            port=network.port or target.port,
            server_hostname=(config.tls.server_hostname or _tls_name(target)) if target.secure else None,
            unix_path=network.unix_path,
            options=options,
        )


def _goes_along(extra: Headers | None, hop: Hop) -> bool:
    """Tell whether who is asked after a redirect is shown what was given in code, or would be."""
    if not extra:
        return hop.at_home
    names = {name.lower() for name, _ in Headers(hop.headers).raw_items()}
    return any(name.lower() in names for name in extra)


def _laid_over(fields: tuple[tuple[str, str], ...], extra: Headers | None) -> HeadersLike:
    """Return the config's fields, with ``extra`` in the place of those of the same names."""
    if not extra:
        return fields
    headers = Headers(fields)
    for name in extra:
        if name in headers:
            del headers[name]
    headers.update(extra)
    return headers


def _check_limit(followed: int, limit: int) -> None:
    if followed > limit:
        raise SecurityError(f"more than {limit} redirects, which is what network.max_redirects allows")


def _refuse_connection(made: object) -> NoReturn:
    if inspect.iscoroutine(made):
        made.close()  # else Python warns that nobody awaited it
    kind = type(made).__name__
    raise TypeError(
        f"connection_class (create_connection of connect()) must return a ClientConnection, not {kind}"
    )


def _tls_name(target: WebSocketURI) -> str:
    # Certificates know neither the zone of an address nor the dot that makes a name absolute.
    return target.host.partition("%")[0].removesuffix(".")


async def _read_response(
    pipe: Pipe, reader: ResponseReader, *, to_follow: bool, unread: Container[int]
) -> Response:
    while reader.response is None:
        if (begun := reader.partial) is not None and (
            (to_follow and is_redirect(begun)) or begun.status_code in unread
        ):
            return begun  # its body is for people
        try:
            data = await pipe.read()
        except ConnectionError:
            data = b""  # a reset says no more than an end: what was read, or that nothing was
        if data:
            reader.feed(data)
        else:
            reader.feed_eof()
    return reader.response
