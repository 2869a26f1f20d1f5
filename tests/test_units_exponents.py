"""Units with exponents, and rates: a unit takes the exponent behind it, as units are written everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmrqb import units
from nmrqb.units import ANGLE, FREQUENCY, NUMBER, TIME, ExpressionError, evaluate, quantity, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20 s^-1", 20), ("20 s**-1", 20), ("20s^-1", 20), ("20 /s", 20), ("20/s", 20), ("20 / s", 20), ("20/ms", 20e3), ("-20/s", -20),
        ("20 ms^-1", 20e3), ("3 s^2 / (6 s^3)", 0.5), ("2*20/s", 40), ("1/2/s", 0.5), ("20/s + 1 Hz", 21), ("20/s*2", 40), ("6 /min", 0.1),
        ("1/(20 s)", 0.05), ("(20 s)^-1", 0.05), ("20 m/s * 1 m^-1", 20), ("2 kHz^2 / (1 kHz)", 2e3), ("4 s^(-1)", 4), ("2 s^-1^2", 2), ("-2 s^-1", -2),
        ("pi s^-1", 3.141592653589793), ("20e0 s^-1.0", 20), ("2**2/s", 4),
    ],
)  # fmt: skip
def test_rates(text, value):
    assert float(read(text, FREQUENCY)) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3 ms ** 2 / (1 ms)", TIME, 3e-3), ("(3 ms)**2 / (1 ms)", TIME, 9e-3), ("2 s^2 * 5/s", TIME, 10), ("2 rad/s * 3 s", ANGLE, 6), ("sqrt(4 s^2)", TIME, 2),
        ("9 deg^2 / (3 deg)", ANGLE, 0.05235987755982988), ("2^3", NUMBER, 8), ("2 s^0", NUMBER, 2),
    ],
)  # fmt: skip
def test_the_exponent_belongs_to_the_unit_and_not_to_its_number(text, kind, value):
    assert float(read(text, kind)) == pytest.approx(value, rel=1e-12)


@given(st.floats(1e-3, 1e3), st.sampled_from(["s", "ms", "us", "ns", "min"]), st.integers(1, 4))
def test_every_way_to_write_a_power_of_a_unit_is_one_value(number, unit, power):
    over = "/".join([repr(number), *[unit] * power])
    for text in (f"{number!r} {unit}^-{power}", f"{number!r} {unit}**(-{power})", f"{number!r}/(1 {unit}^{power})"):
        value, expected = evaluate(text, {}), evaluate(over, {})
        assert value.to_base_units().magnitude == pytest.approx(expected.to_base_units().magnitude, rel=1e-12)
        assert value.dimensionality == expected.dimensionality


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2/d", "undefined name 'd'"), ("2/Hz", "undefined name 'Hz'"), ("2/m", "undefined name 'm'"), ("2*s", "undefined name 's'"), ("1 + s", "undefined name 's'"),
        ("20 s^13", "exponent 13"), ("20 s^(1 s)", "plain number is needed"), ("20 s^", "ends where a value"), ("20 s^-", "ends where a value"),
        ("/s", "where a value should stand"), ("20//s", "where a value should stand"), ("20/s(1)", "undefined name 's'|no function"),
    ],
)  # fmt: skip
def test_what_stays_refused(text, says):
    with pytest.raises(ExpressionError, match=says):
        evaluate(text, {})


def test_a_name_of_that_spelling_wins_over_the_unit():
    names = {"s": quantity(4.0, TIME)}
    assert float(read("20/s", FREQUENCY, names)) == 5
    with pytest.raises(ExpressionError, match="directly before the name 's'"):
        evaluate("20 s^-1", names)


def test_what_was_read_once_without_a_name_is_read_anew_with_it():
    """Constant texts are remembered; a name of a unit's spelling must not be answered from that memory."""
    assert float(read("7 s^-1", FREQUENCY)) == 7
    assert float(read("6/s", FREQUENCY)) == 6
    assert float(read("6/s", FREQUENCY, {"s": quantity(2.0, TIME)})) == 3
    with pytest.raises(ExpressionError, match="write a \\*"):
        evaluate("7 s^-1", {}, known=["s"])
    assert float(read("7 s^-1", FREQUENCY)) == 7
    assert units.names_in("6/s") == {"s"}
