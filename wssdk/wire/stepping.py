"""What the methods of a coroutine end with."""

from __future__ import annotations

from types import TracebackType
from typing import Any

__all__ = ["stop_with", "thrown"]


def stop_with(value: Any) -> StopIteration:
    """Return what ends a coroutine that returns ``value``."""
    stop = StopIteration()
    stop.value = value  # a tuple given to the constructor would be taken apart by some
    return stop


def thrown(typ: Any, val: Any, tb: TracebackType | None) -> BaseException:
    """Return the exception that the arguments of ``throw()`` stand for."""
    if isinstance(typ, BaseException):
        error = typ
    elif isinstance(val, BaseException):
        error = val
    else:
        error = typ() if val is None else typ(val)
    return error if tb is None else error.with_traceback(tb)
