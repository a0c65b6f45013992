"""The neutral server's process."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.build import NotBuiltError, program
from bench.deflated import deflated_frames

__all__ = ["NeutralServer"]

_END_LIMIT: Final = 5.0


class NeutralServer:
    """Context manager: ``server.c``, running.

    Raises:
        NotBuiltError: on entering: it cannot be built or does not start.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wssdk-bench-")
        self.port = 0
        self.tls_port = 0
        """0: there is no TLS."""
        self.no_tls = ""
        """Why there is no TLS."""

    @property
    def ca_file(self) -> str:
        """Path of the authority's certificate, PEM."""
        return str(Path(self._folder.name) / "ca.pem")

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def _start(self) -> None:
        built = program("server")
        folder = Path(self._folder.name)
        frames = folder / "deflated"
        frames.write_bytes(deflated_frames())
        command = [str(built.path), "--deflated", str(frames)]
        if not built.tls:
            self.no_tls = "the server was built without OpenSSL: are its headers there?"
        elif not _write_certificate(folder):
            self.no_tls = "trustme is not installed"
        else:
            command += ["--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
        # A session of its own: ^C is for the bench, which ends the server itself.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        if len(words) != 4:
            self._end()
            raise NotBuiltError("the server does not start")
        self.port, self.tls_port = int(words[1]), int(words[3])

    def pin(self, core: int) -> None:
        """Keep the server to one core."""
        os.sched_setaffinity(self._process.pid, {core})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._folder.cleanup()

    def _end(self) -> None:
        try:
            self._process.communicate(timeout=_END_LIMIT)  # the end of its input is its end
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _write_certificate(folder: Path) -> bool:
    try:
        import trustme
    except ImportError:
        return False
    authority = trustme.CA()
    made = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
    (folder / "key.pem").write_bytes(made.private_key_pem.bytes())
    (folder / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    return True
