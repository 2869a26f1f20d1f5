"""Readouts of NMR tomography: what AX and A2 spin systems show, which sets are complete, and what stays dark."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import collective, pauli_labels, pauli_string
from nmrqb.spin.propagation import unitary
from nmrqb.tomography import (
    Readout,
    best_sets,
    default_readouts,
    readout_candidates,
    readout_map,
    readout_report,
    resolved_lines,
)
from nmrqb.tomography.nmr_map import coefficients, state_of

AX, A2 = ((0,), (1,)), ((0, 1),)
SEEDS = st.integers(0, 2**32 - 1)
NINE = ("II", "IX", "IY", "XI", "XX", "XY", "YI", "YX", "YY")


def ax(coupling=215.0, offsets=(40.0, -70.0)):
    """Two spins with a coupling J Iz Iz, as 1H and 13C of chloroform."""
    z = [pauli_string("ZI"), pauli_string("IZ")]
    return np.pi / 2 * coupling * z[0] @ z[1] + np.pi * (offsets[0] * z[0] + offsets[1] * z[1])


def dipolar(d=1000.0, offset=0.0):
    """d (3 Iz Iz - I.I) of a like pair."""
    xx, yy, zz, z = (pauli_string("XX"), pauli_string("YY"), pauli_string("ZZ"), collective(2, "z"))
    return 2 * np.pi * (d / 4 * (2 * zz - xx - yy) + offset * z)


@cache
def doublets(detect=None, resolution=0.0):
    return resolved_lines(ax(), AX, detect=detect, resolution=resolution)


@cache
def pake():
    return resolved_lines(dipolar(), A2)


def random_hermitian(rng, d):
    a = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    return a + a.conj().T


# --- lines


def test_the_lines_of_a_doublet_and_of_a_dipolar_pair():
    lines = doublets()
    assert lines.channels == (0, 0, 1, 1)
    np.testing.assert_allclose(lines.frequencies, [40 - 107.5, 40 + 107.5, -70 - 107.5, -70 + 107.5])
    np.testing.assert_allclose(pake().frequencies, [-1500, 1500])  # the splitting is 3 d/2pi


def test_the_ab_quartet_has_its_text_book_frequencies_and_intensities():
    """J = 10 Hz, shift difference 10 Hz: +-2.07107, +-12.07107 Hz, inner : outer = 3 + 2 sqrt 2."""
    dot = sum(pauli_string(p + p) for p in "XYZ") / 4
    H = 2 * np.pi * (5 * (pauli_string("ZI") - pauli_string("IZ")) / 2 + 10 * dot)
    lines = resolved_lines(H, A2)
    np.testing.assert_allclose(lines.frequencies, [-12.07107, -2.07107, 2.07107, 12.07107], atol=1e-5)
    rho = np.eye(4) / 4 + collective(2, "x") / 4
    strength = np.einsum("lij,ji->l", lines.operators, rho).real
    np.testing.assert_allclose(strength[[1, 2]] / strength[[0, 3]], 5.8284, atol=1e-4)


@given(SEEDS, st.sampled_from([AX, A2, ((0, 2), (1,)), ((0,), (1,), (2,))]))
def test_lines_and_frequencies_make_the_signal(seed, groups):
    """sum of amplitude x exp(2 pi i nu t) is Tr[rho(t) (X + iY)] of each channel, for any Hamiltonian."""
    n = sum(map(len, groups))
    rng = np.random.default_rng(seed)
    H, rho = random_hermitian(rng, 2**n), random_hermitian(rng, 2**n)
    lines = resolved_lines(H, groups)
    amplitudes = np.einsum("lij,ji->l", lines.operators, rho)
    for t in (0.0, 0.7):
        U = unitary(H * t)
        for channel, group in enumerate(groups):
            seen = 2 * np.trace(U @ rho @ U.conj().T @ (collective(n, "x", group) + 1j * collective(n, "y", group)))
            mine = np.array(lines.channels) == channel
            assert np.sum(amplitudes[mine] * np.exp(2j * np.pi * lines.frequencies[mine] * t)) == pytest.approx(seen)


def test_lines_nearer_than_the_resolution_are_one():
    assert doublets(resolution=214.0).frequencies.size == 4
    np.testing.assert_allclose(doublets(resolution=216.0).frequencies, [40, -70], atol=1e-9)


# --- rank and condition: AX


@cache
def sets(size):
    return best_sets(doublets(), NINE, size)


def test_fewer_than_four_readouts_are_never_complete_and_81_sets_of_four_are():
    assert [max(m.rank for m in sets(size)) for size in (1, 2, 3)] == [8, 12, 14]
    complete = [m for m in sets(4) if m.complete]
    assert len(sets(4)) == 126
    assert len(complete) == 81
    assert sets(4)[:81] == tuple(complete)  # the best come first
    spreads = [m.spread for m in complete]
    np.testing.assert_allclose(spreads, sorted(spreads), rtol=1e-9)


def test_the_default_set_is_among_the_best():
    default = readout_map(doublets(), default_readouts(AX))
    assert [r.name for r in default.readouts] == ["II", "IX", "IY", "XX"]
    assert default.rank == 15
    assert default.condition == pytest.approx(2.0)
    assert default.spread == pytest.approx(2.07, abs=5e-3)
    assert default.spread == pytest.approx(sets(4)[0].spread)


def test_all_nine():
    (everything,) = sets(9)
    assert everything.condition == pytest.approx(np.sqrt(1.5))  # 1.22
    assert everything.spread == pytest.approx(1.275, abs=5e-4)


def test_a_set_without_mixed_readouts_misses_one_parameter():
    m = readout_map(doublets(), ["II", "XX", "YY", "XY"])
    assert (m.rank, m.complete) == (14, False)
    assert readout_report(m).null_space == ("ZZ",)


def test_one_nucleus_alone_never_sees_the_other():
    m = readout_map(doublets((0,)), NINE)
    assert m.rank == 12
    assert readout_report(m).null_space == ("IX", "IY", "IZ")


def test_unresolved_doublets_leave_the_vectors():
    decoupled = resolved_lines(ax(coupling=0.0), AX)
    for lines in (decoupled, doublets(resolution=300.0)):
        m = readout_map(lines, NINE)
        assert m.rank == 6
        assert set(readout_report(m).null_space) == {a + b for a in "XYZ" for b in "XYZ"}


# --- rank and condition: A2


@pytest.mark.parametrize(
    "names, rank, condition",
    [
        (["0", "45x", "45y"], 8, 2.36),
        (["0", "45x", "45y", "45-x", "45-y"], 8, 2.0),
        (["0", "90x", "90y", "90-x", "90-y"], 6, None),
    ],
)
def test_collective_readouts_of_a_pair(names, rank, condition):
    m = readout_map(pake(), names)
    assert (m.rank, m.parameters) == (rank, 15)
    if condition:
        assert m.condition == pytest.approx(condition, abs=5e-3)


def test_two_collective_readouts_never_suffice_and_nothing_sees_more_than_eight():
    everything = readout_candidates(A2)
    assert best_sets(pake(), everything, 2)[0].rank == 7
    assert best_sets(pake(), everything, 3)[0].rank == 8
    assert readout_map(pake(), everything).rank == 8


def test_the_null_space_of_a_pair_is_named():
    report = readout_report(readout_map(pake(), default_readouts(A2)))
    named = ("IX - XI", "IY - YI", "IZ - ZI", "XX + YY + ZZ", "XY - YX", "XZ - ZX", "YZ - ZY")
    assert report.null_space == named
    for word in ("Zeeman", "single-quantum", "dipolar order", "DQx", "DQy"):
        assert any(word in name for name in report.seen), word
    for word in ("singlet/triplet ratio", "Moriya", "Iz1 - Iz2", "singlet-triplet coherences"):
        assert any(word in name for name in report.unseen), word
    shares = dict(report.partly)
    assert shares["ZZ alone"] == pytest.approx(np.sqrt(1 / 3))  # 58 %
    assert shares["XX + YY alone"] == pytest.approx(np.sqrt(2 / 3))
    assert "NOT determined" in str(report)
    assert "58%" in str(report)


def test_the_energy_of_the_battery_is_seen_unless_it_has_a_dm_term():
    m = readout_map(pake(), default_readouts(A2))
    couplings = {"axial": 1, "rhombic": 0.25, "ksea": 0.15, "zeeman": 0.4}
    assert m.unseen_share(nmrqb.Battery(**couplings).hamiltonian()) < 1e-7
    assert m.unseen_share(nmrqb.Battery(**couplings, dm=0.3).hamiltonian()) > 0.1
    with pytest.raises(ArgumentError, match="proportional to the identity"):
        m.unseen_share(np.eye(4))


def test_more_spins_are_the_same_construction():
    """Three unlike spins, all coupled: all 27 readouts of all three nuclei are complete, one nucleus is not."""
    z = [pauli_string("I" * k + "Z" + "I" * (2 - k)) for k in range(3)]
    H = np.pi / 2 * (100 * z[0] @ z[1] + 37 * z[0] @ z[2] + 11 * z[1] @ z[2])
    groups = ((0,), (1,), (2,))
    assert readout_map(resolved_lines(H, groups), readout_candidates(groups)).complete
    assert readout_map(resolved_lines(H, groups, detect=(0,)), readout_candidates(groups)).rank == 48


def test_long_null_spaces_are_cut_in_print_only():
    report = readout_report(readout_map(resolved_lines(pauli_string("ZZZ"), ((0, 1, 2),)), ["0", "90x"]))
    assert len(report.null_space) == 63 - report.rank > 12
    assert f"and {63 - report.rank - 12} more" in " ".join(str(report).split())


# --- the map is the physics


@given(SEEDS, st.sampled_from([(AX, "XY"), (A2, "45-y"), (((1,), (0,)), "45x 90-y")]))
def test_the_matrix_is_the_pulse_followed_by_the_lines(seed, case):
    groups, name = case
    rng = np.random.default_rng(seed)
    H, rho = random_hermitian(rng, 4), state_of(rng.normal(size=15))
    m = readout_map(resolved_lines(H, groups), [name])
    readout = Readout.parse(name, len(groups))
    U = np.eye(4)
    for flip, phase, group in zip(readout.flips, readout.phases, groups, strict=True):
        F = np.cos(phase) * collective(2, "x", group) + np.sin(phase) * collective(2, "y", group)
        U = unitary(flip * F) @ U
    amplitudes = np.einsum("lij,ji->l", m.lines.operators, U @ rho @ U.conj().T)
    both = np.concatenate([amplitudes.real, amplitudes.imag])
    np.testing.assert_allclose(m.matrix @ coefficients(rho), both, atol=1e-10)


@given(SEEDS)
def test_coefficients_and_states_are_one(seed):
    x = np.random.default_rng(seed).normal(size=(3, 63))
    rho = state_of(x)
    np.testing.assert_allclose(coefficients(rho), x, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(rho - np.eye(8) / 8, axis=(-2, -1)), np.linalg.norm(x, axis=-1))
    k = 1 + pauli_labels(3)[1:].index("XYZ")
    expected = np.einsum("ij,...ji->...", pauli_string("XYZ"), rho).real / np.sqrt(8)
    np.testing.assert_allclose(x[:, k - 1], expected, atol=1e-12)


def test_signs_of_a_readout():
    """90 degrees about x takes Iz to -Iy, about y to Ix."""
    lines = resolved_lines(pauli_string("Z"), ((0,),))
    up = coefficients(np.diag([1.0, 0]))
    np.testing.assert_allclose(readout_map(lines, ["X"]).matrix @ up, [0, -1], atol=1e-15)
    np.testing.assert_allclose(readout_map(lines, ["Y"]).matrix @ up, [1, 0], atol=1e-15)


# --- what is refused


@pytest.mark.parametrize("text", ["45", "45z", "A", "4 5x y", "", "x90"])
def test_a_readout_that_is_none(text):
    with pytest.raises(ArgumentError, match="readout"):
        Readout.parse(text, 1)


@pytest.mark.parametrize("text, channels", [("IX", 1), ("IX", 3), ("45y", 2), ("0 0 0", 2)])
def test_a_readout_for_other_channels(text, channels):
    with pytest.raises(ArgumentError, match=f"one pulse for each of {channels} channels, but is '{text}'"):
        Readout.parse(text, channels)


@pytest.mark.parametrize("text, channels", [("IX", 2), ("I X", 2), ("45y", 1), ("0 90-x 22.5y", 3), ("X", 1)])
def test_readouts_that_are(text, channels):
    assert len(Readout.parse(text, channels).flips) == channels


def test_other_refusals():
    with pytest.raises(ArgumentError, match=r"\(2,\)"):
        resolved_lines(ax(), AX, detect=(2,))
    with pytest.raises(ArgumentError, match=r"\(0, 0\)"):
        resolved_lines(ax(), AX, detect=(0, 0))
    with pytest.raises(ArgumentError, match=r"groups .* \(\(0,\), \(2,\)\)"):
        resolved_lines(ax(), ((0,), (2,)))
    with pytest.raises(ArgumentError, match="-1"):
        resolved_lines(ax(), AX, resolution=-1)
    with pytest.raises(ArgumentError, match=r"size .* 10"):
        best_sets(doublets(), NINE, 10)
    with pytest.raises(ArgumentError, match=r"size .* 0"):
        best_sets(doublets(), NINE, 0)
    with pytest.raises(ArgumentError, match="at least one"):
        readout_map(doublets(), [])
    with pytest.raises(ArgumentError, match="'45x' with 1"):
        readout_map(doublets(), [Readout.parse("45x", 1)])


def test_a_search_beyond_its_limit_is_refused():
    names = [f"{angle}x" for angle in range(1, 101)]
    with pytest.raises(ArgumentError, match="3921225 sets"):
        best_sets(pake(), names, 4)
