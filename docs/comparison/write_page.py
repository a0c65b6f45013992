"""Write ``docs/comparison-config.md``: run every program of this folder, and keep what each says.

``pip install '.[compare]'``, then ``python docs/comparison/write_page.py``. Python 3.13 or later shows the
errors of groups; dature needs 3.12. The programs see nothing of this process's environment.
"""

from __future__ import annotations

import datetime
import difflib
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inputs import BAD, FILE, GOOD, KEPT, SECRET, Input

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = HERE.parent / "comparison-config.md"
LIBRARIES = (
    "wssdk",
    "typed-settings",
    "pydantic-settings",
    "environ-config",
    "dature",
    "dynaconf",
    "environs",
    "msgspec",
)
# Seconds that a program may take.
LIMIT = 60


@dataclass(frozen=True)
class Run:
    """What a program did."""

    refused: bool
    output: str


def program(library: str) -> Path:
    """Return the program of a library."""
    return HERE / f"with_{library.replace('-', '_')}.py"


def run(library: str, case: Input) -> Run:
    """Run a program in a folder of its own, with an environment that has nothing of this machine's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, FILE).write_text(case.text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(program(library)), case.asked],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "HOME": folder, "PYTHONUTF8": "1", **case.environ},
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT,
        )
        if done.returncode not in {0, 1} or not done.stdout:
            raise RuntimeError(f"{library} with {case.name}: {done.stderr}")
        # Where the folder is has nothing to do with the library.
        output = re.sub(rf"(?:/private)?{re.escape(folder)}/?", "", done.stdout)
    return Run(done.returncode == 1, "\n".join(line.rstrip() for line in output.strip().splitlines()))


def answers(case: Input, done: Run) -> list[bool]:
    """Return which questions an output answers: whether it is an error, and what the error tells."""
    told = [
        (done.refused or question == KEPT) and re.search(pattern, done.output) is not None
        for question, pattern in case.questions.items()
    ]
    return [done.refused, *told]


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def summary(runs: dict[tuple[str, str], Run]) -> str:
    """Return the table of all inputs."""
    rows = []
    for case in BAD:
        row = [f"[{case.title}](#{case.name})"]
        for library in LIBRARIES:
            given = [] if library in case.without else answers(case, runs[library, case.name])
            row.append(f"{sum(given)}/{len(given)}" if given else "–")
        rows.append(row)
    return table(["", *LIBRARIES], rows)


def told(library: str, done: Run, good: Run) -> str:
    """Return a library's own words, or what it made of the input."""
    if done.refused:
        return f"{library}:\n\n```text\n{done.output}\n```"
    new = [line for line in done.output.splitlines() if line not in good.output.splitlines()]
    if not new:
        return f"{library}: no error, and no difference."
    lines = "\n".join(new)
    return f"{library}: no error. The configuration has\n\n```text\n{lines}\n```"


def section(case: Input, runs: dict[tuple[str, str], Run], good: dict[str, Run]) -> str:
    """Return what the page says of an input."""
    changed = list(difflib.unified_diff(GOOD.splitlines(), case.text.splitlines(), n=0, lineterm=""))
    shown = [line for line in changed[2:] if not line.startswith("@@")]
    shown += [f"$ export {name}={value}" for name, value in case.environ.items()]
    if case.asked != FILE:
        shown.append(f"$ app {case.asked}")
    asked = [library for library in LIBRARIES if library not in case.without]
    rows = [
        [library, *("yes" if each else "no" for each in answers(case, runs[library, case.name]))]
        for library in asked
    ]
    parts = [
        f'<a id="{case.name}"></a>\n\n### {case.title}',
        "```diff\n" + "\n".join(shown) + "\n```",
        table(["", "error?", *case.questions], rows),
        *([case.note] if case.note else []),
        *(told(library, runs[library, case.name], good[library]) for library in asked),
    ]
    return "\n\n".join(parts)


def installed(library: str) -> bool:
    """Return whether a library is there."""
    try:
        return bool(version(library))
    except PackageNotFoundError:
        return False


def lines_of_code(library: str) -> int:
    """Return the lines of a program that say something."""
    lines = program(library).read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if line.strip() and not line.strip().startswith(("#", '"""')))


def main() -> None:
    """Write the page."""
    if sys.version_info < (3, 13):
        sys.exit("Python 3.13 or later is needed: dature needs 3.12, and 3.13 shows the errors of groups")
    if missing := [library for library in LIBRARIES if not installed(library)]:
        sys.exit(f"not installed: {', '.join(missing)}; pip install '.[compare]' has them")
    as_it_is = Input("good", "The file as it is", environ={"APP_TIMEOUTS__OPEN": "7s"})
    layered = {library: run(library, as_it_is) for library in LIBRARIES}
    for library, done in layered.items():
        if done.refused or f"timeouts.open = {5.0 if library == 'msgspec' else 7.0}" not in done.output:
            raise RuntimeError(f"{library} cannot read the good file: {done.output}")
    good = {library: run(library, Input("good", "The file as it is")) for library in LIBRARIES}
    runs = {(library, case.name): run(library, case) for case in BAD for library in LIBRARIES}
    versions = [
        [
            library,
            version(library),
            str(lines_of_code(library)),
            "no" if SECRET in good[library].output else "yes",
        ]
        for library in LIBRARIES
    ]
    parts = {
        "date": f"{datetime.date.today():%Y-%m-%d}",
        "python": platform.python_version(),
        "file": GOOD.strip(),
        "summary": summary(runs),
        "versions": table(["", "version", "lines of its program", "repr() keeps the token?"], versions),
        "sections": "\n\n".join(section(case, runs, good) for case in BAD),
    }
    text = (HERE / "page.md").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"<<{name}>>", part)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
