"""How a run or a sweep ended, when it did not finish: written into its folder, and told with what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nmrqb.errors import NmrqbError, RunError
from nmrqb.runs.folder import RunFolder, State
from nmrqb.runs.record import Record


@contextmanager
def told(folder: RunFolder, record: Record) -> Iterator[None]:
    """What stops the work done inside is written into run.json. Raises RunError, with how to go on, or what it was."""
    how = f"go on with it: nmrqb resume {shlex.quote(str(folder.path))}"
    try:
        yield
    except KeyboardInterrupt:
        _give_up(folder, record, "interrupted")
        raise RunError("interrupted", how) from None
    except RunError as error:
        _give_up(folder, record, "failed", str(error))
        raise RunError(error.message, f"{error.remedy}; then {how}" if error.remedy else how) from error
    except Exception as error:
        _give_up(folder, record, "failed", str(error))
        raise


def _give_up(folder: RunFolder, record: Record, state: State, reason: str = "") -> None:
    """Mark what did not finish. Where that cannot be written either, run.json still says that it is running."""
    with suppress(NmrqbError):
        folder.state(state, **record.about(), **({"reason": reason} if reason else {}))
