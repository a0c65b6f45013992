"""What every program of this folder prints: its options, or the end of the traceback of what was raised."""

from __future__ import annotations

import functools
import os
import sys
import tomllib
import traceback
from collections.abc import Callable

__all__ = ["OPTIONS", "as_environment", "report"]

OPTIONS = (
    "uri",
    "subprotocols",
    "auth.token",
    "timeouts.open",
    "timeouts.close",
    "keepalive.interval",
    "limits.max_size",
    "limits.max_queue",
    "compression.enabled",
    "compression.level",
    "tls.verify",
    "network.family",
)


def report(load: Callable[[str], object]) -> None:
    """Load the file that the command line names; end with status 1 where that raises."""
    try:
        config = load(sys.argv[1])
    except Exception as error:
        # What Python prints last of an error that nobody catches, the errors of a group included.
        groups = {"show_group": True} if sys.version_info >= (3, 13) else {}
        print("".join(traceback.format_exception_only(error, **groups)), end="")
        sys.exit(1)
    for option in OPTIONS:
        print(option, "=", repr(functools.reduce(getattr, option.split("."), config)))


def as_environment(path: str) -> dict[str, str]:
    """Return the file's options as variables, below those of the environment: for what reads no files."""
    variables: dict[str, str] = {}
    with open(path, "rb") as file:
        for name, value in tomllib.load(file).items():
            table = value if isinstance(value, dict) else {"": value}
            for key, item in table.items():
                text = ",".join(map(str, item)) if isinstance(item, list) else str(item)
                variables["__".join(["APP_" + name, key] if key else ["APP_" + name]).upper()] = text
    return variables | {name: value for name, value in os.environ.items() if name.startswith("APP_")}
