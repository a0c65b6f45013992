"""picows' own API: callbacks."""

from __future__ import annotations

import asyncio
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.contestants.contestant import GO, MAX_SIZE, Contestant, Meter, NotOfferedError, Tally, Target

__all__ = ["PicowsCallbacks", "PicowsUnchecked"]

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_CLOSE = WSMsgType.CLOSE


class _Listener(WSListener):
    """Answers the closing handshake, as picows leaves that to its user."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == _CLOSE:
            _close(transport)


class _Reader(_Listener):
    """Takes every message as what a user wants: str or bytes."""

    in_order = False
    """Whether the server said that this was all."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == _TEXT:
            len(frame.get_payload_as_utf8_text())
        elif kind == _BINARY:
            len(frame.get_payload_as_bytes())
        elif kind == _CLOSE:
            self.in_order = frame.get_close_code() == WSCloseCode.OK
            _close(transport)


class _TextReader(_Reader):
    """Takes every frame for text, which spares it the type of each: the close frame is no UTF-8."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        try:
            len(frame.get_payload_as_utf8_text())
        except UnicodeDecodeError:
            super().on_ws_frame(transport, frame)


class _Counter(_Listener):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == _TEXT:
            len(frame.get_payload_as_utf8_text())
            self._tally.messages += 1
        elif kind == _CLOSE:
            _close(transport)


class _Tripper(_Listener):
    def __init__(self, message: bytes, count: int) -> None:
        self._message = message
        self._left = count
        self.done = asyncio.get_running_loop().create_future()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == _CLOSE:
            _close(transport)
            return
        len(frame.get_payload_as_bytes())
        self._left -= 1
        if self._left:
            transport.send(_BINARY, self._message)
        else:
            self.done.set_result(None)


class _Sender(_Listener):
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.answered = loop.create_future()
        self.may_write: asyncio.Future[None] | None = None

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == _CLOSE:
            _close(transport)
        elif not self.answered.done():
            self.answered.set_result(frame.get_payload_as_utf8_text())

    def pause_writing(self) -> None:
        self.may_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self.may_write is not None:
            self.may_write.set_result(None)
            self.may_write = None


def _close(transport: WSTransport) -> None:
    if not transport.is_close_frame_sent:
        transport.send_close()


class PicowsCallbacks(Contestant):
    """Each measurement has its listener."""

    import_code = "from picows import ws_connect"
    made_code = "from picows import WSListener, ws_connect; ws_connect(WSListener, 'ws://127.0.0.1/').close()"

    async def _dial(self, target: Target, listener: WSListener) -> WSTransport:
        if target.deflate and "/json-deflate" in target.resource:
            raise NotOfferedError
        transport, _ = await ws_connect(
            lambda: listener, target.uri, ssl_context=target.context, max_frame_size=MAX_SIZE
        )
        return transport

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        await self.read(_Reader(), target, count, meter)

    async def read(self, reader: _Reader, target: Target, count: int, meter: Meter) -> None:
        """Receive a stream with ``reader``."""
        transport = await self._dial(target, reader)
        meter.start()
        transport.send(_TEXT, GO.encode())
        await transport.wait_disconnected()
        if reader.in_order:
            meter.stop(count)

    async def round_trips(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        listener = _Tripper(message, count)
        transport = await self._dial(target, listener)
        meter.start()
        transport.send(_BINARY, message)
        await listener.done
        meter.stop(count)
        await _leave(transport)

    async def stream_out(self, target: Target, message: bytes, count: int, meter: Meter) -> None:
        listener = _Sender()
        transport = await self._dial(target, listener)
        meter.start()
        for _ in range(count):
            transport.send(_BINARY, message)
            if listener.may_write is not None:
                await listener.may_write
        await listener.answered
        meter.stop(count)
        await _leave(transport)

    async def open_close(self, target: Target, count: int, meter: Meter) -> None:
        meter.start()
        for _ in range(count):
            await _leave(await self._dial(target, _Listener()))
        meter.stop(count)

    async def open(self, target: Target, tally: Tally | None) -> OneOfMany:
        if tally is not None:
            return OneOfMany(await self._dial(target, _Counter(tally)), None)
        if target.deflate:
            raise NotOfferedError
        listener = _Sender()
        return OneOfMany(await self._dial(target, listener), listener)


class PicowsUnchecked(Contestant):
    """The callbacks of one who knows that all is text."""

    async def stream_in(self, target: Target, count: int, meter: Meter) -> None:
        if "text=1" not in target.resource:
            raise NotOfferedError
        await PicowsCallbacks().read(_TextReader(), target, count, meter)


async def _leave(transport: WSTransport) -> None:
    transport.send_close()
    await transport.wait_disconnected()


class OneOfMany:
    """One of many that are open."""

    __slots__ = ("_listener", "_transport")

    def __init__(self, transport: WSTransport, listener: Any) -> None:
        self._transport = transport
        self._listener = listener

    async def exchange(self, message: str) -> None:
        self._transport.send(_TEXT, message.encode())
        await self._listener.answered

    async def go(self) -> None:
        self._transport.send(_TEXT, GO.encode())
