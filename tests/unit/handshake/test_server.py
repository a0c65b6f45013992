from __future__ import annotations

from typing import Any

import pytest

from wssdk.errors import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidState,
    InvalidUpgrade,
    TooManyHeaders,
)
from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from wssdk.handshake.header_grammar import build_extensions_header
from wssdk.handshake.request import accept_key, build_request, serialize_request
from wssdk.handshake.response import ResponseReader, judge_response
from wssdk.handshake.server import RequestReader, judge_request, rejection, serialize_response
from wssdk.headers import Headers, Request, Response
from wssdk.uri import parse_uri

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
DEFLATE = ServerPerMessageDeflateFactory()


def made(**options: Any) -> Request:
    return build_request(parse_uri("ws://example.com/chat"), key=KEY, **options)


def changed(name: str, *values: str) -> Request:
    request = made()
    del request.headers[name]
    for value in values:
        request.headers[name] = value
    return request


def test_request_and_rest() -> None:
    reader = RequestReader()
    reader.feed(serialize_request(made()) + b"rest")
    assert (reader.request, reader.trailing) == (made(), b"rest")


def test_request_in_pieces() -> None:
    reader = RequestReader()
    for byte in serialize_request(made()):
        reader.feed(bytes((byte,)))
    assert reader.request == made()


def test_nothing_is_read_after_the_request() -> None:
    reader = RequestReader()
    reader.feed(serialize_request(made()))
    reader.feed_eof()
    with pytest.raises(InvalidState):
        reader.feed(b"x")


@pytest.mark.parametrize("data", [b"\x16\x03\x01", b"\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_no_request(data: bytes) -> None:
    reader = RequestReader()
    with pytest.raises(InvalidMessage, match="valid HTTP request") as caught:
        reader.feed(data)
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(InvalidState):
        reader.feed(b"x")


def test_endless_request() -> None:
    with pytest.raises(TooManyHeaders):
        RequestReader().feed(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 129)


def test_end_of_stream_in_the_request() -> None:
    reader = RequestReader()
    reader.feed(b"GET /")
    with pytest.raises(InvalidMessage) as caught:
        reader.feed_eof()
    assert isinstance(caught.value.__cause__, EOFError)


def test_least_answer_on_the_wire() -> None:
    response, _ = judge_request(made())
    assert serialize_response(response) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


def test_both_sides_agree() -> None:
    ours = ClientPerMessageDeflateFactory(client_max_window_bits=10)
    offer = build_extensions_header([(ours.name, ours.get_request_params())])
    request = made(subprotocols=["a", "b"], extensions_header=offer)
    answer, theirs = judge_request(request, subprotocols=["b"], extension_factories=[DEFLATE])
    reader = ResponseReader()
    reader.feed(serialize_response(answer))
    assert reader.response == answer
    agreed = judge_response(answer, key=KEY, offered_subprotocols=["a", "b"], offered_extensions=[ours])
    assert agreed.subprotocol == theirs.subprotocol == "b"
    assert answer.headers["Sec-WebSocket-Extensions"] == "permessage-deflate; client_max_window_bits=10"
    assert [extension.name for extension in agreed.extensions] == ["permessage-deflate"]


@pytest.mark.parametrize(
    ("offered", "ours", "chosen"),
    [
        ([], [], None),
        ([], ["a"], None),
        (["a"], [], None),
        (["a"], ["b"], None),
        (["a", "b"], ["b", "a"], "b"),
        (["a, b", "c"], ["c"], "c"),
    ],
)
def test_subprotocol(offered: list[str], ours: list[str], chosen: str | None) -> None:
    response, agreement = judge_request(changed_by("Sec-WebSocket-Protocol", offered), subprotocols=ours)
    assert agreement.subprotocol == chosen
    assert response.headers.get("Sec-WebSocket-Protocol") == chosen


def changed_by(name: str, values: list[str]) -> Request:
    request = made()
    for value in values:
        request.headers[name] = value
    return request


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        ([], None),
        (["x"], None),
        (["permessage-deflate"], "permessage-deflate"),
        (["x, permessage-deflate"], "permessage-deflate"),
        (["x", "permessage-deflate"], "permessage-deflate"),
        (["permessage-deflate; bad, permessage-deflate"], "permessage-deflate"),
        (["permessage-deflate; bad"], None),
        (
            ["permessage-deflate; server_max_window_bits=9, permessage-deflate"],
            "permessage-deflate; server_max_window_bits=9",
        ),
    ],
)
def test_extensions(offered: list[str], answer: str | None) -> None:
    request = changed_by("Sec-WebSocket-Extensions", offered)
    response, agreement = judge_request(request, extension_factories=[DEFLATE])
    assert response.headers.get("Sec-WebSocket-Extensions") == answer
    assert len(agreement.extensions) == (0 if answer is None else 1)


@pytest.mark.parametrize(
    ("request_", "error", "status"),
    [
        (Request("/", made().headers, "POST"), InvalidMessage, 400),
        (Request("/", made().headers, "GET", "HTTP/1.0"), InvalidMessage, 400),
        (changed("Upgrade"), InvalidUpgrade, 426),
        (changed("Upgrade", "h2c"), InvalidUpgrade, 426),
        (changed("Connection", "close"), InvalidUpgrade, 426),
        (changed("Sec-WebSocket-Key"), InvalidHeader, 400),
        (changed("Sec-WebSocket-Key", KEY, KEY), InvalidHeader, 400),
        (changed("Sec-WebSocket-Key", "AAAA"), InvalidHeaderValue, 400),
        (changed("Sec-WebSocket-Key", "A"), InvalidHeaderValue, 400),
        (changed("Sec-WebSocket-Key", "ü"), InvalidHeaderValue, 400),
        (changed("Sec-WebSocket-Version"), InvalidHeader, 400),
        (changed("Sec-WebSocket-Version", "8"), InvalidHeaderValue, 426),
        (changed_by("Sec-WebSocket-Protocol", ["a b"]), InvalidHeaderFormat, 400),
        (changed_by("Sec-WebSocket-Extensions", ["a b"]), InvalidHeaderFormat, 400),
    ],
)
def test_rejected(request_: Request, error: type[InvalidHandshake], status: int) -> None:
    with pytest.raises(InvalidHandshake) as caught:
        judge_request(request_)
    assert type(caught.value) is error
    assert caught.value.response is not None
    assert caught.value.response.status_code == status
    assert caught.value.response.body == f"{caught.value}\n".encode()


def test_rejection_of_a_version_names_ours() -> None:
    response = rejection(InvalidHeaderValue("Sec-WebSocket-Version", "8"))
    assert response.headers["Sec-WebSocket-Version"] == "13"


def test_rejection_without_upgrade_asks_for_it() -> None:
    response = rejection(InvalidUpgrade("Upgrade"))
    assert (response.headers["Upgrade"], response.headers["Connection"]) == ("websocket", "Upgrade")


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Length": "2"}, {"Transfer-Encoding": "chunked"}, {"Connection": "close"}]
)
def test_rejection_on_the_wire_is_read_with_its_body(headers: dict[str, str]) -> None:
    reader = ResponseReader()
    reader.feed(serialize_response(Response(403, "Forbidden", Headers(headers), b"no")))
    assert reader.response is not None
    assert (reader.response.status_code, reader.response.body) == (403, b"no")
    assert reader.response.headers["Connection"] == "close"


@pytest.mark.parametrize(
    "response",
    [
        Response(101, "x\r\ny", Headers()),
        Response(101, "x", Headers({"A": "b\r\nc"})),
        Response(101, "x", Headers({"A": "\ud800"})),
        Response(403, "x", Headers({"Content-Length": "1"}), b"no"),
        Response(99, "x", Headers()),
    ],
)
def test_response_made_by_hand_is_checked(response: Response) -> None:
    with pytest.raises(InvalidMessage):
        serialize_response(response)


def test_accept_key_is_the_clients() -> None:
    response, _ = judge_request(made())
    assert response.headers["Sec-WebSocket-Accept"] == accept_key(KEY)
