"""A contestant's process: ``python -m bench.worker``, told what to do by lines of JSON.

The first line says who it is, every other one asks for a measurement and gets a line in return.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import resource
import signal
import ssl
import sys
from typing import IO, Any, Final

from bench.contestants import ENTRIES, load
from bench.contestants.contestant import Contestant, NotOfferedError, Target
from bench.jobs import Job, perform
from bench.scenarios import SCENARIOS

__all__: list[str] = []

# Time for the other side to end this process first, seconds.
_GRACE: Final = 5


class _RefusedError(Exception):
    """What was asked for is not to be had; the message says why."""


def _own_output() -> IO[str]:
    """Return standard output; what others print goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def _allow_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _check_form(name: str) -> None:
    wanted = ENTRIES[name].compiled
    if wanted is None:
        return
    import wssdk

    if wssdk.COMPILED is not wanted:
        raise _RefusedError(f"wssdk is {'not ' if wanted else ''}compiled in this process")


def _runner(loop: str) -> asyncio.Runner:
    if loop == "uvloop":
        import uvloop

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    if loop != "asyncio":
        raise _RefusedError(f"there is no loop {loop!r}")
    return asyncio.Runner()


def _context(order: dict[str, Any]) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=order["ca_file"]) if order["tls_port"] else None


def _job(order: dict[str, Any], context: ssl.SSLContext | None, counts: dict[str, int]) -> Job:
    scenario = SCENARIOS[order["scenario"]]
    port = order["tls_port"] if scenario.tls else order["port"]

    def target(resource_name: str) -> Target:
        return Target(port, resource_name, context if scenario.tls else None, scenario.deflate)

    return Job(
        scenario=scenario,
        seconds=order["seconds"],
        connections=order["connections"],
        target=target,
        counts=counts,
    )


def _answer(runner: asyncio.Runner, job: Job, contestant: Contestant) -> dict[str, Any]:
    try:
        meter = runner.run(perform(job, contestant))
    except NotOfferedError:
        return {"absent": True}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"messages": meter.messages, "wall": meter.wall, "cpu": meter.cpu, "memory": meter.memory}


def _main() -> None:
    answers = _own_output()
    _allow_files()
    first = json.loads(sys.stdin.readline())
    try:
        contestant = load(first["name"])
        _check_form(first["name"])
        runner = _runner(first["loop"])
    except (ImportError, _RefusedError) as error:
        print(json.dumps({"error": str(error)}), file=answers)
        return
    print(json.dumps({}), file=answers)
    context: ssl.SSLContext | None = None
    counts: dict[str, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if order["core"] is not None:
            os.sched_setaffinity(0, {order["core"]})
        context = context or _context(order)
        # Where the one who asked is gone, nobody else ends a measurement that hangs.
        signal.alarm(math.ceil(order["limit"]) + _GRACE)
        print(json.dumps(_answer(runner, _job(order, context, counts), contestant)), file=answers)
        signal.alarm(0)
    os._exit(0)  # thousands of connections may be open: the kernel closes them faster


if __name__ == "__main__":
    _main()
