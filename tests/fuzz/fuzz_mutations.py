"""Random wounds of text files: bytes, lines, numbers, units, keys, nesting, size, letters. Bytes in, bytes out."""

import random
import re

NUMBERS = (
    "nan", "inf", "-inf", "+nan", "1e400", "-1e400", "1e308", "1e-400", "5e-324", "-0", "-0.0", "0", "-1", "9**9**9", "2**0.5", "1e15", "1e-15", "1e9", "1e10", "3",
    "7" * 30, "1" * 400, "0x10", "0b1", "1_000", "1__0", "1e", "1.", ".5", "٣", "1/0", "0/0", "1e5", "10000", "10001", "32768", "32769", "1000000", "262144", "true", "1j",
)  # fmt: skip
UNITS = (
    "s", "ms", "us", "ns", "min", "Hz", "kHz", "GHz", "THz", "deg", "rad", "°", "%", "T", "K", "degC", "kg", "m", "d", "h", "s^-1", "/s", "s**2", "Hz^0.5", "rad/s", "Khz", "",
    "furlong", "degF", "dB", "bit", "mol", "e", "pi", "x", "ms ms", "s^13",
)  # fmt: skip
TEXTS = (
    '"1 ms"', '"90 deg"', '"1 kHz"', '"x"', '"-y"', '"tau"', '"coupling"', '"1/coupling"', '"T2"', '"J"', '"rf_limit*2"', '"pulse_90"', '"gaussian"', '"sech"', '"soft"',
    '"hermite"', '"1H"', '"13C"', '["1H", "13C"]', '["1H", "1H"]', '"carbon"', '""', '" "', '"((((1 s))))"', '"-(-(-(1 s)))"', '"sqrt(4 s^2)"', '"1 s - 1 s"', '"1e200 s*1e200"',
    '"min(1 s, 1 deg)"', '"tau**tau"', '"acos(2)*1 s/rad"', '"exp(1000)*1 s"', "[]", "{}", "{ a = 1 }", "[[[]]]", "true", "false", "0", "1.5", "1979-05-27", '"\\u0000"', '"\\n"',
    '["1 us", "2 us"]', '["x", "y"]', '["1 us", "2 deg"]', '"/dev/zero"', '"../../etc/passwd"', '"' + "1+" * 100 + '1"', '"' + "(" * 60 + "1" + ")" * 60 + '"', '"sin(1)*90 deg"',
)  # fmt: skip
LETTERS = "\x00\x01\x07\x1b\x7f\x85\u00a0\u200b\u202e\u2028\u2029\ufeff\ufffd\U0001f600é²½٣µΩ“”’\t\r\n\"'[]{}=,.#\\"
STEPS = (
    '{ repeat = 10000, steps = [{ repeat = 10000, steps = [{ delay = "1 us" }] }] }', '{ repeat = 500, steps = [{ pulse = "90 deg" }, { delay = "1 us" }, { crush = true }] }',
    '{ lock = "1 kHz", duration = "0 s" }', '{ pulse = "0 deg" }', '{ pulse = "-90 deg", duration = "10 us" }', '{ block = "broekaert-jeener-charge" }', '{ block = "spin-echo" }',
    '{ pulse = "90 deg", shape = "gaussian", duration = "1 ms" }', '{ delay = "0 s" }', '{ acquire = "extra" }', '{ observe = "extra" }', '{ delay = "1e9 s" }',
    '{ together = [{ pulse = "90 deg", on = "1H" }, { lock = "1 kHz", duration = "1 ms", on = "13C" }] }', '{ pulse = "90 deg", shape = "sech", duration = "1 ms" }',
)  # fmt: skip


def _bytes(data, rng, _pool):
    at = rng.randrange(len(data) + 1)
    return [
        lambda: data[:at] + data[at + rng.randint(1, 8) :],
        lambda: data[:at] + bytes([rng.randrange(256)]) + data[at:],
        lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :],
        lambda: data[:at] if rng.random() < 0.2 else data[:at] + data[at : at + 20] + data[at:],
    ][rng.randrange(4)]()


def _lines(data, rng, pool):
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 1:
        lines.insert(i, lines[j])
    elif kind == 2:
        del lines[i]
    else:
        lines.insert(i, rng.choice(rng.choice(pool).split(b"\n")))
    return b"\n".join(lines)


def _at(pattern, data, rng, new):
    """The text with one match of a pattern replaced by what `new` makes of it."""
    text = data.decode("utf-8", "surrogateescape")
    found = list(re.finditer(pattern, text))
    if found:
        match = rng.choice(found)
        text = text[: match.start()] + new(match.group()) + text[match.end() :]
    return text.encode("utf-8", "surrogateescape")


def _numbers(data, rng, _pool):
    return _at(r"(?<![\w.])[0-9][0-9.]*(?:e-?[0-9]+)?", data, rng, lambda _: rng.choice(NUMBERS))


def _units(data, rng, _pool):
    return _at(r"(?<=[0-9] )[a-zA-Z]+(?=[^\w])", data, rng, lambda _: rng.choice(UNITS))


def _values(data, rng, _pool):
    return _at(r'"[^"\n]*"|\b[0-9.]+\b|true|false', data, rng, lambda _: rng.choice(TEXTS))


def _misspelt(data, rng, _pool):
    def changed(word):
        k = rng.randrange(len(word))
        return rng.choice(
            [
                word[:k] + word[k + 1 :],
                word[:k] + word[k] + word[k:],
                word.upper(),
                word[::-1],
                word + "s",
                word[:k] + "_" + word[k + 1 :],
            ]
        )

    return _at(r"[A-Za-z_0-9]+(?=\s*=)", data, rng, changed)


def _nested(data, rng, _pool):
    depth = rng.choice([1, 2, 3, 5, 14, 15, 16, 17, 40, 300, 3000])
    left, right = rng.choice([("[", "]"), ("{ a = ", " }"), ("{ repeat = 2, steps = [", "] }"), ('"(', ')"')])
    return _at(r'"[^"\n]*"|\{[^{}\n]*\}|\b[0-9.]+\b', data, rng, lambda value: left * depth + value + right * depth)


def _many(data, rng, _pool):
    count = rng.choices([2, 3, 10, 70, 300, 1500], [6, 6, 6, 6, 4, 1])[0]
    if rng.random() < 0.5:
        return _at(r"\{[^{}\n]*\},", data, rng, lambda value: value * count)
    return _at(r'"[^"\n]*"', data, rng, lambda value: "[" + ", ".join([value] * count) + "]")


def _letters(data, rng, _pool):
    text = data.decode("utf-8", "surrogateescape")
    at = rng.randrange(len(text) + 1)
    new = "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 4)))
    return (text[:at] + new + text[at:]).encode("utf-8", "surrogateescape")


def _steps(data, rng, _pool):
    return _at(
        r"\{[^{}\n]*\},",
        data,
        rng,
        lambda value: rng.choice(
            [f"{value} {rng.choice(STEPS)},", f"{{ repeat = {rng.choice([1, 2, 100, 10000])}, steps = [{value}] }},"]
        ),
    )


WOUNDS = (
    _bytes,
    _bytes,
    _lines,
    _lines,
    _numbers,
    _numbers,
    _units,
    _values,
    _values,
    _misspelt,
    _nested,
    _many,
    _letters,
    _steps,
)


def mutated(data: bytes, rng: random.Random, pool: list[bytes]) -> bytes:
    """A file with one to three wounds; lines of others of the pool may get into it."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        data = rng.choice(WOUNDS)(data, rng, pool)
    return data
