"""What a custom extension implements: an offer (ClientExtensionFactory), and what it settles to."""

from __future__ import annotations

from wssdk.ports import ClientExtensionFactory, Extension

__all__ = ["ClientExtensionFactory", "Extension"]
