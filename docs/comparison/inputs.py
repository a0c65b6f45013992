"""The file that all programs of this folder read, what is made wrong about it, and what a user asks then."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["BAD", "FILE", "GOOD", "KEPT", "SECRET", "Input"]

# These read no files, and all values of the environment are text.
ENVIRONMENT_ONLY = ("environ-config", "environs")
FILE = "service.toml"
# Asked of what is no error, too.
KEPT = "secret kept?"
SECRET = "s3cr3t-0f-mine"
GOOD = f"""\
uri = "wss://stream.example.com/"
subprotocols = ["v2", "v1"]

[auth]
token = "{SECRET}"

[timeouts]
open = "5s"
close = "2s"

[keepalive]
interval = "30s"

[limits]
max_size = "4 MiB"
max_queue = 64

[compression]
enabled = true
level = 6

[tls]
verify = true

[network]
family = "ipv4"
"""


@dataclass(frozen=True)
class Input:
    """A run of each program."""

    name: str
    title: str
    changes: dict[str, str] = field(default_factory=dict)
    """Parts of the file, and what stands there instead."""
    environ: dict[str, str] = field(default_factory=dict)
    asked: str = FILE
    """The file that is asked for."""
    without: tuple[str, ...] = ()
    """Libraries that cannot be asked, as what they read is something else."""
    questions: dict[str, str] = field(default_factory=dict)
    """A question, and what an error that answers it has (a regular expression)."""
    note: str = ""
    """What the outputs do not show."""

    @property
    def text(self) -> str:
        """The file."""
        text = GOOD
        for old, new in self.changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text


def _place(changed: str) -> str:
    """Return an expression for the place of an option: the number of its line, or its variable."""
    number = next(n for n, line in enumerate(GOOD.splitlines(), 1) if line == changed)
    variable = changed.partition(" ")[0].upper()
    return rf"(?:\bline {number}\b|\.toml:{number}\b|\bAPP_\w+__{variable}\b)"


def _named(option: str) -> str:
    """Return an expression for the name of an option, or for the end of its variable's."""
    return rf"(?i)(?<![a-z]){option}\b"


BAD = (
    Input(
        "unknown-key",
        "A key that is misspelt",
        {'open = "5s"': 'opne = "5s"'},
        questions={
            "option?": r"\bopne\b",
            "place?": _place('open = "5s"'),
            "nearest name?": r"\bopen\b",
        },
    ),
    Input(
        "text-for-bool",
        'Text in place of a bool: is `"false"` false?',
        {"verify = true": 'verify = "false"'},
        without=ENVIRONMENT_ONLY,
        questions={
            "option?": _named("verify"),
            "place?": _place("verify = true"),
            "what is expected?": r"(?i)\bbool|\btrue\b",
        },
    ),
    Input(
        "fraction-for-int",
        "A fraction where messages are counted",
        {"max_queue = 64": "max_queue = 5.7"},
        questions={
            "option?": _named("max_queue"),
            "place?": _place("max_queue = 64"),
            "what is expected?": r"(?i)\bint\b|\binteger\b|\bwhole number",
        },
    ),
    Input(
        "syntax",
        "A unit without quotes",
        {'close = "2s"': "close = 2s"},
        without=ENVIRONMENT_ONLY,
        questions={
            "file?": r"service\.toml",
            "place?": _place('close = "2s"'),
            "way out?": r"(?i)\bquot|\bstring\b",
        },
    ),
    Input(
        "secret",
        "A secret in a value of the wrong type",
        {f'token = "{SECRET}"': f'token = ["{SECRET}"]'},
        without=ENVIRONMENT_ONLY,
        questions={
            "option?": _named("token"),
            "place?": _place(f'token = "{SECRET}"'),
            KEPT: rf"\A(?![\s\S]*{SECRET})",
        },
        note="typed-settings makes text of the array, `['...']`; dature has the array inside of its "
        "`SecretStr`. Either shows only where the token is used. pydantic-settings prints the token in "
        "the error unless `hide_input_in_errors` is set, as it is here.",
    ),
    Input(
        "missing-file",
        "A file that is not there; `service.toml` is",
        asked="servce.toml",
        without=ENVIRONMENT_ONLY,
        questions={
            "file?": r"servce\.toml",
            "nearest file?": r"service\.toml",
        },
    ),
    Input(
        "two-problems",
        "Two problems at once: a wrong unit, and a number out of range",
        {'max_size = "4 MiB"': 'max_size = "4 MiBB"', "level = 6": "level = 12"},
        questions={
            "first?": _named("max_size"),
            "second?": _named("level"),
            "both places?": "(?s)"
            + "".join(f"(?=.*{_place(line)})" for line in ('max_size = "4 MiB"', "level = 6")),
        },
    ),
    Input(
        "environment",
        "A variable that is misspelt",
        environ={"APP_TIMEOUTS__OPNE": "7s"},
        without=("msgspec",),
        questions={
            "variable?": r"\bAPP_TIMEOUTS__OPNE\b|\btimeouts\.opne\b",
            "nearest name?": r"(?i)\bAPP_TIMEOUTS__OPEN\b|'open'|\btimeouts\.open\b",
        },
    ),
)
