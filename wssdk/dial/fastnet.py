"""aiofastnet's transports: when they fit, and its faults made good.

All of this was measured with aiofastnet 1.2.0, and is held by tests. What is asked here of its transports
without TLS, they do well.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, cast

from wssdk.errors import ConfigError, ConfigProblem

__all__ = [
    "FastTls",
    "complete_ssl_error",
    "fits_loop",
    "fits_tls",
    "load_aiofastnet",
    "loop_for_tls",
    "open_plain",
]

_AS_IT_IS: Final = (
    "abort",
    "can_write_eof",
    "get_extra_info",
    "get_protocol",
    "get_write_buffer_limits",
    "get_write_buffer_size",
    "is_closing",
    "set_protocol",
    "set_write_buffer_limits",
    "write",
    "write_eof",
    "writelines",
)

# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
_MISMATCHES: Final = (62, 64)

_READ_ON: Final = "_retry_ssl_read"
"""Name of the transport's method that takes up reading where it stopped; it has no public one."""


def load_aiofastnet(wanted: str) -> ModuleType | None:
    """Return aiofastnet where ``network.transport`` (``wanted``) asks for it and it is there; else None.

    Raises:
        ConfigError: it is asked for by name, and cannot be had.
    """
    if wanted == "asyncio":
        return None
    try:
        if sys.implementation.name != "cpython":
            raise ImportError("it needs CPython")
        import aiofastnet
    except ImportError as error:  # not there, or it cannot find the OpenSSL of this Python
        if wanted == "auto":
            return None
        message = f"network.transport: aiofastnet cannot be used: {error}"
        hint = "install aiofastnet, or set network.transport to 'auto' or 'asyncio'"
        raise ConfigError([ConfigProblem("", "network.transport", message, hint)]) from error
    return aiofastnet


def fits_loop(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether ``loop`` can carry aiofastnet's transports, which need ``add_reader``."""
    proactor = getattr(asyncio, "ProactorEventLoop", None)
    return proactor is None or not isinstance(loop, proactor)


def open_plain(
    aiofastnet: ModuleType, loop: asyncio.AbstractEventLoop, sock: socket.socket, pipe: asyncio.BaseProtocol
) -> bool:
    """Lay ``pipe`` over a connected socket, without TLS; tell whether that could be done.

    It is what ``create_connection`` does, which then waits for two iterations of the event loop. Here the
    first bytes are written in this one. False: this version has other names for what it takes.
    """
    make = getattr(getattr(aiofastnet, "selector_transport", None), "SelectorSocketTransport", None)
    if make is None:
        return False
    seen_loop = _OpeningLoop(loop)
    make(seen_loop, sock, pipe)
    seen_loop.opening = False
    return True


def fits_tls(aiofastnet: ModuleType, context: ssl.SSLContext, *, pinned: bool = False) -> bool:
    """Tell whether aiofastnet can do TLS the way ``context`` wants it; ``pinned``: and tell the chain.

    It goes around the ssl module, straight to the OpenSSL object below the context. So it does not see what
    subclasses of ``SSLContext`` change, nor authentication after the handshake; and the callbacks for the
    key log (``SSLKEYLOGFILE``) and for messages expect an object of the ssl module: they crash Python.
    """
    return (
        type(context) is ssl.SSLContext
        and getattr(context, "keylog_filename", None) is None
        and getattr(context, "_msg_callback", None) is None
        and not context.post_handshake_auth
        # Else it has another transport for TLS, slower and with other faults.
        and aiofastnet.OPENSSL_DYN_LIBS is not None
        # Without it there is no making good for lost reading: see FastTls.
        and _can_read_on(aiofastnet)
        and (not pinned or _tells_chain(aiofastnet))
        # It writes the server's certificate into a temporary file, and hangs where it cannot.
        and _can_write_files()
    )


def _can_read_on(aiofastnet: ModuleType) -> bool:
    transport = getattr(getattr(aiofastnet, "ssl_transport", None), "SSLTransport_Socket", None)
    return hasattr(transport, _READ_ON)


def _tells_chain(aiofastnet: ModuleType) -> bool:
    engine = getattr(getattr(aiofastnet, "ssl_engine_direct", None), "SSLEngineDirect", None)
    return hasattr(engine, "get_verified_chain")


def _can_write_files() -> bool:
    import tempfile  # here: few of those who import the SDK use TLS by aiofastnet

    try:
        tempfile.gettempdir()  # it keeps what it found
    except OSError:
        return False
    return True


class FastTls(asyncio.Transport):
    """aiofastnet's TLS transport, reading on after a pause.

    What it received and did not hand over before ``pause_reading()``, it forgets to look at when reading is
    resumed: nothing comes until the peer sends more; if its buffer is full it fails ("incoming BIO: no
    writable capacity"); if the peer has closed, the rest is lost. And ``close()`` while reading is paused
    waits for the peer's answer without reading it, until ``ssl_shutdown_timeout``.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._read_on = getattr(transport, _READ_ON)
        self._resuming = False
        for name in _AS_IT_IS:  # bound here: a call costs what it costs without this class
            setattr(self, name, getattr(transport, name))

    def __repr__(self) -> str:
        return repr(self._transport)

    def is_reading(self) -> bool:
        """Tell whether received bytes are handed over."""
        return self._transport.is_reading() or (self._resuming and not self._transport.is_closing())

    def pause_reading(self) -> None:
        """Hand over no more received bytes."""
        self._resuming = False
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Hand over received bytes again, from the event loop's next iteration on."""
        if not self._resuming and not self._transport.is_reading() and not self._transport.is_closing():
            self._resuming = True
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        # In one step: the socket must not be read before what is left is out of the way.
        if self._resuming:
            self._resuming = False
            self._transport.resume_reading()
            self._read_on()

    def close(self) -> None:
        """Close when what is queued is flushed."""
        self._resuming = False
        self._transport.resume_reading()
        self._transport.close()


class _HandshakeLoop:
    """The event loop, deaf to one report."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Pass on what has an exception, as asyncio promises, not an exception's class."""
        if not isinstance(context.get("exception"), type):
            self._loop.call_exception_handler(context)


class _OpeningLoop:
    """The event loop, which does at once what a transport schedules while it is made.

    That is to call ``connection_made`` and to watch the socket. A transport that is dropped between would
    close its socket with the loop about to watch it, over which uvloop aborts.
    """

    __slots__ = ("_loop", "opening")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.opening = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> object:
        """Call now, or have the event loop call."""
        return callback(*arguments) if self.opening else self._loop.call_soon(callback, *arguments)


def loop_for_tls(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Return what to give aiofastnet for ``loop`` where it does TLS.

    When the peer closes during the handshake, aiofastnet not only raises; it also tells the event loop's
    exception handler, which has nothing to do with it, and tells it a class in place of an exception, over
    which asyncio's handler itself falls.
    """
    return cast("asyncio.AbstractEventLoop", _HandshakeLoop(loop))


def complete_ssl_error(error: ssl.SSLError, server_hostname: str | None = None) -> None:
    """Give an error of aiofastnet what the ssl module gives.

    That is its arguments, as repr and pickle live on them; and, where the certificate is another server's,
    ``server_hostname``.
    """
    if error.args or not error.strerror:
        return
    if server_hostname is not None and getattr(error, "verify_code", None) in _MISMATCHES:
        told = f", certificate is not valid for {server_hostname!r}"
        error.strerror += told
        error.verify_message += told  # type: ignore[attr-defined]  # it is an SSLCertVerificationError
    error.errno = ssl.SSL_ERROR_SSL
    error.args = (error.errno, error.strerror)
