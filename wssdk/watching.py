"""Configurations of files that change while a program runs."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from wssdk.config import ClientConfig, UnknownEnv
from wssdk.config_grammar import DurationLike, duration
from wssdk.config_sources import Loaded, try_load
from wssdk.config_toml import LARGEST_FILE, read_bounded
from wssdk.config_values import BadValue
from wssdk.errors import ConcurrencyError
from wssdk.ports import Clock
from wssdk.reconnect import LoopClock
from wssdk.typing import LoggerLike

__all__ = ["ConfigWatch", "watch_config"]

_Path: TypeAlias = str | os.PathLike[str]
_Contents: TypeAlias = dict[str, bytes | None]

# Between two looks at a file that was changed: one that is being written is not the same in both.
_SETTLING: Final = 0.1


def watch_config(
    *paths: _Path,
    connection: str | None = None,
    table: Sequence[str] = (),
    env_prefix: str | None = "WSSDK_",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    unknown_env: UnknownEnv = "error",
    interval: DurationLike = 1.0,
    logger: LoggerLike | None = None,
    clock: Clock | None = None,
) -> ConfigWatch:
    """Return an async iterator of the configuration: as it is now, and each time it has changed.

    ::

        async for config in watch_config("service.toml", connection="trades"):
            factory = ConnectionFactory(config)  # for the connections to come

    The first arguments are those of :meth:`ClientConfig.load`. Every ``interval`` seconds the files are read
    by a thread of the event loop: those named here, those that they extend, and those that hold secrets of
    theirs. What is in them is compared, so that files may be written, replaced, or be links that are turned
    to other files. A file is left alone until it has stayed the same for a tenth of a second. A
    configuration that is wrong is told to ``logger`` (None: ``wssdk.config``), once, and the last good one
    holds. One that is equal to the last one is not given again. The environment is read again when a file
    has changed.

    Raises:
        ConfigError: (the first step) the configuration is wrong from the start.
        ValueError: ``interval`` is no duration above 0.
        ConcurrencyError: (a step) another task waits for the next one.
    """
    try:
        seconds = duration(interval)
    except BadValue as bad:
        raise ValueError(f"interval must be a duration such as 1 or '500ms', not {bad.value!r}") from None

    def load() -> Loaded:
        return try_load(
            paths,
            connection=connection,
            table=table,
            env_prefix=env_prefix,
            environ=environ,
            overrides=overrides,
            unknown_env=unknown_env,
        )

    return ConfigWatch(
        [os.fsdecode(path) for path in paths],
        load,
        seconds,
        logging.getLogger("wssdk.config") if logger is None else logger,
        LoopClock() if clock is None else clock,
    )


class ConfigWatch(AsyncIterator[ClientConfig]):
    """An async iterator without end; see :func:`watch_config`, which makes it.

    It has no task and nothing open between two steps: to end it, ask for no more. Cancelling a step loses
    no change.
    """

    def __init__(
        self,
        files: Sequence[str],
        load: Callable[[], Loaded],
        interval: float,
        logger: LoggerLike,
        clock: Clock,
    ) -> None:
        self._files = tuple(files)
        self._load = load
        self._interval = interval
        self._logger = logger
        self._clock = clock
        self._seen: _Contents = {}
        self._last: ClientConfig | None = None
        self._stepping = False

    def __aiter__(self) -> ConfigWatch:
        return self

    async def __anext__(self) -> ClientConfig:
        """Return the next configuration.

        Raises:
            ConfigError, ConcurrencyError: as :func:`watch_config` has it.
        """
        if self._stepping:
            raise ConcurrencyError("another task waits for the next configuration")
        self._stepping = True
        try:
            return await (self._first() if self._last is None else self._next())
        finally:
            self._stepping = False

    async def _first(self) -> ClientConfig:
        loaded = await self._load_settled(0.0)
        if loaded.error is not None:
            raise loaded.error
        assert loaded.config is not None
        self._last = loaded.config
        return loaded.config

    async def _next(self) -> ClientConfig:
        while True:
            await self._clock.sleep(self._interval)
            if await asyncio.to_thread(_contents, self._files) == self._seen:
                continue
            loaded = await self._load_settled(_SETTLING)
            if loaded.error is not None:
                told = "the configuration was changed and is wrong; the last good one holds:\n%s"
                self._logger.error(told, loaded.error)
            elif loaded.config is not None and loaded.config != self._last:
                self._last = loaded.config
                return loaded.config

    async def _load_settled(self, settling: float) -> Loaded:
        """Return what came of files that were the same before and after they were loaded."""
        files = self._files
        while True:
            before = await asyncio.to_thread(_contents, files)
            if settling:
                await self._clock.sleep(settling)
            loaded = await asyncio.to_thread(self._load)
            # What a file that is wrong would need is not known: what the last good one needed is kept.
            files = loaded.files if loaded.error is None else tuple({*loaded.files, *self._files})
            after = await asyncio.to_thread(_contents, files)
            if before == after:
                self._files, self._seen = files, after
                return loaded


def _contents(files: Iterable[str]) -> _Contents:
    """Return what is in each file; None where it cannot be read, or is too large."""
    found: _Contents = {}
    for name in files:
        try:
            found[name] = read_bounded(name, LARGEST_FILE)
        except OSError:
            found[name] = None
    return found
