"""Files, environment and overrides to the configuration: layers, precedence, one report of everything."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, get_args

import attrs

from wssdk.config import ClientConfig, UnknownEnv
from wssdk.config_build import Built, Layer, build
from wssdk.config_env import EnvironmentLayer, read_environment
from wssdk.config_extends import read_documents
from wssdk.config_faults import CODE, Document, Fault, Place, Row, Words, value_fault, words_of
from wssdk.config_report import report
from wssdk.config_resolve import files_of
from wssdk.config_schema import CONNECTIONS, HEADERS, Keys, dotted, environment_name
from wssdk.config_several import Several
from wssdk.config_tables import TableLayer, read_overrides, read_table
from wssdk.config_values import Dialect, nearest
from wssdk.errors import ConfigError, ConfigProblem

__all__ = ["Every", "Loaded", "find_problems", "load", "load_all", "load_every", "try_load"]

_Path: TypeAlias = str | os.PathLike[str]

_LOG: Final = logging.getLogger("wssdk.config")

# Names of connections in a hint.
_MOST_LISTED: Final = 10

# Each connection that sets headers has all of the top level's besides, in a copy: thousands of both
# would be millions.
_MOST_FIELDS: Final = 250_000
_TOO_MANY_FIELDS: Final = (
    f"connections that set headers would have more than {_MOST_FIELDS} of them in all,"
    " with those of the top level",
    "set them for the connections that need them, or load one connection at a time",
)

_URI: Keys = ("uri",)
_URIS: Keys = ("uris",)
_UNIX_PATH: Keys = ("network", "unix_path")


@attrs.frozen
class _Sources:
    """Everything that was read, before a connection is chosen."""

    documents: tuple[Document, ...]
    files: tuple[TableLayer, ...]
    in_files: Mapping[str, None]
    """Connections of the files, in their order."""
    environment: EnvironmentLayer | None
    overrides: TableLayer
    environ: Mapping[str, str] = attrs.field(repr=False)
    env_prefix: str
    faults: tuple[Fault, ...]

    @functools.cached_property
    def names(self) -> Mapping[str, None]:
        """Connections of the files; where they name none, those of the environment, in small letters."""
        if self.in_files or self.environment is None:
            return self.in_files
        return dict.fromkeys(map(str.lower, self.environment.by_connection))

    @functools.cached_property
    def spelled(self) -> frozenset[str]:
        """Connections of the files, as variables write their names."""
        return frozenset(environment_name((name,)) for name in self.in_files)

    @functools.cached_property
    def complete(self) -> bool:
        """Whether every file could be read."""
        return all(document.tree is not None for document in self.documents)


def load(
    paths: Sequence[_Path],
    *,
    connection: str | None = None,
    table: Sequence[str] = (),
    env_prefix: str | None = "WSSDK_",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    unknown_env: UnknownEnv = "error",
) -> ClientConfig:
    """Return the configuration of all layers; see ``ClientConfig.load``.

    Raises:
        ConfigError: everything that is wrong in any layer, each with its place.
    """
    if connection is not None and not isinstance(connection, str):
        raise TypeError(f"connection must be a str, not {type(connection).__name__}")
    sources = _read(paths, table, env_prefix, environ, overrides, unknown_env)
    built = _build(sources, connection)
    faults = (*sources.faults, *built.faults)
    if faults:
        raise ConfigError(report(faults, sources.documents))
    return built.config


@attrs.frozen
class Loaded:
    """What came of loading, and the files that it depends on."""

    config: ClientConfig | None
    """None where something is wrong."""
    error: ConfigError | None
    files: tuple[str, ...]


def try_load(
    paths: Sequence[_Path],
    *,
    connection: str | None,
    table: Sequence[str],
    env_prefix: str | None,
    environ: Mapping[str, str] | None,
    overrides: Mapping[str, Any] | None,
    unknown_env: UnknownEnv,
) -> Loaded:
    """Return the configuration of all layers or what is wrong with it, and the files that were read."""
    sources = _read(paths, table, env_prefix, environ, overrides, unknown_env)
    built = _build(sources, connection)
    faults = (*sources.faults, *built.faults)
    error = ConfigError(report(faults, sources.documents)) if faults else None
    named = [name for leaves in built.history.values() for name in files_of(leaves[-1])]
    files = dict.fromkeys([*(document.name for document in sources.documents), *named])
    return Loaded(None if error else built.config, error, tuple(files))


def load_all(
    paths: Sequence[_Path],
    *,
    table: Sequence[str] = (),
    env_prefix: str | None = "WSSDK_",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    unknown_env: UnknownEnv = "error",
) -> dict[str, ClientConfig]:
    """Return the configuration of every connection that is named; see ``ClientConfig.load_all``.

    Raises:
        ConfigError: everything that is wrong in any of them, each with its place.
    """
    sources = _read(paths, table, env_prefix, environ, overrides, unknown_env)
    configs, faults = _build_all(sources, sources.names)
    if faults:
        raise ConfigError(report(faults, sources.documents))
    return configs


def find_problems(
    paths: Sequence[_Path], *, table: Sequence[str] = (), env_prefix: str | None = None
) -> list[ConfigProblem]:
    """Return everything that is wrong with a configuration, for whichever connection it will be loaded.

    Where connections are named, the top level need not be one by itself: it may lack the URI, or half of
    what goes together.
    """
    return _judge(_read(paths, table, env_prefix, None, None, "error"))[1]


@attrs.frozen
class Every:
    """All that a configuration has."""

    top: ClientConfig
    """The top level; where connections are named, of what is not complete by itself that which is right."""
    connections: Mapping[str, ClientConfig]
    problems: Sequence[ConfigProblem]
    """Those that :func:`find_problems` returns; where there are some, the rest means nothing."""


def load_every(paths: Sequence[_Path], *, table: Sequence[str] = (), env_prefix: str | None = None) -> Every:
    """Return the top level and every connection."""
    sources = _read(paths, table, env_prefix, None, None, "error")
    configs, problems = _judge(sources)
    return Every(build(_common_layers(sources), sources.environ).config, configs, problems)


def _judge(sources: _Sources) -> tuple[dict[str, ClientConfig], list[ConfigProblem]]:
    configs: dict[str, ClientConfig] = {}
    if sources.names:
        configs, faults = _build_all(sources, sources.names)
    else:
        faults = [*sources.faults, *_build(sources, None).faults]
    return configs, report(faults, sources.documents)


def _build_all(sources: _Sources, names: Iterable[str]) -> tuple[dict[str, ClientConfig], list[Fault]]:
    """Return the configuration of each connection, and all that is wrong with them and with the top level."""
    configs = {}
    # What is wrong at the top level is wrong in every connection that does not override it.
    several = Several(_common_layers(sources), sources.environ)
    missing: list[Fault] = []
    files = sum(1 for file in sources.files if file.by_connection)
    row = Row() if files == 1 else Row(sys.maxsize)
    left = _MOST_FIELDS
    for name in names:
        own = _own_layers(sources, name)
        headers = [leaf for layer in own for leaf in layer if leaf.option[0] == HEADERS]
        left -= len(headers) + several.header_count if headers else 0
        if left < 0:
            missing.append(value_fault(headers[0].place, CONNECTIONS, *_TOO_MANY_FIELDS))
            break
        built = several.build(own)
        configs[name] = built.config
        if sources.complete and _lacks_uri(built):
            missing += row.make(partial(_place_of, sources, name), partial(_words_of_missing, sources, name))
    return configs, [*sources.faults, *several.faults, *missing]


def _read(
    paths: Sequence[_Path],
    table: Sequence[str],
    env_prefix: str | None,
    environ: Mapping[str, str] | None,
    overrides: Mapping[str, Any] | None,
    unknown_env: UnknownEnv,
) -> _Sources:
    if env_prefix == "":
        raise ValueError("without a prefix every variable would be an option; None leaves them all out")
    if isinstance(table, str):
        raise TypeError('table is a sequence of names: ("tool", "myapp")')
    if overrides is not None and not isinstance(overrides, Mapping):
        raise TypeError(f"overrides must be a mapping, not {type(overrides).__name__}")
    if unknown_env not in get_args(UnknownEnv):
        raise ValueError(f'unknown_env must be "error", "warn" or "ignore", not {unknown_env!r}')
    given = os.environ if environ is None else environ
    documents, faults = read_documents(paths, table)
    files = tuple(read_table(document.tree or {}, document) for document in documents)
    names = dict.fromkeys(name for file in files for name in file.by_connection)
    environment = None if env_prefix is None else read_environment(given, env_prefix, names)
    over = read_overrides(overrides or {})
    for file in (*files, over):
        faults.extend(file.faults)
    if environment is not None:
        faults.extend(environment.faults)
        faults.extend(environment.unknown if unknown_env == "error" else ())
        if unknown_env == "warn":
            for problem in report(environment.unknown, ()):
                _LOG.warning("%s", problem)
    return _Sources(tuple(documents), files, names, environment, over, given, env_prefix or "", tuple(faults))


def _common_layers(sources: _Sources) -> list[Layer]:
    """Return what each layer sets for all connections, low to high."""
    environment = sources.environment
    return [
        *(file.leaves for file in sources.files),
        *(() for _ in sources.files),
        () if environment is None else environment.leaves,
        sources.overrides.leaves,
    ]


def _own_layers(sources: _Sources, connection: str) -> list[Layer]:
    """Return what each layer sets for one connection: it lies upon the common one of the same number."""
    environment = sources.environment
    own = {} if environment is None else environment.by_connection
    return [
        *(() for _ in sources.files),
        *(file.by_connection.get(connection, ()) for file in sources.files),
        own.get(environment_name((connection,)), ()) if own else (),
        (),
    ]


def _build(sources: _Sources, connection: str | None) -> Built:
    """Build the configuration of one connection, or of the top level."""
    layers = _common_layers(sources)
    if connection is not None:
        pairs = zip(layers, _own_layers(sources, connection), strict=True)
        layers = [layer for pair in pairs for layer in pair]
    built = build(layers, sources.environ)
    faults = list(built.faults)
    if sources.complete:
        if connection is not None and not _is_known(sources, connection):
            faults.append(_unknown_connection(sources, connection))
        elif _lacks_uri(built):
            place = _place_of(sources, connection)
            faults.append(Fault(place, *_words_of_missing(sources, connection)))
    return attrs.evolve(built, faults=tuple(faults))


def _lacks_uri(built: Built) -> bool:
    """Tell whether nobody says where to connect, not even that it is told later."""
    return built.config.uri is None and not any(
        option in built.history for option in (_URI, _URIS, _UNIX_PATH)
    )


def _is_known(sources: _Sources, connection: str) -> bool:
    if connection in sources.in_files:
        return True
    environment, spelled = sources.environment, environment_name((connection,))
    if environment is None or spelled in sources.spelled:
        return False  # another one's variables, where there are some
    return spelled in environment.by_connection


def _whole(sources: _Sources, variable: str) -> Place:
    """Return the place of something that is nowhere: the last file, or the variable it could be in."""
    if sources.documents:
        return Place(Dialect.TOML, sources.documents[-1])
    if sources.environment is not None:
        return Place(Dialect.ENVIRONMENT, variable=f"{sources.env_prefix}{variable}")
    return CODE


def _unknown_connection(sources: _Sources, connection: str) -> Fault:
    near = nearest(connection, sources.names)
    hint = None if near is None else f"did you mean {near!r}?"
    if near is None and sources.names:
        hint = f"connections are {_listed(sources.names)}"
    place = _whole(sources, f"{environment_name((CONNECTIONS, connection))}__URI")
    return Fault(place, dotted((CONNECTIONS, connection)), f"unknown connection {connection!r}", hint)


def _place_of(sources: _Sources, connection: str | None) -> Place:
    """Return where the URI of a connection would be written."""
    place = _whole(sources, "URI")
    for document, file in zip(sources.documents, sources.files, strict=True):
        if connection in file.by_connection:
            place = Place(Dialect.TOML, document, (CONNECTIONS, str(connection)))
    if connection is not None and connection not in sources.in_files:
        variable = f"{sources.env_prefix}{environment_name((CONNECTIONS, connection))}__URI"
        return Place(Dialect.ENVIRONMENT, variable=variable)
    return place


def _listed(names: Collection[str]) -> str:
    first = ", ".join(map(repr, itertools.islice(names, _MOST_LISTED)))
    return first if len(names) <= _MOST_LISTED else f"{first} and {len(names) - _MOST_LISTED} more"


def _words_of_missing(sources: _Sources, connection: str | None) -> Words:
    place = _place_of(sources, connection)
    hint = 'write uri = "wss://..."'
    if place.dialect is Dialect.ENVIRONMENT:
        hint = "set it to the WebSocket URI"
    elif sources.environment is not None:
        hint += f", or set {sources.env_prefix}URI"
    if connection is None and sources.names:
        hint += f", or choose a connection: {_listed(sources.names)}"
    named = dotted((*place.keys, "uri"))
    return words_of(place.dialect, named, "required, and not set", hint)
