from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

import pytest

from wssdk.dial.resolving import ask_resolver


async def ask(answer: Any, family: int = socket.AF_UNSPEC) -> list[tuple[str, int]]:
    """Return the addresses and ports that a resolver's answer stands for."""

    async def resolver(host: str, port: int) -> Iterable[Any]:
        assert (host, port) == ("feed.test", 80)
        return answer  # type: ignore[no-any-return]

    found = await ask_resolver(resolver, "feed.test", 80, family=family, proto=0)
    return [info[4][:2] for info in found]


@pytest.mark.parametrize(
    ("answer", "addresses"),
    [
        ([], []),
        (["192.0.2.1"], [("192.0.2.1", 80)]),
        (("2001:db8::1", "192.0.2.1"), [("2001:db8::1", 80), ("192.0.2.1", 80)]),
        ([("192.0.2.1", 8080)], [("192.0.2.1", 8080)]),
        ([["192.0.2.1", 8080], "192.0.2.2"], [("192.0.2.1", 8080), ("192.0.2.2", 80)]),
        (["192.0.2.1", "192.0.2.1"], [("192.0.2.1", 80)]),
    ],
)
async def test_answer(answer: Any, addresses: list[tuple[str, int]]) -> None:
    assert await ask(answer) == addresses


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]
)
async def test_only_addresses_of_the_family_count(family: int, address: str) -> None:
    assert await ask(["192.0.2.1", "2001:db8::1"], family) == [(address, 80)]


@pytest.mark.parametrize("answer", ["192.0.2.1", b"192.0.2.1", None, 5])
async def test_answer_that_is_no_list(answer: Any) -> None:
    with pytest.raises(
        TypeError, match=r"resolver .*resolver must return addresses, such as \[\"192.0.2.1\"\]"
    ):
        await ask(answer)


@pytest.mark.parametrize("each", [5, None, b"192.0.2.1", ("192.0.2.1",), ("192.0.2.1", "80"), ("a", 1, 2)])
async def test_item_that_is_no_address(each: Any) -> None:
    with pytest.raises(TypeError, match="must return addresses, or pairs of address and port"):
        await ask([each])


@pytest.mark.parametrize("text", ["feed.test", "", "192.0.2.999", "[::1]", "x" * 400])
async def test_text_that_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="which is not an IP address"):
        await ask([text])


@pytest.mark.parametrize("port", [0, -1, 65536, True])
async def test_port_that_is_none(port: int) -> None:
    with pytest.raises(ValueError, match="which is not a port"):
        await ask([("192.0.2.1", port)])


async def test_resolver_must_be_a_coroutine_function() -> None:
    def resolver(host: str, port: int) -> Any:
        return ["192.0.2.1"]

    with pytest.raises(TypeError, match="must be a coroutine function, not return list"):
        await ask_resolver(resolver, "feed.test", 80, family=0, proto=0)


async def test_what_a_resolver_raises_comes_through() -> None:
    failure = socket.gaierror(socket.EAI_AGAIN, "later")

    async def resolver(host: str, port: int) -> list[str]:
        raise failure

    with pytest.raises(socket.gaierror) as caught:
        await ask_resolver(resolver, "feed.test", 80, family=0, proto=0)
    assert caught.value is failure
