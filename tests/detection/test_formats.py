"""Real data in and out: two known lines through every format, by our writers, by nmrglue's and by hand."""

import nmrglue as ng
import numpy as np
import pytest
from detection_files import CARRIER, CARRIER_PPM, NU, SIMPSON, T2, WIDTH, A, N, bruker_folder, two_line_fid, two_lines
from scipy.signal import firwin

from nmrqb.detection import Fid, fit_amplitudes, read_fid, spectrum, write_fid
from nmrqb.detection.formats import FORMATS
from nmrqb.errors import InputError

SINGLE = {"bruker": 1e-15, "simpson": 1e-15, "varian": 1e-6, "nmrpipe": 1e-6}


def lines_are_in_place(data, tolerance=1e-4):
    fitted = fit_amplitudes(data, NU, T2)
    np.testing.assert_allclose(fitted.amplitude, A, rtol=tolerance)
    shape = spectrum(data)
    assert shape.frequency[np.argmax(np.abs(shape.values))] == pytest.approx(NU[0], abs=shape.spacing)


@pytest.mark.parametrize("rows", [None, 3])
@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_written_is_read_back(tmp_path, kind, rows):
    data = two_line_fid(rows)
    path = write_fid(tmp_path / "some" / "data", data, kind)
    back = read_fid(path)
    assert back.signal.shape == data.signal.shape
    np.testing.assert_allclose(back.signal, data.signal, atol=SINGLE[kind] * 3500)
    assert back.dwell == pytest.approx(data.dwell, rel=1e-7)
    assert back.start == 0
    assert back.info["format"] == kind
    if kind == "simpson":
        assert (back.carrier, back.nucleus) == (None, "")
    else:
        assert back.carrier == pytest.approx(CARRIER, rel=1e-7)
        assert back.carrier_ppm == pytest.approx(CARRIER_PPM, abs=1e-6)
        assert back.nucleus == "1H"
    if rows is None:
        lines_are_in_place(back)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_fid_without_carrier_stays_one(tmp_path, kind):
    back = read_fid(write_fid(tmp_path / "data", Fid(np.arange(1, 6) + 0.5j, 1e-4), kind))
    assert back.carrier is None
    assert back.points == 5


def layout():
    """nmrglue's universal dictionary of the two-line FID, and its points."""
    udic = ng.fileiobase.create_blank_udic(1)
    udic[0] |= {
        "size": N, "sw": WIDTH, "complex": True, "time": True, "freq": False, "label": "1H",
        "obs": 500.13, "car": CARRIER_PPM * 500.13, "encoding": "direct",
    }  # fmt: skip
    return udic, two_lines(np.arange(N) / WIDTH).astype("complex64")


def written_by_nmrglue(folder, kind):
    """The FID through nmrglue's own converter and writer, with the parameters that its converter leaves out."""
    udic, points = layout()
    converter = ng.convert.converter()
    converter.from_universal(udic, points)
    if kind == "nmrpipe":
        ng.pipe.write(str(folder / "test.fid"), *converter.to_pipe())
        return folder / "test.fid"
    if kind == "varian":
        dic, data = converter.to_varian()
        for key, value in {"sw": WIDTH, "sfrq": CARRIER / 1e6, "reffrq": 500.13}.items():
            dic["procpar"][key] = ng.varian.create_pdic_param(key, [str(value)])
        dic["procpar"]["tn"] = {**ng.varian.create_pdic_param("tn", ["H1"]), "basictype": "2"}
        ng.varian.write(str(folder), dic, data)
        return folder
    dic, data = converter.to_bruker()
    dic["acqus"] |= {"SW_h": WIDTH, "TD": 2 * N, "SFO1": CARRIER / 1e6, "BF1": 500.13, "NUC1": "1H", "DIGMOD": 0}
    dic["acqus"] |= {"_coreheader": ["##TITLE= test"], "NS": 16, "D": [0.0, 1.5, 2.0]}
    ng.bruker.write(str(folder), dic, data)
    return folder


@pytest.mark.parametrize("kind", ["bruker", "varian", "nmrpipe"])
@pytest.mark.filterwarnings("ignore::UserWarning:nmrglue")
def test_files_that_nmrglue_writes_keep_positive_offsets_positive(tmp_path, kind):
    data = read_fid(written_by_nmrglue(tmp_path, kind))
    # nmrglue cuts Bruker points down to integers: up to a unit in 1500 for each
    lines_are_in_place(data, tolerance=3e-3 if kind == "bruker" else 1e-4)
    assert data.nucleus == "1H"
    assert spectrum(data).ppm[np.argmax(np.abs(spectrum(data).values))] == pytest.approx(4.7 + 1200 / 500.13, abs=0.01)


@pytest.mark.parametrize("kind", ["bruker", "varian", "nmrpipe"])
@pytest.mark.filterwarnings("ignore::UserWarning:nmrglue")
def test_files_that_we_write_have_their_lines_where_nmrglue_s_own_processing_puts_them(tmp_path, kind):
    path = write_fid(tmp_path / "data", two_line_fid(), kind)
    converter = ng.convert.converter()
    if kind == "bruker":
        dic, points = ng.bruker.read(str(path), shape=(N,), cplex=True, read_pulseprogram=False)
        converter.from_bruker(dic, points, udic=layout()[0])
    elif kind == "varian":
        dic, points = ng.varian.read(str(path))
        converter.from_varian(dic, points, udic=layout()[0])
    else:
        converter.from_pipe(*ng.pipe.read(str(path)))
    dic, points = ng.pipe_proc.ft(*ng.pipe_proc.zf(*converter.to_pipe(), auto=True), auto=True)
    ppm = ng.pipe.make_uc(dic, points).ppm_scale()
    assert ppm[np.argmax(np.abs(points))] == pytest.approx(4.7 + 1200 / 500.13, abs=0.01)


def test_a_simpson_file_written_by_hand(tmp_path):
    path = tmp_path / "hand.fid"
    path.write_text(SIMPSON.format(extra="REF=120\n", end="END"))
    data = read_fid(path)
    np.testing.assert_array_equal(data.signal, [1, 1j, -1, -1j])
    assert data.dwell == 5e-4
    assert data.info["REF"] == "120"
    # a quarter turn a point: 500 Hz
    shape = spectrum(data, size=64)
    assert shape.frequency[np.argmax(np.abs(shape.values))] == pytest.approx(500, abs=60)


def packed(values):
    """SIMPSON's binary packing of float32 whose mantissa is a fraction from 1/2 to 1 without hidden bit."""
    raw = b""
    for value in values:
        m, e = np.frexp(abs(value))
        bits = (int(value < 0) << 31) | (int(e + 127) << 23) | int(m * 2**23) if value else 0
        raw += bits.to_bytes(4, "little")
    raw += bytes(-len(raw) % 3)
    text = ""
    for b0, b1, b2 in zip(raw[::3], raw[1::3], raw[2::3], strict=True):
        word = (b0 & 63, (b0 >> 6 << 4) | (b1 & 15), (b1 >> 4 << 2) | (b2 & 3), b2 >> 2)
        text += "".join(chr(c + 33) for c in word)
    return "\n".join(text[k : k + 64] for k in range(0, len(text), 64))


def test_a_simpson_file_in_its_binary_packing(tmp_path):
    points = np.array([[1.0, 0.25j, -3.5 + 0.5j], [2.0, -0.125, 1j]])
    values = points.ravel().view(float)
    path = tmp_path / "binary.fid"
    head = "SIMP\nNP=3\nSW=1000\nNI=2\nTYPE=FID\nFORMAT=BINARY\nDATA\n"
    path.write_text(head + packed(values) + "\nEND\n")
    np.testing.assert_allclose(read_fid(path).signal, points, rtol=1e-6)
    path.write_text(head + packed(values)[:-5] + "\nEND\n")
    with pytest.raises(InputError, match="found 59 characters of data; 64, as NP, NI and NELEM say"):
        read_fid(path)


def test_a_bruker_group_delay_is_taken_into_the_time_axis(tmp_path):
    # A console's decimation: sampled 16 times faster, low-pass filtered and thinned, so that the filter delays by g points.
    fast, g = 16, 67.9375
    taps = firwin(2 * round(g * fast) + 1, 0.9 / fast)
    t = np.arange(-2000, N * fast) / (WIDTH * fast)
    oversampled = np.where(t >= 0, two_lines(np.maximum(t, 0)), 0)
    oversampled[t == 0] *= 0.5
    delayed = np.convolve(oversampled, taps)[2000::fast][:N]
    write_fid(tmp_path / "data", Fid(delayed, 1 / WIDTH, start=-g / WIDTH), "bruker")
    data = read_fid(tmp_path / "data")
    assert data.start == pytest.approx(-g / WIDTH)
    fitted = fit_amplitudes(data, NU, T2)
    np.testing.assert_allclose(fitted.amplitude, A, rtol=2e-3)  # the filter's ripple
    same_end = Fid(two_lines(np.arange(N - 68) / WIDTH), 1 / WIDTH)
    shape, ideal = spectrum(data, size=4096), spectrum(same_end, size=4096)
    inside = np.abs(shape.frequency) < 0.4 * WIDTH
    difference = np.abs(shape.values - ideal.values)[inside].max() / np.abs(ideal.values).max()
    assert difference < 3e-3  # 2.0e-3 measured, the ripple again
    assert data.after(0).start == pytest.approx((68 - g) / WIDTH)


@pytest.mark.parametrize(
    "acqus, expected",
    [
        ({"GRPDLY": 67.98, "DSPFVS": 20, "DECIM": 16}, 67.98),
        ({"GRPDLY": -1, "DSPFVS": 12, "DECIM": 8}, 53.25),
        ({"GRPDLY": 0, "DSPFVS": 10, "DECIM": 32}, 70.015625),
        ({"DSPFVS": 14, "DECIM": 8}, 0.0),
        ({"DSPFVS": 12, "DECIM": 1}, 0.0),
        ({"DIGMOD": 0, "GRPDLY": 67.98}, 0.0),
        ({}, 0.0),
    ],
)
def test_group_delays_of_old_and_new_consoles(tmp_path, acqus, expected):
    folder = bruker_folder(tmp_path, **acqus)
    assert -read_fid(folder).start * WIDTH == pytest.approx(expected)


@pytest.mark.parametrize("dtype, DTYPA, BYTORDA", [("<i4", 0, 0), (">i4", 0, 1), ("<f8", 2, 0), (">f8", 2, 1)])
def test_bruker_numbers_of_every_kind(tmp_path, dtype, DTYPA, BYTORDA):
    data = read_fid(bruker_folder(tmp_path, dtype=dtype, DTYPA=DTYPA, BYTORDA=BYTORDA))
    np.testing.assert_array_equal(data.signal, np.arange(0, 16, 2) + 1j * np.arange(1, 16, 2))
    assert data.nucleus == "13C"
    assert data.carrier is None


def test_bruker_blocks_are_cut_to_their_points(tmp_path):
    one = read_fid(bruker_folder(tmp_path, numbers=256))
    assert one.points == 8
    (tmp_path / "fid").unlink()
    rows = read_fid(bruker_folder(tmp_path, numbers=3 * 256, name="ser"))
    assert rows.signal.shape == (3, 8)
    assert rows.signal[1, 0] == 256 + 257j


def test_bruker_shifts_count_from_sf_of_the_processing_parameters(tmp_path):
    bruker_folder(tmp_path, SFO1=125.77, BF1=125.76)
    assert read_fid(tmp_path).carrier_ppm == pytest.approx(0.01 / 125.76 * 1e6)
    (tmp_path / "pdata" / "1").mkdir(parents=True)
    (tmp_path / "pdata" / "1" / "procs").write_text("##$SF= 125.7575\n##END=")
    assert read_fid(tmp_path).carrier_ppm == pytest.approx(0.0125 / 125.7575 * 1e6)


@pytest.mark.parametrize("name", ["fid", "acqus"])
def test_a_file_of_a_folder_stands_for_the_folder(tmp_path, name):
    assert read_fid(bruker_folder(tmp_path) / name).points == 8
