"""Header fields as a value: frozen, hashable, masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from wssdk.config_values import BadValue, Dialect, Refused, describe, is_off
from wssdk.config_words import header_fault, token_size
from wssdk.errors import ConfigError, ConfigProblem, printable
from wssdk.headers import Headers, HeadersLike, MultipleValuesError
from wssdk.secret import MASK, Secret

__all__ = [
    "FrozenHeaders",
    "SecretHeaders",
    "check_header",
    "fields_of",
    "frozen_headers",
    "header_refusal",
    "shown_name",
]

SecretHeaders: TypeAlias = Mapping[str, str | Secret] | Iterable[tuple[str, str | Secret]]
"""Header fields of which some are secrets."""

_EXPECTED: Final = "a mapping of header names to texts, or pairs of them"

_HINTS: Final = {
    "host": "to dial another address than the URI's, set network.host",
    "sec-websocket-protocol": "set subprotocols",
    "sec-websocket-extensions": "set compression",
}
_TEXT_HINTS: Final = {
    **dict.fromkeys(Dialect, 'write the text itself, "${env:NAME}" or "${file:PATH}"'),
    # Nothing is filled in there.
    Dialect.CODE: 'write the text itself, a str; one of the environment is os.environ["NAME"]',
}


class FrozenHeaders(Mapping[str, str]):
    """Header fields for the opening handshake; names compare without case, values are masked in ``repr()``.

    ``headers[name]`` raises ``MultipleValuesError`` where a field occurs several times: use
    :meth:`get_all`.
    """

    # Not an attrs class: attrs.asdict() would lay the values open.
    __slots__ = ("_fields", "_secret_names")

    _fields: tuple[tuple[str, str], ...]
    _secret_names: frozenset[str]

    def __init__(self, fields: Iterable[tuple[str, str]] = (), secret_names: Iterable[str] = ()) -> None:
        object.__setattr__(self, "_fields", tuple((name, value) for name, value in fields))
        object.__setattr__(self, "_secret_names", frozenset(name.lower() for name in secret_names))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("FrozenHeaders cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("FrozenHeaders cannot be changed")

    def __reduce__(self) -> Any:
        return FrozenHeaders, (self._fields, self._secret_names)

    @property
    def secret_names(self) -> frozenset[str]:
        """Names, in lower case, of fields whose values are secrets.

        They were given as such, filled in from elsewhere, or are from the environment; an empty one is no
        secret. It is a part of the value: other origins are not told them.
        """
        return self._secret_names

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Iterate over all fields in order: one pair a field, repeated names included."""
        return iter(self._fields)

    def get_all(self, name: str) -> list[str]:
        """Return every value of a field, in order; an empty list where there is none."""
        return [value for key, value in self._fields if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        if len(values) > 1:
            raise MultipleValuesError(name)
        return values[0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[str]:
        first: dict[str, str] = {}
        for name, _ in self._fields:
            first.setdefault(name.lower(), name)
        return iter(first.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._fields})

    def __repr__(self) -> str:
        fields = ", ".join(f"{name!r}: {MASK!r}" for name, _ in self._fields)
        return f"{type(self).__name__}({{{fields}}})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenHeaders):
            return self._folded() == other._folded() and self._secret_names == other._secret_names
        if isinstance(other, Mapping):
            # Without order and spelling, as mappings compare.
            items = other.raw_items() if isinstance(other, Headers) else other.items()
            return sorted(self._folded()) == sorted((str(name).lower(), value) for name, value in items)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._folded())

    def _folded(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.lower(), value) for name, value in self._fields)


def check_header(name: object, value: object) -> None:
    """Check one header field.

    Raises:
        BadValue: it may not be sent.
    """
    bad = header_refusal(name, value)
    if bad is not None:
        raise bad


def header_refusal(name: object, value: object) -> BadValue | None:
    """Return why a header field may not be sent; None where it may."""
    if not isinstance(name, str):
        return BadValue("the name of a header", name)
    if isinstance(value, Secret):
        value = value.reveal()
    if not isinstance(value, str):
        return BadValue("a text", value, _TEXT_HINTS)
    if fault := header_fault(name, value):
        return Refused(fault, value, _HINTS.get(name.lower()))
    return None


def shown_name(name: str) -> str:
    """Return the name of a header, up to the first character that may not be in it.

    A whole header line may have been given as its name, credentials and all.
    """
    return printable(name[: token_size(name) + 1])


def frozen_headers(value: HeadersLike | SecretHeaders | None) -> FrozenHeaders:
    """Return header fields, frozen; None for none. A value may be a :class:`Secret`.

    Raises:
        BadValue: no headers at all.
        ConfigError: fields that may not be sent; every one of them is named, their values are not.
    """
    if isinstance(value, FrozenHeaders):
        return value
    fields = () if is_off(value) else fields_of(value)
    problems = []
    for name, text in fields:
        try:
            check_header(name, text)
        except BadValue as bad:
            path = f"headers.{shown_name(str(name))}"
            message = f"{path}: {bad.told(Dialect.CODE, describe(bad.value, Dialect.CODE, shown=False))}"
            problems.append(ConfigProblem("code", path, message, bad.advice(Dialect.CODE)))
    if problems:
        raise ConfigError(problems)
    return FrozenHeaders(
        ((name, text.reveal() if isinstance(text, Secret) else text) for name, text in fields),
        (name for name, text in fields if isinstance(text, Secret) and text.reveal()),
    )


def fields_of(value: object) -> tuple[tuple[Any, Any], ...]:
    """Return header fields as pairs of name and value; what is a secret stays one.

    Raises:
        BadValue: no headers at all.
    """
    pairs: Iterable[Any]
    if isinstance(value, FrozenHeaders):
        secret = value.secret_names
        pairs = [(name, Secret(text) if name.lower() in secret else text) for name, text in value.raw_items()]
    elif isinstance(value, Headers):
        pairs = value.raw_items()
    elif hasattr(value, "keys"):
        mapping: Any = value
        pairs = [(name, mapping[name]) for name in mapping.keys()]  # noqa: SIM118  # only keys() is promised
    else:
        pairs = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [()]
    fields = []
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise BadValue(_EXPECTED, value)
        fields.append((pair[0], pair[1]))
    return tuple(fields)
