"""nmrqb design tomography: the table against the design itself, spectra, and what it refuses."""

import re

import numpy as np
import pytest
from command_line import in_process, refused

from nmrqb import Battery, charging_unitary
from nmrqb.tomography import pauli_design, pauli_settings

OPTION = ("--battery", "axial=1,rhombic=0.5,dm=0.3")
BATTERY = Battery(axial=1, rhombic=0.5, dm=0.3)
H = BATTERY.hamiltonian()
U = charging_unitary(2, np.pi / 4)
CHARGED = U @ BATTERY.gibbs_state(0.7) @ U.conj().T


def design(capsys, *options):
    code, out, err = in_process(capsys, "design", "tomography", *options)
    assert (code, err) == (0, "")
    return out


def row(out, name):
    line = next(line for line in out.splitlines() if line.strip().startswith(name))
    return [float(number) for number in re.findall(r"(?<![\w-])\d+\.?\d*(?:e-?\d+)?", line)]


def test_nine_settings_with_their_errors_and_shares(capsys):
    out = design(
        capsys, *OPTION, "--temperature", 0.7, "--flip", "90 deg", "--shots", 9000, "--readout", "0.02,0.03:0.05"
    )
    assert "9 settings: rank 15 of 15, condition " in out
    expected = pauli_design(pauli_settings(2), CHARGED, (0.02, (0.03, 0.05)))
    alike, shared = row(out, "energy")
    assert alike == pytest.approx(expected.observable_error(H, 1000), rel=1e-3)
    assert shared < 0.8 * alike
    for name in ("state", "ergotropy", "l1 coherence", "purity"):
        alike, shared = row(out, name)
        assert shared <= alike
    shares = np.array([row(out, name) for name in pauli_settings(2)])
    np.testing.assert_array_equal(shares.sum(axis=0), 9000)
    assert expected.observable_error(H, shares[:, 1]) == pytest.approx(row(out, "energy")[1], rel=1e-3)


def test_five_settings_do_for_the_energy_alone_and_the_energy_basis_is_cheapest(capsys):
    out = design(capsys, *OPTION, "--settings", "energy")
    assert "5 settings: rank 11 of 15" in out
    assert "not determined" in next(line for line in out.splitlines() if "ergotropy (" in line)
    all_nine, five, shared, basis = (
        int(n) for n in re.search(r"takes (\d+) .* (\d+) in those .*\((\d+) shared out\), (\d+) in the", out).groups()
    )
    assert abs(five - 9 * 1024) <= 1  # the shots that were asked for, of the settings that were asked about
    assert basis < shared < five < all_nine
    assert "2 settings: rank 5 of 15" in design(capsys, "--settings", "XX,XY", "--shots", 1)


def test_readouts_of_a_spectrum(capsys):
    out = design(capsys, "--sample", "chloroform", "--nmr", "II,IX,IY,XX", "--shots", 400, *OPTION)
    assert "4 readouts: rank 15 of 15, condition 2" in out
    alike, shared = row(out, "energy")
    assert shared < alike
    assert "5 readouts: rank 8 of 15, condition 2" in design(capsys, "--sample", "nematic-pair", "--nmr", "default")
    assert "energy" not in design(capsys, "--sample", "chloroform", "--nmr", "II")  # no battery was named
    twice = row(design(capsys, "--sample", "chloroform", "--nmr", "default", "--noise", 0.02), "state")[0]
    assert twice == pytest.approx(
        2 * row(design(capsys, "--sample", "chloroform", "--nmr", "default"), "state")[0], rel=1e-3
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--settings", "XX,XQ"), "setting must be made of the letters X, Y, Z, one for each spin, but is 'XQ'"),
        (("--settings", "energy"), "--settings: found 'energy'; --battery or --sample says whose energy"),
        (("--settings", "XXXXX"), "found 5 spins; at most 4 spins"),
        (("--settings", "XXX", "--battery", "axial=1"), "--battery: a battery has two spins, not 3"),
        (("--shots", 0), "--shots: found 0"),
        (("--temperature", 0, *OPTION), "--temperature: found 0; above zero"),
        (("--temperature", 1), "--temperature: no battery is given"),
        (("--flip", "3"), "--flip: found a number without a unit"),
        (("--readout", "0.1"), "--readout: readout must hold one entry for each of 2 spins, but is of length 1"),
        (("--nmr", "default"), "--nmr: no sample is given"),
        (("--nmr", "II", "--sample", "nematic-pair"), "hold one pulse for each of 1 channels, but is 'II' with 2"),
        (("--nmr", "default", "--sample", "chloroform", "--noise", 0), "noise must be above zero, but is 0"),
    ],
)
def test_what_cannot_be_designed_is_refused(options, message, capsys):
    assert message in refused(capsys, "design", "tomography", *options)
