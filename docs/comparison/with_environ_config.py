"""The file by environ-config, which reads the environment: the file's options are put below it."""

from __future__ import annotations

import environ
from attrs import validators
from grammar import seconds, size
from report import as_environment, report


def names(text: str) -> list[str]:
    return text.split(",") if text else []


@environ.config(prefix="APP", frozen=True)
class Settings:
    uri = environ.var()
    subprotocols = environ.var("", converter=names)

    @environ.config(frozen=True)
    class Auth:
        token = environ.var(None)

    @environ.config(frozen=True)
    class Timeouts:
        open = environ.var("10s", converter=seconds)
        close = environ.var("10s", converter=seconds)

    @environ.config(frozen=True)
    class Keepalive:
        interval = environ.var("20s", converter=seconds)

    @environ.config(frozen=True)
    class Limits:
        max_size = environ.var("1 MiB", converter=size)
        max_queue = environ.var(32, converter=int, validator=validators.gt(0))

    @environ.config(frozen=True)
    class Compression:
        enabled = environ.bool_var(True)
        level = environ.var(-1, converter=int, validator=validators.and_(validators.ge(-1), validators.le(9)))

    @environ.config(frozen=True)
    class Tls:
        verify = environ.bool_var(True)

    @environ.config(frozen=True)
    class Network:
        family = environ.var("any", validator=validators.in_(["any", "ipv4", "ipv6"]))

    auth = environ.group(Auth)
    timeouts = environ.group(Timeouts)
    keepalive = environ.group(Keepalive)
    limits = environ.group(Limits)
    compression = environ.group(Compression)
    tls = environ.group(Tls)
    network = environ.group(Network)


def load(path: str) -> Settings:
    # A group's name and an option's are joined by one underscore.
    variables = {name.replace("__", "_"): value for name, value in as_environment(path).items()}
    return environ.to_config(Settings, variables)


if __name__ == "__main__":
    report(load)
