"""Cancelling a coroutine at each of its steps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, Literal, TypeAlias, TypeVar

__all__ = ["Moment", "cancelled_at"]

T = TypeVar("T")

Moment: TypeAlias = Literal["waiting", "done"]
"""When a step is cancelled: while it waits, or when what it waits for has just come."""


def cancelled_at(coroutine: Coroutine[Any, Any, T], step: int, moment: Moment) -> asyncio.Task[T]:
    """Return a task that runs ``coroutine`` and is cancelled where it waits for the ``step``-th time.

    The task ends uncancelled if the coroutine waits fewer times.
    """
    return asyncio.get_running_loop().create_task(_run(_Stepped(coroutine, step, moment)))


async def _run(stepped: _Stepped[T]) -> T:
    return await stepped


class _Stepped(Generic[T]):
    """Passes on what a coroutine waits for, and counts."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], step: int, moment: Moment) -> None:
        self._coroutine = coroutine
        self._left = step
        self._moment = moment

    def __await__(self) -> Generator[Any, Any, T]:
        waited: Any = None
        caught: BaseException | None = None
        while True:
            try:
                waited = self._coroutine.send(None) if caught is None else self._coroutine.throw(caught)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]  # what the coroutine returns
            caught = None
            self._left -= 1
            if not self._left:
                self._cancel(waited)
            try:
                yield waited
            except BaseException as error:
                caught = error

    def _cancel(self, waited: asyncio.Future[Any] | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._moment == "done" and waited is not None:
            # Before the task's own callback, which wakes it.
            waited.add_done_callback(lambda _: task.cancel())
        else:
            asyncio.get_running_loop().call_soon(task.cancel)
