"""The command line. Each command says what it did; what it cannot do it says in one sentence, with exit code 2 or 1."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import nmrqb
from nmrqb import (
    cli_backends,
    cli_compare,
    cli_design,
    cli_export,
    cli_files,
    cli_paper,
    cli_run,
    cli_signal,
    cli_sweep,
    cli_tomography,
    terminal,
)
from nmrqb.errors import InputError, NmrqbError

app = typer.Typer(
    name="nmrqb",
    help="Design and try magnetic dipolar quantum batteries: one pulse sequence, run as exact spin dynamics and as Qiskit circuits.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


BAD_INPUT, FAILED = 2, 1

#: What the parser of the command line raises; the module it comes from changes with the version of typer.
_UsageError: Any = typer.BadParameter.__base__
#: What typer makes of Ctrl-C where it does not raise Abort.
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs a command and exits with 0, 2 for bad input, or 1 for a run that failed or was interrupted."""
    terminal.open_streams()
    raise SystemExit(terminal.flushed(_outcome(sys.argv[1:] if arguments is None else arguments)))


def _outcome(arguments: list[str]) -> int:
    try:
        code = app(args=arguments or ["--help"], prog_name="nmrqb", standalone_mode=False)
    except SystemExit:  # how typer and rich leave when the reader of our output has left, as `head` does
        return terminal.silenced(0)
    except _UsageError as error:
        help_on = error.ctx.command_path if error.ctx else "nmrqb"
        return terminal.complain(f"{error.format_message().rstrip('.')}; see {help_on} --help", code=BAD_INPUT)
    except (typer.Abort, KeyboardInterrupt) as error:  # an end of file inside a command is made an Abort as well
        cause = error.__cause__
        return terminal.complain(f"unexpected {cause!r}" if isinstance(cause, EOFError) else "interrupted", code=FAILED)
    except InputError as error:
        return terminal.complain(*map(str, error.problems), code=BAD_INPUT)
    except NmrqbError as error:
        return terminal.complain(str(error), code=FAILED)
    except MemoryError as error:
        return terminal.complain(f"this needs more memory than there is ({error}); ask for fewer points", code=FAILED)
    except OSError as error:
        if os.environ.get("NMRQB_DEBUG"):
            raise
        what = f"{error.filename} cannot be read or written" if error.filename else "the output cannot be written"
        return terminal.complain(f"{what} ({error.strerror})", code=FAILED)
    except Exception as error:
        if os.environ.get("NMRQB_DEBUG"):
            raise
        text = f"unexpected {type(error).__name__}: {error}; set NMRQB_DEBUG=1 for the traceback and report it"
        return terminal.complain(text, code=FAILED)
    if code == _INTERRUPTED:
        return terminal.complain("interrupted", code=FAILED)
    return (code or 0) if arguments else BAD_INPUT


def _version(value: bool) -> None:
    if value:
        print(f"nmrqb {nmrqb.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None: ...


def resume(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run or sweep that was cut short.")],
) -> None:
    """Go on with a run after a kill, a failure or a day: what is done is kept, and only what is missing is run.

    It ends with the same bytes as a run that nothing disturbed. Inputs are read from the folder, not from where they were.
    """
    (cli_sweep.go_on if cli_sweep.is_sweep(folder) else cli_run.resume)(folder)


# in the order in which --help lists them
app.command()(cli_run.run)
app.command()(resume)
app.command()(cli_sweep.sweep)
app.command()(cli_backends.backends)
app.command()(cli_compare.compare)
app.command()(cli_tomography.tomography)
app.add_typer(cli_design.app, name="design")
app.command()(cli_export.export)
app.command()(cli_files.show)
app.command()(cli_files.check)
app.command()(cli_signal.spectrum)
app.command()(cli_paper.figure)
app.command()(cli_paper.errata)
