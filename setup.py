"""The compiled part; everything else stands in pyproject.toml.

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
CHOICE = os.environ.get("WSSDK_BUILD_EXTENSION") or "auto"

WIRE = Path("wssdk/wire")
PURE_ONLY = {"__init__", "raw"}
"""Not compiled: the package itself, and what raw.pxd takes the place of."""

DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,
    "cdivision": True,
    "freethreading_compatible": True,
}


class BuildExtension(build_ext):
    """Builds the extensions; all of them or, unless they are required, none."""

    def finalize_options(self) -> None:
        """Compile on every processor, unless told otherwise."""
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count() or 1

    def run(self) -> None:
        """Build, or say once why not."""
        folders = [Path(self.build_lib), *([Path()] if self.inplace else [])]
        try:
            self.translate()
            super().run()
        except Exception as error:
            if CHOICE == "require":
                raise
            self.leave_out(folders)
            self.warn(
                "wssdk is built without its compiled part, and several times slower. Install a C compiler "
                f"and install again, or have it so by WSSDK_BUILD_EXTENSION=never. The reason: {error}"
            )

    def translate(self) -> None:
        """Make C of the sources that changed since, in a folder that belongs to this Cython."""
        import Cython
        from Cython.Build import cythonize

        folder = Path("build", f"cython-{Cython.__version__}")
        # What Cython does not see that the sources depend on.
        said = max(path.stat().st_mtime for path in (Path(__file__), WIRE / "raw.pxd"))
        made = cythonize(
            self.extensions,
            build_dir=folder.as_posix(),
            compiler_directives=DIRECTIVES,
            force=self.force or any(old.stat().st_mtime < said for old in folder.rglob("*.c")),
            # Processes are started by importing the main module where they cannot be forked.
            nthreads=0 if sys.platform == "win32" else self.parallel,
        )
        sources = {extension.name: extension.sources for extension in made}
        for extension in self.extensions:
            extension.sources = sources[extension.name]

    def leave_out(self, folders: list[Path]) -> None:
        """Remove what was built into the folders, now or before; go on as a package without extensions."""
        for extension in self.extensions:
            for folder in folders:
                (folder / self.get_ext_filename(extension.name)).unlink(missing_ok=True)
        self.extensions = self.distribution.ext_modules = []
        wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
        if wheel is not None:
            wheel.root_is_pure = True


def flags() -> list[str]:
    """Return what the compiler is told where ``CFLAGS`` does not say something else of the same kind."""
    said = {flag[:2] for flag in os.environ.get("CFLAGS", "").split()}
    # What a debugger would need is three quarters of the size.
    return [flag for flag in ("-O3", "-g0") if flag[:2] not in said]


def extensions() -> list[Extension]:
    """Return what is to be compiled."""
    if CHOICE not in CHOICES:
        sys.exit(f"WSSDK_BUILD_EXTENSION={CHOICE}: must be one of {', '.join(CHOICES)}")
    if CHOICE == "never":
        return []
    if sys.implementation.name != "cpython":
        if CHOICE == "require":
            sys.exit(f"WSSDK_BUILD_EXTENSION=require: {sys.implementation.name} runs wssdk uncompiled only")
        return []
    sources = [*WIRE.glob("*.py"), *WIRE.glob("*.pyx")]
    # Each depends on all declarations: a struct that grew must not be met by code that knows the old one.
    depends = ["setup.py", *sorted(path.as_posix() for path in WIRE.glob("*.pxd"))]
    return [
        Extension(
            f"wssdk.wire.{source.stem}",
            [source.as_posix()],
            depends=depends,
            extra_compile_args=[] if sys.platform == "win32" else flags(),
        )
        for source in sorted(sources)
        if source.stem not in PURE_ONLY
    ]


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExtension})
