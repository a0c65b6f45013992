"""The C programs of the bench, compiled when they are first needed."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import attrs

__all__ = ["NotBuiltError", "Program", "program"]

_HERE: Final = Path(__file__).parent
_FLAGS: Final = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror")
_TLS: Final = ("-DBENCH_TLS", "-lssl", "-lcrypto")


class NotBuiltError(Exception):
    """There is no compiler, or it refuses."""


@attrs.frozen
class Program:
    """A compiled program."""

    path: Path
    tls: bool
    """Whether it was linked with OpenSSL."""


@functools.cache
def program(name: str) -> Program:
    """Return the program of ``bench/<name>.c``; compile it where its source is new.

    Without OpenSSL's headers it is built without TLS.

    Raises:
        NotBuiltError: it cannot be built; the message is the compiler's.
    """
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NotBuiltError("no C compiler on PATH: install one, or name it in CC")
    if not sys.platform.startswith("linux"):
        raise NotBuiltError("the server is written for Linux (epoll)")
    try:
        return Program(_compile(compiler, name, _TLS), tls=True)
    except NotBuiltError:
        return Program(_compile(compiler, name, ()), tls=False)


def _compile(compiler: str, name: str, extra: tuple[str, ...]) -> Path:
    source = _HERE / f"{name}.c"
    recipe = " ".join((compiler, *_FLAGS, *extra)).encode()
    headers = [header.read_bytes() for header in sorted(_HERE.glob("*.h"))]
    text = b"".join((source.read_bytes(), *headers, recipe))
    target = _cache() / f"{name}-{hashlib.sha256(text).hexdigest()[:16]}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / name
        options = [flag for flag in extra if not flag.startswith("-l")]
        libraries = [flag for flag in extra if flag.startswith("-l")]
        command = [compiler, *_FLAGS, *options, "-o", str(fresh), str(source), *libraries]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotBuiltError(f"{compiler} refuses {name}.c: {done.stderr.strip()}")
        fresh.replace(target)  # two benches may build at once
    return target


def _cache() -> Path:
    return _HERE.parent / ".cache" / "bench"
