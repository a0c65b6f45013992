"""The client, under the module name that users of the field's asyncio client know."""

from __future__ import annotations

from wssdk.api import connect, unix_connect
from wssdk.connection.connection import ClientConnection
from wssdk.reconnect import process_exception

__all__ = ["ClientConnection", "connect", "process_exception", "unix_connect"]
