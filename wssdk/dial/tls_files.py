"""The files of a ``tls`` section: which they are, and whether they changed."""

from __future__ import annotations

import os
import re
import stat
from typing import Final, TypeAlias

import attrs

from wssdk.config import Tls

__all__ = ["FileState", "TlsFiles", "certificates_in"]

FileState: TypeAlias = tuple[int, int, int, int]
"""Size in bytes, inode, and nanoseconds of the last change of content and of status.

All four, as a file may be written in place or replaced by another one, and tools keep its times or its size.
"""

# OpenSSL's hashed names (openssl rehash) are eight digits and a number; its CRLs have an r before it.
_CERTIFICATE: Final = re.compile(r".*\.(?:pem|crt|cer)|[0-9a-f]{8}\.[0-9]+", re.IGNORECASE | re.DOTALL)


@attrs.frozen
class TlsFiles:
    """What is read to make an SSL context."""

    files: tuple[str, ...] = ()
    folder: str | None = None
    """Where certificates are that are trusted."""

    @classmethod
    def of(cls, tls: Tls) -> TlsFiles:
        """Return those that ``tls`` names; none where the system's authorities are trusted."""
        named = (tls.ca_file, tls.cert_file, tls.key_file)
        return cls(tuple(file for file in named if file is not None), tls.ca_dir)

    def state(self) -> dict[str, FileState | None]:
        """Return the state of each; None for what is not there. Equal states: nothing changed.

        It asks the file system once for each, a microsecond or two; files of the folder count one by one.
        """
        if not self.files and self.folder is None:
            return {}
        state = {file: _state_of(file) for file in self.files}
        if self.folder is not None:
            try:
                state.update({file: _state_of(file) for file in certificates_in(self.folder)})
            except (OSError, ValueError):
                state[self.folder] = None
        return state


def certificates_in(folder: str) -> list[str]:
    """Return the paths of what ``folder`` has under the name of a certificate, sorted.

    Those are ``*.pem``, ``*.crt``, ``*.cer`` and OpenSSL's hashed names; links that lead nowhere are among
    them.

    Raises:
        OSError: the folder cannot be read.
        ValueError: its name cannot be that of one.
    """
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if _CERTIFICATE.fullmatch(name)]


def _state_of(file: str) -> FileState | None:
    try:
        found = os.stat(file)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
