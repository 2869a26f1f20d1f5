"""nmrqb tomography: what it prints and writes of good counts, and what it says of bad ones."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from command_line import in_process, refused

from nmrqb import Battery, charging_unitary
from nmrqb.runs import write_netcdf
from nmrqb.tomography import Counts, counts_text, energy_settings, pauli_measurement, pauli_settings

BATTERY = Battery(axial=1, rhombic=0.5, dm=0.3)
H = BATTERY.hamiltonian()
OPTION = ("--battery", "axial=1,rhombic=0.5,dm=0.3")
GIBBS = BATTERY.gibbs_state(0.7)
CHARGED = charging_unitary(2, 0.5) @ GIBBS @ charging_unitary(2, 0.5).conj().T


def counts_of(rho, shots=1024, readout=(), seed=0):
    p = pauli_measurement(pauli_settings(2), readout).probabilities(rho)
    return Counts(pauli_settings(2), np.random.default_rng(seed).multinomial(shots, p), readout)


@pytest.fixture
def charged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "charged.json").write_text(counts_text(counts_of(CHARGED, readout=(0.02, 0.03)), "json"))
    return tmp_path


def row(out, name):
    line = next(line for line in out.splitlines() if line.strip().startswith(name))
    return [float(number) for number in re.findall(r"-?\d+\.\d+", line)]


def test_a_table_with_intervals_and_a_folder(charged, capsys):
    code, out, err = in_process(capsys, "tomography", "charged.json", *OPTION, "--seed", 1, "--out", "found")
    assert (code, err) == (0, "")
    energy = np.trace(CHARGED @ H).real
    ergotropy = energy - np.trace(GIBBS @ H).real
    for name, truth in (("ergotropy", ergotropy), ("energy", energy), ("purity", np.trace(GIBBS @ GIBBS).real)):
        value, low, high, lower, upper, plain = row(out, name)
        assert lower < low < value < high < upper
        assert lower < truth < upper
        assert low < plain < high
    assert "9 settings, 1024 shots each; state by mle" in out
    assert re.search(r"goodness of fit: p = 0\.\d+$", out, flags=re.MULTILINE)
    assert "test that the state is passive: p < 1e-6, there is ergotropy" in out
    data = xr.load_dataset(charged / "found" / "data.nc", engine="h5netcdf")
    rho = data.rho_real.values + 1j * data.rho_imag.values
    np.testing.assert_allclose(rho, counts_of(CHARGED, readout=(0.02, 0.03)).estimate("mle"), atol=1e-7)
    assert float(data.ergotropy) == pytest.approx(row(out, "ergotropy")[0], abs=1e-3)
    off = np.abs(np.stack([(rho - CHARGED).real, (rho - CHARGED).imag], axis=-1)) / np.maximum(
        data.rho_error.values, 1e-9
    )
    assert 0.3 < np.sqrt(np.mean(off[data.rho_error.values > 1e-6] ** 2)) < 2
    assert (charged / "found" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (charged / "found" / "inputs" / "charged.json").read_bytes() == (charged / "charged.json").read_bytes()
    assert "already holds data.nc" in refused(capsys, "tomography", "charged.json", "--out", "found")


def test_a_dead_battery_is_not_called_charged(charged, capsys):
    (charged / "dead.csv").write_text(counts_text(counts_of(GIBBS), "csv"))
    code, out, _ = in_process(capsys, "tomography", "dead.csv", *OPTION, "--out", "dead")
    assert code == 0
    assert "no ergotropy is shown at 5 %" in out
    assert row(out, "ergotropy")[3] == 0  # the interval reaches down to none, and says that it is one-sided
    assert "* one-sided: the other end is the bound of the metric" in out


def test_a_wrong_readout_model_is_noticed(charged, capsys):
    (charged / "many.json").write_text(counts_text(counts_of(CHARGED, 400_000, (0.1, 0.1)), "json"))
    right = in_process(capsys, "tomography", "many.json", "--out", "a")[1]
    wrong = in_process(capsys, "tomography", "many.json", "--readout", "0.3,0.3", "--out", "b")[1]
    assert "the counts fit no state well" in wrong
    assert "the counts fit no state well" not in right
    assert "ergotropy" not in right  # no battery was named


def test_the_energy_alone_takes_five_settings(charged, capsys):
    counts = counts_of(CHARGED)
    table = json.loads(counts_text(counts, "json"))["settings"]
    five = {name: table[name] for name in energy_settings(H)}
    (charged / "five.json").write_text(json.dumps({"settings": five}))
    assert "settings are missing: XZ, YZ, ZX, ZY" in refused(capsys, "tomography", "five.json", *OPTION)
    code, out, _ = in_process(capsys, "tomography", "five.json", *OPTION, "--energy-only")
    value, error = re.fullmatch(r"energy: (\S+) \+- (\S+) \(unit: the couplings\), unbiased\n", out).groups()
    assert code == 0
    assert abs(float(value) - np.trace(CHARGED @ H).real) < 4 * float(error)
    del five["XY"]
    (charged / "four.json").write_text(json.dumps({"settings": five}))
    assert "sees XY; the energy needs" in refused(capsys, "tomography", "four.json", *OPTION, "--energy-only")
    assert "no battery is given" in refused(capsys, "tomography", "five.json", "--energy-only")


def test_many_experiments_of_one_file(charged, capsys):
    write_netcdf(counts_of(CHARGED).resampled(2, seed=1).to_dataset(), charged / "many.nc")
    code, out, err = in_process(capsys, "tomography", "many.nc", "--estimator", "nearest", "--out", "many")
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith("experiment")] == ["experiment [0]", "experiment [1]"]
    assert xr.load_dataset(charged / "many" / "data.nc", engine="h5netcdf").purity.shape == (2,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--battery", "axial=1,foo=2"), "--battery: no coupling is called 'foo'; allowed: axial, dm"),
        (("--battery", "axial=x"), "--battery: found 'axial=x'; each coupling has a number"),
        (("--battery", "axial=nan"), "--battery: found 'axial=nan'"),
        (("--battery", "axial=1,axial=2"), "--battery: coupling 'axial' twice"),
        (("--battery", "axial=0"), "--battery: all couplings are zero"),
        (("--battery", "axial=1", "--sample", "nematic-pair"), "both --battery and --sample are given"),
        (("--sample", "nematic-pear"), "no sample is called 'nematic-pear'; did you mean 'nematic-pair'?"),
        (("--estimator", "ml"), "--estimator: found 'ml'; did you mean 'mle'?"),
        (("--readout", "0.1"), "--readout: readout must hold one entry for each of 2 spins, but is of length 1"),
        (("--readout", "0.1,x"), "--readout: found '0.1,x'; 2 chances with commas"),
        (("--readout", "0.1,0.1:0.2:0.3"), "--readout: found"),
        (("--readout", "0.1,nan"), "--readout: readout[1] must be finite, but is nan"),
        (("--bit-order", "qiskit"), "--bit-order: found 'qiskit', but the file says 'spin-0-first'"),
        (("--seed", "-1"), "--seed: found -1; a whole number from 0"),
    ],
)
def test_wrong_options_are_refused(options, message, charged, capsys):
    assert message in refused(capsys, "tomography", "charged.json", *options)
    assert not (charged / "runs").exists()


def test_bad_counts_leave_with_code_2_and_no_folder(charged, capsys):
    (charged / "bad.json").write_text('{"settings": {"XX": {"00": -1}}}')
    code, out, err = in_process(capsys, "tomography", "bad.json")
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == "nmrqb: bad.json, line 1: XX.00: found -1; counts are zero or more"
    assert err.splitlines()[1].startswith("nmrqb: bad.json: settings are missing: XY, XZ")
    assert not (charged / "runs").exists()
