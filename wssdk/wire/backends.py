"""The libraries that compress and inflate: zlib, and faster ones where they are installed."""

from __future__ import annotations

import functools
import zlib
from importlib import import_module
from typing import Any, Final

from wssdk.errors import ConfigError, ConfigProblem

__all__ = ["ZLIB", "Backend", "load_backend"]

_MODULES: Final = {"zlib": "zlib", "zlib-ng": "zlib_ng.zlib_ng", "isal": "isal.isal_zlib"}
# isal knows the levels 0 to 3 only.
_ISAL_LEVELS: Final = {-1: 2, 0: 0, 1: 1, 2: 2}


class Backend:
    """One of the libraries, or two. ``name`` is that of the option ``compression.backend``.

    ``compressing``: the library that compresses, where it is another one than inflates.
    """

    def __init__(self, name: str, library: Any, compressing: Any = None) -> None:
        self.name = name
        self.error: type[Exception] = library.error
        """What it raises for data that is not DEFLATE."""
        self._inflating = library
        self._compressing = library if compressing is None else compressing

    def compressor(self, level: int, window_bits: int, mem_level: int, history: bytes = b"") -> Any:
        """Return a new compressor of raw DEFLATE, which may refer to ``history``.

        ``level`` is -1 to 9, as zlib counts.
        """
        if self.name == "isal":
            level = _ISAL_LEVELS.get(level, 3)
        make = functools.partial(self._compressing.compressobj, level, zlib.DEFLATED, -window_bits, mem_level)
        return make(zdict=history) if history else make()

    def decompressor(self, window_bits: int, history: bytes = b"") -> Any:
        """Return a new decompressor of raw DEFLATE, which may look back at ``history``."""
        return self._inflating.decompressobj(-window_bits, zdict=history)


ZLIB: Final = Backend("zlib", zlib)
"""The one that is always there."""


@functools.cache
def load_backend(name: str) -> Backend:
    """Return the backend that ``compression.backend`` names.

    ``auto`` is zlib, and inflates by zlib-ng where that is installed: faster, in as little memory. It does
    not compress by it: that takes half of zlib's time, and 160 KiB a connection in place of 30.

    Raises:
        ConfigError: it is not installed.
    """
    if name == "auto":
        try:
            return Backend(name, import_module(_MODULES["zlib-ng"]), zlib)
        except ImportError:
            return Backend(name, zlib)
    try:
        return Backend(name, import_module(_MODULES[name]))
    except ImportError as error:
        missing = error
    problem = ConfigProblem(
        "",
        "compression.backend",
        f"compression.backend: {name} cannot be used: {missing}",
        "pip install 'wssdk[speed]', or set compression.backend to 'auto' or 'zlib'",
    )
    raise ConfigError([problem])
