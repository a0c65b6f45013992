"""Changes by dotted names: their order does not matter, and overrides make the same of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wssdk.config import ClientConfig
from wssdk.config_schema import OPTIONS, SECTIONS
from wssdk.errors import ConfigError

untimed = settings(deadline=None)

narrow = st.sampled_from(
    [f"{option[0]}.{option[1]}" for option in OPTIONS if len(option) == 2]
    + [f"headers.{name}" for name in ("X-A", "x-a", "X-a", "X-B")]
)
wide = st.sampled_from([*SECTIONS, "headers", "uri", "zzz"])
short = st.sampled_from([True, False, None, 5, "http://p", "ws://h", "10s"])
inside = st.dictionaries(
    st.sampled_from(["enabled", "url", "open", "level", "X-A", "x-a", "X-B"]), short, max_size=3
)
changed = st.dictionaries(narrow, short, max_size=4).flatmap(
    lambda dotted: st.dictionaries(wide, short | inside, max_size=3).map(lambda tables: {**dotted, **tables})
)


def outcome(call: Callable[[], ClientConfig]) -> object:
    """Return the configuration, with its headers in no order, or the set of what is wrong."""
    try:
        config = call()
    except ConfigError as error:
        return {(problem.path, problem.hint) for problem in error.problems}
    headers = sorted((name.lower(), value) for name, value in config.headers.raw_items())
    return attrs.evolve(config, headers=None), headers


@untimed
@given(changes=changed, data=st.data())
def test_the_order_of_changes_does_not_matter(changes: dict[str, Any], data: st.DataObject) -> None:
    other = dict(data.draw(st.permutations(list(changes.items()))))
    base = ClientConfig(uri="wss://h", headers={"X-A": "a", "X-B": "b"})
    assert outcome(lambda: base.evolve(changes)) == outcome(lambda: base.evolve(other))
    assert outcome(lambda: ClientConfig.load(environ={}, overrides=changes)) == outcome(
        lambda: ClientConfig.load(environ={}, overrides=other)
    )


@untimed
@given(changes=st.dictionaries(narrow, short, max_size=4))
def test_overrides_and_changes_agree(changes: dict[str, Any]) -> None:
    text = 'uri = "wss://h"\nheaders = { X-A = "a", X-B = "b" }'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        file.write_text(text, encoding="utf-8")
        below = ClientConfig.from_toml(file)
        try:
            over = ClientConfig.load(file, environ={}, overrides=changes)
        except ConfigError:
            over = None
    if over is not None:
        assert outcome(lambda: below.evolve(changes)) == outcome(lambda: over)
    else:
        with pytest.raises(ConfigError):
            below.evolve(changes)
