"""Speed, W1: the (Delta, D) plane of Fig. 10 on 201 x 201 points at T = 1: capacity, and over 101 charging times the
maxima of ergotropy, power and l1 coherence.

Peers, each as its own user would tune it and all with the same Gibbs states and capacities:
- QuTiP objects in a Python loop (a subset of the points, scaled up: every point costs the same);
- batched NumPy, U rho U^dagger by matmul, one time after the other;
- batched NumPy, one 16 x 16 superoperator for each time applied to all states in a single product: the best that we
  know how to do without the decomposition into coherence orders.
Peers are timed on a part of the points and scaled up (every point costs them the same, and smaller arrays suit their
caches better), but checked on all of them, QuTiP apart. One thread each, interleaved rounds in one process, CPU time,
medians of the ratios of a round.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import qutip

from nmrqb.battery import Battery
from nmrqb.paper import curves
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import charging_unitary
from nmrqb.spin.states import gibbs_state

SIDE = np.linspace(-5, 5, 201)
PHI = np.linspace(0, np.pi / 2, 101)
RHOMBIC = 0.5
ROUNDS = 7
STRIDE = 4  # the NumPy peers are timed on every fourth point
QUTIP_POINTS = 8

F = 2 * collective(2, "x")  # H_ch/Omega
UPPER = np.triu_indices(4, 1)


def ours():
    plane = curves.maxima({"rhombic": RHOMBIC, "temperature": 1.0}, ("axial", SIDE), ("dm", SIDE), phi=PHI)
    top = (plane[f"{name}_max"].values.ravel() for name in ("ergotropy", "power", "l1"))
    return [plane.capacity.sel(kind="orbit").values.ravel(), *top]


def prepared(stride):
    """Hamiltonians, Gibbs states and orbit capacities of all points; a Gibbs state is passive, so its levels suffice."""
    H = Battery(axial=SIDE[None, :], rhombic=RHOMBIC, dm=SIDE[:, None]).hamiltonian().reshape(-1, 4, 4)[::stride].copy()
    levels = np.linalg.eigvalsh(H)
    p = np.exp(-(levels - levels[:, :1]))
    p /= p.sum(axis=1, keepdims=True)
    return H, gibbs_state(H, 1.0), np.sum(levels * (p[:, ::-1] - p), axis=1)


def matmul_peer(stride=1):
    H, rho0, capacity = prepared(stride)
    start = np.einsum("bij,bji->b", rho0, H).real
    ergotropy, power, l1 = (np.full(len(H), -np.inf) for _ in range(3))
    for U in charging_unitary(2, PHI):
        rho = U @ rho0 @ U.conj().T
        np.maximum(ergotropy, np.einsum("bij,bji->b", rho, H).real - start, out=ergotropy)
        np.maximum(power, np.einsum("bij,bji->b", F @ rho - rho @ F, H).imag, out=power)
        np.maximum(l1, 2 * np.abs(rho[:, UPPER[0], UPPER[1]]).sum(axis=1), out=l1)
    return [capacity, ergotropy, power, l1]


def superoperator_peer(stride=1):
    H, rho0, capacity = prepared(stride)
    vectors = rho0.reshape(-1, 16)
    energy = np.ascontiguousarray(H.reshape(-1, 16)).view(float)  # Tr[rho H] as one real product
    rate = np.ascontiguousarray(1j * (F @ H - H @ F)).reshape(-1, 16).view(float)
    start = np.einsum("bi,bi->b", vectors.view(float), energy)
    ergotropy, power, l1 = (np.full(len(H), -np.inf) for _ in range(3))
    upper = np.ravel_multi_index(UPPER, (4, 4))
    for U in charging_unitary(2, PHI):
        rho = vectors @ np.kron(U, U.conj()).T
        np.maximum(ergotropy, np.einsum("bi,bi->b", rho.view(float), energy) - start, out=ergotropy)
        np.maximum(power, np.einsum("bi,bi->b", rho.view(float), rate), out=power)
        np.maximum(l1, 2 * np.abs(rho[:, upper]).sum(axis=1), out=l1)
    return [capacity, ergotropy, power, l1]


def qutip_peer(points):
    """Objects and their methods; U(t) is made once for each time and shared by all points."""
    X, Z = qutip.sigmax(), qutip.sigmaz()
    Y, one = qutip.sigmay(), qutip.qeye(2)
    drive = qutip.tensor(X, one) + qutip.tensor(one, X)
    unitaries = [(-1j * phi * drive).expm() for phi in PHI]
    terms = [qutip.tensor(a, b) for a, b in ((X, X), (Y, Y), (Z, Z), (X, Y), (Y, X))]
    found = []
    for axial, dm in points:
        weights = (RHOMBIC - axial / 3, -RHOMBIC - axial / 3, 2 * axial / 3, dm, -dm)
        H = sum(w * term for w, term in zip(weights, terms, strict=True))
        rho0 = (-H).expm()
        rho0 = rho0 / rho0.tr()
        levels, p = H.eigenenergies(), np.sort(rho0.eigenenergies())
        rate = 1j * (drive * H - H * drive)
        start, best = qutip.expect(H, rho0), np.full(3, -np.inf)
        for U in unitaries:
            rho = U * rho0 * U.dag()
            matrix = np.abs(rho.full())
            values = (qutip.expect(H, rho) - start, qutip.expect(rate, rho), matrix.sum() - np.trace(matrix))
            best = np.maximum(best, values)
        found.append([np.sum(levels * (p - p[::-1])), *best])
    return np.array(found).T


def timed(work):
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_w1_charging_sweep():
    rng = np.random.default_rng(1)
    chosen = rng.choice(SIDE.size**2, QUTIP_POINTS, replace=False)
    points = [(SIDE[k % SIDE.size], SIDE[k // SIDE.size]) for k in chosen]
    reference = ours()  # also the warm-up
    for peer in (matmul_peer, superoperator_peer):
        np.testing.assert_allclose(peer(), reference, atol=1e-10, rtol=0, err_msg=peer.__name__)
    np.testing.assert_allclose(qutip_peer(points), [a[chosen] for a in reference], atol=1e-10, rtol=0)
    peers = {
        "matmul": (lambda: matmul_peer(STRIDE), STRIDE),
        "superoperator": (lambda: superoperator_peer(STRIDE), STRIDE),
        "qutip": (lambda: qutip_peer(points), SIDE.size**2 / QUTIP_POINTS),
    }
    own, ratios = [], {name: [] for name in peers}
    for _ in range(ROUNDS):
        own.append(timed(ours))
        for name, (peer, scale) in peers.items():
            ratios[name].append(timed(peer) * scale / own[-1])
    medians = {name: float(np.median(values)) for name, values in ratios.items()}
    print(f"\nW1: ours {np.median(own):.3f} s; " + ", ".join(f"{name} {m:.1f} x" for name, m in medians.items()))
    assert medians["qutip"] >= 200
    assert medians["matmul"] >= 5
    assert medians["superoperator"] >= 2
