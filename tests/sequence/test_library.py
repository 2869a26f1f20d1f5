"""Every sequence of the library stands alone: it reads, prints back, and runs on its sample, exactly and on circuits."""

from pathlib import Path

import numpy as np
import pytest
from natural_samples import NATURAL

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.files import document
from nmrqb.nmr.sample import MAX_DENSE
from nmrqb.sequence.listing import describe
from nmrqb.sequence.printing import to_toml
from nmrqb.timeline import sample_quantities
from nmrqb.timeline.limits import hardware_problems

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "sequences").glob("*.toml"))
SAMPLES = sorted(path.stem for path in (ROOT / "samples").glob("*.toml"))

PAIR, AX, STAR, CHAIN = (
    nmrqb.Sample.load(n) for n in ("nematic-pair", "chloroform", "acetonitrile", "fluorapatite-chain")
)


#: With one proton left of three, which is what relaxation of matrices takes in a moment.
LOADED = nmrqb.Sample.parse(
    document(
        (ROOT / "samples" / "methyl-fluoride.toml").read_text().replace('"1H", "1H", "1H"', '"1H"', 1),
        "methyl-fluoride",
    ),
    "methyl-fluoride",
)


def natural(name):
    return {"chloroform": AX, "nematic-pair": PAIR, "methyl-fluoride": LOADED}[NATURAL.get(name, "nematic-pair")]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_reads_prints_back_lists_and_runs_the_same_on_circuits(name, tmp_path):
    sequence, sample = nmrqb.Sequence.load(name), natural(name)
    assert sequence.title
    assert sequence.marks
    path = tmp_path / f"{name}.toml"
    path.write_text(to_toml(sequence))
    assert nmrqb.Sequence.load(path) == sequence
    assert list(describe(sequence, sample_quantities(sample)))
    start = sample.amplified(0.9).linear_state()
    timeline = nmrqb.schedule(sequence, sample)
    exact = nmrqb.Exact().run(timeline, start)
    circuits = nmrqb.Shots(shots=None, seed=1).run(timeline, start)
    assert exact.rho.shape == circuits.rho.shape
    if name != "saturation-recovery":  # without relaxation nothing comes back
        assert np.abs(exact.rho - np.eye(2**sample.n) / 2**sample.n).max() > 1e-3
    np.testing.assert_allclose(circuits.rho, exact.rho, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_runs_with_finite_pulses_and_the_noise_of_its_sample(name):
    sample = natural(name)
    ideal = nmrqb.schedule(nmrqb.Sequence.load(name), sample)
    timeline = nmrqb.schedule(nmrqb.Sequence.load(name), sample, pulses="finite", noise=True)
    if not name.startswith("corpse"):  # which says its rf, and so is finite in any case
        assert timeline.durations.sum(axis=-1).min() > ideal.durations.sum(axis=-1).min()
    rho = nmrqb.Exact().run(timeline, sample.thermal_state()).rho
    np.testing.assert_allclose(np.trace(rho, axis1=-2, axis2=-1), 1, atol=1e-12)
    assert np.linalg.eigvalsh(rho).min() > 0.8 / 2**sample.n  # a few 1e-5 beside 1/4


@pytest.mark.parametrize("name", NAMES)
def test_a_file_can_be_played_on_its_sample(name):
    assert hardware_problems(nmrqb.Sequence.load(name), natural(name)) == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_drawn(name):
    from nmrqb.plots.sequence import draw_sequence

    sequence = nmrqb.Sequence.load(name)
    figure = draw_sequence(sequence)
    figure.canvas.draw()  # labels with mathematics in them fail here
    shown = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert all(mark in shown for mark in sequence.marks)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_a_battery_or_says_why_not(name):
    sample = nmrqb.Sample.load(name)
    assert sample.unverified
    if sample.n <= MAX_DENSE:
        np.testing.assert_allclose(np.trace(sample.thermal_state()), 1)
    else:
        with pytest.raises(ArgumentError, match=f"at most 12 spins for dense matrices, but is {sample.n} spins"):
            sample.thermal_state()
    if name in ("gypsum", "nematic-pair"):
        assert sample.battery().axial == pytest.approx(0.75 * np.sign(sample.coupling))
    else:
        with pytest.raises(ArgumentError, match=f"pair of like spins .* is {sample.n} spins"):
            sample.battery()


def test_samples_hold_their_published_numbers():
    assert AX.scalar == ((0, 1, 215.0),)
    assert {pair[2] for pair in STAR.scalar} == {136.0}
    assert [pair[:2] for pair in STAR.scalar] == [(0, 1), (0, 2), (0, 3)]
    np.testing.assert_allclose(AX.polarisation, [4.03e-5, 1.01e-5], rtol=3e-3)
    # 19F at 3.442 angstrom, chain along the field: d = b (3 cos^2 0 - 1)/2 = b
    from nmrqb.battery.dipolar import dipolar_constant
    from nmrqb.nmr.nuclei import gyromagnetic_ratio

    gamma = gyromagnetic_ratio("19F")
    assert dipolar_constant(gamma, gamma, 3.442e-10) / (2 * np.pi) == pytest.approx(CHAIN.coupling, rel=1e-3)
    assert {(i, j): d for i, j, d in CHAIN.dipolar}[0, 2] == pytest.approx(CHAIN.coupling / 8)
