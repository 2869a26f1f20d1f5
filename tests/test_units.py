"""Quantities as text: against Python's own arithmetic, against units by hand, and nothing else accepted."""

import math
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nmrqb import units
from nmrqb.units import (
    ANGLE,
    FIELD,
    FREQUENCY,
    KINDS,
    LENGTH,
    NUMBER,
    TEMPERATURE,
    TIME,
    ExpressionError,
    evaluate,
    kind_of,
    quantity,
    read,
    to_kind,
)

# --- units, by hand -----------------------------------------------------------------------------------------------------

UNITS = [
    ("s", TIME, 1.0), ("ms", TIME, 1e-3), ("us", TIME, 1e-6), ("µs", TIME, 1e-6), ("μs", TIME, 1e-6), ("ns", TIME, 1e-9), ("min", TIME, 60.0), ("hour", TIME, 3600.0),
    ("Hz", FREQUENCY, 1.0), ("kHz", FREQUENCY, 1e3), ("MHz", FREQUENCY, 1e6),
    ("rad", ANGLE, 1.0), ("mrad", ANGLE, 1e-3), ("urad", ANGLE, 1e-6), ("krad", ANGLE, 1e3), ("deg", ANGLE, math.pi / 180), ("°", ANGLE, math.pi / 180), ("turn", ANGLE, 2 * math.pi),
    ("m", LENGTH, 1.0), ("nm", LENGTH, 1e-9), ("angstrom", LENGTH, 1e-10), ("Å", LENGTH, 1e-10), ("T", FIELD, 1.0), ("mT", FIELD, 1e-3), ("K", TEMPERATURE, 1.0),
    ("%", NUMBER, 1e-2), ("", NUMBER, 1.0),
]  # fmt: skip
units_by_hand = st.sampled_from(UNITS)
numbers = st.floats(1e-6, 1e6)


@given(numbers, units_by_hand, st.sampled_from(["", " ", "  "]))
def test_a_number_with_a_unit(number, unit, gap):
    name, kind, factor = unit
    assert float(read(f"{number!r}{gap}{name}", kind)) == pytest.approx(number * factor, rel=1e-14)
    assert float(read(f"-{number!r}{gap}{name}", kind)) == pytest.approx(-number * factor, rel=1e-14)
    assert kind_of(evaluate(f"{number!r}{gap}{name}", {})) is kind


@given(numbers, units_by_hand)
def test_what_is_written_in_a_unit_is_read_back(number, unit):
    name, kind, factor = unit
    inner = quantity(number, kind)
    assert float(to_kind(evaluate(f"{number / factor!r} {name}", {}), kind)) == pytest.approx(
        float(to_kind(inner, kind)), rel=1e-13
    )


@given(numbers, numbers, units_by_hand, units_by_hand)
def test_sums_of_one_kind_add_up_and_others_are_refused(a, b, first, second):
    (x, one, f), (y, other, g) = first, second
    text = f"{a!r} {x} + {b!r} {y}"
    if one is other:
        assert float(read(text, one)) == pytest.approx(a * f + b * g, rel=1e-12)
        return
    with pytest.raises(ExpressionError, match="combined in") as refused:
        evaluate(text, {})
    assert repr(text) in str(refused.value)


@given(numbers, units_by_hand, st.sampled_from(KINDS))
def test_another_kind_than_the_one_wanted_is_refused_with_what_was_found(number, unit, wanted):
    name, kind, _ = unit
    assume(kind is not wanted)
    with pytest.raises(
        ExpressionError,
        match=re.escape(f"a {wanted.name} is needed, such as {wanted.example}".replace("a angle", "an angle")),
    ) as refused:
        read(f"{number!r} {name}", wanted)
    found = kind.name if kind is not NUMBER else ("a value in %" if name else "a number without a unit")
    assert found in str(refused.value)


@given(numbers, numbers)
def test_units_multiply_and_divide(a, b):
    assert float(read(f"{a!r} / ({b!r} kHz)", TIME)) == pytest.approx(a / b * 1e-3, rel=1e-13)
    assert float(read(f"{a!r} ms * {b!r} Hz", NUMBER)) == pytest.approx(a * b * 1e-3, rel=1e-13)
    assert float(read(f"{a!r} rad/s * {b!r} ms", ANGLE)) == pytest.approx(a * b * 1e-3, rel=1e-13)
    assert float(read(f"sqrt({a!r} s * {b!r} s)", TIME)) == pytest.approx(math.sqrt(a * b), rel=1e-13)


@pytest.mark.parametrize("text", ["1 rad/s", "1 krad/s", "360 deg/s", "60 rpm", "2*pi rad/s"])
def test_an_angular_frequency_is_no_frequency(text):
    """A factor of 2 pi that nobody would notice."""
    with pytest.raises(ExpressionError, match=r"an angular frequency \(.*a frequency in Hz is this over 2 pi\)"):
        read(text, FREQUENCY)
    assert float(read(f"({text}) / (2*pi rad) * 1 s", NUMBER)) > 0


@pytest.mark.parametrize("text", ["90 deg + 1", "1 - 90 deg", "max(1, 90 deg)", "1 Hz + 1 rad/s", "2 pi + 1"])
def test_a_number_is_never_taken_for_an_angle(text):
    with pytest.raises(ExpressionError, match=r"combined in|directly before"):
        evaluate(text, {})


@pytest.mark.parametrize("text", ["1 sr", "1 rad**2", "1 Bq", "3 m**2", "5 kg", "1 mS"])
def test_what_is_none_of_our_kinds(text):
    value = evaluate(text, {})
    assert kind_of(value) is None
    for kind in KINDS:
        with pytest.raises(ExpressionError, match="found a value in"):
            to_kind(value, kind)


def test_degrees_celsius_are_temperatures():
    assert float(read("25 degC", TEMPERATURE)) == pytest.approx(298.15)
    with pytest.raises(ExpressionError, match="cannot be computed"):
        read("2*25 degC", TEMPERATURE)


@pytest.mark.parametrize("name", ["d", "s", "m", "T", "h", "Hz", "g"])
@pytest.mark.parametrize("text", ["{}", "(1)/{}", "2*{}", "2*(3 {0})/{0}", "sqrt({})"])
def test_a_unit_needs_a_number_before_it(text, name):
    """d is a coupling to the one who forgot to define it, and a day to a table of units."""
    if text.count("{") > 1:
        text = text.replace("{}", "{0}")
    with pytest.raises(ExpressionError, match=f"undefined name '{name}'"):
        evaluate(text.format(name), {})


def test_a_name_wins_over_a_unit_and_never_stands_behind_a_number():
    names = {"d": quantity(3.0, FREQUENCY)}
    assert float(read("2*d", FREQUENCY, names)) == 6
    assert float(read("2 s*d", NUMBER, names)) == 6
    with pytest.raises(ExpressionError, match="directly before the name 'd' in '2 d'; write a \\*"):
        evaluate("2 d", names)
    with pytest.raises(ExpressionError, match="directly before the name 'tau'"):
        evaluate("2 tau", {}, known=["tau"])
    assert units.names_in("2 d + tau*sqrt(x) - 3e2 ms/s") == {"tau", "sqrt", "x", "s"}


# --- arithmetic, against Python -----------------------------------------------------------------------------------------

FUNCTIONS = {
    name: getattr(math, name) for name in ("sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "exp", "log")
} | {"abs": abs, "min": min, "max": max}


def tree(children):
    pair = st.tuples(children, children)
    return st.one_of(
        st.tuples(pair, st.sampled_from(["+", "-", "*", "/", " - ", " / "])).map(lambda t: t[0][0] + t[1] + t[0][1]),
        children.map(lambda text: f"({text})"),
        children.map(lambda text: f"-({text})"),
        st.tuples(children, st.integers(-12, 12)).map(lambda t: f"({t[0]})**{t[1]}"),
        st.tuples(children, st.sampled_from(["**2.0", "**-1.0", "**0.5"])).map(lambda t: f"({t[0]}){t[1]}"),
    )


literals = st.one_of(st.floats(0, 1e4), st.sampled_from([0.0, 1.0, 2.0, 1e-300, 1e300])).map(repr)
expressions = st.recursive(literals, tree, max_leaves=12).filter(lambda text: len(text) <= 400)


def by_python(text):
    """Value by Python's own parser, or None where it is no finite real number."""
    try:
        value = eval(text, {"__builtins__": {}}, dict(FUNCTIONS))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None  # "..." is neither


@given(expressions)
def test_arithmetic_is_that_of_python(text):
    expected = by_python(text)
    if expected is None:
        with pytest.raises(ExpressionError):
            read(text, NUMBER)
    else:
        assert float(read(text, NUMBER)) == expected


@given(st.sampled_from(sorted(FUNCTIONS)), st.floats(-4, 4), st.floats(-4, 4))
def test_functions_are_those_of_python(name, a, b):
    text = f"{name}({a!r}, {b!r})" if name in ("min", "max") else f"{name}({a!r})"
    kind = ANGLE if name in ("asin", "acos", "atan") else NUMBER
    expected = by_python(text)
    if expected is None:
        with pytest.raises(ExpressionError):
            read(text, kind)
    else:
        assert float(read(text, kind)) == pytest.approx(expected, rel=1e-15, abs=1e-300)


def test_powers_bind_as_in_python():
    for text in (
        "2**3**2",
        "-2**2",
        "2**-1",
        "-2**-2",
        "2*-3",
        "2--3",
        "--2",
        "1/2/2",
        "1/2*2",
        "2*3**2",
        "(2**3)**2",
        "2**-(1+1)",
    ):
        assert float(read(text, NUMBER)) == eval(text)
    assert float(read("2^3", NUMBER)) == 8
    assert float(read("(3 ms) ** 2 / (1 ms)", TIME)) == pytest.approx(9e-3)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5))
def test_arrays_go_through_entry_by_entry(values):
    array = np.array(values)
    names = {"a": quantity(array, FREQUENCY), "b": quantity(2.0, FREQUENCY)}
    assert np.array_equal(read("max(a, b) - 3*a", FREQUENCY, names), np.maximum(array, 2) - 3 * array)
    assert np.array_equal(read("min(a, b)", FREQUENCY, names), np.minimum(array, 2))
    if np.any(array == 0):
        with pytest.raises(ExpressionError, match="but the time must be finite"):
            read("1/a", TIME, names)
    if np.any(array < 0):
        with pytest.raises(ExpressionError, match="the power 0\\.5 of a negative value"):
            read("sqrt(a)", FREQUENCY, names)


# --- limits -------------------------------------------------------------------------------------------------------------


def test_nesting_is_limited_on_both_sides():
    for left, right in (("(", ")"), ("abs(", ")"), ("-(", ")")):
        assert abs(float(read(left * 40 + "1" + right * 40, NUMBER))) == 1
        with pytest.raises(ExpressionError, match="more than 40 nested parentheses"):
            read(left * 41 + "1" + right * 41, NUMBER)
    assert float(read("**".join(["1"] * 41), NUMBER)) == 1
    with pytest.raises(ExpressionError, match="more than 40 nested powers"):
        read("**".join(["1"] * 42), NUMBER)


def test_length_is_limited_on_both_sides():
    assert float(read("1" + "+1" * 199 + " ", NUMBER)) == 200
    with pytest.raises(ExpressionError, match="of 401 characters; at most 400 are allowed"):
        read("1" + "+1" * 200, NUMBER)


def test_exponents_are_limited_on_both_sides():
    assert float(read("2**12", NUMBER)) == 4096
    assert float(read("2**-12", NUMBER)) == 2.0**-12
    for text, found in (
        ("2**12.1", "12.1"),
        ("2**-13", "-13"),
        ("2**1e308", "1e"),
        ("9**9**9**9", "387420489"),
        ("10**12**12", "8916100448256"),
    ):
        with pytest.raises(ExpressionError, match=f"the exponent {found}.*between -12 and 12"):
            read(text, NUMBER)
    with pytest.raises(ExpressionError, match="found a time \\(s\\) where a plain number is needed"):
        read("2**(1 s)", NUMBER)
    with pytest.raises(ExpressionError, match="one number between"):
        read("2**a", NUMBER, {"a": quantity(np.ones(2), NUMBER)})


@pytest.mark.parametrize("text", ["1e999999999", "9" * 399, "1e309 s", "1/1e400"])
def test_numbers_beyond_a_double_are_refused_and_not_rounded_to_infinity(text):
    with pytest.raises(ExpressionError, match="found the infinite number"):
        evaluate(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "1e308*10",
        "(1e200)**2",
        "-1e308*10",
        "1e308*1e308 - 1e308*1e308",
        "log(0)",
        "exp(1000)",
        "0**-1",
        "1/0",
        "acos(2)",
    ],
)
def test_results_that_are_not_finite_are_refused(text):
    for kind in (NUMBER, ANGLE):
        with pytest.raises(ExpressionError, match=r"must be finite|cannot be computed|is needed"):
            read(text, kind)


# --- nothing else -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "__import__(os)", "().__class__", "pi.real", "a[0]", "lambda: 1", "1 if 1 else 2", "1; 2", "1 == 1", "[1]", "{1}", "'1'", "1 // 2",
     "1 % 2", "1 @ 2", "1 and 1", "not 1", "x := 1", "0x10", "1_000", "1j", "1e", "1e+", "1..2", "1.5.2", "٣", "²", "½", "1²", "π", "∞", "eval(1)", "sqrt", "sqrt()",
     "sqrt(1", "sqrt 4", "sqrt(1,2)", "min(1)", "min(1,)", "(1,2)", "1,5", "()", "", " ", "\n", "*", "1*", "*1", "1**", "1 1", "1 s 2", "(1)(2)", "pi pi", "True", "None",
     "coupling", "__debug__", "nan", "NaN", "inf", "-Infinity", "\x00", "1\x002", "1 \u2212 2", "1 s\u200b"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(ExpressionError) as refused:
        to_kind(evaluate(text, {}), NUMBER)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=30))
def test_any_text_is_a_finite_value_or_refused(text):
    try:
        value = evaluate(text, {})
    except ExpressionError:
        return
    assert re.search("[0-9]", text)
    assert kind_of(value) is None or np.isfinite(value.magnitude)


@given(st.text(st.sampled_from("0123456789.e+-*/()^, spimHzkradsqrt_°%²x"), max_size=25))
def test_texts_that_are_nearly_arithmetic(text):
    """Either refused, or Python agrees that it is arithmetic; and always at once."""
    began = time.process_time()
    try:
        value = float(read(text, NUMBER))
    except ExpressionError:
        assert time.process_time() - began < 1
        return
    if re.fullmatch(r"[0-9.e+\-*/() ]*", text):
        assert by_python(re.sub(r"\b0+(?=[0-9])", "", text)) == value


@given(st.text(st.sampled_from("0123456789.+-*/() "), max_size=12))
def test_what_python_takes_as_arithmetic_is_taken_here(text):
    """The grammar has no holes: the other direction of the test above."""
    try:
        compile(text.strip(), "text", "eval")
    except (SyntaxError, ValueError, OverflowError):
        return
    if (
        "//" in text or "()" in text.replace(" ", "") or re.search(r"[0-9.)]\s*\(", text)
    ):  # whole division, tuples, calls
        return
    expected = by_python(text.strip())
    if expected is not None and "**" not in text:
        assert float(read(text, NUMBER)) == pytest.approx(expected, rel=1e-12)
