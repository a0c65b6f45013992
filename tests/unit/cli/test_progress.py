from __future__ import annotations

import io
import re

import pytest

from wssdk.cli.progress import Progress


def test_a_step_tells_its_time_in_milliseconds() -> None:
    out = io.StringIO()
    with Progress(out).step("think"):
        pass
    assert re.fullmatch(r"  think +ok +\d+\.\d\d ms\n", out.getvalue())


def test_a_step_may_tell_more_behind_its_time() -> None:
    out = io.StringIO()
    with Progress(out).step("think") as details:
        details.append("of wire")
    assert re.fullmatch(r"  think +ok +\d+\.\d\d ms, of wire\n", out.getvalue())


def test_a_step_is_named_before_it_runs() -> None:
    out = io.StringIO()
    with Progress(out).step("think"):
        assert out.getvalue().strip() == "think"


def test_a_step_that_raises_is_said_to_have_failed() -> None:
    out = io.StringIO()
    with pytest.raises(KeyError), Progress(out).step("think"):
        raise KeyError
    assert re.fullmatch(r"  think +FAILED\n", out.getvalue())


def test_a_line_of_its_own_is_said_as_it_is() -> None:
    out = io.StringIO()
    Progress(out).say("so far")
    assert out.getvalue() == "so far\n"
