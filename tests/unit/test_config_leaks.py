"""A secret in any place where a value can stand is in nothing that an error shows: tracebacks included."""

from __future__ import annotations

import io
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

import wssdk
from tests.support.config_errors import Write, file_writer
from wssdk import (
    Auth,
    ClientConfig,
    ConfigError,
    ConnectionFactory,
    InvalidURI,
    Logging,
    Network,
    Proxy,
    Timeouts,
    Tls,
    connect,
    load_factories,
)

HUSH = "hUsH-7"
LIBRARY = str(Path(wssdk.__file__).parent)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def chained(error: BaseException | None) -> list[BaseException]:
    """Return an error and all that it is chained to."""
    found: list[BaseException] = []
    pending = [error]
    while pending:
        one = pending.pop()
        if one is not None and one not in found:
            found.append(one)
            pending += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return found


def locals_shown(error: BaseException) -> str:
    """Return the local variables of all frames but the caller's, which are its own affair."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.stack if frame.filename != __file__]
    assert any(frame.filename.startswith(LIBRARY) for frame in frames), "no frame of the library"
    return "".join(f"{frame.name}: {frame.locals}\n" for frame in frames)


def logged(error: BaseException) -> str:
    """Return what a logger writes of an error."""
    stream = io.StringIO()
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "%r %s", (error, error), None)
    record.exc_info = (type(error), error, None)
    stream.write(logging.Formatter().format(record))
    return stream.getvalue()


def everything_shown(error: BaseException) -> str:
    again = pickle.loads(pickle.dumps(error))
    shown = [logged(error), str(again), repr(again), repr(vars(again)), str(pickle.dumps(error))]
    for one in chained(error):
        shown += [str(one), repr(one), repr(one.args), repr(vars(one)), locals_shown(one)]
        shown += getattr(one, "__notes__", [])
    return "\n".join(shown)


def told_of(call: Callable[[], object]) -> str:
    with pytest.raises((ConfigError, InvalidURI)) as caught:
        call()
    return everything_shown(caught.value)


IN_FILES = {
    "a literal of the wrong type": f'auth.token = ["{HUSH}"]',
    "a literal with a control character": f'auth.token = "{HUSH}\\n"',
    "a literal beside what is wrong": f'auth = {{ token = "{HUSH}", scheme = 5 }}',
    "a literal that is overridden": f'auth.token = "{HUSH}"\n[connections.a]\nauth.token = 5',
    "a table in the place of a text": f'auth.token = {{ value = "{HUSH}" }}',
    "the name of a variable": f'auth.token = {{ env = "{HUSH}" }}',
    "a misspelt option": f'auth.tokn = "{HUSH}"',
    "an unknown table": f'[other]\npassword = "{HUSH}"',
    "a header": f'headers.X-Key = "{HUSH}\\n"',
    "a header that is not to be set": f'headers.Host = "{HUSH}"',
    "a reference in a header": f'headers.X-Key = "${{{HUSH}}}"',
    "the default of a reference": f'headers.X-Key = "${{env:NOT_SET:-{HUSH}}} ${{zzz}}"',
    "userinfo of the URI": f'uri = "wss://user:{HUSH}@h:x"',
    "the query of the URI": f'uri = "wss://h/?access_token={HUSH}#f"',
    "one of several URIs": f'uris = ["wss://h", "ws://user:{HUSH}@h"]',
    "the URL of a proxy": f'proxy = "ftp://user:{HUSH}@h"',
    "the URL of a proxy in a section": f'proxy = {{ url = "http://user:{HUSH}@h/path" }}',
    "a password without its user": f'proxy = {{ url = "http://h", password = "{HUSH}" }}',
    "a password of a key without a key": f'tls.key_password = "{HUSH}"',
    "a header that is set twice": f'auth.token = "{HUSH}"\nheaders.Authorization = "{HUSH}"',
    "a syntax error's line": f'[auth]\ntoken = "{HUSH}" 1',
    "a syntax error's line without quotes": f"[auth]\ntoken = {HUSH}",
    "a string without its end": f'auth.token = "{HUSH}',
    "a comment": f"opne = 1 # {HUSH}",
    "a scheme": f'auth.scheme = "Bearer {HUSH}"',
    "an origin": f'origin = "https://u:{HUSH}@h\\n"',
    "a subprotocol": f'subprotocols = ["bearer {HUSH}"]',
    "extends": f'extends = ["https://u:{HUSH}@h/?token={HUSH}", 5]',
    "a URI that is extended": f'extends = ["https://u:{HUSH}@h/?token={HUSH}"]',
    "a cut URI that is extended": f'extends = ["https:/u:{HUSH}@h/base.toml"]',
    "a URI in the place of a secret's file": f'auth.token = {{ file = "https://u:{HUSH}@h/" }}',
    "a cut URI in the place of a secret's file": f'auth.token = {{ file = "https:/u:{HUSH}@h/a/b" }}',
    "a token in the place of its file": f'auth.token = {{ file = "{HUSH}" }}',
    "a web token in the place of its file": f'auth.token = {{ file = "eyJh.{HUSH}.x" }}',
    "a secret in the place of a header's file": f'headers.X = "${{file:{HUSH}}}"',
    "a long token in the place of its file": f'auth.token = {{ file = "{HUSH * 50}" }}',
    "a key in quotes in the place of a token": f'auth.token = {{ "{HUSH}" = 1 }}',
    "a key in the place of a token": f"auth.token = {{ {HUSH} = {{ x = 1 }} }}",
    "a key in the place of a connection's token": f'[connections.a]\nauth.token."{HUSH}" = 1',
    "a subprotocol without brackets": f'subprotocols = "{HUSH}"',
    "the name of a header without brackets": f'network.keep_headers = "{HUSH}"',
    "a URI in the place of a header's file": f'headers.X = "${{file:https://u:{HUSH}@h/}}"',
    "a URI in the place of a path": f'tls.ca_file = "https://u:{HUSH}@h/ca.pem"',
    "a URI in the place of a socket": f'network.unix_path = "unix://u:{HUSH}@h/x"',
    "a URI in the place of another value": f'timeouts.open = "wss://u:{HUSH}@h"',
    "a cut URI in the place of another value": f'timeouts.open = "wss:/u:{HUSH}@h"',
    "a URI without its scheme": f'timeouts.open = "u:{HUSH}@h"',
    "a URI with an escape": f'timeouts.open = "wss:\\u002f/u:{HUSH}@h"',
    "a URI with an escape in single quotes": f"timeouts.open = 'wss:\\u002f/u:{HUSH}@h'",
    "an escape in single quotes": f"uri = 'wss:\\u002f/u:{HUSH}@h'",
    "an escape in a choice": f"network.family = 'wss:\\u002f/u:{HUSH}@h'",
    "an escape in a syntax error's line": f'uri = "wss:\\u002f/u:{HUSH}@h" 1',
    "an escape in single quotes in a syntax error's line": f"uri = 'wss:\\u002f/u:{HUSH}@h' 1",
    "an escape in a syntax error's line of another option": f"timeouts.open = 'wss:\\u002f/u:{HUSH}@h' 1",
    "a cut URI in a syntax error's line": f'timeouts.open = "wss:/u:{HUSH}@h" 1',
    "a cut URI without quotes": f"timeouts.open = wss:/u:{HUSH}@h",
    "a user agent in an array": f'user_agent = ["x (https://u:{HUSH}@h)"]',
}


@pytest.mark.parametrize("text", IN_FILES.values(), ids=IN_FILES)
@pytest.mark.parametrize("also", ["", "zzz = 1"], ids=["alone", "beside another fault"])
def test_files(write: Write, text: str, also: str) -> None:
    uri = "" if text.startswith(("uri", "extends")) else 'uri = "wss://h"\n'
    file = write(f"{also}\n{uri}{text}\n")
    told = told_of(
        lambda: ClientConfig.load(file, connection="a" if "connections" in text else None, environ={})
    )
    assert HUSH not in told


def test_a_file_that_is_extended(write: Write) -> None:
    write(f'auth.token = "{HUSH}"\nheaders.X = "{HUSH}"\nopne = 1', "base.toml")
    assert HUSH not in told_of(lambda: ClientConfig.from_toml(write('extends = ["base.toml"]')))


def test_a_uri_in_the_place_of_a_file() -> None:
    assert HUSH not in told_of(lambda: ClientConfig.from_toml(f"https://u:{HUSH}@h/service.toml"))


def test_a_cut_uri_in_the_place_of_a_file() -> None:
    assert HUSH not in told_of(lambda: ClientConfig.from_toml(f"https:/u:{HUSH}@h/service.toml"))


def test_the_file_of_a_secret(write: Write) -> None:
    write(f"{HUSH}\n{HUSH}", "secret.txt")
    file = write('uri = "wss://h"\nauth.token = { file = "secret.txt" }')
    assert HUSH not in told_of(lambda: ClientConfig.from_toml(file))


IN_VARIABLES = {
    "a token": {"WSSDK_AUTH__TOKEN": f"{HUSH}\n"},
    "a misspelt token": {"WSSDK_AUTH__TOKN": HUSH},
    "a token and its file": {"WSSDK_AUTH__TOKEN": HUSH, "WSSDK_AUTH__TOKEN_FILE": "x"},
    "a header": {"WSSDK_HEADERS__X_KEY": f"{HUSH}\n"},
    "a URI": {"WSSDK_URI": f"wss://u:{HUSH}@h:x"},
    "the query of a URI": {"WSSDK_URI": f"wss://h/?token={HUSH}#f"},
    "a proxy": {"WSSDK_PROXY": f"ftp://u:{HUSH}@h"},
    "a scheme": {"WSSDK_AUTH__SCHEME": f"Bearer {HUSH}"},
    "the file of a token": {"WSSDK_AUTH__TOKEN_FILE": f"https://u:{HUSH}@h/"},
    "a token in the place of its file": {"WSSDK_AUTH__TOKEN_FILE": HUSH},
    "a password in the place of its file": {"WSSDK_PROXY__USERNAME": "u", "WSSDK_PROXY__PASSWORD_FILE": HUSH},
    "a path": {"WSSDK_TLS__CA_FILE": f"https://u:{HUSH}@h/"},
    "a choice": {"WSSDK_NETWORK__FAMILY": f"https:/u:{HUSH}@h/"},
    "a variable that is none of ours": {"WSSDK_LIMITS__MAX_SIZE": "x", "PASSWORD": HUSH},
}


@pytest.mark.parametrize("environ", IN_VARIABLES.values(), ids=IN_VARIABLES)
def test_variables(environ: dict[str, str]) -> None:
    given = {"WSSDK_URI": "wss://h", "WSSDK_ZZZ": "1", **environ}
    assert HUSH not in told_of(lambda: ClientConfig.from_env(environ=given))


def test_variables_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "WSSDK_AUTH__TOKEN", f"{HUSH}\n")
    assert HUSH not in told_of(ClientConfig.from_env)


IN_CODE: dict[str, Callable[[], object]] = {
    "a token": lambda: Auth(token=f"{HUSH}\n"),
    "a token beside what is wrong": lambda: Auth(token=HUSH, header="a b"),
    "a token of the wrong type": lambda: Auth(token=[HUSH]),  # type: ignore[arg-type]
    "a scheme": lambda: Auth(scheme=f"Bearer {HUSH}"),
    "a password without a user": lambda: Proxy(password=HUSH),
    "a URL of a proxy": lambda: Proxy(url=f"ftp://u:{HUSH}@h"),
    "a password without a key": lambda: Tls(key_password=HUSH),
    "a header": lambda: ClientConfig(headers={"X": f"{HUSH}\n"}),
    "headers of the wrong type": lambda: ClientConfig(headers=[HUSH]),  # type: ignore[list-item]
    "a header that is set twice": lambda: ClientConfig(
        headers={"Authorization": HUSH}, auth=Auth(token=HUSH)
    ),
    "a URI": lambda: ClientConfig(uri=f"wss://u:{HUSH}@h:x"),
    "a token in the place of a section": lambda: ClientConfig(auth=HUSH),  # type: ignore[arg-type]
    "overrides": lambda: ClientConfig.load(environ={}, overrides={"auth.token": f"{HUSH}\n"}),
    "overrides beside what is wrong": lambda: ClientConfig.load(
        environ={}, overrides={"auth": {"token": HUSH}, "zzz": HUSH}
    ),
    "changes": lambda: ClientConfig(auth=Auth(token=HUSH)).evolve({"headers.X": f"{HUSH}\n"}),
    "changes of a section, and of a URI": lambda: ClientConfig(uri=f"wss://u:{HUSH}@h").evolve(
        {"origin": f"https://u:{HUSH}@h"}, auth=5, uri=f"wss://u:{HUSH}@i"
    ),
    "a path": lambda: Tls(ca_file=f"https://u:{HUSH}@h"),
    "a user agent": lambda: ClientConfig(user_agent=f"x (https://u:{HUSH}@h)\n"),
    "what is to be written of a user agent": lambda: ClientConfig(
        user_agent=f"x (https://h) https://u:{HUSH}@h"
    ).to_toml(),
    "what is to be written of a host": lambda: ClientConfig(network=Network(host=f"u:{HUSH}@h")).to_toml(),
    "another URI": lambda: ClientConfig(tls=Tls(ca_file="c")).with_uri(f"ws://u:{HUSH}@h"),
    "a URI that is none": lambda: ClientConfig().with_uri(f"http://u:{HUSH}@h"),
    "what is to be written": lambda: ClientConfig(uri=f"wss://u:{HUSH}@h").to_toml(),
    "keywords": lambda: ClientConfig.from_connect("ws://h", additional_headers={"X": f"{HUSH}\n"}),
    "the URI of keywords": lambda: ClientConfig.from_connect(f"http://u:{HUSH}@h"),
    "connect()": lambda: connect(f"wss://u:{HUSH}@h", additional_headers={"X": HUSH}, open_timeout=0),
    "the URI of connect()": lambda: connect(f"http://u:{HUSH}@h/?token={HUSH}"),
    "the proxy of connect()": lambda: connect("ws://h", proxy=f"ftp://u:{HUSH}@h"),
    "load_factories()": lambda: load_factories(environ={}, overrides={"auth": {"token": HUSH}}),
}


@pytest.mark.parametrize("call", IN_CODE.values(), ids=IN_CODE)
def test_code(call: Callable[[], object]) -> None:
    assert HUSH not in told_of(call)


OF_PYTHON: dict[str, Callable[[], object]] = {
    "an unknown keyword of connect()": lambda: ClientConfig.from_connect(
        "ws://h",
        additional_headers={"X": HUSH},
        bogus=1,  # type: ignore[call-arg]
    ),
    "an unknown keyword of load()": lambda: ClientConfig.load(
        environ={"WSSDK_AUTH__TOKEN": HUSH},
        bogus=HUSH,  # type: ignore[call-arg]
    ),
    "overrides of the wrong type": lambda: ClientConfig.load(
        environ={"WSSDK_AUTH__TOKEN": HUSH},
        overrides=[HUSH],  # type: ignore[arg-type]
    ),
    "a prefix of nothing": lambda: ClientConfig.load(
        environ={"WSSDK_AUTH__TOKEN": HUSH}, env_prefix="", overrides={"auth.token": HUSH}
    ),
    "changes of the wrong type": lambda: ClientConfig().evolve([HUSH]),  # type: ignore[arg-type]
    "an unknown keyword of a section": lambda: Auth(token=HUSH, bogus=HUSH),  # type: ignore[call-arg]
    "an unknown change of a factory": lambda: ConnectionFactory(ClientConfig()).evolve(bogus=HUSH),
}


@pytest.mark.parametrize("call", OF_PYTHON.values(), ids=OF_PYTHON)
def test_errors_of_python(call: Callable[[], object]) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    assert not isinstance(raised.value, ConfigError)
    assert HUSH not in str(raised.value) + locals_shown(raised.value)
    assert all(error is raised.value for error in chained(raised.value))


SHOWN: dict[str, ClientConfig] = {
    "a token": ClientConfig(auth=Auth(token=HUSH)),
    "a header": ClientConfig(headers={"X": HUSH}),
    "a URI": ClientConfig(uri=f"wss://u:{HUSH}@h/?token={HUSH}"),
    "one of several URIs": ClientConfig(uris=["wss://a", f"wss://u:{HUSH}@h/?token={HUSH}"]),
    "the URL of a proxy": ClientConfig(proxy=f"http://u:{HUSH}@p"),
    "an origin": ClientConfig(origin=f"https://u:{HUSH}@h"),
    "a user agent": ClientConfig(user_agent=f"bot/1.0 (+https://example.com/; https://u:{HUSH}@h)"),
    "a user agent that is a cut URI": ClientConfig(user_agent=f"https:/u:{HUSH}@h"),
    "a host": ClientConfig(network=Network(host=f"wss://u:{HUSH}@h")),
    "the name of a logger": ClientConfig(logging=Logging(logger=f"https://u:{HUSH}@h")),
}


@pytest.mark.parametrize("config", SHOWN.values(), ids=SHOWN)
def test_a_configuration_that_is_shown(config: ClientConfig) -> None:
    parts = [getattr(config, field.name) for field in attrs.fields(ClientConfig) if field.name != "uri"]
    sections = [part for part in parts if attrs.has(type(part))]
    shown = [repr(config), str(config), repr(attrs.asdict(config)["auth"]), *map(repr, sections)]
    explained = config.explain()
    assert HUSH not in "\n".join([*shown, str(explained), repr(explained)])


def test_a_frame_of_the_library_is_looked_at() -> None:
    def caught(call: Callable[[], Any]) -> BaseException:
        with pytest.raises(ConfigError) as info:
            call()
        return info.value

    assert "without_frames" in locals_shown(caught(lambda: Timeouts(open=0)))
