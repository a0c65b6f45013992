from __future__ import annotations

import pytest

from wssdk.errors import InvalidHeader, InvalidHeaderFormat, InvalidHeaderValue, InvalidUpgrade
from wssdk.handshake.header_grammar import (
    build_extensions_header,
    check_upgrade,
    is_token,
    parse_extensions_header,
    parse_token_list,
    single_value,
    unfit_position,
)
from wssdk.headers import Headers
from wssdk.typing import ExtensionParameter


@pytest.mark.parametrize("text", ["a", "permessage-deflate", "!#$%&'*+-.^_`|~09AZaz"])
def test_token(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", "a b", "a,b", 'a"', "a/b", "ü", "a\n", "a\x00", "(a)"])
def test_no_token(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("", None),
        ("a\tb ü€", None),
        ("ab\r", 2),
        ("\n", 0),
        ("a\x00", 1),
        ("\x1b", 0),
        ("\x7f", 0),
        ("\udc80", 0),
    ],
)
def test_unfit_position(value: str, position: int | None) -> None:
    assert unfit_position(value) == position


@pytest.mark.parametrize(
    ("header", "tokens"),
    [
        ("", []),
        (" ,\t, ", []),
        ("websocket", ["websocket"]),
        ("keep-alive, Upgrade", ["keep-alive", "Upgrade"]),
        (",a ,,\tb,", ["a", "b"]),
        ("HTTP/2.0, websocket", ["HTTP/2.0", "websocket"]),
    ],
)
def test_token_list(header: str, tokens: list[str]) -> None:
    assert parse_token_list("Upgrade", header) == tokens


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a b", "expected comma at 2 in a b"),
        ("a;b", "expected comma at 1 in a;b"),
        ('"a"', 'expected token at 0 in "a"'),
        ("a, /2", "expected token at 3 in a, /2"),
        ("a/", "expected comma at 1 in a/"),
        ("ü", "expected token at 0 in ü"),
    ],
)
def test_no_token_list(header: str, message: str) -> None:
    with pytest.raises(InvalidHeaderFormat) as caught:
        parse_token_list("Upgrade", header)
    assert str(caught.value) == f"invalid Upgrade header: {message}"


@pytest.mark.parametrize(
    ("header", "extensions"),
    [
        ("a", [("a", [])]),
        ("a; b", [("a", [("b", None)])]),
        ("a;b=c;d", [("a", [("b", "c"), ("d", None)])]),
        ('a; b="c"', [("a", [("b", "c")])]),
        (r'a; b="\c\d"', [("a", [("b", "cd")])]),
        ("a ; b = c , d\t;\te", [("a", [("b", "c")]), ("d", [("e", None)])]),
        (",, a,,a; b,", [("a", []), ("a", [("b", None)])]),
        ("a; b; b", [("a", [("b", None), ("b", None)])]),
    ],
)
def test_extensions(header: str, extensions: list[tuple[str, list[ExtensionParameter]]]) -> None:
    assert parse_extensions_header(header) == extensions


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "expected extension name at 0"),
        (" , ", "expected extension name at 3"),
        ("=", "expected extension name at 0"),
        ("a;", "expected extension parameter name at 2"),
        ("a; ;b", "expected extension parameter name at 3"),
        ("a; b=", "expected extension parameter value at 5"),
        ("a; b=,", "expected extension parameter value at 5"),
        ('a; b="c', "expected end of quoted string at 5"),
        ('a; b="c\\"', "expected end of quoted string at 5"),
        ('a; b=""', "quoted value is not a token at 5"),
        ('a; b="c d"', "quoted value is not a token at 5"),
        ("a b", "expected comma at 2"),
        ("a; b c", "expected comma at 5"),
        ('a; b="c"d', "expected comma at 8"),
    ],
)
def test_no_extensions(header: str, message: str) -> None:
    with pytest.raises(InvalidHeaderFormat) as caught:
        parse_extensions_header(header)
    assert str(caught.value) == f"invalid Sec-WebSocket-Extensions header: {message} in {header}"


@pytest.mark.parametrize(
    ("extensions", "header"),
    [
        ([], ""),
        ([("a", [])], "a"),
        ([("a", [("b", None), ("c", "8")]), ("d", [])], "a; b; c=8, d"),
    ],
)
def test_built_extensions(extensions: list[tuple[str, list[ExtensionParameter]]], header: str) -> None:
    assert build_extensions_header(extensions) == header


@pytest.mark.parametrize(
    "extension",
    [
        ("a b", []),
        ("", []),
        ("a", [("b\r\n", None)]),
        ("a", [("b", "c, d")]),
        ("a", [("b", "")]),
        ("a", [("", "b")]),
    ],
)
def test_extensions_that_cannot_be_built(extension: tuple[str, list[ExtensionParameter]]) -> None:
    with pytest.raises(InvalidHeaderValue, match="not a token"):
        build_extensions_header([extension])


@pytest.mark.parametrize(
    "headers",
    [
        [("Upgrade", "websocket"), ("Connection", "Upgrade")],
        [("upgrade", "WebSocket"), ("CONNECTION", "keep-alive, uPGRADE")],
        [("Upgrade", "websocket"), ("Connection", "keep-alive"), ("Connection", "upgrade")],
    ],
)
def test_upgrade(headers: list[tuple[str, str]]) -> None:
    check_upgrade(Headers(headers))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([("Connection", "Upgrade")], "missing Upgrade header"),
        ([("Upgrade", ""), ("Connection", "Upgrade")], "empty Upgrade header"),
        ([("Upgrade", "h2c"), ("Connection", "Upgrade")], "invalid Upgrade header: h2c"),
        (
            [("Upgrade", "websocket, h2c"), ("Connection", "Upgrade")],
            "invalid Upgrade header: websocket, h2c",
        ),
        (
            [("Upgrade", "websocket"), ("Upgrade", "websocket"), ("Connection", "Upgrade")],
            "invalid Upgrade header: websocket, websocket",
        ),
        ([("Upgrade", "web socket"), ("Connection", "Upgrade")], "invalid Upgrade header: web socket"),
        ([("Upgrade", "websocket/13"), ("Connection", "Upgrade")], "invalid Upgrade header: websocket/13"),
        ([("Upgrade", "websocket")], "missing Connection header"),
        ([("Upgrade", "websocket"), ("Connection", "close")], "invalid Connection header: close"),
        ([("Upgrade", "websocket"), ("Connection", "upgrade!, (")], "invalid Connection header: upgrade!, ("),
    ],
)
def test_no_upgrade(headers: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InvalidUpgrade) as caught:
        check_upgrade(Headers(headers))
    assert str(caught.value) == message


def test_single_value() -> None:
    assert single_value(Headers({"A": "1"}), "a") == "1"


@pytest.mark.parametrize(
    ("headers", "message"),
    [([], "missing A header"), ([("A", "1"), ("a", "1")], "invalid A header: more than one value")],
)
def test_no_single_value(headers: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InvalidHeader) as caught:
        single_value(Headers(headers), "A")
    assert str(caught.value) == message
