"""Text that is not UTF-8 (RFC 6455, 8.1), wherever it is cut."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.cores import CoreEnd, deflate
from tests.support.raw_peer import BINARY, CONT, TEXT, deflated
from wssdk.protocol.core import Role

RSV1: Final = 4
BOTH: Final = list(Role)


NOT_UTF8: Final = [
    pytest.param(b"\x80", id="continuation byte alone"),
    pytest.param(b"\xbf", id="last continuation byte alone"),
    pytest.param(b"\xfe", id="byte that never is"),
    pytest.param(b"\xff", id="another byte that never is"),
    pytest.param(b"\xc0\x80", id="overlong NUL"),
    pytest.param(b"\xc1\xbf", id="overlong U+7F"),
    pytest.param(b"\xe0\x9f\xbf", id="overlong U+7FF"),
    pytest.param(b"\xf0\x8f\xbf\xbf", id="overlong U+FFFF"),
    pytest.param(b"\xed\xa0\x80", id="first surrogate"),
    pytest.param(b"\xed\xbf\xbf", id="last surrogate"),
    pytest.param(b"\xed\xa0\xbd\xed\xb8\x80", id="pair of surrogates"),
    pytest.param(b"\xf4\x90\x80\x80", id="above U+10FFFF"),
    pytest.param(b"\xf5\x80\x80\x80", id="far above U+10FFFF"),
    pytest.param(b"\xf8\x88\x80\x80\x80", id="five bytes"),
    pytest.param(b"\xfc\x84\x80\x80\x80\x80", id="six bytes"),
    pytest.param(b"\xe2\x82x", id="code point broken off"),
]


@pytest.mark.parametrize("wrong", NOT_UTF8)
@pytest.mark.parametrize("before", [b"", "ok €".encode()])
@pytest.mark.parametrize("after", [b"", b" ok"])
@pytest.mark.parametrize("role", BOTH)
def test_text_that_is_not_utf8_is_1007(role: Role, wrong: bytes, before: bytes, after: bytes) -> None:
    end = CoreEnd.of(role)
    end.hear(TEXT, before + wrong + after)
    assert end.close_code() == 1007


@pytest.mark.parametrize("wrong", NOT_UTF8)
def test_compressed_text_that_is_not_utf8_is_1007(wrong: bytes) -> None:
    end = CoreEnd.of(extension=deflate())
    end.hear(TEXT, deflated(b"ok" + wrong), rsv=RSV1)
    assert end.close_code() == 1007


@pytest.mark.parametrize("wrong", NOT_UTF8)
def test_text_that_is_not_utf8_is_1007_in_fragments_of_a_byte(wrong: bytes) -> None:
    end = CoreEnd.of()
    end.hear(TEXT, b"ok", fin=False)
    for i in range(len(wrong)):
        end.hear(CONT, wrong[i : i + 1], fin=False)
    end.hear(CONT)
    assert end.close_code() == 1007


@pytest.mark.parametrize("wrong", NOT_UTF8)
def test_text_that_is_not_utf8_is_1007_in_reads_of_a_byte(wrong: bytes) -> None:
    end = CoreEnd.of()
    end.hear_bytewise(end.framed(TEXT, b"ok" + wrong + b"ok"))
    assert end.close_code() == 1007


@pytest.mark.parametrize("cut_off", [b"\xc3", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9d", b"\xf0\x9d\x84"])
def test_code_point_cut_off_by_the_end_is_1007(cut_off: bytes) -> None:
    end = CoreEnd.of()
    end.hear_all((TEXT, b"ok", False), (CONT, cut_off, True))
    assert end.close_code() == 1007


@pytest.mark.parametrize("cut_off", [b"\xc3", b"\xe2\x82", b"\xf0\x9d\x84"])
def test_code_point_cut_off_in_the_only_frame_is_1007(cut_off: bytes) -> None:
    end = CoreEnd.of()
    end.hear(TEXT, b"ok" + cut_off)
    assert end.close_code() == 1007


@pytest.mark.parametrize("at", range(1, 10))
def test_code_points_may_be_split_by_fragments(at: int) -> None:
    text = "ä€𝄞"
    end = CoreEnd.of()
    end.hear_all((TEXT, text.encode()[:at], False), (CONT, text.encode()[at:], True))
    assert end.messages() == [text]


@pytest.mark.parametrize("wrong", [b"\xff", b"\xc0", b"\xe0\x9f", b"\xed\xa0\x80", b"\xf0\x8f", b"\xf4\x90"])
def test_text_is_refused_as_soon_as_it_cannot_be_utf8(wrong: bytes) -> None:
    end = CoreEnd.of()
    end.core.receive(end.framed(TEXT, b"ok" + wrong + b"x" * 100)[: 4 + len(wrong)])
    assert isinstance(end.core.violation, UnicodeDecodeError)


def test_binary_need_not_be_utf8() -> None:
    end = CoreEnd.of()
    end.hear_all((BINARY, b"\xff", False), (CONT, b"\xed\xa0\x80", True))
    assert end.messages() == [b"\xff\xed\xa0\x80"]


def test_text_after_refused_bytes_of_binary_is_decoded_afresh() -> None:
    end = CoreEnd.of()
    end.hear_all((BINARY, b"\xe2", False), (CONT, b"\x82", True), (TEXT, b"a", False), (CONT, b"b", True))
    assert end.messages() == [b"\xe2\x82", "ab"]
