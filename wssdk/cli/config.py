"""``wssdk config``: check, show and compare configurations; their schema, and a file to begin with.

Needs the extra ``cli`` (click and rich). Exit codes: 0 all is well; 1 the configuration is wrong or, for
``diff``, the two differ; 2 the command's own words are wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click
from rich import box
from rich.console import Console
from rich.table import Table

from wssdk.config import ClientConfig
from wssdk.config_explanation import ExplainedOption, Explanation
from wssdk.config_origins import value_of
from wssdk.errors import ConfigError, ConfigProblem

__all__ = ["run_config"]

_WIDE: Final = 10_000
"""Columns of a table that goes to a file or a pipe: nothing is cut off there."""

_FILE = click.Path(path_type=Path)  # the loader tells what is wrong with a path, and better
_connection = click.option("--connection", metavar="NAME", help="Lay [connections.NAME] over the top level.")
_env = click.option("--env/--no-env", default=False, help="Lay the environment (WSSDK_...) over the files.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def run_config(arguments: Sequence[str]) -> int:
    """Run ``wssdk config`` with ``arguments``; return the exit code.

    Raises:
        BrokenPipeError: nobody reads what it prints.
    """
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
    """Check, show and compare configurations."""


@_group.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@_env
@_as_json
def check(files: tuple[Path, ...], env: bool, as_json: bool) -> int:
    """Check files, each by itself, with all the connections it names; tell everything that is wrong."""
    found = {file: _problems_of(file, env) for file in files}
    if as_json:
        _print_json(
            [
                {"file": str(file), "problems": [attrs.asdict(problem) for problem in problems]}
                for file, problems in found.items()
            ]
        )
        return int(any(found.values()))
    for file, problems in found.items():
        if problems:
            print(ConfigError(problems), file=sys.stderr)
        else:
            print(f"{file}: ok")
    return int(any(found.values()))


def _problems_of(file: Path, env: bool) -> tuple[ConfigProblem, ...]:
    # A file that names connections need not be one by itself: it may lack the URI.
    load: Any = ClientConfig.load_all if _names_connections(file) else ClientConfig.load
    try:
        load(file, env_prefix="WSSDK_" if env else None)
    except ConfigError as error:
        return error.problems
    return ()


def _names_connections(file: Path) -> bool:
    import tomli

    try:
        return "connections" in tomli.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False  # the loader tells what is wrong


@_group.command()
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@_connection
@_env
@click.option("--all", "everything", is_flag=True, help="Defaults, too.")
@_as_json
def show(files: tuple[Path, ...], connection: str | None, env: bool, everything: bool, as_json: bool) -> int:
    """Show what is in force, and where each value comes from; later files win. Secrets are masked."""
    config = _loaded(files, connection, env)
    if config is None:
        return 1
    explanation = config.explain()
    rows = explanation.options if everything else explanation.changed
    if as_json:
        _print_json([attrs.asdict(row) for row in rows])
        return 0
    _print_table(
        ["option", "value", "from", "overrode"],
        [(row.option, row.value, row.origin.where, _overridden(row)) for row in rows],
    )
    return 0


def _overridden(row: ExplainedOption) -> str:
    return ", ".join(f"{origin.value} ({origin.where})" for origin in row.overrode)


@_group.command()
def schema() -> int:
    """Print the JSON schema of configuration files, for editors: '#:schema FILE' in the first line."""
    _print_json(ClientConfig.json_schema())
    return 0


@_group.command()
@click.argument("file", required=False, type=_FILE)
@click.option("--force", is_flag=True, help="Replace the file.")
def init(file: Path | None, force: bool) -> int:
    """Write a file with every option, its default and its meaning; without FILE, print it."""
    text = ClientConfig.default_toml()
    if file is None:
        print(text, end="")
        return 0
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        print(f"{file} is there already: --force replaces it", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot write {file}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"wrote {file}")
    return 0


@_group.command()
@click.argument("first", type=_FILE, metavar="A")
@click.argument("second", type=_FILE, metavar="B")
@_connection
@_env
@_as_json
def diff(first: Path, second: Path, connection: str | None, env: bool, as_json: bool) -> int:
    """Tell in which options two files differ; exit code 1 where they do. Secrets are masked."""
    configs = [_loaded((file,), connection, env) for file in (first, second)]
    if configs[0] is None or configs[1] is None:
        return 1
    rows = list(_differences(configs[0], configs[1]))
    if as_json:
        _print_json([{"option": option, "a": one, "b": other} for option, one, other in rows])
    elif rows:
        _print_table(["option", str(first), str(second)], rows)
    return int(bool(rows))


def _differences(first: ClientConfig, second: ClientConfig) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield each option that differs, and its two values; None for a header that is not there."""
    explained = [_by_option(config.explain()) for config in (first, second)]
    for option in dict.fromkeys([*explained[0], *explained[1]]):
        one, other = (rows.get(option) for rows in explained)
        keys = tuple(option.split(".", 1))
        if one is None or other is None:
            yield option, None if one is None else one.value, None if other is None else other.value
        elif value_of(first, keys) != value_of(second, keys):
            same = one.value == other.value  # two secrets behind one mask
            yield option, one.value, f"{other.value} (another one)" if same else other.value


def _by_option(explanation: Explanation) -> dict[str, ExplainedOption]:
    # Names of headers compare without case.
    return {
        row.option.lower() if row.option.startswith("headers.") else row.option: row for row in explanation
    }


def _loaded(files: Iterable[Path], connection: str | None, env: bool) -> ClientConfig | None:
    """Return the configuration of all layers; None where it is wrong, which is told."""
    try:
        return ClientConfig.load(*files, connection=connection, env_prefix="WSSDK_" if env else None)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return None


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


def _print_table(heads: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else cell for cell in row))
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    console.print(table)
