"""Whatever is written anywhere gives a configuration or a ConfigError, and no secret is told."""

from __future__ import annotations

import contextlib
import difflib
import os
import pickle
import re
import string
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import jsonschema
import tomli
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.support.config_errors import takes
from wssdk import config_grammar, config_words
from wssdk.config import ClientConfig
from wssdk.config_headers import FrozenHeaders
from wssdk.config_marks import Marks
from wssdk.config_rules import option_fields
from wssdk.config_schema import OPTIONS, SECTIONS, environment_name
from wssdk.config_sources import find_problems
from wssdk.config_values import BadValue, Dialect, describe, nearest
from wssdk.errors import ConfigError
from wssdk.secret import Secret

HUSH = "hUsH"

# The first call of some learns classes, and machines are of many speeds.
untimed = settings(deadline=None)

names = st.one_of(
    st.sampled_from(
        sorted({name for option in OPTIONS for name in option} | {"headers", "connections", "a"})
    ),
    st.sampled_from(["opne", "open_timeout", "", "a.b", "é", "x y", "token", '"', "#"]),
    st.text(max_size=5),
)
texts = st.one_of(
    st.sampled_from(
        [
            "wss://h",
            "ws://u:p@h/?token=t",
            "10s",
            "1 MiB",
            "none",
            "true",
            "auto",
            "1.2",
            "${env:A}",
            "",
            "\n",
        ]
    ),
    st.text(max_size=20),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(),
    texts,
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(names, st.one_of(scalars, st.lists(texts, max_size=1)), max_size=2),
)
options = st.sampled_from(sorted({name for option in OPTIONS for name in option}))
sections = st.dictionaries(options, values, max_size=3)
trees = st.dictionaries(
    names, st.one_of(values, sections, st.dictionaries(names, sections, max_size=2)), max_size=4
)


def toml_key(key: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08X}" for char in key) + '"'


def toml_value(value: Any) -> str:
    if value is None:
        return "false"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_key(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{toml_key(name)} = {toml_value(inner)}" for name, inner in value.items()) + "}"
        )
    return repr(value)


def to_toml(tree: Mapping[str, Any]) -> str:
    return "".join(f"{toml_key(name)} = {toml_value(value)} # {HUSH}\n" for name, value in tree.items())


def storable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


def load(text: str, **arguments: Any) -> ClientConfig | ConfigError:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            return ClientConfig.load(file, **arguments)
        except ConfigError as error:
            return error


def told(error: ConfigError) -> str:
    assert error.problems
    assert error.__context__ is None
    return "".join(traceback.format_exception(error)) + repr(error.problems)


@untimed
@given(tree=trees, connection=st.sampled_from([None, "a"]))
def test_any_tree_gives_a_config_or_a_config_error(tree: dict[str, Any], connection: str | None) -> None:
    text = storable(to_toml(tree))
    load(text, environ={}, connection=connection)


good_or_bad = st.fixed_dictionaries(
    {},
    optional={
        "uri": st.sampled_from(["wss://h", "http://h"]),
        "uris": st.sampled_from([["wss://h", "wss://i"], [], 5]),
        "auth": st.fixed_dictionaries({"token": st.sampled_from(["t", {"env": "NOT_SET"}, {"evn": "A"}])}),
        "headers": st.fixed_dictionaries({}, optional={"Authorization": st.just("x"), "X": st.just("\n")}),
        "reconnect": st.fixed_dictionaries(
            {}, optional={"min": st.sampled_from([1, 5]), "max": st.sampled_from([2, "x"])}
        ),
        "opne": st.just(1),
    },
)


@untimed
@given(top=good_or_bad, connections=st.none() | st.dictionaries(st.sampled_from("ab"), good_or_bad))
def test_what_is_checked_is_what_loads(
    top: dict[str, Any], connections: dict[str, dict[str, Any]] | None
) -> None:
    text = to_toml(top if connections is None else {**top, "connections": connections})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        file.write_text(text)
        problems = find_problems((file,))
        each = [load(text, environ={}, connection=name) for name in connections or [None]]
        found: list[object] = []
        try:
            found = list(ClientConfig.load_all(file, env_prefix=None).values())
        except ConfigError as error:
            found = list(error.problems)
    if connections:
        assert found == (problems or each)
    else:
        assert isinstance(each[0], ClientConfig) == (problems == [])
        assert problems or found == []


@untimed
@given(data=st.binary(max_size=40) | st.binary(max_size=20).map(b'uri = "ws://h"\n'.__add__))
def test_any_bytes_of_a_file_give_a_config_or_a_config_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        file.write_bytes(data)
        with contextlib.suppress(ConfigError):
            ClientConfig.from_toml(file)


FROZEN = (type(None), bool, int, float, str, Secret, FrozenHeaders)


def is_frozen(value: object) -> bool:
    if attrs.has(type(value)):
        return all(is_frozen(getattr(value, field.name)) for field in option_fields(type(value)))
    return all(map(is_frozen, value)) if type(value) is tuple else isinstance(value, FROZEN)


good = st.fixed_dictionaries(
    {},
    optional={
        "origin": st.sampled_from(["https://o", False]),
        "subprotocols": st.sampled_from([[], ["a", "b"]]),
        "headers": st.dictionaries(st.sampled_from(["X-A", "X-B"]), st.text("ab ", max_size=3)),
        "timeouts": st.fixed_dictionaries({}, optional={"open": st.sampled_from(["5s", 0.25, False])}),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "max_size": st.sampled_from(["1 MiB", [5, 3], [False, 3], False]),
                "max_queue": st.sampled_from([5, [5, 2], False]),
            },
        ),
        "tls": st.fixed_dictionaries(
            {}, optional={"ca_file": st.just("ca.pem"), "pinned_sha256": st.just(["0" * 64])}
        ),
        "network": st.fixed_dictionaries({}, optional={"tcp_keepalive": st.just([60, False, 5])}),
        "proxy": st.sampled_from([False, "http://proxy:3128", {"username": "u", "password": "p"}]),
        "reconnect": st.sampled_from([True, False, {"factor": 1.5, "retry_status": [500]}]),
    },
)


@untimed
@given(tree=good)
def test_a_loaded_config_is_a_frozen_value_and_comes_back_from_its_file(tree: dict[str, Any]) -> None:
    config = load(to_toml({"uri": "wss://h", **tree}), environ={})
    assert isinstance(config, ClientConfig)
    assert is_frozen(config)
    again = pickle.loads(pickle.dumps(config))
    assert (again, hash(again)) == (config, hash(config))
    assert str(again.explain()).split() == str(config.explain()).split()
    variables = {"WSSDK_PROXY__PASSWORD": "p"}
    for name, value in config.headers.items():
        variables[f"WSSDK_{environment_name(('headers', name))}"] = value or "empty"
    written = load(config.to_toml(), env_prefix=None, environ=variables)
    assert isinstance(written, ClientConfig)
    assert list(written.headers) == list(config.headers)
    assert attrs.evolve(written, headers=config.headers, tls=config.tls) == config


@untimed
@given(text=st.text(alphabet=string.printable + "é\ufeff\ud800", max_size=60))
@example("a = '''\n'")
@example("[a]\n[[a]]")
@example("a = 1\r")
def test_any_text_gives_a_config_or_a_config_error(text: str) -> None:
    load(text, environ={})


fragments = st.sampled_from(
    [
        "uri", "auth", "token", "headers", "X-Key", "opne", "timeouts", "open", "=", "=", ".", "[", "]", "[[",
        "]]", "{", "}", ",", "\n", "\n", " ", '"', "'", '"""', "'''", "#", "1", "10s", "true", "None", "\\",
        f'"{HUSH}"', f"'{HUSH}'", f"\"\"\"\n{HUSH}\n\"\"\"", f'"wss://u:{HUSH}@h"', f"{{ env = '{HUSH}' }}",
        f'auth.token = "{HUSH}"\n', f"[headers]\nX = '{HUSH}'\n", f"# {HUSH}\n", f'token = "{HUSH}" ',
        f'zzz = ["{HUSH}"]\n', f"key_password = '{HUSH}' 1\n", "[timeouts]\n", "open = None\n", "uri = 'ws://h'\n",
    ]
)  # fmt: skip


@untimed
@given(text=st.lists(fragments, max_size=12).map("".join))
@example(f'token = """\n{HUSH}\n""" 1')
@example(f'[auth]\ntoken = "{HUSH}" 1')
@example(f'auth = {{\ntoken = "{HUSH}"\n1')
def test_no_text_tells_a_secret(text: str) -> None:
    assume(not re.search(rf"{HUSH}[\"']+\s*[.=\]]", text))  # names that are unknown are told
    result = load(text, environ={})
    if isinstance(result, ConfigError):
        assert HUSH not in told(result)
    else:
        assert HUSH not in repr(result)


@untimed
@given(tree=trees)
def test_no_value_of_a_secret_option_is_told(tree: dict[str, Any]) -> None:
    text = storable(
        to_toml({**tree, "auth": {"token": HUSH + "\n", "x": HUSH}, "headers": {"X": f"{HUSH}\0"}})
    )
    result = load(text, environ={})
    assert isinstance(result, ConfigError)
    assert HUSH not in told(result)


variables = st.one_of(
    st.sampled_from([environment_name(option) for option in OPTIONS]),
    st.sampled_from(
        ["COMPRESSION", "PROXY", "RECONNECT", "AUTH__TOKEN_FILE", "HEADERS__X", "HEADERS__", "PORT"]
    ),
    st.text(alphabet=string.ascii_uppercase + "_", max_size=12),
    st.text(alphabet=string.ascii_uppercase + "_", max_size=6).map("CONNECTIONS__{}".format),
    st.text(max_size=5),
)


@untimed
@given(environ=st.dictionaries(variables.map("WSSDK_{}".format), texts | st.from_regex(r"-?[0-9.e]{1,5}")))
def test_any_environment_gives_a_config_or_a_config_error(environ: dict[str, str]) -> None:
    with contextlib.suppress(ConfigError):
        ClientConfig.from_env(environ=environ)


@untimed
@given(environ=st.dictionaries(st.binary(max_size=5), st.binary(max_size=20)))
def test_any_bytes_of_the_environment(environ: dict[bytes, bytes]) -> None:
    decoded = {"WSSDK_HEADERS__" + os.fsdecode(name): os.fsdecode(text) for name, text in environ.items()}
    with contextlib.suppress(ConfigError):
        ClientConfig.from_env(environ=decoded)


@untimed
@given(overrides=st.dictionaries(names | st.just("timeouts.open"), values | sections))
def test_any_overrides_give_a_config_or_a_config_error(overrides: dict[str, Any]) -> None:
    with contextlib.suppress(ConfigError):
        ClientConfig.load(environ={}, overrides=overrides)


anything = st.one_of(
    values, st.binary(), st.tuples(scalars, scalars), st.builds(object), st.sets(st.integers())
)


@untimed
@given(
    name=st.sampled_from(sorted(SECTIONS)),
    chosen=st.lists(st.integers(0, 20), max_size=3),
    value=anything,
)
def test_any_value_in_code_is_taken_or_refused(name: str, chosen: list[int], value: object) -> None:
    options = attrs.fields(SECTIONS[name])
    keywords = {options[number % len(options)].name: value for number in chosen}
    with contextlib.suppress(ConfigError):
        section = SECTIONS[name](**keywords)
        assert attrs.evolve(section) == section
        assert hash(attrs.evolve(section)) == hash(section)
        assert pickle.loads(pickle.dumps(section)) == section


grammars = st.sampled_from(
    [
        getattr(module, name)
        for module in (config_grammar, config_words)
        for name in module.__all__
        if name[0].islower() and name not in ("header_fault", "is_token", "token_size")
    ]
)


@untimed
@given(function=grammars, value=anything)
def test_grammar_is_total_and_idempotent(function: Any, value: object) -> None:
    with contextlib.suppress(BadValue):
        once = function(value)
        assert function(once) == once
        assert type(function(once)) is type(once)


@untimed
@given(value=anything, dialect=st.sampled_from(Dialect), shown=st.booleans())
def test_any_value_can_be_described(value: object, dialect: Dialect, shown: bool) -> None:
    text = describe(value, dialect, shown=shown)
    assert text
    assert text.isprintable()


@untimed
@given(pairs=st.lists(st.tuples(st.sampled_from(["A", "a", "B"]), st.text(max_size=2))))
def test_headers_are_a_mapping(pairs: list[tuple[str, str]]) -> None:
    headers = FrozenHeaders(pairs)
    assert len(headers) == len(list(headers))
    assert all(name in headers for name in headers)
    assert headers == FrozenHeaders((name.swapcase(), value) for name, value in pairs)


@untimed
@given(tree=trees)
def test_every_key_and_value_is_found_where_it_stands(tree: dict[str, Any]) -> None:
    text = storable(to_toml(tree))
    marks = Marks(text).read()
    for name, value in tomli.loads(text).items():
        key, place = marks.by_path[(name,)]
        assert place is not None
        alone = tomli.loads(f"{text[slice(*key)]} = {text[slice(*place)]}")
        assert repr(alone) == repr({name: value})
    assert [text[slice(*span)] for span in marks.comments] == [f"# {HUSH}"] * len(tree)


@untimed
@given(
    open_=st.floats(0.001, 10**6),
    size=st.integers(1, 2**40),
    unit=st.sampled_from(["", "B", "kB", "MiB"]),
)
def test_toml_environment_and_code_agree(open_: float, size: int, unit: str) -> None:
    from_toml = load(
        f'uri = "ws://h"\ntimeouts.open = "{open_:f}s"\nlimits.max_size = "{size} {unit}"', environ={}
    )
    from_env = ClientConfig.from_env(
        environ={
            "WSSDK_URI": "ws://h",
            "WSSDK_TIMEOUTS__OPEN": f"{open_:f}s",
            "WSSDK_LIMITS__MAX_SIZE": f"{size} {unit}",
        }
    )
    from_connect = ClientConfig.from_connect("ws://h", open_timeout=f"{open_:f}s", max_size=f"{size} {unit}")
    assert from_toml == from_env == from_connect


def ecmascript(
    validator: Any, pattern: str, instance: object, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """Search as JSON schema means it: there ``$`` is the end, and not the last line break before it."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$(?=\Z|[)|])", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


SCHEMA = ClientConfig.json_schema()
Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft7Validator, {"pattern": ecmascript}
)
VALIDATOR = Validator(SCHEMA)

amounts = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "", "+", "-", " ", "\t"]),
    st.integers(0, 2**64).map(str)
    | st.integers(0, 20).map(str)
    | st.sampled_from(["1000000000", "16666666", "277777", "9223372036854775807", "00", "0" * 21]),
    st.sampled_from(["", "", ".5", ".0", ".6", ".66", ".67", ".7", ".78", ".125", ".", ".1234567890"]),
    st.sampled_from(["", "", " ", "  ", "\u00a0"]),
    st.sampled_from(["", "ms", "s", "m", "h", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB", "mb", "S", " "]),
)
words = st.sampled_from(["auto", "any", "debug", "ipv4", "1.2", "none", "", "a", "Host", "SEC-websocket-x"])
written = st.one_of(
    amounts,
    words,
    st.sampled_from(["a\n", "\x7f", "ab:" * 32]),
    st.text(max_size=5),
    st.booleans(),
    st.integers(-2, 20),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()),
    st.sampled_from([599, 600, 300, 10**9, 10**9 + 1, 2**30, 2**30 + 1, 2**63]),
)
written_anyhow = written | st.lists(written | st.sampled_from([1, 2, 408]), max_size=3)

# What no schema can tell: whether a URI can be parsed, and whether a size is a whole number of bytes.
BINARY = re.compile(r"\.[0-9]+ *[KMG]iB")


def is_untold(option: tuple[str, ...], value: object) -> bool:
    if isinstance(value, list):
        numbers = option in (("limits", "max_size"), ("limits", "max_queue"), ("limits", "write_limit"))
        # The order of two.
        return numbers or option == ("uris",) or any(is_untold(option, item) for item in value)
    return option in (("uri",), ("uris",), ("proxy", "url")) or bool(
        isinstance(value, str) and BINARY.search(value)
    )


@untimed
@given(option=st.sampled_from(sorted(OPTIONS)), value=written_anyhow)
@example(("timeouts", "open"), "277777.78 h")
@example(("limits", "max_size"), "-0")
@example(("limits", "read_limit"), "1 GiB")
@example(("limits", "read_limit"), "1.1 GiB")
@example(("limits", "read_limit"), 2**30)
@example(("auth", "header"), "host")
@example(("tls", "ca_file"), "file:///ca.pem")
@example(("tls", "ca_file"), "c://ca.pem")
@example(("network", "unix_path"), "@unix://x")
def test_the_schema_takes_what_the_loader_takes(option: tuple[str, ...], value: object) -> None:
    tree = {option[0]: value} if len(option) == 1 else {option[0]: {option[1]: value}}
    if takes(option, value):
        assert VALIDATOR.is_valid(tree)
    elif not is_untold(option, value):
        assert not VALIDATOR.is_valid(tree)


def outcome(load: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Return what was loaded, and the problems with it."""
    try:
        return load(), []
    except ConfigError as error:
        return None, [str(problem) for problem in error.problems]


# Such that most of what comes of them can be loaded, and rules between sections have something to break.
connection_lines = st.lists(
    st.sampled_from(
        [
            'uri = "wss://h"',
            'uri = "ws://h"',
            'uris = ["wss://h"]',
            "tls.verify = false",
            'tls.key_file = "f"',
            'tls.cert_file = "f"',
            'auth.token = "t"',
            'auth.token = { env = "A" }',
            'auth.header = "X-A"',
            'headers.X-A = "a"',
            'headers.X_A = "${env:A}"',
            'headers.X-B = "b"',
            "headers.X-B = 1",
            "timeouts.open = 1",
            "timeouts.open = 0",
            "reconnect.min = 70",
            "reconnect.enabled = false",
            "reconnect.max = 80",
            'network.unix_path = "s"',
            "network.local_port = 1",
            "opne = 1",
        ]
    ),
    max_size=4,
    unique_by=lambda line: line.partition(" ")[0],
)
environments = st.dictionaries(
    st.sampled_from(
        [
            "WSSDK_URI",
            "WSSDK_TLS__CHECK_HOSTNAME",
            "WSSDK_HEADERS__X_A",
            "WSSDK_CONNECTIONS__A__HEADERS__X_A",
            "WSSDK_CONNECTIONS__B__TIMEOUTS__OPEN",
            "WSSDK_CONNECTIONS__A__URIS",
        ]
    ),
    st.sampled_from(["wss://e", "false", "1"]),
    max_size=2,
)


@untimed
@given(top=connection_lines, a=connection_lines, b=connection_lines, environ=environments)
def test_connections_together_are_what_each_is_by_itself(
    top: list[str], a: list[str], b: list[str], environ: dict[str, str]
) -> None:
    lines = [*top, "[connections.a]", *a, "[connections.b]", *b]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        file.write_text("\n".join(lines), encoding="utf-8")
        together, told = outcome(lambda: ClientConfig.load_all(file, environ={"A": "a", **environ}))
        alone, wanted = {}, set()
        for name in ("a", "b"):
            alone[name], problems = outcome(
                partial(ClientConfig.load, file, connection=name, environ={"A": "a", **environ})
            )
            wanted.update(problems)
        _, of_top = outcome(lambda: ClientConfig.load(file, environ={"A": "a", **environ}))
        assert len(set(told)) == len(told)
        # What is wrong at the top level is told, too, where both connections have something else.
        assert wanted <= set(told) <= wanted | set(of_top)
        if not told:
            assert together == alone
            assert {name: str(config.explain()) for name, config in together.items()} == {
                name: str(config.explain()) for name, config in alone.items()
            }


@untimed
@given(word=st.text(string.ascii_letters + "._é", max_size=12), choices=st.lists(names | st.text(max_size=8)))
def test_the_nearest_is_the_one_that_difflib_finds(word: str, choices: list[str]) -> None:
    by_fold: dict[str, str] = {}
    for choice in choices:
        by_fold.setdefault(choice.casefold(), choice)
    by_fold.pop("", None)
    found = difflib.get_close_matches(word.casefold(), by_fold, 1, 0.6)
    assert nearest(word, choices) == (by_fold[found[0]] if found else None)
