from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_errors import Write, file_writer, problems_of, report_of
from wssdk.config import ClientConfig, Compression, Timeouts


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def test_file(write: Write) -> None:
    file = write(
        """
        uri = "wss://example.com/feed"
        origin = "https://example.com"
        subprotocols = ["chat"]
        user_agent = false
        compression = false
        [headers]
        X-Key = "1"
        [timeouts]
        open = "5s"
        close = false
        [limits]
        max_size = ["4 MiB", false]
        [tls]
        min_version = "1.3"
        """
    )
    config = ClientConfig.from_toml(file)
    assert config.uri == "wss://example.com/feed"
    assert config.origin == "https://example.com"
    assert config.subprotocols == ("chat",)
    assert config.user_agent is None
    assert config.compression == Compression(enabled=False)
    assert dict(config.headers) == {"X-Key": "1"}
    assert config.timeouts == Timeouts(open=5, close=None)
    assert config.limits.max_size == (4 * 2**20, None)
    assert config.tls.min_version == "1.3"


def test_path_may_be_an_object(write: Write) -> None:
    write('uri = "ws://h"')
    assert ClientConfig.from_toml(Path("service.toml")).uri == "ws://h"


def test_file_may_have_a_byte_order_mark(write: Write) -> None:
    file = write('\ufeffuri = "ws://h"')
    assert ClientConfig.from_toml(file).uri == "ws://h"


def test_file_leaves_the_environment_out(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_URI", "ws://env")
    assert ClientConfig.from_toml(write('uri = "ws://h"')).uri == "ws://h"


@pytest.mark.parametrize(
    ("text", "enabled", "url"),
    [
        ("proxy = false", False, "auto"),
        ("proxy = { enabled = false, url = 'http://p:1' }", False, "http://p:1"),
    ],
)
def test_short_form_of_the_proxy(write: Write, text: str, enabled: bool, url: str) -> None:
    proxy = ClientConfig.from_toml(write(f'uri = "ws://h"\n{text}')).proxy
    assert (proxy.enabled, proxy.url) == (enabled, url)


@pytest.mark.parametrize(
    ("section", "got"),
    [
        ("timeouts = 5", "timeouts: expected a table, got an integer"),
        ("compression = 5", "compression: expected a table or true or false, got an integer"),
        ("proxy = 5", "proxy: expected a table, true or false or a URL, got an integer"),
        ("headers = true", "headers: expected a table of headers, got a boolean"),
        ("connections = 'a'", "connections: expected a table for each connection, got a string"),
        ("connections.a = 5", "connections.a: expected a table for each connection, got an integer"),
    ],
)
def test_table_is_expected(write: Write, section: str, got: str) -> None:
    file = write(f'uri = "ws://h"\n{section}')
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file))
    assert problem.message == got


def test_table_inside_a_larger_file(write: Write) -> None:
    file = write('[tool.myapp.ws]\nuri = "ws://h"\n[tool.other]\nopne = 5\n', "pyproject.toml")
    assert ClientConfig.from_toml(file, table=("tool", "myapp", "ws")).uri == "ws://h"


def test_place_in_a_table_inside_a_larger_file(write: Write) -> None:
    file = write('[tool.myapp.ws]\nuri = "ws://h"\nlimits.opne = 5\n', "pyproject.toml")
    (problem,) = problems_of(lambda: ClientConfig.from_toml(file, table=("tool", "myapp", "ws")))
    assert (problem.where, problem.path) == ("pyproject.toml:3:8", "limits.opne")


def test_place_in_a_table_too_deep_to_be_marked(write: Write) -> None:
    names = tuple("abcdefghijkl")
    file = write("a = " + "".join(f"{{ {name} = " for name in names[1:]) + "{ opne = 1 }" + " }" * 11)
    problems = problems_of(lambda: ClientConfig.from_toml(file, table=names))
    assert problems[-1].path == "opne"
    assert problems[-1].where == "service.toml:1:49"


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("[tool.myap]", "a.toml: the file has no table [tool.myapp]\n  hint: did you mean [tool.myap]?"),
        ("", "a.toml: the file has no table [tool.myapp]"),
        ("tool = 5", "a.toml: the file has no table [tool.myapp]"),
        ("tool.myapp = 5", "a.toml: [tool.myapp] is not a table"),
    ],
)
def test_missing_table(write: Write, text: str, report: str) -> None:
    file = write(text, "a.toml")
    assert report_of(lambda: ClientConfig.from_toml(file, table=("tool", "myapp"))) == report


def test_table_is_a_sequence_of_names(write: Write) -> None:
    with pytest.raises(TypeError, match="sequence of names"):
        ClientConfig.from_toml(write(""), table="tool")
