"""Limits of messages, of fragments and of their number: at the bound, and one over it."""

from __future__ import annotations

import zlib
from typing import Final

import pytest

from tests.support.cores import CoreEnd, deflate
from tests.support.raw_peer import BINARY, CONT, PING, PONG, TEXT, deflated
from wssdk.codes import Close
from wssdk.errors import PayloadTooBig, TooManyFragments
from wssdk.protocol.core import Role

RSV1: Final = 4
BOTH: Final = list(Role)


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("limit", [0, 1, 125, 126, 65535, 65536])
def test_message_at_its_limit_comes_in(role: Role, limit: int) -> None:
    end = CoreEnd.of(role, max_message_size=limit)
    end.hear(BINARY, bytes(limit))
    assert end.messages() == [bytes(limit)]


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("limit", [0, 1, 125, 126, 65535, 65536])
def test_message_over_its_limit_is_1009(role: Role, limit: int) -> None:
    end = CoreEnd.of(role, max_message_size=limit)
    end.hear(BINARY, bytes(limit + 1))
    assert end.close_code() == 1009


def test_message_over_its_limit_is_refused_by_its_header() -> None:
    end = CoreEnd.of(max_message_size=1000)
    end.core.receive(bytes([0x82, 126]) + (1001).to_bytes(2))
    assert isinstance(end.core.violation, PayloadTooBig)


@pytest.mark.parametrize("length", [1 << 32, (1 << 63) - 1])
def test_huge_length_is_1009(length: int) -> None:
    end = CoreEnd.of()
    end.core.receive(bytes([0x82, 127]) + length.to_bytes(8))
    assert end.close_code() == 1009


def test_error_tells_size_and_limit() -> None:
    end = CoreEnd.of(max_message_size=10)
    end.hear_all((BINARY, bytes(4), False), (CONT, bytes(7), True))
    end.core.fail_for_violation()
    assert end.core.sent == Close(1009, "frame with 7 bytes after reading 4 bytes exceeds limit of 10 bytes")


@pytest.mark.parametrize("parts", [(10,), (0, 10), (10, 0), (5, 5), (1, 0, 9)])
def test_fragments_at_the_limit_of_a_message_come_in(parts: tuple[int, ...]) -> None:
    end = CoreEnd.of(max_message_size=10)
    for index, size in enumerate(parts):
        end.hear(CONT if index else BINARY, bytes(size), fin=index == len(parts) - 1)
    assert end.messages() == [bytes(10)]


@pytest.mark.parametrize("parts", [(11,), (0, 11), (10, 1), (5, 6), (1, 0, 10)])
@pytest.mark.parametrize("fin", [True, False])
def test_fragments_over_the_limit_of_a_message_are_1009(parts: tuple[int, ...], fin: bool) -> None:
    end = CoreEnd.of(max_message_size=10)
    for index, size in enumerate(parts):
        end.hear(CONT if index else BINARY, bytes(size), fin=fin and index == len(parts) - 1)
    assert end.close_code() == 1009


def test_limit_is_for_each_message_anew() -> None:
    end = CoreEnd.of(max_message_size=10)
    end.hear_all((BINARY, bytes(9), False), (CONT, bytes(1), True), (BINARY, bytes(10), True))
    assert end.messages() == [bytes(10), bytes(10)]


@pytest.mark.parametrize("message_limit", [None, 100])
def test_fragments_at_their_limit_come_in(message_limit: int | None) -> None:
    end = CoreEnd.of(max_message_size=message_limit, max_fragment_size=10)
    end.hear_all((BINARY, bytes(10), False), (CONT, bytes(10), True))
    assert end.messages() == [bytes(20)]


@pytest.mark.parametrize("message_limit", [None, 100])
@pytest.mark.parametrize("parts", [(11,), (10, 11), (1, 11)])
def test_fragment_over_its_limit_is_1009(message_limit: int | None, parts: tuple[int, ...]) -> None:
    end = CoreEnd.of(max_message_size=message_limit, max_fragment_size=10)
    for index, size in enumerate(parts):
        end.hear(CONT if index else BINARY, bytes(size), fin=False)
    assert end.close_code() == 1009


@pytest.mark.parametrize("size", [0, 1, 10, 5000])
def test_without_limits_any_size_comes_in(size: int) -> None:
    end = CoreEnd.of(max_message_size=None)
    end.hear(BINARY, bytes(size))
    assert end.messages() == [bytes(size)]


@pytest.mark.parametrize("limit", [0, 1, 100, 70_000])
def test_inflated_message_at_its_limit_comes_in(limit: int) -> None:
    end = CoreEnd.of(max_message_size=limit, extension=deflate())
    end.hear(BINARY, deflated(bytes(limit)), rsv=RSV1)
    assert end.messages() == [bytes(limit)]


@pytest.mark.parametrize("limit", [0, 1, 100, 70_000])
@pytest.mark.parametrize("bytewise", [False, True])
def test_inflated_message_over_its_limit_is_1009(limit: int, bytewise: bool) -> None:
    end = CoreEnd.of(max_message_size=limit, extension=deflate())
    data = end.framed(BINARY, deflated(bytes(limit + 1)), rsv=RSV1)
    if bytewise:
        end.hear_bytewise(data)
    else:
        end.core.receive(data)
    assert end.close_code() == 1009


def hear_inflated(end: CoreEnd, sizes: tuple[int, ...]) -> None:
    """Receive one compressed message in fragments that inflate to ``sizes``."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    for index, size in enumerate(sizes):
        last = index == len(sizes) - 1
        data = deflater.compress(bytes(size)) + deflater.flush(zlib.Z_SYNC_FLUSH)
        end.hear(CONT if index else BINARY, data[:-4] if last else data, fin=last, rsv=0 if index else RSV1)


@pytest.mark.parametrize("sizes", [(10,), (5, 5), (10, 0), (1, 9)])
def test_inflated_fragments_at_the_limit_of_a_message_come_in(sizes: tuple[int, ...]) -> None:
    end = CoreEnd.of(max_message_size=10, extension=deflate())
    hear_inflated(end, sizes)
    assert end.messages() == [bytes(10)]


@pytest.mark.parametrize("sizes", [(11,), (5, 6), (10, 1), (1, 10)])
def test_inflated_fragments_over_the_limit_of_a_message_are_1009(sizes: tuple[int, ...]) -> None:
    end = CoreEnd.of(max_message_size=10, extension=deflate())
    hear_inflated(end, sizes)
    assert end.close_code() == 1009


def test_inflated_fragments_at_their_limit_come_in() -> None:
    end = CoreEnd.of(max_message_size=100, max_fragment_size=10, extension=deflate())
    hear_inflated(end, (10, 10, 10))
    assert end.messages() == [bytes(30)]


@pytest.mark.parametrize("sizes", [(11,), (10, 11), (1, 11, 1)])
@pytest.mark.parametrize("message_limit", [None, 100])
def test_inflated_fragment_over_its_limit_is_1009(sizes: tuple[int, ...], message_limit: int | None) -> None:
    end = CoreEnd.of(max_message_size=message_limit, max_fragment_size=10, extension=deflate())
    hear_inflated(end, sizes)
    assert end.close_code() == 1009


def hear_fragments(end: CoreEnd, count: int) -> None:
    """Receive one message in ``count`` fragments."""
    for index in range(count):
        end.hear(CONT if index else BINARY, b"x", fin=index == count - 1)


@pytest.mark.parametrize("bound", [1, 2, 50])
def test_as_many_fragments_as_the_bound_come_in(bound: int) -> None:
    end = CoreEnd.of(max_fragments=bound)
    hear_fragments(end, bound)
    assert end.messages() == [b"x" * bound]


@pytest.mark.parametrize("bound", [1, 2, 50])
def test_fragments_over_the_bound_are_1009(bound: int) -> None:
    end = CoreEnd.of(max_fragments=bound)
    hear_fragments(end, bound + 1)
    assert isinstance(end.core.violation, TooManyFragments)
    assert end.close_code() == 1009


def test_fragments_are_counted_for_each_message_anew() -> None:
    end = CoreEnd.of(max_fragments=2)
    hear_fragments(end, 2)
    hear_fragments(end, 2)
    assert end.messages() == [b"xx", b"xx"]


def test_control_frames_are_no_fragments() -> None:
    end = CoreEnd.of(max_fragments=2)
    end.hear_all((TEXT, b"a", False), (PING, b"", True), (PONG, b"", True), (CONT, b"b", True))
    assert end.messages() == ["ab"]
