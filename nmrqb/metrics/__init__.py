"""What a battery's state is worth: energy, coherence and correlations, each batched over leading axes.

Every function takes `check=False` to skip the validation of its arrays where a caller has already done it.
"""

from nmrqb.metrics.coherence import l1_coherence
from nmrqb.metrics.energy import ergotropy, passive_state, stored_energy

__all__ = [
    "ergotropy",
    "l1_coherence",
    "passive_state",
    "stored_energy",
]
