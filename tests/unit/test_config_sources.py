from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk.config import ClientConfig, Secret, Timeouts


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def environ(**variables: str) -> dict[str, str]:
    return {"WSSDK_URI": "wss://env"} | {f"WSSDK_{name}": text for name, text in variables.items()}


def from_env(**variables: str) -> ClientConfig:
    return ClientConfig.from_env(environ=environ(**variables))


# Layers.


def test_layers(write: Write) -> None:
    one = write(
        """
        uri = "ws://one"
        timeouts = { open = 1, close = 1, tls_handshake = 1, tls_shutdown = 1 }
        keepalive = { interval = 1, timeout = 1 }
        [connections.a.timeouts]
        tls_handshake = 3
        """,
        "one.toml",
    )
    two = write(
        """
        timeouts = { close = 2, tls_handshake = 2, tls_shutdown = 2 }
        [connections.a]
        timeouts.tls_shutdown = 4
        keepalive = { interval = 4 }
        """,
        "two.toml",
    )
    variables = {
        "WSSDK_KEEPALIVE__INTERVAL": "5",
        "WSSDK_KEEPALIVE__TIMEOUT": "5",
        "WSSDK_CONNECTIONS__A__KEEPALIVE__TIMEOUT": "6",
        "WSSDK_CONNECTIONS__A__LIMITS__MAX_SIZE": "6",
    }
    config = ClientConfig.load(
        one, two, connection="a", environ=variables, overrides={"limits": {"max_size": 7}}
    )
    timeouts, keepalive = config.timeouts, config.keepalive
    assert config.uri == "ws://one"
    assert (timeouts.open, timeouts.close) == (1, 2)
    assert (timeouts.tls_handshake, timeouts.tls_shutdown) == (3, 4)
    assert (keepalive.interval, keepalive.timeout, config.limits.max_size) == (5, 6, 7)


def test_connection_of_an_earlier_file_is_above_the_top_of_a_later_one(write: Write) -> None:
    one = write('uri = "ws://h"\n[connections.a]\norigin = "https://one"', "one.toml")
    two = write('origin = "https://two"', "two.toml")
    assert ClientConfig.load(one, two, connection="a", environ={}).origin == "https://one"


def test_arrays_are_replaced(write: Write) -> None:
    one = write('uri = "ws://h"\nsubprotocols = ["a", "b"]', "one.toml")
    two = write('subprotocols = ["c"]', "two.toml")
    assert ClientConfig.load(one, two, environ={}).subprotocols == ("c",)


def test_off_overrides_a_lower_layer(write: Write) -> None:
    file = write('uri = "ws://h"\norigin = "https://a"\ntimeouts.open = 5')
    config = ClientConfig.load(file, environ={"WSSDK_ORIGIN": "none", "WSSDK_TIMEOUTS__OPEN": "off"})
    assert (config.origin, config.timeouts.open) == (None, None)


def test_only_what_holds_is_checked(write: Write) -> None:
    file = write('uri = "ws://h"\nauth.token = { env = "MISSING" }\ntimeouts.open = 0')
    config = ClientConfig.load(file, environ={"WSSDK_AUTH__TOKEN": "t"}, overrides={"timeouts": {"open": 1}})
    assert (config.auth.token, config.timeouts.open) == (Secret("t"), 1)


def test_headers_merge_without_case(write: Write) -> None:
    one = write('uri = "ws://h"\nheaders = { X-One = "1", X-Two = "1", X_Three = "1" }', "one.toml")
    two = write('headers = { x-one = "2" }', "two.toml")
    config = ClientConfig.load(
        one,
        two,
        environ={"WSSDK_HEADERS__X_TWO": "3", "WSSDK_HEADERS__X_THREE": "3", "WSSDK_HEADERS__A_B": "3"},
    )
    assert tuple(config.headers.raw_items()) == (
        ("x-one", "2"),
        ("X-Two", "3"),
        ("X_Three", "3"),
        ("A-B", "3"),
    )


@pytest.mark.parametrize(
    "overrides",
    [
        {"timeouts": {"open": "5s"}},
        {"timeouts.open": 5},
        {"timeouts": Timeouts(open=5)},
        {"timeouts": {"close": 1}, "timeouts.open": 5},
        {"timeouts.open": 5, "timeouts": {"close": 1}},
    ],
)
def test_overrides(overrides: dict[str, Any]) -> None:
    config = ClientConfig.load(environ={}, overrides={"uri": "ws://h", **overrides})
    assert config.timeouts.open == 5


@pytest.mark.parametrize(
    ("overrides", "items"),
    [
        ({"headers": {"X.Y": "${env:A}"}}, (("X.Y", "${env:A}"),)),
        ({"headers.X.Y": "1"}, (("X.Y", "1"),)),
        ({"auth.token": Secret("t")}, (("Authorization", "Bearer t"),)),
        ({"auth.token": {"env": "A"}}, (("Authorization", "Bearer a"),)),
        ({"compression": None}, ()),
        ({"compression": False}, ()),
    ],
)
def test_headers_by_overrides(overrides: dict[str, Any], items: object) -> None:
    config = ClientConfig.load(environ={"A": "a"}, overrides={"uri": "ws://h", **overrides})
    assert config.header_items == items


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"timeouts.opne": 5}, "unknown option 'timeouts.opne'"),
        ({"opne": 5}, "unknown option 'opne'"),
        ({"open_timeout": 5}, "unknown option 'open_timeout'"),
        ({"timeout.open": 5}, "unknown option 'timeout.open'"),
        ({"timeouts": 5}, "timeouts: expected a table, got an int"),
        ({5: 5}, "unknown option '5'"),
        ({"timeouts": {5: 5}}, "unknown option 'timeouts.5'"),
        ({"timeouts": 5, "timeouts.open": 5}, "timeouts: expected a table, got an int"),
        ({"connections": {"a": {}}}, "connections: overrides are for the connection that is loaded"),
        ({"network.port": 0}, "network.port: expected a port from 1 to 65535, or None, got 0"),
        ({"network": {"port": "5"}}, "network.port: expected a port from 1 to 65535, or None, got '5'"),
    ],
)
def test_bad_overrides(overrides: dict[Any, Any], message: str) -> None:
    problems = problems_of(lambda: ClientConfig.load(environ={}, overrides={"uri": None, **overrides}))
    assert problems[0].where == "code"
    assert problems[0].message.startswith(message)


def test_value_and_rule_are_told_together(write: Write) -> None:
    file = write(
        'uri = "ws://h"\nreconnect.max = 2\ntls = { verify = 5, key_file = "a" }\nlimits.max_size = 0'
    )
    problems = problems_of(lambda: ClientConfig.from_toml(file))
    assert [problem.path for problem in problems] == [
        "reconnect.max",
        "tls.verify",
        "tls.key_file",
        "limits.max_size",
    ]


@pytest.mark.parametrize(
    "text",
    [
        'tls = { cert_file = 5, key_file = "a" }',
        'reconnect = { min = "x", max = 2 }',
        "network = { local_host = 5, local_port = 5 }",
    ],
)
def test_rule_is_silent_where_its_other_option_is_bad(write: Write, text: str) -> None:
    file = write(f'uri = "wss://h"\n{text}')
    assert len(problems_of(lambda: ClientConfig.from_toml(file))) == 1


def test_broken_rule_is_told_where_it_is_set(write: Write) -> None:
    file = write('uri = "ws://h"\n[tls]\nca_file = "a"')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert str(problem) == (
        "service.toml:3:11: tls.ca_file: a ws:// URI is opened without TLS\n"
        '  3 | ca_file = "a"\n'
        "    |           ^^^\n"
        "  hint: write wss:// in the URI, or leave the section tls out"
    )


def test_broken_rule_in_the_environment() -> None:
    problems = problems_of(lambda: from_env(TLS__KEY_FILE="a"))
    assert str(problems[0]) == (
        "environment variable WSSDK_TLS__KEY_FILE: a key needs its certificate\n  hint: set tls.cert_file"
    )


def test_several_rules_between_sections_are_told(write: Write) -> None:
    file = write(
        'uri = "ws://h"\ntls.verify = false\nauth.token = "t"\nheaders.Authorization = "x"\n'
        'tls.key_file = "k"\n'
    )
    problems = problems_of(lambda: ClientConfig.from_toml(file))
    assert sorted(problem.path for problem in problems) == ["auth.token", "tls.key_file", "tls.verify"]


# Redirects.


def test_redirects_in_a_file(write: Write) -> None:
    text = (
        'uri = "ws://h"\n[network]\nmax_redirects = 0\nallow_cross_origin = true\nkeep_headers = ["Cookie"]'
    )
    network = ClientConfig.from_toml(write(text)).network
    assert (network.max_redirects, network.allow_cross_origin, network.keep_headers) == (0, True, ("Cookie",))


def test_redirects_in_the_environment() -> None:
    environ = {
        "WSSDK_URI": "ws://h",
        "WSSDK_NETWORK__MAX_REDIRECTS": "3",
        "WSSDK_NETWORK__ALLOW_CROSS_ORIGIN": "yes",
        "WSSDK_NETWORK__KEEP_HEADERS": "Cookie, X-Api-Key",
    }
    network = ClientConfig.from_env(environ=environ).network
    assert (network.max_redirects, network.allow_cross_origin) == (3, True)
    assert network.keep_headers == ("Cookie", "X-Api-Key")


# What is required.


def test_uri_is_required_in_files(write: Write) -> None:
    file = write("origin = 'https://a'")
    assert report_of(lambda: ClientConfig.from_toml(file)) == (
        'service.toml: uri: required, and not set\n  hint: write uri = "wss://..."'
    )


def test_uri_is_required_in_files_and_environment(write: Write) -> None:
    file = write("[connections.a]\nuri = 'ws://h'")
    assert report_of(lambda: ClientConfig.load(file, environ={})) == (
        "service.toml: uri: required, and not set\n"
        "  hint: write uri = \"wss://...\", or set WSSDK_URI, or choose a connection: 'a'"
    )


def test_uri_is_required_in_the_environment() -> None:
    assert report_of(lambda: ClientConfig.from_env(environ={})) == (
        "environment variable WSSDK_URI: required, and not set\n  hint: set it to the WebSocket URI"
    )


def test_uri_is_required_in_overrides() -> None:
    assert report_of(lambda: ClientConfig.load(env_prefix=None)) == (
        'code: uri: required, and not set\n  hint: write uri = "wss://..."'
    )


def test_uri_may_be_said_to_come_later() -> None:
    assert ClientConfig.load(environ={}, overrides={"uri": None}).uri is None


def test_unix_socket_needs_no_uri(write: Write) -> None:
    assert ClientConfig.from_toml(write('network.unix_path = "/s"')).network.unix_path == "/s"


# One URI or several.


def test_several_uris_are_enough(write: Write) -> None:
    assert ClientConfig.from_toml(write('uris = ["ws://a", "ws://b"]')).uris == ("ws://a", "ws://b")


def test_several_uris_take_the_place_of_one_in_a_lower_layer(write: Write) -> None:
    file = write('uri = "ws://a"\n[connections.feed]\nuris = ["ws://b", "ws://c"]')
    config = ClientConfig.load(file, connection="feed", environ={})
    assert (config.uri, config.uris) == (None, ("ws://b", "ws://c"))


def test_one_uri_takes_the_place_of_several_in_a_lower_layer(write: Write) -> None:
    file = write('uris = ["ws://b", "ws://c"]')
    config = ClientConfig.load(file, environ={"WSSDK_URI": "ws://a"})
    assert (config.uri, config.uris) == ("ws://a", ())


def test_one_uri_and_several_in_one_layer_are_refused(write: Write) -> None:
    file = write('uri = "ws://a"\nuris = ["ws://b", "ws://c"]')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert (problem.path, problem.hint) == ("uris", "keep uri for one, or uris for several")


# Connections.


CONNECTIONS = """
origin = "https://a"
[connections.feed-a]
uri = "ws://a"
[connections.feed_b]
uri = "ws://b"
origin = false
"""


def test_connection_is_laid_over_the_top_level(write: Write) -> None:
    config = ClientConfig.from_toml(write(CONNECTIONS), connection="feed-a")
    assert (config.uri, config.origin) == ("ws://a", "https://a")


def test_all_connections(write: Write) -> None:
    configs = ClientConfig.load_all(write(CONNECTIONS), environ={"WSSDK_CONNECTIONS__FEED_A__ORIGIN": "x"})
    assert {name: (config.uri, config.origin) for name, config in configs.items()} == {
        "feed-a": ("ws://a", "x"),
        "feed_b": ("ws://b", None),
    }


def test_no_connections(write: Write) -> None:
    assert ClientConfig.load_all(write('uri = "ws://h"'), environ={}) == {}


def test_all_connections_of_the_environment_where_files_name_none(write: Write) -> None:
    file = write('origin = "o"')
    variables = {"WSSDK_CONNECTIONS__FEED_A__URI": "ws://a", "WSSDK_CONNECTIONS__B__URI": "ws://b"}
    configs = ClientConfig.load_all(file, environ=variables)
    assert {name: config.uri for name, config in configs.items()} == {"b": "ws://b", "feed_a": "ws://a"}
    for name, config in configs.items():
        assert ClientConfig.load(file, connection=name, environ=variables) == config
    assert ClientConfig.load_all(environ=variables).keys() == configs.keys()
    assert ClientConfig.load_all(file, environ=variables, env_prefix=None) == {}


def test_a_bad_connection_of_the_environment_is_told_where_files_name_none(write: Write) -> None:
    file, variables = write('uri = "ws://h"'), {"WSSDK_CONNECTIONS__B__TIMEOUTS__OPEN": "bogus"}
    (problem,) = problems_of(lambda: ClientConfig.load_all(file, environ=variables))
    assert problem.where == "environment variable WSSDK_CONNECTIONS__B__TIMEOUTS__OPEN"
    assert problems_of(lambda: ClientConfig.load(file, connection="b", environ=variables)) == (problem,)


def test_a_connection_of_the_environment_without_uri_is_named(write: Write) -> None:
    file, variables = write("timeouts.open = 1"), {"WSSDK_CONNECTIONS__B__TIMEOUTS__OPEN": "2"}
    for call in (
        lambda: ClientConfig.load_all(file, environ=variables),
        lambda: ClientConfig.load(file, connection="b", environ=variables),
    ):
        assert report_of(call) == (
            "environment variable WSSDK_CONNECTIONS__B__URI: required, and not set\n"
            "  hint: set it to the WebSocket URI"
        )


def test_a_connection_of_the_environment_may_be_chosen(write: Write) -> None:
    file, variables = write("timeouts.open = 1"), {"WSSDK_CONNECTIONS__B__URI": "ws://b"}
    (problem,) = problems_of(lambda: ClientConfig.load(file, environ=variables))
    assert problem.hint == "write uri = \"wss://...\", or set WSSDK_URI, or choose a connection: 'b'"


def test_few_of_many_connections_are_listed(write: Write) -> None:
    file = write("".join(f"[connections.c{number:04}]\n" for number in range(3000)))
    for connection in (None, "zzz"):
        (problem,) = problems_of(
            lambda: ClientConfig.from_toml(file, connection=connection)  # noqa: B023
        )
        assert (problem.hint or "").endswith("'c0008', 'c0009' and 2990 more")


def test_problems_of_all_connections_are_told_once(write: Write) -> None:
    file = write(f"timeouts.open = 0\nlimits.opne = 1\n{CONNECTIONS}\nlimits.max_size = 0\n")
    problems = problems_of(lambda: ClientConfig.load_all(file, environ={}))
    assert [problem.path for problem in problems] == [
        "timeouts.open",
        "limits.opne",
        "connections.feed_b.limits.max_size",
    ]


def test_one_fault_of_many_connections_is_told_once(write: Write) -> None:
    many = "\n".join(f'[connections.c{number}]\nuri = "ws://h"' for number in range(150))
    file = write(f"timeouts.open = 0\n{many}\n")
    problems = problems_of(lambda: ClientConfig.load_all(file, environ={}))
    assert [problem.where for problem in problems] == ["service.toml:1:17"]


def test_a_connection_without_uri_is_named(write: Write) -> None:
    file = write('[connections.a]\nuri = "ws://h"\n[connections."b.c"]\norigin = "x"\n[connections.d]')
    problems = problems_of(lambda: ClientConfig.load_all(file, env_prefix=None))
    assert [str(problem).splitlines()[0] for problem in problems] == [
        """service.toml:3:14: connections."b.c".uri: required, and not set""",
        "service.toml:5:14: connections.d.uri: required, and not set",
    ]


BAD_TOP: Final = "timeouts.open = 0\n"
OVERRIDING: Final = '[connections.a]\nuri = "ws://h"\ntimeouts.open = 1\n'


@pytest.mark.parametrize(
    "text", [BAD_TOP, f"{BAD_TOP}[connections]\n", BAD_TOP + OVERRIDING], ids=["none", "empty", "overriding"]
)
def test_a_bad_value_at_the_top_is_told_where_no_connection_takes_it(write: Write, text: str) -> None:
    problems = problems_of(lambda: ClientConfig.load_all(write(text), environ={}))
    assert [problem.path for problem in problems] == ["timeouts.open"]


@pytest.mark.parametrize(
    ("top", "connection"),
    [
        ('tls.key_file = "k.pem"', 'tls.cert_file = "c.pem"'),
        ("reconnect.max = 2", "reconnect.min = 1"),
        ('auth.token = { env = "NOT_SET" }', 'auth.token = "t"'),
        ('auth.token = { file = "gone" }', 'auth.token = "t"'),
    ],
)
def test_a_connection_may_complete_the_top(write: Write, top: str, connection: str) -> None:
    file = write(f'{top}\n[connections.a]\nuri = "wss://h"\n{connection}\n')
    assert list(ClientConfig.load_all(file, environ={})) == ["a"]


def test_a_reference_at_the_top_that_means_nothing_is_told(write: Write) -> None:
    file = write('auth.token = { evn = "A" }\n[connections.a]\nuri = "wss://h"\nauth.token = "t"\n')
    (problem,) = problems_of(lambda: ClientConfig.load_all(file, environ={}))
    assert problem.path == "auth.token"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("feed-b", "did you mean 'feed_b'?"), ("zzz", "connections are 'feed-a', 'feed_b'")],
)
def test_unknown_connection(write: Write, name: str, hint: str) -> None:
    file = write(CONNECTIONS)
    assert report_of(lambda: ClientConfig.from_toml(file, connection=name)) == (
        f"service.toml: unknown connection {name!r}\n  hint: {hint}"
    )


def test_unknown_connection_of_a_file_without_any(write: Write) -> None:
    file = write('uri = "ws://h"')
    assert report_of(lambda: ClientConfig.load(file, connection="a", environ={})) == (
        "service.toml: unknown connection 'a'"
    )


def test_unknown_connection_of_the_environment() -> None:
    (problem,) = problems_of(lambda: ClientConfig.load(connection="a", environ={}))
    assert problem.where == "environment variable WSSDK_CONNECTIONS__A__URI"


def test_connection_of_the_environment_alone() -> None:
    variables = {"WSSDK_CONNECTIONS__FEED_A__URI": "ws://a", "WSSDK_URI": "ws://h"}
    assert ClientConfig.load(connection="feed.a", environ=variables).uri == "ws://a"


def test_connection_may_have_a_double_underscore(write: Write) -> None:
    file = write("[connections.a__b]\nuri = 'ws://h'\n[connections.a]\nuri = 'ws://h'")
    variables = {"WSSDK_CONNECTIONS__A__B__ORIGIN": "x", "WSSDK_CONNECTIONS__A__ORIGIN": "y"}
    configs = ClientConfig.load_all(file, environ=variables)
    assert (configs["a__b"].origin, configs["a"].origin) == ("x", "y")


def test_unknown_option_of_another_connection_is_told(write: Write) -> None:
    file = write(f"{CONNECTIONS}\nopne = 1")
    assert problems_of(lambda: ClientConfig.from_toml(file, connection="feed-a"))[0].path == (
        "connections.feed_b.opne"
    )


# Arguments of the wrong type.


def test_connection_is_a_text() -> None:
    with pytest.raises(TypeError, match="connection must be a str, not int"):
        ClientConfig.load(connection=5)  # type: ignore[arg-type]


def test_overrides_are_a_mapping() -> None:
    with pytest.raises(TypeError, match="overrides must be a mapping, not int"):
        ClientConfig.load(overrides=5)  # type: ignore[arg-type]


def test_headers_that_differ_in_a_dash_are_two(write: Write) -> None:
    file = write('uri = "ws://h"\n[headers]\nX_Key = "a"\nX-Key = "b"')
    assert dict(ClientConfig.from_toml(file).headers) == {"X_Key": "a", "X-Key": "b"}


@pytest.mark.parametrize("name", ["X_Key", "X-Key"])
def test_a_variable_overrides_the_header_that_it_can_spell(write: Write, name: str) -> None:
    file = write(f'uri = "ws://h"\n[headers]\n{name} = "a"')
    config = ClientConfig.load(file, environ={"WSSDK_HEADERS__X_KEY": "b"})
    assert dict(config.headers) == {name: "b"}


@pytest.mark.parametrize("name", ["X-Key", "x-key"])
def test_overrides_take_a_header_away(write: Write, name: str) -> None:
    file = write('uri = "ws://h"\nheaders = { X-Key = "a", X-Other = "b" }')
    environ = {"WSSDK_HEADERS__X_KEY": "c"}
    config = ClientConfig.load(file, environ=environ, overrides={f"headers.{name}": None})
    assert dict(config.headers) == {"X-Other": "b"}
    assert "X-Key" not in str(config.explain())


def test_a_header_that_no_layer_sets_is_taken_away_as_well(write: Write) -> None:
    config = ClientConfig.load(write('uri = "ws://h"'), environ={}, overrides={"headers": {"X": None}})
    assert dict(config.headers) == {}


def test_a_header_that_a_file_sets_twice_is_told(write: Write) -> None:
    file = write('uri = "ws://h"\n[headers]\nX-Key = "hush"\nx-key = "hush"')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert problem.where == "service.toml:4:9"
    assert problem.message == "headers.x-key: the header is set twice, as 'X-Key', too"


F_A_AND_F_A = '[connections.f-a]\nuri = "ws://a"\n[connections.f_a]\nuri = "ws://b"'


@pytest.mark.parametrize("name", ["f-a", "f_a", None])
def test_a_variable_that_would_set_two_connections_is_told(write: Write, name: str | None) -> None:
    file = write(f'uri = "ws://h"\n{F_A_AND_F_A}')
    environ = {"WSSDK_CONNECTIONS__F_A__URI": "ws://c"}
    (problem,) = problems_of(lambda: ClientConfig.load(file, connection=name, environ=environ))
    assert problem.where == "environment variable WSSDK_CONNECTIONS__F_A__URI"
    assert problem.message == "it would set the connections 'f-a' and 'f_a' alike"
    assert problem.hint == "give them names that variables can tell apart"


def test_such_connections_are_two_where_no_variable_sets_either(write: Write) -> None:
    configs = ClientConfig.load_all(write(F_A_AND_F_A), environ={})
    assert {name: config.uri for name, config in configs.items()} == {"f-a": "ws://a", "f_a": "ws://b"}


def test_a_connection_of_two_files_is_one(write: Write) -> None:
    files = write("[connections.f-a]", "base.toml"), write("[connections.f-a]")
    environ = {"WSSDK_CONNECTIONS__F_A__URI": "ws://c"}
    assert ClientConfig.load(*files, connection="f-a", environ=environ).uri == "ws://c"


def test_the_variables_of_a_connection_are_not_those_of_one_that_is_misspelt(write: Write) -> None:
    file = write('[connections.f-a]\nuri = "ws://a"')
    environ = {"WSSDK_CONNECTIONS__F_A__TIMEOUTS__OPEN": "5", "WSSDK_URI": "ws://h"}
    (problem,) = problems_of(lambda: ClientConfig.load(file, connection="f_a", environ=environ))
    assert (problem.message, problem.hint) == ("unknown connection 'f_a'", "did you mean 'f-a'?")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("opn.close = 5", "did you mean 'timeouts'?"),
        ("[opn]\nclose = 5\nopen = 6", "did you mean 'timeouts'?"),
        ("[server]\nhost = 'h'\nport = 5", "did you mean 'network'?"),
        ("[things]\nhost = 'h'\nlevel = 5", None),
        ("[things]\nenabled = true", None),
        ("[things]", None),
    ],
)
def test_a_table_of_an_unknown_name_is_known_by_what_is_in_it(
    write: Write, text: str, hint: str | None
) -> None:
    file = write(f'uri = "ws://h"\n{text}')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert problem.hint == hint
