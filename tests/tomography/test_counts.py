"""Counts of a user: three formats that say the same, states from them, and every wrong one refused by name of setting."""

import json

import numpy as np
import pytest

from nmrqb.errors import ArgumentError, InputError
from nmrqb.runs import write_netcdf
from nmrqb.tomography import Counts, counts_text, nearest_state, pauli_measurement, pauli_settings, read_counts

NINE = pauli_settings(2)


def a_state(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    rho = a @ a.conj().T
    return rho / np.trace(rho).real


def some_counts(shots=1000, readout=(), seed=0):
    p = pauli_measurement(NINE, readout).probabilities(a_state(seed))
    return Counts(NINE, np.random.default_rng(seed).multinomial(shots, p), readout)


def table(counts):
    return json.loads(counts_text(counts, "json"))["settings"]


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        read_counts(path, **options)
    return str(caught.value).replace(str(path), "FILE").splitlines()


def json_file(tmp_path, changed=(), **about):
    """Good counts with some settings changed, removed (None) or added, and keys beside them."""
    settings = {**table(some_counts()), **dict(changed)}
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({**about, "settings": {k: v for k, v in settings.items() if v is not None}}, indent=1))
    return path


@pytest.mark.parametrize("readout", [(), (0.01, (0.02, 0.03))])
@pytest.mark.parametrize("kind", ["json", "csv", "nc"])
def test_what_is_written_is_read_again(kind, readout, tmp_path):
    counts, path = some_counts(readout=readout), tmp_path / f"counts.{kind}"
    if kind == "nc":
        write_netcdf(counts.to_dataset(), path)
    else:
        path.write_text(counts_text(counts, kind))
    found = read_counts(path)
    assert found.settings == NINE
    np.testing.assert_array_equal(found.values, counts.values)
    np.testing.assert_allclose(found.measurement.response, counts.measurement.response)


def test_netcdf_holds_many_experiments_and_any_order_of_outcomes(tmp_path):
    many = some_counts().resampled(6, seed=1)
    dataset = many.to_dataset().isel(outcome=[3, 1, 0, 2], setting=[4, 0, 1, 2, 3, 5, 6, 7, 8])
    write_netcdf(dataset.transpose("outcome", "axis0", "setting"), tmp_path / "many.nc")
    found = read_counts(tmp_path / "many.nc")
    order = [found.settings.index(name) for name in NINE]
    np.testing.assert_array_equal(found.values[:, order], many.values)


def test_strings_of_qiskit_are_read_backwards(tmp_path):
    here = table(some_counts())
    backwards = {name: {outcome[::-1]: number for outcome, number in row.items()} for name, row in here.items()}
    path = tmp_path / "q.json"
    for about, options in (({"bit_order": "qiskit"}, {}), ({}, {"bit_order": "qiskit"})):
        path.write_text(json.dumps({**about, "settings": backwards}))
        np.testing.assert_array_equal(read_counts(path, **options).values, some_counts().values)
    np.testing.assert_array_equal(Counts.from_dicts(backwards, bit_order="qiskit").values, some_counts().values)
    path.write_text(json.dumps({"bit_order": "spin-0-first", "settings": here}))
    assert refused(path, bit_order="qiskit") == [
        "FILE: --bit-order: found 'qiskit', but the file says 'spin-0-first'; leave it out"
    ]


@pytest.mark.parametrize("estimator", ["linear", "nearest", "mle", "bayes"])
def test_states_from_counts(estimator):
    readout = (0.05, (0.02, 0.08))
    counts = some_counts(200_000, readout, seed=3)
    rho = counts.estimate(estimator, seed=1)
    assert np.linalg.norm(rho - a_state(3)) < 0.02
    if estimator == "nearest":
        np.testing.assert_allclose(rho, nearest_state(counts.estimate("linear")), atol=1e-15)
    if estimator == "bayes":  # slow, and batched in tests of its own
        return
    many = counts.resampled(3, seed=2).estimate(estimator, seed=1)
    assert many.shape == (3, 4, 4)
    assert np.all(np.linalg.norm(many - rho, axis=(1, 2)) < 0.03)
    ignorant = Counts(NINE, counts.values).estimate(estimator)
    assert np.linalg.norm(ignorant - a_state(3)) > 0.02


def test_resampling_from_frequencies_and_from_a_state():
    counts = some_counts(500)
    again = counts.resampled(4000, seed=5)
    np.testing.assert_array_equal(again.shots, 500)
    np.testing.assert_allclose(again.frequencies.mean(axis=0), counts.frequencies, atol=0.003)
    drawn = counts.resampled(4000, state=np.eye(4) / 4, seed=5)
    np.testing.assert_allclose(drawn.frequencies.mean(axis=0), 0.25, atol=0.003)
    with pytest.raises(ArgumentError, match="replicas must be a whole number, 1 or more, but is 0"):
        counts.resampled(0)


def with_number(number):
    return {"XY": {**table(some_counts())["XY"], "00": number}}


@pytest.mark.parametrize(
    ("changed", "about", "message"),
    [
        ({"XY": {"0": 5, "11": 4}}, {}, "XY.0: found outcome '0'; an outcome is 2 characters 0 and 1, one for each spin"),
        ({"XY": {"02": 5, "11": 4}}, {}, "XY.02: found outcome '02'"),
        ({"XY": {"0 0": 5, "11": 4}}, {}, "found outcome '0 0'"),
        ({"XY": {"0x3": 5, "11": 4}}, {}, "XY.0x3: found outcome '0x3'"),
        (with_number(-3), {}, "XY.00: found -3; counts are zero or more"),
        (with_number(-0.5), {}, "XY.00: found -0.5; counts are zero or more"),
        (with_number(10.5), {}, "XY.00: found 10.5; counts are whole numbers"),
        (with_number("10"), {}, "XY.00: found '10'; counts are whole numbers"),
        (with_number(None), {}, "XY.00: found None; counts are whole numbers"),
        (with_number(True), {}, "XY.00: found true; counts are whole numbers"),
        (with_number([1]), {}, "XY.00: found a list or an object; counts are whole numbers"),
        (with_number(float("nan")), {}, "XY.00: found what is not a number (NaN); counts are whole numbers"),
        (with_number(float("inf")), {}, "XY.00: found a number that is not finite"),
        (with_number(2**53 + 1), {}, "XY.00: found 9007199254740993; counts are at most 2^53"),
        ({"XY": None}, {}, "setting is missing: XY; a state of 2 spins needs all 9"),
        ({"XY": None, "ZZ": None}, {}, "settings are missing: XY, ZZ; a state"),
        ({"XY": {}}, {}, "XY: setting XY has no counts; each setting needs one"),
        ({"XY": {"00": 0}}, {}, "XY: setting XY has no counts; each setting needs one"),
        ({"XY": 5}, {}, 'XY: found 5; a setting holds its outcomes: {"00": 1021, ...}'),
        ({"XQ": {"00": 5}}, {}, "XQ: unknown setting 'XQ'; a setting has one letter X, Y or Z for each spin"),
        ({"xx": {"00": 5}}, {}, "xx: unknown setting 'xx'"),
        ({"XYZ": {"000": 5}}, {}, "XYZ: setting 'XYZ' has 3 letters; the others have 2"),
        (with_number(0), {"shots": 1000}, "XY: the counts of setting XY add up to"),
        ({}, {"shots": {"XY": 999}}, "XY: the counts of setting XY add up to 1000, but 999 shots are stated"),
        ({}, {"shots": {"XW": 1000}}, "shots.XW: shots of 'XW', which has no counts"),
        ({}, {"shots": 10.5}, "shots: found 10.5; shots are a whole number, 1 or more"),
        ({}, {"shots": 0}, "shots: found 0; shots are a whole number, 1 or more"),
        ({}, {"shot": 1000}, "unknown key 'shot'; did you mean 'shots'?"),
        ({}, {"bit_order": "little"}, "bit_order: found 'little'; allowed: qiskit, spin-0-first"),
        ({}, {"readout": [0.1]}, "readout: readout must hold one entry for each of 2 spins, but is of length 1"),
        ({}, {"readout": [0.1, 1.5]}, "readout: readout[1] must be a chance from 0 to 1, or two of them, but is 1.5"),
        ({}, {"readout": [0.1, "a"]}, "readout: readout[1] must be real numbers, but is 'a'"),
        ({}, {"readout": [0.1, [0.2, 0.8]]}, "readout: readout[1] must leave a difference"),
    ],
)  # fmt: skip
def test_bad_counts_are_refused_by_name_of_setting(changed, about, message, tmp_path):
    found = refused(json_file(tmp_path, changed, **about))
    assert any(message in line for line in found), found


def test_good_neighbours_of_bad_counts_pass(tmp_path):
    read_counts(json_file(tmp_path, with_number(0)))
    read_counts(json_file(tmp_path, with_number(2**53)))
    read_counts(json_file(tmp_path, shots=1000, title="a", note="b", readout=[0.1, [0.2, 0.0]]))
    read_counts(json_file(tmp_path, shots={"XY": 1000, "ZZ": 1000}))
    read_counts(json_file(tmp_path, readout=0.02))
    partial = read_counts(json_file(tmp_path, {"XZ": None}), partial=True)
    assert partial.missing == ("XZ",)
    with pytest.raises(ArgumentError, match="settings must determine the state, but is without XZ"):
        partial.estimate()


def test_all_problems_are_told_at_once_with_their_lines(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(
        '{"shots": 10, "note": "a \\"quoted\\": note", "extra": {"XX": {"00": 1}},\n'
        '"settings": {\n'
        '  "XX": {"00": 5, "00": 5},\n'
        '  "XY": {"00": 10},\n'
        '  "XY": {"00": -10},\n'
        '  "ZZ": {"00": 4,\n'
        '         "1": 6, "11": NaN}\n'
        "}}"
    )
    assert refused(path) == [
        "FILE, line 1: unknown key 'extra'; allowed: bit_order, note, readout, settings, shots, title",
        "FILE, line 3: XX.00: setting XX has outcome '00' twice; each stands once",
        "FILE, line 5: setting 'XY' stands twice; each stands once",
        "FILE, line 7: ZZ.1: found outcome '1'; an outcome is 2 characters 0 and 1, one for each spin",
        "FILE, line 7: ZZ.11: found what is not a number (NaN); counts are whole numbers",
        "FILE: settings are missing: XZ, YX, YY, YZ, ZX, ZY; a state of 2 spins needs all 9",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "FILE: the file is empty"),
        (" \n ", "FILE: the file is empty"),
        ("[]", "FILE: found []; a file of counts is an object"),
        ("{}", "FILE: key 'settings' is missing"),
        ('{"settings": {}}', "FILE: the file holds no counts"),
        ('{"settings": []}', "settings: found []"),
        ('{"settings": {"QQ": {"00": 1}}}', "QQ: unknown setting; a setting has one letter X, Y or Z"),
        ('{"settings": {"XX": {"00": 1}', "FILE, line 1: not JSON: expecting ',' delimiter"),
        ("[" * 50_000, "FILE: the file is nested too deep"),
        ('{"settings": {"XX": {"00": ' + "9" * 5000 + "}}}", "FILE: the file holds a number that is too long to read"),
        ('{"settings": {"XXXXXX": {"000000": 1}}}', "settings of 6 spins; at most 5 spins can be reconstructed"),
    ],
    ids=range(11),
)
def test_what_is_no_file_of_counts_is_refused(text, message, tmp_path):
    path = tmp_path / "c.json"
    path.write_text(text)
    assert refused(path)[0].startswith(message) or message in refused(path)[0]


def test_huge_missing_binary_and_unknown_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(read_counts.__globals__["MAX_BYTES"], ".json", 1_000_000)
    big = tmp_path / "big.json"
    big.write_bytes(b" " * 1_000_001)
    assert refused(big) == ["FILE: the file is larger than 1 MB; counts of few spins are small"]
    assert refused(tmp_path / "none.json") == ["FILE: the file cannot be read (no such file or directory)"]
    assert refused(tmp_path) == ["FILE: found ''; counts are read from files ending in .json, .csv or .nc"]
    (tmp_path / "c.csv").write_bytes(b"setting,outcome,count\n\xff\n")
    assert refused(tmp_path / "c.csv") == ["FILE, line 2: the file is not UTF-8 text"]
    (tmp_path / "c.nc").write_bytes(b"no such thing")
    assert refused(tmp_path / "c.nc")[0].startswith("FILE: not NetCDF-4")


def test_csv_is_refused_line_by_line(tmp_path):
    path = tmp_path / "c.csv"
    lines = counts_text(some_counts(), "csv").splitlines()
    path.write_text("\n".join(["# shots: 1000", "# by hand: yes", *lines, ""]))
    np.testing.assert_array_equal(read_counts(path).values, some_counts().values)
    path.write_text(
        "count, setting ,OUTCOME\n" + "\n".join(f"{c},{s},{o}" for s, o, c in (x.split(",") for x in lines[2:]))
    )
    np.testing.assert_array_equal(read_counts(path).values, some_counts().values)
    bad = [
        "XX,00,nan",
        "XX,00",
        "XX,0,5",
        "YY,11,-4",
        "QQ,00,4",
        "ZZ,11,4.5",
        "ZZ,11,",
        lines[2],
        "# shots: x",
        '"XX,0',
    ]
    path.write_text("\n".join([*lines, *bad]))
    start = len(lines) + 1
    found = refused(path)
    for k, message in enumerate(
        [
            "XX.00: found what is not a number (NaN); counts are whole numbers",
            "found 2 cells; each line has setting, outcome and count",
            "XX.0: found outcome '0'",
            "YY.11: found -4; counts are zero or more",
            "QQ: unknown setting 'QQ'",
            "ZZ.11: found 4.5; counts are whole numbers",
            "ZZ.11: found ''; counts are whole numbers",
            "setting XX has outcome '00' twice",
            "shots: found 'x'; shots is written as in JSON",
            "not CSV: unexpected end of data",
        ]
    ):
        assert any(line.startswith(f"FILE, line {start + k}: ") and message in line for line in found), (message, found)
    path.write_text("setting;outcome;count\nXX;00;4\n")
    assert refused(path) == ["FILE, line 1: found the header 'setting;outcome;count'; it reads setting,outcome,count"]


def test_netcdf_is_refused_by_name_of_setting(tmp_path):
    path, good = tmp_path / "c.nc", some_counts().resampled(3, seed=1).to_dataset()
    for value, message in ((-2.0, "found -2.0; counts are zero or more"), (np.nan, "(NaN)"), (1.5, "found 1.5")):
        bad = good.astype(float)
        bad.counts[1, 4, 2] = value
        write_netcdf(bad, path)
        assert len(refused(path)) == 1
        assert refused(path)[0].startswith("FILE: YY: ")
        assert message in refused(path)[0]
    write_netcdf(good.isel(setting=slice(8)), path)
    assert refused(path) == ["FILE: setting is missing: ZZ; a state of 2 spins needs all 9"]
    write_netcdf(good.assign_attrs(shots=999), path)
    assert "the counts of setting XX add up to 1000, but 999 shots are stated" in refused(path)[0]
    write_netcdf(good.drop_vars("setting"), path)
    assert refused(path)[0].startswith("FILE: a variable counts over setting and outcome is missing")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((8, 4)), r"counts must have shape \(\.\.\., 9, 4\), but is of shape \(8, 4\)"),
        (np.where(np.arange(9) == 3, -1, 1)[:, None] * np.ones(4), "counts of YX must be zero or above, but is -1"),
        (np.where(np.arange(9) == 3, 0.5, 1)[:, None] * np.ones(4), r"counts of YX must be whole numbers.*but is 0\.5"),
        (np.where(np.arange(9) == 3, 0, 1)[:, None] * np.ones(4), "counts of YX must hold at least one count"),
        (np.where(np.arange(9) == 3, np.nan, 1)[:, None] * np.ones(4), "counts of YX must be finite, but is nan"),
    ],
)
def test_arrays_are_refused_by_name_of_setting(values, message):
    with pytest.raises(ArgumentError, match=message):
        Counts(NINE, values)


def test_other_arguments_are_refused():
    with pytest.raises(ArgumentError, match="bit_order must be one of spin-0-first, qiskit, but is 'big'"):
        Counts.from_dicts({"Z": {"0": 1}}, bit_order="big")
    with pytest.raises(ArgumentError, match="outcome of ZZ must be 2 characters 0 and 1, but is '0'"):
        Counts.from_dicts({"ZZ": {"0": 1}})
    with pytest.raises(ArgumentError, match=r"counts of ZZ must be whole numbers, but is 1\.5"):
        Counts.from_dicts({"ZZ": {"00": 1.5}})
    with pytest.raises(ArgumentError, match="estimator must be one of linear, nearest, mle, bayes, but is 'ml'"):
        some_counts().estimate("ml")
