"""Nothing in a report is secret."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk.config import ClientConfig
from wssdk.errors import ConfigError


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


LEAKS = [
    'auth = "hush"',
    'auth = { token = ["hush"] }',
    'auth = { token = { value = "hush" } }',
    'auth = { token = { env = "hush" } }',
    'auth = { token = { env = "a", value = "hush" } }',
    'auth = { token = "hush", scheme = 5 }',
    'auth = { token = "hush" } # hush\nlimits = 5',
    'auth = { token = 5, x = "hush" }',
    'auth = { tokn = "hush" }',
    "auth = { tokn = 4815162342 }",
    "auth = { token = 4815162342 }",
    "tls = { key_password = 4815162342 }",
    'auth.token = "hush\\u000a"',
    'auth.token = """\nhush\n"""',
    'headers = "hush"',
    'headers = { X = ["hush"] }',
    'headers = { X = "hush\\n" }',
    "headers = { X = 4815162342 }",
    'headers = { Host = "hush" }',
    'headers = { Host = "ok", X = "hush", Upgrade = "x" }',
    'headers = { X = "${hush" }',
    'headers = { X = "${hush:a}" }',
    'password = "hush"',
    "password = 4815162342",
    'zzz = "hush"',
    'zzz = ["hush"]',
    'zzz = [{ a = "hush" }]',
    'zzz = { a = { b = { c = { d = { e = { f = { g = { h = { i = { j = "hush" } } } } } } } } } }',
    '[zzz]\nauth = { token = "hush" }',
    '[[zzz]]\na = 1\n[[zzz]]\na = "hush"',
    'uri = "wss://user:hush@h:x"',
    'uri = "wss://h/?token=hush#f"',
    'uri = "user:hush@h"',
    'uri = ["wss://user:hush@h"]',
    'uri = "wss://user:hu\\u0073h@h:x"',
    'uri = "wss:\\u002f\\u002fuser:hush@h:x"',
    'uri = """wss://user:hush\n@h"""',
    'proxy = "http://user:hush@ x"',
    'proxy = { url = "http://user:hush@ x" }',
    'proxy = { password = "hush" }',
    'proxy = "http://user:hush@h"',
    'origin = ["https://user:hush@h"]',
    'origin = "https://user:hush@h\\n"',
    'auth.token = "ok" "hush"',
    "auth.token = hush",
    "[auth]\ntoken = hush",
    "[headers]\norigin = hush",
    "[headers]\nX = 'a' 'hush'",
    "headers = {\n origin = 'hush' 1\n}",
    '["headers"]\norigin = "hush" x',
    'auth.token = """\norigin = "hush\n""" x',
    "auth = { token = 'hush' x",
    "tls = { verify = true, key_password = 'hush', verify = true }",
    "hush",
    '"hush" x',
    "subprotocols = [\n'hush'\n'hush'\n]",
    "origin = 'a'\norigin = 'https://user:hush@h'",
    "uri = 'ws://user:hush@h' x",
    "zzz = {\n'a' = 'hush' x",
    "timeouts = { open = None, token = 'hush' }",
    "timeouts.open = 1 # hush\ntimeouts.open = 2 # hush",
    "a.b.c = 'hush'\na.b = 1",
]


@pytest.mark.parametrize("line", LEAKS)
def test_secrets_do_not_leak(write: Write, line: str) -> None:
    file = write(f"{line}\nopne = 1\n")
    with pytest.raises(ConfigError) as caught:
        ClientConfig.from_toml(file)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
    assert "hush" not in told
    assert "hu\\u0073h" not in told
    assert "4815162342" not in told


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AUTH__TOKEN", "hush\n"),
        ("AUTH__TOKN", "hush"),
        ("HEADERS__X", "hush\n"),
        ("HEADERS", "hush"),
        ("TLS__KEY_PASSWORD", ""),
        ("URI", "http://user:hush@h"),
        ("URI", "user:hush@h"),
        ("PROXY", "http://user:hush@ x"),
        ("PROXY__URL", "user:hush@h"),
        ("ORIGIN", "https://user:hush@h\n"),
        ("ZZZ", "hush"),
    ],
)
def test_secrets_of_the_environment_do_not_leak(variable: str, text: str) -> None:
    report = report_of(lambda: ClientConfig.from_env(environ={f"WSSDK_{variable}": text}))
    assert "hush" not in report


@pytest.mark.parametrize(
    "overrides",
    [
        {"auth": "hush"},
        {"auth": {"token": ["hush"]}},
        {"auth": {"token": "hush\n"}},
        {"headers": "hush"},
        {"headers": {"X": "hush\n"}},
        {"uri": "http://user:hush@h"},
        {"zzz": "hush"},
    ],
)
def test_secrets_of_overrides_do_not_leak(overrides: dict[str, Any]) -> None:
    assert "hush" not in report_of(lambda: ClientConfig.load(overrides=overrides, environ={}))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("opne = 5.0", "opne = 5.0"),
        ("opne = true", "opne = true"),
        ('opne = "x"', "opne = ********"),
        ("opne = [1]", "opne = ********"),
        ("opne = { a = 1 }", "opne = { a = 1 }"),
        ("ping_interval = 5", "ping_interval = 5"),
        ("api_key = 5", "api_key = ********"),
        ("tokn = 5", "tokn = ********"),
        ('timeouts = { open = "5s", opne = 5 }', 'timeouts = { open = "5s", opne = 5 }'),
        (
            'auth = { token = { env = "A_TOKEN" }, x = 1 }',
            'auth = { token = { env = "A_TOKEN" }, x = ******** }',
        ),
        (
            'auth = { token = { file = "a/token" }, opne = 1 }',
            'auth = { token = { file = "a/token" }, opne = ******** }',
        ),
        (
            'tls = { ca_file = "C:\\\\ca.pem", opne = 1 }',
            "tls = { ca_file = ********, opne = 1 }",
        ),
        (
            'proxy = { url = "http://user:hush@proxy:3128", opne = 1 }',
            'proxy = { url = "http://********@proxy:3128", opne = 1 }',
        ),
        ('tls = { ca_file = "ca.pem", opne = 1 } # a', 'tls = { ca_file = "ca.pem", opne = 1 }'),
    ],
)
def test_line_is_shown_as_far_as_it_is_known(write: Write, line: str, shown: str) -> None:
    file = write(f'uri = "wss://h"\n{line}')
    problem = next(
        problem
        for problem in problems_of(lambda: ClientConfig.from_toml(file))
        if problem.message.startswith("unknown")
    )
    assert (problem.snippet or "").split("\n")[0] == f"2 | {shown}"


@pytest.mark.parametrize(
    ("text", "snippet"),
    [
        ("[timeouts]\nopen = 5 6", "2 | open = 5 6\n  |          ^"),
        ("[timeouts]\nopen = 5 6 # a", "2 | open = 5 6\n  |          ^"),
        ("[timeouts]\nopen =", "2 | open =\n  |       ^"),
        ("[timeouts]\nopen = # a", "2 | open =\n  |       ^"),
        ("[timeouts\nopen = 5", "1 | ********\n  |         ^"),
        ("[timeouts]\n[timeouts]\n", "2 | [timeouts]\n  |          ^"),
        ('a = """\nb\n', "3 | \n  | ^"),
        ("opne = 5 6", "1 | opne = ********\n  |        ^^^^^^^^"),
        ("# don't\n[timeouts]\nopen = 5 6", "3 | open = 5 6\n  |          ^"),
        ("x = [\n  1\n[timeouts]\nopen = 5 6", "3 | ********\n  | ^^^^^^^^"),
    ],
)
def test_line_that_is_not_toml(write: Write, text: str, snippet: str) -> None:
    file = write(text)
    assert problems_of(lambda: ClientConfig.from_toml(file))[0].snippet == snippet
