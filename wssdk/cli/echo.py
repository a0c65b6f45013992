"""``wssdk echo``: the embedded server, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from typing import TextIO

import attrs

from wssdk.testing import EchoServer, LocalCertificate

__all__ = ["EchoOptions", "run_echo"]


@attrs.frozen(kw_only=True)
class EchoOptions:
    """Where to serve."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0 takes a free port."""
    unix_path: str | None = None
    """Serve this Unix socket instead of host and port."""
    tls: bool = False


def run_echo(options: EchoOptions, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Serve until SIGINT or SIGTERM; say to ``out`` where; return the exit code.

    Raises:
        BrokenPipeError: nobody reads ``out`` any more.
    """
    try:
        asyncio.run(_serve(options, sys.stdout if out is None else out))
    except KeyboardInterrupt:
        pass  # where the event loop takes no signal handlers
    except BrokenPipeError:
        raise  # nobody reads what it says
    except (OSError, ImportError) as error:
        print(f"wssdk echo: {error}", file=sys.stderr if err is None else err)
        return 1
    return 0


async def _serve(options: EchoOptions, out: TextIO) -> None:
    stop = asyncio.Event()
    with contextlib.ExitStack() as stack:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, stop.set)
        certificate = None
        if options.tls:
            certificate = await asyncio.to_thread(LocalCertificate.make)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wssdk-")))
            ca_file = folder / "ca.pem"
            ca_file.write_bytes(certificate.ca_pem)
            print(f"trust the authority in {ca_file} (tls.ca_file)", file=out)
        server = EchoServer(
            host=options.host, port=options.port, unix_path=options.unix_path, tls=certificate or False
        )
        async with server:
            where = (
                server.uri
                if options.unix_path is None
                else f"{server.uri} on Unix socket {options.unix_path}"
            )
            print(f"echoing at {where}; ^C ends it", file=out, flush=True)
            await stop.wait()
