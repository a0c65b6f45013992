"""What a contestant's process is told to do, and how often it does it."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from bench.contestants.contestant import Connection, Contestant, Meter, NotOfferedError, Tally, Target
from bench.scenarios import Scenario

__all__ = ["Job", "perform"]

_START: Final = {"stream_in": 500, "stream_out": 100, "round_trips": 20, "open_close": 5}
_GROWTH: Final = 8
_OPENING_AT_ONCE: Final = 50
_INTERVAL_MS: Final = 1000
_INTERVAL_MS_TRIAL: Final = 50
# Messages of a flood: of all its connections, for every second asked for, and of each at least: with a
# hundred each, the first read of each connection is what one measures. It has an end: what the kernel
# holds for thousands of connections would keep slow clients busy for minutes.
_FLOOD: Final = 1_000_000
_FLOOD_LEAST: Final = 400
_FLOOD_LEAST_TRIAL: Final = 20
_FLOOD_LOOK: Final = 0.002


@attrs.frozen(kw_only=True)
class Job:
    """One measurement to be taken."""

    scenario: Scenario
    seconds: float
    """About how long it shall take; 0: as short as can be, which measures nothing."""
    connections: int
    target: Callable[[str], Target]
    """From a resource name."""
    counts: dict[str, int]
    """What earlier measurements of this process found."""


async def perform(job: Job, contestant: Contestant) -> Meter:
    """Return the measurement.

    Raises:
        NotOfferedError: the contestant cannot do it.
    """
    kind = job.scenario.kind
    if kind in _START:
        return await _counted(job, contestant)
    return await _OTHERS[kind](job, contestant)


async def _counted(job: Job, contestant: Contestant) -> Meter:
    """Find, once for a process, how many messages fill the time; that also warms it up."""
    kind = job.scenario.kind
    count = job.counts.get(kind)
    if count is None:
        count = _START[kind]
        meter = await _once(job, contestant, count)
        while meter.wall < job.seconds / 5:
            count *= _GROWTH
            meter = await _once(job, contestant, count)
        if job.seconds:
            count = max(_START[kind], int(count * job.seconds / meter.wall))
        job.counts[kind] = count
    return await _once(job, contestant, count)


async def _once(job: Job, contestant: Contestant, count: int) -> Meter:
    scenario, meter = job.scenario, Meter()
    message = bytes(97 + i % 26 for i in range(scenario.size))
    gc.collect()
    if scenario.kind == "stream_in":
        await contestant.stream_in(job.target(_stream(scenario, f"count={count}")), count, meter)
    elif scenario.kind == "stream_out":
        await contestant.stream_out(job.target(f"/sink?count={count}"), message, count, meter)
    elif scenario.kind == "round_trips":
        await contestant.round_trips(job.target("/echo"), message, count, meter)
    else:
        await contestant.open_close(job.target("/echo"), count, meter)
    if meter.messages != count:
        raise RuntimeError(f"{meter.messages} of {count} messages")
    return meter


def _stream(scenario: Scenario, more: str) -> str:
    if scenario.deflate:
        return f"/json-deflate?{more}"
    write = "" if scenario.write is None else f"&write={scenario.write}"
    return f"/stream?size={scenario.size}&text={int(scenario.text)}{write}&{more}"


async def _open_many(count: int, open_one: Callable[[], Awaitable[Connection]]) -> list[Connection]:
    gate = asyncio.Semaphore(_OPENING_AT_ONCE)

    async def one() -> Connection:
        async with gate:
            return await open_one()

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def _paced(job: Job, contestant: Contestant) -> Meter:
    interval = _INTERVAL_MS if job.seconds else _INTERVAL_MS_TRIAL
    target = job.target(_stream(job.scenario, f"interval={interval}"))
    tally, meter = Tally(), Meter()
    opened = await _open_many(job.connections, lambda: contestant.open(target, tally))
    await _count_for(max(2 * job.seconds, 2 * interval / 1000), tally, meter)
    del opened
    return meter


async def _flood(job: Job, contestant: Contestant) -> Meter:
    least = _FLOOD_LEAST if job.seconds else _FLOOD_LEAST_TRIAL
    each = max(least, int(_FLOOD * job.seconds) // job.connections)
    # All start at once, and stay open.
    target = job.target(_stream(job.scenario, f"count={each}&hold=1&gate={job.connections}"))
    tally, meter = Tally(), Meter()
    opened = await _open_many(job.connections, lambda: contestant.open(target, tally))
    for connection in opened[1:]:
        await connection.go()
    gc.collect()
    meter.start()
    await opened[0].go()
    while tally.messages < each * len(opened):  # noqa: ASYNC110  # setting an event would cost the tally
        await asyncio.sleep(_FLOOD_LOOK)
    meter.stop(tally.messages)
    return meter


async def _count_for(seconds: float, tally: Tally, meter: Meter) -> None:
    gc.collect()
    before = tally.messages
    meter.start()
    await asyncio.sleep(seconds)
    meter.stop(tally.messages - before)
    if not meter.messages:
        raise RuntimeError("no messages came")


async def _idle(job: Job, contestant: Contestant) -> Meter:
    """Take the memory that each of many connections adds."""
    target = job.target("/echo?deflate=1" if job.scenario.deflate else "/echo")
    warm = await contestant.open(target, None)
    await warm.exchange("warm")
    gc.collect()
    before = _resident()
    opened = await _open_many(job.connections, lambda: contestant.open(target, None))
    if job.scenario.used:
        text = "".join(chr(97 + i * i % 26) for i in range(job.scenario.size))
        for connection in opened:
            await connection.exchange(text)
    await asyncio.sleep(min(job.seconds, 0.5))
    gc.collect()
    meter = Meter()
    meter.memory = (_resident() - before) / len(opened)
    return meter


def _resident() -> int:
    """Return the resident set of this process, bytes."""
    with open("/proc/self/statm") as file:  # a file of the kernel's: reading it never waits
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


_IMPORTS_A_SECOND: Final = 10
_IMPORT: Final = """\
import time
wall, cpu = time.perf_counter(), time.process_time()
import asyncio, ssl
{code}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


async def _import_time(job: Job, contestant: Contestant) -> Meter:
    """Take the median of several fresh processes; the first one, which may compile, does not count."""
    code = contestant.made_code if job.scenario.used else contestant.import_code
    if code is None:
        raise NotOfferedError
    if job.seconds and not job.counts:
        _import_once(code)
        job.counts["import_time"] = 1
    taken = [_import_once(code) for _ in range(max(1, int(job.seconds * _IMPORTS_A_SECOND)))]
    meter = Meter()
    meter.take(1, *map(statistics.median, zip(*taken, strict=True)))
    return meter


def _import_once(code: str) -> tuple[float, float]:
    """Return wall and CPU seconds; whoever calls has nothing else to do."""
    command = [sys.executable, "-c", _IMPORT.format(code=code)]
    # What is installed is compiled to bytecode; where a shell forbids to, only a checkout would not be.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    wall, cpu = done.stdout.split()
    return float(wall), float(cpu)


_OTHERS: Final[dict[str, Callable[[Job, Contestant], Awaitable[Meter]]]] = {
    "paced": _paced,
    "flood": _flood,
    "idle": _idle,
    "import_time": _import_time,
}
