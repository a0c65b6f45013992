"""The reference page of the options, made of the schema: ``python -m wssdk.config_page``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wssdk.config_docs import descriptions
from wssdk.config_json import told
from wssdk.config_keywords import keyword_of
from wssdk.config_kinds import field_of, kind_of, may_be_off
from wssdk.config_schema import (
    CONNECTIONS,
    EXTENDS,
    HEADERS,
    OPTIONS,
    SECTIONS,
    SHORT_FORMS,
    Keys,
    dotted,
    environment_name,
)
from wssdk.config_texts import toml_text

__all__ = ["options_page"]

_PREFIX = "WSSDK_"
_HEAD = """\
# Options

<!-- Made by `python -m wssdk.config_page > docs/reference/options.md`: change the docstrings, not this. -->

Every option in its three spellings; the keyword is that of `connect()`, where there is one. "Off" is
`false` in TOML, `none` in the environment and `None` in code. A duration is a number of seconds, or a text
with a unit: `ms`, `s`, `m`, `h`. A size is a number of bytes, or a text with a unit: `B`, `kB`, `MB`, `GB`,
`KiB`, `MiB`, `GiB`. A secret is a text, `{ env = "NAME" }` or `{ file = "PATH" }`.
"""


def options_page() -> str:
    """Return the page, in Markdown."""
    assert descriptions(), "the docstrings are in the source code"
    top = [option for option in OPTIONS if len(option) == 1]
    parts = [_HEAD, "## Top level\n", *map(_option, top), *_tables()]
    for name in SECTIONS:
        parts.append(f"## {name}\n\n{told((name,))}\n")
        kinds = SHORT_FORMS.get(name, ())
        if kinds:
            more = ", or the URL of a proxy" if str in kinds else ""
            parts.append(
                f"In short: `{name} = true`{more}; `{_PREFIX}{environment_name((name,))}`; "
                f"`ClientConfig({name}=True)`.\n"
            )
        parts += [_option(option) for option in OPTIONS if option[0] == name and len(option) == 2]
    return "\n".join(parts)


def _tables() -> Iterator[str]:
    yield _entry(
        HEADERS,
        told((HEADERS,)),
        [
            ("type", "table of texts, each a secret"),
            ("default", "empty"),
            ("TOML", f'`[{HEADERS}]`, `X-Api-Key = "${{env:API_KEY}}"`'),
            ("environment", f"`{_PREFIX}HEADERS__X_API_KEY`"),
            ("keyword", "`additional_headers`"),
        ],
    )
    yield _entry(
        EXTENDS, told((EXTENDS,)), [("type", "array of paths"), ("TOML", '`extends = ["base.toml"]`')]
    )
    yield _entry(
        CONNECTIONS,
        told((CONNECTIONS,)),
        [
            ("type", "table of tables"),
            ("TOML", f"`[{CONNECTIONS}.trades]`, `[{CONNECTIONS}.trades.timeouts]`"),
            ("environment", f"`{_PREFIX}CONNECTIONS__TRADES__TIMEOUTS__OPEN`"),
        ],
    )


def _option(option: Keys) -> str:
    kind = kind_of(option)
    default: Any = field_of(option).default
    if default is None:
        shown = "off" if may_be_off(option) else "not set"
    elif option == ("user_agent",):
        shown = "`Python/` and its version, `wssdk/` and its version"
    else:
        shown = f"`{toml_text(option, default)}`"
    variable = f"`{_PREFIX}{environment_name(option)}`"
    if OPTIONS[option].secret:
        variable += f", or a file: `{_PREFIX}{environment_name(option)}_FILE`"
    rows = [
        ("type", f"{kind.name}, or off" if may_be_off(option) else kind.name),
        ("unit", kind.unit),
        ("default", shown),
        ("TOML", f"`{dotted(option)}`"),
        ("environment", variable),
        ("keyword", _keyword(option)),
    ]
    return _entry(dotted(option), told(option), rows)


def _keyword(option: Keys) -> str:
    keyword = keyword_of(".".join(option))
    return f"`{keyword}`" if keyword else "-"


def _entry(title: str, text: str, rows: list[tuple[str, str]]) -> str:
    cells = "\n".join(f"| {name} | {value} |" for name, value in rows if value)
    return f"### `{title}`\n\n{text}\n\n| | |\n| --- | --- |\n{cells}\n"


if __name__ == "__main__":
    print(options_page(), end="")
