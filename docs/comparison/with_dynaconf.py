"""The file by dynaconf, with validators (its typed schemas are a preview, and warn on import)."""

from __future__ import annotations

from dynaconf import Dynaconf, Validator
from grammar import seconds, size
from report import report


def load(path: str) -> Dynaconf:
    settings = Dynaconf(
        settings_files=[path],
        envvar_prefix="APP",
        merge_enabled=True,
        validators=[
            Validator("URI", must_exist=True, is_type_of=str),
            Validator("SUBPROTOCOLS", default=[], is_type_of=list),
            Validator("AUTH.TOKEN", default=None, is_type_of=str | None),
            Validator("TIMEOUTS.OPEN", "TIMEOUTS.CLOSE", default=10.0, cast=seconds),
            Validator("KEEPALIVE.INTERVAL", default=20.0, cast=seconds),
            Validator("LIMITS.MAX_SIZE", default=1 << 20, cast=size),
            Validator("LIMITS.MAX_QUEUE", default=32, is_type_of=int, gt=0),
            Validator("COMPRESSION.ENABLED", default=True, is_type_of=bool),
            Validator("COMPRESSION.LEVEL", default=-1, is_type_of=int, gte=-1, lte=9),
            Validator("TLS.VERIFY", default=True, is_type_of=bool),
            Validator("NETWORK.FAMILY", default="any", is_in=["any", "ipv4", "ipv6"]),
        ],
    )
    settings.validators.validate_all()
    return settings


if __name__ == "__main__":
    report(load)
