from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import wssdk
from wssdk.__main__ import main
from wssdk.cli.echo import EchoOptions

ROOT = Path(__file__).parents[2]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"wssdk {wssdk.__version__}\n"


def test_without_a_command_the_commands_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_demo_runs_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wssdk.cli.demo.run_demo", lambda: 7)
    assert main(["demo"]) == 7


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], EchoOptions()),
        (["--host", "::1", "--port", "0"], EchoOptions(host="::1", port=0)),
        (["--unix", "/run/x"], EchoOptions(unix_path="/run/x")),
        (["--tls"], EchoOptions(tls=True)),
    ],
)
def test_echo_passes_its_options_on(
    arguments: list[str], options: EchoOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wssdk.cli.echo.run_echo", {options: 7}.__getitem__)
    assert main(["echo", *arguments]) == 7


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "x", "\u00b2"])
def test_echo_refuses_what_is_no_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["echo", "--port", port])
    assert caught.value.code == 2
    assert f"{port!r} is not a port: 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("other", [["--host", "::1"], ["--port", "0"]])
def test_echo_refuses_a_unix_socket_with_an_address(
    other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["echo", "--unix", "/run/x", *other])
    assert caught.value.code == 2
    assert f"--unix and {other[0]} exclude one another" in capsys.readouterr().err


def complaints_to(stdout: int, *arguments: str) -> tuple[int, str]:
    """Run the command with ``stdout``; return its exit code and what it complains about."""
    command = [sys.executable, "-m", "wssdk", *arguments]
    ended = subprocess.run(command, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("arguments", [["demo"], ["echo", "--port", "0"]])
def test_output_that_nobody_reads_ends_it_quietly(arguments: list[str]) -> None:
    unread, stdout = os.pipe()
    os.close(unread)
    try:
        assert complaints_to(stdout, *arguments) == (1, "")
    finally:
        os.close(stdout)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_told_in_one_line() -> None:
    with open("/dev/full", "wb") as full:
        code, text = complaints_to(full.fileno(), "demo")
    assert (code, text) == (1, "wssdk: cannot write to standard output: No space left on device\n")


def test_python_m_ends_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wssdk.cli.demo.run_demo", lambda: 7)
    monkeypatch.setattr(sys, "argv", ["wssdk", "demo"])
    monkeypatch.delitem(sys.modules, "wssdk.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("wssdk", run_name="__main__")
    assert caught.value.code == 7
