"""Answers to the opening handshake that settle what they must not (RFC 6455, 4.1; RFC 7692, 7.1)."""

from __future__ import annotations

import pytest

import wssdk
from tests.support.raw_peer import RawLink, accept_for, raw_peer
from wssdk import Subprotocol

UPGRADE = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
ACCEPT = "Sec-WebSocket-Accept: {accept}"
GOOD = [UPGRADE, CONNECTION, ACCEPT]
OK = "HTTP/1.1 101 Switching Protocols"

EXTENSIONS = "Sec-WebSocket-Extensions: "
DEFLATE = EXTENSIONS + "permessage-deflate"
PROTOCOL = "Sec-WebSocket-Protocol: "

# What is refused: the answer's lines, and the error.
REFUSED: dict[str, tuple[list[str], type[wssdk.InvalidHandshake]]] = {
    # Status.
    "200": (["HTTP/1.1 200 OK", *GOOD, "Content-Length: 0"], wssdk.InvalidStatus),
    "426": (["HTTP/1.1 426 Upgrade Required", *GOOD, "Content-Length: 0"], wssdk.InvalidStatus),
    "HTTP/1.0": (["HTTP/1.0 101 Switching Protocols", *GOOD], wssdk.InvalidMessage),
    # Upgrade and Connection.
    "no Upgrade": ([OK, CONNECTION, ACCEPT], wssdk.InvalidUpgrade),
    "Upgrade: h2c": ([OK, "Upgrade: h2c", CONNECTION, ACCEPT], wssdk.InvalidUpgrade),
    "Upgrade twice": ([OK, UPGRADE, UPGRADE, CONNECTION, ACCEPT], wssdk.InvalidUpgrade),
    "Upgrade of two": ([OK, "Upgrade: websocket, h2c", CONNECTION, ACCEPT], wssdk.InvalidUpgrade),
    "Upgrade: websockets": ([OK, "Upgrade: websockets", CONNECTION, ACCEPT], wssdk.InvalidUpgrade),
    "no Connection": ([OK, UPGRADE, ACCEPT], wssdk.InvalidUpgrade),
    "Connection: close": ([OK, UPGRADE, "Connection: close", ACCEPT], wssdk.InvalidUpgrade),
    # Accept.
    "no Accept": ([OK, UPGRADE, CONNECTION], wssdk.InvalidHeader),
    "wrong Accept": (
        [OK, UPGRADE, CONNECTION, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
        wssdk.InvalidHeader,
    ),
    "empty Accept": ([OK, UPGRADE, CONNECTION, "Sec-WebSocket-Accept:"], wssdk.InvalidHeader),
    "Accept twice": ([OK, *GOOD, ACCEPT], wssdk.InvalidHeader),
    "Accept and more": ([OK, UPGRADE, CONNECTION, ACCEPT + "x"], wssdk.InvalidHeader),
    # Subprotocols: chat.v1 and chat.v2 are offered.
    "subprotocol not offered": ([OK, *GOOD, PROTOCOL + "chat.v3"], wssdk.NegotiationError),
    "subprotocol in other case": ([OK, *GOOD, PROTOCOL + "CHAT.V1"], wssdk.NegotiationError),
    "two subprotocols": ([OK, *GOOD, PROTOCOL + "chat.v1, chat.v2"], wssdk.NegotiationError),
    "subprotocol twice": ([OK, *GOOD, PROTOCOL + "chat.v1", PROTOCOL + "chat.v2"], wssdk.NegotiationError),
    "empty subprotocol": ([OK, *GOOD, PROTOCOL], wssdk.NegotiationError),
    # Extensions: permessage-deflate is offered, with client_max_window_bits.
    "extension not offered": ([OK, *GOOD, EXTENSIONS + "x-snappy"], wssdk.NegotiationError),
    "one of two not offered": ([OK, *GOOD, DEFLATE + ", x-snappy"], wssdk.NegotiationError),
    "deflate twice": ([OK, *GOOD, DEFLATE + ", permessage-deflate"], wssdk.NegotiationError),
    "deflate in two headers": ([OK, *GOOD, DEFLATE, DEFLATE], wssdk.NegotiationError),
    "unknown parameter": ([OK, *GOOD, DEFLATE + "; mystery"], wssdk.NegotiationError),
    "parameter twice": (
        [OK, *GOOD, DEFLATE + "; server_no_context_takeover; server_no_context_takeover"],
        wssdk.NegotiationError,
    ),
    "value for a flag": ([OK, *GOOD, DEFLATE + "; server_no_context_takeover=1"], wssdk.NegotiationError),
    "value for a client flag": (
        [OK, *GOOD, DEFLATE + "; client_no_context_takeover=1"],
        wssdk.NegotiationError,
    ),
    "extensions unparsable": ([OK, *GOOD, EXTENSIONS + ";;"], wssdk.InvalidHeader),
    "extension with a stray quote": ([OK, *GOOD, DEFLATE + '; a="'], wssdk.InvalidHeader),
    "client bits without value": ([OK, *GOOD, DEFLATE + "; client_max_window_bits"], wssdk.NegotiationError),
    "server bits without value": ([OK, *GOOD, DEFLATE + "; server_max_window_bits"], wssdk.NegotiationError),
}
BAD_BITS = ["0", "7", "16", "99", "-9", "+9", "09", "9.0", "0x9", "nine", "1e1", "９", '""', '" 9"']
REFUSED |= {
    f"{side} bits {bits}": (
        [OK, *GOOD, f"{DEFLATE}; {side}_max_window_bits={bits}"],
        wssdk.InvalidHandshake,
    )
    for side in ("client", "server")
    for bits in BAD_BITS
}

# What is fine: RFC 9110 and RFC 6455 leave these to the server.
ACCEPTED: dict[str, list[str]] = {
    "plain": [OK, *GOOD],
    "no reason phrase": ["HTTP/1.1 101", *GOOD],
    "other case": [OK, "upgrade: WebSocket", "CONNECTION: upgrade", ACCEPT.replace("Accept", "ACCEPT")],
    "one of several connection options": [OK, UPGRADE, "Connection: keep-alive, Upgrade", ACCEPT],
    "connection options in two headers": [OK, UPGRADE, "Connection: keep-alive", CONNECTION, ACCEPT],
    "subprotocol": [OK, *GOOD, PROTOCOL + "chat.v2"],
    "deflate": [OK, *GOOD, DEFLATE],
    "deflate with all parameters": [
        OK,
        *GOOD,
        DEFLATE + "; server_no_context_takeover; client_no_context_takeover"
        "; server_max_window_bits=9; client_max_window_bits=15",
    ],
    "bits in quotes": [OK, *GOOD, DEFLATE + '; server_max_window_bits="12"'],
    "other headers": [OK, *GOOD, "Server: test", "Set-Cookie: a=b", "Set-Cookie: c=d"],
}

OFFERED = [Subprotocol("chat.v1"), Subprotocol("chat.v2")]


async def answer(link: RawLink, lines: list[str]) -> None:
    await link.read_request()
    head = "\r\n".join([*lines, "", ""]).replace("{accept}", accept_for(link.request))
    await link.send(head.encode())
    await link.answer_close()


@pytest.mark.parametrize("choice", REFUSED)
async def test_answer_is_refused(choice: str) -> None:
    lines, error = REFUSED[choice]
    async with raw_peer(lambda link: answer(link, lines)) as peer:
        with pytest.raises(error):
            await wssdk.connect(peer.uri, subprotocols=OFFERED)


@pytest.mark.parametrize("choice", REFUSED)
async def test_refusal_has_the_response(choice: str) -> None:
    lines, error = REFUSED[choice]
    async with raw_peer(lambda link: answer(link, lines)) as peer:
        with pytest.raises(error) as caught:
            await wssdk.connect(peer.uri, subprotocols=OFFERED)
    assert caught.value.response is not None
    assert str(caught.value.response.status_code) in lines[0]


@pytest.mark.parametrize("choice", ACCEPTED)
async def test_answer_is_accepted(choice: str) -> None:
    lines = ACCEPTED[choice]
    async with (
        raw_peer(lambda link: answer(link, lines)) as peer,
        wssdk.connect(peer.uri, subprotocols=OFFERED) as ws,
    ):
        assert ws.state is wssdk.State.OPEN


async def test_subprotocol_is_refused_where_none_was_offered() -> None:
    async with raw_peer(lambda link: answer(link, [OK, *GOOD, PROTOCOL + "chat.v1"])) as peer:
        with pytest.raises(wssdk.NegotiationError):
            await wssdk.connect(peer.uri)


async def test_deflate_is_refused_where_it_was_not_offered() -> None:
    async with raw_peer(lambda link: answer(link, [OK, *GOOD, DEFLATE])) as peer:
        with pytest.raises(wssdk.NegotiationError):
            await wssdk.connect(peer.uri, compression=None)


async def test_two_openings_have_two_keys() -> None:
    async with raw_peer(lambda link: answer(link, [OK, *GOOD])) as peer:
        for _ in range(2):
            async with wssdk.connect(peer.uri):
                pass
        assert accept_for(peer.links[0].request) != accept_for(peer.links[1].request)
