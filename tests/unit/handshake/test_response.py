from __future__ import annotations

from typing import Any

import pytest

from wssdk.errors import (
    HeaderLineTooLong,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidState,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from wssdk.handshake.request import accept_key
from wssdk.handshake.response import Agreement, ResponseReader, judge_response
from wssdk.headers import Headers, Response
from wssdk.ports import Extension, Frame
from wssdk.typing import ExtensionParameter

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def read(*pieces: bytes, eof: bool = False, tunnel: bool = False, **bounds: Any) -> ResponseReader:
    reader = ResponseReader(tunnel=tunnel, **bounds)
    for piece in pieces:
        reader.feed(piece)
    if eof:
        reader.feed_eof()
    return reader


def body_of(*pieces: bytes, eof: bool = False, **bounds: Any) -> bytes | None:
    response = read(*pieces, eof=eof, **bounds).response
    return None if response is None else response.body


# Switching protocols


def test_switch_is_complete_with_its_head() -> None:
    reader = read(SWITCH)
    assert reader.response is not None
    assert (reader.response.status_code, reader.response.reason_phrase) == (101, "Switching Protocols")
    assert reader.response.headers["upgrade"] == "websocket"
    assert reader.trailing == b""


def test_bytes_after_a_switch_are_kept() -> None:
    assert read(SWITCH + b"\x81\x00").trailing == b"\x81\x00"


@pytest.mark.parametrize("field", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_switch_has_no_body(field: bytes) -> None:
    assert read(SWITCH[:-2] + field + b"\r\n\r\nhello").trailing == b"hello"


def test_incomplete_head() -> None:
    reader = read(SWITCH[:-1])
    assert (reader.response, reader.partial) == (None, None)


def test_reason_phrase_may_be_missing() -> None:
    reader = read(b"HTTP/1.1 101\r\n\r\n")
    assert reader.response == Response(101, "", Headers())


def test_names_keep_their_spelling() -> None:
    reader = read(b"HTTP/1.1 101 x\r\nX-aBc: 1\r\nx-AbC:\t2\t\r\n\r\n")
    assert reader.response is not None
    assert list(reader.response.headers.raw_items()) == [("X-aBc", "1"), ("x-AbC", "2")]


def test_folded_line_is_one_value() -> None:
    reader = read(b"HTTP/1.1 101 x\r\nX: a\r\n\tb\r\n\r\n")
    assert reader.response is not None
    assert reader.response.headers["X"] == "a b"


def test_nothing_is_read_after_the_response() -> None:
    reader = read(SWITCH)
    with pytest.raises(InvalidState):
        reader.feed(b"x")


def test_end_of_stream_after_the_response_is_no_news() -> None:
    assert read(SWITCH, eof=True).response is not None


def test_http_1_0_cannot_switch() -> None:
    with pytest.raises(InvalidMessage, match=r"HTTP/1\.0 cannot switch protocols") as caught:
        read(b"HTTP/1.0 101 x\r\n\r\n")
    assert caught.value.response == Response(101, "x", Headers())


def test_interim_responses_are_skipped() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert read(interim + SWITCH + b"x").trailing == b"x"


def test_interim_responses_at_their_bound() -> None:
    assert read(b"HTTP/1.1 100 Continue\r\n\r\n" * 8, SWITCH).response is not None


def test_interim_responses_over_their_bound() -> None:
    with pytest.raises(SecurityError, match="too many interim responses"):
        read(b"HTTP/1.1 100 Continue\r\n\r\n" * 9)


# What is no response

JUNK = [
    b"S",  # SSH-2.0-OpenSSH
    b"\x00",  # HTTP/2 frames
    b"\x16",  # TLS
    b"\r",
    b" ",
    b"h",
    b"HTTPS",
    b"HTTP/2",
    b"HTTP/1,",
    b"HTTP/1.x",
    b"HTTP/1.1\t",
    b"HTTP/1.1 0",
    b"HTTP/1.1 1x",
    b"HTTP/1.1 10\r",
    b"HTTP/1.1 1011",
    b"HTTP/1.1 101 \x00",
    b"HTTP/1.1 101 OK\r\n\x00",
    b"HTTP/1.1 101 OK\r\n<",
]


@pytest.mark.parametrize("data", JUNK)
def test_junk_fails_at_its_first_byte(data: bytes) -> None:
    reader = ResponseReader()
    reader.feed(data[:-1])
    with pytest.raises(InvalidMessage) as caught:
        reader.feed(data[-1:])
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "invalid HTTP status line: 'SSH-2.0-OpenSSH_9.6'"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "invalid HTTP status line: 'PRI * HTTP/2.0'"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "the peer talks TLS; should the URI begin with wss://?"),
        (b"\x00\x00\x12\x04\x00", "invalid HTTP status line: '\\x00\\x00\\x12\\x04\\x00'"),
        (b"HTTP/1.1 200 OK\r\nA: \x00", "invalid header line 1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: s3cret\r\n\r\n", "bad Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "conflicting Content-Length headers"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: br\r\n\r\n", "Only Transfer-Encoding"),
    ],
)
def test_junk_is_told(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(data)
    assert str(caught.value) == f"did not receive a valid HTTP response: {message}"
    assert "s3cret" not in repr(caught.value.__cause__)


def test_nothing_is_read_after_junk() -> None:
    reader = ResponseReader()
    with pytest.raises(InvalidMessage):
        reader.feed(b"x")
    with pytest.raises(InvalidState):
        reader.feed(SWITCH)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "before the first byte"),
        (b"HTTP/1.1 1", "while reading HTTP status line"),
        (SWITCH[:-2], "while reading headers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "before the first byte"),
    ],
)
def test_end_of_stream_in_the_head(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMessage, match=message) as caught:
        read(data, eof=True)
    assert isinstance(caught.value.__cause__, EOFError)


@pytest.mark.parametrize(
    ("endless", "error"),
    [
        (b"HTTP/1.1 200 " + b"x" * 8192, StatusLineTooLong),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 8192, HeaderLineTooLong),
        (b"HTTP/1.1 200 OK\r\n" + b"A" * 8193, HeaderLineTooLong),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 129, TooManyHeaders),
        (b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 1000 + b"\r\n") * 66, HeaderLineTooLong),
    ],
)
def test_endless_head(endless: bytes, error: type[InvalidHandshake]) -> None:
    with pytest.raises(error):
        read(endless)


# Bodies of rejections


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nhello and more",
        b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.0 401 No\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_body_ends_by_its_framing(data: bytes) -> None:
    assert body_of(data) == b"hello"


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 401 No\r\n\r\n", b"HTTP/1.1 401 No\r\nConnection: close\r\n\r\n", b"HTTP/1.0 401 No\r\n\r\n"],
)
def test_body_without_length_ends_with_the_stream(head: bytes) -> None:
    assert body_of(head + b"hel", b"lo") is None
    assert body_of(head + b"hel", b"lo", eof=True) == b"hello"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 x\r\n\r\n",
        b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_no_body(data: bytes) -> None:
    assert body_of(data) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 401 No\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
        b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_body_cut_by_the_end_of_the_stream(data: bytes) -> None:
    assert body_of(data, eof=True) == b"hello"


@pytest.mark.parametrize("rest", [b"5\r\nhello\r\nxyz\r\n", b"5\r\nhelloXY", b"5\r\nhello\r\n0\r\n:\r\n\r\n"])
def test_broken_chunk_does_not_hide_the_status(rest: bytes) -> None:
    assert body_of(b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n" + rest) == b"hello"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 100", b"Connection: close", b"Transfer-Encoding: chunked"]
)
def test_long_body_is_cut(framing: bytes) -> None:
    head = b"HTTP/1.1 500 x\r\n" + framing + b"\r\n\r\n" + (b"64\r\n" if b"chunked" in framing else b"")
    assert body_of(head, b"hel", b"lo" + b"x" * 95, max_body_size=5) == b"hello"


def test_body_of_one_mebibyte_is_kept_by_default() -> None:
    head = b"HTTP/1.1 500 x\r\n\r\n"
    assert body_of(head, b"x" * (1 << 20)) == b"x" * (1 << 20)
    assert body_of(head, b"x" * ((1 << 20) - 1)) is None


def test_chunks_that_carry_little_are_bounded() -> None:
    reader = read(
        b"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n", max_body_size=100, max_head_size=1000
    )
    chunk = b"1;" + b"x" * 200 + b"\r\na\r\n"
    fed = 0
    while reader.response is None:
        reader.feed(chunk)
        fed += len(chunk)
    assert fed < 2000
    assert reader.response.body == b"a" * (fed // len(chunk) - 1)


def test_chunks_are_bounded_in_number() -> None:
    head = b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert body_of(head, b"1\r\na\r\n" * 5000) == b"a" * 4096
    assert body_of(head, b"1\r\na\r\n" * 4095) is None


def test_body_may_be_unwanted() -> None:
    assert body_of(b"HTTP/1.1 500 x\r\nContent-Length: 5\r\n\r\n", max_body_size=0) == b""


def test_partial_response_has_what_came() -> None:
    reader = read(b"HTTP/1.1 503 x\r\nRetry-After: 1\r\n\r\nhel", b"lo")
    assert reader.response is None
    assert reader.partial == Response(503, "x", Headers({"Retry-After": "1"}), b"hello")


# Judgement


class Echo:
    """An extension that remembers how it was agreed."""

    def __init__(self, name: str, params: list[ExtensionParameter], before: int) -> None:
        self.name = name
        self.params = params
        self.before = before

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return frame


class EchoFactory:
    """Takes the parameters it was told to take."""

    def __init__(self, name: str, *takes: ExtensionParameter) -> None:
        self.name = name
        self.takes = list(takes)

    def get_request_params(self) -> list[ExtensionParameter]:
        return []

    def process_response_params(
        self, params: list[ExtensionParameter], accepted_extensions: list[Extension]
    ) -> Extension:
        if params != self.takes:
            raise NegotiationError(f"{self.name} cannot take that")
        return Echo(self.name, params, len(accepted_extensions))


def switch(*more: tuple[str, str], without: str = "") -> Response:
    own = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept_key(KEY)}
    own.pop(without, None)
    return Response(101, "Switching Protocols", Headers([*own.items(), *more]))


def judge(response: Response, **offered: Any) -> Agreement:
    return judge_response(response, key=KEY, **offered)


def test_least_agreement() -> None:
    assert judge(switch()) == Agreement(None, ())


@pytest.mark.parametrize("status", [100, 200, 204, 301, 302, 401, 403, 426, 500, 503, 999])
def test_other_status(status: int) -> None:
    response = Response(status, "", switch().headers)
    with pytest.raises(InvalidStatus) as caught:
        judge(response)
    assert caught.value.response is response


@pytest.mark.parametrize(
    ("response", "error", "text"),
    [
        (switch(without="Upgrade"), InvalidUpgrade, "missing Upgrade header"),
        (switch(("Upgrade", "h2c")), InvalidUpgrade, "invalid Upgrade header: websocket, h2c"),
        (switch(("Upgrade", "websocket")), InvalidUpgrade, "invalid Upgrade header: websocket, websocket"),
        (switch(without="Connection"), InvalidUpgrade, "missing Connection header"),
        (
            switch(("Connection", "close"), without="Connection"),
            InvalidUpgrade,
            "invalid Connection header: close",
        ),
        (switch(without="Sec-WebSocket-Accept"), InvalidHeader, "missing Sec-WebSocket-Accept header"),
        (
            switch(("Sec-WebSocket-Accept", accept_key(KEY))),
            InvalidHeader,
            "invalid Sec-WebSocket-Accept header: more than one value",
        ),
        (
            switch(("Sec-WebSocket-Accept", KEY), without="Sec-WebSocket-Accept"),
            InvalidHeaderValue,
            f"invalid Sec-WebSocket-Accept header: {KEY}",
        ),
        (
            switch(("Sec-WebSocket-Accept", accept_key(KEY).lower()), without="Sec-WebSocket-Accept"),
            InvalidHeaderValue,
            f"invalid Sec-WebSocket-Accept header: {accept_key(KEY).lower()}",
        ),
        (
            switch(("Sec-WebSocket-Accept", ""), without="Sec-WebSocket-Accept"),
            InvalidHeaderValue,
            "empty Sec-WebSocket-Accept header",
        ),
        (
            switch(("Sec-WebSocket-Protocol", "chat")),
            NegotiationError,
            "the server chose a subprotocol, and none was offered",
        ),
        (
            switch(("Sec-WebSocket-Extensions", "x")),
            NegotiationError,
            "the server agreed to an extension that was not offered: x",
        ),
        (
            switch(("Sec-WebSocket-Extensions", "x y")),
            InvalidHeaderFormat,
            "invalid Sec-WebSocket-Extensions header: expected comma at 2 in x y",
        ),
        (
            switch(("Sec-WebSocket-Extensions", "")),
            InvalidHeaderFormat,
            "invalid Sec-WebSocket-Extensions header: expected extension name at 0 in ",
        ),
    ],
)
def test_refused(response: Response, error: type[InvalidHandshake], text: str) -> None:
    with pytest.raises(InvalidHandshake) as caught:
        judge(response)
    assert type(caught.value) is error
    assert str(caught.value) == text
    assert caught.value.response is response


def test_subprotocol_may_be_left_out() -> None:
    assert judge(switch(), offered_subprotocols=["chat"]).subprotocol is None


def test_subprotocol_out_of_those_offered() -> None:
    agreement = judge(switch(("Sec-WebSocket-Protocol", "b")), offered_subprotocols=["a", "b"])
    assert agreement.subprotocol == "b"


@pytest.mark.parametrize("values", [["c"], ["A"], ["a, b"], [""], ["a", "b"], ["a", "a"]])
def test_subprotocol_refused(values: list[str]) -> None:
    response = switch(*(("Sec-WebSocket-Protocol", value) for value in values))
    with pytest.raises(NegotiationError) as caught:
        judge(response, offered_subprotocols=["a", "b"])
    assert caught.value.response is response


def extensions_of(header: str, *offered: EchoFactory) -> list[tuple[str, list[ExtensionParameter], int]]:
    agreement = judge(switch(("Sec-WebSocket-Extensions", header)), offered_extensions=offered)
    return [(e.name, e.params, e.before) for e in agreement.extensions if isinstance(e, Echo)]


def test_extensions_in_the_servers_order() -> None:
    agreed = extensions_of("b; p=1, a", EchoFactory("a"), EchoFactory("b", ("p", "1")))
    assert agreed == [("b", [("p", "1")], 0), ("a", [], 1)]


def test_extensions_may_be_left_out() -> None:
    assert judge(switch(), offered_extensions=[EchoFactory("a")]).extensions == ()


def test_extension_offered_twice_is_settled_by_the_offer_that_can() -> None:
    assert extensions_of("a; p", EchoFactory("a"), EchoFactory("a", ("p", None))) == [("a", [("p", None)], 0)]


def test_extension_offered_twice_prefers_the_first() -> None:
    assert extensions_of("a", EchoFactory("a"), EchoFactory("a", ("p", None))) == [("a", [], 0)]


@pytest.mark.parametrize("header", ["a; p", "a, a", "A", "c", "a, c"])
def test_extension_refused(header: str) -> None:
    response = switch(("Sec-WebSocket-Extensions", header))
    with pytest.raises(NegotiationError) as caught:
        judge(response, offered_extensions=[EchoFactory("a"), EchoFactory("b")])
    assert caught.value.response is response


def test_extensions_in_two_headers_are_refused() -> None:
    response = switch(("Sec-WebSocket-Extensions", "a"), ("Sec-WebSocket-Extensions", "b"))
    with pytest.raises(NegotiationError, match="more than one Sec-WebSocket-Extensions header"):
        judge(response, offered_extensions=[EchoFactory("a"), EchoFactory("b")])


# The answer of a proxy to CONNECT (RFC 9110, 9.3.6).


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nProxy-Agent: p\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_tunnel_begins_behind_the_head(head: bytes) -> None:
    reader = read(head + b"bytes of the server", tunnel=True)
    assert (reader.response is not None, reader.trailing) == (True, b"bytes of the server")


def test_rejected_tunnel_has_a_body() -> None:
    reader = read(b"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nsorry", tunnel=True)
    assert reader.response is not None
    assert (reader.response.status_code, reader.response.body) == (407, b"sorry")


def test_switch_of_protocols_is_no_tunnel() -> None:
    with pytest.raises(InvalidMessage):
        read(SWITCH, tunnel=True)
