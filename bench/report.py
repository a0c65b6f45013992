"""The findings for machines, and where they were made."""

from __future__ import annotations

import datetime
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs

from bench.bar import Verdict
from bench.results import Finding
from bench.running import Settings
from bench.scenarios import SCENARIOS

__all__ = ["surroundings", "write_json"]

_PACKAGES: Final = ("aiofastnet", "websockets", "picows", "aiohttp", "uvloop")


def surroundings(settings: Settings) -> dict[str, str]:
    """Return what the figures depend on: Python, machine, versions, settings."""
    import wssdk

    versions = [f"wssdk {wssdk.__version__}"]
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} -")
    cores = (
        "not pinned"
        if settings.cores is None
        else "client on core {}, server on core {}".format(*settings.cores)
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}, {settings.loop}",
        "machine": f"{_processor()}, {platform.system()} {platform.release()}",
        "packages": ", ".join(versions),
        "settings": f"{settings.rounds} rounds of {settings.seconds:g} s; {cores}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def write_json(
    path: Path, facts: dict[str, str], found: dict[str, list[Finding]], verdicts: list[Verdict]
) -> None:
    """Write every measurement, with medians and ratios, and what became of the bar."""
    scenarios = {
        name: {
            "title": SCENARIOS[name].title,
            "unit": SCENARIOS[name].unit,
            "contestants": {finding.row.name: _contestant(finding) for finding in findings},
        }
        for name, findings in found.items()
    }
    document = {"surroundings": facts, "scenarios": scenarios, "bar": [_judged(v) for v in verdicts]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _judged(verdict: Verdict) -> dict[str, Any]:
    return {
        **attrs.asdict(verdict.bar),
        "decided_by": verdict.unit,
        "beside": verdict.rival,
        "reached": verdict.reached,
        "rounds": [verdict.least, verdict.most],
        "met": verdict.met,
        "why": verdict.why,
    }


def _contestant(finding: Finding) -> dict[str, Any]:
    row = finding.row
    if row.absent or row.failure is not None:
        return {"failure": row.failure or "has no such thing"}
    return {
        "value": finding.value,
        "messages_per_second": row.rate,
        "cpu_seconds_per_message": row.cpu,
        "busy": row.busy,
        "memory_bytes": row.memory,
        "ratio_to_best_peer": finding.to_peer,
        "cpu_ratio_to_best_peer": finding.cpu_to_peer,
        "ratio_to_floor": finding.to_floor,
        "samples": [attrs.asdict(sample) for sample in row.samples],
    }
