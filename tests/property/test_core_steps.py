"""A protocol core under any order of steps: frames, closing, failing, loss, sending, waiting."""

from __future__ import annotations

from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.cores import CoreEnd, deflate
from tests.support.frames import ParsedFrame, close_payload, parse_frames
from tests.support.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT
from wssdk.codes import Close
from wssdk.errors import ConnectionClosedOK, PayloadTooBig, ProtocolError, TooManyFragments
from wssdk.protocol.core import Role
from wssdk.protocol.state import State

DOCUMENTED: Final = (ProtocolError, PayloadTooBig, TooManyFragments, UnicodeDecodeError)
IN_ORDER: Final = {1000, 1001, 1005}


def written(close: Close) -> bytes:
    """Return the payload of a close frame."""
    return b"" if close.code == 1005 else close_payload(close.code, close.reason.encode())


class AnyOrder(RuleBasedStateMachine):
    """One end, and everything that can happen to it in any order."""

    @initialize(role=st.sampled_from(Role), extended=st.booleans(), queue=st.sampled_from([None, (2, 1)]))
    def establish(self, role: Role, extended: bool, queue: tuple[int, int] | None) -> None:
        self.end = CoreEnd.of(role, queue=queue, extension=deflate() if extended else None)
        self.state = self.end.core.state
        self.went_out: list[ParsedFrame] = []
        self.first: str | None = None
        """Whose close frame came first, as seen from here."""
        self.lost = False

    def note(self) -> None:
        """Do as a connection does after every step: fail for violations, write what waits."""
        core = self.end.core
        assert core.violation is None or isinstance(core.violation, DOCUMENTED)
        core.fail_for_violation()
        self.went_out += self.end.sent()
        if self.first is None and (core.sent is not None or core.rcvd is not None):
            self.first = "ours" if core.rcvd is None else "theirs"

    # The peer.

    @rule(text=st.text(max_size=4), fin=st.booleans(), opcode=st.sampled_from([TEXT, CONT]))
    def hear_data(self, text: str, fin: bool, opcode: int) -> None:
        self.end.hear(opcode, text.encode(), fin=fin)
        self.note()

    @rule(opcode=st.sampled_from([PING, PONG]), payload=st.binary(max_size=4))
    def hear_control(self, opcode: int, payload: bytes) -> None:
        self.end.hear(opcode, payload)
        self.note()

    @rule(code=st.sampled_from([1000, 1001, 1002, 4000]), reason=st.text(max_size=3))
    def hear_close(self, code: int, reason: str) -> None:
        self.end.hear(CLOSE, close_payload(code, reason.encode()))
        self.note()

    @rule()
    def hear_close_without_a_code(self) -> None:
        self.end.hear(CLOSE)
        self.note()

    @rule(data=st.binary(max_size=6))
    def hear_anything(self, data: bytes) -> None:
        self.end.core.receive(data)
        self.note()

    @rule()
    def hear_the_end(self) -> None:
        self.end.core.receive_eof()
        self.note()

    # The user, and the connection.

    @rule(code=st.sampled_from([1000, 1001, 1011, 3000]), reason=st.text(max_size=3))
    def close(self, code: int, reason: str) -> None:
        self.end.core.close(code, reason)
        self.note()

    @rule(code=st.sampled_from([1002, 1011]))
    def fail(self, code: int) -> None:
        self.end.core.fail(code, "x", ValueError())
        self.note()

    @rule()
    def lose(self) -> None:
        self.end.core.lost()
        self.lost = True
        self.note()

    @rule()
    def take_messages(self) -> None:
        self.end.messages()
        self.end.core.proceed()
        self.note()

    @rule()
    def hold_pongs(self) -> None:
        self.end.core.hold_pongs = True

    @rule()
    def release_pong(self) -> None:
        self.end.core.release_pong()
        self.note()

    @precondition(lambda self: self.state is State.OPEN)
    @rule(payload=st.binary(max_size=4), opcode=st.sampled_from([TEXT, BINARY]))
    def send(self, payload: bytes, opcode: int) -> None:
        self.went_out += parse_frames(self.end.core.serialize_message(opcode, payload))

    @precondition(lambda self: self.state is State.OPEN)
    @rule(payload=st.binary(max_size=4))
    def send_controls(self, payload: bytes) -> None:
        self.end.core.send_ping(payload)
        self.end.core.send_pong(payload)
        self.note()

    # What holds throughout.

    @invariant()
    def state_goes_forward(self) -> None:
        assert self.state <= self.end.core.state
        self.state = self.end.core.state

    @invariant()
    def state_is_that_of_the_close_frames(self) -> None:
        core = self.end.core
        closing = core.sent is not None or core.rcvd is not None
        if not self.lost:
            assert core.state is (State.CLOSING if closing else State.OPEN)
        else:
            assert core.state is State.CLOSED

    @invariant()
    def nothing_follows_our_close_frame(self) -> None:
        assert CLOSE not in [sent.opcode for sent in self.went_out[:-1]]

    @invariant()
    def close_frame_went_out_where_one_was_sent(self) -> None:
        sent = self.end.core.sent
        closes = [one.payload for one in self.went_out if one.opcode == CLOSE]
        assert closes == ([] if sent is None else [written(sent)])

    @invariant()
    def frames_are_masked_by_the_client(self) -> None:
        assert {one.masked for one in self.went_out} <= {self.end.core.role is Role.CLIENT}

    @invariant()
    def order_of_the_close_frames_is_known(self) -> None:
        core = self.end.core
        if core.rcvd is None or core.sent is None:
            assert core.rcvd_then_sent is None
        else:
            assert core.rcvd_then_sent is (self.first == "theirs")

    @invariant()
    def user_is_told_how_it_ended(self) -> None:
        core = self.end.core
        error = core.closed_exception()
        codes = {None if one is None else one.code for one in (core.rcvd, core.sent)}
        assert isinstance(error, ConnectionClosedOK) is (codes <= IN_ORDER)
        assert (error.rcvd, error.sent, error.rcvd_then_sent) == (core.rcvd, core.sent, core.rcvd_then_sent)

    @invariant()
    def inbox_keeps_its_bound(self) -> None:
        assert not self.end.core.inbox.is_full() or len(self.end.core.inbox) == 2


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
