from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer, problems_of
from wssdk.config import ClientConfig, Secret
from wssdk.errors import ConfigError


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def environ(**variables: str) -> dict[str, str]:
    return {"WSSDK_URI": "wss://env"} | {f"WSSDK_{name}": text for name, text in variables.items()}


def from_env(**variables: str) -> ClientConfig:
    return ClientConfig.from_env(environ=environ(**variables))


def test_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_URI", "ws://h")
    assert ClientConfig.from_env().uri == "ws://h"


def test_other_prefix() -> None:
    assert ClientConfig.from_env("MY_", environ={"MY_URI": "ws://h", "WSSDK_X": "1"}).uri == "ws://h"


def test_empty_prefix() -> None:
    with pytest.raises(ValueError, match="without a prefix every variable would be an option"):
        ClientConfig.from_env("")


def test_several_uris_in_one_variable() -> None:
    config = ClientConfig.from_env(environ={"WSSDK_URIS": "wss://a/, wss://b/"})
    assert config.uris == ("wss://a/", "wss://b/")


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("ORIGIN", "off", "origin", "off"),
        ("ORIGIN", "none", "origin", None),
        ("USER_AGENT", "None", "user_agent", None),
        ("SUBPROTOCOLS", "a, b", "subprotocols", ("a", "b")),
        ("SUBPROTOCOLS", "", "subprotocols", ()),
        ("URI_ORDER", "shuffled", "uri_order", "shuffled"),
        ("TIMEOUTS__OPEN", "5", "timeouts.open", 5.0),
        ("TIMEOUTS__OPEN", " 500ms ", "timeouts.open", 0.5),
        ("TIMEOUTS__OPEN", "none", "timeouts.open", None),
        ("TIMEOUTS__OPEN", "OFF", "timeouts.open", None),
        ("TIMEOUTS__OPEN", "false", "timeouts.open", None),
        ("LIMITS__MAX_SIZE", "4 MiB", "limits.max_size", 4 * 2**20),
        ("LIMITS__MAX_SIZE", "4 MiB, none", "limits.max_size", (4 * 2**20, None)),
        ("LIMITS__MAX_SIZE", "none", "limits.max_size", None),
        ("LIMITS__MAX_QUEUE", "64", "limits.max_queue", 64),
        ("LIMITS__MAX_QUEUE", "64, 8", "limits.max_queue", (64, 8)),
        ("LIMITS__WRITE_LIMIT", "1 MiB,0", "limits.write_limit", (2**20, 0)),
        ("COMPRESSION", "false", "compression.enabled", False),
        ("COMPRESSION", "none", "compression.enabled", False),
        ("COMPRESSION", "on", "compression.enabled", True),
        ("COMPRESSION__ENABLED", "no", "compression.enabled", False),
        ("COMPRESSION__LEVEL", "6", "compression.level", 6),
        ("COMPRESSION__CLIENT_MAX_WINDOW_BITS", "true", "compression.client_max_window_bits", True),
        ("COMPRESSION__CLIENT_MAX_WINDOW_BITS", "12", "compression.client_max_window_bits", 12),
        ("COMPRESSION__SERVER_MAX_WINDOW_BITS", "off", "compression.server_max_window_bits", None),
        ("TLS__VERIFY", "0", "tls.verify", False),
        ("TLS__VERIFY", "YES", "tls.verify", True),
        ("TLS__MIN_VERSION", "1.3", "tls.min_version", "1.3"),
        ("TLS__CA_FILE", "none", "tls.ca_file", None),
        ("PROXY", "false", "proxy.enabled", False),
        ("PROXY", "none", "proxy.enabled", False),
        ("NETWORK__PORT", "8080", "network.port", 8080),
        ("NETWORK__PORT", "none", "network.port", None),
        ("RECONNECT", "off", "reconnect.enabled", False),
        ("RECONNECT__FACTOR", "1.5", "reconnect.factor", 1.5),
        ("RECONNECT__FACTOR", "2", "reconnect.factor", 2.0),
        ("LOGGING__LEVEL", "debug", "logging.level", "DEBUG"),
        ("LOGGING__LEVEL", "off", "logging.level", None),
        ("AUTH__TOKEN", "none", "auth.token", None),
        ("AUTH__TOKEN", "t", "auth.token", Secret("t")),
    ],
)
def test_variable(name: str, text: str, path: str, value: object) -> None:
    got: object = from_env(**{name: text})
    for part in path.split("."):
        got = getattr(got, part)
    assert (got, type(got)) == (value, type(value))


def test_password_may_be_any_word() -> None:
    config = from_env(TLS__CERT_FILE="c", TLS__KEY_FILE="k", TLS__KEY_PASSWORD="none")
    assert config.tls.key_password == Secret("none")


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        (
            "LIMITS__MAX_SIZE",
            "1 MiBB",
            'expected a size such as 1048576, "1 MiB" or "500 kB", or none for no limit, got "1 MiBB"',
            "unknown unit 'MiBB', did you mean 'MiB'?",
        ),
        (
            "TIMEOUTS__OPEN",
            "",
            'expected a duration such as 10, 2.5, "10s" or "500ms", or none to switch it off, got ""',
            "to switch it off, write none",
        ),
        (
            "TIMEOUTS__TLS_HANDSHAKE",
            "none",
            'expected a duration such as 10, 2.5, "10s" or "500ms", got "none"',
            "it cannot be switched off",
        ),
        ("NETWORK__PORT", "0", 'expected a port from 1 to 65535, or none, got "0"', None),
        ("NETWORK__PORT", "a", 'expected a port from 1 to 65535, or none, got "a"', None),
        (
            "NETWORK__PORT",
            "9" * 5000,
            f'expected a port from 1 to 65535, or none, got "{"9" * 200}..."',
            None,
        ),
        ("NETWORK__PORT", "1.5", 'expected a port from 1 to 65535, or none, got "1.5"', None),
        ("TLS__VERIFY", "maybe", 'expected true or false, got "maybe"', None),
        ("COMPRESSION", "deflate", 'expected true or false, got "deflate"', None),
        (
            "RECONNECT__RETRY_STATUS",
            "500, x",
            'expected an array of HTTP status codes from 300 to 599, got "x"',
            None,
        ),
        (
            "LIMITS__MAX_QUEUE",
            "64, 8, 1",
            'expected one number of messages, or two: [high, low], got "64, 8, 1"',
            None,
        ),
        ("LIMITS__MAX_QUEUE", "8,64", "low water, 64, is above high water, 8", "write [high, low]"),
        ("ORIGIN", 'a"b\n', "expected a text without control characters, or none, got another text", None),
        ("URI", "http://u:p@h", 'expected a WebSocket URI such as "wss://example.com/feed", got', None),
        ("AUTH__TOKEN", "", "expected a secret text that is not empty, got another text", None),
        ("AUTH__HEADER", "Host", "the opening handshake sets this header itself", None),
        ("HEADERS__HOST", "h", "the opening handshake sets this header itself", None),
    ],
)
def test_bad_variable(name: str, text: str, message: str, hint: str | None) -> None:
    problem = next(
        problem for problem in problems_of(lambda: from_env(**{name: text})) if problem.where.endswith(name)
    )
    assert problem.message.startswith(message)
    assert hint is None or problem.hint == hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TIMEOUTS__OPNE", "did you mean WSSDK_TIMEOUTS__OPEN?"),
        ("TIMEOUTS_OPEN", "did you mean WSSDK_TIMEOUTS__OPEN?"),
        ("timeouts__open", "did you mean WSSDK_TIMEOUTS__OPEN?"),
        ("OPEN_TIMEOUT", "the option for 'open_timeout' is WSSDK_TIMEOUTS__OPEN"),
        ("NETWORK_PORT", "did you mean WSSDK_NETWORK__PORT?"),
        ("AUTH__TOKEN_FIL", "did you mean WSSDK_AUTH__TOKEN_FILE?"),
        ("ORIGIN_FILE", "did you mean WSSDK_ORIGIN?"),
        ("HEADERS", "there is a variable for each header, such as WSSDK_HEADERS__X_API_KEY"),
        ("HEADERS__", "there is a variable for each header, such as WSSDK_HEADERS__X_API_KEY"),
        ("TIMEOUTS", "the section's options have variables of their own, such as WSSDK_TIMEOUTS__OPEN"),
        ("CONNECTIONS", "a connection's options have variables such as WSSDK_CONNECTIONS__NAME__URI"),
        ("CONNECTIONS__", "a connection's options have variables such as WSSDK_CONNECTIONS__NAME__URI"),
        ("CONNECTIONS__A", None),
        (
            "CONNECTIONS__A__OPEN_TIMEOUT",
            "the option for 'open_timeout' is WSSDK_CONNECTIONS__A__TIMEOUTS__OPEN",
        ),
        ("CONNECTIONS__A__ORIGN", "did you mean WSSDK_CONNECTIONS__A__ORIGIN?"),
        ("CONNECTIONS__A__PORT", "the option for 'port' is WSSDK_CONNECTIONS__A__NETWORK__PORT"),
        ("URL", "did you mean WSSDK_URI?"),
        ("SOCK", "give it in code: 'sock' is a keyword of connect()"),
        ("AUTH__PASSWORD", None),
        ("RECONNECT__MAX_DELAY", "did you mean WSSDK_RECONNECT__MAX?"),
        ("ZZZ", None),
        ("", None),
    ],
)
def test_unknown_variable(name: str, hint: str | None) -> None:
    (problem,) = problems_of(lambda: from_env(**{name: "5"}))
    assert (problem.where, problem.message) == (f"environment variable WSSDK_{name}", "unknown option")
    assert (problem.hint is None) if hint is None else (problem.hint or "").startswith(hint)


def test_unknown_connection_in_a_variable(write: Write) -> None:
    file = write("[connections.feed-a]\nuri = 'ws://a'\n")
    problems = problems_of(
        lambda: ClientConfig.load_all(
            file, environ={"WSSDK_CONNECTIONS__FED_A__URI": "x", "WSSDK_CONNECTIONS__ZZZ__URI": "x"}
        )
    )
    assert [(problem.message, problem.hint) for problem in problems] == [
        ("unknown connection", "did you mean WSSDK_CONNECTIONS__FEED_A__URI?"),
        ("unknown connection", None),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "tcp://10.0.0.1:80"),
        ("PORT", "8080"),
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "80"),
        ("SERVICE_PORT_HTTP", "80"),
        ("PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("PORT_80_TCP_PROTO", "tcp"),
        ("PORT_80_TCP_PORT", "80"),
        ("PORT_80_TCP_ADDR", "10.0.0.1"),
        ("PORT_53_UDP_ADDR", "10.0.0.1"),
        ("FEED_A_SERVICE_HOST", "10.0.0.1"),
        ("FEED_A_SERVICE_PORT_WEB_2", "80"),
        ("FEED_A_PORT", "tcp://10.0.0.1:80"),
        ("FEED_A_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("BUILD_EXTENSION", "require"),
    ],
)
def test_variable_of_kubernetes_is_skipped(name: str, text: str) -> None:
    assert from_env(**{name: text}) == from_env()


def test_option_beside_its_short_form() -> None:
    (problem,) = problems_of(lambda: from_env(COMPRESSION="true", COMPRESSION__ENABLED="false"))
    assert str(problem) == (
        "environment variable WSSDK_COMPRESSION__ENABLED:"
        " WSSDK_COMPRESSION and WSSDK_COMPRESSION__ENABLED are both set\n"
        "  hint: keep one of them"
    )


UNKNOWN = {"WSSDK_URI": "ws://h", "WSSDK_TIMEOUTS__OPNE": "hush", "WSSDK_LIMITS__MAX_SIZE": "5"}


def test_unknown_variables_are_errors() -> None:
    with pytest.raises(ConfigError, match="WSSDK_TIMEOUTS__OPNE: unknown option"):
        ClientConfig.from_env(environ=UNKNOWN)


def test_unknown_variables_may_be_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    config = ClientConfig.from_env(environ=UNKNOWN, unknown_env="warn")
    assert config.limits.max_size == 5
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("wssdk.config", "WARNING")
    assert record.getMessage() == (
        "environment variable WSSDK_TIMEOUTS__OPNE: unknown option\n"
        "  hint: did you mean WSSDK_TIMEOUTS__OPEN?"
    )


def test_unknown_variables_may_be_ignored(caplog: pytest.LogCaptureFixture) -> None:
    assert ClientConfig.load(environ=UNKNOWN, unknown_env="ignore").limits.max_size == 5
    assert caplog.records == []


def test_wrong_values_are_errors_all_the_same() -> None:
    with pytest.raises(ConfigError, match="WSSDK_LIMITS__MAX_SIZE"):
        ClientConfig.from_env(environ={**UNKNOWN, "WSSDK_LIMITS__MAX_SIZE": "x"}, unknown_env="ignore")


def test_another_word_for_what_to_do_is_refused() -> None:
    with pytest.raises(ValueError, match='unknown_env must be "error", "warn" or "ignore", not \'warning\''):
        ClientConfig.from_env(environ={}, unknown_env="warning")  # type: ignore[arg-type]


def test_a_header_of_a_variable_is_a_secret_as_one_that_is_filled_in_is(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text('headers.X = "${env:A}"', encoding="utf-8")
    environ = {"WSSDK_URI": "ws://h", "A": "a"}
    by_variable = ClientConfig.from_env(environ={"WSSDK_URI": "ws://h", "WSSDK_HEADERS__X": "a"})
    assert by_variable == ClientConfig.load(file, environ=environ)
    assert by_variable.headers.secret_names == {"x"}


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("WSSDK_open", "WSSDK_TIMEOUTS__OPEN"),
        ("WSSDK_OPEN", "WSSDK_TIMEOUTS__OPEN"),
        ("WSSDK_timeouts__open", "WSSDK_TIMEOUTS__OPEN"),
        ("WSSDK_CA_FILE", "WSSDK_TLS__CA_FILE"),
    ],
)
def test_a_variable_without_its_section_or_in_small_letters_tells_the_right_one(
    variable: str, meant: str
) -> None:
    (problem,) = problems_of(lambda: ClientConfig.from_env(environ={"WSSDK_URI": "ws://h", variable: "5"}))
    assert problem.hint == f"did you mean {meant}?"


def test_connection_with_underscores_in_its_name_is_the_longest_that_is_known(write: Write) -> None:
    file = write('uri = "ws://h"\n[connections.a]\n[connections."a__b"]\n')
    variables = {"WSSDK_CONNECTIONS__A__B__TIMEOUTS__OPEN": "3"}
    configs = ClientConfig.load_all(file, environ=variables)
    assert (configs["a"].timeouts.open, configs["a__b"].timeouts.open) == (10, 3)


def test_a_header_of_two_variables_is_told() -> None:
    environ = {"WSSDK_URI": "ws://h", "WSSDK_HEADERS__X_A": "1", "WSSDK_HEADERS__x_a": "2"}
    (problem,) = problems_of(lambda: ClientConfig.from_env(environ=environ))
    assert (problem.where, problem.message, problem.hint) == (
        "environment variable WSSDK_HEADERS__x_a",
        "WSSDK_HEADERS__X_A and WSSDK_HEADERS__x_a are both set",
        "keep one of them",
    )
