"""Who ask together share the answer."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.until import until
from wssdk.ports import ConnectAttempt
from wssdk.providers import Answer, Provider, name_of, telling

FIRST = ConnectAttempt()
REFRESH = ConnectAttempt(refresh=True)


class Source:
    """A coroutine function that answers when it is let."""

    def __init__(self) -> None:
        self.told: list[ConnectAttempt] = []
        self.gates: list[asyncio.Future[str]] = []
        self.cancelled = 0

    async def ask(self, attempt: ConnectAttempt) -> str:
        self.told.append(attempt)
        gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        try:
            return await gate
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def asked(self, times: int) -> None:
        """Wait until it was asked so many times."""
        await until(lambda: len(self.gates) == times)


def provider_of(function: Callable[..., Any]) -> Provider[str]:
    return Provider(function, str)


def ask(
    provider: Provider[str], attempt: ConnectAttempt = FIRST, refused: Answer[str] | None = None
) -> asyncio.Task[Answer[str]]:
    return asyncio.create_task(provider.ask(attempt, refused))


def never() -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


# What functions are told.


async def attempt_and_default(attempt: ConnectAttempt, more: int = 5) -> tuple[ConnectAttempt, int]:
    return attempt, more


async def test_function_of_one_parameter_is_told_the_attempt() -> None:
    assert telling(lambda attempt: attempt)(REFRESH) is REFRESH


async def test_function_of_no_parameters_is_called_without() -> None:
    assert telling(lambda: "answer")(FIRST) == "answer"


async def test_parameter_with_a_default_keeps_it() -> None:
    token = "kept"
    assert telling(lambda token=token: token)(FIRST) == "kept"


async def test_further_parameter_with_a_default_keeps_it() -> None:
    assert await telling(attempt_and_default)(FIRST) == (FIRST, 5)


async def test_method_is_told_the_attempt() -> None:
    source = Source()
    provider = provider_of(source.ask)
    asking = ask(provider, REFRESH)
    await source.asked(1)
    source.gates[0].set_result("answer")
    assert (await asking).value == "answer"
    assert source.told == [REFRESH]


def test_function_of_any_number_is_called_without() -> None:
    assert telling(lambda *args, **keywords: (args, keywords))(FIRST) == ((), {})


def test_object_that_can_be_called_is_told_the_attempt() -> None:
    class Asked:
        def __call__(self, attempt: ConnectAttempt) -> ConnectAttempt:
            return attempt

    assert telling(Asked())(REFRESH) is REFRESH


def test_builtin_is_called_without() -> None:
    assert telling(dict)(FIRST) == {}


@pytest.mark.parametrize(
    ("function", "told"),
    [(lambda a, b: None, "it needs a, b"), (lambda *, a: None, "it needs a")],
    ids=["two", "keyword"],
)
def test_function_that_needs_more_is_refused(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(TypeError, match=f"must take one argument, the attempt, or none; {told}"):
        telling(function)


def test_provider_is_called_by_its_name() -> None:
    assert name_of(Source.ask) == "Source.ask"


# Sharing.


async def test_who_ask_together_share_one_answer() -> None:
    source = Source()
    provider = provider_of(source.ask)
    asking = [ask(provider) for _ in range(5)]
    await source.asked(1)
    source.gates[0].set_result("answer")
    assert {(await each).value for each in asking} == {"answer"}
    assert len(source.told) == 1


async def test_who_asks_later_gets_an_answer_of_its_own() -> None:
    answers = iter(("one", "two"))

    async def function() -> str:
        return next(answers)

    provider = provider_of(function)
    assert [(await provider.ask(FIRST)).value for _ in range(2)] == ["one", "two"]


async def test_failure_is_that_of_all() -> None:
    source = Source()
    provider = provider_of(source.ask)
    asking = [ask(provider) for _ in range(3)]
    await source.asked(1)
    source.gates[0].set_exception(LookupError("no token"))
    done, _ = await asyncio.wait(asking)
    assert [type(each.exception()) for each in done] == [LookupError] * 3


async def failures_of_two(error: Exception) -> list[BaseException | None]:
    """Return what two who ask together are told."""
    source = Source()
    provider = provider_of(source.ask)
    asking = [ask(provider), ask(provider)]
    await source.asked(1)
    source.gates[0].set_exception(error)
    await asyncio.wait(asking)
    return [task.exception() for task in asking]


async def test_each_has_a_failure_of_its_own_to_add_notes_to() -> None:
    error = FileNotFoundError(2, "No such file", "token")
    error.add_note("of the provider")
    one, other = await failures_of_two(error)
    assert isinstance(one, FileNotFoundError)
    assert isinstance(other, FileNotFoundError)
    one.add_note("of the first")
    assert (other.__notes__, other.filename) == (["of the provider"], "token")


async def test_failure_that_is_shared_keeps_its_cause() -> None:
    error = OSError("down")
    error.__cause__ = KeyError("token")
    one, _ = await failures_of_two(error)
    assert one is not error
    assert one is not None
    assert one.__cause__ is error.__cause__


class Unlike(Exception):
    """Cannot be made again of what it says."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")


class Slotted(Exception):
    """Says what a copy does not have."""

    __slots__ = ("code",)
    code: int

    def __str__(self) -> str:
        return f"code {self.code}"


async def test_failure_that_cannot_be_copied_is_told_as_it_is() -> None:
    slotted = Slotted()
    slotted.code = 5
    for error in (Unlike(code=5), slotted):
        assert await failures_of_two(error) == [error, error]


async def test_failure_of_one_alone_is_told_as_it_is() -> None:
    source, error = Source(), OSError("down")
    asking = ask(provider_of(source.ask))
    await source.asked(1)
    source.gates[0].set_exception(error)
    await asyncio.wait([asking])
    assert asking.exception() is error


async def test_failure_is_not_kept() -> None:
    source = Source()
    provider = provider_of(source.ask)
    first = ask(provider)
    await source.asked(1)
    source.gates[0].set_exception(LookupError("no token"))
    await asyncio.wait([first])
    second = ask(provider)
    await source.asked(2)
    source.gates[1].set_result("answer")
    assert isinstance(first.exception(), LookupError)
    assert (await second).value == "answer"


async def test_answer_that_is_not_accepted_fails_for_all() -> None:
    source = Source()
    provider = Provider(source.ask, lambda answer: int(str(answer)))
    asking = [asyncio.create_task(provider.ask(FIRST)) for _ in range(2)]
    await source.asked(1)
    source.gates[0].set_result("no number")
    done, _ = await asyncio.wait(asking)
    assert [type(each.exception()) for each in done] == [ValueError] * 2


async def test_function_runs_in_the_context_of_who_asked_first() -> None:
    who = contextvars.ContextVar[str]("who")

    async def function() -> str:
        return who.get()

    who.set("me")
    assert (await provider_of(function).ask(FIRST)).value == "me"


def test_loops_share_nothing() -> None:
    async def function() -> str:
        await asyncio.sleep(0)
        return "answer"

    provider = provider_of(function)

    async def main() -> str:
        return (await provider.ask(FIRST)).value

    assert [asyncio.run(main()) for _ in range(2)] == ["answer", "answer"]


# Cancelling.


@pytest.mark.parametrize("turns", range(4))
async def test_cancelling_one_changes_nothing_for_the_others(turns: int) -> None:
    source = Source()
    provider = provider_of(source.ask)
    leaving, staying = ask(provider), ask(provider)
    for _ in range(turns):
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    await source.asked(1)
    source.gates[-1].set_result("answer")
    assert (await staying).value == "answer"
    assert (leaving.cancelled(), source.cancelled) == (True, 0)


async def test_cancelling_the_last_one_ends_the_asking() -> None:
    source = Source()
    provider = provider_of(source.ask)
    asking = [ask(provider), ask(provider)]
    await source.asked(1)
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)
    assert source.cancelled == 1


async def test_cancelling_the_last_one_waits_for_the_asking_to_end() -> None:
    ended = asyncio.Event()

    async def function() -> str:
        try:
            return await never()
        finally:
            await settle()
            ended.set()

    asking = ask(provider_of(function))
    await settle()
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert ended.is_set()


async def test_who_asks_after_the_last_one_was_cancelled_has_it_asked_anew() -> None:
    source = Source()
    provider = provider_of(source.ask)
    leaving = ask(provider)
    await source.asked(1)
    leaving.cancel()
    await asyncio.sleep(0)
    staying = ask(provider)
    await source.asked(2)
    source.gates[1].set_result("answer")
    assert (await staying).value == "answer"


async def test_failure_that_nobody_waits_for_is_no_complaint() -> None:
    async def function() -> str:
        try:
            return await never()
        finally:
            raise LookupError("on the way out")

    asking = ask(provider_of(function))
    await settle()
    asking.cancel()
    await asyncio.wait([asking])  # a complaint would fail the test
    assert asking.cancelled()


# Refreshing.


async def test_refused_do_not_take_an_answer_that_was_on_its_way() -> None:
    source = Source()
    provider = provider_of(source.ask)
    usual, refused = ask(provider), ask(provider, REFRESH)
    await source.asked(2)
    source.gates[0].set_result("old")
    source.gates[1].set_result("fresh")
    assert [(await usual).value, (await refused).value] == ["old", "fresh"]


async def test_refused_share_one_fresh_answer() -> None:
    source = Source()
    provider = provider_of(source.ask)
    asking = [ask(provider, REFRESH) for _ in range(3)]
    await source.asked(1)
    source.gates[0].set_result("fresh")
    assert {(await each).value for each in asking} == {"fresh"}


async def test_who_asks_while_a_fresh_answer_is_on_its_way_takes_it() -> None:
    source = Source()
    provider = provider_of(source.ask)
    asking = [ask(provider, REFRESH), ask(provider)]
    await source.asked(1)
    source.gates[0].set_result("fresh")
    assert {(await each).value for each in asking} == {"fresh"}


async def test_refused_with_an_older_answer_take_the_fresh_one_that_came_since() -> None:
    answers = iter(("old", "fresh", "too fresh"))
    provider = provider_of(lambda: next(answers))
    old = await provider.ask(FIRST)
    first = await provider.ask(REFRESH, old)
    second = await provider.ask(REFRESH, old)
    assert (first.value, second.value) == ("fresh", "fresh")


async def test_refused_with_the_fresh_answer_have_it_asked_anew() -> None:
    answers = iter(("old", "fresh", "fresher"))
    provider = provider_of(lambda: next(answers))
    old = await provider.ask(FIRST)
    fresh = await provider.ask(REFRESH, old)
    assert (await provider.ask(REFRESH, fresh)).value == "fresher"


async def test_fresh_answer_is_not_kept_for_others() -> None:
    answers = iter(("old", "fresh", "next"))
    provider = provider_of(lambda: next(answers))
    await provider.ask(REFRESH, await provider.ask(FIRST))
    assert (await provider.ask(FIRST)).value == "next"


async def test_answer_does_not_show_its_value() -> None:
    assert "s3cret" not in repr(await provider_of(lambda: "s3cret").ask(FIRST))
