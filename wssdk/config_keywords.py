"""The keywords of ``connect()`` that are data, and the options they stand for."""

from __future__ import annotations

import functools
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

import attrs

from wssdk.config import (
    ClientConfig,
    Compression,
    Keepalive,
    Limits,
    Network,
    Proxy,
    Timeouts,
    Tls,
)
from wssdk.config_grammar import DurationLike, MaxQueueLike, MaxSizeLike, SizeLike, WriteLimitLike
from wssdk.config_values import BadValue, Dialect, describe, nearest
from wssdk.config_words import OnFull
from wssdk.errors import ConfigError, ConfigProblem
from wssdk.headers import HeadersLike
from wssdk.uri import parsed

__all__ = ["KEYWORDS", "ConnectKeywords", "from_connect", "keyword_of"]


class ConnectKeywords(TypedDict, total=False):
    """Keywords of ``connect()`` that are data."""

    origin: str | None
    subprotocols: Sequence[str] | None
    additional_headers: HeadersLike | None
    user_agent_header: str | None
    compression: str | None
    open_timeout: DurationLike | None
    close_timeout: DurationLike | None
    ping_interval: DurationLike | None
    ping_timeout: DurationLike | None
    idle_timeout: DurationLike | None
    max_size: MaxSizeLike
    max_queue: MaxQueueLike
    max_queue_bytes: SizeLike | None
    on_full: OnFull
    read_limit: SizeLike | None
    write_limit: WriteLimitLike | None
    proxy: str | bool | None
    proxy_server_hostname: str | None
    proxy_ssl_handshake_timeout: DurationLike | None
    proxy_ssl_shutdown_timeout: DurationLike | None
    host: str | None
    port: int | None
    family: int
    local_addr: tuple[str | None, int | None] | None
    happy_eyeballs_delay: DurationLike | None
    interleave: int | None
    server_hostname: str | None
    ssl_handshake_timeout: DurationLike | None
    ssl_shutdown_timeout: DurationLike | None
    path: str | None


_OPTIONS: Final = {
    "origin": "origin",
    "subprotocols": "subprotocols",
    "additional_headers": "headers",
    "user_agent_header": "user_agent",
    "compression": "compression.enabled",
    "open_timeout": "timeouts.open",
    "close_timeout": "timeouts.close",
    "ssl_handshake_timeout": "timeouts.tls_handshake",
    "ssl_shutdown_timeout": "timeouts.tls_shutdown",
    "ping_interval": "keepalive.interval",
    "ping_timeout": "keepalive.timeout",
    "idle_timeout": "keepalive.idle_timeout",
    "max_size": "limits.max_size",
    "max_queue": "limits.max_queue",
    "max_queue_bytes": "limits.max_queue_bytes",
    "on_full": "limits.on_full",
    "read_limit": "limits.read_limit",
    "write_limit": "limits.write_limit",
    "proxy": "proxy.url",
    "proxy_server_hostname": "proxy.server_hostname",
    "proxy_ssl_handshake_timeout": "proxy.tls_handshake",
    "proxy_ssl_shutdown_timeout": "proxy.tls_shutdown",
    "host": "network.host",
    "port": "network.port",
    "family": "network.family",
    "local_addr": "network.local_host",
    "happy_eyeballs_delay": "network.happy_eyeballs_delay",
    "interleave": "network.interleave",
    "server_hostname": "tls.server_hostname",
    "path": "network.unix_path",
}

KEYWORDS: Final[Mapping[str, str]] = {
    **_OPTIONS,
    "extra_headers": "headers",
    "ssl": "tls",
    "proxy_ssl": "proxy.ca_file",
    "reconnect_delays": "reconnect",
    "process_exception": "reconnect.retry_status",
    "logger": "logging.logger",
}
"""What the field's asyncio client calls a keyword, and the option that it is here."""

_ALSO: Final = {"uri": "uri", "proxy.enabled": "proxy", "network.local_port": "local_addr"}

# None is how the event loop spells "the default" there, not "off".
_NONE_IS_DEFAULT: Final = frozenset(
    (
        "subprotocols",
        "read_limit",
        "write_limit",
        "local_addr",
        "ssl_handshake_timeout",
        "ssl_shutdown_timeout",
        "proxy_ssl_handshake_timeout",
        "proxy_ssl_shutdown_timeout",
    )
)

_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "timeouts": Timeouts,
    "keepalive": Keepalive,
    "limits": Limits,
    "compression": Compression,
    "tls": Tls,
    "proxy": Proxy,
    "network": Network,
}

# What many calls ask for, made once.
_OFF: Final = {"enabled": False}
_SWITCHED_OFF: Final = {"compression": Compression(enabled=False), "proxy": Proxy(enabled=False)}

# Sections that are made over and over with the same options, which nobody has to forget.
_WITHOUT_SECRETS: Final = frozenset(("timeouts", "keepalive", "limits"))
_PLAIN: Final = frozenset((type(None), bool, int, float, str))

_FAMILIES: Final[Mapping[int, str]] = {
    socket.AF_UNSPEC: "any",
    socket.AF_INET: "ipv4",
    socket.AF_INET6: "ipv6",
}


def keyword_of(path: str) -> str | None:
    """Return the keyword of ``connect()`` that sets an option; None where there is none."""
    if path.startswith("headers."):
        return "additional_headers"
    found = (keyword for keyword, option in _OPTIONS.items() if option == path)
    return _ALSO.get(path) or next(found, None)


def from_connect(uri: str | None, keywords: Mapping[str, Any]) -> ClientConfig:
    """Return the configuration that ``keywords`` of ``connect()`` ask for.

    Raises:
        InvalidURI: ``uri`` is not a WebSocket URI.
        ConfigError: everything else that is wrong, by keyword.
        TypeError: a keyword is unknown.
    """
    for keyword in keywords:
        if keyword not in _OPTIONS:
            meant = nearest(keyword, _OPTIONS)
            raise TypeError(
                f"connect() got an unexpected keyword argument {keyword!r}"
                + (f". Did you mean {meant!r}?" if meant else "")
            )
    if uri is not None:
        uri = parsed(uri)
    tree: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    problems: list[ConfigProblem] = []
    for keyword, value in keywords.items():
        if value is None and keyword in _NONE_IS_DEFAULT:
            continue
        try:
            options = _options_of(keyword, value)
        except BadValue as bad:
            got = describe(bad.value, Dialect.CODE)
            message = f"{keyword}: {bad.told(Dialect.CODE, got)}"
            problems.append(ConfigProblem("code", _OPTIONS[keyword], message, bad.advice(Dialect.CODE)))
            continue
        for path, option in options.items():
            section, dot, name = path.partition(".")
            (sections.setdefault(section, {}) if dot else tree)[name or section] = option
    for section, values in sections.items():
        _add(tree, section, _SECTIONS[section], values, problems)
    made: dict[str, ClientConfig] = {}
    _add(made, "config", ClientConfig, {"uri": uri, **tree, "_origins": ("uri", *keywords)}, problems)
    if problems:
        raise ConfigError(map(_by_keyword, problems))
    return made["config"]


def _options_of(keyword: str, value: Any) -> dict[str, Any]:
    """Return the options that one keyword stands for.

    Raises:
        BadValue: the keyword has a form of its own, and the value is not in it.
    """
    if keyword == "compression":
        if value not in ("deflate", None):
            raise BadValue('"deflate" or {off}', value, "only permessage-deflate is known (RFC 7692)")
        return {"compression.enabled": value is not None}
    if keyword == "proxy":
        return {"proxy.enabled": bool(value)} if value in (True, False, None) else {"proxy.url": value}
    if keyword == "family":
        if not isinstance(value, int) or value not in _FAMILIES:
            raise BadValue("socket.AF_INET, socket.AF_INET6 or 0", value)
        return {"network.family": _FAMILIES[value]}
    if keyword == "local_addr":
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise BadValue("a pair of host and port", value)
        return {"network.local_host": value[0], "network.local_port": value[1] or None}
    return {_OPTIONS[keyword]: value}


def _add(
    tree: dict[str, Any], name: str, cls: type[Any], values: dict[str, Any], problems: list[ConfigProblem]
) -> None:
    """Make ``cls`` of ``values`` and add it to ``tree``, or what is wrong to ``problems``."""
    if values == _OFF and name in _SWITCHED_OFF:
        tree[name] = _SWITCHED_OFF[name]
        return
    try:
        if name in _WITHOUT_SECRETS and all(type(value) in _PLAIN for value in values.values()):
            tree[name] = _made(name, tuple(values), *values.values())
        else:
            tree[name] = cls(**values)
    except ConfigError as error:
        problems.extend(error.problems)


@functools.lru_cache(maxsize=64, typed=True)
def _made(section: str, names: tuple[str, ...], *values: object) -> Any:
    """Return a section; the same one, for it cannot be changed, where the same is asked for again."""
    return _SECTIONS[section](**dict(zip(names, values, strict=True)))


def _by_keyword(problem: ConfigProblem) -> ConfigProblem:
    """Return ``problem`` in the words of the caller, who knows keywords and no options."""
    if problem.path.startswith("headers."):
        name = problem.path.removeprefix("headers.")
        message = f"additional_headers, {name}{problem.message.removeprefix(problem.path)}"
        return attrs.evolve(problem, message=message)
    keyword = keyword_of(problem.path)
    if keyword is None or not problem.message.startswith(problem.path):
        return problem
    return attrs.evolve(problem, message=keyword + problem.message.removeprefix(problem.path))
