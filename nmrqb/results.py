"""States: what every engine ends in, and all that analysis understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nmrqb.checks import ComplexArray
from nmrqb.errors import ArgumentError

Progress = Callable[[int, int], None]  # pieces of work done, and in all


@dataclass(frozen=True)
class States:
    """Density matrices at the observed marks, with their uncertainty.

    rho: (..., mark, replica, d, d). Replica 0 is the estimate; the others, where there are any, scatter about it as
    repeated measurements would. marks: their names. source: which engine they come from. info: seeds, shots, bounds.
    Raises ArgumentError when rho does not have one entry for each mark.
    """

    rho: ComplexArray
    marks: tuple[str, ...]
    source: str
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rho.ndim < 4 or self.rho.shape[-4] != len(self.marks):
            raise ArgumentError(
                "rho", f"of shape {self.rho.shape}", f"have shape (..., {len(self.marks)}, replica, d, d)"
            )

    def at(self, mark: str) -> ComplexArray:
        """States at one mark, shape (..., replica, d, d). Raises ArgumentError for an unknown mark."""
        if mark not in self.marks:
            raise ArgumentError("mark", repr(mark), f"be one of {', '.join(self.marks)}")
        return self.rho[..., self.marks.index(mark), :, :, :]

    @property
    def estimate(self) -> ComplexArray:
        """The best estimate at each mark, shape (..., mark, d, d)."""
        return self.rho[..., 0, :, :]

    @property
    def replicas(self) -> ComplexArray:
        """What scatters about the estimate, shape (..., mark, R, d, d); R is 0 for an exact engine."""
        return self.rho[..., 1:, :, :]
