"""Which failures of an opening are transient, and which are fatal."""

from __future__ import annotations

import ssl
from collections.abc import Container
from typing import Final

from wssdk.errors import (
    InvalidMessage,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
    RetryableError,
)

__all__ = ["process_exception"]

_RETRY_STATUS: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


def process_exception(exception: Exception, *, retry_status: Container[int] = _RETRY_STATUS) -> Exception:
    """Tell whether opening again may help: what ``process_exception`` is by default.

    A transient failure comes back as a :exc:`RetryableError` whose ``__cause__`` it is: the peer was
    not reached (nor its name found), the opening timed out, the stream ended before a response, or the
    response of the peer or of a proxy has a status of ``retry_status``. Any other comes back as itself; so
    do a certificate that does not hold, and a :exc:`RetryableError`. The table of all is in
    docs/how-to/reconnection.md.
    """
    if isinstance(exception, RetryableError):
        return exception
    return RetryableError(exception) if _is_transient(exception, retry_status) else exception


def _is_transient(exception: Exception, retry_status: Container[int]) -> bool:
    match exception:
        case ssl.SSLCertVerificationError():
            return False
        case RetryableError() | OSError() | EOFError():  # TimeoutError is an OSError
            return True
        case InvalidMessage() | InvalidProxyMessage():
            return isinstance(exception.__cause__, EOFError)
        case ExceptionGroup():  # all_errors: one for each address
            return all(_is_transient(error, retry_status) for error in exception.exceptions)
        case InvalidStatus() | InvalidProxyStatus():
            response = exception.response
            return response is not None and response.status_code in retry_status
        case ProxyError():  # the proxy does not reach the peer
            return not exception.is_about_credentials
    return False
