"""The rules of a connection, without I/O (RFC 6455, 5.5, 7)."""

from wssdk.protocol.state import State

__all__ = ["State"]
