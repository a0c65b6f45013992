"""wssdk against Autobahn's test suite: no case fails, none passes non-strictly, each closes as expected."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.conformance.autobahn import DEFAULT_CASES, CaseResult, run_suite

# The suite is installed when it is not yet here; that takes a minute.
pytestmark = [pytest.mark.needs("autobahn"), pytest.mark.slow, pytest.mark.timeout(600)]

CATEGORIES = [pattern.partition(".")[0] for pattern in DEFAULT_CASES]

Run: TypeAlias = tuple[int, list[CaseResult]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    report: Path = tmp_path_factory.mktemp("autobahn") / "report"
    return asyncio.run(run_suite(DEFAULT_CASES, report, parallel=8))


@pytest.fixture(params=CATEGORIES)
def results(request: pytest.FixtureRequest, run: Run) -> list[CaseResult]:
    """What the suite says of one category."""
    return [result for result in run[1] if result.category == request.param]


def test_every_case_is_run(run: Run) -> None:
    assert len(run[1]) == run[0]


def test_category_has_cases(results: list[CaseResult]) -> None:
    assert results


def test_no_case_fails(results: list[CaseResult]) -> None:
    fine = ("OK", "INFORMATIONAL", "NON-STRICT")
    assert [str(result) for result in results if result.behavior not in fine] == []


def test_no_case_passes_non_strictly(results: list[CaseResult]) -> None:
    assert [str(result) for result in results if result.behavior == "NON-STRICT"] == []


def test_every_case_closes_as_expected(results: list[CaseResult]) -> None:
    fine = ("OK", "INFORMATIONAL")
    assert [str(result) for result in results if result.behavior_close not in fine] == []
