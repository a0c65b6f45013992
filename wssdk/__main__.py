"""The ``wssdk`` command; also ``python -m wssdk``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

import wssdk

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: those of the process); return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    # What follows "config" is for its own parser.
    options = parser.parse_args(given[:1] if given[:1] == ["config"] else given)
    if options.command == "echo" and options.unix is not None:
        for name in ("host", "port"):
            if getattr(options, name) is not None:
                parser.error(f"--unix and --{name} exclude one another")
    try:
        code = _run_config(given[1:]) if options.command == "config" else _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()  # who reads has read enough
        return 1
    except OSError as error:
        _drop_output()
        print(f"wssdk: cannot write to standard output: {error.strerror or error}", file=sys.stderr)
        return 1
    return code


def _run(options: argparse.Namespace) -> int:
    if options.command == "demo":
        from wssdk.cli.demo import run_demo

        return run_demo()
    from wssdk.cli.echo import EchoOptions, run_echo

    given = {name: getattr(options, name) for name in ("host", "port") if getattr(options, name) is not None}
    return run_echo(EchoOptions(**given, unix_path=options.unix, tls=options.tls))


def _run_config(arguments: Sequence[str]) -> int:
    try:
        from wssdk.cli.config import run_config
    except ImportError as error:
        if error.name not in ("click", "rich"):
            raise
        print(f"wssdk config needs {error.name}: pip install 'wssdk[cli]'", file=sys.stderr)
        return 2
    return run_config(arguments)


def _drop_output() -> None:
    """Let standard output lead nowhere: Python flushes it once more at its end, and would complain."""
    with contextlib.suppress(OSError, ValueError):  # it may have no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wssdk", description="Asyncio WebSocket client SDK.")
    parser.add_argument("--version", action="version", version=f"wssdk {wssdk.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="run the main job against the embedded server")
    commands.add_parser("config", help="check, show and compare configurations", add_help=False)
    echo = commands.add_parser("echo", help="serve an echo until ^C")
    echo.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    echo.add_argument("--port", type=_port, help="port, 0 for a free one (default: 8765)")
    echo.add_argument("--unix", metavar="PATH", help="listen on a Unix socket instead")
    echo.add_argument("--tls", action="store_true", help="serve wss:// with a certificate made on the fly")
    return parser


if __name__ == "__main__":
    sys.exit(main())
