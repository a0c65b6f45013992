"""Asking a resolver, a function of the user's, for the addresses of a host."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Iterable
from typing import Any, Final

from wssdk.ports import Resolver

__all__ = ["ask_resolver"]

_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_LARGEST_PORT: Final = 65535


async def ask_resolver(
    resolver: Resolver, host: str, port: int, *, family: int, proto: int
) -> list[tuple[int, int, int, str, Any]]:
    """Return what ``resolver`` answers, in its order, as ``getaddrinfo`` has it; only those of ``family``.

    Raises:
        TypeError: it does not answer as it must.
        ValueError: what it answers is no address.
        Exception: what it raises.
    """
    name = getattr(resolver, "__qualname__", None) or repr(resolver)
    asked: Any = resolver(host, port)
    if not inspect.isawaitable(asked):
        raise TypeError(f"resolver {name} must be a coroutine function, not return {type(asked).__name__}")
    answer: Any = await asked
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise TypeError(
            f'resolver {name} must return addresses, such as ["192.0.2.1"], not {type(answer).__name__}'
        )
    found: list[tuple[int, int, int, str, Any]] = []
    for each in answer:
        address, its_port = _checked(name, each, port)
        try:
            infos = socket.getaddrinfo(
                address, its_port, type=socket.SOCK_STREAM, proto=proto, flags=_NUMERIC
            )
        except (socket.gaierror, UnicodeError):
            raise ValueError(f"resolver {name} returned {address!r}, which is not an IP address") from None
        found += [info for info in infos if family in (socket.AF_UNSPEC, info[0]) and info not in found]
    return found


def _checked(name: str, each: object, port: int) -> tuple[str, int]:
    """Return address and port of one item of the answer."""
    pair = each if isinstance(each, tuple | list) else (each, port)
    if len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int):
        if isinstance(pair[1], bool) or not 1 <= pair[1] <= _LARGEST_PORT:
            raise ValueError(f"resolver {name} returned {pair[1]!r}, which is not a port")
        return pair[0], pair[1]
    kinds = ", ".join(type(part).__name__ for part in pair)
    raise TypeError(f"resolver {name} must return addresses, or pairs of address and port, not {kinds}")
