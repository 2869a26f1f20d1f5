"""Files of counts: JSON, CSV and NetCDF, read strictly; the format is told in docs/counts.md.

JSON:   {"bit_order": "spin-0-first", "shots": 4096, "readout": [0.01, 0.02], "settings": {"XX": {"00": 1021, ...}, ...}}
CSV:    lines "# shots: 4096" and the like, the header setting,outcome,count, then one line for each number
NetCDF: variable counts (..., setting, outcome), coordinates setting and outcome, attributes bit_order, shots, readout

Only the counts must be there. Settings name spin 0 first; outcomes do so too, unless bit_order is "qiskit". Outcomes that
are left out were not seen. `shots`, where it is given, is checked against the sums.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nmrqb.errors import InputError, Problem
from nmrqb.files import brief, nearest
from nmrqb.tomography.counts import Counts, outcome_names
from nmrqb.tomography.counts_entries import Entries, Entry, batch_problems

#: Larger files are refused before they are read.
MAX_BYTES = {".json": 10_000_000, ".csv": 10_000_000, ".nc": 200_000_000}

_KEYS = ("title", "note", "bit_order", "shots", "readout", "settings")
_COLUMNS = ("setting", "outcome", "count")
_KEY_OR_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?')


def read_counts(path: str | Path, *, bit_order: str | None = None, partial: bool = False) -> Counts:
    """The counts of a .json, .csv or .nc file. bit_order: "spin-0-first" or "qiskit", for files that do not say it.

    partial: settings may be missing, as where only an energy is wanted. Raises InputError with every problem at once: an
    outcome or setting of the wrong length or letters, a key or line twice, a number that is negative, not whole or not a
    number, a setting that is missing or empty, totals that are not the stated shots, an empty or a huge file.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in MAX_BYTES:
        allowed = "counts are read from files ending in .json, .csv or .nc"
        raise InputError((Problem(f"found {brief(file.suffix)}", file=str(path), allowed=allowed),))
    content = _content(file, MAX_BYTES[suffix])
    if suffix == ".nc":
        return _netcdf(content, str(path), bit_order, partial)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError((Problem("the file is not UTF-8 text", file=str(path), line=line),)) from None
    found = Entries(str(path))
    (_json if suffix == ".json" else _csv)(text, found)
    return found.counts(bit_order=bit_order, partial=partial)


def counts_text(counts: Counts, kind: str) -> str:
    """One experiment's counts as the text of a "json" or "csv" file, outcomes with spin 0 first."""
    names = outcome_names(counts.spins)
    table = {
        setting: {name: int(number) for name, number in zip(names, row, strict=True) if number}
        for setting, row in zip(counts.settings, counts.values.reshape(len(counts.settings), -1), strict=True)
    }
    if kind == "csv":
        head = [f"# readout: {json.dumps(counts.readout)}"] if counts.readout else []
        rows = [f"{setting},{name},{number}" for setting, row in table.items() for name, number in row.items()]
        return "\n".join(["# bit_order: spin-0-first", *head, ",".join(_COLUMNS), *rows]) + "\n"
    about: dict[str, Any] = {"bit_order": "spin-0-first"}
    if counts.readout:
        about["readout"] = counts.readout
    return json.dumps({**about, "settings": table}, indent=1) + "\n"


def _content(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise InputError((Problem(f"the file cannot be read ({what})", file=str(file)),)) from None
    if len(content) > most:
        message, allowed = f"the file is larger than {most // 10**6} MB", "counts of few spins are small"
        raise InputError((Problem(message, file=str(file), allowed=allowed),))
    if not content.strip():
        raise InputError((Problem("the file is empty", file=str(file)),))
    return content


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with its keys in order, also those that stand there twice."""


def _json(text: str, found: Entries) -> None:
    try:
        data = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        found.complain(f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}", line=error.lineno)
    except RecursionError:
        found.complain("the file is nested too deep", "settings hold outcomes, and outcomes numbers")
    except ValueError:
        found.complain("the file holds a number that is too long to read")
    found.fail()
    if not isinstance(data, _Pairs):
        found.complain(f"found {brief(data)}", 'a file of counts is an object {"settings": {...}}')
        found.fail()
    matches = (m for m in _KEY_OR_TEXT.finditer(text) if m[1])
    lines = _line_numbers(text, (m.start() for m in matches))
    seen: set[str] = set()
    for key, value in data:
        line = next(lines)
        if key not in _KEYS:
            found.complain(f"unknown key {brief(key)}", nearest(key, _KEYS), line=line)
        elif key in seen:
            found.complain(f"key {key!r} stands twice", "each stands once", line=line)
        elif key == "settings":
            _json_settings(value, found, line, lines)
            seen.add(key)
            continue
        elif key in ("bit_order", "shots", "readout"):
            setattr(found, key, dict(value) if isinstance(value, _Pairs) else value)
        seen.add(key)
        for _ in _keys_within(value):
            next(lines)
    if "settings" not in seen:
        found.complain("key 'settings' is missing", 'it holds the counts: {"settings": {"XX": {"00": 1021, ...}}}')
        found.fail()


def _json_settings(value: Any, found: Entries, line: int, lines: Iterator[int]) -> None:
    if not isinstance(value, _Pairs):
        found.complain(
            f"found {brief(value)}", 'settings are an object {"XX": {"00": 1021, ...}}', line=line, key="settings"
        )
        found.fail()
    seen: set[str] = set()
    for setting, outcomes in value:
        line = next(lines)
        if setting in seen:
            found.complain(f"setting {brief(setting)} stands twice", "each stands once", line=line)
            for _ in _keys_within(outcomes):
                next(lines)
            continue
        seen.add(setting)
        found.entries.append(Entry(setting, None, None, line))
        if not isinstance(outcomes, _Pairs):
            allowed = 'a setting holds its outcomes: {"00": 1021, ...}'
            found.complain(f"found {brief(outcomes)}", allowed, line=line, key=str(setting)[:20])
            continue
        for outcome, number in outcomes:
            line = next(lines)
            found.entries.append(Entry(setting, outcome, number, line))
            for _ in _keys_within(number):
                next(lines)


def _keys_within(value: Any) -> Iterator[None]:
    """One for each key inside a value."""
    if isinstance(value, _Pairs):
        for _, inner in value:
            yield None
            yield from _keys_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_within(inner)


def _line_numbers(text: str, places: Iterator[int]) -> Iterator[int]:
    line, last = 1, 0
    for place in places:
        line += text.count("\n", last, place)
        last = place
        yield line


def _csv(text: str, found: Entries) -> None:
    header: list[str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("#"):
            _csv_comment(line, found, number)
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader(io.StringIO(line), strict=True))]
        except csv.Error as error:
            found.complain(f"not CSV: {error}", line=number)
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            if sorted(header) != sorted(_COLUMNS):
                found.complain(f"found the header {brief(line)}", "it reads setting,outcome,count", line=number)
                found.fail()
        elif len(cells) != len(_COLUMNS):
            found.complain(f"found {len(cells)} cells", "each line has setting, outcome and count", line=number)
        else:
            row = dict(zip(header, cells, strict=True))
            found.entries.append(Entry(row["setting"], row["outcome"], _number(row["count"]), number))
    if header is None:
        found.complain("the header is missing", "it reads setting,outcome,count")


def _csv_comment(line: str, found: Entries, number: int) -> None:
    """A comment "# shots: 4096" says what a JSON file says by its keys; other comments are free."""
    key, colon, value = line.lstrip("# ").partition(":")
    if not colon or key.strip() not in ("bit_order", "shots", "readout"):
        return
    if getattr(found, key.strip()) is not None:
        found.complain(f"{key.strip()} stands twice", "each stands once", line=number)
    text = value.strip()
    try:
        setattr(found, key.strip(), text if key.strip() == "bit_order" else json.loads(text))
    except (ValueError, RecursionError):
        found.complain(f"found {brief(text)}", f"{key.strip()} is written as in JSON", line=number, key=key.strip())


def _number(text: str) -> Any:
    """Whole numbers as such, other numbers as floats, the rest as it is."""
    try:
        return int(text) if re.fullmatch(r"[+-]?\d{1,30}", text) else float(text)
    except ValueError:
        return text


def _netcdf(content: bytes, name: str, bit_order: str | None, partial: bool) -> Counts:
    import xarray as xr

    found = Entries(name)
    try:
        with xr.open_dataset(io.BytesIO(content), engine="h5netcdf", decode_cf=False) as file:
            dataset = file.load()
    except Exception as error:  # noqa: BLE001 - readers of a broken file fail in many ways
        found.complain(f"not NetCDF-4: {brief(str(error))}")
        found.fail()
    named = {*dataset["counts"].dims} & {*dataset.coords} if "counts" in dataset else set()
    if not {"setting", "outcome"} <= named:
        found.complain("a variable counts over setting and outcome is missing", "both need their coordinates")
        found.fail()
    table = dataset["counts"].transpose(..., "setting", "outcome")
    settings, outcomes = ([_text(v) for v in dataset[axis].values] for axis in ("setting", "outcome"))
    values = np.asarray(table.values)
    if values.dtype.kind not in "iuf" or values.size == 0:
        found.complain(f"found counts of type {values.dtype} and shape {values.shape}", "counts are whole numbers")
        found.fail()
    for repeated in sorted({s for s in settings if settings.count(s) > 1}):
        found.complain(f"setting {brief(repeated)} stands twice", "each stands once")
    for message in batch_problems(values, settings):
        found.complain(message[1], message[2], key=message[0])
    found.fail()
    whole = values.astype(np.int64).reshape(-1, len(settings), len(outcomes))
    about = {key: _plain(dataset.attrs[key]) for key in ("bit_order", "shots", "readout") if key in dataset.attrs}
    if isinstance(about.get("readout"), list) and len(about["readout"]) == 2 * len(settings[0]):
        about["readout"] = [list(pair) for pair in zip(about["readout"][::2], about["readout"][1::2], strict=True)]
    made = []
    for point in whole:
        one = Entries(name, **about)
        one.entries = [
            Entry(setting, outcome, int(point[i, k]))
            for i, setting in enumerate(settings)
            for k, outcome in enumerate(outcomes)
        ]
        made.append(one.counts(bit_order=bit_order, partial=partial))
    stacked = np.stack([one.values for one in made]).reshape(*values.shape[:-2], *made[0].values.shape)
    return Counts(made[0].settings, stacked, made[0].readout)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """An attribute as Python's own numbers and text."""
    if isinstance(value, bytes):
        return _text(value)
    found = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    return found[0] if isinstance(found, list) and len(found) == 1 else found
