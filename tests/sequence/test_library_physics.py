"""What the sequences of the library do to their samples, against closed forms, published numbers and orders of error."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb import units
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence.listing import describe
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.timeline import sample_quantities

PAIR, AX, CHAIN = (nmrqb.Sample.load(n) for n in ("nematic-pair", "chloroform", "fluorapatite-chain"))
FREE = replace(AX, scalar=(), coils={})  # two spins on their own, one nutation frequency
HARD = replace(PAIR, rf_limit=1e9)


def final(sequence, sample, rho0=None, **options):
    """States at the marks, (..., mark, d, d)."""
    start = sample.linear_state() if rho0 is None else rho0
    return nmrqb.Exact().run(nmrqb.schedule(sequence, sample, **options), start).rho[..., 0, :, :]


def deviation(sample, rho):
    """(d rho - 1)/p."""
    d = rho.shape[-1]
    return (d * rho - np.eye(d)) / sample.polarisation_factor


def test_spin_echo_refocuses_offsets_and_leaves_no_trace_of_them():
    echo = nmrqb.Sequence.load("spin-echo")
    quiet = final(echo, AX)[-1]
    off = final(echo, replace(AX, offsets=(137.0, -61.0)))[-1]
    np.testing.assert_allclose(deviation(AX, off), deviation(AX, quiet), atol=1e-9)


@pytest.mark.parametrize("tau", [3e-5, 2.1e-4, 1.7e-3])
def test_solid_echo_of_a_pair_is_perfect(tau):
    """Exactly 1 for an isolated pair: Iz goes to Ix and comes back to it."""
    dev = deviation(PAIR, final(nmrqb.Sequence.load("solid-echo").bind(tau=tau), PAIR)[-1])
    np.testing.assert_allclose(dev, collective(2, "x"), atol=1e-10)


@pytest.mark.parametrize("sample", [PAIR, CHAIN], ids=lambda s: s.name)
def test_magic_echo_reverses_any_dipolar_evolution_and_the_better_the_stronger_the_lock(sample):
    strong = replace(sample, rf_limit=1e9)
    lock = np.array([5, 20, 80, 320.0]) * abs(sample.coupling)
    dev = deviation(sample, final(nmrqb.Sequence.load("magic-echo").bind(w1=lock), strong))
    Fy = collective(sample.n, "y")
    kept = np.einsum("lmij,ji->lm", dev, -Fy).real / np.trace(Fy @ Fy).real
    assert np.all(np.abs(kept[:, 0]) < 0.75)  # dephased in between
    loss = 1 - kept[:, 1]
    assert np.all(np.diff(loss) < 0)
    assert loss[-1] < 2e-4
    assert loss[-1] / loss[-2] < 1.1 / 16  # second order in d/w1, fourth for a pair


def test_inept_gives_the_carbon_the_protons_polarisation_in_antiphase():
    rho = final(nmrqb.Sequence.load("inept"), AX)
    P = AX.polarisation[0]
    expected = pauli_string("ZY") * P / 4
    got = rho[0] - np.eye(4) / 4
    assert np.abs(got) == pytest.approx(np.abs(expected), abs=1e-13)
    carbon = abs(np.trace(got @ pauli_string("ZY")).real)
    assert carbon / AX.polarisation[1] == pytest.approx(3.977, abs=2e-3)  # gamma(1H)/gamma(13C)


def test_inept_of_a_star_moves_every_proton_of_it():
    star = nmrqb.Sample.load("acetonitrile")
    got = final(nmrqb.Sequence.load("inept"), star)[0]
    P = star.polarisation[1]
    for label in ("YZII", "YIZI", "YIIZ"):
        assert abs(np.trace(got @ pauli_string(label)).real) == pytest.approx(P, rel=1e-9)
    np.testing.assert_allclose(np.linalg.norm(got - np.eye(16) / 16), np.sqrt(3 / 16) * P, rtol=1e-9)


def test_pseudo_pure_is_a_multiple_of_the_ground_state_projector():
    rho = final(nmrqb.Sequence.load("pseudo-pure"), AX)[-1]
    ground = np.diag([1.0, 0, 0, 0])
    got = rho - np.eye(4) / 4
    scale = np.trace(got @ ground).real / 0.75
    # r of the file is given to five digits
    np.testing.assert_allclose(got, scale * (ground - np.eye(4) / 4), atol=1e-4 * scale)
    assert scale == pytest.approx(AX.polarisation[1], rel=1e-4)


def test_pseudo_pure_of_equal_polarisations_has_the_textbook_angles():
    like = AX.with_polarisation(4e-5)
    sequence = nmrqb.Sequence.load("pseudo-pure").bind(r="1", k="0.5")
    scope = sequence.scope(sample_quantities(like))
    angles = [float(scope.value(text, units.ANGLE)) for text in ("beta", "45 deg + mixed", "45 deg - mixed")]
    np.testing.assert_allclose(angles, np.radians([60, 45, 45]), atol=1e-12)
    got = final(sequence, like)[-1] - np.eye(4) / 4
    np.testing.assert_allclose(got, 4e-5 / 8 * (4 * np.diag([1.0, 0, 0, 0]) - np.eye(4)), atol=1e-16)


def turned(name, sample, **options):
    return nmrqb.Exact().propagator(nmrqb.schedule(nmrqb.Sequence.load(name), sample, **options))


@pytest.mark.parametrize(
    ("name", "angles"),
    [
        ("bb1-180", (104.478, 313.433)),
        ("bb1-90", (97.181, 291.542)),
        ("corpse-180", (420, 300, 60)),
        ("corpse-90", (384.30, 318.59, 24.30)),
    ],
)
def test_composite_pulses_have_their_published_angles(name, angles):
    rows = list(describe(nmrqb.Sequence.load(name), sample_quantities(AX)))
    if name.startswith("bb1"):
        found = [float(row[2].split("about ")[1].rstrip("°")) for row in rows[1:3]]
    else:
        found = [float(row[2].split("°")[0]) for row in rows[:3]]
    np.testing.assert_allclose(found, angles, atol=6e-3)


@pytest.mark.parametrize("theta", [90, 180])
def test_bb1_turns_amplitude_errors_into_sixth_order_and_corpse_does_not(theta):
    error = np.array([0.02, 0.04])
    one = nmrqb.charging_unitary(2, np.radians(theta) / 2)

    def infidelity(name):
        U = turned(name, FREE, rf_scale=1 + error)
        return 1 - np.abs(np.einsum("ij,...ij->...", one.conj(), U) / 4) ** 2

    bb1, corpse = infidelity(f"bb1-{theta}"), infidelity(f"corpse-{theta}")
    assert np.log2(bb1[1] / bb1[0]) == pytest.approx(6, abs=0.15)
    plain = 1 - np.cos(np.radians(theta) * error / 2) ** 4
    np.testing.assert_allclose(corpse, plain, rtol=1e-9)
    assert bb1[1] < 1e-6


@pytest.mark.parametrize("theta", [90, 180])
def test_corpse_takes_the_second_order_out_of_offsets_and_bb1_does_not(theta):
    """Fourth order is left, with a coefficient so small that sixth order rules at offsets that matter."""
    one = nmrqb.charging_unitary(2, np.radians(theta) / 2)
    nutation = 1 / (4 * AX.pulse_90)
    ensemble = Ensemble.of(offset=np.array([0.05, 0.1]) * nutation)

    def infidelity(name):
        U = turned(name, FREE, ensemble=ensemble, pulses="finite")
        return 1 - np.abs(np.einsum("ij,...ij->...", one.conj(), U) / 4) ** 2

    bb1, corpse = infidelity(f"bb1-{theta}"), infidelity(f"corpse-{theta}")
    assert 3.9 < np.log2(corpse[1] / corpse[0]) < 6.1
    assert corpse[1] == pytest.approx(
        {90: 2 * 9.7599e-6, 180: 2 * 1.0368e-5}[theta], rel=1e-3
    )  # by 40-digit arithmetic
    pulse = nmrqb.Sequence.load(f"bb1-{theta}")
    pulse = replace(pulse, steps=(pulse.steps[0], pulse.steps[-1]))
    U = nmrqb.Exact().propagator(nmrqb.schedule(pulse, FREE, ensemble=ensemble, pulses="finite"))
    plain = 1 - np.abs(np.einsum("ij,...ij->...", one.conj(), U) / 4) ** 2
    np.testing.assert_allclose(bb1, plain, rtol=0.07)


@pytest.mark.parametrize(
    ("name", "scale", "axis"),
    [("wahuha", 1 / np.sqrt(3), (1, 1, 1)), ("mrev8", np.sqrt(2) / 3, (1, 0, 1))],
)
def test_multiple_pulse_cycles_average_the_coupling_to_zero_and_scale_offsets(name, scale, axis):
    """One cycle as a unitary is exp(-i scale w t_c F.n), n up to the signs of its pulses."""
    cycle = nmrqb.Sequence.load(name)
    repeat = next(step for step in cycle.steps if hasattr(step, "repeat"))
    cycle = replace(cycle, steps=(*repeat.steps, cycle.steps[-1]))
    still = nmrqb.Exact().propagator(nmrqb.schedule(cycle, PAIR))
    np.testing.assert_allclose(still * still[0, 0].conj() / abs(still[0, 0]), np.eye(4), atol=1e-12)  # exact for a pair
    tau, offset = 1e-7, 100.0
    t_c = {"wahuha": 6, "mrev8": 12}[name] * tau
    U = nmrqb.Exact().propagator(nmrqb.schedule(cycle.bind(tau=tau), replace(AX, scalar=(), offsets=(offset, 0.0))))
    phase = 2 * np.pi * offset * t_c
    field = [2j * np.trace(U @ pauli_string(a + "I")) / (4 * phase * np.sign(U[0, 0].real)) for a in "XYZ"]
    assert np.linalg.norm(field) == pytest.approx(scale, rel=1e-4)
    np.testing.assert_allclose(np.abs(field), scale * np.array(axis) / np.linalg.norm(axis), atol=1e-4)


@pytest.mark.parametrize("name", ["wahuha", "mrev8"])
def test_multiple_pulse_cycles_keep_the_magnetisation_of_a_chain(name):
    sequence = nmrqb.Sequence.load(name)
    Fx = collective(4, "x")
    decay = []
    for tau in ("1/(30*abs(coupling))", "1/(120*abs(coupling))"):
        dev = deviation(CHAIN, final(sequence.bind(tau=tau), CHAIN)[-1])
        decay.append(1 - np.trace(dev @ Fx).real / np.trace(Fx @ Fx).real)
    free = deviation(CHAIN, final(nmrqb.Sequence.load("spin-echo").bind(tau="8*6/240/abs(coupling)"), CHAIN)[-1])
    assert 1 - abs(np.trace(free @ collective(4, "y")).real) / np.trace(Fx @ Fx).real > 0.5
    assert abs(decay[1]) < 0.02
    assert abs(decay[1]) < abs(decay[0])


@pytest.mark.parametrize(("name", "loss"), [("inversion-recovery", 2.0), ("saturation-recovery", 1.0)])
def test_recovery_curves_are_exponentials_of_t1(name, loss):
    sequence = nmrqb.Sequence.load(name)
    rho = final(sequence, AX, noise=True)  # (wait, mark, 4, 4)
    wait = sequence.scope(sample_quantities(AX)).parameter("wait").to("s").magnitude
    for spin, label in enumerate(("ZI", "IZ")):
        z = np.einsum("wij,ji->w", rho[:, 0], pauli_string(label)).real / AX.polarisation[spin]
        np.testing.assert_allclose(z, 1 - loss * np.exp(-wait / AX.noise.t1[spin]), atol=1e-9)


def test_mrev_forgives_flip_errors_that_ruin_wahuha():
    """Three percent, over 192 tau of either cycle on a chain."""
    kept = {}
    for name, rounds in (("wahuha", 32), ("mrev8", 16)):
        sequence = nmrqb.Sequence.load(name)
        steps = tuple(s.model_copy(update={"repeat": rounds}) if hasattr(s, "repeat") else s for s in sequence.steps)
        dev = deviation(CHAIN, final(replace(sequence, steps=steps), CHAIN, rf_scale=[0.97, 1.03])[:, -1])
        kept[name] = np.einsum("kij,ji->k", dev, collective(4, "x")).real / 16
    assert np.all(kept["mrev8"] > 0.99)
    assert np.all(kept["wahuha"] < 0.9)
