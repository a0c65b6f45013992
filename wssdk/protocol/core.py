"""What to do with what came, and what may be sent (RFC 6455, 5.5, 7): pong, closing handshake, fail.

No I/O: bytes go in by :meth:`ProtocolCore.receive` or the buffer, messages come out of the inbox,
bytes for the peer out of :meth:`ProtocolCore.take_outgoing`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from wssdk.codes import Close, CloseCode, Opcode
from wssdk.errors import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    PayloadTooBig,
    ProtocolError,
    TooManyFragments,
)
from wssdk.errors_limits import InboxFull
from wssdk.ports import Extension
from wssdk.protocol.close import MAX_REASON_SIZE, parse_close, serialize_close
from wssdk.protocol.state import State, Step, advance
from wssdk.wire.deflate import PerMessageDeflate
from wssdk.wire.frame_reader import FrameReader
from wssdk.wire.inbox import Inbox
from wssdk.wire.message_reader import CONTROL, MAX_FRAGMENTS, STALLED, MessageReader
from wssdk.wire.message_writer import MessageWriter

__all__ = ["ProtocolCore", "Role"]

_MOST_PONGS = 16
"""Pings of one read that are answered one by one; of a flood, the newest is (RFC 6455, 5.5.3)."""
_IN_ORDER = frozenset((CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD))


class Role(enum.Enum):
    """Which endpoint this is. The server role serves ``wssdk.testing`` only."""

    CLIENT = "client"
    SERVER = "server"


class ProtocolCore:
    """One established WebSocket connection, without its socket.

    Sizes are bytes; None means no limit. ``extensions`` are the agreed ones, in order.
    """

    __slots__ = (
        "_ended",
        "_held_pong",
        "_outgoing",
        "_pings",
        "_pongs",
        "cause",
        "frames",
        "hold_pongs",
        "inbox",
        "rcvd",
        "rcvd_then_sent",
        "reader",
        "role",
        "sent",
        "state",
        "violation",
        "writer",
    )

    def __init__(
        self,
        role: Role,
        inbox: Inbox,
        *,
        max_message_size: int | None = 1 << 20,
        max_fragment_size: int | None = None,
        max_fragments: int = MAX_FRAGMENTS,
        read_limit: int = 1 << 16,
        extensions: Sequence[Extension] = (),
    ) -> None:
        self.role = role
        self.inbox = inbox
        self.state = advance(State.CONNECTING, Step.ESTABLISHED)
        self.rcvd: Close | None = None
        """What the peer's close frame said."""
        self.sent: Close | None = None
        """What our close frame said."""
        self.rcvd_then_sent: bool | None = None
        self.violation: Exception | None = None
        """What the peer broke; :meth:`fail_for_violation` acts on it."""
        self.cause: BaseException | None = None
        """Why the connection failed, for ``__cause__`` of what the user catches."""
        self.hold_pongs = False
        """The peer does not read: keep only the newest pong, as RFC 6455, 5.5.3 allows."""
        inflater = deflater = None
        min_deflate = 1
        if len(extensions) == 1 and isinstance(extensions[0], PerMessageDeflate):
            agreed = extensions[0]
            inflater = agreed.new_inflater()
            deflater = agreed.new_deflater()
            min_deflate = max(1, agreed.min_size)
            extensions = ()
        self.frames = FrameReader(role is Role.SERVER, read_limit)
        self.reader = MessageReader(
            self.frames,
            inbox,
            max_message_size,
            max_fragment_size,
            inflater,
            extensions,
            max_fragments,
        )
        self.writer = MessageWriter(role is Role.CLIENT, deflater, min_deflate, extensions)
        self._outgoing: list[bytes] | None = None
        self._held_pong: bytes | None = None
        self._pings = 0
        self._pongs: list[bytes] | None = None
        self._ended = False

    # Receiving.

    def get_buffer(self) -> memoryview:
        """Return where to put the next received bytes."""
        return self.frames.get_buffer()

    def buffer_updated(self, count: int) -> None:
        """Take ``count`` bytes that were put into the buffer."""
        self.frames.received(count)
        self.proceed()

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take received bytes (copied in; :meth:`get_buffer` saves the copy)."""
        view = memoryview(data)
        while len(view):
            buffer = self.get_buffer()
            count = min(len(buffer), len(view))
            buffer[:count] = view[:count]
            view = view[count:]
            self.buffer_updated(count)

    def receive_eof(self) -> None:
        """Take the end of the stream: bytes of an unfinished frame are of no use any more."""
        if not self.stalled:
            self._ended = True

    @property
    def stalled(self) -> bool:
        """Whether bytes are left in the receive buffer because the inbox is full."""
        return self.inbox.stalled

    @property
    def quiet(self) -> bool:
        """Whether the connection just goes on: open, and nothing happened that ends it."""
        return self.state is State.OPEN and not self._ended

    def proceed(self, control: bool = False) -> None:
        """Parse what was received, as far as inbox and bytes allow.

        ``control``: the reader stands at a control frame already.
        """
        self._pings = 0
        self._parse(control)
        if self._held_pong is not None and not self.hold_pongs:
            self.release_pong()

    def _parse(self, control: bool) -> None:
        self.inbox.stalled = False
        while not self._ended:
            try:
                outcome = CONTROL if control else self.reader.parse()
                control = False
                if outcome == CONTROL:
                    self._control(self.reader.control_opcode, self.reader.control_payload)
                    continue
                self.inbox.stalled = outcome == STALLED
            except Exception as error:
                self.violate(error)
            return
        self.frames.clear()

    def violate(self, error: Exception) -> None:
        """Take what the peer broke, or what an extension of the user's did; nothing is parsed any more."""
        if isinstance(error, InboxFull):
            # At once: what waits to be received will not be answered in time. The peer broke nothing of the
            # protocol, but the bound that this side has set: 1008 (RFC 6455, 7.4.1).
            self.fail(CloseCode.POLICY_VIOLATION, str(error), error)
            return
        self.inbox.stalled = False
        self.violation = error
        self._ended = True

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PONG:
            if self._pongs is None:
                self._pongs = []
            self._pongs.append(payload)
        elif opcode == Opcode.PING:
            self._answer_ping(payload)
        else:
            self._close_received(parse_close(payload))

    def _answer_ping(self, payload: bytes) -> None:
        if self.sent is not None or self.state is not State.OPEN:
            return
        self._pings += 1
        if self.hold_pongs or self._pings > _MOST_PONGS:
            self._held_pong = payload
        else:
            self._write(Opcode.PONG, payload)

    def release_pong(self) -> None:
        """The peer reads again: answer the newest ping of those that were held."""
        self.hold_pongs = False
        self._pings = 0
        payload, self._held_pong = self._held_pong, None
        if payload is not None:
            self._answer_ping(payload)

    def _close_received(self, close: Close) -> None:
        self.rcvd = close
        self._ended = True  # RFC 6455, 5.5.1: nothing follows a close frame
        if self.sent is not None:
            self.rcvd_then_sent = False
        if self.state is State.CLOSED:  # it stood in the buffer behind messages that nobody took in time
            return
        self._advance(Step.CLOSE_RCVD)
        if self.sent is None:
            self.rcvd_then_sent = True
            self._send_close(close)

    def take_pongs(self) -> list[bytes]:
        """Return the payloads of pongs received since the last call, in order."""
        if not self._pongs:
            return []
        pongs, self._pongs = self._pongs, None
        return pongs

    # Sending.

    def serialize_message(
        self, opcode: int, payload: bytes | bytearray | memoryview, fin: bool = True
    ) -> bytes:
        """Return the frame of a message or fragment as it goes out; the state must be OPEN."""
        return self.writer.serialize(opcode, payload, fin)

    def send_ping(self, payload: bytes) -> None:
        """Queue a ping; the state must be OPEN."""
        self._write(Opcode.PING, payload)

    def send_pong(self, payload: bytes) -> None:
        """Queue a pong; the state must be OPEN."""
        self._write(Opcode.PONG, payload)

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake (RFC 6455, 7.1.2); nothing happens where it has begun.

        Raises:
            ProtocolError: code or reason may not be sent.
        """
        payload = self.check_close(code, reason)
        if self.state is State.OPEN:
            self._send_close(Close(code, reason), payload)

    def check_close(self, code: int, reason: str) -> bytes:
        """Return the payload of a close frame that :meth:`close` would send.

        Raises:
            ProtocolError: code or reason may not be sent.
        """
        payload = serialize_close(Close(code, reason))
        if not payload:
            raise ProtocolError("close code 1005 stands for a frame without one, and cannot be sent")
        return payload

    def fail(self, code: int, reason: str, cause: BaseException | None = None) -> None:
        """Fail the connection (RFC 6455, 7.1.7): say why, and heed nothing that follows."""
        if self.state is State.CLOSED:
            return
        if self.cause is None:
            self.cause = cause
        if self.sent is None:
            reason = reason.encode(errors="replace")[:MAX_REASON_SIZE].decode(errors="ignore")
            self._send_close(Close(code, reason))
        self._ended = True
        self.inbox.stalled = False
        self.frames.clear()

    def fail_for_violation(self) -> None:
        """Fail the connection for what the peer broke."""
        error, self.violation = self.violation, None
        if error is None:
            return
        if isinstance(error, UnicodeDecodeError):
            self.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}", error)
        elif isinstance(error, ProtocolError):
            self.fail(CloseCode.PROTOCOL_ERROR, str(error), error)
        elif isinstance(error, (PayloadTooBig, TooManyFragments)):
            self.fail(CloseCode.MESSAGE_TOO_BIG, str(error), error)
        else:
            self.fail(CloseCode.INTERNAL_ERROR, "", error)

    def _send_close(self, close: Close, payload: bytes | None = None) -> None:
        if payload is None:
            payload = serialize_close(close)
        try:
            self._write(Opcode.CLOSE, payload)
        except Exception as error:  # an extension of the user's broke: the connection ends all the same
            if self.cause is None:
                self.cause = error
            self._queue(self.writer.serialize_plain(Opcode.CLOSE, payload))
        self.sent = close
        self._advance(Step.CLOSE_SENT)
        # What comes in now may be of no interest to anyone: it must not hide the close frame.
        self.reader.discarding = True

    def _write(self, opcode: int, payload: bytes) -> None:
        self._queue(self.writer.serialize_control(opcode, payload))

    def _queue(self, frame: bytes) -> None:
        if self._outgoing is None:
            self._outgoing = []
        self._outgoing.append(frame)

    def take_outgoing(self) -> bytes:
        """Return the bytes that wait to be sent."""
        if not self._outgoing:
            return b""
        data = self._outgoing[0] if len(self._outgoing) == 1 else b"".join(self._outgoing)
        self._outgoing = None
        return data

    # Ending.

    def _advance(self, step: Step) -> None:
        self.state = advance(self.state, step)

    def lost(self) -> None:
        """Take the loss of the pipe."""
        if self.state is not State.CLOSED:
            self._advance(Step.PIPE_LOST)
        self._outgoing = None

    def may_drop_pipe(self) -> bool:
        """Tell whether this side should close the pipe now: the server does first (RFC 6455, 7.1.1)."""
        if self.role is Role.CLIENT or self.sent is None:
            return False
        return self.rcvd is not None or self.cause is not None

    def release(self) -> None:
        """Let go of buffers and of the state of compression: nothing more is received or sent."""
        self.reader.release()
        self.writer.release()

    def closed_exception(self) -> ConnectionClosed:
        """Return what tells the user how the connection ended; a new one each time."""
        in_order = (
            self.rcvd is not None
            and self.sent is not None
            and self.rcvd.code in _IN_ORDER
            and self.sent.code in _IN_ORDER
        )
        kind = ConnectionClosedOK if in_order else ConnectionClosedError
        error = kind(self.rcvd, self.sent, self.rcvd_then_sent)
        error.__cause__ = self.cause
        return error
