"""The commands that design protocols: couplings and extraction made of pulses, pulses made for a coil, maps of what survives."""

import typer

from nmrqb.cli_design.couplings import engineer, extract
from nmrqb.cli_design.optimise import optimise
from nmrqb.cli_design.robustness import robustness

app = typer.Typer(
    help="Design a protocol: couplings made of pulses (engineer), energy drawn by pulses (extract), a pulse for your coil "
    "(optimise), and what survives its errors (robustness).",
)
for command in (engineer, extract, optimise, robustness):
    app.command()(command)
