"""An authority for tests: certificates of servers and clients, and the contexts that show or trust them."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path
from typing import Final

import attrs
import trustme
from cryptography.hazmat.primitives import serialization

__all__ = ["Authority", "KeyPair", "authority"]

_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@attrs.frozen
class KeyPair:
    """A certificate and its key, PEM."""

    cert: bytes
    key: bytes = attrs.field(repr=False)

    def encrypted_key(self, password: str) -> bytes:
        """Return the key, which ``password`` opens."""
        key = serialization.load_pem_private_key(self.key, None)
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.encode()),
        )


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    @property
    def cert(self) -> bytes:
        """The authority's own certificate, PEM."""
        return self._ca.cert_pem.bytes()

    def issue(self, *names: str) -> KeyPair:
        """Return a new certificate for ``names``."""
        made = self._ca.issue_cert(*names)
        return KeyPair(b"".join(pem.bytes() for pem in made.cert_chain_pems), made.private_key_pem.bytes())

    def server_context(self, *names: str, asks_client: bool = False) -> ssl.SSLContext:
        """Return a context of a server for ``names``, by default those of this machine's loopback.

        ``asks_client`` asks clients for a certificate of this authority.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert(*(names or _NAMES)).configure_cert(context)
        if asks_client:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return a context of a client that trusts this authority, and no other."""
        return ssl.create_default_context(cadata=self.cert.decode())

    def write_ca(self, folder: Path) -> str:
        """Write the authority's certificate into ``folder``; return the path."""
        path = folder / "ca.pem"
        path.write_bytes(self.cert)
        return str(path)


@functools.cache
def authority() -> Authority:
    """Return the authority of this test run: making one costs some 10 ms."""
    return Authority()
