from __future__ import annotations

import base64
from typing import Any

import pytest

from wssdk.errors import InvalidHandshake, InvalidHeader, InvalidHeaderValue, InvalidMessage, InvalidURI
from wssdk.handshake.request import accept_key, build_request, new_key, serialize_request
from wssdk.headers import Headers, HeadersLike, Request
from wssdk.uri import WebSocketURI, parse_uri

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
URI = parse_uri("ws://example.com/chat?x=1")

OWN = [
    ("Host", "example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
]


def fields(uri: WebSocketURI = URI, **options: Any) -> list[tuple[str, str]]:
    return list(build_request(uri, key=KEY, **options).headers.raw_items())


def test_key_is_16_bytes_in_base64() -> None:
    assert len(base64.b64decode(new_key(), validate=True)) == 16


def test_keys_differ() -> None:
    assert len({new_key() for _ in range(100)}) == 100


def test_accept_key_of_the_rfc() -> None:
    assert accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_least_request() -> None:
    assert build_request(URI, key=KEY) == Request("/chat?x=1", Headers(OWN))


def test_whole_request_on_the_wire() -> None:
    request = build_request(
        parse_uri("ws://user:pass@example.com:8080"),
        key=KEY,
        origin="https://example.com",
        extensions_header="permessage-deflate; client_max_window_bits",
        subprotocols=["chat", "superchat"],
        user_agent="Test/1.0",
        headers={"X-Name": "ü"},
    )
    assert serialize_request(request) == (
        b"GET / HTTP/1.1\r\n"
        b"Host: example.com:8080\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        b"Sec-WebSocket-Protocol: chat, superchat\r\n"
        b"Origin: https://example.com\r\n"
        b"User-Agent: Test/1.0\r\n"
        b"Authorization: Basic dXNlcjpwYXNz\r\n"
        b"X-Name: \xc3\xbc\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize(
    "options", [{"origin": None}, {"origin": ""}, {"user_agent": ""}, {"extensions_header": ""}]
)
def test_empty_options_make_no_field(options: dict[str, Any]) -> None:
    assert fields(**options) == OWN


def test_basic_authentication_is_utf_8() -> None:
    assert fields(parse_uri("ws://ü:é@example.com"))[-1] == ("Authorization", "Basic w7w6w6k=")


@pytest.mark.parametrize(
    "given",
    [{"X-A": "1", "X-B": "2"}, [("X-A", "1"), ("X-B", "2")], Headers({"X-A": "1", "X-B": "2"})],
    ids=["mapping", "pairs", "Headers"],
)
def test_headers_may_be_anything_like_headers(given: HeadersLike) -> None:
    assert fields(headers=given) == [*OWN, ("X-A", "1"), ("X-B", "2")]


def test_headers_may_repeat() -> None:
    given = [("Cookie", "a=1"), ("Cookie", "b=2")]
    assert fields(headers=given) == [*OWN, *given]


def test_white_space_around_a_value_is_dropped() -> None:
    assert fields(headers={"X": " a b\t"})[-1] == ("X", "a b")


@pytest.mark.parametrize(
    ("name", "options"),
    [("Origin", {"origin": "null"}), ("user-agent", {"user_agent": "x"}), ("authorization", {})],
)
def test_header_wins_over_what_an_option_makes(name: str, options: dict[str, Any]) -> None:
    built = build_request(parse_uri("ws://u:p@h"), key=KEY, headers={name: "mine"}, **options)
    assert built.headers.get_all(name) == ["mine"]


@pytest.mark.parametrize("name", ["Origin", "User-Agent", "Authorization"])
def test_single_header_given_twice(name: str) -> None:
    with pytest.raises(InvalidHeader, match=f"invalid {name} header: given more than once"):
        fields(headers=[(name, "a"), (name.upper(), "b")])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Host", "network.host"),
        ("hOST", "network.host"),
        ("Upgrade", "nothing needs"),
        ("Connection", "nothing needs"),
        ("Content-Length", "no body"),
        ("Transfer-Encoding", "no body"),
        ("Sec-WebSocket-Key", "nothing needs"),
        ("sec-websocket-version", "nothing needs"),
        ("Sec-WebSocket-Accept", "nothing needs"),
        ("Sec-WebSocket-Extensions", "compression or extensions"),
        ("Sec-WebSocket-Protocol", "subprotocols"),
        ("Sec-WebSocket-Anything", "nothing needs"),
    ],
)
def test_headers_of_the_handshake_are_refused(name: str, hint: str) -> None:
    with pytest.raises(InvalidHeader, match="belongs to the opening handshake") as caught:
        fields(headers={name: "s3cret"})
    assert caught.value.name == name
    assert hint in str(caught.value)
    assert "s3cret" not in str(caught.value)


INJECTIONS = [
    "\r\nX: s3cret",
    "\ns3cret",
    "s3cret\r",
    "s3cret\x00",
    "s3cret\x1b",
    "s3cret\x7f",
    "s3cret\ud800",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    ("option", "name"),
    [("origin", "Origin"), ("user_agent", "User-Agent"), ("extensions_header", "Sec-WebSocket-Extensions")],
)
def test_injection_by_an_option(option: str, name: str, text: str) -> None:
    with pytest.raises(InvalidHeaderValue) as caught:
        fields(URI, **{option: text})
    assert caught.value.name == name
    assert "s3cret" not in repr(caught.value)


@pytest.mark.parametrize("text", INJECTIONS)
def test_injection_by_a_header_value(text: str) -> None:
    with pytest.raises(InvalidHeaderValue, match="invalid X-Token header: the value has a control") as caught:
        fields(headers={"X-Token": text})
    assert "s3cret" not in repr(caught.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Authorization: Bearer s3cret", "Authorization:"),
        ("X\r\nY: s3cret", "X\\r"),
        ("X\x00s3cret", "X\\x00"),
        (" s3cret", " "),
        ("ü", "ü"),
        ("", ""),
    ],
)
def test_bad_header_name_is_shown_to_the_bad_character(name: str, shown: str) -> None:
    with pytest.raises(InvalidHeader) as caught:
        fields(headers={name: "s3cret"})
    assert caught.value.name == shown
    assert "s3cret" not in repr(caught.value)


@pytest.mark.parametrize("text", ["", "a b", "a,b", "a\r\nX: y", "a\x00", "ü"])
def test_subprotocol_must_be_a_token(text: str) -> None:
    with pytest.raises(InvalidHeaderValue, match=r"Sec-WebSocket-Protocol header: .* is not a token"):
        fields(subprotocols=["chat", text])


def test_subprotocol_given_twice() -> None:
    with pytest.raises(InvalidHeaderValue, match="more than once"):
        fields(subprotocols=["chat", "chat"])


def test_subprotocols_as_one_text() -> None:
    with pytest.raises(TypeError, match="sequence of str"):
        fields(subprotocols="chat")


@pytest.mark.parametrize("headers", [[("X", 1)], [("X", b"1")], [(b"X", "1")]])
def test_header_must_be_text(headers: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        fields(headers=headers)


@pytest.mark.parametrize(
    "uri",
    [
        WebSocketURI(False, "h", 80, "x"),
        WebSocketURI(False, "h", 80, "/ HTTP/1.1\r\nX: y"),
        WebSocketURI(False, "h", 80, "/a b"),
        WebSocketURI(False, "h", 80, "/ü"),
        WebSocketURI(False, "h", 80, "/", "token=s3cret\n"),
        WebSocketURI(False, "h\r\n", 80, "/"),
        WebSocketURI(False, "ü", 80, "/"),
    ],
)
def test_uri_made_by_hand_is_checked(uri: WebSocketURI) -> None:
    with pytest.raises(InvalidURI) as caught:
        build_request(uri, key=KEY)
    assert "s3cret" not in repr(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "request_by_hand",
    [
        Request("/a b", Headers(OWN)),
        Request("/", Headers([*OWN, ("X", "s3cret\r\nY: z")])),
        Request("/", Headers([*OWN, ("X Y", "s3cret")])),
        Request("/", Headers([*OWN, ("ü", "s3cret")])),
        Request("/", Headers([*OWN, ("X", "s3cret\ud800")])),
        Request("/", Headers()),
        Request("/", Headers([*OWN, ("Content-Length", "5")])),
    ],
)
def test_request_made_by_hand_is_checked(request_by_hand: Request) -> None:
    with pytest.raises(InvalidMessage) as caught:
        serialize_request(request_by_hand)
    assert caught.value.__context__ is None


def test_errors_before_traffic_have_no_response() -> None:
    with pytest.raises(InvalidHandshake) as caught:
        fields(headers={"Host": "x"})
    assert caught.value.response is None
