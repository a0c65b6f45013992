"""Frames and close codes, under the module name that users of the field's asyncio client know."""

from __future__ import annotations

from wssdk.codes import Close, CloseCode, Opcode
from wssdk.ports import Frame

__all__ = ["Close", "CloseCode", "Frame", "Opcode"]
