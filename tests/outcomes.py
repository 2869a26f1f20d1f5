"""What circuits with open angles give, by Aer's own simulation: outcome probabilities, spin 0 as the highest bit."""

import numpy as np
from qiskit_aer import AerSimulator

from nmrqb.timeline import cycle_average
from nmrqb.tomography import linear_inversion


def outcomes(circuit, angles):
    """Probabilities (..., 2^n) of a measured circuit at each row of angles (..., P)."""
    n = circuit.num_qubits
    bare = circuit.remove_final_measurements(inplace=False)
    bare.save_probabilities()
    rows = angles.reshape(-1, angles.shape[-1])
    binds = {p: rows[:, k].tolist() for k, p in enumerate(circuit.parameters)}
    backend = AerSimulator(method="statevector", max_parallel_threads=1)
    result = backend.run([bare], parameter_binds=[binds], shots=1).result()
    assert result.success
    p = np.array([result.data(k)["probabilities"] for k in range(len(rows))])
    backwards = [0, *range(n, 0, -1)]
    return p.reshape(-1, *(2,) * n).transpose(backwards).reshape(*angles.shape[:-1], 2**n)


def mixed(made, branches):
    """Probabilities (..., setting, 2^n) of a skeleton with its branches averaged by weight."""
    p = outcomes(made.circuit, made.angles)
    return np.einsum("b,...bso->...so", [branch.weight for branch in branches], p)


def state(timeline, made, branches, settings):
    """The density matrix (..., d, d) that tomography of a skeleton gives, the steps of a phase cycle averaged."""
    rho = linear_inversion(mixed(made, branches), settings)
    return cycle_average(timeline, rho[..., None, None, :, :])[..., 0, 0, :, :]
