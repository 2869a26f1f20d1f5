"""The paper's protocol on N spins: Gibbs states of chains, stars and complete graphs, charged by local X."""

from __future__ import annotations

from pathlib import Path

from nmrqb import Battery
from nmrqb.paper import curves
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.scaling import paper_protocol as figure
from nmrqb.scaling.studies import paper_protocol
from nmrqb.scaling.tables import protocol_rows

BATTERY = Battery(axial=1.0, rhombic=0.5)
SIZES = (4, 5, 6, 7)
FOOTER = (
    "Every pair of the graph has the paper's couplings with Delta = 1, epsilon = 0.5 (chain: times 1/r^3), T = 1; the pulse is that of eq. "
    "(21) on N spins, with H off. Exponents of N over N = 4...7; in brackets the standard error in the second decimal. "
    "Chains exceed 1 because their ends count less as N grows; all to all grows as its band width does, and Kac scaling "
    "(couplings over N/2) takes that away."
)


def main(out: Path) -> list[Path]:
    """Write scaling_paper_protocol.nc, .txt, .pdf and .png into the folder; returns their paths."""
    data = paper_protocol(BATTERY, 1.0, SIZES)
    stored = curves.write(data, out / "scaling_paper_protocol.nc")
    table = save_table(protocol_rows(data), out / "scaling_paper_protocol.txt")
    return [stored, table, *style.save(figure(data, FOOTER), out, "scaling_paper_protocol")]


if __name__ == "__main__":
    run(main, __doc__)
