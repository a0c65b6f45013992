"""A text that shows itself only when asked."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["MASK", "Secret"]

MASK: Final = "********"
"""What stands where a secret would be shown."""


class Secret:
    """A secret text: masked in ``str()``, ``repr()``, formatting and ``attrs.asdict()``.

    Two secrets are equal where their texts are. Pickling keeps the text: a pickle is as secret as the
    secret itself.
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Secret cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Secret cannot be changed")

    def __reduce__(self) -> Any:
        return Secret, (self._text,)
