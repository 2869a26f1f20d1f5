"""Held against qiskit-experiments on the same counts: linear inversion to 1e-10, and a likelihood that theirs never exceeds.

Its strings and its states count qubit 0 last; its Pauli basis is numbered Z, X, Y.
"""

import numpy as np
import pytest

from nmrqb.tomography import Counts, linear_inversion, nearest_state, pauli_settings, probabilities

SETTINGS = pauli_settings(2)


@pytest.fixture(scope="module")
def theirs():
    """The state that qiskit-experiments finds, in our order of spins, from counts (9, 4)."""
    from qiskit_experiments.framework import ExperimentData
    from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
    from qiskit_experiments.library.tomography.qst_analysis import StateTomographyAnalysis

    def found(counts, **options):
        records = [
            {
                "counts": {format(k, "02b")[::-1]: int(number) for k, number in enumerate(row) if number},
                "metadata": {"m_idx": tuple("ZXY".index(axis) for axis in name), "clbits": [0, 1], "cond_clbits": None},
                "shots": int(row.sum()),
            }
            for name, row in zip(SETTINGS, counts, strict=True)
        ]
        data = ExperimentData()
        data.add_data(records)
        analysis = StateTomographyAnalysis()
        analysis.set_options(measurement_basis=PauliMeasurementBasis(), measurement_qubits=(0, 1), **options)
        state = analysis.run(data).block_for_results().analysis_results("state", dataframe=True).iloc[0].value.data
        return state.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)

    return found


def states():
    rng = np.random.default_rng(11)
    a = rng.normal(size=(3, 4, 4)) + 1j * rng.normal(size=(3, 4, 4))
    a[1, :, 1:] *= 0.1  # nearly pure
    a[2, :, 1:] = 0
    rho = a @ a.conj().swapaxes(-1, -2)
    return rho / np.trace(rho, axis1=-2, axis2=-1)[:, None, None]


def experiments():
    rng, p = np.random.default_rng(12), probabilities(states(), SETTINGS)
    even = [rng.multinomial(shots, q) for shots in (50, 4096) for q in p]
    return [*even, np.array([rng.multinomial(100 + 50 * k, p[0, k]) for k in range(9)])]  # unequal shots too


@pytest.mark.parametrize("number", range(7))
def test_linear_inversion_is_the_same_to_1e_10(theirs, number):
    counts = experiments()[number]
    frequencies = counts / counts.sum(axis=1, keepdims=True)
    ours = linear_inversion(frequencies, SETTINGS)
    assert np.abs(ours - theirs(counts, rescale_positive=False, rescale_trace=False)).max() < 1e-10
    assert np.abs(nearest_state(ours) - theirs(counts)).max() < 1e-10
    # and a state of the wrong order of spins would be seen
    swapped = ours.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    assert np.abs(swapped - theirs(counts, rescale_positive=False, rescale_trace=False)).max() > 1e-3


@pytest.mark.parametrize("number", range(7))
def test_no_state_of_theirs_is_likelier(theirs, number):
    values = experiments()[number]
    counts = Counts(SETTINGS, values)
    ours = counts.measurement.log_likelihood(counts.estimate("mle"), values)
    assert counts.measurement.log_likelihood(theirs(values), values) <= ours + 1e-6
