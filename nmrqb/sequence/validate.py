"""Everything wrong with a sequence that shows without a sample, told all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nmrqb import files, units
from nmrqb.errors import InputError, Problem
from nmrqb.sequence.events import Acquire, Block, Lock, Observe, Pulse, Together, walk
from nmrqb.sequence.parameters import PHASES, DependencyError, Scope, check_name, is_phase
from nmrqb.sequence.readers import step_values
from nmrqb.sequence.sequence import SAMPLE_NAMES, Sequence, mark_name
from nmrqb.sequence.shapes import KINDS, MIN_AREA
from nmrqb.toml_lines import Key
from nmrqb.units import ExpressionError

#: Sequences being read, outermost first: a block that leads back to one of them would never end.
#: Points of all lists of a file and its phase cycle together, which are axes of their own; and how many axes there are.
MAX_POINTS_OF_LISTS, MAX_LISTS = 2**14, 8
#: Steps of one file, inner ones counted too, and characters of arithmetic in it: reading, scheduling and checking either
#: takes about a second.
MAX_STEPS, MAX_CHARACTERS = 2000, 150_000

_OPEN: ContextVar[tuple[str, ...]] = ContextVar("open sequences", default=())


def problems(sequence: Sequence) -> tuple[Problem, ...]:
    """Names, kinds, phase cycles, shapes, blocks, marks, and the signs of what does not depend on a sample."""
    found = _size(sequence) or _cycle(sequence) + _parameters(sequence)
    if found:
        return tuple(found)
    leans = leaning(sequence)
    provisional = sequence.provisional_scope()
    scope = replace(provisional, final=True)
    for key, step in walk(sequence.steps):
        for part, (text, read) in step_values(step).items():
            use = provisional if units.names_in(text) & leans else scope
            found += _try(sequence, (*key, part), partial(read, use, text))
        found += _step(sequence, key, step)
        if len(found) >= files.MAX_PROBLEMS:
            return (*found, sequence.problem(("steps",), "there may be more problems in the steps that follow"))
    return tuple(found + _marks(sequence))


def block_sequence(name: str) -> Sequence:
    """The sequence that a block names, read anew only where its file has changed. Raises InputError."""
    if name in _OPEN.get():
        circle = " -> ".join([*_OPEN.get(), name])
        raise InputError((Problem(f"found blocks that hold each other in a circle: {circle}"),))
    token = _OPEN.set((*_OPEN.get(), name))
    try:
        path = files.find("sequence", name, files.library("sequences"))
        state = path.stat()
        return _loaded(path, name, state.st_mtime_ns, state.st_size)
    finally:
        _OPEN.reset(token)


@lru_cache(maxsize=64)
def _loaded(path: Path, name: str, _changed: int, _size: int) -> Sequence:
    return Sequence.parse(files.load_document(path, name), path.stem, path.parent)


def block_scope(step: Block, inner: Sequence, outer: Scope) -> Scope:
    """The scope of a block's own parameters, those in `with` computed where the block stands. Raises ExpressionError."""
    bound: dict[str, Any] = {}
    for name, text in step.with_.items():
        if is_phase(inner.parameters[name]):
            bound[name] = units.quantity(outer.phase(text), units.ANGLE)
        else:
            kind = units.kind_of(inner.provisional_scope().parameter(name))
            assert kind is not None
            bound[name] = units.quantity(outer.value(text, kind), kind)
    # of a list or phase cycle a block takes the first step: axes belong to the sequence that is run
    first = {name: text if isinstance(text, str) else text[0] for name, text in inner.parameters.items()}
    first |= {name: texts[0] for name, texts in inner.cycle.items() if name in first}
    plain = replace(inner, parameters=first, bound={}, cycle={})
    return replace(plain.scope(outer.sample), bound=bound, final=outer.final)


def _size(sequence: Sequence) -> list[Problem]:
    """Lists or steps that would take more memory or time than a file may ask for."""
    found = []
    cycle = max((len(values) for values in sequence.cycle.values()), default=1)
    lists = [len(v) for n, v in sequence.parameters.items() if not isinstance(v, str) and n not in sequence.bound]
    if len(lists) > MAX_LISTS:
        allowed = f"at most {MAX_LISTS}, for each is an axis of its own"
        found.append(sequence.problem(("parameters",), f"found {len(lists)} lists", allowed))
    elif (points := math.prod(lists) * cycle) > MAX_POINTS_OF_LISTS:
        message = f"found lists and a phase cycle of {points} points together"
        found.append(sequence.problem(("parameters",), message, f"at most {MAX_POINTS_OF_LISTS}, for they multiply"))
    steps = sum(1 for _ in islice(walk(sequence.steps), MAX_STEPS + 1))
    if steps > MAX_STEPS:
        message = f"found more than {MAX_STEPS} steps, inner ones counted"
        found.append(sequence.problem(("steps",), message, "a repeat goes through its steps many times"))
    elif (characters := sum(map(len, _texts(sequence)))) > MAX_CHARACTERS:
        message = f"found {characters} characters of values in steps, parameters and lists"
        found.append(sequence.problem(("steps",), message, f"at most {MAX_CHARACTERS}"))
    return found


def _texts(sequence: Sequence) -> Iterator[str]:
    """Every text of a sequence that is read as a value."""
    for _, step in walk(sequence.steps):
        yield from (text for text, _ in step_values(step).values())
        yield from step.with_.values() if isinstance(step, Block) else ()
    for values in (*sequence.parameters.values(), *sequence.cycle.values()):
        yield from (values,) if isinstance(values, str) else values


def _cycle(sequence: Sequence) -> list[Problem]:
    found = []
    lengths = {name: len(values) for name, values in sequence.cycle.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        found.append(sequence.problem(("cycle",), f"found lists of different length: {told}", "all are equally long"))
    for name in sequence.cycle:
        if name != "receiver" and name not in sequence.parameters:
            allowed = files.nearest(name, [*sequence.parameters, "receiver"])
            found.append(sequence.problem(("cycle", name), f"there is no parameter {name!r}", allowed))
    for index, text in enumerate(sequence.cycle.get("receiver", ())):
        if text.strip() not in PHASES:
            found.append(
                sequence.problem(("cycle", "receiver", index), f"found {text!r}", "a receiver phase is x, y, -x or -y")
            )
    return found


def _parameters(sequence: Sequence) -> list[Problem]:
    # stand-ins of the right kind: what depends on a sample has its sign and size checked when one is there
    scope = replace(sequence.provisional_scope(), final=True)
    defaults = replace(sequence, bound={}).provisional_scope()
    leans = leaning(sequence)
    found = []
    for name in sequence.parameters:
        key: Key = ("cycle", name) if name in sequence.cycle else ("parameters", name)
        found += _try(sequence, key, partial(_parameter, name, scope, defaults, sequence, name in leans))
        if len(found) >= files.MAX_PROBLEMS:
            return [*found, sequence.problem(("parameters",), "there may be more problems in what follows")]
    return found


def _parameter(name: str, scope: Scope, defaults: Scope, sequence: Sequence, leaning: bool) -> None:
    check_name(name)
    if name in scope.sample or name == "receiver":
        raise ExpressionError(f"found the parameter name {name!r}, which stands for something else here")
    value = scope.parameter(name)
    if not np.all(np.isfinite(value.magnitude)) and not leaning:
        raise ExpressionError(f"found {value:~} for parameter {name!r}, but it must be finite")
    if name in sequence.bound:
        kind = units.kind_of(defaults.parameter(name))
        if kind is not None:
            units.check_kind(value, kind)


def leaning(sequence: Sequence) -> frozenset[str]:
    """The sample's names, and the parameters whose values lean on them."""
    uses: dict[str, set[str]] = {}
    for name, default in sequence.parameters.items():
        given: Any = sequence.bound.get(name, sequence.cycle.get(name, default))
        texts = (given,) if isinstance(given, str) else given if isinstance(given, tuple) else ()
        uses[name] = {used for text in texts for used in units.names_in(text)}
    found, grown = set(SAMPLE_NAMES), True
    while grown:
        more = {name for name, used in uses.items() if name not in found and used & found}
        found, grown = found | more, bool(more)
    return frozenset(found)


def _step(sequence: Sequence, key: Key, step: Any) -> list[Problem]:
    """What hangs together inside one step."""
    if isinstance(step, (Pulse, Lock)):
        return _pulse(sequence, key, step)
    if isinstance(step, Together):
        channels = [name for part in step.together for name in part.on or ()]
        if any(part.on is None for part in step.together) or len(set(channels)) < len(channels):
            return [
                sequence.problem((*key, "together"), "found pulses that share a channel", "each has its own: on = ...")
            ]
    if isinstance(step, Block):
        return _block(sequence, key, step)
    return []


def _pulse(sequence: Sequence, key: Key, step: Pulse | Lock) -> list[Problem]:
    found = []
    if isinstance(step, Pulse) and step.duration is not None and step.rf is not None:
        allowed = "one of the two is enough: each gives the other"
        found.append(sequence.problem((*key, "rf"), "found a duration and an rf", allowed))
    if step.shape is None:
        return found
    try:
        shape = sequence.shape(step.shape)
    except KeyError:
        allowed = files.nearest(step.shape, [*KINDS, *sequence.shapes])
        return [*found, sequence.problem((*key, "shape"), f"no shape is called {step.shape!r}", allowed)]
    if isinstance(step, Pulse) and shape.is_adiabatic:
        allowed = "it is given by its amplitude: lock = ... and duration = ..."
        found.append(sequence.problem((*key, "shape"), f"found the shape {step.shape!r} with a flip angle", allowed))
    elif isinstance(step, Pulse) and shape.mean() < MIN_AREA:
        allowed = "one with an area, or lock = ... and duration = ..."
        found.append(
            sequence.problem((*key, "shape"), f"found the shape {step.shape!r}, which flips by nothing", allowed)
        )
    elif isinstance(step, Pulse) and step.duration is None and step.rf is None:
        found.append(
            sequence.problem((*key, "shape"), "found a shaped pulse without a length", "a duration, or its peak rf")
        )
    return found


def _block(sequence: Sequence, key: Key, step: Block) -> list[Problem]:
    try:
        inner = block_sequence(step.block)
    except InputError as error:
        told = str(error.problems[0])
        return [sequence.problem((*key, "block"), told)]
    found = []
    for name in step.with_:
        if name not in inner.parameters:
            allowed = files.nearest(name, inner.parameters)
            message = f"the sequence {inner.name!r} has no parameter {name!r}"
            found.append(sequence.problem((*key, "with", name), message, allowed))
    if not found:
        found += _try(sequence, (*key, "with"), partial(block_scope, step, inner, sequence.provisional_scope()))
    return found


def _marks(sequence: Sequence) -> list[Problem]:
    found, seen = [], set()
    for key, step in walk(sequence.steps):
        if not isinstance(step, (Observe, Acquire)):
            continue
        name, kind = mark_name(step), "observe" if isinstance(step, Observe) else "acquire"
        if len(key) > 2:
            found.append(sequence.problem((*key, kind), f"found {name!r} inside a repeat", "points stand outside"))
        if name in seen:
            found.append(sequence.problem((*key, kind), f"found {name!r} twice", "a name of its own for each point"))
        seen.add(name)
    if not seen:
        found.append(sequence.problem(("steps",), "nothing is observed", 'a step such as { observe = "charged" }'))
    return found


def _try(sequence: Sequence, key: Key, read: Callable[[], Any]) -> list[Problem]:
    try:
        read()
    except DependencyError:
        return []
    except ExpressionError as error:
        return [sequence.problem(key, str(error))]
    return []
