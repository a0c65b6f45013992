"""What a configuration error lists."""

from __future__ import annotations

import attrs

__all__ = ["ConfigProblem"]


@attrs.frozen
class ConfigProblem:
    """One thing wrong with the configuration."""

    where: str
    """``file:line:col``, ``environment variable NAME``, or ``code``."""
    path: str
    """Dotted path of the option, such as ``timeouts.open``; empty where no option is meant."""
    message: str
    """What is wrong."""
    hint: str | None = None
    """The way out."""
    snippet: str | None = None
    """The line of the file with a caret below it; secrets masked."""

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.message}" if self.where else self.message]
        if self.snippet:
            lines.extend("  " + line for line in self.snippet.splitlines())
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)
