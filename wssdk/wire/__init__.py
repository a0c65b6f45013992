"""Bytes to messages and back (RFC 6455, 5; RFC 7692): the room that can be compiled.

``COMPILED`` tells whether it is. With the environment variable ``WSSDK_PURE`` set to anything, the plain
Python files are used although the compiled ones are there.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

__all__ = ["COMPILED"]

if os.environ.get("WSSDK_PURE"):
    # What this package's folder holds is looked up by a finder that knows sources only.
    sys.path_importer_cache[__path__[0]] = FileFinder(__path__[0], (SourceFileLoader, SOURCE_SUFFIXES))

try:
    import wssdk.wire._slots  # noqa: F401  # importing it is what fills the slots
except ImportError:
    COMPILED = False
    """Whether this room runs as machine code."""
else:
    COMPILED = True
