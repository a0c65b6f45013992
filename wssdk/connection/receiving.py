"""recv() and recv_streaming(): one receiver at a time, and nothing lost when it is cancelled."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import enum
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, NoReturn, TypeVar

from wssdk.codes import CloseCode, Opcode
from wssdk.connection.link import Link
from wssdk.errors import ConcurrencyError, ConnectionClosed, ConnectionClosedError
from wssdk.typing import Data
from wssdk.wire.inbox import Fragment, FragmentedMessage

D = TypeVar("D", str, bytes, Data)

__all__ = ["FragmentIterator", "Receiver"]


class Receiver:
    """Takes messages out of the inbox of a link, and waits for them."""

    __slots__ = (
        "_inbox",
        "_link",
        "_loop",
        "_streaming",
    )

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._inbox = link.inbox
        self._loop = loop
        self._streaming: FragmentIterator[Any] | None = None

    def check_free(self, call: str) -> None:
        """Refuse a second receiver.

        Raises:
            ConcurrencyError: another call waits for a message, or took only a part of one.
        """
        self.check_alone(call)
        if self._inbox.torn:
            raise ConcurrencyError(f"cannot call {call} before recv_streaming received the whole message")

    def check_alone(self, call: str) -> None:
        """Refuse to wait beside another receiver.

        Raises:
            ConcurrencyError: another call waits for a message.
        """
        if self._inbox.waiter is not None and not self._inbox.lost:
            raise ConcurrencyError(
                f"cannot call {call} while another coroutine is already running recv or recv_streaming"
            )

    async def recv(self, decode: bool | None, timeout: float | None) -> Data:
        """Return the next message; see ``ClientConnection.recv``."""
        self.check_free("recv")
        inbox = self._inbox
        if not len(inbox):
            if timeout is None:
                await self.wait_for_item()
            else:
                await self._wait_at_most(timeout)
        item: Any = inbox.take()
        if item.__class__ is FragmentedMessage:
            item = item.data
        if decode is None or decode is isinstance(item, str):
            message: Data = item
            return message
        return item.encode() if isinstance(item, str) else await self._decode(item)

    def recv_nowait(self) -> Data:
        """Return the next message if it is there; see ``ClientConnection.recv_nowait``."""
        self.check_free("recv_nowait")
        inbox = self._inbox
        if not len(inbox):
            if not inbox.ended:
                self._link.receiver_waits()
            if len(inbox):
                return self.recv_nowait()
            if inbox.ended:
                raise self._link.closed_exception()
            raise asyncio.QueueEmpty("no message has been received")
        item: Any = inbox.take()
        message: Data = item.data if item.__class__ is FragmentedMessage else item
        return message

    async def _wait_at_most(self, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self.wait_for_item()
        except TimeoutError:
            # A message that came in the very moment stays in the inbox for the next call.
            raise TimeoutError(f"no message within {timeout:g} s") from None

    async def _decode(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            await self.refuse(error)

    async def refuse(self, error: UnicodeDecodeError) -> NoReturn:
        """Fail the connection for binary data where only text can be accepted (RFC 6455, 7.4.1: 1003).

        Raises:
            ConnectionClosedError: always, caused by ``error``.
        """
        link, core = self._link, self._link.core
        link.fail(CloseCode.UNSUPPORTED_DATA, "binary message is not UTF-8 text", error)
        await link.wait_lost()
        # Also where the connection had closed in order before: a message is lost to the caller.
        raise ConnectionClosedError(core.rcvd, core.sent, core.rcvd_then_sent) from error

    async def wait_for_item(self) -> None:
        """Wait until the inbox has something.

        Raises:
            ConnectionClosed: nothing more will come.
        """
        inbox = self._inbox
        try:
            while not len(inbox):
                if inbox.ended:
                    raise self._link.closed_exception()
                waiter = self._loop.create_future()
                inbox.waiter = waiter
                self._link.receiver_waits()
                inbox.wake()
                await waiter
        finally:
            inbox.waiter = None

    def tear(self, streaming: FragmentIterator[Any]) -> None:
        """The next message is taken in part; its rest is for nobody else."""
        self._streaming = streaming
        self._inbox.torn = True
        if self._inbox.lost:
            self.release()

    def mend(self) -> None:
        """The message is taken as a whole, or nobody waits for its rest any more."""
        self._streaming = None
        self._inbox.torn = False

    def release(self) -> None:
        """The connection is lost: what is streamed is handed to who streams it, the rest is anybody's."""
        inbox = self._inbox
        inbox.lost = True
        if self._streaming is not None:
            self._streaming.take_rest()
            self.mend()
        elif inbox.streamed:
            # Somebody waits for fragments, and may have been cancelled by now.
            self._link.core.reader.stop_streaming()

    def stream(self, decode: bool | None) -> FragmentIterator[Any]:
        """Return the iterator over the fragments of the next message."""
        return FragmentIterator(self, self._link, decode)


class _Stage(enum.Enum):
    NEW = enum.auto()
    STARTED = enum.auto()
    DONE = enum.auto()


class FragmentIterator(AsyncIterator[D]):
    """The fragments of one message, as they come.

    Cancelling before the first fragment loses nothing. After it the message is torn: iteration can go
    on here, and nowhere else.
    """

    def __init__(self, receiver: Receiver, link: Link, decode: bool | None) -> None:
        self._receiver = receiver
        self._link = link
        self._decode = decode
        self._stage = _Stage.NEW
        self._parts: deque[Fragment] = deque()
        self._utf8: codecs.IncrementalDecoder | None = None
        self._has_rest = False
        """The connection is lost: what came of the message is here, and nothing more will come."""

    def __aiter__(self) -> FragmentIterator[D]:
        return self

    async def aclose(self) -> None:
        """End the iteration. A message that was taken in part stays torn: its rest is for nobody else."""
        self._stage = _Stage.DONE

    async def __anext__(self) -> D:
        fragment: Any = await self._next_fragment()
        return fragment  # type: ignore[no-any-return]  # of the type that decode asks for

    async def _next_fragment(self) -> Data:
        if self._stage is _Stage.DONE:
            raise StopAsyncIteration
        if self._stage is _Stage.NEW:
            part = await self._first()
        else:
            part = await self._next()
        if part.fin:
            self._finish()
        if self._utf8 is None:
            return part.data
        try:
            return self._utf8.decode(part.data, part.fin)
        except UnicodeDecodeError as error:
            if not part.fin:
                self._skip_rest()
                self._finish()
            await self._receiver.refuse(error)

    def _finish(self) -> None:
        self._stage = _Stage.DONE
        if not self._has_rest:
            self._receiver.mend()
            self._link.judge_soon()

    def take_rest(self) -> None:
        """Take what came of a message that has been begun: the connection is lost."""
        self._has_rest = True
        inbox = self._link.inbox
        complete = bool(self._parts)
        while not complete and len(inbox):
            part: Fragment = inbox.take()
            self._parts.append(part)
            complete = part.fin

    def _skip_rest(self) -> None:
        """Take what came of the message: nobody else could tell it from the next one."""
        inbox = self._link.inbox
        skipped = self._has_rest or bool(self._parts)
        while not skipped and len(inbox):
            skipped = inbox.take().fin

    async def _first(self) -> Fragment:
        self._receiver.check_free("recv_streaming")
        inbox = self._link.inbox
        if not len(inbox):
            if inbox.ended:
                raise self._link.closed_exception()
            reader = self._link.core.reader
            reader.start_streaming()
            try:
                await self._receiver.wait_for_item()
            except BaseException:
                reader.stop_streaming()
                self._link.judge_soon()
                raise
        item: Any = inbox.take()
        self._stage = _Stage.STARTED
        if item.__class__ is FragmentedMessage:
            self._parts = item.split()
            part = self._parts.popleft()
        elif item.__class__ is Fragment:
            part = item
        elif isinstance(item, str):
            part = Fragment(Opcode.TEXT, item.encode(), True)
        else:
            part = Fragment(Opcode.BINARY, item, True)
        if self._decode or (self._decode is None and part.opcode == Opcode.TEXT):
            self._utf8 = codecs.getincrementaldecoder("utf-8")()
        if not part.fin:
            self._receiver.tear(self)
        return part

    async def _next(self) -> Fragment:
        receiver, inbox = self._receiver, self._link.inbox
        if not (self._parts or self._has_rest):
            receiver.check_alone("recv_streaming")
            if not len(inbox):
                with contextlib.suppress(ConnectionClosed):  # maybe with the rest, which is here then
                    await receiver.wait_for_item()
        if self._parts:
            return self._parts.popleft()
        if self._has_rest:
            raise self._link.closed_exception()
        part: Fragment = inbox.take()
        return part
