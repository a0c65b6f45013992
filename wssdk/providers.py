"""Functions that are asked at every opening for fresh headers and URIs: who ask together share the answer.

A factory opens many connections. When they all drop at once, they all ask for a token at once, and
each asking may cost a request to somebody, or end the life of the token before. So those who ask while
an answer is on its way share it (single flight). An answer is not kept for those who ask later, with one
exception: whoever is refused (401) with an old answer takes the answer that another one's refusal brought
in the meantime, instead of having it replaced by yet another.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import attrs

from wssdk.ports import ConnectAttempt

__all__ = ["Answer", "Provider", "name_of", "telling"]

_T = TypeVar("_T")

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def name_of(function: object) -> str:
    """Return what errors call a provider."""
    return getattr(function, "__qualname__", None) or repr(function)


def telling(function: Callable[..., Any]) -> Callable[[ConnectAttempt], Any]:
    """Return ``function`` as one that is told the attempt, where it must be given one argument.

    One that needs none is called without: a parameter with a default is the function's own business.

    Raises:
        TypeError: it must be given more.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C do not tell
        parameters = ()  # type: ignore[assignment]  # nothing to iterate over
    needed = [parameter for parameter in parameters if parameter.default is inspect.Parameter.empty]
    positional = [parameter for parameter in needed if parameter.kind in _POSITIONAL]
    if len(positional) > 1 or any(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in needed):
        names = ", ".join(parameter.name for parameter in needed)
        raise TypeError(f"{name_of(function)} must take one argument, the attempt, or none; it needs {names}")
    return function if positional else lambda attempt: function()


@attrs.frozen(eq=False)
class Answer(Generic[_T]):
    """What a provider answered, and how fresh it is."""

    value: _T = attrs.field(repr=False)
    """May be a secret."""
    number: int
    """Counts the times that the provider was asked: the higher, the fresher."""


@attrs.define(eq=False)
class _Flight(Generic[_T]):
    """An answer on its way."""

    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[_T]
    number: int
    forced: bool
    waiting: int = 0
    shared: bool = False
    """Several have waited for it."""


class Provider(Generic[_T]):
    """A function, plain or coroutine, that is asked at every opening of a factory.

    Those who ask while an answer is on its way get that one; it was asked for by the first of them, in
    whose context it runs, and is told the first one's attempt. Where asking fails, it fails for all of
    them. Each loop has its own answers on their way.

    Args:
        function: what is asked.
        accept: makes the value of an answer, or raises what is wrong with it.
    """

    def __init__(self, function: Callable[..., Any], accept: Callable[[object], _T]) -> None:
        self._ask = telling(function)
        self._accept = accept
        self._asked = 0
        self._usual: _Flight[_T] | None = None
        self._forced: _Flight[_T] | None = None
        self._refreshed: Answer[_T] | None = None

    async def ask(self, attempt: ConnectAttempt, refused: Answer[_T] | None = None) -> Answer[_T]:
        """Return an answer; a fresher one than ``refused``, which the peer did not take.

        Cancelling one that waits changes nothing for the others. The last one takes the asking with it, and
        waits until it has come to an end.

        Raises:
            Exception: what the function raised.
        """
        if attempt.refresh:
            kept = self._refreshed
            if kept is not None and refused is not None and kept.number > refused.number:
                return kept
        flight = self._on_its_way(attempt.refresh)
        if flight is None:
            self._asked += 1
            number = self._asked
            answer = self._ask(attempt)
            if not inspect.isawaitable(answer):
                return self._note(Answer(self._accept(answer), number), attempt.refresh)
            flight = self._start(answer, number, attempt.refresh)
        value = await self._wait_for(flight)
        return self._note(Answer(value, flight.number), flight.forced)

    def _on_its_way(self, refresh: bool) -> _Flight[_T] | None:
        """Return the flight to join: a forced one is good for all, the usual one not for the refused."""
        loop = asyncio.get_running_loop()
        for flight in (self._forced,) if refresh else (self._forced, self._usual):
            if flight is not None and flight.loop is loop and not flight.task.done():
                return flight
        return None

    def _start(self, answer: Awaitable[object], number: int, refresh: bool) -> _Flight[_T]:
        async def fly() -> _T:
            return self._accept(await answer)

        loop = asyncio.get_running_loop()
        flight = _Flight(loop, loop.create_task(fly()), number, refresh)
        flight.task.add_done_callback(_look_at)
        if refresh:
            self._forced = flight
        else:
            self._usual = flight
        return flight

    async def _wait_for(self, flight: _Flight[_T]) -> _T:
        flight.shared |= flight.waiting > 0
        flight.waiting += 1
        try:
            await asyncio.wait((flight.task,))  # which leaves the task alone when it is cancelled
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._forget(flight)
                if not flight.task.done():
                    flight.task.cancel()
                    await asyncio.wait((flight.task,))
        error = None if flight.task.cancelled() else flight.task.exception()
        if flight.shared and isinstance(error, Exception):
            raise _copy(error)
        return flight.task.result()

    def _forget(self, flight: _Flight[_T]) -> None:
        if self._usual is flight:
            self._usual = None
        if self._forced is flight:
            self._forced = None

    def _note(self, answer: Answer[_T], refreshed: bool) -> Answer[_T]:
        if refreshed and (self._refreshed is None or answer.number > self._refreshed.number):
            self._refreshed = answer
        return answer


def _copy(error: Exception) -> Exception:
    """Return an error for one of several who are told the same: each has notes of its own added to it.

    One that cannot be copied is told to all as it is.
    """
    try:
        copied = copy.copy(error)
        is_like = type(copied) is type(error) and str(copied) == str(error)
    except Exception:  # made in a way of its own, with arguments that nobody knows any more
        return error
    if not is_like:
        return error
    copied.__cause__, copied.__context__ = error.__cause__, error.__context__
    copied.__suppress_context__ = error.__suppress_context__
    if notes := getattr(error, "__notes__", None):
        copied.__notes__ = list(notes)
    return copied.with_traceback(error.__traceback__)


def _look_at(task: asyncio.Task[Any]) -> None:
    # Else the event loop complains where nobody was left to take the error.
    if not task.cancelled():
        task.exception()
