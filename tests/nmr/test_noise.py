"""The noise record: lifetimes it names, order it keeps, where it leads, and what it refuses."""

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.constants import Boltzmann, hbar
from scipy.optimize import linprog

import nmrqb
from nmrqb.errors import ArgumentError, InputError
from nmrqb.nmr.noise import Noise
from nmrqb.spin.noise import dephasing
from nmrqb.spin.operators import collective, on_spin, pauli_string, pauli_sum
from nmrqb.spin.propagation import dissipator
from nmrqb.timeline import Mark, Timeline

T1, T2 = 1.5, 0.2


def noise(n=2, **change):
    base = {"t1": (T1,) * n, "t2": (T2,) * n, "polarisation": (0.0,) * n, "readout": (0.0,) * n}
    return Noise(**(base | change))


def acting(t1d, n=2, **change):
    return noise(n, t1d=t1d, dipolar_order="t1d", **change)


def dipolar_order(n, i, j):
    def both(letter):
        return pauli_string("".join(letter if k in (i, j) else "I" for k in range(n)))

    return (2 * both("Z") - both("X") - both("Y")) / 4


def course(record, start, operator, times):
    """<operator> over time from (1 + start)/d, with no Hamiltonian."""
    d = 2**record.n
    rho = nmrqb.lindblad(np.zeros((d, d)), record.jump_operators(), (np.eye(d) + start) / d, times)
    return np.einsum("tij,ji->t", rho, operator).real


def rate_of(record, operator):
    """L^dagger(operator), the rate of change of an observable."""
    d = operator.shape[0]
    return (dissipator(record.jump_operators()).conj().T @ operator.reshape(-1)).reshape(d, d)


TIMES = np.linspace(0, 2.0, 9)


# ---- T1D ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "t1d"), [(2, T1 / 3), (2, 0.6), (2, 0.75), (2, 1.2), (2, T1), (3, 0.6), (3, 0.75), (3, 1.0)]
)
def test_dipolar_order_lives_t1d_and_zeeman_order_t1_and_lines_t2(n, t1d):
    record = acting(t1d, n)
    for i, j in combinations(range(n), 2):
        DO = dipolar_order(n, i, j)
        np.testing.assert_allclose(
            course(record, 0.5 * DO, DO, TIMES), 0.5 * np.trace(DO @ DO).real / 2**n * np.exp(-TIMES / t1d), atol=1e-12
        )
    for k in range(n):
        for letter, lifetime in (("X", T2), ("Y", T2), ("Z", T1)):
            operator = pauli_string(on_spin(n, k, letter))
            np.testing.assert_allclose(
                course(record, 0.5 * operator, operator, TIMES), 0.5 * np.exp(-TIMES / lifetime), atol=1e-12
            )


def test_dipolar_order_between_spins_of_different_t1():
    record = Noise((1.5, 2.5), (0.2, 0.21), (0.0, 0.0), (0.0, 0.0), t1d=0.8, dipolar_order="t1d")
    DO = dipolar_order(2, 0, 1)
    np.testing.assert_allclose(rate_of(record, DO), -DO / 0.8, atol=1e-13)


def test_without_t1d_dipolar_order_has_two_rates():
    """Independent spins: two thirds at 2/T1 (ZZ), one third at 2/T2 (XX + YY)."""
    DO = dipolar_order(2, 0, 1)
    found = course(noise(t1d=0.6), 0.5 * DO, DO, TIMES)
    weights = 2 / 3 * np.exp(-2 * TIMES / T1) + 1 / 3 * np.exp(-2 * TIMES / T2)
    np.testing.assert_allclose(found, found[0] * weights, atol=1e-12)


def test_t1d_beyond_a_third_of_t1_is_beyond_any_model():
    """Over all rates among T+, T0, T-, S that keep F_z at 1/T1 and dipolar order one exponential, the fastest is 3/T1."""
    fz, do = np.array([1.0, 0, -1, 0]), np.array([0.5, -1, 0.5, 0])
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]  # a -> b
    rows, right = [], []
    for a in range(4):
        rows.append([(fz[b] - fz[a]) * (x == a) for x, b in pairs] + [0.0])
        right.append(-fz[a] / T1)
        rows.append(
            [(do[b] - do[a]) * (x == a) for x, b in pairs] + [do[a]]
        )  # = -rate do[a], the rate is the last unknown
        right.append(0.0)
    best = linprog([0.0] * len(pairs) + [-1.0], A_eq=rows, b_eq=right, bounds=(0, None))
    assert -best.fun == pytest.approx(3 / T1)


def test_a_common_field_at_the_short_end_leaves_the_singlet_alone():
    singlet = nmrqb.spin.states.pure_state([0, 1, -1, 0])
    assert np.abs(rate_of(acting(T1 / 3), singlet)).max() < 1e-12
    isotropic = pauli_sum(["XX", "YY", "ZZ"], [1.0, 1, 1])
    g = 1 / 0.6 - 2 / T1
    np.testing.assert_allclose(rate_of(acting(0.6), isotropic), -2 * (1 / T1 - g) * isotropic, atol=1e-13)


@pytest.mark.parametrize("t1d", [0.6, 0.75, 1.3])
def test_terms_that_come_with_polarisation(t1d):
    P, g = 0.4, 1 / t1d - 2 / T1
    record = acting(t1d, polarisation=(P, P))
    DO, Z = dipolar_order(2, 0, 1), 2 * collective(2, "z")
    np.testing.assert_allclose(rate_of(record, DO), -(DO - P * Z / 4) / t1d, atol=1e-13)
    expected = -(pauli_string("ZI") - P * np.eye(4)) / T1 + g * P / 2 * pauli_sum(["XX", "YY"], [1.0, 1])
    np.testing.assert_allclose(rate_of(record, pauli_string("ZI")), expected, atol=1e-13)


@pytest.mark.parametrize(
    ("record", "edge", "beyond"),
    [
        (acting, (T1 / 3, T1), (0.499, 1.501)),
        (lambda t: acting(t, 3), (0.6, 1.0), (0.599, 1.001)),
        (lambda t: acting(t, t1=(1.5, 3.0), t2=(0.2, 0.2)), (0.75, 1.5), (0.749, 1.501)),
        (lambda t: acting(t, 4, groups=((0, 2), (1, 3))), (T1 / 3, T1), (0.499, 1.501)),
    ],
)
def test_t1d_has_a_range_that_is_named(record, edge, beyond):
    for t1d in edge:
        record(t1d)
    for t1d in beyond:
        allowed = rf"T1D must lie between {edge[0]:g} s and {edge[1]:g} s for spins .*, but is {t1d} s"
        with pytest.raises(ArgumentError, match=allowed):
            record(t1d)


@pytest.mark.parametrize("t1", [(1.0, 2.0, 100.0), (1.0, 100.0, 1000.0), (np.inf, np.inf)])
def test_t1d_without_any_range_is_refused(t1):
    n = len(t1)
    with pytest.raises(ArgumentError, match=r"T1D must be left on record: .*differ too much in T1.*but is 1\.1 s"):
        Noise(t1, (0.2,) * n, (0.0,) * n, (0.0,) * n, t1d=1.1, dipolar_order="t1d")


@pytest.mark.parametrize(("n", "t1d", "longest"), [(2, 0.6, 2.4), (3, 0.8, 12 / 7)])
def test_t2_must_leave_room_for_t1d(n, t1d, longest):
    acting(t1d, n, t2=(longest * 0.9999,) * n)
    with pytest.raises(ArgumentError, match=rf"T2 of spins .* at most {longest:g} s for dipolar order to live {t1d} s"):
        acting(t1d, n, t2=(longest * 1.001,) * n)
    with pytest.raises(
        ArgumentError, match=r"T2 of spins 0 and 1 must be short enough, and alike enough.*0\.2 s and 0\.01 s"
    ):
        Noise((1.5, 1.6), (0.2, 0.01), (0.0, 0.0), (0.0, 0.0), t1d=0.7, dipolar_order="t1d")


# ---- common dephasing, X-dephasing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("correlation", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n", [2, 3])
def test_common_dephasing_leaves_zero_quantum_order_and_keeps_t2(n, correlation):
    record = noise(n, dephasing_correlation=correlation)
    kappa = 1 / T2 - 1 / (2 * T1)
    rest = "I" * (n - 2)
    zero, double = (pauli_sum([f"XX{rest}", f"YY{rest}"], [1.0, sign]) for sign in (1, -1))
    np.testing.assert_allclose(rate_of(record, zero), -(1 / T1 + 2 * kappa * (1 - correlation)) * zero, atol=1e-12)
    np.testing.assert_allclose(rate_of(record, double), -(1 / T1 + 2 * kappa * (1 + correlation)) * double, atol=1e-12)
    for letter, lifetime in (("X", T2), ("Z", T1)):
        operator = pauli_string(on_spin(n, 1, letter))
        np.testing.assert_allclose(rate_of(record, operator), -operator / lifetime, atol=1e-12)


def test_fields_are_shared_within_a_group_only():
    record = noise(3, dephasing_correlation=1.0, groups=((0, 2), (1,)))
    assert record.longitudinal[0, 2] == pytest.approx(record.longitudinal[0, 0])
    assert record.longitudinal[0, 1] == record.longitudinal[1, 2] == 0


def test_x_dephasing_is_the_papers():
    still = {"t1": (np.inf, np.inf), "t2": (np.inf, np.inf)}
    own, common = noise(**still, x_dephasing=(0.3, 0.3)), noise(**still, x_dephasing_collective=0.3)
    np.testing.assert_allclose(dissipator(own.jump_operators()), dissipator(dephasing(2, 0.3, "x")), atol=1e-14)
    both = dissipator(dephasing(2, 0.3, "x", collective=True))
    np.testing.assert_allclose(dissipator(common.jump_operators()), both, atol=1e-14)
    for letter, decay in (("X", 0.0), ("Y", 0.6), ("Z", 0.6)):
        operator = pauli_string(on_spin(2, 0, letter))
        np.testing.assert_allclose(rate_of(own, operator), -decay * operator, atol=1e-14)


def test_collective_x_dephasing_has_one_coil_for_each_isotope():
    record = noise(3, t1=(np.inf,) * 3, t2=(np.inf,) * 3, x_dephasing_collective=0.5, groups=((0, 2), (1,)))
    X = [pauli_string(on_spin(3, k, "X")) for k in range(3)]
    expected = dissipator(np.sqrt(0.5) * np.array([X[0] + X[2], X[1]]))
    np.testing.assert_allclose(dissipator(record.jump_operators()), expected, atol=1e-13)


def test_a_record_of_spins_that_never_relax_has_no_jumps():
    assert noise(t1=(np.inf, np.inf), t2=(np.inf, np.inf)).jump_operators().shape == (0, 4, 4)


# ---- where it leads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        noise(polarisation=(0.4, -0.2)),
        noise(3, polarisation=(0.4, 1.0, 0.0), dephasing_correlation=0.6),
        acting(0.6, polarisation=(0.4, 0.4)),
        acting(1.4, polarisation=(1.0, 1.0)),
        acting(0.8, 3, polarisation=(0.7,) * 3),
    ],
)
def test_relaxation_leads_to_the_product_of_polarised_spins(record):
    end = nmrqb.spin.states.product_state(*(nmrqb.spin.states.polarised_state(P) for P in record.polarisation))
    generator = dissipator(record.jump_operators())
    assert np.abs(generator @ end.reshape(-1)).max() < 1e-14
    assert np.sum(np.linalg.svd(generator, compute_uv=False) < 1e-12) == 1  # and to nothing else


TERMS = (("XX", -1.0), ("YY", -1.0), ("ZZ", 2.0), ("ZI", 0.3), ("IZ", 0.3))


def bath(temperature, terms=TERMS, **change):
    return noise(
        fixed_point="hamiltonian", spin_temperature=temperature * hbar / Boltzmann, hamiltonian=terms, **change
    )


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_relaxation_leads_to_the_gibbs_state_of_the_battery(correlation):
    record = bath(3.0, dephasing_correlation=correlation)
    H = pauli_sum(*zip(*TERMS, strict=True))
    generator = dissipator(record.jump_operators())
    assert np.abs(generator @ nmrqb.gibbs_state(H, 3.0).reshape(-1)).max() < 1e-10
    assert np.sum(np.linalg.svd(generator, compute_uv=False) < 1e-9) == 1
    rho = nmrqb.lindblad(H, record.jump_operators(), nmrqb.spin.states.basis_state("+1"), [200.0])[0]
    np.testing.assert_allclose(rho, nmrqb.gibbs_state(H, 3.0), atol=1e-9)


def test_a_hot_bath_gives_back_t1_t2_and_t1d():
    """T2 of single spins where couplings are nothing, T1 and T1D also where they are not."""
    free = bath(1e9, (("ZI", 1e-3), ("IZ", 1e-3)))
    for letter, lifetime in (("X", T2), ("Z", T1)):
        operator = pauli_string(on_spin(2, 0, letter))
        np.testing.assert_allclose(rate_of(free, operator), -operator / lifetime, atol=1e-8)
    coupled = bath(1e9, t1d=0.6, dipolar_order="t1d")
    for operator, lifetime in ((collective(2, "z"), T1), (dipolar_order(2, 0, 1), 0.6)):
        np.testing.assert_allclose(rate_of(coupled, operator), -operator / lifetime, atol=1e-8)


# ---- positivity -----------------------------------------------------------------------------------------------------

LABELS = ("XI", "IX", "YI", "IY", "ZI", "IZ", "XX", "YY", "ZZ", "XY", "YX")


@st.composite
def records(draw):
    t1 = draw(st.floats(0.01, 10.0))
    how = {
        "t1": (t1, t1),
        "t2": (t1 * draw(st.floats(0.001, 0.5)),) * 2,
        "polarisation": (draw(st.floats(-1.0, 1.0)),) * 2,
        "readout": (0.0, 0.0),
        "x_dephasing": draw(st.just(()) | st.tuples(st.floats(0, 50.0), st.floats(0, 50.0))),
        "x_dephasing_collective": draw(st.just(0.0) | st.floats(0, 50.0)),
    }
    if draw(st.booleans()):
        how |= {"t1d": t1 * draw(st.floats(1 / 3, 1.0)), "dipolar_order": "t1d"}
    else:
        how |= {"dephasing_correlation": draw(st.floats(0.0, 1.0))}
    if draw(st.booleans()):
        temperature = draw(st.floats(0.05, 1e3)) * hbar / Boltzmann
        how |= {"fixed_point": "hamiltonian", "spin_temperature": temperature, "hamiltonian": TERMS}
    return Noise(**how)


@given(records(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_no_eigenvalue_is_ever_negative(record, seed):
    rng = np.random.default_rng(seed)
    slices = int(rng.integers(1, 5))
    angles = rng.normal(size=(slices, len(LABELS))) * rng.choice([0.0, 1.0, 20.0], size=(slices, 1))
    durations = rng.choice([0.0, 1e-5, 0.01, 1.0, 30.0], size=slices)
    marks = [Mark("observe", k, f"m{k}") for k in range(1, slices + 1)]
    if rng.random() < 0.5:
        marks.insert(1, Mark("crush", 1, groups=((0, 1),)))
    timeline = Timeline(LABELS, angles, durations, tuple(marks), tuple(range(slices)), record)
    psi = rng.normal(size=4) + 1j * rng.normal(size=4)
    rho = nmrqb.Exact().run(timeline, nmrqb.spin.states.pure_state(psi)).estimate
    assert np.linalg.eigvalsh(rho).min() > -1e-11
    np.testing.assert_allclose(np.trace(rho, axis1=-2, axis2=-1), 1, atol=1e-11)


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"t1": (1.0,)}, r"one entry per spin, but is of lengths \(1, 2, 2, 2\)"),
        (
            {"t1": (), "t2": (), "polarisation": (), "readout": ()},
            r"one entry per spin, but is of lengths \(0, 0, 0, 0\)",
        ),
        ({"groups": ((0,),)}, r"groups must hold each of the spins 0 to 1 once, but is \(\(0,\),\)"),
        ({"groups": ((0, 1), (1,))}, r"groups must hold each .* but is \(\(0, 1\), \(1,\)\)"),
        ({"dipolar_order": "T1D"}, r"dipolar order must be 'independent' or 't1d', but is 'T1D'"),
        ({"dipolar_order": "t1d"}, r"dipolar order must be .* but is 't1d' without a T1D"),
        (
            {"dipolar_order": "t1d", "t1d": 0.6, "groups": ((0,), (1,))},
            r"dipolar order must be 'independent', but is 't1d' where no two spins are alike",
        ),
        (
            {"dipolar_order": "t1d", "t1d": 0.6, "dephasing_correlation": 0.1},
            r"dephasing correlation must be left out where T1D acts, which decides it, but is 0\.1",
        ),
        (
            {"dipolar_order": "t1d", "t1d": 0.6, "polarisation": (0.1, 0.2)},
            r"polarisation must be equal for like spins where T1D acts, but is 0\.1, 0\.2",
        ),
        ({"dephasing_correlation": -0.01}, r"dephasing correlation must lie between 0 and 1, but is -0\.01"),
        ({"dephasing_correlation": 1.01}, r"dephasing correlation must lie between 0 and 1, but is 1\.01"),
        ({"dephasing_correlation": np.nan}, "dephasing correlation must lie between 0 and 1, but is nan"),
        ({"x_dephasing": (1.0,)}, "X-dephasing must have one rate for each of 2 spins, but is of length 1"),
        ({"x_dephasing": (1.0, -0.1)}, r"X-dephasing of spin 1 must be zero or above, and finite, but is -0\.1 /s"),
        ({"x_dephasing": (np.inf, 0.0)}, "X-dephasing of spin 0 must be zero or above, and finite, but is inf /s"),
        ({"x_dephasing_collective": -1.0}, r"collective X-dephasing must be zero or above.*is -1\.0 /s"),
        ({"x_dephasing_collective": np.nan}, "collective X-dephasing must be zero or above.*is nan /s"),
        ({"fixed_point": "gibbs"}, "fixed point must be 'zeeman' or 'hamiltonian', but is 'gibbs'"),
        ({"fixed_point": "hamiltonian"}, "spin temperature must be given for fixed point 'hamiltonian'.*is not given"),
        ({"spin_temperature": 1.0}, r"spin temperature must be given .* only for it, but is 1\.0 K"),
        ({"fixed_point": "hamiltonian", "spin_temperature": 0.0}, r"spin temperature must be above zero.*is 0\.0 K"),
        ({"fixed_point": "hamiltonian", "spin_temperature": 1.0}, "hamiltonian must have terms.*but is empty"),
        (
            {"fixed_point": "hamiltonian", "spin_temperature": 1.0, "hamiltonian": (("Z", 1.0),)},
            r"hamiltonian must name Pauli strings of 2 spins .*'Z': 1\.0",
        ),
        (
            {"fixed_point": "hamiltonian", "spin_temperature": 1.0, "hamiltonian": (("ZZ", np.inf),)},
            "hamiltonian must name Pauli strings .*'ZZ': inf",
        ),
    ],
)
def test_impossible_records_are_refused(change, match):
    noise(dephasing_correlation=1.0, x_dephasing=(0.0, 1.0), groups=((1, 0),))  # the near side of these boundaries
    with pytest.raises(ArgumentError, match=match):
        noise(**change)


def test_the_zeeman_record_has_no_spin_temperature():
    with pytest.raises(ArgumentError, match=r"fixed point must be 'hamiltonian'.*is 'zeeman'"):
        _ = noise().spin_temperature_rate


SAMPLE = """title = "a pair"
spins = ["1H", "1H"]
polarisation = 0.1
offsets = ["10 Hz", "10 Hz"]
[[couplings]]
between = [0, 1]
dipolar = "1 kHz"
[rf]
pulse_90 = "5 us"
limit = "60 kHz"
"""
RELAXATION = '[relaxation]\nT1 = "1.5 s"\nT2 = "200 ms"\n'


def parsed(tmp_path, text):
    path = tmp_path / "sample.toml"
    path.write_text(SAMPLE + text)
    return nmrqb.Sample.load(path)


def test_a_sample_file_says_it_all(tmp_path):
    text = RELAXATION + 'T1D = "600 ms"\ndipolar_order = "T1D"\n[noise]\nx_dephasing = ["20 Hz", "1/(100 ms)"]\n'
    record = parsed(tmp_path, text + 'x_dephasing_collective = "3 Hz"\n').noise
    assert (record.t1, record.t2, record.t1d, record.dipolar_order) == ((1.5, 1.5), (0.2, 0.2), 0.6, "t1d")
    assert record.x_dephasing == pytest.approx((20.0, 10.0))
    assert (record.x_dephasing_collective, record.groups) == (3.0, ((0, 1),))
    assert parsed(tmp_path, RELAXATION + "dephasing_correlation = 0.5\n").noise.dephasing_correlation == 0.5


def test_t1d_stays_on_record_until_it_is_said_to_act(tmp_path):
    for sample in (nmrqb.Sample.load("nematic-pair"), parsed(tmp_path, RELAXATION + 'T1D = "1 ms"\n')):
        alone = Noise(sample.noise.t1, sample.noise.t2, sample.noise.polarisation, sample.noise.readout)
        np.testing.assert_array_equal(sample.noise.jump_operators(), alone.jump_operators())


def test_a_sample_may_be_driven_without_relaxing(tmp_path):
    record = parsed(tmp_path, '[noise]\nx_dephasing = "20 Hz"\n').noise
    assert record.t1 == record.t2 == (np.inf, np.inf)
    assert record.x_dephasing == (20.0, 20.0)


def test_a_sample_can_relax_to_its_own_gibbs_state(tmp_path):
    sample = parsed(tmp_path, RELAXATION + 'fixed_point = "hamiltonian"\nspin_temperature = "100 nK"\n')
    H, T = sample.hamiltonian(), Boltzmann * 100e-9 / hbar
    generator = dissipator(sample.noise.jump_operators())
    assert np.abs(generator @ nmrqb.gibbs_state(H, T).reshape(-1)).max() < 1e-6 * np.abs(generator).max()
    loud = sample.amplified(0.5)
    assert loud.noise.hamiltonian == sample.noise.hamiltonian


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (RELAXATION + 'T1D = "400 ms"\ndipolar_order = "T1D"\n', "line 14: relaxation.T1D: found 0.4 s; it must lie between 0.5 s and 1.5 s"),
        (RELAXATION + 'T1D = "0 s"\n', "line 14: relaxation.T1D: found '0 s'; it must be above 0"),
        (RELAXATION + 'dipolar_order = "T1D"\n', "line 14: relaxation.dipolar_order: found 't1d' without a T1D"),
        (RELAXATION + 'dipolar_order = "yes"\n', "line 14: relaxation.dipolar_order: found 'yes'; it must be 'independent' or 'T1D'"),
        (RELAXATION + "dephasing_correlation = 1.5\n", "line 14: relaxation.dephasing_correlation: found 1.5; it must be at most 1"),
        (RELAXATION + "dephasing_correlation = -0.5\n", "line 14: relaxation.dephasing_correlation: found -0.5; it must be 0 or more"),
        (
            RELAXATION + 'T1D = "1 s"\ndipolar_order = "T1D"\ndephasing_correlation = 0.5\n',
            "line 16: relaxation.dephasing_correlation: found 0.5; it must be left out where T1D acts",
        ),
        (RELAXATION + 'fixed_point = "gibbs"\n', "line 14: relaxation.fixed_point: found 'gibbs'; it must be 'zeeman' or 'hamiltonian'"),
        (RELAXATION + 'fixed_point = "hamiltonian"\n', "relaxation.spin_temperature: found not given; it must be given"),
        (RELAXATION + 'spin_temperature = "1 uK"\n', "line 14: relaxation.spin_temperature: found 1e-06 K"),
        (RELAXATION + 'spin_temperature = "1 kHz"\n', "line 14: relaxation.spin_temperature: found a frequency"),
        ('[noise]\nx_dephasing = "-1 Hz"\n', "line 12: noise.x_dephasing: found -1.0 /s; it must be zero or above"),
        ('[noise]\nx_dephasing = ["1 Hz"]\n', "line 12: noise.x_dephasing: found of length 1; it must have one rate for each of 2"),
        ('[noise]\nx_dephasing = "1 ms"\n', "line 12: noise.x_dephasing: found a time"),
        ('[noise]\nx_dephasing_collective = "-1 Hz"\n', "line 12: noise.x_dephasing_collective: found -1.0 /s"),
        ("[noise]\nx = 1\n", "line 12: noise.x: unknown key 'x'"),
    ],
)  # fmt: skip
def test_sample_files_are_refused_with_line_and_value(tmp_path, text, match):
    with pytest.raises(InputError, match=re.escape(match)):
        parsed(tmp_path, text)
