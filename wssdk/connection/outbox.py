"""send(): one fragmented message at a time, and no more bytes waiting than the write limit."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import Any

from wssdk.codes import CloseCode, Opcode
from wssdk.connection.link import Link
from wssdk.errors import ConnectionClosed
from wssdk.protocol.state import State
from wssdk.typing import BytesLike, DataLike

__all__ = ["Outbox", "to_bytes"]


def to_bytes(data: DataLike) -> bytes | bytearray | memoryview:
    """Return the payload bytes of ``data``: text in UTF-8, the bytes of a memoryview of any shape."""
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, memoryview) and (data.itemsize != 1 or not data.c_contiguous or data.ndim != 1):
        return data.tobytes()
    return data


class Outbox:
    """Sends the messages of one connection over its link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._core = link.core
        self._turn = asyncio.Lock()
        self.fragmenting = False
        """A fragmented message is begun and not ended."""

    async def send(self, message: Any, text: bool | None) -> None:
        """Send one message; see ``ClientConnection.send``."""
        if isinstance(message, str):
            opcode = Opcode.BINARY if text is False else Opcode.TEXT
            payload: BytesLike = message.encode()
        elif isinstance(message, (bytes, bytearray, memoryview)):
            opcode = Opcode.TEXT if text else Opcode.BINARY
            payload = to_bytes(message)
            if text:
                codecs.decode(payload, "utf-8")  # the peer would fail the connection (RFC 6455, 8.1)
        else:
            await self._send_fragments(_items(message), text)
            return
        await self._wait_turn()
        await self._write(opcode, payload, True)

    async def _wait_turn(self) -> None:
        """Wait until no fragmented message is under way and the write buffer is below high water."""
        link = self._link
        while True:
            if self._core.state is not State.OPEN:
                await link.raise_closed()
            elif self._turn.locked():
                async with self._turn:
                    pass
            elif link.write_paused:
                await link.drain()
            else:
                return

    async def _write(self, opcode: int, payload: BytesLike, fin: bool) -> None:
        """Write a frame at once, then wait until the write buffer is below high water."""
        link = self._link
        link.write(self._core.serialize_message(opcode, payload, fin))
        if link.write_paused:
            await link.drain()

    async def _send_fragments(self, items: AsyncIterator[Any], text: bool | None) -> None:
        fragments = _fragments(items, text)
        async with aclosing(_closable(items)), aclosing(fragments), self._turn:
            try:
                async for opcode, payload in fragments:
                    await self._wait_room()
                    first = not self.fragmenting
                    self.fragmenting = True
                    await self._write(opcode if first else Opcode.CONT, payload, False)
                if self.fragmenting:
                    await self._wait_room()
                    self.fragmenting = False
                    await self._write(Opcode.CONT, b"", True)
            except ConnectionClosed:
                raise
            except BaseException as error:
                # A message cannot be taken back: the peer must not take what follows for its rest.
                if self.fragmenting:
                    self._link.fail(CloseCode.INTERNAL_ERROR, "error in fragmented message", error)
                raise
            finally:
                self.fragmenting = False

    async def _wait_room(self) -> None:
        while True:
            if self._core.state is not State.OPEN:
                await self._link.raise_closed()
            elif self._link.write_paused:
                await self._link.drain()
            else:
                return


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


async def _fragments(
    items: AsyncIterator[Any], text: bool | None
) -> AsyncGenerator[tuple[Opcode, BytesLike], None]:
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
