from __future__ import annotations

import asyncio
import pickle
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.transports import FakeTransport
from tests.support.until import until
from wssdk.dial import fastnet
from wssdk.dial.pipe import StreamPipe
from wssdk.errors import ConfigError


class Transport(FakeTransport):
    """As aiofastnet's TLS transport: what is left to hand over waits for a method of no public name."""

    def _retry_ssl_read(self) -> None:
        self.calls.append("read on")


def made() -> tuple[asyncio.Transport, Transport]:
    transport = Transport()
    return fastnet.FastTls(transport, asyncio.get_running_loop()), transport


def aiofastnet(transport: type = Transport, dyn_libs: object = "libssl, libcrypto") -> Any:
    """Return what of the package is looked at."""
    ssl_transport = SimpleNamespace(SSLTransport_Socket=transport)
    return SimpleNamespace(OPENSSL_DYN_LIBS=dyn_libs, ssl_transport=ssl_transport)


# Whether it is used.


def test_asyncio_is_used_where_asked_for() -> None:
    assert fastnet.load_aiofastnet("asyncio") is None


@pytest.mark.needs("aiofastnet")
@pytest.mark.parametrize("wanted", ["auto", "aiofastnet"])
def test_aiofastnet_is_used(wanted: str) -> None:
    module = fastnet.load_aiofastnet(wanted)
    assert module is not None
    assert module.__name__ == "aiofastnet"


def test_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiofastnet", None)
    assert fastnet.load_aiofastnet("auto") is None


def test_auto_does_without_on_other_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "implementation", SimpleNamespace(name="pypy"))
    assert fastnet.load_aiofastnet("auto") is None


def test_asked_for_by_name_it_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiofastnet", None)
    with pytest.raises(ConfigError) as caught:
        fastnet.load_aiofastnet("aiofastnet")
    [problem] = caught.value.problems
    assert problem.path == "network.transport"
    assert problem.hint == "install aiofastnet, or set network.transport to 'auto' or 'asyncio'"


async def test_loops_that_watch_sockets_fit() -> None:
    assert fastnet.fits_loop(asyncio.get_running_loop())


async def test_windows_other_loop_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(asyncio, "ProactorEventLoop", type(loop), raising=False)
    assert not fastnet.fits_loop(loop)


# Which contexts fit.


def test_a_usual_context_fits() -> None:
    assert fastnet.fits_tls(aiofastnet(), ssl.create_default_context())


class OtherTrust(ssl.SSLContext):
    """As of packages that ask the operating system about certificates."""


def other_class(_: Any) -> ssl.SSLContext:
    return OtherTrust(ssl.PROTOCOL_TLS_CLIENT)


def key_log(tmp_path: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.keylog_filename = str(tmp_path / "keys")
    return context


def messages(_: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context._msg_callback = lambda *_: None  # type: ignore[attr-defined]
    return context


def later_authentication(_: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.post_handshake_auth = True
    return context


@pytest.mark.parametrize("make", [other_class, key_log, messages, later_authentication])
def test_a_context_it_cannot_serve_does_not_fit(make: Callable[[Any], ssl.SSLContext], tmp_path: Any) -> None:
    assert not fastnet.fits_tls(aiofastnet(), make(tmp_path))


def test_without_the_openssl_of_python_nothing_fits() -> None:
    assert not fastnet.fits_tls(aiofastnet(dyn_libs=None), ssl.create_default_context())


def test_without_a_way_to_read_on_nothing_fits() -> None:
    assert not fastnet.fits_tls(aiofastnet(FakeTransport), ssl.create_default_context())


@pytest.mark.parametrize(("pinned", "fits"), [(False, True), (True, False)])
def test_without_a_way_to_tell_the_chain_only_what_is_not_pinned_fits(pinned: bool, fits: bool) -> None:
    assert fastnet.fits_tls(aiofastnet(), ssl.create_default_context(), pinned=pinned) is fits


@pytest.mark.needs("aiofastnet")
def test_pinned_connections_fit() -> None:
    module = fastnet.load_aiofastnet("aiofastnet")
    assert module is not None
    assert fastnet.fits_tls(module, ssl.create_default_context(), pinned=True)


def test_without_a_folder_for_temporary_files_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert not fastnet.fits_tls(aiofastnet(), ssl.create_default_context())


# Reading on after a pause.


async def test_resuming_takes_up_what_is_left_in_one_step() -> None:
    repaired, transport = made()
    repaired.pause_reading()
    repaired.resume_reading()
    assert transport.calls == ["pause_reading"]
    await asyncio.sleep(0)
    assert transport.calls == ["pause_reading", "resume_reading", "read on"]


async def test_resuming_twice_is_resuming() -> None:
    repaired, transport = made()
    repaired.pause_reading()
    repaired.resume_reading()
    repaired.resume_reading()
    await asyncio.sleep(0)
    repaired.resume_reading()
    await asyncio.sleep(0)
    assert transport.calls == ["pause_reading", "resume_reading", "read on"]


async def test_a_pause_takes_resuming_back() -> None:
    repaired, transport = made()
    repaired.pause_reading()
    repaired.resume_reading()
    repaired.pause_reading()
    await asyncio.sleep(0)
    assert "resume_reading" not in transport.calls


async def test_what_was_not_paused_is_not_resumed() -> None:
    repaired, transport = made()
    repaired.resume_reading()
    await asyncio.sleep(0)
    assert transport.calls == []


async def test_what_closes_is_not_resumed() -> None:
    repaired, transport = made()
    repaired.pause_reading()
    transport.closing = True
    repaired.resume_reading()
    await asyncio.sleep(0)
    assert transport.calls == ["pause_reading"]


async def test_it_reads_from_resuming_on() -> None:
    repaired, transport = made()
    assert repaired.is_reading()
    repaired.pause_reading()
    assert not repaired.is_reading()
    repaired.resume_reading()
    assert repaired.is_reading()
    transport.closing = True
    assert not repaired.is_reading()


async def test_closing_reads_the_peers_answer() -> None:
    repaired, transport = made()
    repaired.pause_reading()
    repaired.resume_reading()
    repaired.close()
    await asyncio.sleep(0)
    assert transport.calls == ["pause_reading", "resume_reading", "close"]


async def test_the_rest_is_the_transports() -> None:
    repaired, transport = made()
    repaired.write(b"x")
    repaired.set_write_buffer_limits(2, 1)
    repaired.abort()
    assert (bytes(transport.written), transport.limits, transport.calls) == (b"x", (2, 1), ["abort"])
    assert repaired.is_closing()
    assert repr(repaired) == repr(transport)


# The event loop's handler.


@pytest.mark.parametrize(("exception", "reports"), [(ConnectionResetError, 0), (ConnectionResetError(), 1)])
async def test_a_class_is_not_reported_as_an_exception(exception: object, reports: int) -> None:
    loop = asyncio.get_running_loop()
    seen: list[Any] = []
    loop.set_exception_handler(lambda _, context: seen.append(context))
    fastnet.loop_for_tls(loop).call_exception_handler({"message": "x", "exception": exception})
    assert len(seen) == reports


async def test_a_report_without_exception_comes_through() -> None:
    loop = asyncio.get_running_loop()
    seen: list[Any] = []
    loop.set_exception_handler(lambda _, context: seen.append(context))
    fastnet.loop_for_tls(loop).call_exception_handler({"message": "x"})
    assert seen == [{"message": "x"}]


# Errors.


def test_an_error_gets_its_arguments() -> None:
    error = ssl.SSLCertVerificationError()
    error.strerror = "hostname mismatch"
    fastnet.complete_ssl_error(error)
    assert error.args == (ssl.SSL_ERROR_SSL, "hostname mismatch")
    assert error.errno == ssl.SSL_ERROR_SSL
    assert str(pickle.loads(pickle.dumps(error))) == "hostname mismatch"


@pytest.mark.parametrize(("code", "what"), [(62, "hostname mismatch"), (64, "IP address mismatch")])
def test_an_error_of_another_servers_certificate_names_the_server(code: int, what: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.strerror, error.verify_code, error.verify_message = what, code, what
    fastnet.complete_ssl_error(error, "example.com")
    assert str(error) == f"{what}, certificate is not valid for 'example.com'"
    assert error.verify_message == str(error)


def test_an_error_of_an_expired_certificate_names_no_server() -> None:
    error = ssl.SSLCertVerificationError()
    error.strerror, error.verify_code = "certificate has expired", 10
    fastnet.complete_ssl_error(error, "example.com")
    assert str(error) == "certificate has expired"


@pytest.mark.parametrize("error", [ssl.SSLError(1, "whole"), ssl.SSLError()])
def test_other_errors_stay_as_they_are(error: ssl.SSLError) -> None:
    before = error.args
    fastnet.complete_ssl_error(error)
    assert error.args == before


# Without TLS: the transport in one step.


@pytest.mark.needs("aiofastnet")
async def test_plain_pipe_has_its_transport_at_once() -> None:
    loop = asyncio.get_running_loop()
    module = fastnet.load_aiofastnet("aiofastnet")
    assert module is not None
    near, far = socket.socketpair()
    pipe = StreamPipe()
    with far:
        assert fastnet.open_plain(module, loop, near, pipe)
        pipe.write(b"at once")
        said = far.recv(100)
        pipe.abort()
        await until(lambda: near.fileno() == -1)
    assert said == b"at once"


async def test_other_versions_of_aiofastnet_make_their_transport_themselves() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert not fastnet.open_plain(aiofastnet(), asyncio.get_running_loop(), near, StreamPipe())
