from __future__ import annotations

import pickle
from typing import Any

import pytest

from wssdk.errors import DuplicateParameter, InvalidParameterName, InvalidParameterValue, NegotiationError
from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from wssdk.handshake.server import ServerExtensionFactory
from wssdk.ports import ClientExtensionFactory
from wssdk.typing import ExtensionParameter
from wssdk.wire.deflate import PerMessageDeflate

Params = list[ExtensionParameter]
Settled = tuple[bool, bool, int, int]

SNCT = ("server_no_context_takeover", None)
CNCT = ("client_no_context_takeover", None)


def smwb(bits: object) -> ExtensionParameter:
    return ("server_max_window_bits", str(bits))


def cmwb(bits: object = None) -> ExtensionParameter:
    return ("client_max_window_bits", None if bits is None else str(bits))


def settled(extension: PerMessageDeflate) -> Settled:
    return (
        extension.remote_no_context_takeover,
        extension.local_no_context_takeover,
        extension.remote_max_window_bits,
        extension.local_max_window_bits,
    )


def client(*args: Any, **options: Any) -> ClientPerMessageDeflateFactory:
    return ClientPerMessageDeflateFactory(*args, **options)


def server(*args: Any, **options: Any) -> ServerPerMessageDeflateFactory:
    return ServerPerMessageDeflateFactory(*args, **options)


@pytest.mark.parametrize(
    ("factory", "params"),
    [
        (client(), [cmwb()]),
        (client(False, False, None, None), []),
        (client(True, True, 10, 11), [SNCT, CNCT, smwb(10), cmwb(11)]),
        (client(client_max_window_bits=15), [cmwb(15)]),
        (client(server_max_window_bits=8), [smwb(8), cmwb()]),
    ],
)
def test_client_offers(factory: ClientPerMessageDeflateFactory, params: Params) -> None:
    assert factory.get_request_params() == params


@pytest.mark.parametrize(
    ("factory", "params", "expected"),
    [
        (client(), [], (False, False, 15, 15)),
        (client(), [SNCT], (True, False, 15, 15)),
        (client(), [CNCT], (False, True, 15, 15)),
        (client(), [smwb(8)], (False, False, 8, 15)),
        (client(), [smwb(15)], (False, False, 15, 15)),
        (client(), [cmwb(8)], (False, False, 15, 8)),
        (client(), [cmwb(15)], (False, False, 15, 15)),
        (client(), [cmwb(9), smwb(10), CNCT, SNCT], (True, True, 10, 9)),
        (client(True), [SNCT], (True, False, 15, 15)),
        (client(False, True), [], (False, True, 15, 15)),
        (client(False, True), [CNCT], (False, True, 15, 15)),
        (client(server_max_window_bits=12), [smwb(12)], (False, False, 12, 15)),
        (client(server_max_window_bits=12), [smwb(9)], (False, False, 9, 15)),
        (client(client_max_window_bits=12), [], (False, False, 15, 12)),
        (client(client_max_window_bits=12), [cmwb(10)], (False, False, 15, 10)),
        (client(client_max_window_bits=12), [cmwb(14)], (False, False, 15, 12)),
        (client(client_max_window_bits=None), [], (False, False, 15, 15)),
    ],
)
def test_client_settles(factory: ClientPerMessageDeflateFactory, params: Params, expected: Settled) -> None:
    assert settled(factory.process_response_params(params, [])) == expected


@pytest.mark.parametrize(
    ("factory", "params", "error"),
    [
        (client(), [SNCT, SNCT], DuplicateParameter),
        (client(), [cmwb(9), cmwb(9)], DuplicateParameter),
        (client(), [("x", None)], InvalidParameterName),
        (client(), [("Server_No_Context_Takeover", None)], InvalidParameterName),
        (client(), [("server_no_context_takeover", "true")], InvalidParameterValue),
        (client(), [("client_no_context_takeover", "")], InvalidParameterValue),
        (client(), [("server_max_window_bits", None)], InvalidParameterValue),
        (client(), [cmwb()], InvalidParameterValue),
        *(
            (client(), [(name, value)], InvalidParameterValue)
            for name in ("server_max_window_bits", "client_max_window_bits")
            for value in ("", "7", "16", "08", "+8", "8.0", " 8", "٨", "x", "-8", "100")
        ),
        (client(True), [], NegotiationError),
        (client(server_max_window_bits=12), [], NegotiationError),
        (client(server_max_window_bits=12), [smwb(13)], NegotiationError),
        (client(client_max_window_bits=None), [cmwb(15)], NegotiationError),
    ],
)
def test_client_refuses(
    factory: ClientPerMessageDeflateFactory, params: Params, error: type[NegotiationError]
) -> None:
    with pytest.raises(NegotiationError) as caught:
        factory.process_response_params(params, [])
    assert type(caught.value) is error


def test_client_refuses_a_second_agreement() -> None:
    first = client().process_response_params([], [])
    with pytest.raises(NegotiationError, match="agreed already"):
        client().process_response_params([], [first])


@pytest.mark.parametrize(
    ("factory", "offer", "answer", "expected"),
    [
        (server(), [], [], (False, False, 15, 15)),
        (server(), [cmwb()], [], (False, False, 15, 15)),
        (server(), [cmwb(10)], [cmwb(10)], (False, False, 10, 15)),
        (server(), [cmwb(15)], [], (False, False, 15, 15)),
        (server(), [smwb(10)], [smwb(10)], (False, False, 15, 10)),
        (server(), [SNCT, CNCT], [SNCT, CNCT], (True, True, 15, 15)),
        (server(True, True), [], [SNCT, CNCT], (True, True, 15, 15)),
        (server(False, False, 12, 11), [], [smwb(12)], (False, False, 15, 12)),
        (server(False, False, 12, 11), [cmwb()], [smwb(12), cmwb(11)], (False, False, 11, 12)),
        (server(False, False, 12, 11), [smwb(15), cmwb(15)], [smwb(12), cmwb(11)], (False, False, 11, 12)),
        (server(False, False, 12, 11), [smwb(9), cmwb(9)], [smwb(9), cmwb(9)], (False, False, 9, 9)),
    ],
)
def test_server_settles(
    factory: ServerPerMessageDeflateFactory, offer: Params, answer: Params, expected: Settled
) -> None:
    answered, extension = factory.process_request_params(offer)
    assert (answered, settled(extension)) == (answer, expected)


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        ([SNCT, SNCT], DuplicateParameter),
        ([("x", None)], InvalidParameterName),
        ([("server_max_window_bits", None)], InvalidParameterValue),
        ([cmwb(7)], InvalidParameterValue),
        ([smwb(16)], InvalidParameterValue),
    ],
)
def test_server_refuses(offer: Params, error: type[NegotiationError]) -> None:
    with pytest.raises(NegotiationError) as caught:
        server().process_request_params(offer)
    assert type(caught.value) is error


def test_server_refuses_a_second_agreement() -> None:
    _, first = server().process_request_params([])
    with pytest.raises(NegotiationError, match="agreed already"):
        server().process_request_params([], [first])


@pytest.mark.parametrize("make", [client, server])
@pytest.mark.parametrize(
    "options",
    [
        {"server_max_window_bits": 7},
        {"server_max_window_bits": 16},
        {"server_max_window_bits": True},
        {"server_max_window_bits": "10"},
        {"client_max_window_bits": 7},
        {"client_max_window_bits": 16},
        {"client_max_window_bits": False},
        {"compress_settings": {"wbits": 9}},
    ],
)
def test_bad_options(make: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        make(**options)


@pytest.mark.parametrize("name", ["memLevel", "mem_level"])
def test_compress_settings_reach_both_sides(name: str) -> None:
    settings = {"level": 3, name: 7, "min_size": 64}
    for extension in (
        client(compress_settings=settings).process_response_params([], []),
        server(compress_settings=settings).process_request_params([])[1],
    ):
        assert (extension.level, extension.mem_level, extension.min_size) == (3, 7, 64)


def test_factories_have_the_ports_shape() -> None:
    ours: ClientExtensionFactory = client()
    theirs: ServerExtensionFactory = server()
    assert ours.name == theirs.name == "permessage-deflate"


def test_factory_pickles() -> None:
    again = pickle.loads(pickle.dumps(client(True, True, 10, 11)))
    assert again.get_request_params() == [SNCT, CNCT, smwb(10), cmwb(11)]


@pytest.mark.parametrize("bits", range(8, 16))
def test_agreed_window_works_both_ways(bits: int) -> None:
    ours = client(False, False, bits, bits)
    answer, theirs = server().process_request_params(ours.get_request_params())
    agreed = ours.process_response_params(answer, [])
    text = bytes(range(256)) * 16 + b"and again: " + bytes(range(256)) * 16
    for sender, receiver in ((agreed, theirs), (theirs, agreed)):
        deflater, inflater = sender.new_deflater(), receiver.new_inflater()
        for _ in range(3):
            assert inflater.inflate(deflater.deflate(text, True), True, -1) == text
