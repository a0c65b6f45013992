"""How a task waits for messages, and how it is woken."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from types import BuiltinFunctionType
from typing import Any

__all__ = ["Wakeup"]


class Wakeup:
    """Has one task at a time wait, on a future that is used again and again, and wakes it.

    ``direct``: the task is woken inside :meth:`wake`, in its own context, and not by the event loop's next
    iteration. Where a task runs already (``current_task``), it is the next iteration again.

    The future is one of asyncio's own, for which its tasks have a way that is several times faster than
    the one for objects that look like futures. A task that is woken directly has its callback taken from
    the future, which stays pending for the next time; the callback is given a future that is done.

    ``forget(future, task)``: where futures know the tasks that wait for them (Python 3.14), it has the future
    forget one. A task that was woken does so itself, but with the future that it was given.
    """

    def __init__(
        self,
        new_future: Callable[[], Any],
        current_task: Callable[[], Any],
        direct: bool,
        forget: Callable[[Any, Any], object] | None = None,
    ) -> None:
        self._new_future = new_future
        self._current_task = current_task
        self._direct = direct
        self._forget = forget
        self._future: Any = None
        self._past: Any = None
        self.asleep = False
        """A task was told to wait, and not woken."""

    def sleep(self) -> Any:
        """Return the future for the task to wait for."""
        if self._future is None:
            self._future = self._new_future()
        # What "await" does: it tells the task that the future is meant for it.
        self._future._asyncio_future_blocking = True
        self.asleep = True
        return self._future

    def is_over(self) -> bool:
        """Tell whether there is nothing to wait for any more: woken, or cancelled."""
        return not self.asleep or self._future.done()

    def give_up(self) -> None:
        """Wait no longer; the future will not be used again."""
        self.asleep = False
        self._future = None

    def wake(self) -> None:
        """Wake the task; nothing happens where it was cancelled."""
        self.asleep = False
        future = self._future
        callbacks = future._callbacks if self._direct else None
        if not callbacks or len(callbacks) > 1:
            self._schedule()
            return
        callback: Any
        context: Context
        callback, context = callbacks[0]
        # That of a task in C. Others may look closer at what they are given.
        if type(callback) is not BuiltinFunctionType:
            self._schedule()
            return
        if self._past is None:
            self._past = self._new_future()
            self._past.set_result(None)
        future.remove_done_callback(callback)
        if self._forget is not None:
            self._forget(future, callback.__self__)
        try:
            context.run(callback, self._past)
        except RuntimeError:
            # Not the task's: what is raised in it stays in it. A task cannot be entered within another, nor
            # a context twice, in which the read itself runs.
            if self._current_task() is None and not _is_entered(context):
                raise
            future.add_done_callback(callback, context=context)
            self._schedule()

    def _schedule(self) -> None:
        """Have the event loop wake the task; from then on the future is used up."""
        future, self._future = self._future, None
        if not future.done():
            future.set_result(None)


def _is_entered(context: Context) -> bool:
    try:
        context.run(bool)
    except RuntimeError:
        return True
    return False
