from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer
from wssdk import ClientConfig, ConcurrencyError, ConfigError, watch_config
from wssdk.watching import ConfigWatch


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


class ActingClock:
    """A clock whose sleeps take no time; during each the next act is done, and after the last one no more."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], object]] = []
        self.sleeps: list[float] = []
        self.idle = asyncio.Event()

    def time(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if self.acts:
            self.acts.pop(0)()
        elif seconds >= 1:
            self.idle.set()
            await asyncio.get_running_loop().create_future()


def nothing() -> None:
    """What is done while nothing changes."""


def watch(file: str, clock: ActingClock, **environ: str) -> ConfigWatch:
    return watch_config(file, environ=environ, clock=clock)


async def opened(watched: ConfigWatch) -> float | None:
    return (await anext(watched)).timeouts.open


def text(seconds: int) -> str:
    return f'uri = "ws://h"\ntimeouts.open = {seconds}'


async def no_more(watched: ConfigWatch, clock: ActingClock) -> bool:
    """Whether no configuration comes while the clock goes on."""
    step = asyncio.ensure_future(anext(watched))
    idle = asyncio.ensure_future(clock.idle.wait())
    await asyncio.wait([step, idle], return_when=asyncio.FIRST_COMPLETED)
    came = step.done()
    for task in (step, idle):
        task.cancel()
    await asyncio.gather(step, idle, return_exceptions=True)
    return not came


async def test_the_first_one_is_the_configuration_as_it_is(write: Write) -> None:
    clock = ActingClock()
    file = write(text(5))
    assert await anext(watch(file, clock)) == ClientConfig.load(file, environ={})
    assert clock.sleeps == []


async def test_the_next_one_comes_when_the_file_has_changed(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    clock.acts = [nothing, nothing, lambda: write(text(2))]
    assert [await opened(watched), await opened(watched)] == [1, 2]
    assert clock.sleeps == [1, 1, 1, 0.1]


async def test_a_file_may_be_replaced_by_another(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    write(text(2), "new.toml")
    clock.acts = [lambda: os.replace("new.toml", "service.toml")]
    assert [await opened(watched), await opened(watched)] == [1, 2]


async def test_a_link_may_be_turned_to_another_folder(write: Write) -> None:
    # As Kubernetes mounts config maps: the file is a link through a folder that is a link.
    write(text(1), "v1/service.toml")
    write(text(2), "v2/service.toml")
    os.symlink("v1", "data")
    os.symlink("data/service.toml", "service.toml")
    clock = ActingClock()
    watched = watch("service.toml", clock)

    def turn() -> None:
        os.symlink("v2", "data.new")
        os.replace("data.new", "data")

    clock.acts = [turn]
    assert [await opened(watched), await opened(watched)] == [1, 2]


async def test_a_file_that_is_taken_away_and_written_anew_is_followed(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    clock.acts = [lambda: os.remove("service.toml"), lambda: write(text(2))]
    assert [await opened(watched), await opened(watched)] == [1, 2]


async def test_a_file_that_is_being_written_is_left_alone(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write('uri = "ws://h"\ntimeouts = { open = 1, close = 1 }'), clock)
    await anext(watched)
    half = 'uri = "ws://h"\n'
    clock.acts = [lambda: write(""), lambda: write(half), lambda: write(f"{half}timeouts.open = 2")]
    assert await opened(watched) == 2
    assert clock.sleeps == [1, 0.1, 0.1, 0.1]


async def test_a_wrong_one_is_told_once_and_the_last_good_one_holds(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    await anext(watched)
    wrong = 'uri = "ws://h"\ntimeouts.opne = 2\nauth.token = "hush'
    clock.acts = [lambda: write(wrong), nothing, nothing, nothing, lambda: write(text(3))]
    assert await opened(watched) == 3
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("wssdk.config", "ERROR")
    assert "the last good one holds:\nservice.toml:3:" in record.getMessage()
    assert "hush" not in record.getMessage()


async def test_one_that_is_wrong_from_the_start_is_an_error(write: Write) -> None:
    with pytest.raises(ConfigError, match="opne"):
        await anext(watch(write('uri = "ws://h"\ntimeouts.opne = 2'), ActingClock()))


async def test_after_that_error_it_may_be_asked_again(write: Write) -> None:
    watched = watch(write("uri = 5"), ActingClock())
    with pytest.raises(ConfigError):
        await anext(watched)
    write(text(1))
    assert await opened(watched) == 1


async def test_one_that_is_equal_to_the_last_is_not_given_again(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    await anext(watched)
    clock.acts = [lambda: write(f"# comment\n{text(1)}")]
    assert await no_more(watched, clock)


async def test_a_file_that_is_extended_is_watched_too(write: Write) -> None:
    write(text(1), "base.toml")
    clock = ActingClock()
    watched = watch(write('extends = ["base.toml"]'), clock)
    clock.acts = [lambda: write(text(2), "base.toml")]
    assert [await opened(watched), await opened(watched)] == [1, 2]


async def test_a_file_that_is_extended_from_now_on_is_watched_from_now_on(write: Write) -> None:
    write(text(2), "base.toml")
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    clock.acts = [lambda: write('extends = ["base.toml"]'), nothing, nothing]
    assert [await opened(watched), await opened(watched)] == [1, 2]
    clock.acts = [lambda: write(text(3), "base.toml")]
    assert await opened(watched) == 3


@pytest.mark.parametrize(
    "line",
    ['auth.token = { file = "secret" }', 'headers.Authorization = "Bearer ${file:secret}"'],
)
async def test_files_of_secrets_are_watched_too(write: Write, line: str) -> None:
    write("one", "secret")
    clock = ActingClock()
    watched = watch(write(f'uri = "ws://h"\n{line}'), clock)
    assert dict((await anext(watched)).header_items)["Authorization"] == "Bearer one"
    clock.acts = [lambda: write("two", "secret")]
    assert dict((await anext(watched)).header_items)["Authorization"] == "Bearer two"


async def test_the_file_of_a_variable_is_watched_too(write: Write) -> None:
    write("one", "secret")
    clock = ActingClock()
    watched = watch(write(text(1)), clock, WSSDK_AUTH__TOKEN_FILE="secret")
    await anext(watched)
    clock.acts = [lambda: write("two", "secret")]
    token = (await anext(watched)).auth.token
    assert token is not None
    assert token.reveal() == "two"


async def test_a_secret_that_is_missing_for_a_while_comes_back(write: Write) -> None:
    write("one", "secret")
    clock = ActingClock()
    watched = watch(write('uri = "ws://h"\nauth.token = { file = "secret" }'), clock)
    await anext(watched)
    clock.acts = [lambda: os.remove("secret"), nothing, nothing, lambda: write("two", "secret")]
    token = (await anext(watched)).auth.token
    assert token is not None
    assert token.reveal() == "two"


async def test_cancelling_a_step_loses_no_change(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    await anext(watched)
    assert await no_more(watched, clock)
    write(text(2))
    clock.acts = [nothing]
    assert await opened(watched) == 2


async def test_two_tasks_cannot_wait_at_once(write: Write) -> None:
    clock = ActingClock()
    watched = watch(write(text(1)), clock)
    await anext(watched)
    step = asyncio.ensure_future(anext(watched))
    await clock.idle.wait()
    with pytest.raises(ConcurrencyError):
        await anext(watched)
    step.cancel()
    await asyncio.gather(step, return_exceptions=True)


async def test_a_named_connection_is_watched(write: Write) -> None:
    clock = ActingClock()
    file = write('[connections.a]\nuri = "ws://a"')
    watched = watch_config(file, connection="a", environ={}, clock=clock, interval="2s")
    await anext(watched)
    clock.acts = [lambda: write('[connections.a]\nuri = "ws://b"')]
    assert (await anext(watched)).uri == "ws://b"
    assert clock.sleeps == [2, 0.1]


async def test_the_clock_is_that_of_the_event_loop(write: Write) -> None:
    watched = watch_config(write(text(1)), environ={}, interval=0.001)
    await anext(watched)
    write(text(2))
    assert (await asyncio.wait_for(anext(watched), 30)).timeouts.open == 2


@pytest.mark.parametrize("interval", [0, -1, "soon", None])
def test_an_interval_that_is_none_is_refused(interval: object) -> None:
    with pytest.raises(ValueError, match="interval must be a duration such as 1 or '500ms'"):
        watch_config("service.toml", interval=interval)  # type: ignore[arg-type]
