"""What a waiting task waits for: a future as far as tasks use one, whose result can wake within the call."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from wssdk.wire.waiter import Waiter

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="nobody")


class NotingLoop:
    """Keeps what it is to call."""

    def __init__(self) -> None:
        self.soon: list[tuple[Callable[[Any], object], Any, Any]] = []
        self.task: object = None

    def call_soon(self, fn: Callable[[Any], object], *args: Any, context: Any = None) -> None:
        self.soon.append((fn, args, context))

    def current_task(self, loop: object) -> object:
        assert loop is self
        return self.task

    def waiter(self, direct: bool = True) -> Waiter:
        return Waiter(self, self.current_task, asyncio.CancelledError, direct)


@pytest.fixture
def loop() -> NotingLoop:
    return NotingLoop()


def test_belongs_to_its_loop(loop: NotingLoop) -> None:
    assert loop.waiter().get_loop() is loop


def test_tells_tasks_that_it_is_to_be_waited_for(loop: NotingLoop) -> None:
    assert loop.waiter()._asyncio_future_blocking is True  # the name that asyncio's tasks go by


def test_not_over_at_first(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    assert (waiter.done(), waiter.cancelled()) == (False, False)


def test_over_with_a_result(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    waiter.set_result(None)
    assert (waiter.done(), waiter.cancelled()) == (True, False)


def test_result_is_nothing(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    waiter.set_result(None)
    waiter.result()
    waiter.exception()


def test_result_calls_back_within(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[Waiter]()
    waiter.add_done_callback(seen.append)
    waiter.set_result(None)
    assert (seen, loop.soon) == ([waiter], [])


def test_callback_runs_in_its_context(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[str]()
    context = contextvars.copy_context()
    context.run(NAME.set, "callback")
    waiter.add_done_callback(lambda _: seen.append(NAME.get()), context=context)
    waiter.set_result(None)
    assert (seen, NAME.get()) == (["callback"], "nobody")


def test_callback_whose_context_is_entered_already_is_scheduled(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[Waiter]()
    context = contextvars.copy_context()
    waiter.add_done_callback(seen.append, context=context)
    context.run(waiter.set_result, None)
    assert (seen, loop.soon) == ([], [(seen.append, (waiter,), context)])


@pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("context", [None, contextvars.copy_context()], ids=["bare", "in a context"])
def test_error_of_the_callback_comes_out(loop: NotingLoop, error: type[BaseException], context: Any) -> None:
    waiter = loop.waiter()

    def fail(_: Waiter) -> None:
        raise error

    waiter.add_done_callback(fail, context=context)
    with pytest.raises(error):
        waiter.set_result(None)
    assert (waiter.done(), loop.soon) == (True, [])


def test_callback_while_a_task_runs_is_scheduled(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[Waiter]()
    waiter.add_done_callback(seen.append)
    loop.task = object()
    waiter.set_result(None)
    assert (seen, loop.soon) == ([], [(seen.append, (waiter,), None)])


def test_callback_is_scheduled_where_that_is_asked_for(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(direct=False), list[Waiter]()
    waiter.add_done_callback(seen.append)
    waiter.set_result(None)
    assert (seen, loop.soon) == ([], [(seen.append, (waiter,), None)])


def test_callbacks_of_several_are_scheduled_in_order(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    context = contextvars.copy_context()
    first, second, third = [lambda _, n=n: n for n in range(3)]
    waiter.add_done_callback(first)
    waiter.add_done_callback(second, context=context)
    waiter.add_done_callback(third)
    waiter.set_result(None)
    assert loop.soon == [(first, (waiter,), None), (second, (waiter,), context), (third, (waiter,), None)]


def test_callback_added_when_it_is_over_is_scheduled(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[Waiter]()
    waiter.set_result(None)
    waiter.add_done_callback(seen.append)
    assert (seen, loop.soon) == ([], [(seen.append, (waiter,), None)])


def test_callback_that_was_taken_back_is_not_called(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[Waiter]()
    waiter.add_done_callback(seen.append)
    assert waiter.remove_done_callback(seen.append) == 1
    waiter.set_result(None)
    assert (seen, loop.soon) == ([], [])


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_taken_back_as_often_as_it_was_added(loop: NotingLoop, times: int) -> None:
    waiter, other = loop.waiter(), list[Waiter]()
    for _ in range(times):
        waiter.add_done_callback(print)
    waiter.add_done_callback(other.append)
    removed = waiter.remove_done_callback(print)
    waiter.cancel()
    assert (removed, [call[0] for call in loop.soon]) == (times, [other.append])


def test_cancelled_is_over(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    assert (waiter.cancel(), waiter.done(), waiter.cancelled()) == (True, True, True)


@pytest.mark.parametrize("ask", [Waiter.result, Waiter.exception])
def test_cancelled_has_no_result(loop: NotingLoop, ask: Callable[[Waiter], None]) -> None:
    waiter = loop.waiter()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        ask(waiter)
    assert caught.value.args == ()


def test_cancelled_with_a_message_tells_it(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    waiter.cancel(msg="why")
    with pytest.raises(asyncio.CancelledError, match="why"):
        waiter.result()


def test_cancelling_calls_back_by_the_loop(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[Waiter]()
    waiter.add_done_callback(seen.append)
    waiter.cancel()
    assert (seen, loop.soon) == ([], [(seen.append, (waiter,), None)])


def test_cancelling_twice_calls_back_once(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    waiter.add_done_callback(print)
    waiter.cancel()
    assert (waiter.cancel(), len(loop.soon)) == (False, 1)


def test_what_is_over_is_not_cancelled(loop: NotingLoop) -> None:
    waiter = loop.waiter()
    waiter.set_result(None)
    assert (waiter.cancel(), waiter.cancelled()) == (False, False)


def test_callback_may_look_at_the_waiter(loop: NotingLoop) -> None:
    waiter, seen = loop.waiter(), list[bool]()
    waiter.add_done_callback(lambda over: seen.append(over.done()))
    waiter.set_result(None)
    assert seen == [True]


async def test_task_can_await_it() -> None:
    waiter = Waiter(asyncio.get_running_loop(), asyncio.current_task, asyncio.CancelledError, True)

    class Once:
        def __await__(self) -> Any:
            yield waiter

    async def wait() -> str:
        await Once()
        return "woken"

    task = asyncio.create_task(wait())
    asyncio.get_running_loop().call_later(0, waiter.set_result, None)
    assert await task == "woken"
