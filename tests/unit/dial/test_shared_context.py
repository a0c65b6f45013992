from __future__ import annotations

import asyncio
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.until import until
from wssdk.dial.shared_context import SharedContext
from wssdk.errors import ConfigError

# One context for all.


class Builder:
    """Builds a context, as often as it is let; counts."""

    def __init__(self, *outcomes: ssl.SSLContext | Exception) -> None:
        self.outcomes = list(outcomes)
        self.threads: list[int] = []
        self.may_go_on = threading.Event()

    def __call__(self) -> ssl.SSLContext:
        self.threads.append(threading.get_ident())
        assert self.may_go_on.wait(5)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def test_concurrent_callers_share_one_building(context: ssl.SSLContext) -> None:
    build = Builder(context)
    shared = SharedContext(build)
    callers = [asyncio.ensure_future(shared.get()) for _ in range(20)]
    await asyncio.sleep(0)
    build.may_go_on.set()
    assert {id(got) for got in await asyncio.gather(*callers)} == {id(context)}
    assert len(build.threads) == 1


async def test_it_is_built_off_the_event_loop(context: ssl.SSLContext) -> None:
    build = Builder(context)
    build.may_go_on.set()
    await SharedContext(build).get()
    assert build.threads != [threading.get_ident()]


async def test_what_is_built_is_kept(context: ssl.SSLContext) -> None:
    build = Builder(context)
    build.may_go_on.set()
    shared = SharedContext(build)
    assert await shared.get() is await shared.get()


async def test_a_cancelled_caller_does_not_stop_the_others(context: ssl.SSLContext) -> None:
    build = Builder(context)
    shared = SharedContext(build)
    first, second = (asyncio.ensure_future(shared.get()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    build.may_go_on.set()
    assert await second is context
    assert first.cancelled()


async def test_cancelled_while_the_pool_is_busy_it_is_still_built(context: ssl.SSLContext) -> None:
    build = Builder(context)
    build.may_go_on.set()
    shared = SharedContext(build)
    busy = threading.Event()
    pool = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(pool)
    blocking = pool.submit(busy.wait, 5)
    caller = asyncio.ensure_future(shared.get())
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.sleep(0)
    busy.set()
    assert await shared.get() is context
    assert blocking.result()


async def test_a_failure_reaches_every_caller_and_is_not_kept(context: ssl.SSLContext) -> None:
    build = Builder(ConfigError([]), context)
    shared = SharedContext(build)
    callers = [asyncio.ensure_future(shared.get()) for _ in range(3)]
    await asyncio.sleep(0)
    build.may_go_on.set()
    failures = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(failure) for failure in failures] == [ConfigError] * 3
    assert await shared.get() is context


async def test_event_loops_share_it(context: ssl.SSLContext) -> None:
    build = Builder(context)
    shared = SharedContext(build)
    here = asyncio.ensure_future(shared.get())
    there = asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(shared.get()))
    await until(lambda: build.threads)
    build.may_go_on.set()
    assert await there is await here
    assert len(build.threads) == 1


async def test_without_threads_the_next_call_tries_again(context: ssl.SSLContext) -> None:
    build = Builder(context)
    build.may_go_on.set()
    shared = SharedContext(build)
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    loop.set_default_executor(pool)
    with pytest.raises(RuntimeError, match="shutdown"):
        await shared.get()
    loop.set_default_executor(ThreadPoolExecutor(1))
    assert await shared.get() is context
