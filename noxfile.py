"""Sessions that need several Pythons, other people's software or time: ``nox -l`` lists them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13"]
OLDEST = PYTHONS[0]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run every test on the compiled form."""
    session.install("-e", ".[test]", env={"WSSDK_BUILD_EXTENSION": "require"})
    session.run("pytest", "-q", *session.posargs)


@nox.session(python=PYTHONS)
def pure(session: nox.Session) -> None:
    """Run every test with nothing compiled, and on the loop's own transports: as on PyPy."""
    session.install("-e", ".[test]", env={"WSSDK_BUILD_EXTENSION": "never"})
    session.run("python", "-m", "pip", "uninstall", "-q", "-y", "aiofastnet")
    session.run("pytest", "-q", *session.posargs, env={"WSSDK_PURE": "1"})


@nox.session(python=PYTHONS)
def wheels(session: nox.Session) -> None:
    """Build the wheel in both forms, and run the demo of each outside of the checkout."""
    for choice, compiled in (("require", True), ("never", False)):
        folder = Path(session.create_tmp(), choice)
        pip = ("python", "-m", "pip")
        session.run(
            *pip, "wheel", "-q", "--no-deps", "-w", str(folder), ".", env={"WSSDK_BUILD_EXTENSION": choice}
        )
        (wheel,) = folder.glob("*.whl")
        session.install(f"wssdk[testing] @ {wheel.resolve().as_uri()}")
        with session.chdir(folder):
            session.run("python", "-c", f"import wssdk; assert wssdk.COMPILED is {compiled}")
            session.run("python", "-m", "wssdk", "demo")
        session.run(*pip, "uninstall", "-q", "-y", "wssdk")
        wheel.unlink()


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
    """Measure which lines and branches of wssdk the tests reach, uncompiled; 97 % is the floor."""
    session.install("-e", ".[test]", env={"WSSDK_BUILD_EXTENSION": "never"})
    session.run(
        "pytest",
        "-q",
        "--cov",
        "--cov-report=term-missing:skip-covered",
        "--cov-fail-under=97",
        *session.posargs,
        env={"WSSDK_PURE": "1"},
    )


@nox.session(python=OLDEST)
def sanitize(session: nox.Session) -> None:
    """Run the tests of the wire with AddressSanitizer and UndefinedBehaviorSanitizer (needs gcc, Linux)."""
    session.install("-e", ".[test]", env={"WSSDK_BUILD_EXTENSION": "never"})
    # A copy: nothing but a process with the sanitizers loaded first can import what is built.
    folder = Path(session.create_tmp(), "checkout")
    shutil.rmtree(folder, ignore_errors=True)
    unwanted = shutil.ignore_patterns(".*", "build", "*.so", "__pycache__", "*.egg-info", "node_modules")
    shutil.copytree(Path(__file__).parent, folder, ignore=unwanted)
    checks = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
    libraries = [_gcc_file(name) for name in ("libasan.so", "libubsan.so")]
    tests = session.posargs or ["tests/unit/wire", "tests/unit/protocol", "tests/property"]
    with session.chdir(folder):
        built = {"CFLAGS": f"-O1 -g {checks}", "WSSDK_BUILD_EXTENSION": "require"}
        session.run("python", "setup.py", "-q", "build_ext", "--inplace", env=built)
        session.run(
            *("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=600", *tests),
            # What the sanitizers print before they end the process is to be seen.
            "--capture=sys",
            # Memory is not reused at once here, so that counting it says nothing.
            "--ignore=tests/unit/wire/test_leaks.py",
            env={
                "LD_PRELOAD": " ".join(libraries),
                "PYTHONPATH": str(folder.resolve()),
                # Each object has to be an allocation of its own for its end to be watched.
                "PYTHONMALLOC": "malloc",
                # The interpreter never frees what lives as long as it does: all of it would be called leaks.
                # Those of wssdk are looked for by tests/unit/wire/test_leaks.py.
                "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=1",
                "UBSAN_OPTIONS": "print_stacktrace=1",
            },
        )


def _gcc_file(name: str) -> str:
    """Return where gcc has a library of its own."""
    return subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()


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
    """Measure wssdk beside its peers (needs Linux and a C compiler): ``nox -s bench-3.11 -- --bar``."""
    session.install("-e", ".[bench]", env={"WSSDK_BUILD_EXTENSION": "require"})
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(python=PYTHONS[-1])
def compare(session: nox.Session) -> None:
    """Write docs/comparison-config.md anew: what eight libraries say of the same bad configurations."""
    session.install("-e", ".[compare]", env={"WSSDK_BUILD_EXTENSION": "never"})
    session.run("python", "docs/comparison/write_page.py")
