from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli
from jsonschema import Draft7Validator

from tests.support.software import taplo
from wssdk import ClientConfig
from wssdk.config_kinds import kind_of
from wssdk.config_schema import OPTIONS, SECTIONS

GOOD = [
    'uri = "wss://example.com/feed"',
    'extends = ["base.toml", "../other.toml"]',
    'origin = false\nsubprotocols = ["chat", "superchat"]\nuser_agent = "x/1"',
    'headers = { X-Key = "${env:KEY}", "X-Other" = "" }',
    'auth = { token = { env = "TOKEN" }, scheme = "", header = "X-Api-Key" }',
    'auth.token = { file = "token.txt" }\nauth.scheme = "Token"',
    'timeouts = { open = "1.5 m", close = false, tls_handshake = 10, tls_shutdown = "500ms" }',
    'limits = { max_size = ["1 MiB", false], max_queue = [32, 8], write_limit = "0" }',
    'limits = { max_size = false, max_queue = false, read_limit = "64 KiB" }',
    "compression = false",
    "compression = { level = -1, client_max_window_bits = 15, server_max_window_bits = false }",
    'proxy = "socks5h://u:p@proxy:1080"',
    'proxy = { url = "auto", password = "x" }',
    'network = { family = "ipv6", port = 8443, happy_eyeballs_delay = false }',
    "reconnect = { retry_status = [503], max_attempts = 3, factor = 2 }",
    'logging = { level = "debug", logger = "app.ws" }',
    'timeouts.open = 3\n[connections.trades]\nuri = "wss://h"\ntimeouts.open = "4s"\ncompression = true',
]

BAD = [
    "uri = 5",
    'extends = "base.toml"',
    "opne = 5",
    "timeouts.opne = 5",
    "timeouts = 5",
    "timeouts.open = 0",
    "timeouts.open = true",
    'timeouts.open = "10 parsecs"',
    'timeouts.open = "none"',
    "timeouts.tls_handshake = false",
    'limits.max_size = "1 MiBB"',
    'limits.max_size = "0 B"',
    "limits.max_size = [1, 2, 3]",
    "limits.max_queue = [false, 3]",
    'limits.read_limit = "2 GiB "\nlimits.on_full = "wait"',
    'limits.on_full = "wait"',
    "compression.level = 10",
    'compression = "deflate"',
    "compression.client_max_window_bits = 8",
    'subprotocols = ["a b"]',
    'subprotocols = ["a", "a"]',
    "headers.Host = 'h'",
    "headers.sec-WebSocket-key = 'h'",
    "headers.'X Y' = 'h'",
    "headers.X = 5",
    'auth.token = { env = "A", file = "b" }',
    'auth.header = "X: y"',
    'proxy = "ftp://h"',
    "network.port = 0",
    'network.family = "ipv5"',
    'logging.level = "LOUD"',
    "reconnect.retry_status = [200]",
    'connections.trades = "wss://h"',
    "connections.a.connections.b = {}",
    "connections.a.timeouts.opne = 5",
]


def is_valid(tree: dict[str, Any]) -> bool:
    return Draft7Validator(ClientConfig.json_schema()).is_valid(tree)


def test_it_is_a_schema_of_draft_7() -> None:
    schema = ClientConfig.json_schema()
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(schema)


def test_it_is_json() -> None:
    schema = ClientConfig.json_schema()
    assert json.loads(json.dumps(schema)) == schema


def test_what_is_returned_is_the_callers() -> None:
    ClientConfig.json_schema()["definitions"].clear()
    assert ClientConfig.json_schema()["definitions"]


@pytest.mark.parametrize("text", GOOD)
def test_good_files_are_valid(text: str) -> None:
    assert is_valid(tomli.loads(text))


@pytest.mark.parametrize("text", BAD)
def test_bad_files_are_not(text: str) -> None:
    assert not is_valid(tomli.loads(text))


def definition(path: str) -> dict[str, Any]:
    section, _, name = path.partition(".")
    found = ClientConfig.json_schema()["definitions"][section]
    table = found["anyOf"][0] if "anyOf" in found and name else found
    result: dict[str, Any] = table["properties"][name] if name else table
    return result


@pytest.mark.parametrize("path", [".".join(option) for option in OPTIONS])
def test_every_option_is_described(path: str) -> None:
    assert definition(path)["description"]


@pytest.mark.parametrize("path", [".".join(option) for option in OPTIONS])
def test_every_default_is_valid(path: str) -> None:
    found = definition(path)
    schema = {**found, "definitions": ClientConfig.json_schema()["definitions"]}
    if path != "uri":
        assert "default" in found
        assert Draft7Validator(schema).is_valid(found["default"])


@pytest.mark.parametrize("section", list(SECTIONS))
def test_every_section_is_described(section: str) -> None:
    assert ClientConfig.json_schema()["definitions"][section]["description"]


def check_with_taplo(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    schema, file = folder / "wssdk.schema.json", folder / "service.toml"
    schema.write_text(json.dumps(ClientConfig.json_schema()), encoding="utf-8")
    file.write_text(f"#:schema ./{schema.name}\n{text}\n", encoding="utf-8")
    command = taplo()
    assert command
    return subprocess.run(
        [*command, "check", file.name], cwd=folder, capture_output=True, text=True, timeout=150
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.needs("taplo")
def test_taplo_finds_nothing_wrong_with_a_good_file(tmp_path: Path) -> None:
    # One file: each start of the program takes seconds.
    good = [text for text in GOOD if "connections" not in text and "extends" not in text]
    text = "\n".join(f"[connections.c{number}]\n{text}" for number, text in enumerate(good))
    done = check_with_taplo(tmp_path, f'uri = "wss://h"\nextends = ["a.toml"]\n{text}')
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.needs("taplo")
def test_taplo_finds_what_is_wrong_with_a_bad_file(tmp_path: Path) -> None:
    bad = [text for text in BAD if "connections" not in text and "extends" not in text]
    text = "\n".join(f"[connections.c{number}]\n{text}" for number, text in enumerate(bad))
    done = check_with_taplo(tmp_path, text)
    assert done.returncode != 0
    lines = (tmp_path / "service.toml").read_text(encoding="utf-8").splitlines()
    missed = [
        lines[number]
        for number in range(2, len(lines), 1)
        if not lines[number].startswith("[") and f"service.toml:{number + 1}:" not in done.stderr
    ]
    assert missed == []


@pytest.mark.parametrize("option", list(OPTIONS), ids=".".join)
def test_every_option_has_a_kind(option: tuple[str, ...]) -> None:
    assert kind_of(option).name
