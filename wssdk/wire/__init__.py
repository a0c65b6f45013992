"""Bytes to messages and back (RFC 6455, 5; RFC 7692): the room that can be compiled."""
