"""Configurations as TOML: the file that gives one back, and the file that shows every option there is."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wssdk.config import ClientConfig
from wssdk.config_build import as_spelled
from wssdk.config_env import decode
from wssdk.config_json import told
from wssdk.config_kinds import field_of, kind_of, may_be_off
from wssdk.config_origins import Origins, Values
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
from wssdk.config_texts import quoted, toml_text
from wssdk.config_values import items, redacted_text
from wssdk.errors import ConfigError, ConfigProblem, printable

__all__ = ["default_toml", "to_toml"]

_WIDTH: Final = 100
_NOT_WRITTEN: Final = "# a secret, which is not written: set the variable"
_NO_VARIABLE: Final = "it is not written, as all secrets are, and no variable can set it"
_TO_CODE: Final = "leave it to code"
_PREFIX: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*)?")
_SPELLED: Final = re.compile(r"[A-Za-z0-9_-]+")
# There a URI without its scheme has a password; elsewhere it may be "mailto:me@example.com".
_HOSTS: Final = frozenset(("host", "local_host", "server_hostname"))
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_EXAMPLES: Final[Mapping[Keys, str]] = {
    ("uri",): 'uri = "wss://example.com/feed"',
    (HEADERS,): 'X-Api-Key = "${env:API_KEY}"',
    (EXTENDS,): 'extends = ["base.toml"]',
}


def to_toml(config: ClientConfig, env_prefix: str) -> str:
    """Return the file; see ``ClientConfig.to_toml``.

    Raises:
        ConfigError: something cannot be written.
        ValueError: no variable can have that prefix.
    """
    if _PREFIX.fullmatch(env_prefix) is None:
        raise ValueError(f"no variable has a name that begins with {env_prefix!r}")
    problems: list[ConfigProblem] = []
    values = _Written(config)
    blocks = [
        "\n".join(_top(values, problems)),
        "\n".join(_header_lines(config, values, env_prefix, problems)),
    ]
    for name in SECTIONS:
        lines = [
            line
            for option in OPTIONS
            if option[0] == name and len(option) == 2
            for line in _set_lines(values, option, env_prefix, problems)
        ]
        blocks.append("\n".join([f"[{name}]", *lines]) if lines else "")
    if problems:
        raise ConfigError(problems)
    return "\n\n".join(block for block in blocks if block) + "\n"


class _Written:
    """The values of a configuration, and what may be written for secrets among them."""

    def __init__(self, config: ClientConfig) -> None:
        self._origins = config._origins if isinstance(config._origins, Origins) else None
        self._values = Values(config)
        self._made = self._values if self._origins is None else Values(self._origins.made)

    def of(self, option: Keys) -> Any:
        """Return the value of an option; of a header all values of that name."""
        return self._values.of(option)

    def reference(self, option: Keys) -> str | None:
        """Return what pointed at a secret when it was loaded; None where it is another by now."""
        if self._origins is None or self._made.of(option) != self._values.of(option):
            return None
        recorded = self._origins.of(option)
        return recorded[-1].reference if recorded else None


def _top(values: _Written, problems: list[ConfigProblem]) -> Iterator[str]:
    for option in OPTIONS:
        if len(option) == 1:
            yield from _set_lines(values, option, "", problems)


def _set_lines(
    values: _Written, option: Keys, env_prefix: str, problems: list[ConfigProblem]
) -> Iterator[str]:
    """Yield the lines for an option that is not at its default."""
    value = values.of(option)
    if value == field_of(option).default:
        return
    parts = items(value) or (value,)
    if OPTIONS[option].secret and value is not None:
        reference = values.reference(option)
        if reference is None:
            if decode(value.reveal(), OPTIONS[option]) != value.reveal() or "\0" in value.reveal():
                _refuse(problems, option, _NO_VARIABLE, 'have it point elsewhere: { file = "PATH" }')
            yield _NOT_WRITTEN
            reference = f"{{ env = {quoted(env_prefix + environment_name(option))} }}"
        yield f"{option[-1]} = {reference}"
    elif any(_has_secret(option, part) for part in parts):
        hint = "take it out: auth and proxy have options for secrets, which may be references"
        _refuse(problems, option, "there is a secret in it, and secrets are not written", hint)
    elif any(isinstance(part, str) and _SURROGATE.search(part) for part in parts):
        _refuse(problems, option, "there is half a surrogate pair in it, which no file can hold", _TO_CODE)
    else:
        yield f"{option[-1]} = {toml_text(option, value)}"


def _refuse(problems: list[ConfigProblem], option: Keys, text: str, hint: str) -> None:
    problems.append(ConfigProblem("code", dotted(option), f"{dotted(option)}: {text}", hint))


def _has_secret(option: Keys, text: object) -> bool:
    if not isinstance(text, str) or not ("://" in text or (option[-1] in _HOSTS and "@" in text)):
        return False
    # What has no secrets is returned as it is, or as it is printed.
    return redacted_text(text) not in (text, printable(text, sys.maxsize))


def _header_lines(
    config: ClientConfig, written: _Written, env_prefix: str, problems: list[ConfigProblem]
) -> Iterator[str]:
    if config.headers:
        yield f"[{HEADERS}]"
    spelled: set[str] = set()
    for name in config.headers:
        option = (HEADERS, name)
        values = written.of(option)
        own = quoted(f"${{env:{env_prefix}{environment_name(option)}}}")
        reference = written.reference(option) if values[0] else quoted("")
        if len(values) > 1:
            text = "the header is sent several times, and a file has each name once"
            _refuse(problems, option, text, _TO_CODE)
        elif reference in (None, own):
            # A variable has the first header whose name it spells; "${" would be filled in there.
            if not _has_variable(name) or as_spelled(name) in spelled or "${" in values[0]:
                _refuse(problems, option, _NO_VARIABLE, 'have it point elsewhere: "${file:PATH}"')
            if reference is None:
                yield _NOT_WRITTEN
        spelled.add(as_spelled(name))
        yield f"{dotted((name,))} = {reference or own}"


def _has_variable(name: str) -> bool:
    """Tell whether a variable can spell the name of a header: letters, digits and dashes."""
    return _SPELLED.fullmatch(name) is not None


def default_toml(uri: str | None = None) -> str:
    """Return a file with every option at its default, commented out, and with ``uri``.

    Raises:
        ConfigError: ``uri`` is not a WebSocket URI.
    """
    ClientConfig(uri=uri)
    blocks = [
        "# Configuration of wssdk. What is commented out is the default.",
        _comment(told((EXTENDS,))) + f"\n# Example: {_EXAMPLES[EXTENDS,]}",
    ]
    blocks += [
        _shown_option(option, uri if option == ("uri",) else None) for option in OPTIONS if len(option) == 1
    ]
    blocks.append(f"{_section_head(HEADERS)}\n# Example: {_EXAMPLES[HEADERS,]}")
    for name in SECTIONS:
        options = [option for option in OPTIONS if option[0] == name and len(option) == 2]
        blocks += [_section_head(name), *map(_shown_option, options)]
    blocks.append(f"{_comment(told((CONNECTIONS,)))}\n# Example: [{CONNECTIONS}.trades]")
    return "\n\n".join(blocks) + "\n"


def _section_head(name: str) -> str:
    text = told((name,))
    kinds = SHORT_FORMS.get(name, ())
    if kinds:
        value = 'true, false or "http://proxy:3128"' if str in kinds else "true or false"
        text += f" In short, above all sections: {name} = {value}."
    return f"{_comment(text)}\n[{name}]"


def _shown_option(option: Keys, value: str | None = None) -> str:
    kind = kind_of(option)
    unit = f" in {kind.unit}" if kind.unit else ""
    off = ", or false" if may_be_off(option) else ""
    secret = ', { env = "NAME" }, { file = "PATH" }' if OPTIONS[option].secret else ""
    text = f"{told(option).rstrip('.')} ({kind.name}{unit}{secret}{off})."
    default: Any = field_of(option).default
    example = _EXAMPLES.get(option)
    line = f"# Example: {example}" if example else f"#{option[-1]} = {toml_text(option, default)}"
    if value is not None:
        line = f"{option[-1]} = {quoted(value)}"
    return f"{_comment(text)}\n{line}"


def _comment(text: str) -> str:
    return "\n".join(
        f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    )
