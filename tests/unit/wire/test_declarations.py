"""Each ``.pxd`` says of its ``.py`` what is so; what Cython would not notice, or not before it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.declarations import Room, declared_in, written_in

WIRE: Final = Path(__file__).parents[3] / "wssdk" / "wire"
TWINS: Final = sorted(path for path in WIRE.glob("*.pxd") if path.stem != "raw")
DECLARING: Final = sorted((*WIRE.glob("*.pxd"), *WIRE.glob("*.pyx")))

# Functions that may not raise, each with the reason why it cannot.
NOEXCEPT: Final = {
    "raw.pxd": {"fill"},  # memcpy
    "_slots.pyx": {"fill"},  # assigns to two fields of a type
}

each_twin = pytest.mark.parametrize("pxd", TWINS, ids=lambda path: path.name)


def rooms(pxd: Path) -> tuple[Room, Room]:
    return declared_in(pxd), written_in(pxd.with_suffix(".py"))


@each_twin
def test_every_class_is_there(pxd: Path) -> None:
    declared, written = rooms(pxd)
    assert declared.classes <= written.classes


@each_twin
def test_every_attribute_and_constant_is_assigned(pxd: Path) -> None:
    declared, written = rooms(pxd)
    assert declared.values - written.values == set()


@each_twin
def test_every_attribute_that_is_assigned_is_declared(pxd: Path) -> None:
    declared, written = rooms(pxd)
    owned = {name for name in written.values if name.partition(".")[0] in declared.classes}
    assert owned - declared.values == set()


@each_twin
def test_every_function_is_there_and_takes_as_many(pxd: Path) -> None:
    declared, written = rooms(pxd)
    taken = {name: (called.takes, called.optional) for name, called in declared.functions.items()}
    assert taken == {
        name: (called.takes, called.optional)
        for name, called in written.functions.items()
        if name in declared.functions
    }


@each_twin
def test_every_typed_local_is_one(pxd: Path) -> None:
    declared, written = rooms(pxd)
    strangers = {
        name: sorted(called.names - written.functions[name].names)
        for name, called in declared.functions.items()
    }
    assert {name: found for name, found in strangers.items() if found} == {}


def test_raw_says_the_same_in_both_languages() -> None:
    declared, written = declared_in(WIRE / "raw.pxd"), written_in(WIRE / "raw.py")
    in_c = {name: called.takes for name, called in declared.functions.items()}
    # What the interpreter needs for itself has a name of its own only.
    in_python = {name: called.takes for name, called in written.functions.items() if not name.startswith("_")}
    assert {name: in_c.get(name) for name in in_python} == in_python
    # What builds the frames of both kinds is C's own.
    assert in_c.keys() - in_python.keys() == {"build"}


@pytest.mark.parametrize("path", DECLARING, ids=lambda path: path.name)
def test_only_what_cannot_raise_is_noexcept(path: Path) -> None:
    text = re.sub(r"#.*", "", path.read_text())
    found = re.findall(r"(\w+)\([^()]*\)\s*noexcept", text)
    assert len(found) == text.count("noexcept")
    assert set(found) == NOEXCEPT.get(path.name, set())


def test_a_room_that_disagrees_would_be_seen(tmp_path: Path) -> None:
    pxd = tmp_path / "odd.pxd"
    pxd.write_text(
        "cimport cython\n\ncdef int _ONE\ncdef class Odd:\n    cdef readonly int here\n    cdef object gone\n"
        "    @cython.locals(known=int, foreign=int,\n                   more=int)\n"
        "    cpdef int step(self, long long by, x=*) except -1\n    cdef _lost(self)\n"
    )
    pxd.with_suffix(".py").write_text(
        "_ONE = 1\nclass Odd:\n    def __init__(self):\n        self.here = self.new = 1\n"
        "    def step(self, by):\n        known = by\n        more: int = known\n"
    )
    declared, written = rooms(pxd)
    assert declared.values - written.values == {"Odd.gone"}
    assert written.values - declared.values == {"Odd.new"}
    assert declared.functions.keys() - written.functions.keys() == {"Odd._lost"}
    step = declared.functions["Odd.step"]
    assert (step.takes, step.optional, written.functions["Odd.step"].takes) == (3, 1, 2)
    assert step.names - written.functions["Odd.step"].names == {"foreign"}
