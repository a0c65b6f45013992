"""One opening, several tries: URI after URI, and once more with fresh headers."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.dialer import HANG, FakeClock, Script, ScriptedPipe, agree, refuse, request_field
from wssdk.config import ClientConfig, Logging, Network, Reconnect, Timeouts
from wssdk.connection.connection import ClientConnection
from wssdk.errors import InvalidStatus, InvalidURI
from wssdk.factory import ConnectionFactory
from wssdk.headers import Headers, HeadersLike, Response
from wssdk.ports import ConnectAttempt, Route
from wssdk.tries import Candidates

URI = "ws://example.com/"
AGREE: Script = (agree(), HANG)
REFUSED: Script = ConnectionRefusedError("refused")
A, B, C = "ws://a/?token=t0ken", "ws://b/", "ws://c/"


class Hosts:
    """A dialer that plays the scripts of each host; the last one of a host is played again."""

    def __init__(self, **scripts: Sequence[Script]) -> None:
        self._scripts = {host: list(each) for host, each in scripts.items()}
        self.dialled: list[str] = []
        self.pipes: list[ScriptedPipe] = []

    async def dial(self, route: Route) -> ScriptedPipe:
        self.dialled.append(route.host)
        scripts = self._scripts[route.host]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        await asyncio.sleep(0)
        if script is HANG:
            await asyncio.get_running_loop().create_future()
        if isinstance(script, Exception):
            raise script
        assert isinstance(script, tuple)
        self.pipes.append(ScriptedPipe(script))
        return self.pipes[-1]


def several(hosts: Hosts, *uris: str, **options: Any) -> ConnectionFactory:
    collaborators = {name: options.pop(name) for name in ("process_exception", "clock") if name in options}
    config = ClientConfig(uris=uris or (A, B), **options)
    return ConnectionFactory(config, dialer=hosts, **collaborators)


def provided(hosts: Hosts, **collaborators: Any) -> ConnectionFactory:
    config = ClientConfig(uri="ws://a/", **collaborators.pop("options", {}))
    return ConnectionFactory(config, dialer=hosts, clock=FakeClock(), **collaborators)


class Tokens:
    """Provides a token, a new one each time, and notes what it was told."""

    def __init__(self) -> None:
        self.told: list[ConnectAttempt] = []

    async def headers(self, attempt: ConnectAttempt) -> HeadersLike:
        self.told.append(attempt)
        await asyncio.sleep(0)
        return {"X-Token": str(len(self.told))}

    async def uri(self, attempt: ConnectAttempt) -> str:
        self.told.append(attempt)
        await asyncio.sleep(0)
        return f"ws://a/?token={len(self.told)}"


def tokens_sent(hosts: Hosts) -> list[str]:
    return [request_field(pipe.request, "X-Token") for pipe in hosts.pipes]


# URI after URI.


@pytest.mark.parametrize(
    "failure",
    [REFUSED, (refuse(503),), (b"",)],
    ids=["refused", "503", "end"],
)
async def test_next_uri_is_tried_where_one_fails(failure: Script) -> None:
    hosts = Hosts(a=[failure], b=[AGREE])
    async with several(hosts).connect():
        assert hosts.dialled == ["a", "b"]


async def test_connection_knows_its_uri() -> None:
    async with several(Hosts(a=[REFUSED], b=[AGREE])).connect() as ws:
        assert ws.request.headers["Host"] == "b"


async def test_first_uri_that_opens_is_enough() -> None:
    hosts = Hosts(a=[AGREE], b=[AGREE])
    async with several(hosts).connect():
        assert hosts.dialled == ["a"]


async def test_fatal_failure_is_raised_at_once() -> None:
    hosts = Hosts(a=[(refuse(403),)], b=[AGREE])
    with pytest.raises(InvalidStatus):
        await several(hosts).open()
    assert hosts.dialled == ["a"]


async def test_hook_decides_whether_the_next_is_tried() -> None:
    hosts = Hosts(a=[(refuse(403),)], b=[AGREE])
    async with several(hosts, process_exception=lambda error: None).connect():
        assert hosts.dialled == ["a", "b"]


async def test_last_failure_is_raised_where_none_opens() -> None:
    hosts = Hosts(a=[OSError("one")], b=[OSError("two")])
    with pytest.raises(OSError, match="two"):
        await several(hosts).open()


async def test_last_failure_has_the_others_in_its_notes_without_secrets() -> None:
    hosts = Hosts(a=[OSError(f"no {A}")], b=[OSError("two")])
    with pytest.raises(OSError, match="two") as caught:
        await several(hosts).open()
    shown = "ws://a/?token=********"
    assert caught.value.__notes__ == [f"opening {shown} failed: OSError: no {shown}"]


async def test_log_tells_of_the_next_uri_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with several(Hosts(a=[REFUSED], b=[AGREE])).connect():
        pass
    expected = "opening ws://a/?token=******** failed: ConnectionRefusedError: refused; trying the next URI"
    assert expected in caplog.messages


async def test_uri_that_is_given_is_the_only_one() -> None:
    hosts = Hosts(a=[AGREE], b=[AGREE], c=[REFUSED])
    with pytest.raises(ConnectionRefusedError):
        await several(hosts).open(C)
    assert hosts.dialled == ["c"]


async def test_host_that_answers_nothing_leaves_time_for_the_next() -> None:
    hosts = Hosts(a=[HANG], b=[HANG], c=[AGREE])
    async with several(hosts, A, B, C, timeouts=Timeouts(open="300ms")).connect():
        assert hosts.dialled == ["a", "b", "c"]


async def test_all_uris_together_have_the_time_of_one_opening() -> None:
    hosts = Hosts(a=[HANG], b=[HANG])
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(TimeoutError):
        await several(hosts, timeouts=Timeouts(open="60ms")).open()
    # Timers may fire a little early.
    assert (hosts.dialled, loop.time() - started > 0.055) == (["a", "b"], True)


async def test_uris_without_a_deadline() -> None:
    hosts = Hosts(a=[REFUSED], b=[AGREE])
    async with several(hosts, timeouts=Timeouts(open=None)).connect():
        assert hosts.dialled == ["a", "b"]


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_at_any_turn_leaves_nothing_open(turns: int) -> None:
    hosts = Hosts(a=[(refuse(503),)], b=[(HANG,)])
    opening = asyncio.ensure_future(several(hosts).connect())
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()
    assert not any(pipe.open for pipe in hosts.pipes)


# The healthy one first.


async def test_uri_that_opened_is_tried_first_next_time() -> None:
    hosts = Hosts(a=[REFUSED, AGREE], b=[AGREE])
    factory = several(hosts)
    async with factory.connect(), factory.connect():
        assert hosts.dialled == ["a", "b", "b"]


async def test_uri_that_fails_is_not_first_any_more() -> None:
    hosts = Hosts(a=[REFUSED, AGREE], b=[AGREE, REFUSED], c=[REFUSED])
    factory = several(hosts, A, B, C)
    async with factory.connect(), factory.connect(), factory.connect():
        assert hosts.dialled == ["a", "b", "b", "a", "a"]


async def drop_after(seconds: float, hosts: Hosts, factory: ConnectionFactory, clock: FakeClock) -> None:
    """Move on from a connection to ``a`` after ``seconds``, and close the next one."""
    connections = aiter(factory.connect())
    await anext(connections)
    clock.now += seconds
    await (await anext(connections)).close()


async def test_uri_whose_connection_did_not_live_is_tried_last() -> None:
    hosts, clock = Hosts(a=[AGREE], b=[AGREE]), FakeClock()
    await drop_after(1, hosts, several(hosts, clock=clock), clock)
    assert hosts.dialled == ["a", "b"]


async def test_uri_whose_connection_lived_is_tried_first() -> None:
    hosts, clock = Hosts(a=[AGREE], b=[AGREE]), FakeClock()
    await drop_after(100, hosts, several(hosts, clock=clock), clock)
    assert hosts.dialled == ["a", "a"]


async def test_attempts_are_those_of_all_uris() -> None:
    hosts, clock = Hosts(a=[REFUSED, REFUSED], b=[REFUSED, AGREE]), FakeClock()
    factory = several(hosts, clock=clock)
    async with await anext(aiter(factory.connect())):
        assert (hosts.dialled, len(clock.sleeps)) == (["a", "b", "a", "b"], 1)


BUSY: Script = (refuse(503, "Retry-After: 30"),)


async def test_server_that_asks_to_wait_is_left_out_while_another_is_there() -> None:
    hosts, clock = Hosts(a=[BUSY, AGREE], b=[REFUSED, AGREE]), FakeClock()
    async with await anext(aiter(several(hosts, clock=clock).connect())):
        assert hosts.dialled == ["a", "b", "b"]
        assert sum(clock.sleeps) < 30


async def test_server_is_asked_again_when_its_time_has_come() -> None:
    hosts, clock = Hosts(a=[BUSY, AGREE], b=[REFUSED]), FakeClock()
    async with await anext(aiter(several(hosts, clock=clock).connect())):
        assert hosts.dialled[-1] == "a"
        assert sum(clock.sleeps) >= 30


async def test_where_all_ask_to_wait_the_first_time_that_comes_is_waited_for() -> None:
    soon: Script = (refuse(429, "Retry-After: 20"),)
    hosts, clock = Hosts(a=[BUSY, AGREE], b=[soon, AGREE]), FakeClock()
    async with await anext(aiter(several(hosts, clock=clock).connect())):
        assert hosts.dialled == ["a", "b", "b"]
        assert 20 <= sum(clock.sleeps) <= 22


async def test_who_does_not_wait_has_the_one_tried_that_may_be_asked_first() -> None:
    soon: Script = (refuse(429, "Retry-After: 20"),)
    hosts = Hosts(a=[BUSY], b=[soon, AGREE])
    factory = several(hosts, clock=FakeClock())
    with pytest.raises(InvalidStatus):
        await factory.connect()
    async with factory.connect():
        assert hosts.dialled == ["a", "b", "b"]


async def test_what_a_provider_is_asked_to_wait_holds_for_all_servers() -> None:
    told: list[int] = []

    def headers(attempt: ConnectAttempt) -> HeadersLike:
        told.append(attempt.number)
        if attempt.number == 1:
            raise InvalidStatus(Response(503, "No", Headers([("Retry-After", "30")])))
        return {}

    hosts, clock = Hosts(a=[AGREE], b=[AGREE]), FakeClock()
    factory = ConnectionFactory(ClientConfig(uris=[A, B]), dialer=hosts, headers=headers, clock=clock)
    async with await anext(aiter(factory.connect())):
        assert told == [1, 2]
        assert 30 <= sum(clock.sleeps) <= 34


async def test_loop_waits_for_what_others_were_told_before_it_began() -> None:
    hosts, clock = Hosts(a=[BUSY, AGREE], b=[BUSY, AGREE]), FakeClock()
    factory = several(hosts, clock=clock)
    with pytest.raises(InvalidStatus):
        await factory.connect()
    async with await anext(aiter(factory.connect())):
        assert 30 <= sum(clock.sleeps) <= 34


async def test_loop_waits_for_what_others_were_told_while_its_connection_lived() -> None:
    hosts, clock = Hosts(a=[BUSY, AGREE], b=[AGREE, BUSY, AGREE]), FakeClock()
    factory = several(hosts, clock=clock)
    connections = aiter(factory.connect())
    await anext(connections)
    with pytest.raises(InvalidStatus):
        await factory.connect()
    before = clock.now
    async with await anext(connections):
        assert 29 <= clock.now - before <= 34


async def test_error_tells_which_server_was_left_out_for_how_long() -> None:
    hosts = Hosts(a=[BUSY], b=[ConnectionRefusedError("first"), ConnectionRefusedError("second")])
    factory = several(hosts, clock=FakeClock(), reconnect=Reconnect(enabled=False))
    with pytest.raises(ConnectionRefusedError, match="first"):
        await factory.connect()
    with pytest.raises(ConnectionRefusedError, match="second") as raised:
        await factory.connect()
    (note,) = raised.value.__notes__
    assert re.fullmatch(r"ws://a/\S* asked not to be asked again for 3[0-3]\.\d s", note)
    assert "t0ken" not in note


async def test_no_server_is_left_out_where_retry_after_is_switched_off() -> None:
    hosts, clock = Hosts(a=[BUSY, AGREE], b=[REFUSED, AGREE]), FakeClock()
    factory = several(hosts, clock=clock, reconnect=Reconnect(retry_after=False))
    async with await anext(aiter(factory.connect())):
        assert hosts.dialled == ["a", "b", "a"]


async def an_open_one() -> ClientConnection:
    return await ConnectionFactory(ClientConfig(uri="ws://a/"), dialer=Hosts(a=[AGREE])).open()


async def test_server_that_opens_all_the_same_is_not_left_out_any_longer() -> None:
    candidates, connection = Candidates("ab", None), await an_open_one()
    candidates.failed("a", 30)
    candidates.opened("a", connection)
    assert (candidates.holds(), candidates.wait()) == ({}, 0)
    await connection.close()


async def test_server_that_opens_is_not_the_last_one_any_longer() -> None:
    candidates, first, second = Candidates("abc", None), await an_open_one(), await an_open_one()
    candidates.opened("a", first)
    candidates.ended(first, lived=False)
    before = order_of(candidates)
    candidates.opened("a", second)
    candidates.failed("a")
    assert (before, order_of(candidates)) == ("bca", "abc")
    await first.close()
    await second.close()


def order_of(candidates: Candidates) -> str:
    return "".join(candidates.in_order())


def test_order_is_that_of_the_config() -> None:
    assert order_of(Candidates("abc", None)) == "abc"


def test_order_is_shuffled_each_time() -> None:
    turns = iter((list.reverse, list.sort))
    candidates = Candidates("abc", lambda uris: next(turns)(uris))
    assert [order_of(candidates) for _ in range(2)] == ["cba", "abc"]


async def test_healthy_one_is_first_however_the_rest_is_shuffled() -> None:
    candidates = Candidates("abc", list.reverse)
    async with ConnectionFactory(ClientConfig(uri="ws://a/"), dialer=Hosts(a=[AGREE])).connect() as ws:
        candidates.opened("b", ws)
        assert order_of(candidates) == "bca"


async def test_shuffled_uris_are_not_always_tried_in_the_same_order() -> None:
    firsts: set[str] = set()
    for _ in range(60):
        hosts = Hosts(a=[AGREE], b=[AGREE])
        async with several(hosts, uri_order="shuffled").connect():
            firsts.update(hosts.dialled)
    assert firsts == {"a", "b"}


# What providers are told.


async def test_provider_is_told_each_attempt() -> None:
    tokens = Tokens()
    hosts = Hosts(a=[OSError("one"), AGREE])
    async with await anext(aiter(provided(hosts, headers=tokens.headers).connect())):
        first, second = tokens.told
    assert first == ConnectAttempt(1)
    assert (second.number, str(second.last_error), second.refresh) == (2, "one", False)


async def test_attempt_can_be_given_to_open() -> None:
    tokens = Tokens()
    ws = await provided(Hosts(a=[AGREE]), headers=tokens.headers).open(attempt=ConnectAttempt(7))
    await ws.close()
    assert tokens.told == [ConnectAttempt(7)]


async def test_provided_uri_is_opened() -> None:
    hosts = Hosts(b=[AGREE])
    async with provided(hosts, uri=lambda: "ws://b/path").connect() as ws:
        assert ws.request.path == "/path"


async def test_every_attempt_has_a_uri_of_its_own() -> None:
    hosts = Hosts(a=[(refuse(503),), AGREE])
    async with await anext(aiter(provided(hosts, uri=Tokens().uri).connect())):
        assert [pipe.request.split()[1] for pipe in hosts.pipes] == [b"/?token=1", b"/?token=2"]


async def test_provider_of_the_uri_needs_none_in_the_config() -> None:
    factory = ConnectionFactory(ClientConfig(), uri=lambda: "ws://b/", dialer=Hosts(b=[AGREE]))
    async with factory.connect() as ws:
        assert ws.request.headers["Host"] == "b"


async def test_provider_is_not_asked_for_a_uri_that_is_given() -> None:
    hosts = Hosts(b=[AGREE])
    tokens = Tokens()
    async with provided(hosts, uri=tokens.uri).connect("ws://b/"):
        assert tokens.told == []


async def test_provider_comes_before_the_uris_of_the_config() -> None:
    hosts = Hosts(c=[AGREE])
    config = ClientConfig(uris=[A, B])
    async with ConnectionFactory(config, uri=lambda: C, dialer=hosts).connect():
        assert hosts.dialled == ["c"]


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (None, TypeError, r"uri provider .* must return a str, not NoneType"),
        ("http://a/", InvalidURI, "isn't a valid URI"),
    ],
    ids=["None", "http"],
)
async def test_wrong_uri_is_told(answer: Any, error: type[Exception], told: str) -> None:
    hosts = Hosts(a=[AGREE])
    with pytest.raises(error, match=told):
        await provided(hosts, uri=lambda: answer).open()
    assert hosts.dialled == []


async def test_failing_provider_is_judged_as_the_opening_is() -> None:
    answers = iter((OSError("token server is down"), None))

    async def headers() -> HeadersLike:
        if (error := next(answers)) is not None:
            raise error
        return {}

    hosts = Hosts(a=[AGREE])
    async with await anext(aiter(provided(hosts, headers=headers).connect())):
        assert hosts.dialled == ["a"]


async def test_provider_of_headers_is_asked_once_for_several_uris() -> None:
    hosts, tokens = Hosts(a=[(refuse(503),)], b=[AGREE]), Tokens()
    config = ClientConfig(uris=[A, B])
    async with ConnectionFactory(config, headers=tokens.headers, dialer=hosts).connect():
        assert tokens_sent(hosts) == ["1", "1"]


async def test_connections_of_one_factory_ask_together() -> None:
    hosts, tokens = Hosts(a=[AGREE]), Tokens()
    factory = provided(hosts, headers=tokens.headers)
    for ws in await asyncio.gather(*(factory.open() for _ in range(5))):
        await ws.close()
    assert (len(tokens.told), tokens_sent(hosts)) == (1, ["1"] * 5)


async def test_provider_serves_a_unix_socket_without_uri() -> None:
    config = ClientConfig(network=Network(unix_path="/run/x.sock"))
    factory = ConnectionFactory(config, headers=lambda: {"X-Token": "t"}, dialer=Hosts(localhost=[AGREE]))
    async with factory.connect() as ws:
        assert ws.request.headers["X-Token"] == "t"


# 401.


async def test_401_is_tried_again_with_a_fresh_answer() -> None:
    hosts, tokens = Hosts(a=[(refuse(401),), AGREE]), Tokens()
    async with provided(hosts, headers=tokens.headers).connect():
        assert tokens_sent(hosts) == ["1", "2"]


async def test_401_has_the_provider_told_to_refresh() -> None:
    hosts, tokens = Hosts(a=[(refuse(401),), AGREE]), Tokens()
    async with provided(hosts, headers=tokens.headers).connect():
        pass
    first, second = tokens.told
    assert (first.refresh, second.refresh, second.number) == (False, True, 1)
    assert isinstance(second.last_error, InvalidStatus)


async def test_401_has_a_fresh_uri() -> None:
    hosts = Hosts(a=[(refuse(401),), AGREE])
    async with provided(hosts, uri=Tokens().uri).connect():
        assert [pipe.request.split()[1] for pipe in hosts.pipes] == [b"/?token=1", b"/?token=2"]


async def test_401_does_not_wait() -> None:
    hosts = Hosts(a=[(refuse(401),), AGREE])
    clock = FakeClock()
    config = ClientConfig(uri="ws://a/")
    factory = ConnectionFactory(config, headers=Tokens().headers, dialer=hosts, clock=clock)
    async with await anext(aiter(factory.connect())):
        assert clock.sleeps == []


async def test_second_401_is_raised() -> None:
    hosts, tokens = Hosts(a=[(refuse(401),)]), Tokens()
    with pytest.raises(InvalidStatus) as caught:
        await provided(hosts, headers=tokens.headers).open()
    assert (len(hosts.pipes), caught.value.response.status_code) == (2, 401)


async def test_401_is_fatal_in_a_loop_after_one_refresh() -> None:
    hosts, tokens = Hosts(a=[(refuse(401),)]), Tokens()
    with pytest.raises(InvalidStatus):
        await anext(aiter(provided(hosts, headers=tokens.headers).connect()))
    assert len(hosts.pipes) == 2


@pytest.mark.parametrize("headers", [None, {"X-Token": "fixed"}], ids=["none", "fixed"])
async def test_401_is_raised_at_once_without_a_provider(headers: HeadersLike | None) -> None:
    hosts = Hosts(a=[(refuse(401),)])
    with pytest.raises(InvalidStatus):
        await provided(hosts, headers=headers).open()
    assert len(hosts.pipes) == 1


async def test_401_is_raised_at_once_for_a_uri_that_was_given() -> None:
    hosts = Hosts(a=[(refuse(401),)])
    with pytest.raises(InvalidStatus):
        await provided(hosts, uri=Tokens().uri).open("ws://a/")
    assert len(hosts.pipes) == 1


async def test_each_attempt_may_refresh_once() -> None:
    scripts: list[Script] = [(refuse(401),), REFUSED, (refuse(401),), AGREE]
    hosts, tokens = Hosts(a=scripts), Tokens()
    async with await anext(aiter(provided(hosts, headers=tokens.headers).connect())):
        assert [attempt.refresh for attempt in tokens.told] == [False, True, False, True]


AWAY: Script = (refuse(302, "Location: ws://b/"),)


async def test_401_of_another_origin_is_not_for_who_provides_headers() -> None:
    hosts, tokens = Hosts(a=[AWAY], b=[(refuse(401),)]), Tokens()
    with pytest.raises(InvalidStatus):
        await provided(hosts, headers=tokens.headers).connect()
    assert (hosts.dialled, len(tokens.told)) == (["a", "b"], 1)


async def test_401_of_another_origin_that_was_shown_the_headers_is_tried_again() -> None:
    hosts, tokens = Hosts(a=[AWAY], b=[(refuse(401),), AGREE]), Tokens()
    network = Network(keep_headers=["X-Token"])
    async with provided(hosts, headers=tokens.headers, options={"network": network}).connect():
        assert (hosts.dialled, len(tokens.told)) == (["a", "b", "a", "b"], 2)


async def test_401_of_another_origin_has_a_fresh_uri() -> None:
    hosts, tokens = Hosts(a=[AWAY], b=[(refuse(401),), AGREE]), Tokens()
    async with provided(hosts, uri=tokens.uri).connect():
        assert (hosts.dialled, len(tokens.told)) == (["a", "b", "a", "b"], 2)


async def test_401_of_another_origin_leaves_headers_as_they_are_where_a_uri_is_provided_too() -> None:
    hosts, headers, uris = Hosts(a=[AWAY], b=[(refuse(401),), AGREE]), Tokens(), Tokens()
    async with provided(hosts, headers=headers.headers, uri=uris.uri).connect():
        assert ([told.refresh for told in headers.told], [told.refresh for told in uris.told]) == (
            [False],
            [False, True],
        )


async def test_401_behind_a_redirect_refreshes_who_gave_nothing_at_first() -> None:
    hosts, told = Hosts(a=[(refuse(302, "Location: /b"),), (refuse(401),), AGREE]), list[bool]()

    def nothing_at_first(attempt: ConnectAttempt) -> HeadersLike:
        told.append(attempt.refresh)
        return {"X-Token": "fresh"} if attempt.refresh else {}

    async with provided(hosts, headers=nothing_at_first).connect():
        assert told == [False, True]


async def test_401_is_answered_before_its_body_has_come() -> None:
    slow: Script = (b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\n", HANG)
    hosts, tokens = Hosts(a=[slow, AGREE]), Tokens()
    async with provided(hosts, headers=tokens.headers).connect():
        assert len(tokens.told) == 2


async def test_body_of_the_last_401_is_kept() -> None:
    hosts, tokens = Hosts(a=[(refuse(401, body=b"first"),), (refuse(401, body=b"last"),)]), Tokens()
    with pytest.raises(InvalidStatus) as raised:
        await provided(hosts, headers=tokens.headers).connect()
    assert raised.value.response.body == b"last"


async def test_401_whose_body_never_comes_is_told_as_what_it_is() -> None:
    slow: Script = (b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\n", HANG)
    hosts, tokens = Hosts(a=[slow, slow]), Tokens()
    with pytest.raises(InvalidStatus):
        await provided(hosts, headers=tokens.headers, options={"timeouts": Timeouts(open="50ms")}).connect()


class Vault(Tokens):
    """Fails to refresh the first time."""

    async def headers(self, attempt: ConnectAttempt) -> HeadersLike:
        self.told.append(attempt)
        if [told.refresh for told in self.told].count(True) == 1 and attempt.refresh:
            raise OSError("the vault restarts")
        return {"X-Token": "fresh" if attempt.refresh else "stale"}


async def test_provider_that_fails_to_refresh_is_no_failure_of_a_server() -> None:
    hosts, vault = Hosts(a=[(refuse(401),), (refuse(401),), AGREE], b=[(refuse(401),)]), Vault()
    factory = ConnectionFactory(
        ClientConfig(uris=[A, B]), dialer=hosts, headers=vault.headers, clock=FakeClock()
    )
    async with await anext(aiter(factory.connect())):
        assert hosts.dialled == ["a", "a", "a"]


async def test_401_of_one_uri_is_tried_again_at_that_uri() -> None:
    hosts, tokens = Hosts(a=[REFUSED], b=[(refuse(401),), AGREE]), Tokens()
    config = ClientConfig(uris=[A, B])
    async with ConnectionFactory(config, headers=tokens.headers, dialer=hosts).connect():
        assert hosts.dialled == ["a", "b", "b"]


async def test_connections_that_are_refused_together_refresh_once() -> None:
    hosts, tokens = Hosts(a=[*[(refuse(401),)] * 5, AGREE]), Tokens()
    factory = provided(hosts, headers=tokens.headers)
    for ws in await asyncio.gather(*(factory.open() for _ in range(5))):
        await ws.close()
    assert len(tokens.told) == 2


async def test_failing_refresh_is_raised() -> None:
    def headers(attempt: ConnectAttempt) -> HeadersLike:
        if attempt.refresh:
            raise LookupError("the account is gone")
        return {}

    with pytest.raises(LookupError, match="the account is gone"):
        await provided(Hosts(a=[(refuse(401),)]), headers=headers).open()


@pytest.mark.parametrize("turns", range(16))
async def test_opening_with_providers_cancelled_at_any_turn_leaves_nothing_open(turns: int) -> None:
    hosts, tokens = Hosts(a=[(refuse(401),), (HANG,)]), Tokens()
    factory = provided(hosts, headers=tokens.headers, uri=tokens.uri)
    opening = asyncio.ensure_future(factory.connect())
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()
    assert not any(pipe.open for pipe in hosts.pipes)


async def test_providers_own_timeout_is_not_the_openings() -> None:
    async def headers() -> HeadersLike:
        raise TimeoutError("the vault is slow")

    with pytest.raises(TimeoutError, match="the vault is slow"):
        await provided(Hosts(a=[AGREE]), headers=headers).open()


async def test_provider_that_does_not_answer_is_told() -> None:
    async def headers() -> HeadersLike:
        never: asyncio.Future[HeadersLike] = asyncio.get_running_loop().create_future()
        return await never

    factory = provided(Hosts(a=[AGREE]), headers=headers, options={"timeouts": Timeouts(open="20ms")})
    with pytest.raises(TimeoutError, match="who provides headers or URI did not answer"):
        await factory.open()


# What is shown.


def factory_of(config: ClientConfig, **collaborators: Any) -> ConnectionFactory:
    return ConnectionFactory(config, dialer=Hosts(a=[OSError("down")], b=[OSError("down")]), **collaborators)


async def logged(factory: ConnectionFactory, caplog: pytest.LogCaptureFixture) -> str:
    caplog.set_level(logging.INFO)
    with pytest.raises(OSError, match="down"):
        await anext(aiter(factory.connect()))
    return caplog.messages[-1]


ONCE = Reconnect(max_attempts=1)


async def test_log_names_all_uris_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    told = await logged(factory_of(ClientConfig(uris=[A, B], reconnect=ONCE)), caplog)
    assert "open ws://a/?token=********, ws://b/ failed" in told


async def test_log_shows_all_where_redacting_is_off(caplog: pytest.LogCaptureFixture) -> None:
    config = ClientConfig(uris=[A, B], reconnect=ONCE, logging=Logging(redact=False))
    assert f"open {A}, ws://b/ failed" in await logged(factory_of(config), caplog)


async def test_log_names_the_provider_of_the_uri(caplog: pytest.LogCaptureFixture) -> None:
    factory = factory_of(ClientConfig(reconnect=ONCE), uri=Tokens().uri)
    assert "open the URI of Tokens.uri failed" in await logged(factory, caplog)


async def test_provided_uri_is_not_shown_in_the_messages_of_errors(caplog: pytest.LogCaptureFixture) -> None:
    def refuse_all(*args: Any, **keywords: Any) -> ClientConnection:
        raise OSError("down: ws://a/?token=t0ken")

    config = ClientConfig(reconnect=ONCE)
    hosts = Hosts(a=[AGREE])
    factory = ConnectionFactory(config, uri=lambda: A, dialer=hosts, connection_class=refuse_all)
    assert "t0ken" not in await logged(factory, caplog)


@pytest.mark.parametrize(
    ("factory", "shown"),
    [
        (factory_of(ClientConfig()), "<ConnectionFactory without URI>"),
        (factory_of(ClientConfig(uris=[A, B])), "<ConnectionFactory ws://a/?token=********, ws://b/>"),
        (factory_of(ClientConfig(), uri=Tokens().uri), "<ConnectionFactory the URI of Tokens.uri>"),
    ],
    ids=["none", "several", "provider"],
)
def test_repr_of_the_factory(factory: ConnectionFactory, shown: str) -> None:
    assert repr(factory) == shown


# Evolving.


def test_new_uri_replaces_several() -> None:
    config = factory_of(ClientConfig(uris=[A, B])).evolve(uri=C).config
    assert (config.uri, config.uris) == (C, ())


def test_new_uris_replace_the_one() -> None:
    config = factory_of(ClientConfig(uri=C)).evolve(uris=[A, B]).config
    assert (config.uri, config.uris) == (None, (A, B))


async def test_new_uri_replaces_the_provider() -> None:
    factory = ConnectionFactory(ClientConfig(), uri=lambda: C, dialer=Hosts(b=[AGREE], c=[REFUSED]))
    async with factory.evolve(uri=B).connect() as ws:
        assert ws.request.headers["Host"] == "b"


async def test_new_provider_replaces_the_uri() -> None:
    factory = ConnectionFactory(ClientConfig(uri=C), dialer=Hosts(b=[AGREE], c=[REFUSED]))
    async with factory.evolve(uri=lambda: B).connect() as ws:
        assert ws.request.headers["Host"] == "b"


async def test_provider_stays_where_something_else_is_changed() -> None:
    factory = ConnectionFactory(ClientConfig(), uri=lambda: B, dialer=Hosts(b=[AGREE]))
    async with factory.evolve(timeouts=Timeouts(open=5)).connect() as ws:
        assert ws.request.headers["Host"] == "b"


def test_fixed_uri_is_no_provider() -> None:
    with pytest.raises(TypeError, match="uri must be callable, not str: a fixed URI goes into the config"):
        ConnectionFactory(ClientConfig(), uri=URI)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["headers", "uri"])
def test_provider_that_needs_more_is_refused_by_the_factory(name: str) -> None:
    with pytest.raises(TypeError, match="it needs a, b"):
        ConnectionFactory(ClientConfig(), **{name: lambda a, b: None})  # type: ignore[arg-type]
