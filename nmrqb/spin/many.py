"""Evolution of many spins: the method chosen by size, its memory told before it starts, and what does not fit refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin import actions, blocks, chebyshev, memory
from nmrqb.spin.masks import CHUNK, PauliSum

METHODS = ("blocks", "sparse", "masks")

#: Numbers of Lanczos vectors and temporaries that stand beside the state.
_BESIDE = 4

Told = Callable[[str], Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """How a Hamiltonian of n spins will be evolved, and what that takes.

    method: "blocks" (exact diagonalisation, by what is conserved), "sparse" or "masks" (Chebyshev's expansion on a sparse
    matrix, or without a matrix). bytes: at the peak, results included. window: times that stand in memory at once.
    allowed: bytes that may be taken. operations: floating-point operations, roughly.
    """

    n: int
    method: str
    conserved: str
    bytes: float
    window: int
    allowed: int
    operations: float

    def __str__(self) -> str:
        how = {
            "blocks": f"exact diagonalisation in blocks of {self.conserved}"
            if self.conserved != "nothing"
            else "exact diagonalisation",
            "sparse": "Chebyshev expansion, sparse matrix",
            "masks": "Chebyshev expansion, no matrix",
        }[self.method]
        return f"{self.n} spins: {how}; {memory.size_text(self.bytes)} of {memory.size_text(self.allowed)} that may be taken"


def plan(
    H: PauliSum,
    times: ArrayLike,
    vectors: int = 1,
    *,
    method: str | None = None,
    limit: float | None = None,
    keep: bool = True,
) -> Plan:
    """The method that costs least among those that fit, for `vectors` states at times (T,).

    method: one of METHODS, chosen when left out. limit: bytes, by default four fifths of what is available. keep: whether
    all T states are wanted at once, or are looked at one after the other. Raises ArgumentError with the bytes needed when
    nothing fits, or for another method.
    """
    t = checks.real("times", times).reshape(-1)
    if method is not None and method not in METHODS:
        raise ArgumentError("method", repr(method), f"be one of {', '.join(METHODS)}")
    if H.c.ndim != 1 or not np.isrealobj(H.c):
        raise ArgumentError("H", f"one with coefficients of shape {H.c.shape}", "be one Hermitian sum of Pauli strings")
    may = memory.allowed(limit)
    asked = METHODS if method is None else (method,)
    found = [_plan(H, t, vectors, each, may, keep) for each in asked]
    fitting = [each for each in found if each.bytes <= may]
    if not fitting:
        least = min(found, key=lambda each: each.bytes)
        memory.require(
            f"{vectors} state(s) of {H.n} spins by {least.method}",
            least.bytes,
            limit,
            "take fewer spins, times or vectors" + ("" if method is None else ", another method"),
        )
    return min(fitting, key=lambda each: each.operations)


def _plan(H: PauliSum, t: FloatArray, vectors: int, method: str, may: int, keep: bool) -> Plan:
    d, conserved = float(H.dimension), blocks.symmetry(H)
    state = memory.COMPLEX * d * vectors
    item = memory.REAL if H.is_real else memory.COMPLEX
    if method == "blocks":
        held = len(t) if keep else 1
        kept = item * float(np.sum(np.array(blocks.sizes(H.n, conserved), dtype=float) ** 2))
        widest = max(blocks.sizes(H.n, conserved)) / d
        size = max(blocks.storage(H.n, conserved, item), kept + (held + 4 * widest) * state)
        count = blocks.work(H.n, conserved, item) + 8 * kept / item * len(t) * vectors
        return Plan(H.n, method, conserved, size + state, held, may, count)
    reach = 0.7 * H.bound() * float(np.ptp(np.append(t, 0.0)))
    K = chebyshev.terms(reach)
    base = (_BESIDE + min(chebyshev.BLOCK, K)) * state
    making = acting = 0.0
    if method == "sparse":
        fill = actions.filling(H)
        base, making = base + fill.bytes, fill.peak + state
        work = 8 * fill.entries * vectors
    else:
        acting = min(CHUNK, d) * memory.COMPLEX * (4 + 3 * vectors)
        work = 30 * d * H.x.size + 16 * d * vectors * len(set(H.x.tolist()))  # signs are counted anew every time
    # a result for each time, and either the piece that a product adds to it or what acting takes
    window = len(t) if keep else max(1, min(len(t), int((may - base - acting) // (2 * state))))
    count = K * (work + 8 * d * vectors * window)
    return Plan(
        H.n, method, conserved, max(base + window * state + max(window * state, acting), making), window, may, count
    )


def evolve(
    H: PauliSum,
    psi: ArrayLike,
    times: ArrayLike,
    *,
    method: str | None = None,
    limit: float | None = None,
    tell: Told | None = None,
    progress: Progress | None = None,
) -> ComplexArray:
    """exp(-i H t) psi at times (T,), psi (d,) or (d, R); shape (T, d) or (T, d, R). To 1e-12 or better.

    `tell` receives the plan in words before anything is allocated. Arguments and errors as for `plan`; RunError where an
    expansion fails its own check.
    """
    vectors, t = _vectors(H, psi), checks.real("times", times).reshape(-1)
    made = plan(H, t, vectors.shape[1], method=method, limit=limit)
    if tell:
        tell(str(made))
    found = _evolved(H, made, vectors, t, progress)
    return found[..., 0] if np.ndim(psi) == 1 else found


def observe(
    H: PauliSum,
    psi: ArrayLike,
    times: ArrayLike,
    look: Callable[[ComplexArray], Any],
    *,
    method: str | None = None,
    limit: float | None = None,
    tell: Told | None = None,
) -> FloatArray:
    """look(state (d, R)) of the evolved states at ascending times (T,), stacked (T, ...), never all of them in memory.

    Arguments and errors as for `evolve`.
    """
    vectors, t = _vectors(H, psi), checks.real("times", times).reshape(-1)
    made = plan(H, t, vectors.shape[1], method=method, limit=limit, keep=False)
    if tell:
        tell(str(made))
    if made.method == "blocks":
        solved = blocks.diagonalise(H)
        return np.array([look(solved.evolve(vectors, t[k : k + 1])[0]) for k in range(len(t))])
    prepared = Expansion(H, made.method)
    found: list[Any] = []
    start = 0.0
    for k in range(0, len(t), made.window):
        states = prepared.evolve(vectors, t[k : k + made.window] - start, None)
        found.extend(look(state) for state in states)
        vectors, start = states[-1].copy(), float(t[min(k + made.window, len(t)) - 1])
    return np.array(found)


def _evolved(H: PauliSum, made: Plan, vectors: ComplexArray, t: FloatArray, progress: Progress | None) -> ComplexArray:
    if made.method == "blocks":
        return blocks.diagonalise(H).evolve(vectors, t)
    return Expansion(H, made.method).evolve(vectors, t, progress)


class Expansion:
    """Chebyshev's recursion of one Hamiltonian, its interval found once."""

    def __init__(self, H: PauliSum, form: str) -> None:
        plain = actions.action(H, form)
        self.centre, self.radius = chebyshev.interval(plain, H.dimension, H.bound())
        centre, factor = self.centre, 2 / self.radius

        def double(v: ComplexArray) -> ComplexArray:
            out = plain(v)
            out -= centre * v
            out *= factor
            return out

        self.double = double

    def evolve(self, vectors: ComplexArray, t: FloatArray, progress: Progress | None) -> ComplexArray:
        """exp(-i H t) on vectors (d, R) at times (T,), shape (T, d, R). Raises RunError where norms stray."""
        c = chebyshev.evolution_coefficients(self.radius, self.centre, t)
        found = chebyshev.expand(self.double, c, vectors, progress)
        chebyshev.check_norm(found, np.linalg.norm(vectors, axis=0))
        return found

    def thermal(self, vectors: ComplexArray, exponents: FloatArray) -> ComplexArray:
        """exp(-b (H - lowest)) on vectors (d, R), shape (T, d, R); lowest = centre - radius."""
        return chebyshev.expand(self.double, chebyshev.thermal_coefficients(self.radius, exponents), vectors)


def _vectors(H: PauliSum, psi: ArrayLike) -> ComplexArray:
    found = np.asarray(psi)
    if found.ndim not in (1, 2) or found.shape[0] != H.dimension or not np.all(np.isfinite(found)):
        raise ArgumentError(
            "psi", f"of shape {found.shape}", f"be finite, of shape ({H.dimension},) or ({H.dimension}, R)"
        )
    return np.array(found.reshape(found.shape[0], -1), dtype=complex, order="C")
