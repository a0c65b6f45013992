"""The libraries that compress, by name."""

from __future__ import annotations

import sys
import zlib

import pytest

from wssdk.errors import ConfigError
from wssdk.wire.backends import load_backend


@pytest.mark.parametrize("name", ["zlib", "zlib-ng", "isal"])
def test_backend_is_loaded_by_name(name: str) -> None:
    if name != "zlib":
        pytest.importorskip("isal" if name == "isal" else "zlib_ng", reason=f"{name} is not installed")
    assert load_backend(name).name == name


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no library be found but zlib."""
    for name in ("zlib_ng", "isal"):
        for module in [name, *(m for m in sys.modules if m.startswith(f"{name}."))]:
            monkeypatch.setitem(sys.modules, module, None)
    load_backend.cache_clear()


@pytest.mark.usefixtures("nothing_installed")
def test_auto_does_with_zlib() -> None:
    compressor = load_backend("auto").compressor(6, 15, 5)
    data = compressor.compress(b"Hello") + compressor.flush()
    assert load_backend("auto").decompressor(15).decompress(data) == b"Hello"
    load_backend.cache_clear()


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", ["zlib-ng", "isal"])
def test_missing_library_is_told_with_the_way_out(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"compression.backend: {name} cannot be used") as caught:
        load_backend(name)
    assert caught.value.problems[0].hint == (
        "pip install 'wssdk[speed]', or set compression.backend to 'auto' or 'zlib'"
    )


def test_auto_inflates_by_zlib_ng_where_it_is() -> None:
    zlib_ng = pytest.importorskip("zlib_ng.zlib_ng", reason="zlib-ng is not installed")
    assert type(load_backend("auto").decompressor(15)) is type(zlib_ng.decompressobj())


def test_auto_compresses_by_zlib_which_takes_a_fifth_of_the_memory() -> None:
    assert type(load_backend("auto").compressor(6, 15, 5)) is type(zlib.compressobj())


@pytest.mark.parametrize("level", range(-1, 10))
def test_isal_takes_the_levels_of_zlib(level: int) -> None:
    pytest.importorskip("isal", reason="isal is not installed")
    compressor = load_backend("isal").compressor(level, 15, 5)
    data = compressor.compress(b"Hello") + compressor.flush()
    assert zlib.decompress(data, -15) == b"Hello"
