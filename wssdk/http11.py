"""Request and response, under the module name that users of the field's asyncio client know."""

from __future__ import annotations

from wssdk.headers import Request, Response

__all__ = ["Request", "Response"]
