"""One function for each library: file and environment to a typed, checked value."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.config.shapes import SECTIONS, TOP

__all__ = ["ENVIRONMENT", "FILE", "LOADERS", "UNITS"]

Loader = Callable[[], Any]

FILE: Final = Path(__file__).with_name("service.toml")
UNITS: Final = Path(__file__).with_name("units.toml")
ENVIRONMENT: Final = {
    "WSSDK_AUTH__TOKEN": "t0ken",
    "WSSDK_TIMEOUTS__OPEN": "7",
    "WSSDK_LIMITS__MAX_SIZE": "1048576",
}
"""What the environment overrides; typed-settings joins its levels by one underscore."""


def wssdk(file: Path = FILE) -> Loader:
    from wssdk import ClientConfig

    return lambda: ClientConfig.load(file)


def msgspec() -> Loader:
    import msgspec

    strict: Any = {"frozen": True, "forbid_unknown_fields": True}
    section_types = {
        name: msgspec.defstruct(name, [(option, *rest) for option, rest in options.items()], **strict)
        for name, options in SECTIONS.items()
    }
    fields = [(name, kind, default) for name, (kind, default) in TOP.items() if name != "headers"]
    fields += [("headers", dict[str, str], msgspec.field(default_factory=dict))]
    fields += [(name, kind, msgspec.field(default_factory=kind)) for name, kind in section_types.items()]
    service = msgspec.defstruct("Service", fields, **strict)

    def load() -> Any:
        # It has no environment: a few lines of one's own, with none of the names checked.
        tree = tomllib.loads(FILE.read_text(encoding="utf-8"))
        for variable, text in os.environ.items():
            if variable.startswith("WSSDK_"):
                section, _, option = variable.removeprefix("WSSDK_").lower().partition("__")
                tree[section][option] = text
        return msgspec.convert(tree, service, strict=False)

    return load


def pydantic_settings() -> Loader:
    import pydantic
    import pydantic_settings as settings

    strict: Any = pydantic.ConfigDict(extra="forbid", frozen=True)
    fields: dict[str, Any] = dict(TOP)
    for name, options in SECTIONS.items():
        section = pydantic.create_model(name, __config__=strict, **options)  # type: ignore[call-overload]
        fields[name] = (section, pydantic.Field(default_factory=section))

    class Base(settings.BaseSettings):
        model_config = settings.SettingsConfigDict(
            toml_file=FILE, env_prefix="WSSDK_", env_nested_delimiter="__", extra="forbid", frozen=True
        )

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: Any, *args: Any, **sources: Any
        ) -> tuple[settings.PydanticBaseSettingsSource, ...]:
            return sources["env_settings"], settings.TomlConfigSettingsSource(settings_cls)

    return pydantic.create_model("Service", __base__=Base, **fields)


def typed_settings() -> Loader:
    import attrs
    import typed_settings as ts

    def attribute(kind: Any, default: Any) -> Any:
        return attrs.field(type=kind, default=default)

    made: dict[str, Any] = {}
    for name, options in SECTIONS.items():
        section = attrs.make_class(
            name, {each: attribute(*rest) for each, rest in options.items()}, frozen=True
        )
        made[name] = attrs.field(type=section, factory=section)
    top = {name: attribute(*rest) for name, rest in TOP.items() if name != "headers"}
    service = attrs.make_class(
        "Service", {**top, "headers": attrs.field(type=dict[str, str], factory=dict), **made}, frozen=True
    )
    loaders: list[Any] = [
        ts.FileLoader(formats={"*.toml": ts.TomlFormat(section=None)}, files=[FILE]),
        ts.EnvLoader("WSSDK_", nested_delimiter="__"),
    ]
    converter = ts.converters.get_default_cattrs_converter()
    return lambda: ts.load_settings(service, loaders, converter=converter)


LOADERS: Final[dict[str, Callable[[], Loader]]] = {
    "wssdk": wssdk,
    "wssdk, with units": lambda: wssdk(UNITS),
    "typed-settings": typed_settings,
    "pydantic-settings": pydantic_settings,
    "msgspec, without an environment of its own": msgspec,
}
"""By what stands in the table; each makes its classes, and returns what loads."""
