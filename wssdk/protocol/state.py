"""The states of a connection (RFC 6455, 4.1, 7.1) and every legal move between them."""

from __future__ import annotations

import enum
from typing import Final

from wssdk.errors import InvalidState

__all__ = ["State", "Step", "advance"]


class State(enum.IntEnum):
    """Where a connection stands."""

    CONNECTING, OPEN, CLOSING, CLOSED = range(4)


class Step(enum.Enum):
    """What moves a connection on."""

    ESTABLISHED = "opening handshake done"
    CLOSE_SENT = "close frame sent"
    CLOSE_RCVD = "close frame received"
    PIPE_LOST = "pipe lost"


_NEXT: Final = {
    (State.CONNECTING, Step.ESTABLISHED): State.OPEN,
    (State.CONNECTING, Step.PIPE_LOST): State.CLOSED,
    (State.OPEN, Step.CLOSE_SENT): State.CLOSING,
    (State.OPEN, Step.CLOSE_RCVD): State.CLOSING,
    (State.OPEN, Step.PIPE_LOST): State.CLOSED,
    (State.CLOSING, Step.CLOSE_SENT): State.CLOSING,
    (State.CLOSING, Step.CLOSE_RCVD): State.CLOSING,
    (State.CLOSING, Step.PIPE_LOST): State.CLOSED,
}


def advance(state: State, step: Step) -> State:
    """Return the state after ``step``.

    Raises:
        InvalidState: the table has no such move.
    """
    try:
        return _NEXT[state, step]
    except KeyError:
        raise InvalidState(f"{step.value!r} is not legal in state {state.name}") from None
