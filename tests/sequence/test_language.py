"""The sequence language: what each kind of step comes to on a timeline, and that it prints back to itself."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nmrqb
from nmrqb.errors import ArgumentError, InputError
from nmrqb.files import Document, load_document
from nmrqb.sequence import Shape
from nmrqb.sequence.printing import to_toml
from nmrqb.sequence.shapes import ADIABATIC, KINDS
from nmrqb.spin.operators import pauli_string
from nmrqb.timeline import cycle_average

AX = nmrqb.Sample.load("chloroform")  # 1H of 10 us and 30 kHz, 13C of 12 us and 25 kHz
FREE = replace(
    nmrqb.Sample.load("nematic-pair"),
    spins=("1H",),
    dipolar=(),
    offsets=(0.0,),
    polarisation=(1e-4,),
    noise=None,
    rf_limit=1e9,
)
END = '{ observe = "end" }'


def parsed(text, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return nmrqb.Sequence.parse(load_document(path, "plan.toml"), "plan", tmp_path)


@pytest.fixture
def plan(tmp_path):
    """A sequence from its steps, one on each line from line 3 on."""
    return lambda *steps, rest="": parsed(
        'title = "t"\nsteps = [\n' + "".join(f"{s},\n" for s in [*steps, END]) + "]\n" + rest, tmp_path
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """For properties, which hypothesis runs many times in one test."""
    return tmp_path_factory.mktemp("plans")


def flip(timeline, spin, letter):
    """Rotation of each slice about x or y of one spin, in rad: twice the coefficient of its Pauli string."""
    label = "".join(letter if k == spin else "I" for k in range(timeline.n))
    return (
        2 * timeline.angles[..., timeline.labels.index(label)]
        if label in timeline.labels
        else np.zeros(timeline.durations.shape)
    )


def rotation(angle, phase):
    """Exp(-i angle (cos phase X + sin phase Y) / 2) in closed form."""
    X, Y = pauli_string("X"), pauli_string("Y")
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * (np.cos(phase) * X + np.sin(phase) * Y)


# --- pulses and locks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ['duration = "1 ms"', 'rf = "3 kHz"'])
@pytest.mark.parametrize(("angle", "phase"), [(90, 0), (180, 90), (270, 37), (-45, 200)])
@pytest.mark.parametrize("kind", sorted(set(KINDS) - ADIABATIC))
def test_a_shaped_pulse_on_resonance_is_the_rotation_it_says(kind, angle, phase, how, plan):
    timeline = nmrqb.schedule(
        plan(f'{{ pulse = "{angle} deg", phase = "{phase} deg", shape = "{kind}", {how} }}'), FREE
    )
    expected = rotation(np.radians(angle), np.radians(phase))
    np.testing.assert_allclose(nmrqb.Exact().propagator(timeline), expected, atol=1e-12)
    assert timeline.slices == 200
    if "rf" in how:
        peak = np.hypot(flip(timeline, 0, "X"), flip(timeline, 0, "Y")).max() / timeline.durations[0] / (2 * np.pi)
        assert peak == pytest.approx(3000, rel=1e-9)
    else:
        assert timeline.durations.sum() == pytest.approx(1e-3)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_lock_has_the_peak_amplitude_it_says(kind, plan):
    timeline = nmrqb.schedule(plan(f'{{ lock = "3 kHz", duration = "1 ms", phase = "y", shape = "{kind}" }}'), FREE)
    rate = np.hypot(flip(timeline, 0, "X"), flip(timeline, 0, "Y")) / timeline.durations / (2 * np.pi)
    assert rate.max() == pytest.approx(3000, rel=1e-9)
    np.testing.assert_allclose(rate, 3000 * np.abs(Shape(kind).envelope()), rtol=1e-9)
    assert timeline.durations.sum() == pytest.approx(1e-3)


def test_a_plain_lock_is_one_slice_of_its_angle(plan):
    timeline = nmrqb.schedule(plan('{ lock = "2.5 kHz", duration = "0.3 ms", phase = "-x" }'), FREE)
    assert timeline.slices == 1
    np.testing.assert_allclose(flip(timeline, 0, "X"), [-2 * np.pi * 2500 * 0.3e-3], rtol=1e-12)


@pytest.mark.parametrize(
    ("on", "lengths"),
    [
        ('"1H"', {0: 10e-6}),
        ('"13C"', {1: 12e-6}),
        ('["13C", "1H"]', {0: 10e-6, 1: 12e-6}),
        (None, {0: 10e-6, 1: 12e-6}),
    ],
)
def test_each_channel_has_its_coil(on, lengths, plan):
    step = '{ pulse = "90 deg" }' if on is None else f'{{ pulse = "90 deg", on = {on} }}'
    for pulses in ("ideal", "finite"):
        timeline = nmrqb.schedule(plan(step), AX, pulses=pulses)
        for spin in (0, 1):
            turned = flip(timeline, spin, "X")
            assert turned.sum() == pytest.approx(np.pi / 2 if spin in lengths else 0)
            if spin in lengths and pulses == "finite":
                assert timeline.durations[turned != 0].sum() == pytest.approx(lengths[spin])
        assert timeline.durations.sum() == pytest.approx(max(lengths.values()) if pulses == "finite" else 0)


# --- together -----------------------------------------------------------------------------------------------------------

LENGTHS, ANGLES = st.integers(20, 400), st.integers(-180, 180).filter(bool)
SHAPES = st.sampled_from(["", ', shape = "gaussian"', ', shape = "sinc"'])


@given(LENGTHS, LENGTHS, ANGLES, ANGLES, SHAPES, SHAPES, st.sampled_from(["centre", "start", "end"]))
@settings(max_examples=60)
def test_together_keeps_flip_angles_and_time_and_stands_where_it_says(
    folder, a, b, flip_a, flip_b, shape_a, shape_b, align
):
    strong = replace(AX, rf_limit=1e9, coils={})
    text = (
        f'title = "t"\nsteps = [{{ together = [{{ pulse = "{flip_a} deg", on = "1H", duration = "{a} us"{shape_a} }}, '
        f'{{ pulse = "{flip_b} deg", phase = "y", on = "13C", duration = "{b} us"{shape_b} }}], align = "{align}" }}, {END}]'
    )
    timeline = nmrqb.schedule(parsed(text, folder), strong)
    assert timeline.durations.sum() == pytest.approx(max(a, b) * 1e-6, rel=1e-12)
    ends = np.cumsum(timeline.durations)
    middles = ends - timeline.durations / 2
    for spin, letter, length, angle in ((0, "X", a, flip_a), (1, "Y", b, flip_b)):
        turned = flip(timeline, spin, letter)
        assert turned.sum() == pytest.approx(np.radians(angle), rel=1e-9)
        start = {"start": 0.0, "centre": 0.5, "end": 1.0}[align] * (max(a, b) - length) * 1e-6
        outside = (middles < start) | (middles > start + length * 1e-6)
        np.testing.assert_allclose(turned[outside], 0, atol=1e-12)
        if "shape" not in (shape_a, shape_b)[spin]:
            rate = (
                turned[~outside & (timeline.durations > 1e-12)]
                / timeline.durations[~outside & (timeline.durations > 1e-12)]
            )
            np.testing.assert_allclose(rate, np.radians(angle) / (length * 1e-6), rtol=1e-6)


def test_ideal_pulses_together_are_one_slice(plan):
    timeline = nmrqb.schedule(
        plan('{ together = [{ pulse = "90 deg", on = "1H" }, { pulse = "45 deg", phase = "y", on = "13C" }] }'), AX
    )
    assert timeline.slices == 1
    assert flip(timeline, 0, "X") == pytest.approx(np.pi / 2)
    assert flip(timeline, 1, "Y") == pytest.approx(np.pi / 4)
    assert timeline.durations.sum() == 0


# --- repeats and blocks -------------------------------------------------------------------------------------------------


def same(one, two):
    """Two timelines but for the steps that their slices come from."""
    assert one.labels == two.labels
    np.testing.assert_array_equal(one.angles, two.angles)
    np.testing.assert_array_equal(one.durations, two.durations)
    assert one.marks == two.marks


INNER = st.lists(
    st.sampled_from(
        [
            '{ delay = "1 us" }',
            '{ delay = "tau" }',
            "{ crush = true }",
            '{ pulse = "90 deg", on = "13C" }',
            '{ pulse = "30 deg", shape = "gaussian", duration = "1 ms" }',
        ]
    ),
    min_size=1,
    max_size=4,
)


@given(st.integers(1, 4), INNER, st.integers(1, 3), INNER)
@settings(max_examples=40)
def test_a_repeat_is_its_steps_written_out(folder, outer_rounds, outer, rounds, inner):
    def timeline(steps):
        text = 'title = "t"\nsteps = [\n' + ",\n".join([*steps, END]) + ']\n[parameters]\ntau = ["3 us", "7 us"]'
        return nmrqb.schedule(parsed(text, folder), AX)

    packed = [
        f"{{ repeat = {outer_rounds}, steps = [{', '.join(outer)}, {{ repeat = {rounds}, steps = [{', '.join(inner)}] }}] }}"
    ]
    same(timeline(packed), timeline((outer + inner * rounds) * outer_rounds))


@pytest.mark.parametrize("pulses", ["ideal", "finite"])
def test_a_block_is_its_steps_pasted_with_values_for_its_parameters(pulses, plan):
    """Those in `with` are computed where the block stands; the others have their defaults; what it observes is left out."""
    pasted = (
        '{ pulse = "90 deg", phase = "x" }', '{ delay = "2*tau" }', '{ pulse = "45 deg", phase = "p" }', "{ crush = true }", '{ pulse = "90 deg", phase = "x" }',
    )  # fmt: skip
    rest = '[parameters]\ntau = ["1 us", "2 us", "5 us"]\np = "-y"'
    block = '{ block = "broekaert-jeener-charge", with = { tau = "2*tau", store = "p" } }'
    pair = nmrqb.Sample.load("nematic-pair")
    same(*(nmrqb.schedule(plan(*steps, rest=rest), pair, pulses=pulses) for steps in ([block], pasted)))
    inside = f"{{ repeat = 3, steps = [{block}] }}"
    same(
        nmrqb.schedule(plan(inside, rest=rest), pair, pulses=pulses),
        nmrqb.schedule(plan(*pasted * 3, rest=rest), pair, pulses=pulses),
    )


# --- lists and phase cycles ---------------------------------------------------------------------------------------------


def test_axes_are_the_cycle_then_lists_in_their_order_then_what_python_binds(plan):
    rest = '[parameters]\np = "x"\na = ["1 us", "2 us", "3 us"]\nb = ["10 us", "20 us"]\nc = "100 us"\n[cycle]\np = ["x", "y", "-x", "-y"]'
    sequence = plan('{ pulse = "90 deg", phase = "p" }', '{ delay = "a + b + c" }', rest=rest).bind(
        c=np.array([[1e-3], [2e-3]]) + np.zeros(5)
    )
    timeline = nmrqb.schedule(sequence, FREE)
    assert timeline.shape == (4, 3, 2, 2, 5)
    a, b, c = np.array([1, 2, 3]) * 1e-6, np.array([10, 20]) * 1e-6, np.array([1e-3, 2e-3])
    expected = a[:, None, None] + b[:, None] + c
    np.testing.assert_allclose(
        timeline.durations.sum(axis=-1), np.broadcast_to(expected[..., None], (4, 3, 2, 2, 5)), rtol=1e-12
    )
    phases = np.arctan2(flip(timeline, 0, "Y")[..., 0], flip(timeline, 0, "X")[..., 0])
    np.testing.assert_allclose(np.exp(1j * phases[:, 0, 0, 0, 0]), [1, 1j, -1, -1j], atol=1e-12)
    np.testing.assert_allclose(timeline.receiver, 0)


def test_binding_a_list_takes_its_axis_away(plan):
    sequence = plan('{ delay = "a + b" }', rest='[parameters]\na = ["1 us", "2 us"]\nb = ["10 us", "20 us", "30 us"]')
    assert nmrqb.schedule(sequence, FREE).shape == (2, 3)
    assert nmrqb.schedule(sequence.bind(a=1e-6), FREE).shape == (3,)
    assert nmrqb.schedule(sequence.bind(a=np.zeros(7)), FREE).shape == (3, 7)


def test_arrays_of_python_that_do_not_broadcast_are_refused(plan):
    sequence = plan('{ delay = "a" }', '{ delay = "b" }', rest='[parameters]\na = "1 us"\nb = "1 us"').bind(
        a=np.ones(2), b=np.ones(3)
    )
    with pytest.raises(InputError, match=r"shapes \[\(2,\), \(3,\)\]"):
        nmrqb.schedule(sequence, FREE)
    one = plan('{ pulse = "a", phase = "b", duration = "1 ms" }', rest='[parameters]\na = "1 rad"\nb = "1 rad"').bind(
        a=np.ones(2), b=np.ones(3)
    )
    with pytest.raises(InputError, match=r"line 3: steps\[0\]: found values of shapes .*\(2,\), \(3,\)"):
        nmrqb.schedule(one, FREE)


def test_cycle_average_takes_steps_with_the_sign_of_the_receiver(plan):
    """Deviation (2rho - 1) of three scans with receiver x, -x, x: (d0 - d1 + d2) / 3, in closed form."""
    rest = '[parameters]\np = "x"\n[cycle]\np = ["x", "-x", "y"]\nreceiver = ["x", "-x", "x"]'
    timeline = nmrqb.schedule(plan('{ pulse = "90 deg", phase = "p" }', rest=rest), FREE)
    rho0 = np.diag([0.8, 0.2]).astype(complex)
    states = np.array([rotation(np.pi / 2, p) @ rho0 @ rotation(np.pi / 2, p).conj().T for p in (0, np.pi, np.pi / 2)])
    d = 2 * states - np.eye(2)
    expected = (np.eye(2) + (d[0] - d[1] + d[2]) / 3) / 2
    np.testing.assert_allclose(cycle_average(timeline, states), expected, atol=1e-12)
    np.testing.assert_allclose(nmrqb.Exact().run(timeline, rho0).at("end")[..., 0, :, :], expected, atol=1e-12)
    np.testing.assert_allclose(
        expected, 0.5 * (np.eye(2) + 0.6 * (-2 * pauli_string("Y") + pauli_string("X")) / 3), atol=1e-12
    )


def test_a_receiver_at_a_right_angle_adds_up_no_states(plan):
    rest = '[parameters]\np = "x"\n[cycle]\np = ["x", "y"]\nreceiver = ["x", "y"]'
    timeline = nmrqb.schedule(plan('{ pulse = "90 deg", phase = "p" }', rest=rest), FREE)
    with pytest.raises(ArgumentError, match=r"receiver phase must be 0 or 180 degrees .* is 90 degrees"):
        cycle_average(timeline, np.zeros((2, 2, 2)))


# --- places of what is wrong --------------------------------------------------------------------------------------------

WRONG = {
    "in a repeat": ('{ repeat = 2, steps = [\n{ delay = "1 us" },\n{ delay = "1 kg" }] }', 5, "steps[0].steps[1].delay"),
    "in a repeat of a repeat": ('{ repeat = 2, steps = [{ repeat = 2, steps = [\n{ pulse = "1 us" }] }] }', 4, "steps[0].steps[0].steps[0].pulse"),
    "unknown key in a repeat": ('{ repeat = 2, steps = [\n{ delay = "1 us", on = "1H" }] }', 4, "steps[0].steps[0].on"),
    "mark in a repeat": ('{ repeat = 2, steps = [\n{ observe = "a" }] }', 4, "steps[0].steps[0].observe"),
    "in together": ('{ together = [{ pulse = "90 deg", on = "1H" },\n{ pulse = "90 deg", phase = "q", on = "13C" }] }', 4, "steps[0].together[1].phase"),
    "one channel twice": ('{ together = [\n{ pulse = "90 deg", on = "1H" }, { pulse = "1 deg", on = "1H" }] }', 3, "steps[0].together"),
    "delay in together": ('{ together = [{ pulse = "90 deg", on = "1H" },\n{ delay = "1 s" }] }', 4, "steps[0].together[1]"),
    "unknown block": ('{ crush = true },\n{ block = "no-such" }', 4, "steps[1].block"),
    "unknown parameter of a block": ('{ block = "broekaert-jeener-charge", with = { tua = "1 s" } }', 3, "steps[0].with.tua"),
    "wrong kind for a block": ('{ block = "broekaert-jeener-charge", with = { tau = "1 deg" } }', 3, "steps[0].with"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_inside_has_its_own_line(case, plan):
    step, line, key = WRONG[case]
    with pytest.raises(InputError) as refused:
        plan(step)
    (problem,) = refused.value.problems
    assert (problem.line, problem.key) == (line, key)


ON_A_SAMPLE = {
    "in a repeat": ('{ repeat = 5, steps = [\n{ lock = "90 kHz", duration = "1 us", on = "1H" }] }', 4, "steps[0].steps[0].lock"),
    "in together": ('{ together = [{ pulse = "90 deg", on = "1H" },\n{ pulse = "90 deg", on = "19F" }] }', 4, "steps[0].together[1].on"),
    "limit of one channel": ('{ together = [{ pulse = "90 deg", rf = "26 kHz", on = "1H" },\n{ pulse = "90 deg", rf = "26 kHz", on = "13C" }] }', 4, "steps[0].together[1].rf"),
    "in a block": ('{ crush = true },\n{ block = "broekaert-jeener-charge", with = { tau = "-1/abs(J)" } }', 4, "steps[1]"),
    "in a block in a repeat": ('{ repeat = 2, steps = [{ crush = true },\n{ block = "broekaert-jeener-charge", with = { tau = "-1/abs(J)" } }] }', 4, "steps[0].steps[1]"),
}  # fmt: skip


@pytest.mark.parametrize("case", ON_A_SAMPLE)
def test_what_is_wrong_on_a_sample_has_its_own_line(case, plan):
    step, line, key = ON_A_SAMPLE[case]
    with pytest.raises(InputError) as refused:
        nmrqb.schedule(plan(step), AX, pulses="finite")
    (problem,) = refused.value.problems
    assert (problem.line, problem.key) == (line, key)
    assert ("in block" in problem.message) == ("block" in case)


# --- printing -----------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PHASE = st.sampled_from(["x", "-y", "p", "45 deg"])
CHANNELS = st.sampled_from([None, ("1H",), ("13C", "1H")])
USES = st.sampled_from([None, "prepare", "charge", "read"])


def step(**parts):
    return st.fixed_dictionaries(
        {k: v if isinstance(v, st.SearchStrategy) else st.just(v) for k, v in parts.items()}
    ).map(lambda found: {k: v for k, v in found.items() if v is not None})


PULSES = st.one_of(
    step(pulse=st.sampled_from(["90 deg", "angle", "pi rad/3"]), phase=PHASE, on=CHANNELS, use=USES),
    step(pulse="angle", shape=st.sampled_from(["gaussian", "own"]), duration="1 ms", on=CHANNELS),
    step(pulse="90 deg", rf="2 kHz"),
    step(lock="rf_limit/9", duration="tau", phase=PHASE, shape=st.sampled_from([None, "sech", "own"]), use=USES),
)
SIMPLE = st.one_of(
    PULSES,
    step(delay=st.sampled_from(["tau", "1/(2*abs(J))", "20/(1/s)*1e-6", "1 us"]), use=USES),
    step(crush=True),
    step(block="spin-echo", use=USES),
)
TOGETHER = step(
    together=st.tuples(step(pulse="90 deg", on=("1H",), phase=PHASE), step(lock="1 kHz", duration="1 ms", on=("13C",))).map(list), align=st.sampled_from(["centre", "start", "end"]),
)  # fmt: skip
STEPS = st.recursive(
    st.one_of(SIMPLE, TOGETHER),
    lambda inner: step(repeat=st.integers(1, 50), steps=st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)


@st.composite
def files_of_sequences(draw):
    table = {"title": draw(TEXTS), "note": draw(TEXTS), "pulses": draw(st.sampled_from(["ideal", "finite"]))}
    table["steps"] = [*draw(st.lists(STEPS, max_size=5)), {"observe": "end"}, {"acquire": "fid", "on": "1H"}]
    table["parameters"] = {
        "p": draw(st.sampled_from(["x", "-y"])),
        "angle": draw(st.sampled_from(["1 rad", ["1 deg", "2 deg"]])),
        "tau": "1 us",
    }
    if draw(st.booleans()):
        table["cycle"] = {"p": ["x", "y"], "receiver": ["x", "-x"]}
    table["shapes"] = {"own": {"kind": "hermite", "points": draw(st.integers(1, 50)), "width": draw(st.floats(0.5, 3))}}
    return table


@given(files_of_sequences())
@settings(max_examples=60)
def test_what_is_printed_reads_back_as_the_same_sequence(folder, table):
    sequence = nmrqb.Sequence.parse(Document("made", table, {}), "plan")
    again = parsed(to_toml(sequence), folder)
    assert again == sequence
    assert to_toml(again) == to_toml(sequence)
