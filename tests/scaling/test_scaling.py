"""Charging against the number of spins: exponents known beforehand, closed forms, bounds that hold, and refusals."""

import tracemalloc

import numpy as np
import pytest

from nmrqb import Battery, Exact, metrics
from nmrqb.battery import Cluster
from nmrqb.errors import ArgumentError
from nmrqb.scaling import Charger, best_average_power, cavity_peak, charger, charging_timeline, exponent, resources
from nmrqb.scaling.chargers import operator_norm
from nmrqb.scaling.paper_protocol import ceiling, local_charge, on_graph
from nmrqb.scaling.studies import against_couplings, paper_protocol, power_against_size, superabsorption
from nmrqb.scaling.tables import coupling_rows, power_rows, protocol_rows, superabsorption_rows
from nmrqb.spin.masks import PauliSum
from nmrqb.spin.states import basis_state, partial_trace, pure_state

SIZES = (5, 6, 7, 8, 9, 10)
SINE = 0.7246113537767085  # the maximum of sin^2(t)/t, where tan t = 2t


@pytest.fixture(scope="module")
def study():
    return power_against_size(SIZES)


def test_the_sine_is_right():
    t = np.linspace(1.16, 1.17, 100001)
    assert pytest.approx(np.max(np.sin(t) ** 2 / t), abs=1e-10) == SINE


@pytest.mark.parametrize(
    "name, scaling, value",
    [
        ("parallel", "raw", 1.00),
        ("parallel", "norm", 1.00),
        ("collective", "norm", 2.00),
        ("neighbours", "raw", 1.09),
        ("neighbours", "norm", 0.97),
        ("dipolar", "raw", 1.10),
        ("dipolar", "norm", 0.95),
        ("complete", "raw", 1.80),
        ("complete", "norm", 0.69),
        ("complete", "kac", 0.81),
    ],
)
def test_exponents(study, name, scaling, value):
    """Fits over 5 to 10 spins, from an independent program that diagonalised dense matrices."""
    assert float(study.exponent.sel(charger=name, scaling=scaling)) == pytest.approx(value, abs=0.0056)


def test_powers_at_ten_spins(study):
    at = study.power.sel(n=10, scaling="norm")
    assert float(at.sel(charger="parallel")) == pytest.approx(10 * SINE, rel=1e-9)
    assert float(at.sel(charger="collective")) == pytest.approx(100 * SINE, rel=1e-9)
    assert float(at.sel(charger="neighbours")) == pytest.approx(13.16, abs=0.005)


def test_no_power_exceeds_its_bounds(study):
    known = study.power.notnull()
    assert bool((study.power <= study.speed * (1 + 1e-8)).where(known, True).all())
    assert bool((study.speed <= study.ceiling * (1 + 1e-8)).where(known, True).all())
    # parallel and collective X run at the speed limit all the way
    np.testing.assert_allclose(study.power.sel(scaling="norm")[:2], study.speed.sel(scaling="norm")[:2], rtol=1e-9)
    # pairs can at best double what single spins do at equal norm, and so they are never super-extensive
    pairs = study.power.sel(scaling="norm", charger=["neighbours", "dipolar", "complete"])
    assert bool((pairs < 2 * study.n).all())


def test_two_spins_by_hand():
    # (XX - YY)/2 turns |00> into |11> at rate one: E = 2 sin^2 t
    peak = best_average_power(charger("neighbours", 2))
    assert peak.power == pytest.approx(2 * SINE, rel=1e-9)
    assert peak.time == pytest.approx(1.16556118520, abs=1e-7)
    # with a field B the pair is a spin with splitting 4B: E = 2 sin^2(w t)/w^2, w^2 = 1 + 4 B^2
    w = np.sqrt(1 + 4 * 0.7**2)
    detuned = best_average_power(charger("neighbours", 2, field=0.7))
    assert detuned.power == pytest.approx(2 * SINE / w, rel=1e-9)


def test_norms_are_those_of_matrices():
    for name in ("parallel", "collective", "neighbours", "dipolar", "complete"):
        made = charger(name, 6)
        assert made.norm == pytest.approx(np.linalg.norm(made.H.dense(), 2), rel=1e-12)
        assert charger(name, 6, "norm").norm == 6
    H = charger("dipolar", 9, field=0.3, axial=0.5).H
    assert operator_norm(H) == pytest.approx(np.abs(np.linalg.eigvalsh(H.dense())).max(), rel=1e-10)


def test_superabsorption_and_what_remains():
    data = superabsorption((20, 50, 100, 200, 400))
    found = data.exponent.values
    np.testing.assert_allclose(found, [1.5, 1.0, 1.0, 1.0], atol=0.01)  # fixed g, g/sqrt n, equal norm, a mode each
    advantage = data.power / data.power.sel(fixed="parallel")
    assert float(advantage.sel(fixed="coupling", n=400)) > 15
    assert 0.7 < float(advantage.sel(fixed="density", n=400)) < 0.9
    assert 1.0 < float(advantage.sel(fixed="norm", n=400)) < 1.1
    assert bool((data.power <= data.speed * (1 + 1e-8)).all())
    # one spin and one photon: a Rabi oscillation
    assert cavity_peak(1, g=2.0).power == pytest.approx(2 * SINE, rel=1e-9)
    # many photons: each spin sees a classical field g sqrt(photons)
    assert cavity_peak(3, photons=40000).power == pytest.approx(3 * SINE * 200, rel=1e-3)


def test_the_papers_protocol():
    data = paper_protocol(Battery(axial=1.0, rhombic=0.5), 1.0, (4, 5, 6, 7))
    fits = dict(zip(data.graph.values.tolist(), data.exponent.values.tolist(), strict=True))
    assert fits["neighbours"] == pytest.approx(1.19, abs=0.006)
    assert fits["dipolar"] == pytest.approx(1.25, abs=0.006)
    assert 1.0 <= fits["star"] <= 1.4
    assert fits["complete"] == pytest.approx(2.2, abs=0.05)
    assert bool((data.energy <= data.ceiling + 1e-12).all())
    # increments for each further bond are constant: the excess over 1 is the open ends
    steps = np.diff(data.power.sel(graph="neighbours").values)
    assert np.ptp(steps[1:]) < 0.07 * steps.mean()
    # for each unit of band width nothing is super-extensive: local X has no advantage to offer
    each = [exponent(data.n, (data.power / data.width).sel(graph=graph)).value for graph in data.graph.values]
    assert all(-0.5 <= value <= 0.4 for value in each)
    # all to all at strength 1/(n-1)
    small = [
        local_charge(Cluster.complete(n, Battery(axial=1 / (n - 1), rhombic=0.5 / (n - 1))), 1.0).power
        for n in (4, 5, 6, 7)
    ]
    assert 0.2 < exponent((4, 5, 6, 7), small).value < 0.9


def test_two_spins_are_the_papers_example():
    battery = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
    cluster = on_graph("dipolar", 2, battery)
    assert ceiling(cluster, 1.0).value == pytest.approx(2.113, abs=5e-4)
    from nmrqb.battery import charge

    phi = np.linspace(0.3, 1.2, 200001)
    curve = charge(battery.hamiltonian(), battery.gibbs_state(1.0), phi)
    assert local_charge(cluster, 1.0).power == pytest.approx(np.max(curve.stored_energy / phi), rel=1e-6)


def test_field_and_axial_coupling_cost_power():
    data = against_couplings(4, ("neighbours", "complete"), (-1.0, -0.3, 0.0, 0.3, 1.0))
    np.testing.assert_allclose(data.power, data.power[..., ::-1], rtol=1e-8)  # neither's sign matters
    assert bool((data.power.diff("ratio").isel(ratio=slice(0, 2)) > 0).all())
    assert bool((data.norm >= data.norm.sel(ratio=0.0) - 1e-12).all())
    assert len(coupling_rows(data)) == 5


def test_fits():
    n = np.array([3.0, 5, 8, 13])
    made = exponent(n, 0.4 * n**1.7)
    assert made.value == pytest.approx(1.7)
    assert made.factor == pytest.approx(0.4)
    assert made.error == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(0)
    fits = [exponent(n, n**1.2 * np.exp(rng.normal(0, 0.05, 4))) for _ in range(2000)]
    scatter = np.std([f.value for f in fits])
    assert np.sqrt(np.mean([f.error**2 for f in fits])) == pytest.approx(scatter, rel=0.08)


def test_tables_name_all_curves(study):
    rows = power_rows(study)
    assert len(rows) == 1 + 13
    assert {len(row) for row in rows} == {8}
    assert rows[1][2] == "1.000 +- 0.000"
    assert len(superabsorption_rows(superabsorption((5, 10, 20)))) == 5
    assert len(protocol_rows(paper_protocol(Battery(axial=1.0), 1.0, (2, 3, 4)))) == 6


def test_engines_take_the_timeline():
    drive = charger("complete", 3).H
    timeline = charging_timeline(drive, [0.0, 0.4])
    rho = Exact().run(timeline, basis_state("000")).estimate[:, 0]
    down = np.bitwise_count(np.arange(8))
    # three spins: |000> couples to the symmetric state of two flipped, by sqrt 3
    np.testing.assert_allclose(
        np.einsum("tii,i->t", rho, down).real, [0, 2 * np.sin(np.sqrt(3) * 0.4) ** 2], atol=1e-12
    )


@pytest.mark.parametrize("n", [4, 8])
def test_resources_along_a_charge(n):
    drive, H = charger("dipolar", n).H, Cluster.chain(n, Battery(axial=0.3, zeeman=-0.5)).pauli_sum()
    t = np.linspace(0.05, 1.5, 7)
    found = resources(drive, H, t)
    M, K = H.dense(), drive.dense()
    levels, V = np.linalg.eigh(K)
    psi = np.einsum("ij,tj,j->ti", V, np.exp(-1j * t[:, None] * levels), V[0].conj())
    rho = pure_state(psi)
    start = pure_state(np.eye(2**n)[0])
    np.testing.assert_allclose(found.stored_energy, metrics.stored_energy(rho, start, M), atol=1e-10)
    np.testing.assert_allclose(
        found.ergotropy, np.einsum("tij,ji->t", rho, M).real - np.linalg.eigvalsh(M)[0], atol=1e-9
    )
    rate = np.einsum("ij,tjk,ki->t", M, -1j * (K @ rho - rho @ K), np.eye(2**n), optimize=True).real
    np.testing.assert_allclose(found.power, rate, atol=1e-10)
    np.testing.assert_allclose(found.l1_coherence, metrics.l1_coherence(rho, check=False), atol=1e-9)
    np.testing.assert_allclose(found.intensity.sum("order"), 1, atol=1e-10)
    assert float(found.intensity.sel(order=1).max()) == pytest.approx(0, abs=1e-20)  # pairs alone are flipped
    reduced = partial_trace(rho, range(n // 2))
    np.testing.assert_allclose(found.renyi2, -np.log2(metrics.purity(reduced)), atol=1e-9)


def test_states_that_do_not_fit_are_refused_before_they_are_made():
    pair = PauliSum.from_labels(["XX" + "I" * 60], [0.5])
    tracemalloc.start()
    try:
        for call in (lambda: resources(pair, pair, [0.1]), lambda: best_average_power(Charger(pair, 2, 0.5))):
            with pytest.raises(ArgumentError, match=r"TB or more for 1 state.* of 62 spins"):
                call()
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: charger("magic", 4), "charger must be one of parallel, .*but is 'magic'"),
        (lambda: charger("parallel", 4, "kac"), "scaling must be raw or norm for parallel, .*but is 'kac'"),
        (lambda: charger("dipolar", 4, "fair"), "scaling must be one of raw, norm, kac, but is 'fair'"),
        (lambda: charger("dipolar", 1), "n must be a whole number of spins, 2 or more, but is 1"),
        (lambda: charger("collective", 4, axial=0.1), "axial must be zero for collective, .*but is 0.1"),
        (lambda: charger("neighbours", 40), "memory must be .* for the norm of a Hamiltonian of 40 spins"),
        (lambda: best_average_power(charger("neighbours", 4), limit=100.0), "memory must be"),
        (lambda: exponent([1, 2], [1, 2]), "n must hold three numbers or more"),
        (lambda: exponent([2, 2, 2], [1, 2, 3]), "n must hold different numbers, but is always 2"),
        (lambda: exponent([1, 2, 3], [1, 0, 3]), "y must be above zero, but is 0"),
        (lambda: cavity_peak(0), "n must be a whole number of spins, 1 or more, but is 0"),
        (lambda: cavity_peak(3, "size"), "fixed must be one of coupling, density, norm, but is 'size'"),
        (lambda: cavity_peak(3, photons=0), "photons must be a whole number, 1 or more, but is 0"),
        (lambda: on_graph("tree", 3, Battery()), "graph must be one of neighbours, .*but is 'tree'"),
        (lambda: resources(charger("parallel", 2).H, charger("parallel", 3).H, [0.1]), "H must act on the 2 spins"),
        (
            lambda: resources(charger("parallel", 2).H, charger("parallel", 2).H, [0.1], start=4),
            "start must be a basis state, 0 to 3, but is 4",
        ),
        (lambda: charging_timeline(charger("parallel", 2).H, [-0.1]), "times must be zero or above, but is -0.1"),
        (
            lambda: charging_timeline(charger("parallel", 2).H, 0.1),
            r"times must have shape \(T,\), but is of shape \(\)",
        ),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()
