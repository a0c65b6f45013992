from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tls import Authority, KeyPair, authority, fingerprint_of, handshake
from tests.support.tls import pin_of as independent_pin
from wssdk.dial.pins import check_pins, pin_of, public_key_info
from wssdk.errors import PinMismatch

OTHER = "A" * 43 + "="

KEYS: dict[str, CertificateIssuerPrivateKeyTypes] = {
    "RSA 2048": rsa.generate_private_key(65537, 2048),
    "RSA 4096": rsa.generate_private_key(65537, 4096),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "DSA": dsa.generate_private_key(1024),
}


def certificate(
    key: CertificateIssuerPrivateKeyTypes,
    subject: str = "server",
    issuer: str = "issuer",
    serial: int = 1,
    names: int = 0,
) -> bytes:
    """Return a certificate in DER that ``key`` signs for itself."""
    plain = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    start = datetime.datetime(2026, 1, 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)] * 3))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, issuer)]))
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=20_000))
        .public_key(key.public_key())
    )
    if names:
        hosts = x509.SubjectAlternativeName([x509.DNSName(f"host-{i}.example") for i in range(names)])
        builder = builder.add_extension(hosts, critical=False)
    made = builder.sign(key, None if plain else hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def info_of(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


# Finding the key in a certificate.


@pytest.mark.parametrize("kind", KEYS)
def test_key_info_is_what_cryptography_finds(kind: str) -> None:
    assert public_key_info(certificate(KEYS[kind])) == info_of(KEYS[kind])


@given(
    kind=st.sampled_from(sorted(KEYS)),
    subject=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=15),
    issuer=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=15),
    serial=st.integers(1, (1 << 159) - 1),
    names=st.sampled_from([0, 1, 4000]),
)
def test_key_info_is_found_in_any_certificate(
    kind: str, subject: str, issuer: str, serial: int, names: int
) -> None:
    made = certificate(KEYS[kind], subject, issuer, serial, names)
    assert public_key_info(made) == info_of(KEYS[kind])


def test_version_1_has_no_version_to_skip() -> None:
    """Such a certificate has no version and no extensions: cut them out of one of version 3."""
    made = certificate(KEYS["Ed25519"])
    version = made.index(bytes.fromhex("a003020102"))
    body = made[version + 5 :]  # of TBSCertificate, and more than it, which nobody reads
    size = len(body).to_bytes(2, "big")
    inner = b"\x30\x82" + size + body
    outer = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
    assert public_key_info(outer) == info_of(KEYS["Ed25519"])


WHOLE = certificate(KEYS["P-256"])
END_OF_KEY = WHOLE.index(info_of(KEYS["P-256"])) + len(info_of(KEYS["P-256"]))


@given(st.integers(0, len(WHOLE) - 1))
def test_a_certificate_that_is_cut_off_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="certificate"):
        public_key_info(WHOLE[:size])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_hold_an_element(data: bytes) -> None:
    try:
        info = public_key_info(data)
    except ValueError:
        return
    assert info
    assert info in data


@given(at=st.integers(0, END_OF_KEY - 1), value=st.integers(0, 255))
def test_a_changed_byte_never_finds_another_end(at: int, value: int) -> None:
    changed = WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :]
    try:
        info = public_key_info(changed)
    except ValueError:
        return
    assert info[0] == 0x30
    assert info in changed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x01\x00",
        b"\x30\xff" + bytes(200),
        b"\x31" + WHOLE[1:],
        b"-----BEGIN CERTIFICATE-----",
    ],
    ids=["nothing", "tag", "indefinite", "five digits", "reserved", "set", "PEM"],
)
def test_what_is_not_der_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="certificate"):
        public_key_info(data)


@pytest.mark.needs("openssl")
def test_pin_is_that_of_the_command_line(tmp_path: Any) -> None:
    """The line that the guide gives."""
    import subprocess

    file = tmp_path / "cert.pem"
    file.write_bytes(authority().cert)
    line = (
        f"openssl x509 -in {file} -pubkey -noout | openssl pkey -pubin -outform der"
        " | openssl dgst -sha256 -binary | openssl base64"
    )
    told = subprocess.run(["sh", "-c", line], capture_output=True, check=True, text=True).stdout
    assert pin_of(ssl.PEM_cert_to_DER_cert(authority().cert.decode())) == told.strip()


# Which certificates count.


@attrs.frozen
class House:
    """A root, an authority between, a server's certificate; and an authority that has signed none of them."""

    root: Authority
    middle: Authority
    server: KeyPair
    stranger: Authority

    @property
    def client(self) -> ssl.SSLContext:
        """A context that trusts the root."""
        return self.root.client_context()

    def chain(self, *more: bytes) -> KeyPair:
        """The server's certificate, that of the authority between, and ``more`` that prove nothing."""
        return KeyPair(b"".join((self.server.cert, *more)), self.server.key)


@pytest.fixture(scope="module")
def house() -> House:
    root = Authority()
    middle = Authority(root)
    return House(root, middle, middle.issue("localhost"), Authority())


def check(client: ssl.SSLContext, server: KeyPair, *pins: str) -> None:
    ours, _ = handshake(client, server.server_context())
    check_pins(ours, client, pins, "localhost")


def unverified(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("which", ["server", "middle", "root"])
def test_any_key_of_the_verified_chain_will_do(house: House, which: str) -> None:
    check(house.client, house.chain(), OTHER, independent_pin(getattr(house, which).cert))


def test_no_pinned_key_is_a_mismatch(house: House) -> None:
    with pytest.raises(PinMismatch) as caught:
        check(house.client, house.chain(), OTHER)
    mismatch = caught.value
    assert (mismatch.host, mismatch.only_own) == ("localhost", None)
    certs = (house.server.cert, house.middle.cert, house.root.cert)
    assert mismatch.seen == tuple(map(independent_pin, certs))


def test_a_certificate_that_signed_nothing_does_not_count(house: House) -> None:
    """Anybody who has any certificate of a trusted authority can show that of another one as well."""
    with pytest.raises(PinMismatch):
        check(house.client, house.chain(house.stranger.cert), independent_pin(house.stranger.cert))


def test_a_root_that_is_trusted_and_signed_nothing_does_not_count(house: House) -> None:
    client = house.client
    client.load_verify_locations(cadata=house.stranger.cert.decode())
    with pytest.raises(PinMismatch):
        check(client, house.chain(house.stranger.cert), independent_pin(house.stranger.cert))


def test_a_certificate_for_another_name_counts_where_names_are_not_checked(house: House) -> None:
    client = house.client
    client.check_hostname = False
    check(client, house.middle.issue("other.test"), independent_pin(house.middle.cert))


def test_unverified_the_servers_own_key_will_do(house: House) -> None:
    client = unverified(house.stranger.client_context())
    check(client, house.chain(), independent_pin(house.server.cert))


@pytest.mark.parametrize("which", ["middle", "root"])
@pytest.mark.parametrize("trusted", ["root", "stranger"])
def test_unverified_only_the_servers_own_key_counts(house: House, which: str, trusted: str) -> None:
    client = unverified(getattr(house, trusted).client_context())
    pin = independent_pin(getattr(house, which).cert)
    with pytest.raises(PinMismatch, match="only the server's own certificate counts") as caught:
        check(client, house.chain(house.root.cert), pin)
    assert caught.value.seen == (independent_pin(house.server.cert),)


class OwnContext(ssl.SSLContext):
    """Verifies in its own way, for all that is known of it."""


def own_context(house: House) -> OwnContext:
    context = OwnContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=house.root.cert.decode())
    return context


def test_of_a_context_of_another_class_only_the_servers_own_key_counts(house: House) -> None:
    with pytest.raises(PinMismatch, match="class of its own"):
        check(own_context(house), house.chain(), independent_pin(house.root.cert))


def test_of_a_context_of_another_class_the_servers_own_key_will_do(house: House) -> None:
    check(own_context(house), house.chain(), independent_pin(house.server.cert))


def test_a_fingerprint_in_the_place_of_a_pin_is_told(house: House) -> None:
    with pytest.raises(PinMismatch, match="is the SHA-256 digest of a certificate"):
        check(house.client, house.chain(), fingerprint_of(house.middle.cert))


# What other interpreters and transports have.


@attrs.frozen
class Told:
    """An ssl object that tells of a handshake what its maker says."""

    own: bytes | None

    def getpeercert(self, binary_form: bool = False) -> bytes | None:
        assert binary_form
        return self.own


@attrs.frozen
class ToldChain(Told):
    """One that tells a chain, too."""

    chain: list[bytes] | None

    def get_verified_chain(self) -> list[bytes] | None:
        return self.chain


CHAINS: dict[str, Callable[[bytes, bytes], Told]] = {
    "no method": lambda own, root: Told(own),
    "None": lambda own, root: ToldChain(own, None),
    "empty": lambda own, root: ToldChain(own, []),
    "another one's": lambda own, root: ToldChain(own, [root]),
}


@pytest.mark.parametrize("kind", CHAINS)
def test_without_a_verified_chain_only_the_servers_own_key_counts(house: House, kind: str) -> None:
    own = ssl.PEM_cert_to_DER_cert(authority().issue("localhost").cert.decode())
    root = ssl.PEM_cert_to_DER_cert(house.root.cert.decode())
    told = CHAINS[kind](own, root)
    check_pins(told, house.client, [pin_of(own)], "localhost")
    with pytest.raises(PinMismatch, match="does not tell which chain was verified"):
        check_pins(told, house.client, [pin_of(root)], "localhost")


def test_a_chain_in_bytes_counts(house: House) -> None:
    own = ssl.PEM_cert_to_DER_cert(authority().issue("localhost").cert.decode())
    root = ssl.PEM_cert_to_DER_cert(authority().cert.decode())
    check_pins(ToldChain(own, [own, root]), house.client, [pin_of(root)], "localhost")


def test_a_server_without_a_certificate_has_no_pinned_key(house: House) -> None:
    with pytest.raises(PinMismatch, match="seen: none"):
        check_pins(Told(None), house.client, [OTHER], "localhost")


def test_a_certificate_that_cannot_be_read_does_not_hide_the_others(house: House) -> None:
    root = ssl.PEM_cert_to_DER_cert(house.root.cert.decode())
    odd = b"\x30\x80\x00\x00"
    check_pins(ToldChain(odd, [odd, root]), house.client, [pin_of(root)], "localhost")
