"""The configuration as each library has it: the same options, types and choices."""

from __future__ import annotations

from typing import Any, Final, Literal

Backend = Literal["auto", "zlib", "zlib-ng", "isal"]
Family = Literal["any", "ipv4", "ipv6"]
Transport = Literal["auto", "aiofastnet", "asyncio"]
Version = Literal["1.2", "1.3"]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

SECTIONS: Final[dict[str, dict[str, tuple[Any, Any]]]] = {
    "auth": {"token": (str, ""), "scheme": (str, "Bearer"), "header": (str, "Authorization")},
    "timeouts": dict.fromkeys(("open", "close", "tls_handshake", "tls_shutdown"), (float, 10.0)),
    "keepalive": dict.fromkeys(("interval", "timeout"), (float, 20.0)),
    "limits": dict.fromkeys(("max_size", "max_queue", "read_limit", "write_limit"), (int, 65536)),
    "compression": {
        "enabled": (bool, True),
        "level": (int, -1),
        "mem_level": (int, 5),
        "client_max_window_bits": (int, 12),
        "server_no_context_takeover": (bool, False),
        "backend": (Backend, "auto"),
        "min_size": (int, 0),
    },
    "tls": {"verify": (bool, True), "check_hostname": (bool, True), "min_version": (Version, "1.2")},
    "proxy": {"enabled": (bool, True)},
    "network": {
        "family": (Family, "any"),
        "happy_eyeballs_delay": (float, 0.25),
        "tcp_nodelay": (bool, True),
        "transport": (Transport, "auto"),
    },
    "reconnect": {
        **dict.fromkeys(("initial", "min", "max", "factor"), (float, 1.0)),
        "max_attempts": (int, 10),
        "retry_status": (tuple[int, ...], ()),
    },
    "logging": {"logger": (str, "wssdk.client"), "level": (Level, "INFO")},
}
"""Type and default of every option, by section."""

TOP: Final[dict[str, tuple[Any, Any]]] = {
    "uri": (str, ""),
    "origin": (str, ""),
    "subprotocols": (tuple[str, ...], ()),
    "user_agent": (str, ""),
    "headers": (dict[str, str], {}),
}
"""Those of the top level."""
