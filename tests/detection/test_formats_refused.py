"""Data files that are not whole, or not data: refused in one sentence that says what was found and what would do."""

import nmrglue as ng
import numpy as np
import pytest
from detection_files import CARRIER, NU, SIMPSON, T2, WIDTH, A, N, bruker_folder, two_line_fid, two_lines

from nmrqb.detection import Fid, fit_amplitudes, read_fid, write_fid
from nmrqb.errors import ArgumentError, InputError


@pytest.mark.parametrize(
    "change, message",
    [
        ({"SW_h": None}, "acqus: SW_h: is missing; a spectral width in Hz above zero"),
        ({"SW_h": 0}, "SW_h: found 0; a spectral width"),
        ({"SW_h": "<wide>"}, "SW_h: found 'wide'; a spectral width"),
        ({"TD": 15}, "TD: found 15; an even number of points, 2 or more"),
        ({"TD": 0}, "TD: found 0"),
        ({"AQ_mod": 2}, "AQ_mod: found 2, single-channel points; 1 or 3, quadrature taken at one time"),
        ({"AQ_mod": 7}, "AQ_mod: found 7; 0, 1, 2 or 3"),
        ({"DTYPA": 1}, r"DTYPA: found 1; 0 \(32-bit integers\) or 2 \(doubles\)"),
        ({"numbers": 14}, "fid: found 56 bytes; 16 numbers of 4 bytes, as TD says"),
        ({"numbers": 257}, "fid: found 1028 bytes; 16 numbers of 4 bytes"),
        ({"numbers": 0}, "fid: found 0 bytes"),
        ({"numbers": 300, "name": "ser"}, "ser: found 1200 bytes; rows of 256 numbers of 4 bytes, as TD says"),
        ({"name": "else"}, "fid: there is no such file; Bruker data needs it"),
        ({"DSPFVS": 13, "DECIM": 5}, "GRPDLY: found none for a digital filter of DSPFVS 13 and DECIM 5"),
        ({"SFO1": -1}, "SFO1: found -1; a frequency in MHz"),
        ({"DTYPA": 2, "dtype": "<f8", "numbers": 16, "bad": True}, "signal must be finite"),
    ],
)
def test_bruker_folders_that_are_not_whole_are_refused_in_one_sentence(tmp_path, change, message):
    spoil = change.pop("bad", False)
    bruker_folder(tmp_path, **change)
    if spoil:
        (tmp_path / "fid").write_bytes(np.full(16, np.nan).tobytes())
    refused(tmp_path, message)


def refused(path, message):
    with pytest.raises(InputError, match=message) as caught:
        read_fid(path)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_a_parameter_file_cut_inside_a_string_is_read_as_far_as_it_goes(tmp_path):
    bruker_folder(tmp_path)
    (tmp_path / "acqus").write_text("##$TD= 16\n##$SW_h= 8000\n##$NUC1= <13")
    assert read_fid(tmp_path).nucleus == "13"
    (tmp_path / "acqus").write_bytes(b"\x00\xff" * 50)
    refused(tmp_path, r"acqus: holds no line such as ##\$SW_h= 5000; a parameter file of a Bruker console")
    bruker_folder(tmp_path)
    (tmp_path / "acqu3s").write_text("")
    refused(tmp_path, "found a parameter file acqu3s; one or two dimensions")


def test_paths_without_known_data_are_refused(tmp_path):
    refused(
        tmp_path / "nothing", "nothing: there is no such file or folder; a Bruker or Varian folder, an NMRPipe file"
    )
    refused(tmp_path, r"found neither acqus \(Bruker\) nor procpar \(Varian\)")
    (tmp_path / "fid").write_bytes(b"\x00" * 64)
    refused(tmp_path, r"found neither acqus \(Bruker\) nor procpar \(Varian\)")
    refused(tmp_path / "fid", r"found neither acqus")
    for content in (b"", b"hello", b"\x00" * 5000):
        (tmp_path / "table.csv").write_bytes(content)
        refused(tmp_path / "table.csv", "table.csv: is in no format known here; a Bruker or Varian folder")


def test_varian_folders_that_are_not_whole_are_refused(tmp_path):
    folder = write_fid(tmp_path / "v", two_line_fid(), "varian")
    whole, procpar = (folder / "fid").read_bytes(), (folder / "procpar").read_text()
    for spoilt, message in (
        (whole[:-4], "fid: found 8056 bytes; 8060 bytes, as its header says"),
        (whole + b"\x00", "fid: found 8061 bytes; 8060 bytes"),
        (whole[:20], "fid: found 20 bytes; a header of 32 bytes and data"),
        (b"\xff" * len(whole), "fid: "),
        (whole[:26] + b"\x00\x0b" + whole[28:], "fid: holds a spectrum; a signal in time"),
    ):
        (folder / "fid").write_bytes(spoilt)
        refused(folder, message)
    (folder / "fid").unlink()
    refused(folder, "fid: there is no such file; Varian data needs it")
    (folder / "fid").write_bytes(whole)
    (folder / "procpar").write_text(procpar.replace("sw ", "xw ", 1))
    refused(folder, "procpar: sw: is missing; a spectral width in Hz above zero")
    (folder / "procpar").write_text("nonsense\n")
    refused(folder, "procpar: cannot be read as Varian data .*; a whole, unchanged file of this format")


def test_nmrpipe_files_that_are_not_whole_are_refused(tmp_path):
    path = write_fid(tmp_path / "test.fid", two_line_fid(), "nmrpipe")
    whole = path.read_bytes()
    head = np.frombuffer(whole[:2048], "<f4")
    index = {key: int(value) for key, value in ng.pipe.fdata_dic.items()}

    def changed(key, value):
        copy = head.copy()
        copy[index[key]] = value
        return copy.tobytes() + whole[2048:]

    for spoilt, message in (
        (whole[:-4], "found 10044 bytes; 10048 bytes, as its header says"),
        (whole[:1000], "found 1000 bytes; a header of 2048 bytes and data"),
        (changed("FDF2FTFLAG", 1), "holds a spectrum; a signal in time"),
        (changed("FDF2QUADFLAG", 1), "holds real points; complex ones"),
        (changed("FDDIMCOUNT", 3), "found 3 dimensions; one or two"),
        (changed("FDF2SW", 0), "FDF2SW: found 0; a spectral width in Hz above zero"),
        (changed("FDSIZE", np.nan), "cannot be read as NMRPipe data"),
        (changed("FDSIZE", np.inf), "cannot be read as NMRPipe data"),
        (changed("FDDIMORDER1", 9), "cannot be read as NMRPipe data"),
    ):
        path.write_bytes(spoilt)
        refused(path, message)
    swapped = np.frombuffer(whole, "<f4").astype(">f4").tobytes()
    path.write_bytes(swapped)
    np.testing.assert_allclose(fit_amplitudes(read_fid(path), NU, T2).amplitude, A, rtol=1e-4)


@pytest.mark.parametrize(
    "change, message",
    [
        (("NP=4", "NP=5"), "found 4 points; 5, as NP, NI and NELEM say"),
        (("NP=4", "NP=4\nNELEM=2"), "found 4 points; 8, as NP, NI and NELEM say"),
        (("NP=4\n", ""), "NP: is missing; a whole number, 1 or more"),
        (("NP=4", "NP=4.5"), "NP: found 4.5; a whole number, 1 or more"),
        (("SW=2000", "SW=-1"), "SW: found -1; a spectral width in Hz above zero"),
        (("SW=2000", "SW=fast"), "SW: found 'fast'; a spectral width in Hz above zero"),
        (("TYPE=FID", "TYPE=SPE"), "TYPE: found SPE; FID, a signal in time"),
        (("DATA", "DATUM"), "lacks its first line SIMP or the line DATA"),
        (("END", ""), "lacks its last line END"),
        (("-1 0", "-1"), "cannot be read as SIMPSON data"),
        (("-1 0", "-1 nan"), "found a point that is not finite; numbers"),
        (("-1 0", "-1 \u00e9"), "cannot be read as SIMPSON data"),
    ],
)
def test_simpson_files_that_are_not_whole_are_refused(tmp_path, change, message):
    path = tmp_path / "hand.fid"
    path.write_text(SIMPSON.format(extra="", end="END").replace(*change), encoding="utf-8")
    refused(path, message)


def test_nothing_is_overwritten_unasked(tmp_path):
    path = write_fid(tmp_path / "data", two_line_fid(), "simpson")
    with pytest.raises(InputError, match="data: exists already; a new name, or overwrite=True"):
        write_fid(path, two_line_fid(), "simpson")
    write_fid(path, Fid(np.ones(3), 1e-3), "simpson", overwrite=True)
    assert read_fid(path).points == 3
    (tmp_path / "empty").mkdir()
    assert read_fid(write_fid(tmp_path / "empty", two_line_fid(), "bruker")).points == N


@pytest.mark.parametrize(
    "data, kind, message",
    [
        (two_line_fid(), "jeol", "format must be one of bruker, varian, nmrpipe, simpson, but is 'jeol'"),
        (Fid(np.ones((2, 2, 4)), 1e-3), "bruker", r"signal must have shape \(N,\) or \(rows, N\) in a file"),
        (Fid(np.ones(4), 1e-3, start=-1e-3), "varian", "start must be zero or above in a varian file"),
    ],
)
def test_what_no_file_can_hold_is_refused(tmp_path, data, kind, message):
    with pytest.raises(ArgumentError, match=message):
        write_fid(tmp_path / "data", data, kind)
    assert not (tmp_path / "data").exists()


def mutations(content, rng, count):
    """The same bytes with some replaced, cut, or doubled."""
    for k in range(count):
        spoilt = bytearray(content)
        if k % 3 == 0:
            spoilt = spoilt[: rng.integers(len(content))]
        elif k % 3 == 1:
            at = int(rng.integers(len(content)))
            spoilt[at:at] = spoilt[at : at + int(rng.integers(1, 60))]
        for at in rng.integers(0, max(len(spoilt), 1), int(rng.integers(1, 6))) if spoilt else ():
            spoilt[at] = rng.integers(256)
        yield bytes(spoilt)


@pytest.mark.parametrize("kind, file", [("bruker", "acqus"), ("bruker", "fid"), ("varian", "procpar"), ("varian", "fid"),
                                        ("nmrpipe", ""), ("simpson", "")])  # fmt: skip
def test_spoilt_files_are_read_or_refused_but_never_crash(tmp_path, kind, file):
    place = write_fid(tmp_path / "data", Fid(two_lines(np.arange(12) / WIDTH), 1 / WIDTH, carrier=CARRIER), kind)
    spoiled = place / file if file else place
    whole = spoiled.read_bytes()
    told = []
    for content in mutations(whole[:2100] if kind == "nmrpipe" else whole, np.random.default_rng(3), 150):
        spoiled.write_bytes(content + (whole[2100:] if kind == "nmrpipe" else b""))
        try:
            read_fid(place)
        except InputError as error:
            told.append(str(error))
    assert told
    assert not [text for text in told if "\n" in text]
