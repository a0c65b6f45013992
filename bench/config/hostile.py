"""What 100 kB cost that nobody writes in earnest: ``python -m bench.config.hostile --bar``."""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import tomli

from bench.config.documents import CASES, LOADS, Case
from wssdk import ClientConfig, ConfigError

__all__ = ["main"]

_FILE: Final = "service.toml"

# What a load may take, if that is more than the case says: so many times what
# the parser takes for itself. A load of all connections may take some more for each.
_OF_PARSER: Final = 3.0
_CONNECTION_MS: Final = 0.1
_TRIES: Final = 5


@attrs.frozen
class Row:
    """What came of a case."""

    name: str
    cpu: float
    """Milliseconds, the median."""
    parser: float
    """Milliseconds of them, which tomli takes alone."""
    told: int
    """Problems."""
    bound: float
    """Milliseconds that it may take."""


def _cpu(call: Callable[[], object], rounds: int) -> float:
    """Return the median of the CPU milliseconds of a call."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def _parse(text: str) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        tomli.loads(text)


def _load(case: Case) -> Any:
    try:
        return LOADS[case.how](*([] if case.text is None else [_FILE]), environ=case.environ)
    except ConfigError as error:
        return error


def measure(name: str, case: Case, rounds: int) -> Row:
    """Measure a case, in the current folder."""
    parser = 0.0
    for other, content in case.files.items():
        Path(other).write_text(content, encoding="utf-8")
    if case.text is not None:
        Path(_FILE).write_text(case.text, encoding="utf-8")
        text = case.text
        parser = _cpu(lambda: _parse(text), rounds)
    cpu = _cpu(lambda: _load(case), rounds)
    found = _load(case)
    told = len(found.problems) if isinstance(found, ConfigError) else 0
    made = case.text.count("[connections.") if case.how == "load_all()" and case.text is not None else 0
    return Row(name, cpu, parser, told, max(case.most, _OF_PARSER * parser) + _CONNECTION_MS * made)


def _surely(name: str, case: Case, rounds: int) -> Row:
    """Measure a case; again where it takes too long: other programs may have been running."""
    rows = [measure(name, case, rounds)]
    while rows[-1].cpu > rows[-1].bound and len(rows) < _TRIES:
        rows.append(measure(name, case, rounds))
    return min(rows, key=lambda row: row.cpu / row.bound)


def main(arguments: list[str] | None = None) -> int:
    """Print a table; return the exit code."""
    parser = argparse.ArgumentParser("python -m bench.config.hostile", description=__doc__)
    add = parser.add_argument
    add("--case", action="append", default=[], metavar="GLOB", help="may be repeated (default: all)")
    add("--rounds", type=int, default=5, help="(default: %(default)s; medians count)")
    add("--bar", action="store_true", help="end with exit code 1 where something takes longer than it may")
    options = parser.parse_args(arguments)
    patterns = options.case or ["*"]
    names = [name for name in CASES if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    if not names:
        parser.error("no case matches")
    ClientConfig.load(environ={}, overrides={"uri": "ws://h"})
    print("| 100 kB of | CPU ms | tomli's | may be | problems told |\n| --- | --: | --: | --: | --: |")
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            for name in names:
                row = _surely(name, CASES[name], options.rounds)
                over = " **too long**" if row.cpu > row.bound else ""
                print(
                    f"| {name} | {row.cpu:,.1f}{over} | {row.parser:,.1f} | {row.bound:,.0f} | {row.told} |",
                    flush=True,
                )
                slow += [name] if over else []
        finally:
            os.chdir(before)
    if options.bar:
        print(f"\n{len(names) - len(slow)} of {len(names)} within the bound")
    return 1 if options.bar and slow else 0


if __name__ == "__main__":
    sys.exit(main())
