"""What may be wrong with counts in a file, whatever its format: everything is told at once, by name of setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.files import MAX_PROBLEMS, brief, nearest
from nmrqb.tomography.counts import BIT_ORDERS, MAX_COUNT, BitOrder, Counts, number_of
from nmrqb.tomography.measurement import MAX_SPINS
from nmrqb.tomography.settings import Flips, confusion, pauli_settings


@dataclass(frozen=True)
class Entry:
    """One number of a file: of which setting and outcome, and on which line; the outcome is None for an empty setting."""

    setting: Any
    outcome: Any
    number: Any
    line: int | None = None


@dataclass
class Entries:
    """All that a file says; `counts` makes it Counts or raises InputError with every problem that there is."""

    file: str
    entries: list[Entry] = field(default_factory=list)
    bit_order: Any = None
    shots: Any = None
    readout: Any = None
    problems: list[Problem] = field(default_factory=list)

    def complain(self, message: str, allowed: str = "", *, line: int | None = None, key: str = "") -> None:
        """Note one problem."""
        self.problems.append(Problem(message, file=self.file, line=line, key=key, allowed=allowed))

    def counts(self, *, bit_order: str | None = None, partial: bool = False) -> Counts:
        """The counts of one experiment. bit_order: what the user says of it; partial: settings may be missing."""
        order = self._order(bit_order)
        spins = self._spins()
        self._check_names(spins)
        table = self._table(spins, order)
        self._check_settings(table, spins, partial)
        self._check_shots(table)
        readout = self._readout(spins)
        self.fail()
        values = np.zeros((len(table), 2**spins), dtype=np.int64)
        for k, outcomes in enumerate(table.values()):
            for outcome, number in outcomes.items():
                values[k, outcome] = number
        return Counts(tuple(table), values, readout)

    def fail(self) -> None:
        """Raise InputError when something is wrong."""
        self.problems.sort(key=lambda problem: problem.line or 10**9)
        if len(self.problems) > MAX_PROBLEMS:
            more = Problem(f"{len(self.problems) - MAX_PROBLEMS} more problems of this kind", file=self.file)
            self.problems[MAX_PROBLEMS:] = [more]
        if self.problems:
            raise InputError(tuple(self.problems))

    def _order(self, told: str | None) -> BitOrder:
        for where, found in (("bit_order", self.bit_order), ("--bit-order", told)):
            if found is not None and found not in BIT_ORDERS:
                self.complain(f"found {brief(found)}", nearest(str(found), BIT_ORDERS), key=where)
        if self.bit_order is not None and told is not None and told != self.bit_order:
            self.complain(
                f"found {told!r}, but the file says {brief(self.bit_order)}", "leave it out", key="--bit-order"
            )
        order = told or self.bit_order
        return "qiskit" if order == "qiskit" else "spin-0-first"

    def _spins(self) -> int:
        """N, as most of the settings have it. Raises InputError where there is none at all."""
        lengths = Counter(len(name) for name in self._names() if name and not set(name) - set("XYZ"))
        if not lengths:
            for name in self._names():
                self.complain("unknown setting", _LETTERS, line=self._line(name), key=str(name)[:60])
            if not self.problems:
                self.complain("the file holds no counts", 'a setting such as "XY" with its outcomes is needed')
            self.fail()
        spins = lengths.most_common(1)[0][0]
        if spins > MAX_SPINS:
            self.complain(f"settings of {spins} spins", f"at most {MAX_SPINS} spins can be reconstructed")
            self.fail()
        return spins

    def _names(self) -> list[str]:
        return [str(name) for name in dict.fromkeys(entry.setting for entry in self.entries)]

    def _line(self, setting: str) -> int | None:
        return next((entry.line for entry in self.entries if str(entry.setting) == setting), None)

    def _check_names(self, spins: int) -> None:
        for name in self._names():
            if not name or set(name) - set("XYZ"):
                self.complain(f"unknown setting {brief(name)}", _LETTERS, line=self._line(name), key=_key(name))
            elif len(name) != spins:
                message = f"setting {brief(name)} has {len(name)} letters"
                self.complain(message, f"the others have {spins}", line=self._line(name), key=_key(name))

    def _table(self, spins: int, order: BitOrder) -> dict[str, dict[int, int]]:
        """The numbers that are good, by setting and number of the outcome."""
        table: dict[str, dict[int, int]] = {}
        good = {name for name in self._names() if len(name) == spins and not set(name) - set("XYZ")}
        for entry in self.entries:
            name = str(entry.setting)
            if name in good:
                table.setdefault(name, {})
            if entry.outcome is None:
                continue
            key = f"{_key(name)}.{_key(str(entry.outcome))}"
            outcome = self._outcome(entry, spins, key)
            number = self._number(entry, key)
            if outcome is None or number is None or name not in good:
                continue
            where = number_of(outcome, order)
            if where in table[name]:
                self.complain(
                    f"setting {name} has outcome {outcome!r} twice", "each stands once", line=entry.line, key=key
                )
            table[name][where] = number
        return table

    def _outcome(self, entry: Entry, spins: int, key: str) -> str | None:
        text = entry.outcome
        if isinstance(text, str) and len(text) == spins and not set(text) - set("01"):
            return text
        allowed = f"an outcome is {spins} characters 0 and 1, one for each spin"
        self.complain(f"found outcome {brief(text)}", allowed, line=entry.line, key=key)
        return None

    def _number(self, entry: Entry, key: str) -> int | None:
        number = entry.number
        if isinstance(number, (int, np.integer)) and not isinstance(number, bool) and 0 <= number <= MAX_COUNT:
            return int(number)
        negative = isinstance(number, (int, float, np.number)) and not isinstance(number, bool) and number < 0
        allowed = "counts are zero or more" if negative else "counts are whole numbers"
        if isinstance(number, (int, np.integer)) and number > MAX_COUNT:
            allowed = "counts are at most 2^53"
        self.complain(f"found {_shown(number)}", allowed, line=entry.line, key=key)
        return None

    def _check_settings(self, table: dict[str, dict[int, int]], spins: int, partial: bool) -> None:
        whole = not self.problems  # what was refused before is not said to be empty as well
        for name, outcomes in table.items():
            if whole and not sum(outcomes.values()):
                self.complain(
                    f"setting {name} has no counts", "each setting needs one", line=self._line(name), key=name
                )
        missing = [name for name in pauli_settings(spins) if name not in table]
        if missing and not partial:
            shown = ", ".join(missing[:27]) + (f" and {len(missing) - 27} more" if len(missing) > 27 else "")
            many = "settings are" if len(missing) > 1 else "setting is"
            self.complain(f"{many} missing: {shown}", f"a state of {spins} spins needs all {3**spins}")

    def _check_shots(self, table: dict[str, dict[int, int]]) -> None:
        """Shots that the file states, for all settings or by setting, against the sums of the counts."""
        if self.shots is None:
            return
        stated = self.shots if isinstance(self.shots, dict) else dict.fromkeys(table, self.shots)
        for name, number in stated.items():
            key = f"shots.{_key(str(name))}" if isinstance(self.shots, dict) else "shots"
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
                self.complain(f"found {_shown(number)}", "shots are a whole number, 1 or more", key=key)
                if not isinstance(self.shots, dict):
                    return
            elif name not in table:
                self.complain(f"shots of {brief(name)}, which has no counts", nearest(str(name), table), key=key)
            elif (total := sum(table[name].values())) != number:
                if any(str(p.key).startswith(f"{name}.") for p in self.problems):
                    continue  # a number of this setting was refused: the sum says nothing
                message = f"the counts of setting {name} add up to {total}, but {number} shots are stated"
                self.complain(message, line=self._line(name), key=name)

    def _readout(self, spins: int) -> tuple[Flips, ...]:
        if self.readout is None:
            return ()
        given = self.readout if isinstance(self.readout, (list, tuple)) else [self.readout] * spins
        try:
            found = tuple(tuple(entry) if isinstance(entry, (list, tuple)) else entry for entry in given)
            if len(found) != spins:
                raise ArgumentError("readout", f"of length {len(found)}", f"hold one entry for each of {spins} spins")
            confusion(found)
        except (ArgumentError, TypeError) as error:
            self.complain(str(error), key="readout")
            return ()
        return found


_LETTERS = "a setting has one letter X, Y or Z for each spin"


def _key(name: str) -> str:
    return name if name.isalnum() and len(name) <= 20 else brief(name)[:40]


def _shown(number: Any) -> str:
    if isinstance(number, float) and not np.isfinite(number):
        return "a number that is not finite" if np.isinf(number) else "what is not a number (NaN)"
    if isinstance(number, list):
        return "a list or an object"
    return brief(number) if not isinstance(number, int) or abs(number) < 10**20 else "a number of many digits"


def batch_problems(values: np.ndarray, settings: Sequence[str]) -> list[tuple[str, str, str]]:
    """What is wrong with a numeric array (..., S, O): setting, message, what is allowed; the first of each kind."""
    found = []
    for k, name in enumerate(settings):
        a = values[..., k, :]
        checks = (
            (~np.isfinite(a), "counts are whole numbers"),
            (np.isfinite(a) & (a < 0), "counts are zero or more"),
            (np.isfinite(a) & (a != np.floor(a)), "counts are whole numbers"),
            (np.isfinite(a) & (a > MAX_COUNT), "counts are at most 2^53"),
        )
        for bad, allowed in checks:
            if np.any(bad):
                found.append((name, f"found {_shown(a[bad].flat[0].item())}", allowed))
    return found
