"""Whether the compiled files that stand in the checkout are those of its sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

__all__ = ["compiled_file", "sources_of_modules", "why_unfit"]

WIRE: Final = Path(__file__).parents[2] / "wssdk" / "wire"
# raw.pxd takes the place of raw.py.
_NEVER_COMPILED: Final = frozenset(("__init__", "raw"))


def sources_of_modules(wire: Path) -> Iterator[Path]:
    """Yield the files that are compiled, each to a module of its own."""
    for file in sorted((*wire.glob("*.py"), *wire.glob("*.pyx"))):
        if file.stem not in _NEVER_COMPILED:
            yield file


def compiled_file(source: Path) -> Path | None:
    """Return what this interpreter imports instead of ``source``, or None where that is the source."""
    candidates = (source.with_name(source.stem + suffix) for suffix in EXTENSION_SUFFIXES)
    return next((file for file in candidates if file.exists()), None)


def why_unfit(wire: Path = WIRE) -> str | None:
    """Return why the compiled files must not be used, or None where they may or nobody would.

    A compiled file is imported before a newer ``.py`` beside it, which then seems to have no effect.
    """
    if os.environ.get("WSSDK_PURE"):
        return None
    compiled = {source: compiled_file(source) for source in sources_of_modules(wire)}
    if not any(compiled.values()):
        return None
    declarations = list(wire.glob("*.pxd"))
    for source, file in compiled.items():
        if file is None:
            return f"{source.name} is not compiled and others are: {_REMEDY}"
        for cause in (source, *declarations):
            if cause.stat().st_mtime > file.stat().st_mtime:
                return f"{file.name} is older than {cause.name}: {_REMEDY}"
    return None


_REMEDY: Final = "run 'make build' (or 'python setup.py build_ext --inplace'), or set WSSDK_PURE=1"
