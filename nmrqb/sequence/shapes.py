"""Shapes of pulses and ramps: complex envelopes, peak 1, sampled at slice centres.

An envelope w(u), u in (0, 1), is the RF amplitude over its peak, times exp(i phase). Scaling it to a flip angle or
to a peak amplitude is the business of whoever schedules it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.files import nearest

#: Longest shape that spectrometers take (rows of a shape file).
MAX_POINTS = 32768
#: Shapes of a smaller area than this have none but rounding.
MIN_AREA = 1e-9
#: Bytes of the largest file of that many rows, of 60 characters each.
MAX_FILE = 60 * MAX_POINTS


@dataclass(frozen=True)
class Shape:
    """An envelope by name with its constants; `samples` holds the points of one that was measured or designed.

    kind: one of KINDS or "sampled"; file: what the points were read from, as a sequence names it. points: number of slices. constants: over the defaults of the kind, which
    `DEFAULTS` lists with their meaning. Raises ArgumentError for an unknown kind or constant, or too many points.
    """

    kind: str
    points: int = 200
    constants: dict[str, float] = field(default_factory=dict)
    samples: tuple[complex, ...] = ()
    file: str = ""

    def __post_init__(self) -> None:
        if self.kind == "sampled":
            _check_samples(self.samples)
            object.__setattr__(self, "points", len(self.samples))
            return
        if self.kind not in KINDS:
            raise ArgumentError(
                "shape", repr(self.kind), f"be one of the known ones ({nearest(self.kind, [*KINDS, 'sampled'])})"
            )
        if not 1 <= self.points <= MAX_POINTS:
            raise ArgumentError("points of a shape", self.points, f"lie between 1 and {MAX_POINTS}")
        for name, value in self.constants.items():
            if name not in DEFAULTS[self.kind]:
                allowed = ", ".join(DEFAULTS[self.kind]) or "none"
                raise ArgumentError(f"constant {name!r} of shape {self.kind!r}", value, f"be one it has ({allowed})")
            if not np.isfinite(value) or value <= 0:
                raise ArgumentError(f"constant {name!r} of shape {self.kind!r}", value, "be a number above zero")
        if self.constants and not (np.all(np.isfinite(envelope := self.envelope())) and np.any(envelope)):
            raise ArgumentError(f"shape {self.kind!r}", f"without a finite envelope for {self.constants}", "have one")

    def envelope(self) -> ComplexArray:
        """W at the centres of the slices, shape (points,), largest magnitude 1."""
        with np.errstate(all="ignore"):  # constants that overflow are refused with the shape
            if self.kind == "sampled":
                w = np.array(self.samples)
            else:
                u = (np.arange(self.points) + 0.5) / self.points
                w = KINDS[self.kind](u, **{**DEFAULTS[self.kind], **self.constants}).astype(complex)
            return w / np.abs(w).max()

    @property
    def is_adiabatic(self) -> bool:
        """Whether the shape works by its sweep, so that a flip angle says nothing and its peak amplitude must be given."""
        return self.kind in ADIABATIC

    def area(self) -> float:
        """Mean of the envelope over its length: a pulse of peak w1 and length t flips by |area| w1 t on resonance.

        Raises ArgumentError where it vanishes, as for a ramp that sweeps through its own inverse.
        """
        area = self.mean()
        if area < MIN_AREA:
            raise ArgumentError(
                "shape", f"{self.kind!r} of area {area:.1g}", "have an area, to be scaled to a flip angle"
            )
        return area

    def mean(self) -> float:
        """Magnitude of the mean of the envelope, which may vanish."""
        return float(abs(np.mean(self.envelope())))


def _rectangular(u: FloatArray) -> FloatArray:
    return np.ones_like(u)


def _gaussian(u: FloatArray, truncation: float) -> FloatArray:
    return np.exp(np.log(truncation) * (2 * u - 1) ** 2)


def _sinc(u: FloatArray, lobes: float) -> FloatArray:
    return np.sinc(lobes * (2 * u - 1))


def _hermite(u: FloatArray, width: float, order: float) -> FloatArray:
    # the 90-degree Hermite pulse of Warren, J. Chem. Phys. 81, 5437 (1984): (1 - a x^2) exp(-x^2), here with a and the width free
    x = (2 * u - 1) * width
    return (1 - order * x**2) * np.exp(-(x**2))


def _sech(u: FloatArray, beta: float, mu: float) -> ComplexArray:
    # Silver, Joseph, Hoult, J. Magn. Reson. 59, 347 (1984): sech(beta x)^(1 + i mu), a sweep of mu beta tanh(beta x)
    x = 2 * u - 1
    return np.asarray((1 / np.cosh(beta * x)) * np.exp(1j * mu * np.log(1 / np.cosh(beta * x))))


def _linear_ramp(u: FloatArray) -> FloatArray:
    return 1 - u


def _cosine_ramp(u: FloatArray) -> FloatArray:
    return 0.5 * (1 + np.cos(np.pi * u))


def _exponential_ramp(u: FloatArray, decay: float) -> FloatArray:
    return (np.exp(-decay * u) - np.exp(-decay)) / (1 - np.exp(-decay))


def _tan_ramp(u: FloatArray, angle: float) -> FloatArray:
    return np.tan(angle * (1 - u)) / np.tan(angle)


#: Envelopes by name.
KINDS: dict[str, Callable[..., FloatArray | ComplexArray]] = {
    "rectangular": _rectangular,
    "gaussian": _gaussian,
    "sinc": _sinc,
    "hermite": _hermite,
    "sech": _sech,
    "linear-ramp": _linear_ramp,
    "cosine-ramp": _cosine_ramp,
    "exponential-ramp": _exponential_ramp,
    "tan-ramp": _tan_ramp,
}

#: Constants of each kind with their defaults: the level a Gaussian is cut at; zero crossings of a sinc on each side;
#: half-width and quadratic coefficient of a Hermite pulse; truncation beta and sweep mu of a hyperbolic secant; number of
#: time constants of an exponential ramp; the angle (rad, below pi/2) at which a tangent ramp begins.
DEFAULTS: dict[str, dict[str, float]] = {
    "rectangular": {},
    "gaussian": {"truncation": 0.01},
    "sinc": {"lobes": 3.0},
    "hermite": {"width": 2.5, "order": 0.667},
    "sech": {"beta": 5.3, "mu": 5.0},
    "linear-ramp": {},
    "cosine-ramp": {},
    "exponential-ramp": {"decay": 5.0},
    "tan-ramp": {"angle": 1.4},
}

ADIABATIC = frozenset({"sech", "linear-ramp", "cosine-ramp", "exponential-ramp", "tan-ramp"})


def _check_samples(samples: tuple[complex, ...]) -> None:
    if not 1 <= len(samples) <= MAX_POINTS:
        raise ArgumentError("samples of a shape", f"{len(samples)} points", f"number between 1 and {MAX_POINTS}")
    if not np.all(np.isfinite(samples)) or not np.any(samples):
        raise ArgumentError("samples of a shape", "not finite or all zero", "be finite and not all zero")


def read_shape(path: Path) -> Shape:
    """A shape sampled in a text file: rows "amplitude phase", amplitude relative, phase in degrees; # or $$ begins a comment.

    Bruker's shape files (JCAMP-DX, XYPOINTS) are such files; the number of rows that one states has to be there.
    Raises ArgumentError for what is no text file of at most MAX_FILE bytes, rows that are not two finite numbers, a negative
    amplitude, no rows, or another number of rows than stated; OSError where it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ArgumentError("a shape file", repr(str(path)), "be a file")
    with path.open("rb") as stream:
        content = stream.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ArgumentError("a shape file", f"{path} of more than {MAX_FILE} bytes", f"have at most {MAX_POINTS} rows")
    rows, stated = [], None
    for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
        if line.upper().startswith("##NPOINTS="):
            stated = line.partition("=")[2].strip()
        text = line.partition("#")[0].partition("$$")[0].replace(",", " ").split()
        if not text:
            continue
        try:
            amplitude, phase = (float(part) for part in text)
        except ValueError:
            raise ArgumentError(f"line {number} of {path}", repr(line.strip()[:40]), 'hold "amplitude phase"') from None
        if not (np.isfinite(amplitude) and np.isfinite(phase)) or amplitude < 0:
            raise ArgumentError(
                f"line {number} of {path}",
                repr(line.strip()[:40]),
                "have a finite amplitude of 0 or more and a finite phase",
            )
        rows.append(amplitude * np.exp(1j * np.radians(phase)))
    if stated is not None and stated != str(len(rows)):
        raise ArgumentError(f"the rows of {path}", len(rows), f"be as many as its NPOINTS says ({stated[:40]})")
    return Shape("sampled", samples=tuple(rows))
