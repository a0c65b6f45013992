from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer, problems_of
from tests.support.dialer import ScriptedDialer
from wssdk import load_factories
from wssdk.testing import EchoServer

TWO = """
timeouts.open = 5
[connections.trades]
uri = "ws://127.0.0.1:1/trades"
[connections.quotes]
uri = "ws://127.0.0.1:1/quotes"
timeouts.open = 7
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def test_every_connection_of_the_file_has_a_factory(write: Write) -> None:
    factories = load_factories(write(TWO), environ={})
    assert {name: factory.config.timeouts.open for name, factory in factories.items()} == {
        "trades": 5,
        "quotes": 7,
    }


def test_the_mapping_cannot_be_changed(write: Write) -> None:
    factories = load_factories(write(TWO), environ={})
    with pytest.raises(TypeError):
        factories["other"] = factories["trades"]  # type: ignore[index]


def test_environment_and_overrides_lie_over_the_file(write: Write) -> None:
    factories = load_factories(
        write(TWO),
        environ={"APP_CONNECTIONS__TRADES__TIMEOUTS__OPEN": "1s"},
        env_prefix="APP_",
        overrides={"timeouts.close": 2},
    )
    assert factories["trades"].config.timeouts.open == 1
    assert factories["quotes"].config.timeouts.close == 2


def test_a_table_of_a_larger_file_can_be_named(write: Write) -> None:
    file = write("[tool.app.connections.a]\nuri = 'ws://h'")
    assert list(load_factories(file, table=("tool", "app"), environ={})) == ["a"]


async def test_each_factory_opens_its_own_connection(write: Write) -> None:
    async with EchoServer() as server:
        file = write(f'[connections.a]\nuri = "{server.uri}"\n[connections.b]\nuri = "{server.uri}x"')
        factories = load_factories(file, environ={})
        async with factories["a"].connect() as one, factories["b"].connect() as other:
            await one.send("1")
            await other.send("2")
            assert (await one.recv(), await other.recv()) == ("1", "2")
            assert one.request is not None
            assert other.request is not None
            assert (one.request.path, other.request.path) == ("/", "/x")


async def test_collaborators_are_given_to_each_factory(write: Write) -> None:
    dialer = ScriptedDialer(ConnectionRefusedError(), ConnectionRefusedError())
    factories = load_factories(write(TWO), environ={}, dialer=dialer)
    for factory in factories.values():
        with pytest.raises(ConnectionRefusedError):
            await factory.open()
    assert len(dialer.routes) == 2


def test_a_collaborator_of_the_wrong_type_is_refused(write: Write) -> None:
    with pytest.raises(TypeError, match="ssl_context must be an SSLContext, not int"):
        load_factories(write(TWO), environ={}, ssl_context=5)  # type: ignore[arg-type]


def test_every_problem_of_every_connection_is_told(write: Write) -> None:
    file = write('[connections.a]\nuri = "x"\n[connections.b]\nuri = "ws://h"\ntimeouts.open = 0')
    problems = problems_of(lambda: load_factories(file, environ={}))
    assert [problem.path for problem in problems] == ["connections.a.uri", "connections.b.timeouts.open"]


def test_files_without_connections_are_an_error(write: Write) -> None:
    (problem,) = problems_of(lambda: load_factories(write('uri = "ws://h"'), environ={}))
    assert (problem.where, problem.path) == ("service.toml", "connections")
    assert problem.message == "the files name no connections"
