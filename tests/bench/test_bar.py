"""The bar is judged by the right figure, of the right contestants."""

from __future__ import annotations

import pytest

from bench.bar import BARS, Verdict, bar_table, judge
from bench.contestants import ENTRIES
from bench.results import Finding, Row, Sample, find
from bench.scenarios import SCENARIOS


def _row(name: str, wall: float, cpu: float | None = None, memory: float = 0.0) -> Row:
    return Row(name, samples=[Sample(100, wall, wall if cpu is None else cpu, memory)])


def _found(**rows: list[Row]) -> dict[str, list[Finding]]:
    names = {name.replace("_", "-"): name for name in rows}
    return {name: find(SCENARIOS[name], rows[key]) for name, key in names.items()}


def _only(found: dict[str, list[Finding]], scenario: str, *against: str) -> Verdict:
    (verdict,) = (v for v in judge(found) if v.bar.scenario == scenario and v.bar.against == against)
    return verdict


def test_bars_name_what_there_is() -> None:
    assert {
        scenario for bar in BARS for scenario in (bar.scenario, bar.beside or bar.scenario)
    } <= SCENARIOS.keys()
    assert {name for bar in BARS for name in (bar.who, *bar.against)} <= ENTRIES.keys()


def test_pure_form_has_a_bar_in_every_scenario() -> None:
    assert {bar.scenario for bar in BARS if bar.who == "wssdk-pure"} == SCENARIOS.keys()


@pytest.mark.parametrize(("seconds", "met"), [(25.0, True), (24.9, False)])
def test_bar_is_met_from_its_factor_on(seconds: float, met: bool) -> None:
    found = _found(in_200_text=[_row("wssdk", 1.0), _row("websockets", seconds)])
    assert _only(found, "in-200-text", "websockets").met is met


def test_cpu_decides_where_the_client_was_not_the_limit() -> None:
    found = _found(in_200_text=[_row("wssdk", 1.0, cpu=0.5), _row("websockets", 20.0)])
    verdict = _only(found, "in-200-text", "websockets")
    assert (verdict.unit, verdict.reached) == ("cpu", 40.0)


def test_rate_decides_where_both_share_a_core() -> None:
    found = _found(trip_256=[_row("wssdk", 1.0, cpu=0.5), _row("raw", 0.5)])
    verdict = _only(found, "trip-256", "raw")
    assert (verdict.unit, verdict.reached) == ("rate", 0.5)


def test_best_of_several_rivals_counts() -> None:
    rows = [_row("wssdk", 1.0), _row("websockets", 4.0), _row("aiohttp", 2.0)]
    verdicts = [v for v in judge(_found(tls_open=rows)) if v.bar.unit == "rate"]
    assert [(v.rival, v.reached) for v in verdicts] == [("aiohttp", 2.0)]


@pytest.mark.parametrize(("kib", "met"), [(12, True), (13, False)])
def test_memory_is_bounded_by_itself(kib: int, met: bool) -> None:
    (verdict,) = judge(_found(idle=[_row("wssdk", 1.0, memory=kib * 1024)]))
    assert verdict.met is met


def test_growth_is_beside_another_scenario() -> None:
    found = _found(many_1_flood=[_row("wssdk", 1.0)], many_5000_flood=[_row("wssdk", 1.4)])
    verdict = _only(found, "many-5000-flood", "wssdk")
    assert verdict.reached == pytest.approx(1.4)
    assert verdict.met is False


def test_rounds_are_compared_one_by_one() -> None:
    rows = [
        Row("wssdk-pure", samples=[Sample(100, wall, wall, 0.0) for wall in (1.0, 2.0, 4.0)]),
        Row("websockets", samples=[Sample(100, wall, wall, 0.0) for wall in (2.0, 2.0, 2.0)]),
    ]
    verdict = _only(_found(out_200=rows), "out-200", "websockets")
    assert (verdict.least, verdict.reached, verdict.most) == (0.5, 1.0, 2.0)


def test_what_failed_is_not_judged_and_says_why() -> None:
    found = _found(out_200=[_row("wssdk", 1.0), Row("picows-websockets", failure="it stalled")])
    verdict = _only(found, "out-200", "picows-websockets")
    assert (verdict.met, verdict.why) == (None, "it stalled")


def test_table_counts_what_was_met() -> None:
    rows = [_row("wssdk", 1.0), _row("websockets", 25.0), _row("picows-websockets", 3.0)]
    text = bar_table(judge(_found(in_200_text=rows)))
    assert text.endswith("1 met, 1 missed, 2 not judged")
