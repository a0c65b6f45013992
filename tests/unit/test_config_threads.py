"""Configurations are values: any thread may ask one where it comes from, at any time."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from wssdk.config import ClientConfig
from wssdk.config_marks import Marks

THREADS = 4
ROUNDS = 30


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Return what calls return, or raise, that begin together in threads of their own."""
    barrier = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(at: int) -> None:
        barrier.wait()
        try:
            results[at] = calls[at]()
        except Exception as error:
            results[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def explained(config: ClientConfig) -> Callable[[], str]:
    return lambda: str(config.explain())


def test_threads_read_the_marks_of_one_text() -> None:
    text = "".join(f"key{number} = {{ a = {number}, b = 'x' }}  # c\n" for number in range(100))
    expected = Marks(text).read()
    for _ in range(ROUNDS):
        marks = Marks(text)
        find = partial(marks.find, ("key99", "b"))
        found = at_once(*[find] * (THREADS - 1), marks.read)
        assert found == [*[expected.by_path["key99", "b"]] * (THREADS - 1), marks]
        assert (marks.values, marks.comments) == (expected.values, expected.comments)


def test_threads_explain_one_configuration(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text("uri = 'ws://h'\n" + "".join(f"headers.x{number} = 'a'\n" for number in range(100)))
    expected = str(ClientConfig.load(file, environ={}).explain())
    for _ in range(ROUNDS):
        config = ClientConfig.load(file, environ={})
        assert at_once(*[explained(config)] * THREADS) == [expected] * THREADS


def test_threads_explain_and_pickle_the_connections_of_one_file(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    inside = "uri = 'ws://h'\ntimeouts = { open = 1, close = 2 }"
    file.write_text("".join(f"[connections.c{number}]\n{inside}\n" for number in range(100)))
    names = [f"c{number}" for number in range(100 - THREADS, 100)]
    expected = [str(ClientConfig.load(file, connection=name, environ={}).explain()) for name in names]
    for _ in range(ROUNDS):
        configs = ClientConfig.load_all(file, environ={})
        assert at_once(*(explained(configs[name]) for name in names)) == expected
        configs = ClientConfig.load_all(file, environ={})
        pickles = at_once(*(partial(pickle.dumps, configs[name]) for name in names))
        assert [str(pickle.loads(each).explain()) for each in pickles if isinstance(each, bytes)] == expected
