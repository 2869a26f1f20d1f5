"""Error budgets: each row against a simulation of its own, and against what was known of the errors before."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import unitary_group

import nmrqb
from nmrqb import design
from nmrqb.design.budget import ideal_twin
from nmrqb.design.fidelity import map_infidelity, matrix_units
from nmrqb.errors import ArgumentError

AX, PAIR, GYPSUM = (nmrqb.Sample.load(n) for n in ("chloroform", "nematic-pair", "gypsum"))
EXAMPLE = nmrqb.Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
PLAIN = nmrqb.Battery(axial=1, rhombic=0.25, ksea=0.15, zeeman=0.4)


def test_infidelity_is_the_average_over_states():
    U, V = (unitary_group.rvs(4, random_state=k) for k in (1, 2))
    rng = np.random.default_rng(0)
    psi = rng.normal(size=(20000, 4)) + 1j * rng.normal(size=(20000, 4))
    psi /= np.linalg.norm(psi, axis=1, keepdims=True)
    overlap = np.abs(np.einsum("si,ij,sj->s", psi.conj(), V.conj().T @ U, psi)) ** 2
    assert design.gate_infidelity(U, V) == pytest.approx(1 - overlap.mean(), abs=5e-3)
    assert design.gate_infidelity(1j * U, U) == pytest.approx(0, abs=1e-15)
    images = U @ matrix_units(4) @ U.conj().T
    assert map_infidelity(images, V) == pytest.approx(float(design.gate_infidelity(U, V)), abs=1e-14)
    assert map_infidelity(np.einsum("ij,ab->ijab", np.eye(4), np.eye(4) / 4), V) == pytest.approx(
        3 / 4
    )  # all forgotten


@pytest.mark.parametrize(("battery", "sample"), [(EXAMPLE, AX), (PLAIN, PAIR)], ids=["AX", "A2"])
def test_rows_are_what_they_say(battery, sample):
    sequence = design.engineer(battery, sample, 1.5, pulses="finite")
    table = design.budget(sequence, battery, sample, 1.5, rf_error=0.02, offset=10.0)
    target = expm(-1.5j * battery.hamiltonian())
    names = ["ideal", "pulse length", "RF error", "offset", "relaxation", "all"]
    assert [row.name for row in table.rows] == names

    def infidelity(which, on, **options):
        return design.gate_infidelity(nmrqb.Exact().propagator(nmrqb.schedule(which, on, **options)), target)

    twin = ideal_twin(sequence)
    assert table["ideal"].infidelity == pytest.approx(infidelity(twin, sample), abs=1e-14)
    assert table["pulse length"].infidelity == pytest.approx(infidelity(sequence, sample), rel=1e-9)
    rf = infidelity(twin, sample, rf_scale=[0.98, 1.02])
    assert table["RF error"].infidelity == pytest.approx(rf.mean(), rel=1e-9)
    sides = [infidelity(twin, replace(sample, offsets=(f, f))) for f in (-10.0, 10.0)]
    assert table["offset"].infidelity == pytest.approx(np.mean(sides), rel=1e-9)
    assert table["all"].infidelity > max(table[name].infidelity for name in names[1:5]) * 0.9
    assert table.lab_time == pytest.approx(nmrqb.schedule(sequence, sample).durations.sum())
    assert str(table).count("\n") == 6


def test_relaxation_costs_what_its_rates_say():
    """Dephasing alone loses 2/5 (t/T2a + t/T2b) at first order where nothing refocuses it."""
    noise = replace(AX.noise, t1=(1e6, 1e6), t2=(2.0, 1.0))
    sample = replace(AX, noise=noise)
    battery = nmrqb.Battery(axial=0.3)
    sequence = design.engineer(battery, sample, 1.0)
    table = design.budget(sequence, battery, sample, 1.0)
    seconds = table.lab_time
    assert table["relaxation"].infidelity == pytest.approx(0.4 * seconds * (1 / 2.0 + 1 / 1.0), rel=0.05)
    assert table["relaxation"].ergotropy_change < 0
    still = design.budget(sequence, battery, replace(sample, noise=None), 1.0)
    assert "relaxation" not in {row.name for row in still.rows}


def test_relaxation_over_seven_milliseconds_is_of_the_known_size():
    swap = np.eye(4)[[0, 2, 1, 3]]
    sequence = design.realise(swap, AX)  # the longest there is: 6.98 ms
    for t2, known in ((0.3, 2.3e-2), (0.2, 3.4e-2)):
        noise = replace(AX.noise, t1=(1e3, 1e3), t2=(t2, t2))
        timeline = nmrqb.schedule(sequence, replace(AX, noise=noise), noise=True)
        ends = nmrqb.Exact().run(timeline, matrix_units(4).reshape(16, 4, 4)).rho[:, 0, 0]
        assert map_infidelity(ends.reshape(4, 4, 4, 4), swap) == pytest.approx(known, rel=0.25)


def test_rf_errors_on_unlike_spins_are_of_the_known_size():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(30):
        battery = nmrqb.Battery(*rng.normal(size=5))
        sequence = design.engineer(battery, AX, 1.0)
        made = nmrqb.Exact().propagator(nmrqb.schedule(sequence, AX, rf_scale=1.03, pulses="finite"))
        found.append(design.gate_infidelity(made, expm(-1j * battery.hamiltonian())))
    assert min(found) > 1e-4
    assert max(found) < 2e-2


def test_the_frame_that_is_left_is_taken_back():
    sequence = design.engineer(PLAIN, PAIR, 1.5, pulses="finite", frame="receiver")
    table = design.budget(sequence, PLAIN, PAIR, 1.5)
    assert table["ideal"].infidelity < 1e-5
    assert table["pulse length"].infidelity < 2e-5
    assert table["pulse length"].infidelity < table["relaxation"].infidelity


def test_the_ideal_row_is_the_order_of_the_cycle():
    rows = [
        design.budget(design.engineer(PLAIN, PAIR, 1.5, cycles=n, speed=0.2), PLAIN, PAIR, 1.5)["ideal"].infidelity
        for n in (2, 4, 8)
    ]
    assert rows[0] / rows[1] == pytest.approx(16, rel=0.15)
    assert rows[1] / rows[2] == pytest.approx(16, rel=0.05)


def test_pulses_of_gypsum_are_too_long_for_its_coupling():
    battery = nmrqb.Battery(rhombic=1)
    table = design.budget(design.engineer(battery, GYPSUM, 1.5, pulses="finite"), battery, GYPSUM, 1.5)
    assert table["pulse length"].infidelity > 1e-2
    assert table["relaxation"].infidelity > 0.1


def test_a_twin_has_pulses_of_no_length():
    for options in ({}, {"rf": 50e3}):
        sequence = design.engineer(PLAIN, PAIR, 1.5, pulses="finite", cycles=4, speed=0.2, **options)
        plain = design.engineer(PLAIN, PAIR, 1.5, cycles=4, speed=0.2)
        made, wanted = nmrqb.schedule(ideal_twin(sequence), PAIR), nmrqb.schedule(plain, PAIR)
        np.testing.assert_allclose(made.angles, wanted.angles, atol=1e-13)
    together = design.engineer(EXAMPLE, AX, 1.5, pulses="finite", rf=15e3)
    made = nmrqb.Exact().propagator(nmrqb.schedule(ideal_twin(together), AX))
    assert design.gate_infidelity(made, expm(-1.5j * EXAMPLE.hamiltonian())) < 1e-12


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"rf_error": 1.0}, r"rf_error must lie below 1, but is 1\.0"),
        ({"rf_error": -0.1}, r"rf_error must be zero or above, but is -0\.1"),
        ({"offset": -3.0}, r"offset must be zero or above, but is -3\.0"),
        ({"temperature": 0.0}, "temperature must be above zero, but is 0"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(options, match):
    sequence = design.engineer(EXAMPLE, AX, 1.5)
    with pytest.raises(ArgumentError, match=match):
        design.budget(sequence, EXAMPLE, AX, 1.5, **options)


def test_settings_at_their_bounds_are_taken():
    table = design.budget(design.engineer(EXAMPLE, AX, 1.5), EXAMPLE, AX, 1.5, rf_error=0.0, offset=0.0)
    assert table["RF error"].infidelity < 1e-12
    with pytest.raises(
        ArgumentError, match="be one of ideal, pulse length, RF error, offset, relaxation, all, but is 'x'"
    ):
        table["x"]
