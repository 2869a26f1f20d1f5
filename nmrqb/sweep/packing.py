"""Finished chunks as bytes: arrays with their dimensions and attributes, cheap to send, to keep and to put together."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from nmrqb.errors import ArgumentError, RunError

#: The entry of a chunk that says what its arrays are.
_ABOUT = "about"
_Parts = tuple[dict[str, Any], list[np.ndarray]]


def pack(data: xr.Dataset) -> bytes:
    """A Dataset as bytes, the same for the same data. Raises ArgumentError for attributes that are no plain data."""
    names = [str(name) for name in data.variables]
    variables = [data.variables[name] for name in data.variables]
    about = {
        "names": names,
        "dims": [[str(d) for d in v.dims] for v in variables],
        "attrs": [dict(v.attrs) for v in variables],
        "coords": [str(name) for name in data.coords],
        "shared": dict(data.attrs),
    }
    try:
        text = json.dumps(about, default=_plain)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "the answer of the task", f"one with such attributes ({error})", "have plain ones"
        ) from None
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"v{k}": v.values for k, v in enumerate(variables)}
    np.savez(buffer, **{_ABOUT: np.array(text), **arrays})
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no number, text or list")


def join(packed: Iterable[bytes]) -> xr.Dataset:
    """Chunks one after the other, along the dimension "point"; what has no such dimension is the same in all of them.

    Raises RunError for bytes that are no chunk, ArgumentError for chunks that do not go together.
    """
    parts = [_unpacked(each, number) for number, each in enumerate(packed)]
    first = parts[0][0]
    for about, _ in parts:
        if about["names"] != first["names"] or about["dims"] != first["dims"]:
            found = f"with {about['names']} after {first['names']}"
            raise ArgumentError("the answer of the task", found, "hold the same at all points")
    made = {}
    for k, (name, dims, attrs) in enumerate(zip(first["names"], first["dims"], first["attrs"], strict=True)):
        made[name] = (dims, _joined(name, dims, [part[1][k] for part in parts]), attrs)
    coordinates = {name: made.pop(name) for name in first["coords"]}
    return xr.Dataset(made, coordinates, first["shared"])


def _joined(name: str, dims: list[str], arrays: list[np.ndarray]) -> np.ndarray:
    if "point" in dims:
        axis = dims.index("point")
        shapes = {a.shape[:axis] + a.shape[axis + 1 :] for a in arrays}
        if len(shapes) == 1:
            return np.concatenate(arrays, axis=axis)
        raise ArgumentError(
            f"{name!r} in the answer of the task", f"of shapes {shapes}", "have one shape at all points"
        )
    if all(np.array_equal(a, arrays[0], equal_nan=a.dtype.kind == "f") for a in arrays):
        return arrays[0]
    allowed = "have the dimension point where it is not the same at all of them"
    raise ArgumentError(f"{name!r} in the answer of the task", "not the same in all chunks", allowed)


def _unpacked(packed: bytes, number: int) -> _Parts:
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as found:
            about = json.loads(str(found[_ABOUT]))
            return about, [found[f"v{k}"] for k in range(len(about["names"]))]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        remedy = "remove its file in the folder chunks, and it is made anew"
        raise RunError(f"chunk {number} of the sweep is damaged ({error})", remedy) from None
