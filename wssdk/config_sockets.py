"""Grammars of what sockets are told: TCP's own probes, and the names of Unix sockets.

They keep the promise of :mod:`wssdk.config_grammar`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from wssdk.config_grammar import DurationLike, optional_duration
from wssdk.config_values import BadValue, is_off, is_text, items, nearest
from wssdk.config_words import optional_path

__all__ = ["KeepaliveLike", "TcpKeepalive", "tcp_keepalive", "unix_path"]

TcpKeepalive: TypeAlias = float | tuple[float, float | None, int | None] | None
"""Seconds of silence before the first probe, or that with seconds between probes, and how many."""

KeepaliveLike: TypeAlias = (
    DurationLike | Sequence[DurationLike | None] | Mapping[str, DurationLike | None] | None
)
"""A duration, three of ``[idle, interval, count]``, or a table of these names; None for no probes."""

_NAMES: Final = ("idle", "interval", "count")
_EXPECTED: Final = (
    'a duration, [idle, interval, count] such as ["60s", "10s", 5], a table of these, or {off} for no probes'
)
# What Linux takes (tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
_LONGEST: Final = 32767
_MOST: Final = 127
_LONGEST_COUNT: Final = len(str(_MOST))


def tcp_keepalive(value: KeepaliveLike) -> TcpKeepalive:
    """Return seconds before the first probe, or a triple; None for no probes."""
    if is_off(value):
        return None
    given: Sequence[Any] | None = items(value)
    if isinstance(value, Mapping):
        for name in value:
            if name not in _NAMES:
                near = nearest(str(name), _NAMES)
                hint = f"did you mean {near!r}?" if near else "they are idle, interval and count"
                raise BadValue(_EXPECTED, dict(value), hint)
        given = [value.get(name) for name in _NAMES]
    if given is None:
        return _seconds(value, value)
    if len(given) != len(_NAMES):
        raise BadValue(_EXPECTED, value)
    if is_off(given[0]):
        raise BadValue(_EXPECTED, value, "idle is what switches probes on: it must be given")
    idle = _seconds(given[0], value)
    interval = None if is_off(given[1]) else _seconds(given[1], value)
    return idle, interval, None if is_off(given[2]) else _count(given[2], value)


def _seconds(part: Any, value: object) -> float:
    try:
        seconds = optional_duration(part)
    except BadValue as bad:
        raise BadValue(_EXPECTED, value, bad.hint) from None
    assert seconds is not None, "what is off was looked for before"
    if seconds > _LONGEST:
        raise BadValue(_EXPECTED, value, f"at most {_LONGEST} seconds")
    return seconds


def _count(part: object, value: object) -> int:
    if is_text(part) and part.isdecimal() and len(part) <= _LONGEST_COUNT:
        part = int(part)  # the environment has no numbers
    if isinstance(part, int) and not isinstance(part, bool) and 1 <= part <= _MOST:
        return part
    raise BadValue(_EXPECTED, value, f"count is a number of probes from 1 to {_MOST}")


def unix_path(value: str | None) -> str | None:
    """Return the path of a Unix socket; None for none.

    The name of an abstract one (Linux) begins with ``@`` or NUL, and with NUL in what is returned.
    """
    if is_text(value) and value[:1] in ("@", "\0"):
        name = value[1:]
        if not name:
            raise BadValue(
                "a path, or @ and the name of an abstract Unix socket", value, "the name is missing"
            )
        return "\0" + name if value[0] == "\0" else f"\0{optional_path(name)}"
    return optional_path(value)
