"""What run.json holds of a run, so that another process can go on with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from nmrqb.errors import InputError, Problem
from nmrqb.files import closest
from nmrqb.jobs.disk import cause

#: Packages whose version decides what circuits are handed in, and so whether work on record is known again.
_DECISIVE = ("nmrqb", "qiskit")


@dataclass(frozen=True)
class Record:
    """A run as it was asked for.

    experiment: as the user named it. engine: None for all that a default run shows. shots: over what the file says. names:
    of experiment, sequence and sample, as figures show them. inputs: SHA-256 of each file. state: how it stood last.
    """

    experiment: str
    engine: str | None
    shots: int
    seed: int
    versions: dict[str, str]
    names: dict[str, str]
    inputs: dict[str, str]
    state: str = "running"

    def about(self) -> dict[str, Any]:
        """What run.json says beside the state."""
        return {name: value for name, value in asdict(self).items() if name != "state"} | {
            "engine": self.engine or "all"
        }

    @classmethod
    def read(cls, folder: Path) -> Record:
        """The record in a run folder. Raises InputError for what is no run folder, or one whose record cannot be read."""
        path = folder / "run.json"
        try:
            found = json.loads(path.read_bytes())
            known = {field.name: found[field.name] for field in fields(cls)}
            return cls(**_checked(known))
        except OSError as error:
            raise InputError((_no_run(folder, error),)) from None
        except (ValueError, KeyError, TypeError):
            allowed = "nothing tells how the run was asked for; begin another"
            raise InputError(
                (Problem("the file is not the record of a run", file=str(path), allowed=allowed),)
            ) from None

    def check_versions(self, here: dict[str, str]) -> str:
        """A note on versions that differ from those of the run, "" where none does.

        Raises InputError where circuits may differ too: jobs on record would then not be known again, and be handed in twice.
        """
        other = {name: (was, here.get(name)) for name, was in self.versions.items() if here.get(name) != was}
        told = ", ".join(f"{name} {was}, now {now or 'missing'}" for name, (was, now) in other.items())
        if any(name in other for name in _DECISIVE):
            allowed = "install what it was begun with, or begin another run"
            raise InputError((Problem(f"the run was begun with {told}", key="versions", allowed=allowed),))
        return f"the run was begun with {told}: its end may differ in the last digits" if other else ""


def _checked(known: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError unless every value is of its type."""
    tables = [known[name] for name in ("versions", "names", "inputs")]
    texts = [known["experiment"], known["state"], known["engine"]]
    texts += [text for table in tables for pair in table.items() for text in pair]
    texts += [known["names"][kind] for kind in ("experiment", "sequence", "sample")]
    whole = all(isinstance(known[name], int) and known[name] >= 0 for name in ("shots", "seed"))
    if not whole or not all(isinstance(text, str) for text in texts):
        raise ValueError(known)
    return known | {"engine": None if known["engine"] == "all" else known["engine"]}


def _no_run(folder: Path, error: OSError) -> Problem:
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return Problem(f"cannot be read ({cause(error)})", file=str(folder / "run.json"))
    around = [*folder.parent.glob("*/run.json"), *Path("runs").glob("*/run.json")]
    near = closest(folder.name, [path.parent.name for path in around])
    meant = next((str(path.parent) for path in around if path.parent.name == near), None)
    allowed = f"did you mean {meant}?" if meant else "a folder that nmrqb run has written is needed"
    return Problem("no run was begun here" if folder.is_dir() else "no such folder", file=str(folder), allowed=allowed)
