"""Every kernel on a batch equals the same kernel called for each member, with leading axes that broadcast."""

from functools import partial

import numpy as np
import pytest
from metric_samples import random_hermitian, random_states, random_unitaries, random_x_states

from nmrqb import metrics
from nmrqb.spin import noise, propagation, states
from nmrqb.spin.operators import collective

RNG = np.random.default_rng(7)
TIMES = np.array([0.0, 0.4, 0.9, 3.0])
# X states and others in one batch, so that both kinds of kernel serve it.
RHO = np.concatenate([random_states(RNG, 2), random_x_states(RNG, 1)])[:, None]  # (3, 1, 4, 4)
SIGMA = random_states(RNG, 3)[:, None]
H = random_hermitian(RNG, 2)  # (2, 4, 4), so that results are (3, 2)
V = random_unitaries(RNG, 2)
JUMPS = RNG.normal(size=(2, 3, 4, 4)) + 1j * RNG.normal(size=(2, 3, 4, 4))
RATE, T, P = np.array([0.1, 0.5]), np.array([0.3, 2.0]), np.array([0.9, -0.2])
L = propagation.liouvillian(H, JUMPS)
CLOCK = np.linspace(0, 1, 9)
CURVES = np.cumsum(RNG.normal(size=(3, 2, 9)), axis=-1) * CLOCK

STATE, OBSERVABLE = (RHO, 2), (H, 2)
CASES = {
    **{
        name: (getattr(metrics, name), [STATE, OBSERVABLE])
        for name in ("ergotropy", "coherent_ergotropy", "incoherent_ergotropy", "passive_state")
    },
    **{
        name: (getattr(metrics, name), [STATE, (SIGMA, 2), OBSERVABLE])
        for name in ("stored_energy", "work", "efficiency")
    },
    **{
        f"capacity-{kind}": (
            partial(lambda rho, H, kind: metrics.capacity(H, rho, kind), kind=kind),
            [STATE, OBSERVABLE],
        )
        for kind in ("orbit", "gap", "ground", "paper")
    },
    **{
        name: (getattr(metrics, name), [STATE])
        for name in (
            "concurrence",
            "discord",
            "purity",
            "von_neumann_entropy",
            "mutual_information",
            "l1_coherence",
            "renyi2",
            "multiple_quantum_intensities",
        )
    },
    "discord-1": (partial(metrics.discord, measured=1), [STATE]),
    "fidelity": (metrics.fidelity, [STATE, (SIGMA, 2)]),
    "l1-basis": (metrics.l1_coherence, [STATE, (V, 2)]),
    "l1-energy": (lambda rho, H: metrics.l1_coherence(rho, "energy", H=H), [STATE, OBSERVABLE]),
    "relative-entropy-basis": (metrics.relative_entropy_of_coherence, [STATE, (V, 2)]),
    "relative-entropy-energy": (
        lambda rho, H: metrics.relative_entropy_of_coherence(rho, "energy", H=H),
        [STATE, OBSERVABLE],
    ),
    "power": (metrics.power, [STATE, OBSERVABLE, (L, 2)]),
    "ergotropy_power": (metrics.ergotropy_power, [STATE, OBSERVABLE, (L, 2)]),
    "evolution_maxima-power": (
        lambda g, r, H: metrics.evolution_maxima(g, r, H, 2.0).power,
        [(L, 2), STATE, OBSERVABLE],
    ),
    "evolution_maxima-time": (
        lambda g, r, H: metrics.evolution_maxima(g, r, H, 2.0).energy_time,
        [(L, 2), STATE, OBSERVABLE],
    ),
    "maximum": (lambda y: metrics.maximum(y, CLOCK)[0], [(CURVES, 1)]),
    "maximum-time": (lambda y: metrics.maximum(y, CLOCK)[1], [(CURVES, 1)]),
    "instantaneous_power": (lambda y: metrics.instantaneous_power(y, CLOCK), [(CURVES, 1)]),
    "average_power": (lambda y: metrics.average_power(y, CLOCK), [(CURVES, 1)]),
    "unitary": (propagation.unitary, [OBSERVABLE]),
    "charging_unitary": (lambda phi: propagation.charging_unitary(2, phi), [(CURVES, 0)]),
    "evolve": (lambda H, rho: propagation.evolve(H, rho, TIMES), [OBSERVABLE, STATE]),
    "lindblad": (lambda H, j, rho: propagation.lindblad(H, j, rho, TIMES), [OBSERVABLE, (JUMPS, 3), STATE]),
    "dissipator": (propagation.dissipator, [(JUMPS, 3)]),
    "liouvillian": (propagation.liouvillian, [OBSERVABLE, (JUMPS, 3)]),
    "gibbs_state": (states.gibbs_state, [OBSERVABLE, (T, 0)]),
    "product_state": (states.product_state, [STATE, (SIGMA, 2)]),
    "partial_trace": (lambda rho: states.partial_trace(rho, 1), [STATE]),
    "pure_state": (states.pure_state, [(CURVES, 1)]),
    "polarised_state": (states.polarised_state, [(P, 0)]),
    "dephasing": (lambda rate: noise.dephasing(2, rate, "x"), [(RATE, 0)]),
    "amplitude_damping": (lambda rate, p: noise.amplitude_damping(2, rate, p), [(RATE, 0), (P, 0)]),
    "davies": (noise.davies, [OBSERVABLE, (T, 0), (RATE, 0)]),
}


@pytest.mark.parametrize("name", CASES)
def test_batch_equals_loop(name):
    function, arguments = CASES[name]
    lead = np.broadcast_shapes(*(a.shape[: a.ndim - own] for a, own in arguments))
    batch = np.asarray(function(*(a for a, _ in arguments)))
    full = [np.broadcast_to(a, lead + a.shape[a.ndim - own :]) for a, own in arguments]
    for k in np.ndindex(lead):
        one = np.asarray(function(*(a[k] for a in full)))
        member = np.broadcast_to(batch, lead + one.shape)[k]
        np.testing.assert_allclose(member, one, rtol=0, atol=1e-12 * max(1.0, np.max(np.abs(one))))


def test_every_public_metric_is_in_the_table():
    tested = {name.split("-")[0] for name in CASES} | {"relative_entropy_of_coherence"}
    assert set(metrics.__all__) - {"EvolutionMaxima"} <= tested


def test_collective_operator_is_not_batched():
    """What has no batch axis stays without one."""
    assert noise.dephasing(2, 1.0, "z", collective=True).shape == (1, 4, 4)
    np.testing.assert_array_equal(noise.dephasing(2, 1.0, "z", collective=True)[0], 2 * collective(2, "z"))
