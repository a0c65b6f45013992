"""Names for the types that users pass in and get back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Iterable
from http import HTTPStatus
from typing import Any, NewType, TypeAlias

__all__ = [
    "BytesLike",
    "Data",
    "DataLike",
    "ExtensionName",
    "ExtensionParameter",
    "LoggerLike",
    "Origin",
    "Sendable",
    "StatusLike",
    "Subprotocol",
]

Data: TypeAlias = str | bytes
"""What a message is: text (``str``) or binary (``bytes``)."""

BytesLike: TypeAlias = bytes | bytearray | memoryview
"""What may be sent as a binary message."""

DataLike: TypeAlias = str | BytesLike
"""What may be sent as one message or one fragment."""

Sendable: TypeAlias = DataLike | Iterable[DataLike] | AsyncIterable[DataLike]
"""What ``send()`` takes: one message, or its fragments."""

LoggerLike: TypeAlias = logging.Logger | logging.LoggerAdapter[Any]
"""What may be given as ``logger``."""

StatusLike: TypeAlias = HTTPStatus | int
"""An HTTP status code."""

Origin = NewType("Origin", str)
"""Value of an ``Origin`` header (RFC 6454)."""

Subprotocol = NewType("Subprotocol", str)
"""Name of a subprotocol (RFC 6455, 1.9)."""

ExtensionName = NewType("ExtensionName", str)
"""Name of an extension (RFC 6455, 9)."""

ExtensionParameter: TypeAlias = tuple[str, str | None]
"""Name and value of an extension parameter; None where it has no value."""
