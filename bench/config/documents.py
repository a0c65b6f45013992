"""Documents and environments of 100 kB that nobody writes but to see what happens."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from wssdk import ClientConfig

__all__ = ["CASES", "LOADS", "SIZE", "Case"]

SIZE: Final = 100_000
"""Characters of a document, or of an environment."""

LOADS: Final[Mapping[str, Callable[..., Any]]] = {
    "load()": ClientConfig.load,
    "load(connection=)": lambda *paths, environ: ClientConfig.load(*paths, environ=environ, connection="a7"),
    "load(connection=AB)": lambda *paths, environ: ClientConfig.load(
        *paths, environ=environ, connection="AB" * 31
    ),
    "load_all()": ClientConfig.load_all,
    "explain()": lambda *paths, environ: ClientConfig.load(*paths, environ=environ).explain(),
    "to_toml()": lambda *paths, environ: ClientConfig.load(*paths, environ=environ).to_toml(),
}
"""What is called, by the name that the table has for it."""


@attrs.frozen
class Case:
    """Something to load."""

    text: str | None = None
    """The file; None: there is none."""
    environ: Mapping[str, str] = attrs.field(factory=dict)
    how: str = "load()"
    """One of ``LOADS``."""
    most: float = 50.0
    """Milliseconds of CPU that it may take, where the parser does not take a third of that."""
    files: Mapping[str, str] = attrs.field(factory=dict)
    """Others beside it, by their names."""
    size: int = SIZE
    """About how many bytes file and variables have, where less is as bad."""


def _lines(line: str, before: str = "", size: int = SIZE) -> str:
    """Return as many lines of a pattern as fit; ``{}`` stands for their numbers."""
    written, length, number = [before], len(before), 0
    while length < size:
        written.append(f"{line.replace('{}', str(number))}\n")
        length += len(written[-1])
        number += 1
    return "".join(written[:-1])


def _many(item: str, before: str, after: str) -> str:
    """Return a line with as many items as fit; ``{}`` stands for their numbers."""
    return before + _lines(item, size=SIZE - len(before) - len(after)).replace("\n", "") + after


def _variables(name: str, text: str = "1", size: int = SIZE) -> dict[str, str]:
    return {name.replace("{}", str(number)): text for number in range(size // (len(name) + len(text) + 3))}


def _spelled(name: str, length: int, most: int) -> str:
    """Return the name of a file in many spellings, as an array has them."""
    ways = itertools.islice(itertools.product(("./", ".//", ".///"), repeat=length), most)
    return ",".join(f'"{"".join(way)}{name}"' for way in ways)


def _anagram(length: int, number: int) -> str:
    """Return one of many names of the same two letters."""
    letters = list(("AB" * length)[:length])
    random.Random(number).shuffle(letters)
    return "".join(letters)


_URI: Final = 'uri = "ws://h"\n'
_NUMBERED: Final = "".join(f"x{number}=1," for number in range(46))
_CONNECTIONS: Final = _lines('[connections.a{}]\nuri = "ws://h"')
_MIXED: Final = (
    "[connections.a{}]\nuri = \"wss://h{}/\"\nlimits.max_size = '1 MiB'\n"
    '[connections.a{}.timeouts]\nopen = "5s"\n[connections.a{}.headers]\nX-Key = "{}"'
)
_UNSET: Final = _lines('x-{} = "${env:NAME_{}}"', f"{_URI}[headers]\n")

CASES: Final[Mapping[str, Case]] = {
    # Names that are none.
    "unknown options": Case(_lines("option_{} = 1")),
    "unknown options, short": Case(_lines("x{}=1")),
    "unknown options of a section": Case(_lines("opne{} = 1", "[timeouts]\n")),
    "unknown options behind good headers": Case(
        _lines('x{}="a"', f"{_URI}[headers]\n", SIZE - 2000) + _lines("x{}=1", "[tls]\n", 2000), most=160.0
    ),
    "unknown tables": Case(_lines("[a{}]")),
    "unknown arrays of tables": Case(_lines("[[a{}]]")),
    "quoted keys": Case(_lines('"k {}"=1')),
    "quoted keys with escapes": Case(_lines('"\\u0061{}"=1')),
    "keys in single quotes": Case(_lines("'k{}'=1")),
    "dotted keys": Case(_lines("a{}.b.c.d.e.f.g.h=1")),
    "dotted keys of good sections": Case(_lines("timeouts.a{}=1")),
    "keys with many parts": Case(_lines(f"a{{}}{'.b' * 400}=1")),
    "one key with many parts": Case("a" + ".b" * (SIZE // 2 - 2) + "=1"),
    "tables with many parts": Case(_lines(f"[a{{}}{'.b' * 400}]")),
    "inline tables": Case(_lines("a{}={b={c={d=1}}}")),
    "one inline table": Case(_many("a{}=1,", "zzz={", "z=1}")),
    "inline tables in each other": Case(
        "".join(f"k{n}={'{a=' * 90}1{'}' * 90}\n" for n in range(SIZE // 366))
    ),
    # Values that are wrong.
    "names that are extended": Case(_many('"b{}",', f"{_URI}extends=[", '"b"]'), most=70.0),
    "one name that is extended, many times": Case(f"{_URI}extends=[" + '"b",' * (SIZE // 4 - 10) + "]"),
    "itself that is extended, many times": Case(
        f"{_URI}extends=[" + '"service.toml",' * (SIZE // 15 - 3) + "]"
    ),
    "headers with bad names": Case(_lines('"x y{}"=""', f"{_URI}[headers]\n"), most=90.0),
    "headers that are numbers": Case(_lines("x{}=1", f"{_URI}[headers]\n"), most=120.0),
    "headers with a line break": Case(_lines('x{}="\\n"', f"{_URI}[headers]\n"), most=100.0),
    "headers with variables that are not set": Case(_UNSET),
    "headers with files that are not there": Case(
        _lines('x{}="${file:f{}}"', f"{_URI}[headers]\n"), most=100.0
    ),
    "headers with references that are none": Case(_lines('x{}="${a}"', f"{_URI}[headers]\n"), most=90.0),
    "headers with variables that are not set, many others": Case(_UNSET, _variables("VARIABLE_{}")),
    "headers with variables that are not set, 500 others": Case(
        _UNSET, _variables("VARIABLE_{}", size=500 * 15), most=70.0
    ),
    "wrong options of a section, in one table": Case(_many("open{}=0,", f"{_URI}timeouts={{", "open=0}")),
    "connections that are numbers": Case(_lines("c{}=1", "[connections]\n")),
    "connections with an unknown option": Case(_lines("[connections.a{}]\nz=1", _URI), most=70.0),
    "connections with a wrong option": Case(_lines("[connections.a{}]\ntls=1", _URI)),
    # Nothing wrong but the size.
    "headers": Case(_lines('x{}="a"', f"{_URI}[headers]\n"), most=70.0),
    "headers, dotted": Case(_lines('headers.x{}="a"', _URI)),
    "headers with variables": Case(_lines('x{}="${env:A}"', f"{_URI}[headers]\n"), {"A": "a"}),
    "headers and the variables of other headers": Case(
        _lines('x{}="a"', f"{_URI}[headers]\n", SIZE // 2), _variables("WSSDK_HEADERS__Y_{}", size=SIZE // 2)
    ),
    "comments": Case(_lines("#", _URI)),
    "comments, one of them behind a fault": Case(_lines("#", f"{_URI}x=1#\n")),
    "blank lines": Case(_lines("", f"{_URI}x=1\n")),
    "one string": Case(f'{_URI}origin="{"a" * SIZE}"'),
    "one string with escapes": Case(f'{_URI}origin="' + "\\\\" * (SIZE // 2 - 20) + '"'),
    "one string of many lines": Case(_URI + 'x="""' + "a\n" * (SIZE // 2) + '"""'),
    "one duration": Case(f'{_URI}timeouts.open="{"1" * SIZE}s"'),
    "one number": Case(f"{_URI}timeouts.open={'1' * SIZE}"),
    "one hexadecimal number": Case(f"{_URI}timeouts.open=0x{'1' * SIZE}"),
    "one URI": Case(f'uri="ws://h/{"a" * SIZE}"'),
    "one URI with bad characters": Case(f'uri="ws://u:p@h/{" " * SIZE}"'),
    "URIs": Case(_many('"ws://h{}",', "uris=[", '"ws://h"]')),
    "bad URIs": Case(_many('"http://h{}",', "uris=[", '"ws://h"]')),
    "subprotocols": Case(_many('"a{}",', f"{_URI}subprotocols=[", '"z"]')),
    "status codes": Case(_many("400,", f"{_URI}reconnect.retry_status=[", "400]")),
    "pins": Case(f"{_URI}tls.pinned_sha256=[" + f'"{"a" * 64}",' * (SIZE // 67) + "]"),
    "one array": Case(f"zzz=[{'1,' * (SIZE // 2)}]"),
    "arrays": Case(_lines("x{}=[]")),
    "arrays in each other": Case("".join(f"k{n}={'[' * 90}{']' * 90}\n" for n in range(SIZE // 186))),
    "arrays too deep": Case(f"x={'[' * SIZE}"),
    "inline tables too deep": Case(f"x={'{a=' * (SIZE // 3)}"),
    "a syntax error behind good lines": Case(_lines('key_{}="value"') + "x = \n"),
    "a syntax error behind tables": Case(_lines("[a{}]") + "x = \n"),
    "a syntax error behind quotes": Case(_lines("x{}=''") + "x = \n"),
    "a string without an end": Case(f'x="""{"a" * SIZE}'),
    "a syntax error behind blanks": Case(f"x{' ' * SIZE}y\n"),
    "a syntax error in a string of quotes": Case('x="""\n' + '\\"' * (SIZE // 2) + '\n\\q"""'),
    "headers that are set twice": Case(
        f"{_URI}[headers]\n"
        + "".join(
            "".join(
                letter.upper() if number >> at & 1 else letter for at, letter in enumerate("abcdefghijklm")
            )
            + "=''\n"
            for number in range(SIZE // 17)
        )
    ),
    "one inline table of a section": Case(_many("a{}=1,", f"{_URI}timeouts={{", "open=1}"), most=80.0),
    "text with URIs": Case(f'{_URI}timeouts.open="{"ws://a:b@c " * (SIZE // 11)}"', most=90.0),
    "one header with references": Case(f'{_URI}headers.a="{"${env:A:-}" * (SIZE // 10)}"'),
    "dates": Case(_lines("d{}=1979-05-27")),
    "headers, explained": Case(
        _lines('x{}="${env:A}"', f"{_URI}[headers]\n"), {"A": "a"}, "explain()", most=400.0
    ),
    "headers, written": Case(
        _lines('x{}="${env:A}"', f"{_URI}[headers]\n"), {"A": "a"}, "to_toml()", most=250.0
    ),
    "one header with a long variable, many times": Case(
        f'{_URI}headers.a="{"${env:A}" * 6000}"', {"A": "x" * 45_000}
    ),
    "headers with a long variable": Case(
        _lines('x{}="a ${env:A}"', f"{_URI}[headers]\n", SIZE // 2), {"A": "x" * 50_000}, most=120.0
    ),
    "itself that is extended, in many spellings": Case(
        f"{_URI}extends=[{_spelled('service.toml', 7, SIZE // 30)}]"
    ),
    "itself that is extended, by many ways round": Case(
        _many('"b{}/../service.toml",', f"{_URI}extends=[", '"b"]'), most=250.0
    ),
    # Names that are near each other: comparing them takes the product of their lengths.
    "variables that are not set, and others of the same letters": Case(
        f"{_URI}[headers]\n" + "".join(f"x{n}='${{env:{_anagram(198, n)}}}'\n" for n in range(25)),
        {_anagram(198, n): "1" for n in range(100, 300)},
        size=45_000,
    ),
    "variables that are not set, and shorter others of the same letters": Case(
        f"{_URI}[headers]\n" + "".join(f"x{n}='${{env:{_anagram(60, n)}}}'\n" for n in range(25)),
        {_anagram(60, n): "1" for n in range(100, 300)},
        most=100.0,
        size=14_000,
    ),
    "connections, and variables of the same letters": Case(
        _URI + "".join(f"[connections.{_anagram(60, n)}]\n" for n in range(1000)),
        {f"WSSDK_CONNECTIONS__{_anagram(60, n)}__URI": "ws://h" for n in range(2000, 2026)},
        most=200.0,
    ),
    "connections with the letters of an unknown one": Case(
        _URI + "".join(f"[connections.{_anagram(62, n)}]\n" for n in range(1300)), how="load(connection=AB)"
    ),
    # Many faults on one line, or much that has to be covered there.
    "headers with bad names, on one line": Case(
        _many('"x {}"={ },', f"{_URI}headers={{", '"z"={}}'), most=300.0
    ),
    "text with URIs, and unknown options beside it": Case(
        f'{_URI}timeouts={{open="{"ws://a:b@c " * 8500}",{_NUMBERED}y=1}}\n', most=150.0
    ),
    "names of headers, and unknown options beside them": Case(
        _URI + "network={keep_headers=[" + '"a",' * 24_000 + f'"b"],{_NUMBERED}y=1}}\n', most=200.0
    ),
    # Environments.
    "unknown variables": Case(environ=_variables("WSSDK_OPTION_{}")),
    "variables of headers": Case(environ={"WSSDK_URI": "ws://h", **_variables("WSSDK_HEADERS__X_{}")}),
    "variables of headers with bad values": Case(
        environ={"WSSDK_URI": "ws://h", **_variables("WSSDK_HEADERS__X_{}", "\n")}
    ),
    "variables of connections that are none": Case(
        "[connections.a]\n" + _URI, _variables("WSSDK_CONNECTIONS__B{}__URI"), "load_all()"
    ),
    "variables of many connections": Case(
        _lines("[connections.a{}]", _URI, SIZE // 2),
        _variables("WSSDK_CONNECTIONS__A{}__TLS__VERIFY", size=SIZE // 2),
    ),
    "one variable like those of Kubernetes": Case(
        environ={"WSSDK_URI": "ws://h", f"WSSDK_{'SERVICE_PORT_' * (SIZE // 13)}a": "1"}
    ),
    "one variable of a connection, full of underscores": Case(
        "[connections.a]\n" + _URI, {f"WSSDK_CONNECTIONS__{'_' * SIZE}": "1"}
    ),
    "variables of others": Case(environ={"WSSDK_URI": "ws://h", **_variables("OTHER_{}")}),
    "one variable": Case(environ={"WSSDK_URI": "ws://h", "WSSDK_ORIGIN": "a" * SIZE}),
    "one variable with a list": Case(
        environ={"WSSDK_URI": "ws://h", "WSSDK_SUBPROTOCOLS": "a," * (SIZE // 2)}
    ),
    # Connections.
    "connections, none chosen": Case(_CONNECTIONS),
    "connections, one chosen": Case(_CONNECTIONS, how="load(connection=)"),
    "connections, all": Case(_CONNECTIONS, how="load_all()"),
    "connections of a few options, all": Case(_lines(_MIXED), how="load_all()"),
    "connections without a URI, all": Case(_lines("[connections.a{}]"), how="load_all()"),
    "connections with a wrong option, all": Case(_lines("[connections.a{}]\ntls=1", _URI), how="load_all()"),
    "connections under a wrong option, all": Case(
        _lines("[connections.a{}]", 'uri="http://h"\n'), how="load_all()"
    ),
    "connections that break a rule, all": Case(
        _lines("[connections.a{}]\ntls.verify=false", _URI), how="load_all()"
    ),
    "connections with one more URI under URIs and headers, all": Case(
        _lines("x{}='a'", "uris=['ws://a']\n[headers]\n", SIZE // 2)
        + _lines("[connections.a{}]\nuri='ws://b'", "", SIZE // 2),
        how="load_all()",
    ),
    "connections that change what is beside a secret of a file, all": Case(
        _lines("[connections.a{}]\nuri='ws://h'\nauth.scheme='X'", "auth.token={file='token'}\n"),
        files={"token": "x" * 60_000},
        how="load_all()",
        most=600.0,
    ),
    "connections with headers of their own under many, all": Case(
        _lines("x{}='a'", f"{_URI}[headers]\n", SIZE // 2)
        + _lines("[connections.a{}]\nheaders.y=''", "", SIZE // 2),
        how="load_all()",
        most=2000.0,
    ),
    "connections that mend a bad header, all": Case(
        _lines("x{}=1", f"{_URI}[headers]\n", SIZE // 10)
        + _lines("[connections.a{}]\nheaders.x7=''", "", SIZE // 10),
        how="load_all()",
        most=2500.0,
        size=SIZE // 5,
    ),
    "headers of one connection": Case(
        _lines("x{}='a'", f"{_URI}[connections.a7.headers]\n"), how="load(connection=)", most=80.0
    ),
    "connections under many headers, all": Case(
        _lines("x{}='a'", f"{_URI}[headers]\n", SIZE // 2) + _lines("[connections.a{}]", "", SIZE // 2),
        how="load_all()",
    ),
}
"""What is loaded, by what it is of."""
