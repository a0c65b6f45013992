"""The SSL context of a client, from the ``tls`` section."""

from __future__ import annotations

import functools
import logging
import os
import ssl
import stat
from collections.abc import Iterator
from typing import Any, Final

from wssdk.config import Tls
from wssdk.dial.shared_context import SharedContext
from wssdk.dial.tls_files import TlsFiles, certificates_in
from wssdk.errors import ConfigError, ConfigProblem
from wssdk.typing import LoggerLike

__all__ = ["build_ssl_context", "shared_context"]

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


def shared_context(tls: Tls, *, logger: LoggerLike, section: str = "tls") -> SharedContext:
    """Return what builds the context of ``tls`` when it is first asked for, and again when its files changed.

    ``logger`` is told of checks that are switched off, once, and of what is read again. ``section`` is where
    the configuration has ``ca_file``, for errors.
    """
    return SharedContext(
        functools.partial(build_ssl_context, tls, logger=logger, section=section),
        again=functools.partial(_build, tls, section),
        files=TlsFiles.of(tls),
        logger=logger,
    )


def build_ssl_context(tls: Tls, *, logger: LoggerLike | None = None, section: str = "tls") -> ssl.SSLContext:
    """Return a client's SSL context with everything that ``tls`` asks for, but the name and pins of a server.

    Reads files, the system's certificates too, and takes some 10 ms: not for the event loop. A check that
    is switched off is logged, once, as a warning to ``logger`` (None: ``wssdk.client``). ``section`` is where
    the configuration has ``ca_file``, for errors.

    Raises:
        ConfigError: files or options that cannot be used, all of them.
    """
    context = _build(tls, section)
    warning = None
    if not tls.verify:
        warning = _NOT_VERIFIED
    elif not tls.check_hostname:
        warning = _NOT_NAMED
    if warning is not None:
        (logging.getLogger("wssdk.client") if logger is None else logger).warning(warning)
    return context


def _build(tls: Tls, section: str) -> ssl.SSLContext:
    problems: list[ConfigProblem] = []
    context = _trusting(section, tls, problems)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.set_alpn_protocols(list(_ALPN))
    if tls.ciphers is not None:
        problems.extend(_set_ciphers(context, tls.ciphers))
    if tls.cert_file is not None:
        problems.extend(_show_certificate(context, tls, tls.cert_file))
    if problems:
        raise ConfigError(problems)
    if not (tls.verify and tls.check_hostname):
        context.check_hostname = False  # which verify_mode insists on
    if not tls.verify:
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(section: str, tls: Tls, problems: list[ConfigProblem]) -> ssl.SSLContext:
    """Return a context that trusts what ``tls`` names, or the system's authorities, and tell what is wrong.

    Those are trusted where nothing is named, and where all that is named has a problem.
    """
    sources: list[tuple[str, str, dict[str, Any]]] = []
    if tls.ca_file is not None:
        path = f"{section}.ca_file"
        problem = _unreadable(path, tls.ca_file)
        if problem is None:
            sources.append((path, tls.ca_file, {"cafile": tls.ca_file}))
        else:
            problems.append(problem)
    if tls.ca_dir is not None:
        problems.extend(_look_into(f"{section}.ca_dir", tls.ca_dir, sources))
    context: ssl.SSLContext | None = None
    for path, file, where in sources:
        try:
            if context is None:
                context = ssl.create_default_context(**where)
            else:
                context.load_verify_locations(**where)
        except ssl.SSLError as error:
            message = f"no certificates can be read from {file!r}: {_reason(error)}"
            problems.append(_problem(path, message, _pem_hint("CERTIFICATE")))
    return ssl.create_default_context() if context is None else context


def _look_into(
    path: str, folder: str, sources: list[tuple[str, str, dict[str, Any]]]
) -> Iterator[ConfigProblem]:
    """Add the certificates of ``folder`` to ``sources``; those in DER are read."""
    seen: set[tuple[int, int]] = set()
    try:
        files = certificates_in(folder)
    except (OSError, ValueError) as error:
        yield _not_read(path, folder, error, "a folder")
        return
    for file in files:
        try:
            found = os.stat(file)
            # Hashed names are links to files that have another name as well.
            if stat.S_ISDIR(found.st_mode) or (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            with open(file, "rb") as stream:
                data = stream.read()
        except FileNotFoundError:
            continue  # a link that leads nowhere: OpenSSL does without, too
        except OSError as error:
            yield _not_read(path, file, error, "files")
            continue
        # No data is no argument to the ssl module, which would trust the system's authorities.
        is_der = data and b"-----BEGIN" not in data
        sources.append((path, file, {"cadata": data} if is_der else {"cafile": file}))
    if not seen:
        hint = "they are looked for in files *.pem, *.crt and *.cer, and under the names of 'openssl rehash'"
        yield _problem(path, f"there are no certificates in {folder!r}", hint)


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
        return _not_read(path, file, error, "a file")
    return None


def _not_read(path: str, name: str, error: OSError | ValueError, kind: str) -> ConfigProblem:
    place = "" if os.path.isabs(name) else f" in {os.getcwd()!r}"
    why = error.strerror if isinstance(error, OSError) else error
    trusts = path.endswith((".ca_file", ".ca_dir"))
    way_out = ", or leave it out to trust the system's authorities" if trusts else ""
    hint = f"set {path} to {kind} that this process may read{way_out}"
    return _problem(path, f"cannot read {name!r}{place}: {why}", hint)


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
