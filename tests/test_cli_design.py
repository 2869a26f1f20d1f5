"""nmrqb design: files that the rest of the bench takes like any other, and one sentence for what is out of reach."""

import json

import jcamp
import numpy as np
import pytest
import xarray as xr
from command_line import in_process, refused

import nmrqb
from nmrqb.battery.cycles import charge_with_noise
from nmrqb.spin.operators import pauli_string


def test_engineered_couplings_are_a_sequence_file_with_its_budget(tmp_path, capsys):
    target = tmp_path / "couplings.toml"
    wanted = ("--battery", "axial=1,rhombic=0.25,dm=0.3,ksea=0.15,zeeman=0.4", "--time", "1.5", "--pulses", "ideal")
    code, out, err = in_process(capsys, "design", "engineer", *wanted, "--out", target)
    assert code == 0, err
    for row in ("ideal", "pulse length", "RF error", "offset", "relaxation", "all"):
        assert row in out
    timeline = nmrqb.schedule(nmrqb.Sequence.load(target), nmrqb.Sample.load("chloroform"))
    U = nmrqb.Exact().propagator(timeline)
    H = nmrqb.Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4).hamiltonian()
    energies, vectors = np.linalg.eigh(H)
    exact = vectors * np.exp(-1.5j * energies) @ vectors.conj().T
    assert abs(np.trace(exact.conj().T @ U)) / 4 == pytest.approx(1, abs=1e-10)


def test_an_optimised_pulse_leaves_a_shape_a_sequence_and_maps(tmp_path, capsys):
    how = ("--rf-spread", "0.1", "--limit", "20 kHz", "--members", "5", "--slices", "40", "--iterations", "60")
    code, _, err = in_process(capsys, "design", "optimise", "charge", *how, "--out", tmp_path)
    assert code == 0, err
    record = json.loads((tmp_path / "design.json").read_text())
    assert record["plain_pulse"] < record["value"] <= record["bound"]
    shape = jcamp.readfile(str(tmp_path / "optimised.shp"))
    assert shape["npoints"] == 40
    sequence = nmrqb.Sequence.load(tmp_path / "broekaert-jeener-charge-optimised.toml")
    sample = nmrqb.Experiment.load("charge").start()[0]
    states = nmrqb.Exact().run(nmrqb.schedule(sequence, sample, pulses="finite"), sample.linear_state())
    found = nmrqb.metrics.ergotropy(states.at("charged")[0], sample.battery().hamiltonian())
    with xr.open_dataset(tmp_path / "robustness.nc", engine="h5netcdf") as maps:
        nominal = maps["ergotropy"].sel(sequence="optimised").sel(rf=1.0, offset=0.0, method="nearest")
        # the maps leave the preparation's relaxation in and the pulse's out; the sequence here has neither
        assert float(nominal.squeeze()) == pytest.approx(float(found), abs=3e-3)
        edge = maps["ergotropy"].sel(rf=0.8, offset=0.0, method="nearest").squeeze()
        assert float(edge.sel(sequence="optimised")) > float(edge.sel(sequence="plain")) + 0.01
    # a search that was cut short goes on
    code, out, err = in_process(capsys, "design", "optimise", "charge", *how[:-1], "70", "--resume", "--out", tmp_path)
    assert code == 0, err
    assert json.loads((tmp_path / "design.json").read_text())["value"] >= record["value"] - 1e-12
    assert "iterations" in out


def test_energy_is_drawn_by_a_sequence_file(tmp_path, capsys):
    target = tmp_path / "draw.toml"
    battery = (
        "--battery",
        "axial=1,rhombic=0.25,dm=0.3,ksea=0.15,zeeman=0.4",
        "--flip",
        "97 deg",
        "--dephasing",
        "0.1",
    )
    code, out, err = in_process(capsys, "design", "extract", *battery, "--pulses", "ideal", "--out", target)
    assert code == 0, err
    H = nmrqb.Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4).hamiltonian()
    jumps = np.sqrt(0.1) * np.array([pauli_string("XI"), pauli_string("IX")])
    start = nmrqb.Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4).gibbs_state(1.0)
    rho = charge_with_noise(start, [np.radians(97) / 2], jumps)[-1]
    timeline = nmrqb.schedule(nmrqb.Sequence.load(target), nmrqb.Sample.load("chloroform"))
    end = nmrqb.Exact().run(timeline, rho).rho[0, 0]
    ergotropy = float(nmrqb.metrics.ergotropy(rho, H))
    assert np.trace((rho - end) @ H).real == pytest.approx(ergotropy, abs=1e-9)
    assert out.count(f"{ergotropy:.6f}") == 2  # what theory allows, and what the pulses draw


def test_maps_of_two_sequences_side_by_side(tmp_path, capsys):
    how = ("--against", "adrf", "--metric", "stored_energy", "--coupling-error", "0.1", "--points", "5")
    code, out, err = in_process(capsys, "design", "robustness", "broekaert-jeener-charge", *how, "--out", tmp_path)
    assert code == 0, err
    with xr.open_dataset(tmp_path / "robustness.nc", engine="h5netcdf") as maps:
        assert maps["stored_energy"].sizes == {"sequence": 2, "rf": 5, "offset": 5, "coupling": 3}
        sample = nmrqb.Sample.load("nematic-pair")
        strong = nmrqb.Ensemble.of(rf=[1.3]) * nmrqb.Ensemble.of(offset=[-500.0]) * nmrqb.Ensemble.of(coupling=[0.9])
        timeline = nmrqb.schedule(
            nmrqb.Sequence.load("broekaert-jeener-charge"), sample, pulses="finite", ensemble=strong
        )
        rho = nmrqb.Exact().run(timeline, sample.linear_state()).at("charged")[0]
        H = sample.battery().hamiltonian()
        expected = np.trace((rho - sample.linear_state()) @ H).real / sample.polarisation_factor
        found = maps["stored_energy"][0].sel(rf=1.3, offset=-500, coupling=0.9, method="nearest")
        assert float(found.squeeze()) == pytest.approx(expected, abs=1e-9)
        assert "as planned" in out


def test_power_over_a_powder_with_spread_couplings(tmp_path, capsys):
    how = ("--objective", "power", "--orientations", "3", "--coupling-spread", "0.05", "--members", "3")
    few = ("--slices", "20", "--iterations", "3", "--start", "bb1")
    code, _, err = in_process(capsys, "design", "optimise", *how, *few, "--out", tmp_path)
    assert code == 0, err
    record = json.loads((tmp_path / "design.json").read_text())
    assert record["plain_pulse"] < record["value"] <= record["bound"]
    assert record["asked"]["orientations"] == 3


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("engineer", "--battery", "axial=1,dm=0.3", "--sample", "nematic-pair"), "from -3/8 to 3/4"),
        (("engineer", "--battery", "axial=2", "--time", "-1"), "-1"),
        (("engineer", "--battery", "axial=x"), "'axial=x'"),
        (("engineer", "--battery", "axal=1"), "'axal'"),
        (("engineer", "--battery", "axial=1", "--speed", "3", "--sample", "nematic-pair"), "is 3"),
        (("engineer", "--battery", "axial=1", "--pulses", "soft"), "'soft'"),
        (("engineer", "--battery", "axial=1", "--offset", "5 s"), "found a time"),
        (("optimise", "charge", "--limit", "2 MHz"), "2000 kHz"),
        (("optimise", "charge", "--slices", "40000", "--duration", "40 ms"), "40000"),
        (("optimise", "charge", "--duration", "-1 us"), "-1e-06"),
        (("optimise", "charge", "--objective", "joy"), "'joy'"),
        (("optimise", "nowhere"), "nowhere"),
        (("optimise", "charge", "--orientations", "-1"), "-1"),
        (("optimise", "charge", "--orientations", "1001"), "1000 at most"),
        (("optimise", "charge", "--coupling-spread", "-0.1"), "-0.1"),
        (("engineer", "--battery", "axial=1", "--frame", "mine"), "'mine'"),
        (("extract", "--battery", "axial=1", "--sample", "nematic-pair"), "two unlike spins"),
        (("extract", "--battery", "axial=1", "--temperature", "0"), "temperature"),
        (("extract", "--battery", "axial=1", "--dephasing", "-1"), "found -1"),
        (("extract", "--battery", "axial=1", "--flip", "-90 deg"), "--flip"),
        (("robustness", "nowhere"), "nowhere"),
        (("robustness", "adrf", "--metric", "joy"), "'joy'"),
        (("robustness", "adrf", "--rf-error", "1"), "found 1"),
        (("robustness", "adrf", "--points", "0"), "found 0"),
        (("robustness", "broekaert-jeener"), "is swept"),  # its phase cycle ends in more than one state
    ],
)
def test_what_cannot_be_designed_is_told_with_the_bound(tmp_path, capsys, arguments, found):
    target = tmp_path / ("x.toml" if arguments[0] in ("engineer", "extract") else "x")
    assert found in refused(capsys, "design", *arguments, "--out", target)
    assert not target.exists()


def test_a_command_is_asked_for(capsys):
    code, _, err = in_process(capsys, "design")
    assert code == 2
    assert "Missing command" in err
