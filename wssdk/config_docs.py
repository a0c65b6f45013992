"""What the options and sections are for: their docstrings, for schema, files and pages that are generated."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from wssdk.config import ClientConfig
from wssdk.config_schema import SECTIONS, Keys

__all__ = ["descriptions"]


@functools.cache
def descriptions() -> Mapping[Keys, str]:
    """Return one paragraph for each option and section; none where the source code is not installed."""
    found: dict[Keys, str] = {}
    for name, text in _documented(ClientConfig):
        found[(name,)] = text
    for section, cls in SECTIONS.items():
        summary = inspect.getdoc(cls)
        if summary:
            found[(section,)] = _paragraph(summary)
        for name, text in _documented(cls):
            found[section, name] = text
    return found


def _documented(cls: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a class with the string that stands below each."""
    try:
        tree = ast.parse(inspect.getsource(cls))
    except (OSError, TypeError, SyntaxError):
        return
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for field, below in itertools.pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, _paragraph(inspect.cleandoc(text))


def _paragraph(text: str) -> str:
    return " ".join(text.replace("``", "").split())
