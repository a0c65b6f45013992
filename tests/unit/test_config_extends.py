from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk import ClientConfig


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def load(file: str, **environ: str) -> ClientConfig:
    return ClientConfig.load(file, environ=environ)


def test_a_file_lies_over_the_one_it_extends(write: Write) -> None:
    write('uri = "ws://h"\ntimeouts = { open = 1, close = 2 }', "base.toml")
    config = load(write('extends = ["base.toml"]\ntimeouts.open = 3'))
    assert (config.uri, config.timeouts.open, config.timeouts.close) == ("ws://h", 3, 2)


def test_of_several_the_last_lies_highest(write: Write) -> None:
    write('uri = "ws://h"\ntimeouts = { open = 1, close = 1 }', "a.toml")
    write("timeouts.close = 2", "b.toml")
    config = load(write('extends = ["a.toml", "b.toml"]'))
    assert (config.timeouts.open, config.timeouts.close) == (1, 2)


def test_a_file_that_is_extended_may_extend_another(write: Write) -> None:
    write('uri = "ws://h"\ntimeouts.open = 1', "a.toml")
    write('extends = ["a.toml"]\ntimeouts.close = 2', "b.toml")
    config = load(write('extends = ["b.toml"]\nkeepalive.interval = 3'))
    assert (config.timeouts.open, config.timeouts.close, config.keepalive.interval) == (1, 2, 3)


def test_one_that_two_files_extend_overrides_neither(write: Write) -> None:
    write('uri = "ws://h"\ntimeouts = { open = 1, close = 1 }', "base.toml")
    write('extends = ["base.toml"]\ntimeouts.open = 2', "a.toml")
    write('extends = ["base.toml"]\ntimeouts.close = 3', "b.toml")
    config = load(write('extends = ["a.toml", "b.toml"]'))
    assert (config.timeouts.open, config.timeouts.close) == (2, 3)


def test_one_that_two_paths_extend_overrides_neither(write: Write) -> None:
    write('uri = "ws://h"\ntimeouts = { open = 9, close = 9 }', "base.toml")
    one = write('extends = ["base.toml"]\ntimeouts.open = 2', "a.toml")
    other = write('extends = ["base.toml"]\ntimeouts.close = 3', "b.toml")
    config = ClientConfig.load(one, other, environ={})
    assert (config.timeouts.open, config.timeouts.close) == (2, 3)
    config = ClientConfig.load("base.toml", one, other, environ={})
    assert (config.timeouts.open, config.timeouts.close) == (2, 3)


def test_a_path_lies_over_all_before_it_though_they_extend_it(write: Write) -> None:
    base = write('uri = "ws://h"\ntimeouts.open = 9', "base.toml")
    file = write('extends = ["base.toml"]\ntimeouts.open = 2')
    assert ClientConfig.load(file, base, environ={}).timeouts.open == 9


def test_each_path_may_extend_a_hundred_files(write: Write) -> None:
    files = []
    for path in ("a", "b"):
        names = [write("", f"{path}/{number}.toml") for number in range(60)]
        files.append(write(f'uri = "ws://h"\nextends = {names}'.replace("'", '"'), f"{path}.toml"))
    assert ClientConfig.load(*files, environ={}).uri == "ws://h"


def test_a_file_beside_a_pipe_is_told(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b'extends = ["base.toml"]\n')
        os.close(writing)
        problem = problems_of(lambda: load(f"/dev/fd/{reading}"))[0]
    finally:
        os.close(reading)
    assert problem.hint == "nothing is beside a pipe: write the whole path"


def test_files_are_looked_for_beside_the_one_that_names_them(write: Write) -> None:
    write("token\n", "common/token.txt")
    write('uri = "wss://h"\nauth.token = { file = "token.txt" }\ntls.ca_file = "ca.pem"', "common/base.toml")
    config = load(write('extends = ["../common/base.toml"]', "conf/service.toml"))
    assert config.auth.token is not None
    assert config.auth.token.reveal() == "token"
    assert config.tls.ca_file == str(Path("conf/../common/ca.pem"))


def test_connections_may_be_in_the_file_below(write: Write) -> None:
    write('[connections.a]\nuri = "ws://a"\ntimeouts.open = 1', "base.toml")
    file = write(
        'extends = ["base.toml"]\n[connections.a]\ntimeouts.close = 2\n[connections.b]\nuri = "ws://b"'
    )
    configs = ClientConfig.load_all(file, environ={})
    assert list(configs) == ["a", "b"]
    assert (configs["a"].timeouts.open, configs["a"].timeouts.close) == (1, 2)


def test_a_table_of_a_larger_file_may_extend_a_file(write: Write) -> None:
    write('uri = "ws://h"', "base.toml")
    file = write('[tool.app]\nextends = ["base.toml"]\ntimeouts.open = 2', "pyproject.toml")
    config = ClientConfig.from_toml(file, table=("tool", "app"))
    assert (config.uri, config.timeouts.open) == ("ws://h", 2)


def test_each_value_is_from_its_own_file(write: Write) -> None:
    write('uri = "ws://h"\ntimeouts.open = 1', "base.toml")
    row = load(write('extends = ["base.toml"]\ntimeouts.open = 2')).explain()["timeouts.open"]
    assert (row.origin.where, row.overrode[0].where) == ("service.toml:2", "base.toml:2")


def test_what_is_wrong_below_is_told_with_its_own_place(write: Write) -> None:
    write("timeouts.opne = 1\nlimits.max_size = 0", "base.toml")
    problems = problems_of(lambda: load(write('extends = ["base.toml"]\nuri = "ws://h"\nzzz = 1')))
    assert [problem.where for problem in problems] == ["base.toml:1:10", "base.toml:2:19", "service.toml:3:1"]


def test_files_that_extend_each_other_are_told_in_a_circle(write: Write) -> None:
    write('extends = ["b.toml"]', "a.toml")
    write('extends = ["c.toml"]', "b.toml")
    write('\nextends = ["a.toml"]', "c.toml")
    (problem,) = problems_of(lambda: load("a.toml", WSSDK_URI="ws://h"))
    assert problem.where == "c.toml:2:11"
    assert problem.message == (
        "extends: the files extend each other in a circle: a.toml -> b.toml -> c.toml -> a.toml"
    )


def test_a_file_that_extends_itself_is_told(write: Write) -> None:
    (problem,) = problems_of(lambda: load(write('extends = ["./service.toml"]'), WSSDK_URI="ws://h"))
    assert problem.message.endswith("in a circle: service.toml -> service.toml")


def test_files_that_extend_each_other_without_end_are_told(write: Write) -> None:
    for number in range(50):
        write(f'extends = ["{number + 1}.toml"]', f"{number}.toml")
    (problem,) = problems_of(lambda: load("0.toml", WSSDK_URI="ws://h"))
    assert problem.message == "extends: more than 32 files extend each other"


def test_two_files_that_each_extend_one_twice_are_read_once(write: Write) -> None:
    write('uri = "ws://h"', "0.toml")
    for number in range(1, 25):
        write(f'extends = ["{number - 1}.toml", "./{number - 1}.toml"]', f"{number}.toml")
    assert load("24.toml").uri == "ws://h"


def test_a_missing_file_is_told_where_it_is_named(write: Write) -> None:
    write("", "base.toml")
    report = report_of(lambda: load(write('extends = ["bsae.toml"]\nuri = "ws://h"')))
    assert report == (
        "service.toml:1:11: extends: 'bsae.toml': file not found\n"
        '  1 | extends = ["bsae.toml"]\n'
        "    |           ^^^^^^^^^^^^^\n"
        "  hint: did you mean 'base.toml'?"
    )


@pytest.mark.parametrize("value", ["5", '"base.toml"', "[5]", '[""]', "{ a = 1 }", "[[]]"])
def test_what_is_no_array_of_files_is_refused(write: Write, value: str) -> None:
    (problem,) = problems_of(lambda: load(write(f'uri = "ws://h"\nextends = {value}')))
    assert problem.message.startswith('extends: expected an array of files such as ["base.toml"], got a')


def test_extends_of_a_connection_is_told_where_it_stands(write: Write) -> None:
    file = write('uri = "ws://h"\n[connections.a]\nextends = ["base.toml"]')
    (problem,) = problems_of(lambda: load(file))
    assert problem.message == "unknown option 'connections.a.extends'"
    assert problem.hint == "it stands in a file, above all sections"


def test_a_misspelt_extends_is_told(write: Write) -> None:
    (problem,) = problems_of(lambda: load(write('uri = "ws://h"\nextend = ["base.toml"]')))
    assert problem.hint == "did you mean 'extends'?"


def test_a_broken_file_below_is_told_with_its_line(write: Write) -> None:
    write("open = None", "base.toml")
    (problem,) = problems_of(lambda: load(write('extends = ["base.toml"]\nuri = "ws://h"')))
    assert problem.where == "base.toml:1:8"


def test_no_more_than_a_hundred_files_are_extended(write: Write) -> None:
    for number in range(102):
        write("", f"{number}.toml")
    names = ", ".join(f'"{number}.toml"' for number in range(102))
    (problem,) = problems_of(lambda: load(write(f'uri = "ws://h"\nextends = [{names}]')))
    assert problem.message == "extends: more than 100 files are extended"


def test_that_too_many_files_are_extended_is_told_once(write: Write) -> None:
    names = ", ".join(f'"base{number}.toml"' for number in range(300))
    problems = problems_of(lambda: ClientConfig.from_toml(write(f'uri = "ws://h"\nextends = [{names}]')))
    assert len(problems) == 101
    assert str(problems[100]).endswith("and another problem, here")
