"""The command line: ``python -m bench.config --rounds 31``."""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time

from bench.config.loaders import ENVIRONMENT, LOADERS, Loader

_BATCH = 20


def measure(load: Loader) -> float:
    """Return the CPU microseconds of one call, from a batch."""
    start = time.process_time()
    for _ in range(_BATCH):
        load()
    return (time.process_time() - start) / _BATCH * 1e6


def main() -> None:
    """Measure and print a table: the median of many short measurements, taken in turns."""
    parser = argparse.ArgumentParser("python -m bench.config", description="Load a file of 60 lines.")
    parser.add_argument("--rounds", type=int, default=31, help="(default: %(default)s)")
    rounds = parser.parse_args().rounds
    os.environ.update(ENVIRONMENT)
    ready: dict[str, Loader] = {}
    for name, make in LOADERS.items():
        try:
            ready[name] = make()
        except ImportError as error:
            print(f"{name}: {error}")
            continue
        value = ready[name]()
        assert (value.timeouts.open, value.limits.max_size) == (7.0, 1048576), name
    times: dict[str, list[float]] = {name: [] for name in ready}
    gc.collect()
    for number in range(rounds):
        order = list(ready) if number % 2 == 0 else list(reversed(ready))
        for name in order:
            times[name].append(measure(ready[name]))
    medians = {name: statistics.median(each) for name, each in times.items()}
    print("| load a file of 60 lines and the environment, warm | CPU us | of wssdk |\n| --- | --: | --: |")
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        print(f"| {name} | {median:,.0f} | {median / medians['wssdk']:.2f} |")


if __name__ == "__main__":
    main()
