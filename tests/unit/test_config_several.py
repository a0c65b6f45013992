"""Many connections of one file: what they have in common is worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.config_errors import problems_of
from wssdk.config import ClientConfig
from wssdk.errors import ConfigProblem


class CountingEnvironment(Mapping[str, str]):
    """An environment that counts how often the variables without our prefix are read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.reads = 0

    def __getitem__(self, name: str) -> str:
        self.reads += 1
        return self._variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def write(folder: Path, top: str, *, connections: int, inside: str) -> Path:
    file = folder / "service.toml"
    tables = "".join(f"[connections.a{number}]\n{inside}\n" for number in range(connections))
    file.write_text(f"{top}\n{tables}", encoding="utf-8")
    return file


def reads(file: Path) -> int:
    environ = CountingEnvironment({"A": "a"})
    ClientConfig.load_all(file, environ=environ)
    return environ.reads


def test_a_reference_of_the_top_level_is_followed_once_for_all_connections(tmp_path: Path) -> None:
    top = 'uri = "ws://h"\nheaders.X = "${env:A}"'
    one = reads(write(tmp_path, top, connections=1, inside="timeouts.open = 1"))
    assert reads(write(tmp_path, top, connections=50, inside="timeouts.open = 1")) == one


def test_connections_share_the_sections_that_they_do_not_change(tmp_path: Path) -> None:
    file = write(tmp_path, "limits.max_size = 5", connections=2, inside='uri = "ws://h"')
    first, second = ClientConfig.load_all(file, environ={}).values()
    assert first.limits is second.limits
    assert first.limits.max_size == 5


def bad_headers(folder: Path, value: str, connections: str) -> ConfigProblem:
    file = folder / "service.toml"
    lines = "".join(f"x{number} = {value}\n" for number in range(150))
    file.write_text(f'uri = "ws://h"\n[headers]\n{lines}{connections}', encoding="utf-8")
    return problems_of(lambda: ClientConfig.load_all(file, environ={}))[-1]


@pytest.mark.parametrize("value", ["1", "'${env:A}'"])
@pytest.mark.parametrize(
    "connections",
    [
        "[connections.a]\n",
        "[connections.a]\nheaders.x5 = ''\n[connections.b]\n",
        "[connections.a]\nheaders.x120 = ''\n[connections.b]\nheaders.x130 = ''\n",
        "[connections.a]\nheaders.x5 = ''\n[connections.b]\nheaders.x6 = ''\n",
        "[connections.a]\nheaders.x5 = ''\n[connections.b]\nheaders.y = ''\n",
    ],
)
def test_faults_in_common_are_counted_once(tmp_path: Path, value: str, connections: str) -> None:
    problem = bad_headers(tmp_path, value, connections)
    assert problem.message == "and 50 more problems, from here on"


def test_a_value_that_every_connection_mends_is_not_counted(tmp_path: Path) -> None:
    mended = "[connections.a]\nheaders.x5 = ''\n[connections.b]\nheaders.x5 = ''\n"
    problem = bad_headers(tmp_path, "'${env:A}'", mended)
    assert problem.message == "and 49 more problems, from here on"


def test_headers_that_connections_add_to_many_have_a_bound(tmp_path: Path) -> None:
    top = 'uri = "ws://h"\n[headers]\n' + "".join(f"x{number} = ''\n" for number in range(999))
    file = write(tmp_path, top, connections=250, inside="headers.y = ''")
    assert len(ClientConfig.load_all(file, environ={})["a249"].headers) == 1000
    file = write(tmp_path, top, connections=251, inside="headers.y = ''")
    (problem,) = problems_of(lambda: ClientConfig.load_all(file, environ={}))
    assert problem.where.startswith(f"{file}:{1 + 1 + 999 + 1 + 251 * 2}:")
    assert problem.message == (
        "connections: connections that set headers would have more than 250000 of them in all,"
        " with those of the top level"
    )
    assert len(ClientConfig.load(file, connection="a250", environ={}).headers) == 1000
