from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.config_errors import problems_of
from wssdk import config_words as words
from wssdk.config import Auth, ClientConfig
from wssdk.config_values import BadValue
from wssdk.secret import Secret

HEX_PIN = "0123456789abcdef" * 4
PIN = b64encode(bytes.fromhex(HEX_PIN)).decode()


def refusal(function: Callable[[Any], Any], value: object) -> BadValue:
    with pytest.raises(BadValue) as caught:
        function(value)
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (words.optional_text, "some text"),
        (words.optional_path, "certs/ca.pem"),
        (words.optional_header_text, "a\tb é"),
        (words.logger_name, "a.b"),
        (words.token, "X-Api-Key"),
        (words.scheme, "Bearer"),
        (words.scheme, ""),
        (words.subprotocols, ("chat", "v2.chat")),
        (words.subprotocols, ()),
        (words.pins, (PIN,)),
        (words.on_full, "drop_oldest"),
        (words.backend, "zlib-ng"),
        (words.tls_version, "1.3"),
        (words.family, "ipv6"),
        (words.transport, "asyncio"),
        (words.wakeup, "scheduled"),
        (words.optional_level, "DEBUG"),
        (words.optional_uri, "wss://example.com/feed?x=1"),
        (words.uris, ()),
        (words.uris, ("wss://a.example.com/", "wss://b.example.com/")),
        (words.uri_order, "shuffled"),
        (words.proxy_url, "auto"),
        (words.proxy_url, "http://proxy:3128"),
        (words.proxy_url, "https://user:pass@proxy:3128/"),
        (words.proxy_url, "socks5h://[::1]:1080"),
    ],
)
def test_good_value_stays(function: Callable[[Any], object], value: object) -> None:
    assert function(value) == value


@pytest.mark.parametrize("value", [None, False])
@pytest.mark.parametrize(
    "function",
    [
        words.optional_text,
        words.optional_path,
        words.optional_header_text,
        words.optional_level,
        words.optional_secret,
        words.optional_token,
    ],
)
def test_off(function: Callable[[Any], object], value: object) -> None:
    assert function(value) is None


@pytest.mark.parametrize(
    "function",
    [words.optional_text, words.optional_path, words.optional_header_text, words.logger_name, words.token],
)
@pytest.mark.parametrize("value", ["", 5, True, ["a"], {}, "a\nb", "a\x00b", "a\rb", "\ud800"])
def test_no_text_of_one_line(function: Callable[[Any], object], value: object) -> None:
    assert refusal(function, value).value == value


@pytest.mark.parametrize("value", ["two words", "a:b", "naïve", "a,b"])
def test_no_header_name(value: str) -> None:
    assert refusal(words.token, value).expected == "the name of a header, such as X-Api-Key"


@pytest.mark.parametrize("value", ["Host", "upgrade", "Sec-WebSocket-Key"])
def test_header_of_the_opening_handshake(value: str) -> None:
    assert refusal(words.token, value).expected == "the opening handshake sets this header itself"


@pytest.mark.parametrize("value", [None, 5, "two words", "a\r\nb"])
def test_no_scheme(value: object) -> None:
    assert refusal(words.scheme, value).expected == 'a word such as "Bearer", or "" for the token alone'


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("ws://h", "put it into brackets"),
        (5, None),
        (None, None),
        ([5], None),
        (["http://h"], "scheme isn't ws or wss; did you mean ws://?"),
    ],
)
def test_no_uris(value: object, hint: str | None) -> None:
    bad = refusal(words.uris, value)
    assert bad.expected.startswith('an array of WebSocket URIs such as ["wss://a.example.com/", ')
    assert bad.hint == hint


def test_uri_given_twice() -> None:
    assert refusal(words.uris, ["ws://a", "ws://b", "ws://a"]).expected == "a URI is given more than once"


def test_uris_of_which_only_some_are_encrypted() -> None:
    bad = refusal(words.uris, ["wss://a", "ws://b"])
    assert bad.expected == "they must all be wss://, or all be ws://"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("chat", "put it into brackets"),
        (5, None),
        (None, None),
        (b"chat", None),
        ([5], "a subprotocol has no spaces, commas or quotes"),
        (["a b"], "a subprotocol has no spaces, commas or quotes"),
        (["a,b"], "a subprotocol has no spaces, commas or quotes"),
        ([""], "a subprotocol has no spaces, commas or quotes"),
    ],
)
def test_no_subprotocols(value: object, hint: str | None) -> None:
    bad = refusal(words.subprotocols, value)
    assert (bad.expected, bad.hint) == ('an array of subprotocols such as ["chat", "superchat"]', hint)


def test_repeated_subprotocol() -> None:
    assert refusal(words.subprotocols, ["a", "a"]).expected == "a subprotocol is given more than once"


@pytest.mark.parametrize(
    "written",
    [
        HEX_PIN,
        HEX_PIN.upper(),
        ":".join(HEX_PIN[i : i + 2] for i in range(0, 64, 2)).upper(),
        f"sha256/{PIN}",
    ],
    ids=["hex", "capitals", "colons", "prefix"],
)
def test_pin_becomes_base64(written: str) -> None:
    assert words.pins([written]) == (PIN,)


@pytest.mark.parametrize(
    "value",
    [
        PIN,
        None,
        [HEX_PIN[1:]],
        [5],
        ["g" * 64],
        [PIN[:-1]],
        [PIN[:-2] + "B="],  # bits that no digest has
        [PIN.replace("=", "\n=")],
        [b64encode(bytes(31)).decode()],
        ["é" * 44],
        [""],
    ],
)
def test_no_pins(value: object) -> None:
    expected = "an array of SHA-256 digests, in base64 or 64 hexadecimal digits each"
    assert refusal(words.pins, value).expected == expected


def test_pins_want_brackets() -> None:
    assert refusal(words.pins, PIN).hint == "put it into brackets"


def test_level_comes_in_capitals() -> None:
    assert words.optional_level("debug") == "DEBUG"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "value", "expected", "hint"),
    [
        (words.on_full, "pase", '"pause", "drop_oldest", "latest" or "close"', 'did you mean "pause"?'),
        (words.backend, "zlibng", '"auto", "zlib", "zlib-ng" or "isal"', 'did you mean "zlib-ng"?'),
        (words.tls_version, 1.2, '"1.2" or "1.3"', 'write "1.2", with quotes'),
        (words.tls_version, 1.1, '"1.2" or "1.3"', None),
        (words.tls_version, "1.1", '"1.2" or "1.3"', None),
        (words.family, "inet", '"any", "ipv4" or "ipv6"', None),
        (words.family, None, '"any", "ipv4" or "ipv6"', None),
        (words.transport, True, '"auto", "aiofastnet" or "asyncio"', None),
        (words.wakeup, "now", '"direct" or "scheduled"', None),
        (
            words.optional_level,
            "warn",
            '"DEBUG", "INFO", "WARNING", "ERROR" or "CRITICAL"',
            'did you mean "WARNING"?',
        ),
        (words.optional_level, 10, '"DEBUG", "INFO", "WARNING", "ERROR" or "CRITICAL"', None),
    ],
)
def test_no_choice(function: Callable[[Any], object], value: object, expected: str, hint: str | None) -> None:
    bad = refusal(function, value)
    assert (bad.expected, bad.hint) == (expected, hint)


def test_bad_choice_is_told_as_it_was_given() -> None:
    assert refusal(words.optional_level, "warn").value == "warn"


def test_uri_may_come_later() -> None:
    assert words.optional_uri(None) is None


@pytest.mark.parametrize("value", [5, False, ["ws://h"], "http://h", "ws://", "", "ws://h#f"])
def test_no_uri(value: object) -> None:
    assert refusal(words.optional_uri, value).expected == 'a WebSocket URI such as "wss://example.com/feed"'


def test_list_of_uris_is_sent_to_the_option_for_several() -> None:
    assert refusal(words.optional_uri, ["ws://a"]).hint == "several go into uris"


def test_bad_uri_has_its_reason() -> None:
    assert refusal(words.optional_uri, "http://h").hint == "scheme isn't ws or wss; did you mean ws://?"


@pytest.mark.parametrize("function", [words.optional_uri, words.proxy_url])
def test_bad_uri_is_told_without_its_secrets(function: Callable[[Any], object]) -> None:
    assert "hush" not in str(refusal(function, "htp://user:hush@h/ ?token=hush").value)


@pytest.mark.parametrize("value", [None, 5, True, "", "proxy:3128", "ftp://proxy", "http://", "http://a b"])
def test_no_proxy(value: object) -> None:
    assert refusal(words.proxy_url, value).expected.startswith("the URL of a proxy such as")


@pytest.mark.parametrize("function", [words.optional_secret, words.optional_token])
class TestSecret:
    def test_text_is_wrapped(self, function: Callable[[Any], object]) -> None:
        assert function("hush") == Secret("hush")

    def test_secret_stays(self, function: Callable[[Any], object]) -> None:
        assert function(Secret("hush")) == Secret("hush")

    @pytest.mark.parametrize("value", ["", 5, True, ["hush"]])
    def test_no_secret(self, function: Callable[[Any], object], value: object) -> None:
        assert refusal(function, value).expected == "a secret text that is not empty"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", Secret("a\nb")])
def test_token_fits_into_a_header(value: object) -> None:
    expected = "a secret text of one line, without control characters"
    assert refusal(words.optional_token, value).expected == expected


def test_refused_token_does_not_travel() -> None:
    assert isinstance(refusal(words.optional_token, "hu\nsh").value, Secret)


def test_other_secrets_may_have_any_characters() -> None:
    assert words.optional_secret("hu\nsh") == Secret("hu\nsh")


# Hints in the words of the place.


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("", 'write the text itself, or os.environ["NAME"]'),
        ({"env": "HOME"}, 'write the text itself, or os.environ["HOME"]'),
        ({"env": "hush"}, 'write the text itself, or os.environ["NAME"]'),
    ],
)
def test_hint_of_a_secret_in_code(value: Any, hint: str) -> None:
    (problem,) = problems_of(lambda: Auth(token=value))
    assert problem.hint == hint


def test_hint_of_a_secret_in_a_variable_names_the_variable_of_its_file() -> None:
    environ = {"WSSDK_URI": "wss://h", "WSSDK_AUTH__TOKEN": ""}
    (problem,) = problems_of(lambda: ClientConfig.from_env(environ=environ))
    assert problem.hint == "write the text itself, or the path of its file into WSSDK_AUTH__TOKEN_FILE"


def test_hint_of_a_header_in_code_names_no_reference() -> None:
    (problem,) = problems_of(lambda: ClientConfig(headers={"A": 5}))  # type: ignore[arg-type]
    assert problem.hint == 'write the text itself, a str; one of the environment is os.environ["NAME"]'


@pytest.mark.parametrize("value", [(), ("Cookie",), ["X-Api-Key", "Cookie"]])
def test_names_of_headers(value: Any) -> None:
    assert words.header_names(value) == tuple(value)


def test_name_of_a_header_out_of_its_brackets() -> None:
    assert refusal(words.header_names, "Cookie").hint == "put it into brackets"


@pytest.mark.parametrize("value", [5, None, {"Cookie": "a"}])
def test_what_is_no_array_of_names_of_headers(value: Any) -> None:
    assert refusal(words.header_names, value).expected == 'an array of header names such as ["X-Api-Key"]'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["Cookie: a=1"], "the name of a header, such as X-Api-Key"),
        ([5], "the name of a header, such as X-Api-Key"),
        (["Host"], "the opening handshake sets this header itself"),
    ],
)
def test_what_is_no_name_of_a_header_in_an_array(value: Any, expected: str) -> None:
    assert refusal(words.header_names, value).expected == expected
