"""For tests and demos: servers that run inside the test, on this machine's loopback.

:class:`EchoServer` is a decent WebSocket server on the same core as the client; :class:`ScriptedServer`
plays bytes, for the faults that no decent server commits. Neither is meant for production.
"""

from __future__ import annotations

from wssdk.testing.certificate import LocalCertificate
from wssdk.testing.echo import EchoServer, Handler, echo
from wssdk.testing.scripted import (
    ScriptedPeer,
    ScriptedServer,
    Step,
    end,
    hold,
    read,
    read_request,
    reset,
    upgrade,
)

__all__ = [
    "EchoServer",
    "Handler",
    "LocalCertificate",
    "ScriptedPeer",
    "ScriptedServer",
    "Step",
    "echo",
    "end",
    "hold",
    "read",
    "read_request",
    "reset",
    "upgrade",
]
