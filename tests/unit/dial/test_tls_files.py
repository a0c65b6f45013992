from __future__ import annotations

import os
from pathlib import Path

import pytest

from wssdk.config import Tls
from wssdk.dial.tls_files import TlsFiles, certificates_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"some")
    return path


def test_files_of_a_section_are_those_it_names() -> None:
    tls = Tls(ca_file="a", cert_file="c", key_file="k", ca_dir="d")
    assert TlsFiles.of(tls) == TlsFiles(("a", "c", "k"), "d")


def test_a_section_that_names_none_has_none() -> None:
    assert TlsFiles.of(Tls()).state() == {}


def test_what_does_not_change_has_the_same_state(file: Path) -> None:
    files = TlsFiles((str(file),), str(file.parent))
    assert files.state() == files.state()


def written(file: Path) -> None:
    file.write_bytes(b"others")


def written_with_the_same_size_and_times(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"else")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_with_the_same_size_and_times(file: Path) -> None:
    before = file.stat()
    other = file.with_name("new")
    other.write_bytes(b"else")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, file)


def touched(file: Path) -> None:
    os.utime(file, ns=(1, 1))


def removed(file: Path) -> None:
    file.unlink()


def linked_elsewhere(file: Path) -> None:
    other = file.with_name("new")
    other.write_bytes(b"some")
    file.unlink()
    file.symlink_to(other)


CHANGES = [
    written,
    written_with_the_same_size_and_times,
    replaced_with_the_same_size_and_times,
    touched,
    removed,
    linked_elsewhere,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("by", ["file", "folder"])
def test_any_change_is_another_state(file: Path, change: object, by: str) -> None:
    assert callable(change)
    files = TlsFiles((str(file),)) if by == "file" else TlsFiles((), str(file.parent))
    before = files.state()
    os.utime(file)  # moves the time of its status away from that of what follows
    before = files.state()
    change(file)
    assert files.state() != before


def test_a_new_file_in_the_folder_is_another_state(file: Path) -> None:
    files = TlsFiles((), str(file.parent))
    before = files.state()
    (file.parent / "new.crt").touch()
    assert files.state() != before


def test_other_files_of_the_folder_do_not_matter(file: Path) -> None:
    files = TlsFiles((), str(file.parent))
    before = files.state()
    (file.parent / "README").touch()
    assert files.state() == before


@pytest.mark.parametrize("name", ["missing", "a\0b"])
def test_what_is_not_there_has_no_state(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    assert TlsFiles((path,), path).state() == {path: None}


def test_a_folder_in_the_place_of_a_file_has_no_state(tmp_path: Path) -> None:
    assert TlsFiles((str(tmp_path),)).state() == {str(tmp_path): None}


@pytest.mark.parametrize("name", ["a.pem", "a.PEM", "b.crt", "c.cer", "0123abcd.0", "0123abcd.12"])
def test_names_of_certificates(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert certificates_in(str(tmp_path)) == [str(tmp_path / name)]


@pytest.mark.parametrize("name", ["README", "a.key", "a.pem.bak", "0123abcd.r0", "0123abc.0", ".pem~"])
def test_names_of_other_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert certificates_in(str(tmp_path)) == []
