"""The bench runs: every scenario for a moment, so that it cannot rot. Nothing is measured here."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from bench.__main__ import main
from bench.build import NotBuiltError
from bench.contestants import ENTRIES, available, why_not
from bench.process import FailedError, Process
from bench.results import Row, Sample, find, value_of
from bench.running import Settings, measure, order_of
from bench.scenarios import SCENARIOS
from bench.server import NeutralServer
from bench.table import table

_ROOT = Path(__file__).parents[2]
_MOMENT = Settings(seconds=0.0, rounds=1, limit=20.0, most_connections=5)
_WSSDK = next(name for name in available() if ENTRIES[name].role == "wssdk")
_STREAM = SCENARIOS["in-200-text"]
_DO_EVERYTHING = {"wssdk", "wssdk-pure", "websockets", "picows-websockets", "aiohttp", "raw"}


@pytest.fixture(scope="module")
def server() -> Iterator[NeutralServer]:
    try:
        started = NeutralServer().__enter__()
    except NotBuiltError as error:
        pytest.skip(f"the bench's server cannot be built: {error}")
    yield started
    started.__exit__(None, None, None)


def _skip_without_tls(name: str, server: NeutralServer) -> None:
    if SCENARIOS[name].tls and not server.tls_port:
        pytest.skip(server.no_tls)


@pytest.fixture(scope="module")
def processes() -> Iterator[dict[str, Process]]:
    """Every contestant that is here, for all scenarios: starting each anew would take minutes."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Process(name, "asyncio")) for name in ENTRIES if why_not(name) is None
        }


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_contestant_runs_the_scenario(
    name: str, server: NeutralServer, processes: dict[str, Process]
) -> None:
    _skip_without_tls(name, server)
    order, failures = order_of(SCENARIOS[name], server, _MOMENT), {}
    for contestant, process in processes.items():
        try:
            answer = process.measure(order, _MOMENT.limit)
        except FailedError as error:
            failures[contestant] = str(error)
        else:
            if answer.get("absent") and contestant in _DO_EVERYTHING:
                failures[contestant] = "has no such thing"
    assert failures == {}


@pytest.mark.parametrize("name", ["in-200-text", "many-100-paced", "idle", "import"])
def test_scenario_has_a_figure(name: str, server: NeutralServer) -> None:
    scenario = SCENARIOS[name]
    (row,) = measure(scenario, [_WSSDK], server, _MOMENT)
    assert row.failure is None
    assert value_of(row, scenario.unit) is not None


@pytest.mark.parametrize("name", [_WSSDK, "websockets", "picows", "raw"])
def test_contestant_runs_on_uvloop(name: str, server: NeutralServer) -> None:
    pytest.importorskip("uvloop")
    if reason := why_not(name):
        pytest.skip(reason)
    (row,) = measure(_STREAM, [name], server, attrs.evolve(_MOMENT, loop="uvloop"))
    assert row.failure is None


def test_server_resumes_tls_sessions(server: NeutralServer) -> None:
    if not server.tls_port:
        pytest.skip(server.no_tls)
    context = ssl.create_default_context(cafile=server.ca_file)

    def dial(session: ssl.SSLSession | None) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", server.tls_port))
        return context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)

    with dial(None) as first:
        first.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert first.recv(4096).startswith(b"HTTP/1.1 400")  # the tickets came before it
        assert not first.session_reused
        with dial(first.session) as second:
            assert second.session_reused


def test_contestant_that_takes_too_long_is_a_row_with_the_reason(server: NeutralServer) -> None:
    hasty = Settings(seconds=60.0, rounds=2, limit=0.01)
    (row,) = measure(_STREAM, ["raw"], server, hasty)
    assert (row.failure or "").startswith("nothing came of it in")


def test_contestant_that_fails_is_a_row_with_the_reason(server: NeutralServer) -> None:
    (row,) = measure(_STREAM, ["raw"], server, Settings(loop="uvloops", seconds=0.0, rounds=1))
    assert row.failure == "there is no loop 'uvloops'"


def _row(name: str, seconds: float) -> Row:
    return Row(name, samples=[Sample(messages=100, wall=seconds, cpu=seconds / 2, memory=0.0)])


def test_ratio_is_to_the_best_peer_and_to_the_floor() -> None:
    rows = [_row("wssdk-pure", 2.0), _row("websockets", 8.0), _row("picows", 4.0), _row("raw", 1.0)]
    wssdk = find(_STREAM, rows)[0]
    assert (wssdk.to_peer, wssdk.cpu_to_peer, wssdk.to_floor) == (2.0, 2.0, 0.5)


def test_failure_stands_in_the_table() -> None:
    rows = [_row("wssdk-pure", 2.0), Row("picows", failure="it fell over")]
    assert "| picows, callbacks | it fell over" in table(_STREAM, find(_STREAM, rows))


def test_table_json_and_chart_are_made(
    server: NeutralServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what = ["--scenario", "in-200-t*t", "--contestant", "raw", "--contestant", _WSSDK]
    how = ["--seconds", "0", "--rounds", "1", "--cores", "any"]
    files = ["--json", str(tmp_path / "bench.json"), "--svg", str(tmp_path / "bench.svg")]
    assert main([*what, *how, *files]) == 0
    assert _STREAM.title in capsys.readouterr().out
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["scenarios"]["in-200-text"]["contestants"]["raw"]["messages_per_second"] > 0
    assert ElementTree.parse(tmp_path / "bench.svg").getroot().tag.endswith("svg")


def test_chart_shows_the_scenarios_asked_for(server: NeutralServer, tmp_path: Path) -> None:
    what = ["--scenario", "in-200-text*", "--contestant", "raw", "--chart", "in-200-text"]
    path = tmp_path / "bench.svg"
    assert main([*what, "--seconds", "0", "--rounds", "1", "--cores", "any", "--svg", str(path)]) == 0
    titles = {SCENARIOS["in-200-text"].title, SCENARIOS["in-200-text-1400"].title}
    assert {text for text in ElementTree.parse(path).getroot().itertext() if text in titles} == {
        SCENARIOS["in-200-text"].title
    }


def test_bar_is_told_and_written(
    server: NeutralServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what = ["--scenario", "trip-256", *(f"--contestant={name}" for name in (_WSSDK, "websockets", "raw"))]
    path = tmp_path / "new" / "bench.json"
    assert main([*what, "--seconds", "0", "--rounds", "1", "--bar", "--json", str(path)]) == 0
    assert " met, " in capsys.readouterr().out.splitlines()[-1]
    assert {True, False} & {bar["met"] for bar in json.loads(path.read_text())["bar"]}


def test_unknown_scenario_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--scenario", "no-such-thing"])
    assert "no scenario matches 'no-such-thing'" in capsys.readouterr().err


def _children(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in listed}


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # ended, and not yet looked at by whom it was left to


def test_interrupt_leaves_no_process_behind(server: NeutralServer) -> None:
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        pytest.skip("this kernel does not list children")
    arguments = ["--scenario", "in-16k", "--contestant", "raw", "--seconds", "30"]
    # Where the tests run in the background, SIGINT is ignored, and children inherit that.
    program = (
        "import signal, sys; from bench.__main__ import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    )
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL) as bench:
        try:
            limit = time.monotonic() + 20
            while len(children := _children(bench.pid)) < 2:  # the server and the contestant
                assert bench.poll() is None
                assert time.monotonic() < limit
                time.sleep(0.01)
            bench.send_signal(signal.SIGINT)
            assert bench.wait(20) == 130
        finally:
            bench.kill()
    limit = time.monotonic() + 5
    while left := [child for child in children if _runs(child)]:
        assert time.monotonic() < limit, left
        time.sleep(0.01)
