"""Nothing in a report is secret."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk.api import connect
from wssdk.config import Auth, ClientConfig
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
    'uris = ["wss://user:hush@h", 5]',
    'uris = ["wss://user:hush@h", "wss://user:hush@h"]',
    'uris = ["ws://user:hush@h", "wss://user:hush@h"]',
    'uris = [\n "ws://user:hush@h",\n "http://user:hush@h"\n]',
    'uris = "ws://user:hush@h"',
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
    '[auth]\nscheme = "Bearer hush"',
    '[auth]\nheader = "X-Key: hush"',
    '[auth]\nscheme = "Bearer\\u0020hush"',
    "[headers]\n'X hush' = 'a'",
    "[headers]\n'X: hush' = 5",
    "[headers]\n'X: hush' = 'a' 1",
    "[headers]\nX hush = 'a'",
    "[headers.X hush]",
    "headers = { 'X hush' = 'a' }",
    "[connections.a.headers]\n'X hush' = 'a'",
    'subprotocols = ["bearer hush"]',
    'subprotocols = "bearer hush"',
    'subprotocols = [\n"ok", "bearer hush"]',
    'subprotocols = ["""ok\n hush"""]',
    'user_agent = "x\\nhush"',
    'user_agent = """x\nhush"""',
    'user_agent = """hush\nx"""',
    'origin = "x\\nhush"',
    "user_agent = 'x' hush",
    "'Authorization: Bearer hush' = 1",
    "[auth]\n'Bearer hush' = 1",
    "['Bearer hush']",
    "[connections.a.auth]\n'Bearer hush' = 1",
    "user_agent = ['hush']",
    "user_agent = 'x' # hush\norigin = 5",
    "auth.scheme = 'Bearer' hush",
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
        ("URIS", "ws://user:hush@h, wss://user:hush@h"),
        ("URIS", "http://user:hush@h"),
        ("AUTH__SCHEME", "Bearer hush"),
        ("AUTH__HEADER", "X-Key: hush"),
        ("SUBPROTOCOLS", "bearer hush"),
        ("USER_AGENT", "x\nhush"),
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
        {"uris": ["http://user:hush@h"]},
        {"uris": "ws://user:hush@h"},
        {"zzz": "hush"},
        {"auth.scheme": "Bearer hush"},
        {"auth": {"header": "X-Key: hush"}},
        {"headers": {"X hush": "a"}},
        {"subprotocols": ["bearer hush"]},
        {"user_agent": "x\nhush"},
    ],
)
def test_secrets_of_overrides_do_not_leak(overrides: dict[str, Any]) -> None:
    assert "hush" not in report_of(lambda: ClientConfig.load(overrides=overrides, environ={}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ClientConfig(headers="Authorization: Bearer hush"),  # type: ignore[arg-type]
        lambda: ClientConfig(headers=["Authorization: Bearer hush"]),  # type: ignore[list-item]
        lambda: ClientConfig(headers=("Authorization", "hush")),  # type: ignore[arg-type]
        lambda: ClientConfig(headers={"Authorization: Bearer hush": ""}),
        lambda: ClientConfig(headers=[(b"Authorization: Bearer hush", "")]),  # type: ignore[list-item]
        lambda: ClientConfig(auth="Bearer hush"),  # type: ignore[arg-type]
        lambda: ClientConfig(subprotocols=["bearer hush"]),
        lambda: ClientConfig(subprotocols="hush"),
        lambda: ClientConfig(uris=["ws://user:hush@h", "wss://user:hush@h"]),
        lambda: ClientConfig(uris=["http://user:hush@h"]),
        lambda: ClientConfig(uris="ws://user:hush@h"),
        lambda: ClientConfig(uris=["ws://user:hush@h"], uri="ws://user:hush@h"),
        lambda: ClientConfig(user_agent="x\nhush"),
        lambda: ClientConfig(origin="x\nhush"),
        lambda: Auth(scheme="Bearer hush"),
        lambda: Auth(header="X-Key: hush"),
        lambda: Auth(token="hush\n"),
        lambda: Auth(token=["hush"]),  # type: ignore[arg-type]
        lambda: ClientConfig.from_connect("ws://h", additional_headers="X: hush"),  # type: ignore[arg-type]
        lambda: connect("ws://h", additional_headers={"Authorization: Bearer hush": ""}),
        lambda: connect("ws://h", additional_headers="Authorization: Bearer hush"),  # type: ignore[arg-type]
        lambda: connect("ws://h", subprotocols=["bearer hush"]),
        lambda: connect("ws://h", user_agent_header="x\nhush"),
    ],
)
def test_secrets_of_code_do_not_leak(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert "hush" not in str(caught.value) + repr(caught.value.problems)


def test_name_of_a_header_is_shown_up_to_what_breaks_it(write: Write) -> None:
    file = write("uri = 'wss://h'\n[headers]\n'X-Key: hush' = 'a'")
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert problem.path == 'headers."X-Key:"'


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
