"""Qiskit counts qubit 0 as the least significant bit; everywhere else here spin 0 is the leftmost factor."""

from __future__ import annotations

from nmrqb.checks import ComplexArray


def reversed_spins(rho: ComplexArray) -> ComplexArray:
    """A matrix (d, d) with its tensor factors in reversed order: from one convention to the other, either way."""
    n = rho.shape[0].bit_length() - 1
    order = [*range(n - 1, -1, -1), *range(2 * n - 1, n - 1, -1)]
    return rho.reshape((2,) * (2 * n)).transpose(order).reshape(rho.shape)
