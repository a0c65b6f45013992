"""The file by msgspec, which reads no environment; unknown keys are forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from grammar import seconds, size
from report import report


class Duration(float):
    """Seconds."""


class Size(int):
    """Bytes."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections."""


class Auth(Section, frozen=True):
    token: str | None = None


class Timeouts(Section, frozen=True):
    open: Duration = Duration(10)
    close: Duration = Duration(10)


class Keepalive(Section, frozen=True):
    interval: Duration = Duration(20)


class Limits(Section, frozen=True):
    max_size: Size = Size(1 << 20)
    max_queue: Annotated[int, msgspec.Meta(gt=0)] = 32


class Compression(Section, frozen=True):
    enabled: bool = True
    level: Annotated[int, msgspec.Meta(ge=-1, le=9)] = -1


class Tls(Section, frozen=True):
    verify: bool = True


class Network(Section, frozen=True):
    family: Literal["any", "ipv4", "ipv6"] = "any"


class Settings(Section, frozen=True):
    uri: str
    subprotocols: list[str] = []
    auth: Auth = Auth()
    timeouts: Timeouts = Timeouts()
    keepalive: Keepalive = Keepalive()
    limits: Limits = Limits()
    compression: Compression = Compression()
    tls: Tls = Tls()
    network: Network = Network()


def decode(kind: type, value: Any) -> Any:
    return kind(seconds(value) if kind is Duration else size(value))


def load(path: str) -> Settings:
    return msgspec.toml.decode(Path(path).read_bytes(), type=Settings, dec_hook=decode)


if __name__ == "__main__":
    report(load)
