from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.until import until
from wssdk.dial.shared_context import SharedContext
from wssdk.dial.tls_files import TlsFiles
from wssdk.errors import ConfigError, ConfigProblem

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


# Made anew when its files changed.


class Reader:
    """Builds a context each time, of what the file holds: "bad" cannot be used."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.read: list[str] = []

    def __call__(self) -> ssl.SSLContext:
        content = self.file.read_text()
        self.read.append(content)
        if content.startswith("bad"):
            raise ConfigError([ConfigProblem("", "tls.ca_file", content)])
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    file = tmp_path / "file"
    file.write_text("one")
    return Reader(file)


def shared_by(reader: Reader, again: Reader | None = None) -> SharedContext:
    return SharedContext(reader, again=again, files=TlsFiles((str(reader.file),)))


async def test_unchanged_files_are_read_once(reader: Reader) -> None:
    shared = shared_by(reader)
    assert await shared.get() is await shared.get()
    assert reader.read == ["one"]


async def test_changed_files_are_read_again(reader: Reader) -> None:
    shared = shared_by(reader)
    old = await shared.get()
    reader.file.write_text("other")
    new = await shared.get()
    assert new is not old
    assert await shared.get() is new
    assert reader.read == ["one", "other"]


async def test_concurrent_callers_share_one_reading_of_changed_files(reader: Reader) -> None:
    shared = shared_by(reader)
    await shared.get()
    reader.file.write_text("other")
    got = await asyncio.gather(*(shared.get() for _ in range(20)))
    assert (len({id(context) for context in got}), reader.read) == (1, ["one", "other"])


async def test_what_cannot_be_used_leaves_the_last_one_in_force(reader: Reader) -> None:
    shared = shared_by(reader)
    old = await shared.get()
    reader.file.write_text("bad")
    assert await shared.get() is old


async def test_a_file_that_is_gone_leaves_the_last_one_in_force(reader: Reader) -> None:
    shared = shared_by(reader)
    old = await shared.get()
    reader.file.unlink()
    assert await shared.get() is old


async def test_what_cannot_be_used_is_tried_at_every_call(reader: Reader) -> None:
    """What kept it from being read may leave no trace on the file."""
    shared = shared_by(reader)
    await shared.get()
    reader.file.write_text("bad")
    await shared.get()
    await shared.get()
    assert reader.read == ["one", "bad", "bad"]


async def test_what_can_be_used_again_comes_into_force(reader: Reader) -> None:
    shared = shared_by(reader)
    old = await shared.get()
    reader.file.write_text("bad")
    await shared.get()
    reader.file.write_text("good")
    assert await shared.get() is not old


async def test_each_reason_is_logged_once(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    shared = shared_by(reader)
    await shared.get()
    for content in ("bad", "bad", "bad too", "good", "bad"):
        reader.file.write_text(content)
        await shared.get()
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    begin = f"{str(reader.file)!r} changed and cannot be used; what was read before stays in force: "
    assert told == [begin + why for why in ("bad", "bad too", "bad")]


async def test_what_was_read_again_is_logged(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wssdk.client")
    shared = shared_by(reader)
    await shared.get()
    assert caplog.messages == []
    reader.file.write_text("other")
    await shared.get()
    assert caplog.messages == [f"{str(reader.file)!r} changed and was read again"]


async def test_further_times_are_built_in_their_own_way(reader: Reader) -> None:
    again = Reader(reader.file)
    shared = shared_by(reader, again)
    await shared.get()
    reader.file.write_text("other")
    await shared.get()
    assert (reader.read, again.read) == (["one"], ["other"])


async def test_what_changes_while_it_is_read_is_read_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    read: list[str] = []

    def build() -> ssl.SSLContext:
        read.append(file.read_text())
        if len(read) == 1:
            file.write_text("other")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    shared = SharedContext(build, files=TlsFiles((str(file),)))
    await shared.get()
    await shared.get()
    await shared.get()
    assert read == ["one", "other"]


async def test_an_older_building_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    contexts: dict[str, ssl.SSLContext] = {}
    slow = threading.Event()
    begun = threading.Event()

    def build() -> ssl.SSLContext:
        content = file.read_text()
        contexts[content] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if content == "two":
            begun.set()
            assert slow.wait(5)
        return contexts[content]

    shared = SharedContext(build, files=TlsFiles((str(file),)))
    await shared.get()
    file.write_text("two")
    older = asyncio.ensure_future(shared.get())
    await until(begun.is_set)
    file.write_text("three")
    newer = await shared.get()
    slow.set()
    assert (await older, newer) == (contexts["two"], contexts["three"])
    assert await shared.get() is newer
