"""Adding up a phase cycle: what the receiver phases leave of the states of its steps."""

from __future__ import annotations

import numpy as np

from nmrqb.checks import ComplexArray
from nmrqb.errors import ArgumentError
from nmrqb.timeline.timeline import Timeline


def cycle_average(timeline: Timeline, states: ComplexArray, axis: int = 0) -> ComplexArray:
    """Average of states (..., d, d) over the steps of the timeline's phase cycle, which lie along `axis`.

    A receiver phase of 180 degrees takes the deviation from unity with a minus sign, as the spectrometer subtracts a scan:
    rho = 1/d + mean of +-(rho_c - 1/d). Without a cycle the states come back as they are. Raises ArgumentError for a
    receiver at 90 or 270 degrees: such a step adds up in a signal, but not in a state.
    """
    if timeline.receiver is None:
        return states
    signs = np.cos(timeline.receiver)
    if np.any(np.abs(np.abs(signs) - 1) > 1e-9):
        found = f"{np.degrees(timeline.receiver[np.argmin(np.abs(signs))]):g} degrees"
        raise ArgumentError(
            "receiver phase", found, "be 0 or 180 degrees for states to be added up; acquire a signal instead"
        )
    d = states.shape[-1]
    unity = np.eye(d) / d
    return unity + np.tensordot(signs / signs.size, states - unity, axes=(0, axis))
