"""Pinned keys: which certificates of a server count, and whether one has a key that the config names.

What is pinned is the SHA-256 digest of a certificate's SubjectPublicKeyInfo, as in RFC 7469, 2.4: it stays
the same when the certificate is renewed for the same key.
"""

from __future__ import annotations

import binascii
import hashlib
import ssl
from collections.abc import Sequence
from typing import Any, Final

from wssdk.errors import PinMismatch

__all__ = ["check_pins", "pin_of", "public_key_info"]

# Tags of DER (X.690, 8.1.2): universal, constructed SEQUENCE; universal INTEGER; [0] of the context.
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_VERSION: Final = 0xA0

_BEFORE_THE_KEY: Final = (_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE)
"""RFC 5280, 4.1: serial number, signature algorithm, issuer, validity, subject."""

_NOT_VERIFIED: Final = "certificates are not verified"
_VERIFIED_ELSEWHERE: Final = "the context is of a class of its own, which may verify by other means"
_NOT_TOLD: Final = "this Python does not tell which chain was verified"


def check_pins(ssl_object: Any, context: ssl.SSLContext, pins: Sequence[str], host: str) -> None:
    """Check that a certificate of the server has a key that ``pins`` names, base64.

    Those of the chain that OpenSSL verified count: from the server's own to the trusted one. What else the
    server showed does not, for it may show any certificate of anybody's. Where OpenSSL verified none, only
    the server's own counts: the handshake proves that the server has its key.

    Args:
        ssl_object: what the transport has as ``ssl_object``, after the handshake.
        context: what it was made with.
        pins: base64 of SHA-256 digests.
        host: the server's name, for the error.

    Raises:
        PinMismatch: none has one.
    """
    chain, only_own = _counting(ssl_object, context)
    seen = []
    for certificate in chain:
        try:
            pin = pin_of(certificate)
        except ValueError:  # OpenSSL reads what is not quite DER, too
            pin = "unreadable"
        if pin in pins:
            return
        seen.append(pin)
    raise PinMismatch(host, seen, only_own, is_fingerprint=_names_certificates(chain, pins))


def pin_of(certificate: bytes) -> str:
    """Return the pin of a certificate in DER: base64 of the SHA-256 digest of its SubjectPublicKeyInfo.

    Raises:
        ValueError: it is not a certificate in DER.
    """
    return _digest(public_key_info(certificate))


def public_key_info(certificate: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate in DER, as it stands there (RFC 5280, 4.1).

    Raises:
        ValueError: it is not a certificate in DER.
    """
    tag, at, end = _element(certificate, 0, len(certificate))
    _expect(tag, _SEQUENCE)
    tag, at, end = _element(certificate, at, end)  # TBSCertificate
    _expect(tag, _SEQUENCE)
    if at < end and certificate[at] == _VERSION:  # left out by version 1
        at = _element(certificate, at, end)[2]
    for expected in _BEFORE_THE_KEY:
        tag, _, after = _element(certificate, at, end)
        _expect(tag, expected)
        at = after
    tag, _, after = _element(certificate, at, end)
    _expect(tag, _SEQUENCE)
    return certificate[at:after]


def _element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return tag, begin and end of content of the element of DER at ``at`` (X.690, 8.1)."""
    if end - at < 2:
        raise ValueError("the certificate is cut off")
    tag, size = data[at], data[at + 1]
    at += 2
    if size >= 0x80:
        # 0x80, the indefinite form, is not of DER; nothing here is longer than four bytes can say.
        digits = size - 0x80
        if not 1 <= digits <= 4 or end - at < digits:
            raise ValueError("the certificate has a length that is not one of DER")
        size = int.from_bytes(data[at : at + digits], "big")
        at += digits
    if size > end - at:
        raise ValueError("the certificate is cut off")
    return tag, at, at + size


def _expect(tag: int, expected: int) -> None:
    if tag != expected:
        raise ValueError(f"the certificate has an element {tag:#04x} in the place of {expected:#04x}")


def _digest(data: bytes) -> str:
    return binascii.b2a_base64(hashlib.sha256(data).digest(), newline=False).decode("ascii")


def _counting(ssl_object: Any, context: ssl.SSLContext) -> tuple[list[bytes], str | None]:
    """Return the certificates that count, DER, and why they are no more than the server's own."""
    own: bytes | None = ssl_object.getpeercert(True)
    if own is None:  # some ciphers do without
        return [], _NOT_VERIFIED
    if context.verify_mode == ssl.CERT_NONE:
        return [own], _NOT_VERIFIED
    if type(context) is not ssl.SSLContext:
        return [own], _VERIFIED_ELSEWHERE
    chain = _verified_chain(ssl_object)
    # It begins with the server's own; an interpreter whose chain does not has another thing in mind.
    return (chain, None) if chain and chain[0] == own else ([own], _NOT_TOLD)


def _verified_chain(ssl_object: Any) -> list[bytes] | None:
    """Return the chain that OpenSSL verified, DER, the server's own certificate first; None: it is not told.

    Public from Python 3.13 on; before, the method is one of the object below.
    """
    get: Any = getattr(ssl_object, "get_verified_chain", None)
    if get is None:
        get = getattr(getattr(ssl_object, "_sslobj", None), "get_verified_chain", None)
    chain = None if get is None else get()
    if chain is None:
        return None
    return [
        # The object below has certificates of a class of its own, which gives PEM.
        item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes())
        for item in chain
    ]


def _names_certificates(chain: Sequence[bytes], pins: Sequence[str]) -> bool:
    """Tell whether a pin is the digest of a whole certificate: what is called its fingerprint."""
    return any(_digest(certificate) in pins for certificate in chain)
