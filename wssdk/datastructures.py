"""Headers, under the module name that users of the field's asyncio client know."""

from __future__ import annotations

from wssdk.headers import Headers, HeadersLike, MultipleValuesError, SupportsKeysAndGetItem

__all__ = ["Headers", "HeadersLike", "MultipleValuesError", "SupportsKeysAndGetItem"]
