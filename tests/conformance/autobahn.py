"""Autobahn's test suite (0.8.2) with wssdk as the client under test.

::

    python -m tests.conformance.autobahn [--cases 1.*,2.*] [--full] [--parallel N] [--report DIR]

Needs Python 2.7 (``WSSDK_PYTHON27``, pyenv's 2.7.18, or ``python2.7`` on PATH). The suite is installed
once, into ``WSSDK_AUTOBAHN_DIR`` or ``.cache/autobahn``. The exit status is 1 unless every case was run
and none failed, was passed non-strictly, or closed in a way that the suite did not expect.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Final

import attrs

import wssdk
from tests.support.python27 import find_python27

__all__ = ["DEFAULT_CASES", "FULL_CASES", "CaseResult", "case_order", "install_suite", "run_suite"]

DEFAULT_CASES: Final = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
"""All but the cases of great mass: 9 (sizes and speed), 12 and 13 (compression)."""
FULL_CASES: Final = ("*",)

_ROOT: Final = Path(__file__).parents[2]
_SERVER: Final = Path(__file__).with_name("fuzzingserver.py2")
_REQUIREMENT: Final = "autobahntestsuite==0.8.2"
_AGENT: Final = "wssdk"
# The largest message of the suite is 16 MiB (9.1.6).
_MAX_SIZE: Final = 16 << 20
_START_LIMIT: Final = 60.0
_STOP_LIMIT: Final = 10.0
# 9.* and 12.* grant themselves up to 120 seconds a case.
_CASE_LIMIT: Final = 180.0
_FINE: Final = frozenset(("OK", "INFORMATIONAL"))


@attrs.frozen
class CaseResult:
    """What the suite says of one case."""

    case: str
    behavior: str
    """OK, INFORMATIONAL, NON-STRICT, FAILED or UNIMPLEMENTED."""
    behavior_close: str
    """OK, INFORMATIONAL, WRONG CODE, UNCLEAN, FAILED BY CLIENT, FAILED or NO_CLOSE."""
    close_code: int | None
    """Close code that the suite received."""
    report: str
    """Name of the file with the case's wire log, in the report's directory."""

    @property
    def category(self) -> str:
        """The number before the first dot."""
        return self.case.partition(".")[0]

    @property
    def fine(self) -> bool:
        """Whether there is nothing to find fault with."""
        return self.behavior in _FINE and self.behavior_close in _FINE

    def __str__(self) -> str:
        return (
            f"{self.case}: {self.behavior}, close: {self.behavior_close} ({self.close_code}) [{self.report}]"
        )


def case_order(case: str) -> tuple[int, ...]:
    """Return what to sort cases by: 1.10 comes after 1.9."""
    return tuple(map(int, case.split(".")))


def install_suite() -> Path:
    """Install the suite where it is not yet; return the directory.

    Raises:
        RuntimeError: there is no Python 2.7, or pip failed.
    """
    target = Path(os.environ.get("WSSDK_AUTOBAHN_DIR") or _ROOT / ".cache" / "autobahn")
    if (target / "autobahntestsuite").is_dir():
        return target
    partial = target.with_name(target.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if target.parent.name == ".cache":
        # What is kept here is of no interest to version control.
        (target.parent / ".gitignore").write_text("*\n")
    command = [_python27(), "-m", "pip", "install", "--quiet", "--target", str(partial), _REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pip could not install {_REQUIREMENT}: {done.stderr[-2000:]}")
    partial.replace(target)
    return target


def _python27() -> str:
    python = find_python27()
    if python is None:
        raise RuntimeError("no Python 2.7: set WSSDK_PYTHON27 to one")
    return python


async def run_suite(
    cases: Iterable[str],
    report: Path,
    *,
    parallel: int = 4,
    progress: Callable[[int, int], None] = lambda done, count: None,
) -> tuple[int, list[CaseResult]]:
    """Run the cases that match the patterns; return how many there are, and what the suite says of each.

    ``parallel`` is how many cases run at a time. ``progress`` is told how many are done, out of how many.

    Raises:
        RuntimeError: the suite could not be installed or started.
    """
    packages = await asyncio.to_thread(install_suite)
    spec_file = _write_spec(list(cases), report)
    async with _serve(packages, spec_file) as base:
        async with _connect(f"{base}/getCaseCount") as ws:
            count = int(json.loads(await ws.recv()))
        await _run_cases(base, count, parallel, progress)
        async with _connect(f"{base}/updateReports?agent={_AGENT}") as ws:
            async for _ in ws:
                pass
    return count, _read_report(report)


def _write_spec(cases: list[str], report: Path) -> Path:
    """Empty the report's directory and put the specification there."""
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    spec_file = report / "spec.json"
    spec_file.write_text(json.dumps({"url": "ws://127.0.0.1:9001", "outdir": str(report), "cases": cases}))
    return spec_file


def _connect(uri: str) -> wssdk.connect:
    # No keepalive: the suite judges each frame it gets, and is silent for long while it works.
    return wssdk.connect(uri, max_size=_MAX_SIZE, ping_interval=None, open_timeout=60)


async def _run_cases(base: str, count: int, parallel: int, progress: Callable[[int, int], None]) -> None:
    numbers = iter(range(1, count + 1))
    done = 0

    async def work() -> None:
        nonlocal done
        for number in numbers:
            try:
                async with asyncio.timeout(_CASE_LIMIT):
                    await _run_case(base, number)
            except (OSError, TimeoutError, wssdk.InvalidHandshake) as error:
                # The suite's own verdict on the case, or that there is none, tells of the failure.
                print(f"case number {number}: {error!r}", file=sys.stderr)
            done += 1
            progress(done, count)

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(work())


async def _run_case(base: str, number: int) -> None:
    """Echo what comes: the client's part in every case."""
    async with _connect(f"{base}/runCase?case={number}&agent={_AGENT}") as ws:
        with contextlib.suppress(wssdk.ConnectionClosed):
            async for message in ws:
                await ws.send(message)


@contextlib.asynccontextmanager
async def _serve(packages: Path, spec_file: Path) -> AsyncIterator[str]:
    """Run the fuzzingserver; its URI."""
    # -E, and a clean PYTHONPATH: the environment is meant for another Python.
    server = await asyncio.create_subprocess_exec(
        *(_python27(), "-E", "-W", "ignore", str(_SERVER), str(packages), str(spec_file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        async with asyncio.timeout(_START_LIMIT):
            line = await server.stdout.readline()
        if not line:
            raise RuntimeError("the fuzzingserver did not start; its standard error says why")
        yield f"ws://127.0.0.1:{json.loads(line)['port']}"
    finally:
        server.stdin.close()
        try:
            await asyncio.wait_for(server.wait(), _STOP_LIMIT)
        except TimeoutError:
            server.kill()
            await server.wait()


def _read_report(report: Path) -> list[CaseResult]:
    index = json.loads((report / "index.json").read_text())
    results = [
        CaseResult(
            case=case,
            behavior=found["behavior"],
            behavior_close=found["behaviorClose"],
            close_code=found["remoteCloseCode"],
            report=found["reportfile"],
        )
        for case, found in index.get(_AGENT, {}).items()
    ]
    return sorted(results, key=lambda result: case_order(result.case))


def _print_summary(count: int, results: list[CaseResult], report: Path) -> None:
    behavior = Counter(result.behavior for result in results)
    close = Counter(result.behavior_close for result in results)
    print(f"{len(results)} of {count} cases were run; the report is {report / 'index.html'}")
    print("behavior:", ", ".join(f"{number} {name}" for name, number in behavior.most_common()))
    print("close:   ", ", ".join(f"{number} {name}" for name, number in close.most_common()))
    informational = [result.case for result in results if result.behavior == "INFORMATIONAL"]
    if informational:
        print("informational:", " ".join(informational))
    for result in results:
        if not result.fine:
            print(f"  {result}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.autobahn")
    parser.add_argument("--cases", help="patterns of cases, separated by commas: 1.*,6.4.1")
    parser.add_argument("--full", action="store_true", help="every case: 9, 12 and 13 too")
    parser.add_argument("--parallel", type=int, default=4, help="cases that run at a time (4)")
    parser.add_argument("--report", type=Path, default=_ROOT / "reports" / "autobahn")
    return parser.parse_args()


def _print_progress(done: int, count: int) -> None:
    if done % 25 == 0 or done == count:
        print(f"{done}/{count}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the suite as the command line has it; return the exit status."""
    given = _arguments()
    cases = given.cases.split(",") if given.cases else FULL_CASES if given.full else DEFAULT_CASES
    report = given.report.resolve()
    count, results = asyncio.run(run_suite(cases, report, parallel=given.parallel, progress=_print_progress))
    _print_summary(count, results, report)
    return 0 if count == len(results) and all(result.fine for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
