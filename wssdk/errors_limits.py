"""Errors of bounds that this side has set for itself."""

from __future__ import annotations

from wssdk.errors import WebSocketException

__all__ = ["InboxFull"]


class InboxFull(WebSocketException):
    """A message came and the inbox was full, with ``limits.on_full = "close"``.

    It is the ``__cause__`` of the :exc:`~wssdk.errors.ConnectionClosedError` that the receiver gets once it
    has taken what was there.

    Attributes:
        messages: how many messages waited to be received.
        size: bytes of payload that they had.
    """

    def __init__(self, messages: int, size: int) -> None:
        super().__init__(messages, size)
        self.messages = messages
        self.size = size

    def __str__(self) -> str:
        return f"inbox is full: {self.messages} messages with {self.size} bytes wait to be received"
