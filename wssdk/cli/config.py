"""``wssdk config``: check, show and compare configurations; their schema, and a file to begin with.

Needs the extra ``cli`` (click and rich).
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click

from wssdk.cli.differences import differences
from wssdk.cli.tables import print_rows
from wssdk.config import ClientConfig
from wssdk.config_explanation import ExplainedOption
from wssdk.config_schema import Keys
from wssdk.config_sources import Every, find_problems, load_every
from wssdk.errors import ConfigError, ConfigProblem, printable

__all__ = ["run_config"]

_ENV_PREFIX: Final = "WSSDK_"
_Problems = Mapping[Path, Sequence[ConfigProblem]]


def _table_of(_: click.Context, __: click.Parameter, text: str | None) -> Keys:
    """Return the parts of a dotted name; a part may be in quotes, as in TOML."""
    if text is None:
        return ()
    import tomli

    keys: list[str] = []
    found: Any = None
    try:
        found = tomli.loads(f"{text} = true")
        while isinstance(found, dict):
            ((key, found),) = found.items()
            keys.append(key)
    except (ValueError, RecursionError):
        found = None
    if found is not True:
        raise click.BadParameter(f"{text!r} is not the name of a table, such as tool.myapp")
    return tuple(keys)


_FILE = click.Path(path_type=Path)  # the loader tells what is wrong with a path, and better
_connection = click.option("--connection", metavar="NAME", help="Lay [connections.NAME] over the top level.")
_env = click.option("--env/--no-env", default=False, help="Lay the environment (WSSDK_...) over the files.")
_table = click.option(
    "--table",
    metavar="NAME",
    callback=_table_of,
    help="The table of each FILE that holds the configuration, such as tool.myapp in pyproject.toml.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def run_config(arguments: Sequence[str]) -> int:
    """Run ``wssdk config`` with ``arguments``; return the exit code.

    Raises:
        BrokenPipeError: nobody reads what it prints.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As on standard error: names of files and values need not be what the terminal's encoding has.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _group.main(list(arguments), prog_name="wssdk config", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        return 2
    return int(code or 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def _group() -> None:
    """Check, show and compare configurations.

    FILE may be a pipe: /dev/stdin, or <(command) of a shell. Of a file 4 MiB are read at most.

    Exit codes: 0 all is well; 1 a configuration is wrong, or a file cannot be written; 2 the command's own
    words are wrong. Those of diff are 0 where the files are equal, 1 where they differ, 2 where one of them
    cannot be loaded.
    """


@_group.command(short_help="Tell everything that is wrong with files.")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@_table
@_env
@_as_json
def check(files: tuple[Path, ...], table: Keys, env: bool, as_json: bool) -> int:
    """Check files, each by itself, with all the connections it names; tell everything that is wrong.

    Where it names connections, its top level may lack the URI; where it names none, those of the
    environment count, with --env. Variables and files that it refers to have to be there.

    With --json: an array of {"file", "problems"}, each problem with "where", "path", "message", "hint" and
    "snippet".

    Exit codes: 0 all are well, 1 something is wrong.
    """
    found = {file: find_problems((file,), table=table, env_prefix=_prefix(env)) for file in files}
    _tell(found, as_json)
    if not as_json:
        for file, problems in found.items():
            if not problems:
                print(f"{_shown(file)}: ok")
    return int(any(found.values()))


@_group.command(short_help="Show what is in force, and where it comes from.")
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@_connection
@_table
@_env
@click.option("--all", "everything", is_flag=True, help="Defaults, too.")
@_as_json
def show(
    files: tuple[Path, ...],
    connection: str | None,
    table: Keys,
    env: bool,
    everything: bool,
    as_json: bool,
) -> int:
    """Show what is in force, and where each value comes from; later files win. Secrets are masked.

    Without a FILE, --env shows what the environment alone gives. A terminal gets the beginning of a long
    value; a pipe, a file and --json get all of it.

    With --json: an array of {"option", "value", "origin", "overrode"}; or {"problems"}, as check has them.

    Exit codes: 0 shown, 1 something is wrong.
    """
    if not files and not env:
        raise click.UsageError("Missing argument 'FILE...'; --env shows the environment alone.")
    config, problems = _load(files, connection, table, env)
    if config is None:
        if as_json:
            _print_json({"problems": [attrs.asdict(problem) for problem in problems]})
        else:
            print(ConfigError(problems), file=sys.stderr)
        return 1
    explanation = config.explain()
    rows = explanation.options if everything else explanation.changed
    if as_json:
        _print_json([attrs.asdict(row, filter=_is_told) for row in rows])
        return 0
    print_rows(
        ["option", "value", "from", "overrode"],
        [(row.option, row.value, row.origin.where, _overridden(row)) for row in rows],
    )
    return 0


def _is_told(attribute: attrs.Attribute[Any], _: Any) -> bool:
    return attribute.name != "keys"


def _overridden(row: ExplainedOption) -> str:
    return ", ".join(f"{origin.value} ({origin.where})" for origin in row.overrode)


@_group.command(short_help="Print the JSON schema of files, for editors.")
@click.option("--json", "as_json", is_flag=True, help="It is JSON in any case.")
def schema(as_json: bool) -> int:
    """Print the JSON schema of configuration files, for editors: '#:schema FILE' in the first line."""
    _print_json(ClientConfig.json_schema())
    return 0


@_group.command(short_help="Write a file to begin with.")
@click.argument("file", required=False, type=_FILE)
@click.option("--uri", metavar="URI", help="Where to connect: the one option that has no default.")
@click.option("--force", is_flag=True, help="Replace the file.")
@_as_json
def init(file: Path | None, uri: str | None, force: bool, as_json: bool) -> int:
    """Write a file with every option, its default and its meaning; without FILE, print it.

    With --uri the file is complete; without it, uri is left to be written into it.

    With --json: {"file", "text", "error"}.

    Exit codes: 0 written, 1 it cannot be written, or is there already.
    """
    try:
        text = ClientConfig.default_toml(uri=uri)
    except ConfigError as error:
        raise click.BadParameter(error.problems[0].message, param_hint="'--uri'") from None
    failed = None if file is None else _write(file, text, force)
    if as_json:
        _print_json({"file": file and str(file), "text": text, "error": failed})
    elif failed is not None:
        print(failed, file=sys.stderr)
    elif file is None:
        print(text, end="")
    else:
        rest = "" if uri else "; write your uri into it, it is the first option"
        print(f"wrote {_shown(file)}{rest}")
    return int(failed is not None)


def _write(file: Path, text: str, force: bool) -> str | None:
    """Write ``file``; return what is in the way, None where it was written."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return f"{_shown(file)} is there already: --force replaces it"
    except OSError as error:
        return f"cannot write {_shown(file)}: {error.strerror}"
    return None


@_group.command(short_help="Tell in which options two files differ.")
@click.argument("first", type=_FILE, metavar="A")
@click.argument("second", type=_FILE, metavar="B")
@_connection
@_table
@_env
@_as_json
def diff(first: Path, second: Path, connection: str | None, table: Keys, env: bool, as_json: bool) -> int:
    """Tell in which options two files differ, and the connections that they name. Secrets are masked.

    Of a connection that is told which does not follow from the top level. With --connection that connection
    alone is compared, and all of it.

    With --json: an array of {"option", "a", "b", "masked"}, null for a header or a connection that is not
    there, "masked" true where what differs is a secret behind the same mask; or, where a file cannot be
    loaded, an array of {"file", "problems"} as check has it.

    Exit codes: 0 equal, 1 different, 2 one of them cannot be loaded.
    """
    one, other = (_load_every(file, connection, table, env) for file in (first, second))
    if one.problems or other.problems:
        _tell({first: one.problems, second: other.problems}, as_json)
        return 2
    rows = list(differences(one, other))
    if as_json:
        _print_json([attrs.asdict(row) for row in rows])
    elif rows:
        print_rows(["option", _shown(first), _shown(second)], [row.cells for row in rows])
    return int(bool(rows))


def _load(
    files: Iterable[Path], connection: str | None, table: Keys, env: bool
) -> tuple[ClientConfig | None, Sequence[ConfigProblem]]:
    """Return the configuration of all layers, or what is wrong with it."""
    try:
        config = ClientConfig.load(*files, connection=connection, table=table, env_prefix=_prefix(env))
    except ConfigError as error:
        return None, error.problems
    return config, ()


def _load_every(file: Path, connection: str | None, table: Keys, env: bool) -> Every:
    """Return the top level and the connections of a file; that of one ``connection`` alone as the top."""
    if connection is None:
        return load_every((file,), table=table, env_prefix=_prefix(env))
    config, problems = _load((file,), connection, table, env)
    return Every(config or ClientConfig(), {}, problems)


def _shown(file: Path) -> str:
    return printable(str(file), sys.maxsize)


def _prefix(env: bool) -> str | None:
    return _ENV_PREFIX if env else None


def _tell(found: _Problems, as_json: bool) -> None:
    """Print what is wrong with each file: everything as JSON, or the problems for people."""
    if as_json:
        rows = [
            {"file": str(file), "problems": [attrs.asdict(problem) for problem in problems]}
            for file, problems in found.items()
        ]
        _print_json(rows)
        return
    for problems in found.values():
        if problems:
            print(ConfigError(problems), file=sys.stderr)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
