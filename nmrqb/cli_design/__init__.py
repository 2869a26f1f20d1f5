"""The commands that design protocols: couplings and extraction made of pulses, pulses made for a coil, maps of what survives, measurements."""

import typer

from nmrqb.cli_design.couplings import engineer, extract
from nmrqb.cli_design.optimise import optimise
from nmrqb.cli_design.robustness import robustness
from nmrqb.cli_design.tomography import tomography

app = typer.Typer(
    help="Design a protocol: couplings made of pulses (engineer), energy drawn by pulses (extract), a pulse for your coil "
    "(optimise), what survives its errors (robustness), and what measurements will be worth (tomography).",
)
for command in (engineer, extract, optimise, robustness, tomography):
    app.command()(command)
