from __future__ import annotations

import contextlib
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from wssdk.errors import InvalidURI
from wssdk.uri import parse_uri, redact_uri

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PORT = st.integers(1, 65535)
PATH = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="?#"), max_size=20)
QUERY = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="#"), max_size=20)
SECRET = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20)


@given(st.text())
@example("ws://[")
@example("ws://[::1%25\ud800]")
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidURI):
        parse_uri(text)


@given(st.text(st.sampled_from("ws:/@[]?#%.a1ü\\ \n"), max_size=30).map("ws://".__add__))
def test_any_text_after_the_scheme_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidURI):
        parse_uri(text)


@given(host=HOST, port=PORT, path=PATH, query=QUERY, secure=st.booleans())
def test_what_parses_is_fit_for_a_request(host: str, port: int, path: str, query: str, secure: bool) -> None:
    parsed = parse_uri(f"{'wss' if secure else 'ws'}://{host}:{port}/{path}?{query}")
    assert (parsed.secure, parsed.host, parsed.port) == (secure, host, port)
    assert all("!" <= char <= "~" for char in parsed.resource_name + parsed.host_header)


@given(host=HOST, port=PORT, path=PATH, query=QUERY)
def test_parsing_what_was_parsed_changes_nothing(host: str, port: int, path: str, query: str) -> None:
    once = parse_uri(f"ws://{host}:{port}/{path}?{query}")
    assert parse_uri(f"ws://{once.host_header}{once.resource_name}") == once


@given(username=SECRET.filter(lambda text: ":" not in text), password=SECRET, host=HOST)
def test_quoted_userinfo_comes_back(username: str, password: str, host: str) -> None:
    parsed = parse_uri(f"ws://{quote(username, safe='')}:{quote(password, safe='')}@{host}")
    assert parsed.user_info == (username, password)


@given(password=st.text(min_size=1), tail=st.sampled_from(["h", "h/p", "h:80/p?q", "h\n"]))
def test_no_password_survives_redaction(password: str, tail: str) -> None:
    marked = f"<{password}>"
    assert "<" not in redact_uri(f"wss://user:{marked}@{tail}")


@given(st.text())
def test_redacting_again_changes_nothing(text: str) -> None:
    once = redact_uri(text)
    assert redact_uri(once) == once


@given(
    authority=st.one_of(
        st.builds("{}:{}".format, HOST, PORT),
        st.text("a-_.:[@%A0", max_size=12),
        st.from_regex(r"[a-z]{58,66}(\.[a-z]{58,66}){2,4}", fullmatch=True),
        st.builds("h:{}".format, st.one_of(st.integers(0, 100_000).map(str), st.just("080"))),
    ),
    rest=st.text("/?#%a.:é\\ @", max_size=10),
    secure=st.booleans(),
)
def test_the_case_of_the_scheme_changes_nothing(authority: str, rest: str, secure: bool) -> None:
    # An ordinary URI is read at once; in capitals, it is read part by part.
    scheme = "wss" if secure else "ws"
    try:
        parts = parse_uri(f"{scheme.upper()}://{authority}{rest}")
    except InvalidURI:
        parts = None
    try:
        at_once = parse_uri(f"{scheme}://{authority}{rest}")
    except InvalidURI:
        at_once = None
    assert at_once == parts
