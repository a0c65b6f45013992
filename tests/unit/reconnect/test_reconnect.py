from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.dialer import HANG, FakeClock, Script, ScriptedDialer, agree, refuse
from tests.support.until import until
from wssdk.codes import CloseCode
from wssdk.config import ClientConfig, Reconnect
from wssdk.connection.connection import ClientConnection
from wssdk.errors import (
    ConcurrencyError,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    PinMismatch,
    ProtocolError,
    RetryableError,
    SecurityError,
)
from wssdk.factory import ConnectionFactory
from wssdk.headers import Headers, Response
from wssdk.reconnect import Attempts, LoopClock, Reconnection, ReconnectPolicy, backoff, process_exception

URI = "ws://me:pa55word@example.com/?token=t0ken"
AGREE: Script = (agree(), HANG)
REFUSED = ConnectionRefusedError("refused")


class Iterating:
    """A reconnection over scripted pipes, by a clock that does not wait."""

    def __init__(self, *scripts: Script, **collaborators: Any) -> None:
        self.clock = FakeClock()
        self.dialer = ScriptedDialer(*scripts)
        config = collaborators.pop("config", ClientConfig(uri=URI))
        self.factory = ConnectionFactory(config, dialer=self.dialer, clock=self.clock, **collaborators)

    def __aiter__(self) -> Reconnection:
        return aiter(self.factory.connect())


def policy(section: Reconnect, clock: FakeClock, **collaborators: Any) -> ReconnectPolicy:
    return ReconnectPolicy(section, logging.getLogger("tests"), clock, **collaborators)


def always(error: Exception) -> Callable[[], Any]:
    """Return an ``open`` that fails."""

    async def open() -> ClientConnection:
        raise error

    return open


def rejection(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, "No", Headers()))


def ended() -> InvalidMessage:
    error = InvalidMessage("no response")
    error.__cause__ = EOFError()
    return error


# Transient or fatal.

TRANSIENT = [
    OSError("unreachable"),
    ConnectionRefusedError("refused"),
    TimeoutError("timed out"),
    ssl.SSLError("bad record"),
    EOFError("end"),
    ended(),
    ExceptionGroup("no address", [OSError("unreachable"), TimeoutError("timed out")]),
    *(rejection(status) for status in (408, 425, 429, 500, 502, 503, 504)),
]
FATAL = [
    ssl.SSLCertVerificationError("expired"),
    InvalidMessage("not HTTP"),
    InvalidURI("http://", "scheme"),
    SecurityError("too long"),
    PinMismatch("h", ["a="]),
    ValueError("usage"),
    ExceptionGroup("no address", [OSError("unreachable"), ValueError("usage")]),
    *(rejection(status) for status in (302, 400, 401, 403, 404, 501)),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=repr)
def test_transient_failure_becomes_retryable(error: Exception) -> None:
    assert isinstance(process_exception(error), RetryableError)


@pytest.mark.parametrize("error", TRANSIENT, ids=repr)
def test_retryable_has_the_original_as_its_cause(error: Exception) -> None:
    assert process_exception(error).__cause__ is error


@pytest.mark.parametrize("error", FATAL, ids=repr)
def test_fatal_failure_comes_back_as_itself(error: Exception) -> None:
    assert process_exception(error) is error


def test_retryable_error_comes_back_as_it_is() -> None:
    error = RetryableError(REFUSED)
    assert process_exception(error) is error


def test_statuses_can_be_chosen() -> None:
    assert isinstance(process_exception(rejection(404), retry_status=(404,)), RetryableError)


# Trying again.


@pytest.mark.parametrize(
    "failure",
    [REFUSED, (refuse(503),), (b"",), (ConnectionResetError("reset"),)],
    ids=["refused", "503", "end", "reset"],
)
async def test_transient_failure_is_tried_again(failure: Script) -> None:
    connections = Iterating(failure, AGREE)
    async for ws in connections:
        await ws.close()
        break
    assert len(connections.dialer.routes) == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ssl.SSLCertVerificationError("expired"), ssl.SSLCertVerificationError),
        ((refuse(401),), InvalidStatus),
        ((b"junk",), InvalidMessage),
    ],
    ids=["certificate", "401", "junk"],
)
async def test_fatal_failure_is_raised(failure: Script, error: type[Exception]) -> None:
    connections = Iterating(failure)
    with pytest.raises(error):
        await anext(aiter(connections))
    assert len(connections.dialer.routes) == 1


async def test_each_attempt_waits_longer() -> None:
    connections = Iterating(*[REFUSED] * 4, AGREE, reconnect_delays=lambda: iter((1.0, 2.0, 3.0, 4.0)))
    async for ws in connections:
        await ws.close()
        break
    assert connections.clock.sleeps == [1.0, 2.0, 3.0, 4.0]


async def test_delays_are_those_of_the_section() -> None:
    clock = FakeClock()
    section = Reconnect(initial=None, min=1, max=4, factor=2, max_attempts=5)
    with pytest.raises(ConnectionRefusedError):
        await anext(
            Reconnection(Attempts(always(REFUSED), policy(section, clock, jitter=lambda: 1.0), URI, URI))
        )
    assert clock.sleeps == [2.0, 4.0, 4.0, 4.0]


async def test_attempts_can_be_limited() -> None:
    section = Reconnect(max_attempts=1)
    clock = FakeClock()
    with pytest.raises(ConnectionRefusedError):
        await anext(Reconnection(Attempts(always(REFUSED), policy(section, clock), URI, URI)))
    assert clock.sleeps == []


async def test_statuses_are_those_of_the_section() -> None:
    section = Reconnect(retry_status=[404], max_attempts=2)
    clock = FakeClock()
    with pytest.raises(InvalidStatus):
        await anext(Reconnection(Attempts(always(rejection(404)), policy(section, clock), URI, URI)))
    assert len(clock.sleeps) == 1


async def test_delays_that_end_end_the_attempts() -> None:
    connections = Iterating(REFUSED, reconnect_delays=lambda: iter((1.0,)))
    with pytest.raises(ConnectionRefusedError):
        await anext(aiter(connections))
    assert len(connections.dialer.routes) == 2


async def test_nothing_is_tried_again_when_reconnecting_is_off() -> None:
    connections = Iterating(REFUSED)
    factory = connections.factory.evolve(reconnect=False)
    with pytest.raises(ConnectionRefusedError):
        await anext(aiter(factory.connect()))
    assert len(connections.dialer.routes) == 1


async def test_iterating_can_go_on_after_a_fatal_failure() -> None:
    connections = aiter(Iterating((refuse(401),), AGREE))
    with pytest.raises(InvalidStatus):
        await anext(connections)
    async with await anext(connections) as ws:
        assert not ws.closed


# The hook.


@pytest.mark.parametrize("answer", [None, RetryableError(), RetryableError(REFUSED)], ids=repr)
async def test_hook_may_ask_for_another_attempt(answer: Exception | None) -> None:
    connections = Iterating((refuse(401),), AGREE, process_exception=lambda error: answer)
    async for ws in connections:
        await ws.close()
        break
    assert len(connections.dialer.routes) == 2


async def test_hook_may_raise_a_retryable_error() -> None:
    def hook(error: Exception) -> Exception | None:
        raise RetryableError(error)

    async for ws in Iterating((refuse(401),), AGREE, process_exception=hook):
        await ws.close()
        break


async def test_hook_may_give_the_failure_back() -> None:
    connections = Iterating(REFUSED, process_exception=lambda error: error)
    with pytest.raises(ConnectionRefusedError) as caught:
        await anext(aiter(connections))
    assert caught.value is REFUSED


async def test_hook_may_give_another_exception() -> None:
    connections = Iterating(REFUSED, process_exception=lambda error: LookupError("no host"))
    with pytest.raises(LookupError, match="no host") as caught:
        await anext(aiter(connections))
    assert caught.value.__cause__ is REFUSED


async def test_hook_may_raise() -> None:
    def hook(error: Exception) -> Exception | None:
        raise LookupError("no host")

    with pytest.raises(LookupError, match="no host") as caught:
        await anext(aiter(Iterating(REFUSED, process_exception=hook)))
    assert caught.value.__cause__ is REFUSED


async def test_hook_may_be_the_default_itself() -> None:
    async for ws in Iterating(REFUSED, AGREE, process_exception=process_exception):
        await ws.close()
        break


async def judged_by_coroutine(error: Exception) -> Exception | None:
    return None


@pytest.mark.parametrize(
    ("hook", "kind"),
    [(lambda error: True, "bool"), (lambda error: 5, "int"), (judged_by_coroutine, "coroutine")],
    ids=["bool", "int", "coroutine"],
)
async def test_hook_that_returns_something_else_is_told(hook: Any, kind: str) -> None:
    told = f"process_exception must return an exception or None, not {kind}"
    with pytest.raises(TypeError, match=told) as caught:
        await anext(aiter(Iterating(REFUSED, process_exception=hook)))
    assert caught.value.__cause__ is REFUSED


# Ending it.


async def test_aclose_closes_the_connection() -> None:
    async with contextlib.aclosing(aiter(Iterating(AGREE))) as connections:
        ws = await anext(connections)
    assert ws.close_code == CloseCode.NORMAL_CLOSURE


async def test_aclose_ends_the_iteration() -> None:
    connections = aiter(Iterating(AGREE, AGREE))
    await anext(connections)
    await connections.aclose()
    assert [ws async for ws in connections] == []


async def test_aclose_may_come_first_and_again() -> None:
    connections = aiter(Iterating(AGREE))
    await connections.aclose()
    await connections.aclose()
    assert [ws async for ws in connections] == []


async def test_aclose_while_the_next_connection_is_opened_is_refused() -> None:
    connections = aiter(Iterating((HANG,)))
    opening = asyncio.ensure_future(anext(connections))
    await asyncio.sleep(0)
    with pytest.raises(ConcurrencyError):
        await connections.aclose()
    opening.cancel()


# Moving on.


async def test_moving_on_closes_the_connection() -> None:
    connections = aiter(Iterating(AGREE))
    first = await anext(connections)
    async with await anext(connections):
        assert first.closed
        assert first.close_code == CloseCode.NORMAL_CLOSURE


async def test_iterator_can_be_iterated_over() -> None:
    connections = aiter(Iterating(AGREE))
    seen = []
    async for ws in connections:
        seen.append(ws)
        if len(seen) == 2:
            break
    async for ws in connections:
        assert seen[-1].closed
        await ws.close()
        break


async def test_one_pipe_is_open_at_a_time() -> None:
    iterating = Iterating(AGREE)
    open_pipes = []
    async for ws in iterating:
        open_pipes.append(sum(pipe.open for pipe in iterating.dialer.pipes))
        if len(open_pipes) == 3:
            await ws.close()
            break
        continue
    assert open_pipes == [1, 1, 1]


async def waits_between_connections_that_lived(iterating: Iterating) -> list[float]:
    async for ws in iterating:
        iterating.clock.now += 5
        if len(iterating.dialer.pipes) == 4:
            await ws.close()
            break
    return iterating.clock.sleeps


async def test_connection_that_lived_is_followed_after_the_first_wait() -> None:
    waits = await waits_between_connections_that_lived(Iterating(AGREE))
    assert (len(waits), max(waits) <= 5, len(set(waits))) == (3, True, 3)


async def test_connection_that_lived_is_followed_at_once_where_there_is_no_first_wait() -> None:
    config = ClientConfig(uri=URI, reconnect=Reconnect(initial=None))
    assert await waits_between_connections_that_lived(Iterating(AGREE, config=config)) == []


async def test_connection_that_lived_is_followed_at_once_where_the_delays_are_the_users() -> None:
    iterating = Iterating(AGREE, reconnect_delays=lambda: itertools.count(1.0))
    assert await waits_between_connections_that_lived(iterating) == []


async def test_connection_that_lived_starts_the_delays_anew() -> None:
    scripts: list[Script] = [REFUSED, REFUSED, AGREE, REFUSED, AGREE]
    iterating = Iterating(*scripts, reconnect_delays=lambda: itertools.count(1.0))
    async for ws in iterating:
        iterating.clock.now += 5
        if len(iterating.dialer.pipes) == 2:
            await ws.close()
            break
    assert iterating.clock.sleeps == [1.0, 2.0, 1.0]


async def test_connection_that_did_not_live_goes_on_with_the_delays() -> None:
    scripts: list[Script] = [REFUSED, AGREE, REFUSED, AGREE]
    iterating = Iterating(*scripts, reconnect_delays=lambda: itertools.count(1.0))
    async for ws in iterating:
        iterating.clock.now += 4.9
        if len(iterating.dialer.pipes) == 2:
            await ws.close()
            break
    assert iterating.clock.sleeps == [1.0, pytest.approx(2.0), 3.0]


async def test_server_that_accepts_and_drops_meets_no_storm() -> None:
    iterating = Iterating(AGREE)
    clock = iterating.clock
    section = iterating.factory.config.reconnect
    # The least that chance can give: no first delay.
    factory = iterating.factory.evolve(reconnect_delays=lambda: backoff(section, lambda: 0.0))
    started = clock.now
    async for ws in factory.connect():
        if clock.now - started >= 30:
            await ws.close()
            break
        iterating.dialer.pipe.lose()
        await ws.wait_closed()
    assert len(iterating.dialer.pipes) - 1 <= 10  # the last one came after the 30 s


async def test_delays_that_end_end_the_iteration_after_a_short_connection() -> None:
    iterating = Iterating(AGREE, reconnect_delays=lambda: iter(()))
    async for ws in iterating:
        assert not ws.closed
    assert len(iterating.dialer.pipes) == 1
    assert not iterating.dialer.pipe.open


async def test_one_connection_when_reconnecting_is_off() -> None:
    iterating = Iterating(AGREE)
    async for _ in iterating.factory.evolve(reconnect=Reconnect(enabled=False)).connect():
        iterating.clock.now += 100
    assert len(iterating.dialer.pipes) == 1


async def test_two_coroutines_cannot_both_ask_for_the_next() -> None:
    connections = aiter(Iterating((HANG,)))
    first = asyncio.ensure_future(anext(connections))
    await asyncio.sleep(0)
    with pytest.raises(ConcurrencyError):
        await anext(connections)
    first.cancel()
    await asyncio.wait([first])


# Cancelling.


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_wait_for_the_next_leaves_nothing_open(turns: int) -> None:
    iterating = Iterating(REFUSED, (refuse(503),), (HANG,))
    opening = asyncio.ensure_future(anext(aiter(iterating)))
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not any(pipe.open for pipe in iterating.dialer.pipes)


@pytest.mark.parametrize("turns", range(4))
async def test_cancelled_while_moving_on_leaves_nothing_open(turns: int) -> None:
    iterating = Iterating(AGREE, (HANG,))
    connections = aiter(iterating)
    ws = await anext(connections)
    iterating.clock.now += 100
    moving_on = asyncio.ensure_future(anext(connections))
    for _ in range(turns):
        await asyncio.sleep(0)
    moving_on.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving_on
    if turns:
        await ws.wait_closed()
    else:
        await ws.close()
    assert not any(pipe.open for pipe in iterating.dialer.pipes)


class StubbornClock(FakeClock):
    """A clock whose first sleep is cancelled from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if not self.asleep.is_set():
            self.asleep.set()
            await asyncio.get_running_loop().create_future()
        await super().sleep(seconds)


async def test_cancelled_delay_is_not_lost() -> None:
    clock = StubbornClock()
    dialer = ScriptedDialer(REFUSED, AGREE)
    factory = ConnectionFactory(
        ClientConfig(uri=URI), dialer=dialer, clock=clock, reconnect_delays=lambda: iter((7.0,))
    )
    connections = aiter(factory.connect())
    first = asyncio.ensure_future(anext(connections))
    await clock.asleep.wait()
    first.cancel()
    await asyncio.wait([first])
    async with await anext(connections):
        assert clock.sleeps == [7.0]


# Leaving the loop.


async def test_connection_of_a_left_loop_closes_in_the_background() -> None:
    ws = await anext(aiter(Iterating(AGREE)))
    await until(lambda: ws.closed)
    assert ws.close_code == CloseCode.NORMAL_CLOSURE


async def test_connection_that_was_closed_in_the_loop_is_left_alone() -> None:
    iterating = Iterating(AGREE)
    async for ws in iterating:
        await ws.close()
        break
    sent = iterating.dialer.pipe.request
    gc.collect()
    await asyncio.sleep(0)
    assert iterating.dialer.pipe.request == sent


async def test_loop_left_by_an_exception_closes_too() -> None:
    held: list[ClientConnection] = []

    async def use() -> None:
        async for ws in Iterating(AGREE):
            held.append(ws)
            raise LookupError

    with pytest.raises(LookupError):
        await use()
    await until(lambda: held[0].closed)


async def test_iterator_dropped_in_another_thread_closes_too() -> None:
    connections = [aiter(Iterating(AGREE))]
    ws = await anext(connections[0])
    thread = threading.Thread(target=connections.clear)
    thread.start()
    await until(lambda: ws.closed)
    thread.join()


def test_loop_left_at_the_end_of_the_program_leaves_nothing_open() -> None:
    iterating: list[Iterating] = []

    async def main() -> None:
        iterating.append(Iterating(AGREE))
        async for _ in iterating[0]:
            return

    asyncio.run(main())
    assert not iterating[0].dialer.pipe.open


def test_iterator_that_outlives_its_event_loop_is_dropped_quietly() -> None:
    connections: list[Reconnection] = []

    async def main() -> None:
        connections.append(aiter(Iterating(AGREE)))
        await anext(connections[0])

    asyncio.run(main())
    connections.clear()


# What is told.


async def test_log_tells_each_attempt_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    error = OSError(f"cannot reach {URI}\r\nX: y")
    connections = Iterating(error, error, AGREE, reconnect_delays=lambda: itertools.count(1.5))
    async for ws in connections:
        await ws.close()
        break
    shown = "ws://********@example.com/?token=********"
    assert [record.getMessage() for record in caplog.records] == [
        f"attempt 1 to open {shown} failed; trying again in 1.5 seconds:"
        f" OSError: cannot reach {shown}\\r\\nX: y",
        f"attempt 2 to open {shown} failed; trying again in 2.5 seconds:"
        f" OSError: cannot reach {shown}\\r\\nX: y",
        f"attempt 3 to open {shown} succeeded",
    ]


async def test_log_tells_of_a_connection_that_did_not_live(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    iterating = Iterating(AGREE, reconnect_delays=lambda: itertools.repeat(1.5))
    async for ws in iterating:
        if len(iterating.dialer.pipes) == 2:
            await ws.close()
            break
        iterating.clock.now += 2
    shown = "ws://********@example.com/?token=********"
    expected = f"connection to {shown} lasted 2.0 seconds; opening the next in 1.5 seconds"
    assert expected in [record.getMessage() for record in caplog.records]


# The clock.


async def test_clock_of_the_loop() -> None:
    clock = LoopClock()
    before = clock.time()
    await clock.sleep(0.01)
    assert clock.time() - before >= 0.009


# The policy.


def test_policy_judges_by_the_section_without_a_hook() -> None:
    judged = policy(Reconnect(retry_status=[404]), FakeClock()).judge(rejection(404))
    assert judged is None


def test_policy_gives_new_delays_each_time() -> None:
    def ones() -> Iterator[float]:
        return iter((1.0,))

    given = policy(Reconnect(), FakeClock(), delays=ones)
    assert [next(given.new_delays()) for _ in range(2)] == [1.0, 1.0]


def test_policy_of_a_hook_that_judges_fatal() -> None:
    error = ProtocolError("no")
    judged = policy(Reconnect(), FakeClock(), process_exception=lambda _: error).judge(OSError())
    assert judged is error
