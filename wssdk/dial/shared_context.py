"""One SSL context for every pipe of a dialer, made anew when its files changed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from wssdk.dial.tls_files import FileState, TlsFiles
from wssdk.errors import ConfigError
from wssdk.typing import LoggerLike

__all__ = ["SharedContext"]

_NO_FILES: Final = TlsFiles()
_State: TypeAlias = Mapping[str, FileState | None]


class SharedContext:
    """One SSL context for every pipe, built off the event loop when it is first asked for.

    When it is asked for and ``files`` changed, it is built again, so that certificates are exchanged without
    a restart. Where that fails the last one stays in force, a warning says so, and every further call tries
    again: whoever exchanges a certificate and its key writes two files, and what connects between the two
    must not fail.

    Any number of tasks, event loops and threads may ask at once: it is built once.

    Args:
        build: returns a new context; it runs in a thread of the event loop's executor.
        again: the same, for every time but the first; None: ``build``.
        files: what ``build`` reads.
        logger: told what was read again; None: ``wssdk.client``.
    """

    def __init__(
        self,
        build: Callable[[], ssl.SSLContext],
        *,
        again: Callable[[], ssl.SSLContext] | None = None,
        files: TlsFiles = _NO_FILES,
        logger: LoggerLike | None = None,
    ) -> None:
        self._build = build
        self._again = build if again is None else again
        self._files = files
        self._logger = logging.getLogger("wssdk.client") if logger is None else logger
        self._lock = threading.Lock()
        self._last: ssl.SSLContext | None = None
        """The last one that could be built."""
        self._read: _State = {}
        """Of the files, before it was built of them: what changes meanwhile is seen the next time."""
        self._building: concurrent.futures.Future[ssl.SSLContext] | None = None
        self._state: _State = {}
        """The same, of what is being built."""
        self._told = ""
        """What the log was told of why there is no newer one."""

    async def get(self) -> ssl.SSLContext:
        """Return the context. Cancelling lets the building go on for the others, and for the next.

        Raises:
            ConfigError: it cannot be built, and never could; the next call tries again.
        """
        state = self._files.state()
        with self._lock:
            if self._last is not None and state == self._read:
                return self._last
            building = self._building
            if building is None or state != self._state:
                building = self._begin(state)
        return await asyncio.wrap_future(building)

    def _begin(self, state: _State) -> concurrent.futures.Future[ssl.SSLContext]:
        """Begin to build a context of files in this state; return what will have it."""
        building: concurrent.futures.Future[ssl.SSLContext] = concurrent.futures.Future()
        building.set_running_or_notify_cancel()  # or a cancelled waiter would cancel it for all
        build = self._build if self._last is None else self._again
        # Not asyncio.to_thread(): cancelled while the pool is busy, it would never begin.
        _ = asyncio.get_running_loop().run_in_executor(None, self._run, building, build, state)
        self._building, self._state = building, state
        return building

    def _run(
        self,
        building: concurrent.futures.Future[ssl.SSLContext],
        build: Callable[[], ssl.SSLContext],
        state: _State,
    ) -> None:
        try:
            context = build()
        except BaseException as error:
            with self._lock:
                self._end(building)
                last, changed = self._last, _changes(self._read, state)
            # OSError: a file went while it was read.
            if last is None or not isinstance(error, ConfigError | OSError):
                building.set_exception(error)
                return
            self._warn(changed, str(error))
            building.set_result(last)
            return
        with self._lock:
            if last := self._last:
                self._logger.info("%s changed and was read again", _changes(self._read, state))
            if self._end(building) or last is None:  # a newer one may be ahead
                self._last, self._read, self._told = context, state, ""
        building.set_result(context)

    def _end(self, building: concurrent.futures.Future[ssl.SSLContext]) -> bool:
        """Tell whether no newer one is being built; if so, none is any more."""
        if self._building is not building:
            return False
        self._building = None
        return True

    def _warn(self, changed: str, why: str) -> None:
        if why != self._told:
            self._told = why
            message = "%s changed and cannot be used; what was read before stays in force: %s"
            self._logger.warning(message, changed, why)


def _changes(old: _State, new: _State) -> str:
    return ", ".join(repr(file) for file in {**old, **new} if old.get(file) != new.get(file))
