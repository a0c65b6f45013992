"""The sections of the configuration: frozen values, checked when they are made.

Durations are seconds, sizes are bytes, None means off. Every option takes the same human input in code
as in TOML: ``Timeouts(open="10s")``. ``attrs.evolve`` checks again. What cannot be right raises
:exc:`~wssdk.errors.ConfigError`, which lists everything that is wrong with the section.
"""

from __future__ import annotations

import attrs

from wssdk import config_grammar as grammar
from wssdk import config_rules as rules
from wssdk import config_sockets as sockets
from wssdk import config_words as words
from wssdk.config_values import BadValue
from wssdk.config_words import Backend, Family, Level, OnFull, TlsVersion, Transport, Wakeup
from wssdk.secret import Secret
from wssdk.uri import redact_uri

__all__ = [
    "Auth",
    "Compression",
    "Keepalive",
    "Limits",
    "Logging",
    "Network",
    "Proxy",
    "Reconnect",
    "Timeouts",
    "Tls",
    "compression",
    "proxy",
    "reconnect",
]


def _show_url(url: str) -> str:
    return repr(redact_uri(url))


@rules.telling("auth.")
@attrs.frozen(kw_only=True)
class Auth:
    """Credentials that go into a header of the opening handshake."""

    token: Secret | None = attrs.field(default=None, converter=words.optional_token)
    """The token; None: no header is made."""
    scheme: str = attrs.field(default="Bearer", converter=words.scheme)
    """The word before the token; empty: the token stands alone."""
    header: str = attrs.field(default="Authorization", converter=words.token)
    """Name of the header."""


@rules.telling("timeouts.")
@attrs.frozen(kw_only=True)
class Timeouts:
    """How long to wait, seconds."""

    open: float | None = attrs.field(default=10.0, converter=grammar.optional_duration)
    """For the whole opening: names, TCP, TLS, opening handshake; None: without end."""
    close: float | None = attrs.field(default=10.0, converter=grammar.optional_duration)
    """For the whole closing handshake; None: without end."""
    tls_handshake: float = attrs.field(default=60.0, converter=grammar.duration)
    """For the TLS handshake."""
    tls_shutdown: float = attrs.field(default=30.0, converter=grammar.duration)
    """For TLS to shut down."""


@rules.telling("keepalive.")
@attrs.frozen(kw_only=True)
class Keepalive:
    """When to ping a quiet peer, and when to give it up; seconds."""

    interval: float | None = attrs.field(default=20.0, converter=grammar.optional_duration)
    """Between pings; None: no pings are sent."""
    timeout: float | None = attrs.field(default=20.0, converter=grammar.optional_duration)
    """For a sign of life after a ping; None: without end."""
    idle_timeout: float | None = attrs.field(default=None, converter=grammar.optional_duration)
    """Without a data frame, pings answered or not; None: without end.

    The connection fails (1011), at most a quarter later. What passes while reading is paused here does not
    count.
    """


@rules.telling("limits.")
@attrs.frozen(kw_only=True)
class Limits:
    """Bounds of what is received and buffered."""

    max_size: int | tuple[int | None, int | None] | None = attrs.field(
        default=2**20, converter=grammar.max_size
    )
    """Largest message, or message and fragment, bytes; None: no limit."""
    max_queue: int | tuple[int, int] | None = attrs.field(default=32, converter=grammar.max_queue)
    """High water, or high and low water, of received messages in wait; None: no limit.

    It is also that of the fragments which ``recv_streaming()`` has not taken. With ``on_full="latest"`` one
    message is kept, whatever stands here.
    """
    read_limit: int = attrs.field(default=2**16, converter=grammar.read_limit)
    """Bytes that are read at once."""
    write_limit: int | tuple[int, int] = attrs.field(default=2**16, converter=grammar.write_limit)
    """High water, or high and low water, of bytes waiting to be sent."""
    on_full: OnFull = attrs.field(default="pause", converter=words.on_full)
    """What happens to a message that comes at high water, once a receiver that waited has had its chance.

    "pause": reading pauses until low water. "drop_oldest": the oldest message is dropped for it. "latest":
    only the newest message is kept. "close": the connection fails (1008), and what was received before
    stays to be taken. All but "pause" go on reading, so that pings and close frames are seen.
    """
    max_queue_bytes: int | None = attrs.field(default=None, converter=grammar.optional_size)
    """High water of received messages in wait, bytes of payload (text in UTF-8, inflated); None: no limit.

    Low water is a quarter of it. Below high water one more message is taken, whatever its size.
    """

    @property
    def max_message_size(self) -> int | None:
        """Largest message, bytes; None: no limit."""
        return self.max_size[0] if isinstance(self.max_size, tuple) else self.max_size

    @property
    def max_fragment_size(self) -> int | None:
        """Largest fragment, bytes; None: only the message is limited."""
        return self.max_size[1] if isinstance(self.max_size, tuple) else None

    @property
    def queue_high(self) -> int | None:
        """High water of received messages, where reading pauses; None: no limit."""
        return self.max_queue[0] if isinstance(self.max_queue, tuple) else self.max_queue

    @property
    def queue_low(self) -> int | None:
        """Low water of received messages, where reading goes on; None: no limit."""
        if isinstance(self.max_queue, tuple):
            return self.max_queue[1]
        return None if self.max_queue is None else self.max_queue // 4

    @property
    def write_high(self) -> int:
        """High water of bytes waiting to be sent, where ``send()`` waits."""
        return self.write_limit[0] if isinstance(self.write_limit, tuple) else self.write_limit

    @property
    def write_low(self) -> int:
        """Low water of bytes waiting to be sent, where ``send()`` goes on."""
        return self.write_limit[1] if isinstance(self.write_limit, tuple) else self.write_limit // 4


@rules.telling("compression.")
@attrs.frozen(kw_only=True)
class Compression:
    """permessage-deflate (RFC 7692): what is offered, and how hard this side compresses."""

    enabled: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether it is offered."""
    level: int = attrs.field(default=-1, converter=grammar.compression_level)
    """0 (stored) to 9 (smallest); -1: the library's default."""
    mem_level: int = attrs.field(default=5, converter=grammar.memory_level)
    """1 (least memory) to 9 (fastest)."""
    client_max_window_bits: bool | int = attrs.field(default=True, converter=grammar.client_window_bits)
    """Largest window this side compresses with, 9 to 15; True: 12, or less where the server asks for it."""
    server_max_window_bits: int | None = attrs.field(default=None, converter=grammar.server_window_bits)
    """Largest window asked of the server, 8 to 15; None: nothing is asked."""
    client_no_context_takeover: bool = attrs.field(default=False, converter=grammar.boolean)
    """Whether this side compresses each message on its own."""
    server_no_context_takeover: bool = attrs.field(default=False, converter=grammar.boolean)
    """Whether the server is asked to compress each message on its own."""
    backend: Backend = attrs.field(default="auto", converter=words.backend)
    """The library that compresses."""
    min_size: int = attrs.field(default=0, converter=grammar.size)
    """Smaller messages go uncompressed, bytes."""


@rules.telling("tls.")
@attrs.frozen(kw_only=True)
class Tls:
    """How the server proves who it is, and this side too. Files are named, not read, here."""

    ca_file: str | None = attrs.field(default=None, converter=words.optional_path)
    """Certificates to trust, PEM; None: those of ``ca_dir``, or of the system where that is None as well."""
    ca_dir: str | None = attrs.field(default=None, converter=words.optional_path)
    """Folder of further certificates to trust: files ``*.pem``, ``*.crt`` and ``*.cer``, and OpenSSL's hashed
    names (``openssl rehash``)."""
    cert_file: str | None = attrs.field(default=None, converter=words.optional_path)
    """Certificate of this side, PEM; None: none."""
    key_file: str | None = attrs.field(default=None, converter=words.optional_path)
    """Key of that certificate, PEM; None: it is in ``cert_file``."""
    key_password: Secret | None = attrs.field(default=None, converter=words.optional_secret)
    """Password of the key; None: it has none."""
    verify: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether the server's certificate is verified. False switches ``check_hostname`` off, too."""
    check_hostname: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether the certificate must name the server."""
    min_version: TlsVersion = attrs.field(default="1.2", converter=words.tls_version)
    """Oldest version of TLS."""
    server_hostname: str | None = attrs.field(default=None, converter=words.optional_text)
    """Name for SNI and certificate; None: the URI's host."""
    ciphers: str | None = attrs.field(default=None, converter=words.optional_text)
    """Ciphers of TLS 1.2 in OpenSSL's notation; None: the default ones."""
    pinned_sha256: tuple[str, ...] = attrs.field(default=(), converter=words.pins)
    """SHA-256 digests of public keys (RFC 7469, 2.4), one of which the server must prove; empty: any."""

    def __attrs_post_init__(self) -> None:
        rules.raise_all(rules.ask_tls(self))


@rules.telling("proxy.")
@attrs.frozen(kw_only=True)
class Proxy:
    """The way to the server through a proxy."""

    enabled: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether a proxy may be used."""
    url: str = attrs.field(default="auto", converter=words.proxy_url, repr=_show_url)
    """The proxy (http, https, socks4, socks4a, socks5, socks5h); ``auto``: the environment chooses."""
    username: str | None = attrs.field(default=None, converter=words.optional_text)
    """For the proxy; None: that of its URL."""
    password: Secret | None = attrs.field(default=None, converter=words.optional_secret)
    """For the proxy; None: that of its URL."""
    ca_file: str | None = attrs.field(default=None, converter=words.optional_path)
    """Certificates to trust for an https proxy, PEM; None: those of the system."""
    server_hostname: str | None = attrs.field(default=None, converter=words.optional_text)
    """Name for SNI and certificate of an https proxy; None: its host."""
    tls_handshake: float = attrs.field(default=60.0, converter=grammar.duration)
    """For the TLS handshake with an https proxy, seconds."""
    tls_shutdown: float = attrs.field(default=30.0, converter=grammar.duration)
    """For TLS with an https proxy to shut down, seconds."""

    def __attrs_post_init__(self) -> None:
        rules.raise_all(rules.ask_proxy(self))


@rules.telling("network.")
@attrs.frozen(kw_only=True)
class Network:
    """Addresses, sockets, and what carries the bytes."""

    host: str | None = attrs.field(default=None, converter=words.optional_text)
    """Dial this host; None: the URI's."""
    port: int | None = attrs.field(default=None, converter=grammar.optional_port)
    """Dial this port; None: the URI's."""
    family: Family = attrs.field(default="any", converter=words.family)
    """Which addresses are dialled."""
    happy_eyeballs_delay: float | None = attrs.field(default=0.25, converter=grammar.optional_duration)
    """Head start of an address before the next one (RFC 8305), seconds; None: one after the other."""
    interleave: int | None = attrs.field(default=None, converter=grammar.optional_count)
    """Addresses of the first family before the other one (RFC 8305, 4); None: 1 with a head start."""
    address_timeout: float | None = attrs.field(default=None, converter=grammar.optional_duration)
    """For one address to answer, seconds, before it is the next one's turn; None: no limit of its own."""
    local_host: str | None = attrs.field(default=None, converter=words.optional_text)
    """Local address; None: the system's choice."""
    local_port: int | None = attrs.field(default=None, converter=grammar.optional_port)
    """Local port; None: the system's choice."""
    unix_path: str | None = attrs.field(default=None, converter=sockets.unix_path)
    """Dial this Unix socket, an abstract one (Linux) where it begins with ``@`` or NUL; None: TCP."""
    tcp_nodelay: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether small writes go out at once."""
    tcp_cork: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether small messages that are sent in quick succession are put together (Linux, without TLS)."""
    tcp_keepalive: sockets.TcpKeepalive = attrs.field(default=None, converter=sockets.tcp_keepalive)
    """Silence before TCP's own probes, seconds; or a triple of that, seconds between probes, and how many of
    them before the peer counts as gone (None: the system's choice); None: no probes."""
    transport: Transport = attrs.field(default="auto", converter=words.transport)
    """Whose transports carry the bytes; ``auto``: aiofastnet's where it is there."""
    wakeup: Wakeup = attrs.field(default="direct", converter=words.wakeup)
    """When a waiting ``recv()`` goes on: in the same loop iteration, or in the next."""
    max_redirects: int = attrs.field(default=10, converter=grammar.redirects)
    """How many redirects an opening follows; 0: none."""
    allow_cross_origin: bool = attrs.field(default=False, converter=grammar.boolean)
    """Whether a redirect to another origin is followed where ``host``, ``port`` or a client certificate is
    set for the URI's: the other one is dialled where it says, and shown the certificate."""
    keep_headers: tuple[str, ...] = attrs.field(default=(), converter=words.header_names)
    """Headers that go along to another origin though they are credentials."""

    def __attrs_post_init__(self) -> None:
        rules.raise_all(rules.ask_network(self))


@rules.telling("reconnect.")
@attrs.frozen(kw_only=True)
class Reconnect:
    """When to open again a connection that failed or was lost; durations are seconds."""

    enabled: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether it is opened again."""
    initial: float | None = attrs.field(default=5.0, converter=grammar.optional_duration)
    """Upper bound of the first wait, which is drawn at random; None: no first wait."""
    min: float = attrs.field(default=3.0, converter=grammar.duration)
    """Shortest wait after that."""
    max: float = attrs.field(default=60.0, converter=grammar.duration)
    """Longest wait."""
    factor: float = attrs.field(default=1.618, converter=grammar.factor)
    """How much the bound that waits are drawn below grows from one to the next."""
    min_uptime: float = attrs.field(default=5.0, converter=grammar.duration)
    """How long a connection must live for the waits to start anew."""
    max_attempts: int | None = attrs.field(default=None, converter=grammar.optional_count)
    """Attempts in a row, with those whose connection did not live ``min_uptime``; None: without end."""
    retry_status: tuple[int, ...] = attrs.field(
        default=(408, 425, 429, 500, 502, 503, 504), converter=grammar.retry_status
    )
    """HTTP status codes of a refusal that may pass."""
    retry_after: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether a server that refuses with ``Retry-After`` is not asked sooner, up to an hour."""

    def __attrs_post_init__(self) -> None:
        rules.raise_all(rules.ask_reconnect(self))


@rules.telling("logging.")
@attrs.frozen(kw_only=True)
class Logging:
    """What goes to the log."""

    logger: str = attrs.field(default="wssdk.client", converter=words.logger_name)
    """Name of the logger."""
    level: Level | None = attrs.field(default=None, converter=words.optional_level)
    """Level it is set to; None: it is left as it is."""
    redact: bool = attrs.field(default=True, converter=grammar.boolean)
    """Whether secrets are masked."""


def compression(value: Compression | bool | None) -> Compression:
    """Return the section; true and false (None, too) switch it on and off."""
    return value if isinstance(value, Compression) else Compression(enabled=_switch(value, "a Compression"))


def reconnect(value: Reconnect | bool | None) -> Reconnect:
    """Return the section; true and false (None, too) switch it on and off."""
    return value if isinstance(value, Reconnect) else Reconnect(enabled=_switch(value, "a Reconnect"))


def proxy(value: Proxy | str | bool | None) -> Proxy:
    """Return the section; a text is the URL, true and false (None, too) switch it on and off."""
    if isinstance(value, Proxy):
        return value
    return Proxy(url=value) if isinstance(value, str) else Proxy(enabled=_switch(value, "a Proxy, a URL"))


def _switch(value: object, section: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadValue(f"{section}, or true or false", value)
