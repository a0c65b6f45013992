from __future__ import annotations

import io
import re
import socket

import pytest

import wssdk
from wssdk.cli import demo
from wssdk.cli.demo import run_demo, unusable_transports
from wssdk.testing import EchoServer

OK = r".* ok +\d+\.\d\d ms(, latency \d+\.\d\d ms)?"
STEPS = ("load the config", "connect to", "text,", "binary,", "text in 3 fragments", "ping", "close")


def told(left_out: dict[str, str] | None = None) -> tuple[int, str]:
    out = io.StringIO()
    return run_demo(out, left_out=left_out), out.getvalue()


def test_every_step_of_every_transport_is_told_with_its_time() -> None:
    code, text = told()
    assert code == 0, text
    for transport in ("tcp", "tls", "unix"):
        _, _, part = text.partition(f"\n{transport}:\n")
        lines = part.splitlines()[: len(STEPS)]
        for step, line in zip(STEPS, lines, strict=True):
            assert re.fullmatch(rf"  {re.escape(step)}.* ok +\d+\.\d\d ms(, latency \d+\.\d\d ms)?", line), (
                line
            )


def test_the_version_is_told_first() -> None:
    assert told()[1].startswith(f"wssdk {wssdk.__version__} on ")


def test_the_environment_of_the_machine_does_not_reach_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSDK_URI", "ws://192.0.2.1/")
    monkeypatch.setenv("WSSDK_NONSENSE", "1")
    code, text = told()
    assert code == 0, text


@pytest.mark.parametrize("transport", ["tls", "unix"])
def test_a_transport_that_is_left_out_is_named_with_the_reason(transport: str) -> None:
    code, text = told(left_out={transport: "not today"})
    assert code == 0, text
    assert f"  {transport} left out: not today\n" in text
    assert f"\n{transport}:\n" not in text


@pytest.mark.needs("unix-sockets")
def test_every_transport_can_be_used_where_the_tests_run() -> None:
    assert unusable_transports() == {}


def test_without_trustme_tls_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert unusable_transports() == {"tls": "it needs pip install 'wssdk[testing]'"}


def test_without_unix_sockets_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    assert unusable_transports() == {"unix": "this platform has no Unix sockets"}


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
    assert re.search(r"  start an echo server: tcp .* FAILED\ndemo failed: OSError: ", text)
