from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import attrs
import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.config_errors import Write, file_writer, problems_of
from wssdk import (
    Auth,
    ClientConfig,
    Compression,
    Keepalive,
    Limits,
    Network,
    Proxy,
    Reconnect,
    Secret,
    Timeouts,
    Tls,
)
from wssdk.config_schema import OPTIONS


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def uncommented(text: str) -> str:
    """Return the text with every option that was commented out."""
    return re.sub(r"^#(?! )", "", text, flags=re.MULTILINE)


def defaults(file: str) -> ClientConfig:
    return ClientConfig.load(file, env_prefix=None, overrides={"uri": None})


def test_the_default_file_loads_back_to_the_defaults(write: Write) -> None:
    assert defaults(write(ClientConfig.default_toml())) == ClientConfig()


def test_the_default_file_with_every_option_written_out_does_so_too(write: Write) -> None:
    assert defaults(write(uncommented(ClientConfig.default_toml()))) == ClientConfig()


@pytest.mark.parametrize("uri", ["wss://stream.example.com/feed?a=b", "ws://me:pass%22word@h/\u00e4"])
def test_the_default_file_with_a_uri_loads_by_itself(write: Write, uri: str) -> None:
    file = write(ClientConfig.default_toml(uri=uri))
    assert ClientConfig.from_toml(file) == ClientConfig(uri=uri)


def test_the_default_file_takes_no_uri_that_is_wrong() -> None:
    (problem,) = problems_of(lambda: ClientConfig.default_toml(uri="http://h"))
    assert problem.path == "uri"


@pytest.mark.parametrize("option", [option for option in OPTIONS if option != ("uri",)], ids=".".join)
def test_the_default_file_has_every_option(option: tuple[str, ...]) -> None:
    value = tomli.loads(uncommented(ClientConfig.default_toml()))
    for name in option:
        assert name in value
        value = value[name]


def test_the_default_file_has_an_example_of_what_has_no_default(write: Write) -> None:
    text = re.sub(r"^# Example: (?!extends)", "", ClientConfig.default_toml(), flags=re.MULTILINE)
    config = ClientConfig.load(write(text), connection="trades", environ={"API_KEY": "k"})
    assert config.uri == "wss://example.com/feed"
    assert config.headers["X-Api-Key"] == "k"


def test_the_default_file_says_what_each_option_is_for() -> None:
    lines = ClientConfig.default_toml().splitlines()
    bare = [
        line
        for above, line in itertools.pairwise(lines)
        if line.startswith("#") and line[1:2] != " " and not above.startswith("# ")
    ]
    assert bare == []


def test_only_what_is_not_at_its_default_is_written() -> None:
    config = ClientConfig(uri="ws://h", timeouts=Timeouts(open="1m", close=None))
    assert config.to_toml() == 'uri = "ws://h"\n\n[timeouts]\nopen = 60\nclose = false\n'


@pytest.mark.parametrize(
    "config",
    [
        ClientConfig(uri="wss://h/päth?a=1", origin="https://o", subprotocols=["a", "b"], user_agent=None),
        ClientConfig(uri="ws://h", limits=Limits(max_size=(9, None), max_queue=None, write_limit=(9, 3))),
        ClientConfig(uri="ws://h", limits=Limits(max_size="1.5 KiB", max_queue=(5, 2), read_limit=7)),
        ClientConfig(uri="ws://h", compression=False, reconnect=False),
        ClientConfig(uri="ws://h", compression=Compression(client_max_window_bits=9, level=1)),
        ClientConfig(uri="ws://h", reconnect=Reconnect(factor=1.25, retry_status=[], max_attempts=3)),
        ClientConfig(uri="ws://h", keepalive=Keepalive(interval="1.5 ms", timeout=None)),
        ClientConfig(uri="wss://h", tls=Tls(ca_file='c:\\a "b".pem', ciphers="A:B", min_version="1.3")),
        ClientConfig(uri="ws://h", network=Network(family="ipv6", port=80, happy_eyeballs_delay=None)),
        ClientConfig(network=Network(unix_path="/run/x.sock")),
        ClientConfig(uri="ws://h", user_agent="bot/1.0 (mailto:me@example.com)"),
        ClientConfig(uri="wss://h", tls=Tls(ciphers="ALL:!EXPORT:@STRENGTH")),
    ],
    ids=lambda config: next(iter(config.to_toml().splitlines()[2:3]), "unix"),
)  # fmt: skip
def test_a_config_comes_back_from_its_file(write: Write, config: ClientConfig) -> None:
    assert ClientConfig.from_toml(write(config.to_toml())) == config


texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(agent=texts, logger=texts, open_=st.floats(1e-9, 1e9), size=st.integers(1, 2**63 - 1))
def test_any_text_and_number_comes_back(
    write: Write, agent: str, logger: str, open_: float, size: int
) -> None:
    config = ClientConfig.from_connect("ws://h", user_agent_header=agent, open_timeout=open_, max_size=size)
    assert ClientConfig.from_toml(write(config.to_toml())) == config


def test_secrets_that_were_loaded_by_reference_are_written_as_references(write: Write) -> None:
    write("from a file\n", "conf/token.txt")
    file = write(
        'uri = "wss://h"\n'
        'auth.token = { file = "token.txt" }\n'
        'tls = { cert_file = "c.pem", key_file = "k.pem", key_password = { env = "KEY_PASSWORD" } }\n'
        '[headers]\nX-Key = "${env:API_KEY}"\nX-Other = "Bearer ${file:token.txt}"',
        "conf/service.toml",
    )
    environ = {"API_KEY": "hush", "KEY_PASSWORD": "hush"}
    config = ClientConfig.load(file, environ=environ)
    text = config.to_toml()
    tree = tomli.loads(text)
    assert tree["auth"]["token"] == {"file": str(Path("conf/token.txt"))}
    assert tree["tls"]["key_password"] == {"env": "KEY_PASSWORD"}
    other = f"Bearer ${{file:{Path('conf/token.txt')}}}"
    assert tree["headers"] == {"X-Key": "${env:API_KEY}", "X-Other": other}
    assert ClientConfig.load(write(text), environ=environ) == config


def test_secrets_of_variables_are_written_as_references_to_them(write: Write) -> None:
    write("from a file", "token.txt")
    environ = {
        "WSSDK_URI": "ws://h",
        "WSSDK_AUTH__TOKEN_FILE": "token.txt",
        "WSSDK_PROXY__USERNAME": "u",
        "WSSDK_PROXY__PASSWORD": "hush",
        "WSSDK_HEADERS__X_KEY": "hush",
    }
    config = ClientConfig.from_env(environ=environ)
    tree = tomli.loads(config.to_toml())
    assert tree["auth"]["token"] == {"file": "token.txt"}
    assert tree["proxy"]["password"] == {"env": "WSSDK_PROXY__PASSWORD"}
    assert tree["headers"] == {"X-Key": "${env:WSSDK_HEADERS__X_KEY}"}
    again = ClientConfig.load(write(config.to_toml()), env_prefix=None, environ=environ)
    assert again == config


LITERAL = ClientConfig(
    uri="wss://h",
    auth=Auth(token="hush"),
    proxy=Proxy(url="http://p", username="u", password="hush"),
    headers={"X-Key": "hush"},
)


def test_a_literal_secret_is_written_as_a_reference_to_the_variable_that_would_set_it(write: Write) -> None:
    text = LITERAL.to_toml()
    tree = tomli.loads(text)
    assert tree["auth"]["token"] == {"env": "WSSDK_AUTH__TOKEN"}
    assert tree["headers"] == {"X-Key": "${env:WSSDK_HEADERS__X_KEY}"}
    assert text.count("# a secret, which is not written: set the variable") == 3
    environ = dict.fromkeys(("WSSDK_AUTH__TOKEN", "WSSDK_PROXY__PASSWORD", "WSSDK_HEADERS__X_KEY"), "hush")
    secret = attrs.evolve(LITERAL, headers={"X-Key": Secret("hush")})
    assert ClientConfig.load(write(text), environ=environ) == secret
    assert ClientConfig.load(write(text), env_prefix=None, environ=environ) == secret


def test_the_prefix_of_these_variables_can_be_chosen() -> None:
    assert '{ env = "APP_AUTH__TOKEN" }' in LITERAL.to_toml(env_prefix="APP_")


@pytest.mark.parametrize(
    "text",
    [
        'auth.token = "hush"',
        'headers.X = "hush"',
        'headers.X = "hush ${env:A}"',
        'headers.X = "Bearer ${env:B:-hush}"',
    ],
)
def test_no_literal_of_a_file_is_written(write: Write, text: str) -> None:
    config = ClientConfig.load(write(f'uri = "ws://h"\n{text}'), environ={"A": "a"})
    assert "hush" not in config.to_toml()


def test_a_secret_that_was_changed_since_has_lost_its_reference(write: Write) -> None:
    config = ClientConfig.load(write('uri = "ws://h"\nauth.token = { env = "A" }'), environ={"A": "a"})
    changed = config.evolve({"auth.token": "hush"})
    assert tomli.loads(changed.to_toml())["auth"]["token"] == {"env": "WSSDK_AUTH__TOKEN"}


@pytest.mark.parametrize("name", ["X.Y", "X'Y", "X+Y"])
def test_a_literal_header_whose_name_no_variable_spells_is_not_written(name: str) -> None:
    (problem,) = problems_of(ClientConfig(uri="ws://h", headers={name: "hush"}).to_toml)
    assert problem.message.endswith("it is not written, as all secrets are, and no variable can set it")
    assert problem.hint == 'have it point elsewhere: "${file:PATH}"'
    assert "hush" not in str(problem)


def test_a_variable_has_the_first_header_whose_name_it_spells() -> None:
    config = ClientConfig(uri="ws://h", headers={"X_Y": "a", "X-Z": "b", "X-Y": "c"})
    (problem,) = problems_of(config.to_toml)
    assert problem.path == "headers.X-Y"


def test_a_variable_that_would_set_another_header_by_now_is_not_referred_to() -> None:
    config = ClientConfig.from_env(environ={"WSSDK_URI": "ws://h", "WSSDK_HEADERS__X_Y": "hush"})
    changed = config.evolve({"headers.X_Y": "a", "headers.X-Y": "hush"})
    (problem,) = problems_of(changed.to_toml)
    assert problem.path == "headers.X-Y"


def test_a_literal_header_that_looks_like_a_reference_is_not_written() -> None:
    (problem,) = problems_of(ClientConfig(uri="ws://h", headers={"X": "${env:A}"}).to_toml)
    assert problem.path == "headers.X"


def test_a_header_of_any_name_that_was_loaded_by_reference_is_written(write: Write) -> None:
    file = write('uri = "ws://h"\n[headers]\n"X.Y" = "${env:A}"\nX-Y = "${env:B}"\nX_Y = "${env:A}"')
    environ = {"A": "${env:B}", "B": "b"}
    config = ClientConfig.load(file, environ=environ)
    assert ClientConfig.load(write(config.to_toml()), environ=environ) == config


def test_a_header_without_a_value_is_no_secret_and_is_written(write: Write) -> None:
    environ = {"WSSDK_URI": "ws://h", "WSSDK_HEADERS__X": "", "WSSDK_HEADERS__Y": "${env:A:-}"}
    config = ClientConfig.from_env(environ=environ).evolve({"headers.Z": Secret("")})
    assert config.headers.secret_names == frozenset()
    assert ClientConfig.load(write(config.to_toml()), environ=environ) == config


def test_a_header_whose_file_is_in_a_folder_that_no_reference_can_name(write: Write) -> None:
    write("hush", "a}b/token.txt")
    file = write('uri = "ws://h"\nheaders.X = "${file:token.txt}"', "a}b/service.toml")
    config = ClientConfig.from_toml(file)
    text = config.to_toml()
    assert tomli.loads(text)["headers"] == {"X": "${env:WSSDK_HEADERS__X}"}
    assert ClientConfig.load(write(text), environ={"WSSDK_HEADERS__X": "hush"}) == config


@pytest.mark.parametrize("token", ["none", " None "])
def test_a_token_that_a_variable_would_switch_off_is_not_written(token: str) -> None:
    (problem,) = problems_of(ClientConfig(uri="ws://h", auth=Auth(token=token)).to_toml)
    assert problem.path == "auth.token"
    assert problem.hint == 'have it point elsewhere: { file = "PATH" }'


def test_a_password_that_no_variable_can_hold_is_not_written() -> None:
    config = ClientConfig(uri="ws://h", proxy=Proxy(username="u", password="a\0b"))
    (problem,) = problems_of(config.to_toml)
    assert problem.path == "proxy.password"


def test_half_a_surrogate_pair_is_not_written() -> None:
    config = ClientConfig(uri="ws://h", network=Network(unix_path="\0\udc80"))
    (problem,) = problems_of(config.to_toml)
    assert problem.path == "network.unix_path"


def test_the_file_of_a_secret_whose_name_is_not_utf_8_is_not_named(write: Write) -> None:
    environ = {"WSSDK_URI": "ws://h", "WSSDK_AUTH__TOKEN_FILE": os.fsdecode(b"a\xff")}
    write("hush", environ["WSSDK_AUTH__TOKEN_FILE"])
    config = ClientConfig.from_env(environ=environ)
    assert tomli.loads(config.to_toml())["auth"]["token"] == {"env": "WSSDK_AUTH__TOKEN"}


@pytest.mark.parametrize("path", ["./ca.pem", "a//b.pem", "../x/./y.pem", "@x", "/a//b"])
def test_a_path_comes_back_as_it_was_written(write: Write, path: str) -> None:
    config = ClientConfig(uri="wss://h", tls=Tls(ca_file=path), network=Network(unix_path=f"./{path}"))
    assert ClientConfig.from_toml(write(config.to_toml())) == config


@pytest.mark.parametrize("prefix", ["my-app_", "1_", "${", " "])
def test_a_prefix_that_no_variable_can_have_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="no variable has a name that begins with"):
        LITERAL.to_toml(env_prefix=prefix)


def test_everything_that_cannot_be_written_is_told_at_once() -> None:
    config = ClientConfig(
        uri="wss://u:hush@h",
        proxy="http://u:hush@p",
        headers=[("X-A", "1"), ("X-A", "2")],
    )
    problems = problems_of(config.to_toml)
    assert [(problem.path, problem.message) for problem in problems] == [
        ("uri", "uri: there is a secret in it, and secrets are not written"),
        ("headers.X-A", "headers.X-A: the header is sent several times, and a file has each name once"),
        ("proxy.url", "proxy.url: there is a secret in it, and secrets are not written"),
    ]
    assert "hush" not in str(problems)
