"""Ready-made compressed frames for the server, which does not compress: 500 bytes of JSON each."""

from __future__ import annotations

import json
import random
import struct
import zlib
from typing import Final

__all__ = ["JSON_SIZE", "deflated_frames", "json_message"]

JSON_SIZE: Final = 500
_MESSAGES: Final = 2000
# The smallest window that a client of the field asks for; inflaters with larger ones read it as well.
_WINDOW_BITS: Final = 12
_TAIL: Final = b"\x00\x00\xff\xff"


def json_message(random_: random.Random, number: int) -> bytes:
    """Return the order book update that is number ``number``: ``JSON_SIZE`` bytes."""
    price = 60_000 + random_.random() * 500

    def side(step: float) -> list[list[str]]:
        return [[f"{price + step * i:.2f}", f"{random_.random() * 3:.5f}"] for i in range(1, 9)]

    update = {
        "channel": "book",
        "symbol": random_.choice(("BTC-USD", "ETH-USD", "SOL-USD")),
        "sequence": number,
        "timestamp": f"2025-01-01T00:{number // 60 % 60:02}:{number % 60:02}.{random_.randrange(10**6):06}Z",
        "bids": side(-0.5),
        "asks": side(0.5),
    }
    text = json.dumps(update, separators=(",", ":"))
    return f"{text[:-1]},".encode() + b'"pad":"' + b"-" * (JSON_SIZE - len(text) - 9) + b'"}'


def deflated_frames() -> bytes:
    """Return frames of messages compressed one after the other, with context takeover (RFC 7692, 7.2.1).

    The first one refers to nothing before it: so a server may send them over and over.
    """
    random_ = random.Random(7692)
    deflater = zlib.compressobj(wbits=-_WINDOW_BITS, memLevel=8)
    frames = bytearray()
    for number in range(_MESSAGES):
        payload = deflater.compress(json_message(random_, number)) + deflater.flush(zlib.Z_SYNC_FLUSH)
        payload = payload.removesuffix(_TAIL)
        frames += b"\xc1"  # FIN, RSV1, text
        frames += bytes([len(payload)]) if len(payload) < 126 else struct.pack("!BH", 126, len(payload))
        frames += payload
    return bytes(frames)
