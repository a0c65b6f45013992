"""Fragments handed over one by one, from any point on, and the undoing of it."""

from __future__ import annotations

import pytest

from tests.support.raw_peer import BINARY, TEXT, frame
from tests.support.reading import reading, split
from wssdk.errors import PayloadTooBig, TooManyFragments


def test_streamed_fragments_come_one_by_one() -> None:
    it = reading()
    it.reader.start_streaming()
    first, second, third = split(b"Hello", [2, 0])
    it.feed(first)
    assert it.taken() == [(b"He", False)]
    it.feed(second, third)
    assert it.taken() == [(b"", False), (b"llo", True)]


def test_streaming_ends_with_the_message() -> None:
    it = reading()
    it.reader.start_streaming()
    it.feed(*split(b"ab", [1]), *split(b"cd", [1]))
    assert it.taken() == [(b"a", False), (b"b", True), "cd"]


def test_message_of_one_frame_is_streamed_as_one_fragment() -> None:
    it = reading()
    it.reader.start_streaming()
    it.feed(frame(TEXT, b"Hello"))
    assert it.taken() == [(b"Hello", True)]


def test_fragments_that_came_before_are_streamed_at_once() -> None:
    it = reading()
    *begun, last = split(b"Hello", [2, 0, 1])
    it.feed(*begun)
    it.reader.start_streaming()
    assert it.taken() == [(b"He", False), (b"", False), (b"l", False)]
    it.feed(last)
    assert it.taken() == [(b"lo", True)]


def test_half_a_frame_stays_until_it_is_whole() -> None:
    it = reading()
    first, second = split(b"Hello", [2])
    it.feed(first, second[:3])
    it.reader.start_streaming()
    assert it.taken() == [(b"He", False)]
    it.feed(second[3:])
    assert it.taken() == [(b"llo", True)]


def test_starting_twice_is_starting_once() -> None:
    it = reading()
    it.feed(split(b"Hello", [2])[0])
    it.reader.start_streaming()
    it.reader.start_streaming()
    assert it.taken() == [(b"He", False)]


def test_streaming_checks_utf_8() -> None:
    it = reading()
    it.reader.start_streaming()
    with pytest.raises(UnicodeDecodeError):
        it.feed(*split(b"ok\xff", [2]))


def test_streaming_keeps_the_limit() -> None:
    it = reading(message=10)
    it.reader.start_streaming()
    with pytest.raises(PayloadTooBig):
        it.feed(*split(b"x" * 11, [4, 4]))


def test_streamed_message_may_have_any_number_of_fragments() -> None:
    it = reading(fragments=3)
    it.reader.start_streaming()
    it.feed(*split(b"abcdef", [1, 1, 1, 1, 1]))
    assert len(it.taken()) == 6


@pytest.mark.parametrize("streamed", range(5))
def test_streaming_that_took_nothing_can_be_undone(streamed: int) -> None:
    it = reading()
    data = split(b"Hello", [1, 0, 2])
    it.reader.start_streaming()
    it.feed(*data[:streamed])
    it.reader.stop_streaming()
    it.feed(*data[streamed:])
    assert it.taken() == ["Hello"]


def test_fragments_undone_count_for_the_bound() -> None:
    it = reading(fragments=4)
    data = split(b"abcdef", [1, 1, 1, 1, 1])
    it.reader.start_streaming()
    it.feed(*data[:3])
    it.reader.stop_streaming()
    with pytest.raises(TooManyFragments):
        it.feed(*data[3:])


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_message_that_was_begun_as_a_whole_can_be_streamed(opcode: int) -> None:
    it = reading()
    data = frame(opcode, b"x" * 5000)
    it.feed(data[:3000])
    it.reader.start_streaming()
    it.feed(data[3000:])
    assert it.taken() == [(b"x" * 5000, True)]


def test_streaming_of_it_can_be_undone() -> None:
    it = reading()
    data = frame(BINARY, b"x" * 5000)
    it.feed(data[:3000])
    it.reader.start_streaming()
    it.reader.stop_streaming()
    it.feed(data[3000:])
    assert it.taken() == [b"x" * 5000]
