"""Detection as spectroscopists know it: FIDs, receivers, spectra, lines and their fits, powders, and files of real data."""

from nmrqb.detection.acquisition import detector, fid
from nmrqb.detection.fit import LineFit, fit_amplitudes, fit_lines
from nmrqb.detection.formats import read_fid, write_fid
from nmrqb.detection.lines import Lines, transitions
from nmrqb.detection.phase import Phases, phases_from_lines, phases_from_spectrum
from nmrqb.detection.powder import broadened, line_density, orientations
from nmrqb.detection.processing import Spectrum, apodised, dc_removed, spectrum
from nmrqb.detection.receiver import Receiver
from nmrqb.detection.signal import Fid

__all__ = [
    "Fid",
    "LineFit",
    "Lines",
    "Phases",
    "Receiver",
    "Spectrum",
    "apodised",
    "broadened",
    "dc_removed",
    "detector",
    "fid",
    "fit_amplitudes",
    "fit_lines",
    "line_density",
    "orientations",
    "phases_from_lines",
    "phases_from_spectrum",
    "read_fid",
    "spectrum",
    "transitions",
    "write_fid",
]
