"""Pulses as slices: the rotation of each slice of one pulse, and pulses on several channels merged in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray


@dataclass(frozen=True)
class Waveform:
    """One pulse on some spins: rotation of each slice as angle x exp(i phase), (..., n), in slices of equal length.

    length: (...,) in s, of the whole pulse; 0 for an ideal one, which has a single slice. phase: (...,) in rad, what the
    sequence asked for; the rotation holds it too, together with the phases of the envelope.
    """

    spins: tuple[int, ...]
    rotation: ComplexArray
    length: FloatArray
    phase: FloatArray

    @property
    def peak(self) -> FloatArray:
        """Largest nutation frequency in Hz, (...,); 0 for an ideal pulse and one that does not rotate."""
        n = self.rotation.shape[-1]
        largest = np.abs(self.rotation).max(axis=-1)
        length = np.broadcast_to(self.length, np.broadcast_shapes(np.shape(self.length), largest.shape))
        with np.errstate(divide="ignore", invalid="ignore"):
            rf = largest * n / (2 * np.pi * length)
        return np.where(largest == 0, 0.0, np.where(length == 0, 0.0 if self.is_ideal else np.inf, rf))

    @property
    def is_ideal(self) -> bool:
        """Whether the pulse takes no time anywhere."""
        return self.rotation.shape[-1] == 1 and not np.any(self.length)


def from_flip(
    spins: tuple[int, ...], angle: FloatArray, phase: FloatArray, envelope: ComplexArray, length: FloatArray
) -> Waveform:
    """A pulse that flips by `angle` on resonance in `length`: the envelope scaled to that area."""
    share = envelope / np.abs(np.sum(envelope))
    rotation = (angle * np.exp(1j * phase))[..., None] * share
    return Waveform(spins, rotation, np.asarray(length, dtype=float), np.asarray(phase))


def from_amplitude(
    spins: tuple[int, ...], rf: FloatArray, phase: FloatArray, envelope: ComplexArray, length: FloatArray
) -> Waveform:
    """A pulse of peak nutation frequency `rf` (Hz) that lasts `length` (s)."""
    each = 2 * np.pi * rf * length / envelope.size
    rotation = (each * np.exp(1j * phase))[..., None] * envelope
    return Waveform(spins, rotation, np.asarray(length, dtype=float), np.asarray(phase))


def leading(waveforms: list[Waveform]) -> tuple[int, ...]:
    """Leading axes of pulses that stand together. Raises ValueError where they do not broadcast."""
    return np.broadcast_shapes(*(np.shape(w.length) for w in waveforms), *(w.rotation.shape[:-1] for w in waveforms))


def merged(waveforms: list[Waveform], align: str) -> tuple[list[ComplexArray], FloatArray]:
    """Rotations of each waveform on slices common to all, (..., S) each, and the durations (..., S) of these slices.

    Shorter pulses stand at the "centre", the "start" or the "end" of the longest.
    """
    if all(w.is_ideal for w in waveforms) or _in_step(waveforms):
        only = waveforms[0]
        n = only.rotation.shape[-1]
        return [w.rotation for w in waveforms], np.repeat(np.asarray(only.length)[..., None] / n, n, axis=-1)
    lead = leading(waveforms)
    lengths = [np.broadcast_to(w.length, lead) for w in waveforms]
    whole = np.max(lengths, axis=0)
    place = {"start": 0.0, "centre": 0.5, "end": 1.0}[align]
    starts = [place * (whole - length) for length in lengths]
    edges = np.sort(
        np.concatenate(
            [
                start[..., None] + length[..., None] * np.linspace(0, 1, w.rotation.shape[-1] + 1)
                for w, start, length in zip(waveforms, starts, lengths, strict=True)
            ],
            axis=-1,
        ),
        axis=-1,
    )
    durations = np.diff(edges, axis=-1)
    middle = edges[..., :-1] + durations / 2
    rotations = []
    for w, start, length in zip(waveforms, starts, lengths, strict=True):
        n = w.rotation.shape[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (middle - start[..., None]) / length[..., None]
            share = durations * n / length[..., None]
        inside = (u > 0) & (u < 1) & (length[..., None] > 0)
        index = np.clip(np.nan_to_num(u) * n, 0, n - 1).astype(int)
        rotation = np.take_along_axis(np.broadcast_to(w.rotation, (*lead, n)), index, axis=-1)
        rotations.append(np.where(inside, rotation * np.nan_to_num(share, posinf=0.0), 0))
    return rotations, durations


def _in_step(waveforms: list[Waveform]) -> bool:
    """Whether all have the same length and number of slices, which then serve for all of them."""
    first = waveforms[0]
    return all(
        w.rotation.shape[-1] == first.rotation.shape[-1] and np.array_equal(w.length, first.length) for w in waveforms
    )
