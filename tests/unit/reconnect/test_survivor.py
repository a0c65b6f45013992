"""The life of a reconnecting connection: entering, preparing, dropping, giving up, closing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.support.connections import started, ticks
from tests.support.dialer import HANG, FakeClock, ScriptedDialer, agree, refuse
from tests.support.survival import Peers, surviving, survivor
from tests.support.until import until
from wssdk.codes import Close
from wssdk.config import ClientConfig, Reconnect, Timeouts
from wssdk.connection.connection import ClientConnection
from wssdk.errors import (
    ConcurrencyError,
    ConfigError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidStatus,
    InvalidURI,
    ProtocolError,
)
from wssdk.factory import ConnectionFactory
from wssdk.protocol.state import State
from wssdk.reconnect.keeper import ReconnectingState
from wssdk.reconnect.outbox import NotSent
from wssdk.typing import Data

REFUSED = ConnectionRefusedError("refused")
FATAL = ValueError("fatal")


# Entering.


async def test_entering_waits_for_the_first_connection() -> None:
    peers = Peers(REFUSED, REFUSED)
    async with surviving(peers) as conn:
        assert (conn.state, conn.attempt) == (ReconnectingState.OPEN, 3)


async def test_fatal_failure_of_the_first_opening_is_raised() -> None:
    conn = survivor(Peers(FATAL))
    with pytest.raises(ValueError, match="fatal"):
        _ = await conn
    assert conn.state is ReconnectingState.CLOSED


async def test_last_failure_is_raised_where_attempts_are_used_up() -> None:
    peers = Peers(REFUSED, REFUSED)
    with pytest.raises(ConnectionRefusedError):
        _ = await survivor(peers, section=Reconnect(max_attempts=2))
    assert peers.attempts == 2


async def test_first_failure_is_raised_where_reconnecting_is_off() -> None:
    peers = Peers(REFUSED)
    with pytest.raises(ConnectionRefusedError):
        _ = await survivor(peers, section=Reconnect(enabled=False))
    assert peers.attempts == 1


async def test_entering_need_not_wait() -> None:
    peers = Peers()
    peers.may_open.clear()
    async with surviving(peers, wait=False) as conn:
        receiving = await started(conn.recv())
        assert conn.state is ReconnectingState.CONNECTING
        peers.may_open.set()
        await until(lambda: conn.connection is not None)
        peers.last.say("a")
        assert await receiving == "a"


async def test_fatal_failure_is_raised_to_the_receiver_where_entering_did_not_wait() -> None:
    async with surviving(Peers(FATAL), wait=False) as conn:
        with pytest.raises(ValueError, match="fatal"):
            await conn.recv()


async def test_leaving_before_the_task_has_begun_is_harmless() -> None:
    conn = survivor(Peers(), wait=False)
    async with conn:
        pass
    assert conn.state is ReconnectingState.CLOSED
    with pytest.raises(ConnectionClosedOK):
        await conn.recv()


async def test_awaiting_enters_it() -> None:
    conn = await survivor(Peers())
    await conn.send("a")
    await conn.close()


async def test_it_is_entered_once() -> None:
    async with surviving(Peers()) as conn:
        with pytest.raises(ConcurrencyError, match="entered already"):
            _ = await conn


async def test_it_cannot_be_used_before_it_is_entered() -> None:
    conn = survivor(Peers())
    with pytest.raises(ConcurrencyError, match="cannot send yet: enter it first"):
        await conn.send("a")
    with pytest.raises(ConcurrencyError, match="cannot receive yet"):
        await conn.recv()


async def test_cancelled_entering_leaves_nothing() -> None:
    peers = Peers()
    peers.may_open.clear()
    conn = survivor(peers)
    entering = asyncio.get_running_loop().create_task(conn.__aenter__())
    await until(lambda: peers.attempts)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        _ = await entering
    assert conn.state is ReconnectingState.CLOSED


# Preparing a connection.


async def test_on_open_runs_on_each_connection_before_others_send() -> None:
    async def subscribe(ws: ClientConnection) -> None:
        await ws.send("subscribe")

    peers = Peers()
    async with surviving(peers, on_open=subscribe, outbox=1) as conn:
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        await conn.send("kept")
        peers.may_open.set()
        await until(lambda: len(peers.all) == 2)
        await until(lambda: len(peers.last.heard()) == 2)
        assert [peer.heard() for peer in peers.all] == [["subscribe"], ["subscribe", "kept"]]


async def test_others_send_only_when_on_open_is_through() -> None:
    through = asyncio.Event()

    async def slow(ws: ClientConnection) -> None:
        await through.wait()

    peers = Peers()
    async with surviving(peers, on_open=slow, wait=False) as conn:
        sending = await started(conn.send("a"))
        await until(lambda: peers.all)
        await ticks(5)
        assert (peers.last.frames(), conn.state) == ([], ReconnectingState.CONNECTING)
        through.set()
        await sending
        assert peers.last.heard() == ["a"]


async def test_messages_that_on_open_does_not_take_are_received() -> None:
    taken: list[Data] = []

    async def log_in(ws: ClientConnection) -> None:
        peers.last.say("welcome", "first")
        taken.append(await ws.recv())

    peers = Peers()
    async with surviving(peers, on_open=log_in) as conn:
        assert (taken, await conn.recv()) == (["welcome"], "first")


def test_on_open_must_be_a_function() -> None:
    with pytest.raises(TypeError, match="on_open must be a function, not str"):
        _ = survivor(Peers(), on_open="subscribe")


async def test_on_open_may_be_a_plain_function() -> None:
    seen: list[ClientConnection] = []
    peers = Peers()
    async with surviving(peers, on_open=seen.append):
        assert seen == peers.connections


async def failing(*errors: Exception | None) -> tuple[Peers, Any]:
    left = list(errors)

    async def on_open(ws: ClientConnection) -> None:
        error = left.pop(0) if left else None
        if error is not None:
            raise error

    return Peers(), on_open


async def test_transient_failure_of_on_open_is_a_failed_attempt() -> None:
    peers, on_open = await failing(OSError("down"))
    async with surviving(peers, on_open=on_open) as conn:
        assert (len(peers.all), conn.attempt) == (2, 2)
    assert peers.all[0].close_codes() == [1011]


async def test_fatal_failure_of_on_open_is_raised() -> None:
    peers, on_open = await failing(FATAL)
    with pytest.raises(ValueError, match="fatal"):
        _ = await survivor(peers, on_open=on_open)
    assert peers.connections[0].closed


async def test_process_exception_judges_what_on_open_raises() -> None:
    peers, on_open = await failing(FATAL)
    async with surviving(peers, on_open=on_open, process_exception=lambda error: None):
        assert len(peers.all) == 2


async def test_on_open_has_a_time_limit() -> None:
    async def hang(ws: ClientConnection) -> None:
        await asyncio.get_running_loop().create_future()

    section = Reconnect(enabled=False)
    with pytest.raises(TimeoutError, match=r"on_open took longer than 0\.01 s \(timeouts\.open\)"):
        _ = await survivor(Peers(), on_open=hang, open_timeout=0.01, section=section)


async def test_timeout_of_on_open_itself_is_told_as_it_is() -> None:
    peers, on_open = await failing(TimeoutError("login"))
    with pytest.raises(TimeoutError, match=r"^login$"):
        _ = await survivor(peers, on_open=on_open, section=Reconnect(enabled=False))


async def test_connection_lost_in_on_open_is_transient() -> None:
    async def subscribe(ws: ClientConnection) -> None:
        if len(peers.all) == 1:
            peers.last.lose()
        await ws.send("subscribe")
        await ws.recv(timeout=0.01) if len(peers.all) == 1 else None

    def judge(error: Exception) -> Exception:
        return error  # all is fatal, but a lost connection is not for this hook to judge

    peers = Peers()
    async with surviving(peers, on_open=subscribe, process_exception=judge):
        assert len(peers.all) == 2


async def test_stop_when_is_asked_of_a_connection_lost_in_on_open() -> None:
    async def log_in(ws: ClientConnection) -> None:
        peers.last.close_with(4001)
        await ws.recv()

    peers = Peers()
    with pytest.raises(ConnectionClosedError, match="4001"):
        _ = await survivor(peers, on_open=log_in, stop_when=lambda closed: closed.code == 4001)
    assert len(peers.all) == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda conn: conn.send("a"), "on_open cannot send here"),
        (lambda conn: conn.recv(), "on_open cannot receive here"),
        (lambda conn: conn.close(), "on_open cannot close here"),
    ],
    ids=["send", "recv", "close"],
)
async def test_on_open_is_told_to_use_its_own_connection(call: Any, told: str) -> None:
    async def wrong(ws: ClientConnection) -> None:
        await call(conn)

    conn = survivor(Peers(), on_open=wrong, section=Reconnect(enabled=False))
    with pytest.raises(ConcurrencyError, match=told):
        _ = await conn


async def test_cancelled_in_on_open_leaves_no_connection() -> None:
    async def hang(ws: ClientConnection) -> None:
        await asyncio.get_running_loop().create_future()

    peers = Peers()
    async with surviving(peers, on_open=hang, wait=False):
        await until(lambda: peers.all)
    await until(lambda: peers.connections[0].closed)
    assert peers.last.aborted


# Dropping.


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 4000])
async def test_another_connection_is_opened_whatever_the_close_code(code: int) -> None:
    peers = Peers()
    async with surviving(peers):
        peers.last.close_with(code)
        await until(lambda: len(peers.all) == 2)


async def test_stop_when_ends_it() -> None:
    peers = Peers()
    async with surviving(peers, stop_when=lambda closed: closed.code == 1000) as conn:
        peers.last.say("a")
        peers.last.close_with(1000)
        assert [message async for message in conn] == ["a"]
        assert (peers.attempts, conn.state) == (1, ReconnectingState.CLOSED)
        with pytest.raises(ConnectionClosedOK):
            await conn.recv()


async def test_iteration_raises_where_stop_when_ends_it_on_an_error() -> None:
    peers = Peers()
    async with surviving(peers, stop_when=lambda closed: closed.code == 4001) as conn:
        peers.last.close_with(4001)
        with pytest.raises(ConnectionClosedError, match="4001"):
            await anext(conn)


async def test_what_stop_when_raises_ends_it() -> None:
    def stop(closed: ConnectionClosed) -> bool:
        raise FATAL

    peers = Peers()
    async with surviving(peers, stop_when=stop) as conn:
        peers.last.lose()
        with pytest.raises(ValueError, match="fatal"):
            await conn.recv()


def test_stop_when_must_not_be_a_coroutine_function() -> None:
    async def stop(closed: ConnectionClosed) -> bool:
        return True

    with pytest.raises(TypeError, match="stop_when must be a plain function"):
        _ = survivor(Peers(), stop_when=stop)


async def test_drop_is_the_end_where_reconnecting_is_off() -> None:
    peers = Peers()
    async with surviving(peers, section=Reconnect(enabled=False)) as conn:
        peers.last.lose()
        with pytest.raises(ConnectionClosedError):
            await conn.recv()
    assert peers.attempts == 1


async def test_fatal_failure_after_a_drop_is_raised_to_the_receiver() -> None:
    peers = Peers(None, FATAL)
    async with surviving(peers) as conn:
        peers.last.lose()
        for _ in range(2):
            with pytest.raises(ValueError, match="fatal"):
                await anext(conn)


async def test_error_that_is_raised_again_and_again_does_not_grow() -> None:
    async with surviving(Peers(FATAL), wait=False) as conn:
        depths = []
        for _ in range(3):
            with pytest.raises(ValueError, match="fatal") as caught:
                await conn.recv()
            depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


async def test_accepting_and_dropping_server_is_not_stormed() -> None:
    peers, clock = Peers(), FakeClock()
    async with surviving(peers, clock=clock, section=Reconnect(initial=None, min=3, max=3)):
        for count in range(2, 5):
            peers.last.lose()
            await until(lambda count=count: len(peers.all) == count)  # type: ignore[misc]
    assert clock.sleeps == [3.0, 3.0, 3.0]


# What is known of it.


async def test_state_follows_the_connection() -> None:
    peers = Peers()
    conn = survivor(peers)
    seen = [conn.state]
    async with conn:
        seen.append(conn.state)
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        seen.append(conn.state)
        assert conn.connection is None
    seen.append(conn.state)
    assert [state.name for state in seen] == ["NEW", "OPEN", "CONNECTING", "CLOSED"]


async def test_uptime_is_that_of_the_connection() -> None:
    peers, clock = Peers(), FakeClock()
    async with surviving(peers, clock=clock) as conn:
        clock.now += 7
        assert conn.uptime == 7
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        assert conn.uptime == 0


async def test_connection_is_there_for_its_own_matters() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        assert conn.connection is peers.connections[0]
        assert await (await conn.connection.ping()) >= 0


async def test_repr_tells_state_and_peer() -> None:
    assert repr(survivor(Peers())) == "<ReconnectingConnection NEW ws://shown/>"


# Closing.


async def test_close_is_the_closing_handshake() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        assert await conn.close(1001, "going") == []
    assert peers.last.close_codes() == [1001]
    assert peers.attempts == 1


async def test_closing_again_is_harmless() -> None:
    peers = Peers()
    async with surviving(peers, outbox=1) as conn:
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        await conn.send("a")
        assert [await conn.close(), await conn.close()] == [["a"], ["a"]]


async def test_two_may_close_at_once() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        await asyncio.gather(conn.close(), conn.close())
    assert peers.last.close_codes() == [1000]


async def test_iteration_ends_at_the_close() -> None:
    async with surviving(Peers()) as conn:
        taking = await started(conn.__anext__())
        await conn.close()
        with pytest.raises(StopAsyncIteration):
            await taking


async def test_receiver_that_waits_while_down_is_told_of_the_close() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.may_open.clear()
        peers.last.close_with(1012)
        await until(lambda: peers.attempts == 2)
        receiving = await started(conn.recv())
        await conn.close()
        with pytest.raises(ConnectionClosedOK):
            await receiving


async def test_close_while_an_opening_is_under_way_cancels_it() -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        await conn.close()
        assert (conn.state, len(peers.all)) == (ReconnectingState.CLOSED, 1)


async def test_close_while_waiting_for_the_next_attempt_does_not_wait() -> None:
    class Endless(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.get_running_loop().create_future()

    peers = Peers()
    async with surviving(peers, clock=Endless(), section=Reconnect(initial=None)) as conn:
        peers.last.lose()
        await until(lambda: conn.state is ReconnectingState.WAITING)
        await conn.close()
    assert peers.attempts == 1


@pytest.mark.parametrize("down", [False, True], ids=["open", "down"])
@pytest.mark.parametrize(("code", "reason"), [(1005, ""), (1006, ""), (999, ""), (1000, "x" * 124)])
async def test_what_may_not_be_sent_is_refused(down: bool, code: int, reason: str) -> None:
    peers = Peers()
    async with surviving(peers) as conn:
        if down:
            peers.may_open.clear()
            peers.last.lose()
            await until(lambda: peers.attempts == 2)
        with pytest.raises(ProtocolError):
            await conn.close(code, reason)
        assert conn.state is not ReconnectingState.CLOSED


async def test_leaving_by_an_exception_closes_with_1011() -> None:
    peers = Peers()
    with pytest.raises(ValueError, match="mine"):
        async with surviving(peers):
            raise ValueError("mine")
    assert peers.last.close_codes() == [1011]


async def test_leaving_by_cancellation_does_not_wait_for_the_peer() -> None:
    peers = Peers(close_timeout=100)

    async def live() -> None:
        async with surviving(peers, acknowledge=True, close_timeout=100) as conn:
            peers.last.stop_peer()
            await conn.send("a")
            await asyncio.get_running_loop().create_future()

    task = await started(live())
    await until(lambda: peers.all)
    await ticks(5)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert peers.connections[0].state is State.CLOSED


async def test_cancelled_close_drops_the_connection_at_once() -> None:
    peers = Peers(close_timeout=100)
    conn = await survivor(peers)
    peers.last.stop_peer()
    closing = await started(conn.close())
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await until(lambda: conn.state is ReconnectingState.CLOSED)
    assert peers.last.aborted


async def test_leaving_with_messages_left_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    peers = Peers()
    async with surviving(peers, outbox=2) as conn:
        peers.may_open.clear()
        peers.last.lose()
        await until(lambda: peers.attempts == 2)
        await conn.send("secret")
    assert conn.undelivered == ["secret"]
    assert caplog.messages == ["1 messages to ws://shown/ were not delivered: see undelivered"]


# Made by a factory.

URI = "ws://me:pa55word@example.com/?token=t0ken"


def factory(*scripts: Any, **changes: Any) -> ConnectionFactory:
    config = ClientConfig(uri=URI, **changes)
    return ConnectionFactory(config, dialer=ScriptedDialer(*scripts), clock=FakeClock())


async def test_factory_makes_one_of_its_config_and_collaborators() -> None:
    scripts = [ConnectionRefusedError(), (refuse(503),), (agree(), HANG)]
    async with factory(*scripts).reconnecting() as conn:
        assert conn.attempt == 3


async def test_timeouts_of_the_config_hold_for_on_open() -> None:
    async def hang(ws: ClientConnection) -> None:
        await asyncio.get_running_loop().create_future()

    made = factory((agree(), HANG), timeouts=Timeouts(open=0.05), reconnect=False)
    with pytest.raises(TimeoutError, match="on_open took longer"):
        _ = await made.reconnecting(on_open=hang)


async def test_fatal_refusal_is_raised() -> None:
    with pytest.raises(InvalidStatus):
        _ = await factory((refuse(403),)).reconnecting()


async def test_wrong_uri_is_told_by_the_call() -> None:
    with pytest.raises(InvalidURI):
        _ = factory().reconnecting("http://example.com/")


async def test_missing_uri_is_told_by_the_call() -> None:
    with pytest.raises(ConfigError, match="there is no URI"):
        _ = ConnectionFactory(ClientConfig()).reconnecting()


async def test_secrets_are_not_shown() -> None:
    shown = repr(factory((agree(), HANG)).reconnecting())
    assert "pa55word" not in shown
    assert "t0ken" not in shown


async def test_events_show_no_secrets() -> None:
    conn = factory((refuse(503),), (refuse(403),)).reconnecting(wait=False)
    events = conn.events()
    async with conn:
        shown = [repr(event) async for event in events]
    assert len(shown) == 2
    assert not [text for text in shown if "pa55word" in text or "t0ken" in text]


async def test_sending_raises_as_asked_for_by_the_factory() -> None:
    conn = factory(HANG).reconnecting(wait=False, when_down="raise")
    async with conn:
        with pytest.raises(NotSent):
            await conn.send("a")


# What is cancelled.


async def test_cancelled_close_does_not_wait_for_acknowledgements() -> None:
    peers = Peers()
    conn = await survivor(peers, acknowledge=True, close_timeout=100)
    peers.last.pongs = False
    await conn.send("a")
    closing = await started(conn.close())
    closing.cancel()
    await asyncio.wait((closing,))
    await until(lambda: conn.state is ReconnectingState.CLOSED)
    assert peers.last.is_closing()


async def test_on_open_that_awaits_what_is_cancelled_has_failed() -> None:
    async def log_in(ws: ClientConnection) -> None:
        vault = asyncio.get_running_loop().create_future()
        vault.cancel()
        await vault

    conn = survivor(Peers(), on_open=log_in)
    with pytest.raises(RuntimeError, match="on_open awaited something that was cancelled"):
        _ = await conn


# Which end is a failure.

TWICE = Reconnect(max_attempts=2)


async def lose_both(peers: Peers) -> None:
    """Have two connections closed in order, one after the other."""
    for count in (1, 2):
        await until(lambda count=count: len(peers.all) == count)  # type: ignore[misc]
        peers.last.close_with(1000)


async def test_iteration_raises_where_attempts_are_used_up_also_after_an_orderly_end() -> None:
    peers = Peers()
    async with surviving(peers, section=TWICE) as conn:
        await lose_both(peers)
        with pytest.raises(ConnectionClosedOK) as raised:
            await anext(conn)
    assert [note.partition(",")[0] for note in raised.value.__notes__] == ["attempt 1", "attempt 2"]


async def test_iteration_ends_after_an_orderly_end_where_reconnecting_is_off() -> None:
    peers = Peers()
    async with surviving(peers, section=Reconnect(enabled=False)) as conn:
        peers.last.close_with(1000)
        assert [message async for message in conn] == []


async def test_iteration_ends_where_stop_when_ends_it_in_on_open() -> None:
    async def log_in(ws: ClientConnection) -> None:
        if len(peers.all) == 2:
            peers.last.close_with(1000)
            await ws.recv()

    peers = Peers()
    async with surviving(peers, on_open=log_in, stop_when=lambda closed: closed.code == 1000) as conn:
        peers.last.lose()
        assert [message async for message in conn] == []


def another_is_lost() -> ConnectionClosedError:
    """Return how a connection closed that is none of the peers'."""
    return ConnectionClosedError(Close(4001, ""), None)


async def test_connection_lost_in_a_task_group_of_on_open_is_transient() -> None:
    async def log_in(ws: ClientConnection) -> None:
        async with asyncio.TaskGroup() as group:
            if len(peers.all) == 1:
                peers.last.close_with(1011)
                group.create_task(ws.recv())

    peers = Peers()
    async with surviving(peers, on_open=log_in):
        assert len(peers.all) == 2


async def test_iteration_ends_after_an_orderly_end_in_on_open_where_reconnecting_is_off() -> None:
    async def log_in(ws: ClientConnection) -> None:
        peers.last.close_with(1000)
        await ws.recv()

    peers = Peers()
    section = Reconnect(enabled=False)
    async with surviving(peers, on_open=log_in, section=section, wait=False) as conn:
        assert [message async for message in conn] == []


async def test_stop_when_is_not_asked_of_other_connections_that_on_open_uses() -> None:
    told: list[Exception] = []

    async def log_in(ws: ClientConnection) -> None:
        if len(peers.all) == 1:
            raise another_is_lost()

    def judge(error: Exception) -> None:
        told.append(error)

    peers = Peers()
    async with surviving(
        peers, on_open=log_in, process_exception=judge, stop_when=lambda closed: closed.code == 4001
    ) as conn:
        assert (len(peers.all), conn.state) == (2, ReconnectingState.OPEN)
    assert [type(error) for error in told] == [ConnectionClosedError]


async def test_what_connections_dropped_that_on_open_failed_on_is_counted() -> None:
    async def log_in(ws: ClientConnection) -> None:
        if len(peers.all) == 1:
            peers.last.say("a", "b", "c")
            await ticks(3)
            raise OSError("not yet")

    peers = Peers(on_full="drop_oldest", max_queue=1)
    async with surviving(peers, on_open=log_in) as conn:
        assert conn.dropped.messages == 2


async def test_server_that_fails_in_on_open_is_told_of_as_unfit() -> None:
    async def log_in(ws: ClientConnection) -> None:
        if len(peers.all) == 1:
            raise OSError("not yet")

    peers, ended = Peers(), list[tuple[ClientConnection, bool]]()
    async with surviving(peers, on_open=log_in, ended=lambda *given: ended.append(given)):
        assert ended == [(peers.connections[0], False)]


def test_wait_must_be_a_boolean() -> None:
    with pytest.raises(TypeError, match=r"^wait must be True or False, not 'no'$"):
        _ = survivor(Peers(), wait="no")
