"""From a host's name to a connected socket (RFC 8305), and the options of sockets.

This is not left to the event loop's ``create_connection``: cancelled between the end of its race and the
next step of its task, asyncio drops the socket that won unclosed; uvloop has no race; and aiofastnet,
cancelled when TLS is up, closes the socket under its own transport, which goes on using its number.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
import sys
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, TypeAlias

import attrs

from wssdk.config_sockets import TcpKeepalive
from wssdk.ports import Resolver

__all__ = ["TcpTarget", "connect_tcp", "connect_unix", "resolve", "set_keepalive", "shown_path"]

_AddressInfo: TypeAlias = tuple[int, int, int, str, Any]

_FAMILIES_OF_IPV4: Final = (socket.AF_UNSPEC, socket.AF_INET)
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
# Seconds of silence before the first probe: macOS has another name for it.
_KEEP_IDLE: Final[int | None] = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
_KEEP_INTERVAL: Final[int | None] = getattr(socket, "TCP_KEEPINTVL", None)
_KEEP_COUNT: Final[int | None] = getattr(socket, "TCP_KEEPCNT", None)

# A connection to this machine is up when connect() returns, which says otherwise; asked a second time, Linux
# tells so. It saves two iterations of the event loop, and its sock_connect(). Others raise EISCONN.
_TELLS_TWICE: Final = sys.platform == "linux"
_THIS_MACHINE: Final = ("127.", "::1")


@attrs.frozen(kw_only=True)
class TcpTarget:
    """Where to connect to; names and meanings are those of the event loop's ``create_connection``."""

    host: str
    port: int
    family: int = socket.AF_UNSPEC
    proto: int = 0
    flags: int = 0
    local_addr: tuple[str, int] | None = None
    happy_eyeballs_delay: float | None = None
    """Head start of an address before the next one (RFC 8305, 5), seconds; None: one after the other."""
    interleave: int | None = None
    """Addresses of the first family before the other one (RFC 8305, 4); None: 1 with a delay, else all."""
    all_errors: bool = False
    """Whether failure is raised as an ``ExceptionGroup`` of every address's error."""
    address_timeout: float | None = None
    """For one address to answer, seconds; None: without end."""
    resolver: Resolver | None = None
    """Looks ``host`` up; None: the event loop. Not ``local_addr``."""


async def connect_tcp(loop: asyncio.AbstractEventLoop, target: TcpTarget) -> socket.socket:
    """Return a connected, non-blocking socket. Cancelling leaves none open.

    ``loop`` is the running event loop, or what stands in for its ``getaddrinfo`` and ``sock_connect``.

    Raises:
        OSError: there is no address, or none can be reached. Errors of one kind keep their class
            (``ConnectionRefusedError``, ...), however many addresses there are.
        ExceptionGroup: instead, where ``all_errors`` is set and addresses were tried.
    """
    addresses = await resolve(loop, target, target.host, target.port)
    local = None
    if target.local_addr is not None:
        local = await resolve(loop, attrs.evolve(target, resolver=None), *target.local_addr)
    interleave = target.interleave
    if interleave is None and target.happy_eyeballs_delay is not None:
        interleave = 1
    if interleave and len(addresses) > 1:
        addresses = _interleaved(addresses, interleave)
    attempts = [_Attempt(address, local, target.address_timeout) for address in addresses]
    delay = target.happy_eyeballs_delay
    errors: list[Exception] = []
    try:
        if delay is None or len(attempts) == 1:
            sock = await _in_turn(loop, attempts, errors)
        else:
            sock = await _race(loop, attempts, errors, delay)
        if sock is not None:
            return sock
        if target.all_errors:
            raise ExceptionGroup(f"cannot connect to {target.host!r}", errors)
        raise _as_one(errors, target.host)
    finally:
        errors.clear()  # their tracebacks hold this frame: no cycle for the garbage collector


async def connect_unix(loop: asyncio.AbstractEventLoop, path: str) -> socket.socket:
    """Return a connected, non-blocking Unix socket. Cancelling leaves none open.

    Raises:
        OSError: the socket cannot be reached, or the platform has none.
    """
    if path.startswith("\0") and sys.platform != "linux":
        told = f"only Linux has abstract Unix sockets, such as {shown_path(path)!r}"
        raise OSError(errno.EAFNOSUPPORT, told)
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, f"this platform has no Unix sockets, such as {path!r}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, path)
    except OSError as error:
        sock.close()
        if error.errno is None:
            raise  # Python's own, such as "AF_UNIX path too long"
        # The operating system does not say which file it means.
        raise OSError(error.errno, error.strerror, shown_path(path)) from error
    except BaseException:
        sock.close()
        raise
    return sock


def shown_path(path: str) -> str:
    """Return the path of a Unix socket for messages: an abstract one has ``@`` for its NUL."""
    return f"@{path[1:]}" if path.startswith("\0") else path


def set_keepalive(sock: socket.socket, keepalive: TcpKeepalive) -> None:
    """Let TCP probe a silent peer, as ``network.tcp_keepalive`` says; None: leave the system's choice.

    TCP counts in whole seconds, of which it takes one at least. What a platform cannot be told is its choice.
    """
    if keepalive is None:
        return
    idle, interval, count = keepalive if isinstance(keepalive, tuple) else (keepalive, None, None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((_KEEP_IDLE, idle), (_KEEP_INTERVAL, interval), (_KEEP_COUNT, count)):
        if option is not None and value is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, max(1, round(value)))


async def resolve(
    loop: asyncio.AbstractEventLoop, target: TcpTarget, host: str, port: int
) -> list[_AddressInfo]:
    """Return the addresses of ``host`` that ``target`` admits; at least one.

    Raises:
        OSError: it has none.
        TypeError, ValueError: the resolver does not answer as it must.
    """
    if target.family in _FAMILIES_OF_IPV4 and not target.proto and not target.flags and _is_ipv4(host):
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]
    wanted: dict[str, int] = {
        "family": target.family,
        "type": socket.SOCK_STREAM,
        "proto": target.proto,
    }
    found: Sequence[_AddressInfo]
    try:
        # An address needs no thread: this asks nobody.
        found = socket.getaddrinfo(host, port, flags=target.flags | _NUMERIC, **wanted)
    except socket.gaierror:
        if target.resolver is None:
            found = await loop.getaddrinfo(host, port, flags=target.flags, **wanted)
        else:
            from wssdk.dial.resolving import ask_resolver

            found = await ask_resolver(target.resolver, host, port, family=target.family, proto=target.proto)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} cannot be the name of a host") from error
    if not found:
        who = "" if target.resolver is None else ", says the resolver"
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} has no address{who}")
    return list(found)


def _is_ipv4(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True


def _interleaved(addresses: Sequence[_AddressInfo], first_count: int) -> list[_AddressInfo]:
    """Return the addresses in the order of RFC 8305, 4: families by turns."""
    family = addresses[0][0]
    preferred = [address for address in addresses if address[0] == family]
    others = [address for address in addresses if address[0] != family]
    head, preferred = preferred[: first_count - 1], preferred[first_count - 1 :]
    by_turns = itertools.chain.from_iterable(itertools.zip_longest(preferred, others))
    return head + [address for address in by_turns if address is not None]


@attrs.frozen
class _Attempt:
    """One address to try."""

    address: _AddressInfo
    local: Sequence[_AddressInfo] | None
    timeout: float | None

    async def connect(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        family, kind, proto, _, address = self.address
        sock = socket.socket(family, kind, proto)
        try:
            sock.setblocking(False)
            if self.local is not None:
                _bind(sock, self.local)
            await self._within_timeout(_connect(loop, sock, address))
        except BaseException:
            sock.close()
            raise
        return sock

    async def _within_timeout(self, connecting: Coroutine[Any, Any, None]) -> None:
        if self.timeout is None:
            return await connecting
        try:
            async with asyncio.timeout(self.timeout) as deadline:
                await connecting
        except TimeoutError as error:
            if not deadline.expired():
                raise  # the operating system's
            told = f"{self.address[4][0]} did not answer within {self.timeout:g} s"
            raise TimeoutError(errno.ETIMEDOUT, told) from error
        return None


async def _connect(loop: asyncio.AbstractEventLoop, sock: socket.socket, address: Any) -> None:
    if _TELLS_TWICE and address[0].startswith(_THIS_MACHINE):
        for _ in range(2):
            try:
                sock.connect(address)
            except BlockingIOError:
                continue
            return
    await loop.sock_connect(sock, address)


def _bind(sock: socket.socket, addresses: Iterable[_AddressInfo]) -> None:
    """Bind to the first local address that fits and is free."""
    failure = OSError(errno.EADDRNOTAVAIL, f"no local address is one of {sock.family.name}, as the peer's")
    for family, _, _, _, address in addresses:
        if family != sock.family:
            continue
        try:
            sock.bind(address)
        except OSError as error:
            failure = OSError(error.errno, f"cannot bind to local address {address!r}: {error.strerror}")
        else:
            return
    raise failure


async def _in_turn(
    loop: asyncio.AbstractEventLoop, attempts: Iterable[_Attempt], errors: list[Exception]
) -> socket.socket | None:
    for attempt in attempts:
        try:
            return await attempt.connect(loop)
        except OSError as error:
            errors.append(error)
    return None


async def _race(
    loop: asyncio.AbstractEventLoop, attempts: Sequence[_Attempt], errors: list[Exception], delay: float
) -> socket.socket | None:
    """Run the attempts, each ``delay`` seconds after the one before or once that failed (RFC 8305, 5)."""
    waiting = iter(attempts)
    started: list[asyncio.Task[socket.socket]] = []
    running: set[asyncio.Task[socket.socket]] = set()
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while winner is None:
            attempt = next(waiting, None)
            if attempt is not None:
                task = loop.create_task(attempt.connect(loop))
                started.append(task)
                running.add(task)
            elif not running:
                return None
            timeout = None if attempt is None else delay
            done, running = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            # The earlier start wins where two are done at once.
            for task in sorted(done, key=started.index):
                error = task.exception()
                if error is None:
                    winner = winner or task
                elif isinstance(error, OSError):
                    errors.append(error)
                else:
                    raise error
        return winner.result()
    finally:
        for task in started:
            if task is not winner:
                # By callback: to wait for them here would be one more point to be cancelled at.
                task.add_done_callback(_close_loser)
                task.cancel()


def _close_loser(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _as_one(errors: Sequence[Exception], host: str) -> Exception:
    """Return the error to raise for those of all addresses."""
    if len(errors) == 1:
        return errors[0]
    told = "; ".join(dict.fromkeys(str(getattr(error, "strerror", None) or error) for error in errors))
    codes = {getattr(error, "errno", None) for error in errors}
    message = f"cannot connect to any of {len(errors)} addresses of {host!r}: {told}"
    code = codes.pop() if len(codes) == 1 else None
    # OSError picks the class that fits the code, such as ConnectionRefusedError.
    return OSError(message) if code is None else OSError(code, message)
