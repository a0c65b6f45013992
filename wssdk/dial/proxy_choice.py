"""Which proxy a connection goes through: the configuration's, the environment's, or none."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs

from wssdk.config import Proxy
from wssdk.errors import InvalidProxy
from wssdk.ports import Route
from wssdk.typing import LoggerLike
from wssdk.uri import redact_uri

__all__ = ["ProxyAddress", "choose_proxy", "is_bypassed", "parse_proxy"]

_PORTS: Final = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}

# In the order they are looked at. A variable made for WebSocket wins; RFC 6455, 4.1 then prefers SOCKS to the
# proxy of https, and that to the one of http, which is not asked to carry what has to stay secret.
_KINDS: Final = {True: ("wss", "socks", "https", "all"), False: ("ws", "socks", "https", "http", "all")}
_VARIABLES: Final = tuple(
    f"{kind}_proxy" for kind in ("wss", "ws", "socks", "https", "http", "all")
)  # and in upper case
# There the system's own settings count where no variable is set.
_HAS_SETTINGS: Final = sys.platform in ("darwin", "win32")


@attrs.frozen
class ProxyAddress:
    """A proxy: how to speak with it, where it is, and who we are to it."""

    scheme: str
    """http, https, socks4, socks4a, socks5 or socks5h."""
    host: str
    """Name or address, without brackets."""
    port: int
    username: str | None = attrs.field(default=None, repr=False)
    password: str | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_proxy(url: str) -> ProxyAddress:
    """Return the proxy that ``url`` names; without a port, 80, 443 (https) or 1080 (SOCKS).

    Raises:
        InvalidProxy: it is not the URL of a proxy; what it says is masked.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        user_info = parts.username, parts.password
        username, password = (None if part is None else unquote(part, errors="strict") for part in user_info)
        host = "" if parts.hostname is None else parts.hostname.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):  # their texts quote the URL
        raise InvalidProxy(redact_uri(url), "it is not a URL") from None
    if parts.scheme not in _PORTS:
        known = ", ".join(_PORTS)
        raise InvalidProxy(redact_uri(url), f"its scheme must be one of {known}, not {parts.scheme!r}")
    if not host:
        raise InvalidProxy(redact_uri(url), "it has no host")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidProxy(redact_uri(url), "a path, query or fragment has no meaning there")
    return ProxyAddress(parts.scheme, host, port or _PORTS[parts.scheme], username, password)


def choose_proxy(
    section: Proxy, route: Route, logger: LoggerLike, environ: Mapping[str, str] | None = None
) -> ProxyAddress | None:
    """Return the proxy of a route; None: it goes without. ``logger`` is told which rule chose it.

    ``environ``: None is the process's environment, or where that names no proxy, the system's settings on
    macOS and Windows.

    Raises:
        InvalidProxy: what the environment names is not the URL of a proxy.
    """
    if not section.enabled or route.unix_path is not None or route.options.get("sock") is not None:
        return None
    if section.url == "auto":
        if _is_loopback(route.host):
            return None
        found = _of_environment(route, environ)
        if found is None:
            return None
        url, rule = found
    else:
        url, rule = section.url, "proxy.url"
    try:
        proxy = parse_proxy(url)
    except InvalidProxy as error:
        if rule == "proxy.url":
            raise
        raise InvalidProxy(error.proxy, f"{error.msg}; {rule} has it") from None
    if section.username is not None:
        proxy = attrs.evolve(proxy, username=section.username)
    if section.password is not None:
        proxy = attrs.evolve(proxy, password=section.password.reveal())
    logger.debug("proxy for %s port %d: %s, by %s", route.host, route.port, proxy, rule)
    return proxy


def _of_environment(route: Route, environ: Mapping[str, str] | None) -> tuple[str, str] | None:
    """Return a proxy's URL and the name of the rule that chose it."""
    given = os.environ if environ is None else environ
    named = any(name in given or name.upper() in given for name in _VARIABLES)
    if named:
        # A request may set HTTP_PROXY of a CGI program by a header (httpoxy).
        proxies = _by_kind(given, without_http="REQUEST_METHOD" in given)
    elif _HAS_SETTINGS and environ is None:
        proxies = _of_system(route.host)
    else:
        return None
    if is_bypassed(proxies.get("no", ""), route.host, route.port):
        return None
    for kind in _KINDS[route.secure]:
        if url := proxies.get(kind):
            return _as_url(kind, url), f"{kind}_proxy" if named else "the system's settings"
    return None


def _by_kind(given: Mapping[str, str], *, without_http: bool) -> dict[str, str]:
    """Return the values of ``KIND_proxy`` by kind; names in lower case win, an empty value is none."""
    found: dict[str, str] = {}
    for kind in ("wss", "ws", "socks", "https", "http", "all", "no"):
        for name in (f"{kind}_proxy", f"{kind}_proxy".upper()):
            if name in given and not (without_http and name == "HTTP_PROXY"):
                found[kind] = given[name].strip()
                break
    return found


def _of_system(host: str) -> dict[str, str]:
    # Here: it is a large module, and few programs get so far.
    from urllib.request import getproxies, proxy_bypass

    return {} if proxy_bypass(host) else getproxies()


def _as_url(kind: str, value: str) -> str:
    """Return the URL of a proxy that may be given without its scheme, or with the wrong one."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value
    if scheme.lower() == "socks" or (kind == "socks" and scheme == "http"):
        # Desktops write socks:// for whatever SOCKS there is; macOS's settings come from urllib as http://.
        scheme = "socks5h"
    return f"{scheme}://{rest}"


def is_bypassed(no_proxy: str, host: str, port: int) -> bool:
    """Tell whether ``no_proxy`` names ``host``: a list of names, addresses and networks, with commas.

    An entry is ``*`` (everything), a name, which stands for the names below it too (a leading ``.`` or
    ``*.`` changes nothing), an address, or a network in CIDR notation; with ``:PORT`` behind it, for that
    port only.
    """
    name = host.lower().rstrip(".")
    address = _address(name)
    for entry in no_proxy.lower().replace(",", " ").split():
        if entry == "*":
            return True
        entry_host, entry_port = _split_port(entry)
        if entry_port is not None and entry_port != port:
            continue
        if address is not None:
            if _holds(entry_host, address):
                return True
            continue
        suffix = entry_host.removeprefix("*").strip(".")
        if suffix and (name == suffix or name.endswith(f".{suffix}")):
            return True
    return False


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    else:
        host, port = entry, ""
    return host, int(port) if port.isascii() and port.isdigit() else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _holds(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not host.startswith(("127.", "::")):
        return False
    address = _address(host)
    return address is not None and address.is_loopback
