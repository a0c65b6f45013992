from __future__ import annotations

from pathlib import Path

import pytest

from wssdk.config_page import options_page
from wssdk.config_schema import OPTIONS, environment_name

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "options.md"


def test_the_page_is_what_the_schema_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == options_page(), (
        "make it anew: python -m wssdk.config_page > docs/reference/options.md"
    )


@pytest.mark.parametrize("option", list(OPTIONS), ids=".".join)
def test_every_option_is_on_it_with_its_variable(option: tuple[str, ...]) -> None:
    assert f"### `{'.'.join(option)}`\n" in options_page()
    assert f"`WSSDK_{environment_name(option)}`" in options_page()
