"""An authority for tests: certificates of servers and clients, and the contexts that show or trust them."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import ssl
import tempfile
from pathlib import Path
from typing import Final

import attrs
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

__all__ = ["DAY", "Authority", "KeyPair", "authority", "fingerprint_of", "handshake", "now", "pin_of"]

DAY: Final = datetime.timedelta(days=1)
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

    def server_context(self, asks: Authority | None = None) -> ssl.SSLContext:
        """Return a context of a server that shows this; it asks clients for a certificate of ``asks``."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.key + self.cert)
            file.flush()
            context.load_cert_chain(file.name)
        if asks is not None:
            context.load_verify_locations(cadata=asks.cert.decode())
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def write(self, folder: Path, name: str) -> tuple[str, str]:
        """Write certificate and key into ``folder``; return the two paths."""
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        cert.write_bytes(self.cert)
        key.write_bytes(self.key)
        return str(cert), str(key)


class Authority:
    """Signs certificates."""

    def __init__(self, parent: Authority | None = None) -> None:
        self._ca: trustme.CA = trustme.CA() if parent is None else parent._ca.create_child_ca()

    @property
    def cert(self) -> bytes:
        """The authority's own certificate, PEM."""
        return self._ca.cert_pem.bytes()

    @property
    def key(self) -> bytes:
        """The authority's own key, PEM."""
        return self._ca.private_key_pem.bytes()

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
    ) -> KeyPair:
        """Return a new certificate for ``names``, with those of the authorities between this and the root."""
        made = self._ca.issue_cert(
            *names, common_name=common_name, not_before=not_before, not_after=not_after
        )
        return KeyPair(b"".join(pem.bytes() for pem in made.cert_chain_pems), made.private_key_pem.bytes())

    def server_context(self, *names: str, asks_client: bool = False) -> ssl.SSLContext:
        """Return a context of a server for ``names``, by default those of this machine's loopback.

        ``asks_client`` asks clients for a certificate of this authority.
        """
        return self.issue(*(names or _NAMES)).server_context(self if asks_client else None)

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


def now() -> datetime.datetime:
    """Return what certificates take as the time."""
    return datetime.datetime.now(datetime.UTC)


def pin_of(cert: bytes) -> str:
    """Return the pin of the first certificate in ``cert``, PEM, as other people's code finds it."""
    key = x509.load_pem_x509_certificate(cert).public_key()
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


def fingerprint_of(cert: bytes) -> str:
    """Return the SHA-256 digest of the first certificate in ``cert``, PEM, base64: what no pin is."""
    whole = x509.load_pem_x509_certificate(cert).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(hashlib.sha256(whole).digest()).decode()


def handshake(
    client: ssl.SSLContext, server: ssl.SSLContext, name: str | None = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Run a TLS handshake in memory, with ``name`` as the server's; return both ends, the client's first.

    Raises:
        ssl.SSLError: an end refuses the other.
    """
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends
