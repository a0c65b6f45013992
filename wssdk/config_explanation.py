"""What ``config.explain()`` returns: each value, where it comes from, and what it overrode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import attrs

from wssdk.errors import printable

__all__ = ["ExplainedOption", "Explanation", "Origin"]


_LONGEST: Final = 100
"""Characters of a value that a table shows."""


@attrs.frozen
class Origin:
    """One place that sets an option."""

    kind: Literal["default", "file", "environment", "code"]
    where: str
    """``service.toml:7``, the name of a variable, ``code``, ``connect(open_timeout=...)`` or ``default``."""
    value: str
    """What it is set to there, as TOML writes it, all of it; secrets are masked."""


@attrs.frozen
class ExplainedOption:
    """One option, its value, and where that is from."""

    option: str
    """Dotted path, as TOML writes it."""
    value: str
    """As TOML writes it, all of it; secrets are masked."""
    origin: Origin
    """What set it."""
    overrode: tuple[Origin, ...] = ()
    """What would hold without that, the next one first; the default is the last."""
    keys: tuple[str, ...] = ()
    """The path, part by part: a header's name may have dots in it."""

    @property
    def is_default(self) -> bool:
        """Whether nothing set it."""
        return self.origin.kind == "default"


@attrs.frozen
class Explanation:
    """Every option of a configuration.

    ``str()`` is a table, with what is set first; of long values it shows the beginning.
    """

    options: tuple[ExplainedOption, ...]
    """In the order of the sections."""

    def __iter__(self) -> Iterator[ExplainedOption]:
        return iter(self.options)

    def __len__(self) -> int:
        return len(self.options)

    def __getitem__(self, option: str) -> ExplainedOption:
        """Return one option by its dotted path; names of headers compare without case.

        Raises:
            KeyError: there is no such option, or no such header; the text names the one that is near.
        """
        folded = option.lower() if option.startswith("headers.") else option
        for row in self.options:
            for name in (row.option, ".".join(row.keys)):
                if folded == (name.lower() if name.startswith("headers.") else name):
                    return row
        from wssdk.config_schema import dotted, meant

        near = meant(tuple(option.split(".")))
        hint = f"; did you mean {dotted(near[0])!r}?" if near else ""
        raise KeyError(f"there is no option {option!r}{hint}")

    @property
    def changed(self) -> tuple[ExplainedOption, ...]:
        """The options that something set."""
        return tuple(row for row in self.options if not row.is_default)

    def __str__(self) -> str:
        set_first = (*self.changed, *(row for row in self.options if row.is_default))
        lines = [("OPTION", "VALUE", "FROM", "OVERRODE")]
        for row in set_first:
            over = ", ".join(
                f"{origin.where} ({printable(origin.value, _LONGEST)})" for origin in row.overrode
            )
            lines.append((row.option, printable(row.value, _LONGEST), row.origin.where, over))
        widths = [max(len(line[column]) for line in lines) for column in range(3)]
        return "\n".join(
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]
            ).rstrip()
            for line in lines
        )
