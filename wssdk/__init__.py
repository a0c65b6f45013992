"""wssdk: an asyncio WebSocket client SDK (RFC 6455, RFC 7692).

The names below are the public ones. Each is imported when it is first used, so that ``import wssdk`` costs
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wssdk.version import VERSION

if TYPE_CHECKING:
    from wssdk.api import connect, unix_connect
    from wssdk.codes import Close, CloseCode, Dropped, Opcode
    from wssdk.config import (
        Auth,
        ClientConfig,
        Compression,
        Keepalive,
        Limits,
        Logging,
        Network,
        Proxy,
        Reconnect,
        Secret,
        Timeouts,
        Tls,
    )
    from wssdk.connection.connection import ClientConnection
    from wssdk.errors import (
        ConcurrencyError,
        ConfigError,
        ConfigProblem,
        ConnectionClosed,
        ConnectionClosedError,
        ConnectionClosedOK,
        DuplicateParameter,
        HeaderLineTooLong,
        InvalidHandshake,
        InvalidHeader,
        InvalidHeaderFormat,
        InvalidHeaderValue,
        InvalidMessage,
        InvalidOrigin,
        InvalidParameterName,
        InvalidParameterValue,
        InvalidProxy,
        InvalidProxyMessage,
        InvalidProxyStatus,
        InvalidState,
        InvalidStatus,
        InvalidUpgrade,
        InvalidURI,
        NegotiationError,
        PayloadTooBig,
        ProtocolError,
        ProxyError,
        RetryableError,
        SecurityError,
        StatusLineTooLong,
        TooManyFragments,
        TooManyHeaders,
        WebSocketException,
    )
    from wssdk.errors_limits import InboxFull
    from wssdk.factory import ConnectionFactory
    from wssdk.handshake.deflate_offer import ClientPerMessageDeflateFactory
    from wssdk.headers import Headers, HeadersLike, MultipleValuesError, Request, Response
    from wssdk.ports import (
        ClientExtensionFactory,
        Clock,
        ConnectAttempt,
        Dialer,
        Extension,
        Frame,
        HeadersProvider,
        Pipe,
        ProcessException,
        Route,
        URIProvider,
    )
    from wssdk.protocol.state import State
    from wssdk.reconnect import process_exception
    from wssdk.typing import (
        BytesLike,
        Data,
        DataLike,
        ExtensionName,
        ExtensionParameter,
        LoggerLike,
        Origin,
        Sendable,
        StatusLike,
        Subprotocol,
    )

    COMPILED: bool
    """Whether the hot path is compiled, or the same code runs as plain Python."""
else:
    from importlib import import_module

    _HOMES = {
        "connect": "wssdk.api",
        "unix_connect": "wssdk.api",
        "Close": "wssdk.codes",
        "CloseCode": "wssdk.codes",
        "Dropped": "wssdk.codes",
        "Opcode": "wssdk.codes",
        "Auth": "wssdk.config",
        "ClientConfig": "wssdk.config",
        "Compression": "wssdk.config",
        "Keepalive": "wssdk.config",
        "Limits": "wssdk.config",
        "Logging": "wssdk.config",
        "Network": "wssdk.config",
        "Proxy": "wssdk.config",
        "Reconnect": "wssdk.config",
        "Secret": "wssdk.config",
        "Timeouts": "wssdk.config",
        "Tls": "wssdk.config",
        "ClientConnection": "wssdk.connection.connection",
        "ConcurrencyError": "wssdk.errors",
        "ConfigError": "wssdk.errors",
        "ConfigProblem": "wssdk.errors",
        "ConnectionClosed": "wssdk.errors",
        "ConnectionClosedError": "wssdk.errors",
        "ConnectionClosedOK": "wssdk.errors",
        "DuplicateParameter": "wssdk.errors",
        "HeaderLineTooLong": "wssdk.errors",
        "InvalidHandshake": "wssdk.errors",
        "InvalidHeader": "wssdk.errors",
        "InvalidHeaderFormat": "wssdk.errors",
        "InvalidHeaderValue": "wssdk.errors",
        "InvalidMessage": "wssdk.errors",
        "InvalidOrigin": "wssdk.errors",
        "InvalidParameterName": "wssdk.errors",
        "InvalidParameterValue": "wssdk.errors",
        "InvalidProxy": "wssdk.errors",
        "InvalidProxyMessage": "wssdk.errors",
        "InvalidProxyStatus": "wssdk.errors",
        "InvalidState": "wssdk.errors",
        "InvalidStatus": "wssdk.errors",
        "InvalidURI": "wssdk.errors",
        "InvalidUpgrade": "wssdk.errors",
        "NegotiationError": "wssdk.errors",
        "PayloadTooBig": "wssdk.errors",
        "ProtocolError": "wssdk.errors",
        "ProxyError": "wssdk.errors",
        "RetryableError": "wssdk.errors",
        "SecurityError": "wssdk.errors",
        "StatusLineTooLong": "wssdk.errors",
        "TooManyFragments": "wssdk.errors",
        "TooManyHeaders": "wssdk.errors",
        "WebSocketException": "wssdk.errors",
        "InboxFull": "wssdk.errors_limits",
        "ConnectionFactory": "wssdk.factory",
        "ClientPerMessageDeflateFactory": "wssdk.handshake.deflate_offer",
        "Headers": "wssdk.headers",
        "HeadersLike": "wssdk.headers",
        "MultipleValuesError": "wssdk.headers",
        "Request": "wssdk.headers",
        "Response": "wssdk.headers",
        "ClientExtensionFactory": "wssdk.ports",
        "Clock": "wssdk.ports",
        "ConnectAttempt": "wssdk.ports",
        "Dialer": "wssdk.ports",
        "Extension": "wssdk.ports",
        "Frame": "wssdk.ports",
        "HeadersProvider": "wssdk.ports",
        "Pipe": "wssdk.ports",
        "ProcessException": "wssdk.ports",
        "Route": "wssdk.ports",
        "URIProvider": "wssdk.ports",
        "State": "wssdk.protocol.state",
        "process_exception": "wssdk.reconnect",
        "BytesLike": "wssdk.typing",
        "Data": "wssdk.typing",
        "DataLike": "wssdk.typing",
        "ExtensionName": "wssdk.typing",
        "ExtensionParameter": "wssdk.typing",
        "LoggerLike": "wssdk.typing",
        "Origin": "wssdk.typing",
        "Sendable": "wssdk.typing",
        "StatusLike": "wssdk.typing",
        "Subprotocol": "wssdk.typing",
    }

    def __getattr__(name):
        """Import a public name from its home, the first time it is asked for."""
        if name == "COMPILED":
            value = getattr(import_module("wssdk.wire"), "COMPILED", False)
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "COMPILED",
    "Auth",
    "BytesLike",
    "ClientConfig",
    "ClientConnection",
    "ClientExtensionFactory",
    "ClientPerMessageDeflateFactory",
    "Clock",
    "Close",
    "CloseCode",
    "Compression",
    "ConcurrencyError",
    "ConfigError",
    "ConfigProblem",
    "ConnectAttempt",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "ConnectionFactory",
    "Data",
    "DataLike",
    "Dialer",
    "Dropped",
    "DuplicateParameter",
    "Extension",
    "ExtensionName",
    "ExtensionParameter",
    "Frame",
    "HeaderLineTooLong",
    "Headers",
    "HeadersLike",
    "HeadersProvider",
    "InboxFull",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "Keepalive",
    "Limits",
    "LoggerLike",
    "Logging",
    "MultipleValuesError",
    "NegotiationError",
    "Network",
    "Opcode",
    "Origin",
    "PayloadTooBig",
    "Pipe",
    "ProcessException",
    "ProtocolError",
    "Proxy",
    "ProxyError",
    "Reconnect",
    "Request",
    "Response",
    "RetryableError",
    "Route",
    "Secret",
    "SecurityError",
    "Sendable",
    "State",
    "StatusLike",
    "StatusLineTooLong",
    "Subprotocol",
    "Timeouts",
    "Tls",
    "TooManyFragments",
    "TooManyHeaders",
    "URIProvider",
    "WebSocketException",
    "__version__",
    "connect",
    "process_exception",
    "unix_connect",
]

__version__ = VERSION
