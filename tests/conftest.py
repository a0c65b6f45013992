"""What every test is held to: nothing leaks, nothing fails unseen, and needs are met or named."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

import wssdk
from tests.support.compiled import why_unfit
from tests.support.software import missing

_REQUIRE: Final = "WSSDK_REQUIRE_SOFTWARE"
# Connections of a server that has just been left may still be running their last step.
_GRACE: Final = 0.5


# Which form of the wire is tested: the tests' own processes are to run the same.
_KEPT: Final = "WSSDK_PURE"


def pytest_configure() -> None:
    """Refuse to test compiled files that are not those of the sources."""
    if reason := why_unfit():
        pytest.exit(reason, returncode=pytest.ExitCode.USAGE_ERROR)


def pytest_report_header() -> str:
    """Say which form of the wire is tested."""
    return f"wssdk: {'compiled' if wssdk.COMPILED else 'pure'} wire"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose ``needs`` are not met; fail it where the environment requires them."""
    for marker in item.iter_markers("needs"):
        for software in marker.args:
            reason = missing(software)
            if reason is None:
                continue
            if os.environ.get(_REQUIRE):
                pytest.fail(f"needs {software}: {reason} ({_REQUIRE} is set)", pytrace=False)
            pytest.skip(f"needs {software}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Take what was imported out of the collector's sight: it runs after every test."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let the last collection, pytest's own, see everything again."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def environment_is_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own configuration, and the switches of this suite, out of the tests."""
    for name in list(os.environ):
        if (name.startswith("WSSDK_") and name != _KEPT) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def garbage_is_collected() -> Iterator[None]:
    """Make what a test dropped unclosed warn now, in that test: warnings are errors.

    Set up before everything else and so torn down after it, the event loop included. What is left then is
    not looked at again until the session ends, or each test would pay for all those before it.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def loop_is_watched(garbage_is_collected: None, request: pytest.FixtureRequest) -> None:
    """Watch the event loop of tests that have one."""
    hypothesis = getattr(request.function, "hypothesis", None)
    test = request.function if hypothesis is None else hypothesis.inner_test
    if inspect.iscoroutinefunction(test):
        request.getfixturevalue("watched_loop")


@pytest.fixture
async def watched_loop() -> AsyncIterator[None]:
    """Fail the test on tasks it leaves behind and on errors that only the loop's handler saw."""
    loop = asyncio.get_running_loop()
    unseen: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unseen.append(context))
    mine = asyncio.all_tasks()
    yield
    mine.add(_current_task())
    if left := asyncio.all_tasks() - mine:
        _, left = await asyncio.wait(left, timeout=_GRACE)
    names = sorted(map(repr, left))
    gc.collect()  # "Task exception was never retrieved" is said by the task's end
    assert not names, f"tasks left behind: {names}"
    assert not unseen, f"errors that nobody saw: {unseen}"


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
