"""Free induction decays of spins: s(t) = Tr[rho(t) F_+], all points at once.

In the eigenbasis of H (or of the Liouvillian, where there is relaxation) the signal is a sum of exponentials
a_k exp(lambda_k t). On evenly spaced points the time n = p B + q splits every exponential in two, so that N points of K
exponentials cost one product of (N/B, K) and (K, B) matrices and 2 sqrt(N) K exponentials; an average over an ensemble
is a longer K.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.detection.receiver import Receiver, Seed
from nmrqb.detection.signal import Fid
from nmrqb.errors import ArgumentError
from nmrqb.spin.liouville import liouvillian
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import propagate, spectral

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray, FloatArray
    from nmrqb.spin.liouville import Jumps

#: Exponentials weaker than this fraction of the strongest are left out.
_NEGLIGIBLE = 1e-15
#: Complex numbers held at once by the sum of exponentials.
_CHUNK = 2**22


class Exponentials(NamedTuple):
    """A signal as sum_k amplitude_k exp(rate_k t): both (..., K), rates in 1/s with frequency as imaginary part."""

    amplitude: ComplexArray
    rate: ComplexArray


def detector(n: int, spins: Iterable[int] | None = None, *, normalised: bool = False) -> ComplexArray:
    """F_+ = F_x + i F_y of the observed spins (all by default), shape (2^n, 2^n).

    normalised: divided by m/4 for m observed spins, so that (1 + p F_x)/2^n gives a signal that starts at p.
    Raises ArgumentError for a spin that is not there.
    """
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ArgumentError("n", n, "be a whole number of spins, 1 or more")
    chosen = sorted(set(range(n) if spins is None else spins))
    if not chosen or chosen[0] < 0 or chosen[-1] >= n:
        raise ArgumentError("spins", chosen, f"name one or more of the spins 0 to {n - 1}")
    raising = collective(n, "x", chosen) + 1j * collective(n, "y", chosen)
    return raising * (4 / len(chosen)) if normalised else raising


def fid(
    rho: ArrayLike,
    H: ArrayLike,
    detect: ArrayLike,
    receiver: Receiver,
    *,
    jumps: Jumps = (),
    t2: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    seed: Seed = None,
    carrier: float | None = None,
    nucleus: str = "",
) -> Fid:
    """The signal Tr[rho(t) D] of rho (..., d, d) under H (..., d, d) in rad/s; points (..., N), recorded by `receiver`.

    detect: the operator D (d, d), see `detector`. rho may be a deviation from equilibrium as long as no jump operators
    drive towards a polarisation. jumps (..., J, d, d) in s^(-1/2): Lindblad relaxation during acquisition.
    t2: a common decay exp(-t/T2*) in s, broadcast against the leading axes. weights (M,): the last leading axis is an
    ensemble and is averaged with these weights (of sum 1 after normalisation). seed: of the noise.
    carrier (Hz) and nucleus go into the Fid. Raises ArgumentError for shapes and values that do not fit.
    """
    D, state, generator = _operators(rho, H, detect)
    decay = np.zeros(()) if t2 is None else 1 / checks.positive("t2", t2)
    L = None if isinstance(jumps, (tuple, list)) and not jumps else liouvillian(generator, jumps)
    lead = _broadcast("rho", state.shape[:-2], (generator if L is None else L).shape[:-2])
    lead = _broadcast("t2", decay.shape, lead)
    w = None if weights is None else _ensemble(weights, lead)
    parts = _oscillations(state, generator, D) if L is None else _relaxing(state, L, D)
    if parts is not None:
        signal = _summed(parts, receiver, decay, w)
    else:
        assert L is not None
        signal = _by_propagation(state, L, D, receiver.times, decay, w)
    return Fid(
        receiver.record(signal, seed),
        receiver.dwell,
        receiver.dead_time,
        carrier=carrier,
        nucleus=nucleus,
        noise=receiver.averaged_noise,
    )


def _operators(rho: ArrayLike, H: ArrayLike, detect: ArrayLike) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    D = checks.operator("detect", detect)
    if D.ndim != 2:
        raise ArgumentError("detect", f"of shape {D.shape}", "have shape (d, d)")
    state, generator = checks.operator("rho", rho), checks.hermitian("H", H)
    checks.same_dimension("rho", state, "H", generator)
    checks.same_dimension("detect", D, "H", generator)
    return D, state, generator


def oscillations(rho: ArrayLike, H: ArrayLike, detect: ArrayLike) -> Exponentials:
    """Tr[rho(t) D] without relaxation as exponentials of imaginary rates. Arguments and errors as `fid`."""
    D, state, generator = _operators(rho, H, detect)
    return _oscillations(state, generator, D)


def exponential_sum(parts: Exponentials, start: float, dwell: float, points: int) -> ComplexArray:
    """sum_k a_k exp(rate_k (start + n dwell)) for n = 0 .. points - 1; shape (..., points)."""
    a, rate = np.broadcast_arrays(parts.amplitude, parts.rate)
    block = math.isqrt(points - 1) + 1
    fine, coarse = np.arange(block) * dwell, start + np.arange(-(-points // block)) * (block * dwell)
    size = max(1, _CHUNK // max(1, 2 * block * math.prod(a.shape[:-1])))
    total = np.zeros((*a.shape[:-1], coarse.size, block), dtype=complex)
    for k in range(0, a.shape[-1], size):
        r = rate[..., None, k : k + size]
        left = a[..., None, k : k + size] * np.exp(r * coarse[:, None])
        total += left @ np.swapaxes(np.exp(r * fine[:, None]), -1, -2)
    return total.reshape(*a.shape[:-1], -1)[..., :points]


def _oscillations(rho: ComplexArray, H: ComplexArray, D: ComplexArray) -> Exponentials:
    """rho_jk D_kj exp(-i (E_j - E_k) t) in the eigenbasis of H; what vanishes for all members is left out."""
    energies, V = np.linalg.eigh(H)
    Vh = np.conj(np.swapaxes(V, -1, -2))
    amplitude = (Vh @ rho @ V) * np.swapaxes(Vh @ D @ V, -1, -2)
    rate = 1j * (energies[..., None, :] - energies[..., :, None])
    return _strong(amplitude.reshape(*amplitude.shape[:-2], -1), rate.reshape(*rate.shape[:-2], -1))


def _relaxing(rho: ComplexArray, L: ComplexArray, D: ComplexArray) -> Exponentials | None:
    """The same for a Liouvillian, or None where one of them has no sound eigenbasis."""
    basis = spectral(L)
    if not np.all(basis.sound):
        return None
    vector = rho.reshape(*rho.shape[:-2], -1)
    amplitude = (D.T.reshape(-1) @ basis.vectors) * (basis.inverse @ vector[..., None])[..., 0]
    return _strong(amplitude, basis.values)


def _strong(amplitude: ComplexArray, rate: ComplexArray) -> Exponentials:
    size = np.abs(amplitude).reshape(-1, amplitude.shape[-1]).max(axis=0, initial=0.0)
    keep = size > _NEGLIGIBLE * size.max(initial=0.0)
    return Exponentials(amplitude[..., keep], rate[..., keep])


def _summed(parts: Exponentials, receiver: Receiver, decay: FloatArray, w: FloatArray | None) -> ComplexArray:
    amplitude, rate = parts.amplitude, parts.rate - decay[..., None]
    if w is not None:
        amplitude, rate = np.broadcast_arrays(amplitude * w[:, None], rate)
        amplitude, rate = (x.reshape(*x.shape[:-2], -1) for x in (amplitude, rate))
    return exponential_sum(Exponentials(amplitude, rate), receiver.dead_time, receiver.dwell, receiver.points)


def _by_propagation(
    rho: ComplexArray, L: ComplexArray, D: ComplexArray, t: FloatArray, decay: FloatArray, w: FloatArray | None
) -> ComplexArray:
    states = propagate(L, rho.reshape(*rho.shape[:-2], -1), t)
    signal = (states @ D.T.reshape(-1)) * np.exp(-decay[..., None] * t)
    return signal if w is None else np.einsum("...mt,m->...t", signal, w)


def _ensemble(weights: ArrayLike, lead: tuple[int, ...]) -> FloatArray:
    w = checks.non_negative("weights", weights)
    if w.ndim != 1 or not lead or lead[-1] != w.size:
        raise ArgumentError("weights", f"of shape {w.shape}", f"have the length of the last leading axis of {lead}")
    total = w.sum()
    if total == 0:
        raise ArgumentError("weights", "all zero", "have a sum above zero")
    return w / total


def _broadcast(name: str, shape: tuple[int, ...], lead: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(shape, lead)
    except ValueError:
        raise ArgumentError(name, f"of leading shape {shape}", f"broadcast against {lead}") from None
