"""What becomes of several attempts: their count, their waits, the error that ends them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.connections import establish
from tests.support.dialer import HANG, FakeClock, Script, ScriptedDialer, agree, refuse
from tests.support.until import until
from wssdk.config import ClientConfig, Reconnect
from wssdk.connection.connection import ClientConnection
from wssdk.errors import ConnectionClosedError, InvalidStatus
from wssdk.factory import ConnectionFactory
from wssdk.ports import ConnectAttempt
from wssdk.reconnect import Attempts, ReconnectPolicy

URI = "ws://me:pa55word@example.com/?token=t0ken"
AGREE: Script = (agree(), HANG)
REFUSED: Script = ConnectionRefusedError("refused")


def factory_of(*scripts: Script, **collaborators: Any) -> tuple[ConnectionFactory, FakeClock]:
    clock = FakeClock()
    config = ClientConfig(uri=URI, reconnect=collaborators.pop("reconnect", Reconnect()))
    dialer = ScriptedDialer(*scripts)
    return ConnectionFactory(config, dialer=dialer, clock=clock, **collaborators), clock


def fails(*errors: Exception) -> Callable[[], Any]:
    """Return an ``open`` that fails, each time with the next of ``errors``."""
    left = iter(errors)

    async def open() -> ClientConnection:
        raise next(left)

    return open


def attempts_of(open: Callable[..., Any], section: Reconnect | None = None, jitter: float = 0.0) -> Attempts:
    logger = logging.getLogger("tests")
    policy = ReconnectPolicy(section or Reconnect(), logger, FakeClock(), jitter=lambda: jitter)
    return Attempts(open, policy, URI, "ws://shown/")


# The notes of the last error.


async def notes_of(*errors: Exception, max_attempts: int | None = None) -> list[str]:
    attempts = attempts_of(fails(*errors), Reconnect(max_attempts=max_attempts))
    with pytest.raises(type(errors[-1])) as caught:
        await attempts.next()
    return list(getattr(caught.value, "__notes__", []))


async def test_last_error_has_every_attempt_in_its_notes() -> None:
    assert await notes_of(OSError("one"), TimeoutError(), OSError("three"), max_attempts=3) == [
        "attempt 1, after 0.0 seconds: OSError: one",
        "attempt 2, after 0.0 seconds: TimeoutError",
        "attempt 3, after 3.0 seconds: OSError: three",
    ]


async def test_fatal_error_has_the_attempts_before_it_in_its_notes() -> None:
    notes = await notes_of(OSError("one"), ValueError("two"))
    assert [note.partition(": ")[2] for note in notes] == ["OSError: one", "ValueError: two"]


async def test_only_attempt_needs_no_notes() -> None:
    assert await notes_of(OSError("one"), max_attempts=1) == []


async def test_notes_are_without_secrets() -> None:
    notes = await notes_of(OSError(f"no way to {URI}"), OSError("two"), max_attempts=2)
    assert notes[0].endswith("OSError: no way to ws://shown/")


async def test_notes_have_a_bound() -> None:
    notes = await notes_of(*(OSError(str(number)) for number in range(150)), max_attempts=150)
    assert (len(notes), notes[0]) == (101, "attempts 1 to 50: left out")


async def test_notes_tell_of_connections_that_did_not_live() -> None:
    factory, _ = factory_of(AGREE, OSError("gone"), reconnect=Reconnect(max_attempts=2))
    connections = aiter(factory.connect())
    await anext(connections)
    with pytest.raises(OSError, match="gone") as caught:
        await anext(connections)
    assert caught.value.__notes__[0] == "attempt 1, after 0.0 seconds: opened, lasted 0.0 seconds"


async def test_hooks_error_has_the_notes() -> None:
    factory, _ = factory_of(
        OSError("one"),
        OSError("two"),
        process_exception=lambda error: None if str(error) == "one" else LookupError("fatal"),
    )
    with pytest.raises(LookupError) as caught:
        await anext(aiter(factory.connect()))
    assert len(caught.value.__notes__) == 2


# What counts as an attempt.


async def test_attempts_start_anew_after_a_connection_that_lived() -> None:
    factory, clock = factory_of(REFUSED, AGREE, REFUSED, AGREE, reconnect=Reconnect(max_attempts=2))
    connections = aiter(factory.connect())
    await anext(connections)
    clock.now += 5
    async with await anext(connections) as ws:
        assert not ws.closed


async def test_connection_that_did_not_live_counts_as_an_attempt() -> None:
    factory, _ = factory_of(AGREE, reconnect=Reconnect(max_attempts=3))
    assert len([ws async for ws in factory.connect()]) == 3


async def test_loss_of_the_last_connection_is_raised_with_all_attempts_in_its_notes() -> None:
    dialer = ScriptedDialer(AGREE)
    config = ClientConfig(uri=URI, reconnect=Reconnect(max_attempts=2))
    connections = aiter(ConnectionFactory(config, dialer=dialer, clock=FakeClock()).connect())
    for _ in range(2):
        ws = await anext(connections)
        dialer.pipe.lose()
        await ws.wait_closed()
    with pytest.raises(ConnectionClosedError) as raised:
        await anext(connections)
    notes = [re.sub(r"after \S+", "after ...", note) for note in raised.value.__notes__]
    assert notes == [f"attempt {number}, after ... seconds: opened, lasted 0.0 seconds" for number in (1, 2)]


@pytest.mark.parametrize("code", [1000, 4000])
async def test_close_of_the_loops_body_is_no_loss(code: int) -> None:
    factory, _ = factory_of(AGREE, reconnect=Reconnect(max_attempts=1))
    async for ws in factory.connect():
        await ws.close(code)
    assert ws.closed


async def test_loss_is_not_raised_where_there_was_to_be_but_one_connection() -> None:
    dialer = ScriptedDialer(AGREE)
    config = ClientConfig(uri=URI, reconnect=Reconnect(enabled=False))
    async for ws in ConnectionFactory(config, dialer=dialer, clock=FakeClock()).connect():
        dialer.pipe.lose()
        await ws.wait_closed()
    assert ws.closed


async def test_last_attempt_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    factory, _ = factory_of(OSError("one"), reconnect=Reconnect(max_attempts=1))
    with pytest.raises(OSError, match="one"):
        await anext(aiter(factory.connect()))
    shown = "ws://********@example.com/?token=********"
    assert caplog.messages == [f"attempt 1 to open {shown} failed, the last one: OSError: one"]


# What is told of the attempt.


async def test_open_is_told_the_attempt() -> None:
    told: list[ConnectAttempt] = []
    error = OSError("one")

    async def open(attempt: ConnectAttempt) -> ClientConnection:
        told.append(attempt)
        raise error if attempt.number == 1 else ValueError("fatal")

    with pytest.raises(ValueError, match="fatal"):
        await attempts_of(open).next()
    assert told == [ConnectAttempt(1), ConnectAttempt(2, last_error=error)]


async def test_attempt_that_is_cancelled_does_not_count() -> None:
    started = asyncio.Event()

    async def open() -> ClientConnection:
        started.set()
        never: asyncio.Future[ClientConnection] = asyncio.get_running_loop().create_future()
        return await never

    attempts = attempts_of(open)
    opening = asyncio.create_task(attempts.next())
    await started.wait()
    opening.cancel()
    await asyncio.wait([opening])
    assert attempts.attempt == ConnectAttempt(1)


# Retry-After.


@pytest.mark.parametrize("status", [429, 503])
async def test_wait_is_at_least_what_the_server_asks(status: int) -> None:
    factory, clock = factory_of((refuse(status, "Retry-After: 20"),), AGREE)
    async with await anext(aiter(factory.connect())):
        assert 20 <= clock.sleeps[0] <= 22


async def test_wait_is_not_shorter_where_the_server_asks_for_little() -> None:
    refusal = refuse(503, "Retry-After: 2")
    factory, clock = factory_of((refusal,), AGREE, reconnect_delays=lambda: iter((7.0,)))
    async with await anext(aiter(factory.connect())):
        assert clock.sleeps == [7.0]


async def test_server_is_not_heard_where_it_is_switched_off() -> None:
    refusal = refuse(503, "Retry-After: 20")
    section = Reconnect(retry_after=False)
    factory, clock = factory_of((refusal,), AGREE, reconnect=section)
    async with await anext(aiter(factory.connect())):
        assert clock.sleeps[0] <= 5


async def test_next_wait_is_as_long_as_ever() -> None:
    refusal = refuse(503, "Retry-After: 20")
    factory, clock = factory_of((refusal,), REFUSED, AGREE, reconnect_delays=lambda: itertools.count(1.0))
    async with await anext(aiter(factory.connect())):
        assert clock.sleeps[1:] == [2.0]


async def test_fatal_refusal_is_raised_whatever_the_server_asks() -> None:
    factory, clock = factory_of((refuse(403, "Retry-After: 20"),))
    with pytest.raises(InvalidStatus):
        await anext(aiter(factory.connect()))
    assert clock.sleeps == []


# The end of connections.


async def test_end_of_a_connection_is_told() -> None:
    factory, clock = factory_of(AGREE)
    opened: list[ClientConnection] = []
    ends: list[tuple[ClientConnection, bool]] = []

    async def open() -> ClientConnection:
        opened.append(await factory.open())
        return opened[-1]

    policy = ReconnectPolicy(Reconnect(), logging.getLogger("tests"), clock)
    attempts = Attempts(open, policy, URI, URI, ended=lambda ws, lived: ends.append((ws, lived)))
    for lived in (0, 5):
        ws = await attempts.next()
        clock.now += lived
        attempts.ended()
        await ws.close()
    assert ends == [(opened[0], False), (opened[1], True)]


# Storms.


@pytest.mark.parametrize("seed", range(10))
async def test_server_that_accepts_and_drops_meets_ten_attempts_in_half_a_minute(seed: int) -> None:
    dialer, clock = ScriptedDialer(AGREE), FakeClock()
    factory = ConnectionFactory(ClientConfig(uri=URI), dialer=dialer, clock=clock)
    started, times = clock.now, []
    async for ws in factory.connect():
        times.append(clock.now - started)
        if times[-1] >= 30:
            await ws.close()
            break
        pipe = dialer.pipe
        pipe.lose()
        await until(lambda ws=ws: ws.closed)  # type: ignore[misc]  # the loop's own
    assert len([time for time in times if time < 30 - 1e-6]) <= 10


async def test_unfit_connection_is_told_of() -> None:
    told: list[tuple[object, bool]] = []
    connection, _ = establish()

    async def open(attempt: ConnectAttempt) -> ClientConnection:
        return connection

    policy = ReconnectPolicy(Reconnect(), logging.getLogger("tests"), FakeClock())
    attempts = Attempts(open, policy, "ws://h", "ws://h", ended=lambda *given: told.append(given))
    attempts.unfit(await attempts.next())
    assert told == [(connection, False)]


async def test_attempt_after_one_that_opened_is_told_of_no_error() -> None:
    told: list[Exception | None] = []
    connection, _ = establish()

    async def open(attempt: ConnectAttempt) -> ClientConnection:
        told.append(attempt.last_error)
        if len(told) == 1:
            raise OSError("one")
        return connection

    attempts = attempts_of(open)
    await attempts.next()
    attempts.ended()
    await attempts.next()
    assert (type(told[1]), told[2]) == (OSError, None)


async def test_attempts_begin_anew_after_what_was_raised() -> None:
    attempts = attempts_of(fails(OSError("one"), ValueError("fatal"), ValueError("again")))
    with pytest.raises(ValueError, match="fatal"):
        await attempts.next()
    assert attempts.attempt == ConnectAttempt(1)
    with pytest.raises(ValueError, match="again") as raised:
        await attempts.next()
    assert not hasattr(raised.value, "__notes__")
