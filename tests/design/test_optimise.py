"""Optimal pulses: what they win back, that a sequence plays them, resuming, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

import nmrqb
from nmrqb import design
from nmrqb.battery import Battery, charging_maxima
from nmrqb.design import starts
from nmrqb.design.checkpoints import Checkpoint
from nmrqb.design.search import roughness
from nmrqb.errors import ArgumentError, RunError
from nmrqb.nmr.distributions import powder, rf_distribution
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Lock, Observe, Sequence, Shape, Together
from nmrqb.spin.operators import collective, pauli_string

PAIR = nmrqb.Sample.load("nematic-pair")
CHLOROFORM = nmrqb.Sample.load("chloroform")
D = PAIR.coupling  # Hz
LIMIT = 20 * D
H = PAIR.hamiltonian() / PAIR.energy_unit
RHO0 = nmrqb.gibbs_state(H, 1.0)
ERGOTROPY = design.Ergotropy(RHO0, H)
#: 25 members: RF of 10 % standard deviation, offsets of up to 0.2 d.
CHARGING = rf_distribution(0.1, 5) * Ensemble.of(offset=0.2 * D * np.linspace(-1, 1, 5))


def plain(flip=np.pi / 2, limit=LIMIT):
    """A hard pulse of one phase at the limit."""
    length = flip / (2 * np.pi * limit)
    steps = (Lock(lock=f"{limit!r} Hz", duration=f"{length!r} s"), Observe(observe="charged"))
    return Sequence("plain", "A hard pulse", steps, {}, pulses="finite")


def played(sequence, rho0=RHO0, sample=PAIR, **how):
    """The state at the end, from the engine of sequences."""
    return nmrqb.Exact().run(nmrqb.schedule(sequence, sample, **how), rho0).rho[0, 0]


def of(rho):
    return float(nmrqb.metrics.ergotropy(rho, H))


@pytest.mark.parametrize("start", ["hard", "bb1", "random"])
def test_an_optimal_pulse_wins_back_nine_tenths_of_what_the_plain_one_loses(start):
    assert len(CHARGING) == 25
    spread = CHARGING.rf @ CHARGING.weights, np.sqrt(CHARGING.weights @ (CHARGING.rf - 1) ** 2)
    assert spread == pytest.approx((1.0, 0.1))
    ideal = float(charging_maxima(H, RHO0).ergotropy)  # no H during the pulse, no spread
    lost = ideal - of(played(plain(), ensemble=CHARGING))
    assert lost > 0.04 * ideal  # there is something to win back
    found = design.optimise(
        PAIR,
        ERGOTROPY,
        duration=150e-6,
        slices=100,
        start=start,
        ensemble=CHARGING,
        limit=LIMIT,
        iterations=150,
        seed=1,
    )
    left = ideal - of(played(found.sequence(), ensemble=CHARGING))
    assert found.value == pytest.approx(ideal - left, abs=1e-11)
    assert left <= 0.1 * lost
    assert max(found.peaks.values()) <= LIMIT * (1 + 1e-12)
    assert found.value <= found.bound
    assert len(found.history) == found.iterations + 1
    assert np.all(np.diff(found.history) >= -1e-12)


def test_the_pulse_is_an_event_like_any_other():
    found = design.optimise(
        PAIR,
        ERGOTROPY,
        duration=40e-6,
        slices=20,
        start="random",
        ensemble=CHARGING,
        limit=LIMIT,
        iterations=10,
        noise=True,
    )
    assert isinstance(found.event(), Lock)
    assert found.shape.points == 20
    assert found.peak == pytest.approx(np.abs(found.w).max() * LIMIT)
    steps = (Lock(lock="1 kHz", duration="10 us"), found.event("mine"), Observe(observe="end"))
    sequence = Sequence("both", "Two pulses", steps, {}, pulses="finite", shapes=found.named("mine"))
    assert nmrqb.schedule(sequence, PAIR).slices == 21
    rho = played(found.sequence(), ensemble=CHARGING, noise=True)
    assert of(rho) == pytest.approx(found.value, abs=1e-11)
    states = nmrqb.Exact(keep_members=True).run(
        nmrqb.schedule(found.sequence(), PAIR, ensemble=CHARGING, noise=True), RHO0
    )
    np.testing.assert_allclose(nmrqb.metrics.ergotropy(states.rho[:, 0, 0], H), found.members, atol=1e-11)


def test_a_rotation_of_one_of_two_unlike_spins():
    V = expm(-0.5j * np.pi * collective(2, "x", [0])) @ expm(-0.5j * np.pi * collective(2, "y", [1]))
    found = design.optimise(
        CHLOROFORM, design.Gate(V), duration=200e-6, slices=20, start="random", seed=4, iterations=60,
        ensemble=Ensemble.of(rf=[0.97, 1.03]),
    )  # fmt: skip
    assert found.channels == ("1H", "13C")
    assert found.start < 0.5
    assert found.value > 0.998  # J is on all along
    assert isinstance(found.event(), Together)
    U = nmrqb.Exact().propagator(nmrqb.schedule(found.sequence(), CHLOROFORM, ensemble=Ensemble.of(rf=[0.97, 1.03])))
    overlap = np.abs(np.einsum("ij,mij->m", V.conj(), U)) ** 2 / 16
    np.testing.assert_allclose(overlap, found.members, atol=1e-11)
    with pytest.raises(
        ArgumentError, match="must be on one channel to have one shape; use shapes and peaks, but is on 1H, 13C"
    ):
        _ = found.shape
    one = design.optimise(CHLOROFORM, design.Gate(V), duration=200e-6, slices=20, on="1H", iterations=5)
    assert one.channels == ("1H",)


def test_transfer_under_orientation_and_relaxation():
    target = np.zeros((4, 4))
    target[0, 3] = target[3, 0] = 1  # double-quantum coherence
    spread = powder(4)
    deviation = collective(2, "z")
    arguments = {
        "duration": 600e-6,
        "slices": 40,
        "start": "random",
        "limit": LIMIT,
        "iterations": 40,
        "ensemble": spread,
    }
    objective = design.Transfer(deviation, target)
    free = design.optimise(PAIR, objective, **arguments)
    relaxing = design.optimise(PAIR, objective, noise=True, **arguments)
    assert free.bound == pytest.approx(1.0)  # both have the spectrum 1, 0, 0, -1
    # half of all crystals have a coupling of the other sign, which makes the opposite coherence: far from the bound
    assert free.start < 0.1 < 0.25 < free.value < free.bound
    rho = played(free.sequence(), deviation, ensemble=spread)
    assert np.trace(target @ rho).real / 2 == pytest.approx(free.value, abs=1e-11)
    rho = played(relaxing.sequence(), deviation, ensemble=spread, noise=True)
    assert np.trace(target @ rho).real / 2 == pytest.approx(relaxing.value, abs=1e-11)
    undisturbed = played(relaxing.sequence(), deviation, ensemble=spread)
    assert 0.25 < relaxing.value < np.trace(target @ undisturbed).real / 2


def test_the_worst_member_gains_where_it_is_sought():
    arguments = {
        "duration": 60e-6,
        "slices": 30,
        "ensemble": CHARGING,
        "limit": LIMIT,
        "iterations": 60,
        "start": "random",
    }
    average, worst = (design.optimise(PAIR, ERGOTROPY, over=over, **arguments) for over in ("average", "worst"))
    assert worst.metrics["worst"] > average.metrics["worst"]
    assert worst.metrics["worst"] == pytest.approx(worst.members.min())
    assert average.value > worst.value


def test_the_penalty_makes_pulses_smoother():
    arguments = {
        "duration": 100e-6,
        "slices": 50,
        "ensemble": CHARGING,
        "limit": LIMIT,
        "iterations": 60,
        "start": "random",
    }
    rough, value = [], []
    for smooth in (0.0, 1e-4, 1e-2):
        found = design.optimise(PAIR, ERGOTROPY, smooth=smooth, **arguments)
        rough.append(roughness(np.abs(found.w), np.angle(found.w))[0])
        value.append(found.value)
    assert rough[0] > 3 * rough[1] > 9 * rough[2]
    assert value[1] > 0.99 * value[0]  # smoothness is nearly free here
    assert found.history[-1] == pytest.approx(found.value / ERGOTROPY.scale - 1e-2 * rough[2], abs=1e-12)


def test_a_battery_and_drives_made_by_hand():
    battery = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
    energy, rho0 = battery.hamiltonian(), battery.gibbs_state(1.0)
    objective = design.Ergotropy(rho0, energy)
    assert objective.bound == pytest.approx(2.1127, abs=5e-5)  # local X reaches 1.692, 80 % of it
    local = design.Channel("local", 2 * collective(2, "x"), 2 * collective(2, "y"), 5.0)
    double = design.Channel("DQ", pauli_string("XX") - pauli_string("YY"), pauli_string("XY") + pauli_string("YX"), 5.0)
    system = design.System(energy[None], (local, double), np.ones(1), np.ones(1))
    found = design.optimise(system, objective, duration=1.0, slices=30, start="random", iterations=80)
    assert 0.95 * objective.bound < found.value < objective.bound


def test_seeds_repeat_and_progress_counts():
    seen = []
    arguments = {"duration": 60e-6, "slices": 20, "start": "random", "limit": LIMIT, "iterations": 7}
    one = design.optimise(PAIR, ERGOTROPY, seed=5, progress=lambda done, total: seen.append((done, total)), **arguments)
    again = design.optimise(PAIR, ERGOTROPY, seed=5, **arguments)
    other = design.optimise(PAIR, ERGOTROPY, seed=6, **arguments)
    assert np.array_equal(one.w, again.w)
    assert not np.array_equal(one.w, other.w)
    assert seen == [(k, 7) for k in range(1, 8)]
    assert not one.converged


def test_a_search_goes_on_from_its_last_iterate(tmp_path):
    file = tmp_path / "pulse.npz"
    arguments = {"duration": 100e-6, "slices": 40, "start": "random", "limit": LIMIT, "ensemble": CHARGING}

    class StopError(Exception):
        pass

    def stop(done, total):
        if done == 9:
            raise StopError

    with pytest.raises(StopError):
        design.optimise(PAIR, ERGOTROPY, iterations=40, checkpoint=file, progress=stop, **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["pulse.npz"]
    seen = []
    resumed = design.optimise(
        PAIR,
        ERGOTROPY,
        iterations=40,
        checkpoint=file,
        resume=True,
        progress=lambda done, _: seen.append(done),
        **arguments,
    )
    assert seen[0] == 10
    assert resumed.iterations == 40
    assert len(resumed.history) == 41
    whole = design.optimise(PAIR, ERGOTROPY, iterations=40, **arguments)
    np.testing.assert_allclose(resumed.history[:10], whole.history[:10], rtol=1e-14)
    assert resumed.start == whole.start
    assert resumed.history[-1] >= resumed.history[9]
    again = design.optimise(PAIR, ERGOTROPY, iterations=40, checkpoint=file, resume=True, **arguments)
    assert again.iterations == 40  # nothing is left to do
    assert again.message == "no iterations are left"
    np.testing.assert_allclose(again.w, resumed.w, atol=1e-15)
    new = design.optimise(PAIR, ERGOTROPY, iterations=2, checkpoint=tmp_path / "none.npz", resume=True, **arguments)
    assert new.iterations == 2  # no file yet: from the start


def test_a_worst_case_search_goes_on_in_its_stage(tmp_path):
    arguments = {
        "duration": 100e-6,
        "slices": 20,
        "start": "random",
        "limit": LIMIT,
        "ensemble": CHARGING,
        "over": "worst",
    }
    file = tmp_path / "pulse.npz"

    def stop(done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        design.optimise(PAIR, ERGOTROPY, iterations=12, checkpoint=file, progress=stop, **arguments)
    resumed = design.optimise(PAIR, ERGOTROPY, iterations=12, checkpoint=file, resume=True, **arguments)
    assert resumed.iterations == 12
    assert len(resumed.history) == 14  # two stages


def test_checkpoints_of_other_problems_are_refused(tmp_path):
    file = tmp_path / "pulse.npz"
    arguments = {"duration": 60e-6, "slices": 20, "start": "random", "iterations": 2, "checkpoint": file}
    design.optimise(PAIR, ERGOTROPY, limit=LIMIT, **arguments)
    with pytest.raises(
        ArgumentError, match=r"must be of the same one to resume, but is .*pulse\.npz of another problem"
    ):
        design.optimise(PAIR, ERGOTROPY, limit=LIMIT / 2, resume=True, **arguments)
    with pytest.raises(ArgumentError, match="of another problem"):
        design.optimise(PAIR, design.StoredEnergy(RHO0, H), limit=LIMIT, resume=True, **arguments)
    file.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ArgumentError, match="which is no checkpoint"):
        design.optimise(PAIR, ERGOTROPY, limit=LIMIT, resume=True, **arguments)
    file.write_bytes(b"")
    with pytest.raises(ArgumentError, match="which is no checkpoint"):
        design.optimise(PAIR, ERGOTROPY, limit=LIMIT, resume=True, **arguments)
    with pytest.raises(ArgumentError, match="resume must come with the checkpoint to resume from, but is True"):
        design.optimise(PAIR, ERGOTROPY, duration=60e-6, resume=True)
    nowhere = Checkpoint(tmp_path / "no" / "pulse.npz", "x")
    with pytest.raises(RunError, match="cannot be written"):
        nowhere.write(np.zeros((1, 1)), np.zeros((1, 1)), 0, [[0.0]], 0.0)


def test_composite_starts_have_their_flip_angles():
    limit, duration, slices = 2 * np.pi * LIMIT, 200e-6, 400
    hard = starts.hard(np.pi / 2, duration, slices, limit)
    assert hard.sum() * limit * duration / slices == pytest.approx(np.pi / 2)
    bb1 = starts.bb1(np.pi / 2, duration, slices, limit)
    assert np.abs(bb1).sum() * limit * duration / slices == pytest.approx(4.5 * np.pi, rel=1e-2)
    phases = np.degrees(np.angle(bb1[np.abs(bb1) > 0.999])) % 360
    assert {round(p, 2) for p in phases} == {0.0, 97.18, 291.54}  # known phases of BB1 for 90 degrees
    smooth = starts.random(slices, np.random.default_rng(0))
    assert np.abs(smooth).max() == pytest.approx(0.7)
    assert np.abs(np.diff(smooth)).max() < 0.1
    shape = starts.of_shape(Shape("gaussian", 1000), 100)
    assert shape.mean() == pytest.approx(Shape("gaussian", 1000).envelope().mean())


def test_starts_may_be_shapes():
    arguments = {"duration": 100e-6, "slices": 40, "limit": LIMIT, "iterations": 1, "kick": 0.0}
    found = design.optimise(PAIR, ERGOTROPY, start=Shape("gaussian", 100), **arguments)
    by_array = design.optimise(PAIR, ERGOTROPY, start=starts.of_shape(Shape("gaussian", 100), 40)[:, None], **arguments)
    by_name = design.optimise(PAIR, ERGOTROPY, start={"1H": Shape("gaussian", 100)}, **arguments)
    assert found.start == by_array.start == by_name.start


@pytest.mark.parametrize(
    "change, message",
    [
        ({"limit": 60.001e3}, r"RF limit must be at most 60 kHz, what channel 1H of sample 'nematic-pair' takes, but is 60.001 kHz"),
        ({"limit": {"1H": 61e3}}, "but is 61 kHz"),
        ({"limit": 0.0}, "RF limit must be above zero, but is 0.0"),
        ({"limit": [1e3, 2e3]}, r"RF limit must be one number, or one for each channel by name, but is of shape \(2,\)"),
        ({"duration": -1e-6}, "duration must be above zero, but is -1e-06"),
        ({"duration": 0.0}, "duration must be above zero, but is 0.0"),
        ({"duration": [1e-6, 2e-6]}, r"but is of shape \(2,\)"),
        ({"slices": 0}, "slices must be a whole number from 1 to 32768, the rows of a shape file, but is 0"),
        ({"slices": 32769, "duration": 1e-2}, "the rows of a shape file, but is 32769"),
        ({"slices": 20.5}, "the rows of a shape file, but is 20.5"),
        ({"duration": 0.99e-6}, "duration must give slices of 50 ns or more, the sample's raster, but is 0.99 us in 20 slices"),
        ({"duration": 501e-6}, "duration must be at most 500 us with 20 slices: the RF limit may turn a spin by half a turn"),
        ({"start": "hard", "duration": 10e-6}, "duration must be 12.5 us or more, what this start takes at the RF limit, but is 10 us"),
        ({"start": "bb1"}, "duration must be 112.5 us or more, what this start takes at the RF limit, but is 60 us"),
        ({"start": "bb1", "flip": 13.0, "duration": 480e-6}, "flip must be at most 4 pi for BB1, but is 13 rad"),
        ({"start": "hart"}, "start must be one of hard, bb1, random, or a shape, but is 'hart'"),
        ({"start": {"2H": Shape("gaussian")}}, "start must have a shape for every channel, but is without '1H'"),
        ({"start": np.ones((3, 1))}, r"start must be of shape \(20, 1\) with \|w\| at most 1, but is of shape \(3, 1\)"),
        ({"start": 1.5 * np.ones((20, 1))}, r"with \|w\| up to 1.5"),
        ({"on": "13C"}, r"channel must be one of the sample's \(.*1H.*\), but is '13C'"),
        ({"over": "best"}, "over must be \"average\" or \"worst\", but is 'best'"),
        ({"iterations": 0}, "iterations must be a whole number, 1 or more, but is 0"),
        ({"smooth": -1.0}, "smooth must be zero or above, but is -1.0"),
        ({"kick": -0.1}, "kick must be zero or above, but is -0.1"),
        ({"iterations": "many"}, "iterations must be a whole number, 1 or more, but is many"),
        ({"seed": 1.5}, r"seed must be a whole number, zero or above, but is 1\.5"),
        ({"slices": True}, "the rows of a shape file, but is True"),
        ({"smooth": [0.1, 0.2]}, r"smooth must be one number, but is of shape \(2,\)"),
        ({"start": object()}, "start must be one of hard, bb1, random, or a shape, but is object"),
        ({"limit": {"13C": 1e3}}, r"RF limit must be for channels in use \(1H\), but is given for '13C'"),
        ({"ensemble": [1.0]}, "ensemble must be an Ensemble, but is list"),
        ({"seed": -1}, "seed must be a whole number, zero or above, but is -1"),
        ({"ensemble": Ensemble.of(offset=[[1.0, 2.0]])}, "ensemble must give one offset for all, or one for each of 1"),
    ],
)  # fmt: skip
def test_impossible_requests_name_the_bound_that_they_break(change, message):
    arguments = {"duration": 60e-6, "slices": 20, "start": "random", "limit": LIMIT, "iterations": 1}
    with pytest.raises(ArgumentError, match=message):
        design.optimise(PAIR, ERGOTROPY, **{**arguments, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 60e3}, {"slices": 1, "duration": 25e-6}, {"duration": 1e-6}, {"duration": 500e-6},
        {"start": "hard", "duration": 12.5e-6}, {"start": "bb1", "duration": 112.5e-6}, {"start": np.ones((20, 1))},
        {"slices": 32768, "duration": 2e-3},
    ],
)  # fmt: skip
def test_requests_at_the_bound_are_taken(change):
    arguments = {"duration": 60e-6, "slices": 20, "start": "random", "limit": LIMIT, "iterations": 1}
    assert np.isfinite(design.optimise(PAIR, ERGOTROPY, **{**arguments, **change}).value)


def test_objectives_and_systems_refuse_what_they_cannot_be():
    with pytest.raises(ArgumentError, match=r"must be a Sample \(or System\) and an Objective, but is Sample and str"):
        design.optimise(PAIR, "ergotropy", duration=60e-6)
    with pytest.raises(ArgumentError, match="objective must act on the system's dimension 4, but is for dimension 2"):
        design.optimise(PAIR, design.Gate(np.eye(2)), duration=60e-6)
    with pytest.raises(ArgumentError, match=r"V must be unitary, but is off by 3"):
        design.Gate(2 * np.eye(2))
    with pytest.raises(ArgumentError, match=r"V must be one matrix \(d, d\), but is of shape \(1, 2, 2\)"):
        design.Gate(np.eye(2)[None])
    with pytest.raises(ArgumentError, match="rho0 must be a density matrix with trace 1, but is of trace 4"):
        design.Ergotropy(np.eye(4), H)
    with pytest.raises(ArgumentError, match="let work be stored, but is such that no unitary changes the energy"):
        design.StoredEnergy(np.eye(4) / 4, H)
    with pytest.raises(ArgumentError, match="rho0 and target must both be other than zero, but is zero"):
        design.Transfer(np.zeros((4, 4)), H)
    with pytest.raises(ArgumentError, match=r"duration must be above zero, but is 0\.0"):
        design.Power(RHO0, H, 0.0)
    with pytest.raises(
        ArgumentError, match="noise must be one that the sample has, but is asked for on sample 'quiet'"
    ):
        design.System.of(replace(PAIR, name="quiet", noise=None), noise=True)
    with pytest.raises(ArgumentError, match="must be that of the pulse, but is 50 us beside a pulse of 60 us"):
        design.optimise(PAIR, design.Power(RHO0, H, 50e-6), duration=60e-6)
    assert design.optimise(PAIR, design.Power(RHO0, H, 60e-6), duration=60e-6, iterations=1).value > 0
    system = design.System.of(PAIR)
    with pytest.raises(ArgumentError, match="must be parts of the System itself, but is given beside a System"):
        design.optimise(system, ERGOTROPY, duration=60e-6, limit=1e3)
    with pytest.raises(ArgumentError, match="channels must hold one or more, but is empty"):
        design.System(system.drift, (), system.rf, system.weights)
    with pytest.raises(ArgumentError, match="one RF factor and one weight for each of M"):
        design.System(system.drift, system.channels, np.ones(2), system.weights)
    with pytest.raises(
        ArgumentError, match="the pulse must take at most 67108864 numbers, but is 32768 slices x 300 members"
    ):
        design.optimise(
            PAIR, ERGOTROPY, duration=10e-3, slices=32768, ensemble=Ensemble.of(rf=np.linspace(0.9, 1.1, 300))
        )
