"""Which other people's software is here: what the ``needs`` marker asks."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import socket
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.python27 import find_python27

__all__ = ["missing", "taplo"]

_NODE_MODULES: Final = Path(__file__).with_name("node") / "node_modules"


def missing(software: str) -> str | None:
    """Return why ``software`` cannot be used here, or None where it can.

    A name is a probe of the table below, else a program on PATH or an importable package.
    """
    probe = _PROBES.get(software)
    if probe is not None:
        return probe()
    if shutil.which(software) or importlib.util.find_spec(software.replace("-", "_")):
        return None
    return f"neither a program nor a package named {software!r} is installed"


def _node_ws() -> str | None:
    if not shutil.which("node"):
        return "node is not on PATH"
    if not (_NODE_MODULES / "ws").is_dir():
        return "the npm package 'ws' is missing: run 'npm install' in tests/support/node"
    return None


def taplo() -> list[str] | None:
    """Return the command of the checker of TOML files; None where it is missing."""
    program = _NODE_MODULES / "@taplo" / "cli" / "dist" / "cli.js"
    node = shutil.which("node")
    return [node, str(program)] if node and program.is_file() else None


def _taplo() -> str | None:
    if taplo():
        return None
    return "the npm package '@taplo/cli' is missing: run 'npm install' in tests/support/node"


def _unix_sockets() -> str | None:
    return None if hasattr(socket, "AF_UNIX") else "this platform has no Unix sockets"


@functools.cache
def _ipv6() -> str | None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 loopback: {error}"
    return None


def _autobahn() -> str | None:
    if find_python27():
        return None
    return "Autobahn's test suite runs on Python 2.7 only, and there is none: WSSDK_PYTHON27 may name it"


def _c_compiler() -> str | None:
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} runs wssdk uncompiled only"
    program = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cl").split()[0]
    if not shutil.which(program):
        return f"there is no C compiler: {program} is not on PATH"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "this Python came without its C headers"
    return None


_PROBES: Final[dict[str, Callable[[], str | None]]] = {
    "autobahn": _autobahn,
    "c-compiler": _c_compiler,
    "node-ws": _node_ws,
    "taplo": _taplo,
    "unix-sockets": _unix_sockets,
    "ipv6": _ipv6,
}
