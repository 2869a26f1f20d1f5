"""nmrqb export: files on the disk, and one sentence for what cannot be written."""

import re
from dataclasses import replace

import jcamp
import numpy as np
import pytest
import xarray as xr
from command_line import in_process, refused
from qiskit import qasm3, transpile
from qiskit.quantum_info import Operator

import nmrqb
from nmrqb.sequence import Lock, Shape


def test_a_tomography_is_one_program_for_each_readout(tmp_path, capsys):
    code, out, err = in_process(capsys, "export", "ax-gibbs", "--readouts", "all", "--out", tmp_path / "out")
    assert code == 0, err
    assert "chloroform" in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"ax-gibbs-{r}{end}" for r in ("II", "IX", "IY", "XX") for end in ("", "-parameters.csv")}


def test_an_experiment_is_one_program_with_a_table_of_its_sweep(tmp_path, capsys):
    code, _, err = in_process(capsys, "export", "charge", "--out", tmp_path)
    assert code == 0, err
    rows = (tmp_path / "broekaert-jeener-charge-sweep.csv").read_text().splitlines()
    assert len(rows) == 26


def test_an_optimised_pulse_goes_from_its_folder_to_the_console(tmp_path, capsys):
    """Found, written, exported, read by others: the ergotropy of the sequence stays what it was."""
    made = tmp_path / "made"
    how = ("--slices", "30", "--iterations", "5", "--rf-spread", "0.1", "--members", "3")
    assert in_process(capsys, "design", "optimise", "charge", *how, "--out", made)[0] == 0
    name = "broekaert-jeener-charge-optimised"
    code, _, err = in_process(capsys, "export", made / f"{name}.toml", "--out", tmp_path / "out")
    assert code == 0, err
    text = (tmp_path / "out" / name).read_text()
    peak = 1 / (4 * 5e-6) * float(re.search(r'"spw1=plw1\*pow\(([\d.]+),2\)"', text)[1])
    length = re.search(r'"p3=([\d.]+)u"', text)[1]
    shape = jcamp.readfile(str(tmp_path / "out" / f"{name}-sp1.shp"))
    envelope = shape["x"] / 100 * np.exp(1j * np.radians(shape["y"]))
    before = nmrqb.Sequence.load(made / f"{name}.toml")
    where = next(k for k, step in enumerate(before.steps) if getattr(step, "use", None) == "charge")
    lock = Lock(lock=f"{peak!r} Hz", duration=f"{length} us", shape="read", use="charge")
    steps = (*before.steps[:where], lock, *before.steps[where + 1 :])
    after = replace(before, steps=steps, shapes={"read": Shape("sampled", samples=tuple(envelope))}).checked()
    sample = nmrqb.Sample.load("nematic-pair")
    H, found = sample.battery().hamiltonian(), []
    for sequence in (before, after):
        states = nmrqb.Exact().run(nmrqb.schedule(sequence, sample), sample.linear_state())
        found.append(float(nmrqb.metrics.ergotropy(states.at("charged")[0], H)))
    assert found[1] == pytest.approx(found[0], rel=1e-6)
    assert found[0] > 0.5 * sample.polarisation_factor


def test_a_circuit_reads_back_through_another_reader(tmp_path, capsys):
    code, _, err = in_process(
        capsys, "export", "solid-echo", "--sample", "nematic-pair", "--to", "qasm3", "--out", tmp_path
    )
    assert code == 0, err
    (path,) = tmp_path.iterdir()
    circuit = qasm3.loads(path.read_text())
    circuit.remove_final_measurements()
    timeline = nmrqb.schedule(nmrqb.Sequence.load("solid-echo"), nmrqb.Sample.load("nematic-pair"))
    U = Operator(transpile(circuit, basis_gates=["rz", "ry", "cx", "u"])).reverse_qargs().data
    exact = nmrqb.Exact().propagator(timeline)
    assert abs(np.trace(exact.conj().T @ U)) / 4 == pytest.approx(1, abs=1e-10)


def test_the_timeline_as_netcdf_holds_every_number(tmp_path, capsys):
    code, _, err = in_process(capsys, "export", "adrf", "--sample", "nematic-pair", "--to", "netcdf", "--out", tmp_path)
    assert code == 0, err
    timeline = nmrqb.schedule(nmrqb.Sequence.load("adrf"), nmrqb.Sample.load("nematic-pair"))
    with xr.open_dataset(tmp_path / "adrf.nc", engine="h5netcdf") as data:
        assert np.array_equal(data["angles"].values, timeline.angles)
        assert tuple(data["label"].values) == timeline.labels
        assert data["durations"].attrs["units"] == "s"


def test_a_sequence_file_is_written_with_its_values(tmp_path, capsys):
    code, _, err = in_process(capsys, "export", "solid-echo", "--to", "toml", "--out", tmp_path)
    assert code == 0, err
    again = nmrqb.Sequence.load(tmp_path / "solid-echo.toml")
    assert again.steps == nmrqb.Sequence.load("solid-echo").steps


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("adrf", "--to", "brucker"), "'brucker'; did you mean 'bruker'"),
        (("adrff",), "adrff"),
        (("adrf", "--at", "nowhere"), "'nowhere'"),
        (("adrf", "--to", "csv", "--at", "read"), "found 'read' with --to csv"),
        (("adrf", "--set", "w1"), "found 'w1'"),
        (("adrf", "--set", "w1=90 deg"), "w1"),
        (("adrf", "--set", "nix=1"), "'nix'"),
        (("wahuha", "--to", "varian"), "shaped pulses must be one or more"),
        (("charge", "--sample", "gypsum"), "names its own"),
        (("ax-gibbs", "--readouts", "ZZ"), "'ZZ'"),
        (("adrf", "--set", "w1=1 MHz", "--sample", "nematic-pair"), "RF limit"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(tmp_path, capsys, arguments, found):
    assert found in refused(capsys, "export", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, _, err = in_process(capsys, "export", "adrf", "--out", tmp_path / "file" / "x")
    assert code == 2
    assert "cannot be written" in err
    assert str(tmp_path / "file") in err
