from __future__ import annotations

import importlib.util
import io
import re
import socket
from importlib.machinery import ModuleSpec

import pytest

import wssdk
from wssdk.cli import demo
from wssdk.cli.demo import run_demo
from wssdk.testing import EchoServer

STEPS = ("load the config", "connect to", "text,", "binary,", "text in 3 fragments", "ping", "close")


def told() -> tuple[int, str]:
    out = io.StringIO()
    return run_demo(out), out.getvalue()


def test_every_step_of_every_transport_is_told_with_its_time() -> None:
    code, text = told()
    assert code == 0, text
    for transport in ("tcp", "tls", "unix"):
        _, _, part = text.partition(f"\n{transport}:\n")
        lines = part.splitlines()[: len(STEPS)]
        for step, line in zip(STEPS, lines, strict=True):
            assert re.fullmatch(rf"  {re.escape(step)}.* ok +\d+\.\d\d ms", line), line


def test_the_version_is_told_first() -> None:
    assert told()[1].startswith(f"wssdk {wssdk.__version__} on ")


def test_the_environment_of_the_machine_does_not_reach_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_URI", "ws://192.0.2.1/")
    monkeypatch.setenv("WSSDK_NONSENSE", "1")
    code, text = told()
    assert code == 0, text


def test_without_trustme_tls_is_left_out_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec

    def without_trustme(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "trustme" else find_spec(name, package)

    monkeypatch.setattr(demo, "find_spec", without_trustme)
    code, text = told()
    assert code == 0, text
    assert "TLS left out: it needs pip install 'wssdk[testing]'" in text
    assert "\ntls:\n" not in text


def test_without_unix_sockets_they_are_left_out_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    code, text = told()
    assert code == 0, text
    assert "Unix socket left out" in text
    assert "\nunix:\n" not in text


def test_a_wrong_answer_fails_the_demo_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def garble(ws: wssdk.ClientConnection) -> None:
        async for _ in ws:
            await ws.send("something else")

    monkeypatch.setattr(demo, "EchoServer", lambda **options: EchoServer(garble, **options))
    code, text = told()
    assert code == 1
    assert re.search(r"  text, .* FAILED\n", text)
    assert text.endswith("got 'something else'\n")


def test_a_server_that_cannot_start_fails_the_demo_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "EchoServer", lambda **options: EchoServer(host="192.0.2.1"))
    code, text = told()
    assert code == 1
    assert re.search(r"  start an echo server: TCP .* FAILED\ndemo failed: OSError: ", text)
