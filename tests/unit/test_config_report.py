"""What a user reads: whole reports, places, carets, hints."""

from __future__ import annotations

import pickle
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


def toml_report(write: Write, text: str, **arguments: Any) -> str:
    file = write(text)
    return report_of(lambda: ClientConfig.from_toml(file, **arguments))


SERVICE = """\
uri = "wss://example.com/feed"

# Wait for:


[timeouts]
opne = 5.0

[limits]
max_size = "1 MiBB"
"""


def test_report(write: Write) -> None:
    file = write(SERVICE)
    environ = {"WSSDK_TIMEOUTS__OPNE": "5"}
    assert report_of(lambda: ClientConfig.load(file, environ=environ)) == (
        "service.toml:7:1: unknown option 'timeouts.opne'\n"
        "  7 | opne = 5.0\n"
        "    | ^^^^\n"
        "  hint: did you mean 'timeouts.open'?\n"
        "\n"
        'service.toml:10:12: limits.max_size: expected a size such as 1048576, "1 MiB" or "500 kB",'
        ' or false for no limit, got string "1 MiBB"\n'
        '  10 | max_size = "1 MiBB"\n'
        "     |            ^^^^^^^^\n"
        "  hint: unknown unit 'MiBB', did you mean 'MiB'?\n"
        "\n"
        "environment variable WSSDK_TIMEOUTS__OPNE: unknown option\n"
        "  hint: did you mean WSSDK_TIMEOUTS__OPEN?"
    )


def test_problem_in_its_parts(write: Write) -> None:
    file = write(SERVICE)
    unknown, bad = problems_of(lambda: ClientConfig.from_toml(file))
    assert (unknown.where, unknown.path) == ("service.toml:7:1", "timeouts.opne")
    assert (bad.where, bad.path) == ("service.toml:10:12", "limits.max_size")
    assert bad.snippet == '10 | max_size = "1 MiBB"\n   |            ^^^^^^^^'


def test_problem_of_a_variable_in_its_parts() -> None:
    environ = {"WSSDK_URI": "ws://h", "WSSDK_TIMEOUTS__OPEN": "0"}
    (problem,) = problems_of(lambda: ClientConfig.from_env(environ=environ))
    assert (problem.where, problem.path, problem.snippet) == (
        "environment variable WSSDK_TIMEOUTS__OPEN",
        "timeouts.open",
        None,
    )


def test_error_survives_pickling(write: Write) -> None:
    file = write(SERVICE)
    with pytest.raises(ConfigError) as caught:
        ClientConfig.from_toml(file)
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_null(write: Write) -> None:
    assert toml_report(write, "[timeouts]\nopen = None\n") == (
        "service.toml:2:8: invalid TOML: invalid value\n"
        "  2 | open = None\n"
        "    |        ^^^^\n"
        "  hint: TOML has no null: write false to switch an option off, or leave it out"
    )


def test_unit_without_quotes(write: Write) -> None:
    assert toml_report(write, "[timeouts]\nopen = 10s\n") == (
        "service.toml:2:8: invalid TOML: expected newline or end of document after a statement\n"
        "  2 | open = 10s\n"
        "    |        ^^^\n"
        "  hint: a value with a unit is a string: write it in quotes"
    )


def test_keyword_of_connect(write: Write) -> None:
    assert toml_report(write, 'uri = "ws://h"\nopen_timeout = 5\n') == (
        "service.toml:2:1: unknown option 'open_timeout'\n"
        "  2 | open_timeout = 5\n"
        "    | ^^^^^^^^^^^^\n"
        "  hint: the option for 'open_timeout' is 'timeouts.open'"
    )


def test_missing_file_names_its_neighbour(write: Write) -> None:
    write("")
    assert report_of(lambda: ClientConfig.from_toml("servce.toml")) == (
        "servce.toml: file not found\n  hint: did you mean 'service.toml'?"
    )


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "open = 0",
            "got integer 0",
            "it must be above 0; to switch it off, write false",
        ),
        ("open = -1", "got integer -1", "it must be above 0; to switch it off, write false"),
        ("open = inf", "got float inf", "to switch it off, write false"),
        ("open = nan", "got float nan", "to switch it off, write false"),
        ('open = "none"', 'got string "none"', "to switch it off, write false"),
        (
            "open = true",
            "got boolean true",
            "leave the option out for its default; to switch it off, write false",
        ),
        ("open = [10]", "got an array", None),
        ("open = {a = 1}", "got a table", None),
        ("open = 1979-05-27", "got a date or time", None),
        (
            f"open = 0x{'f' * 50}",
            "got an integer",
            "at most 1000000000 seconds; to switch it off, write false",
        ),
    ],
)
def test_value_is_told_as_toml_writes_it(write: Write, line: str, message: str, hint: str | None) -> None:
    file = write(f'uri = "ws://h"\n[timeouts]\n{line}\n')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert problem.message == (
        'timeouts.open: expected a duration such as 10, 2.5, "10s" or "500ms",'
        f" or false to switch it off, {message}"
    )
    assert problem.hint == hint


@pytest.mark.parametrize(
    ("text", "where", "snippet"),
    [
        ('timeouts.opne = "x"', "2:10", "timeouts.opne = ********\n         ^^^^"),
        ("timeouts = { opne = 1 }", "2:14", "timeouts = { opne = 1 }\n             ^^^^"),
        ("[timeout]\nopen = 1", "2:2", "[timeout]\n ^^^^^^^"),
        ("[[timeout]]\nopen = 1", "2:3", "[[timeout]]\n  ^^^^^^^"),
        ("  'timeout' = 1", "2:3", "  'timeout' = 1\n  ^^^^^^^^^"),
        ('"time\\u006Fut" = 1', "2:1", '"time\\u006Fut" = 1\n^^^^^^^^^^^^^^'),
        ("[timeouts]\nopen = 0 # why", "3:8", "open = 0\n       ^"),
        ("[timeouts.open]\nx = 1", "2:11", "[timeouts.open]\n          ^^^^"),
        ("[timeouts]\n\topen\t= 0", "3:9", "\topen\t= 0\n\t    \t  ^"),
        ("[network]\nfamily = '日本'", "3:10", "family = '日本'\n         ^^^^^^"),
        ("[network]\nfamily = 'e\u0301'", "3:10", "family = 'e\u0301'\n         ^^^"),
        ("[network]\nfamily = '\u202e'", "3:10", "family = '\ufffd'\n         ^^^"),
        ("subprotocols = [\n 'a b',\n]", "2:16", "subprotocols = [\n               ^"),
        ("subprotocols = [ # 'x'\n 'a b',\n]", "2:16", "subprotocols = [\n               ^"),
        ('origin = """a\nb"""', "2:10", "origin = ********\n         ^^^^^^^^"),
        ("[limits]\r\nmax_size = 0\r\n", "3:12", "max_size = 0\n           ^"),
        ("tls.verify = 1\nuri2 = 1", "2:14", "tls.verify = 1\n             ^"),
    ],
)
def test_place_and_caret(write: Write, text: str, where: str, snippet: str) -> None:
    file = write(f'uri = "wss://h"\n{text}')
    problem = problems_of(lambda: ClientConfig.from_toml(file))[0]
    shown, caret = snippet.split("\n")
    number = where.partition(":")[0]
    assert problem.where == f"service.toml:{where}"
    assert problem.snippet == f"{number} | {shown}\n{' ' * len(number)} | {caret}"


def test_byte_order_mark_is_not_counted(write: Write) -> None:
    file = write("\ufeffopne = 1\nuri = 'ws://h'")
    assert problems_of(lambda: ClientConfig.from_toml(file))[0].where == "service.toml:1:1"


def test_long_line_is_cut_around_the_caret(write: Write) -> None:
    file = write(f'timeouts = {{ {" " * 300}opne = 1,{" " * 300}tls_handshake = 5 }}\nuri = "ws://h"')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    shown, caret = (problem.snippet or "").split("\n")
    assert shown.startswith("1 | ...")
    assert shown.endswith("...")
    assert len(shown) < 180
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "opne"


def test_problems_come_in_the_order_of_files_and_lines(write: Write) -> None:
    file = write("b = 1\na = 2\n[timeouts]\nopen = 0")
    Path("other.toml").write_text("c = 1")
    environ = {"WSSDK_B": "", "WSSDK_A": ""}
    problems = problems_of(
        lambda: ClientConfig.load(file, "other.toml", environ=environ, overrides={"uri": None, "d": 1})
    )
    assert [problem.where for problem in problems] == [
        "service.toml:1:1",
        "service.toml:2:1",
        "service.toml:4:8",
        "other.toml:1:1",
        "environment variable WSSDK_A",
        "environment variable WSSDK_B",
        "code",
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("opne", "did you mean 'timeouts.open'?"),
        ("limits.queue", "did you mean 'limits.max_queue'?"),
        ("limits.interval", "did you mean 'keepalive.interval'?"),
        ("limits.secrt", None),
        ("network.prot", "did you mean 'network.port'?"),
        ("port", "the option for 'port' is 'network.port'"),
        ("verify", "did you mean 'tls.verify'?"),
        ("max_sise", "did you mean 'limits.max_size'?"),
        ("limits.max-size", "did you mean 'limits.max_size'?"),
        ("URI", "did you mean 'uri'?"),
        ("ping_interval", "the option for 'ping_interval' is 'keepalive.interval'"),
        ("keepalive.ping_interval", "the option for 'ping_interval' is 'keepalive.interval'"),
        ("ssl", "the option for 'ssl' is 'tls'"),
        ("additional_headers", "the option for 'additional_headers' is 'headers'"),
        ("connection", "did you mean 'connections'?"),
        ("url", "did you mean 'uri'?"),
        ("ur", "did you mean 'uri'?"),
        ("timeouts.connect", "did you mean 'timeouts.open'?"),
        ("tls.verify_hostname", "did you mean 'tls.check_hostname'?"),
        ("reconnect.max_delay", "did you mean 'reconnect.max'?"),
        ("auth.username", None),
        ("auth.password", None),
        ("create_connection", "give it in code: 'create_connection' is a keyword of connect()"),
        ("extensions", "give it in code: 'extensions' is a keyword of connect()"),
        ("sock", "give it in code: 'sock' is a keyword of connect()"),
        ("zzz", None),
        ('"a.b"', None),
        ("timeouts.connections", "did you mean 'connections'?"),
    ],
)
def test_unknown_name(write: Write, name: str, hint: str | None) -> None:
    file = write(f'{name} = 1\nuri = "ws://h"')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert (problem.message, problem.hint) == (f"unknown option {name!r}", hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("timeout", "did you mean 'timeouts'?"),
        ("header", "did you mean 'headers'?"),
        ("additional_headers", "the option for 'additional_headers' is 'headers'"),
        ("ssl", "the option for 'ssl' is 'tls'"),
        ("zzz", None),
        ("conections", "did you mean 'connections'?"),
    ],
)
def test_unknown_table(write: Write, name: str, hint: str | None) -> None:
    file = write(f'uri = "ws://h"\n[{name}]\na = 1')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert (problem.message, problem.hint) == (f"unknown option {name!r}", hint)


def test_name_in_a_connection_is_corrected_in_full(write: Write) -> None:
    file = write('[connections.a]\nuri = "ws://h"\nlimits.max_sise = 1\nconections = 1')
    first, second = problems_of(lambda: ClientConfig.from_toml(file, connection="a"))
    assert first.message == "unknown option 'connections.a.limits.max_sise'"
    assert first.hint == "did you mean 'connections.a.limits.max_size'?"
    assert second.hint == "did you mean 'connections'?"


def test_of_many_problems_the_first_hundred_are_told(write: Write) -> None:
    file = write('uri = "ws://h"\n' + "".join(f"zzz{number} = 1\n" for number in range(250)))
    problems = problems_of(lambda: ClientConfig.load(file, environ={"WSSDK_ZZZ": "1"}))
    assert [problem.path for problem in problems[:100]] == [f"zzz{number}" for number in range(100)]
    assert str(problems[100]) == "service.toml:102:1: and 151 more problems, from here on"
    assert len(problems) == 101


def test_of_one_more_than_a_hundred_the_place_is_told(write: Write) -> None:
    file = write('uri = "ws://h"\n' + "".join(f"zzz{number} = 1\n" for number in range(101)))
    problems = problems_of(lambda: ClientConfig.from_toml(file))
    assert str(problems[100]) == "service.toml:102:1: and another problem, here"


def test_of_many_unknown_names_the_near_one_is_told_for_the_first(write: Write) -> None:
    file = write('uri = "ws://h"\n[timeouts]\n' + "".join(f"opne{number} = 1\n" for number in range(60)))
    hints = [problem.hint for problem in problems_of(lambda: ClientConfig.from_toml(file))]
    assert hints[0] == "did you mean 'timeouts.open'?"
    assert [at for at, hint in enumerate(hints) if hint is None] == list(range(25, 60))


def test_nothing_is_shown_of_a_line_with_many_values(write: Write) -> None:
    values = ", ".join(f"a{number} = 1" for number in range(60))
    report = report_of(lambda: ClientConfig.from_toml(write(f'uri = "ws://h"\nzzz = {{ {values} }}')))
    assert "\n  2 | ********\n" in report


def test_a_key_in_quotes_is_covered_at_every_place_of_its_line(write: Write) -> None:
    file = write('uri = "ws://h"\nzzz = { "Bearer s3cret".a = 1, "Bearer s3cret".b = 2 }')
    assert "s3cret" not in report_of(lambda: ClientConfig.from_toml(file))


def test_problems_of_several_tables_are_counted_though_not_made(write: Write) -> None:
    tables = "".join(
        f"[{section}]\n" + "".join(f"zz{number} = 1\n" for number in range(150))
        for section in ("tls", "auth", "limits")
    )
    problems = problems_of(lambda: ClientConfig.from_toml(write(f'uri = "ws://h"\n{tables}')))
    assert str(problems[100]) == "service.toml:103:1: and 350 more problems, from here on"


def test_headers_that_are_wrong_are_counted_though_not_made(write: Write) -> None:
    headers = "".join(f"x{number} = 1\n" for number in range(300))
    problems = problems_of(lambda: ClientConfig.from_toml(write(f'uri = "ws://h"\n[headers]\n{headers}')))
    assert [problem.path for problem in problems[:100]] == [f"headers.x{number}" for number in range(100)]
    assert str(problems[100]) == "service.toml:103:8: and 200 more problems, from here on"
