"""Tests of ``declared_container.py``: providers are overridden, and are themselves again afterwards."""

from __future__ import annotations

import pytest
from dependency_injector import errors, providers

from examples.declared_container import Container
from wssdk import ClientConfig, ConnectionFactory
from wssdk.testing import EchoServer

CONFIG = ClientConfig(uri="ws://stream.example.com/")


async def test_an_overridden_factory_is_what_the_services_get() -> None:
    container = Container(config=CONFIG)
    async with EchoServer() as server:
        mine = ConnectionFactory(ClientConfig(uri=server.uri))
        with container.factory.override(providers.Object(mine)):
            assert await container.greeter().greet("test") == "Good day, test!"
    assert container.factory().config is CONFIG


def test_all_services_share_a_factory() -> None:
    container = Container(config=CONFIG)
    assert container.factory() is container.factory()


def test_a_container_without_a_configuration_says_so() -> None:
    with pytest.raises(errors.Error, match="config"):
        Container().factory()


def test_a_file_name_is_no_configuration() -> None:
    with pytest.raises(errors.Error, match="ClientConfig"):
        Container(config="service.toml").factory()
