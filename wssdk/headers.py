"""HTTP header fields, requests and responses, as the opening handshake uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, Protocol, TypeAlias

import attrs

__all__ = ["Headers", "HeadersLike", "MultipleValuesError", "Request", "Response", "SupportsKeysAndGetItem"]


class MultipleValuesError(LookupError):
    """``headers[name]`` was asked for one value of a field that occurs several times."""


class SupportsKeysAndGetItem(Protocol):
    """A mapping by its two essential methods."""

    def keys(self) -> Iterable[str]:
        """Return the names."""
        ...

    def __getitem__(self, key: str, /) -> str:
        """Return the value of a name."""
        ...


class Headers(MutableMapping[str, str]):
    """Case-insensitive multi-mapping of HTTP header fields.

    Names keep the spelling they were set with, and fields keep their order. ``headers[name] = value``
    adds a field, as users of the field's asyncio client know it; ``del headers[name]`` removes every
    field of that name. ``headers[name]`` raises :exc:`MultipleValuesError` where there are several:
    use :meth:`get_all`.
    """

    # Looked through for every name: they are few, and an index is as large as they are.
    __slots__ = ("_fields",)

    def __init__(self, *args: HeadersLike, **kwargs: str) -> None:
        # Names and values by turns: pairs would be an object each.
        self._fields: list[str] = []
        self.update(*args, **kwargs)

    def _by_name(self) -> dict[str, list[str]]:
        """Return the values of each name, in lower case."""
        found: dict[str, list[str]] = {}
        for name, value in self.raw_items():
            found.setdefault(name.lower(), []).append(value)
        return found

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\r\n" for name, value in self.raw_items()]) + "\r\n"

    def __repr__(self) -> str:
        # Values may be credentials: names are enough to tell one from another.
        return f"{type(self).__name__}({', '.join(name for name, _ in self.raw_items())})"

    def copy(self) -> Headers:
        """Return a copy that shares nothing."""
        return Headers(self)

    def serialize(self) -> bytes:
        """Return the fields and the empty line as they stand on the wire; non-ASCII text in UTF-8.

        Raises:
            UnicodeEncodeError: a value holds half of a surrogate pair.
        """
        return str(self).encode()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self.get_all(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __getitem__(self, key: str) -> str:
        values = self.get_all(key)
        if not values:
            raise KeyError(key.lower())
        if len(values) > 1:
            raise MultipleValuesError(key)
        return values[0]

    def __setitem__(self, key: str, value: str) -> None:
        self.update(((key, value),))

    def __delitem__(self, key: str) -> None:
        lower = key.lower()
        kept = [field for field in self.raw_items() if field[0].lower() != lower]
        if 2 * len(kept) == len(self._fields):
            raise KeyError(lower)
        self._fields = [text for field in kept for text in field]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._by_name() == other._by_name()

    __hash__ = None  # type: ignore[assignment]  # mutable

    def clear(self) -> None:
        """Remove every field."""
        self._fields = []

    def update(self, *args: Any, **kwargs: str) -> None:
        """Add the fields of a mapping, of name-value pairs, or of other headers."""
        pairs: list[tuple[str, str]] = []
        for arg in args:
            if type(arg) is tuple or type(arg) is list:  # asking an abstract class takes longer than the rest
                pairs += [(key, value) for key, value in arg]
            elif isinstance(arg, Headers):
                pairs.extend(arg.raw_items())
            elif hasattr(arg, "keys"):
                pairs.extend((key, arg[key]) for key in arg.keys())  # noqa: SIM118  # only keys() is promised
            else:
                pairs.extend((key, value) for key, value in arg)
        pairs.extend(kwargs.items())
        for key, _ in pairs:
            if type(key) is not str and not isinstance(key, str):
                raise TypeError(f"name of a header must be a str, not {type(key).__name__}")
        self._fields += chain.from_iterable(pairs)

    def get_all(self, key: str) -> list[str]:
        """Return every value of a field, in order; an empty list where there is none."""
        lower, size = key.lower(), len(key)
        # By length first: it tells most names apart, in a fraction of the time.
        return [value for name, value in self.raw_items() if len(name) == size and name.lower() == lower]

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Iterate over all fields as they were set: one pair a field, repeated names included."""
        return zip(self._fields[::2], self._fields[1::2], strict=True)


HeadersLike: TypeAlias = Headers | Mapping[str, str] | Iterable[tuple[str, str]] | SupportsKeysAndGetItem
"""What may be given as headers: ``Headers``, a mapping, or pairs of name and value."""


@attrs.define
class Request:
    """The opening handshake's request, as it was sent."""

    # A query may carry a token: the path is enough to tell one request from another.
    path: str = attrs.field(repr=lambda path: repr(path.partition("?")[0] + "?..." * ("?" in path)))
    """Resource name with query (RFC 6455, 3)."""
    headers: Headers
    method: str = "GET"
    protocol: str = "HTTP/1.1"


@attrs.define
class Response:
    """The opening handshake's response, as it was received."""

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
