"""WebSocket URIs (RFC 6455, 3; RFC 3986; RFC 3987): parsed strictly, shown without their secrets."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote

import attrs

from wssdk.errors import InvalidURI, printable

__all__ = [
    "ParsedURI",
    "RedactedURI",
    "WebSocketURI",
    "bracketed",
    "is_secret_name",
    "parse_uri",
    "parsed",
    "redact_uri",
    "redact_uris",
]

# Nearly every URI: nothing in it is to be changed, decoded or refused. The rest is read part by part.
_PLAIN: Final = re.compile(
    r"ws(s)?://([a-z0-9_-]{1,60}(?:\.[a-z0-9_-]{1,60}){0,3})(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?"
    r"((?:/[\w!$&'()*+,;=:@%~./-]*)?)(?:\?([\w!$&'()*+,;=:@%~./?-]*))?",
    re.ASCII,
)

_MASK: Final = "********"
_DEFAULT_PORTS: Final = {False: 80, True: 443}
_MAX_PORT: Final = 65535

# RFC 3986, appendix B; the authority is told from a path by "//".
_PARTS: Final = re.compile(
    r"(?P<scheme>[^:/?#]+)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?P<fragment>#.*)?",
    re.DOTALL,
)
# Whitespace, control characters and halves of surrogate pairs.
_UNFIT: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BRACKETED: Final = re.compile(r"\[(?P<address>[^\[\]]*)\](?::(?P<port>.*))?")
_PORT: Final = re.compile(r"[0-9]+")
_ZONE: Final = re.compile(r"[A-Za-z0-9._~-]+")
# Underscores are not for host names (RFC 1123), yet names of containers and services have them.
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_MAX_NAME: Final = 253

# A query parameter is a credential where its name has one of these in it ...
_SECRET_PARTS: Final = ("token", "secret", "passw", "signature", "credential", "apikey", "session")
# ... or is made of words of which one is among these.
_SECRET_WORDS: Final = frozenset(
    (
        "auth",
        "authorization",
        "bearer",
        "code",
        "cred",
        "creds",
        "hmac",
        "jwt",
        "key",
        "nonce",
        "otp",
        "pass",
        "pin",
        "pwd",
        "refresh",
        "sid",
        "sig",
        "ticket",
    )
)
# Up to what cannot stand in a URI; a quote at its end is not of it.
_URI_IN_TEXT: Final = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s"<>]*[^\s"<>'.,:;)\]]""")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def _show_query(query: str) -> str:
    return repr(_redact_query(query))


def _show_secret(value: str | None) -> str:
    return repr(value if value is None else _MASK)


@attrs.frozen
class WebSocketURI:
    """A WebSocket URI in its parts, each in the form the wire and the resolver want."""

    secure: bool
    """Whether the scheme is ``wss``."""
    host: str
    """Name (IDNA-encoded, lower case) or address (IPv6 without brackets, with its zone)."""
    port: int
    """1 to 65535; the scheme's default where the URI has none."""
    path: str = ""
    """Percent-encoded path; empty where the URI has none."""
    query: str = attrs.field(default="", repr=_show_query)
    """Percent-encoded query without its question mark; empty where the URI has none."""
    username: str | None = attrs.field(default=None, repr=_show_secret)
    """Percent-decoded; None where the URI has no userinfo."""
    password: str | None = attrs.field(default=None, repr=_show_secret)
    """Percent-decoded; None where the URI has no password."""

    @property
    def resource_name(self) -> str:
        """What is asked of the server (RFC 6455, 3): the path, ``/`` where empty, and the query."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path

    @property
    def host_header(self) -> str:
        """Value of the ``Host`` field: the port only where it is not the scheme's default."""
        host = bracketed(self.host)
        return host if self.port == _DEFAULT_PORTS[self.secure] else f"{host}:{self.port}"

    @property
    def user_info(self) -> tuple[str, str] | None:
        """Username and password for Basic authentication; None where the URI has no userinfo."""
        return None if self.username is None else (self.username, self.password or "")


def bracketed(host: str) -> str:
    """Return a host as URIs and ``Host`` fields have it: an IPv6 address in brackets, without its zone.

    A zone has a meaning on this machine only (RFC 6874, 4).
    """
    return f"[{host.partition('%')[0]}]" if ":" in host else host


class ParsedURI(str):
    """The text of a URI that has been parsed, and its parts: nobody has to parse it again.

    It is that text and compares, shows and pickles as such.
    """

    __slots__ = ("parts",)

    parts: WebSocketURI

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str.__str__(self),)


def parsed(uri: str) -> ParsedURI:
    """Return ``uri`` with its parts.

    Raises:
        InvalidURI, TypeError: as :func:`parse_uri` has it.
    """
    if isinstance(uri, ParsedURI):
        return uri
    parts = parse_uri(uri)
    text = ParsedURI(uri)
    text.parts = parts
    return text


def parse_uri(uri: str) -> WebSocketURI:
    """Parse a ``ws:`` or ``wss:`` URI or IRI.

    Non-ASCII letters are encoded: IDNA 2008 with UTS 46 mapping in the host, percent-encoded UTF-8 in
    path and query. All visible ASCII of path and query stays as given.

    Raises:
        InvalidURI: another scheme, a fragment, whitespace, a bad host or port; secrets are masked.
        TypeError: ``uri`` is no text.
    """
    if isinstance(uri, ParsedURI):
        return uri.parts
    if not isinstance(uri, str):
        raise TypeError(f"uri must be a str, not {type(uri).__name__}")
    try:
        return _parse(uri)
    except ValueError as error:
        reason = str(error)
    # Out of the except block: the original error must not travel in the new one.
    raise InvalidURI(redact_uri(uri), reason)


def _parse(uri: str) -> WebSocketURI:
    if plain := _PLAIN.fullmatch(uri):
        secure, host, port, path, query = plain.groups()
        return WebSocketURI(
            secure=secure is not None,
            host=host,
            port=_DEFAULT_PORTS[secure is not None] if port is None else int(port),
            path=path,
            query=query or "",
        )
    if unfit := _UNFIT.search(uri):
        raise ValueError(f"whitespace or a control character at position {unfit.start()}")
    parts = _PARTS.fullmatch(uri)
    if parts is None:
        raise ValueError("it must start with ws:// or wss://")
    scheme = parts["scheme"].lower()
    if scheme not in ("ws", "wss"):
        other = {"http": "ws", "https": "wss"}.get(scheme)
        raise ValueError("scheme isn't ws or wss" + (f"; did you mean {other}://?" if other else ""))
    if parts["fragment"] is not None:
        # RFC 6455, 3: "Fragment identifiers are meaningless [...] and MUST NOT be used".
        raise ValueError("it has a fragment; a '#' that belongs to another part is written %23")
    user_info, at, host_and_port = parts["authority"].rpartition("@")
    if "\\" in parts["authority"]:
        raise ValueError("a backslash before the path")  # programs differ on which host that means
    if "@" in user_info:
        raise ValueError("more than one '@' before the host; in a username or password it is written %40")
    username, password = _parse_user_info(user_info) if at else (None, None)
    secure = scheme == "wss"
    host, port = _parse_host_and_port(host_and_port)
    return WebSocketURI(
        secure=secure,
        host=host,
        port=_DEFAULT_PORTS[secure] if port is None else port,
        path=_encode_iri(parts["path"]),
        query=_encode_iri(parts["query"] or ""),
        username=username,
        password=password,
    )


def _parse_user_info(user_info: str) -> tuple[str, str | None]:
    raw_username, colon, raw_password = user_info.partition(":")
    try:
        username = unquote(raw_username, errors="strict")
        password = unquote(raw_password, errors="strict") if colon else None
    except UnicodeDecodeError:
        raise ValueError("username or password is not percent-encoded UTF-8") from None
    if ":" in username:
        # RFC 7617, 2: the first colon ends the user-id.
        raise ValueError("the username has a colon in it, which Basic authentication cannot carry")
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in username + (password or "")):
        raise ValueError("username or password has a control character in it")
    return username, password


def _parse_host_and_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        match = _BRACKETED.fullmatch(text)
        if match is None:
            raise ValueError("text after the brackets of an IPv6 address, or no closing bracket")
        return _parse_ipv6(match["address"]), _parse_port(match["port"] or "")
    name, _, port = text.partition(":")
    if ":" in port:
        raise ValueError("more than one ':' in host and port; an IPv6 address is written in brackets")
    return _parse_name(name), _parse_port(port)


def _parse_port(text: str) -> int | None:
    if not text:
        return None  # RFC 3986, 3.2.3: an empty port is the default port.
    # The text is not shown: with an unescaped '/' in it, a password lands here.
    if _PORT.fullmatch(text) is None or len(text) > 20 or not 1 <= int(text) <= _MAX_PORT:
        raise ValueError(
            "port isn't a number from 1 to 65535 (a '/', '?' or '#' in a password must be percent-encoded)"
        )
    return int(text)


def _parse_ipv6(text: str) -> str:
    address, percent, zone = text.partition("%")
    # RFC 6874, 2 writes the zone's percent sign as %25; the bare one is common and tells the same.
    if zone.startswith("25") and len(zone) > 2:
        zone = unquote(zone[2:])
    try:
        host = str(ipaddress.IPv6Address(address))
    except ValueError:
        raise ValueError("what stands in brackets is not an IPv6 address") from None
    if not percent:
        return host
    if _ZONE.fullmatch(zone) is None:
        raise ValueError("the zone of the IPv6 address is empty or has a character that is not allowed")
    return f"{host}%{zone}"


def _parse_name(name: str) -> str:
    if not name:
        raise ValueError("host is missing")
    if not name.isascii():
        name = _encode_idn(name)
    name = name.lower()
    # A dot at the end makes the name absolute (RFC 3986, 3.2.2).
    labels = name.removesuffix(".").split(".")
    if len(name.removesuffix(".")) > _MAX_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("host is neither a host name nor an address")
    return name


def _encode_idn(name: str) -> str:
    # Loading idna takes longer than the rest of this package's parsing ever will: only where needed.
    import idna

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"host is not an internationalized domain name: {printable(str(error))}") from None


def _encode_iri(text: str) -> str:
    # RFC 3987, 3.1. Visible ASCII stays: servers that check a signature compare it byte by byte.
    return text if text.isascii() else "".join(char if char.isascii() else quote(char) for char in text)


@attrs.frozen
class RedactedURI:
    """A URI for a log, masked by :func:`redact_uri` where a log takes it."""

    uri: str = attrs.field(repr=_show_secret)

    def __str__(self) -> str:
        return redact_uri(self.uri)


def redact_uri(uri: str) -> str:
    """Return ``uri``, valid or not, fit for logs and errors.

    Userinfo, fragment and the values of token-like query parameters are masked, control characters
    escaped.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        scheme, rest = "", uri
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    masked = ""
    if "@" in authority:
        masked, rest = _MASK + "@", rest[authority.rindex("@") + 1 :]
    elif "@" in rest and (not separator or _may_be_cut_user_info(authority)):
        # A password with an unescaped '/', '?' or '#': the host is what follows the last '@'.
        masked, rest = _MASK + "@", rest.rpartition("@")[2]
    rest, fragment, _ = rest.partition("#")
    path, question_mark, query = rest.partition("?")
    shown = path + question_mark + _redact_query(query) + (f"#{_MASK}" if fragment else "")
    return printable(f"{scheme}{separator}{masked}{shown}", sys.maxsize)


def redact_uris(text: str, known: Iterable[str] = ()) -> str:
    """Return ``text``, such as a message of others, with every URI in it masked as by :func:`redact_uri`.

    ``known`` are URIs that it may have in it; others are found by how they look.
    """
    for uri in known:
        text = text.replace(uri, redact_uri(uri))
    return _URI_IN_TEXT.sub(lambda match: redact_uri(match[0]), text) if "://" in text else text


def _may_be_cut_user_info(authority: str) -> bool:
    name, colon, port = authority.rpartition(":")
    return bool(colon) and not name.startswith("[") and _PORT.fullmatch(port) is None


def _redact_query(query: str) -> str:
    return "".join(
        part if part in ("&", ";") else _redact_parameter(part) for part in re.split("([&;])", query)
    )


def _redact_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return f"{name}={_MASK}" if equals and value and is_secret_name(unquote(name)) else parameter


def is_secret_name(name: str) -> bool:
    """Tell whether what has this name, a query parameter or a header, is a credential by the look of it."""
    joined = re.sub("[^a-z]", "", name.lower())
    if any(part in joined for part in _SECRET_PARTS):
        return True
    return not _SECRET_WORDS.isdisjoint(word.lower() for word in _WORDS.findall(name))
