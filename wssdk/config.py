"""The configuration of a client: one frozen, validated value.

It is made in code (``ClientConfig(timeouts=Timeouts(open="10s"))``), from TOML files and the environment
(:meth:`ClientConfig.load`), or from the keywords of ``connect()``. It is hashable and picklable, compares
by value, and ``attrs.evolve`` checks again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from wssdk import config_rules as rules
from wssdk import config_sections as sections
from wssdk import config_words as words
from wssdk.config_headers import FrozenHeaders, frozen_headers
from wssdk.config_sections import (
    Auth,
    Compression,
    Keepalive,
    Limits,
    Logging,
    Network,
    Proxy,
    Reconnect,
    Timeouts,
    Tls,
)
from wssdk.config_values import BadValue, forgetting
from wssdk.secret import Secret
from wssdk.uri import redact_uri
from wssdk.version import VERSION

if TYPE_CHECKING:
    from typing import Unpack

    from wssdk.config_explanation import Explanation
    from wssdk.config_keywords import ConnectKeywords

__all__ = [
    "Auth",
    "ClientConfig",
    "Compression",
    "FrozenHeaders",
    "Keepalive",
    "Limits",
    "Logging",
    "Network",
    "Proxy",
    "Reconnect",
    "Secret",
    "Timeouts",
    "Tls",
    "UnknownEnv",
]

UnknownEnv: TypeAlias = Literal["error", "warn", "ignore"]
"""What is made of variables that have the prefix, and name no option."""

_Path: TypeAlias = str | PathLike[str]

_USER_AGENT: Final = f"Python/{sys.version_info.major}.{sys.version_info.minor} wssdk/{VERSION}"


def _show_uri(uri: str | None) -> str:
    return repr(None if uri is None else redact_uri(uri))


def _show_uris(uris: tuple[str, ...]) -> str:
    return repr(tuple(map(redact_uri, uris)))


@rules.telling("")
@attrs.frozen(kw_only=True)
class ClientConfig:
    """Everything about a connection that is data.

    Raises:
        ConfigError: something cannot be right; every problem of the sections and of the rules between
            them is listed.
    """

    uri: str | None = attrs.field(default=None, converter=words.optional_uri, repr=_show_uri)
    """Where to connect (RFC 6455, 3); None: it is given when connecting, or is one of ``uris``."""
    uris: tuple[str, ...] = attrs.field(default=(), converter=words.uris, repr=_show_uris)
    """Where to connect: one of these, the next where one cannot be reached."""
    uri_order: words.URIOrder = attrs.field(default="in_order", converter=words.uri_order)
    """Whether ``uris`` are tried as they are written, or ``shuffled`` at every opening."""
    origin: str | None = attrs.field(default=None, converter=words.optional_header_text)
    """Value of the ``Origin`` header; None: no header."""
    subprotocols: tuple[str, ...] = attrs.field(default=(), converter=words.subprotocols)
    """Offered subprotocols, the preferred one first."""
    user_agent: str | None = attrs.field(default=_USER_AGENT, converter=words.optional_header_text)
    """Value of the ``User-Agent`` header; None: no header."""
    headers: FrozenHeaders = attrs.field(default=FrozenHeaders(), converter=frozen_headers)
    """Further headers of the opening handshake; masked in ``repr()``."""
    auth: Auth = attrs.field(default=Auth())
    """Credentials."""
    timeouts: Timeouts = attrs.field(default=Timeouts())
    """How long to wait."""
    keepalive: Keepalive = attrs.field(default=Keepalive())
    """When to ping."""
    limits: Limits = attrs.field(default=Limits())
    """Bounds of what is received and buffered."""
    compression: Compression = attrs.field(default=Compression(), converter=sections.compression)
    """permessage-deflate; a bool switches it."""
    tls: Tls = attrs.field(default=Tls())
    """Certificates."""
    proxy: Proxy = attrs.field(default=Proxy(), converter=sections.proxy)
    """The way through a proxy; a bool switches it, a text is its URL."""
    network: Network = attrs.field(default=Network())
    """Addresses and sockets."""
    reconnect: Reconnect = attrs.field(default=Reconnect(), converter=sections.reconnect)
    """When to open again; a bool switches it."""
    logging: Logging = attrs.field(default=Logging())
    """What goes to the log."""
    # Where the values come from, for explain(): a field, so that attrs.evolve() and pickle carry it along,
    # and no part of the value. An Origins, or names of keywords of connect(); None: all of it is from code.
    _origins: Any = attrs.field(default=None, alias="_origins", repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        rules.raise_all(rules.ask_client(self))

    @property
    def header_items(self) -> tuple[tuple[str, str], ...]:
        """Names and values of ``headers``, and of the header that ``auth`` makes, in plain text."""
        fields = tuple(self.headers.raw_items())
        token = self.auth.token
        if token is None:
            return fields
        value = f"{self.auth.scheme} {token.reveal()}" if self.auth.scheme else token.reveal()
        return (*fields, (self.auth.header, value))

    @forgetting
    def with_uri(self, uri: str) -> ClientConfig:
        """Return this configuration with another URI in the place of all.

        It is what ``attrs.evolve`` returns, at half its cost.

        Raises:
            ConfigError: ``uri`` is not a WebSocket URI, or does not go with the rest.
        """
        try:
            parsed = words.optional_uri(uri)
        except BadValue:
            pass
        else:
            new = _copied(self)
            _set(new, "uri", parsed)
            _set(new, "uris", ())
            rules.raise_all(rules.ask_client(new))
            return new
        # Which tells what is wrong; nothing but its report may travel on.
        return attrs.evolve(self, uri=uri, uris=())

    def with_parts(self, parts: Mapping[str, Any]) -> ClientConfig:
        """Return this configuration with other sections and values, as their grammars return them.

        It is for the loader, which has asked the grammars already.

        Raises:
            ConfigError: they do not go with each other.
        """
        new = _copied(self)
        for name, part in parts.items():
            _set(new, name, part)
        rules.raise_all(rules.ask_client(new))
        return new

    def with_origins(self, origins: object) -> ClientConfig:
        """Return this configuration with another memory of where it comes from: what the loader calls."""
        new = _copied(self)
        _set(new, "_origins", origins)
        return new

    def explain(self) -> Explanation:
        """Return each value, the place it comes from, and what it overrode; secrets are masked.

        ``print(config.explain())`` prints a table. Where a value comes from is no part of the
        configuration: equal ones may be from different places. ``attrs.evolve`` and pickle keep it; what
        was changed since is from ``code``. ``attrs.asdict`` has it as ``_origins``, which a filter leaves
        out: ``attrs.filters.exclude("_origins")``.
        """
        from wssdk.config_explain import explain

        return explain(self)

    @forgetting
    def to_toml(self, *, env_prefix: str = "WSSDK_") -> str:
        """Return a file that gives this configuration back: what is not at its default.

        No secret is written. One that was loaded by a reference or from a variable is written as that
        reference; for a literal one, and for every literal header, stands a reference to the variable
        which would set it (``{ env = "WSSDK_AUTH__TOKEN" }``), with a comment; loaded so, a header counts
        as a secret. Relative paths are as seen
        from the current folder: that is where the file goes.

        Raises:
            ConfigError: something cannot be written: a URI with a secret in it, a header that is sent
                several times, a literal one that no variable can set. Every such option is listed.
            ValueError: ``env_prefix`` cannot be the beginning of a variable's name.
        """
        from wssdk.config_write import to_toml

        return to_toml(self, env_prefix)

    @classmethod
    @forgetting
    def default_toml(cls, *, uri: str | None = None) -> str:
        """Return a file with every option at its default, commented out, and what each is for.

        It loads back to the defaults, with ``uri``: the one option that a file must have. Without it,
        ``load(path, overrides={"uri": None})`` loads the file.

        Raises:
            ConfigError: ``uri`` is not a WebSocket URI.
        """
        from wssdk.config_write import default_toml

        return default_toml(uri)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema (draft 7) of configuration files.

        Written into a file, editors of TOML read it: ``#:schema wssdk.schema.json``. It knows names, kinds
        and ranges; the rules between options are the loader's.
        """
        from wssdk.config_json import json_schema

        return json_schema()

    @forgetting
    def evolve(self, changes: Mapping[str, Any] | None = None, /, **options: Any) -> ClientConfig:
        """Return this configuration with some options changed, checked again.

        ``changes`` has dotted names, ``{"timeouts.open": "5s", "headers.X-Key": None}``, or is nested as a
        file is; ``options`` are those of the top level. A table is merged into its section, a section
        replaces it, and a dotted name holds over both, in any order; None takes a header away, and
        switches other options off. A new ``uri`` takes the place of ``uris``, and the reverse. An error of
        this holds nothing of what was given; one that leaves ``attrs.evolve`` passes a frame of attrs,
        which does.

        Raises:
            ConfigError: a name is unknown, or what comes of it is wrong; every problem is listed.
        """
        from wssdk.config_evolve import evolve

        return evolve(self, changes or {}, options)

    # What reads files and the environment is loaded where it is asked for: it brings cattrs and tomli.

    @classmethod
    @forgetting
    def from_toml(
        cls, path: _Path, *, connection: str | None = None, table: Sequence[str] = ()
    ) -> ClientConfig:
        """Return the configuration of one TOML file.

        ``connection`` lays ``[connections.NAME]`` over the top level. ``table`` names the table that
        holds the configuration inside a larger file: ``("tool", "myapp", "ws")``. Files named in the
        file are looked for beside it; those that it ``extends`` lie below it.

        Raises:
            ConfigError: everything that is wrong, with file, line and column.
        """
        from wssdk.config_sources import load

        return load((path,), connection=connection, table=table, env_prefix=None)

    @classmethod
    @forgetting
    def from_env(
        cls,
        prefix: str = "WSSDK_",
        environ: Mapping[str, str] | None = None,
        *,
        unknown_env: UnknownEnv = "error",
    ) -> ClientConfig:
        """Return the configuration of the environment: ``WSSDK_TIMEOUTS__OPEN=5s``.

        ``environ`` defaults to ``os.environ``; ``unknown_env`` is as for :meth:`load`.

        Raises:
            ConfigError: everything that is wrong, with the variable.
        """
        from wssdk.config_sources import load

        return load((), env_prefix=prefix, environ=environ, unknown_env=unknown_env)

    @classmethod
    @forgetting
    def load(
        cls,
        *paths: _Path,
        connection: str | None = None,
        table: Sequence[str] = (),
        env_prefix: str | None = "WSSDK_",
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        unknown_env: UnknownEnv = "error",
    ) -> ClientConfig:
        """Return the configuration of all layers.

        From low to high: defaults, files in order, their ``[connections.NAME]``, environment, the
        environment for that connection (``WSSDK_CONNECTIONS__NAME__TIMEOUTS__OPEN``), ``overrides``.
        Tables are merged, arrays replaced. ``env_prefix=None`` leaves the environment out;
        ``environ`` defaults to ``os.environ``. ``overrides`` is nested as a file is, or has dotted
        names, which hold over their section: ``{"timeouts.open": 5}``; ``{"uri": None}`` where the URI is
        given when connecting, ``{"headers.X": None}`` to take a header away.
        Variables with the prefix that name no option are errors; ``unknown_env`` may let them pass, with
        a warning of the logger ``wssdk.config`` ("warn") or without one ("ignore"). A path may be that of a
        pipe into which somebody writes; of a file 4 MiB are read at most.

        Raises:
            ConfigError: everything that is wrong in any layer, each with its place.
        """
        from wssdk.config_sources import load

        return load(
            paths,
            connection=connection,
            table=table,
            env_prefix=env_prefix,
            environ=environ,
            overrides=overrides,
            unknown_env=unknown_env,
        )

    @classmethod
    @forgetting
    def load_all(
        cls,
        *paths: _Path,
        table: Sequence[str] = (),
        env_prefix: str | None = "WSSDK_",
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        unknown_env: UnknownEnv = "error",
    ) -> dict[str, ClientConfig]:
        """Return the configuration of every connection that the files name, by name.

        Where they name none, those of the environment count: ``WSSDK_CONNECTIONS__TRADES__URI`` names
        ``trades``. Each is what :meth:`load` returns for that connection. The top level need not be one by
        itself: it may lack the URI, or half of what goes together. Its values have to be right, though,
        where no connection takes them, too.

        Raises:
            ConfigError: everything that is wrong in any of them, each with its place.
        """
        from wssdk.config_sources import load_all

        return load_all(
            paths,
            table=table,
            env_prefix=env_prefix,
            environ=environ,
            overrides=overrides,
            unknown_env=unknown_env,
        )

    @classmethod
    @forgetting
    def from_connect(cls, uri: str | None, /, **keywords: Unpack[ConnectKeywords]) -> ClientConfig:
        """Return the configuration that the keywords of ``connect()`` ask for.

        Raises:
            InvalidURI: ``uri`` is not a WebSocket URI.
            ConfigError: everything else that is wrong, by keyword.
            TypeError: a keyword is unknown.
        """
        from wssdk.config_keywords import from_connect

        return from_connect(uri, keywords)


_FIELDS: Final = tuple(field.name for field in attrs.fields(ClientConfig))
_set: Final = object.__setattr__  # a frozen class has no other way


def _copied(config: ClientConfig) -> ClientConfig:
    new = object.__new__(type(config))
    for name in _FIELDS:
        _set(new, name, getattr(config, name))
    return new
