"""Samples that are stars: one spin coupled alike to all others, which are of one other isotope."""

from __future__ import annotations

from nmrqb.battery.star import StarBattery
from nmrqb.errors import ArgumentError
from nmrqb.nmr.couplings import Pair


def star_battery(spins: tuple[str, ...], scalar: tuple[Pair, ...], dipolar: tuple[Pair, ...]) -> StarBattery:
    """The star battery of these spins; see `Sample.star`."""
    return StarBattery(len(spins) - 1, _coupling(spins, scalar, dipolar))


def _coupling(spins: tuple[str, ...], scalar: tuple[Pair, ...], dipolar: tuple[Pair, ...]) -> float:
    """J of the centre to every other spin."""
    if dipolar:
        raise _no_star(f"one with {len(dipolar)} dipolar couplings")
    alone = [k for k, isotope in enumerate(spins) if spins.count(isotope) == 1]
    if not alone or len(set(spins)) != 2:
        raise _no_star(f"{len(spins)} spins ({', '.join(dict.fromkeys(spins))})")
    centre = alone[0]
    arms = {i + j - centre: value for i, j, value in scalar if centre in (i, j)}
    if len(arms) < len(spins) - 1 or len(set(arms.values())) != 1:
        raise _no_star(
            f"one whose {spins[centre]} has the couplings {sorted(arms.values())} Hz to {len(spins) - 1} spins"
        )
    return next(iter(arms.values()))


def _no_star(found: str) -> ArgumentError:
    allowed = "be a star, one spin of one isotope with equal J to all the others, which are of one other isotope"
    return ArgumentError("sample", found, allowed)
