"""Speed, W3: a dipolar pair under a shaped, phase-modulated pulse of 2000 slices, for 51 RF factors x 21 offsets: the
propagators of all 1071 members, to 1e-10 of each other; then the averaged states under T1 and T2 noise with a crusher.

Peers, each as its own user would tune it, all on the same angles:
- QuTiP: one loop over slices for each member, Qobj.expm of drift + x F_x + y F_y + offset F_z built from ready operators;
- batched NumPy: slice after slice, one eigh of all members at once, applied as V exp(-i E) V^dagger U;
- with noise: one scipy.linalg.expm of each slice's Lindblad generator, applied to the state.
Loops over members and slices cost in proportion, so peers are timed on a part and scaled up: QuTiP and expm on one member
(noise: on 100 of its slices), eigh on 100 slices of all members. What our engine does without interpolation between
members (every slice of every member by itself) is timed and printed too, on 200 slices. Most of the ratio is algorithm:
short pieces of the pulse are polynomials of low degree in RF factor and offset. One thread each, CPU seconds, interleaved
rounds in one process, medians of the ratios of a round.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import qutip
from scipy.linalg import expm

import nmrqb
from nmrqb.nmr import Noise
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.operators import pauli_stack
from nmrqb.spin.propagation import dissipator
from nmrqb.timeline import Mark, Timeline

SLICES, LENGTH, COUPLING = 2000, 4e-3, 1000.0  # s, Hz
RF, OFFSET = np.linspace(0.9, 1.1, 51), np.linspace(-250, 250, 21)  # Hz
LABELS = ("XX", "YY", "ZZ", "XI", "IX", "YI", "IY", "ZI", "IZ")
ROUNDS = 7
EIGH_SLICES, PLAIN_SLICES, NOISY_SLICES = 100, 200, 100
MEMBER = 777


def pulse(flip=np.pi):
    """A Gaussian of total flip angle `flip` with a sinusoidal phase, on a pair whose coupling stays on."""
    t = np.linspace(-1, 1, SLICES)
    shape = np.exp(-4 * t * t)
    theta, phase = flip * shape / shape.sum(), 0.6 * np.sin(np.pi * t)
    dt = LENGTH / SLICES
    angles = np.zeros((SLICES, len(LABELS)))
    angles[:, :3] = 2 * np.pi * COUPLING / 4 * dt * np.array([-1, -1, 2])
    angles[:, 3:5] = 0.5 * (theta * np.cos(phase))[:, None]
    angles[:, 5:7] = 0.5 * (theta * np.sin(phase))[:, None]
    ensemble = Ensemble.of(rf=RF) * Ensemble.of(offset=OFFSET)
    return Timeline(LABELS, angles, np.full(SLICES, dt), (), (0,) * SLICES, groups=((0, 1),), ensemble=ensemble)


PULSE = pulse()
NOISE = Noise((0.5, 0.5), (0.02, 0.02), (0.3, 0.3), (0.0, 0.0))
NOISY = replace(
    PULSE,
    noise=NOISE,
    marks=(Mark("crush", SLICES // 2, groups=((0, 1),)), Mark("observe", SLICES, "end")),
)
START = np.diag([1.0, 0, 0, 0])


def first(timeline, slices):
    return replace(
        timeline,
        angles=timeline.angles[:slices],
        durations=timeline.durations[:slices],
        events=timeline.events[:slices],
    )


def by_qutip(member=MEMBER):
    rf, offset = PULSE.ensemble.rf[member], PULSE.ensemble.offset[member]
    one = qutip.qeye(2)
    on_both = {
        letter: (qutip.tensor(op, one) + qutip.tensor(one, op)).to("dense")
        for letter, op in zip("XYZ", (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()), strict=True)
    }
    pairs = [qutip.tensor(op, op).to("dense") for op in (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())]
    drift = sum(float(a) * op for a, op in zip(PULSE.angles[0, :3], pairs, strict=True))
    drift = -1j * (drift + np.pi * offset * PULSE.durations[0] * on_both["Z"])
    x, y = -1j * rf * on_both["X"], -1j * rf * on_both["Y"]
    U = qutip.tensor(one, one).to("dense")
    for a, b in zip(PULSE.angles[:, 3].tolist(), PULSE.angles[:, 5].tolist(), strict=True):
        U = (drift + a * x + b * y).expm() @ U
    return U.full()


def by_eigh(slices=EIGH_SLICES):
    paulis = pauli_stack(LABELS)
    rf, offset = PULSE.ensemble.rf, PULSE.ensemble.offset
    dt = PULSE.durations[0]
    still = np.tensordot(PULSE.angles[0, :3], paulis[:3], 1)
    still = still + np.pi * dt * offset[:, None, None] * (paulis[7] + paulis[8])
    X, Y = (rf[:, None, None] * (paulis[k] + paulis[k + 1]) for k in (3, 5))
    U = np.broadcast_to(np.eye(4, dtype=complex), still.shape)
    for a, b in zip(PULSE.angles[:slices, 3], PULSE.angles[:slices, 5], strict=True):
        energies, V = np.linalg.eigh(still + a * X + b * Y)
        U = (V * np.exp(-1j * energies)[:, None, :]) @ (np.conj(np.swapaxes(V, 1, 2)) @ U)
    return U


def by_expm(slices=NOISY_SLICES, member=MEMBER):
    paulis = pauli_stack(LABELS)
    one = np.eye(4)
    rf, offset = PULSE.ensemble.rf[member], PULSE.ensemble.offset[member]
    ad = np.array([-1j * (np.kron(p, one) - np.kron(one, p.T)) for p in paulis])
    dt = PULSE.durations[0]
    still = np.tensordot(PULSE.angles[0, :3], ad[:3], 1) + np.pi * offset * dt * (ad[7] + ad[8])
    still = still + dt * dissipator(NOISE.jump_operators())
    X, Y = rf * (ad[3] + ad[4]), rf * (ad[5] + ad[6])
    order = np.array([1, 0, 0, -1])
    keep = np.subtract.outer(order, order) == 0
    rho = START.astype(complex).reshape(-1)
    for s in range(slices):
        if s == SLICES // 2:
            rho = rho * keep.reshape(-1)
        rho = expm(still + PULSE.angles[s, 3] * X + PULSE.angles[s, 5] * Y) @ rho
    return rho.reshape(4, 4)


def timed(work, *arguments):
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


@pytest.mark.slow
def test_w3_shaped_pulse_on_an_ensemble():
    exact, plain = nmrqb.Exact(), nmrqb.Exact(interpolate=False)
    members = len(PULSE.ensemble)
    U = exact.propagator(PULSE)  # also the warm-up
    np.testing.assert_allclose(by_qutip(), U[MEMBER], atol=1e-10)
    np.testing.assert_allclose(by_eigh(SLICES), U, atol=1e-10)
    np.testing.assert_allclose(by_eigh(), exact.propagator(first(PULSE, EIGH_SLICES)), atol=1e-10)
    own, by_itself, ratios = [], [], {"QuTiP": [], "eigh": []}
    for _ in range(ROUNDS):
        seconds = np.mean([timed(exact.propagator, PULSE)[0] for _ in range(3)])
        own.append(seconds)
        by_itself.append(timed(plain.propagator, first(PULSE, PLAIN_SLICES))[0] * SLICES / PLAIN_SLICES)
        ratios["QuTiP"].append(timed(by_qutip)[0] * members / seconds)
        ratios["eigh"].append(timed(by_eigh)[0] * SLICES / EIGH_SLICES / seconds)
    medians = {name: float(np.median(values)) for name, values in ratios.items()}
    alone = float(np.median(np.array(by_itself) / own))
    print(
        f"\nW3: ours {np.median(own):.3f} s; QuTiP {medians['QuTiP']:.0f} x, batched eigh {medians['eigh']:.1f} x; "
        f"ours without interpolation {np.median(by_itself):.2f} s, batched eigh {medians['eigh'] / alone:.2f} x that"
    )
    assert medians["QuTiP"] >= 60
    assert medians["eigh"] >= 8
    assert medians["eigh"] / alone >= 1


@pytest.mark.slow
def test_w3_with_noise():
    exact, kept = nmrqb.Exact(), nmrqb.Exact(keep_members=True)
    states = kept.run(NOISY, START).estimate[:, 0]
    np.testing.assert_allclose(by_expm(SLICES), states[MEMBER], atol=1e-10)
    average = exact.run(NOISY, START).estimate[0]
    np.testing.assert_allclose(average, np.tensordot(NOISY.ensemble.weights, states, 1), atol=1e-12)
    own, ratios = [], []
    for _ in range(5):
        seconds = timed(exact.run, NOISY, START)[0]
        own.append(seconds)
        ratios.append(timed(by_expm)[0] * SLICES / NOISY_SLICES * len(NOISY.ensemble) / seconds)
    print(f"\nW3 with noise: ours {np.median(own):.2f} s; scipy expm {np.median(ratios):.0f} x")
    assert np.median(ratios) >= 60
