"""The README's code blocks, run as a newcomer would: from an empty folder, each file as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest

from wssdk import ClientConfig, Timeouts
from wssdk.config_rules import option_fields
from wssdk.testing import EchoServer

README: Final = Path(__file__).parents[2] / "README.md"
_BLOCK: Final = re.compile(r"^```(?P<info>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# Options that are refused as not supported yet, beside those of the proxy section.
LATER: Final[set[str]] = set()
# The address that the README's commands serve and its scripts connect to.
_ADDRESS: Final = "ws://127.0.0.1:8765/"


@attrs.frozen
class Block:
    """A fenced block; ``options`` are the ``name=value`` words behind its language."""

    language: str
    options: dict[str, str]
    text: str


def blocks() -> Iterator[Block]:
    for match in _BLOCK.finditer(README.read_text(encoding="utf-8")):
        language, *words = match["info"].split()
        yield Block(language, dict(word.split("=", 1) for word in words), match["text"])


def texts(option: str) -> dict[str, str]:
    """Texts of the blocks that have an option, by its value."""
    return {block.options[option]: block.text for block in blocks() if option in block.options}


FILES: Final = texts("file")
OUTPUTS: Final = texts("output-of")
SCRIPTS: Final = [name for name in FILES if name.endswith(".py")]


async def run(script: str, folder: Path) -> str:
    environ = {**os.environ, "PYTHONPATH": str(README.parent)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        script,
        cwd=folder,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_script_of_the_readme_prints_what_the_readme_says(script: str, tmp_path: Path) -> None:
    async with EchoServer() as server:
        for name, text in FILES.items():
            # The server of the test has a port of its own.
            (tmp_path / name).write_text(text.replace(_ADDRESS, server.uri), encoding="utf-8")
        assert await run(script, tmp_path) == OUTPUTS[script]


def test_every_python_block_is_a_script() -> None:
    assert [block for block in blocks() if block.language == "python" and "file" not in block.options] == []


def test_every_script_has_its_output() -> None:
    assert sorted(OUTPUTS) == sorted(SCRIPTS)


def told() -> set[str]:
    """Dotted paths of the options that the configuration table names."""
    text = README.read_text(encoding="utf-8")
    _, _, rest = text.partition("| section | options and defaults |\n| --- | --- |\n")
    paths: set[str] = set()
    for line in rest.partition("\n\n")[0].splitlines():
        _, section, options, _ = line.split("|")
        name = re.search(r"`(\w+)`", section)
        prefix = f"{name[1]}." if name else ""
        paths |= {prefix + option for option in re.findall(r"`([a-z_0-9]+)`", options)}
    return paths


def schema() -> set[str]:
    """Dotted paths of all options."""
    paths: set[str] = set()
    for field in option_fields(ClientConfig):
        section = type(getattr(ClientConfig(), field.name))
        if section.__module__ == Timeouts.__module__:
            paths |= {f"{field.name}.{option.name}" for option in attrs.fields(section)}
        else:
            paths.add(field.name)
    return paths


def test_the_configuration_table_names_every_option_of_this_release() -> None:
    assert told() == schema() - LATER


def test_every_link_leads_to_a_file() -> None:
    targets = re.findall(r"\]\((?!#)([^)]+)\)", README.read_text(encoding="utf-8"))
    assert [target for target in targets if not (README.parent / target).exists()] == []


def test_every_file_named_as_proof_exists() -> None:
    named = re.findall(r"`(tests/[^`]+\.py)`", README.read_text(encoding="utf-8"))
    assert [name for name in named if not (README.parent / name).exists()] == []
