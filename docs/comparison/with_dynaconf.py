"""The file by dynaconf, with validators (its typed schemas are a preview, and warn on import)."""

from __future__ import annotations

from collections.abc import Callable

from dynaconf import Dynaconf, ValidationError, Validator
from grammar import seconds, size
from report import report


def parsed(name: str, default: float, grammar: Callable[[object], float]) -> Validator:
    """Return a validator whose failures are gathered with those of the others, and have the option's name."""

    def cast(value: object) -> float:
        try:
            return grammar(value)
        except ValueError as error:
            raise ValidationError(f"{name}: {error}") from error

    return Validator(name, default=default, cast=cast)


def load(path: str) -> Dynaconf:
    settings = Dynaconf(settings_files=[path], envvar_prefix="APP", merge_enabled=True)
    # Those that are given to Dynaconf() are run at the first access, and stop at the first failure.
    settings.validators.register(
        Validator("URI", must_exist=True, is_type_of=str),
        Validator("SUBPROTOCOLS", default=[], is_type_of=list),
        Validator("AUTH.TOKEN", default=None, is_type_of=str | None),
        parsed("TIMEOUTS.OPEN", 10.0, seconds),
        parsed("TIMEOUTS.CLOSE", 10.0, seconds),
        parsed("KEEPALIVE.INTERVAL", 20.0, seconds),
        parsed("LIMITS.MAX_SIZE", 1 << 20, size),
        Validator("LIMITS.MAX_QUEUE", default=32, is_type_of=int, gt=0),
        Validator("COMPRESSION.ENABLED", default=True, is_type_of=bool),
        Validator("COMPRESSION.LEVEL", default=-1, is_type_of=int, gte=-1, lte=9),
        Validator("TLS.VERIFY", default=True, is_type_of=bool),
        Validator("NETWORK.FAMILY", default="any", is_in=["any", "ipv4", "ipv6"]),
    )
    settings.validators.validate_all()
    return settings


if __name__ == "__main__":
    report(load)
