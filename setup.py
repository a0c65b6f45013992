"""The list of extensions; everything else stands in pyproject.toml.

``WSSDK_BUILD_EXTENSION``: ``auto`` (the default) compiles ``wssdk/wire`` where that is possible, and goes
on with the same files uncompiled where it is not; ``require`` fails then; ``never`` does not try.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CHOICES = ("auto", "require", "never")
CHOICE = os.environ.get("WSSDK_BUILD_EXTENSION", "auto")
if CHOICE not in CHOICES:
    sys.exit(f"WSSDK_BUILD_EXTENSION={CHOICE}: must be one of {', '.join(CHOICES)}")

WIRE = Path("wssdk/wire")
PURE_ONLY = {"__init__", "raw"}
"""Not compiled: the package itself, and what raw.pxd takes the place of."""


class BuildExtension(build_ext):
    """Builds the extensions; all of them or, unless they are required, none."""

    def run(self) -> None:
        """Build, or say once why not."""
        try:
            super().run()
        except Exception as error:
            if CHOICE == "require":
                raise
            for extension in self.extensions:
                Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
            self.extensions = []
            self.warn(
                f"wssdk is installed without its compiled part, and several times slower: {error}. Install "
                "a C compiler and install again, or set WSSDK_BUILD_EXTENSION=never"
            )


def extensions() -> list[Extension]:
    """Return what is to be compiled."""
    if CHOICE == "never" or sys.implementation.name != "cpython":
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        if CHOICE == "require":
            raise
        return []
    flags = [] if sys.platform == "win32" else ["-O3"]
    sources = [*WIRE.glob("*.py"), *WIRE.glob("*.pyx")]
    modules = [
        Extension(f"wssdk.wire.{source.stem}", [source.as_posix()], extra_compile_args=flags)
        for source in sorted(sources)
        if source.stem not in PURE_ONLY
    ]
    return cythonize(
        modules,
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "annotation_typing": False,
            "cdivision": True,
            "freethreading_compatible": True,
        },
    )


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExtension})
