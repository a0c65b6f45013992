"""Servers of other people, for tests that ask for one by fixture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tests.support.peers import fleet as fleet_of_peers
from tests.support.peers.fleet import Fleet, Peer


def _choices(names: Iterable[str]) -> list[object]:
    needs_node = pytest.mark.needs("node-ws")
    return [pytest.param(name, marks=needs_node if name == "node-ws" else ()) for name in names]


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """Start servers on demand; stop them when the session ends."""
    fleet = Fleet()
    yield fleet
    fleet.stop()


@pytest.fixture(params=_choices(fleet_of_peers.NAMES))
def peer(request: pytest.FixtureRequest, fleet: Fleet) -> Peer:
    """Every server."""
    return fleet.peer(request.param)


@pytest.fixture(params=_choices(fleet_of_peers.FRAGMENTING))
def fragmenting_peer(request: pytest.FixtureRequest, fleet: Fleet) -> Peer:
    """Every server that can send fragments."""
    return fleet.peer(request.param)


@pytest.fixture(params=_choices(fleet_of_peers.PINGING))
def pinging_peer(request: pytest.FixtureRequest, fleet: Fleet) -> Peer:
    """Every server that can ping."""
    return fleet.peer(request.param)


@pytest.fixture(params=[None, "deflate"], ids=["plain", "deflate"])
def compression(request: pytest.FixtureRequest) -> str | None:
    """What to give as ``compression``: every peer agrees to permessage-deflate when it is offered."""
    choice: str | None = request.param
    return choice
