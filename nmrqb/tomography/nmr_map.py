"""What a set of readouts sees of a state: the linear map from Pauli coefficients to line amplitudes.

Coefficients are those of the normalised Pauli basis, x_P = Tr[rho P] / sqrt(2^N), so that lengths are Hilbert-Schmidt
distances between states; the identity, which no coil sees, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins, pauli_labels, pauli_stack, pauli_sum
from nmrqb.tomography.nmr_lines import DetectedLines
from nmrqb.tomography.readouts import Readout, parsed

#: Singular values below this fraction of the largest are zero.
RANK_TOLERANCE = 1e-9
#: Largest number of sets that `best_sets` tries.
MAX_SETS = 200_000
#: The same of M^T M, whose rounding is that of the squares.
_SQUARE_TOLERANCE = 1e-13
_CHUNK = 4096


@dataclass(frozen=True)
class ReadoutMap:
    """The linear map from coefficients to the amplitudes of L lines after each of R readouts.

    amplitudes: (R, L, 4^N - 1), complex, of real coefficients.
    """

    readouts: tuple[Readout, ...]
    lines: DetectedLines
    amplitudes: ComplexArray

    @cached_property
    def offset(self) -> ComplexArray:
        """The amplitudes (L,) of the maximally mixed state: zero, but for relaxation towards a polarisation."""
        return np.einsum("lii->l", self.lines.operators) / self.lines.operators.shape[-1]

    @cached_property
    def matrix(self) -> FloatArray:
        """The map as a real matrix (R x 2L, 4^N - 1): of each readout the real parts of all lines, then the imaginary."""
        return real_parts(self.amplitudes.swapaxes(1, 2)).swapaxes(1, 2).reshape(-1, self.amplitudes.shape[-1])

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The Pauli strings of the coefficients, without the identity."""
        return pauli_labels(number_of_spins(self.lines.operators.shape[-1]))[1:]

    @property
    def parameters(self) -> int:
        """4^N - 1, the number of real parameters of a state."""
        return self.amplitudes.shape[-1]

    @cached_property
    def _svd(self) -> tuple[FloatArray, FloatArray]:
        _, values, rows = np.linalg.svd(self.matrix, full_matrices=True)
        kept = values[values > RANK_TOLERANCE * values[0]]
        return kept, rows

    @property
    def singular_values(self) -> FloatArray:
        """The singular values that are not zero, descending, shape (rank,)."""
        return self._svd[0]

    @property
    def rank(self) -> int:
        """Number of independent parameters that the readouts determine."""
        return self.singular_values.size

    @property
    def complete(self) -> bool:
        """Whether they determine the state."""
        return self.rank == self.parameters

    @property
    def condition(self) -> float:
        """Largest over smallest singular value, on what is seen."""
        return float(self.singular_values[0] / self.singular_values[-1])

    @property
    def spread(self) -> float:
        """sqrt(tr (M^T M)^-1) on what is seen: standard error of the state (Hilbert-Schmidt) over that of re or im of a line."""
        return float(np.sqrt(np.sum(self.singular_values**-2)))

    @property
    def seen(self) -> FloatArray:
        """An orthonormal basis of the coefficients that are seen, shape (rank, 4^N - 1)."""
        return self._svd[1][: self.rank]

    @property
    def unseen(self) -> FloatArray:
        """An orthonormal basis of the null space, shape (4^N - 1 - rank, 4^N - 1)."""
        return self._svd[1][self.rank :]

    def unseen_share(self, operator: ArrayLike) -> float:
        """Part of the norm of a Hermitian operator (d, d), identity aside, that lies in the null space: 0 to 1.

        0 means that its expectation is measured, 1 that nothing is known of it. Raises ArgumentError for an operator of
        another dimension or proportional to the identity.
        """
        x = coefficients(checks.hermitian("operator", operator, self.lines.operators.shape[-1]))
        norm = np.linalg.norm(x)
        if norm == 0:
            raise ArgumentError("operator", "proportional to the identity", "be something else than the identity")
        return float(np.linalg.norm(self.unseen @ x) / norm)


def readout_map(lines: DetectedLines, readouts: Sequence[str | Readout]) -> ReadoutMap:
    """The map of these readouts over these lines. Raises ArgumentError for a readout that does not fit the channels."""
    chosen = parsed(readouts, lines.groups)
    return ReadoutMap(chosen, lines, np.stack([_amplitudes(lines, readout) for readout in chosen]))


def best_sets(
    lines: DetectedLines, readouts: Sequence[str | Readout], size: int, *, count: int | None = None
) -> tuple[ReadoutMap, ...]:
    """Every set of `size` different readouts, best first: by rank, then spread, then condition; the first `count` of them.

    The search is exhaustive. Raises ArgumentError for a size outside 1 to the number of readouts, and for more than
    MAX_SETS sets.
    """
    chosen = parsed(readouts, lines.groups)
    if not 1 <= size <= len(chosen):
        raise ArgumentError("size", size, f"lie between 1 and {len(chosen)}, the number of readouts")
    if comb(len(chosen), size) > MAX_SETS:
        found = f"{size} out of {len(chosen)}, which makes {comb(len(chosen), size)} sets"
        raise ArgumentError("size", found, f"leave at most {MAX_SETS} sets to try")
    rows = np.stack([_amplitudes(lines, readout) for readout in chosen])
    gram = np.einsum("rlp,rlq->rpq", rows.conj(), rows).real
    sets = np.array(list(combinations(range(len(chosen)), size)))
    quality = np.concatenate(
        [_quality(gram[part].sum(axis=1)) for part in np.array_split(sets, -(-len(sets) // _CHUNK))]
    )
    order = np.lexsort((np.arange(len(sets)), quality[:, 2], quality[:, 1], -quality[:, 0]))[:count]
    return tuple(ReadoutMap(tuple(chosen[k] for k in sets[i]), lines, rows[sets[i]]) for i in order)


def _quality(gram: FloatArray) -> FloatArray:
    """Rank, spread and condition from M^T M (n, P, P); rounded, so that equals stay in order."""
    squares = np.linalg.eigvalsh(gram)
    kept = squares > _SQUARE_TOLERANCE * squares[:, -1:]
    spread = np.sqrt(np.sum(np.divide(1, squares, where=kept, out=np.zeros_like(squares)), axis=1))
    smallest = np.min(np.where(kept, squares, np.inf), axis=1)
    return np.round(np.stack([kept.sum(axis=1), spread, np.sqrt(squares[:, -1] / smallest)], axis=1), 9)


def _amplitudes(lines: DetectedLines, readout: Readout) -> ComplexArray:
    """Amplitudes (L, 4^N - 1) of one readout: Tr[U rho U^dagger O] with the readout's pulse U."""
    U = readout.unitary(lines.groups)
    before = U.conj().T @ lines.operators @ U
    paulis = pauli_stack(pauli_labels(number_of_spins(U.shape[0]))[1:])
    amplitudes: ComplexArray = np.einsum("lij,pji->lp", before, paulis) / np.sqrt(U.shape[0])
    return amplitudes


def real_parts(amplitudes: ComplexArray) -> FloatArray:
    """Complex numbers (..., L) as real ones (..., 2L): all real parts, then all imaginary parts."""
    return np.concatenate([amplitudes.real, amplitudes.imag], axis=-1)


def coefficients(rho: ComplexArray) -> FloatArray:
    """x_P = Tr[rho P] / sqrt(2^N) for all P but the identity, shape (..., 4^N - 1), of Hermitian rho (..., 2^N, 2^N)."""
    d = rho.shape[-1]
    paulis = pauli_stack(pauli_labels(number_of_spins(d))[1:])
    return np.real(rho.reshape(*rho.shape[:-2], d * d) @ paulis.conj().reshape(-1, d * d).T) / np.sqrt(d)


def state_of(x: FloatArray) -> ComplexArray:
    """The Hermitian matrix of trace 1 (..., d, d) with coefficients x (..., 4^N - 1)."""
    d = int(np.sqrt(x.shape[-1] + 1))
    labels = pauli_labels(number_of_spins(d))
    return np.eye(d) / d + pauli_sum(labels[1:], x / np.sqrt(d))
