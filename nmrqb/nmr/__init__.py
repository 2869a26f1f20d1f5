"""What is in the tube: nuclei, samples and their noise, in physical units."""

from nmrqb.nmr.noise import Noise
from nmrqb.nmr.sample import Sample

__all__ = ["Noise", "Sample"]
