"""Any configuration comes back from the file that ``to_toml()`` makes, or an error tells the option."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import tomli
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from tests.support.config_errors import takes
from wssdk.config import ClientConfig
from wssdk.config_origins import value_of
from wssdk.config_schema import HEADERS, OPTIONS, SECTIONS
from wssdk.errors import ConfigError
from wssdk.secret import Secret

untimed = settings(deadline=None)

Keys = tuple[str, ...]

secrets = st.sampled_from(
    ["none", "hush", " a b ", "${env:A}", "wss://u:p@h", "$", "é", "\u2028", '"', "a#b"]
)
texts = st.one_of(
    st.sampled_from(
        ["none", "false", "${env:A}", "$${", "https://h/#a", "https://u:p@h", "a@b", "\\", '"', "'"]
    ),
    st.text(max_size=8),
)
paths = st.sampled_from(
    ["ca.pem", "./ca.pem", "../a//b/", "/ca.pem", "@x", "./@x", "~/c", "a b", "é", "a:b@c"]
)
numbers = st.one_of(
    st.integers(-2, 20),
    st.integers(300, 599),
    st.integers(0, 2**63),
    st.floats(0, 10**9),
    st.builds(
        "{}{}".format, st.integers(1, 5000), st.sampled_from(["", "ms", "s", "h", "kB", " MiB", "GiB"])
    ),
)
words = st.sampled_from(
    [
        *("drop_oldest", "latest", "close", "zlib", "isal", "1.3", "ipv4", "ipv6", "asyncio", "scheduled"),
        *("shuffled", "debug"),
    ]
)
tokens = st.from_regex(r"\A[-!#$%&'*+.^_`|~0-9A-Za-z]{1,4}\Z")
uris = st.sampled_from(
    ["ws://h", "WSS://h", "wss://a/b?c=d&é", "wss://h:444/ä", "ws://u:p@h", "ws://h?token=t", "ws://[::1%25eth0]:1"]
)  # fmt: skip
proxies = st.sampled_from(["auto", "http://p", "socks5h://p:1/", "http://u:p@p"])
pins = st.sampled_from(["0" * 64, "sha256/" + "A" * 43 + "=", ":".join(["ab"] * 32)])
anything = st.one_of(st.booleans(), st.none(), numbers, words, texts, paths)
values = st.one_of(
    anything,
    proxies,
    tokens,
    secrets,
    st.lists(anything, min_size=2, max_size=3).map(tuple),
    st.lists(st.one_of(tokens, st.integers(300, 599)), max_size=3),
    st.lists(uris | pins, max_size=2),
)


BY_CHANCE = sorted(option for option in OPTIONS if option not in (("uri",), ("uris",)))
HEADER_NAMES = st.one_of(
    st.sampled_from(["X-Y", "X_Y", "x-y", "X.Y", "X'Y", "X-Z", "x_z", "-", "_", "X--A", "Authorization"]),
    tokens,
)
HEADER_VALUES = st.one_of(secrets, st.just(""), st.text(max_size=5))


@st.composite
def configs(draw: st.DrawFn) -> ClientConfig:
    given: dict[str, Any] = draw(
        st.fixed_dictionaries({"uri": uris})
        | st.fixed_dictionaries({"uris": st.lists(uris, min_size=1, max_size=2)})
    )
    sections: dict[str, dict[str, Any]] = {}
    # Of what is drawn, many an option does not take its value.
    for option, value in draw(st.lists(st.tuples(st.sampled_from(BY_CHANCE), values), max_size=20)):
        if takes(option, value):
            into = given if len(option) == 1 else sections.setdefault(option[0], {})
            into[option[-1]] = value
    fields = draw(st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES | HEADER_VALUES.map(Secret)), max_size=3))
    config = None
    try:
        made = {name: SECTIONS[name](**values) for name, values in sections.items()}
        config = ClientConfig(**given, **made, headers=fields)
    except ConfigError:
        pass
    assume(config is not None)
    assert config is not None
    return config


def variables(config: ClientConfig, text: str) -> dict[str, str]:
    """Return the environment that the file asks for."""
    tree = tomli.loads(text)
    environ: dict[str, str] = {}
    for name, value in tree.get(HEADERS, {}).items():
        if (match := re.fullmatch(r"\$\{env:(WSSDK_\w+)\}", value, re.ASCII)) is not None:
            assert match[1] not in environ, "two headers of one variable"
            environ[match[1]] = config.headers[name]
    for option, grammar in OPTIONS.items():
        if grammar.secret and option[-1] in tree.get(option[0], {}):
            reference = tree[option[0]][option[-1]]
            environ[reference["env"]] = value_of(config, option).reveal()
    return environ


@contextmanager
def saved(text: str) -> Iterator[str]:
    """Write a file into a folder that is the current one for the time being."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            Path("service.toml").write_bytes(text.encode())
            yield "service.toml"
        finally:
            os.chdir(before)


def with_secret_headers(config: ClientConfig) -> ClientConfig:
    """Return what comes back: every header that has a value is a secret by then."""
    headers = [(name, Secret(value)) for name, value in config.headers.raw_items()]
    return attrs.evolve(config, headers=headers)


@untimed
@given(config=configs())
@example(ClientConfig(uri="ws://h", headers={"X_Y": Secret("a"), "X-Y": Secret("b")}))
@example(ClientConfig(uri="ws://h", headers={"X.Y": "a"}))
@example(ClientConfig(uri="ws://h", headers={"X": "${env:A}"}))
def test_a_config_comes_back_from_its_file_or_is_refused(config: ClientConfig) -> None:
    try:
        text = config.to_toml()
    except ConfigError as error:
        event("refused")
        named = {problem.path.split(".")[0] for problem in error.problems}
        assert named <= {field.name for field in attrs.fields(ClientConfig)}
        return
    environ = variables(config, text)
    with saved(text) as file:
        alone = ClientConfig.load(file, env_prefix=None, environ=environ)
        beside_its_variables = ClientConfig.load(file, environ=environ)
        again = ClientConfig.load(file, environ=environ).to_toml()
    assert alone == with_secret_headers(config)
    assert beside_its_variables == alone
    assert hash(beside_its_variables) == hash(alone)
    assert again == re.sub(r"# a secret.*\n", "", text)


ENVIRONMENT: Mapping[str, st.SearchStrategy[str]] = {
    "WSSDK_AUTH__TOKEN": secrets,
    "WSSDK_PROXY": st.sampled_from(["false", "true", "http://p"]),
    "WSSDK_PROXY__USERNAME": st.just("u"),
    "WSSDK_PROXY__PASSWORD": secrets,
    "WSSDK_TLS__CA_FILE": paths,
    "WSSDK_NETWORK__UNIX_PATH": paths,
    "WSSDK_HEADERS__X_Y": HEADER_VALUES,
    "WSSDK_HEADERS__X_Z": HEADER_VALUES,
    "WSSDK_ORIGIN": texts,
}
written_headers = st.dictionaries(
    st.sampled_from(["X-Y", "X_Y", "X.Y", "x-z", "X_Z"]),
    st.sampled_from(
        ["a", "", "${env:A}", "Bearer ${env:A}", "a ${env:A}", "$${env:A}", "${env:A}${env:B}", "${env:C:-}"]
    ),
)


@untimed
@given(
    environ=st.fixed_dictionaries({}, optional=dict(ENVIRONMENT)),
    headers=written_headers,
    token=st.booleans(),
)
def test_a_loaded_config_comes_back_from_its_file_or_is_refused(
    environ: dict[str, str], headers: dict[str, str], token: bool
) -> None:
    lines = ['uri = "wss://h"', *(['auth.token = { env = "A" }'] if token else []), "[headers]"]
    lines += [f'"{name}" = "{value}"' for name, value in headers.items()]
    given_ = {**environ, "A": "one", "B": "two"}
    with saved("\n".join(lines)) as file:
        try:
            config = ClientConfig.load(file, environ=given_)
            text = config.to_toml()
        except ConfigError:
            event("refused")
            return
        Path("service.toml").write_bytes(text.encode())
        again = ClientConfig.load(file, environ={**given_, **variables(config, text)})
    # What was a literal in the file is a secret by now.
    assert again == attrs.evolve(config, headers=again.headers)
    assert list(again.headers.raw_items()) == list(config.headers.raw_items())
    assert again.headers.secret_names >= config.headers.secret_names


changes = st.dictionaries(
    st.sampled_from(
        ["headers.X-Y", "headers.X_Y", "headers.X.Y", "headers.x-z", "auth.token", "tls.ca_file"]
    ),
    st.sampled_from(["a", "hush", "one", "Bearer one", "none", None]),
    max_size=3,
)


@untimed
@given(
    environ=st.fixed_dictionaries({}, optional=dict(ENVIRONMENT)), headers=written_headers, changes=changes
)
@example({"WSSDK_HEADERS__X_Y": "hush"}, {}, {"headers.X_Y": "a", "headers.X-Y": "hush"})
def test_a_loaded_config_that_was_changed_comes_back_from_its_file_or_is_refused(
    environ: dict[str, str], headers: dict[str, str], changes: dict[str, Any]
) -> None:
    lines = ['uri = "wss://h"', "[headers]", *(f'"{name}" = "{value}"' for name, value in headers.items())]
    below = {"A": "one", "B": "two"}
    with saved("\n".join(lines)) as file:
        try:
            config = ClientConfig.load(file, environ={**environ, **below}).evolve(changes)
            text = config.to_toml()
        except ConfigError:
            event("refused")
            return
        Path("service.toml").write_bytes(text.encode())
        again = ClientConfig.load(file, environ={**below, **variables(config, text)})
    assert again == with_secret_headers(config)
