from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import wssdk

ROOT = Path(wssdk.__file__).parent

PUBLIC = [
    "Auth",
    "BytesLike",
    "COMPILED",
    "ClientConfig",
    "ClientConnection",
    "ClientExtensionFactory",
    "ClientPerMessageDeflateFactory",
    "Clock",
    "Close",
    "CloseCode",
    "Compression",
    "ConcurrencyError",
    "ConfigError",
    "ConfigProblem",
    "ConnectAttempt",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "ConnectionFactory",
    "Data",
    "DataLike",
    "Dialer",
    "DropCount",
    "Dropped",
    "DuplicateParameter",
    "EventStream",
    "Extension",
    "ExtensionName",
    "ExtensionParameter",
    "Frame",
    "GaveUp",
    "HeaderLineTooLong",
    "Headers",
    "HeadersLike",
    "HeadersProvider",
    "InboxFull",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "Keepalive",
    "Limits",
    "LoggerLike",
    "Logging",
    "MultipleValuesError",
    "NegotiationError",
    "Network",
    "NotSent",
    "Opcode",
    "Opened",
    "Origin",
    "PayloadTooBig",
    "PinMismatch",
    "Pipe",
    "ProcessException",
    "ProtocolError",
    "Proxy",
    "ProxyError",
    "Reconnect",
    "ReconnectingConnection",
    "ReconnectingState",
    "Request",
    "Resolver",
    "Response",
    "RetryableError",
    "Retrying",
    "Route",
    "Secret",
    "SecurityError",
    "Sendable",
    "State",
    "StatusLike",
    "StatusLineTooLong",
    "Subprotocol",
    "Timeouts",
    "Tls",
    "TooManyFragments",
    "TooManyHeaders",
    "URIProvider",
    "WebSocketException",
    "__version__",
    "connect",
    "load_factories",
    "process_exception",
    "reconnecting",
    "unix_connect",
    "watch_config",
]


# Name in the field's modules, with the module; each is the same object here.
FAMILIAR = {
    "wssdk.asyncio.client": ["ClientConnection", "connect", "process_exception", "unix_connect"],
    "wssdk.datastructures": ["Headers", "HeadersLike", "MultipleValuesError"],
    "wssdk.exceptions": [name for name in PUBLIC if name.startswith(("ConnectionClosed", "Invalid"))],
    "wssdk.extensions": ["ClientExtensionFactory", "Extension"],
    "wssdk.extensions.base": ["ClientExtensionFactory", "Extension"],
    "wssdk.extensions.permessage_deflate": ["ClientPerMessageDeflateFactory"],
    "wssdk.frames": ["Close", "CloseCode", "Frame", "Opcode"],
    "wssdk.http11": ["Request", "Response"],
    "wssdk.protocol": ["State"],
    "wssdk.typing": ["Data", "LoggerLike", "Origin", "StatusLike", "Subprotocol"],
}


def test_public_names_are_these() -> None:
    assert sorted(wssdk.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_there(name: str) -> None:
    assert getattr(wssdk, name) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_listed_by_dir(name: str) -> None:
    assert name in dir(wssdk)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'wssdk' has no attribute 'conect'"):
        _ = wssdk.conect  # type: ignore[attr-defined]


def test_star_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from wssdk import *", names)
    assert names.keys() - {"__builtins__"} == set(PUBLIC)


@pytest.mark.parametrize("module", FAMILIAR)
def test_familiar_module_has_the_same_objects(module: str) -> None:
    familiar = importlib.import_module(module)
    for name in FAMILIAR[module]:
        assert getattr(familiar, name) is getattr(wssdk, name)


def test_familiar_exceptions_are_all_of_them() -> None:
    familiar = importlib.import_module("wssdk.exceptions")
    errors = importlib.import_module("wssdk.errors")
    classes = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert set(familiar.__all__) == classes
    assert classes <= set(wssdk.__all__)


def modules() -> list[str]:
    """Return the names of what can be imported: of a file without pure form, only where that is used."""
    found = [module.name for module in pkgutil.walk_packages([str(ROOT)], "wssdk.")]
    return ["wssdk", *(name for name in found if importlib.util.find_spec(name) is not None)]


@pytest.mark.parametrize("name", modules())
def test_every_name_in_all_is_there(name: str) -> None:
    module = importlib.import_module(name)
    missing = [public for public in getattr(module, "__all__", ()) if not hasattr(module, public)]
    assert missing == []


def imports_for_type_checkers() -> set[str]:
    """Return what ``if TYPE_CHECKING`` in the package's own file gives to type checkers."""
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    names: set[str] = set()
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_type_checkers_see_the_public_names() -> None:
    assert imports_for_type_checkers() | {"__version__"} == set(PUBLIC)


def test_compiled_tells_of_the_wire() -> None:
    wire = importlib.import_module("wssdk.wire")
    assert getattr(wire, "COMPILED", False) is wssdk.COMPILED


def test_version_is_the_packages() -> None:
    pyproject = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["version"] == wssdk.__version__


def imported_by(statement: str) -> set[str]:
    """Return the modules that a new interpreter imports for ``statement``."""
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_else() -> None:
    assert {name for name in imported_by("import wssdk") if not name.startswith("wssdk")} <= {
        "__future__",
        "typing",
        "collections.abc",
    } | imported_by("import typing, importlib")


@pytest.mark.parametrize("name", ["cattrs", "tomli", "trustme", "python_socks", "idna"])
def test_connect_does_not_import(name: str) -> None:
    assert name not in imported_by("import wssdk; wssdk.connect; wssdk.ConnectionFactory")
