"""What one opening may take: a URI after the other, and once more with what providers give afresh."""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import attrs

from wssdk.config import ClientConfig
from wssdk.connection.connection import ClientConnection
from wssdk.errors import InvalidStatus, printable
from wssdk.handshake.request import as_headers
from wssdk.headers import Headers
from wssdk.opening import Opener
from wssdk.ports import ConnectAttempt
from wssdk.providers import Answer, Provider, name_of
from wssdk.reconnect.policy import ReconnectPolicy
from wssdk.typing import LoggerLike
from wssdk.uri import ParsedURI, parsed, redact_uris

__all__ = ["Candidates", "Tries", "headers_provider", "uri_provider"]

_T = TypeVar("_T")

_UNAUTHORIZED: Final = 401
_REFRESHED: Final = (_UNAUTHORIZED,)


def headers_provider(function: Callable[..., Any]) -> Provider[Headers]:
    """Return the provider of a factory's headers.

    Raises:
        TypeError: it needs more than one argument.
    """
    demand = f"headers provider {name_of(function)} must return"
    return Provider(function, lambda answer: as_headers(answer, demand))


def uri_provider(function: Callable[..., Any]) -> Provider[ParsedURI]:
    """Return the provider of a factory's URI.

    Raises:
        TypeError: it needs more than one argument.
    """

    def accept(answer: object) -> ParsedURI:
        if not isinstance(answer, str):
            kind = type(answer).__name__
            raise TypeError(f"uri provider {name_of(function)} must return a str, not {kind}")
        return parsed(answer)

    return Provider(function, accept)


class Candidates:
    """The URIs of a config, which of them did well, and which are not to be asked yet.

    Args:
        uris: in the order of the config.
        shuffle: puts a list into another order, at every opening; None: the order stays.
        now: returns the time, seconds.
    """

    def __init__(
        self,
        uris: Sequence[str],
        shuffle: Callable[[list[str]], None] | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._uris = tuple(uris)
        self._shuffle = shuffle
        self._now = now
        self._first: str | None = None
        self._last: str | None = None
        self._not_before: dict[str, float] = {}
        self._none_before = -math.inf
        self._of: weakref.WeakKeyDictionary[ClientConnection, str] = weakref.WeakKeyDictionary()

    def in_order(self) -> list[str]:
        """Return the URIs in the order in which they are to be tried now.

        Those whose servers asked to wait (:meth:`failed`) are left out. Where all did, the one that may be
        asked first is there: who does not wait all the same has that one tried.
        """
        uris = list(self._uris)
        if self._shuffle is not None:
            self._shuffle(uris)
        uris.sort(key=lambda uri: 0 if uri == self._first else 2 if uri == self._last else 1)
        holds = self.holds()
        return [uri for uri in uris if uri not in holds] or [min(uris, key=holds.__getitem__)]

    def holds(self) -> dict[str, float]:
        """Return the URIs that are not to be asked yet, and for how many seconds."""
        if not self._not_before:
            return {}
        now = self._now()
        return {uri: until - now for uri, until in self._not_before.items() if until > now}

    def wait(self) -> float:
        """Return the seconds until one of them may be asked; 0: there is one."""
        holds = self.holds()
        least = min(holds.values()) if len(holds) == len(set(self._uris)) else 0.0
        return max(least, self._none_before - self._now())

    def hold_all(self, wait: float) -> None:
        """Take note that nobody is to be asked for ``wait`` seconds; 0: none."""
        if wait > 0:
            self._none_before = self._now() + wait

    def opened(self, uri: str, connection: ClientConnection) -> None:
        """Take note of a connection: until something worse is known, its URI is the one to try first."""
        self._first = uri
        self._last = None if self._last == uri else self._last
        self._not_before.pop(uri, None)
        self._of[connection] = uri

    def failed(self, uri: str, wait: float = 0.0) -> None:
        """Take note of an opening that failed, and of the seconds that its server asks to wait; 0: none."""
        if self._first == uri:
            self._first = None
        if wait > 0:
            self._not_before[uri] = self._now() + wait

    def ended(self, connection: ClientConnection, lived: bool) -> None:
        """Take note of the end of a connection: one that did not live has its URI tried last."""
        uri = self._of.pop(connection, None)
        if uri is not None and not lived:
            self.failed(uri)
            self._last = uri


@attrs.define(eq=False)
class _Opening:
    """One opening: what it asked for, and by when it is to be done."""

    uri: str | None
    """Given for this opening; None: the factory's."""
    attempt: ConnectAttempt
    until: float | None
    """Time of the event loop; None: without end."""
    headers: Answer[Headers] | None = None
    provided: Answer[ParsedURI] | None = None
    refreshed: bool = False
    unanswered: bool = False
    """A provider is being asked, or has failed: that is no failure of a server."""


class Tries:
    """Opens connections where one try may not be all.

    Args:
        opener: makes one try.
        config: of the factory.
        headers: provides headers; None: the opener knows them.
        uri: provides the URI; None: it is among ``candidates``.
        candidates: the URIs of the config; None: there is at most one.
        policy: tells which failures are transient, and how long a server asks to wait.
        logger: told why the next URI is tried.
    """

    def __init__(
        self,
        opener: Opener,
        config: ClientConfig,
        *,
        headers: Provider[Headers] | None,
        uri: Provider[ParsedURI] | None,
        candidates: Candidates | None,
        policy: ReconnectPolicy,
        logger: LoggerLike,
    ) -> None:
        self._opener = opener
        self._config = config
        self._headers = headers
        self._uri = uri
        self._candidates = candidates
        self._policy = policy
        self._logger = logger

    async def open(self, uri: str | None, attempt: ConnectAttempt) -> ClientConnection:
        """Open a connection to ``uri``; None: to what is provided, or to one of the candidates.

        Cancelling leaves nothing open.

        Raises:
            Exception: as :meth:`ConnectionFactory.open` has it; what a provider raised.
        """
        limit = self._config.timeouts.open
        until = None if limit is None else asyncio.get_running_loop().time() + limit
        opening = _Opening(uri, attempt, until)
        await self._ask(opening)
        if uri is not None or self._candidates is None or opening.provided is not None:
            return await self._open(opening, uri, until)
        return await self._open_first(opening, self._candidates)

    async def _open_first(self, opening: _Opening, candidates: Candidates) -> ClientConnection:
        """Open a connection to the first candidate that can be reached."""
        uris = candidates.in_order()
        loop = asyncio.get_running_loop()
        notes = [
            f"{self._show(uri)} asked not to be asked again for {seconds:.1f} s"
            for uri, seconds in candidates.holds().items()
            if uri not in uris
        ]
        for left in range(len(uris), 0, -1):
            uri, until = uris[-left], opening.until
            if until is not None:
                # A host that answers nothing at all may use up its share, not that of the others.
                until = loop.time() + max(0.0, until - loop.time()) / left
            try:
                connection = await self._open(opening, uri, until)
            except Exception as error:
                if not opening.unanswered:
                    candidates.failed(uri, self._policy.wait_asked_by(error))
                if opening.unanswered or left == 1 or self._policy.judge(error) is not None:
                    for note in notes:
                        error.add_note(note)
                    raise
                told = f"opening {self._show(uri)} failed: {type(error).__name__}: {self._show(str(error))}"
                notes.append(told)
                self._logger.info("%s; trying the next URI", told)
            else:
                candidates.opened(uri, connection)
                return connection
        raise AssertionError("there are no candidates")

    async def _open(self, opening: _Opening, uri: str | None, until: float | None) -> ClientConnection:
        """Open a connection; where the peer refuses what was provided, once more with a fresh answer."""
        try:
            return await self._try(opening, uri, until)
        except InvalidStatus as error:
            if error.response.status_code != _UNAUTHORIZED or not self._may_refresh(opening, error):
                raise
            if until is not None and asyncio.get_running_loop().time() >= until:
                raise  # else it would be told as the time-out of a provider
            refusal = error
        opening.refreshed = True
        opening.attempt = attrs.evolve(opening.attempt, last_error=refusal, refresh=True)
        try:
            self._logger.info("the peer refused (401); opening again with what providers give afresh")
            # Another origin that was shown no token has nothing against the one there is.
            await self._ask(opening, headers=refusal.saw_headers)
        finally:
            # Later attempts ask as usual; and the error holds this frame.
            opening.attempt = attrs.evolve(opening.attempt, last_error=None, refresh=False)
            del refusal
        return await self._try(opening, uri, until)

    async def _try(self, opening: _Opening, uri: str | None, until: float | None) -> ClientConnection:
        text = uri if opening.provided is None else opening.provided.value
        config = self._config if text is self._config.uri or text is None else self._config.with_uri(text)
        assert config.uri is not None
        target = parsed(config.uri)
        extra = None if opening.headers is None else opening.headers.value
        refreshable = opening.headers is not None or opening.provided is not None
        unread = _REFRESHED if refreshable and not opening.refreshed else ()
        return await self._opener.open(target, target.parts, config, extra=extra, until=until, unread=unread)

    def _may_refresh(self, opening: _Opening, refusal: InvalidStatus) -> bool:
        blamed = opening.headers is not None and refusal.saw_headers
        return not opening.refreshed and (blamed or opening.provided is not None)

    async def _ask(self, opening: _Opening, *, headers: bool = True) -> None:
        """Ask the providers, that of ``headers``, too, or not; again, for fresher answers."""
        opening.unanswered = True
        try:
            async with asyncio.timeout_at(opening.until) as deadline:
                if self._uri is not None and opening.uri is None:
                    opening.provided = await self._uri.ask(opening.attempt, opening.provided)
                if self._headers is not None and headers:
                    opening.headers = await self._headers.ask(opening.attempt, opening.headers)
        except TimeoutError as error:
            if not deadline.expired():
                raise  # the provider's own
            told = "timed out during opening handshake: who provides headers or URI did not answer"
            raise TimeoutError(told) from error
        except Exception as error:
            if self._candidates is not None:
                self._candidates.hold_all(self._policy.wait_asked_by(error))
            raise
        opening.unanswered = False

    def _show(self, text: str) -> str:
        return printable(redact_uris(text) if self._config.logging.redact else text)
