"""Where Python 2.7 is: Autobahn's test suite runs on no other."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["find_python27"]


def find_python27() -> str | None:
    """Return the path of a Python 2.7: ``WSSDK_PYTHON27``, pyenv's, or the one on PATH; None without one."""
    named = os.environ.get("WSSDK_PYTHON27")
    if named:
        return shutil.which(named)
    if shutil.which("pyenv"):
        prefix = subprocess.run(["pyenv", "prefix", "2.7.18"], capture_output=True, text=True, check=False)
        python = Path(prefix.stdout.strip()) / "bin" / "python2.7"
        if prefix.returncode == 0 and python.exists():
            return str(python)
    return shutil.which("python2.7")
