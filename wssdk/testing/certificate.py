"""A certificate for this machine's loopback, made on the fly."""

from __future__ import annotations

import ssl

import attrs

__all__ = ["LocalCertificate"]

_MISSING = "a certificate made on the fly needs trustme: pip install 'wssdk[testing]'"


@attrs.frozen
class LocalCertificate:
    """A certificate for ``localhost``, ``127.0.0.1`` and ``::1``, and the authority that signed it."""

    server_ssl: ssl.SSLContext
    """Context of the server that shows the certificate."""
    client_ssl: ssl.SSLContext
    """Context of a client that trusts the authority, and no other."""
    ca_pem: bytes = attrs.field(repr=False)
    """The authority's certificate, PEM: what ``tls.ca_file`` takes once it is in a file."""

    @classmethod
    def make(cls) -> LocalCertificate:
        """Make a new authority and a certificate signed by it. Takes some milliseconds of CPU.

        Raises:
            ImportError: trustme is not installed; the message tells what to install.
        """
        try:
            import trustme
        except ImportError as error:
            raise ImportError(_MISSING) from error
        authority = trustme.CA()
        server_ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(server_ssl)
        client_ssl = ssl.create_default_context()
        authority.configure_trust(client_ssl)
        return cls(server_ssl, client_ssl, authority.cert_pem.bytes())
