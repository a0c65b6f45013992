"""The command line of the bench."""

from __future__ import annotations

import argparse
import fnmatch
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from bench.bar import bar_table, judge
from bench.build import NotBuiltError
from bench.chart import chart
from bench.contestants import ENTRIES, available, why_not
from bench.report import surroundings, write_json
from bench.results import Finding, find
from bench.running import Settings, measure
from bench.scenarios import SCENARIOS, Scenario, matching
from bench.server import NeutralServer
from bench.table import table

__all__ = ["main"]

_END_LIMIT: Final = 10.0


def _parser() -> argparse.ArgumentParser:
    defaults = Settings()
    parser = argparse.ArgumentParser("python -m bench", description="wssdk beside its peers.")
    add = parser.add_argument
    add("--scenario", action="append", default=[], metavar="GLOB", help="may be repeated (default: all)")
    add("--contestant", action="append", default=[], metavar="GLOB", help="may be repeated (default: all)")
    add("--seconds", type=float, default=defaults.seconds, help="of one measurement (default: %(default)s)")
    add(
        "--rounds",
        type=int,
        default=defaults.rounds,
        help="(default: %(default)s; medians count)",
    )
    add("--loop", choices=("asyncio", "uvloop"), default=defaults.loop)
    add(
        "--limit",
        type=float,
        default=defaults.limit,
        help="seconds a measurement may take (default: %(default)s)",
    )
    add("--connections", type=int, metavar="N", help="open at most so many, whatever the scenario says")
    add(
        "--cores",
        metavar="CLIENT,SERVER",
        help="cores to pin to, or 'any' (default: the first and the last; round trips: both on the first)",
    )
    add("--json", type=Path, metavar="FILE", help="write every measurement")
    add("--svg", type=Path, metavar="FILE", help="write a chart")
    add("--chart", action="append", default=[], metavar="GLOB", help="scenarios of the chart (default: all)")
    add("--bar", action="store_true", help="say at the end what wssdk must reach, and whether it did")
    add("--list", action="store_true", help="say what there is, and end")
    return parser


def _cores(text: str | None) -> tuple[int, int] | None:
    """Return the client's core and the server's; None: no pinning."""
    if text is None:
        allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        return (allowed[0], allowed[-1]) if allowed else None
    if text == "any":
        return None
    client, server = text.split(",")
    return int(client), int(server)


def _contestants(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        if not fnmatch.filter(ENTRIES, pattern):
            raise LookupError(f"no contestant matches {pattern!r}")
    return [
        name
        for name in available()
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def _list() -> None:
    print("scenarios:")
    for name, scenario in SCENARIOS.items():
        print(f"  {name:<20} {scenario.title}")
    print("contestants:")
    for name, entry in ENTRIES.items():
        reason = why_not(name)
        print(f"  {name:<20} {entry.title}{f' ({reason})' if reason else ''}")


def _run(
    scenarios: list[Scenario], names: list[str], settings: Settings, found: dict[str, list[Finding]]
) -> None:
    """Put the findings into ``found``, a scenario at a time."""
    with NeutralServer() as server:
        for scenario in scenarios:
            rows = measure(scenario, names, server, settings, _tell)
            found[scenario.name] = find(scenario, rows)
            _tell("")
            print(table(scenario, found[scenario.name]), end="\n\n", flush=True)


def _tell(text: str) -> None:
    """Overwrite a line on the terminal, where there is one."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _wait_for_children() -> None:
    """Wait for a process that was interrupted while it was started: the end of its input is its end."""
    limit = time.monotonic() + _END_LIMIT
    while time.monotonic() < limit:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            time.sleep(0.01)


def main(arguments: list[str] | None = None) -> int:
    """Run what ``arguments`` ask for; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.list:
        _list()
        return 0
    try:
        scenarios, names = matching(options.scenario), _contestants(options.contestant)
        charted = {scenario.name for scenario in matching(options.chart)}
        cores = _cores(options.cores)
    except (LookupError, ValueError) as error:
        parser.error(str(error))
    settings = Settings(
        seconds=options.seconds,
        rounds=options.rounds,
        loop=options.loop,
        limit=options.limit,
        cores=cores,
        most_connections=options.connections,
    )
    facts = surroundings(settings)
    print(*(f"{key}: {value}" for key, value in facts.items()), sep="\n", end="\n\n", flush=True)
    found: dict[str, list[Finding]] = {}
    code = 0
    try:
        _run(scenarios, names, settings, found)
    except NotBuiltError as error:
        print(f"the bench cannot run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _tell("")
        code = 128 + signal.SIGINT
    if code:
        # Behind the except block: until its end, what was interrupted holds the pipes of its processes.
        _wait_for_children()
    _report(options, facts, found, charted)
    return code


def _report(
    options: argparse.Namespace, facts: dict[str, str], found: dict[str, list[Finding]], charted: set[str]
) -> None:
    """Write what was asked for, of the scenarios that came to an end."""
    verdicts = judge(found)
    if options.bar and verdicts:
        print(bar_table(verdicts))
    if options.json:
        write_json(options.json, facts, found, verdicts)
    if options.svg:
        shown = {name: found[name] for name in found if name in charted}
        options.svg.parent.mkdir(parents=True, exist_ok=True)
        options.svg.write_text(chart(facts, shown), encoding="utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way, all processes are ended
    sys.exit(main())
