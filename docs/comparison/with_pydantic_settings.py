"""The file by pydantic-settings: unknown keys forbidden, inputs hidden in errors, sizes pydantic's own."""

from __future__ import annotations

from typing import Annotated, Literal

from grammar import seconds
from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, PositiveInt, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from report import report

Duration = Annotated[float, BeforeValidator(seconds)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(Section):
    token: SecretStr | None = None


class Timeouts(Section):
    open: Duration = 10.0
    close: Duration = 10.0


class Keepalive(Section):
    interval: Duration = 20.0


class Limits(Section):
    max_size: ByteSize = ByteSize(1 << 20)
    max_queue: PositiveInt = 32


class Compression(Section):
    enabled: bool = True
    level: Annotated[int, Field(ge=-1, le=9)] = -1


class Tls(Section):
    verify: bool = True


class Network(Section):
    family: Literal["any", "ipv4", "ipv6"] = "any"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="APP_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
        hide_input_in_errors=True,  # they may be secrets
    )

    uri: str
    subprotocols: list[str] = []
    auth: Auth = Auth()
    timeouts: Timeouts = Timeouts()
    keepalive: Keepalive = Keepalive()
    limits: Limits = Limits()
    compression: Compression = Compression()
    tls: Tls = Tls()
    network: Network = Network()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, TomlConfigSettingsSource(settings_cls)


def load(path: str) -> Settings:
    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    return FromFile()


if __name__ == "__main__":
    report(load)
