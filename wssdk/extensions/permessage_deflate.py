"""permessage-deflate (RFC 7692), under the module name that users of the field's asyncio client know."""

from __future__ import annotations

from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from wssdk.wire.deflate import PerMessageDeflate

__all__ = ["ClientPerMessageDeflateFactory", "PerMessageDeflate", "ServerPerMessageDeflateFactory"]
