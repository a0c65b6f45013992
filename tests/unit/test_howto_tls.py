"""What docs/how-to/tls.md says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import attrs
import pytest

from wssdk import ClientConfig, Tls

PAGE: Final = (Path(__file__).parents[2] / "docs" / "how-to" / "tls.md").read_text(encoding="utf-8")


def test_file_of_the_page_loads(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    secret = tmp_path / "client-key"
    secret.write_text("correct horse\n")
    file = tmp_path / "service.toml"
    file.write_text(block.replace("/run/secrets/client-key", str(secret)))
    config = ClientConfig.load(file, environ={})
    assert config.tls.pinned_sha256 == tuple(tomllib.loads(block)["tls"]["pinned_sha256"])


def test_page_names_every_option_of_the_section() -> None:
    missing = [
        option.name for option in attrs.fields(Tls) if f"`{option.name}" not in PAGE.replace("tls.", "")
    ]
    assert missing == []


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"WSSDK_TLS__(\w+)=", PAGE))))
def test_variables_of_the_page_are_options(variable: str) -> None:
    assert variable.removesuffix("_FILE").lower() in attrs.fields_dict(Tls) or variable in (
        "CA_FILE",
        "CERT_FILE",
        "KEY_FILE",
    )


def test_pins_of_the_environment_are_written_as_the_page_says() -> None:
    (written,) = re.findall(r"WSSDK_TLS__PINNED_SHA256=(\S*)", PAGE)
    pin = "A" * 43 + "="
    environ = {"WSSDK_URI": "wss://h", "WSSDK_TLS__PINNED_SHA256": written.replace("...", pin)}
    assert ClientConfig.from_env(environ=environ).tls.pinned_sha256 == (pin, pin)
