"""Distributions over the members of an ensemble: coils, magnets, crystals and slow noise.

Deterministic quadrature wherever there is one; what is drawn at random takes a seed. All return an `Ensemble`, and
independent ones are multiplied: rf_distribution(0.05) * offset_distribution(2.0).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import roots_legendre

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.nmr.ensembles import Ensemble

#: A half-Gaussian profile is cut off at this many standard deviations (6e-7 of its weight lies beyond).
_CUT = 5.0


def rf_distribution(sigma: float, members: int = 11) -> Ensemble:
    """RF amplitude spread as a Gaussian of relative standard deviation `sigma` about the nominal one.

    Gauss-Hermite quadrature: exact for polynomials in the amplitude up to degree 2 members - 1. Raises ArgumentError for a
    sigma below 0, or so large that the outermost member would have a negative amplitude.
    """
    width = float(checks.non_negative("sigma", sigma))
    x, weights = _gauss(members)
    if width * x[-1] > 1:
        raise ArgumentError(
            "sigma", width, f"be at most {1 / x[-1]:.4g} with {members} members, or amplitudes turn negative"
        )
    return Ensemble.of(rf=1 + width * x, weights=weights)


def rf_skewed(fwhm: float, asymmetry: float = 2.0, members: int = 12) -> Ensemble:
    """A skewed RF profile that peaks at the nominal amplitude: two half-Gaussians of different widths.

    fwhm: relative full width at half maximum. asymmetry: width of the low side over that of the high side; coils are skewed
    towards low amplitudes. Gauss-Legendre quadrature on each side. Raises ArgumentError for an fwhm below 0, an asymmetry
    not above 0, fewer than 2 members, or a low side that reaches below zero.
    """
    total = float(checks.non_negative("fwhm", fwhm)) / np.sqrt(2 * np.log(2))  # both standard deviations together
    skew = float(checks.positive("asymmetry", asymmetry))
    low, high = total * skew / (1 + skew), total / (1 + skew)
    if _CUT * low > 1:
        largest = np.sqrt(2 * np.log(2)) * (1 + skew) / (skew * _CUT)
        raise ArgumentError(
            "fwhm", float(fwhm), f"be at most {largest:.4g} at this asymmetry, or amplitudes turn negative"
        )
    _at_least(2, members)
    sides = [(-low, members // 2), (high, members - members // 2)]
    x, w = zip(*(np.polynomial.legendre.leggauss(n) for _, n in sides), strict=True)
    u = [_CUT * (1 + nodes) / 2 for nodes in x]
    factor = np.concatenate([1 + s * v for (s, _), v in zip(sides, u, strict=True)])
    weight = np.concatenate([abs(s) * a * np.exp(-v * v / 2) for (s, _), v, a in zip(sides, u, w, strict=True)])
    return Ensemble.of(rf=factor, weights=_normalised(weight) if total else None)


def rf_profile(factor: ArrayLike, weight: ArrayLike) -> Ensemble:
    """A measured RF profile: actual over nominal amplitude (M,) and how much of the sample has it (M,), on any scale.

    Raises ArgumentError for shapes that differ, negative entries, or weights that are all zero.
    """
    weights = checks.non_negative("weight", weight)
    if not weights.sum() > 0:
        raise ArgumentError("weight", float(weights.sum()), "add up to more than zero")
    return Ensemble.of(rf=factor, weights=_normalised(weights))


def read_rf_profile(path: str | Path) -> Ensemble:
    """A measured RF profile from a text file of two columns, amplitude factor and weight, separated by commas.

    Blank lines, lines that begin with # and a first line of column names are passed over. Raises InputError with file and
    line.
    """
    name = str(path)
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError((Problem(f"cannot be read ({error})", file=name),)) from None
    rows: list[tuple[float, float]] = []
    problems: list[Problem] = []
    first = True
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        row = _pair(line)
        if row is not None:
            rows.append(row)
        elif not (first and not any(character.isdigit() for character in line)):
            found = f"found {line.strip()[:60]!r}"
            problems.append(Problem(found, file=name, line=number, allowed="two numbers, each zero or more"))
        first = False
    if not problems and not sum(weight for _, weight in rows) > 0:
        found = "found no weight above zero" if rows else "found no rows"
        problems.append(Problem(found, file=name, allowed="two columns, amplitude factor and weight"))
    if problems:
        raise InputError(tuple(problems))
    return rf_profile(*np.array(rows).T)


def _pair(line: str) -> tuple[float, float] | None:
    """Two finite numbers, neither below zero, from a line; None for anything else."""
    try:
        values = [float(cell) for cell in line.split(",")]
    except ValueError:
        return None
    if len(values) != 2 or not all(0 <= value < np.inf for value in values):
        return None
    return values[0], values[1]


def offset_distribution(
    width: float,
    shape: Literal["gaussian", "lorentzian"] = "gaussian",
    members: int = 21,
    *,
    centre: float = 0.0,
    ratio: ArrayLike | None = None,
) -> Ensemble:
    """Offsets in Hz: a Gaussian of standard deviation `width`, or a Lorentzian line of full width `width` at half height.

    ratio: offset of each group of like spins over the drawn one, in the order of the sample's groups (their gyromagnetic
    ratios for a field that is not uniform; 1 and 0 for one group alone); without it all spins share the offset.
    Gaussian: Gauss-Hermite quadrature, whose mean signal follows exp(-2 (pi width t)^2). Lorentzian: evenly spaced
    to 1.2 sqrt(members) widths either side; its tails fall so slowly that no finite set is exact, and the mean signal
    follows exp(-pi width t) up to 3/(pi width) to 0.072, 0.047 and 0.034 with 21, 51 and 101 members (measured here);
    much later it comes back.
    Raises ArgumentError for a width below 0 or another shape.
    """
    size = float(checks.non_negative("width", width))
    if shape == "gaussian":
        x, weights = _gauss(members)
    elif shape == "lorentzian":
        _at_least(2, members)
        x = np.linspace(-1, 1, members) * 1.2 * np.sqrt(members)
        weights = _normalised(1 / (1 + 4 * x * x))
    else:
        raise ArgumentError("shape", repr(shape), 'be "gaussian" or "lorentzian"')
    offset = float(checks.real("centre", centre)) + size * x
    return Ensemble.of(
        offset=offset if ratio is None else offset[:, None] * checks.real("ratio", ratio), weights=weights
    )


def coupling_spread(sigma: float, members: int = 11) -> Ensemble:
    """Couplings spread as a Gaussian of relative standard deviation `sigma` about the nominal ones (Gauss-Hermite).

    Raises ArgumentError for a sigma below 0.
    """
    x, weights = _gauss(members)
    return Ensemble.of(coupling=1 + float(checks.non_negative("sigma", sigma)) * x, weights=weights)


def powder(
    members: int = 32, grid: Literal["gauss", "zcw"] = "gauss", *, asymmetry: float = 0.0, angle: float = 0.0
) -> Ensemble:
    """All orientations of one dipolar pair: couplings scaled by (3 cos^2 b - 1 + asymmetry sin^2 b cos 2a)/2.

    angle: the angle in rad between field and internuclear vector at which the sample's coupling is the one it states (0:
    the full coupling). asymmetry: of a coupling averaged by motion, 0 for a rigid pair.
    grid "gauss": Gauss-Legendre in cos b over a hemisphere with `members` points, converging faster than any power; with an
    asymmetry, times as many evenly spaced a. grid "zcw": the points of Cheng, Suzuki and Wolfsberg (J. Chem. Phys. 59, 3992
    (1973)), of which there is a Fibonacci number. Raises ArgumentError for another grid, another number of points, an
    asymmetry outside 0 to 1, or the magic angle as reference.
    """
    eta = float(checks.real("asymmetry", asymmetry))
    if not 0 <= eta <= 1:
        raise ArgumentError("asymmetry", eta, "lie between 0 and 1")
    reference = 1.5 * np.cos(float(checks.real("angle", angle))) ** 2 - 0.5
    if abs(reference) < 1e-6:
        raise ArgumentError("angle", float(angle), "not be the magic angle, at which there is no coupling to scale")
    _at_least(1, members)
    if grid == "gauss":
        x, w = roots_legendre(2 * members)  # numpy's takes the cube of the number of points in time
        cosine, azimuth, weights = x[members:], np.zeros(members), 2 * w[members:]
        if eta:
            around = (np.arange(members) + 0.5) / members * np.pi / 2
            cosine, azimuth = np.repeat(cosine, members), np.tile(around, members)
            weights = np.repeat(weights, members)
    elif grid == "zcw":
        cosine, azimuth = _zcw(members)
        weights = np.ones(members)
    else:
        raise ArgumentError("grid", repr(grid), 'be "gauss" or "zcw"')
    factor = 1.5 * cosine**2 - 0.5 + eta / 2 * (1 - cosine**2) * np.cos(2 * azimuth)
    return Ensemble.of(coupling=factor / reference, weights=_normalised(weights))


def quasi_static_noise(sigma: float, members: int = 21, *, groups: int = 1, seed: int | None = None) -> Ensemble:
    """Detunings that stay put during a run and differ between runs: Gaussian, standard deviation `sigma` in Hz.

    groups: 1 for one detuning common to all spins, else one for each group of like spins, independently. Without a seed
    Gauss-Hermite quadrature, `members` points for each group; with one, `members` random draws of all groups together, of
    equal weight. Raises ArgumentError for a sigma below 0, a negative seed or groups below 1.
    """
    width = float(checks.non_negative("sigma", sigma))
    if groups < 1:
        raise ArgumentError("groups", groups, "be 1 or more")
    if seed is not None:
        if seed < 0:
            raise ArgumentError("seed", seed, "be zero or above")
        _at_least(1, members)
        drawn = width * np.random.default_rng(seed).standard_normal((members, groups))
        return Ensemble.of(offset=drawn if groups > 1 else drawn[:, 0])
    if groups == 1:
        return offset_distribution(width, members=members)
    made = [offset_distribution(width, members=members, ratio=row) for row in np.eye(groups)]
    result = made[0]
    for other in made[1:]:
        result = result * other
    return result


def _gauss(members: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite points and weights of a standard normal distribution."""
    _at_least(1, members)
    x, weights = np.polynomial.hermite_e.hermegauss(members)
    return x, _normalised(weights)


def _zcw(members: int) -> tuple[FloatArray, FloatArray]:
    """Points (cos b, a) of the ZCW set on the sphere, N = F(m + 2) in number with F(m) as the step in a."""
    before, last, number = 0, 1, 1
    while number < members:
        before, last, number = last, number, last + number
    if number != members:
        raise ArgumentError("members", members, f"be a Fibonacci number for this grid, such as {last} or {number}")
    j = np.arange(members)
    return 2 * j / members - 1, 2 * np.pi * ((j * before) % members) / members


def _normalised(weights: FloatArray) -> FloatArray:
    return weights / weights.sum()


def _at_least(least: int, members: int) -> None:
    if members < least:
        raise ArgumentError("members", members, f"be {least} or more")
