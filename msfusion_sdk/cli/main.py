"""The command line's door: all commands, and how errors become messages and exit codes."""

import errno
import io
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from msfusion_sdk._version import __version__
from msfusion_sdk.cli.apply import apply
from msfusion_sdk.cli.bench import bench
from msfusion_sdk.cli.cohort.group import app as cohort
from msfusion_sdk.cli.doctor import doctor
from msfusion_sdk.cli.encode import demo, encode, info
from msfusion_sdk.cli.fusion import adapters, classify, evaluate, explain, predict, train
from msfusion_sdk.cli.models import app as models
from msfusion_sdk.cli.pretrain.tiles import app as pretrain
from msfusion_sdk.cli.report import report
from msfusion_sdk.cli.shared.console import err, tell
from msfusion_sdk.cli.shared.logging_options import start, take_logging, talk
from msfusion_sdk.cli.shared.setting_words import of_options, options_of
from msfusion_sdk.cli.shared.several_words import SeveralWords
from msfusion_sdk.cli.validate import validate
from msfusion_sdk.cli.view import view
from msfusion_sdk.errors import (
    ExitCode,
    MsfusionError,
    RunInterruptedError,
    SettingError,
    StoreAbsentError,
    StoreError,
    StoreSchemaError,
    StoreVersionError,
)
from msfusion_sdk.monitoring.log import log

__all__ = ["app", "main"]


UsageError: Any = typer.BadParameter.__base__
"""Wrong use, said by typer itself: the class is click's, or that of the copy that typer has."""


class Door(TyperGroup):
    """The command line's door: every error that is ours or the system's leaves as a message."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command.

        Inside what typer does around it, which takes every KeyboardInterrupt for a Ctrl-C.
        """
        try:
            return super().invoke(ctx)
        except MsfusionError as error:
            text = str(error)
            if isinstance(error, SettingError):  # to the shell, settings are options
                text = of_options(text, options_of(self, sys.argv[1:]))
            _say(error.code, text)
            raise typer.Exit(_exit_code(error)) from error
        except KeyboardInterrupt as error:
            tell("Interrupted. What was written is complete.", logging.WARNING)
            raise typer.Exit(ExitCode.INTERRUPTED) from error
        except UsageError as error:
            if talk().style != "json":
                raise  # in a frame, with the usage above it
            _say("Usage", error.format_message())
            raise typer.Exit(error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has had enough
                raise
            found = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
            _say("Store", f"{found}. Check the path, its permissions and the disk.")
            raise typer.Exit(ExitCode.STORE) from error
        except MemoryError as error:
            _say("Memory", "There is no memory left. Use fewer workers, or a larger machine.")
            raise typer.Exit(ExitCode.STORE) from error


def _say(code: str, text: str) -> None:
    if talk().style == "json":
        tell(text, logging.ERROR, event="error", code=code)
        return
    err.print(f"[bold red]error[/] [{code}] ", end="", markup=True)
    err.print(text, markup=False, soft_wrap=True)


def _exit_code(error: MsfusionError) -> int:
    if isinstance(error, RunInterruptedError):
        return 128 + error.signum  # as shells do: 130 for Ctrl-C, 143 for SIGTERM
    is_wrong_name = isinstance(error, (StoreAbsentError, StoreSchemaError))
    # A newer version's file was named rightly, and cannot be read.
    if is_wrong_name and not isinstance(error, StoreVersionError):
        return ExitCode.USAGE
    return ExitCode.STORE if isinstance(error, StoreError) else ExitCode.USAGE


app = typer.Typer(
    cls=Door,
    help="Whole-slide pathology images to one attention-fused vector.",
    no_args_is_help=True,
    # typer's own tracebacks show local variables, ids of patients among them.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    demo, info, encode, train, predict, classify, apply, validate, explain, evaluate, report,
    view, adapters, doctor, bench,
)  # fmt: skip
TAKE_SEVERAL_WORDS = (apply, validate)
# Each imports what it needs when it runs, so that ``--help`` takes no seconds.
for command in COMMANDS:
    app.command(cls=SeveralWords if command in TAKE_SEVERAL_WORDS else None)(command)
app.add_typer(cohort, name="cohort")
app.add_typer(pretrain, name="pretrain")
app.add_typer(models, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what happens; -vv: more.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and errors.")] = False,
    log_format: Annotated[
        str | None, typer.Option(help="text or json: a line per slide and one a minute, on stderr.")
    ] = None,
) -> None:
    """Whole-slide pathology images to one attention-fused vector.

    -v, -q and --log-format may stand anywhere on the line.

    Exit codes: 0 all done, 2 wrong use or a model that cannot be loaded, 3 finished and some
    slides failed, 4 stopped because too many failed, 5 a result could not be written, 130 or
    143 interrupted.  What was written before is complete.
    """


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A name that is no text, or a terminal that knows few letters, ends no command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        words, chosen = take_logging(sys.argv[1:])
    except typer.BadParameter as error:  # of options that are read before all others
        err.print(f"[bold red]error[/] {error}")
        sys.exit(ExitCode.USAGE)
    handler = start(chosen)
    try:
        with _interruptible() as heard:
            _call(words, heard)
    finally:
        log.removeHandler(handler)


def _call(words: list[str], heard: list[int]) -> None:
    """Run a command; whatever a signal became on its way, the exit code is that of the signal.

    A KeyboardInterrupt that arrives while a library is imported, or calls back from C, leaves it
    as an error of that library.
    """
    try:
        app(words)
    except Exception:
        if not heard:
            raise
        tell("Interrupted. What was written is complete.", logging.WARNING)
        sys.exit(128 + heard[-1])


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, each with its own exit code.

    Yields the signals that were heard.
    """
    heard: list[int] = []

    def interrupt(signum: int, frame: FrameType | None) -> None:
        heard.append(signum)
        if signum == signal.SIGINT:
            signal.default_int_handler(signum, frame)
        _interrupt(signum, frame)

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # Under nohup the end of the terminal is ignored, and stays so.
    heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    name = signal.Signals(signum).name
    msg = f"Stopped by {name}. What was written is complete; run the same again to go on."
    raise RunInterruptedError(msg, signum=signum)
