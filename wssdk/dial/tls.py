"""The SSL context of a client, from the ``tls`` section."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Final

from wssdk.config import Tls
from wssdk.errors import ConfigError, ConfigProblem
from wssdk.typing import LoggerLike

__all__ = ["SharedContext", "build_ssl_context"]

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# WebSocket is an upgrade of HTTP/1.1: a server that also speaks HTTP/2 must not choose it (RFC 7301).
_ALPN: Final = ("http/1.1",)

_NOT_VERIFIED: Final = (
    "tls.verify is off: certificates of servers are not verified, so anyone on the way can read and change "
    "what is sent"
)
_NOT_NAMED: Final = (
    "tls.check_hostname is off: any certificate that a trusted authority signed is accepted, whoever's it is"
)


def build_ssl_context(tls: Tls, *, logger: LoggerLike | None = None, section: str = "tls") -> ssl.SSLContext:
    """Return a client's SSL context with everything that ``tls`` asks for, but the name and pins of a server.

    Reads files, the system's certificates too, and takes some 10 ms: not for the event loop. A check that
    is switched off is logged, once, as a warning to ``logger`` (None: ``wssdk.client``). ``section`` is where
    the configuration has ``ca_file``, for errors.

    Raises:
        ConfigError: files or options that cannot be used, all of them.
    """
    problems: list[ConfigProblem] = []
    context = _trusting(f"{section}.ca_file", tls.ca_file, problems)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.set_alpn_protocols(list(_ALPN))
    if tls.ciphers is not None:
        problems.extend(_set_ciphers(context, tls.ciphers))
    if tls.cert_file is not None:
        problems.extend(_show_certificate(context, tls, tls.cert_file))
    if problems:
        raise ConfigError(problems)
    warning = None
    if not tls.verify:
        warning = _NOT_VERIFIED
    elif not tls.check_hostname:
        warning = _NOT_NAMED
    if warning is not None:
        context.check_hostname = False  # which verify_mode insists on
        (logging.getLogger("wssdk.client") if logger is None else logger).warning(warning)
    if not tls.verify:
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(path: str, ca_file: str | None, problems: list[ConfigProblem]) -> ssl.SSLContext:
    """Return a context that trusts ``ca_file``, or the system's authorities, which a problem leaves it to."""
    if ca_file is not None:
        problem = _unreadable(path, ca_file)
        if problem is None:
            try:
                return ssl.create_default_context(cafile=ca_file)
            except ssl.SSLError as error:
                message = f"no certificates can be read from {ca_file!r}: {_reason(error)}"
                problem = _problem(path, message, _pem_hint("CERTIFICATE"))
        problems.append(problem)
    return ssl.create_default_context()


def _set_ciphers(context: ssl.SSLContext, ciphers: str) -> Iterator[ConfigProblem]:
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        hint = "'openssl ciphers -v' lists them; the ones of TLS 1.3 are always on and are not named here"
        yield _problem("tls.ciphers", f"no cipher of TLS 1.2 is called {ciphers!r}", hint)


def _show_certificate(context: ssl.SSLContext, tls: Tls, cert_file: str) -> Iterator[ConfigProblem]:
    """Load this side's certificate and key."""
    unreadable = [_unreadable("tls.cert_file", cert_file)]
    if tls.key_file is not None:
        unreadable.append(_unreadable("tls.key_file", tls.key_file))
    found = [problem for problem in unreadable if problem is not None]
    if found:
        yield from found
        return
    asked = False

    def password() -> str:
        # Always given: without it OpenSSL would ask on the terminal.
        nonlocal asked
        asked = True
        return "" if tls.key_password is None else tls.key_password.reveal()

    try:
        context.load_cert_chain(cert_file, tls.key_file, password)
    except (ssl.SSLError, ValueError) as error:  # ValueError: a password that is too long
        yield _bad_certificate(tls, cert_file, error, asked=asked)


def _bad_certificate(
    tls: Tls, cert_file: str, error: ssl.SSLError | ValueError, *, asked: bool
) -> ConfigProblem:
    key_file = cert_file if tls.key_file is None else tls.key_file
    reason = _reason(error)
    if asked and tls.key_password is None:
        message = f"the key in {key_file!r} is encrypted, and there is no password"
        return _problem("tls.key_password", message, "set tls.key_password")
    if asked:
        message = f"the password does not open the key in {key_file!r}"
        return _problem("tls.key_password", message, "check tls.key_password and tls.key_file")
    if reason == "key values mismatch":
        message = f"the key in {key_file!r} is not the one of the certificate in {cert_file!r}"
        return _problem("tls.key_file", message, "the certificate and its key must be made for each other")
    if not _holds(cert_file, b"-----BEGIN CERTIFICATE-----"):
        message = f"no certificate can be read from {cert_file!r}: {reason}"
        return _problem("tls.cert_file", message, _pem_hint("CERTIFICATE"))
    if not _holds(key_file, b"PRIVATE KEY-----"):
        path = "tls.cert_file" if tls.key_file is None else "tls.key_file"
        message = f"there is no key in {key_file!r}"
        hint = _pem_hint("PRIVATE KEY")
        return _problem(path, message, f"set tls.key_file; {hint}" if tls.key_file is None else hint)
    message = f"certificate {cert_file!r} and key {key_file!r} cannot be used: {reason}"
    return _problem("tls.cert_file", message, "both must be whole, in PEM, and of a kind that OpenSSL takes")


def _unreadable(path: str, file: str) -> ConfigProblem | None:
    try:
        with open(file, "rb") as stream:
            stream.read(1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        place = "" if os.path.isabs(file) else f" in {os.getcwd()!r}"
        why = error.strerror if isinstance(error, OSError) else error
        way_out = " or leave it out to trust the system's authorities" if path.endswith(".ca_file") else ""
        hint = f"set {path} to a file that this process may read{way_out}"
        return _problem(path, f"cannot read {file!r}{place}: {why}", hint)
    return None


def _holds(file: str, marker: bytes) -> bool:
    with open(file, "rb") as stream:
        return marker in stream.read()


def _reason(error: ssl.SSLError | ValueError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return reason.replace("_", " ").lower() if reason else "not in the format of PEM"


def _pem_hint(kind: str) -> str:
    return f"the file must be PEM and have a line '-----BEGIN {kind}-----'; openssl converts DER and PKCS #12"


def _problem(path: str, message: str, hint: str) -> ConfigProblem:
    return ConfigProblem("", path, f"{path}: {message}", hint)


class SharedContext:
    """One SSL context for every pipe, built off the event loop when it is first asked for.

    Any number of tasks, event loops and threads may ask at once: it is built once.
    """

    def __init__(self, build: Callable[[], ssl.SSLContext]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: concurrent.futures.Future[ssl.SSLContext] | None = None

    async def get(self) -> ssl.SSLContext:
        """Return the context. Cancelling lets the building go on for the others, and for the next.

        Raises:
            ConfigError: it cannot be built; the next call tries again.
        """
        with self._lock:
            built = self._built
            if built is None:
                built = concurrent.futures.Future()
                built.set_running_or_notify_cancel()  # or a cancelled waiter would cancel it for all
                # Not asyncio.to_thread(): cancelled while the pool is busy, it would never begin.
                _ = asyncio.get_running_loop().run_in_executor(None, self._run, built)
                self._built = built
        if built.done():
            return built.result()
        return await asyncio.wrap_future(built)

    def _run(self, built: concurrent.futures.Future[ssl.SSLContext]) -> None:
        try:
            context = self._build()
        except BaseException as error:
            with self._lock:
                self._built = None
            built.set_exception(error)
        else:
            built.set_result(context)
