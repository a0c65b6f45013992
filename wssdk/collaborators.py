"""What a factory is given beside its config: each checked when it is given, not when it is needed."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from typing import Any, Final

from wssdk.config import ClientConfig
from wssdk.ports import ClientExtensionFactory

__all__ = ["check_config", "check_kinds", "checked_extensions"]

# The plain type first: asking an abstract class takes longer.
_KINDS: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "config": (ClientConfig, "be a ClientConfig"),
    "ssl_context": (ssl.SSLContext, "be an SSLContext"),
    "proxy_ssl_context": (ssl.SSLContext, "be an SSLContext"),
    "extensions": ((tuple, Iterable), "be a sequence"),
    "options": ((dict, Mapping), "be a mapping"),
}
_NEEDED: Final = ("config", "extensions", "connection_class")
# What is asked of those that are known by their methods.
_METHODS: Final = {"dialer": ("dial",), "clock": ("time", "sleep"), "logger": ("debug", "info", "warning")}


def check_kinds(given: Mapping[str, Any]) -> None:
    """Check the arguments of a factory.

    Raises:
        TypeError: one is not what it must be.
        ValueError: two exclude one another.
    """
    for name, (kind, told) in _KINDS.items():
        _check(name, given[name], isinstance(given[name], kind), told)
    for name in ("process_exception", "connection_class", "reconnect_delays", "resolver"):
        _check(name, given[name], callable(given[name]), "be callable")
    if given["dialer"] is not None and given["resolver"] is not None:
        raise ValueError("dialer and resolver are both given: a dialer looks hosts up by itself")
    uri = given["uri"]
    if uri is not None and not callable(uri):
        raise TypeError(f"uri must be callable, not {type(uri).__name__}: a fixed URI goes into the config")
    for name, methods in _METHODS.items():
        port = given[name]
        if port is None:
            continue
        fits = not isinstance(port, type) and all(callable(getattr(port, each, None)) for each in methods)
        _check(name, port, fits, f"have {', '.join(f'{each}()' for each in methods)}")
    sock = given["options"].get("sock")
    _check("sock", sock, callable(getattr(sock, "fileno", None)), "be a socket")


def check_config(config: object) -> None:
    """Check the config of a factory.

    Raises:
        TypeError: it is not a config.
    """
    _check("config", config, isinstance(config, ClientConfig), _KINDS["config"][1])


def _check(name: str, value: object, fits: bool, told: str) -> None:
    if fits or (value is None and name not in _NEEDED):
        return
    kind = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    raise TypeError(f"{name} must {told}, not {kind}")


def checked_extensions(extensions: Iterable[ClientExtensionFactory]) -> tuple[ClientExtensionFactory, ...]:
    """Return what is offered.

    Raises:
        TypeError: it is a class, or nothing that offers an extension.
    """
    offers = tuple(extensions)
    for offer in offers:
        if isinstance(offer, type) or not isinstance(offer, ClientExtensionFactory):
            raise TypeError(f"extensions must be objects that offer one, not {offer!r}")
    return offers
