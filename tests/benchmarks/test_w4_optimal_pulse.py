"""Speed, W4: GRAPE on a dipolar pair under collective RF: 100 slices of amplitude and phase, 25 members that differ in RF
amplitude and offset, 50 iterations of L-BFGS-B towards a 90-degree rotation of all of them.

Peers, each as its own user would tune it, all from the same first pulse with the same scipy L-BFGS-B:
- qutip-qtrl: one optimiser object for each member (it has no ensembles), fidelity and exact gradient of each, averaged;
  one evaluation is timed and scaled up by the number of evaluations that the 50 iterations take (marked *);
- JAX, float64, jitted, all slices and members batched, with the matrix exponential through one batched eigh and its exact
  derivative (divided differences) as a custom rule, slices multiplied in a tree: the generic route of the literature;
- JAX with the exponential by a Taylor polynomial with a fixed number of squarings instead, differentiated by JAX itself.
JAX is measured warm: compiled before, and compiling is not counted. All in one process, one thread each where the library
has threads, CPU time, interleaved rounds, medians of the ratios of a round. Most of the ratio is algorithm: a slice of
another phase is the same slice turned about z, in the triplet states, and of its amplitude a polynomial.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np
import pytest
from scipy.optimize import minimize

import nmrqb
from nmrqb import design
from nmrqb.design.grape import Evaluator
from nmrqb.nmr.distributions import rf_distribution
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.operators import collective

SLICES, LENGTH, LIMIT, ITERATIONS = 100, 150e-6, 20e3, 50  # s, Hz
ROUNDS = 7
SAMPLE = nmrqb.Sample.load("nematic-pair")
ENSEMBLE = rf_distribution(0.1, 5) * Ensemble.of(offset=np.linspace(-200, 200, 5))
X, Y = collective(2, "x"), collective(2, "y")
WANTED = np.asarray(nmrqb.charging_unitary(2, np.pi / 4))
SYSTEM = design.System.of(SAMPLE, ensemble=ENSEMBLE, limit=LIMIT)
DT = LENGTH / SLICES


def first_pulse():
    rng = np.random.default_rng(5)
    return rng.uniform(0.2, 0.8, SLICES), rng.uniform(-np.pi, np.pi, SLICES)


def ours():
    a, phase = first_pulse()
    w = (a * np.exp(1j * phase))[:, None]
    return design.optimise(
        SYSTEM, design.Gate(WANTED), duration=LENGTH, slices=SLICES, start=w, kick=0, iterations=ITERATIONS
    )


def by_scipy(cost):
    """50 iterations on a cost of (amplitudes, phases): value reached and evaluations."""
    bounds = [(-1, 1)] * SLICES + [(None, None)] * SLICES
    options = {"maxiter": ITERATIONS, "maxfun": 20 * ITERATIONS, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-9}
    found = minimize(cost, np.concatenate(first_pulse()), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return -found.fun, found.nfev


def jax_cost(kind):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    drift, weights = jnp.asarray(SYSTEM.drift), jnp.asarray(SYSTEM.weights)
    rf, limit = jnp.asarray(SYSTEM.rf), SYSTEM.channels[0].limit
    x, y, wanted = jnp.asarray(X), jnp.asarray(Y), jnp.asarray(WANTED)

    @jax.custom_vjp
    def by_eigh(H):
        return forward(H)[0]

    def forward(H):
        levels, V = jnp.linalg.eigh(H)
        U = (V * jnp.exp(-1j * levels)[..., None, :]) @ jnp.conj(jnp.swapaxes(V, -1, -2))
        return U, (levels, V)

    def backward(kept, G):
        levels, V = kept
        middle = 0.5 * (levels[..., :, None] + levels[..., None, :])
        half = 0.5 * (levels[..., :, None] - levels[..., None, :])
        divided = -1j * jnp.exp(-1j * middle) * jnp.sinc(half / jnp.pi)
        inside = jnp.swapaxes(V, -1, -2) @ G @ jnp.conj(V)
        result = jnp.conj(V) @ (inside * divided) @ jnp.swapaxes(V, -1, -2)
        return (result,)

    by_eigh.defvjp(forward, backward)

    def by_taylor(H):
        # the largest norm is 0.3: degree 10 without squaring is exact to 1e-16 below 0.35, one squaring makes sure
        A = -1j * H / 2
        one = jnp.eye(4)
        total = one + A / 10
        for k in range(9, 0, -1):
            total = one + A @ total / k
        return total @ total

    exponential = by_eigh if kind == "eigh" else by_taylor

    def cost(z):
        a, phase = z[:SLICES], z[SLICES:]
        pulse = limit * ((a * jnp.cos(phase))[:, None, None] * x + (a * jnp.sin(phase))[:, None, None] * y)
        U = exponential(DT * (drift[None] + rf[None, :, None, None] * pulse[:, None]))
        while U.shape[0] > 1:
            odd = U[-1:] if U.shape[0] % 2 else U[:0]
            pairs = U[: U.shape[0] - odd.shape[0]]
            U = jnp.concatenate([pairs[1::2] @ pairs[::2], odd])
        overlap = jnp.einsum("ij,mij->m", wanted.conj(), U[0]) / 4
        return -jnp.sum(weights * jnp.abs(overlap) ** 2)

    both = jax.jit(jax.value_and_grad(cost))

    def numbers(z):
        value, slope = both(z)
        return float(value), np.asarray(slope)

    return numbers


def qtrl_optimisers():
    import qutip
    from qutip_qtrl import pulseoptim

    limit, (a, phase) = SYSTEM.channels[0].limit, first_pulse()
    dims = [[2, 2], [2, 2]]
    made = []
    for drift, rf in zip(SYSTEM.drift, SYSTEM.rf, strict=True):
        controls = [qutip.Qobj(limit * rf * Q, dims=dims) for Q in (X, Y)]
        optimiser = pulseoptim.create_pulse_optimizer(
            qutip.Qobj(drift, dims=dims), controls, qutip.Qobj(np.eye(4), dims=dims), qutip.Qobj(WANTED, dims=dims),
            num_tslots=SLICES, evo_time=LENGTH, dyn_type="UNIT", fid_params={"phase_option": "PSU"}, init_pulse_type="ZERO",
        )  # fmt: skip
        optimiser.dynamics.initialize_controls(np.stack([a * np.cos(phase), a * np.sin(phase)], axis=1))
        made.append(optimiser.dynamics)
    return made


def qtrl_evaluation(dynamics, z):
    """Mean of |Tr|/d over members, weighted as |Tr|^2/d^2 is, with its slope by amplitudes and phases."""
    a, phase = z[:SLICES], z[SLICES:]
    amplitudes = np.stack([a * np.cos(phase), a * np.sin(phase)], axis=1)
    value, slope = 0.0, np.zeros((SLICES, 2))
    for each, weight in zip(dynamics, SYSTEM.weights, strict=True):
        each.update_ctrl_amps(amplitudes)
        fidelity = 1 - each.fid_computer.get_fid_err()
        value += weight * fidelity**2
        slope -= weight * 2 * fidelity * each.fid_computer.get_fid_err_gradient()
    by_a = np.cos(phase) * slope[:, 0] + np.sin(phase) * slope[:, 1]
    return value, np.concatenate([by_a, a * (np.cos(phase) * slope[:, 1] - np.sin(phase) * slope[:, 0])])


def timed(work, *arguments):
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_w4_optimal_pulse():
    found = ours()  # also the warm-up
    costs = {kind: jax_cost(kind) for kind in ("eigh", "taylor")}
    cold, reached = {}, {}
    for kind, cost in costs.items():
        cold[kind], reached[kind] = timed(by_scipy, cost)  # compiles
    dynamics = qtrl_optimisers()
    z = np.concatenate(first_pulse())
    z[:SLICES] += 1e-3  # not the pulse that it has evaluated already
    value, slope = qtrl_evaluation(dynamics, z)
    evaluator = Evaluator(SYSTEM, design.Gate(WANTED), SLICES, DT)
    own_value, by_a, by_phase = evaluator.value(z[:SLICES, None], z[SLICES:, None])
    own_slope = np.concatenate([by_a[:, 0], by_phase[:, 0]])
    assert value == pytest.approx(own_value, abs=1e-7)  # qutip-qtrl rounds; JAX, below, does not
    np.testing.assert_allclose(slope, own_slope, atol=1e-7)
    for kind, cost in costs.items():
        minus, minus_slope = cost(z)
        assert -minus == pytest.approx(own_value, abs=1e-12), kind
        np.testing.assert_allclose(-minus_slope, own_slope, atol=1e-12, err_msg=kind)
    assert found.value > 0.9
    own, ratios = [], {"qutip-qtrl*": [], **{f"JAX {kind}": [] for kind in costs}}
    for number in range(ROUNDS):
        own.append(np.mean([timed(ours)[0] for _ in range(2)]))
        for kind, cost in costs.items() if number % 3 == 0 else [("eigh", costs["eigh"])]:
            ratios[f"JAX {kind}"].append(timed(by_scipy, cost)[0] / own[-1])
        z[:SLICES] -= 1e-5 * number
        evaluations = reached["eigh"][1]
        ratios["qutip-qtrl*"].append(timed(qtrl_evaluation, dynamics, z)[0] * evaluations / own[-1])
    medians = {name: float(np.median(values)) for name, values in ratios.items()}
    print(
        f"\nW4: ours {np.median(own):.3f} s, fidelity {found.value:.6f} after {found.iterations} iterations (JAX "
        f"{reached['eigh'][0]:.6f}, {reached['eigh'][1]} evaluations, cold {cold['eigh']:.1f} s); "
        + ", ".join(f"{name} {ratio:.1f} x" for name, ratio in medians.items())
    )
    assert medians["qutip-qtrl*"] >= 40
    assert medians["JAX eigh"] >= 3
    assert medians["JAX taylor"] >= 3
