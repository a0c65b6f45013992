from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer, problems_of
from wssdk.config import ClientConfig, Secret

NOT_TOLD = "a path without / or . is not told: it may be the secret itself"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def environ(**variables: str) -> dict[str, str]:
    return {"WSSDK_URI": "wss://env"} | {f"WSSDK_{name}": text for name, text in variables.items()}


def from_env(**variables: str) -> ClientConfig:
    return ClientConfig.from_env(environ=environ(**variables))


@pytest.mark.parametrize(
    ("content", "token"),
    [("t", "t"), ("t\n", "t"), ("t\r\n", "t"), (" t ", " t "), ("t\t", "t\t")],
)
def test_secret_from_a_file(write: Write, content: str, token: str) -> None:
    Path(write("")).with_name("token").write_bytes(content.encode())
    file = write('uri = "ws://h"\nauth.token = { file = "token" }')
    assert ClientConfig.from_toml(file).auth.token == Secret(token)


def test_only_one_line_break_is_dropped(write: Write) -> None:
    write("p\n\n", "password")
    file = write(
        'uri="wss://h"\ntls = { cert_file = "c", key_file = "k", key_password = { file = "password" } }'
    )
    assert ClientConfig.from_toml(file).tls.key_password == Secret("p\n")


def test_secret_from_a_variable(write: Write) -> None:
    file = write('uri = "ws://h"\nauth.token = { env = "A_TOKEN" }')
    assert ClientConfig.load(file, environ={"A_TOKEN": "t"}).auth.token == Secret("t")


def test_secret_from_a_variable_of_the_process(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "t")
    file = write('uri = "ws://h"\nauth.token = { env = "A_TOKEN" }')
    assert ClientConfig.from_toml(file).auth.token == Secret("t")


def test_secret_from_a_file_of_the_environment(write: Write) -> None:
    write("t\n", "token")
    assert from_env(AUTH__TOKEN_FILE="token").auth.token == Secret("t")


def test_secret_from_a_file_of_the_environment_for_a_connection(write: Write) -> None:
    write("t\n", "token")
    variables = environ(CONNECTIONS__A__AUTH__TOKEN_FILE="token", AUTH__TOKEN="other")
    assert ClientConfig.load(connection="a", environ=variables).auth.token == Secret("t")


def test_secret_as_text_and_in_a_file(write: Write) -> None:
    write("t\n", "token")
    (problem,) = problems_of(lambda: from_env(AUTH__TOKEN="t", AUTH__TOKEN_FILE="token"))
    assert str(problem) == (
        "environment variable WSSDK_AUTH__TOKEN_FILE:"
        " WSSDK_AUTH__TOKEN and WSSDK_AUTH__TOKEN_FILE are both set\n"
        "  hint: keep one of them"
    )


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ('{ env = "A_TOKN" }', "environment variable A_TOKN is not set", "did you mean A_TOKEN?"),
        ('{ env = "ZZZ" }', "environment variable ZZZ is not set", "set it"),
        ('{ env = "EMPTY" }', "the environment variable is empty", "set it"),
        ('{ env = "zzz" }', "the environment variable is not set", None),
        ('{ env = "a-b" }', "what is given for env is not the name of an environment variable", None),
        ('{ env = "" }', "what is given for env is not the name of an environment variable", None),
        ('{ env = "A_TOKEN", file = "token" }', "env and file are both given", "keep one of them"),
        ('{ file = "tokn" }', "the file is not there", "did you mean 'token'?"),
        ('{ file = "./tokn" }', "'./tokn': file not found", "did you mean 'token'?"),
        ('{ file = "zzz" }', "the file is not there", NOT_TOLD),
        (f'{{ file = "{"z" * 300}" }}', "the file is not there", NOT_TOLD),
        ('{ file = "empty" }', "'empty': the file is empty", None),
        ('{ file = "binary" }', "'binary': the file is not UTF-8", None),
        ('{ file = "large" }', "'large': the file is larger than 65536 bytes", None),
        ('{ file = "." }', "'.': the file cannot be read: Is a directory", None),
        (
            "{ env = 5 }",
            'expected a text, { env = "NAME" } or { file = "PATH" }, got another table',
            "what is given for env is a text, in quotes",
        ),
        ("{}", 'expected a text, { env = "NAME" } or { file = "PATH" }, got another table', None),
        (
            '{ vault = "a" }',
            'expected a text, { env = "NAME" } or { file = "PATH" }, got another table',
            None,
        ),
        ("5", "expected a secret text that is not empty, got an integer", "write the text itself"),
    ],
)
def test_secret_that_is_not_there(write: Write, reference: str, message: str, hint: str | None) -> None:
    write("t", "token")
    write("\n", "empty")
    write("x" * 65537, "large")
    Path("binary").write_bytes(b"\xff")
    file = write(f'uri = "ws://h"\nauth.token = {reference}')
    variables = {"A_TOKEN": "t", "EMPTY": ""}
    (problem,) = problems_of(lambda: ClientConfig.load(file, environ=variables))
    assert (problem.where, problem.path) == ("service.toml:2:14", "auth.token")
    assert problem.message == f"auth.token: {message}"
    assert (problem.hint is None) if hint is None else (problem.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("plain", "plain"),
        ("${env:A}", "a"),
        ("Bearer ${env:A}, ${env:B}", "Bearer a, b"),
        ("${env:ZZZ:-default}", "default"),
        ("${env:EMPTY:-default}", "default"),
        ("${env:A:-default}", "a"),
        ("${env:ZZZ:-}", ""),
        ("${env:ZZZ:-a:-b}", "a:-b"),
        ("${file:token}", "t"),
        ("$${env:A}", "${env:A}"),
        ("$A $$ {}", "$A $$ {}"),
    ],
)
def test_header_with_references(write: Write, value: str, header: str) -> None:
    write("t\n", "token")
    file = write(f"uri = 'ws://h'\nheaders.X = '{value}'")
    config = ClientConfig.load(file, environ={"A": "a", "B": "b", "EMPTY": ""})
    assert config.headers["X"] == header


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("${env:A}", {"x-note"}),
        ("a ${file:token} b", {"x-note"}),
        ("${env:ZZZ:-default}", {"x-note"}),
        ("$${env:A}", set()),
        ("a", set()),
    ],
)
def test_header_with_references_is_a_secret(write: Write, value: str, names: set[str]) -> None:
    write("t", "token")
    file = write(f"uri = 'ws://h'\nheaders.X-Note = '{value}'")
    assert ClientConfig.load(file, environ={"A": "a"}).headers.secret_names == names


def test_header_of_the_environment_with_references() -> None:
    variables = environ(HEADERS__X="${env:A}") | {"A": "a"}
    assert ClientConfig.from_env(environ=variables).headers["X"] == "a"


def test_what_a_reference_brings_is_not_read_again(write: Write) -> None:
    file = write("uri = 'ws://h'\nheaders.X = '${env:A}'")
    assert ClientConfig.load(file, environ={"A": "${env:B}"}).headers["X"] == "${env:B}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${env:ZZZ}", "environment variable ZZZ is not set"),
        ("${env:A", "a reference in the text is not understood"),
        ("${A}", "a reference in the text is not understood"),
        ("${}", "a reference in the text is not understood"),
        ("${vault:A}", "a reference in the text is not understood"),
        ("${file:zzz}", "the file is not there"),
        ("${file:./zzz}", "'./zzz': file not found"),
        ("${env:LINES}", "the value of a header has no control characters and no line breaks"),
    ],
)
def test_header_with_bad_references(write: Write, value: str, message: str) -> None:
    file = write(f"uri = 'ws://h'\nheaders.X = '{value}'")
    (problem,) = problems_of(lambda: ClientConfig.load(file, environ={"A": "a", "LINES": "a\nb"}))
    assert problem.message == f"headers.X: {message}"


def test_files_are_looked_for_beside_the_file_that_names_them(write: Write) -> None:
    write("t", "conf/token")
    file = write(
        'uri = "wss://h"\nauth.token = { file = "token" }\nheaders.X = "${file:token}"\n'
        'tls = { ca_file = "ca.pem", cert_file = "/abs/cert.pem" }',
        "conf/service.toml",
    )
    config = ClientConfig.from_toml(file)
    assert config.auth.token == Secret("t")
    assert config.headers["X"] == "t"
    assert config.tls.ca_file == os.path.join("conf", "ca.pem")
    assert config.tls.cert_file == "/abs/cert.pem"


def test_files_of_the_environment_are_looked_for_in_the_current_folder(write: Write) -> None:
    file = write('uri = "wss://h"', "conf/service.toml")
    assert ClientConfig.load(file, environ={"WSSDK_TLS__CA_FILE": "ca.pem"}).tls.ca_file == "ca.pem"


@pytest.mark.parametrize("value", ['""', "5"])
def test_bad_path(write: Write, value: str) -> None:
    file = write(f'uri = "wss://h"\ntls.ca_file = {value}')
    assert problems_of(lambda: ClientConfig.from_toml(file))[0].path == "tls.ca_file"


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        ('{ evn = "A" }', "did you mean env?"),
        ('{ fil = "A" }', "did you mean file?"),
        ('{ env = "A", default = "hush" }', "keep env alone"),
        ("{ env = 5 }", "what is given for env is a text, in quotes"),
        ('{ hush = "hush" }', None),
        ("{}", None),
    ],
)
def test_a_table_that_is_no_reference_tells_what_it_was_meant_to_be(
    write: Write, table: str, hint: str | None
) -> None:
    file = write(f'uri = "ws://h"\nauth.token = {table}')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert (
        problem.message
        == 'auth.token: expected a text, { env = "NAME" } or { file = "PATH" }, got another table'
    )
    assert problem.hint == hint


def test_among_many_variables_the_near_one_is_not_looked_for(write: Write) -> None:
    file = write('uri = "ws://h"\nauth.token = { env = "A_TOKEN" }')
    few = {"A_TOKENS": "t"}
    many = few | {f"OTHER_{number}": "" for number in range(500)}
    assert [problem.hint for problem in problems_of(lambda: ClientConfig.load(file, environ=few))] == [
        "did you mean A_TOKENS?"
    ]
    assert [problem.hint for problem in problems_of(lambda: ClientConfig.load(file, environ=many))] == [
        "set it"
    ]


def test_what_is_filled_into_a_header_has_a_bound(write: Write) -> None:
    file = write('uri = "ws://h"\nheaders.X = "${env:A}${env:A}"')
    environ = {"A": "a" * 2**15}
    assert len(ClientConfig.load(file, environ=environ).headers["X"]) == 2**16
    environ["A"] += "a"
    (problem,) = problems_of(lambda: ClientConfig.load(file, environ=environ))
    assert problem.message == "headers.X: what is filled in is longer than 65536 characters"


def test_what_is_filled_into_all_headers_has_a_bound(write: Write) -> None:
    lines = "".join(f'X{number} = "${{env:A}}"\n' for number in range(257))
    file = write(f'uri = "ws://h"\n[headers]\n{lines}')
    (problem,) = problems_of(lambda: ClientConfig.load(file, environ={"A": "a" * 2**16}))
    assert problem.message == "headers.X256: what is filled in is longer than 16777216 characters in all"


def test_a_file_is_read_once_for_all_that_point_to_it(write: Write, tmp_path: Path) -> None:
    pipe = tmp_path / "token"
    os.mkfifo(pipe)
    # A pipe gives what it holds to the first that reads it.
    writer = threading.Thread(target=pipe.write_text, args=("t0ken",))
    writer.start()
    connections = "".join(f"[connections.a{number}]\nauth.scheme = 'X{number}'\n" for number in range(3))
    file = write(f'uri = "ws://h"\nheaders.X = "${{file:token}}"\n{connections}[auth]\ntoken.file = "token"')
    configs = ClientConfig.load_all(file, environ={})
    writer.join()
    assert {config.auth.token for config in configs.values()} == {Secret("t0ken")}
    assert {config.headers["X"] for config in configs.values()} == {"t0ken"}
