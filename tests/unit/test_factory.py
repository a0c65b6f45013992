from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from tests.support.dialer import HANG, ScriptedDialer, Step, agree, refuse, request_field
from wssdk.codes import CloseCode
from wssdk.config import (
    Auth,
    ClientConfig,
    Compression,
    Limits,
    Logging,
    Network,
    Reconnect,
    Timeouts,
    Tls,
)
from wssdk.connection.connection import ClientConnection
from wssdk.errors import (
    ConcurrencyError,
    ConfigError,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
)
from wssdk.factory import ConnectionFactory
from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory
from wssdk.headers import Headers, HeadersLike, Response
from wssdk.ports import Extension, Frame
from wssdk.protocol.state import State
from wssdk.testing import EchoServer, LocalCertificate
from wssdk.typing import ExtensionParameter
from wssdk.wire.backends import load_backend

URI = "ws://example.com/feed?room=1"
HELLO = b"\x81\x05hello"
AGREE = (agree(), HANG)


def make(*steps: Step, **collaborators: Any) -> tuple[ConnectionFactory, ScriptedDialer]:
    """Return a factory for a server that plays ``steps``, and its dialer."""
    dialer = ScriptedDialer(steps or AGREE)
    config = collaborators.pop("config", ClientConfig(uri=URI))
    return ConnectionFactory(config, dialer=dialer, **collaborators), dialer


async def request_of(config: ClientConfig, **collaborators: Any) -> bytes:
    """Return the request that a factory sends."""
    factory, dialer = make(config=config, **collaborators)
    async with factory.connect():
        return dialer.pipe.request


class Shout:
    """An extension that changes nothing, offered with one parameter."""

    name = "x-shout"

    def get_request_params(self) -> list[ExtensionParameter]:
        return [("loud", None)]

    def process_response_params(
        self, params: list[ExtensionParameter], accepted_extensions: list[Extension]
    ) -> Extension:
        return self

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return attrs.evolve(frame, data=frame.data.upper())


# What an opening gives.


async def test_open_gives_an_open_connection() -> None:
    factory, _ = make()
    async with await factory.open() as ws:
        assert ws.state is State.OPEN


async def test_connection_knows_request_and_response() -> None:
    factory, _ = make(agree("X-Server: scripted"))
    async with factory.connect() as ws:
        assert ws.request.path == "/feed?room=1"
        assert ws.response.headers["X-Server"] == "scripted"


async def test_first_frames_behind_the_response_are_received() -> None:
    factory, _ = make(agree(then=HELLO))
    async with factory.connect() as ws:
        assert await ws.recv() == "hello"


async def test_response_may_come_in_pieces() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"

    def rest(request: bytes) -> bytes:
        return agree()(request).split(b"websocket\r\n", 1)[1] + HELLO

    factory, _ = make(*(bytes((byte,)) for byte in head), rest)
    async with factory.connect() as ws:
        assert await ws.recv() == "hello"


async def test_agreed_subprotocol() -> None:
    config = ClientConfig(uri=URI, subprotocols=("chat.v2", "chat.v1"))
    factory, _ = make(agree("Sec-WebSocket-Protocol: chat.v1"), config=config)
    async with factory.connect() as ws:
        assert ws.subprotocol == "chat.v1"


async def test_agreed_extension_is_used() -> None:
    factory, _ = make(agree("Sec-WebSocket-Extensions: x-shout", then=HELLO), extensions=(Shout(),))
    async with factory.connect() as ws:
        assert await ws.recv() == "HELLO"


async def test_limits_of_the_config_reach_the_connection() -> None:
    config = ClientConfig(uri=URI, limits=Limits(max_size=4))
    factory, _ = make(agree(then=HELLO), config=config)
    async with factory.connect() as ws:
        with pytest.raises(ConnectionClosedError, match="1009"):
            await ws.recv()


class Tagged(ClientConnection):
    """What an application makes of a connection."""

    tag = "mine"


async def test_connection_class_makes_the_connection() -> None:
    factory, _ = make(connection_class=Tagged)
    async with factory.connect() as ws:
        assert isinstance(ws, Tagged)


async def test_connection_class_may_be_a_function() -> None:
    made: list[ClientConnection] = []

    def create(*args: Any, **kwargs: Any) -> ClientConnection:
        made.append(Tagged(*args, **kwargs))
        return made[-1]

    factory, _ = make(connection_class=create)
    async with factory.connect() as ws:
        assert made == [ws]


# What is sent.


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        (ClientConfig(uri=URI), "Host", "example.com"),
        (ClientConfig(uri=URI, origin="https://example.com"), "Origin", "https://example.com"),
        (ClientConfig(uri=URI, user_agent="tester/1"), "User-Agent", "tester/1"),
        (ClientConfig(uri=URI, headers={"X-Key": "abc"}), "X-Key", "abc"),
        (ClientConfig(uri=URI, auth=Auth(token="t0ken")), "Authorization", "Bearer t0ken"),
        (ClientConfig(uri="ws://me:pw@example.com/"), "Authorization", "Basic bWU6cHc="),
        (ClientConfig(uri=URI, subprotocols=("a", "b")), "Sec-WebSocket-Protocol", "a, b"),
        (ClientConfig(uri=URI), "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        (
            ClientConfig(
                uri=URI,
                compression=Compression(
                    server_no_context_takeover=True,
                    client_no_context_takeover=True,
                    server_max_window_bits=10,
                    client_max_window_bits=11,
                ),
            ),
            "Sec-WebSocket-Extensions",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover;"
            " server_max_window_bits=10; client_max_window_bits=11",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_request_says_what_the_config_says(config: ClientConfig, name: str, value: str) -> None:
    assert request_field(await request_of(config), name) == value


@pytest.mark.parametrize("name", ["User-Agent", "Origin", "Sec-WebSocket-Extensions"])
async def test_request_leaves_out_what_is_off(name: str) -> None:
    config = ClientConfig(uri=URI, user_agent=None, compression=Compression(enabled=False))
    with pytest.raises(KeyError):
        request_field(await request_of(config), name)


async def test_extensions_are_offered_before_permessage_deflate() -> None:
    request = await request_of(ClientConfig(uri=URI), extensions=(Shout(),))
    offer = request_field(request, "Sec-WebSocket-Extensions")
    assert offer == "x-shout; loud, permessage-deflate; client_max_window_bits"


async def test_extensions_of_an_iterator_are_offered() -> None:
    request = await request_of(ClientConfig(uri=URI), extensions=iter((Shout(),)))
    assert request_field(request, "Sec-WebSocket-Extensions").startswith("x-shout; loud, permessage-deflate")


async def test_own_permessage_deflate_is_offered_instead_of_the_configs() -> None:
    own = ClientPerMessageDeflateFactory(client_max_window_bits=12)
    request = await request_of(ClientConfig(uri=URI), extensions=(own,))
    offer = request_field(request, "Sec-WebSocket-Extensions")
    assert offer == "permessage-deflate; client_max_window_bits=12"


async def test_key_differs_from_opening_to_opening() -> None:
    factory, dialer = make()
    async with factory.connect(), factory.connect():
        keys = {request_field(pipe.request, "Sec-WebSocket-Key") for pipe in dialer.pipes}
    assert len(keys) == 2


# Headers that are provided.


def plain() -> HeadersLike:
    return {"X-Token": "fresh"}


async def coroutine() -> HeadersLike:
    await asyncio.sleep(0)
    return Headers({"X-Token": "fresh"})


@pytest.mark.parametrize(
    "headers",
    [{"X-Token": "fresh"}, [("X-Token", "fresh")], Headers({"X-Token": "fresh"}), plain, coroutine],
    ids=["mapping", "pairs", "Headers", "function", "coroutine function"],
)
async def test_provided_headers_are_sent(
    headers: HeadersLike | Callable[[], HeadersLike | Awaitable[HeadersLike]],
) -> None:
    request = await request_of(ClientConfig(uri=URI), headers=headers)
    assert request_field(request, "X-Token") == "fresh"


async def test_provider_is_asked_at_every_opening() -> None:
    tokens = iter(["one", "two"])
    factory, dialer = make(headers=lambda: {"X-Token": next(tokens)})
    async with factory.connect(), factory.connect():
        sent = [request_field(pipe.request, "X-Token") for pipe in dialer.pipes]
    assert sent == ["one", "two"]


async def test_pairs_of_an_iterator_are_sent_at_every_opening() -> None:
    factory, dialer = make(headers=iter([("X-Token", "t")]))
    async with factory.connect(), factory.connect():
        sent = [request_field(pipe.request, "X-Token") for pipe in dialer.pipes]
    assert sent == ["t", "t"]


async def test_provided_header_replaces_the_configs() -> None:
    config = ClientConfig(uri=URI, headers={"X-TOKEN": "stale", "X-Other": "kept"})
    request = await request_of(config, headers={"x-token": "fresh"})
    assert b"stale" not in request
    assert request_field(request, "X-Other") == "kept"


@pytest.mark.parametrize("headers", [{"Host": "elsewhere"}, {"X-Token": "a\r\nX-Evil: b"}, {"a b": "c"}])
def test_headers_that_may_not_be_sent_are_refused_by_the_factory(headers: HeadersLike) -> None:
    with pytest.raises(InvalidHeader):
        make(headers=headers)


async def test_provided_headers_that_may_not_be_sent_are_refused_before_dialling() -> None:
    factory, dialer = make(headers=lambda: {"Host": "elsewhere"})
    with pytest.raises(InvalidHeader):
        await factory.open()
    assert dialer.routes == []


WRONG_HEADERS: list[tuple[Any, str]] = [
    ("x: y", "a mapping or pairs of name and value, not str"),
    (5, "a mapping or pairs of name and value, not int"),
    (["x: y"], "a mapping or pairs of name and value, not items of type str"),
    ({5: "x"}, "name of a header must be a str, not int"),
]


@pytest.mark.parametrize(("headers", "told"), WRONG_HEADERS)
def test_headers_that_are_none_are_told(headers: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        make(headers=headers)


@pytest.mark.parametrize(("headers", "told"), [*WRONG_HEADERS, (None, "name and value, not NoneType")])
async def test_provider_of_no_headers_is_told(headers: Any, told: str) -> None:
    factory, dialer = make(headers=lambda: headers)
    with pytest.raises(TypeError, match=told):
        await factory.open()
    assert dialer.routes == []


async def test_provider_of_no_headers_is_named() -> None:
    def tokens() -> Any:
        return None

    factory, _ = make(headers=tokens)
    with pytest.raises(TypeError, match=r"headers provider .*tokens must return a mapping"):
        await factory.open()


# Where to.


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ClientConfig(uri="ws://example.com/"), (False, "example.com", 80, None, None)),
        (ClientConfig(uri="ws://[::1]:8080/"), (False, "::1", 8080, None, None)),
        (ClientConfig(uri="wss://example.com/"), (True, "example.com", 443, "example.com", None)),
        (ClientConfig(uri="wss://example.com./"), (True, "example.com.", 443, "example.com", None)),
        (ClientConfig(uri="wss://[fe80::1%25lo]/"), (True, "fe80::1%lo", 443, "fe80::1", None)),
        (
            ClientConfig(uri="wss://example.com/", network=Network(host="10.0.0.1", port=8443)),
            (True, "10.0.0.1", 8443, "example.com", None),
        ),
        (
            ClientConfig(uri="wss://example.com/", tls=Tls(server_hostname="cert.example")),
            (True, "example.com", 443, "cert.example", None),
        ),
        (
            ClientConfig(uri="ws://localhost/", network=Network(unix_path="/run/feed.sock")),
            (False, "localhost", 80, None, "/run/feed.sock"),
        ),
        (
            ClientConfig(network=Network(unix_path="/run/feed.sock")),
            (False, "localhost", 80, None, "/run/feed.sock"),
        ),
        (
            ClientConfig(network=Network(unix_path="/run/feed.sock"), tls=Tls(min_version="1.3")),
            (True, "localhost", 443, "localhost", "/run/feed.sock"),
        ),
    ],
)
async def test_route(config: ClientConfig, expected: tuple[object, ...]) -> None:
    factory, dialer = make(config=config)
    async with factory.connect():
        route = dialer.routes[0]
    assert (route.secure, route.host, route.port, route.server_hostname, route.unix_path) == expected


async def test_unix_socket_without_uri_uses_tls_where_a_context_is_given() -> None:
    config = ClientConfig(network=Network(unix_path="/run/feed.sock"))
    factory, dialer = make(config=config, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    async with factory.connect():
        assert dialer.routes[0].secure


async def test_options_reach_the_dialer() -> None:
    factory, dialer = make(options={"flags": 4})
    async with factory.connect():
        assert dialer.routes[0].options == {"flags": 4}


async def test_closed_socket_is_refused() -> None:
    sock = socket.socket()
    sock.close()
    factory, dialer = make(options={"sock": sock})
    with pytest.raises(ValueError, match="sock is closed"):
        await factory.open()
    assert dialer.routes == []


async def test_uri_may_be_given_when_connecting() -> None:
    factory, dialer = make(config=ClientConfig())
    async with factory.connect("ws://other.example/x") as ws:
        assert dialer.routes[0].host == "other.example"
        assert ws.request.path == "/x"


async def test_given_uri_goes_before_the_configs() -> None:
    factory, dialer = make()
    async with await factory.open("ws://other.example/"):
        assert dialer.routes[0].host == "other.example"


async def test_no_uri_at_all_is_told() -> None:
    factory, _ = make(config=ClientConfig())
    with pytest.raises(ConfigError, match="there is no URI"):
        await factory.open()


async def test_given_uri_is_parsed_strictly() -> None:
    factory, dialer = make()
    with pytest.raises(InvalidURI):
        await factory.open("http://example.com/")
    assert dialer.routes == []


async def test_given_uri_must_fit_the_config() -> None:
    factory, dialer = make(config=ClientConfig(tls=Tls(verify=False)))
    with pytest.raises(ConfigError, match="without TLS"):
        await factory.open("ws://example.com/")
    assert dialer.routes == []


# What goes wrong.

JUNK = b"SSH-2.0-OpenSSH_9.6\r\n"


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ((refuse(404),), InvalidStatus),
        ((refuse(302),), InvalidStatus),
        ((refuse(302, "Location: ftp://elsewhere.example/"),), InvalidURI),
        ((JUNK,), InvalidMessage),
        ((b"",), InvalidMessage),
        ((b"HTTP/1.1 101 Switching", b""), InvalidMessage),
        ((ConnectionResetError("reset"),), InvalidMessage),
        ((OSError("broken"),), OSError),
        ((ssl.SSLError("bad record"),), ssl.SSLError),
        ((b"HTTP/1.1 101 X\r\n\r\n",), InvalidUpgrade),
        ((lambda request: agree()(request).replace(b"Accept: ", b"Accept: x"),), InvalidHeaderValue),
        ((agree("Sec-WebSocket-Protocol: unasked"),), NegotiationError),
        ((agree("Sec-WebSocket-Extensions: unasked"),), NegotiationError),
    ],
)
async def test_failed_opening_drops_the_pipe(steps: tuple[Step, ...], error: type[Exception]) -> None:
    factory, dialer = make(*steps)
    with pytest.raises(error):
        await factory.open()
    assert dialer.pipe.aborted


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError("refused"), ssl.SSLCertVerificationError("expired"), TimeoutError("ETIMEDOUT")],
)
async def test_failed_dial_comes_through_as_it_is(error: Exception) -> None:
    factory = ConnectionFactory(ClientConfig(uri=URI), dialer=ScriptedDialer(error))
    with pytest.raises(type(error)) as caught:
        await factory.open()
    assert caught.value is error


async def test_rejection_has_the_response_with_its_body() -> None:
    factory, _ = make(refuse(401, "X-Why: token", body=b"who are you?"))
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    response = caught.value.response
    assert (response.status_code, response.headers["X-Why"], response.body) == (401, "token", b"who are you?")


@pytest.mark.parametrize("end", [b"", ConnectionResetError("reset")], ids=["end", "reset"])
async def test_rejection_is_told_though_its_body_is_cut(end: Step) -> None:
    factory, _ = make(refuse(401, body=b"who are you?")[:-5], end)
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert caught.value.response.body == b"who are"


@pytest.mark.parametrize(
    "steps",
    [
        (agree("Sec-WebSocket-Protocol: unasked"),),
        (agree("Sec-WebSocket-Extensions: unasked"),),
        (b"HTTP/1.1 101 X\r\n\r\n",),
    ],
)
async def test_refused_agreement_has_the_response(steps: tuple[Step, ...]) -> None:
    factory, _ = make(*steps)
    with pytest.raises(InvalidHandshake) as caught:
        await factory.open()
    assert isinstance(caught.value.response, Response)


@pytest.mark.parametrize("steps", [(b"",), (ConnectionResetError("reset"),)], ids=["end", "reset"])
async def test_end_before_a_response_is_caused_by_eof(steps: tuple[Step, ...]) -> None:
    factory, _ = make(*steps)
    with pytest.raises(InvalidMessage) as caught:
        await factory.open()
    assert isinstance(caught.value.__cause__, EOFError)


class Broken(ClientConnection):
    """A connection that cannot start, or cannot be entered."""

    def start(self) -> None:
        raise RuntimeError("cannot start")


class Closed(ClientConnection):
    async def __aenter__(self) -> Closed:
        raise RuntimeError("cannot be entered")


async def test_connection_that_cannot_start_leaves_no_pipe_open() -> None:
    factory, dialer = make(connection_class=Broken)
    with pytest.raises(RuntimeError, match="cannot start"):
        await factory.open()
    assert dialer.pipe.aborted


async def test_connection_that_cannot_be_entered_leaves_no_pipe_open() -> None:
    factory, dialer = make(connection_class=Closed)
    with pytest.raises(RuntimeError, match="cannot be entered"):
        async with factory.connect():
            pass
    assert not dialer.pipe.open


# The deadline, and cancelling.

SOON = ClientConfig(uri=URI, timeouts=Timeouts(open="20ms"))


async def forever() -> HeadersLike:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


def dialling_forever(config: ClientConfig) -> tuple[ConnectionFactory, ScriptedDialer]:
    dialer = ScriptedDialer(HANG)
    return ConnectionFactory(config, dialer=dialer), dialer


@pytest.mark.parametrize(
    "factory",
    [
        lambda config: make(HANG, config=config),
        lambda config: make(b"HTTP/1.1 101", HANG, config=config),
        lambda config: make(config=config, headers=forever),
        dialling_forever,
    ],
    ids=["response", "rest of the response", "headers", "dial"],
)
class TestEveryWait:
    """Each place where an opening waits."""

    Make = Callable[[ClientConfig], tuple[ConnectionFactory, ScriptedDialer]]

    async def test_times_out(self, factory: Make) -> None:
        hanging, _ = factory(SOON)
        with pytest.raises(TimeoutError, match="timed out during opening handshake"):
            await hanging.open()

    async def test_leaves_nothing_open_when_timed_out(self, factory: Make) -> None:
        hanging, dialer = factory(SOON)
        with pytest.raises(TimeoutError):
            await hanging.open()
        assert not any(pipe.open for pipe in dialer.pipes)

    @pytest.mark.parametrize("turns", range(1, 7))
    async def test_leaves_nothing_open_when_cancelled(self, factory: Make, turns: int) -> None:
        hanging, dialer = factory(ClientConfig(uri=URI))
        opening = asyncio.ensure_future(hanging.connect())
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert not any(pipe.open for pipe in dialer.pipes)


@pytest.mark.parametrize("turns", range(10))
async def test_cancelled_opening_gives_a_connection_or_leaves_nothing_open(turns: int) -> None:
    factory, dialer = make(b"HTTP/1.1 ", lambda request: agree()(request)[9:], HANG)
    opening = asyncio.ensure_future(factory.connect())
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await (await opening).close()
    assert not any(pipe.open for pipe in dialer.pipes)


async def test_rejection_is_told_though_its_body_never_ends() -> None:
    factory, dialer = make(refuse(503, body=b"later")[:-2], HANG, config=SOON)
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert caught.value.response.body == b"lat"
    assert dialer.pipe.aborted


async def test_no_deadline_when_it_is_off() -> None:
    factory, _ = make(config=ClientConfig(uri=URI, timeouts=Timeouts(open=None)))
    async with factory.connect() as ws:
        assert ws.state is State.OPEN


# Three ways to connect.


async def test_awaited_connection_is_the_callers_to_close() -> None:
    factory, dialer = make()
    ws = await factory.connect()
    assert dialer.pipe.open
    await ws.close()
    assert not dialer.pipe.open


async def test_leaving_the_block_closes() -> None:
    factory, dialer = make()
    async with factory.connect() as ws:
        pass
    assert ws.close_code == CloseCode.NORMAL_CLOSURE
    assert not dialer.pipe.open


async def test_leaving_the_block_by_an_exception_closes_and_lets_it_through() -> None:
    factory, dialer = make()
    with pytest.raises(LookupError):
        async with factory.connect():
            raise LookupError
    assert not dialer.pipe.open


async def test_one_block_at_a_time() -> None:
    factory, dialer = make()
    opening = factory.connect()
    async with opening:
        with pytest.raises(ConcurrencyError):
            await opening.__aenter__()
    assert len(dialer.routes) == 1


async def test_block_can_be_entered_again() -> None:
    factory, dialer = make()
    opening = factory.connect()
    for _ in range(2):
        async with opening:
            pass
    assert len(dialer.pipes) == 2


async def test_block_can_be_entered_after_a_failure() -> None:
    dialer = ScriptedDialer(ConnectionRefusedError("refused"), AGREE)
    opening = ConnectionFactory(ClientConfig(uri=URI), dialer=dialer).connect()
    with pytest.raises(ConnectionRefusedError):
        await opening.__aenter__()
    async with opening as ws:
        assert ws.state is State.OPEN


async def test_iterating_gives_connections() -> None:
    factory, _ = make()
    async for ws in factory.connect():
        async with ws:
            assert ws.state is State.OPEN
        break


async def test_iterating_without_uri_is_told() -> None:
    factory, _ = make(config=ClientConfig())
    with pytest.raises(ConfigError, match="there is no URI"):
        aiter(factory.connect())


async def test_messages_before_the_close_stay_readable() -> None:
    factory, _ = make(agree(then=HELLO))
    async with factory.connect() as ws:
        pass
    assert await ws.recv() == "hello"
    with pytest.raises(ConnectionClosedOK):
        await ws.recv()


# The factory as a value.


@pytest.mark.parametrize(
    ("collaborator", "told"),
    [
        ({"connection_class": 5}, "connection_class must be callable, not int"),
        ({"process_exception": "retry"}, "process_exception must be callable, not str"),
        ({"reconnect_delays": iter((1.0,))}, "reconnect_delays must be callable, not tuple_iterator"),
        ({"extensions": ["permessage-deflate"]}, "extensions must be objects"),
        ({"extensions": [Shout]}, "extensions must be objects"),
        ({"extensions": 5}, "extensions must be a sequence, not int"),
        ({"config": URI}, "config must be a ClientConfig, not str"),
        ({"config": ClientConfig}, "config must be a ClientConfig, not the class ClientConfig"),
        ({"config": None}, "config must be a ClientConfig, not NoneType"),
        ({"connection_class": None}, "connection_class must be callable, not NoneType"),
        ({"dialer": 5}, r"dialer must have dial\(\), not int"),
        ({"dialer": ScriptedDialer}, r"dialer must have dial\(\), not the class ScriptedDialer"),
        ({"clock": 5}, r"clock must have time\(\), sleep\(\), not int"),
        ({"logger": "mine"}, r"logger must have debug\(\), info\(\), warning\(\), not str"),
        ({"ssl_context": True}, "ssl_context must be an SSLContext, not bool"),
        ({"options": 5}, "options must be a mapping, not int"),
        ({"options": {"sock": 5}}, "sock must be a socket, not int"),
    ],
)
def test_collaborator_of_the_wrong_kind_is_told(collaborator: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        ConnectionFactory(**{"config": ClientConfig(), **collaborator})


async def resolve_nothing(host: str, port: int) -> list[str]:
    return []


def test_resolver_beside_a_dialer_is_refused() -> None:
    with pytest.raises(ValueError, match="dialer and resolver are both given"):
        ConnectionFactory(ClientConfig(), dialer=ScriptedDialer(HANG), resolver=resolve_nothing)


def test_resolver_must_be_callable() -> None:
    with pytest.raises(TypeError, match="resolver must be callable, not str"):
        ConnectionFactory(ClientConfig(), resolver="192.0.2.1")  # type: ignore[arg-type]


async def test_resolver_is_asked_by_the_dialer_of_the_factory() -> None:
    factory = ConnectionFactory(ClientConfig(uri=URI), resolver=resolve_nothing)
    with pytest.raises(socket.gaierror, match=r"'example\.com' has no address, says the resolver"):
        await factory.open()


async def test_pickled_factory_keeps_its_resolver() -> None:
    factory = pickle.loads(pickle.dumps(ConnectionFactory(ClientConfig(uri=URI), resolver=resolve_nothing)))
    with pytest.raises(socket.gaierror, match="says the resolver"):
        await factory.open()


async def test_evolve_changes_the_resolver() -> None:
    factory = ConnectionFactory(ClientConfig(uri=URI)).evolve(resolver=resolve_nothing)
    with pytest.raises(socket.gaierror, match="says the resolver"):
        await factory.open()


def test_evolve_checks_the_kind_of_the_config() -> None:
    with pytest.raises(TypeError, match="config must be a ClientConfig, not int"):
        ConnectionFactory(ClientConfig()).evolve(config=5)


async def coroutine_class(*args: Any, **kwargs: Any) -> ClientConnection:
    return ClientConnection(*args, **kwargs)


@pytest.mark.parametrize(
    ("create", "kind"), [(lambda *args, **kwargs: None, "NoneType"), (coroutine_class, "coroutine")]
)
async def test_connection_class_that_makes_something_else_is_told(create: Any, kind: str) -> None:
    factory, dialer = make(connection_class=create)
    with pytest.raises(TypeError, match=f"connection_class .* must return a ClientConnection, not {kind}"):
        await factory.open()
    assert dialer.pipe.aborted


def test_evolve_changes_sections_of_the_config() -> None:
    factory = ConnectionFactory(ClientConfig(uri=URI)).evolve(timeouts=Timeouts(open=3), origin="https://a.b")
    assert (factory.config.timeouts.open, factory.config.origin, factory.config.uri) == (
        3,
        "https://a.b",
        URI,
    )


async def test_evolve_changes_collaborators_and_keeps_the_others() -> None:
    factory, dialer = make(headers={"X-Token": "t"})
    async with factory.evolve(connection_class=Tagged).connect() as ws:
        assert isinstance(ws, Tagged)
    assert request_field(dialer.pipe.request, "X-Token") == "t"


def test_evolve_changes_the_whole_config() -> None:
    factory = ConnectionFactory(ClientConfig(uri=URI)).evolve(config=ClientConfig(), origin="https://a.b")
    assert factory.config == ClientConfig(origin="https://a.b")


def test_evolve_leaves_the_factory_as_it_is() -> None:
    factory = ConnectionFactory(ClientConfig(uri=URI))
    factory.evolve(uri=None)
    assert factory.config.uri == URI


def test_evolve_checks_again() -> None:
    with pytest.raises(ConfigError):
        ConnectionFactory(ClientConfig(uri=URI)).evolve(uri="http://example.com/")


@pytest.mark.parametrize(
    ("changes", "contexts"),
    [({"origin": "https://a.b"}, 1), ({"tls": Tls(verify=False, min_version="1.3")}, 2)],
    ids=["same TLS", "other TLS"],
)
async def test_evolve_shares_the_ssl_context_where_it_can(
    changes: dict[str, Any], contexts: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with EchoServer(tls=LocalCertificate.make()) as server:
        factory = ConnectionFactory(ClientConfig(uri=server.uri, tls=Tls(verify=False)))
        async with factory.connect(), factory.connect(), factory.evolve(**changes).connect():
            pass
    # Said once for each context that is made.
    assert caplog.text.count("tls.verify is off") == contexts


def test_evolve_keeps_the_class() -> None:
    class Mine(ConnectionFactory):
        pass

    assert type(Mine(ClientConfig()).evolve(uri=URI)) is Mine


@pytest.mark.parametrize(
    ("name", "hint"), [("timeout", "'timeouts'"), ("ssl_contxt", "'ssl_context'"), ("xyzzy", "'xyzzy'$")]
)
def test_evolve_refuses_unknown_names(name: str, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        ConnectionFactory(ClientConfig()).evolve(**{name: 1})


def test_pickled_factory_is_the_same() -> None:
    factory = ConnectionFactory(
        ClientConfig(uri=URI), headers=plain, logger=logging.getLogger("tests"), connection_class=Tagged
    )
    again = pickle.loads(pickle.dumps(factory))
    assert again.config == factory.config
    assert repr(again) == repr(factory)


def test_collaborator_that_cannot_be_pickled_is_told() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(TypeError):
        pickle.dumps(ConnectionFactory(ClientConfig(), ssl_context=context))


# Secrets and logs.

SECRETS = ClientConfig(
    uri="ws://me:pa55word@example.com/?token=t0ken",
    headers={"Authorization": "Bearer h3ader"},
)


def assert_no_secrets(text: str) -> None:
    for secret in ("pa55word", "t0ken", "h3ader"):
        assert secret not in text


def test_repr_has_no_secrets() -> None:
    text = repr(ConnectionFactory(SECRETS, headers={"Cookie": "h3ader"}))
    assert_no_secrets(text)
    assert "example.com" in text


def test_repr_without_uri() -> None:
    assert repr(ConnectionFactory(ClientConfig())) == "<ConnectionFactory without URI>"


async def test_log_has_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    factory, _ = make(config=SECRETS)
    async with factory.connect():
        pass
    assert_no_secrets(caplog.text)
    assert "opening ws://********@example.com/?token=********" in caplog.text


async def test_log_is_not_redacted_when_told_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    factory, _ = make(config=attrs.evolve(SECRETS, logging=Logging(redact=False)))
    async with factory.connect():
        pass
    assert "t0ken" in caplog.text


async def test_error_of_an_opening_has_no_secrets() -> None:
    factory, _ = make(refuse(500), config=SECRETS)
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert_no_secrets(f"{caught.value!r} {caught.value}")


async def test_given_logger_is_used(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mine")
    factory, _ = make(logger=logging.getLogger("mine"))
    async with factory.connect() as ws:
        assert ws.logger is logging.getLogger("mine")
    assert {record.name for record in caplog.records if record.levelno >= logging.DEBUG} == {"mine"}


async def test_logger_is_named_by_the_config() -> None:
    factory, _ = make(config=ClientConfig(uri=URI, logging=Logging(logger="tests.feed")))
    async with factory.connect() as ws:
        assert ws.logger is logging.getLogger("tests.feed")


def test_level_of_the_logger_is_set_by_the_config() -> None:
    ConnectionFactory(ClientConfig(logging=Logging(logger="tests.level", level="WARNING")))
    assert logging.getLogger("tests.level").level == logging.WARNING


def test_level_is_left_alone_otherwise() -> None:
    ConnectionFactory(ClientConfig(logging=Logging(logger="tests.no_level")))
    assert logging.getLogger("tests.no_level").level == logging.NOTSET


async def test_reconnecting_may_be_switched_off() -> None:
    factory, dialer = make(config=ClientConfig(uri=URI, reconnect=Reconnect(enabled=False)))
    async for ws in factory.connect():
        with contextlib.suppress(ConnectionClosedOK):
            await ws.close()
    assert len(dialer.pipes) == 1


def test_backend_that_is_not_installed_is_told_before_any_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    load_backend.cache_clear()
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    with pytest.raises(ConfigError, match=r"compression\.backend: isal cannot be used"):
        ConnectionFactory(ClientConfig(uri=URI, compression=Compression(backend="isal")))
