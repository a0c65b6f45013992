"""What ``wssdk config`` prints on terminals: read from a pseudo-terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LONG = "x" * 5000
SERVICE = """\
uri = "wss://stream.example.com/feed/with/a/long/path?symbols=AAPL,MSFT,GOOG"
timeouts.open = "5s"
compression.client_no_context_takeover = true
"""


def on_terminal(folder: Path, columns: int, *words: str) -> list[str]:
    """Return the lines that the command prints on a terminal with so many columns, without their colours."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environ = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "wssdk", "config", *words],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    ):
        os.close(slave)
        printed = b""
        try:
            while chunk := os.read(master, 65536):
                printed += chunk
        except OSError:  # Linux says so where the terminal's other side is closed
            pass
    os.close(master)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed.decode())
    return [line.rstrip() for line in plain.splitlines() if line.strip()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.toml").write_text(SERVICE)
    (tmp_path / "other.toml").write_text(SERVICE.replace("5s", "6s"))
    (tmp_path / "long.toml").write_text(f'uri = "ws://h/{LONG}"\n')
    return tmp_path


def test_a_wide_terminal_has_a_table(folder: Path) -> None:
    lines = on_terminal(folder, 160, "show", "service.toml")
    assert lines[0].split() == ["option", "value", "from", "overrode"]
    assert [line.split()[0] for line in lines[2:]] == [
        "uri",
        "timeouts.open",
        "compression.client_no_context_takeover",
    ]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_narrow_terminal_has_a_line_for_each_cell(folder: Path, columns: int) -> None:
    lines = on_terminal(folder, columns, "show", "service.toml")
    assert max(map(len, lines)) <= columns
    start = lines.index("timeouts.open")
    assert [line.split(None, 1) for line in lines[start : start + 5]] == [
        ["timeouts.open"],
        ["value", "5"],
        ["from", "service.toml:2"],
        ["overrode", "10 (default)"],
        ["compression.client_no_context_takeover"],
    ]


def test_two_files_stand_side_by_side_where_there_is_room(folder: Path) -> None:
    assert [line.split() for line in on_terminal(folder, 60, "diff", "service.toml", "other.toml")][::2] == [
        ["option", "service.toml", "other.toml"],
        ["timeouts.open", "5", "6"],
    ]


def test_long_names_of_files_leave_room_for_values(folder: Path) -> None:
    (folder / ("n" * 50)).write_text(SERVICE.replace("5s", "6s"))
    (folder / ("m" * 50)).write_text(SERVICE.replace("long", "short"))
    lines = on_terminal(folder, 40, "diff", "n" * 50, "m" * 50)
    assert max(map(len, lines)) <= 40
    assert "timeouts.open" in lines


def test_a_terminal_has_the_beginning_of_a_long_value(folder: Path) -> None:
    printed = "\n".join(on_terminal(folder, 80, "show", "long.toml"))
    assert 250 < printed.count("x") < 350
    assert "..." in printed
