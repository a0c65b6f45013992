"""The file by environs, which reads the environment: the file's options are put below it."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace

from environs import Env, EnvError, validate
from grammar import seconds, size
from report import as_environment, report


def parsed(grammar: Callable[[object], float]) -> Callable[[object], float]:
    """Return the grammar with errors that environs gathers."""

    def parse(value: object) -> float:
        try:
            return grammar(value)
        except ValueError as error:
            raise EnvError(str(error)) from error

    return parse


def load(path: str) -> SimpleNamespace:
    os.environ.update(as_environment(path))
    env = Env(eager=False, prefix="APP_")  # gathers what is wrong until seal()
    env.add_parser("seconds", parsed(seconds))
    env.add_parser("size", parsed(size))
    settings = SimpleNamespace(uri=env.str("URI"), subprotocols=env.list("SUBPROTOCOLS", []))
    with env.prefixed("AUTH__"):
        settings.auth = SimpleNamespace(token=env.str("TOKEN", None))
    with env.prefixed("TIMEOUTS__"):
        settings.timeouts = SimpleNamespace(open=env.seconds("OPEN", 10.0), close=env.seconds("CLOSE", 10.0))
    with env.prefixed("KEEPALIVE__"):
        settings.keepalive = SimpleNamespace(interval=env.seconds("INTERVAL", 20.0))
    with env.prefixed("LIMITS__"):
        settings.limits = SimpleNamespace(
            max_size=env.size("MAX_SIZE", 1 << 20),
            max_queue=env.int("MAX_QUEUE", 32, validate=validate.Range(min=1)),
        )
    with env.prefixed("COMPRESSION__"):
        settings.compression = SimpleNamespace(
            enabled=env.bool("ENABLED", True), level=env.int("LEVEL", -1, validate=validate.Range(-1, 9))
        )
    with env.prefixed("TLS__"):
        settings.tls = SimpleNamespace(verify=env.bool("VERIFY", True))
    with env.prefixed("NETWORK__"):
        settings.network = SimpleNamespace(
            family=env.str("FAMILY", "any", validate=validate.OneOf(["any", "ipv4", "ipv6"]))
        )
    env.seal()
    return settings


if __name__ == "__main__":
    report(load)
