"""The file by typed-settings, over attrs and cattrs; the file's path begins with ``!``: it must exist."""

from __future__ import annotations

from typing import Literal

import attrs
import typed_settings as ts
from grammar import seconds, size
from report import report

within = attrs.validators


@ts.settings(frozen=True)
class Auth:
    token: ts.types.SecretStr | None = ts.secret(default=None)


@ts.settings(frozen=True)
class Timeouts:
    open: float = ts.option(default=10.0, converter=seconds)
    close: float = ts.option(default=10.0, converter=seconds)


@ts.settings(frozen=True)
class Keepalive:
    interval: float = ts.option(default=20.0, converter=seconds)


@ts.settings(frozen=True)
class Limits:
    max_size: int = ts.option(default=1 << 20, converter=size)
    max_queue: int = ts.option(default=32, validator=within.gt(0))


@ts.settings(frozen=True)
class Compression:
    enabled: bool = True
    level: int = ts.option(default=-1, validator=[within.ge(-1), within.le(9)])


@ts.settings(frozen=True)
class Tls:
    verify: bool = True


@ts.settings(frozen=True)
class Network:
    family: Literal["any", "ipv4", "ipv6"] = "any"


@ts.settings(frozen=True)
class Settings:
    uri: str
    subprotocols: list[str] = ts.option(factory=list)
    auth: Auth = Auth()
    timeouts: Timeouts = Timeouts()
    keepalive: Keepalive = Keepalive()
    limits: Limits = Limits()
    compression: Compression = Compression()
    tls: Tls = Tls()
    network: Network = Network()


def load(path: str) -> Settings:
    return ts.load(
        Settings, "app", [f"!{path}"], config_file_section=None, env_prefix="APP_", env_nested_delimiter="__"
    )


if __name__ == "__main__":
    report(load)
