"""Masking: the XOR of RFC 6455, 5.3, and keys that nobody can foresee."""

from __future__ import annotations

import os

import pytest

from wssdk.wire.mask import MaskingKeys, apply_mask

KEY = b"\x37\xfa\x21\x3d"


def test_example_of_the_rfc() -> None:
    assert apply_mask(b"Hello", KEY) == b"\x7f\x9f\x4d\x51\x58"


def test_nothing_is_masked_to_nothing() -> None:
    assert apply_mask(b"", KEY) == b""


@pytest.mark.parametrize("size", [*range(1, 20), 125, 126, 65535, 65536, 100_003])
def test_every_byte_meets_its_byte_of_the_key(size: int) -> None:
    payload = os.urandom(size)
    assert apply_mask(payload, KEY) == bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_takes_every_kind_of_bytes(kind: type[bytes] | type[bytearray] | type[memoryview]) -> None:
    assert apply_mask(kind(b"Hello"), KEY) == b"\x7f\x9f\x4d\x51\x58"


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_leaves_its_input_alone(kind: type[bytearray] | type[memoryview]) -> None:
    payload = kind(bytearray(b"Hello"))
    apply_mask(payload, KEY)
    assert bytes(payload) == b"Hello"


def test_leading_zeros_are_kept() -> None:
    assert apply_mask(KEY * 3, KEY) == bytes(12)


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_key_of_another_size_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="masking key must be 4 bytes"):
        apply_mask(b"Hello", key)


def drawn(count: int) -> list[bytes]:
    keys = MaskingKeys()
    return [keys.draw() for _ in range(count)]


def test_keys_have_four_bytes() -> None:
    assert {len(key) for key in drawn(1000)} == {4}


def test_keys_differ() -> None:
    # 1000 draws out of 2**32: two equal ones come up once in 8,000 runs, three pairs never.
    assert len(set(drawn(1000))) > 997


def test_every_bit_of_a_key_is_used() -> None:
    ones, zeros = 0, 0xFFFFFFFF
    for key in drawn(500):
        ones |= int.from_bytes(key, "big")
        zeros &= int.from_bytes(key, "big")
    assert (ones, zeros) == (0xFFFFFFFF, 0)


def test_connections_share_no_key() -> None:
    assert len(set().union(*[drawn(2000) for _ in range(4)])) > 8000 - 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork()")
def test_child_process_draws_other_keys_than_its_parent() -> None:
    keys = MaskingKeys()
    keys.draw()
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of pytest may run here
        try:
            os.write(writable, b"".join([keys.draw() for _ in range(100)]))
        finally:
            os._exit(0)
    os.close(writable)
    os.waitpid(child, 0)
    with os.fdopen(readable, "rb") as stream:
        theirs = stream.read()
    ours = {keys.draw() for _ in range(100)}
    assert len(theirs) == 400
    assert not ours & {theirs[i : i + 4] for i in range(0, 400, 4)}
