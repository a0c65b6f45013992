from __future__ import annotations

import logging
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.tls import Authority, KeyPair, authority, handshake
from wssdk.config import Tls
from wssdk.dial.tls import build_ssl_context, shared_context
from wssdk.errors import ConfigError, ConfigProblem

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return authority().issue("client.test")


@pytest.fixture(scope="module")
def other_pair() -> KeyPair:
    return authority().issue("other.test")


def write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def problem_of(tls: Tls) -> ConfigProblem:
    with pytest.raises(ConfigError) as caught:
        build_ssl_context(tls)
    [problem] = caught.value.problems
    return problem


# What the section sets.


def test_defaults_verify_certificate_and_name() -> None:
    context = build_ssl_context(Tls())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_defaults_trust_the_system() -> None:
    assert build_ssl_context(Tls()).get_ca_certs() == ssl.create_default_context().get_ca_certs()


def test_ca_file_is_trusted_and_nobody_else(tmp_path: Path) -> None:
    context = build_ssl_context(Tls(ca_file=authority().write_ca(tmp_path)))
    assert context.get_ca_certs() == authority().client_context().get_ca_certs()


@pytest.mark.parametrize(
    ("named", "version"), [("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)]
)
def test_min_version_is_set(named: str, version: ssl.TLSVersion) -> None:
    assert build_ssl_context(Tls(min_version=named)).minimum_version == version  # type: ignore[arg-type]


def test_ciphers_are_set() -> None:
    name = "ECDHE-RSA-AES256-GCM-SHA384"
    ciphers = build_ssl_context(Tls(ciphers=name)).get_ciphers()
    assert [cipher["name"] for cipher in ciphers if cipher["protocol"] == "TLSv1.2"] == [name]


def test_verify_off_accepts_any_certificate() -> None:
    context = build_ssl_context(Tls(verify=False))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_check_hostname_off_accepts_any_name() -> None:
    context = build_ssl_context(Tls(check_hostname=False))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)


@pytest.mark.parametrize(
    ("tls", "option"),
    [
        (Tls(verify=False), "tls.verify"),
        (Tls(check_hostname=False), "tls.check_hostname"),
        (Tls(verify=False, check_hostname=False), "tls.verify"),
    ],
)
def test_a_check_that_is_off_is_logged_once(tls: Tls, option: str, caplog: pytest.LogCaptureFixture) -> None:
    build_ssl_context(tls)
    [record] = caplog.records
    assert (record.name, record.levelno) == ("wssdk.client", logging.WARNING)
    assert record.getMessage().startswith(f"{option} is off")


def test_the_warning_goes_to_the_given_logger(caplog: pytest.LogCaptureFixture) -> None:
    build_ssl_context(Tls(verify=False), logger=logging.getLogger("mine"))
    assert [record.name for record in caplog.records] == ["mine"]


def test_nothing_is_logged_when_all_is_checked(caplog: pytest.LogCaptureFixture) -> None:
    build_ssl_context(Tls())
    assert not caplog.records


def test_http_1_1_is_chosen_of_a_server_that_prefers_http_2(tmp_path: Path) -> None:
    server = authority().server_context()
    server.set_alpn_protocols(["h2", "http/1.1"])
    client, _ = handshake(build_ssl_context(Tls(ca_file=authority().write_ca(tmp_path))), server)
    assert client.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("stored", ["apart", "together", "encrypted"])
def test_the_certificate_is_shown(tmp_path: Path, pair: KeyPair, stored: str) -> None:
    ca_file = authority().write_ca(tmp_path)
    if stored == "together":
        tls = Tls(ca_file=ca_file, cert_file=write(tmp_path, "both.pem", pair.key + pair.cert))
    else:
        key = pair.key if stored == "apart" else pair.encrypted_key(PASSWORD)
        tls = Tls(
            ca_file=ca_file,
            cert_file=write(tmp_path, "cert.pem", pair.cert),
            key_file=write(tmp_path, "key.pem", key),
            key_password=None if stored == "apart" else PASSWORD,
        )
    client, server = handshake(build_ssl_context(tls), authority().server_context(asks_client=True))
    client.do_handshake()
    shown = server.getpeercert()
    assert shown is not None
    assert shown["subjectAltName"] == (("DNS", "client.test"),)


# What cannot be used.


def test_a_missing_ca_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = str(tmp_path / "no.pem")
    problem = problem_of(Tls(ca_file=path))
    assert problem.path == "tls.ca_file"
    assert problem.message == f"tls.ca_file: cannot read {path!r}: No such file or directory"
    assert problem.hint is not None
    assert "leave it out to trust the system's authorities" in problem.hint


def test_a_relative_path_is_told_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"cannot read 'no.pem' in {str(tmp_path)!r}" in problem_of(Tls(ca_file="no.pem")).message


def test_a_folder_is_no_ca_file(tmp_path: Path) -> None:
    assert "Is a directory" in problem_of(Tls(ca_file=str(tmp_path))).message


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x82\x01\x0a"],
)
def test_a_ca_file_without_certificates_is_refused(tmp_path: Path, content: bytes) -> None:
    problem = problem_of(Tls(ca_file=write(tmp_path, "ca.pem", content)))
    assert problem.path == "tls.ca_file"
    assert "no certificates can be read from" in problem.message
    assert problem.hint is not None
    assert "BEGIN CERTIFICATE" in problem.hint


def test_unknown_ciphers_are_refused() -> None:
    problem = problem_of(Tls(ciphers="ROT13"))
    assert (problem.path, "'ROT13'" in problem.message) == ("tls.ciphers", True)


Files = Callable[[str, bytes], str]


def no_cert_file(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(cert_file="/no/cert.pem", key_file=files("key.pem", pair.key))


def no_key_file(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(cert_file=files("cert.pem", pair.cert), key_file="/no/key.pem")


def cert_is_junk(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(cert_file=files("cert.pem", b"junk"), key_file=files("key.pem", pair.key))


def key_is_junk(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(cert_file=files("cert.pem", pair.cert), key_file=files("key.pem", b"junk"))


def key_is_nowhere(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(cert_file=files("cert.pem", pair.cert))


def key_of_another(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(cert_file=files("cert.pem", pair.cert), key_file=files("key.pem", other.key))


def no_password(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    key_file = files("key.pem", pair.encrypted_key(PASSWORD))
    return Tls(cert_file=files("cert.pem", pair.cert), key_file=key_file)


def wrong_password(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    key_file = files("key.pem", pair.encrypted_key(PASSWORD))
    return Tls(
        cert_file=files("cert.pem", pair.cert),
        key_file=key_file,
        key_password="wrong-horse",
    )


def long_password(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    key_file = files("key.pem", pair.encrypted_key(PASSWORD))
    return Tls(
        cert_file=files("cert.pem", pair.cert),
        key_file=key_file,
        key_password="x" * 2000,
    )


def cert_is_torn(files: Files, pair: KeyPair, other: KeyPair) -> Tls:
    return Tls(
        cert_file=files("cert.pem", pair.cert[: len(pair.cert) // 3]), key_file=files("key.pem", pair.key)
    )


@pytest.mark.parametrize(
    ("make", "path", "told"),
    [
        (no_cert_file, "tls.cert_file", "cannot read '/no/cert.pem'"),
        (no_key_file, "tls.key_file", "cannot read '/no/key.pem'"),
        (cert_is_junk, "tls.cert_file", "no certificate can be read from"),
        (key_is_junk, "tls.key_file", "there is no key in"),
        (key_is_nowhere, "tls.cert_file", "there is no key in"),
        (key_of_another, "tls.key_file", "is not the one of the certificate"),
        (no_password, "tls.key_password", "is encrypted, and there is no password"),
        (wrong_password, "tls.key_password", "the password does not open the key"),
        (long_password, "tls.key_password", "the password does not open the key"),
        (cert_is_torn, "tls.cert_file", "cannot be used"),
    ],
)
def test_a_certificate_that_cannot_be_used(
    tmp_path: Path,
    pair: KeyPair,
    other_pair: KeyPair,
    make: Callable[[Files, KeyPair, KeyPair], Tls],
    path: str,
    told: str,
) -> None:
    problem = problem_of(make(lambda name, data: write(tmp_path, name, data), pair, other_pair))
    assert problem.path == path
    assert problem.message.startswith(f"{path}: ")
    assert told in problem.message
    assert problem.hint
    assert "horse" not in str(problem)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    tls = Tls(ca_file="/no/ca.pem", cert_file="/no/cert.pem", key_file="/no/key.pem", ciphers="ROT13")
    with pytest.raises(ConfigError) as caught:
        build_ssl_context(tls)
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"tls.ca_file", "tls.cert_file", "tls.key_file", "tls.ciphers"}


# A folder of authorities.


def trusted_by(tls: Tls) -> list[bytes]:
    return sorted(build_ssl_context(tls).get_ca_certs(binary_form=True))


def der(*authorities: Authority) -> list[bytes]:
    return sorted(ssl.PEM_cert_to_DER_cert(made.cert.decode()) for made in authorities)


@pytest.fixture(scope="module")
def others() -> tuple[Authority, Authority]:
    return Authority(), Authority()


def test_every_certificate_of_the_folder_is_trusted(
    tmp_path: Path, others: tuple[Authority, Authority]
) -> None:
    write(tmp_path, "one.pem", others[0].cert)
    write(tmp_path, "two.crt", b"for the test\n" + others[1].cert)
    assert trusted_by(Tls(ca_dir=str(tmp_path))) == der(*others)


def test_certificates_of_the_folder_may_be_der(tmp_path: Path) -> None:
    write(tmp_path, "one.cer", der(authority())[0])
    assert trusted_by(Tls(ca_dir=str(tmp_path))) == der(authority())


def test_a_bundle_in_the_folder_is_trusted(tmp_path: Path, others: tuple[Authority, Authority]) -> None:
    write(tmp_path, "all.pem", others[0].cert + others[1].cert)
    assert trusted_by(Tls(ca_dir=str(tmp_path))) == der(*others)


@pytest.mark.needs("openssl")
def test_a_folder_that_openssl_has_hashed_is_trusted(tmp_path: Path) -> None:
    write(tmp_path, "one.pem", authority().cert)
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True)
    assert len(list(tmp_path.iterdir())) == 2
    assert trusted_by(Tls(ca_dir=str(tmp_path))) == der(authority())


def test_file_and_folder_are_both_trusted(tmp_path: Path, others: tuple[Authority, Authority]) -> None:
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", "one.pem", others[0].cert)
    file = write(tmp_path, "ca.pem", others[1].cert)
    assert trusted_by(Tls(ca_file=file, ca_dir=str(tmp_path / "folder"))) == der(*others)


def test_links_that_lead_nowhere_and_folders_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "one.pem", authority().cert)
    (tmp_path / "gone.pem").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.pem").mkdir()
    assert trusted_by(Tls(ca_dir=str(tmp_path))) == der(authority())


def test_a_missing_folder_is_named_with_the_way_out() -> None:
    problem = problem_of(Tls(ca_dir="/no/certs"))
    assert problem.message == "tls.ca_dir: cannot read '/no/certs': No such file or directory"
    assert problem.hint is not None
    assert problem.hint.startswith("set tls.ca_dir to a folder that this process may read, or leave it out")


def test_a_file_is_no_folder_of_authorities(tmp_path: Path) -> None:
    assert "Not a directory" in problem_of(Tls(ca_dir=write(tmp_path, "ca.pem", authority().cert))).message


def test_a_folder_without_certificates_is_told(tmp_path: Path) -> None:
    write(tmp_path, "ca.txt", authority().cert)
    problem = problem_of(Tls(ca_dir=str(tmp_path)))
    assert problem.message == f"tls.ca_dir: there are no certificates in {str(tmp_path)!r}"
    assert problem.hint is not None
    assert "*.pem" in problem.hint


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_of_the_folder_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes, alone: bool
) -> None:
    if not alone:
        write(tmp_path, "one.pem", authority().cert)
    path = write(tmp_path, "two.pem", content)
    assert f"no certificates can be read from {path!r}" in problem_of(Tls(ca_dir=str(tmp_path))).message


# Again, when files changed.


async def test_checks_that_are_off_are_not_told_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca_file = authority().write_ca(tmp_path)
    shared = shared_context(
        Tls(ca_file=ca_file, check_hostname=False), logger=logging.getLogger("wssdk.client")
    )
    old = await shared.get()
    Authority().write_ca(tmp_path)
    new = await shared.get()
    assert (new is not old, new.check_hostname) == (True, False)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_a_password_is_not_told_when_files_cannot_be_used_again(
    tmp_path: Path, pair: KeyPair, caplog: pytest.LogCaptureFixture
) -> None:
    tls = Tls(
        cert_file=write(tmp_path, "cert.pem", pair.cert),
        key_file=write(tmp_path, "key.pem", pair.encrypted_key(PASSWORD)),
        key_password=PASSWORD,
    )
    shared = shared_context(tls, logger=logging.getLogger("wssdk.client"))
    old = await shared.get()
    write(tmp_path, "key.pem", pair.encrypted_key("another password"))
    assert await shared.get() is old
    [told] = caplog.messages
    assert "the password does not open the key" in told
    assert PASSWORD not in told


def test_an_old_server_is_refused_by_the_newest_version(tmp_path: Path) -> None:
    server = authority().server_context()
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client = build_ssl_context(Tls(ca_file=authority().write_ca(tmp_path), min_version="1.3"))
    with pytest.raises(ssl.SSLError):
        handshake(client, server)
