"""Opening again: which failures are transient, how long to wait, and what survives a lost connection."""

from wssdk.reconnect.attempts import Attempts
from wssdk.reconnect.failures import process_exception
from wssdk.reconnect.iteration import Opening, Reconnection
from wssdk.reconnect.policy import LoopClock, ReconnectPolicy, backoff

__all__ = [
    "Attempts",
    "LoopClock",
    "Opening",
    "ReconnectPolicy",
    "Reconnection",
    "backoff",
    "process_exception",
]
