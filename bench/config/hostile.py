"""What 100 kB cost that are full of what is wrong: ``python -m bench.config.hostile``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wssdk import ClientConfig, ConfigError

_SIZE: Final = 100_000


def _lines(line: str, before: str = "") -> str:
    """Return as many lines of a pattern as fit; ``{}`` stands for their numbers."""
    return before + "".join(
        f"{line.replace('{}', str(number))}\n" for number in range(_SIZE // (len(line) + 4))
    )


FILES: Final[dict[str, str]] = {
    "unknown options": _lines("option_{} = 1"),
    "unknown options of a section": _lines("opne{} = 1", "[timeouts]\n"),
    "unknown tables": _lines("[a{}]"),
    "headers that are none": _lines('"x y{}" = "a"', "[headers]\n"),
    "good headers": _lines('x-y{} = "a"', 'uri = "ws://h"\n[headers]\n'),
    "connections with a wrong option": _lines("[connections.a{}]\nzz = 1", 'uri = "ws://h"\n'),
    "one line": "zzz = {" + ", ".join(f"a{number} = 1" for number in range(_SIZE // 10)) + "}",
    "one array": f"zzz = [{'1,' * (_SIZE // 2)}]",
    "one text": f'uri = "ws://h"\ntimeouts.open = "{"1" * _SIZE}s"',
    "a syntax error behind good lines": _lines('key_{} = "value"') + "x = \n",
}
ENVIRONMENTS: Final[dict[str, Mapping[str, str]]] = {
    "unknown variables": {f"WSSDK_OPTION_{number}": "1" for number in range(_SIZE // 20)},
    "variables of headers": {
        "WSSDK_URI": "ws://h",
        **{f"WSSDK_HEADERS__X_{number}": "1" for number in range(_SIZE // 24)},
    },
}


def main() -> None:
    """Print a table: the shorter of two CPU times of each."""
    ClientConfig.load(environ={}, overrides={"uri": "ws://h"})
    print("| 100 kB of | CPU ms | problems told |\n| --- | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        for name, text in FILES.items():
            file.write_text(text, encoding="utf-8")
            _row(name, str(file), {})
    for name, environ in ENVIRONMENTS.items():
        _row(name, None, environ)


def _row(name: str, file: str | None, environ: Mapping[str, str]) -> None:
    best, told = float("inf"), 0
    for _ in range(2):
        start = time.process_time()
        try:
            ClientConfig.load(*([] if file is None else [file]), environ=environ)
        except ConfigError as error:
            told = len(error.problems)
        best = min(best, time.process_time() - start)
    print(f"| {name} | {best * 1e3:,.0f} | {told} |")


if __name__ == "__main__":
    main()
