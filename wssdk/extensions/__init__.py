"""Extensions, under the module name that users of the field's asyncio client know."""

from __future__ import annotations

from wssdk.extensions.base import ClientExtensionFactory, Extension

__all__ = ["ClientExtensionFactory", "Extension"]
