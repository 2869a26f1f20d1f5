"""Rounds that follow each other, folded into loops: a pulse program writes them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Loop(Generic[T]):
    """Items that are gone through a number of times."""

    times: int
    items: tuple[T | Loop[T], ...]


def folded(items: Sequence[T], key: Callable[[T], Hashable]) -> tuple[T | Loop[T], ...]:
    """The items with every run of three or more equal rounds as a Loop; the longest round that repeats is taken first.

    Rounds are equal where the keys of their items are. Derived here; quadratic in the number of items at worst.
    """
    keys = [key(item) for item in items]
    made: list[T | Loop[T]] = []
    start = 0
    while start < len(items):
        period, times = _rounds(keys, start)
        if times >= 3:
            made.append(Loop(times, folded(items[start : start + period], key)))
            start += period * times
        else:
            made.append(items[start])
            start += 1
    return tuple(made)


def opened(items: Sequence[T | Loop[T]]) -> tuple[T | Loop[T], ...]:
    """Items that begin with no loop: the first round of one is written out, so that a label is free for what comes first."""
    first = items[0]
    if not isinstance(first, Loop):
        return tuple(items)
    return (*opened(first.items), Loop(first.times - 1, first.items), *items[1:])


def _rounds(keys: Sequence[Hashable], start: int) -> tuple[int, int]:
    """Length and number of the rounds that begin at `start` and cover the most items."""
    best = (1, 1)
    where = [k for k in range(start + 1, len(keys)) if keys[k] == keys[start]]
    for position in where:
        period = position - start
        if start + 3 * period > len(keys):
            break
        times = 1
        while keys[start + times * period : start + (times + 1) * period] == keys[start : start + period]:
            times += 1
        if times >= 3 and period * times > best[0] * best[1]:
            best = (period, times)
    return best
