"""docs/comparison-config.md, held against what wssdk says today: the other libraries are not needed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import pytest

from docs.comparison.inputs import BAD, FILE, GOOD, SECRET, Input

ROOT: Final = Path(__file__).parents[2]
PROGRAMS: Final = ROOT / "docs" / "comparison"
PAGE: Final = (ROOT / "docs" / "comparison-config.md").read_text(encoding="utf-8")


async def run(case: Input, folder: Path, code: int) -> str:
    """Return what the program with wssdk prints."""
    (folder / FILE).write_text(case.text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAMS / "with_wssdk.py"),
        case.asked,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **case.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == code, out.decode()
    return out.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
async def test_the_page_has_what_wssdk_says_today(case: Input, tmp_path: Path) -> None:
    said = (await run(case, tmp_path, 1)).strip()
    section = PAGE.partition(f'<a id="{case.name}">')[2].partition("<a id=")[0]
    assert f"wssdk:\n\n```text\n{said}\n```" in section


async def test_the_file_of_the_page_is_loaded(tmp_path: Path) -> None:
    assert f"```toml\n{GOOD}```" in PAGE
    as_it_is = Input("good", "The file as it is", environ={"APP_TIMEOUTS__OPEN": "7s"})
    printed = await run(as_it_is, tmp_path, 0)
    assert "timeouts.open = 7.0\n" in printed
    assert SECRET not in printed


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("with_*.py")), ids=lambda program: program.stem)
def test_the_page_has_a_column_for_each_program(program: Path) -> None:
    heads = next(line for line in PAGE.splitlines() if line.startswith("|  | wssdk |"))
    assert program.stem.removeprefix("with_").replace("_", "-") in heads.strip("| ").split(" | ")
