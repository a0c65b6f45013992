"""How long a peer that refused asks to wait: ``Retry-After`` (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from wssdk.errors import InvalidProxyStatus, InvalidStatus, RetryableError
from wssdk.headers import Headers

__all__ = ["LONGEST", "retry_after"]

LONGEST: Final = 3600.0
"""As long as a peer may make a client wait, seconds: what asks for more is taken for this."""

_SECONDS: Final = re.compile(r"[0-9]{1,20}")


def retry_after(error: Exception, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the response in ``error`` asks to wait, up to :data:`LONGEST`.

    A time is counted from the response's ``Date``, where it has one: the clocks of peer and client may
    differ. ``now`` returns the time of this side, seconds since 1970. None: the response has no such
    field, or nobody can read it; there is no response.
    """
    while isinstance(error, RetryableError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if not isinstance(error, InvalidStatus | InvalidProxyStatus) or error.response is None:
        return None
    headers = error.response.headers
    asked = _one(headers, "Retry-After")
    if _SECONDS.fullmatch(asked):
        return min(float(asked), LONGEST)
    until = _timestamp(asked)
    if until is None:
        return None
    sent = _timestamp(_one(headers, "Date"))
    return min(max(until - (now() if sent is None else sent), 0.0), LONGEST)


def _one(headers: Headers, name: str) -> str:
    values = headers.get_all(name)
    return values[0].strip() if len(values) == 1 else ""


def _timestamp(text: str) -> float | None:
    """Return the seconds since 1970 of an HTTP-date (RFC 9110, 5.6.7), None where it is none."""
    # Here, as openings need it only when they are refused.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        # One of the three forms does not name its zone: HTTP knows but one.
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
