from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from wssdk.errors import InvalidURI
from wssdk.uri import RedactedURI, WebSocketURI, parse_uri, parsed, redact_uri, redact_uris


@pytest.mark.parametrize(
    ("uri", "secure", "host", "port", "path", "query"),
    [
        ("ws://example.com", False, "example.com", 80, "", ""),
        ("wss://example.com/", True, "example.com", 443, "/", ""),
        ("WSS://Example.COM:8443/a/b?c=d&e", True, "example.com", 8443, "/a/b", "c=d&e"),
        ("ws://example.com:/x", False, "example.com", 80, "/x", ""),
        ("ws://example.com:00080", False, "example.com", 80, "", ""),
        ("ws://example.com:65535?q", False, "example.com", 65535, "", "q"),
        ("ws://example.com.", False, "example.com.", 80, "", ""),
        ("ws://my_service-1", False, "my_service-1", 80, "", ""),
        ("ws://127.0.0.1:1", False, "127.0.0.1", 1, "", ""),
        ("ws://[::1]", False, "::1", 80, "", ""),
        ("ws://[0:0::0:1]:81/", False, "::1", 81, "/", ""),
        ("ws://[2001:DB8::A]:", False, "2001:db8::a", 80, "", ""),
        ("ws://[fe80::1%25eth0]", False, "fe80::1%eth0", 80, "", ""),
        ("ws://[fe80::1%eth0]:81", False, "fe80::1%eth0", 81, "", ""),
        ("ws://[fe80::1%25]", False, "fe80::1%25", 80, "", ""),
        ("ws://bücher.example", False, "xn--bcher-kva.example", 80, "", ""),
        ("ws://BÜCHER。example", False, "xn--bcher-kva.example", 80, "", ""),
        ("ws://faß.de", False, "xn--fa-hia.de", 80, "", ""),
        ("ws://XN--Bcher-kva.example", False, "xn--bcher-kva.example", 80, "", ""),
        ("ws://h/Grüße?ü=€", False, "h", 80, "/Gr%C3%BC%C3%9Fe", "%C3%BC=%E2%82%AC"),
        ("ws://h/a%20b?c=%zz", False, "h", 80, "/a%20b", "c=%zz"),
        ('ws://h/a|b?{"x":[1]}\\^`', False, "h", 80, "/a|b", '{"x":[1]}\\^`'),
        ("ws://h/stream?streams=a@trade/b@trade", False, "h", 80, "/stream", "streams=a@trade/b@trade"),
        ("ws://h?", False, "h", 80, "", ""),
    ],
)
def test_parsed(uri: str, secure: bool, host: str, port: int, path: str, query: str) -> None:
    parsed = parse_uri(uri)
    assert parsed == WebSocketURI(secure, host, port, path, query)


@pytest.mark.parametrize(
    ("uri", "user_info"),
    [
        ("ws://h", None),
        ("ws://user:pass@h", ("user", "pass")),
        ("ws://us%40er:p%3Aa%2Fss@h", ("us@er", "p:a/ss")),
        ("ws://user:p:a:ss@h", ("user", "p:a:ss")),
        ("ws://%C3%BC:ü@h", ("ü", "ü")),
        ("ws://token@h", ("token", "")),
        ("ws://:pass@h", ("", "pass")),
        ("ws://user:@h", ("user", "")),
        ("ws://u%ser:1%@h", ("u%ser", "1%")),
        ("ws://a+b:c@h", ("a+b", "c")),
    ],
)
def test_userinfo_is_percent_decoded(uri: str, user_info: tuple[str, str] | None) -> None:
    assert parse_uri(uri).user_info == user_info


@pytest.mark.parametrize(
    ("uri", "resource_name"),
    [("ws://h", "/"), ("ws://h?", "/"), ("ws://h?q", "/?q"), ("ws://h/a", "/a"), ("ws://h/a?b?c", "/a?b?c")],
)
def test_resource_name(uri: str, resource_name: str) -> None:
    assert parse_uri(uri).resource_name == resource_name


@pytest.mark.parametrize(
    ("uri", "host_header"),
    [
        ("ws://h", "h"),
        ("ws://h:80", "h"),
        ("wss://h:443", "h"),
        ("wss://h:80", "h:80"),
        ("ws://h:443", "h:443"),
        ("ws://[::1]", "[::1]"),
        ("ws://[::1]:81", "[::1]:81"),
        ("ws://[fe80::1%25eth0]:81", "[fe80::1]:81"),
        ("ws://bücher.example:81", "xn--bcher-kva.example:81"),
    ],
)
def test_host_header(uri: str, host_header: str) -> None:
    assert parse_uri(uri).host_header == host_header


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "must start with ws://"),
        ("example.com", "must start with ws://"),
        ("//example.com", "must start with ws://"),
        ("ws:example.com", "must start with ws://"),
        ("ws:/example.com", "must start with ws://"),
        ("http://example.com", "did you mean ws://"),
        ("https://example.com", "did you mean wss://"),
        ("ftp://example.com", "scheme isn't ws or wss"),
        ("ws+unix://example.com", "scheme isn't ws or wss"),
        ("ws://h/#", "fragment"),
        ("ws://h/a#b", "fragment"),
        ("ws://h#b", "fragment"),
        (" ws://h", "at position 0"),
        ("ws://h/a b", "at position 8"),
        ("ws://h/a\r\nHost: x", "at position 8"),
        ("ws://h/a\x00", "at position 8"),
        ("ws://h/\x7f", "at position 7"),
        ("ws://h/\u3000", "at position 7"),
        ("ws://h/\x85", "at position 7"),
        ("ws://h/\ud800", "at position 7"),
        ("ws://h\n", "at position 6"),
        ("ws://", "host is missing"),
        ("ws:///path", "host is missing"),
        ("ws://:80", "host is missing"),
        ("ws://user@", "host is missing"),
        ("ws://?q", "host is missing"),
        ("ws://h:0", "port isn't"),
        ("ws://h:65536", "port isn't"),
        ("ws://h:" + "9" * 5000, "port isn't"),
        ("ws://h:-1", "port isn't"),
        ("ws://h:+80", "port isn't"),
        ("ws://h:8_0", "port isn't"),
        ("ws://h:٣", "port isn't"),
        ("ws://h:http", "port isn't"),
        ("ws://::1", "more than one ':'"),
        ("ws://h:80:80", "more than one ':'"),
        ("ws://[::1", "no closing bracket"),
        ("ws://[::1]80", "text after the brackets"),
        ("ws://[[::1]]", "text after the brackets"),
        ("ws://[::1]:x", "port isn't"),
        ("ws://[]", "not an IPv6 address"),
        ("ws://[127.0.0.1]", "not an IPv6 address"),
        ("ws://[v1.x]", "not an IPv6 address"),
        ("ws://[::1%]", "zone"),
        ("ws://[::1%25a%2Fb]", "zone"),
        ("ws://a..b", "neither a host name"),
        ("ws://.", "neither a host name"),
        ("ws://a%41", "neither a host name"),
        ("ws://a,b", "neither a host name"),
        ("ws://" + "a" * 64, "neither a host name"),
        ("ws://" + ".".join(["a" * 63] * 4), "neither a host name"),
        ("ws://☃.example", "internationalized"),
        ("ws://a／b.example", "internationalized"),
        ("ws://℀.example", "internationalized"),
        ("ws://ü..example", "internationalized"),
        ("ws://good.example\\@evil.example", "backslash"),
        ("ws://good.example\\.evil.example", "backslash"),
        ("ws://a@b@c", "more than one '@'"),
        ("ws://%ff@h", "not percent-encoded UTF-8"),
        ("ws://u:%ff@h", "not percent-encoded UTF-8"),
        ("ws://a%3Ab:c@h", "colon"),
        ("ws://a%0D%0A@h", "control character"),
        ("ws://a:b%00@h", "control character"),
    ],
)
def test_refused(uri: str, reason: str) -> None:
    with pytest.raises(InvalidURI) as caught:
        parse_uri(uri)
    assert reason in caught.value.msg


@pytest.mark.parametrize("uri", [None, 1, b"ws://h"])
def test_other_types_are_refused(uri: str) -> None:
    with pytest.raises(TypeError):
        parse_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://user:s3cret@h",
        "wss://user:s3cret/rest@h/path",
        "wss://user:s3cret?rest@h/path",
        "wss://user:s3#s3cret@h/path",
        "wss://user:12#s3cret@h/path",
        "wss://us@er:s3cret@h",
        "user:s3cret@h",
        "wss:user:s3cret@h",
        "wss://h:x?token=s3cret",
        "wss://h/#access_token=s3cret",
        "wss://user:s3cret@h /",
    ],
)
def test_refusal_keeps_secrets(uri: str) -> None:
    with pytest.raises(InvalidURI) as caught:
        parse_uri(uri)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_refusal_is_one_line() -> None:
    with pytest.raises(InvalidURI) as caught:
        parse_uri("ws://h/\r\nX: y")
    assert str(caught.value).startswith("ws://h/\\r\\nX: y isn't a valid URI")


def test_repr_hides_secrets() -> None:
    shown = repr(parse_uri("wss://s3cret:s3cret@h/?apikey=s3cret&x=1"))
    assert "s3cret" not in shown
    assert "x=1" in shown


def test_hashes_and_pickles() -> None:
    parsed = parse_uri("wss://user:pass@h/?x")
    assert {parsed: 1}[pickle.loads(pickle.dumps(parsed))] == 1


@pytest.mark.parametrize(
    ("uri", "redacted"),
    [
        ("ws://h/p?q=1", "ws://h/p?q=1"),
        ("wss://user:pass@h:1/p", "wss://********@h:1/p"),
        ("wss://token@h", "wss://********@h"),
        ("https://user:pass@h/x", "https://********@h/x"),
        ("ws://h/stream?streams=a@trade", "ws://h/stream?streams=a@trade"),
        ("ws://h:80/a@b", "ws://h:80/a@b"),
        ("ws://[::1]/a@b", "ws://[::1]/a@b"),
        ("ws://u:p/w@h/x", "ws://********@h/x"),
        ("u:p@h/x", "********@h/x"),
        ("h/x", "h/x"),
        ("ws://h/?token=abc", "ws://h/?token=********"),
        ("ws://h/?a=1&access_token=abc&b=2", "ws://h/?a=1&access_token=********&b=2"),
        ("ws://h/?a=1;sig=abc;b=2", "ws://h/?a=1;sig=********;b=2"),
        ("ws://h/?%74oken=abc", "ws://h/?%74oken=********"),
        ("ws://h/?token=a=b", "ws://h/?token=********"),
        ("ws://h/?token=&key", "ws://h/?token=&key"),
        (
            "ws://h/?APIKey=1&listenKey=2&api-key=3",
            "ws://h/?APIKey=********&listenKey=********&api-key=********",
        ),
        ("ws://h/?keyword=1&monkey=2&author=3", "ws://h/?keyword=1&monkey=2&author=3"),
        ("ws://h/?PASSWORD=1&X-Amz-Signature=2", "ws://h/?PASSWORD=********&X-Amz-Signature=********"),
        ("ws://h/#abc", "ws://h/#********"),
        ("ws://h/a\nb", "ws://h/a\\nb"),
        ("", ""),
    ],
)
def test_redacted(uri: str, redacted: str) -> None:
    assert redact_uri(uri) == redacted


@pytest.mark.parametrize(("uri", "name"), [(None, "NoneType"), (b"ws://h", "bytes")])
def test_uri_is_a_text(uri: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"uri must be a str, not {name}"):
        parse_uri(uri)


@pytest.mark.parametrize(
    "name", ["bearer", "cred", "creds", "hmac", "nonce", "refresh", "otp", "pin", "userPin"]
)
def test_parameter_of_a_secret_name_is_masked(name: str) -> None:
    assert redact_uri(f"ws://h/?{name}=hush") == f"ws://h/?{name}=********"


@pytest.mark.parametrize("name", ["spin", "shopping", "hmacro"])
def test_parameter_with_a_secret_name_inside_of_a_word_is_shown(name: str) -> None:
    assert redact_uri(f"ws://h/?{name}=a") == f"ws://h/?{name}=a"


def test_a_parsed_uri_is_its_text_and_has_its_parts() -> None:
    uri = parsed("wss://user:hunter2@example.com/feed")
    assert uri == "wss://user:hunter2@example.com/feed"
    assert uri.parts == parse_uri(str(uri))


def test_a_parsed_uri_is_not_parsed_again() -> None:
    uri = parsed("ws://example.com")
    assert parsed(uri) is uri
    assert parse_uri(uri) is uri.parts


def test_a_parsed_uri_travels_as_text() -> None:
    assert type(pickle.loads(pickle.dumps(parsed("ws://example.com")))) is str
    assert type(copy.copy(parsed("ws://example.com"))) is str


def test_text_that_is_no_uri_is_refused_with_its_secrets_masked() -> None:
    with pytest.raises(InvalidURI) as caught:
        parsed("http://user:hunter2@example.com")
    assert "hunter2" not in str(caught.value)


def test_a_redacted_uri_shows_what_redact_uri_returns() -> None:
    shown = RedactedURI("ws://user:hunter2@example.com/?token=abc")
    assert str(shown) == redact_uri("ws://user:hunter2@example.com/?token=abc")
    assert "hunter2" not in repr(shown)


# URIs in the messages of others.


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no way to ws://me:hush@h/x: refused", "no way to ws://********@h/x: refused"),
        ("'wss://h/?token=hush' failed", "'wss://h/?token=********' failed"),
        ("see https://h/?sig=hush.", "see https://h/?sig=********."),
        ("ws://a/?key=hush, ws://b/?key=hush", "ws://a/?key=********, ws://b/?key=********"),
        ("(ws://a/)", "(ws://a/)"),
        ("nothing to see", "nothing to see"),
        ("://", "://"),
    ],
)
def test_uris_in_a_text_are_masked(text: str, shown: str) -> None:
    assert redact_uris(text) == shown


def test_known_uri_is_masked_however_it_looks() -> None:
    assert redact_uris("to ws://h/?token=a<hush> now", ["ws://h/?token=a<hush>"]) == (
        "to ws://h/?token=******** now"
    )
