"""permessage-deflate in the opening handshake: offered, then settled (RFC 7692, 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from wssdk.config_sections import Compression
from wssdk.errors import DuplicateParameter, InvalidParameterName, InvalidParameterValue, NegotiationError
from wssdk.ports import Extension
from wssdk.typing import ExtensionParameter
from wssdk.wire.backends import load_backend
from wssdk.wire.deflate import PerMessageDeflate

__all__ = ["ClientPerMessageDeflateFactory", "ServerPerMessageDeflateFactory", "offer_of"]

_NAME: Final = "permessage-deflate"
_MAX_WINDOW_BITS: Final = 15
# RFC 7692, 7.1.2.1: 8 to 15, "no leading zeros".
_WINDOW_BITS: Final = {str(bits): bits for bits in range(8, _MAX_WINDOW_BITS + 1)}
# The field's spelling is zlib's; ours is the option's.
_SETTINGS: Final = {
    "level": "level",
    "memLevel": "mem_level",
    "mem_level": "mem_level",
    "min_size": "min_size",
    "backend": "backend",
    "window_bits": "window_bits",
}
_SMALL_WINDOW_BITS: Final = 12
"""Window of our compressor where nobody asks for another: 4 KiB, in half the time of 32 KiB."""


@attrs.frozen
class _Parameters:
    """The four parameters of one offer or answer."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | Literal[True] | None = None
    """True where it is there without a value, which an offer may have."""

    def serialize(self) -> list[ExtensionParameter]:
        """Return the parameters as they stand in the header."""
        params: list[ExtensionParameter] = []
        if self.server_no_context_takeover:
            params.append(("server_no_context_takeover", None))
        if self.client_no_context_takeover:
            params.append(("client_no_context_takeover", None))
        if self.server_max_window_bits is not None:
            params.append(("server_max_window_bits", str(self.server_max_window_bits)))
        if self.client_max_window_bits is not None:
            bits = self.client_max_window_bits
            params.append(("client_max_window_bits", None if bits is True else str(bits)))
        return params


def _parse(params: Iterable[ExtensionParameter], *, is_offer: bool) -> _Parameters:
    """Judge names, repetition and values (RFC 7692, 7.1)."""
    found: dict[str, Any] = {}
    for name, value in params:
        if name in found:
            raise DuplicateParameter(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                raise InvalidParameterValue(name, value)
            found[name] = True
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            found[name] = _parse_window_bits(name, value, is_offer)
        else:
            raise InvalidParameterName(name)
    return _Parameters(**found)


def _parse_window_bits(name: str, value: str | None, is_offer: bool) -> int | Literal[True]:
    if value is None and is_offer and name == "client_max_window_bits":
        return True
    bits = None if value is None else _WINDOW_BITS.get(value)
    if bits is None:
        raise InvalidParameterValue(name, value)
    return bits


def _check_window_bits(name: str, bits: object) -> None:
    if isinstance(bits, bool) or bits not in _WINDOW_BITS.values():
        raise ValueError(f"{name} must be 8 to {_MAX_WINDOW_BITS}, got {bits!r}")


def _checked_settings(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings of our compressor under the names of ``PerMessageDeflate``."""
    checked: dict[str, Any] = {}
    for name, value in (settings or {}).items():
        if name not in _SETTINGS:
            raise ValueError(f"compress_settings has {', '.join(_SETTINGS)}, not {name!r}")
        checked[_SETTINGS[name]] = value
    return checked


def _min_bits(*limits: int | Literal[True] | None) -> int:
    """Return the lowest limit; neither True nor None is one."""
    return min((bits for bits in limits if bits is not None and bits is not True), default=_MAX_WINDOW_BITS)


class ClientPerMessageDeflateFactory:
    """Offers permessage-deflate and settles it from the server's answer.

    Args:
        server_no_context_takeover: demand that the server compresses each message by itself.
        client_no_context_takeover: compress each of our messages by itself, whatever the server asks.
        server_max_window_bits: demand of the server a window of at most this, 8 to 15; None: any.
        client_max_window_bits: 8 to 15: the largest window we use, which the server may lower;
            True: the same with 15; None: the server may not ask for less than 15.
        compress_settings: ``level`` (-1 to 9), ``memLevel`` (1 to 9), ``min_size`` (bytes) and
            ``window_bits`` (where more is agreed; 9 to 15) of our compressor; ``backend``: the library
            that compresses and inflates.

    Raises:
        ValueError: window bits are out of range, or a setting is unknown.
    """

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | Literal[True] | None = True,
        compress_settings: Mapping[str, Any] | None = None,
    ) -> None:
        if server_max_window_bits is not None:
            _check_window_bits("server_max_window_bits", server_max_window_bits)
        if client_max_window_bits is not None and client_max_window_bits is not True:
            _check_window_bits("client_max_window_bits", client_max_window_bits)
        self.name = _NAME
        self._offer = _Parameters(
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        )
        self._settings = _checked_settings(compress_settings)

    def get_request_params(self) -> list[ExtensionParameter]:
        """Return the parameters to offer (RFC 7692, 7.1)."""
        return self._offer.serialize()

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension] = ()
    ) -> PerMessageDeflate:
        """Judge the server's parameters and return the agreed extension.

        Raises:
            NegotiationError: the answer breaks RFC 7692, or does not grant what the offer demands.
        """
        _refuse_second(accepted_extensions)
        offer, answer = self._offer, _parse(params, is_offer=False)
        if offer.server_no_context_takeover and not answer.server_no_context_takeover:
            raise NegotiationError("the server does not grant server_no_context_takeover")
        if answer.client_max_window_bits is not None and offer.client_max_window_bits is None:
            # RFC 7692, 7.1.2.2: the server must not send what the offer does not have.
            raise NegotiationError("the server sets client_max_window_bits, which was not offered")
        demanded, granted = offer.server_max_window_bits, answer.server_max_window_bits
        if demanded is not None and (granted is None or granted > demanded):
            raise NegotiationError(f"the server does not grant server_max_window_bits={demanded}")
        return PerMessageDeflate(
            remote_no_context_takeover=answer.server_no_context_takeover,
            local_no_context_takeover=offer.client_no_context_takeover or answer.client_no_context_takeover,
            remote_max_window_bits=_min_bits(granted),
            # RFC 7692, 7.1.2.2: a larger value in the answer does not bind us to use it.
            local_max_window_bits=_min_bits(offer.client_max_window_bits, answer.client_max_window_bits),
            **self._settings,
        )


class ServerPerMessageDeflateFactory:
    """Answers an offer of permessage-deflate; for ``wssdk.testing``.

    Args:
        server_no_context_takeover: compress each of our messages by itself, whatever the client asks.
        client_no_context_takeover: demand that the client compresses each message by itself.
        server_max_window_bits: the largest window we use, 8 to 15; None: 15.
        client_max_window_bits: demand of the client a window of at most this, 8 to 15, where its offer
            lets us; None: any.
        compress_settings: as for :class:`ClientPerMessageDeflateFactory`.

    Raises:
        ValueError: window bits are out of range, or a setting is unknown.
    """

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | None = None,
        compress_settings: Mapping[str, Any] | None = None,
    ) -> None:
        if server_max_window_bits is not None:
            _check_window_bits("server_max_window_bits", server_max_window_bits)
        if client_max_window_bits is not None:
            _check_window_bits("client_max_window_bits", client_max_window_bits)
        self.name = _NAME
        self._own = _Parameters(
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        )
        self._settings = _checked_settings(compress_settings)

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension] = ()
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Judge the client's offer; return our answer and the agreed extension.

        Raises:
            NegotiationError: the offer breaks RFC 7692, or the extension is agreed already.
        """
        _refuse_second(accepted_extensions)
        own, offer = self._own, _parse(params, is_offer=True)
        server_bits = _min_bits(own.server_max_window_bits, offer.server_max_window_bits)
        client_bits = (
            _MAX_WINDOW_BITS  # RFC 7692, 7.1.2.2: we must not ask for what the offer does not have
            if offer.client_max_window_bits is None
            else _min_bits(own.client_max_window_bits, offer.client_max_window_bits)
        )
        answer = _Parameters(
            own.server_no_context_takeover or offer.server_no_context_takeover,
            own.client_no_context_takeover or offer.client_no_context_takeover,
            server_bits if (own.server_max_window_bits or offer.server_max_window_bits) else None,
            client_bits if client_bits < _MAX_WINDOW_BITS else None,
        )
        extension = PerMessageDeflate(
            remote_no_context_takeover=answer.client_no_context_takeover,
            local_no_context_takeover=answer.server_no_context_takeover,
            remote_max_window_bits=client_bits,
            local_max_window_bits=server_bits,
            **self._settings,
        )
        return answer.serialize(), extension


def _refuse_second(accepted_extensions: Iterable[Extension]) -> None:
    if any(extension.name == _NAME for extension in accepted_extensions):
        raise NegotiationError(f"{_NAME} is agreed already")


def offer_of(section: Compression) -> ClientPerMessageDeflateFactory:
    """Return the offer that the ``compression`` section asks for.

    Raises:
        ConfigError: its backend is not installed.
    """
    bits = section.client_max_window_bits
    return ClientPerMessageDeflateFactory(
        server_no_context_takeover=section.server_no_context_takeover,
        client_no_context_takeover=section.client_no_context_takeover,
        server_max_window_bits=section.server_max_window_bits,
        client_max_window_bits=True if bits is True else int(bits),
        compress_settings={
            "level": section.level,
            "mem_level": section.mem_level,
            "min_size": section.min_size,
            "backend": load_backend(section.backend).name,
            "window_bits": _SMALL_WINDOW_BITS if bits is True else int(bits),
        },
    )
