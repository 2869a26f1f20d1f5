"""From line amplitudes to states: least squares on what is seen, a named assumption for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.tomography.nmr_map import ReadoutMap, coefficients, real_parts
from nmrqb.tomography.nmr_report import combinations_named

Assume = Literal["conserved", "mixed"]

#: Commutators below this fraction of the largest are zero.
_CONSERVED = 1e-9


@dataclass(frozen=True)
class Assumption:
    """What stands in for the null space: `kept` (k, 4^N - 1) keeps the start's value, all else is zero; `text` says so."""

    kept: FloatArray
    text: str

    def fill(self, start: ComplexArray) -> FloatArray:
        """The assumed coefficients (..., 4^N - 1) for a starting state (..., d, d)."""
        filled: FloatArray = (coefficients(start) @ self.kept.T) @ self.kept
        return filled


def assumption(seen: ReadoutMap, H: ComplexArray, assume: Assume = "conserved") -> Assumption:
    """How the null space of a set of readouts is filled.

    "conserved": what commutes with the free Hamiltonian H (d, d) and with every collective pulse keeps its starting value,
    and the rest is zero. For a pair of like spins that fixes the weight of the singlet (1/4 from thermal equilibrium to
    first order in the polarisation) and leaves no singlet-triplet coherence. "mixed": all of it is zero, as in the
    maximally mixed state. Neither is measured; both hold exactly for collective pulses on a start without such
    coherence, and only as far as relaxation is slow. Raises ArgumentError for another name.
    """
    if assume not in ("conserved", "mixed"):
        raise ArgumentError("assume", repr(assume), 'be "conserved" or "mixed"')
    none = np.zeros((0, seen.parameters))
    if seen.complete:
        return Assumption(none, "nothing: the null space is empty")
    if assume == "mixed":
        return Assumption(none, "all of the null space is zero, as in the maximally mixed state")
    kept = _commuting(seen, H)
    pair = seen.parameters == 15 and len(seen.lines.groups) == 1
    if not len(kept):
        return Assumption(kept, "all of the null space is zero: nothing in it is conserved")
    if len(kept) == 1:
        what = f"{combinations_named(kept, seen.labels)[0]} keeps its starting value"
    else:
        what = f"{len(kept)} parameters of the null space keep their starting values"
    text = f"{what}, for the free Hamiltonian and collective pulses conserve that"
    if pair and _spans_singlet(kept, seen):
        text += " (the weight of the singlet: 1/4 from a high-temperature start)"
    rest = "; the rest of the null space is zero"
    return Assumption(kept, text + rest + (": no singlet-triplet coherence" if pair else ""))


def _commuting(seen: ReadoutMap, H: ComplexArray) -> FloatArray:
    """Orthonormal basis (k, 4^N - 1) of what commutes with H and the pulses, within the null space."""
    n = int(np.log2(H.shape[-1]))
    scale = max(float(np.linalg.norm(H)), 1e-300)
    generators = [H / scale, *(collective(n, axis, group) for group in seen.lines.groups for axis in "xy")]
    paulis = np.stack([pauli_string(label) for label in seen.labels])
    operators = np.tensordot(seen.unseen, paulis, axes=1)
    change = np.concatenate([(A @ operators - operators @ A).reshape(len(operators), -1) for A in generators], axis=1)
    _, values, rows = np.linalg.svd(real_parts(change).T, full_matrices=True)
    size = np.zeros(len(operators))
    size[: values.size] = values
    kept: FloatArray = rows[size < _CONSERVED * len(operators)] @ seen.unseen
    return kept


def _spans_singlet(kept: FloatArray, seen: ReadoutMap) -> bool:
    dot = np.array([float(label in ("XX", "YY", "ZZ")) for label in seen.labels]) / np.sqrt(3)
    return bool(np.linalg.norm(kept @ dot) > 1 - 1e-9)


@dataclass(frozen=True)
class Inversion:
    """A linear estimator of the coefficients from the amplitudes of R readouts and L lines.

    seen: (rank, 4^N - 1), what is estimated. gain: (rank, R x 2L), on the real parts of the amplitudes. response,
    offset: what the assumed part and the maximally mixed state contribute to them. root: (rank, rank), with
    root @ root.T the covariance of what is estimated, in units of the noise that the amplitudes' covariances are in.
    """

    seen: FloatArray
    gain: FloatArray
    response: FloatArray
    offset: FloatArray
    root: FloatArray

    def coefficients(self, amplitudes: ComplexArray, assumed: FloatArray) -> FloatArray:
        """Estimate (..., 4^N - 1) from amplitudes (..., R, L) and the assumed part (..., 4^N - 1) of the null space."""
        data = real_parts(amplitudes).reshape(*amplitudes.shape[:-2], -1)
        known = assumed @ self.response.T + self.offset
        estimate: FloatArray = (data - known) @ self.gain.T @ self.seen + assumed
        return estimate

    def scattered(self, amplitudes: ComplexArray) -> FloatArray:
        """What noise in the amplitudes (..., R, L) makes of the coefficients (..., 4^N - 1)."""
        noise: FloatArray = real_parts(amplitudes).reshape(*amplitudes.shape[:-2], -1) @ self.gain.T @ self.seen
        return noise

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the coefficients, (4^N - 1, 4^N - 1)."""
        root = self.seen.T @ self.root
        return root @ root.T

    @property
    def error(self) -> float:
        """Standard error of the state in Hilbert-Schmidt distance: the root of the covariance's trace."""
        return float(np.linalg.norm(self.root))

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Gaussian scatter of the coefficients with this covariance, (*shape, 4^N - 1)."""
        scatter: FloatArray = rng.standard_normal((*shape, len(self.seen))) @ self.root.T @ self.seen
        return scatter


def inversion(seen: FloatArray, response: ReadoutMap, covariances: Sequence[FloatArray]) -> Inversion:
    """The estimator of least variance: weighted least squares on the coefficients in the space `seen` (rank, 4^N - 1).

    response: the amplitudes of the lines as they are fitted, relaxation and all. covariances: of the amplitudes of each
    readout, (2L, 2L), real parts first. The identity's coefficient is fixed by the trace. Raises ArgumentError where
    the lines do not determine what should be seen.
    """
    matrix = real_parts(response.amplitudes.swapaxes(1, 2)).swapaxes(1, 2)  # (R, 2L, P)
    roots = np.linalg.cholesky(np.stack(covariances))
    whitened = np.linalg.solve(roots, matrix @ seen.T).reshape(-1, len(seen))
    Q, R = np.linalg.qr(whitened)
    size = np.abs(np.diag(R))
    if whitened.shape[0] < len(seen) or size.min() <= 1e-10 * size.max():
        raise ArgumentError(
            "readouts", f"such that {len(seen)} parameters do not follow from the fits", "determine them"
        )
    weights = np.linalg.inv(roots)
    blocks = Q.T.reshape(len(seen), *matrix.shape[:2])  # (rank, R, 2L)
    gain = np.linalg.solve(R, np.einsum("krl,rlm->krm", blocks, weights).reshape(len(seen), -1))
    offset = np.tile(real_parts(response.offset), len(response.readouts))
    return Inversion(seen, gain, response.matrix, offset, np.linalg.inv(R))
