"""Many connections of one file: what they have in common is worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from wssdk.config import ClientConfig


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
