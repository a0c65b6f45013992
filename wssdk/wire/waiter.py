"""What a task waits for while its receiver has nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

__all__ = ["Waiter"]


class Waiter:
    """What a task waits for while there is no message: as much of a future as asyncio's tasks use.

    ``direct``: the task is woken inside :meth:`set_result`, in its own context, and not by the event
    loop's next iteration. Where a task runs already (``current_task``), it is the next iteration again.
    """

    def __init__(
        self,
        loop: Any,
        current_task: Callable[[Any], Any],
        cancelled_error: Callable[..., BaseException],
        direct: bool,
    ) -> None:
        self._loop = loop
        self._current_task = current_task
        self._cancelled_error = cancelled_error
        self._direct = direct
        self._asyncio_future_blocking = True
        self._callback: Callable[[Any], object] | None = None
        self._context: Context | None = None
        self._others: list[tuple[Callable[[Any], object], Context | None]] | None = None
        self._done = False
        self._cancelled = False
        self._message: Any = None

    def get_loop(self) -> Any:
        """Return the event loop."""
        return self._loop

    def done(self) -> bool:
        """Tell whether the waiting is over."""
        return self._done

    def cancelled(self) -> bool:
        """Tell whether it was cancelled."""
        return self._cancelled

    def result(self) -> None:
        """Return nothing.

        Raises:
            CancelledError: it was cancelled.
        """
        if self._cancelled:
            raise self._cancelled_error() if self._message is None else self._cancelled_error(self._message)

    def exception(self) -> None:
        """Return None: waiting does not fail.

        Raises:
            CancelledError: it was cancelled.
        """
        self.result()

    def add_done_callback(self, fn: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call ``fn`` once the waiting is over."""
        if self._done:
            self._loop.call_soon(fn, self, context=context)
        elif self._callback is None:
            self._callback = fn
            self._context = context
        else:
            if self._others is None:
                self._others = []
            self._others.append((fn, context))

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """Take ``fn`` back; return how many times it was there."""
        removed = 0
        if self._others is not None:
            before = len(self._others)
            self._others = [other for other in self._others if other[0] != fn]
            removed = before - len(self._others)
        if self._callback is not None and self._callback == fn:
            self._callback = self._context = None
            removed += 1
        return removed

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the waiting; tell whether it was not over."""
        if self._done:
            return False
        self._done = True
        self._cancelled = True
        self._message = msg
        self._schedule()
        return True

    def set_result(self, result: None) -> None:
        """End the waiting."""
        self._done = True
        callback = self._callback
        if callback is None:
            return
        if not self._direct or self._others is not None or self._current_task(self._loop) is not None:
            self._schedule()
            return
        context = self._context
        self._callback = self._context = None
        if context is None:
            callback(self)
            return
        try:
            context.run(callback, self)
        except RuntimeError:
            if not _is_entered(context):
                raise
            # The read itself runs in the task's context, which cannot be entered twice.
            self._loop.call_soon(callback, self, context=context)

    def _schedule(self) -> None:
        callback, context, others = self._callback, self._context, self._others
        self._callback = self._context = self._others = None
        if callback is not None:
            self._loop.call_soon(callback, self, context=context)
        if others is not None:
            for other in others:
                self._loop.call_soon(other[0], self, context=other[1])


def _is_entered(context: Context) -> bool:
    try:
        context.run(bool)
    except RuntimeError:
        return True
    return False
