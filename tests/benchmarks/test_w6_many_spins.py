"""Speed, W6: many dipolar spins at 20 times.

1. A chain of 14 protons, secular couplings 1/r^3, after a 90 degree pulse: our Chebyshev expansion, from the cluster's
   Pauli strings to the states (the sparse matrix is made on the way), against qutip.krylovsolve with its matrix made
   beforehand and given in CSR, at Krylov dimensions 30 (quickest, good to 1e-5 or so) and 60 (as good as we can have it).
2. 14 spins all coupled alike, <F_z> from a product state: sectors of total spin against qutip.piqs, its operators, its
   Liouvillian and mesolve; only the sector that holds the state on our side, as PIQS has no such choice.
One thread each, interleaved rounds in one process, CPU time, medians of the ratios of a round; all of it warm.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import qutip
from qutip import piqs

from nmrqb import Battery
from nmrqb.battery import Cluster
from nmrqb.spin import actions, dicke, many

N, ROUNDS = 14, 7
TIMES = np.linspace(0, 12, 20)
H = Cluster.chain(N, Battery(axial=1.0)).pauli_sum()


def product(spinor):
    psi = np.ones(1)
    for _ in range(N):
        psi = np.kron(psi, spinor)
    return psi.astype(complex)


PULSED = product(np.array([1, 1j]) / np.sqrt(2))
COUPLINGS = {"axial": 1.0, "rhombic": 0.4, "zeeman": 0.3}
UNIFORM_TIMES = np.linspace(0, 2, 20)
ANGLE = np.pi / 4


def timed(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def ours_uniform():
    solved = dicke.diagonalise(N, dicke.Quadratic.of_couplings(**COUPLINGS), top=True)
    state = dicke.coherent(N, (np.sin(ANGLE), 0, np.cos(ANGLE)))
    return solved.curve(state, dicke.Quadratic.of_couplings(zeeman=0.5), UNIFORM_TIMES)


def piqs_peer():
    jx, jy, jz = piqs.jspin(N)
    third = COUPLINGS["axial"] / 3
    eps = COUPLINGS["rhombic"]
    K = 2 * ((eps - third) * jx * jx - (eps + third) * jy * jy + 2 * third * jz * jz) + 2 * COUPLINGS["zeeman"] * jz
    generator = piqs.Dicke(N, hamiltonian=K).liouvillian()
    start = piqs.css(N, ANGLE, 0.0, coordinates="polar")
    return qutip.mesolve(generator, start, UNIFORM_TIMES, [], e_ops=[jz]).expect[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_w6_a_chain_of_fourteen():
    matrix = qutip.Qobj(actions.sparse_matrix(H).astype(complex).tocsr(), dims=[[2] * N] * 2)
    start = qutip.Qobj(PULSED, dims=[[2] * N, [1] * N])
    reference = many.evolve(H, PULSED, TIMES)
    ratios = {30: [], 60: []}
    own = []
    for _ in range(ROUNDS):
        own.append(timed(lambda: many.evolve(H, PULSED, TIMES))[0])
        for dimension, found in ratios.items():
            seconds, result = timed(lambda m=dimension: qutip.krylovsolve(matrix, start, TIMES, krylov_dim=m))
            np.testing.assert_allclose(result.states[-1].full()[:, 0], reference[-1], atol=1e-4)
            found.append(seconds / own[-1])
    medians = {m: float(np.median(found)) for m, found in ratios.items()}
    print(
        f"\nW6: ours {np.median(own):.3f} s; krylovsolve " + ", ".join(f"({m}) {r:.2f} x" for m, r in medians.items())
    )
    assert min(medians.values()) >= 1.5


@pytest.mark.slow
def test_w6_dicke_against_piqs():
    reference = ours_uniform()
    np.testing.assert_allclose(piqs_peer(), reference, atol=1e-3)
    ratios = []
    for _ in range(ROUNDS):
        seconds = np.median([timed(ours_uniform)[0] for _ in range(9)])
        ratios.append(timed(piqs_peer)[0] / seconds)
    print(f"\nW6: Dicke sectors against PIQS {np.median(ratios):.0f} x")
    assert np.median(ratios) >= 50
