from __future__ import annotations

import socket
from typing import Any

import pytest

from wssdk.config import Auth, ClientConfig, Network, Tls
from wssdk.errors import InvalidHeader, InvalidURI, SecurityError
from wssdk.headers import Headers, HeadersLike, Response
from wssdk.redirects import Hop, follow, is_redirect
from wssdk.secret import Secret
from wssdk.uri import parse_uri

START = "wss://example.com/feed?room=1"
ELSEWHERE = "https://other.example/feed"
CREDENTIALS = ["Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "X-Session-Id"]


def answer(*locations: str, status: int = 302) -> Response:
    return Response(status, "Found", Headers([("Location", location) for location in locations]))


def start(uri: str = START, headers: HeadersLike = ()) -> Hop:
    return Hop(uri, parse_uri(uri), headers)


def next_hop(
    location: str, hop: Hop | None = None, *, config: ClientConfig | None = None, **keywords: Any
) -> Hop:
    hop = start() if hop is None else hop
    config = ClientConfig() if config is None else config
    return follow(answer(location), hop, keywords.pop("first", hop), config, **keywords)


def names(hop: Hop) -> set[str]:
    return set(Headers(hop.headers))


# Which responses are redirects.


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect(status: int) -> None:
    assert is_redirect(answer("/", status=status))


@pytest.mark.parametrize("status", [101, 200, 201, 304, 305, 306, 309, 401, 503])
def test_no_redirect(status: int) -> None:
    assert not is_redirect(answer("/", status=status))


def test_redirect_to_nowhere_is_none() -> None:
    assert not is_redirect(answer())


# Where they lead.


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("/other", "wss://example.com/other"),
        ("other", "wss://example.com/other"),
        ("?room=2", "wss://example.com/feed?room=2"),
        ("../up/./here", "wss://example.com/up/here"),
        ("//other.example/x", "wss://other.example/x"),
        ("https://other.example/x", "wss://other.example/x"),
        ("HTTPS://Other.example/x", "wss://other.example/x"),
        ("wss://other.example:8443/x", "wss://other.example:8443/x"),
        ("https://[::1]:8443", "wss://[::1]:8443"),
        ("/other#part", "wss://example.com/other"),
        ("#part", START),
        ("/caf\u00e9", "wss://example.com/caf%C3%A9"),
        ("/\\other.example/", "wss://example.com/\\other.example/"),
    ],
)
def test_location(location: str, uri: str) -> None:
    assert next_hop(location).target == parse_uri(uri)


@pytest.mark.parametrize(
    ("location", "uri"),
    [("http://example.com/x", "ws://example.com/x"), ("https://example.com/x", "wss://example.com/x")],
)
def test_location_after_an_opening_without_tls(location: str, uri: str) -> None:
    assert next_hop(location, start("ws://example.com/")).target == parse_uri(uri)


def test_text_of_a_hop_is_that_of_its_target() -> None:
    hop = next_hop("https://other.example/x?a=1#part")
    assert hop.uri == "wss://other.example/x?a=1"


def test_zone_of_an_address_is_kept() -> None:
    hop = next_hop("/x", start("ws://[fe80::1%25eth0]:8080/"))
    assert hop.target.host == "fe80::1%eth0"
    assert hop.at_home


@pytest.mark.parametrize(
    "location",
    [
        "ftp://other.example/",
        "mailto:somebody@other.example",
        "https://other example/",
        "https://other.example/\tx",
        "https://[other/",
        "https://other.example:port/",
        "/half\udc80",
    ],
)
def test_location_that_is_no_websocket_uri(location: str) -> None:
    with pytest.raises(InvalidURI):
        next_hop(location)


def test_empty_location() -> None:
    with pytest.raises(InvalidHeader, match="empty Location header"):
        next_hop("")


def test_several_locations() -> None:
    with pytest.raises(InvalidHeader, match="Location header: given more than once"):
        follow(answer("/a", "/b"), start(), start(), ClientConfig())


def test_userinfo_in_a_location() -> None:
    with pytest.raises(SecurityError, match="must not have userinfo") as caught:
        next_hop("https://me:pa55@other.example/")
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize("location", ["http://example.com/x", "ws://other.example/x"])
def test_never_from_tls_to_none(location: str) -> None:
    with pytest.raises(SecurityError, match="cannot follow redirect to non-secure URI ws://"):
        next_hop(location, config=ClientConfig(network=Network(allow_cross_origin=True)))


def test_secrets_of_a_location_are_masked_in_errors() -> None:
    with pytest.raises(SecurityError) as caught:
        next_hop("http://example.com/x?token=s3cret")
    assert "s3cret" not in str(caught.value)


# What goes along.


ORIGINS = [
    ("ws://example.com/a", "ws://other.example/b"),
    ("ws://example.com/a", "ws://www.example.com/b"),
    ("ws://example.com/a", "ws://example.com:8080/b"),
    ("ws://example.com:8080/a", "ws://example.com/b"),
    ("ws://example.com/a", "wss://example.com/b"),
    ("wss://example.com/a", "wss://example.com:8443/b"),
    ("wss://example.com/a", "wss://other.example/b"),
]


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize(("old", "new"), ORIGINS)
def test_credentials_stay_behind(old: str, new: str, name: str) -> None:
    config = ClientConfig(headers={name: "s3cret"})
    assert names(next_hop(new, start(old, config.header_items), config=config)) == set()


@pytest.mark.parametrize(("old", "new"), ORIGINS)
def test_userinfo_stays_behind(old: str, new: str) -> None:
    hop = next_hop(new, start(old.replace("://", "://me:pa55@")))
    assert hop.target.user_info is None


@pytest.mark.parametrize(("old", "new"), ORIGINS)
def test_header_of_the_auth_section_stays_behind(old: str, new: str) -> None:
    config = ClientConfig(auth=Auth(token="s3cret", header="X-Note"))
    assert names(next_hop(new, start(old, config.header_items), config=config)) == set()


def test_header_that_is_a_secret_stays_behind() -> None:
    config = ClientConfig(headers={"X-Note": Secret("s3cret")})
    assert names(next_hop(ELSEWHERE, start(headers=config.header_items), config=config)) == set()


def test_header_that_is_not_of_the_config_stays_behind() -> None:
    given = Headers({"X-Note": "s3cret"})
    assert names(next_hop(ELSEWHERE, start(headers=given), given=given)) == set()


def test_other_headers_go_along() -> None:
    config = ClientConfig(headers={"X-Client": "a", "Accept-Language": "eo"})
    hop = next_hop(ELSEWHERE, start(headers=config.header_items), config=config)
    assert Headers(hop.headers) == Headers(config.headers)


@pytest.mark.parametrize(
    "location", ["/b", "//example.com/b", "https://EXAMPLE.com:443/b", "wss://example.com/b"]
)
def test_everything_goes_along_within_an_origin(location: str) -> None:
    headers = [("Cookie", "a=1"), ("Authorization", "Bearer s3cret")]
    hop = next_hop(location, start("wss://me:pa55@example.com/a", headers))
    assert list(Headers(hop.headers).raw_items()) == headers
    assert hop.target.user_info == ("me", "pa55")


def test_kept_headers_go_along() -> None:
    network = Network(keep_headers=["cookie", "X-NOTE"])
    config = ClientConfig(headers={"Cookie": "a=1", "Authorization": "b"}, network=network)
    given = Headers({"X-Note": "c"})
    hop = next_hop(
        ELSEWHERE, start(headers=[*config.header_items, ("X-Note", "c")]), config=config, given=given
    )
    assert names(hop) == {"cookie", "x-note"}


def test_userinfo_goes_along_where_authorization_is_kept() -> None:
    config = ClientConfig(network=Network(keep_headers=["Authorization"]))
    hop = next_hop(ELSEWHERE, start("wss://me:pa55@example.com/"), config=config)
    assert hop.target.user_info == ("me", "pa55")


def test_credentials_are_not_taken_up_again() -> None:
    first = start("wss://me:pa55@example.com/", {"Cookie": "a=1"})
    back = next_hop(START, next_hop(ELSEWHERE, first), first=first)
    assert names(back) == set()
    assert back.target == parse_uri(START)


def test_an_origin_is_at_home_again_after_a_way_round() -> None:
    first = start()
    away = next_hop(ELSEWHERE, first)
    assert (away.at_home, next_hop(START, away, first=first).at_home) == (False, True)


# What is not followed.


@pytest.mark.parametrize("location", ["/other", "//other.example/"])
@pytest.mark.parametrize("allow", [False, True])
def test_given_socket_is_used_up(location: str, allow: bool) -> None:
    config = ClientConfig(network=Network(allow_cross_origin=allow))
    with socket.socket() as sock, pytest.raises(ValueError, match="with a preexisting socket"):
        next_hop(location, config=config, options={"sock": sock})


@pytest.mark.parametrize("allow", [False, True])
def test_unix_socket_is_never_left(allow: bool) -> None:
    config = ClientConfig(network=Network(unix_path="/run/feed.sock", allow_cross_origin=allow))
    with pytest.raises(ValueError, match=r"cannot follow cross-origin redirect .* with a Unix"):
        next_hop("//other.example/", config=config)


def test_unix_socket_is_dialled_again_within_an_origin() -> None:
    config = ClientConfig(network=Network(unix_path="/run/feed.sock"))
    assert next_hop("/other", config=config).at_home


@pytest.mark.parametrize("network", [Network(host="10.0.0.1"), Network(port=8443)])
def test_explicit_address_is_not_left(network: Network) -> None:
    with pytest.raises(
        ValueError, match=r"an explicit host or port: .*set network\.allow_cross_origin to true"
    ):
        next_hop(ELSEWHERE, config=ClientConfig(network=network))


def test_explicit_address_among_the_options_is_not_left() -> None:
    with pytest.raises(ValueError, match="an explicit host or port"):
        next_hop(ELSEWHERE, options={"host": "10.0.0.1"})


def test_explicit_address_may_be_left_where_that_is_allowed() -> None:
    config = ClientConfig(network=Network(host="10.0.0.1", allow_cross_origin=True))
    assert not next_hop(ELSEWHERE, config=config).at_home


def test_client_certificate_is_not_shown_to_others() -> None:
    config = ClientConfig(tls=Tls(cert_file="me.pem"))
    with pytest.raises(SecurityError, match=r"tls\.cert_file.*set network\.allow_cross_origin to true"):
        next_hop(ELSEWHERE, config=config)


def test_client_certificate_is_shown_where_that_is_allowed() -> None:
    config = ClientConfig(tls=Tls(cert_file="me.pem"), network=Network(allow_cross_origin=True))
    assert next_hop(ELSEWHERE, config=config).target.host == "other.example"


def test_credentials_stay_behind_where_other_origins_are_allowed() -> None:
    config = ClientConfig(headers={"Cookie": "a=1"}, network=Network(allow_cross_origin=True))
    assert names(next_hop(ELSEWHERE, start(headers=config.header_items), config=config)) == set()
