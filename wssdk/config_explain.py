"""Where every value of a configuration comes from: what stands behind ``config.explain()``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wssdk.config import ClientConfig
from wssdk.config_explanation import ExplainedOption, Explanation, Origin
from wssdk.config_keywords import keyword_of
from wssdk.config_kinds import field_of
from wssdk.config_origins import Origins, Values
from wssdk.config_schema import HEADERS, OPTIONS, Keys, dotted
from wssdk.config_texts import shown

__all__ = ["explain"]


def explain(config: ClientConfig) -> Explanation:
    """Return where every value of ``config`` comes from."""
    origins = config._origins
    values = Values(config)
    made = Values(origins.made) if isinstance(origins, Origins) else values
    return Explanation(tuple(_explain_one(origins, values, made, option) for option in _options(config)))


def _options(config: ClientConfig) -> Iterator[Keys]:
    """Yield every option, and the headers that are set, in the order of the sections."""
    in_order = list(OPTIONS)
    top = [option for option in in_order if len(option) == 1]
    yield from top
    yield from ((HEADERS, name) for name in config.headers)
    yield from in_order[len(top) :]


def _explain_one(origins: Any, values: Values, made: Values, option: Keys) -> ExplainedOption:
    """Return where the value of an option comes from; ``made`` are the values as they were loaded."""
    value = values.of(option)
    text = shown(option, value)
    is_header = option[0] == HEADERS
    default = () if is_header else field_of(option).default
    chain: list[Origin] = [] if is_header else [Origin("default", "default", shown(option, default))]
    if isinstance(origins, Origins):
        chain.extend(recorded.origin for recorded in origins.of(option))
        if value != made.of(option):
            chain.append(Origin("code", "code", text))
    elif value != default:
        chain.append(Origin("code", _keyword(origins or (), option), text))
    return ExplainedOption(dotted(option), text, chain[-1], tuple(reversed(chain[:-1])), option)


def _keyword(keywords: tuple[str, ...], option: Keys) -> str:
    """Return the call that set an option: by which of the ``keywords`` of ``connect()``, where it was one."""
    keyword = keyword_of(".".join(option))
    if keyword not in keywords:
        return "code"
    return "connect(uri)" if keyword == "uri" else f"connect({keyword}=...)"
