"""Redirects of an opening, over scripted pipes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.support.dialer import HANG, ScriptedDialer, agree, refuse, request_field
from tests.support.until import until
from wssdk.config import ClientConfig, Network, Timeouts, Tls
from wssdk.errors import InvalidStatus, InvalidURI, SecurityError
from wssdk.factory import ConnectionFactory
from wssdk.ports import ConnectAttempt

URI = "ws://example.com/feed"
AGREED = (agree(), HANG)


def to(location: str, status: int = 302) -> tuple[bytes]:
    """Return the script of a server that redirects."""
    return (refuse(status, f"Location: {location}"),)


def make(*scripts: Any, uri: str = URI, **given: Any) -> tuple[ConnectionFactory, ScriptedDialer]:
    dialer = ScriptedDialer(*scripts)
    config = ClientConfig(uri=uri, **{k: given.pop(k) for k in ("network", "timeouts", "tls") if k in given})
    return ConnectionFactory(config, dialer=dialer, **given), dialer


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_redirect_is_followed(status: int) -> None:
    factory, dialer = make(to("/other", status), AGREED)
    async with factory.connect() as ws:
        assert ws.request is not None
        assert ws.request.path == "/other"
    assert [route.host for route in dialer.routes] == ["example.com", "example.com"]


async def test_response_of_a_connection_is_that_of_the_last_hop() -> None:
    factory, _ = make(to("/other"), AGREED)
    async with factory.connect() as ws:
        assert ws.response is not None
        assert ws.response.status_code == 101


async def test_other_host_is_dialled_and_asked_for() -> None:
    factory, dialer = make(to("http://other.example:8080/x"), AGREED)
    async with factory.connect():
        assert (dialer.routes[1].host, dialer.routes[1].port) == ("other.example", 8080)
        assert request_field(dialer.pipe.request, "Host") == "other.example:8080"


async def test_key_of_each_request_is_fresh() -> None:
    factory, dialer = make(to("/other"), AGREED)
    async with factory.connect():
        keys = {request_field(pipe.request, "Sec-WebSocket-Key") for pipe in dialer.pipes}
    assert len(keys) == 2


async def test_pipe_of_a_redirect_is_dropped() -> None:
    factory, dialer = make(to("/other"), AGREED)
    async with factory.connect():
        assert dialer.pipes[0].aborted


async def test_body_of_a_redirect_is_not_waited_for() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 5\r\n\r\n"
    factory, _ = make((head, HANG), AGREED)
    async with factory.connect() as ws:
        assert ws.request is not None
        assert ws.request.path == "/other"


async def test_redirect_without_location_is_a_refusal() -> None:
    factory, _ = make((refuse(302, body=b"somewhere"),))
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert caught.value.response.body == b"somewhere"


async def test_as_many_redirects_as_allowed_are_followed() -> None:
    factory, dialer = make(*[to("/again")] * 3, AGREED, network=Network(max_redirects=3))
    async with factory.connect():
        assert len(dialer.routes) == 4


async def test_one_redirect_more_is_refused() -> None:
    factory, dialer = make(to("/again"), network=Network(max_redirects=3))
    with pytest.raises(SecurityError, match="more than 3 redirects") as caught:
        await factory.open()
    assert len(dialer.routes) == 4
    assert isinstance(caught.value.__cause__, InvalidStatus)
    assert all(pipe.aborted for pipe in dialer.pipes)


async def test_no_redirects_are_followed_where_none_are_allowed() -> None:
    head = refuse(302, "Location: /other", body=b"over there")
    factory, dialer = make((head,), network=Network(max_redirects=0))
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert caught.value.response.headers["Location"] == "/other"
    assert caught.value.response.body == b"over there"
    assert len(dialer.routes) == 1


async def test_redirect_that_is_refused_is_caused_by_the_response() -> None:
    factory, dialer = make(to("ftp://other.example/"))
    with pytest.raises(InvalidURI) as caught:
        await factory.open()
    assert isinstance(caught.value.__cause__, InvalidStatus)
    assert dialer.pipe.aborted


async def test_redirect_that_is_refused_has_the_response() -> None:
    factory, _ = make(to("http://other.example/"), uri="wss://example.com/")
    with pytest.raises(SecurityError) as caught:
        await factory.open()
    assert caught.value.response is not None
    assert caught.value.response.headers["Location"] == "http://other.example/"


async def test_refusal_of_another_host_tells_where_it_came_from() -> None:
    factory, _ = make(to("//other.example/?token=s3cret"), (refuse(403),))
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert caught.value.response.status_code == 403
    assert caught.value.__notes__ == ["redirected to ws://other.example/?token=********"]


async def test_failure_to_dial_another_host_tells_that_it_was_a_redirect() -> None:
    factory, _ = make(to("//other.example/"), ConnectionRefusedError("refused"))
    with pytest.raises(ConnectionRefusedError) as caught:
        await factory.open()
    assert caught.value.__notes__ == ["redirected to ws://other.example/"]


async def test_all_hops_are_within_one_opening_timeout() -> None:
    factory, dialer = make(*[to("/again")] * 3, (HANG,), timeouts=Timeouts(open=0.05))
    with pytest.raises(TimeoutError, match="timed out during opening handshake"):
        await factory.open()
    assert len(dialer.routes) == 4


async def test_refusal_that_is_cut_off_after_a_redirect_is_told() -> None:
    head = b"HTTP/1.1 403 No\r\nContent-Length: 50\r\n\r\nwho are"
    factory, _ = make(to("/other"), (head, HANG), timeouts=Timeouts(open=0.05))
    with pytest.raises(InvalidStatus) as caught:
        await factory.open()
    assert caught.value.response.body == b"who are"


async def test_cancelling_after_a_redirect_drops_every_pipe() -> None:
    factory, dialer = make(to("/other"), (HANG,))
    opening = asyncio.ensure_future(factory.open())
    await until(lambda: len(dialer.pipes) == 2)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert all(pipe.aborted for pipe in dialer.pipes)


async def test_every_hop_is_logged_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    factory, _ = make(to("/a?token=s3cret"), to("/b", 307), AGREED)
    with caplog.at_level(logging.INFO, "wssdk.client"):
        async with factory.connect():
            pass
    told = [message for message in caplog.messages if message.startswith("redirected")]
    assert told == [
        "redirected (302) to ws://example.com/a?token=********",
        "redirected (307) to ws://example.com/b",
    ]


async def test_next_opening_starts_from_the_first_uri_with_its_credentials() -> None:
    factory, dialer = make(to("//other.example/"), AGREED, to("/"), AGREED, headers={"Cookie": "a=1"})
    for _ in range(2):
        async with factory.connect():
            pass
    cookies = [b"Cookie: a=1" in pipe.request for pipe in dialer.pipes]
    assert [route.host for route in dialer.routes] == ["example.com", "other.example", *["example.com"] * 2]
    assert cookies == [True, False, True, True]


async def test_headers_of_a_provider_stay_behind() -> None:
    factory, dialer = make(to("//other.example/"), AGREED, headers=lambda: {"X-Note": "s3cret"})
    async with factory.connect():
        assert [b"s3cret" in pipe.request for pipe in dialer.pipes] == [True, False]


async def test_headers_of_the_factory_take_the_place_of_those_of_the_config_at_every_hop() -> None:
    dialer = ScriptedDialer(to("/other"), AGREED)
    config = ClientConfig(uri=URI, headers={"X-Client": "config", "X-Other": "config"})
    factory = ConnectionFactory(config, dialer=dialer, headers={"x-client": "factory"})
    async with factory.connect():
        assert {request_field(pipe.request, "X-Client") for pipe in dialer.pipes} == {"factory"}
        assert {request_field(pipe.request, "X-Other") for pipe in dialer.pipes} == {"config"}


async def test_server_name_of_the_config_is_for_the_first_origin() -> None:
    scripts = to("/b"), to("https://other.example/"), AGREED
    factory, dialer = make(*scripts, uri="wss://example.com/", tls=Tls(server_hostname="inside.example"))
    async with factory.connect():
        pass
    names = [route.server_hostname for route in dialer.routes]
    assert names == ["inside.example", "inside.example", "other.example"]


async def test_dialled_address_of_the_config_is_for_the_first_origin() -> None:
    network = Network(host="10.0.0.1", port=9000, allow_cross_origin=True)
    factory, dialer = make(to("/b"), to("//other.example/"), AGREED, network=network)
    async with factory.connect():
        pass
    addresses = [(route.host, route.port) for route in dialer.routes]
    assert addresses == [("10.0.0.1", 9000), ("10.0.0.1", 9000), ("other.example", 80)]


async def test_options_that_are_about_the_host_are_for_the_first_origin() -> None:
    options = {"server_hostname": "inside.example", "local_addr": ("127.0.0.1", 0)}
    factory, dialer = make(to("https://other.example/"), AGREED, uri="wss://example.com/", options=options)
    async with factory.connect():
        pass
    assert [dict(route.options) for route in dialer.routes] == [options, {"local_addr": ("127.0.0.1", 0)}]


async def test_unix_socket_is_dialled_again() -> None:
    factory, dialer = make(to("/b"), AGREED, network=Network(unix_path="/run/feed.sock"))
    async with factory.connect():
        pass
    assert [route.unix_path for route in dialer.routes] == ["/run/feed.sock"] * 2


async def test_redirect_of_a_refreshed_opening_is_followed() -> None:
    asked: list[bool] = []

    def provide(attempt: ConnectAttempt) -> dict[str, str]:
        asked.append(attempt.refresh)
        return {"Authorization": "Bearer a"}

    factory, dialer = make((refuse(401),), to("/other"), AGREED, headers=provide)
    async with factory.connect():
        assert request_field(dialer.pipe.request, "Authorization") == "Bearer a"
    assert asked == [False, True]
