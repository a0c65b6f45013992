from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable

import attrs
import h11
from hypothesis import example, given
from hypothesis import strategies as st

from wssdk.errors import InvalidHandshake, InvalidMessage, NegotiationError
from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from wssdk.handshake.header_grammar import build_extensions_header, parse_extensions_header, parse_token_list
from wssdk.handshake.request import build_request, new_key, serialize_request
from wssdk.handshake.response import ResponseReader, judge_response
from wssdk.handshake.server import RequestReader, judge_request, serialize_response
from wssdk.headers import Headers, Request, Response
from wssdk.uri import parse_uri

TOKEN = st.text("abcXYZ019-_.!", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=0x20, exclude_categories=["C"]), max_size=30).map(str.strip)
NAMES = TOKEN.map("X-".__add__)
FIELDS = st.lists(st.tuples(NAMES, VALUE), max_size=8)


@attrs.frozen
class Outcome:
    """How reading a stream ended."""

    response: Response | None
    after: bytes
    error: type[Exception] | None


def outcome(data: bytes, cuts: list[int]) -> Outcome:
    """Feed ``data`` cut at ``cuts``, then the end of the stream."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    reader = ResponseReader(
        max_line_size=60, max_headers=5, max_head_size=200, max_body_size=20, max_interim=2
    )
    try:
        for start, end in itertools.pairwise(places):
            reader.feed(data[start:end])
            if reader.response is not None:
                rest = data[end:] if reader.response.status_code == 101 else b""
                return Outcome(reader.response, reader.trailing + rest, None)
        reader.feed_eof()
    except InvalidHandshake as error:
        return Outcome(None, b"", type(error))
    return Outcome(reader.response, reader.trailing, None)


FRAGMENTS = st.sampled_from(
    [
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 401 No\r\n",
        b"HTTP/1.0 200 OK\n",
        b"Content-Length: 7\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"X: y\r\n",
        b"A: " + b"b" * 55,
        b" folded",
        b"\r\n",
        b"\n",
        b"\r",
        b":",
        b"\x00",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"body",
    ]
)
STREAMS = st.one_of(
    st.binary(max_size=60),
    st.lists(FRAGMENTS, max_size=12).map(b"".join),
    st.binary(max_size=40).map(b"HTTP/1.1 101 Switching Protocols\r\n".__add__),
    st.binary(max_size=40).map(b"HTTP/1.1 401 No\r\n\r\n".__add__),
)


@given(data=STREAMS, cuts=st.lists(st.integers(0, 1000), max_size=8))
@example(data=b"HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\n", cuts=[18])
@example(data=b"HTTP/1.1 101 x\r\n\r\n\x81\x00", cuts=[17, 19])
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    assert outcome(data, cuts) == outcome(data, [])


@given(data=STREAMS)
def test_byte_by_byte_changes_nothing(data: bytes) -> None:
    assert outcome(data, list(range(len(data)))) == outcome(data, [])


# Bytes near the line between what is read at once and what h11 is asked about.
NEARLY_A_LINE = st.one_of(
    st.tuples(st.text("Xy-:é \t", max_size=4), st.text("a1 \t:\x7f\x00é\r\n", max_size=6)).map(": ".join),
    st.sampled_from(["Content-Length: 0", "content-length: x", "Transfer-Encoding: chunked", "Upgrade: a"]),
)


@given(
    start=st.sampled_from(["HTTP/1.1 101 ok", "HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 \t\x00"]),
    lines=st.lists(NEARLY_A_LINE, max_size=4),
    after=st.binary(max_size=3),
)
@example(start="HTTP/1.1 101 ok", lines=["X:  a "] * 5, after=b"\x81")
@example(start="HTTP/1.1 101 ok", lines=["X:  a "] * 6, after=b"")
@example(start="HTTP/1.1 101 ok", lines=["X: " + "a" * 56], after=b"")
@example(start="HTTP/1.1 101 ok", lines=["X: " + "a" * 50] * 4, after=b"")
def test_a_switch_that_comes_at_once_is_the_one_that_comes_byte_by_byte(
    start: str, lines: list[str], after: bytes
) -> None:
    data = "\r\n".join([start, *lines, "", ""]).encode() + after
    assert outcome(data, list(range(len(data)))) == outcome(data, [])


def sent_by_h11(request: Request) -> bytes | None:
    """Return the bytes that h11 makes of a request; None where it refuses."""
    fields = [(name.encode(), value.encode()) for name, value in request.headers.raw_items()]
    http = h11.Connection(h11.CLIENT)
    try:
        event = h11.Request(method=request.method, target=request.path, headers=fields)
        return bytes(http.send(event)) + bytes(http.send(h11.EndOfMessage()))
    except (h11.LocalProtocolError, UnicodeEncodeError):
        return None


@given(
    method=st.sampled_from(["GET", "PUT", "a b"]),
    path=st.one_of(st.just("/"), st.text("/a?\u00e9 \r\n", max_size=4)),
    fields=st.lists(
        st.tuples(
            st.sampled_from(["X", "host", "Host", "Content-Length", "transfer-encoding", "", "A b", "C\n"]),
            st.text("a0 \t\r\n\x00é:", max_size=4),
        ),
        max_size=3,
    ),
)
@example(method="GET", path="/", fields=[("X", "a"), ("Host", "b")])
@example(method="GET", path="/", fields=[("Host", "b"), ("X", "a\r\nY: b")])
@example(method="GET", path="/", fields=[("Host", "b"), ("X: a\r\nY", "b")])
@example(method="GET", path="/", fields=[("Host", "b"), ("Content-Length", "0")])
def test_request_goes_out_as_h11_writes_it(method: str, path: str, fields: list[tuple[str, str]]) -> None:
    request = Request(path, Headers(fields or [("Host", "h")]), method)
    try:
        sent: bytes | None = serialize_request(request)
    except InvalidMessage:
        sent = None
    assert sent == sent_by_h11(request)


@given(
    status=st.integers(200, 599), fields=FIELDS, body=st.binary(max_size=20), cuts=st.lists(st.integers(0))
)
def test_rejection_is_read_as_it_was_sent(
    status: int, fields: list[tuple[str, str]], body: bytes, cuts: list[int]
) -> None:
    if status in (204, 304):
        body = b""
    wire = serialize_response(Response(status, "", Headers(fields), body))
    reader = ResponseReader()
    places = sorted({cut % len(wire) for cut in cuts} | {0, len(wire)})
    for start, end in itertools.pairwise(places):
        if reader.response is None:
            reader.feed(wire[start:end])
    assert reader.response is not None
    assert reader.response.body == body
    assert [f for f in reader.response.headers.raw_items() if f[0].startswith("X-")] == fields


@given(path=VALUE, fields=FIELDS, subprotocols=st.lists(TOKEN, unique=True, max_size=4))
def test_request_is_read_as_it_was_sent(
    path: str, fields: list[tuple[str, str]], subprotocols: list[str]
) -> None:
    path = path.replace("#", "").replace(" ", "")
    uri = parse_uri("wss://user:pass@example.com:8443/" + "".join(path.split()))
    request = build_request(uri, key=new_key(), subprotocols=subprotocols, headers=fields)
    reader = RequestReader()
    reader.feed(serialize_request(request))
    assert reader.request == request


@given(data=st.one_of(st.binary(), st.binary().map(b"GET / HTTP/1.1\r\n".__add__)))
def test_random_bytes_are_a_request_or_an_invalid_handshake(data: bytes) -> None:
    reader = RequestReader()
    try:
        reader.feed(data)
        reader.feed_eof()
    except InvalidHandshake:
        assert reader.request is None


ANY_FIELD = st.tuples(
    st.sampled_from(
        [
            "Upgrade",
            "Connection",
            "Sec-WebSocket-Accept",
            "Sec-WebSocket-Extensions",
            "Sec-WebSocket-Protocol",
        ]
    ),
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["websocket", "Upgrade", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "chat", "permessage-deflate"]
        ),
    ),
)


def refusal(judge: Callable[[], object]) -> InvalidHandshake | None:
    try:
        judge()
    except InvalidHandshake as error:
        return error
    return None


@given(status=st.sampled_from([101, 200, 404]), fields=st.lists(ANY_FIELD, max_size=8))
def test_any_response_is_agreed_to_or_refused_with_itself_attached(
    status: int, fields: list[tuple[str, str]]
) -> None:
    response = Response(status, "", Headers(fields))
    error = refusal(
        lambda: judge_response(
            response,
            key="dGhlIHNhbXBsZSBub25jZQ==",
            offered_subprotocols=["chat"],
            offered_extensions=[ClientPerMessageDeflateFactory()],
        )
    )
    assert error is None or error.response is response
    assert "\n" not in str(error)


@given(fields=st.lists(ANY_FIELD, max_size=6))
def test_any_request_is_agreed_to_or_rejected(fields: list[tuple[str, str]]) -> None:
    request = Request("/", Headers([("Host", "h"), ("Sec-WebSocket-Version", "13"), *fields]))
    error = refusal(lambda: judge_request(request, subprotocols=["chat"]))
    assert error is None or error.response is not None


@given(st.text(max_size=40))
def test_any_header_parses_or_is_refused(header: str) -> None:
    for parse in (parse_extensions_header, lambda text: parse_token_list("Connection", text)):
        with contextlib.suppress(InvalidHandshake):
            parse(header)


PARAMETER = st.tuples(TOKEN, st.none() | TOKEN)


@given(st.lists(st.tuples(TOKEN, st.lists(PARAMETER, max_size=4)), min_size=1, max_size=4))
def test_extensions_come_back(extensions: list[tuple[str, list[tuple[str, str | None]]]]) -> None:
    assert parse_extensions_header(build_extensions_header(extensions)) == extensions


BITS = st.none() | st.integers(8, 15)


@given(
    offer=st.tuples(st.booleans(), st.booleans(), BITS, BITS | st.just(True)),
    own=st.tuples(st.booleans(), st.booleans(), BITS, BITS),
)
def test_both_sides_settle_on_the_same_parameters(
    offer: tuple[bool, bool, int | None, int | None], own: tuple[bool, bool, int | None, int | None]
) -> None:
    client = ClientPerMessageDeflateFactory(*offer)
    answer, theirs = ServerPerMessageDeflateFactory(*own).process_request_params(client.get_request_params())
    ours = client.process_response_params(answer, [])
    assert ours.remote_no_context_takeover == theirs.local_no_context_takeover
    assert ours.local_no_context_takeover == theirs.remote_no_context_takeover
    assert ours.remote_max_window_bits == theirs.local_max_window_bits
    assert ours.local_max_window_bits == theirs.remote_max_window_bits


@given(st.lists(st.tuples(st.text(max_size=30), st.none() | st.text(max_size=4)), max_size=4))
def test_any_parameters_settle_or_are_refused(params: list[tuple[str, str | None]]) -> None:
    for process in (
        lambda: ClientPerMessageDeflateFactory().process_response_params(params),
        lambda: ServerPerMessageDeflateFactory().process_request_params(params),
    ):
        with contextlib.suppress(NegotiationError):
            process()
