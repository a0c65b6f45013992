"""The composition root: one opening, from a config and its collaborators to a connection."""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import attrs

from wssdk.collaborators import check_config, check_kinds, checked_extensions
from wssdk.config import ClientConfig, Tls
from wssdk.config_rules import option_fields
from wssdk.config_values import forgetting, nearest
from wssdk.connection.connection import ClientConnection
from wssdk.dial.dialer import StreamDialer
from wssdk.errors import ConfigError, ConfigProblem
from wssdk.handshake.deflate_offer import offer_of
from wssdk.handshake.request import as_headers, check_headers
from wssdk.opening import Opener
from wssdk.ports import (
    ClientExtensionFactory,
    Clock,
    ConnectAttempt,
    Dialer,
    HeadersProvider,
    ProcessException,
    Resolver,
    URIProvider,
)
from wssdk.providers import name_of
from wssdk.reconnect import Attempts, LoopClock, Opening, Reconnection, ReconnectPolicy
from wssdk.tries import Candidates, Tries, headers_provider, uri_provider
from wssdk.typing import LoggerLike
from wssdk.uri import parse_uri, redact_uri, redact_uris

if TYPE_CHECKING:
    from wssdk.config_grammar import SizeLike
    from wssdk.reconnect.keeper import OnOpen, StopWhen
    from wssdk.reconnect.outbox import Resend, WhenDown
    from wssdk.reconnect.survivor import ReconnectingConnection

__all__ = ["ConnectionFactory"]

_Open: TypeAlias = Callable[[ConnectAttempt], Awaitable[ClientConnection]]

_FIRST: Final = ConnectAttempt()
_DEFLATE: Final = "permessage-deflate"
_PLAIN_TLS: Final = attrs.fields(ClientConfig).tls.default

# What a dialer is made from: it is kept where none of it changes.
_DIALLED_BY: Final = (
    *("dialer", "resolver", "ssl_context", "proxy_ssl_context", "logger"),
    *("timeouts", "limits", "tls", "proxy", "network", "logging", "user_agent"),
)


class ConnectionFactory:
    """Opens connections as one config says; give it to what needs them.

    Nothing is shared with other factories. It can be pickled where its collaborators can.

    Args:
        config: what is data; every opening goes by it.
        ssl_context: used for ``wss:`` URIs instead of one made from the ``tls`` section.
        proxy_ssl_context: used for an https proxy instead of one made from the ``proxy`` section.
        logger: used instead of the one that the ``logging`` section names.
        extensions: offered before permessage-deflate, in this order. One named ``permessage-deflate``
            is offered instead of the one of the ``compression`` section.
        process_exception: tells transient failures from fatal ones when reconnecting; None:
            :func:`~wssdk.reconnect.process_exception` with ``reconnect.retry_status``.
        headers: added to the request: a value, or a function or coroutine function that is asked anew
            at every opening, for fresh tokens. They replace the config's fields of the same names.
        uri: a function or coroutine function that is asked anew at every opening for the URI, which is used
            instead of the config's.
        dialer: opens pipes; None: one that uses sockets, made from the config.
        resolver: a coroutine function of host and port that looks hosts up in the place of the operating
            system, at every opening; it returns IP addresses, or pairs of address and port, the preferred
            one first. It is not asked for what is an address, for proxies, nor where a proxy looks names up.
        connection_class: makes the connection; takes the arguments of :class:`ClientConnection`.
        reconnect_delays: returns an iterator of the seconds between attempts; None: as the
            ``reconnect`` section says.
        options: further keywords for the event loop's ``create_connection``, such as ``sock``.
        clock: time and sleep of reconnecting; None: those of the event loop.

    A function that must be given one argument, the :class:`ConnectAttempt`, is told which attempt it is
    asked for. Openings that ask at the same time share one answer. Where the peer refuses an opening (401)
    for which a function was asked, it is asked once more, with ``refresh``, and the opening made once
    more, before it fails. A wrong answer, and what the function raises, is what the opening fails with.

    Raises:
        InvalidHeader: a field of ``headers`` may not be sent.
        TypeError: a collaborator is not what it must be.
        ValueError: both a dialer and a resolver, which is for the dialer to ask, are given.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
        logger: LoggerLike | None = None,
        extensions: Sequence[ClientExtensionFactory] = (),
        process_exception: ProcessException | None = None,
        headers: HeadersProvider | None = None,
        uri: URIProvider | None = None,
        dialer: Dialer | None = None,
        resolver: Resolver | None = None,
        connection_class: Callable[..., ClientConnection] = ClientConnection,
        reconnect_delays: Callable[[], Iterator[float]] | None = None,
        options: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        # As given, and no more: what evolve() changes and pickle keeps.
        self._given: dict[str, Any] = {
            "config": config,
            "ssl_context": ssl_context,
            "proxy_ssl_context": proxy_ssl_context,
            "logger": logger,
            "extensions": extensions,
            "process_exception": process_exception,
            "headers": headers,
            "uri": uri,
            "dialer": dialer,
            "resolver": resolver,
            "connection_class": connection_class,
            "reconnect_delays": reconnect_delays,
            "options": {} if options is None else options,
            "clock": clock,
        }
        check_kinds(self._given)
        if headers is not None and not callable(headers):
            checked = as_headers(headers, "headers must be")
            check_headers(checked)
            if not hasattr(headers, "keys"):
                # An iterator gives its pairs only once.
                headers = self._given["headers"] = tuple(checked.raw_items())
        extensions = self._given["extensions"] = checked_extensions(extensions)
        self._given["options"] = dict(self._given["options"])
        self.config = config
        """What every opening goes by."""
        self._ssl_context = ssl_context
        self._logger = _logger_of(config) if logger is None else logger
        self._opener = Opener(
            self._make_dialer() if dialer is None else dialer,
            offers=(*extensions, *_deflate_offers(config, extensions)),
            headers=None if callable(headers) else headers,
            connection_class=connection_class,
            options=self._given["options"],
            logger=self._logger,
        )
        self._policy = ReconnectPolicy(
            section=config.reconnect,
            logger=self._logger,
            clock=LoopClock() if clock is None else clock,
            process_exception=process_exception,
            delays=reconnect_delays,
        )
        self._candidates = self._make_candidates() if uri is None else None
        self._tries = self._make_tries(headers, uri)

    def _make_dialer(self) -> Dialer:
        given = {
            name: self._given[name] for name in ("ssl_context", "proxy_ssl_context", "logger", "resolver")
        }
        return StreamDialer(self.config, **given)

    def _make_candidates(self) -> Candidates | None:
        config = self.config
        shuffle = random.shuffle if config.uri_order == "shuffled" else None
        return Candidates(config.uris, shuffle, self._policy.clock.time) if config.uris else None

    def _make_tries(self, headers: HeadersProvider | None, uri: URIProvider | None) -> Tries | None:
        """Return what makes more than one try of an opening; None where one is all that there can be."""
        asked = headers if callable(headers) else None
        if asked is None and uri is None and self._candidates is None:
            return None
        return Tries(
            self._opener,
            self.config,
            headers=None if asked is None else headers_provider(asked),
            uri=None if uri is None else uri_provider(uri),
            candidates=self._candidates,
            policy=self._policy,
            logger=self._logger,
        )

    def __repr__(self) -> str:
        one_is_known = self.config.uri is not None or self.config.uris or self._given["uri"] is not None
        return f"<{type(self).__name__} {self._shown(redact_uri, None) if one_is_known else 'without URI'}>"

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self._given)

    @forgetting
    def evolve(self, **changes: Any) -> Self:
        """Return a new factory with ``changes``: arguments of this class, or sections of the config.

        A name that is both, as ``headers``, is the argument; ``uri`` is that where it can be called. Of
        ``uri`` and ``uris``, the new one replaces all. A changed config is validated again.

        Raises:
            TypeError: a name is neither.
            ConfigError: the changed config is wrong.
        """
        sections = {field.name for field in option_fields(ClientConfig)}
        for name in changes.keys() - self._given.keys() - sections:
            near = nearest(name, sorted(self._given.keys() | sections))
            hint = f"; did you mean {near!r}?" if near else ""
            raise TypeError(f"evolve() got an unexpected keyword argument {name!r}{hint}")
        given = self._given | {name: value for name, value in changes.items() if name in self._given}
        of_config = {name: value for name, value in changes.items() if name not in self._given}
        if changes.keys() & {"uri", "uris"} and not callable(changes.get("uri")):
            of_config = {"uri": given["uri"] if "uri" in changes else None, "uris": ()} | of_config
            given["uri"] = None
        check_config(given["config"])
        given["config"] = attrs.evolve(given["config"], **of_config)
        new = type(self)(**given)
        if all(self._dialled_by(part) == new._dialled_by(part) for part in _DIALLED_BY):
            new._opener.dialer = self._opener.dialer  # and with it the SSL context
        return new

    def _dialled_by(self, part: str) -> object:
        return self._given[part] if part in self._given else getattr(self.config, part)

    def connect(self, uri: str | None = None) -> Opening:
        """Return a connection to be: for ``await``, ``async with`` or ``async for``.

        ``uri`` is used instead of the config's, and of what provides one.
        """
        return Opening(lambda: self.open(uri).__await__(), lambda: self._reconnection(uri))

    def _reconnection(self, uri: str | None) -> Reconnection:
        return Reconnection(
            self._attempts(lambda attempt: self.open(uri, attempt=attempt), self._policy, uri)
        )

    def _attempts(self, open: _Open, policy: ReconnectPolicy, uri: str | None) -> Attempts:
        """Return what opens one connection after the other."""
        redact = self.config.logging.redact
        candidates = self._candidates if uri is None else None
        return Attempts(
            open,
            policy,
            self._shown(str, uri),
            self._told(uri),
            redact=(lambda text: redact_uris(text, self._known(uri))) if redact else str,
            ended=None if candidates is None else candidates.ended,
            hold=None if candidates is None else candidates.wait,
        )

    def reconnecting(
        self,
        uri: str | None = None,
        *,
        on_open: OnOpen | None = None,
        outbox: int = 0,
        outbox_bytes: SizeLike | None = None,
        when_down: WhenDown = "wait",
        resend: Resend = "never",
        acknowledge: bool = False,
        stop_when: StopWhen | None = None,
        wait: bool = True,
    ) -> ReconnectingConnection:
        """Return one object that survives the loss of its connection, for ``async with``; or ``await`` it.

        It opens a connection when the last one is lost, however that closed, as the ``reconnect`` section
        and ``process_exception`` say.

        Args:
            uri: used instead of the config's.
            on_open: coroutine function that logs in and subscribes, given each fresh connection before
                anybody else may send. Messages it does not receive are for the others. It has
                ``timeouts.open`` seconds; where it raises, the attempt has failed. None: there is nothing
                to be done.
            outbox: messages to keep while there is no connection; ``send()`` returns at once for them.
            outbox_bytes: bytes that they may have together, text in UTF-8; None: no limit.
            when_down: ``"wait"``: without a connection, and a place in the outbox, ``send()`` waits.
                ``"raise"``: it raises :exc:`NotSent`.
            resend: ``"never"``: no message is written twice. ``"unacknowledged"``: those that the peer did
                not acknowledge are sent again over the next connection, before all others; some may arrive
                twice.
            acknowledge: has the peer acknowledge messages, by the pong of a ping behind them;
                ``Dropped.unacknowledged`` tells which it did not. Always with ``resend="unacknowledged"``.
            stop_when: plain function of the :exc:`ConnectionClosed` of a lost connection; where it
                returns something true, there is no other. None: there always is.
            wait: whether ``async with`` waits for the first connection, and raises what it fails with. Else
                it begins at once, and receiving and sending wait.

        Raises:
            ConfigError: there is no URI.
            InvalidURI: it is not a WebSocket URI.
            TypeError, ValueError: an argument is not what it must be.
        """
        from wssdk.reconnect.outbox import SendPolicy
        from wssdk.reconnect.survivor import ReconnectingConnection

        for known in self._known(uri):
            parse_uri(known)
        timeouts = self.config.timeouts
        return ReconnectingConnection(
            lambda attempt: self.open(uri, attempt=attempt),
            lambda open, policy: self._attempts(open, policy, uri),
            self._policy,
            self._told(uri),
            on_open=on_open,
            open_timeout=timeouts.open,
            close_timeout=timeouts.close,
            limits=self.config.limits,
            sending=SendPolicy(
                outbox=outbox,
                outbox_bytes=outbox_bytes,
                when_down=when_down,
                resend=resend,
                acknowledge=acknowledge,
            ),
            stop_when=stop_when,
            wait=wait,
        )

    async def open(self, uri: str | None = None, *, attempt: ConnectAttempt = _FIRST) -> ClientConnection:
        """Open a connection: dial and opening handshake (RFC 6455, 4.1), within ``timeouts.open``.

        ``uri`` is used instead of the config's, and of what provides one. Without any, a Unix socket has
        ``ws://localhost/``, or ``wss://localhost/`` where TLS is configured. Of several (``uris``), the
        next is tried where one fails and the failure is transient; each has its share of the time that
        is left. ``attempt`` is what functions that provide URI and headers are told. Cancelling leaves
        nothing open.

        Raises:
            ConfigError: there is no URI.
            InvalidURI: it is not a WebSocket URI.
            ValueError: the given ``sock`` is closed.
            TimeoutError: not done within ``timeouts.open`` seconds.
            OSError: the peer cannot be reached; ``ssl.SSLError`` comes through as it is.
            InvalidHandshake: the peer does not switch to WebSocket, or offers what cannot be accepted;
                ``response`` is its response, where it sent one.
        """
        if self._tries is not None:
            if self._candidates is None and self._given["uri"] is None:
                uri = self._uri(uri)
            return await self._tries.open(uri, attempt)
        text = self._uri(uri)
        target = parse_uri(text)
        if uri is not None and self.config.tls is not _PLAIN_TLS:
            self.config.with_uri(uri)  # for the rules between a URI and the section
        return await self._opener.open(text, target, self.config)

    def _known(self, uri: str | None) -> tuple[str, ...]:
        """Return the URIs that are opened, where that is known beforehand."""
        if uri is None and self._given["uri"] is not None:
            return ()
        if uri is None and self._candidates is not None:
            return self.config.uris
        return (self._uri(uri),)

    def _told(self, uri: str | None) -> str:
        """Return what logs call the peer, with secrets only where they are asked for."""
        return self._shown(redact_uri if self.config.logging.redact else str, uri)

    def _shown(self, show: Callable[[str], str], uri: str | None) -> str:
        """Return what logs call the peer."""
        if uri is None and (provider := self._given["uri"]) is not None:
            return f"the URI of {name_of(provider)}"
        return ", ".join(map(show, self._known(uri)))

    def _uri(self, uri: str | None) -> str:
        if uri is None:
            uri = self.config.uri
        if uri is None and self.config.network.unix_path is not None:
            secure = self._ssl_context is not None or self.config.tls != Tls()
            uri = "wss://localhost/" if secure else "ws://localhost/"
        if uri is None:
            hint = "give one to open() or connect(), or set it in the config"
            raise ConfigError([ConfigProblem("code", "uri", "there is no URI to connect to", hint)])
        return uri


def _rebuild(cls: type[ConnectionFactory], given: dict[str, Any]) -> ConnectionFactory:
    return cls(**given)


def _logger_of(config: ClientConfig) -> logging.Logger:
    logger = logging.getLogger(config.logging.logger)
    if config.logging.level is not None:
        logger.setLevel(config.logging.level)
    return logger


def _deflate_offers(
    config: ClientConfig, extensions: Sequence[ClientExtensionFactory]
) -> tuple[ClientExtensionFactory, ...]:
    section = config.compression
    if not section.enabled or any(extension.name == _DEFLATE for extension in extensions):
        return ()
    return (offer_of(section),)
