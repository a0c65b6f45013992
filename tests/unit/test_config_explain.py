from __future__ import annotations

import pickle
from pathlib import Path

import attrs
import pytest

from tests.support.config_errors import Write, file_writer
from wssdk import ClientConfig, ConnectionFactory, Timeouts
from wssdk.config_explanation import ExplainedOption
from wssdk.config_schema import OPTIONS


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current folder."""
    return file_writer(tmp_path, monkeypatch)


def came(row: ExplainedOption) -> tuple[str, str]:
    return row.value, row.origin.where


def overrode(row: ExplainedOption) -> list[tuple[str, str]]:
    return [(origin.value, origin.where) for origin in row.overrode]


def test_a_value_nobody_set_is_the_default() -> None:
    row = ClientConfig().explain()["timeouts.open"]
    assert (row.value, row.origin.kind, row.overrode, row.is_default) == ("10", "default", (), True)


def test_a_value_of_a_file_has_file_and_line(write: Write) -> None:
    file = write('uri = "ws://h"\n\n[timeouts]\n# slow\nopen = "5s"\n')
    row = ClientConfig.from_toml(file).explain()["timeouts.open"]
    assert came(row) == ("5", "service.toml:5")
    assert row.origin.kind == "file"
    assert overrode(row) == [("10", "default")]


def test_a_value_of_the_environment_has_its_variable() -> None:
    config = ClientConfig.from_env(environ={"WSSDK_URI": "ws://h", "WSSDK_LIMITS__MAX_SIZE": "2 MiB"})
    row = config.explain()["limits.max_size"]
    assert came(row) == ('"2 MiB"', "WSSDK_LIMITS__MAX_SIZE")
    assert row.origin.kind == "environment"


def test_every_layer_that_was_overridden_is_told_the_next_one_first(write: Write) -> None:
    base = write('uri = "ws://h"\ntimeouts.open = 1', "base.toml")
    file = write("timeouts.open = 2\n[connections.a]\ntimeouts.open = 3")
    config = ClientConfig.load(
        base,
        file,
        connection="a",
        environ={"WSSDK_TIMEOUTS__OPEN": "4s", "WSSDK_CONNECTIONS__A__TIMEOUTS__OPEN": "5s"},
        overrides={"timeouts.open": "6s"},
    )
    row = config.explain()["timeouts.open"]
    assert came(row) == ("6", "code")
    assert overrode(row) == [
        ("5", "WSSDK_CONNECTIONS__A__TIMEOUTS__OPEN"),
        ("4", "WSSDK_TIMEOUTS__OPEN"),
        ("3", "service.toml:3"),
        ("2", "service.toml:1"),
        ("1", "base.toml:2"),
        ("10", "default"),
    ]


def test_the_variable_that_replaced_several_uris_of_a_file_is_told(write: Write) -> None:
    file = write('uris = ["ws://u:hush@b", "ws://c"]')
    explanation = ClientConfig.load(file, environ={"WSSDK_URI": "ws://a"}).explain()
    assert came(explanation["uri"]) == ('"ws://a"', "WSSDK_URI")
    assert came(explanation["uris"]) == ("[]", "WSSDK_URI")
    assert overrode(explanation["uris"]) == [
        ('["ws://********@b", "ws://c"]', "service.toml:1"),
        ("[]", "default"),
    ]


def test_the_connection_that_replaced_the_uri_of_the_top_level_is_told(write: Write) -> None:
    file = write('uri = "ws://a"\n[connections.feed]\nuris = ["ws://b", "ws://c"]')
    row = ClientConfig.from_toml(file, connection="feed").explain()["uri"]
    assert came(row) == ("not set", "service.toml:3")
    assert overrode(row) == [('"ws://a"', "service.toml:1"), ("not set", "default")]


def test_what_came_back_after_it_was_replaced_has_all_its_history(write: Write) -> None:
    file = write('uri = "ws://a"\n[connections.feed]\nuris = ["ws://b", "ws://c"]')
    config = ClientConfig.load(file, connection="feed", environ={"WSSDK_URI": "ws://d"})
    row = config.explain()["uri"]
    assert came(row) == ('"ws://d"', "WSSDK_URI")
    assert [origin.where for origin in row.overrode] == ["service.toml:3", "service.toml:1", "default"]


def test_a_replaced_option_is_a_row_among_those_that_are_set(write: Write) -> None:
    file = write('uris = ["ws://b", "ws://c"]')
    explanation = ClientConfig.load(file, environ={"WSSDK_URI": "ws://a"}).explain()
    assert [row.option for row in explanation.changed] == ["uri", "uris"]


def test_a_long_value_is_whole(write: Write) -> None:
    uri = f"ws://h/{'x' * 5000}"
    explanation = ClientConfig.from_toml(write(f'uri = "{uri}"')).explain()
    assert explanation["uri"].value == f'"{uri}"'


def test_of_a_long_value_the_table_has_the_beginning(write: Write) -> None:
    table = str(ClientConfig.from_toml(write(f'uri = "ws://h/{"x" * 5000}"')).explain())
    assert max(map(len, table.splitlines())) < 400
    assert '"ws://h/xxx' in table


def test_a_header_with_a_dot_in_its_name_is_found_by_both_spellings() -> None:
    explanation = ClientConfig(headers={"X.Y": "1"}).explain()
    assert explanation['headers."x.y"'] is explanation["headers.X.Y"]
    assert explanation["headers.X.Y"].keys == ("headers", "X.Y")


def test_a_short_form_is_the_place_of_what_it_switches(write: Write) -> None:
    explanation = ClientConfig.from_toml(write('uri = "ws://h"\ncompression = false')).explain()
    assert came(explanation["compression.enabled"]) == ("false", "service.toml:2")


def test_a_value_made_in_code_is_from_code() -> None:
    row = ClientConfig(timeouts=Timeouts(open="10m")).explain()["timeouts.open"]
    assert came(row) == ("600", "code")
    assert overrode(row) == [("10", "default")]


def test_a_value_of_a_keyword_has_the_keyword() -> None:
    explanation = ClientConfig.from_connect(
        "ws://h", open_timeout=3, additional_headers={"X-Key": "hush"}, proxy=None, local_addr=("::1", 5)
    ).explain()
    assert came(explanation["uri"]) == ('"ws://h"', "connect(uri)")
    assert came(explanation["timeouts.open"]) == ("3", "connect(open_timeout=...)")
    assert came(explanation["headers.x-key"]) == ("********", "connect(additional_headers=...)")
    assert came(explanation["proxy.enabled"]) == ("false", "connect(proxy=...)")
    assert came(explanation["network.local_port"]) == ("5", "connect(local_addr=...)")


def test_load_all_explains_each_connection(write: Write) -> None:
    file = write('[connections.a]\nuri = "ws://a"\n[connections.b]\nuri = "ws://b"')
    configs = ClientConfig.load_all(file, environ={})
    assert {name: came(config.explain()["uri"]) for name, config in configs.items()} == {
        "a": ('"ws://a"', "service.toml:2"),
        "b": ('"ws://b"', "service.toml:4"),
    }


def test_what_evolve_changed_is_from_code_and_overrode_the_rest(write: Write) -> None:
    config = ClientConfig.from_toml(write('uri = "ws://h"\ntimeouts.open = 5\ntimeouts.close = 6'))
    changed = attrs.evolve(config, timeouts=attrs.evolve(config.timeouts, open=7)).explain()
    assert came(changed["timeouts.open"]) == ("7", "code")
    assert overrode(changed["timeouts.open"]) == [("5", "service.toml:2"), ("10", "default")]
    assert came(changed["timeouts.close"]) == ("6", "service.toml:3")


def test_a_changed_header_is_from_code(write: Write) -> None:
    config = ClientConfig.from_toml(write('uri = "ws://h"\nheaders.X-Key = "a"'))
    row = attrs.evolve(config, headers={"X-Key": "b"}).explain()["headers.X-Key"]
    assert came(row) == ("********", "code")
    assert overrode(row) == [("********", "service.toml:2")]


def test_another_uri_keeps_where_the_rest_is_from(write: Write) -> None:
    explanation = (
        ClientConfig.from_toml(write('uri = "ws://h"\ntimeouts.open = 5')).with_uri("ws://i").explain()
    )
    assert came(explanation["uri"]) == ('"ws://i"', "code")
    assert came(explanation["timeouts.open"]) == ("5", "service.toml:2")


def test_a_factory_keeps_where_its_config_is_from(write: Write) -> None:
    factory = ConnectionFactory(ClientConfig.from_toml(write('uri = "ws://h"\ntimeouts.open = 5')))
    row = factory.evolve(uri="ws://i").config.explain()["timeouts.open"]
    assert came(row) == ("5", "service.toml:2")


def test_a_pickle_keeps_where_values_are_from(write: Write) -> None:
    config = ClientConfig.from_toml(write('uri = "ws://h"\ntimeouts.open = 5\nheaders.X = "a"'))
    assert str(pickle.loads(pickle.dumps(config)).explain()) == str(config.explain())


def test_a_pickle_has_no_secret_of_other_connections_and_lower_layers(write: Write) -> None:
    base = write('uri = "ws://h"\nauth.token = "hush"\nheaders.X = "hush"\n# hush', "base.toml")
    file = write('auth.token = "a"\nheaders.X = "b"\n[connections.b]\nauth.token = "hush"')
    config = ClientConfig.load(base, file, environ={"WSSDK_CONNECTIONS__B__HEADERS__Y": "hush"})
    assert b"hush" not in pickle.dumps(config)


def test_where_values_are_from_is_no_part_of_the_value(write: Write) -> None:
    loaded = ClientConfig.from_toml(write('uri = "ws://h"\ntimeouts.open = 5'))
    made = ClientConfig(uri="ws://h", timeouts=Timeouts(open=5))
    assert loaded == made
    assert hash(loaded) == hash(made)
    assert repr(loaded) == repr(made)


def test_asdict_can_leave_out_where_values_are_from(write: Write) -> None:
    loaded = ClientConfig.from_toml(write('uri = "ws://h"\ntimeouts.open = 5'))
    made = ClientConfig(uri="ws://h", timeouts=Timeouts(open=5))
    only_values = attrs.filters.exclude("_origins")
    assert attrs.asdict(loaded, filter=only_values) == attrs.asdict(made, filter=only_values)


def test_secrets_are_masked_in_every_layer(write: Write) -> None:
    base = write(
        'uri = "wss://u:hush@h/?token=hush"\nauth.token = "hush"\nproxy = "http://u:hush@p"', "b.toml"
    )
    file = write('uri = "wss://h"\nauth = { token = "hush", scheme = "Bearer" }\nheaders = { X = "hush" }')
    config = ClientConfig.load(base, file, environ={"WSSDK_TLS__KEY_PASSWORD": "hush"}, overrides={
        "tls.cert_file": "c.pem", "tls.key_file": "k.pem", "auth.token": "hush"
    })  # fmt: skip
    explanation = config.explain()
    assert "hush" not in str(explanation) + repr(explanation)


def test_secrets_in_one_of_several_uris_are_masked(write: Write) -> None:
    file = write('uris = ["wss://u:hush@h/", "wss://i/?token=hush"]')
    explanation = ClientConfig.from_toml(file).explain()
    assert explanation["uris"].value == '["wss://********@h/", "wss://i/?token=********"]'
    assert "hush" not in str(explanation) + repr(explanation)


def test_an_overridden_value_that_is_wrong_is_masked(write: Write) -> None:
    base = write('uri = "ws://h"\nauth.scheme = "Bearer hush"\norigin = "hush\\n"', "base.toml")
    file = write('auth.scheme = "Bearer"\norigin = "https://o"')
    explanation = ClientConfig.load(base, file, environ={}).explain()
    assert overrode(explanation["auth.scheme"])[0] == ("********", "base.toml:2")
    assert "hush" not in str(explanation)


def test_every_option_has_a_row() -> None:
    rows = [row.option for row in ClientConfig().explain()]
    assert rows == [".".join(option) for option in OPTIONS]


def test_what_is_set_is_told_apart() -> None:
    config = ClientConfig(uri="ws://h", timeouts=Timeouts(open=5))
    assert [row.option for row in config.explain().changed] == ["uri", "timeouts.open"]


def test_the_table_has_what_is_set_first_in_columns(write: Write) -> None:
    file = write('uri = "ws://h"\ntimeouts.open = 5')
    config = ClientConfig.load(file, environ={"WSSDK_TIMEOUTS__OPEN": "7"})
    lines = str(config.explain()).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["OPTION", "VALUE", "FROM", "OVERRODE"],
        ["uri", '"ws://h"', "service.toml:1", "default", "(not", "set)"],
        ["timeouts.open", "7", "WSSDK_TIMEOUTS__OPEN", "service.toml:2", "(5),", "default", "(10)"],
    ]
    columns = [line.index(part) for line, part in zip(lines, ("VALUE", '"ws', "7"), strict=False)]
    assert len(set(columns)) == 1
    assert len(lines) == 1 + len(config.explain())


def test_an_unknown_option_tells_the_near_one() -> None:
    with pytest.raises(KeyError, match=r"there is no option 'timeouts.opne'; did you mean 'timeouts.open'\?"):
        ClientConfig().explain()["timeouts.opne"]
