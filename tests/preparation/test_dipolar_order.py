"""Dipolar order: what each route makes of a pair, by closed forms and by tables derived independently of this package."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.errors import ArgumentError, InputError
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.preparation import adrf, assess, broekaert_jeener, steepest_delay
from nmrqb.sequence import Shape
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.timeline import cycle_average, evolve

SEQUENCE = nmrqb.Sequence.load("broekaert-jeener")
PAIR, GYPSUM, AX = (nmrqb.Sample.load(name) for name in ("nematic-pair", "gypsum", "chloroform"))
STRONG = PAIR.amplified(1.0)  # p = 1, so that a deviation keeps its digits
ANYTHING = replace(PAIR, rf_limit=1e9)

DO = 3 * pauli_string("ZZ") / 4 - sum(pauli_string(2 * a) for a in "XYZ") / 4
DQ = (pauli_string("XX") - pauli_string("YY")) / 4
Q = (pauli_string("XZ") + pauli_string("ZX")) / 2  # 2 (I1x I2z + I1z I2x)


def part(deviation, operator):
    return np.einsum("...ij,ji->...", deviation, operator).real


def coefficient(deviation, operator):
    return part(deviation, operator) / np.trace(operator @ operator).real


def deviations(sequence, sample=STRONG, mark="stored", **options):
    """(4 rho - 1)/p, phase cycle added up."""
    timeline = nmrqb.schedule(sequence, sample, **options)
    rho = cycle_average(timeline, evolve(timeline, sample.linear_state()))
    return (4 * rho[..., timeline.observed.index(mark), :, :] - np.eye(4)) / sample.polarisation_factor


def steps_of_the_cycle(*indices):
    return replace(SEQUENCE, cycle={name: tuple(v[i] for i in indices) for name, v in SEQUENCE.cycle.items()})


def test_norms_of_the_operators():
    assert [np.trace(x @ x).real for x in (collective(2, "z"), DO, DQ, Q)] == pytest.approx([2, 1.5, 0.5, 2])


def test_a_second_pulse_of_any_angle_shares_between_dipolar_double_and_single_quantum_order():
    """At tau = pi/(3d): DO and DQ as sin 2 theta, Qx as cos 2 theta, and nothing else."""
    theta = np.linspace(0, np.pi, 19)
    dev = deviations(replace(SEQUENCE, cycle={}).bind(theta=theta))
    made = [np.sin(2 * theta)[:, None, None] * x for x in (-DO, DQ)]
    np.testing.assert_allclose(dev, made[0] + made[1] + np.cos(2 * theta)[:, None, None] * Q, atol=1e-12)


def test_of_any_delay_the_in_phase_part_is_the_cosine_that_is_left():
    phi = np.linspace(0, 3, 13)  # 3 d tau/2
    dev = deviations(replace(SEQUENCE, cycle={}).bind(tau=phi / (3 * np.pi * 1000)))
    left, turned = np.cos(phi)[:, None, None] * collective(2, "y"), np.sin(phi)[:, None, None] * (DQ - DO)
    np.testing.assert_allclose(dev, turned - left, atol=1e-12)


# --- phase cycles ---


def test_eight_steps_leave_dipolar_order_alone():
    np.testing.assert_allclose(deviations(SEQUENCE), -DO, atol=1e-13)
    np.testing.assert_allclose(part(deviations(SEQUENCE, mark="read"), Q), -1.5, atol=1e-12)


def test_two_steps_keep_the_double_quantum_part_which_reads_a_third_too_much():
    dev = deviations(steps_of_the_cycle(0, 4), mark="read")
    assert part(dev, Q) == pytest.approx(-2.0, abs=1e-12)


def test_with_a_flip_error_eight_steps_stay_pure():
    dev = deviations(SEQUENCE, rf_scale=1.05)
    np.testing.assert_allclose(dev, coefficient(dev, DO) * DO, atol=1e-13)
    assert part(deviations(SEQUENCE, mark="read", rf_scale=1.05), Q) == pytest.approx(-1.486, abs=5e-4)
    impure = deviations(steps_of_the_cycle(0, 4), rf_scale=1.05)
    assert np.linalg.norm(impure - coefficient(impure, DO) * DO) > 0.5


def test_four_steps_keep_what_t1_brought_back_and_eight_do_not():
    stored = SEQUENCE.bind(storage="500 ms")
    four = replace(steps_of_the_cycle(0, 1, 2, 3), bound=stored.bound)
    recovered = 1 - np.exp(-0.5 / 1.5)  # of Iz; the cycle lets nothing else reach x
    # at the polarisation of a magnet: relaxation of second order in it would show at p = 1
    in_phase = [coefficient(deviations(s, PAIR, "read", noise=True), collective(2, "x")) for s in (four, stored)]
    assert in_phase[0] == pytest.approx(recovered * np.sin(np.pi / 4), abs=2e-3)
    assert in_phase[1] == pytest.approx(0, abs=1e-8)


def test_reading_is_best_at_45_degrees_and_nothing_at_90():
    for read, signal in (("45 deg", 0.75), ("90 deg", 0.0), ("22.5 deg", 0.75 * np.sin(np.pi / 4))):
        steps = list(SEQUENCE.steps)
        steps[-2] = steps[-2].model_copy(update={"pulse": read})
        dev = deviations(replace(SEQUENCE, steps=tuple(steps)), mark="read")
        assert coefficient(dev, Q) == pytest.approx(-signal, abs=1e-12)


def test_the_signal_of_dipolar_order_is_a_sine():
    """-3/4 Q is antiphase: nothing at first, then sin(3 d t/2) on a receiver along y."""
    times = np.linspace(0, 2e-3, 41)
    read = deviations(SEQUENCE, mark="read")
    H = STRONG.hamiltonian()
    evolved = nmrqb.spin.propagation.evolve(H, read, times, check=False)
    signal = part(evolved, collective(2, "y"))
    np.testing.assert_allclose(np.abs(signal), 1.5 * np.abs(np.sin(3 * np.pi * 1000 * times)), atol=1e-10)
    np.testing.assert_allclose(part(evolved, collective(2, "x")), 0, atol=1e-10)


# --- preparations and their reports ---


@pytest.mark.parametrize("sample", [PAIR, GYPSUM], ids=lambda s: s.name)
@pytest.mark.parametrize("isolation", ["cycle", "crusher"])
@pytest.mark.parametrize("wanted", [1.0, 0.4, -0.7, -1.0])
def test_broekaert_jeener_makes_the_gibbs_state_of_the_couplings_at_any_temperature_above_the_coldest(
    sample, isolation, wanted
):
    report = broekaert_jeener(sample, wanted, isolation=isolation).report
    assert report.fidelity == pytest.approx(1, abs=1e-13)
    assert report.inverse_temperature / report.polarisation_factor == pytest.approx(wanted, abs=1e-13)
    assert report.norm_efficiency == pytest.approx(abs(wanted) * np.sqrt(3) / 2, abs=1e-12)
    assert report.is_passive == (wanted > 0)
    assert report.ergotropy_per_p == pytest.approx(max(0, -0.625 * wanted), abs=1e-13)
    unity = np.eye(4) / 4
    np.testing.assert_allclose(report.rho, unity + report.pseudo_fraction * (report.pseudo_state - unity), atol=1e-16)


def test_gypsum_is_cooled_to_18_millikelvin():
    warm = nmrqb.Sample.load("gypsum")
    report = broekaert_jeener(warm).report
    larmor = nmrqb.nmr.nuclei.larmor_frequency("1H", warm.field)
    assert report.spin_temperature == pytest.approx(warm.temperature * abs(warm.coupling) / larmor, rel=1e-7)
    assert report.spin_temperature == pytest.approx(0.018, abs=5e-4)
    assert broekaert_jeener(warm, -1).report.spin_temperature == pytest.approx(-report.spin_temperature)


def test_the_steepest_delay_of_a_pair():
    for sample in (PAIR, GYPSUM):
        assert steepest_delay(sample) == pytest.approx(1 / (6 * abs(sample.coupling)), rel=1e-8)


def test_what_was_bound_makes_the_same_state_on_circuits():
    sequence, report = broekaert_jeener(STRONG, 0.6)
    states = nmrqb.Shots(shots=None, seed=1).run(nmrqb.schedule(sequence, STRONG), STRONG.linear_state())
    np.testing.assert_allclose(states.at("stored")[0], report.pseudo_state, atol=1e-12)


def test_noise_and_rf_errors_show_in_the_report():
    good, wrong = (broekaert_jeener(PAIR, rf_scale=scale).report for scale in (1.0, 1.1))
    assert wrong.inverse_temperature / good.inverse_temperature == pytest.approx(0.97553, abs=1e-5)
    slow = broekaert_jeener(PAIR, noise=True).report
    assert slow.fidelity < 1 - 1e-8


@pytest.mark.parametrize(
    ("kind", "length", "order", "digits"),
    [
        ("linear-ramp", 0.25, 0.43, 2),
        ("linear-ramp", 1, 0.60, 2),
        ("linear-ramp", 2, 0.81, 2),
        ("linear-ramp", 4, 0.94, 2),
        ("linear-ramp", 8, 0.99, 2),
        ("exponential-ramp", 0.5, 0.80, 2),
        ("exponential-ramp", 1, 0.981, 3),
        ("exponential-ramp", 2, 0.995, 3),
        ("cosine-ramp", 2, 0.936, 3),
        ("cosine-ramp", 4, 0.9955, 4),
        ("tan-ramp", 1, 0.989, 3),
    ],
)
def test_adrf_of_a_pair_from_ten_times_the_coupling(kind, length, order, digits):
    """Lengths in 1/|d/2pi|; the tangent ramp is |d| tan. The steps of 4000 slices no longer show at these digits."""
    constants = {"angle": float(np.arctan(10))} if kind == "tan-ramp" else {}
    ramp = length / abs(PAIR.coupling)
    report = adrf(ANYTHING, ramp=ramp, lock=10e3, shape=Shape(kind, 4000, constants)).report
    assert report.inverse_temperature / report.polarisation_factor == pytest.approx(order, abs=0.6 * 10.0**-digits)


@pytest.mark.parametrize(("lock", "order"), [(2, 0.937), (5, 0.989), (10, 0.997), (20, 0.999), (40, 1.0)])
def test_a_slow_ramp_is_limited_by_where_it_begins(lock, order):
    slow = adrf(ANYTHING, ramp=16e-3, lock=lock * 1e3, shape=Shape("exponential-ramp", 3000)).report
    assert slow.inverse_temperature / slow.polarisation_factor == pytest.approx(order, abs=6e-4)


@pytest.mark.parametrize("sample", [PAIR, GYPSUM], ids=lambda s: s.name)
def test_adrf_cannot_beat_two_pulses_on_a_pair(sample):
    for sign in (1, -1):
        report = adrf(sample, sign).report
        reached = report.inverse_temperature / report.polarisation_factor * sign
        assert 0.98 < reached < 1
        assert report.is_passive == (sign > 0)
        assert report.fidelity > 0.99


def test_a_powder_of_pairs_loses_to_its_spread_of_couplings():
    """Norm efficiency .611: sqrt(3)/2 |G'|max/sqrt(M2) of the decay averaged over orientations, each with its own d."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    d = (3 * ((nodes + 1) / 2) ** 2 - 1) / 2
    ensemble = Ensemble.of(coupling=d, weights=weights / weights.sum())
    tau = np.linspace(50e-6, 400e-6, 71)
    sequence = replace(SEQUENCE, cycle={}).bind(tau=tau)
    timeline = nmrqb.schedule(sequence, STRONG, ensemble=ensemble)
    rho = evolve(timeline, STRONG.linear_state(), keep_members=True)[:, :, 0]
    order = coefficient(4 * rho - np.eye(4), -DO)  # (tau, member)
    w = ensemble.weights
    efficiency = np.sqrt(3) / 2 * (order * d) @ w / np.sqrt(d**2 @ w)
    assert efficiency.max() == pytest.approx(0.611, abs=1e-3)


# --- what is refused ---


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: broekaert_jeener(PAIR, 1.0000001), "1.0000001"),
        (lambda: broekaert_jeener(PAIR, -1.5), "-1.5"),
        (lambda: broekaert_jeener(PAIR, 0.0), "is 0.0"),
        (lambda: broekaert_jeener(PAIR, isolation="gradient"), "gradient"),
        (lambda: broekaert_jeener(PAIR, delay=0.0), "is 0.0"),
        (lambda: broekaert_jeener(AX), r"1H\+13C with 0 dipolar"),
        (lambda: steepest_delay(AX), r"1H\+13C with 0 dipolar"),
        (lambda: adrf(PAIR, 0.5), "is 0.5"),
        (lambda: adrf(PAIR, ramp=-1.0), "is -1.0"),
        (lambda: adrf(PAIR, lock=0.0), "is 0.0"),
    ],
)
def test_arguments_out_of_range_are_refused(call, found):
    with pytest.raises(ArgumentError, match=found):
        call()


def test_a_lock_beyond_the_coil_is_refused():
    with pytest.raises(InputError, match="61 kHz"):
        adrf(PAIR, lock=61e3)


def test_a_target_that_is_no_state_is_refused():
    sequence, _ = broekaert_jeener(PAIR)
    with pytest.raises(ArgumentError, match="trace 4"):
        assess(sequence, PAIR, DO, np.eye(4), mark="stored")
