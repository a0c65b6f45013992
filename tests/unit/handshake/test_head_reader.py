from __future__ import annotations

import pytest

from wssdk.errors import HeaderLineTooLong, InvalidMessage, StatusLineTooLong, TooManyHeaders
from wssdk.handshake.head_reader import HeadReader, decode_headers, decode_text

HEAD = b"GET / HTTP/1.1\r\nHost: h\r\nX-A:\t b \r\n folded\r\nEmpty:\r\n\r\n"


def reader(**bounds: int) -> HeadReader:
    return HeadReader("request", (), **bounds)


def test_head_and_rest() -> None:
    heads = reader()
    assert heads.feed(HEAD + b"rest") == b"rest"
    assert heads.take_head() == HEAD


def test_byte_by_byte() -> None:
    heads = reader()
    assert [heads.feed(HEAD[i : i + 1]) for i in range(len(HEAD))] == [None] * (len(HEAD) - 1) + [b""]
    assert heads.take_head() == HEAD


def test_bare_line_feeds() -> None:
    head = HEAD.replace(b"\r", b"")
    assert reader().feed(head) == b""


def test_heads_one_after_the_other() -> None:
    heads = reader()
    rest = heads.feed(HEAD + HEAD)
    heads.take_head()
    assert rest is not None
    assert heads.feed(rest) == b""


UNFIT = [
    b"GET / HTTP/1.1\x00",
    b"GET / HTTP/1.1\x1b",
    b"GET / \x7f",
    b"GET / HTTP/1.1\rX",
    b"GET / HTTP/1.1\r\r",
    b"GET / HTTP/1.1\r\n ",
    b"GET / HTTP/1.1\r\n\t",
    b"GET / HTTP/1.1\r\n:",
    b"GET / HTTP/1.1\r\nHost ",
    b"GET / HTTP/1.1\r\n(",
    b"GET / HTTP/1.1\r\n\xc3",
    b"GET / HTTP/1.1\r\n\x00",
    b"GET / HTTP/1.1\r\nHost\r\n",
    b"GET / HTTP/1.1\r\nHost: \x00",
    b"GET / HTTP/1.1\r\nHost: a\rb",
    b"GET / HTTP/1.1\r\nHost: a\r\r",
    b"GET / HTTP/1.1\r\n\rX",
    b"GET / HTTP/1.1\r\nHost: h\r\n \x00",
]


@pytest.mark.parametrize("data", UNFIT)
def test_unfit_byte_fails_at_once(data: bytes) -> None:
    heads = reader()
    assert heads.feed(data[:-1]) is None
    with pytest.raises(InvalidMessage) as caught:
        heads.feed(data[-1:])
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("data", UNFIT)
def test_unfit_byte_fails_in_one_piece(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        reader().feed(data)


def test_start_of_the_first_line_is_prescribed() -> None:
    heads = HeadReader("response", (b"aA", b"b"))
    assert heads.feed(b"A") is None
    with pytest.raises(InvalidMessage, match="invalid HTTP status line: 'AX'"):
        heads.feed(b"X")


def test_unfit_header_line_is_not_shown() -> None:
    with pytest.raises(InvalidMessage) as caught:
        reader().feed(b"GET / HTTP/1.1\r\nHost: h\r\nCookie: s3cret\x00")
    assert str(caught.value) == "did not receive a valid HTTP request: invalid header line 2"


def test_unfit_first_line_is_shown_and_cut() -> None:
    with pytest.raises(InvalidMessage) as caught:
        reader().feed(b"x\x1b" + b"y" * 100)
    shown = "x\\x1b" + "y" * 38
    assert str(caught.value) == f"did not receive a valid HTTP request: invalid HTTP request line: '{shown}'"


LINE = b"GET / HTTP/1.1\r\n"


def test_first_line_at_its_bound() -> None:
    assert reader(max_line_size=len(LINE)).feed(LINE) is None


@pytest.mark.parametrize("data", [LINE, LINE[:-1], b"G" * 16])
def test_first_line_over_its_bound(data: bytes) -> None:
    with pytest.raises(StatusLineTooLong):
        reader(max_line_size=len(data) - 1).feed(data)


def test_header_line_at_its_bound() -> None:
    assert reader(max_line_size=20).feed(LINE + b"A: " + b"b" * 15 + b"\r\n") is None


def test_header_line_over_its_bound() -> None:
    heads = reader(max_line_size=20)
    assert heads.feed(LINE + b"A: " + b"b" * 17) is None
    with pytest.raises(HeaderLineTooLong):
        heads.feed(b"b")


def test_head_at_its_bound() -> None:
    assert reader(max_head_size=len(HEAD)).feed(HEAD) == b""


def test_head_over_its_bound() -> None:
    with pytest.raises(HeaderLineTooLong):
        reader(max_head_size=len(HEAD) - 1).feed(HEAD)


def test_bound_on_the_head_is_for_all_heads() -> None:
    heads = reader(max_head_size=2 * len(HEAD) - 1)
    heads.feed(HEAD)
    heads.take_head()
    with pytest.raises(HeaderLineTooLong):
        heads.feed(HEAD)


def test_headers_at_their_bound() -> None:
    assert reader(max_headers=3).feed(LINE + b"A: b\r\n" * 3 + b"\r\n") == b""


@pytest.mark.parametrize("line", [b"A", b" "])
def test_headers_over_their_bound(line: bytes) -> None:
    heads = reader(max_headers=3)
    assert heads.feed(LINE + b"A: b\r\n" * 3) is None
    with pytest.raises(TooManyHeaders, match="more than 3"):
        heads.feed(line)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "connection closed before the first byte"),
        (b"G", "connection closed while reading HTTP request line"),
        (LINE, "connection closed while reading headers"),
        (LINE + b"A: b\r\n", "connection closed while reading headers"),
    ],
)
def test_end_of_stream(data: bytes, message: str) -> None:
    heads = reader()
    heads.feed(data)
    error = heads.end_of_stream()
    assert isinstance(error.__cause__, EOFError)
    assert str(error) == f"did not receive a valid HTTP request: {message}"


@pytest.mark.parametrize(("value", "text"), [(b"a", "a"), (b"\xc3\xbc", "ü"), (b"\xfc", "ü"), (b"", "")])
def test_text_is_utf_8_or_latin_1(value: bytes, text: str) -> None:
    assert decode_text(value) == text


def test_headers_as_text() -> None:
    assert list(decode_headers([(b"X-A", b"\xc3\xbc")]).raw_items()) == [("X-A", "ü")]
