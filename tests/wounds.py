"""Library files with random wounds, for tests that no text may break."""

import re

from command_line import ROOT

NASTY = (
    '""', '"-1 ms"', '"nan"', '"inf"', '"1e400 s"', '"5 kg"', '"°"', '"²"', "'''", '"""', "[]", "{}", "[[]]", "nan", "-inf", "0x_", "1e999", "true",
    '"tau"', '"charge"', '"coupling"', '"1/0"', '"2**99"', '"sqrt(-1)"', '"x"', "1979-05-27", '"\\u0000"', '"a\\nb"', '"../.."', '"/"', "{ a = 1 }", '[["1 s"]]',
)  # fmt: skip


def mutated(text, rng):
    """The text with up to three random wounds."""
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(8)
        at = rng.randrange(len(text) + 1)
        lines = text.split("\n")
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        values = list(re.finditer(r'"[^"\n]*"|\b[0-9.]+\b|true', text))
        if kind == 0:
            text = text[:at] + text[at + rng.randint(1, 4) :]
        elif kind == 1:
            text = text[:at] + rng.choice("\"'[]{}=.,#\\\n\t 0-ex²°%\x00\u2028") + text[at:]
        elif kind == 2:
            lines[i], lines[j] = lines[j], lines[i]
            text = "\n".join(lines)
        elif kind == 3:
            text = "\n".join([*lines[:i], lines[j], *lines[i:]])
        elif kind == 4:
            text = "\n".join([*lines[:i], *lines[i + 1 :]])
        elif kind == 5 and rng.random() < 0.3:
            text = text[:at]
        elif values:
            found = rng.choice(values)
            text = text[: found.start()] + rng.choice(NASTY) + text[found.end() :]
    return text


LIBRARY = sorted([*ROOT.glob("samples/*.toml"), *ROOT.glob("sequences/*.toml"), *ROOT.glob("experiments/*.toml")])
