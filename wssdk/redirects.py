"""Redirects of an opening (RFC 9110, 15.4): where they lead, and what does not go along. No I/O.

An origin is scheme, host and port. What a user gave to one origin is not for another, however that was
reached: credentials stay behind where a redirect leads to another origin, and are not taken up again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import attrs

from wssdk.config import ClientConfig
from wssdk.errors import InvalidHeader, InvalidHeaderValue, InvalidURI, SecurityError
from wssdk.headers import Headers, HeadersLike, Response
from wssdk.uri import WebSocketURI, is_secret_name, parse_uri, redact_uri

__all__ = ["Hop", "follow", "is_redirect"]

# 304 and 305 lead nowhere else; the rest of 3xx is not defined.
_REDIRECTS: Final = frozenset((300, 301, 302, 303, 307, 308))
_CREDENTIALS: Final = frozenset(("authorization", "cookie", "proxy-authorization"))
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Hop:
    """One request of an opening: where it goes, and what goes along.

    Attributes:
        uri: the text of the URI, for the log.
        target: its parts.
        headers: the user's fields, from wherever they come.
        at_home: whether it goes to the origin that the opening began with: what was configured for that one
            holds.
    """

    # Not an attrs class: making one would take longer than all the rest of importing this file.
    __slots__ = ("at_home", "headers", "target", "uri")

    def __init__(
        self, uri: str, target: WebSocketURI, headers: HeadersLike = (), *, at_home: bool = True
    ) -> None:
        self.uri = uri
        self.target = target
        self.headers = headers
        self.at_home = at_home


def is_redirect(response: Response) -> bool:
    """Tell whether ``response`` is a redirect that says where to."""
    return response.status_code in _REDIRECTS and "Location" in response.headers


def follow(
    response: Response,
    hop: Hop,
    first: Hop,
    config: ClientConfig,
    *,
    given: Headers | None = None,
    options: Mapping[str, Any] | None = None,
) -> Hop:
    """Return the hop that a redirect, the answer to ``hop``, leads to.

    Args:
        response: a redirect.
        hop: what it answers.
        first: the hop that the opening began with.
        config: what the opening goes by.
        given: the fields that did not come from ``config``: all of them count as credentials.
        options: those of the event loop's ``create_connection`` that are given to the dialer.

    Raises:
        InvalidHeader: ``Location`` is empty, or there are several.
        InvalidURI: it is not the URI of a WebSocket or of HTTP.
        SecurityError: it leads from ``wss:`` to ``ws:``, has userinfo, or leads to another origin, which
            would be shown the client certificate of the ``tls`` section.
        ValueError: it leads away from a given socket, a Unix socket, or a host or port that is dialled
            in the place of the URI's.
    """
    options = options or {}
    uri, target = _resolve(hop.target, _location_of(response))
    crosses = _origin(target) != _origin(hop.target)
    _check(hop.target, target, redact_uri(uri), config, options, crosses=crosses)
    keep = frozenset(name.lower() for name in config.network.keep_headers)
    headers = hop.headers
    if crosses:
        headers = _without_credentials(hop.headers, config, given, keep)
    if not crosses or "authorization" in keep:
        target = attrs.evolve(target, username=hop.target.username, password=hop.target.password)
    return Hop(uri, target, headers, at_home=_origin(target) == _origin(first.target))


def _origin(target: WebSocketURI) -> tuple[bool, str, int]:
    return target.secure, target.host, target.port


def _location_of(response: Response) -> str:
    values = response.headers.get_all("Location")
    if len(values) > 1:
        raise InvalidHeaderValue("Location", "given more than once")
    if not values[0]:
        raise InvalidHeader("Location", "")
    return values[0]


def _resolve(base: WebSocketURI, location: str) -> tuple[str, WebSocketURI]:
    """Return the URI that ``location`` stands for in the answer of ``base`` (RFC 9110, 10.2.2)."""
    if not location.isprintable() or " " in location:
        # urllib drops line ends and tabs: what is checked would not be what is followed.
        raise InvalidURI(redact_uri(location), "whitespace or a control character in a Location")
    scheme = "https" if base.secure else "http"
    try:
        joined = urljoin(f"{scheme}://{base.host_header}{base.resource_name}", location)
        found = urlsplit(joined).scheme
    except ValueError:  # brackets that do not fit
        joined, found = location, ""
    if found not in _SCHEMES:
        raise InvalidURI(redact_uri(location), "a redirect must lead to ws, wss, http or https")
    # RFC 6455, 3: fragments have no meaning here. In a Location, they are for who shows a document.
    uri = _SCHEMES[found] + joined[len(found) :].partition("#")[0]
    target = parse_uri(uri)
    if target.username is not None:
        # RFC 9110, 4.2.4: from an untrusted source "treat its presence as an error".
        raise SecurityError(f"redirect to {redact_uri(uri)}: a Location must not have userinfo in it")
    if "%" in base.host and target.host == base.host.partition("%")[0]:
        target = attrs.evolve(target, host=base.host)  # a server does not know the zone
    return uri, target


def _check(
    old: WebSocketURI,
    new: WebSocketURI,
    shown: str,
    config: ClientConfig,
    options: Mapping[str, Any],
    *,
    crosses: bool,
) -> None:
    """Refuse what must not be followed; errors are of the classes that the field's client has for it."""
    network = config.network
    if options.get("sock") is not None:
        raise ValueError(f"cannot follow redirect to {shown} with a preexisting socket: it is used up")
    if old.secure and not new.secure:
        raise SecurityError(f"cannot follow redirect to non-secure URI {shown}")
    if not crosses:
        return
    cannot = f"cannot follow cross-origin redirect to {shown} with"
    if network.unix_path is not None:
        raise ValueError(f"{cannot} a Unix socket")
    if network.allow_cross_origin:
        return
    way_out = "set network.allow_cross_origin to true"
    for name in ("host", "port"):
        if getattr(network, name) is not None or options.get(name) is not None:
            raise ValueError(
                f"{cannot} an explicit host or port: to have it dialled where it says, {way_out}"
            )
    if new.secure and config.tls.cert_file is not None:
        raise SecurityError(
            f"{cannot} a client certificate (tls.cert_file): to show it to that server, too, {way_out}"
        )


def _without_credentials(
    headers: HeadersLike, config: ClientConfig, given: Headers | None, keep: frozenset[str]
) -> Headers:
    """Return the fields that may go to another origin."""
    secret = set(_CREDENTIALS | config.headers.secret_names)
    if config.auth.token is not None:
        secret.add(config.auth.header.lower())
    if given is not None:
        secret.update(name.lower() for name in given)
    return Headers(
        (name, value)
        for name, value in Headers(headers).raw_items()
        if name.lower() in keep or not (name.lower() in secret or is_secret_name(name))
    )
