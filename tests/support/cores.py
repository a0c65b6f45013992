"""A protocol core with its inbox, fed and read as a connection would."""

from __future__ import annotations

import attrs

from tests.support.frames import ParsedFrame, frame, parse_frames
from wssdk.protocol.core import ProtocolCore, Role
from wssdk.wire.deflate import PerMessageDeflate
from wssdk.wire.inbox import FragmentedMessage, Inbox

__all__ = ["CoreEnd", "deflate"]

_KEY = b"\x37\xfa\x21\x3d"


def deflate(*, min_size: int = 0, no_context_takeover: bool = False) -> PerMessageDeflate:
    """Return an agreed permessage-deflate with the largest windows."""
    return PerMessageDeflate(no_context_takeover, no_context_takeover, 15, 15, min_size=min_size)


@attrs.frozen
class CoreEnd:
    """One end of a connection without its pipe."""

    core: ProtocolCore

    @classmethod
    def of(
        cls,
        role: Role = Role.CLIENT,
        *,
        queue: tuple[int, int] | None = None,
        max_message_size: int | None = 1 << 20,
        max_fragment_size: int | None = None,
        max_fragments: int = 1000,
        read_limit: int = 1 << 16,
        extension: PerMessageDeflate | None = None,
    ) -> CoreEnd:
        """Return the end of ``role``; ``queue`` is high and low water of its inbox."""
        return cls(
            ProtocolCore(
                role,
                Inbox(*(queue or (None, None))),
                max_message_size=max_message_size,
                max_fragment_size=max_fragment_size,
                max_fragments=max_fragments,
                read_limit=read_limit,
                extensions=[] if extension is None else [extension],
            )
        )

    def framed(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        length_form: int | None = None,
    ) -> bytes:
        """Return a frame as this end's peer must send it: masked where this is the server."""
        mask = _KEY if self.core.role is Role.SERVER else None
        return frame(opcode, payload, fin=fin, rsv=rsv, mask=mask, length_form=length_form)

    def hear(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        length_form: int | None = None,
    ) -> None:
        """Receive a frame in one read."""
        self.core.receive(self.framed(opcode, payload, fin=fin, rsv=rsv, length_form=length_form))

    def hear_all(self, *frames: tuple[int, bytes, bool]) -> None:
        """Receive frames of opcode, payload and FIN, a frame a read."""
        for opcode, payload, fin in frames:
            self.hear(opcode, payload, fin=fin)

    def hear_bytewise(self, data: bytes) -> None:
        """Receive ``data``, a byte a read."""
        for i in range(len(data)):
            self.core.receive(data[i : i + 1])

    def messages(self) -> list[str | bytes]:
        """Take the messages out of the inbox, whole."""
        taken: list[str | bytes] = []
        while len(self.core.inbox):
            taken.append(self.take())
        return taken

    def take(self) -> str | bytes:
        """Take one message out of the inbox, whole."""
        item = self.core.inbox.take()
        if isinstance(item, FragmentedMessage):
            item = item.data
        assert isinstance(item, (str, bytes))
        return item

    def sent(self) -> list[ParsedFrame]:
        """Take the frames that wait to be sent."""
        return parse_frames(self.core.take_outgoing())

    def close_code(self) -> int | None:
        """Fail for what the peer broke, if it did, and return the close code that was sent."""
        self.core.fail_for_violation()
        return None if self.core.sent is None else self.core.sent.code
