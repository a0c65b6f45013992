"""send(): one fragmented message at a time, and no more bytes waiting than the write limit."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeAlias

from wssdk.codes import CloseCode, Opcode
from wssdk.connection.link import Link
from wssdk.errors import ProtocolError
from wssdk.typing import BytesLike, DataLike

__all__ = ["Outbox", "control_payload", "to_bytes"]

_MANY: Final = 1 << 16
"""Bytes of frames that are put together for one write."""

_Fragments: TypeAlias = AsyncGenerator[tuple[Opcode, BytesLike], None]


def to_bytes(data: DataLike) -> bytes | bytearray | memoryview:
    """Return the payload bytes of ``data``: text in UTF-8, the bytes of a memoryview of any shape."""
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, memoryview) and (data.itemsize != 1 or not data.c_contiguous or data.ndim != 1):
        return data.tobytes()
    return data


def control_payload(data: DataLike) -> bytes:
    """Return ``data`` as the payload of a control frame.

    Raises:
        TypeError: it is of no supported type.
        ProtocolError: it has more than 125 bytes (RFC 6455, 5.5).
    """
    if not isinstance(data, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"data must be str, bytes, bytearray or memoryview, not {type(data).__name__}")
    payload = bytes(to_bytes(data))
    if len(payload) > 125:
        raise ProtocolError(f"data has {len(payload)} bytes; a control frame holds at most 125")
    return payload


class Outbox:
    """Sends the messages of one connection over its link."""

    __slots__ = (
        "_core",
        "_link",
        "_turn",
        "_until_lost",
        "fragmenting",
    )

    def __init__(self, link: Link) -> None:
        self._link = link
        self._core = link.core
        # Made for the first one who has to wait.
        self._turn: asyncio.Lock | None = None
        self._until_lost: asyncio.Timeout | None = None
        self.fragmenting = False
        """A fragmented message is begun and not ended."""

    async def send(self, message: Any, text: bool | None) -> None:
        """Send one message; see ``ClientConnection.send``."""
        if not isinstance(message, (str, bytes, bytearray, memoryview)):
            await self._send_fragments(_items(message), text)
            return
        link = self._link
        if link.senders or link.write_paused or not link.is_open():
            await self._wait_turn()
            try:
                await link.wait_room()
                link.write(self._serialize(message, text))
            finally:
                self._end_turn()
        else:
            link.write(self._serialize(message, text))
        if link.write_paused:
            await link.drain()

    async def send_many(self, messages: Iterable[Any], text: bool | None) -> None:
        """Send several messages; see ``ClientConnection.send_many``."""
        if isinstance(messages, (str, bytes, bytearray, memoryview)):
            raise TypeError("send_many() takes an iterable of messages; for one message use send()")
        link = self._link
        await self._wait_turn()
        try:
            frames: list[bytes] = []
            size = 0
            await link.wait_room()
            try:
                for message in messages:
                    frames.append(self._serialize(message, text))
                    size += len(frames[-1])
                    if size >= _MANY:
                        frames, size = self._write_many(frames), 0
                        await link.wait_room()
            finally:
                # What is serialised has changed the context of compression: the peer must get it.
                if frames and link.is_open():
                    self._write_many(frames)
        finally:
            self._end_turn()
        if link.write_paused:
            await link.drain()

    def _serialize(self, message: Any, text: bool | None) -> bytes:
        """Return the frame of a whole message."""
        if isinstance(message, str):
            return self._core.serialize_message(
                Opcode.BINARY if text is False else Opcode.TEXT, message.encode()
            )
        if isinstance(message, (bytes, bytearray, memoryview)):
            payload = to_bytes(message)
            if text:
                codecs.decode(payload, "utf-8")  # the peer would fail the connection (RFC 6455, 8.1)
            return self._core.serialize_message(Opcode.TEXT if text else Opcode.BINARY, payload)
        raise TypeError(
            f"each message must be str, bytes, bytearray or memoryview, not {type(message).__name__}"
        )

    def _write_many(self, frames: list[bytes]) -> list[bytes]:
        """Write frames at once; return a new list."""
        self._link.write(b"".join(frames))
        return []

    def end(self) -> None:
        """The connection is closed: a fragmented message that waits for its next item gives up."""
        if self._until_lost is not None:
            self._until_lost.reschedule(asyncio.get_running_loop().time())

    async def _wait_turn(self) -> None:
        """Wait until all who came before have written; take the turn, which is to be ended."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        self._link.senders += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._link.senders -= 1
            raise

    def _end_turn(self) -> None:
        self._link.senders -= 1
        assert self._turn is not None
        self._turn.release()

    async def _send_fragments(self, items: AsyncIterator[Any], text: bool | None) -> None:
        fragments = _fragments(items, text)
        async with aclosing(_closable(items)), aclosing(fragments):
            await self._wait_turn()
            try:
                await self._write_until_lost(fragments)
            except BaseException as error:
                # A message cannot be taken back: the peer must not take what follows for its rest.
                if self.fragmenting and self._link.is_open():
                    self._link.fail(CloseCode.INTERNAL_ERROR, "error in fragmented message", error)
                raise
            finally:
                self.fragmenting = False
                self._end_turn()

    async def _write_until_lost(self, fragments: _Fragments) -> None:
        """Write the fragments; what the user's iterator waits for is not waited for on a lost pipe.

        Raises:
            ConnectionClosed: nothing can be written any more.
        """
        if not self._link.is_open():
            await self._link.raise_closed()
        self._until_lost = scope = asyncio.timeout(None)
        try:
            async with scope:
                await self._write_all(fragments)
        except TimeoutError:
            if not scope.expired():
                raise  # one of the iterator's own
            raise self._link.closed_exception() from self._core.cause
        finally:
            self._until_lost = None

    async def _write_all(self, fragments: _Fragments) -> None:
        async for opcode, payload in fragments:
            first = not self.fragmenting
            await self._write(opcode if first else Opcode.CONT, payload)
        if self.fragmenting:
            await self._write(Opcode.CONT, b"", fin=True)

    async def _write(self, opcode: int, payload: BytesLike, *, fin: bool = False) -> None:
        """Write a fragment when there is room, then wait until the next one would have some."""
        link = self._link
        await link.wait_room()
        link.write(self._core.serialize_message(opcode, payload, fin))
        self.fragmenting = not fin
        await link.drain()


class _NothingToClose:
    async def aclose(self) -> None:
        """Do nothing: the iterator has no clean-up."""


def _closable(items: AsyncIterator[Any]) -> Any:
    return items if hasattr(items, "aclose") else _NothingToClose()


def _items(message: Any) -> AsyncIterator[Any]:
    if isinstance(message, Mapping):
        raise TypeError("a message cannot be a mapping; send json.dumps(...) of it, or its keys as a list")
    if isinstance(message, AsyncIterable):
        return aiter(message)
    if isinstance(message, Iterable):
        return _one_by_one(message)
    raise TypeError(
        "a message must be str, bytes, bytearray, memoryview, or an iterable or async iterable of these, "
        f"not {type(message).__name__}"
    )


async def _one_by_one(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _fragments(items: AsyncIterator[Any], text: bool | None) -> _Fragments:
    """Yield opcode and payload of each fragment; refuse a change between text and bytes."""
    is_text: bool | None = None
    utf8: codecs.IncrementalDecoder | None = None
    async for item in items:
        if not isinstance(item, (str, bytes, bytearray, memoryview)):
            raise TypeError(
                f"a fragment must be str, bytes, bytearray or memoryview, not {type(item).__name__}"
            )
        if is_text is None:
            is_text = isinstance(item, str)
            if text and not is_text:
                utf8 = codecs.getincrementaldecoder("utf-8")()
        elif is_text is not isinstance(item, str):
            raise TypeError("fragments of one message must be all str or all bytes-like")
        payload = to_bytes(item)
        if utf8 is not None:
            utf8.decode(bytes(payload))
        as_text = is_text if text is None else text
        yield (Opcode.TEXT if as_text else Opcode.BINARY), payload
    if utf8 is not None:
        utf8.decode(b"", True)  # the message may not end within a character
