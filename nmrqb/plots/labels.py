"""What is written beside the events of a diagram: expressions, flip angles and phases as mathematics, and their widths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from nmrqb.sequence import Lock, Pulse
from nmrqb.sequence.parameters import PHASES

_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi"),
    *("rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Delta", "Theta", "Phi", "Omega"),
)
_UNITS = {"deg": r"^\circ", "degree": r"^\circ", "us": r"\,\mathrm{µs}"}
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([^\W\d]\w*)|(\*\*|[-+*/(),^]))")
_INDEXED = re.compile(rf"({'|'.join(_GREEK)}|[A-Za-z])(?:_(\w+)|(\d+))?")
#: Characters of an expression beyond which only its beginning is written.
_LONGEST = 40


@dataclass(frozen=True)
class Names:
    """What the names of one sequence stand for in labels. given: text of each parameter; cycled: those of a phase cycle."""

    given: Mapping[str, str] = field(default_factory=dict)
    cycled: frozenset[str] = frozenset()
    inlined: bool = False  # a block's own names mean nothing outside it

    def resolved(self, text: str) -> str:
        """The text, or what it stands for where that says more: a phase such as "y", or a name given to a block."""
        name = text.strip()
        held = self.given.get(name, name).strip()
        return held if name not in self.cycled and (held in PHASES or self.inlined) else name


def symbol(name: str) -> str:
    """A name as mathematics, without dollars: tau_1 has its index, a word stands upright."""
    if found := _INDEXED.fullmatch(name):
        letter, index = found[1], found[2] or found[3]
        return (rf"\{letter}" if letter in _GREEK else letter) + (rf"_{{{_upright(index)}}}" if index else "")
    head, _, index = name.partition("_")
    return _upright(head) + (rf"_{{{_upright(index)}}}" if index else "")


def formula(text: str) -> str | None:
    """An expression as mathematics, without dollars, or None where it holds what mathematics does not."""
    parts: list[str] = []
    closing: list[str] = []
    at, before, text = 0, "", text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        number, name, sign = token.groups()
        if number:
            parts.append((r"\,\cdot\," if before == "*" else "") + number)
        elif name:
            parts.append(_name(name, before, text[token.end() :]))
        elif sign == "(":
            opening, end = {"abs": ("|", "|"), "sqrt": (r"\sqrt{", "}")}.get(before, ("(", ")"))
            parts.append(opening)
            closing.append(end)
        elif sign == ")":
            parts.append(closing.pop() if closing else ")")
        elif sign in ("**", "^"):
            parts.append("^")
        elif sign == "*":
            parts.append("" if re.match(r"\s*[\d.]", text[token.end() :]) else r"\,")
        else:
            parts.append(sign)
        before, at = "0" if number else name or sign, token.end()
    body = "".join(parts)
    return None if closing or not _settable(body) else body


def expression(text: str) -> str:
    """An expression as text that matplotlib sets, as mathematics where it can be."""
    if len(text) > _LONGEST:
        return plain(text[:_LONGEST].rstrip() + " …")
    body = formula(text)
    return plain(text) if body is None else f"${body}$"


def plain(text: str) -> str:
    """The text itself: matplotlib takes no dollar in it for mathematics."""
    return text.replace("$", r"\$")


def flip_label(step: Pulse, names: Names) -> str:
    """Flip angle with the phase as its index."""
    return _with_phase(names.resolved(step.pulse), step.phase, names)


def lock_label(step: Lock, names: Names) -> str:
    """Amplitude with the phase as its index, and duration."""
    return f"{_with_phase(names.resolved(step.lock), step.phase, names)}, {expression(names.resolved(step.duration))}"


def length_label(step: Pulse, names: Names) -> str:
    """Duration or nutation frequency of a pulse that names one, else nothing."""
    text = step.duration or step.rf
    return expression(names.resolved(text)) if text else ""


def isotope(name: str) -> str:
    """1H with its mass number raised; any other name as it is."""
    found = re.fullmatch(r"(\d+)([A-Z][a-z]?)", name)
    return rf"$^{{{found[1]}}}${found[2]}" if found else plain(name)


def listed(values: Iterable[str], most: int = 16, noun: str = "steps") -> str:
    """Values of a phase cycle or a list, with commas; of a long one the beginning and their number."""
    texts = list(values)
    shown = ", ".join(_minus(expression(text)) for text in texts[:most])
    return shown if len(texts) <= most else f"{shown}, … ({len(texts)} {noun})"


def font(size: float, style: Literal["normal", "italic"] = "normal") -> FontProperties:
    """The font of diagrams, whatever the user's settings are: widths are measured in it."""
    return FontProperties(family="DejaVu Sans", size=size, style=style, math_fontfamily="dejavusans")


@lru_cache(maxsize=4096)
def width(text: str, size: float) -> float:
    """Width of a text in inches, of its longest line."""
    return max(_line_width(line, size) for line in text.split("\n"))


def _line_width(line: str, size: float) -> float:
    mathematics = "$" in line.replace(r"\$", "")
    shown = line if mathematics else line.replace(r"\$", "$")
    return float(text_to_path.get_text_width_height_descent(shown, font(size), mathematics)[0]) / 72 if shown else 0.0


def _settable(body: str) -> bool:
    """Whether matplotlib takes it, which knows no power of a power."""
    try:
        return width(f"${body}$", 10) >= 0
    except ValueError:
        return False


def _with_phase(text: str, phase: str, names: Names) -> str:
    index = _phase(phase, names)
    body = formula(text) if len(text) <= _LONGEST else None
    if body is None:
        return f"{expression(text)}$_{{{index}}}$"
    # what has a sign or an index of its own is kept apart from the phase
    return f"$({body})_{{{index}}}$" if re.search(r"[-+/_]", body) else f"${body}_{{{index}}}$"


def _minus(text: str) -> str:
    return text.replace("$-", "$-\\,") if text.startswith("$-") else text


def _phase(text: str, names: Names) -> str:
    phase = names.resolved(text)
    body = formula(phase) if len(phase) <= _LONGEST else None
    return _upright("phase") if body is None else body


def _name(name: str, before: str, rest: str) -> str:
    if before == "0":
        return _UNITS.get(name, rf"\,{_upright(name)}")
    if name in ("abs", "sqrt") and rest.lstrip().startswith("("):
        return ""
    return symbol(name)


def _upright(text: str) -> str:
    return rf"\mathrm{{{text.replace('_', chr(92) + ' ')}}}"
