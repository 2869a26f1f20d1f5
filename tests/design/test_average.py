"""Average-Hamiltonian theory: textbook cycles, the order of what is left, and the exact logarithm on its branch."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

import nmrqb
from nmrqb import design
from nmrqb.errors import ArgumentError
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Delay, Observe, Pulse, Sequence
from nmrqb.spin.operators import collective

PAIR, AX, CHAIN = (nmrqb.Sample.load(n) for n in ("nematic-pair", "chloroform", "fluorapatite-chain"))
TRIPLE = replace(CHAIN, spins=CHAIN.spins[:3], dipolar=tuple(p for p in CHAIN.dipolar if 3 not in p[:2]), noise=None)


def shifted(sample, offset):
    return replace(sample, offsets=(offset,) * sample.n, noise=None)


def block(*steps):
    return Sequence("block", "A block", (*steps, Observe(observe="end")), {})


def pulse(phase, angle="90 deg", **more):
    return Pulse(pulse=angle, phase=phase, **more)


def wait(text):
    return Delay(delay=text)


def components(H, n):
    """A collective field on F_x, F_y and F_z."""
    return (
        np.array([np.trace(H @ collective(n, a)).real for a in "xyz"])
        / np.trace(collective(n, "x") @ collective(n, "x")).real
    )


@pytest.mark.parametrize(("name", "direction"), [("wahuha", (1, 1, 1)), ("mrev8", (1, 0, 1))])
@pytest.mark.parametrize("sample", [PAIR, CHAIN, TRIPLE], ids=["pair", "chain", "triple"])
def test_dipolar_decoupling_averages_to_zero_and_scales_offsets(name, direction, sample):
    scale = {"wahuha": 1 / np.sqrt(3), "mrev8": np.sqrt(2) / 3}[name]
    d = sample.energy_unit
    still = design.average_hamiltonian(Sequence.load(name), sample)
    assert still.is_cyclic
    assert np.abs(still.orders[0]).max() < 1e-12 * d
    assert np.abs(still.orders[1]).max() < 1e-12 * d  # by the symmetry of the cycle
    offset = 2 * np.pi * 30.0
    moved = design.average_hamiltonian(Sequence.load(name), shifted(sample, 30.0))
    field = components(moved.orders[0], sample.n)
    assert np.linalg.norm(field) / offset == pytest.approx(scale, rel=1e-12)
    np.testing.assert_allclose(
        np.abs(field) / np.linalg.norm(field), np.array(direction) / np.linalg.norm(direction), atol=1e-12
    )
    assert np.linalg.norm(moved.effective - moved.orders[0]) < 0.05 * np.linalg.norm(sample.hamiltonian())


def test_the_eight_pulses_make_double_quantum_couplings():
    d = PAIR.energy_unit
    for battery, phase in (
        (nmrqb.Battery(rhombic=-1), 0),
        (nmrqb.Battery(ksea=-1), 45),
        (nmrqb.Battery(rhombic=1), 90),
    ):
        sequence = design.engineer(battery, PAIR, 1.0)
        first = next(s for s in sequence.steps if isinstance(s, Pulse))
        assert float(first.phase.split()[0]) % 180 == pytest.approx(phase)
        found = design.average_hamiltonian(sequence, PAIR).couplings(0, unit=d)
        np.testing.assert_allclose(found.rhombic, battery.rhombic / 4, atol=1e-13)
        np.testing.assert_allclose(found.ksea, battery.ksea / 4, atol=1e-13)
        assert max(abs(found.axial), abs(found.dm), abs(found.zeeman), found.remainder) < 1e-13


def test_finite_pulses_leave_little_of_other_couplings():
    sample = replace(PAIR, pulse_90=4e-6, rf_limit=1e5)  # t_p d/2pi = 0.004
    sequence = design.engineer(nmrqb.Battery(rhombic=-1), sample, 0.2 * 2 * np.pi / 4, cycles=1, pulses="finite")
    found = design.average_hamiltonian(sequence, sample).couplings(unit=sample.energy_unit)
    assert found.rhombic == pytest.approx(-0.25, abs=1e-4)  # -0.24996 and 1e-4 were derived independently
    assert abs(found.axial) < 2e-4


def test_the_general_cycle_leaves_a_residual_of_a_thousandth():
    """||H_eff - H||/d with pulses of a 40th of a block is of the 1e-3 class, where four-pulse cycles leave 5e-2."""
    sample = replace(PAIR, pulse_90=5e-6, rf_limit=1e6)
    battery = nmrqb.Battery(axial=1, rhombic=0.25, ksea=0.15)
    speed = design.reachable(battery, sample).speed / 2
    time = 4 * 40 * 5e-6 * speed * sample.energy_unit
    sequence = design.engineer(battery, sample, time, speed=speed, cycles=1, pulses="finite")
    made = design.average_hamiltonian(sequence, sample)
    d = sample.energy_unit
    assert np.linalg.norm(made.effective / d - speed * battery.hamiltonian(), 2) < 2.5e-3
    found = made.couplings(0, unit=d * speed)
    np.testing.assert_allclose(found, [1, 0.25, 0, 0.15, 0, 0], atol=1e-12)  # windows make up for pulses exactly


@pytest.mark.parametrize("finite", [False, True], ids=["ideal", "finite"])
def test_what_the_orders_leave_falls_with_the_cycle_time(finite):
    sample = shifted(TRIPLE, 700.0)
    residuals, firsts = [], []
    for tau in (8e-6, 4e-6, 2e-6):
        timed = {"duration": f"{0.4 * tau!r} s"} if finite else {}
        steps = [
            wait(f"{tau!r} s"),
            pulse("x", **timed),
            wait(f"{2 * tau!r} s"),
            pulse("y", **timed),
            wait(f"{tau!r} s"),
        ]
        steps += [pulse("-y", **timed), wait(f"{tau!r} s"), pulse("-x", **timed)]  # not symmetric: every order is there
        made = design.average_hamiltonian(block(*steps), replace(sample, rf_limit=1e9))
        assert made.is_cyclic
        residuals.append(float(made.residual))
        firsts.append([np.linalg.norm(order) for order in made.orders])
    ratios = np.array(residuals[:-1]) / np.array(residuals[1:])
    np.testing.assert_allclose(ratios, 8, rtol=0.1)  # the third order is the first one left
    norms = np.array(firsts)
    np.testing.assert_allclose(norms[0] / norms[1], [1, 2, 4], rtol=1e-6)


def test_orders_of_a_pulse_with_a_length_agree_with_many_slices():
    """A pulse cut into short rotations between short delays is a sequence of ideal pulses with the same average."""
    sample, n = shifted(TRIPLE, 700.0), 400
    whole = block(pulse("x", "360 deg", duration="20 us"))
    exact = design.average_hamiltonian(whole, replace(sample, rf_limit=1e9))
    cut = nmrqb.schedule(block(wait("1 us")), sample)
    drift = dict(zip(cut.labels, cut.drift, strict=True))
    labels = tuple(dict.fromkeys([*cut.labels, "XII", "IXI", "IIX"]))
    rates = np.array([drift.get(p, 0.0) for p in labels])
    turn = np.array([np.pi / n if "X" in p and "Z" not in p and p.count("X") == 1 else 0.0 for p in labels])
    half = rates * 10e-6 / n
    angles = np.concatenate([np.stack([half, turn, half])] * n)
    durations = np.tile([10e-6 / n, 0.0, 10e-6 / n], n)
    sliced = replace(
        cut, labels=labels, angles=angles, durations=durations, drift=rates, events=(0,) * (3 * n), marks=()
    )
    made = design.average_hamiltonian(sliced)
    for order in range(3):
        scale = np.abs(exact.orders[order]).max()
        np.testing.assert_allclose(made.orders[order], exact.orders[order], atol=2e-4 * scale + 1e-3)


def test_sweeps_are_leading_axes():
    sequence = Sequence.load("wahuha")
    taus = np.array([2e-6, 5e-6, 9e-6])
    swept = design.average_hamiltonian(sequence.bind(tau=taus), shifted(TRIPLE, 100.0))
    assert swept.effective.shape == (3, 8, 8)
    for k, tau in enumerate(taus):
        one = design.average_hamiltonian(sequence.bind(tau=float(tau)), shifted(TRIPLE, 100.0))
        np.testing.assert_allclose(swept.effective[k], one.effective, atol=1e-8)
        np.testing.assert_allclose(swept.orders[2][k], one.orders[2], atol=1e-8)


def test_the_logarithm_finds_its_branch():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a = rng.normal(size=(4, 4))
        H = 40 * (a + a.T) / 2
        H -= np.trace(H) * np.eye(4) / 4
        near = H + 0.3 * np.diag(rng.normal(size=4))
        made = design.effective_hamiltonian(expm(-1j * H), 1.0, near)
        np.testing.assert_allclose(made - np.trace(made) * np.eye(4) / 4, H, atol=1e-9)
    # levels 2 pi apart look alike in the evolution; the reference tells them apart
    H = np.diag([0.0, 2 * np.pi, 1.0, -1.0 - 2 * np.pi])
    mix = expm(0.2j * np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    turned = mix @ H @ mix.conj().T
    made = design.effective_hamiltonian(expm(-1j * turned), 1.0, turned)
    np.testing.assert_allclose(made, turned, atol=1e-9)


def test_a_field_made_of_phases_is_in_the_whole_evolution():
    battery = nmrqb.Battery(axial=1, rhombic=0.25, ksea=0.15, zeeman=0.4)
    sequence = design.engineer(battery, PAIR, 1.5, cycles=8, speed=0.2)
    timeline = nmrqb.schedule(sequence, PAIR)
    H = design.effective_hamiltonian(nmrqb.Exact().propagator(timeline), 1.5, battery.hamiltonian())
    found = design.couplings(H)
    np.testing.assert_allclose(found[:5], [1, 0.25, 0, 0.15, 0.4], atol=5e-3)
    assert found.remainder < 5e-3


def test_couplings_are_those_of_the_battery():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(5, 7))
    found = design.couplings(nmrqb.Battery(*values).hamiltonian())
    np.testing.assert_allclose(found[:5], values, atol=1e-14)
    np.testing.assert_allclose(found.remainder, 0, atol=1e-14)
    other = 0.3 * collective(2, "x") + np.eye(4)  # of strength 0.15 on XI and on IX
    assert design.couplings(other).remainder == pytest.approx(np.hypot(0.15, 0.15))


def test_a_coupling_between_unlike_spins_is_refocused():
    steps = [wait("1 ms"), pulse("x", "180 deg", on=("1H",)), wait("1 ms"), pulse("x", "180 deg", on=("1H",))]
    made = design.average_hamiltonian(block(*steps), AX)
    assert np.abs(made.effective).max() < 1e-9
    assert made.period == pytest.approx(2e-3)


def test_a_block_that_does_not_come_back_says_so():
    made = design.average_hamiltonian(block(wait("10 us"), pulse("x"), wait("10 us")), PAIR)
    assert not made.is_cyclic
    whole = made.frame @ expm(-1j * made.effective * made.period)
    wanted = nmrqb.Exact().propagator(nmrqb.schedule(block(wait("10 us"), pulse("x"), wait("10 us")), PAIR))
    np.testing.assert_allclose(whole, wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("what", "match"),
    [
        (
            lambda: design.average_hamiltonian(Sequence.load("wahuha")),
            "sample must be given beside a sequence, but is None",
        ),
        (
            lambda: design.average_hamiltonian(block(pulse("x")), PAIR),
            "must last longer than zero, but is one of no length",
        ),
        (
            lambda: design.average_hamiltonian(nmrqb.schedule(Sequence.load("wahuha"), PAIR, noise=True)),
            "is one with noise",
        ),
        (lambda: design.average_hamiltonian(Sequence.load("pseudo-pure"), AX), "is one with a crusher"),
        (
            lambda: design.average_hamiltonian(
                nmrqb.schedule(Sequence.load("wahuha"), PAIR, ensemble=Ensemble.of(rf=[1, 1.1]))
            ),
            "is one with an ensemble",
        ),
        (
            lambda: design.average_hamiltonian(Sequence.load("wahuha"), PAIR).couplings(3),
            'be 0, 1, 2 or "effective", but is 3',
        ),
        (lambda: design.couplings(np.eye(8)), r"hamiltonian must have shape \(\.\.\., 4, 4\)"),
        (lambda: design.effective_hamiltonian(np.eye(4), 0.0, np.eye(4)), "duration must be above zero, but is 0"),
    ],
    ids=range(8),
)
def test_what_has_no_average_is_refused(what, match):
    with pytest.raises(ArgumentError, match=match):
        what()
