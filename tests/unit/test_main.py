from __future__ import annotations

import runpy
import sys

import pytest

import wssdk
from wssdk.__main__ import main
from wssdk.cli.echo import EchoOptions


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


def test_python_m_ends_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wssdk.cli.demo.run_demo", lambda: 7)
    monkeypatch.setattr(sys, "argv", ["wssdk", "demo"])
    monkeypatch.delitem(sys.modules, "wssdk.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("wssdk", run_name="__main__")
    assert caught.value.code == 7
