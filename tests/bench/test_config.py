from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.documents import CASES
from bench.config.hostile import measure
from bench.config.loaders import ENVIRONMENT, LOADERS

SOFTWARE = {
    "typed-settings": "typed_settings",
    "pydantic-settings": "pydantic_settings",
    "msgspec, without an environment of its own": "msgspec",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.needs(SOFTWARE[name]) if name in SOFTWARE else [])
        for name in LOADERS
    ],
)
def test_every_library_reads_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in ENVIRONMENT.items():
        monkeypatch.setenv(variable, text)
    value = LOADERS[name]()()
    assert value.uri == "wss://stream.example.com/v1"
    assert value.headers["X-Client"] == "trader"
    assert (value.timeouts.open, value.timeouts.close, value.timeouts.tls_shutdown) == (7.0, 2.0, 0.5)
    assert (value.limits.max_size, value.limits.write_limit) == (1048576, 262144)
    assert value.compression.backend == "zlib"
    assert tuple(value.reconnect.retry_status) == (429, 500, 502, 503, 504)


@pytest.mark.parametrize("name", CASES)
def test_documents_of_the_bench_are_as_large_as_they_say(name: str) -> None:
    case = CASES[name]
    variables = sum(len(variable) + len(text) + 2 for variable, text in case.environ.items())
    assert 0.75 * case.size < len(case.text or "") + variables < 2.1 * case.size


def test_a_document_of_the_bench_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    row = measure("unknown tables", CASES["unknown tables"], rounds=1)
    assert row.told == 101
    assert row.cpu > row.parser > 0
