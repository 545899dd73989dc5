"""Where commands print: results to stdout, progress and errors to stderr."""

import json
import logging
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import typer
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError
from rich.console import Console

from msfusion_sdk.cli.shared.logging_options import log_progress, talk
from msfusion_sdk.cli.shared.setting_words import told
from msfusion_sdk.errors import ExitCode, MsfusionError, SettingError
from msfusion_sdk.monitoring.log import log
from msfusion_sdk.monitoring.progress import Progress, terminal_bars

__all__ = [
    "bars",
    "err",
    "json_of",
    "known_words",
    "out",
    "require_agreement",
    "run_bars",
    "tell",
    "tell_warning",
    "told_warnings",
    "typed",
]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def tell(text: str, level: int = logging.INFO, **facts: object) -> None:
    """Say something on stderr: a line, or an object with ``facts`` under ``--log-format json``."""
    if talk().style == "json":
        log.log(level, "%s", text, extra={"msfusion": facts})
    else:
        # Ids and paths may hold brackets, which rich would take for markup.
        err.print(text, markup=False, soft_wrap=True)


@contextmanager
def bars() -> Iterator[Progress]:
    """Show a bar per stage while the block runs; log lines where nobody looks at bars."""
    if not talk().has_bars:
        yield log_progress
        return
    with terminal_bars(err) as update:
        yield update


@contextmanager
def run_bars() -> Iterator[Progress | Literal[False]]:
    """Show a bar of slides; nothing where a run's own log lines say it."""
    if not talk().has_bars:
        yield False
        return
    with terminal_bars(err) as update:
        yield update


def tell_warning(text: str) -> None:
    """Say a warning on stderr; in JSON the level says that it is one."""
    is_json = talk().style == "json"
    tell(text if is_json else f"warning: {text}", logging.WARNING, event="warning")


@contextmanager
def told_warnings() -> Iterator[None]:
    """Print each warning of the block once, to stderr: folds repeat them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for message in dict.fromkeys(str(one.message) for one in caught):
                tell_warning(message)


@contextmanager
def known_words() -> Iterator[None]:
    """Turn a word that a function does not know into an error of usage.

    Our own errors, some of which are ``ValueError`` too, pass unchanged.
    """
    try:
        yield
    except MsfusionError:
        raise
    except ValidationError as error:
        raise SettingError(told(error)) from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def require_unused(when: str, options: Mapping[str, object]) -> None:
    """Refuse options that were given and would change nothing.

    Parameters
    ----------
    when : str
        The case in which they are of no use, as the beginning of a sentence.
    options : mapping
        From the name of each to its value; None or False where it was not given.
    """
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        msg = f"{when} {', '.join(given)} cannot be used. Leave it out."
        raise typer.BadParameter(msg)


def require_agreement(question: str) -> None:
    """Ask, and end the command unless the answer is yes; without a terminal there is no answer."""
    try:
        if typer.confirm(question):
            return
    except typer.Abort:
        err.print()
    tell("Nothing was changed. With --yes nothing is asked.", logging.WARNING)
    raise typer.Exit(ExitCode.USAGE)


def json_of(found: BaseModel) -> str:
    """Return a result as one line of JSON; names of files that are no text are escaped."""
    try:
        return found.model_dump_json()
    except PydanticSerializationError:
        return json.dumps(found.model_dump(mode="python"), default=str)


def typed() -> str:
    """Return the command as it can be typed again here; files by their way from here, or names.

    It goes into results, which leave: folders above the present one are nobody's business.
    """
    return shlex.join(["msfusion", *(_from_here(word) for word in sys.argv[1:])])


def _from_here(word: str) -> str:
    option, sign, value = word.partition("=") if word.startswith("-") else ("", "", word)
    if not Path(value).is_absolute():
        return word
    here = Path.cwd()
    path = Path(value)
    shown = path.relative_to(here) if path.is_relative_to(here) else Path(path.name)
    return f"{option}{sign}{shown}"
