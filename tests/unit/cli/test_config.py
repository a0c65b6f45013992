"""``wssdk config``, by what it prints and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wssdk.__main__ import main
from wssdk.config import ClientConfig
from wssdk.errors import ConfigError

GOOD = """\
uri = "wss://me:pa55word@stream.example.com/?token=t0ken"

[auth]
token = "s3cret-one"

[timeouts]
open = "5s"

[headers]
X-Api-Key = "k3y"

[connections.trades]
keepalive.interval = "10s"
"""
BAD = """\
uri = "ws://h"

[timeouts]
opne = 1

[limits]
max_size = "1 MiBB"
"""
ROOT = Path(__file__).parents[3]
SECRETS = ("pa55word", "t0ken", "s3cret", "k3y")

Run = Callable[..., "Ended"]


class Ended:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(BAD)
    (tmp_path / "other.toml").write_text(GOOD.replace("s3cret-one", "s3cret-two").replace("5s", "6s"))
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> Ended:
        code = main(["config", *words])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


# check


def test_check_of_a_good_file(run: Run) -> None:
    ended = run("check", "good.toml")
    assert (ended.code, ended.out, ended.err) == (0, "good.toml: ok\n", "")


def test_check_tells_all_that_is_wrong(run: Run) -> None:
    ended = run("check", "good.toml", "bad.toml")
    assert ended.code == 1
    assert "bad.toml:4:1: unknown option 'timeouts.opne'" in ended.err
    assert "bad.toml:7:12: limits.max_size: expected a size" in ended.err


def test_check_of_a_file_whose_connections_bring_the_uri(run: Run, folder: Path) -> None:
    (folder / "many.toml").write_text('[connections.a]\nuri = "ws://a"\n')
    assert run("check", "many.toml").code == 0


def test_check_of_a_file_with_a_bad_connection(run: Run, folder: Path) -> None:
    (folder / "many.toml").write_text('[connections.a]\nuri = "ws://a"\n[connections.b]\nuri = "http://b"\n')
    assert "connections.b.uri" in run("check", "many.toml").err


def test_check_of_a_file_that_is_not_there(run: Run) -> None:
    ended = run("check", "goood.toml")
    assert (ended.code, "good.toml" in ended.err) == (1, True)


def test_check_in_json(run: Run) -> None:
    ended = run("check", "--json", "good.toml", "bad.toml")
    assert [(row["file"], [problem["path"] for problem in row["problems"]]) for row in ended.json] == [
        ("good.toml", []),
        ("bad.toml", ["timeouts.opne", "limits.max_size"]),
    ]


def test_check_with_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_TIMEOUTS__OPNE", "1")
    assert (run("check", "good.toml").code, run("check", "--env", "good.toml").code) == (0, 1)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("timeouts.open = 0\n[connections]\n", "many.toml:1:17"),
        ("timeouts.open = 0\n", "many.toml:1:17"),
        (
            'timeouts.open = 0\n[connections.a]\nuri = "ws://a"\ntimeouts.open = 1\n',
            "many.toml:1:17",
        ),
        ('extends = ["base.toml"]\n[timeouts]\nopne = 1\n', "many.toml:3:1"),
        (f"a = {'[' * 20_000}", "many.toml"),
    ],
    ids=["no connections", "no table", "overridden", "in the base", "deep"],
)
def test_check_finds_what_is_wrong(run: Run, folder: Path, text: str, where: str) -> None:
    (folder / "base.toml").write_text('[connections.a]\nuri = "ws://a"\n')
    (folder / "many.toml").write_text(text)
    ended = run("check", "--json", "many.toml")
    assert (ended.code, ended.json[0]["problems"][-1]["where"]) == (1, where)


def test_check_of_a_file_whose_base_names_the_connections(run: Run, folder: Path) -> None:
    (folder / "base.toml").write_text('[connections.a]\nuri = "ws://a"\n')
    (folder / "many.toml").write_text('extends = ["base.toml"]\ntimeouts.open = 1\n')
    ended = run("check", "many.toml")
    assert (ended.code, ended.err) == (0, "")


def test_check_with_connections_of_the_environment(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bare.toml").write_text("timeouts.open = 1\n")
    monkeypatch.setenv("WSSDK_CONNECTIONS__A__URI", "ws://a")
    assert (run("check", "bare.toml").code, run("check", "--env", "bare.toml").code) == (1, 0)
    assert list(ClientConfig.load_all("bare.toml")) == ["a"]
    monkeypatch.setenv("WSSDK_CONNECTIONS__B__ORIGIN", "b")
    (problem,) = run("check", "--env", "--json", "bare.toml").json[0]["problems"]
    with pytest.raises(ConfigError) as raised:
        ClientConfig.load_all("bare.toml")
    assert [problem["message"]] == [each.message for each in raised.value.problems]


def command(
    folder: Path, *words: str, content: str = "", encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, with ``content`` for its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "wssdk", "config", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        input=content,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(("content", "code"), [(GOOD, 0), (BAD, 1)])
def test_check_of_what_comes_out_of_a_pipe(folder: Path, content: str, code: int) -> None:
    ended = command(folder, "check", "/dev/stdin", content=content)
    assert (ended.returncode, ended.stdout) == (code, "" if code else "/dev/stdin: ok\n")


def test_check_of_a_file_without_end(run: Run) -> None:
    ended = run("check", "/dev/zero")
    assert (ended.code, ended.err) == (1, "/dev/zero: the file is larger than 4194304 bytes\n")


# A table inside a larger file.

LARGER = """[project]
name = "feed"

[tool."my.app".ws]
uri = "ws://h"
timeouts.open = 1
"""


@pytest.fixture
def larger(folder: Path) -> None:
    (folder / "larger.toml").write_text(LARGER)
    (folder / "changed.toml").write_text(LARGER.replace("open = 1", "open = 2"))


@pytest.mark.usefixtures("larger")
def test_check_of_a_table(run: Run) -> None:
    table = 'tool."my.app".ws'
    assert (run("check", "larger.toml").code, run("check", "--table", table, "larger.toml").code) == (1, 0)


@pytest.mark.usefixtures("larger")
def test_show_of_a_table(run: Run) -> None:
    ended = run("show", "--json", "--table", "tool.'my.app'.ws", "larger.toml")
    assert [row["option"] for row in ended.json] == ["uri", "timeouts.open"]


@pytest.mark.usefixtures("larger")
def test_diff_of_a_table(run: Run) -> None:
    ended = run("diff", "--json", "--table", 'tool."my.app".ws', "larger.toml", "changed.toml")
    assert [row["option"] for row in ended.json] == ["timeouts.open"]


@pytest.mark.usefixtures("larger")
def test_a_table_that_is_not_there(run: Run) -> None:
    ended = run("show", "--table", "tool.yours", "larger.toml")
    assert (ended.code, ended.err) == (1, "larger.toml: the file has no table [tool.yours]\n")


@pytest.mark.parametrize("name", ["", ".", "a..b", "a b", "[a", "a = {b = 1, c", '"', "a\nb"])
def test_what_is_no_name_of_a_table(run: Run, name: str) -> None:
    ended = run("check", "--table", name, "good.toml")
    assert (ended.code, "is not the name of a table, such as tool.myapp" in ended.err) == (2, True)


# show


def rows_of(ended: Ended) -> dict[str, str]:
    return {row["option"]: row["value"] for row in ended.json}


def test_show_has_a_line_for_each_value_that_is_set(run: Run) -> None:
    ended = run("show", "good.toml")
    assert ended.code == 0
    first = [line.split()[0] for line in ended.out.splitlines() if line.strip()]
    assert first[0] == "option"
    assert first[2:] == ["uri", "headers.X-Api-Key", "auth.token", "timeouts.open"]


def test_show_tells_the_place(run: Run) -> None:
    assert "good.toml:7" in run("show", "good.toml").out


def test_show_of_a_connection(run: Run) -> None:
    assert rows_of(run("show", "--json", "--connection", "trades", "good.toml"))["keepalive.interval"] == "10"


def test_show_of_a_connection_that_is_not_there(run: Run) -> None:
    ended = run("show", "--connection", "trade", "good.toml")
    assert (ended.code, "trades" in ended.err) == (1, True)


def test_later_files_win(run: Run) -> None:
    assert rows_of(run("show", "--json", "good.toml", "other.toml"))["timeouts.open"] == "6"


def test_show_with_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_TIMEOUTS__OPEN", "7s")
    shown = rows_of(run("show", "--env", "--json", "good.toml"))
    assert shown["timeouts.open"] == "7"


def test_show_of_everything_has_the_defaults(run: Run) -> None:
    assert rows_of(run("show", "--all", "--json", "good.toml"))["timeouts.close"] == "10"


def test_show_of_a_bad_file(run: Run) -> None:
    ended = run("show", "bad.toml")
    assert (ended.code, ended.out) == (1, "")


def test_show_of_a_bad_file_in_json(run: Run) -> None:
    ended = run("show", "--json", "bad.toml")
    assert (ended.code, ended.err) == (1, "")
    assert ended.json == {"problems": run("check", "--json", "bad.toml").json[0]["problems"]}


def test_show_in_json(run: Run) -> None:
    assert run("show", "--json", "good.toml").json[3] == {
        "option": "timeouts.open",
        "value": "5",
        "origin": {"kind": "file", "where": "good.toml:7", "value": "5"},
        "overrode": [{"kind": "default", "where": "default", "value": "10"}],
    }


def test_show_of_the_environment_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_URI", "ws://h")
    assert rows_of(run("show", "--env", "--json")) == {"uri": '"ws://h"'}


@pytest.mark.parametrize("words", [["show"], ["show", "--json"], ["show", "--all"], ["diff", "other.toml"]])
def test_no_secret_is_shown(run: Run, words: list[str]) -> None:
    ended = run(*words, "good.toml")
    assert [secret for secret in SECRETS if secret in ended.out + ended.err] == []


def test_nothing_is_cut_off_where_output_is_no_terminal(run: Run, folder: Path) -> None:
    long = "x" * 20_000
    (folder / "long.toml").write_text(f'uri = "ws://h/{long}"\n')
    assert long in run("show", "long.toml").out


# schema, init


def test_schema_is_that_of_the_library(run: Run) -> None:
    assert run("schema").json == run("schema", "--json").json == ClientConfig.json_schema()


def test_init_prints_the_default_file(run: Run) -> None:
    assert run("init").out == ClientConfig.default_toml()


def test_init_writes_the_default_file(run: Run, folder: Path) -> None:
    ended = run("init", "new.toml")
    assert (ended.code, (folder / "new.toml").read_text()) == (0, ClientConfig.default_toml())


def test_init_says_that_the_uri_is_still_to_come(run: Run) -> None:
    assert run("init", "new.toml").out == "wrote new.toml; write your uri into it, it is the first option\n"
    assert 'uri: required, and not set\n  hint: write uri = "wss://..."' in run("check", "new.toml").err


def test_what_init_writes_with_a_uri_is_well(run: Run) -> None:
    assert run("init", "--uri", "wss://h/feed", "new.toml").out == "wrote new.toml\n"
    assert run("check", "new.toml").code == 0
    assert rows_of(run("show", "--json", "new.toml")) == {"uri": '"wss://h/feed"'}


def test_init_with_a_bad_uri(run: Run, folder: Path) -> None:
    ended = run("init", "--uri", "http://u:pa55word@h", "new.toml")
    assert (ended.code, (folder / "new.toml").exists()) == (2, False)
    assert "Invalid value for '--uri'" in ended.err
    assert "pa55word" not in ended.err


def test_init_in_json(run: Run) -> None:
    text = ClientConfig.default_toml()
    assert run("init", "--json").json == {"file": None, "text": text, "error": None}
    assert run("init", "--json", "new.toml").json == {"file": "new.toml", "text": text, "error": None}
    ended = run("init", "--json", "new.toml")
    assert (ended.code, ended.json["error"]) == (1, "new.toml is there already: --force replaces it")


def test_init_keeps_a_file_that_is_there(run: Run, folder: Path) -> None:
    ended = run("init", "good.toml")
    assert (ended.code, (folder / "good.toml").read_text()) == (1, GOOD)


def test_init_replaces_a_file_when_told_to(run: Run, folder: Path) -> None:
    run("init", "--force", "good.toml")
    assert (folder / "good.toml").read_text() == ClientConfig.default_toml()


def test_init_tells_where_it_cannot_write(run: Run) -> None:
    ended = run("init", "no/such/folder.toml")
    assert (ended.code, ended.err) == (1, "cannot write no/such/folder.toml: No such file or directory\n")


# diff


def test_diff_of_the_same(run: Run) -> None:
    ended = run("diff", "good.toml", "good.toml")
    assert (ended.code, ended.out) == (0, "")


def test_diff_names_what_differs(run: Run) -> None:
    ended = run("diff", "--json", "good.toml", "other.toml")
    assert (ended.code, ended.json) == (
        1,
        [
            {"option": "auth.token", "a": "********", "b": "********", "masked": True},
            {"option": "timeouts.open", "a": "5", "b": "6", "masked": False},
        ],
    )


def test_diff_of_headers(run: Run, folder: Path) -> None:
    (folder / "one.toml").write_text('uri = "ws://h"\nheaders = { X-A = "1", X-B = "2" }\n')
    (folder / "two.toml").write_text('uri = "ws://h"\nheaders = { x-a = "1", X-C = "2" }\n')
    rows = run("diff", "--json", "one.toml", "two.toml").json
    assert [row["option"] for row in rows] == ["headers.X-B", "headers.X-C"]


def test_diff_of_headers_with_dots_in_their_names(run: Run, folder: Path) -> None:
    (folder / "one.toml").write_text('uri = "ws://h"\nheaders = { "X.Y" = "1" }\n')
    (folder / "two.toml").write_text('uri = "ws://h"\nheaders = { "x.y" = "2" }\n')
    assert run("diff", "--json", "one.toml", "two.toml").json == [
        {"option": 'headers."X.Y"', "a": "********", "b": "********", "masked": True}
    ]


def test_diff_for_people_says_that_secrets_differ(run: Run) -> None:
    (line,) = [line for line in run("diff", "good.toml", "other.toml").out.splitlines() if "token" in line]
    assert line.split(None, 2)[1:] == ["********", "******** (another one) "]


def test_diff_with_a_bad_file_in_json(run: Run) -> None:
    ended = run("diff", "--json", "good.toml", "bad.toml")
    assert (ended.code, ended.err) == (2, "")
    assert ended.json == run("check", "--json", "good.toml", "bad.toml").json


def test_diff_with_a_bad_file(run: Run) -> None:
    ended = run("diff", "good.toml", "bad.toml")
    assert (ended.code, ended.out, "timeouts.opne" in ended.err) == (2, "", True)


MANY = """\
timeouts.open = 1
tls.key_file = "k"
[connections.a]
uri = "wss://a"
tls.cert_file = "c"
[connections."b.c"]
uri = "wss://me:pa55word@b"
timeouts.open = 2
tls.cert_file = "c"
"""


def differing(run: Run, folder: Path, *changes: tuple[str, str], words: tuple[str, ...] = ()) -> list[Any]:
    """Return what differs of ``MANY`` and a changed one: options with both values."""
    changed = MANY
    for before, after in changes:
        assert before in changed
        changed = changed.replace(before, after)
    (folder / "one.toml").write_text(MANY)
    (folder / "two.toml").write_text(changed)
    ended = run("diff", "--json", "one.toml", "two.toml", *words)
    assert ended.code == int(bool(ended.json))
    return [(row["option"], row["a"], row["b"], row["masked"]) for row in ended.json]


def test_diff_of_files_whose_uris_are_in_connections(run: Run, folder: Path) -> None:
    assert differing(run, folder) == []


def test_diff_tells_what_differs_in_a_connection(run: Run, folder: Path) -> None:
    assert differing(run, folder, ("timeouts.open = 2", "timeouts.open = 3")) == [
        ('connections."b.c".timeouts.open', "2", "3", False)
    ]
    assert differing(run, folder, ("pa55word", "w0rd")) == [
        ('connections."b.c".uri', '"wss://********@b"', '"wss://********@b"', True)
    ]


def test_diff_tells_what_differs_at_the_top_once(run: Run, folder: Path) -> None:
    assert differing(run, folder, ("timeouts.open = 1", "timeouts.open = 3")) == [
        ("timeouts.open", "1", "3", False)
    ]


def test_diff_tells_what_a_connection_no_longer_overrides(run: Run, folder: Path) -> None:
    change = ("timeouts.open = 2", "# none")
    assert differing(run, folder, change) == [('connections."b.c".timeouts.open', "2", "1", False)]


def test_diff_tells_connections_that_are_added_and_removed(run: Run, folder: Path) -> None:
    assert differing(run, folder, ("connections.a", "connections.z")) == [
        ("connections.a", "a connection", None, False),
        ("connections.z", None, "a connection", False),
    ]
    assert run("diff", "one.toml", "two.toml").out.count("connections.") == 2


def test_diff_of_one_connection_has_all_of_it(run: Run, folder: Path) -> None:
    change = ("timeouts.open = 1", "timeouts.open = 3")
    assert differing(run, folder, change, words=("--connection", "a")) == [("timeouts.open", "1", "3", False)]
    assert differing(run, folder, change, words=("--connection", "b.c")) == []


def test_diff_with_connections_of_the_environment(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "one.toml").write_text("timeouts.open = 1\n")
    (folder / "two.toml").write_text('[connections.a]\nuri = "ws://a"\n')
    monkeypatch.setenv("WSSDK_CONNECTIONS__A__URI", "ws://e")
    rows = run("diff", "--env", "--json", "one.toml", "two.toml").json
    assert [row["option"] for row in rows] == ["timeouts.open"]


# What a terminal's encoding does not have.


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["show"], '"ws://h/\\xe4"'),
        (["check"], "bad\\udcff.toml: ok"),
        (["diff", "good.toml"], "bad\\udcff.toml"),
    ],
)
def test_what_cannot_be_printed_is_escaped(folder: Path, words: list[str], shown: str) -> None:
    name = os.fsdecode(b"bad\xff.toml")
    (folder / name).write_text('uri = "ws://h/\u00e4"', encoding="utf-8")
    ended = command(folder, *words, name, encoding="ascii")
    assert (ended.stderr, shown in ended.stdout) == ("", True)


# The command's own words.


@pytest.mark.parametrize(
    "words", [[], ["frob"], ["check"], ["show"], ["show", "--frob"], ["diff", "good.toml"]]
)
def test_wrong_words_end_with_2(run: Run, words: list[str]) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: wssdk config")


@pytest.mark.parametrize("name", ["check", "show", "init", "diff"])
def test_help_tells_the_exit_codes(run: Run, name: str) -> None:
    assert "Exit codes: 0" in run(name, "--help").out


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"]])
def test_help(run: Run, words: list[str]) -> None:
    ended = run(*words)
    assert (ended.code, ended.out.startswith("Usage: wssdk config")) == (0, True)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    for name in ("wssdk.cli.config", "wssdk.cli.tables"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    ended = run("schema")
    assert (ended.code, ended.err) == (2, f"wssdk config needs {missing}: pip install 'wssdk[cli]'\n")


def test_output_that_nobody_reads_ends_it_quietly(folder: Path) -> None:
    unread, stdout = os.pipe()
    os.close(unread)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "wssdk", "config", "schema"],
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(stdout)
    assert (ended.returncode, ended.stderr) == (1, "")
