from __future__ import annotations

import asyncio
import io
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import wssdk
from wssdk.cli.echo import EchoOptions, run_echo

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run ``python -m wssdk echo``; give the process and what it printed until it served."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wssdk", "echo", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        async with asyncio.timeout(20):
            while not lines or "echoing at" not in lines[-1]:
                line = await process.stdout.readline()
                assert line, "the server ended"
                lines.append(line.decode())
        yield process, "".join(lines)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def uri_of(text: str) -> str:
    match = re.search(r"echoing at (\S+?)(?:;| on)", text)
    assert match is not None, text
    return match[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_serves_until_it_is_told_to_stop_and_ends_with_0(number: signal.Signals) -> None:
    async with serving("--port", "0") as (process, text), wssdk.connect(uri_of(text)) as ws:
        await ws.send("there?")
        assert await ws.recv() == "there?"
        process.send_signal(number)
        assert await process.wait() == 0
        assert [message async for message in ws] == []
        assert ws.close_code == wssdk.CloseCode.GOING_AWAY


async def test_serves_tls_and_tells_whom_to_trust() -> None:
    async with serving("--port", "0", "--tls") as (_, text):
        match = re.match(r"trust the authority in (\S+) ", text)
        assert match is not None
        trusting = ssl.create_default_context(cafile=match[1])
        async with wssdk.connect(uri_of(text), ssl=trusting) as ws:
            await ws.send("there?")
            assert await ws.recv() == "there?"


@pytest.mark.needs("unix-sockets")
async def test_serves_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "echo.sock")
    async with serving("--unix", path) as (_, text):
        assert text == f"echoing at ws://localhost/ on Unix socket {path}; ^C ends it\n"
        async with wssdk.unix_connect(path) as ws:
            await ws.send("there?")
            assert await ws.recv() == "there?"


class Acting(io.StringIO):
    """Acts as soon as the server tells where it serves."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def flush(self) -> None:
        super().flush()
        if "echoing at" in self.getvalue():
            self._act()


@pytest.mark.parametrize("options", [EchoOptions(port=0), EchoOptions(port=0, tls=True)])
def test_a_signal_ends_it_with_0(options: EchoOptions) -> None:
    out = Acting(lambda: signal.raise_signal(signal.SIGTERM))
    assert run_echo(options, out) == 0
    assert re.search(rf"echoing at {'wss' if options.tls else 'ws'}://127\.0\.0\.1:\d+/; ", out.getvalue())


def test_an_interrupt_where_the_loop_takes_no_signal_handlers_ends_it_with_0() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    assert run_echo(EchoOptions(port=0), Acting(interrupt)) == 0


def test_an_address_that_cannot_be_served_ends_it_with_1_and_the_reason() -> None:
    out, err = io.StringIO(), io.StringIO()
    assert run_echo(EchoOptions(host="192.0.2.1", port=0), out, err) == 1
    assert out.getvalue() == ""
    assert err.getvalue().startswith("wssdk echo: ")


def test_without_trustme_tls_ends_it_with_1_and_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    err = io.StringIO()
    assert run_echo(EchoOptions(port=0, tls=True), io.StringIO(), err) == 1
    assert "pip install 'wssdk[testing]'" in err.getvalue()
