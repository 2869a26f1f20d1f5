"""Dipolar order of many spins: what two pulses make of them, simulated, against the slope of their decay."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.preparation import adrf, attainable, broekaert_jeener, steepest_delay, unitary_bound

CHAIN = nmrqb.Sample.load("fluorapatite-chain")


def chain(n):
    pairs = tuple((i, j, -2610.0 / (j - i) ** 3) for i in range(n) for j in range(i + 1, n))
    return replace(
        CHAIN,
        spins=("19F",) * n,
        dipolar=pairs,
        offsets=(0.0,) * n,
        polarisation=CHAIN.polarisation[:1] * n,
        noise=None,
    )


def cluster(seed, n=5):
    rng = np.random.default_rng(seed)
    pairs = tuple((i, j, float(d)) for i in range(n) for j in range(i + 1, n) for d in [rng.normal(0, 2000)])
    return replace(chain(n), dipolar=pairs)


def zeeman_and_dipolar(sample):
    """Tr F_z^2 and Tr H_D^2, H_D in units of the strongest |d|."""
    H = sample.hamiltonian() / sample.energy_unit
    return sample.n * 2**sample.n / 4, np.trace(H @ H).real


@pytest.mark.parametrize(("n", "efficiency"), [(2, 0.8660), (4, 0.655), (8, 0.650)])
def test_norm_efficiency_of_chains(n, efficiency):
    report = broekaert_jeener(chain(n), isolation="crusher").report
    assert report.norm_efficiency == pytest.approx(efficiency, abs=6e-4)


@pytest.mark.parametrize("sample", [chain(3), chain(4), cluster(1), cluster(2), cluster(3)], ids=lambda s: f"{s.n}")
def test_simulation_agrees_with_the_slope_of_the_decay(sample):
    """eta = sqrt(3)/2 |G'|max/sqrt(M2), M2 = 3 Tr H_D^2/Tr F_y^2."""
    report = broekaert_jeener(sample, isolation="crusher").report
    beta = attainable(sample, steepest_delay(sample))
    zeeman, dipolar = zeeman_and_dipolar(sample)
    assert report.inverse_temperature / report.polarisation_factor == pytest.approx(beta, rel=1e-9)
    assert report.norm_efficiency == pytest.approx(beta * np.sqrt(dipolar / zeeman), rel=1e-9)


def test_of_a_gaussian_decay_it_is_the_textbooks_52_percent():
    assert np.sqrt(3) / 2 * np.exp(-0.5) == pytest.approx(0.5253, abs=5e-5)
    # 40 couplings of one size to a spin: its decay is Gaussian by the central limit, exp(-M2 t^2/2)
    t = np.linspace(0, 3, 3001)
    decay = np.cos(t / np.sqrt(400)) ** 400
    slope = np.abs(np.gradient(decay, t)).max()
    assert np.sqrt(3) / 2 * slope == pytest.approx(0.5253, abs=1e-3)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_no_unitary_does_better_than_the_bound(n):
    sample = chain(n)
    zeeman, dipolar = zeeman_and_dipolar(sample)
    bound = unitary_bound(sample)
    assert attainable(sample, steepest_delay(sample)) <= bound * (1 + 1e-9)
    share = bound * np.sqrt(dipolar / zeeman)
    assert share == pytest.approx(np.sqrt(0.75), abs=1e-9) if n == 2 else 0.93 <= share <= 0.98
    H, Fz = sample.hamiltonian() / sample.energy_unit, nmrqb.spin.operators.collective(n, "z")
    rng = np.random.default_rng(0)
    for _ in range(20):
        U = np.linalg.qr(rng.normal(size=H.shape) + 1j * rng.normal(size=H.shape))[0]
        assert -np.trace(U @ Fz @ U.conj().T @ H).real <= bound * dipolar


def test_a_slow_ramp_beats_two_pulses_on_many_spins_and_stays_below_the_bound():
    sample = replace(cluster(1), rf_limit=1e9)
    zeeman, dipolar = zeeman_and_dipolar(sample)
    local = np.sqrt(dipolar / zeeman) * sample.energy_unit  # local field in rad/s
    two_pulses = broekaert_jeener(sample, isolation="crusher").report.norm_efficiency
    lock, shape = 20 * local / (2 * np.pi), nmrqb.sequence.Shape("exponential-ramp", 300)
    ramps = [adrf(sample, ramp=t / local, lock=lock, shape=shape).report.norm_efficiency for t in (2, 10, 100)]
    assert ramps[0] < ramps[1] < ramps[2]
    assert two_pulses < ramps[1]
    assert ramps[2] < unitary_bound(sample) * np.sqrt(dipolar / zeeman)
