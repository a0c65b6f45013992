"""From the keywords of ``connect()`` to the factory that they ask for."""

from __future__ import annotations

import enum
import functools
import os
import ssl as ssl_module
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from wssdk.config import ClientConfig
from wssdk.connection.connection import ClientConnection
from wssdk.factory import ConnectionFactory
from wssdk.uri import ParsedURI

__all__ = ["NOT_GIVEN", "NotGiven", "factory_for"]


class NotGiven(enum.Enum):
    """The default of a keyword for which None has a meaning."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
_Plain: TypeAlias = bool | int | float | str | NotGiven | None
_PLAIN: Final = frozenset((bool, int, float, str, NotGiven, type(None)))

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


def factory_for(
    uri: ParsedURI, of_config: dict[str, Any], keywords: Mapping[str, Any], collaborators: dict[str, Any]
) -> ConnectionFactory:
    """Return a factory of what was given to :class:`connect` and is not its default.

    One that is made of numbers and words alone is shared with other calls that give the same.

    Raises:
        ConfigError, TypeError, ValueError: as :class:`connect` has it.
    """
    secure = uri.parts.secure
    if collaborators or not (_is_plain(of_config) and _is_plain(keywords)):
        return _new_factory(uri, secure, of_config, keywords, collaborators)
    place = _trusted_place() if secure else None
    names, values = (*of_config, *keywords), (*of_config.values(), *keywords.values())
    return _shared_factory(place, secure, len(of_config), names, *values)


def _new_factory(
    uri: ParsedURI | None,
    secure: bool,
    of_config: dict[str, Any],
    keywords: Mapping[str, Any],
    collaborators: dict[str, Any],
) -> ConnectionFactory:
    if isinstance(of_config.get("subprotocols"), str):
        raise TypeError("subprotocols must be a list of str, not a str")
    make = collaborators.pop("create_connection", ClientConnection)
    if not callable(make):
        raise TypeError(f"create_connection must be callable, not {type(make).__name__}")
    below = _split(secure, of_config.pop("proxy", NOT_GIVEN), keywords)
    return ConnectionFactory(
        ClientConfig.from_connect(uri, **of_config, **below.of_config),
        ssl_context=below.ssl_context,
        proxy_ssl_context=below.proxy_ssl_context,
        connection_class=make,
        options=below.of_loop,
        resolver=keywords.get("resolver"),
        **collaborators,
    )


@functools.lru_cache(maxsize=64, typed=True)
def _shared_factory(
    place: tuple[str | None, ...] | None, secure: bool, count: int, names: tuple[str, ...], *values: _Plain
) -> ConnectionFactory:
    """Return a factory, the same one where the same is asked for again: for programs that connect often.

    It shares the SSL context, too, whose certificates are looked for at ``place``. No secret is kept with it:
    neither URIs nor headers are plain keywords. The first ``count`` of ``names`` are of the config.
    """
    given = list(zip(names, values, strict=True))
    return _new_factory(None, secure, dict(given[:count]), dict(given[count:]), {})


def _is_plain(given: Mapping[str, object]) -> bool:
    """Tell whether values are of types that can be compared, hold nothing, and are no secret."""
    return all(type(value) in _PLAIN for value in given.values()) and type(given.get("proxy")) is not str


def _trusted_place() -> tuple[str | None, ...]:
    """Return where OpenSSL looks for the system's certificates: an environment that changed is seen."""
    return os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


@attrs.frozen
class _Below:
    """Where the keywords go that are not about the WebSocket protocol."""

    of_config: dict[str, Any]
    of_loop: dict[str, Any]
    ssl_context: ssl_module.SSLContext | None
    proxy_ssl_context: ssl_module.SSLContext | None


def _split(
    secure: bool, proxy: str | bool | Literal[NotGiven.NOT_GIVEN] | None, keywords: Mapping[str, Any]
) -> _Below:
    """Check that the keywords agree with the URI and with each other; tell where each goes.

    Raises:
        TypeError, ValueError: as :class:`connect` has it.
    """
    given: dict[str, Any] = {name: value for name, value in keywords.items() if value is not None}
    if "happy_eyeballs_delay" in keywords:
        given["happy_eyeballs_delay"] = keywords["happy_eyeballs_delay"]  # None: off
    of_config: dict[str, Any] = {name: given[name] for name in _OF_CONFIG if name in given}
    context = _choose_ssl(secure, keywords)
    proxy_context = _choose_proxy_ssl(keywords)
    _check_address(given)
    if "path" in given:
        path = os.fsdecode(given["path"])
        # As for the event loop, this is a file: "@" is for abstract ones where no NUL can be written.
        of_config["path"] = f"./{path}" if path.startswith("@") else path
    _check_proxy(proxy, given)
    if proxy is not NOT_GIVEN:
        of_config["proxy"] = proxy
    of_loop: dict[str, Any] = {name: given[name] for name in _OF_LOOP if name in given}
    return _Below(of_config, of_loop, context, proxy_context)


def _choose_ssl(secure: bool, keywords: Mapping[str, Any]) -> ssl_module.SSLContext | None:
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
    for name in ("host", "port", "resolver"):
        if name in given and other is not None:
            raise ValueError(f"{name} is incompatible with {other}")


def _choose_proxy_ssl(keywords: Mapping[str, Any]) -> ssl_module.SSLContext | None:
    ssl = keywords.get("proxy_ssl")
    if isinstance(ssl, ssl_module.SSLContext):
        return ssl
    if ssl is not None and ssl is not True:
        raise TypeError(f"proxy_ssl must be an SSLContext, True or None, not {type(ssl).__name__}")
    return None


def _check_proxy(proxy: object, given: Mapping[str, Any]) -> None:
    # The environment may name an https proxy.
    is_https = proxy is NOT_GIVEN or proxy is True
    if isinstance(proxy, str):
        is_https = proxy.lower().startswith("https:")
    for name in given:
        if name.startswith("proxy_") and not is_https:
            raise ValueError(f"{name} needs proxy to be an https:// URL")
