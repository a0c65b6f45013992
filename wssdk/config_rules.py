"""What a section checks about itself: each option's grammar, and the rules between options.

Everything wrong is raised at once, as one :exc:`ConfigError`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from wssdk import config_words as words
from wssdk.config_headers import frozen_headers
from wssdk.config_values import BadValue, Dialect, describe, forgetting, is_text, redacted_text, with_article
from wssdk.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from wssdk.config import ClientConfig
    from wssdk.config_sections import Network, Proxy, Reconnect, Tls

__all__ = [
    "TOGETHER",
    "UNTOLD_GRAMMARS",
    "ask_client",
    "ask_network",
    "ask_proxy",
    "ask_reconnect",
    "ask_tls",
    "option_fields",
    "raise_all",
    "telling",
]

UNTOLD_GRAMMARS: Final = frozenset(
    (
        words.optional_secret,
        words.optional_token,
        words.optional_header_text,
        words.scheme,
        words.token,
        words.header_names,
        words.subprotocols,
        frozen_headers,
    )
)
"""Grammars whose bad values errors do not show: secrets, and what a secret is written into by mistake."""

TOGETHER: Final = (
    frozenset(("reconnect.min", "reconnect.max")),
    frozenset(("tls.cert_file", "tls.key_file", "tls.key_password")),
    frozenset(("proxy.username", "proxy.password")),
    frozenset(("network.local_host", "network.local_port")),
)
"""Options of one rule that can break it by their absence: where one has a bad value, the rule is silent."""

_Broken = Iterator[ConfigProblem]
_C = TypeVar("_C", bound=attrs.AttrsInstance)


def option_fields(cls: type[Any]) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of a section, or of the top level, that are options: what makes values differ."""
    return tuple(field for field in attrs.fields(cls) if field.eq)


def telling(prefix: str) -> Callable[[type[_C]], type[_C]]:
    """Return a decorator of a section: making one raises everything that is wrong with its values, at once.

    attrs stops at the first converter that fails, and tells neither section nor option. ``prefix`` stands
    before an option's name: the section and a dot; empty for the top level.
    """

    def decorate(cls: type[_C]) -> type[_C]:
        make = cls.__init__
        fields = option_fields(cls)
        sections = {field.name: type(field.default) for field in fields if field.converter is None}

        @forgetting
        @functools.wraps(make)
        def init(self: _C, **given: Any) -> None:
            for name in given.keys() & sections.keys():
                if not isinstance(given[name], sections[name]):
                    raise_all(_broken_values(fields, prefix, given))
            broken: tuple[ConfigProblem, ...] = ()
            try:
                make(self, **given)
            except BadValue:
                pass
            except ConfigError as error:
                broken = error.problems
            else:
                return
            # Out of the except block: nothing of the first error may travel in the report.
            problems = tuple(_broken_values(fields, prefix, given)) or broken
            raise ConfigError(problems)

        cls.__init__ = init  # type: ignore[assignment,method-assign]  # it takes the same
        cls.__repr__ = _shown  # type: ignore[assignment,method-assign]  # it shows the same
        return cls

    return decorate


def _shown(self: attrs.AttrsInstance) -> str:
    """Return what attrs would, but for the secrets of URIs, which may be in any text."""
    shown = []
    for field in attrs.fields(type(self)):
        value = getattr(self, field.name)
        if callable(field.repr):
            shown.append(f"{field.name}={field.repr(value)}")
        elif field.repr:
            shown.append(f"{field.name}={(redacted_text(value) if is_text(value) else value)!r}")
    return f"{type(self).__name__}({', '.join(shown)})"


def _broken_values(fields: Iterable[Any], prefix: str, given: Mapping[str, object]) -> _Broken:
    for option in fields:
        value = given.get(option.name, option.default)
        if value is option.default:
            continue
        path = f"{prefix}{option.name}"
        problems: tuple[ConfigProblem, ...] = ()
        try:
            _check_one(option, value)
        except BadValue as bad:
            shown = option.converter is not None and option.converter not in UNTOLD_GRAMMARS
            got = describe(bad.value, Dialect.CODE, shown=shown)
            message = f"{path}: {bad.told(Dialect.CODE, got)}"
            problems = (ConfigProblem("code", path, message, bad.advice(Dialect.CODE)),)
        except ConfigError as error:
            problems = error.problems
        yield from problems


def _check_one(option: attrs.Attribute[Any], value: object) -> None:
    grammar: Any = option.converter
    if grammar is not None:
        grammar(value)
        return
    section = type(option.default)  # what has no grammar is a section
    if not isinstance(value, section):
        raise BadValue(with_article(section.__name__), value)


def raise_all(broken: _Broken) -> None:
    """Raise every broken rule at once.

    Raises:
        ConfigError: there is one.
    """
    if problems := tuple(broken):
        raise ConfigError(problems)


def _problem(path: str, message: str, hint: str | None = None) -> ConfigProblem:
    return ConfigProblem("code", path, f"{path}: {message}", hint)


def ask_tls(tls: Tls) -> _Broken:
    """Yield the rules that ``tls`` breaks."""
    if tls.key_file is not None and tls.cert_file is None:
        yield _problem("tls.key_file", "a key needs its certificate", "set tls.cert_file")
    if tls.key_password is not None and tls.key_file is None:
        yield _problem("tls.key_password", "there is no key to open", "set tls.key_file")


def ask_proxy(proxy: Proxy) -> _Broken:
    """Yield the rules that ``proxy`` breaks."""
    if proxy.password is not None and proxy.username is None:
        yield _problem("proxy.password", "a password needs its username", "set proxy.username")


def ask_network(network: Network) -> _Broken:
    """Yield the rules that ``network`` breaks."""
    if network.local_port is not None and network.local_host is None and network.unix_path is None:
        hint = 'set network.local_host, "0.0.0.0" or "::" for any address'
        yield _problem("network.local_port", "a local port needs its local address", hint)
    for name in ("host", "port", "local_host", "local_port"):
        if network.unix_path is not None and getattr(network, name) is not None:
            message = "a Unix socket (network.unix_path) has no hosts and no ports"
            yield _problem(f"network.{name}", message, f"keep network.unix_path or network.{name}")


def ask_reconnect(reconnect: Reconnect) -> _Broken:
    """Yield the rules that ``reconnect`` breaks."""
    if reconnect.min > reconnect.max:
        # To blame is what was set.
        name = "min" if reconnect.max == attrs.fields(type(reconnect)).max.default else "max"
        other = {"min": "max", "max": "min"}[name]
        relation = {"min": "above", "max": "below"}[name]
        message = f"{getattr(reconnect, name):g} s is {relation} reconnect.{other}"
        hint = f"reconnect.{other} is {getattr(reconnect, other):g} s"
        yield _problem(f"reconnect.{name}", message, hint)


def ask_client(config: ClientConfig) -> _Broken:
    """Yield the rules between sections that ``config`` breaks."""
    if config.auth.token is not None and config.auth.header in config.headers:
        hint = f"keep auth.token or headers.{config.auth.header}"
        yield _problem("auth.token", f"the header {config.auth.header} is set twice", hint)
    if config.uri is not None and config.uris:
        hint = "keep uri for one, or uris for several"
        yield _problem("uris", "uri is set, too", hint)
    if config.tls is attrs.fields(type(config)).tls.default:
        return
    uri = config.uris[0] if config.uris else config.uri  # they are all of one scheme
    if uri is not None and uri[:3].lower() == "ws:":
        for option in attrs.fields(type(config.tls)):
            if getattr(config.tls, option.name) != option.default:
                message = "a ws:// URI is opened without TLS"
                hint = "write wss:// in the URI, or leave the section tls out"
                yield _problem(f"tls.{option.name}", message, hint)
