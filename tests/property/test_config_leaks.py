"""The secret of a URI is told nowhere, whatever option it is given to, and in whatever form."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from wssdk.config import ClientConfig
from wssdk.config_schema import OPTIONS, environment_name
from wssdk.errors import ConfigError

HUSH = "hUsH"

untimed = settings(deadline=None)

forms = st.sampled_from(
    [
        f"wss://u:{HUSH}@h",
        f"WSS://{HUSH}@H/",
        f"https://u:{HUSH}@h/p?x=1",
        f"wss://u:{HUSH}/x@h",
        f"wss://h/?a=1&api_key={HUSH}#f",
        f"socks5h://u:{HUSH}@h:x",
        f"bot (https://u:{HUSH}@h/)",
        f"a https://b https://u:{HUSH}@h",
        f"https:/u:{HUSH}@h",
        f"wss:\\u002f/u:{HUSH}@h",
        f"u:{HUSH}@h:80",
    ]
)


def basic(text: str) -> str:
    return '"' + text.replace("\\", "\\\\") + '"'


written = st.sampled_from(
    [
        "{}",
        "[{}]",
        "[{}, 5]",
        "{{ a = {} }}",
        "{{ file = {} }}",
        "{{ env = {} }}",
        "{} 1",
        "{} # {}",
    ]
)
quotes = st.sampled_from([basic, "'{}'".format, '""{}""'.format, "{}".format, "'{}".format])
elsewhere = st.sampled_from(
    [
        *("extends", "headers.X", "headers.Host", "timeouts", "tls.zzz", "url", "zzz"),
        *("connections.a.uri", "connections.a.origin", "connections.a.extends"),
    ]
)
places = st.sampled_from([".".join(option) for option in OPTIONS]) | elsewhere


def told(call: Callable[[], ClientConfig]) -> str:
    """Return everything that is shown of what comes of ``call``."""
    try:
        config = call()
    except ConfigError as error:
        return "".join(traceback.format_exception(error)) + repr(error)
    explained = config.explain()
    return f"{config!r}{explained}{explained!r}"


@untimed
@given(place=places, form=forms, quote=quotes, value=written, also=st.sampled_from(["", "zzz = 1"]))
def test_no_uri_in_a_file_is_told(
    place: str, form: str, quote: Callable[[str], str], value: str, also: str
) -> None:
    uri = "" if place == "uri" else 'uri = "ws://h"'
    text = f"{uri}\n{place} = {value.format(*[quote(form)] * 2)}\n{also}\n"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "service.toml")
        file.write_text(text, encoding="utf-8")
        connection = "a" if place.startswith("connections") else None
        assert HUSH not in told(lambda: ClientConfig.load(file, connection=connection, environ={}))


@untimed
@given(
    variable=st.sampled_from(
        [*map(environment_name, OPTIONS), "PROXY", "AUTH__TOKEN_FILE", "HEADERS__X", "HEADERS__HOST", "ZZZ"]
    ),
    form=forms,
    also=st.sampled_from([{}, {"WSSDK_ZZ": "1"}]),
)
def test_no_uri_in_a_variable_is_told(variable: str, form: str, also: dict[str, str]) -> None:
    environ = {"WSSDK_URI": "ws://h", f"WSSDK_{variable}": form, **also}
    assert HUSH not in told(lambda: ClientConfig.from_env(environ=environ))


@untimed
@given(
    place=places,
    form=forms,
    within=st.sampled_from(
        [str, lambda text: [text], lambda text: {"a": text}, lambda text: (text, 5), str.encode]
    ),
)
def test_no_uri_in_code_is_told(place: str, form: str, within: Callable[[str], object]) -> None:
    changes = {place: within(form)}
    assert HUSH not in told(lambda: ClientConfig(uri="ws://h").evolve(changes))
    overrides = {"uri": "ws://h", **changes}
    assert HUSH not in told(lambda: ClientConfig.load(environ={}, overrides=overrides))
