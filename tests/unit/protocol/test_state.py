"""The table of states (RFC 6455, 4.1, 7.1): every pair of state and step."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from wssdk.errors import InvalidState
from wssdk.protocol import State as StateOfRoom
from wssdk.protocol.state import State, Step, advance

LEGAL: Final = {
    (State.CONNECTING, Step.ESTABLISHED): State.OPEN,
    (State.CONNECTING, Step.PIPE_LOST): State.CLOSED,
    (State.OPEN, Step.CLOSE_SENT): State.CLOSING,
    (State.OPEN, Step.CLOSE_RCVD): State.CLOSING,
    (State.OPEN, Step.PIPE_LOST): State.CLOSED,
    (State.CLOSING, Step.CLOSE_SENT): State.CLOSING,
    (State.CLOSING, Step.CLOSE_RCVD): State.CLOSING,
    (State.CLOSING, Step.PIPE_LOST): State.CLOSED,
}
ILLEGAL: Final = sorted(
    set(itertools.product(State, Step)) - set(LEGAL), key=lambda move: (move[0], move[1].name)
)


@pytest.mark.parametrize(("state", "step", "after"), [(*move, after) for move, after in LEGAL.items()])
def test_legal_move(state: State, step: Step, after: State) -> None:
    assert advance(state, step) is after


@pytest.mark.parametrize(("state", "step"), ILLEGAL)
def test_illegal_move_raises(state: State, step: Step) -> None:
    with pytest.raises(InvalidState, match=f"{step.value}.* is not legal in state {state.name}"):
        advance(state, step)


@pytest.mark.parametrize(("state", "step"), LEGAL)
def test_no_move_leads_back(state: State, step: Step) -> None:
    assert advance(state, step) >= state


def test_states_are_numbered_as_the_field_numbers_them() -> None:
    assert [(state.name, state.value) for state in State] == [
        ("CONNECTING", 0),
        ("OPEN", 1),
        ("CLOSING", 2),
        ("CLOSED", 3),
    ]


def test_room_shows_the_state() -> None:
    assert StateOfRoom is State
