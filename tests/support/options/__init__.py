"""How each option is seen at work."""

from __future__ import annotations

from typing import Final

from tests.support.options.observer import SPELLINGS, Observer, Setup, Spelling
from tests.support.options.requests import REQUESTS
from tests.support.options.sockets import SOCKETS
from tests.support.options.tls import TLS
from tests.support.options.waiting import WAITING

__all__ = ["OBSERVERS", "SPELLINGS", "Observer", "Setup", "Spelling"]

OBSERVERS: Final[dict[str, Observer]] = {**REQUESTS, **WAITING, **SOCKETS, **TLS}
"""By dotted path."""
