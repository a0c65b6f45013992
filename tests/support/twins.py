"""The wire's two forms in one process: the modules that are in use, and the same sources interpreted."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["NAMES", "interpreted_wire", "used_wire"]

WIRE: Final = Path(__file__).parents[2] / "wssdk" / "wire"
NAMES: Final = (
    "mask",
    "inbox",
    "deflate",
    "frame_reader",
    "frame_writer",
    "message_reader",
    "message_writer",
)
"""The modules that have to do with bytes."""


def used_wire() -> dict[str, ModuleType]:
    """Return the modules as everybody imports them."""
    return {name: importlib.import_module(f"wssdk.wire.{name}") for name in NAMES}


def interpreted_wire() -> dict[str, ModuleType]:
    """Return the modules made anew of their sources, which share errors and backends with those in use."""
    kept = {name: module for name, module in sys.modules.items() if name.startswith("wssdk.wire.")}
    package = sys.modules["wssdk.wire"]
    attributes = {name: value for name, value in vars(package).items() if isinstance(value, ModuleType)}
    for name in kept:
        # What catches errors of libraries is the same for both.
        if name != "wssdk.wire.backends":
            del sys.modules[name]
    finder = _SourcesOnly
    sys.meta_path.insert(0, finder)
    try:
        return {name: importlib.import_module(f"wssdk.wire.{name}") for name in NAMES}
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith("wssdk.wire.")]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in attributes.items():
            setattr(package, name, module)


class _SourcesOnly:
    """Finds the wire's modules as sources, whatever else stands beside them."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return where the module's source is; None for all other modules."""
        room, _, stem = name.rpartition(".")
        source = WIRE / f"{stem}.py"
        if room != "wssdk.wire" or not source.exists():
            return None
        loader = SourceFileLoader(name, str(source))
        return importlib.util.spec_from_file_location(name, source, loader=loader)
