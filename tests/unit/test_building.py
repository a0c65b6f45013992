"""What a build makes, with and without a compiler; shown on a room of two modules, for the time it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

import pytest

from tests.support.compiled import compiled_file, sources_of_modules, why_unfit

ROOT: Final = Path(__file__).parents[2]
# Enough to have modules of both kinds, declarations that others use, and code in C.
KEPT: Final = ("__init__.py", "raw.py", "raw.pxd", "mask.py", "mask.pxd", "_slots.pyi")
SLOTS: Final = "from wssdk.wire cimport raw\n"
BROKEN: Final = 'cdef extern from "there-is-no-such-header.h":\n    int nothing\n'

pytestmark = [pytest.mark.needs("Cython", "setuptools"), pytest.mark.timeout(300)]
compiles = pytest.mark.needs("c-compiler")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a checkout whose wire has few modules."""
    tree = tmp_path / "checkout"
    unwanted = shutil.ignore_patterns("wire", "__pycache__")
    shutil.copytree(ROOT / "wssdk", tree / "wssdk", ignore=unwanted)
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, tree)
    wire = tree / "wssdk" / "wire"
    wire.mkdir()
    for name in KEPT:
        shutil.copy2(ROOT / "wssdk" / "wire" / name, wire)
    (wire / "_slots.pyx").write_text(SLOTS)
    return tree


def build(tree: Path, *command: str, choice: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of setup.py and return how it went; stderr is within stdout."""
    return subprocess.run(
        [sys.executable, "setup.py", *command],
        cwd=tree,
        env=os.environ | {"WSSDK_BUILD_EXTENSION": choice} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def wheel_of(tree: Path) -> tuple[str, set[str]]:
    """Return the tags of the wheel that was built, and what the wire's folder in it holds."""
    (wheel,) = (tree / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    prefix = "wssdk/wire/"
    tags = wheel.stem.removeprefix("wssdk-").partition("-")[2]
    return tags, {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def compiled_files(tree: Path) -> list[Path]:
    """Return the compiled files that stand beside their sources."""
    found = map(compiled_file, sources_of_modules(tree / "wssdk" / "wire"))
    return [file for file in found if file is not None]


PURE_FORM: Final = {"__init__.py", "raw.py", "mask.py", "_slots.pyi"}


@compiles
@pytest.mark.slow
def test_wheel_has_the_compiled_files_and_the_pure_form(tree: Path) -> None:
    done = build(tree, "bdist_wheel", choice="require")
    assert done.returncode == 0, done.stdout
    tags, files = wheel_of(tree)
    assert tags != "py3-none-any"
    assert {name for name in files if name not in PURE_FORM} == {
        name for name in files if name.startswith(("mask.", "_slots.")) and name.endswith((".so", ".pyd"))
    }
    assert {name.partition(".")[0] for name in files - PURE_FORM} == {"mask", "_slots"}
    assert files >= PURE_FORM


def test_wheel_without_extension_is_for_every_python(tree: Path) -> None:
    done = build(tree, "bdist_wheel", choice="never")
    assert done.returncode == 0, done.stdout
    assert wheel_of(tree) == ("py3-none-any", PURE_FORM)


@pytest.mark.slow
def test_without_a_compiler_the_pure_form_is_built_with_one_warning(tree: Path) -> None:
    done = build(tree, "bdist_wheel", CC="there-is-no-such-compiler")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("wssdk is built without its compiled part") == 1
    assert wheel_of(tree) == ("py3-none-any", PURE_FORM)


@pytest.mark.slow
def test_without_a_compiler_what_requires_it_fails(tree: Path) -> None:
    done = build(tree, "bdist_wheel", choice="require", CC="there-is-no-such-compiler")
    assert done.returncode != 0
    assert "there-is-no-such-compiler" in done.stdout.splitlines()[-1]


@compiles
@pytest.mark.slow
def test_half_a_set_is_not_left(tree: Path) -> None:
    done = build(tree, "build_ext", "--inplace", choice="require")
    assert done.returncode == 0, done.stdout
    assert len(compiled_files(tree)) == 2
    (tree / "wssdk" / "wire" / "_slots.pyx").write_text(BROKEN)
    done = build(tree, "build_ext", "--inplace")
    assert done.returncode == 0, done.stdout
    assert compiled_files(tree) == []


def test_other_choice_is_refused(tree: Path) -> None:
    done = build(tree, "bdist_wheel", choice="maybe")
    assert done.returncode != 0
    assert "WSSDK_BUILD_EXTENSION=maybe: must be one of auto, require, never" in done.stdout


def test_sdist_has_what_is_compiled_and_nothing_made_of_it(tree: Path) -> None:
    done = build(tree, "sdist")
    assert done.returncode == 0, done.stdout
    (sdist,) = (tree / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wire = {name.removeprefix("wssdk/wire/") for name in names if name.startswith("wssdk/wire/")}
    assert wire == {*KEPT, "_slots.pyx"}
    assert {"setup.py", "pyproject.toml", "wssdk/py.typed"} <= names
    assert [name for name in names if name.endswith(".c")] == []


@pytest.fixture
def wire(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a room in which every module has a file that looks compiled, made a while after its source."""
    monkeypatch.delenv("WSSDK_PURE", raising=False)
    wire = tree / "wssdk" / "wire"
    for file in wire.iterdir():
        os.utime(file, (1_000, 1_000))
    for module in ("mask", "_slots"):
        file = wire / f"{module}{EXTENSION_SUFFIXES[-1]}"
        file.touch()
        os.utime(file, (2_000, 2_000))
    return wire


def test_compiled_files_that_are_newer_than_all_sources_are_fit(wire: Path) -> None:
    assert why_unfit(wire) is None


@pytest.mark.parametrize("name", ["mask.py", "_slots.pyx", "raw.pxd"])
def test_compiled_files_older_than_a_source_are_not(wire: Path, name: str) -> None:
    os.utime(wire / name, (3_000, 3_000))
    assert f"is older than {name}: run 'make build'" in str(why_unfit(wire))


def test_half_a_set_is_not_fit(wire: Path) -> None:
    (wire / f"mask{EXTENSION_SUFFIXES[-1]}").unlink()
    assert "mask.py is not compiled and others are" in str(why_unfit(wire))


def test_nothing_compiled_is_fit(tree: Path) -> None:
    assert why_unfit(tree / "wssdk" / "wire") is None


def test_compiled_files_that_are_not_used_are_fit(wire: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(wire / "mask.py", (3_000, 3_000))
    monkeypatch.setenv("WSSDK_PURE", "1")
    assert why_unfit(wire) is None
