"""The ``wssdk`` command; also ``python -m wssdk``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import wssdk

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: those of the process); return the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "demo":
        from wssdk.cli.demo import run_demo

        return run_demo()
    from wssdk.cli.echo import EchoOptions, run_echo

    return run_echo(
        EchoOptions(host=options.host, port=options.port, unix_path=options.unix, tls=options.tls)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wssdk", description="Asyncio WebSocket client SDK.")
    parser.add_argument("--version", action="version", version=f"wssdk {wssdk.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="run the main job against the embedded server")
    echo = commands.add_parser("echo", help="serve an echo until ^C")
    echo.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    echo.add_argument("--port", type=int, default=8765, help="port, 0 for a free one (default: %(default)s)")
    echo.add_argument("--unix", metavar="PATH", help="listen on a Unix socket instead")
    echo.add_argument("--tls", action="store_true", help="serve wss:// with a certificate made on the fly")
    return parser


if __name__ == "__main__":
    sys.exit(main())
