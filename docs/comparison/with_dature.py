"""The file by dature; unknown keys are errors (``strict``), and values are masked where they are secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, NewType

import dature
from dature.fields.byte_size import ByteSize
from dature.fields.secret_str import SecretStr
from grammar import seconds
from report import report

Duration = NewType("Duration", float)


@dataclass(frozen=True)
class Auth:
    token: SecretStr | None = None


@dataclass(frozen=True)
class Timeouts:
    open: Duration = Duration(10.0)
    close: Duration = Duration(10.0)


@dataclass(frozen=True)
class Keepalive:
    interval: Duration = Duration(20.0)


@dataclass(frozen=True)
class Limits:
    max_size: ByteSize = field(default_factory=lambda: ByteSize("1MiB"))
    max_queue: Annotated[int, dature.V > 0] = 32


@dataclass(frozen=True)
class Compression:
    enabled: bool = True
    level: Annotated[int, (dature.V >= -1) & (dature.V <= 9)] = -1


@dataclass(frozen=True)
class Tls:
    verify: bool = True


@dataclass(frozen=True)
class Network:
    family: Literal["any", "ipv4", "ipv6"] = "any"


@dataclass(frozen=True)
class Settings:
    uri: str
    subprotocols: list[str] = field(default_factory=list)
    auth: Auth = field(default_factory=Auth)
    timeouts: Timeouts = field(default_factory=Timeouts)
    keepalive: Keepalive = field(default_factory=Keepalive)
    limits: Limits = field(default_factory=Limits)
    compression: Compression = field(default_factory=Compression)
    tls: Tls = field(default_factory=Tls)
    network: Network = field(default_factory=Network)


def load(path: str) -> Settings:
    return dature.load(
        dature.Toml11Source(file=path),
        dature.EnvSource(prefix="APP_"),
        schema=Settings,
        strict="error",
        masking_mode="secrets_only",
        type_loaders={Duration: seconds},
    )


if __name__ == "__main__":
    report(load)
