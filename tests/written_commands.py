"""Commands that are written in pages, recipes and images, held against the real parsers."""

import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import typer.main

from msfusion_sdk.cli.main import app
from msfusion_sdk.cli.shared.logging_options import take_logging
from msfusion_sdk.cohort.encoding.plan import in_shard

__all__ = [
    "EXTRAS",
    "ROOT",
    "extras_in",
    "msfusion_commands",
    "parse_msfusion",
    "parse_pip",
    "pip_commands",
]

ROOT = Path(__file__).parents[1]
EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
)
# What a shell, Nextflow, Snakemake or Apptainer fills in; a number fits wherever one stands.
FILLED = re.compile(r"\$\(\(.*?\)\)|\$\{+.*?\}+|\$\(.*?\)|\{\{.*?\}\}|\{[\w.]+\}|\$\w+")
END = r"(?=\s*(?:&&|[|;>]|  +\S|$))"
MSFUSION = re.compile(rf"\bmsfusion ([a-z][\w-]*\b.*?){END}", re.MULTILINE)
PIP = re.compile(rf"(?<!uv )\bpip ((?:install|download|wheel) .*?){END}", re.MULTILINE)
EXTRA = re.compile(r"(?:msfusion-sdk|\.)\[([\w,]+)\]|EXTRAS=([\w,]+)")


def joined(text: str) -> str:
    """Return a text in which a command stands on one line, without what is filled in."""
    # The scalars of YAML that fold, and lines that a backslash goes on.
    text = re.sub(r"\n\s+(?=--)", " ", re.sub(r"\\\n\s*", "", text))
    return FILLED.sub("1", text)


def split(line: str) -> list[str]:
    """Return the words of a command; a quote that began before it ends it."""
    try:
        return shlex.split(line)
    except ValueError:
        return shlex.split(re.sub(r"[\"'](?=[^\"']*$)", "", line))


def msfusion_commands(text: str) -> list[list[str]]:
    """The words of every call of msfusion, after its name."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = [split(line) for line in MSFUSION.findall(joined(text))]
    return [words for words in found if words[0] in commands]


def parse_msfusion(words: list[str]) -> None:
    """Let the command's own parser read the words; raises what it raises."""
    words, _ = take_logging(words)
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if words and not words[0].startswith("-") and hasattr(command, "commands"):
        msg = f"no such command: {words[0]}"
        raise LookupError(msg)
    context = command.make_context("msfusion", words)
    in_shard([], context.params.get("shard"))


def pip_commands(text: str) -> list[list[str]]:
    """The words of every call of pip that installs or fetches, after its name."""
    return [split(line) for line in PIP.findall(joined(text))]


def parse_pip(words: list[str]) -> None:
    """Let pip's own parser read the words; ends the process as it does."""
    create = import_module("pip._internal.commands").create_command
    create(words[0]).parser.parse_args(words[1:])


def extras_in(text: str) -> set[str]:
    """The extras of ours that are asked for."""
    return {name for pair in EXTRA.findall(text) for name in "".join(pair).split(",")}
