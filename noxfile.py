"""Sessions that need several Pythons, other people's software or time: ``nox -l`` lists them."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13"]
OLDEST = PYTHONS[0]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run every test."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", *session.posargs)


@nox.session(python=OLDEST)
def pure(session: nox.Session) -> None:
    """Run every test without compiled companions: the loop's own transports, as on PyPy."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pip", "uninstall", "-q", "-y", "aiofastnet")
    session.run("pytest", "-q", *session.posargs)


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Check rules and format."""
    session.install("ruff>=0.11")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session(python=OLDEST)
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches of wssdk the tests reach; 97 % is the floor."""
    session.install("-e", ".[test]")
    session.run(
        "pytest",
        "-q",
        "--cov",
        "--cov-report=term-missing:skip-covered",
        "--cov-fail-under=97",
        *session.posargs,
    )


@nox.session(python=OLDEST)
def examples(session: nox.Session) -> None:
    """Run every example and every code block of the README."""
    session.install("-e", ".[test]")
    files = ("examples", "tests/unit/test_examples.py", "tests/unit/test_readme.py")
    session.run("pytest", "-q", *files, *session.posargs)


@nox.session(python=OLDEST)
def autobahn_full(session: nox.Session) -> None:
    """Run all 517 cases of Autobahn's fuzzingserver (needs Python 2.7 with autobahntestsuite)."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.conformance.autobahn", "--full", *session.posargs)


@nox.session(python=PYTHONS)
def bench(session: nox.Session) -> None:
    """Measure wssdk beside its peers (needs Linux and a C compiler): ``nox -s bench-3.11 -- --list``."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "bench", *session.posargs)
