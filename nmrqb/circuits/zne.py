"""Zero-noise extrapolation: two-qubit gates repeated 1, 3, 5 times, and what they give carried back to none.

Temme, Bravyi, Gambetta, Phys. Rev. Lett. 119, 180509 (2017); folding gates: Giurgica-Tiron et al., IEEE QCE (2020),
arXiv 2005.10921. What is extrapolated may be any linear quantity: outcome frequencies, expectations, matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitError, CircuitInstruction, ControlFlowOp

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

Method = Literal["linear", "richardson"]


def fold(circuit: QuantumCircuit, factor: int) -> QuantumCircuit:
    """Every gate on two qubits followed by its inverse and itself (factor - 1)/2 times; the ideal circuit stays the same.

    Barriers around each copy keep `transpile` from cancelling them at any level. Fold what the device runs, after
    transpiling: then the base circuit is the same for all factors. Parameters stay open. Raises ArgumentError for a factor
    that is not odd and positive, gates on three or more qubits, control flow, or a two-qubit step without an inverse.
    """
    if not isinstance(factor, (int, np.integer)) or factor < 1 or factor % 2 == 0:
        raise ArgumentError("factor", repr(factor), "be an odd whole number, 1 or more")
    folded = circuit.copy_empty_like()
    for step in circuit.data:
        if isinstance(step.operation, ControlFlowOp):
            raise ArgumentError("circuit", f"one with {step.operation.name}", "have no control flow to be folded")
        if len(step.qubits) < 2 or step.operation.name.startswith(("barrier", "save")):
            folded.append(step)
            continue
        if len(step.qubits) > 2:
            found = f"one with {step.operation.name} on {len(step.qubits)} qubits"
            raise ArgumentError("circuit", found, "be compiled to gates on at most two qubits")
        _repeat(folded, step, factor)
    return folded


def _repeat(circuit: QuantumCircuit, step: CircuitInstruction, factor: int) -> None:
    if factor == 1:
        circuit.append(step)
        return
    try:
        inverse = step.replace(operation=step.operation.inverse())
    except (CircuitError, NotImplementedError, AttributeError):
        found = f"one with {step.operation.name}"
        raise ArgumentError("circuit", found, "have two-qubit gates that have an inverse") from None
    circuit.barrier(step.qubits)
    for copy in range(factor):
        circuit.append(inverse if copy % 2 else step)
        circuit.barrier(step.qubits)


def extrapolation_weights(factors: Sequence[int], method: Method = "linear") -> FloatArray:
    """Weights (F,) of the values at each factor in the value at factor 0; they add up to 1.

    "linear": least squares through a straight line. "richardson": the polynomial through all points, free of the first
    F - 1 orders of the noise, at the price of larger weights. Raises ArgumentError for fewer than two factors, factors
    that repeat, or another method.
    """
    x = checks.positive("factors", factors)
    if x.ndim != 1 or x.size < 2 or np.unique(x).size != x.size:
        raise ArgumentError("factors", list(factors), "be two or more different noise factors")
    if method == "linear":
        design = np.stack([np.ones_like(x), x])
    elif method == "richardson":
        design = x[None, :] ** np.arange(x.size)[:, None]
    else:
        raise ArgumentError("method", repr(method), 'be "linear" or "richardson"')
    weights: FloatArray = np.linalg.pinv(design)[:, 0].astype(float)
    return weights


def extrapolate(
    values: ArrayLike,
    factors: Sequence[int],
    method: Method = "linear",
    variances: ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Values (F, ...) at the noise factors -> their value at zero noise (...) and its variance (...).

    variances: (F, ...) of independent values, or None for zero. Values are real; take a complex matrix by its parts.
    Raises ArgumentError as `extrapolation_weights` does, and for shapes that do not fit.
    """
    weights = extrapolation_weights(factors, method)
    v = checks.real("values", values)
    if v.ndim < 1 or len(v) != weights.size:
        raise ArgumentError("values", f"of shape {v.shape}", f"have one entry for each of {weights.size} factors")
    var = np.zeros_like(v) if variances is None else checks.non_negative("variances", variances)
    if var.shape != v.shape:
        raise ArgumentError("variances", f"of shape {var.shape}", f"have the shape of values {v.shape}")
    return np.tensordot(weights, v, axes=1), np.tensordot(weights**2, var, axes=1)


def variance_factor(factors: Sequence[int], method: Method = "linear") -> float:
    """By how much the variance grows over one circuit that had all the shots: F x sum of squared weights."""
    weights = extrapolation_weights(factors, method)
    return float(weights.size * np.sum(weights**2))
