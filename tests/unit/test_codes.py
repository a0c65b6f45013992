from __future__ import annotations

import pickle

import attrs
import pytest

from wssdk.codes import CLOSE_CODE_NAMES, Close, CloseCode, Opcode, may_be_received, may_be_sent

ON_THE_WIRE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
NEVER_ON_THE_WIRE = [-1, 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", ON_THE_WIRE)
def test_code_may_be_in_a_close_frame(code: int) -> None:
    assert may_be_received(code)
    assert may_be_sent(code)


@pytest.mark.parametrize("code", NEVER_ON_THE_WIRE)
def test_code_may_not_be_in_a_close_frame(code: int) -> None:
    assert not may_be_received(code)
    assert not may_be_sent(code)


@pytest.mark.parametrize(
    ("close", "text"),
    [
        (Close(1000), "1000 (OK)"),
        (Close(CloseCode.GOING_AWAY, "bye"), "1001 (going away) bye"),
        (Close(1006), "1006 (abnormal closure [internal])"),
        (Close(1016), "1016 (unknown)"),
        (Close(3000, "x"), "3000 (registered) x"),
        (Close(3999), "3999 (registered)"),
        (Close(4000), "4000 (private use)"),
        (Close(4999), "4999 (private use)"),
        (Close(5000), "5000 (unknown)"),
    ],
)
def test_close_as_text(close: Close, text: str) -> None:
    assert str(close) == text


def test_every_close_code_has_a_name() -> None:
    assert set(CLOSE_CODE_NAMES) == set(CloseCode)


def test_names_of_close_codes_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CLOSE_CODE_NAMES[1000] = "fine"  # type: ignore[index]


def test_control_opcodes_have_the_high_bit() -> None:
    assert [opcode for opcode in Opcode if opcode & 0x8] == [Opcode.CLOSE, Opcode.PING, Opcode.PONG]


def test_close_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Close(1000).code = 1001  # type: ignore[misc]


def test_close_equals_by_value_and_hashes() -> None:
    assert {Close(1000, "x"), Close(CloseCode.NORMAL_CLOSURE, "x")} == {Close(1000, "x")}


def test_close_pickles() -> None:
    assert pickle.loads(pickle.dumps(Close(4000, "x"))) == Close(4000, "x")
