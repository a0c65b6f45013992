from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk.config import ClientConfig, Secret


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("servce.toml", "servce.toml: file not found\n  hint: did you mean 'service.toml'?"),
        ("cnf/a.toml", "cnf/a.toml: file not found\n  hint: did you mean 'conf'?"),
        ("zzz/a.toml", "zzz/a.toml: file not found\n  hint: there is no folder 'zzz'"),
        ("conf/zzz", "conf/zzz: file not found"),
        ("zzz", "zzz: file not found"),
        ("a\0b", "a\\x00b: file not found"),
        ("", '"": an empty text is no path of a file'),
        ("conf", "conf: the file cannot be read: Is a directory"),
    ],
)
def test_file_that_cannot_be_read(write: Write, name: str, report: str) -> None:
    write("")
    write("", "conf/other.toml")
    assert report_of(lambda: ClientConfig.from_toml(name)) == report


def test_file_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert report_of(lambda: ClientConfig.from_toml("a.toml")) == "a.toml: file not found"


def test_file_that_is_too_large(write: Write) -> None:
    file = write("#" * (4 * 2**20 + 1))
    assert report_of(lambda: ClientConfig.from_toml(file)) == (
        "service.toml: the file is larger than 4194304 bytes"
    )


@contextlib.contextmanager
def pipe_with(content: bytes) -> Iterator[str]:
    """Yield the path of a pipe that a thread writes ``content`` into."""
    os.mkfifo("pipe")
    with open("pipe", "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)):
        writer = threading.Thread(target=Path("pipe").write_bytes, args=(content,), daemon=True)
        writer.start()
        try:
            yield "pipe"
        finally:
            writer.join(10)


@pytest.mark.parametrize("padding", [0, 200_000], ids=["short", "longer than a pipe holds"])
def test_what_comes_out_of_a_pipe_is_a_file(write: Write, padding: int) -> None:
    write("")
    text = "#" * padding + '\nuri = "ws://h"\n'
    with pipe_with(text.encode()) as pipe:
        assert ClientConfig.from_toml(pipe).uri == "ws://h"


def test_a_pipe_that_nobody_writes_to_is_refused(write: Write) -> None:
    write("")
    os.mkfifo("pipe")
    assert report_of(lambda: ClientConfig.from_toml("pipe")) == (
        "pipe: the file cannot be read: it is a pipe that nobody writes to"
    )


def test_an_endless_file_is_read_to_the_bound() -> None:
    assert report_of(lambda: ClientConfig.from_toml("/dev/zero")) == (
        "/dev/zero: the file is larger than 4194304 bytes"
    )


def test_a_secret_may_come_out_of_a_pipe(write: Write) -> None:
    file = write('uri = "ws://h"\nauth.token = { file = "pipe" }')
    with pipe_with(b"hush\n"):
        token = ClientConfig.from_toml(file).auth.token
    assert token == Secret("hush")


def test_file_that_is_not_utf_8(write: Write) -> None:
    Path(write("")).write_bytes(b"a = 1\nb = '\xff'")
    assert report_of(lambda: ClientConfig.from_toml("service.toml")) == (
        "service.toml: line 2 is not UTF-8 (byte 0xff)\n  hint: save the file as UTF-8"
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a = yes", "invalid value", "true and false are written in small letters"),
        ("a = True", "invalid value", "true and false are written in small letters"),
        ("a = text", "invalid value", "a text is written in quotes"),
        ("a = 1 MiB", "expected newline or end of document", "a value with a unit is a string"),
        ("a = ?", "invalid value", None),
        ('a = "x', "unterminated string", "the closing quote is missing"),
        ('a = "C:\\Users"', "invalid hex value", None),
        ('a = "\\d"', "unescaped '\\' in a string", "in single quotes a backslash is a backslash"),
        ("a = 1\na = true", "cannot overwrite a value", "the option is set twice: keep one"),
        ("[a]\nb = 1\n[a.b]\n", "cannot overwrite a value", "the option is set twice: keep one"),
        ("[a]\n[a]", "cannot declare [a] twice", "the table is opened twice"),
        ("a", "expected '=' after a key", None),
        (f"a = {'9' * 5000}", "a number has too many digits", None),
        (f"a = {'[' * 5000}", "arrays or tables are nested too deeply", None),
    ],
)
def test_file_that_is_not_toml(write: Write, text: str, message: str, hint: str | None) -> None:
    file = write(text)
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert problem.message.startswith(f"invalid TOML: {message}")
    assert (problem.hint is None) if hint is None else (problem.hint or "").startswith(hint)


def test_other_layers_are_checked_beside_a_broken_file(write: Write) -> None:
    write("a = ", "bad.toml")
    write("opne = 1", "good.toml")
    problems = problems_of(lambda: ClientConfig.load("bad.toml", "missing.toml", "good.toml", environ={}))
    assert [problem.where for problem in problems] == ["bad.toml:1:5", "missing.toml", "good.toml:1:1"]


def test_a_path_that_has_a_drive_and_a_sign_of_an_address_in_it_is_told() -> None:
    (problem,) = problems_of(lambda: ClientConfig.from_toml("C:/Users/me@corp/service.toml"))
    assert problem.where == "C:/Users/me@corp/service.toml"


def test_a_uri_in_the_place_of_a_file_is_refused_without_its_secrets() -> None:
    (problem,) = problems_of(lambda: ClientConfig.from_toml("https://u:hush@h/service.toml"))
    assert (problem.where, problem.message) == (
        "https://********@h/service.toml",
        "a URI is no path of a file",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[timeouts]\n[timeouts]", "invalid TOML: cannot declare [timeouts] twice"),
        ('["a b".c]\n["a b".c]', 'invalid TOML: cannot declare ["a b".c] twice'),
        ("a = {}\na.b = 1", "invalid TOML: cannot mutate immutable namespace [a]"),
    ],
)
def test_tables_in_the_words_of_the_parser_are_told_as_toml_has_them(
    write: Write, text: str, message: str
) -> None:
    (problem,) = problems_of(lambda: ClientConfig.from_toml(write(text)))
    assert problem.message == message
