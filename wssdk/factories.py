"""Several named factories from the files of a service."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypedDict, Unpack

from wssdk.config import ClientConfig, UnknownEnv
from wssdk.config_values import forgetting
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConfigError, ConfigProblem, printable
from wssdk.factory import ConnectionFactory
from wssdk.ports import ClientExtensionFactory, Clock, Dialer, HeadersProvider, ProcessException
from wssdk.typing import LoggerLike

__all__ = ["Collaborators", "load_factories"]

_Path: TypeAlias = str | os.PathLike[str]


class Collaborators(TypedDict, total=False):
    """Keywords of :class:`ConnectionFactory` beside its config."""

    ssl_context: ssl.SSLContext | None
    logger: LoggerLike | None
    extensions: Sequence[ClientExtensionFactory]
    process_exception: ProcessException | None
    headers: HeadersProvider | None
    dialer: Dialer | None
    connection_class: Callable[..., ClientConnection]
    reconnect_delays: Callable[[], Iterator[float]] | None
    options: Mapping[str, Any] | None
    clock: Clock | None


@forgetting
def load_factories(
    *paths: _Path,
    table: Sequence[str] = (),
    env_prefix: str | None = "WSSDK_",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    unknown_env: UnknownEnv = "error",
    **collaborators: Unpack[Collaborators],
) -> Mapping[str, ConnectionFactory]:
    """Return a factory for every ``[connections.NAME]`` of the files, or else of the environment, by name.

    ::

        factories = load_factories("service.toml")
        async with factories["trades"].connect() as ws: ...

    The first arguments are those of :meth:`ClientConfig.load_all`. ``collaborators`` are given to each
    factory; what only one of them needs, :meth:`ConnectionFactory.evolve` gives it. Nothing is opened.

    Raises:
        ConfigError: everything that is wrong in any of them, each with its place; or the files name no
            connection.
        InvalidHeader, TypeError: as for :class:`ConnectionFactory`.
    """
    configs = ClientConfig.load_all(
        *paths,
        table=table,
        env_prefix=env_prefix,
        environ=environ,
        overrides=overrides,
        unknown_env=unknown_env,
    )
    if not configs:
        where = printable(os.fsdecode(paths[-1])) if paths else "code"
        hint = "write [connections.NAME], or make a ConnectionFactory of ClientConfig.load()"
        raise ConfigError([ConfigProblem(where, "connections", "the files name no connections", hint)])
    return MappingProxyType(
        {name: ConnectionFactory(config, **collaborators) for name, config in configs.items()}
    )
