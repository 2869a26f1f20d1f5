"""Run folders: what was asked, with what, and what came out, written so that nothing half-done looks whole."""

from nmrqb.runs.folder import FILES, RunFolder, State, read_netcdf, write_netcdf
from nmrqb.runs.inputs import check_inputs, digests, inputs_of, restored
from nmrqb.runs.outcome import told
from nmrqb.runs.record import Record

__all__ = [
    "FILES",
    "Record",
    "RunFolder",
    "State",
    "check_inputs",
    "digests",
    "inputs_of",
    "read_netcdf",
    "restored",
    "told",
    "write_netcdf",
]
