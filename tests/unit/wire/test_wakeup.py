"""How a task waits and is woken: within the call, on a future that is used again."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Generator
from typing import Any

import pytest

from wssdk.wire.wakeup import Wakeup

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="nobody")


def made(direct: bool = True) -> Wakeup:
    return Wakeup(asyncio.get_running_loop().create_future, asyncio.current_task, direct)


class Nap:
    """Waits once, as a receiver does."""

    def __init__(self, wakeup: Wakeup) -> None:
        self._wakeup = wakeup

    def __await__(self) -> Generator[Any, None, None]:
        yield self._wakeup.sleep()


async def nap(wakeup: Wakeup, then: Callable[[], object] = bool) -> str:
    await Nap(wakeup)
    then()
    return NAME.get()


async def asleep(wakeup: Wakeup, then: Callable[[], object] = bool, **keywords: Any) -> asyncio.Task[str]:
    """Return a task that sleeps."""
    task = asyncio.get_running_loop().create_task(nap(wakeup, then), **keywords)
    await asyncio.sleep(0)
    assert wakeup.asleep
    return task


def seen_after(call: Callable[[], object], seen: list[str]) -> list[str]:
    """Return what was seen as soon as a call returned."""
    call()
    return list(seen)


async def outside(call: Callable[[], object]) -> object:
    """Return what a call returns, or the error that comes out, made where no task runs."""
    done = asyncio.get_running_loop().create_future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_result(error)

    asyncio.get_running_loop().call_soon(run)
    result: object = await done
    return result


async def test_future_is_pending() -> None:
    assert not made().sleep().done()


async def test_future_tells_tasks_that_it_is_to_be_waited_for() -> None:
    assert made().sleep()._asyncio_future_blocking is True  # the name that asyncio's tasks go by


async def test_woken_within_the_call() -> None:
    wakeup, seen = made(), list[str]()
    task = await asleep(wakeup, lambda: seen.append("woken"))
    assert await outside(lambda: seen_after(wakeup.wake, seen)) == ["woken"]
    await task


async def test_woken_by_the_loop_where_that_is_asked_for() -> None:
    wakeup, seen = made(direct=False), list[str]()
    task = await asleep(wakeup, lambda: seen.append("woken"))
    assert await outside(lambda: seen_after(wakeup.wake, seen)) == []
    await task
    assert seen == ["woken"]


async def test_woken_by_the_loop_where_a_task_runs() -> None:
    wakeup, seen = made(), list[str]()
    task = await asleep(wakeup, lambda: seen.append("woken"))
    wakeup.wake()
    assert seen == []
    await task
    assert seen == ["woken"]


async def test_woken_by_the_loop_where_its_context_is_entered() -> None:
    wakeup, seen, context = made(), list[str](), contextvars.copy_context()
    task = await asleep(wakeup, lambda: seen.append("woken"), context=context)
    assert await outside(lambda: seen_after(lambda: context.run(wakeup.wake), seen)) == []
    await task
    assert seen == ["woken"]


async def test_woken_in_its_own_context() -> None:
    wakeup, context = made(), contextvars.copy_context()
    context.run(NAME.set, "task")
    task = await asleep(wakeup, context=context)
    await outside(wakeup.wake)
    assert (await task, NAME.get()) == ("task", "nobody")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_what_leaves_a_task_comes_out(kind: type[BaseException]) -> None:
    wakeup = made()

    def fail() -> None:
        raise kind

    task = await asleep(wakeup, fail)
    assert isinstance(await outside(wakeup.wake), kind)
    with pytest.raises(kind):
        task.result()


async def test_error_of_the_task_stays_in_it() -> None:
    wakeup = made()

    def fail() -> None:
        raise RuntimeError("the task's own")

    task = await asleep(wakeup, fail)
    assert await outside(wakeup.wake) is None
    with pytest.raises(RuntimeError, match="the task's own"):
        await task


async def test_future_is_used_again() -> None:
    wakeup = made()
    task = await asleep(wakeup)
    first = wakeup.sleep()
    await outside(wakeup.wake)
    assert (await task, wakeup.sleep() is first) == ("nobody", True)


async def test_future_that_the_loop_woke_by_is_not_used_again() -> None:
    wakeup = made(direct=False)
    first = wakeup.sleep()
    wakeup.wake()
    assert (first.done(), wakeup.sleep() is first) == (True, False)


async def test_cancelled_task_is_left_alone() -> None:
    wakeup, seen = made(), list[str]()
    task = await asleep(wakeup, lambda: seen.append("woken"))
    task.cancel()
    wakeup.wake()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == []


async def test_cancelled_between_the_call_and_the_loop() -> None:
    wakeup, seen = made(), list[str]()
    context = contextvars.copy_context()
    task = await asleep(wakeup, lambda: seen.append("woken"), context=context)
    await outside(lambda: (context.run(wakeup.wake), task.cancel()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == []


async def test_sleeps_again_after_a_cancelled_sleep() -> None:
    wakeup = made()
    task = await asleep(wakeup)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    wakeup.give_up()
    task = await asleep(wakeup)
    await outside(wakeup.wake)
    assert await task == "nobody"


async def test_callbacks_of_several_are_called_in_order() -> None:
    wakeup, seen = made(), list[int]()
    future = wakeup.sleep()
    for n in range(3):
        future.add_done_callback(lambda _, n=n: seen.append(n))
    await outside(wakeup.wake)
    await asyncio.sleep(0)
    assert seen == [0, 1, 2]


async def test_callback_that_is_not_of_a_task_gets_the_future_itself() -> None:
    wakeup, seen = made(), list[object]()
    future = wakeup.sleep()
    future.add_done_callback(lambda over: seen.append((over is future, over.done())))
    await outside(wakeup.wake)
    await asyncio.sleep(0)
    assert seen == [(True, True)]


async def test_over_once_it_is_woken() -> None:
    wakeup = made()
    wakeup.sleep()
    before = wakeup.is_over()
    wakeup.wake()
    assert (before, wakeup.is_over()) == (False, True)


async def test_over_once_it_is_cancelled() -> None:
    wakeup = made()
    wakeup.sleep().cancel()
    assert (wakeup.is_over(), wakeup.asleep) == (True, True)


async def test_over_once_it_is_given_up() -> None:
    wakeup = made()
    wakeup.sleep()
    wakeup.give_up()
    assert (wakeup.is_over(), wakeup.asleep) == (True, False)


async def test_the_future_forgets_a_task_that_was_woken_directly() -> None:
    forgotten: list[Any] = []
    loop = asyncio.get_running_loop()
    wakeup = Wakeup(
        loop.create_future, asyncio.current_task, True, lambda future, task: forgotten.append(task)
    )
    task = await asleep(wakeup)
    await outside(wakeup.wake)
    assert forgotten == [task]
