from __future__ import annotations

import pytest

from wssdk.config_marks import Marks

TEXT = (
    """\
# one
top = 1 # two
"quoted.key".inner = "x" # three
'literal' = 'it"""
    + "'"
    + '''
dotted . key = true
[table . "sub"]
date = 1979-05-27 07:32:00   # four
inline = { a = "}", b = [1, # five ]
  "]", ']', {c = 1}], d = { e = 1 } }
empty = {}
"esc\\u0061ped" = 1
[[array]]
a = """x " \\""" "" y"""
b = \'\'\'x ' y\'\'\'
c = """z"""""
[[array]]
a = 2
'''
)


def marked(path: tuple[str, ...]) -> tuple[str, str | None]:
    key, value = Marks(TEXT).read().by_path[path]
    return TEXT[slice(*key)], None if value is None else TEXT[slice(*value)]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("top",), "top", "1"),
        (("quoted.key",), '"quoted.key"', None),
        (("quoted.key", "inner"), "inner", '"x"'),
        (("literal",), "'literal'", "'it'"),
        (("dotted",), "dotted", None),
        (("dotted", "key"), "key", "true"),
        (("table",), "table", None),
        (("table", "sub"), '"sub"', None),
        (("table", "sub", "date"), "date", "1979-05-27 07:32:00"),
        (("table", "sub", "inline", "a"), "a", '"}"'),
        (("table", "sub", "inline", "b"), "b", "[1, # five ]\n  \"]\", ']', {c = 1}]"),
        (("table", "sub", "inline", "d"), "d", "{ e = 1 }"),
        (("table", "sub", "inline", "d", "e"), "e", "1"),
        (("table", "sub", "empty"), "empty", "{}"),
        (("table", "sub", "escaped"), '"esc\\u0061ped"', "1"),
        (("array",), "array", None),
        (("array", "a"), "a", '"""x " \\""" "" y"""'),
        (("array", "b"), "b", "'''x ' y'''"),
        (("array", "c"), "c", '"""z"""""'),
    ],
)
def test_key_and_value(path: tuple[str, ...], key: str, value: str | None) -> None:
    assert marked(path) == (key, value)


def test_comments() -> None:
    comments = [TEXT[slice(*span)] for span in Marks(TEXT).read().comments]
    assert comments == ["# one", "# two", "# three", "# four", "# five ]"]


def test_every_value_is_kept_where_a_path_comes_twice() -> None:
    values = [TEXT[slice(*span)] for path, span in Marks(TEXT).read().values if path == ("array", "a")]
    assert values == ['"""x " \\""" "" y"""', "2"]


@pytest.mark.parametrize("text", ["", "\n", "# only", "  \t"])
def test_nothing(text: str) -> None:
    assert Marks(text).read().by_path == {}


def test_tables_deep_down_are_values_as_a_whole() -> None:
    text = "k = " + "{ k = " * 20 + "1" + " }" * 20
    assert max(len(path) for path in Marks(text).read().by_path) < 12


def test_arrays_may_be_deep() -> None:
    text = f"k = {'[' * 5000}{']' * 5000}\nz = 1"
    assert Marks(text).read().by_path[("z",)][1] is not None


def test_a_text_is_read_as_far_as_somebody_asks() -> None:
    marks = Marks("a = 1\nb = 2\nc = 3\n")
    assert marks.find(("b",)) == ((6, 7), (10, 11))
    assert ("c",) not in marks.by_path


def test_a_path_that_is_not_there_has_no_mark() -> None:
    assert Marks("a = 1\n[b]\n").find(("c",)) is None


def test_every_place_of_a_key_in_quotes_is_kept() -> None:
    marks = Marks('x = { "a b".c = 1, "a b".d = 2 }').read()
    assert [path for path, _ in marks.quoted] == [("x", "a b"), ("x", "a b")]


def test_the_parts_of_a_long_key_take_no_square_of_their_number() -> None:
    marks = Marks(f"a{'.b' * 1000} = 1\nz = 1").read()
    assert max(map(len, marks.by_path)) == 16
    assert marks.by_path["z",] == ((2006, 2007), (2010, 2011))


def test_a_part_deep_in_a_long_key_is_not_taken_for_an_option() -> None:
    ((path, _),) = Marks(f"a{'.b' * 20}.token = 1").read().values
    assert path[-1] == "..."
