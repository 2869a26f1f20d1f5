"""Couplings made of pulses: exact where they can be, as good as derived where not, and refused where impossible."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import unitary_group

import nmrqb
from nmrqb import design
from nmrqb.design.factors import factors
from nmrqb.design.rotations import exact_turns, one_turn, turn, z_turn
from nmrqb.errors import ArgumentError
from nmrqb.sequence import Delay, Pulse, Repeat, Together
from nmrqb.sequence.events import walk
from nmrqb.sequence.printing import to_toml
from nmrqb.timeline.limits import hardware_problems

AX, PAIR, GYPSUM, STAR = (nmrqb.Sample.load(n) for n in ("chloroform", "nematic-pair", "gypsum", "acetonitrile"))
NEGATIVE = replace(AX, scalar=((0, 1, -215.0),), offsets=(120.0, -35.0))
FLUORINE = replace(AX, spins=("31P", "19F"), scalar=(), dipolar=((0, 1, 400.0),), coils={})
EXAMPLE = nmrqb.Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
PLAIN = nmrqb.Battery(axial=1, rhombic=0.25, ksea=0.15, zeeman=0.4)


def off(made, wanted):
    """The largest entry of the difference, with the global phase taken out."""
    return np.abs(made - wanted * np.exp(1j * np.angle(np.vdot(wanted, made)))).max()


def propagator(sequence, sample, **options):
    return nmrqb.Exact().propagator(nmrqb.schedule(sequence, sample, **options))


def evolution(battery, time):
    return expm(-1j * battery.hamiltonian() * time)


def lab_time(sequence, sample):
    return float(nmrqb.schedule(sequence, sample).durations.sum())


def pulses(sequence):
    return sum(len(s.on or (0,)) for _, s in walk(sequence.steps) if isinstance(s, Pulse))


def batteries(count, seed, *, dm=True, zeeman=True):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        delta, eps, D, G, B = rng.normal(size=5)
        yield nmrqb.Battery(delta, eps, D * dm, G, B * zeeman), rng.uniform(0.01, 5)


# Unlike spins


def test_any_battery_on_unlike_spins_is_exact_short_and_of_few_pulses():
    worst, times, counts, finite = 0.0, [], [], []
    for battery, time in batteries(300, 1):
        sequence, wanted = design.engineer(battery, AX, time), evolution(battery, time)
        worst = max(worst, off(propagator(sequence, AX), wanted))
        times.append(lab_time(sequence, AX))
        counts.append(pulses(sequence))
        finite.append(design.gate_infidelity(propagator(sequence, AX, pulses="finite"), wanted))
    assert worst < 1e-12
    assert max(times) <= 7e-3
    assert 3e-3 < np.mean(times) < 4e-3
    assert min(counts) >= 8
    assert max(counts) <= 14
    assert np.mean(finite) < 1.2e-4  # 10 and 12 us pulses, with the coupling on
    assert max(finite) < 2.5e-4


def test_pulses_of_eight_and_twelve_microseconds_cost_a_ten_thousandth():
    rf = {"1H": replace(AX.coil("1H"), pulse_90=8e-6, limit=40e3), "13C": replace(AX.coil("13C"), pulse_90=12e-6)}
    sample = replace(AX, coils=rf)
    assert [sample.coil(name).pulse_90 for name in sample.spins] == [8e-6, 12e-6]
    lost = []
    for battery, time in batteries(40, 5):
        sequence = design.engineer(battery, sample, time, pulses="finite")
        lost.append(design.gate_infidelity(propagator(sequence, sample), evolution(battery, time)))
    assert np.mean(lost) < 1e-4
    assert max(lost) < 2.4e-4
    ideal = design.engineer(EXAMPLE, sample, 1.5)
    assert design.gate_infidelity(propagator(ideal, sample), evolution(EXAMPLE, 1.5)) < 1e-12


def test_windows_for_finite_pulses_make_them_better():
    plain, shortened = [], []
    for battery, time in batteries(20, 2):
        wanted = evolution(battery, time)
        for into, how in ((plain, "ideal"), (shortened, "finite")):
            sequence = design.engineer(battery, AX, time, pulses=how)
            into.append(design.gate_infidelity(propagator(sequence, AX, pulses="finite"), wanted))
    assert np.mean(shortened) < 0.75 * np.mean(plain)


@pytest.mark.parametrize("sample", [NEGATIVE, FLUORINE], ids=["J<0, off resonance", "dipolar"])
def test_couplings_of_either_sign_and_offsets_are_taken_into_account(sample):
    for battery, time in batteries(30, 3):
        assert off(propagator(design.engineer(battery, sample, time), sample), evolution(battery, time)) < 1e-12


CORNERS = [
    {},
    {"axial": 1},
    {"axial": -1},
    {"rhombic": 0.5},
    {"dm": 1},
    {"dm": -0.3, "axial": 1},
    {"ksea": -1},
    {"zeeman": 0.7},
    {"axial": 1, "rhombic": -1},
    {"axial": np.pi},
    {"axial": 1e-9, "zeeman": 1e-9},
]


@pytest.mark.parametrize("couplings", CORNERS, ids=str)
@pytest.mark.parametrize("sample", [AX, NEGATIVE], ids=["J>0", "J<0"])
def test_no_corner_of_the_closed_form_is_left_out(couplings, sample):
    battery = nmrqb.Battery(**couplings)
    for time in (1.0, np.pi / 4, 3.75):
        sequence = design.engineer(battery, sample, time)
        assert off(propagator(sequence, sample), evolution(battery, time)) < 1e-12
        assert pulses(sequence) <= 14


def test_any_two_spin_unitary_is_realised():
    gates = [unitary_group.rvs(4, random_state=k) for k in range(40)]
    gates += [
        np.eye(4),
        np.diag([1, 1, 1, -1]),
        np.eye(4)[[0, 2, 1, 3]],
        np.eye(4)[[3, 1, 2, 0]],
        np.fft.fft(np.eye(4)) / 2,
    ]
    gates += [np.kron(np.diag([1, 1j]), np.eye(2)), 1j * np.eye(4), expm(1e-7j * EXAMPLE.hamiltonian())]
    for gate in gates:
        assert off(factors(gate).unitary(), gate) < 1e-13
        sequence = design.realise(gate, AX)
        assert off(propagator(sequence, AX), gate) < 1e-12
        assert lab_time(sequence, AX) <= 3 / (2 * 215) * (1 + 1e-12)
    assert lab_time(design.realise(np.eye(4)[[0, 2, 1, 3]], AX), AX) == pytest.approx(3 / (2 * 215))  # SWAP is farthest


def test_pulses_of_one_spin_leave_nothing_about_z():
    for k in range(50):
        wanted = unitary_group.rvs(2, random_state=k)
        made = np.eye(2)
        for each in exact_turns(wanted):
            made = turn(*each) @ made
        assert off(made, wanted) < 1e-14
        pulse, left = one_turn(wanted)
        assert off(z_turn(left) @ turn(*pulse), wanted) < 1e-14
        assert 0 <= pulse.angle <= np.pi


# Like spins


def test_one_cycle_is_exact_for_any_battery_without_field():
    for battery, time in batteries(25, 4, dm=False, zeeman=False):
        for sample in (PAIR, GYPSUM):  # d > 0 and d < 0
            fastest = design.reachable(battery, sample).speed
            for speed in (None, fastest, 0.3 * fastest):
                sequence = design.engineer(battery, sample, time, speed=speed, cycles=1)
                assert off(propagator(sequence, sample), evolution(battery, time)) < 1e-12
                if speed is not None:
                    assert lab_time(sequence, sample) == pytest.approx(time / (speed * sample.energy_unit))


@pytest.mark.parametrize("couplings", [c for c in CORNERS if "dm" not in c], ids=str)
@pytest.mark.parametrize("sample", [PAIR, GYPSUM], ids=["d>0", "d<0"])
def test_no_corner_of_the_cycles_is_left_out(couplings, sample):
    battery = nmrqb.Battery(**couplings)
    sequence = design.engineer(battery, sample, 0.8)
    assert off(propagator(sequence, sample), evolution(battery, 0.8)) < 1e-10


def test_the_samples_own_battery_is_a_plain_delay():
    for sample in (PAIR, GYPSUM):
        sequence = design.engineer(sample.battery(), sample, 2.0)
        assert all(isinstance(step, Delay) for step in sequence.steps[:-1])
        assert design.reachable(sample.battery(), sample).speed == pytest.approx(1)
        assert lab_time(sequence, sample) == pytest.approx(2.0 / sample.energy_unit)


def infidelity(sequence, sample, battery, time, **options):
    """1 - |Tr target^dagger U|/4, with the frame that B turns taken back."""
    made = propagator(sequence, sample, **options)
    if "frame" in sequence.parameters:
        made = expm(-1j * battery.zeeman * time * np.diag([2, 0, 0, -2])) @ made
    return 1 - abs(np.vdot(evolution(battery, time), made)) / 4


#: Of the general cycle at half speed, by the length of the 90-degree pulse times d/2pi, for 2, 4, 8 and 16 cycles (derived
#: before this code, by an independent simulation).
TABLE = {
    0: (1.2e-3, 7e-5, 4e-6, 3e-7),
    0.002: (1.2e-3, 7e-5, 5e-6),
    0.005: (1.3e-3, 8e-5),
    0.01: (1.4e-3,),
}


@pytest.mark.parametrize("width", TABLE)
def test_the_general_cycle_is_as_good_as_derived(width):
    sample = replace(PAIR, pulse_90=width / 1e3 or 5e-6, rf_limit=1e6)
    half = design.reachable(PLAIN, sample).speed / 2
    for cycles, known in zip((2, 4, 8, 16), TABLE[width], strict=False):
        sequence = design.engineer(
            PLAIN, sample, 1.5, cycles=cycles, speed=half, frame="receiver", pulses="finite" if width else "ideal"
        )
        assert lab_time(sequence, sample) == pytest.approx(1.19e-3, rel=5e-3)
        assert infidelity(sequence, sample, PLAIN, 1.5) == pytest.approx(known, rel=0.2)


def test_the_error_of_the_field_falls_with_the_fourth_power_of_the_cycle():
    errors = [infidelity(design.engineer(PLAIN, PAIR, 1.5, cycles=n, speed=0.2), PAIR, PLAIN, 1.5) for n in (4, 8, 16)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(16, rel=0.05)


#: Of the eight pulses over T = 2 (2pi/d), by t_p over the cycle, for 2, 4, 8 and 16 cycles (derived likewise).
EIGHT = {0.01: (5e-5, 2e-6, 1e-7, 7e-9), 0.03: (3e-3, 1.5e-4, 9e-6, 5e-7), 0.06: (4e-2, 2e-3, 1e-4, 7e-6)}


@pytest.mark.parametrize("share", EIGHT)
def test_the_eight_pulses_are_as_good_as_derived(share):
    battery = nmrqb.Battery(rhombic=-0.25)  # the average of x pulses, at full speed
    for cycles, known in zip((2, 4, 8, 16), EIGHT[share], strict=True):
        sample = replace(PAIR, pulse_90=2e-3 / cycles * share, rf_limit=1e8)
        sequence = design.engineer(battery, sample, 4 * np.pi, cycles=cycles, pulses="finite")
        assert infidelity(sequence, sample, battery, 4 * np.pi) == pytest.approx(known, rel=0.6)
        assert lab_time(sequence, sample) == pytest.approx(2e-3)
        assert pulses(sequence) == 8


def test_without_compensation_finite_pulses_are_far_worse():
    for battery in (nmrqb.Battery(rhombic=1), replace(PLAIN, zeeman=0.0)):
        compensated = design.engineer(battery, PAIR, 1.0, cycles=2, pulses="finite")
        plain = design.engineer(battery, PAIR, 1.0, cycles=2)
        good = infidelity(compensated, PAIR, battery, 1.0)
        assert infidelity(plain, PAIR, battery, 1.0, pulses="finite") > 20 * good
        assert good < 2e-4


def test_rf_errors_and_offsets_cost_what_was_derived():
    half = design.reachable(PLAIN, PAIR).speed / 2
    sequence = design.engineer(PLAIN, PAIR, 1.5, cycles=8, speed=half, frame="receiver")
    two, five = infidelity_at(sequence, rf_scale=1.02), infidelity_at(sequence, rf_scale=1.05)
    assert two <= 5e-5
    assert five <= 1.5e-4
    shifted = replace(PAIR, offsets=(50.0, 50.0))  # 0.05 d
    assert infidelity(sequence, shifted, PLAIN, 1.5) == pytest.approx(8e-3, rel=0.3)


def infidelity_at(sequence, **options):
    return infidelity(sequence, PAIR, PLAIN, 1.5, **options)


def test_the_pulses_that_take_the_frame_back_are_made_up_for():
    """Two pulses of 180 degrees, 20 us with the coupling on, cost no more than B does, and the whole is as long as planned."""
    for battery, time in (
        (PLAIN, 1.5),
        (replace(PLAIN, axial=-0.6, zeeman=-0.5), 1.0),
        (replace(PLAIN, axial=0.2), 2.0),
    ):
        for cycles in (2, 3):
            options = {"cycles": cycles, "speed": 0.5 * design.reachable(battery, PAIR).speed, "pulses": "finite"}
            back = design.engineer(battery, PAIR, time, **options)
            left = design.engineer(battery, PAIR, time, **options, frame="receiver")
            assert pulses(back) == pulses(left) + 2
            assert lab_time(back, PAIR) == pytest.approx(lab_time(left, PAIR), rel=1e-9)
            assert infidelity(back, PAIR, battery, time) < 1.2 * infidelity(left, PAIR, battery, time) + 5e-5


def test_cycles_and_speed_are_chosen():
    exact = design.engineer(replace(PLAIN, zeeman=0.0), PAIR, 1.0)
    assert not [s for s in exact.steps if isinstance(s, Repeat)]
    for how in ("ideal", "finite"):
        sequence = design.engineer(PLAIN, PAIR, 1.5, pulses=how, frame="receiver")
        assert infidelity(sequence, PAIR, PLAIN, 1.5) < 1e-5
    short = design.engineer(PLAIN, PAIR, 0.01, pulses="finite", frame="receiver")  # slowed down until pulses fit
    assert infidelity(short, PAIR, PLAIN, 0.01) < 1e-4


@pytest.mark.parametrize(
    ("battery", "sample", "options"),
    [
        (EXAMPLE, AX, {}),
        (EXAMPLE, NEGATIVE, {"pulses": "finite"}),
        (EXAMPLE, AX, {"pulses": "finite", "rf": 20e3}),
        (PLAIN, PAIR, {"cycles": 3}),
        (PLAIN, PAIR, {"pulses": "finite", "frame": "receiver"}),
        (PLAIN, PAIR, {"pulses": "finite", "rf": 55e3}),
        (nmrqb.Battery(ksea=1), GYPSUM, {"cycles": 2}),
        (nmrqb.Battery(ksea=1), PAIR, {"pulses": "finite", "cycles": 2}),
    ],
)
def test_the_sequence_is_an_ordinary_one(battery, sample, options, tmp_path):
    sequence = design.engineer(battery, sample, 1.5, **options)
    path = tmp_path / "engineered.toml"
    path.write_text(to_toml(sequence))
    read = nmrqb.Sequence.load(path)
    assert read == sequence
    assert np.array_equal(propagator(read, sample), propagator(sequence, sample))
    assert sequence.marks == ("engineered",)
    assert not hardware_problems(sequence, sample)


def test_together_pulses_are_of_both_channels():
    steps = design.engineer(EXAMPLE, AX, 1.0).steps
    assert any(isinstance(step, Together) for step in steps)
    rf = design.engineer(EXAMPLE, AX, 1.0, pulses="finite", rf=12.5e3)
    assert {p.rf for _, p in walk(rf.steps) if isinstance(p, Pulse)} == {"12500.0 Hz"}


# What is impossible


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"battery": EXAMPLE}, r"dm must be 0 on like spins: D is odd under exchange.*but is 0\.3"),
        ({"time": 0.0}, "time must be above zero, but is 0"),
        ({"time": -1.5}, r"time must be above zero, but is -1\.5"),
        ({"time": np.nan}, "time must be finite, but is nan"),
        ({"time": [1.0, 2.0]}, r"time must be one number, but is of shape \(2,\)"),
        ({"speed": 0.41}, r"speed must stay within reach, speeds up to 0\.400.* along x.*but is 0\.41"),
        ({"speed": -0.1}, r"speed must be above zero, but is -0\.1"),
        ({"cycles": 0}, "cycles must be a whole number, 1 or more, but is 0"),
        ({"cycles": 61}, r"cycles must be at most 60, .* B gives each its phases, but is 61"),
        ({"cycles": 10_001, "battery": nmrqb.Battery(ksea=1)}, "cycles must be at most 10000, .* but is 10001"),
        ({"cycles": 1.5}, r"cycles must be a whole number, 1 or more, but is 1\.5"),
        (
            {"pulses": "finite", "speed": 0.2, "cycles": 10},
            r"cycles must be at most 9: .* take 12\d\d us, .* is 1194 us .* but is 10",
        ),
        ({"pulses": "finite", "speed": 0.4}, r"speed must be smaller: a cycle .* all the time is 596\..* but is 0\.4"),
        (
            {"pulses": "finite", "speed": 0.25, "battery": nmrqb.Battery(rhombic=1, zeeman=0.1)},
            r"speed must be smaller: the coupling shows along one axis for no time.* but is 0\.25",
        ),
        ({"pulses": "finite", "rf": 60.1e3}, r"rf must be at most 60 kHz, the RF limit of 1H.*but is 60\.1 kHz"),
        ({"pulses": "finite", "rf": -1.0}, r"rf must be a nutation frequency above zero, but is -1\.0 Hz"),
        ({"rf": 50e3}, r'pulses be "finite", but is 50000 Hz'),
        ({"pulses": "soft"}, 'be "ideal" or "finite", but is \'soft\''),
        ({"frame": "none"}, 'be "pulses" or "receiver", but is \'none\''),
        ({"battery": nmrqb.Battery(axial=np.ones(3))}, r"axial must be one number.*of shape \(3,\)"),
        ({"battery": 3}, "battery must be a Battery, but is int"),
        ({"sample": STAR}, "sample must be a pair of like spins"),
        ({"sample": replace(PAIR, offsets=(10.0, 10.0))}, r"be on resonance.*\(10\.0, 10\.0\) Hz"),
        ({"sample": AX, "cycles": 2}, "cycles must be left out on unlike spins.*but is 2"),
        ({"sample": AX, "speed": 0.5}, "speed must be left out on unlike spins.*but is 0.5"),
        ({"sample": replace(AX, scalar=())}, "sample must be two unlike spins with a coupling.*ZZ at 0"),
        ({"sample": AX, "pulses": "finite", "rf": 28e3}, r"at most 25 kHz, the RF limit of 13C.*but is 28 kHz"),
    ],
    ids=str,
)
def test_what_is_impossible_is_refused_with_its_bound(options, match):
    given = {"battery": PLAIN, "sample": PAIR, "time": 1.5} | options
    with pytest.raises(ArgumentError, match=match):
        design.engineer(given.pop("battery"), given.pop("sample"), given.pop("time"), **given)


def test_at_its_bounds_a_request_is_taken():
    fastest = design.reachable(PLAIN, PAIR).speed
    assert design.engineer(PLAIN, PAIR, 1.5, speed=fastest)
    assert design.engineer(PLAIN, PAIR, 1.5, speed=0.2, cycles=9, pulses="finite")
    assert design.engineer(PLAIN, PAIR, 1.5, pulses="finite", rf=60e3)
    assert design.engineer(PLAIN, PAIR, 1.5, cycles=60)
    assert design.engineer(nmrqb.Battery(ksea=1), PAIR, 1.5, cycles=10_000)
    shortest = 12 * 5e-6 * 0.25 * PAIR.energy_unit  # eight pulses and nothing between them
    tight = design.engineer(nmrqb.Battery(ksea=1), PAIR, shortest * (1 + 2e-9), pulses="finite", speed=0.25, cycles=1)
    assert lab_time(tight, PAIR) == pytest.approx(60e-6)
    with pytest.raises(ArgumentError, match=r"speed must be smaller: a cycle with pulses of 5 us takes 60 us"):
        design.engineer(nmrqb.Battery(ksea=1), PAIR, shortest, pulses="finite", speed=0.25)


@pytest.mark.parametrize("sample", [AX, PAIR], ids=["AX", "A2"])
def test_long_short_strong_and_weak_requests(sample):
    """What counts is H time; a thousand turns or a billionth of one are as exact as rounding of the angles lets them be."""
    for size, time in ((1e-9, 1.0), (1.0, 1e-9), (1e4, 1e-4), (1e-4, 1e4), (1.0, 1e3), (1e-13, 1e13)):
        battery = nmrqb.Battery(axial=size, rhombic=0.25 * size, ksea=-0.15 * size)
        for how in ("ideal", "finite"):
            sequence = design.engineer(battery, sample, time, pulses=how)
            made = propagator(sequence, sample)
            if how == "ideal":
                assert off(made, evolution(battery, time)) < 1e-12 * max(1.0, size * time)


@pytest.mark.parametrize(
    ("battery", "sample"), [(EXAMPLE, AX), (PLAIN, PAIR), (EXAMPLE, NEGATIVE)], ids=["AX", "A2", "J<0"]
)
def test_circuits_and_drawings_take_it_like_any_other(battery, sample):
    from nmrqb.plots.sequence import draw_sequence

    sequence = design.engineer(battery, sample, 0.7, **({"cycles": 2} if sample is PAIR else {}))
    start = sample.amplified(1.0).linear_state()
    timeline = nmrqb.schedule(sequence, sample)
    exact, circuits = nmrqb.Exact().run(timeline, start), nmrqb.Shots(shots=None, seed=1).run(timeline, start)
    np.testing.assert_allclose(circuits.rho, exact.rho, atol=1e-10)
    draw_sequence(sequence).canvas.draw()


def test_the_reach_is_the_triangle_of_shares():
    for delta, E, s in (
        (-0.375, 0.0, 1),
        (0.75, 0.0, 1),
        (0.0, 0.25, 1),
        (-0.375, 0.375, 1),
        (0.375, 0.375, -1),
        (0.3, 0.15, 1),
    ):
        sample = PAIR if s > 0 else GYPSUM
        battery = nmrqb.Battery(axial=delta, rhombic=E * np.cos(0.7), ksea=E * np.sin(0.7))
        assert design.reachable(battery, sample).speed == pytest.approx(1)
    assert not design.reachable(EXAMPLE, PAIR).possible
    assert design.reachable(nmrqb.Battery(zeeman=1), PAIR).speed == np.inf
    unlike = design.reachable(EXAMPLE, AX)
    assert unlike.possible
    assert unlike.longest == pytest.approx(6.977e-3, rel=1e-4)
    assert "6.977 ms" in str(unlike)
    assert "odd" in str(design.reachable(EXAMPLE, PAIR))
